// @ts-check

// open: what it costs an app to begin, in a new process each time.

const { execFile } = require('child_process');
const path = require('path');
const { promisify } = require('util');
const { worker } = require('../lib/bench');
const { documentId } = require('../lib/documents');
const { inMib, median } = require('../lib/stats');

const run = promisify(execFile);

/** Documents in the database that is opened. */
const FEW = 100;
/** Each process is short, so there are more of them than rounds. */
const RUNS_PER_ROUND = 3;

/**
 * @param {string[]} args
 * @returns {Promise<{ loaded: number, opened: number, read: number, memory: number }>} milliseconds since the start, bytes
 */
async function open(args, home = '') {
  const env = { ...process.env, SETTEE_HOME: home, SETTEE_KEY_STORE: 'file' };
  const { stdout } = await run(
    process.execPath,
    [path.join(__dirname, '../workers/open.js'), ...args],
    { timeout: 120_000, env },
  );
  return JSON.parse(stdout);
}

/**
 * @param {import('../lib/bench').Settings} settings
 * @param {string} subject
 * @param {string} folder
 * @param {number} count
 */
async function prepare(settings, subject, folder, count) {
  const running = worker('store.js', subject, [subject], settings);
  try {
    await running.call('prepare', { folder, count });
  } finally {
    await running.stop();
  }
}

/** @type {Record<string, { about: string, run: (settings: import('../lib/bench').Settings, findings: import('../lib/bench').Findings) => Promise<void> }>} */
module.exports = {
  open: {
    about: `load the package, open a database of ${FEW} documents, read one; resident memory over that of bare Node`,
    async run(settings, findings) {
      const home = path.join(settings.folder, 'home');
      // RxDB has only its memory storage here, and so no database to open.
      const subjects = settings.subjects.filter((subject) => subject !== 'rxdb');
      /** @type {string[]} */
      const ready = [];
      for (const subject of subjects) {
        try {
          await prepare(settings, subject, path.join(settings.folder, `open-${subject}`), FEW);
          ready.push(subject);
        } catch (error) {
          findings.skip('open', subject, error);
        }
      }
      for (let i = 0; i < settings.rounds * RUNS_PER_ROUND; i++) {
        const bare = await open([], home);
        for (const subject of ready) {
          const result = await open(
            [subject, path.join(settings.folder, `open-${subject}`), documentId(FEW >> 1)],
            home,
          );
          findings.add('open time', subject, result.read, { unit: 'ms', higherIsBetter: false });
          findings.add('open memory', subject, inMib(result.memory - bare.memory), {
            unit: 'MiB',
            higherIsBetter: false,
          });
        }
      }
      const memory = findings.find('open memory', 'settee');
      findings.check('open', 'over bare Node', memory && median(memory.values), {
        atMost: 40,
        unit: 'MiB',
      });
    },
  },
  'open-large': {
    about: 'open a database of many documents, beside an empty one',
    async run(settings, findings) {
      const home = path.join(settings.folder, 'home');
      const count = settings.large || settings.docs;
      const empty = path.join(settings.folder, 'open-empty');
      const large = path.join(settings.folder, 'open-large');
      await prepare(settings, 'settee', empty, 0);
      await prepare(settings, 'settee', large, count);
      const bench = `open ${count} documents`;
      for (let i = 0; i < settings.rounds * RUNS_PER_ROUND; i++) {
        for (const [name, folder] of [
          ['open an empty database', empty],
          [bench, large],
        ]) {
          const result = await open(['settee', folder, ''], home);
          findings.add(name, 'settee', result.opened - result.loaded, {
            unit: 'ms',
            higherIsBetter: false,
          });
        }
      }
      const [ofEmpty, ofLarge] = ['open an empty database', bench].map((name) =>
        median(findings.find(name, 'settee')?.values || []),
      );
      findings.check(
        'open-large',
        `more than an empty one, with ${count} documents`,
        ofLarge - ofEmpty,
        { atMost: 30, unit: 'ms' },
      );
    },
  },
};
