// @ts-check

// RxDB's Mango queries over its memory storage: nothing is read from a disk, and a query that was asked before is answered
// from a cache while nothing changes.

const { createRxDatabase } = require('rxdb');
const { getRxStorageMemory } = require('rxdb/plugins/storage-memory');
const { emails } = require('../../lib/queries');

const TEXT = { type: 'string' };
const INDEXED = { type: 'string', maxLength: 80 };
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
    created: INDEXED,
    customer: {
      type: 'object',
      properties: {
        name: { type: 'object', properties: { first: TEXT, last: INDEXED }, required: ['last'] },
        email: INDEXED,
        city: TEXT,
      },
      required: ['email', 'name'],
    },
    items: {
      type: 'array',
      items: { type: 'object', properties: { sku: TEXT, quantity: NUMBER, price: NUMBER } },
    },
    express: { type: 'boolean' },
    note: TEXT,
  },
  required: ['id', 'created', 'customer'],
  indexes: ['created', 'customer.email', 'customer.name.last'],
};

async function open() {
  const database = await createRxDatabase({
    name: `query${process.pid}`,
    storage: getRxStorageMemory(),
    multiInstance: false,
  });
  const { orders } = await database.addCollections({ orders: { schema: SCHEMA } });
  /** @type {string[]} */
  let addresses = [];
  let asked = 0;
  const find = async (/** @type {any} */ query) =>
    (await orders.find(query).exec()).map((/** @type {any} */ doc) => doc.toJSON());

  /** @type {Record<string, () => Promise<any[]>>} */
  const run = {
    'unindexed equality': () =>
      find({ selector: { 'customer.city': 'Oslo', 'customer.name.first': 'Ada' } }),
    'indexed equality': () =>
      find({ selector: { 'customer.name.last': 'Ito', 'customer.name.first': 'Ada' } }),
    'one row by an index': () =>
      find({ selector: { 'customer.email': addresses[asked++ % addresses.length] } }),
    'range, order, limit 100': () =>
      find({ selector: { created: { $gte: '2021-06-01' } }, sort: [{ created: 'asc' }], limit: 100 }),
    everything: () => find({ selector: {} }),
  };

  return {
    /** @param {{ id: string, body: any }[]} docs */
    async fill(docs) {
      addresses = emails(docs, 5000);
      const { error } = await orders.bulkInsert(docs.map(({ id, body }) => ({ id, ...body })));
      if (error.length) throw new Error(`rxdb: ${error.length} documents were refused`);
    },

    /** @param {string} name @param {number} repeat */
    async run(name, repeat) {
      if (!run[name]) throw new Error('rxdb has no such query');
      let rows = 0;
      for (let i = 0; i < repeat; i++) rows += (await run[name]()).length;
      return rows;
    },

    async close() {
      await database.remove();
    },
  };
}

module.exports = { open };
