import type { CollectionArgs } from '../engine/arguments';
import type { ICoreEngine } from '../engine/core-engine';
import { direct, type SavedHandler } from '../engine/direct';
import type { Collection } from './collection';
import type { ConcurrencyControl } from './concurrency-control';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import { type MutableDocument, pendingBlobArgs } from './mutable-document';

/**
 * Saves a document: the body goes over as JSON text, the pending blobs as bytes or paths. Then shows
 * the stored revision on it, and the collection unless that is null.
 */
export function saveDocument(
  engine: ICoreEngine,
  names: CollectionArgs,
  collection: Collection | null,
  document: MutableDocument,
  concurrencyControl: ConcurrencyControl | null,
): Promise<void> {
  const id = document.getId();
  const body = bodyText(document);
  const blobs = pendingBlobArgs(document);
  const saved = direct(
    engine,
    'collection_Save',
  )?.({
    names,
    id,
    body,
    blobs,
    concurrencyControl,
    document,
    collection,
    saved: applySaved,
  });
  if (saved !== undefined) {
    return saved;
  }
  return engine
    .collection_Save({ ...names, id, document: body, blobs, concurrencyControl })
    .then(({ _id, _revId, _sequence }) => applySaved(document, collection, _id, _revId, _sequence));
}

const applySaved: SavedHandler = (
  document: MutableDocument,
  collection: Collection | null,
  id,
  revId,
  sequence,
) => {
  document.setId(id);
  document.setRevisionID(revId);
  document.setSequence(sequence);
  if (collection !== null) {
    document.setCollection(collection);
  }
};

function bodyText(document: MutableDocument): string {
  try {
    return document.toJsonString();
  } catch (error) {
    throw liteException(
      ErrorCode.InvalidParameter,
      `document "${document.getId()}" cannot be written as JSON: ${(error as Error).message}`,
    );
  }
}
