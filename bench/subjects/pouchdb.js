// @ts-check

// PouchDB on LevelDB (no sync per write, as is its default).

const fs = require('fs');
const path = require('path');
const PouchDB = require('pouchdb-node');

/** @param {string} folder */
async function open(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const database = new PouchDB(path.join(folder, 'bench'));
  await database.info();

  return {
    /** @param {{ id: string, body: any }[]} docs */
    async saveBatch(docs) {
      const results = await database.bulkDocs(docs.map(({ id, body }) => ({ _id: id, ...body })));
      const failed = results.find((/** @type {any} */ result) => result.error);
      if (failed) throw new Error(`pouchdb: ${failed.message}`);
    },

    /** @param {{ id: string, body: any }[]} docs */
    async saveOne(docs) {
      for (const { id, body } of docs) await database.put({ _id: id, ...body });
    },

    /** @param {string} id */
    async read(id) {
      return database.get(id);
    },

    /** @param {string[]} ids */
    async get(ids) {
      for (const id of ids) await database.get(id);
    },

    /** @param {string[]} ids @param {number} width */
    async getInFlight(ids, width) {
      let next = 0;
      const worker = async () => {
        while (next < ids.length) await database.get(ids[next++]);
      };
      await Promise.all(Array.from({ length: width }, worker));
    },

    async close() {
      await database.close();
    },
  };
}

module.exports = { open };
