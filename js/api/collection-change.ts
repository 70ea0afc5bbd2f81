import type { Collection } from './collection';
import type { Database } from './database';

/** Documents of a collection that changed, each once. */
export interface CollectionChange {
  documentIDs: string[];
  collection: Collection;
}

/** One saved, deleted or purged revision of the document that is listened to. */
export interface DocumentChange {
  documentId: string;
  collection: Collection;
  database: Database;
}

export type CollectionChangeListener = (change: CollectionChange) => void;

export type DocumentChangeListener = (change: DocumentChange) => void;
