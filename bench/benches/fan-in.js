// @ts-check

// fan-in: many clients hold continuous replications to one listener. How long an edit takes to reach all of them, and what
// memory an idle connection costs the listener.

const fs = require('fs');
const path = require('path');
const { worker } = require('../lib/bench');
const { residentMemory } = require('../lib/stats');

const CLIENTS = 200;
/** Clients that are there before memory is looked at: what the first ones cost is not theirs alone. */
const FIRST = 40;
/** The clients live in so many processes, beside the listener's. */
const PROCESSES = 2;
/** Longer than a listener keeps what it has for a busy connection (5 s). */
const REST_MILLISECONDS = 7_000;
const POLL_MILLISECONDS = 5;
const TIME_LIMIT_MILLISECONDS = 60_000;
const KIB = 1024;

/** @param {number} milliseconds @returns {Promise<void>} */
const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** @param {string} what @param {() => Promise<boolean>} condition */
async function until(what, condition) {
  const deadline = Date.now() + TIME_LIMIT_MILLISECONDS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await rest(POLL_MILLISECONDS);
  }
}

/**
 * @param {import('../lib/bench').Settings} settings
 * @param {import('../lib/bench').Findings} findings
 * @param {boolean} tls
 */
async function run(settings, findings, tls) {
  const kind = tls ? 'with TLS' : 'without TLS';
  const folder = fs.mkdtempSync(path.join(settings.folder, 'fan-in-'));
  const script = 'settee-fan-in.js';
  const listener = worker(script, 'settee listener', [], settings);
  const crowds = Array.from({ length: PROCESSES }, (_, n) =>
    worker(script, `settee clients ${n}`, [], settings),
  );
  const memory = () => residentMemory(listener.pid) || NaN;
  /** @param {number} count */
  const join = async (count) => {
    await Promise.all(
      crowds.map((crowd, n) =>
        crowd.call('join', { folder: path.join(folder, `clients${n}`), url, count: count / PROCESSES }),
      ),
    );
    await until('all are idle', async () => {
      const idle = await Promise.all(crowds.map((crowd) => crowd.call('idle')));
      return idle.every(Boolean);
    });
    await rest(REST_MILLISECONDS);
  };
  /** @param {number} before @param {string} what @param {number} atMost */
  const note = (before, what, atMost) => {
    const perConnection = (memory() - before) / (CLIENTS - FIRST) / KIB;
    const name = `fan-in memory per idle connection, ${kind}, ${what}`;
    findings.add(name, 'settee', perConnection, { unit: 'KiB', higherIsBetter: false });
    if (!tls) findings.check('fan-in', `${kind}, ${what}`, perConnection, { atMost, unit: 'KiB' });
  };
  /** @param {string} id */
  const edit = async (id) => {
    const before = await listener.call('save', { id });
    let last = 0;
    await until('the edit is everywhere', async () => {
      const found = await Promise.all(crowds.map((crowd) => crowd.call('arrived', { id })));
      last = Math.max(...found.map((one) => one.last));
      return found.reduce((sum, one) => sum + one.count, 0) >= CLIENTS;
    });
    return last - before;
  };
  let url = '';
  try {
    url = await listener.call('listen', { folder: path.join(folder, 'listener'), tls });
    await join(FIRST);
    const before = memory();
    await join(CLIENTS - FIRST);
    note(before, 'nothing compressed received', 64);
    for (let round = 0; round < settings.rounds; round++) {
      findings.add(
        `fan-in time to the last of ${CLIENTS}, ${kind}`,
        'settee',
        await edit(`edit${round}`),
        { unit: 'ms', higherIsBetter: false },
      );
    }
    await rest(REST_MILLISECONDS);
    note(before, 'after edits', 112);
    await Promise.all(crowds.map((crowd) => crowd.call('close')));
    await listener.call('close');
  } finally {
    await Promise.all([listener, ...crowds].map((one) => one.stop()));
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** @type {Record<string, { about: string, run: (settings: import('../lib/bench').Settings, findings: import('../lib/bench').Findings) => Promise<void> }>} */
module.exports = {
  'fan-in': {
    about: `${CLIENTS} clients hold continuous replications to one listener, one edit reaches all; memory of idle connections`,
    async run(settings, findings) {
      await run(settings, findings, false);
      await run(settings, findings, true);
    },
  },
};
