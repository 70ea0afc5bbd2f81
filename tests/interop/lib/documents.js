const crypto = require('crypto');

/** Documents that hold every kind of JSON value, with ids `<prefix>-<n>`. */
function documents(prefix, count) {
  return Array.from({ length: count }, (_, n) => ({ id: `${prefix}-${n}`, body: body(n) }));
}

function body(n) {
  return {
    number: n,
    large: 9_007_199_254_740_991 - n,
    negative: -n - 1,
    fraction: n + 0.1,
    small: 1.5e-7,
    yes: n % 2 === 0,
    nothing: null,
    text: `öäü ☕ 日本語 🙂 "quoted" \\ / \n\t\u0001 #${n}`,
    'key with ünïcode': [],
    nested: { list: [1, [2, [3, { deep: true }]], 'x', {}], tags: ['a', 'b', `c${n}`] },
    filler: 'lorem ipsum dolor sit amet '.repeat(n % 7),
  };
}

/** Incompressible bytes, the same in each run. */
function bytes(seed, length) {
  const chunks = [];
  for (let have = 0, n = 0; have < length; have += 32, n += 1) {
    chunks.push(crypto.createHash('sha256').update(`${seed}/${n}`).digest());
  }
  return Buffer.concat(chunks).subarray(0, length);
}

/** Blobs as the Java client takes them. */
function forJava(documentsWithBlobs) {
  return documentsWithBlobs.map(({ id, body: content, blobs = {} }) => ({
    id,
    body: content,
    blobs: Object.fromEntries(
      Object.entries(blobs).map(([key, blob]) => [
        key,
        { type: blob.type, base64: blob.bytes.toString('base64') },
      ]),
    ),
  }));
}

function ids(list) {
  return list.map(({ id }) => id);
}

module.exports = { bytes, documents, forJava, ids };
