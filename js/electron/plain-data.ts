import { invalid } from '../native/argument-checks';
import { toArrayBuffer } from '../util/bytes';
import { setOwn } from '../util/own';

/** Deepest nesting of arguments; documents cross as text and do not count. */
const MAX_DEPTH = 100;

/**
 * A copy of arguments that any bridge can carry: plain objects, arrays, dates, exact byte arrays.
 *
 * Taken when the call is made, so that the caller may change its objects afterwards (api §2.5).
 * Throws a `CouchbaseLiteException` for functions, symbols and nesting without end.
 */
export function plainData(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') {
      throw invalid(`the arguments hold a ${typeof value}, which cannot leave this window`);
    }
    return value;
  }
  if (depth > MAX_DEPTH) {
    throw invalid(`the arguments are nested deeper than ${MAX_DEPTH} levels`);
  }
  if (Array.isArray(value)) {
    return value.map((item) => plainData(item, depth + 1));
  }
  if (Object.prototype.toString.call(value) === '[object Date]') {
    return new Date((value as Date).getTime());
  }
  const bytes = toArrayBuffer(value);
  if (bytes !== undefined) {
    return new Uint8Array(bytes === value ? bytes.slice(0) : bytes);
  }
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    setOwn(copy, key, plainData((value as Record<string, unknown>)[key], depth + 1));
  }
  return copy;
}

/**
 * Whether a result may cross as it is: nothing in it is nested, so that copying it field by field
 * costs little. What is not goes as JSON text, which a page parses much faster (design D2).
 */
export function isFlat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return true;
  }
  return Object.keys(value).every((key) => {
    const field = (value as Record<string, unknown>)[key];
    return typeof field !== 'object' || field === null || isOpaque(field);
  });
}

function isOpaque(value: object): boolean {
  const brand = Object.prototype.toString.call(value);
  return brand === '[object Date]' || brand === '[object ArrayBuffer]' || ArrayBuffer.isView(value);
}
