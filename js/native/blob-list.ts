import { toArrayBuffer } from '../util/bytes';
import { stripFileScheme } from '../util/paths';
import { invalid } from './argument-checks';

/** A new blob: its key in the body, its MIME type, its bytes or the path of its file. */
export type NewBlob = [key: string, contentType: string, source: Uint8Array | string];

/** Longest JSON text of blobs; V8's own limit for a string is not much higher. */
const MAX_TEXT = 100 * 1024 * 1024;

/** Texts that mean "no blobs". */
const NONE = ['', '[]', '{}'];

/**
 * Reads the blobs of a save, in either form of api §15.4: an object with bytes or paths, or the
 * reference's JSON text with arrays of numbers.
 *
 * Throws a `CouchbaseLiteException` for anything else.
 */
export function blobList(blobs: unknown): NewBlob[] {
  if (blobs === null || blobs === undefined || NONE.includes(blobs as string)) {
    return [];
  }
  const map = typeof blobs === 'string' ? parse(blobs) : blobs;
  if (typeof map !== 'object' || map === null) {
    throw invalid('argument "blobs" must be an object or its JSON text');
  }
  const list: NewBlob[] = [];
  for (const key of Object.keys(map)) {
    const entry = (map as Record<string, any>)[key];
    if (entry !== null && entry !== undefined) {
      list.push(newBlob(key, entry));
    }
  }
  return list;
}

function parse(text: string): unknown {
  if (text.length > MAX_TEXT) {
    throw invalid(
      `blobs of ${text.length} characters as JSON text, limit is ${MAX_TEXT}: ` +
        'use Blob.fromFile, or give bytes as Uint8Array',
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`argument "blobs" is not JSON: ${(error as Error).message}`);
  }
}

function newBlob(key: string, entry: any): NewBlob {
  const { contentType, data } = entry._type === 'blob' ? (entry.data ?? {}) : entry;
  if (typeof contentType !== 'string') {
    throw invalid(`blob "${key}" has no contentType`);
  }
  const source = bytes(data);
  if (source !== undefined) {
    return [key, contentType, source];
  }
  if (typeof data?.path === 'string' && data.path !== '') {
    return [key, contentType, stripFileScheme(data.path)];
  }
  throw invalid(`blob "${key}" has neither bytes nor a path`);
}

/** The very bytes, not copied unless they are numbers or of another kind of array. */
function bytes(data: unknown): Uint8Array | undefined {
  if (Array.isArray(data)) {
    return Uint8Array.from(data);
  }
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  const buffer = toArrayBuffer(data);
  return buffer === undefined ? undefined : new Uint8Array(buffer);
}
