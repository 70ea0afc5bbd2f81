// @ts-check

// What the query bench asks, of whom, and the documents beyond those of the other benches.

const { documents } = require('./documents');

const WORDS = (
  'parcel fragile leave with neighbour ring twice gift wrapped deliver before noon call first ' +
  'heavy stairs garden shed porch locker signature invoice separately return label inside'
).split(' ');

/**
 * Orders with a note of eight words, of which one in a thousand mentions a lighthouse.
 * @param {number} count
 */
function orders(count) {
  return documents(count).map(({ id, body }, index) => {
    const words = Array.from(
      { length: 8 },
      (_, at) => WORDS[(index * 7 + at * (1 + (index % 5))) % WORDS.length],
    );
    if (index % 1000 === 500) words[3] = 'lighthouses';
    return { id, body: { ...body, note: words.join(' ') } };
  });
}

/** What is joined to orders by the sku of their first item. @param {number} count */
function stock(count) {
  return Array.from({ length: count }, (_, i) => ({
    id: `stock-${i}`,
    body: { sku: `sku-${i * 10}`, shelf: `${'ABCDEF'[i % 6]}-${i % 97}`, amount: (i * 31) % 500 },
  }));
}

/** Articles in stock. */
const STOCK = 10_000;

/** Ten documents, to multiply rows with. */
const TEN = Array.from({ length: 10 }, (_, i) => ({ id: `ten-${i}`, body: { n: i } }));

/**
 * The queries by name: how often one is asked in a measurement, and what it is.
 * @type {Record<string, { repeat: number, about: string }>}
 */
const QUERIES = {
  'unindexed equality': { repeat: 4, about: 'one order in about 100 by city and name, a scan' },
  'indexed equality': { repeat: 800, about: 'orders of one name, one in 144' },
  'one row by an index': { repeat: 40000, about: 'orders of one e-mail address, one by one' },
  'one row by an index, in flight': { repeat: 40000, about: 'the same, 100 at a time' },
  'range, order, limit 100': { repeat: 4000, about: '100 orders from a date on, by an index' },
  'group by with count': { repeat: 4, about: 'orders of each state' },
  'join on an index': { repeat: 100, about: 'stock of the first item of 5,000 orders' },
  'unnest filter': { repeat: 4, about: 'items of 9 pieces above 990' },
  'unnest filter on an array index': { repeat: 2000, about: 'items of 111 of 100,000 articles' },
  'full-text match': { repeat: 4000, about: 'notes that mention a lighthouse' },
  'everything': { repeat: 1, about: 'SELECT *' },
};

/** E-mail addresses of orders, so that a lookup never asks twice for the same. @param {any[]} docs @param {number} count */
function emails(docs, count) {
  const step = Math.max(1, Math.floor(docs.length / count));
  return Array.from({ length: count }, (_, i) => docs[(i * step) % docs.length].body.customer.email);
}

module.exports = { orders, stock, emails, STOCK, TEN, QUERIES };
