/** Engine arguments and results as JSON: dates and bytes become marked objects. */

export function encode(value: any): any {
  if (typeof value !== 'object' || value === null) {
    return value === undefined ? { $undefined: true } : value;
  }
  const brand = Object.prototype.toString.call(value);
  if (brand === '[object Date]') {
    return { $date: value.getTime() };
  }
  if (brand === '[object ArrayBuffer]' || ArrayBuffer.isView(value)) {
    const bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
    return { $bytes: Array.from(bytes), $view: ArrayBuffer.isView(value) };
  }
  return map(value, encode);
}

export function decode(value: any): any {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (value.$undefined) {
    return undefined;
  }
  if (value.$date !== undefined) {
    return new Date(value.$date);
  }
  if (value.$bytes !== undefined) {
    const bytes = Uint8Array.from(value.$bytes);
    return value.$view ? bytes : bytes.buffer;
  }
  return map(value, decode);
}

function map(value: any, change: (item: any) => any): any {
  if (Array.isArray(value)) {
    return value.map(change);
  }
  const copy = Object.create(Object.prototype);
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, {
      value: change(value[key]),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return copy;
}
