// @ts-check

// The floor: better-sqlite3 with the same documents as JSON text in a bare table. WAL, synchronous NORMAL.

const fs = require('fs');
const path = require('path');
const Sqlite = require('better-sqlite3');

/** @param {string} folder */
async function open(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const database = new Sqlite(path.join(folder, 'bench.sqlite3'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.exec('CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, body TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO orders (id, body) VALUES (?, ?)');
  const select = database.prepare('SELECT body FROM orders WHERE id = ?').pluck();
  /** @param {string} id */
  const read = (id) => JSON.parse(/** @type {string} */ (select.get(id)));
  /** @param {string[]} ids */
  const get = (ids) => {
    for (const id of ids) read(id);
  };

  return {
    /** One transaction. @param {{ id: string, body: any }[]} docs */
    async saveBatch(docs) {
      database.transaction(() => {
        for (const { id, body } of docs) insert.run(id, JSON.stringify(body));
      })();
    },

    /** A transaction each. @param {{ id: string, body: any }[]} docs */
    async saveOne(docs) {
      for (const { id, body } of docs) insert.run(id, JSON.stringify(body));
    },

    /** @param {string} id */
    async read(id) {
      return read(id);
    },

    /** @param {string[]} ids */
    async get(ids) {
      get(ids);
    },

    /** Calls are synchronous: there is no such thing as in flight. @param {string[]} ids */
    async getInFlight(ids) {
      get(ids);
    },

    async close() {
      database.close();
    },
  };
}

module.exports = { open };
