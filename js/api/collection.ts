import type { CollectionArgs } from '../engine/arguments';
import type { ICoreEngine } from '../engine/core-engine';
import { currentEngine } from '../engine/engine-locator';
import { hide } from '../util/hidden';
import type { AbstractIndex } from './abstract-index';
import { issue } from './batch';
import { collectionArgs } from './collection-args';
import type { CollectionChangeListener, DocumentChangeListener } from './collection-change';
import type { CollectionJson } from './collection-json';
import type { ConcurrencyControl } from './concurrency-control';
import type { Database } from './database';
import { Document } from './document';
import type { MutableDocument } from './mutable-document';
import { saveDocument } from './save-document';
import { Scope } from './scope';
import { newToken, Subscriptions, unsubscribe } from './subscriptions';

/**
 * A named set of documents.
 *
 * Objects are cheap names: two look-ups give two objects, and one that was obtained before its
 * database was closed works again after the database is opened. Source: api §5.2.
 *
 * @example
 * const hotels = await database.createCollection('hotels', 'travel');
 * await hotels.save(new MutableDocument('ritz').setString('name', 'Ritz'));
 */
export class Collection {
  name: string;
  scope: Scope;
  database: Database;
  declare private readonly _engine: ICoreEngine;
  declare private readonly _listeners: Subscriptions;

  constructor(
    name: string | undefined | null,
    scope: Scope | undefined | null,
    database: Database,
  ) {
    this.name = name ?? '';
    this.scope = scope ?? new Scope('', database);
    this.database = database;
    hide(this, '_engine', currentEngine());
    hide(this, '_listeners', new Subscriptions());
  }

  getEngine(): ICoreEngine {
    return this._engine;
  }

  /** `<scope>.<collection>`; synchronous, and may be awaited as well. */
  fullName(): string {
    return `${this.scope.name}.${this.name}`;
  }

  /** The number of documents that are not deleted, as `{count}`. */
  async count(): Promise<{ count: number }> {
    return this._engine.collection_GetCount(collectionArgs(this));
  }

  /** The document with that id; `undefined` when there is none. */
  async document(id: string): Promise<Document | undefined> {
    const found = await this._engine.collection_GetDocument({ ...collectionArgs(this), docId: id });
    if (!found?._id) {
      return undefined;
    }
    return new Document(found._id, found._sequence, found._revId, this, found._data);
  }

  /** Same as {@link document}. */
  getDocument(id: string): Promise<Document | undefined> {
    return this.document(id);
  }

  /**
   * Writes the document and sets its new id, revision, sequence and collection on it.
   *
   * With `FAIL_ON_CONFLICT` and a stored live document of that id nothing is written; the promise
   * still resolves, and the document shows the stored revision (api §6.4).
   */
  save(
    document: MutableDocument,
    concurrencyControl: ConcurrencyControl | null = null,
  ): Promise<void> {
    return issue(this.database, () =>
      saveDocument(this._engine, collectionArgs(this), this, document, concurrencyControl),
    );
  }

  /** Writes a tombstone; rejects when there is no live document of that id. */
  deleteDocument(
    document: Document,
    concurrencyControl: ConcurrencyControl | null = null,
  ): Promise<void> {
    return this.call((args) =>
      this._engine.collection_DeleteDocument({
        ...args,
        docId: document.getId(),
        concurrencyControl,
      }),
    );
  }

  /** Removes the document without a trace; this is not replicated. */
  purge(document: Document): Promise<void> {
    return this.call((args) =>
      this._engine.collection_PurgeDocument({ ...args, docId: document.getId() }),
    );
  }

  purgeById(documentId: string): Promise<void> {
    return this.call((args) =>
      this._engine.collection_PurgeDocument({ ...args, docId: documentId }),
    );
  }

  /** When the document expires; null when it does not. */
  async getDocumentExpiration(id: string): Promise<Date | null> {
    const reply = await this._engine.collection_GetDocumentExpiration({
      ...collectionArgs(this),
      docId: id,
    });
    return reply?.date ? reply.date : null;
  }

  /** Purges the document at that time; null clears. A past time purges at once. */
  setDocumentExpiration(id: string, expiration: Date | null): Promise<void> {
    return this.call((args) =>
      this._engine.collection_SetDocumentExpiration({ ...args, docId: id, expiration }),
    );
  }

  createIndex(indexName: string, index: AbstractIndex): Promise<void> {
    return this.call((args) =>
      this._engine.collection_CreateIndex({ ...args, indexName, index: index.toJson() }),
    );
  }

  deleteIndex(indexName: string): Promise<void> {
    return this.call((args) => this._engine.collection_DeleteIndex({ ...args, indexName }));
  }

  /** Names of the indexes. */
  async indexes(): Promise<string[]> {
    const { indexes } = await this._engine.collection_GetIndexes(collectionArgs(this));
    return indexes;
  }

  /** Tells of every change of the collection; one listener an object. Resolves with its token. */
  addChangeListener(listener: CollectionChangeListener): Promise<string> {
    const changeListenerToken = newToken(this._engine);
    return this._listeners.add(
      changeListenerToken,
      { name: 'collection', refusal: 'Listener already started' },
      (callback) =>
        this._engine.collection_AddChangeListener(
          { ...collectionArgs(this), changeListenerToken },
          callback,
        ),
      ({ documentIDs }) => listener({ documentIDs, collection: this }),
    );
  }

  removeChangeListener(token: string): Promise<void> {
    return unsubscribe(token, (changeListenerToken) =>
      this._engine.collection_RemoveChangeListener({
        ...collectionArgs(this),
        changeListenerToken,
      }),
    );
  }

  /** Tells of every revision of one document; one listener a document an object. */
  addDocumentChangeListener(documentId: string, listener: DocumentChangeListener): Promise<string> {
    const changeListenerToken = newToken(this._engine);
    return this._listeners.add(
      changeListenerToken,
      {
        name: `document ${documentId}`,
        refusal: `Listener for document ${documentId} already started`,
      },
      (callback) =>
        this._engine.collection_AddDocumentChangeListener(
          { ...collectionArgs(this), changeListenerToken, documentId },
          callback,
        ),
      (data) =>
        listener({ documentId: data.documentId, collection: this, database: this.database }),
    );
  }

  removeDocumentChangeListener(token: string): Promise<void> {
    return unsubscribe(token, (changeListenerToken) =>
      this._engine.collection_RemoveDocumentChangeListener({
        ...collectionArgs(this),
        changeListenerToken,
      }),
    );
  }

  toJson(): CollectionJson {
    return {
      name: this.name,
      scopeName: this.scope.name,
      databaseName: this.database.getUniqueName(),
    };
  }

  private call(make: (args: CollectionArgs) => Promise<void>): Promise<void> {
    return issue(this.database, () => make(collectionArgs(this)));
  }
}
