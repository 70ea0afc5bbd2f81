// @ts-check

// The floor: the same queries in hand-written SQL over JSONB, with the same indexes, prepared once.

const fs = require('fs');
const path = require('path');
const Sqlite = require('better-sqlite3');
const { emails, STOCK, stock } = require('../../lib/queries');

/** @param {string} folder */
async function open(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const database = new Sqlite(path.join(folder, 'query.sqlite3'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('mmap_size = 268435456');
  for (const table of ['orders', 'stock']) {
    database.exec(
      `CREATE TABLE ${table} (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL)`,
    );
  }
  /** @type {string[]} */
  let addresses = [];
  let asked = 0;
  /** @type {Record<string, () => any[]>} */
  const run = {};

  const prepare = () => {
    const all = (/** @type {string} */ sql) => {
      const statement = database.prepare(sql);
      return (/** @type {any[]} */ ...parameters) => statement.all(...parameters);
    };
    const byEmail = all(
      "SELECT id, body ->> '$.number' AS number, body ->> '$.state' AS state FROM orders WHERE body ->> '$.customer.email' = ?",
    );
    run['one row by an index'] = () => byEmail(addresses[asked++ % addresses.length]);
    run['one row by an index, in flight'] = run['one row by an index'];
    run['indexed equality'] = all(
      "SELECT id, body ->> '$.number' AS number FROM orders WHERE body ->> '$.customer.name.last' = 'Ito' AND body ->> '$.customer.name.first' = 'Ada'",
    );
    run['unindexed equality'] = all(
      "SELECT id, body ->> '$.number' AS number FROM orders WHERE body ->> '$.customer.city' = 'Oslo' AND body ->> '$.customer.name.first' = 'Ada'",
    );
    run['range, order, limit 100'] = all(
      "SELECT id, body ->> '$.number' AS number, body ->> '$.created' AS created FROM orders WHERE body ->> '$.created' >= '2021-06-01' ORDER BY body ->> '$.created' LIMIT 100",
    );
    run['group by with count'] = all(
      "SELECT body ->> '$.state' AS state, count(*) AS orders FROM orders GROUP BY body ->> '$.state'",
    );
    run['join on an index'] = all(
      "SELECT o.body ->> '$.number' AS number, s.body ->> '$.shelf' AS shelf FROM orders o JOIN stock s ON s.body ->> '$.sku' = o.body ->> '$.items[0].sku' WHERE o.body ->> '$.number' < 5000",
    );
    run['unnest filter'] = all(
      "SELECT o.body ->> '$.number' AS number, i.value ->> '$.sku' AS sku FROM orders o, json_each(o.body, '$.items') i WHERE i.value ->> '$.quantity' = 9 AND i.value ->> '$.price' > 990",
    );
    run['unnest filter on an array index'] = all(
      "SELECT o.body ->> '$.number' AS number, i.value ->> '$.quantity' AS quantity FROM items i JOIN orders o ON o.sequence = i.document WHERE i.value ->> '$.sku' >= 'sku-500' AND i.value ->> '$.sku' < 'sku-501'",
    );
    run['full-text match'] = all(
      "SELECT o.id, o.body ->> '$.number' AS number FROM notes n JOIN orders o ON o.sequence = n.docid WHERE n.notes MATCH 'lighthouse'",
    );
    const everything = database.prepare('SELECT json(body) FROM orders').pluck();
    run.everything = () => everything.all().map((text) => JSON.parse(/** @type {string} */ (text)));
  };

  return {
    /** @param {{ id: string, body: any }[]} docs */
    async fill(docs) {
      addresses = emails(docs, 5000);
      const fill = (/** @type {string} */ table, /** @type {{ id: string, body: any }[]} */ content) => {
        const insert = database.prepare(`INSERT INTO ${table} (id, body) VALUES (?, jsonb(?))`);
        database.transaction(() => {
          for (const { id, body } of content) insert.run(id, JSON.stringify(body));
        })();
      };
      fill('orders', docs);
      fill('stock', stock(STOCK));
      database.exec(`
        CREATE INDEX byEmail ON orders (body ->> '$.customer.email');
        CREATE INDEX byName ON orders (body ->> '$.customer.name.last', body ->> '$.customer.name.first');
        CREATE INDEX byCreated ON orders (body ->> '$.created');
        CREATE INDEX byNumber ON orders (body ->> '$.number');
        CREATE INDEX bySku ON stock (body ->> '$.sku');
        CREATE TABLE items (document INTEGER, position INTEGER, value BLOB, PRIMARY KEY (document, position)) WITHOUT ROWID;
        INSERT INTO items SELECT o.sequence, i.key, i.value FROM orders o, jsonb_each(o.body, '$.items') i;
        CREATE INDEX byArticle ON items (value ->> '$.sku');
        CREATE VIRTUAL TABLE notes USING fts4 (note, tokenize=porter);
        INSERT INTO notes (docid, note) SELECT sequence, body ->> '$.note' FROM orders;
      `);
      prepare();
    },

    /** @param {string} name @param {number} repeat */
    async run(name, repeat) {
      let rows = 0;
      for (let i = 0; i < repeat; i++) rows += run[name]().length;
      return rows;
    },

    async close() {
      database.close();
    },
  };
}

module.exports = { open };
