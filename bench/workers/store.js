// @ts-check

// Measures one subject's reads and writes, in a process of its own that lives through all rounds. argv: the subject.

const fs = require('fs');
const path = require('path');
const { serve } = require('../../examples/node/sync-demo/child');
const { documents, shuffledIds } = require('../lib/documents');
const { timed } = require('../lib/stats');
const subjects = require('../subjects');

const subject = subjects.load(process.argv[2]);
let made = 0;

/**
 * Runs work on a store in a new folder, which is removed afterwards.
 * @param {string} folder
 * @param {(store: any) => Promise<number>} work
 */
async function withStore(folder, work) {
  made += 1;
  const own = path.join(folder, `${process.pid}-${made}`);
  fs.mkdirSync(own, { recursive: true });
  const store = await subject.open(own);
  try {
    return await work(store);
  } finally {
    await store.close();
    fs.rmSync(own, { recursive: true, force: true });
  }
}

/**
 * Times one operation. @returns seconds
 * @param {{ operation: 'saveBatch' | 'saveOne' | 'get' | 'getInFlight', folder: string, count: number, width?: number }} args
 */
async function measure({ operation, folder, count, width = 100 }) {
  const docs = documents(count);
  return withStore(folder, async (store) => {
    if (operation === 'saveBatch' || operation === 'saveOne')
      return timed(() => store[operation](docs));
    await store.saveBatch(docs);
    const ids = shuffledIds(count);
    return timed(() => store[operation](ids, width));
  });
}

serve({
  /** A short run of everything, so that the code is compiled before it is measured. @param {{ folder: string }} args */
  async warmUp({ folder }) {
    for (const operation of /** @type {const} */ (['saveBatch', 'saveOne', 'get', 'getInFlight'])) {
      await measure({ operation, folder, count: 500 });
    }
  },
  measure,

  /** Makes a database with documents in a folder. @param {{ folder: string, count: number }} args */
  async prepare({ folder, count }) {
    fs.mkdirSync(folder, { recursive: true });
    const store = await subject.open(folder);
    if (count) await store.saveBatch(documents(count));
    await store.close();
  },
});
