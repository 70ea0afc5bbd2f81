// @ts-check

// Settee through its public API: Query.execute, which gives plain rows.

const {
  Database,
  DatabaseConfiguration,
  FullTextIndexItem,
  IndexBuilder,
  MutableDocument,
  Query,
  ValueIndexItem,
} = require('../../..');
const { emails, STOCK, stock, TEN } = require('../../lib/queries');
const { elapsed } = require('../../lib/stats');

/** @param {string} folder */
async function open(folder) {
  const database = new Database('query', new DatabaseConfiguration(folder));
  await database.open();
  /** @type {Record<string, Query>} */
  const made = {};
  /** @param {string} text */
  const query = (text) => {
    made[text] = made[text] || new Query(text, database);
    return made[text];
  };
  /** @type {string[]} */
  let addresses = [];
  let asked = 0;
  let compiled = 0;

  /** @param {string} email */
  const byEmail = (email) => {
    const one = new Query(
      'SELECT META().id, number, state FROM shop.orders WHERE customer.email = $email',
      database,
    );
    one.parameters.setString('email', email);
    return one.execute();
  };
  const nextEmail = () => addresses[asked++ % addresses.length];

  /** @type {Record<string, () => Promise<any[]>>} */
  const run = {
    'unindexed equality': () =>
      query(
        "SELECT META().id, number FROM shop.orders WHERE customer.city = 'Oslo' AND customer.name.first = 'Ada'",
      ).execute(),
    'indexed equality': () =>
      query(
        "SELECT META().id, number FROM shop.orders WHERE customer.name.last = 'Ito' AND customer.name.first = 'Ada'",
      ).execute(),
    'one row by an index': () => byEmail(nextEmail()),
    'range, order, limit 100': () =>
      query(
        "SELECT META().id, number, created FROM shop.orders WHERE created >= '2021-06-01' ORDER BY created LIMIT 100",
      ).execute(),
    'group by with count': () =>
      query('SELECT state, COUNT(*) AS orders FROM shop.orders GROUP BY state').execute(),
    'join on an index': () =>
      query(
        'SELECT o.number, s.shelf FROM shop.orders o JOIN shop.stock s ON s.sku = o.items[0].sku WHERE o.number < 5000',
      ).execute(),
    'unnest filter': () =>
      query(
        'SELECT o.number, i.sku FROM shop.orders o UNNEST o.items i WHERE i.quantity = 9 AND i.price > 990',
      ).execute(),
    'unnest filter on an array index': () =>
      query(
        "SELECT o.number, i.quantity FROM shop.orders o UNNEST o.items i WHERE i.sku >= 'sku-500' AND i.sku < 'sku-501'",
      ).execute(),
    'full-text match': () =>
      query("SELECT META().id, number FROM shop.orders WHERE MATCH(notes, 'lighthouse')").execute(),
    everything: () => query('SELECT * FROM shop.orders').execute(),
  };

  return {
    /** @param {{ id: string, body: any }[]} docs */
    async fill(docs) {
      addresses = emails(docs, 5000);
      /** @type {[string, { id: string, body: any }[]][]} */
      const collections = [
        ['orders', docs],
        ['stock', stock(STOCK)],
        ['ten', TEN],
      ];
      for (const [name, content] of collections) {
        const collection = await database.createCollection(name, 'shop');
        await Promise.all(content.map(({ id, body }) => collection.save(new MutableDocument(id, body))));
      }
      const orders = await database.collection('orders', 'shop');
      const by = (/** @type {string[]} */ ...paths) =>
        IndexBuilder.valueIndex(...paths.map((path) => ValueIndexItem.property(path)));
      await orders.createIndex('byEmail', by('customer.email'));
      await orders.createIndex('byName', by('customer.name.last', 'customer.name.first'));
      await orders.createIndex('byCreated', by('created'));
      await orders.createIndex('byNumber', by('number'));
      await orders.createIndex(
        'byArticle',
        IndexBuilder.arrayIndex('items', ValueIndexItem.property('sku')),
      );
      await orders.createIndex(
        'notes',
        IndexBuilder.fullTextIndex(FullTextIndexItem.property('note')),
      );
      await (await database.collection('stock', 'shop')).createIndex('bySku', by('sku'));
    },

    /** @param {string} name @param {number} repeat */
    async run(name, repeat) {
      let rows = 0;
      if (name === 'one row by an index, in flight') {
        for (let done = 0; done < repeat; done += 100) {
          const results = await Promise.all(Array.from({ length: 100 }, () => byEmail(nextEmail())));
          for (const result of results) rows += result.length;
        }
        return rows;
      }
      for (let i = 0; i < repeat; i++) rows += (await run[name]()).length;
      return rows;
    },

    /**
     * Seconds of queries that all differ, and of the same number of equal ones, none of which finds anything.
     * @param {number} count
     */
    async compile(count) {
      const text = (/** @type {number | string} */ i) =>
        `SELECT META(o).id, o.number, o.customer.name.last AS last FROM shop.orders AS o
         WHERE o.number = -1 AND o.state = 'k${i}' AND LOWER(o.customer.city) LIKE 'os%'
         ORDER BY o.created DESC LIMIT 20`;
      const time = (/** @type {(i: number) => string} */ textOf) =>
        elapsed(async () => {
          for (let i = 0; i < count; i++) await new Query(textOf(i), database).execute();
        });
      await time(() => text('warm'));
      compiled += 1;
      return {
        cold: await time((i) => text(`${compiled}-${i}`)),
        cached: await time(() => text('warm')),
      };
    },

    /** A result of ten rows an order as the engine gives it, without making objects of it. */
    async large(/** @type {number} */ limit) {
      const { engine } = require('../../..');
      const { data } = await engine.query_Execute({
        name: database.getUniqueName(),
        query: 'SELECT o.number, o.state, o.created, o.customer.email, t.n FROM shop.orders o CROSS JOIN shop.ten t LIMIT $most',
        parameters: { most: { name: 'most', value: limit, type: 'int' } },
      });
      return data.length;
    },

    async close() {
      await database.close();
    },
  };
}

module.exports = { open };
