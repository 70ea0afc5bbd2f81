// @ts-check

// RxDB. Its free storages for Node that keep data on disk are limited trials, so it runs in memory: nothing is durable.

const { createRxDatabase } = require('rxdb');
const { getRxStorageMemory } = require('rxdb/plugins/storage-memory');

let opened = 0;

const TEXT = { type: 'string' };
const NUMBER = { type: 'number' };
const SCHEMA = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 40 },
    type: TEXT,
    number: NUMBER,
    state: TEXT,
    created: TEXT,
    customer: {
      type: 'object',
      properties: {
        name: { type: 'object', properties: { first: TEXT, last: TEXT } },
        email: TEXT,
        city: TEXT,
      },
    },
    items: {
      type: 'array',
      items: { type: 'object', properties: { sku: TEXT, quantity: NUMBER, price: NUMBER } },
    },
    express: { type: 'boolean' },
  },
  required: ['id'],
};

async function open() {
  opened += 1;
  const database = await createRxDatabase({
    name: `bench${opened}`,
    storage: getRxStorageMemory(),
    multiInstance: false,
  });
  const { orders } = await database.addCollections({ orders: { schema: SCHEMA } });
  /** @param {string} id */
  const read = async (id) => {
    const doc = await orders.findOne(id).exec();
    if (!doc) throw new Error(`rxdb: no document ${id}`);
    return doc.toJSON();
  };

  return {
    /** @param {{ id: string, body: any }[]} docs */
    async saveBatch(docs) {
      const { error } = await orders.bulkInsert(docs.map(({ id, body }) => ({ id, ...body })));
      if (error.length) throw new Error(`rxdb: ${error.length} documents were refused`);
    },

    /** @param {{ id: string, body: any }[]} docs */
    async saveOne(docs) {
      for (const { id, body } of docs) await orders.insert({ id, ...body });
    },

    read,

    /** @param {string[]} ids */
    async get(ids) {
      for (const id of ids) await read(id);
    },

    /** @param {string[]} ids @param {number} width */
    async getInFlight(ids, width) {
      let next = 0;
      const worker = async () => {
        while (next < ids.length) await read(ids[next++]);
      };
      await Promise.all(Array.from({ length: width }, worker));
    },

    async close() {
      await database.remove();
    },
  };
}

module.exports = { open };
