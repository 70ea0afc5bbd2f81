// @ts-check

// save-batch, save-one, get: each subject in a process of its own, taking turns in every round.

const { worker } = require('../lib/bench');
const { median } = require('../lib/stats');

/** @typedef {import('../lib/bench').Settings} Settings */
/** @typedef {import('../lib/bench').Findings} Findings */

const FLOOR = 'better-sqlite3';

/** Turns that the subjects take within a round: how fast a machine is changes within seconds. */
const TURNS = 3;

/**
 * @param {Settings} settings
 * @param {Findings} findings
 * @param {{ bench: string, operation: string }[]} operations
 */
async function runOperations(settings, findings, operations) {
  /** @type {Map<string, ReturnType<typeof worker>>} */
  const workers = new Map();
  try {
    for (const subject of settings.subjects) {
      const running = worker('store.js', subject, [subject], settings);
      try {
        await running.call('warmUp', { folder: settings.folder });
        workers.set(subject, running);
      } catch (error) {
        for (const { bench } of operations) findings.skip(bench, subject, error);
        await running.stop();
      }
    }
    for (const { bench, operation } of operations) {
      for (let round = 0; round < settings.rounds; round++) {
        /** @type {Map<string, number>} */
        const sums = new Map();
        for (let turn = 0; turn < TURNS; turn++) {
          for (const [subject, running] of rotated([...workers], round + turn)) {
            const seconds = await running.call('measure', {
              operation,
              folder: settings.folder,
              count: settings.docs,
            });
            sums.set(subject, (sums.get(subject) || 0) + seconds);
          }
        }
        for (const [subject, seconds] of sums)
          findings.add(bench, subject, (settings.docs * TURNS) / seconds, { unit: 'docs/s' });
      }
    }
  } finally {
    await Promise.all([...workers.values()].map((running) => running.stop()));
  }
}

/**
 * The list, begun one further each turn, so that no subject is always first.
 * @template T
 * @param {T[]} list
 * @param {number} by
 * @returns {T[]}
 */
function rotated(list, by) {
  const at = list.length ? by % list.length : 0;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** @param {Findings} findings @param {string} bench @param {string} subject */
function medianOf(findings, bench, subject) {
  const measurement = findings.find(bench, subject);
  return measurement ? median(measurement.values) : null;
}

/** @param {Findings} findings @param {string} bench */
function ratioToFloor(findings, bench) {
  const ours = medianOf(findings, bench, 'settee');
  const floor = medianOf(findings, bench, FLOOR);
  return ours !== null && floor !== null ? ours / floor : null;
}

/** @type {Record<string, { about: string, run: (settings: Settings, findings: Findings) => Promise<void> }>} */
module.exports = {
  'save-batch': {
    about: 'n saves that are not awaited, then all of them; better-sqlite3: one transaction',
    async run(settings, findings) {
      await runOperations(settings, findings, [{ bench: 'save-batch', operation: 'saveBatch' }]);
      findings.check(
        'save-batch',
        'of better-sqlite3 in one transaction',
        ratioToFloor(findings, 'save-batch'),
        { atLeast: 0.6, unit: '×' },
      );
    },
  },
  'save-one': {
    about: 'saves awaited one by one; better-sqlite3: a transaction each',
    async run(settings, findings) {
      await runOperations(settings, findings, [{ bench: 'save-one', operation: 'saveOne' }]);
      findings.check(
        'save-one',
        'of better-sqlite3, a transaction each',
        ratioToFloor(findings, 'save-one'),
        { atLeast: 0.5, unit: '×' },
      );
    },
  },
  get: {
    about:
      'reads by id in random order, awaited one by one and with 100 in flight; better-sqlite3: synchronous both times',
    async run(settings, findings) {
      await runOperations(settings, findings, [
        { bench: 'get awaited', operation: 'get' },
        { bench: 'get 100 in flight', operation: 'getInFlight' },
      ]);
      const floor = medianOf(findings, 'get 100 in flight', FLOOR);
      const target = Math.min(100_000, floor === null ? Infinity : 0.5 * floor);
      findings.check('get', '100 in flight', medianOf(findings, 'get 100 in flight', 'settee'), {
        atLeast: Math.round(target),
        unit: 'docs/s',
      });
    },
  },
};
