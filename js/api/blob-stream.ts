import type { SetteeEngine } from '../engine/core-engine';
import { stripFileScheme } from '../util/paths';
import type { Collection } from './collection';
import { collectionArgs } from './collection-args';
import { ErrorCode, liteException } from './couchbase-lite-exception';

/** Bytes asked for at once: large enough to be quick, small enough to stay flat in memory. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The content of a blob, chunk by chunk.
 *
 * On Node this is a `stream.Readable`; elsewhere only the iteration is there.
 */
export interface BlobStream extends AsyncIterable<Uint8Array> {
  readonly contentType: string;
  readonly digest: string;
  /** Bytes of the whole blob. */
  readonly length: number;
  pipe<T>(destination: T, options?: { end?: boolean }): T;
  on(event: string, listener: (...args: any[]) => void): this;
  once(event: string, listener: (...args: any[]) => void): this;
  destroy(error?: Error): this;
}

interface BlobMetadata {
  content_type: string;
  digest: string;
  length: number;
}

/**
 * Opens a stream on a stored blob by its digest.
 *
 * Content is immutable under its digest, so the stream holds nothing open between chunks. A chunk
 * is asked for when the reader gets the one before it. If the blob is removed meanwhile, the stream
 * fails.
 */
export function openBlobStream(collection: Collection, metadata: BlobMetadata): BlobStream {
  const chunks = readChunks(collection, metadata);
  const { content_type: contentType, digest, length } = metadata;
  const stream = toReadable(chunks) ?? (chunks as unknown as BlobStream);
  return Object.assign(stream, { contentType, digest, length });
}

/** Writes a stored blob to a file. */
export async function saveBlobToFile(
  collection: Collection,
  { digest }: BlobMetadata,
  path: string,
): Promise<void> {
  const save = engineFunction(collection, 'database_SaveBlob', 'write files');
  const { name } = collectionArgs(collection);
  await save({ name, digest, path: stripFileScheme(path) });
}

/** A function that only settee's engine has; throws where it is not there. */
function engineFunction<Name extends 'database_ReadBlob' | 'database_SaveBlob'>(
  collection: Collection,
  name: Name,
  purpose: string,
): SetteeEngine[Name] {
  const engine = collection.getEngine() as SetteeEngine;
  if (typeof engine[name] !== 'function') {
    throw liteException(ErrorCode.Unsupported, `this engine cannot ${purpose}: not supported`);
  }
  return engine[name].bind(engine) as SetteeEngine[Name];
}

async function* readChunks(
  collection: Collection,
  metadata: BlobMetadata,
): AsyncGenerator<Uint8Array> {
  const read = engineFunction(collection, 'database_ReadBlob', 'stream blobs');
  const { name } = collectionArgs(collection);
  const { digest } = metadata;
  const ask = (offset: number) => {
    const chunk = read({ name, digest, offset, length: CHUNK_BYTES });
    // Whoever takes it hears of its failure; it may also never be taken.
    chunk.catch(() => undefined);
    return chunk;
  };
  let offset = 0;
  let next = ask(offset);
  for (;;) {
    const { data, length } = await next;
    offset += data.byteLength;
    const over = offset >= length || data.byteLength === 0;
    if (!over) {
      // Read while the reader is busy with this one.
      next = ask(offset);
    }
    if (data.byteLength > 0) {
      yield new Uint8Array(data);
    }
    if (over) {
      return;
    }
  }
}

function toReadable(chunks: AsyncGenerator<Uint8Array>): BlobStream | undefined {
  let stream: typeof import('stream') | undefined;
  try {
    stream = require('stream') as typeof import('stream');
  } catch {
    return undefined;
  }
  // Not Readable.from: old Nodes leave its generator running after destroy().
  const readable = new stream.Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      chunks.next().then(
        ({ value, done }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      chunks.return(undefined).then(
        () => callback(error),
        () => callback(error),
      );
    },
  });
  return readable as unknown as BlobStream;
}
