/** How many random bytes are drawn at once: 256 ids. */
const POOL_BYTES = 16 * 256;

const HEX = Array.from({ length: 256 }, (_, byte) => (byte + 0x100).toString(16).slice(1));

const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/**
 * Makes a random UUID, version 4, lower case.
 *
 * Works on Node 12 and in renderers without Node, neither of which has `crypto.randomUUID`
 * (api §20).
 */
export function uuid(): string {
  if (used >= POOL_BYTES) {
    fillRandom(pool);
    used = 0;
  }
  const b = pool;
  const i = used;
  used += 16;
  const version = HEX[(b[i + 6] & 0x0f) | 0x40];
  const variant = HEX[(b[i + 8] & 0x3f) | 0x80];
  return (
    `${HEX[b[i]] + HEX[b[i + 1]] + HEX[b[i + 2]] + HEX[b[i + 3]]}-${HEX[b[i + 4]]}${HEX[b[i + 5]]}` +
    `-${version}${HEX[b[i + 7]]}-${variant}${HEX[b[i + 9]]}-${HEX[b[i + 10]]}${HEX[b[i + 11]]}` +
    `${HEX[b[i + 12]]}${HEX[b[i + 13]]}${HEX[b[i + 14]]}${HEX[b[i + 15]]}`
  );
}

function fillRandom(bytes: Uint8Array): void {
  const web = (globalThis as { crypto?: { getRandomValues?(into: Uint8Array): unknown } }).crypto;
  if (web && typeof web.getRandomValues === 'function') {
    web.getRandomValues(bytes);
  } else {
    (require('crypto') as typeof import('crypto')).randomFillSync(bytes);
  }
}
