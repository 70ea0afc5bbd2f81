// @ts-check

// How late timers are while many saves are in flight. argv: 'settee', or 'baseline' for the same loop without a database.

const fs = require('fs');
const path = require('path');
const { serve } = require('../../examples/node/sync-demo/child');
const { documents } = require('../lib/documents');

/** Saves that are begun in one turn of the event loop: what the app's own loop costs must not be counted as lateness. */
const SLICE = 100;

/**
 * Runs the work and gives the lateness of a timer of 1 ms that is set again and again meanwhile, milliseconds.
 * @param {() => Promise<void>} work
 */
async function lateness(work) {
  /** @type {number[]} */
  const late = [];
  let running = true;
  let due = 0;
  const tick = () => {
    late.push(performance.now() - due);
    if (running) set();
  };
  const set = () => {
    due = performance.now() + 1;
    setTimeout(tick, 1);
  };
  set();
  await work();
  running = false;
  late.sort((a, b) => a - b);
  return {
    ticks: late.length,
    worst: late[late.length - 1] || 0,
    p99: late[Math.floor(late.length * 0.99)] || 0,
  };
}

/** @param {number} count @param {(doc: { id: string, body: any }) => Promise<unknown>} save */
async function saveAll(count, save) {
  const docs = documents(count);
  return lateness(async () => {
    /** @type {Promise<unknown>[]} */
    const saves = [];
    for (let start = 0; start < docs.length; start += SLICE) {
      for (const doc of docs.slice(start, start + SLICE)) saves.push(save(doc));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(saves);
  });
}

serve({
  /** @param {{ folder: string, count: number }} args */
  async measure({ folder, count }) {
    if (process.argv[2] === 'baseline') {
      return saveAll(
        count,
        (doc) => new Promise((resolve) => setImmediate(resolve, JSON.stringify(doc.body))),
      );
    }
    const { Database, DatabaseConfiguration, MutableDocument } = require('../..');
    const own = fs.mkdtempSync(path.join(folder, 'tick-'));
    const database = new Database('bench', new DatabaseConfiguration(own));
    await database.open();
    const collection = await database.createCollection('orders', 'shop');
    const result = await saveAll(count, (doc) =>
      collection.save(new MutableDocument(doc.id, doc.body)),
    );
    await database.close();
    fs.rmSync(own, { recursive: true, force: true });
    return result;
  },
});
