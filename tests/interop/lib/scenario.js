const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { ForeignProcess } = require('./foreign-process');
const { SetteePeer } = require('./settee-peer');
const { Wiretap } = require('./wiretap');

/** Longest time that ending what a scenario started may take, milliseconds. */
const CLEANUP_LIMIT = 20_000;

/** One scenario: its folder, and everything it started, which `end` ends. */
class Scenario {
  constructor(start) {
    this.start = start;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'settee-interop-'));
    this.started = [];
  }

  /** A settee peer with a database of its own. */
  async settee(collections) {
    const peer = await SetteePeer.open(path.join(this.folder, 'settee'), collections);
    this.started.push(() => peer.close());
    return peer;
  }

  /** A settee peer that listens in a process of its own, on the same database as `settee()`. */
  async listenerProcess(port = 0) {
    const script = path.join(__dirname, 'listener-process.js');
    const start = { command: process.execPath, args: [script], env: {} };
    const listener = new ForeignProcess(start, [path.join(this.folder, 'settee'), String(port)]);
    this.started.push(() => listener.stop());
    const { url } = await listener.event(
      'the listener listens',
      ({ event }) => event === 'listening',
    );
    return [listener, url];
  }

  /** A relay to the listener at `url` that hears what is said. */
  async wiretap(url, options) {
    const tap = await Wiretap.start(url, options);
    this.started.push(() => tap.stop());
    return tap;
  }

  /** The foreign program, started. */
  process(...args) {
    const foreign = new ForeignProcess(this.start, args);
    this.started.push(() => foreign.stop());
    this.foreign = foreign;
    return foreign;
  }

  /** A Couchbase Lite client with a database; a second one of the same name has the same database. */
  async couchbaseLite(name = 'client') {
    const scratch = path.join(this.folder, 'scratch');
    fs.mkdirSync(scratch, { recursive: true });
    const client = this.process(scratch);
    await client.call('open', { directory: path.join(this.folder, 'couchbase-lite'), name });
    return client;
  }

  async end() {
    const failures = [];
    for (const stop of this.started.reverse()) {
      await within(CLEANUP_LIMIT, 'ending a scenario', stop()).catch((error) =>
        failures.push(error),
      );
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
    if (failures.length > 0) {
      throw failures[0];
    }
  }
}

/** Rejects when the promise takes longer than that many milliseconds. */
async function within(limit, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${limit / 1000} s`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once the condition holds. */
async function until(what, condition, limit = 30_000) {
  const end = Date.now() + limit;
  while (!(await condition())) {
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${limit / 1000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Both sides hold the same documents: ids, revisions, bodies, blob contents. */
async function assertEqual(settee, client, ids) {
  const theirs = await client.call('documents');
  const ours = await settee.documents([...new Set([...ids, ...Object.keys(theirs)])]);
  assert.deepStrictEqual(Object.keys(theirs).sort(), Object.keys(ours).sort(), 'live documents');
  for (const id of Object.keys(ours)) {
    assert.deepStrictEqual(theirs[id], ours[id], `document "${id}", theirs against ours`);
  }
  assert.strictEqual(await settee.count(), Object.keys(theirs).length, 'number of documents');
}

/** A one-shot replication that ended well; resolves with its report. */
async function replicated(client, args) {
  const report = await client.call('replicate', args);
  assert.strictEqual(report.error, null, `replication failed: ${JSON.stringify(report.error)}`);
  assert.strictEqual(report.level, 'STOPPED');
  const failed = report.documents.filter(({ error }) => error !== null);
  assert.deepStrictEqual(failed, [], 'documents that failed');
  return report;
}

module.exports = { Scenario, assertEqual, replicated, until, within };
