/**
 * Copies binary data into an ArrayBuffer of exactly its length.
 *
 * A typed array or Node `Buffer` is often a window on a larger buffer; only the viewed range is
 * taken. An ArrayBuffer is kept as it is, not copied. Values of another realm (an Electron
 * renderer, a test runner's sandbox) are recognised by brand, because `instanceof` fails for them.
 * Anything else gives `undefined`.
 */
export function toArrayBuffer(data: unknown): ArrayBuffer | undefined {
  if (ArrayBuffer.isView(data)) {
    const copy = new Uint8Array(data.byteLength);
    copy.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return copy.buffer;
  }
  return isArrayBuffer(data) ? data : undefined;
}

function isArrayBuffer(data: unknown): data is ArrayBuffer {
  const brand = Object.prototype.toString.call(data);
  return brand === '[object ArrayBuffer]' || brand === '[object SharedArrayBuffer]';
}
