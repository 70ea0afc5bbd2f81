// @ts-check

// sync: two processes, one listens and one replicates, until both are idle and both have everything. Also attachment: one
// large attachment passes, and what memory that takes.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { worker } = require('../lib/bench');
const { MemorySampler, MIB, inMib, median } = require('../lib/stats');

/** @typedef {import('../lib/bench').Settings} Settings */
/** @typedef {import('../lib/bench').Findings} Findings */
/** @typedef {'push' | 'pull' | 'both'} Direction */

const DIRECTIONS = /** @type {const} */ (['push', 'pull', 'both']);
const BLOBS = 100;
const BLOB_BYTES = 100 * 1024;
const POLL_MILLISECONDS = 5;
const TIME_LIMIT_SECONDS = 120;
const ATTACHMENT_MIB = 200;

/** @type {Record<string, string>} */
const SCRIPTS = { settee: 'settee-sync.js', pouchdb: 'pouchdb-sync.js' };

/**
 * Makes the databases that the runs start from: one with all documents, and two halves with half of the blobs each.
 * @param {Settings} settings
 * @param {string} subject
 * @param {number} count
 */
async function makeSources(settings, subject, count) {
  const folder = path.join(settings.folder, `sync-${subject}-${count}`);
  const halfCount = count >> 1;
  const parts = {
    empty: { count: 0, from: 0, blobs: 0 },
    full: { count, from: 0, blobs: 0 },
    halfA: { count: halfCount, from: 0, blobs: BLOBS >> 1 },
    halfB: { count: count - halfCount, from: halfCount, blobs: BLOBS >> 1 },
  };
  for (const [name, part] of Object.entries(parts)) {
    const running = worker(SCRIPTS[subject], `${subject} loader`, [], settings);
    try {
      await running.call('create', {
        folder: path.join(folder, name),
        blobBytes: BLOB_BYTES,
        ...part,
      });
    } finally {
      await running.stop();
    }
  }
  return folder;
}

/**
 * One sync: copies the starting databases, starts both sides, and waits until both are idle and have everything.
 * @param {Settings} settings
 * @param {string} subject
 * @param {{ direction: Direction, a: string, b: string, count: number }} run folders to copy; documents at the end
 * @param {(a: ReturnType<typeof worker>) => Promise<void>} [inspect] looks at the listening side before it is closed
 */
async function syncOnce(settings, subject, { direction, a, b, count }, inspect) {
  const own = fs.mkdtempSync(path.join(settings.folder, 'run-'));
  fs.cpSync(a, path.join(own, 'a'), { recursive: true });
  fs.cpSync(b, path.join(own, 'b'), { recursive: true });
  const passive = worker(SCRIPTS[subject], `${subject} listener`, [], settings);
  const active = worker(SCRIPTS[subject], `${subject} replicator`, [], settings);
  /** @type {MemorySampler | undefined} */
  let sampler;
  try {
    await Promise.all([
      passive.call('open', { folder: path.join(own, 'a') }),
      active.call('open', { folder: path.join(own, 'b') }),
    ]);
    const url = await passive.call('listen');
    sampler = new MemorySampler({ listener: passive.pid, replicator: active.pid });
    const started = process.hrtime.bigint();
    const elapsed = () => Number(process.hrtime.bigint() - started) / 1e9;
    await active.call('replicate', { url, direction });
    for (;;) {
      const ofActive = await active.call('state');
      if (ofActive.idle && ofActive.count >= count) {
        const ofPassive = await passive.call('state');
        if (ofPassive.idle && ofPassive.count >= count) break;
      }
      if (elapsed() > TIME_LIMIT_SECONDS)
        throw new Error(`${subject} ${direction}: not done within ${TIME_LIMIT_SECONDS} s`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
    const seconds = elapsed();
    const memory = sampler.stop();
    if (inspect) await inspect(passive);
    await active.call('close');
    await passive.call('close');
    return { seconds, memory };
  } finally {
    if (sampler) sampler.stop();
    await Promise.all([active.stop(), passive.stop()]);
    fs.rmSync(own, { recursive: true, force: true });
  }
}

/** @param {string} sources @param {Direction} direction @param {number} count */
function plan(sources, direction, count) {
  const from = { push: ['empty', 'full'], pull: ['full', 'empty'], both: ['halfA', 'halfB'] }[
    direction
  ];
  return { direction, a: path.join(sources, from[0]), b: path.join(sources, from[1]), count };
}

/** @param {Direction} direction @param {number} count */
function benchName(direction, count) {
  return `sync ${direction} ${count}${direction === 'both' ? ` with ${BLOBS} blobs` : ''}`;
}

/** The most that either side had above idle. @param {Record<string, { idle: number, peak: number }>} memory */
function extraMib(memory) {
  const extras = Object.values(memory).map(({ idle, peak }) => inMib(peak - idle));
  return extras.length ? Math.max(...extras) : NaN;
}

/**
 * @param {Settings} settings
 * @param {Findings} findings
 * @param {string[]} subjects
 * @param {number} count
 * @param {number} rounds
 */
async function runSyncs(settings, findings, subjects, count, rounds) {
  /** @type {Map<string, string>} */
  const sources = new Map();
  for (const subject of subjects) {
    try {
      sources.set(subject, await makeSources(settings, subject, count));
    } catch (error) {
      findings.skip(`sync ${count}`, subject, error);
    }
  }
  for (const direction of DIRECTIONS) {
    for (let round = 0; round < rounds; round++) {
      for (const [subject, folder] of sources) {
        const { seconds, memory } = await syncOnce(
          settings,
          subject,
          plan(folder, direction, count),
        );
        const name = benchName(direction, count);
        findings.add(name, subject, count / seconds, { unit: 'docs/s' });
        for (const [side, { idle, peak }] of Object.entries(memory)) {
          findings.add(`${name}, memory above idle of the ${side}`, subject, inMib(peak - idle), {
            unit: 'MiB',
            higherIsBetter: false,
          });
        }
      }
    }
  }
  for (const folder of sources.values()) fs.rmSync(folder, { recursive: true, force: true });
}

/** @param {Findings} findings @param {string} bench */
function ours(findings, bench) {
  const found = findings.find(bench, 'settee');
  return found ? median(found.values) : null;
}

/** @type {Record<string, { about: string, run: (settings: Settings, findings: Findings) => Promise<void> }>} */
module.exports = {
  sync: {
    about:
      'two processes on the loopback interface until both are idle; settee: WebSocket over TLS, continuous; pouchdb: plain HTTP, one-shot',
    async run(settings, findings) {
      const { docs, large, rounds } = settings;
      const subjects = settings.subjects.filter((subject) => SCRIPTS[subject]);
      await runSyncs(settings, findings, subjects, docs, rounds);
      for (const direction of DIRECTIONS) {
        findings.check(
          'sync',
          `${direction}, ${docs} documents`,
          ours(findings, benchName(direction, docs)),
          { atLeast: 20_000, unit: 'docs/s' },
        );
      }
      if (!large) return;
      await runSyncs(
        settings,
        findings,
        subjects.filter((subject) => subject === 'settee'),
        large,
        1,
      );
      for (const direction of DIRECTIONS) {
        const name = benchName(direction, large);
        const [small, big] = [ours(findings, benchName(direction, docs)), ours(findings, name)];
        findings.check(
          'sync',
          `${direction}, ${large} beside ${docs} documents`,
          small && big && big / small,
          { atLeast: 0.8, unit: '×' },
        );
        for (const side of ['listener', 'replicator']) {
          const memory = ours(findings, `${name}, memory above idle of the ${side}`);
          findings.check('sync', `above idle, ${side}, ${direction}, ${large} documents`, memory, {
            atMost: 150,
            unit: 'MiB',
          });
        }
      }
    },
  },

  attachment: {
    about: `one attachment of ${ATTACHMENT_MIB} MiB is pushed to the other process`,
    async run(settings, findings) {
      const file = path.join(settings.folder, 'film');
      const digest = writeRandomFile(file, ATTACHMENT_MIB);
      const source = path.join(settings.folder, 'attachment-source');
      const empty = path.join(settings.folder, 'attachment-empty');
      const loader = worker(SCRIPTS.settee, 'settee loader', [], settings);
      try {
        await loader.call('createFromFile', { folder: source, file });
      } finally {
        await loader.stop();
      }
      const blank = worker(SCRIPTS.settee, 'settee loader', [], settings);
      try {
        await blank.call('create', { folder: empty, count: 0, from: 0, blobs: 0, blobBytes: 0 });
      } finally {
        await blank.stop();
      }
      for (let round = 0; round < settings.rounds; round++) {
        const { seconds, memory } = await syncOnce(
          settings,
          'settee',
          { direction: 'push', a: empty, b: source, count: 1 },
          async (passive) => {
            const arrived = await passive.call('attachment', { id: 'film', key: 'film' });
            const right =
              arrived &&
              arrived.digest === digest &&
              arrived.digestOfBytes === digest &&
              arrived.read === ATTACHMENT_MIB * MIB;
            if (!right) throw new Error('the attachment that arrived is not the one that was sent');
          },
        );
        findings.add('attachment', 'settee', ATTACHMENT_MIB / seconds, { unit: 'MiB/s' });
        findings.add('attachment, memory above idle', 'settee', extraMib(memory), {
          unit: 'MiB',
          higherIsBetter: false,
        });
      }
      for (const leftover of [file, source, empty])
        fs.rmSync(leftover, { recursive: true, force: true });
      findings.check(
        'attachment',
        'above idle, either side',
        ours(findings, 'attachment, memory above idle'),
        { atMost: 64, unit: 'MiB' },
      );
    },
  },
};

/**
 * Writes a file that does not compress.
 * @param {string} file
 * @param {number} mib
 * @returns {string} its digest, as of a blob
 */
function writeRandomFile(file, mib) {
  const hash = crypto.createHash('sha1');
  const handle = fs.openSync(file, 'w');
  for (let i = 0; i < mib; i++) {
    const block = crypto.randomBytes(MIB);
    hash.update(block);
    fs.writeSync(handle, block);
  }
  fs.closeSync(handle);
  return `sha1-${hash.digest('base64')}`;
}
