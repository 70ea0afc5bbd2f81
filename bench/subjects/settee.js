// @ts-check

// Settee, through its public API: one collection. WAL, synchronous NORMAL. With a key: everything on disk is encrypted.

const settee = require('../..');

const { Database, DatabaseConfiguration, MutableDocument } = settee;

/** @param {string} folder @param {string} [key] */
async function open(folder, key) {
  const database = new Database('bench', new DatabaseConfiguration(folder, key));
  await database.open();
  const collection = await database.createCollection('orders', 'shop');

  return {
    /** @param {{ id: string, body: any }[]} docs */
    async saveBatch(docs) {
      await Promise.all(docs.map(({ id, body }) => collection.save(new MutableDocument(id, body))));
    },

    /** @param {{ id: string, body: any }[]} docs */
    async saveOne(docs) {
      for (const { id, body } of docs) await collection.save(new MutableDocument(id, body));
    },

    /** @param {string} id */
    async read(id) {
      return read(collection, id);
    },

    /** @param {string[]} ids */
    async get(ids) {
      for (const id of ids) await read(collection, id);
    },

    /** @param {string[]} ids @param {number} width */
    async getInFlight(ids, width) {
      let next = 0;
      const worker = async () => {
        while (next < ids.length) await read(collection, ids[next++]);
      };
      await Promise.all(Array.from({ length: width }, worker));
    },

    async close() {
      await database.close();
    },
  };
}

/** @param {import('../..').Collection} collection @param {string} id */
async function read(collection, id) {
  const doc = await collection.document(id);
  if (!doc) throw new Error(`settee: no document ${id}`);
  return doc.getData();
}

module.exports = { open };
