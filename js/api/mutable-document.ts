import type { BlobArgs } from '../engine/arguments';
import { currentEngine } from '../engine/engine-locator';
import type { Dictionary } from '../util/dictionary';
import { hide } from '../util/hidden';
import { deletePath, setOwn } from '../util/own';
import { type Blob, blobPath } from './blob';
import type { Collection } from './collection';
import { Document } from './document';

/** Blobs set but not yet part of the stored body; null removes the property. */
type PendingBlobs = Map<string, Blob | null>;

/**
 * A document that can be changed and saved.
 *
 * Setters store values as they are, by reference, and return the document. What a constructor call
 * means depends on the number and types of its arguments (api §6.2).
 *
 * @example
 * const document = new MutableDocument('hotel::1').setString('name', 'Ritz').setInt('stars', 5);
 * await collection.save(document);
 */
export class MutableDocument extends Document {
  declare private pendingBlobs?: PendingBlobs;

  constructor(id?: string | null);
  constructor(id: string | null | undefined, data: Dictionary | null);
  constructor(id: string | null | undefined, sequenceNo: number | null, data?: Dictionary | null);
  constructor(
    id: string | null | undefined,
    sequenceNo: number | null,
    revisionID: string | null,
    data?: Dictionary | null,
    collection?: Collection | null,
  );
  constructor(
    id?: string | null,
    second?: number | Dictionary | null,
    third?: string | Dictionary | null,
    data?: Dictionary | null,
    collection?: Collection | null,
  ) {
    let sequence: unknown = second;
    let revision: unknown = third;
    let body: Dictionary | null | undefined = data;
    // biome-ignore lint/complexity/noArguments: the forms are told apart by the argument count
    const count = arguments.length;
    if (count === 2 && isData(second)) {
      body = second as Dictionary | null;
      sequence = null;
    } else if (count === 3 && isData(third)) {
      body = third as Dictionary | null;
      revision = null;
    }
    const needsId = id === null || id === undefined || (id === '' && count < 2);
    super(
      needsId ? currentEngine().getUUID() : id,
      (sequence ?? null) as number | null,
      (revision ?? null) as string | null,
      collection ?? null,
      body ?? {},
    );
  }

  /** A mutable document on the same data object; pending blobs are not carried over. */
  static fromDocument(document: Document): MutableDocument {
    return new MutableDocument(
      document.getId(),
      document.getSequence(),
      document.getRevisionID(),
      document.getData(),
      document.getCollection(),
    );
  }

  /** A new document from JSON text. */
  static fromJSON(documentId: string | null | undefined, jsonString: string): MutableDocument {
    let data: Dictionary;
    try {
      data = JSON.parse(jsonString);
    } catch (error) {
      throw new Error(`Failed to parse JSON string: ${(error as Error).message}`);
    }
    return new MutableDocument(documentId, data);
  }

  setString(key: string, value: string | null): this {
    return this._set(key, value);
  }

  setBoolean(key: string, value: boolean | null): this {
    return this._set(key, value);
  }

  setInt(key: string, value: number | null): this {
    return this._set(key, value);
  }

  setLong(key: string, value: number | null): this {
    return this._set(key, value);
  }

  setFloat(key: string, value: number | null): this {
    return this._set(key, value);
  }

  setDouble(key: string, value: number | null): this {
    return this._set(key, value);
  }

  setNumber(key: string, value: number | null): this {
    return this._set(key, value);
  }

  setArray<T>(key: string, value: T[] | null): this {
    return this._set(key, value);
  }

  setDictionary(key: string, value: Dictionary | null): this {
    return this._set(key, value);
  }

  setValue<T>(key: string, value: T): this {
    return this._set(key, value);
  }

  /** Stores the date as ISO 8601 text in UTC with milliseconds. */
  setDate(key: string, value: Date | null): this {
    return this._set(key, value === null || value === undefined ? null : value.toISOString());
  }

  /**
   * Takes the key out of the data and remembers the blob for the next saves.
   *
   * With null the property is gone from the saved document.
   */
  setBlob(key: string, value: Blob | null): this {
    delete this.doc[key];
    if (this.pendingBlobs === undefined) {
      hide(this, 'pendingBlobs', new Map());
    }
    (this.pendingBlobs as unknown as PendingBlobs).set(key, value ?? null);
    return this;
  }

  /** Replaces the data object; pending blobs stay. */
  setData(data: Dictionary): this {
    this.doc = data;
    return this;
  }

  /** Deletes the property that a dotted path names, and a pending blob of that key. */
  remove(key: string): this {
    deletePath(this.doc, key);
    this.pendingBlobs?.delete(key);
    return this;
  }

  setId(id: string): void {
    this.id = id;
  }

  setRevisionID(revisionID: string): void {
    this.revisionID = revisionID;
  }

  setSequence(sequence: number): void {
    this.sequenceNo = sequence;
  }

  setCollection(collection: Collection): void {
    this.collection = collection;
  }

  /** The pending blobs as JSON text, each byte a number (api §15.4). Saving does not use it. */
  blobsToJsonString(): string {
    const blobs: Dictionary = {};
    this.pendingBlobs?.forEach((blob, key) => {
      setOwn(blobs, key, blob === null ? null : { _type: 'blob', data: blob.toDictionary() });
    });
    return JSON.stringify(blobs);
  }

  /** Stores a value as it is and drops a pending blob of that key. */
  _set(key: string, value: any): this {
    setOwn(this.doc, key, value);
    this.pendingBlobs?.delete(key);
    return this;
  }
}

/** The pending blobs as a save hands them to the engine: bytes or paths, never JSON text. */
export function pendingBlobArgs(document: MutableDocument): BlobArgs | '{}' {
  const pending = (document as unknown as { pendingBlobs?: PendingBlobs }).pendingBlobs;
  if (pending === undefined || pending.size === 0) {
    return '{}';
  }
  const blobs: BlobArgs = {};
  pending.forEach((blob, key) => {
    if (blob !== null) {
      const path = blobPath(blob);
      const data = path === undefined ? blob.getBytes() : { path };
      setOwn(blobs, key, { contentType: blob.getContentType(), data });
    }
  });
  return blobs;
}

function isData(value: unknown): boolean {
  return typeof value === 'object';
}
