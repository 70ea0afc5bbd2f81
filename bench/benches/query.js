// @ts-check

// query: the same questions in SQL++ and in hand-written SQL over JSONB, with the same indexes, beside pouchdb-find and RxDB.

const { worker } = require('../lib/bench');
const { QUERIES } = require('../lib/queries');
const { inMib, median } = require('../lib/stats');

/** @typedef {import('../lib/bench').Settings} Settings */
/** @typedef {import('../lib/bench').Findings} Findings */

const FLOOR = 'better-sqlite3';

/** Queries in a measurement of compiling. */
const COMPILED = 200;

/** Most that a query may take of the time of hand-written SQL. */
const RATIO = 1.5;

/** Those that answer queries. */
const SUBJECTS = ['settee', FLOOR, 'pouchdb', 'rxdb'];

/** The most that a subject is asked in a round, so that a run does not take many minutes. @type {Record<string, number>} */
const MOST = { pouchdb: 20, rxdb: 1000 };

/**
 * Turns that the subjects take within a round: how fast a machine is changes within seconds. They are long enough, about 100 ms
 * where a query is quick, for the processor's caches to hold what a query needs for most of each.
 */
const TURNS = 4;

/**
 * @param {Settings} settings
 * @param {Findings} findings
 */
async function runQueries(settings, findings) {
  /** @type {Map<string, ReturnType<typeof worker>>} */
  const workers = new Map();
  try {
    for (const subject of settings.subjects.filter((one) => SUBJECTS.includes(one))) {
      const running = worker('query.js', subject, [subject], settings);
      try {
        await running.call('fill', { folder: settings.folder, count: settings.large || settings.docs });
        workers.set(subject, running);
      } catch (error) {
        findings.skip('query', subject, error);
        await running.stop();
      }
    }
    for (const [name, { repeat }] of Object.entries(QUERIES)) {
      await runOne(settings, findings, workers, name, repeat);
    }
    const settee = workers.get('settee');
    if (settee) {
      await runAlone(settings, findings, settee);
      await settee.call('close');
      await measureLarge(settings, findings);
    }
  } finally {
    await Promise.all([...workers.values()].map((running) => running.stop()));
  }
}

/**
 * @param {Settings} settings
 * @param {Findings} findings
 * @param {Map<string, ReturnType<typeof worker>>} workers
 * @param {string} name
 * @param {number} repeat
 */
async function runOne(settings, findings, workers, name, repeat) {
  const bench = `query: ${name}`;
  /** @type {Map<string, number>} */
  const rows = new Map();
  const left = new Map(workers);
  for (let round = -1; round < settings.rounds; round++) {
    for (const { subject, asked, seconds, rows: found, error } of await takeTurns(left, name, repeat)) {
      if (error !== undefined) {
        findings.skip(bench, subject, error);
        left.delete(subject);
      } else if (round < 0) {
        // The first round warms up.
        rows.set(subject, found / asked);
      } else {
        findings.add(bench, subject, (seconds / asked) * 1000, { unit: 'ms', higherIsBetter: false });
      }
    }
  }
  const floor = findings.find(bench, FLOOR);
  const ours = findings.find(bench, 'settee');
  if (!floor || !ours) return;
  // Lookups ask for other addresses each time, all else must agree.
  if (!name.startsWith('one row') && rows.get('settee') !== rows.get(FLOOR))
    throw new Error(`${name}: settee finds ${rows.get('settee')} rows, SQL ${rows.get(FLOOR)}`);
  findings.check(bench, 'of hand-written SQL', median(ours.values) / median(floor.values), {
    atMost: RATIO,
    unit: '×',
  });
}

/**
 * Asks every subject in turns, and adds up for each; one that fails is not asked again.
 * @param {Map<string, ReturnType<typeof worker>>} workers
 * @param {string} name
 * @param {number} repeat
 */
async function takeTurns(workers, name, repeat) {
  const sums = [...workers].map(([subject, running]) => {
    /** @type {unknown} */
    const error = undefined;
    return { subject, running, asked: 0, seconds: 0, rows: 0, error };
  });
  for (const { running } of sums) await running.call('settle');
  for (let turn = 0; turn < Math.min(TURNS, repeat); turn++) {
    for (const sum of sums.filter((one) => one.error === undefined)) {
      const times = Math.ceil(Math.min(repeat, MOST[sum.subject] || repeat) / TURNS);
      try {
        const { seconds, rows } = await sum.running.call('measure', { name, repeat: times });
        sum.asked += times;
        sum.seconds += seconds;
        sum.rows += rows;
      } catch (error) {
        sum.error = error;
      }
    }
  }
  return sums;
}

/**
 * What has no rival: compiling.
 * @param {Settings} settings
 * @param {Findings} findings
 * @param {ReturnType<typeof worker>} settee
 */
async function runAlone(settings, findings, settee) {
  for (let round = 0; round < settings.rounds; round++) {
    const { cold, cached } = await settee.call('compile', { count: COMPILED });
    const each = (/** @type {number} */ seconds) => (seconds / COMPILED) * 1000;
    findings.add('query: new text', 'settee', each(cold), { unit: 'ms', higherIsBetter: false });
    findings.add('query: known text', 'settee', each(cached), { unit: 'ms', higherIsBetter: false });
  }
  const value = (/** @type {string} */ bench) => {
    const found = findings.find(bench, 'settee');
    return found ? median(found.values) : null;
  };
  const [cold, cached] = [value('query: new text'), value('query: known text')];
  findings.check(
    'query: new text',
    'more than for a known one (parse and plan)',
    cold !== null && cached !== null ? cold - cached : null,
    { atMost: 0.3, unit: 'ms' },
  );
}

/**
 * Memory of a large result, in a process that has asked for nothing before.
 * @param {Settings} settings
 * @param {Findings} findings
 */
async function measureLarge(settings, findings) {
  const fresh = worker('query.js', 'settee', ['settee'], settings);
  const { length, growth } = await (async () => {
    try {
      await fresh.call('open', { folder: settings.folder });
      return await fresh.call('large');
    } finally {
      await fresh.stop();
    }
  })();
  findings.add('query: memory of a large result', 'settee', inMib(growth), { unit: 'MiB', higherIsBetter: false });
  findings.check('query: memory of a large result', `of its ${inMib(length)} MiB`, growth / length, {
    atMost: 2,
    unit: '×',
  });
}

/** @type {Record<string, { about: string, run: (settings: Settings, findings: Findings) => Promise<void> }>} */
module.exports = {
  query: {
    about: `SQL++ beside hand-written SQL on the documents of --large; at most ${RATIO} × its time`,
    run: runQueries,
  },
};
