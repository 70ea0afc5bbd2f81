// @ts-check

// The documents of all benches: about 300 bytes of nested JSON, made from a seed, so that every run and every subject gets
// the very same ones.

/**
 * A generator of numbers in [0, 1) (mulberry32).
 * @param {number} seed
 */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const FIRST = [
  'Ada',
  'Björn',
  'Chidi',
  'Dolores',
  'Eiko',
  'Farid',
  'Grace',
  'Hugo',
  'Ines',
  'Jürgen',
  'Kofi',
  'Lena',
];
const LAST = [
  'Abe',
  'Brown',
  'Castillo',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  'Jansen',
  'Kowalski',
  'Lopez',
];
const CITY = [
  'Lisbon',
  'Nairobi',
  'Oslo',
  'Porto Alegre',
  'Quito',
  'Riga',
  'São Paulo',
  'Tallinn',
  'Utrecht',
  'Vienna',
];
const STATE = ['open', 'paid', 'packed', 'sent', 'returned'];

/**
 * @param {number} index
 * @param {() => number} next
 */
function makeDocument(index, next) {
  /** @param {any[]} list */
  const pick = (list) => list[Math.floor(next() * list.length)];
  /** @param {number} below */
  const integer = (below) => Math.floor(next() * below);
  const first = pick(FIRST);
  const last = pick(LAST);
  return {
    type: 'order',
    number: index,
    state: pick(STATE),
    created: new Date(1_600_000_000_000 + integer(100_000_000) * 1000).toISOString(),
    customer: {
      name: { first, last },
      email: `${first}.${last}${integer(1000)}@example.com`.toLowerCase(),
      city: pick(CITY),
    },
    items: Array.from({ length: 2 }, () => ({
      sku: `sku-${integer(100_000)}`,
      quantity: 1 + integer(9),
      price: integer(100_000) / 100,
    })),
    express: next() < 0.3,
  };
}

/**
 * @param {number} count
 * @param {number} [from] number of the first one
 * @returns {{ id: string, body: Record<string, any> }[]}
 */
function documents(count, from = 0) {
  const next = random(20260101 + from);
  return Array.from({ length: count }, (_, i) => ({
    id: documentId(from + i),
    body: makeDocument(from + i, next),
  }));
}

/** @param {number} index */
function documentId(index) {
  return `order-${String(index).padStart(8, '0')}`;
}

/**
 * The ids of `documents(count)` in an order that is random but always the same.
 * @param {number} count
 */
function shuffledIds(count) {
  const next = random(7);
  const ids = Array.from({ length: count }, (_, i) => documentId(i));
  for (let i = ids.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [ids[i], ids[j]] = [ids[j], ids[i]];
  }
  return ids;
}

/**
 * Bytes that do not compress, always the same for a seed.
 * @param {number} length
 * @param {number} seed
 */
function bytes(length, seed) {
  const next = random(seed);
  const buffer = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) buffer.writeUInt32LE(Math.floor(next() * 4294967296), i);
  return buffer;
}

module.exports = { documents, documentId, shuffledIds, bytes };
