// @ts-check

// PouchDB with pouchdb-find: what its selectors can say.

const fs = require('fs');
const path = require('path');
const PouchDB = require('pouchdb-node');
const { emails } = require('../../lib/queries');

PouchDB.plugin(require('pouchdb-find'));

/** @param {string} folder */
async function open(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const database = new PouchDB(path.join(folder, 'query'));
  /** @type {string[]} */
  let addresses = [];
  let asked = 0;

  const find = async (/** @type {any} */ request) =>
    (await database.find({ limit: 1_000_000, ...request })).docs;
  const byEmail = () =>
    find({
      selector: { 'customer.email': addresses[asked++ % addresses.length] },
      fields: ['_id', 'number', 'state'],
    });

  /** @type {Record<string, () => Promise<any[]>>} */
  const run = {
    'unindexed equality': () =>
      find({
        selector: { 'customer.city': 'Oslo', 'customer.name.first': 'Ada' },
        fields: ['_id', 'number'],
      }),
    'indexed equality': () =>
      find({
        selector: { 'customer.name.last': 'Ito', 'customer.name.first': 'Ada' },
        fields: ['_id', 'number'],
      }),
    'one row by an index': byEmail,
    'range, order, limit 100': () =>
      find({
        selector: { created: { $gte: '2021-06-01' } },
        sort: ['created'],
        fields: ['_id', 'number', 'created'],
        limit: 100,
      }),
    everything: async () =>
      (await database.allDocs({ include_docs: true })).rows.map((/** @type {any} */ row) => row.doc),
  };

  return {
    /** @param {{ id: string, body: any }[]} docs */
    async fill(docs) {
      addresses = emails(docs, 5000);
      for (let at = 0; at < docs.length; at += 5000) {
        const slice = docs.slice(at, at + 5000);
        await database.bulkDocs(slice.map(({ id, body }) => ({ _id: id, ...body })));
      }
      await database.createIndex({ index: { fields: ['customer.email'] } });
      await database.createIndex({ index: { fields: ['created'] } });
      await database.createIndex({
        index: { fields: ['customer.name.last', 'customer.name.first'] },
      });
      // An index is built by the first query that needs it.
      await byEmail();
      await run['indexed equality']();
      await run['range, order, limit 100']();
    },

    /** @param {string} name @param {number} repeat */
    async run(name, repeat) {
      if (!run[name]) throw new Error('pouchdb-find has no such query');
      let rows = 0;
      for (let i = 0; i < repeat; i++) rows += (await run[name]()).length;
      return rows;
    },

    async close() {
      await database.close();
    },
  };
}

module.exports = { open };
