import { currentEngine } from '../engine/engine-locator';
import type { Dictionary } from '../util/dictionary';
import { hasOwn } from '../util/own';
import { Blob } from './blob';
import { type BlobStream, openBlobStream, saveBlobToFile } from './blob-stream';
import type { Collection } from './collection';
import { collectionArgs } from './collection-args';
import { ErrorCode, liteException } from './couchbase-lite-exception';

/**
 * A document as it was read: an id, a revision and a body of plain JSON values.
 *
 * Applications get instances from a collection. The data object is kept and given by reference.
 * Keys are literal; there are no paths. Source: api §6.1.
 */
export class Document {
  protected doc: Dictionary;
  protected id: string;
  protected sequenceNo: number;
  protected revisionID: string;
  protected collection: Collection;

  constructor(
    id: string | null = null,
    sequenceNo: number | null = null,
    revisionID: string | null = null,
    collection: Collection | null = null,
    data: Dictionary = {},
  ) {
    this.doc = data;
    this.id = id === null ? currentEngine().getUUID() : id;
    this.sequenceNo = sequenceNo as number;
    this.revisionID = revisionID as string;
    this.collection = collection as Collection;
  }

  /** Number of top-level keys. */
  count(): number {
    return Object.keys(this.doc).length;
  }

  getKeys(): string[] {
    return Object.keys(this.doc);
  }

  /** The data object itself, not a copy. */
  getData(): Dictionary {
    return this.doc;
  }

  /** The data object itself, not a copy. */
  toDictionary(): Dictionary {
    return this.doc;
  }

  toJsonString(): string {
    return JSON.stringify(this.doc);
  }

  getId(): string {
    return this.id;
  }

  /** Null on an unsaved document. */
  getRevisionID(): string {
    return this.revisionID;
  }

  /** Null on an unsaved document. */
  getSequence(): number {
    return this.sequenceNo;
  }

  /** Null on a document that no collection knows. */
  getCollection(): Collection {
    return this.collection;
  }

  /**
   * The stored value, or null.
   *
   * @deprecated Use the getter of the type.
   */
  getValue(key: string): any {
    return this.has(key) ? this.doc[key] : null;
  }

  /** Null unless the value is a string. */
  getString(key: string): string | null {
    const value = this.read(key);
    return typeof value === 'string' ? value : null;
  }

  /** False for an absent key, `false`, `0`, `'0.0'` and null; true for everything else. */
  getBoolean(key: string): boolean {
    if (!this.has(key)) {
      return false;
    }
    const value = this.doc[key];
    if (typeof value === 'boolean') {
      return value;
    }
    return !(value === 0 || value === '0.0' || value === null);
  }

  /** The number rounded down; 1 and 0 for booleans; 0 for anything else. */
  getInt(key: string): number {
    return Math.floor(this.number(key));
  }

  /** The stored value whatever its type; 0 for an absent key. */
  getLong(key: string): any {
    return this.has(key) ? this.doc[key] : 0;
  }

  /** The number; 1 and 0 for booleans; 0 for anything else. */
  getFloat(key: string): number {
    return this.number(key);
  }

  /** The number; 1 and 0 for booleans; 0 for anything else. */
  getDouble(key: string): number {
    return this.number(key);
  }

  /** A date from any string that `Date` can read, otherwise null. */
  getDate(key: string): Date | null {
    const value = this.read(key);
    if (typeof value !== 'string') {
      return null;
    }
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? null : date;
  }

  /** The array by reference; null for anything else. */
  getArray(key: string): any[] | null {
    const value = this.read(key);
    return Array.isArray(value) ? value : null;
  }

  /** Any object that is not an array, by reference, blob metadata included; otherwise null. */
  getDictionary(key: string): Dictionary | null {
    const value = this.read(key);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  }

  /** The blob with its content; null when the value is no blob. */
  async getBlob(key: string): Promise<Blob | null> {
    const metadata = this.blobMetadata(key);
    if (metadata === null) {
      return null;
    }
    const blob = new Blob(metadata.content_type, await this.getBlobContent(key));
    blob.digest = metadata.digest;
    blob.length = metadata.length;
    return blob;
  }

  /**
   * The bytes of the blob at a key, or else at a path to a nested value, such as `pages[0].photo`;
   * empty when there is no blob.
   */
  async getBlobContent(key: string): Promise<ArrayBuffer> {
    const collection = this.blobCollection();
    const { data } = await collection.getEngine().collection_GetBlobContent({
      ...collectionArgs(collection),
      documentId: this.id,
      key,
    });
    return data;
  }

  /**
   * The content of a blob as a stream of bounded memory; null when the value is no blob.
   *
   * On Node a `stream.Readable`: it can be piped, iterated with `for await` and destroyed.
   *
   * @example
   * const film = document.blobStream('film');
   * if (film !== null) {
   *   await pipeline(film, createWriteStream('film.mp4'));
   * }
   */
  blobStream(key: string): BlobStream | null {
    const metadata = this.blobMetadata(key);
    if (metadata === null) {
      return null;
    }
    return openBlobStream(this.blobCollection(), metadata);
  }

  /**
   * Writes the blob at a key to a file, without taking it through memory. A file that is there is
   * replaced, when all of the content is written.
   *
   * Rejects with `NotFound` when the value is no blob, and when the file cannot be written.
   *
   * @example
   * await document.saveBlobToFile('film', '/home/me/Videos/film.mp4');
   */
  async saveBlobToFile(key: string, path: string): Promise<void> {
    const metadata = this.blobMetadata(key);
    if (metadata === null) {
      throw liteException(ErrorCode.NotFound, `document "${this.id}" has no blob "${key}"`);
    }
    await saveBlobToFile(this.blobCollection(), metadata, path);
  }

  /** Where its blobs are; throws a `TypeError` for a document that was never read or saved. */
  private blobCollection(): Collection {
    if (!this.collection) {
      throw new TypeError(`document "${this.id}" has no collection to read the blob from`);
    }
    return this.collection;
  }

  private has(key: string): boolean {
    return hasOwn(this.doc, key);
  }

  private read(key: string): any {
    return this.has(key) ? this.doc[key] : undefined;
  }

  private number(key: string): number {
    const value = this.read(key);
    if (typeof value === 'number') {
      return value;
    }
    return value === true ? 1 : 0;
  }

  private blobMetadata(key: string): any {
    const value = this.read(key);
    return typeof value === 'object' && value !== null && 'content_type' in value ? value : null;
  }
}
