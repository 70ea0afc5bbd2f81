import type { CollectionArgs, CollectionSaveStringArgs } from '../engine/arguments';
import type { CollectionDocumentSaveResult } from '../engine/results';
import type { ConcurrencyControl } from './concurrency-control';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import { type MutableDocument, pendingBlobArgs } from './mutable-document';

/** What `collection_Save` gets: the body as JSON text, the pending blobs as bytes or paths. */
export function saveArgs(
  collection: CollectionArgs,
  document: MutableDocument,
  concurrencyControl: ConcurrencyControl | null,
): CollectionSaveStringArgs {
  return {
    name: collection.name,
    scopeName: collection.scopeName,
    collectionName: collection.collectionName,
    id: document.getId(),
    document: bodyText(document),
    blobs: pendingBlobArgs(document),
    concurrencyControl,
  };
}

/** Shows the stored revision on the document that was saved. */
export function applySaved(document: MutableDocument, saved: CollectionDocumentSaveResult): void {
  document.setId(saved._id);
  document.setRevisionID(saved._revId);
  document.setSequence(saved._sequence);
}

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
