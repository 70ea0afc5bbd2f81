// @ts-check

// Measures one subject's queries, in a process of its own that lives through all rounds. argv: the subject.

const path = require('path');
const { serve } = require('../../examples/node/sync-demo/child');
const { orders } = require('../lib/queries');
const { anonymousMemory, elapsed } = require('../lib/stats');

const subject = require(`../subjects/query/${process.argv[2]}`);
/** @type {any} */
let store;

async function open(/** @type {string} */ folder) {
  store = await subject.open(path.join(folder, `query-${process.argv[2]}`));
}

serve({
  /** Makes the database. @param {{ folder: string, count: number }} args */
  async fill({ folder, count }) {
    await open(folder);
    await store.fill(orders(count));
  },

  /** Opens the one that is there. @param {{ folder: string }} args */
  async open({ folder }) {
    await open(folder);
  },

  /** Once before the turns of a round: none of them starts with what another query left behind. */
  async settle() {
    /** @type {any} */ (globalThis).gc();
  },

  /** @param {{ name: string, repeat: number }} args */
  async measure({ name, repeat }) {
    let rows = 0;
    const seconds = await elapsed(async () => {
      rows = await store.run(name, repeat);
    });
    return { seconds, rows };
  },

  /** @param {{ count: number }} args */
  async compile({ count }) {
    return store.compile(count);
  },

  /** Highest memory while a large result is made, over that before it; and the length of the result. */
  async large() {
    const { gc } = /** @type {any} */ (globalThis);
    // The reader thread, its connection and what samples the memory have what they need.
    await store.large(100_000);
    for (let i = 0; i < 200; i++) anonymousMemory();
    gc();
    const before = anonymousMemory() || 0;
    let peak = before;
    const length = await new Promise((resolve, reject) => {
      const timer = setInterval(() => {
        peak = Math.max(peak, anonymousMemory() || 0);
      }, 10);
      store.large(1_000_000).then(
        (/** @type {number} */ found) => {
          peak = Math.max(peak, anonymousMemory() || 0);
          clearInterval(timer);
          resolve(found);
        },
        (/** @type {any} */ error) => {
          clearInterval(timer);
          reject(error);
        },
      );
    });
    return { length, growth: peak - before };
  },

  async close() {
    await store.close();
  },
});
