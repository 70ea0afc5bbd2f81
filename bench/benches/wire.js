// @ts-check

// wire: what replication costs on the wire, with and without TLS and deltas. latency: how soon an edit arrives.

const fs = require('fs');
const net = require('net');
const path = require('path');
const { worker } = require('../lib/bench');
const { documents } = require('../lib/documents');
const { elapsed, median } = require('../lib/stats');

/** @typedef {import('../lib/bench').Settings} Settings */
/** @typedef {import('../lib/bench').Findings} Findings */
/** @typedef {{ tls: boolean, deltas: boolean }} Variant */

const WRITES_PER_SECOND = 1_000;
const FLOW_SECONDS = 5;
const LONE_PER_SECOND = 20;

/** Two processes with an empty database each; one listens. */
class Pair {
  /** @param {Settings} settings */
  constructor(settings) {
    this.folder = fs.mkdtempSync(path.join(settings.folder, 'wire-'));
    this.passive = worker('settee-sync.js', 'settee listener', [], settings);
    this.active = worker('settee-sync.js', 'settee replicator', [], settings);
    this.url = '';
  }

  /** @param {Settings} settings @param {Variant} variant */
  static async start(settings, variant) {
    const pair = new Pair(settings);
    await pair.passive.call('open', { folder: path.join(pair.folder, 'passive') });
    await pair.active.call('open', { folder: path.join(pair.folder, 'active') });
    pair.url = await pair.passive.call('listen', variant);
    return pair;
  }

  /** Seconds of a one-shot replication. @param {'push' | 'pull' | 'both'} direction @param {string} [url] */
  async replicate(direction, url = this.url) {
    return elapsed(() => this.active.call('replicateOnce', { url, direction }));
  }

  async stop() {
    await this.active.call('close');
    await this.passive.call('close');
    await Promise.all([this.active.stop(), this.passive.stop()]);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Passes bytes on to the listener at `url` and counts them. @param {string} url */
async function counter(url) {
  const target = new URL(url);
  const counted = { bytes: 0 };
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      from.on('data', (data) => {
        counted.bytes += data.length;
        to.write(data);
      });
      from.on('close', () => to.end());
      from.on('error', () => to.destroy());
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const own = new URL(url);
  own.port = String(/** @type {import('net').AddressInfo} */ (server.address()).port);
  return { url: own.href, counted, close: () => server.close() };
}

/** @param {Variant} variant */
function named({ tls, deltas }) {
  return `${tls ? 'TLS' : 'no TLS'}, deltas ${deltas ? 'on' : 'off'}`;
}

/** Rates of a first push and of a push of as many edits. @param {Settings} settings @param {Findings} findings @param {Variant} variant */
async function rates(settings, findings, variant) {
  const { docs } = settings;
  const pair = await Pair.start(settings, variant);
  try {
    await pair.active.call('edit', { count: docs, round: 0 });
    const rate = { unit: 'docs/s' };
    const push = await pair.replicate('push');
    findings.add(`wire push ${docs}, ${named(variant)}`, 'settee', docs / push, rate);
    await pair.active.call('edit', { count: docs, round: 1 });
    const edits = await pair.replicate('push');
    findings.add(`wire push ${docs} edits, ${named(variant)}`, 'settee', docs / edits, rate);
  } finally {
    await pair.stop();
  }
}

/** Bytes of the same, counted between the two. @param {Settings} settings @param {Findings} findings @param {boolean} deltas */
async function bytes(settings, findings, deltas) {
  const count = Math.min(settings.docs, 5_000);
  const json = documents(count, 0).reduce(
    (sum, { body }) => sum + JSON.stringify({ ...body, round: 0 }).length,
    0,
  );
  const pair = await Pair.start(settings, { tls: false, deltas });
  const relay = await counter(pair.url);
  try {
    const share = { unit: '× JSON', higherIsBetter: false };
    for (const [round, direction, what] of /** @type {const} */ ([
      [0, 'push', 'new documents'],
      [1, 'push', 'edits of one field'],
    ])) {
      await pair.active.call('edit', { count, round });
      relay.counted.bytes = 0;
      await pair.replicate(direction, relay.url);
      const bench = `wire bytes, ${what}, deltas ${deltas ? 'on' : 'off'}`;
      findings.add(bench, 'settee', relay.counted.bytes / json, share);
    }
  } finally {
    await pair.stop();
    relay.close();
  }
}

/** @param {Findings} findings @param {string} bench */
function found(findings, bench) {
  const measured = findings.find(bench, 'settee');
  return measured ? median(measured.values) : null;
}

/** @param {number[]} values @param {number} share */
function percentile(values, share) {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** @type {Record<string, { about: string, run: (settings: Settings, findings: Findings) => Promise<void> }>} */
module.exports = {
  wire: {
    about:
      'one-shot pushes between two processes, with and without TLS and deltas; bytes of both directions, counted without TLS',
    async run(settings, findings) {
      for (let round = 0; round < settings.rounds; round++) {
        for (const tls of [true, false]) {
          for (const deltas of [false, true]) {
            await rates(settings, findings, { tls, deltas });
          }
        }
        await bytes(settings, findings, false);
        await bytes(settings, findings, true);
      }
      findings.check(
        'wire',
        'bytes of new documents',
        found(findings, 'wire bytes, new documents, deltas off'),
        { atMost: 0.5, unit: '× JSON' },
      );
    },
  },

  latency: {
    about: `edits of a continuous push until the other process hears of them: ${LONE_PER_SECOND} a second, and ${WRITES_PER_SECOND} a second`,
    async run(settings, findings) {
      const ms = { unit: 'ms', higherIsBetter: false };
      for (let round = 0; round < settings.rounds; round++) {
        const pair = await Pair.start(settings, { tls: true, deltas: false });
        try {
          await pair.passive.call('watch');
          await pair.active.call('replicate', { url: pair.url, direction: 'push' });
          while (!(await pair.active.call('state')).idle) {
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
          for (const [prefix, perSecond] of /** @type {const} */ ([
            ['lone', LONE_PER_SECOND],
            ['flow', WRITES_PER_SECOND],
          ])) {
            const flow = { prefix, perSecond, seconds: FLOW_SECONDS };
            const saved = await pair.active.call('flow', flow);
            const ids = Object.keys(saved);
            /** @type {Record<string, number>} */
            let arrived = {};
            for (let tries = 0; !ids.every((id) => arrived[id]); tries++) {
              if (tries > 200) throw new Error(`edits of ${prefix} did not arrive within 10 s`);
              await new Promise((resolve) => setTimeout(resolve, 50));
              arrived = await pair.passive.call('arrivals');
            }
            const delays = ids.map((id) => arrived[id] - saved[id]);
            for (const [name, share] of /** @type {const} */ ([
              ['median', 0.5],
              ['99th percentile', 0.99],
            ])) {
              const bench = `latency, ${perSecond} writes/s, ${name}`;
              findings.add(bench, 'settee', percentile(delays, share), ms);
            }
          }
        } finally {
          await pair.stop();
        }
      }
      for (const perSecond of [LONE_PER_SECOND, WRITES_PER_SECOND]) {
        for (const [name, limit] of /** @type {const} */ ([
          ['median', 10],
          ['99th percentile', 50],
        ])) {
          const what = `${perSecond} writes/s, ${name}`;
          findings.check('latency', what, found(findings, `latency, ${what}`), {
            atMost: limit,
            unit: 'ms',
          });
        }
      }
    },
  },
};
