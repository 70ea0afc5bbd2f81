import type { ICoreEngine } from '../engine/core-engine';
import { currentEngine } from '../engine/engine-locator';
import type { CollectionResult } from '../engine/results';
import { hide } from '../util/hidden';
import type { AbstractIndex } from './abstract-index';
import { issue, runBatch } from './batch';
import { Collection } from './collection';
import type { ConcurrencyControl } from './concurrency-control';
import { DatabaseConfiguration } from './database-configuration';
import { DatabaseLogging } from './database-logging';
import { Document } from './document';
import type { LogDomain } from './log-domain';
import type { LogLevel } from './log-level';
import { MaintenanceType } from './maintenance-type';
import type { MutableDocument } from './mutable-document';
import { Query } from './query';
import { saveDocument } from './save-document';
import { Scope } from './scope';

/**
 * A database: scopes, their collections, and the files that hold them.
 *
 * The constructor checks and opens nothing. Each `open()` gives a handle of its own on the files.
 * Source: api §4.3.
 *
 * @example
 * const database = new Database('travel', new DatabaseConfiguration());
 * await database.open();
 */
export class Database {
  static readonly defaultScopeName: string = '_default';
  static readonly defaultCollectionName: string = '_default';

  /** File logging. */
  log: DatabaseLogging;

  private readonly databaseName: string;
  private readonly databaseConfig: DatabaseConfiguration | null;
  private databaseUniqueName: string | null;
  private isClosed: boolean;
  declare private readonly _engine: ICoreEngine;

  constructor(
    databaseName: string,
    databaseConfig: DatabaseConfiguration | null = null,
    databaseUniqueName: string | null = null,
  ) {
    this.databaseName = databaseName;
    this.databaseConfig = databaseConfig;
    this.databaseUniqueName = databaseUniqueName;
    this.isClosed = databaseUniqueName === null;
    hide(this, '_engine', currentEngine());
    this.log = new DatabaseLogging(this);
  }

  /** Deletes a database that is not open; resolves when there is none. */
  static deleteDatabase(databaseName: string, directory?: string | null): Promise<void> {
    return currentEngine().database_DeleteWithPath({
      databaseName,
      directory: directory as string,
    });
  }

  static async exists(databaseName: string, directory?: string | null): Promise<boolean> {
    const reply = await currentEngine().database_Exists({
      databaseName,
      directory: directory as string,
    });
    return reply.exists;
  }

  /** Console logging of the whole process: this domain (or `ALL`) and no other, at this level. */
  static setLogLevel(domain: LogDomain, level: LogLevel): Promise<void> {
    return currentEngine().database_SetLogLevel({ domain, logLevel: level });
  }

  /** Same as the static function. */
  setLogLevel(domain: LogDomain, level: LogLevel): Promise<void> {
    return this._engine.database_SetLogLevel({ domain, logLevel: level });
  }

  getEngine(): ICoreEngine {
    return this._engine;
  }

  getName(): string {
    return this.databaseName;
  }

  /** The handle; null before `open`. */
  getUniqueName(): string {
    return this.databaseUniqueName as string;
  }

  /** The very object that was passed to the constructor. */
  getConfig(): DatabaseConfiguration {
    return this.databaseConfig as DatabaseConfiguration;
  }

  /** Opens, making the files when missing. Opening again gives a second handle. */
  async open(): Promise<string> {
    const { databaseUniqueName } = await this._engine.database_Open({
      name: this.databaseName,
      config: this.databaseConfig,
    });
    this.databaseUniqueName = databaseUniqueName;
    this.isClosed = false;
    return databaseUniqueName;
  }

  /** Stops replicators and listeners of this database, finishes the calls made so far, closes. */
  close(): Promise<void> {
    this.isClosed = true;
    return this._engine.database_Close(this.args());
  }

  /** Deletes the open database and its files. Throws at once when it is closed. */
  deleteDatabase(): Promise<void> {
    if (this.isClosed) {
      throw new Error('Cannot delete a closed database using this API.  Open the database first.');
    }
    return this._engine.database_Delete(this.args());
  }

  /** Copies the database at `path` (not this one) to a new one in the directory of `config`. */
  async copy(path: string, name: string, config: DatabaseConfiguration | null): Promise<void> {
    await this._engine.database_Copy({ ...this.args(), path, newName: name, config });
  }

  /** Full path of the database's folder. */
  async getPath(): Promise<string> {
    const { path } = await this._engine.database_GetPath(this.args());
    return path;
  }

  /** Encrypts, re-keys or, with null, decrypts the files. */
  async changeEncryptionKey(newKey: string | null): Promise<void> {
    await this._engine.database_ChangeEncryptionKey({ ...this.args(), newKey });
    if (this.databaseConfig instanceof DatabaseConfiguration) {
      this.databaseConfig.setEncryptionKey(newKey);
    }
  }

  /** @deprecated Use `performMaintenance(MaintenanceType.COMPACT)`. */
  compact(): Promise<void> {
    return this.performMaintenance(MaintenanceType.COMPACT);
  }

  async performMaintenance(type: MaintenanceType): Promise<void> {
    await this._engine.database_PerformMaintenance({ ...this.args(), maintenanceType: type });
  }

  /**
   * Runs `fn`, which must be synchronous; what it writes to this database is one transaction.
   *
   * Resolves after the commit; rejects with the first error, having written nothing.
   *
   * @example
   * await database.inBatch(() => {
   *   for (const hotel of hotels) {
   *     collection.save(hotel);
   *   }
   * });
   */
  inBatch(fn: () => void): Promise<void> {
    return runBatch(this, fn);
  }

  async defaultScope(): Promise<Scope> {
    const { name } = await this._engine.scope_GetDefault(this.args());
    return new Scope(name, this);
  }

  /** The scope of that name; `undefined` on any failure, also when the database is closed. */
  async scope(scopeName: string): Promise<Scope | undefined> {
    try {
      const { name } = await this._engine.scope_GetScope({ ...this.args(), scopeName });
      return new Scope(name, this);
    } catch {
      return undefined;
    }
  }

  /** Scopes that have a collection; the default scope always. */
  async scopes(): Promise<Scope[]> {
    const { scopes } = await this._engine.scope_GetScopes(this.args());
    return scopes.map(({ name }) => new Scope(name, this));
  }

  async defaultCollection(): Promise<Collection> {
    return this.wrap(await this._engine.collection_GetDefault(this.args()));
  }

  /** The collection of that name; rejects when there is none. */
  async collection(collectionName: string, scope?: Scope | string | null): Promise<Collection> {
    return this.wrap(
      await this._engine.collection_GetCollection({
        ...this.args(),
        scopeName: nameOfScope(scope),
        collectionName,
      }),
    );
  }

  /** The collections of a scope; none when the scope is unknown. */
  async collections(scope?: Scope | string | null): Promise<Collection[]> {
    const { collections } = await this._engine.collection_GetCollections({
      ...this.args(),
      scopeName: nameOfScope(scope),
    });
    return collections.map((collection) => this.wrap(collection));
  }

  /** Makes a collection and its scope, or gives the existing one. */
  createCollection(collectionName: string, scope?: Scope | string | null): Promise<Collection> {
    return issue(this, () =>
      this._engine
        .collection_CreateCollection({
          ...this.args(),
          scopeName: nameOfScope(scope),
          collectionName,
        })
        .then((result) => this.wrap(result)),
    );
  }

  /** Deletes a collection with its documents and indexes. */
  deleteCollection(collection: Collection): Promise<void>;
  deleteCollection(collectionName: string, scopeName: string): Promise<void>;
  deleteCollection(collection: Collection | string, scopeName?: string): Promise<void> {
    const names = namesOfCollection(collection, scopeName);
    return issue(this, () =>
      this._engine.collection_DeleteCollection({ ...this.args(), ...names }),
    );
  }

  /** A SQL++ query; the text is not looked at before it runs. */
  createQuery(queryString: string): Query {
    return new Query(queryString, this);
  }

  /** @deprecated Use `Collection.save`. */
  save(
    document: MutableDocument,
    concurrencyControl: ConcurrencyControl | null = null,
  ): Promise<void> {
    return issue(this, () =>
      saveDocument(this._engine, this.defaultCollectionArgs(), null, document, concurrencyControl),
    );
  }

  /** @deprecated Use `Collection.document`. */
  async getDocument(id: string): Promise<Document | null> {
    const found = await this._engine.collection_GetDocument({
      ...this.defaultCollectionArgs(),
      docId: id,
    });
    if (!found?._id) {
      return null;
    }
    const collection = await this.defaultCollection();
    return new Document(found._id, found._sequence, found._revId, collection, found._data);
  }

  /** @deprecated Use `Collection.deleteDocument`. */
  deleteDocument(
    document: Document,
    concurrencyControl: ConcurrencyControl | null = null,
  ): Promise<void> {
    return issue(this, () =>
      this._engine.database_DeleteDocument({
        ...this.args(),
        docId: document.getId(),
        concurrencyControl,
      }),
    );
  }

  /** @deprecated Use `Collection.purge`. */
  purgeDocument(document: Document): Promise<void> {
    return issue(this, () =>
      this._engine.database_PurgeDocument({ ...this.args(), docId: document.getId() }),
    );
  }

  /** @deprecated Use `Collection.count`. */
  async getCount(): Promise<number> {
    const { count } = await this._engine.database_GetCount(this.args());
    return count;
  }

  /** @deprecated Use `Collection.createIndex`. */
  createIndex(indexName: string, index: AbstractIndex): Promise<void> {
    return issue(this, () =>
      this._engine.database_CreateIndex({ ...this.args(), indexName, index: index.toJson() }),
    );
  }

  /** @deprecated Use `Collection.indexes`. */
  async getIndexes(): Promise<string[]> {
    const { indexes } = await this._engine.database_GetIndexes(this.args());
    return indexes;
  }

  /** @deprecated Use `Collection.deleteIndex`. */
  deleteIndex(indexName: string): Promise<void> {
    return issue(this, () => this._engine.database_DeleteIndex({ ...this.args(), indexName }));
  }

  private args(): { name: string } {
    return { name: this.databaseUniqueName as string };
  }

  private defaultCollectionArgs() {
    return {
      ...this.args(),
      scopeName: Database.defaultScopeName,
      collectionName: Database.defaultCollectionName,
    };
  }

  private wrap(result: CollectionResult): Collection {
    return new Collection(result.name, new Scope(result.scope.name, this), this);
  }
}

/** Name of a scope given by name or as an object of any copy of the package. */
function nameOfScope(scope: Scope | string | null | undefined): string {
  if (typeof scope === 'string') {
    return scope;
  }
  return typeof scope?.name === 'string' ? scope.name : Database.defaultScopeName;
}

function namesOfCollection(
  collection: Collection | string,
  scopeName: string | undefined,
): { collectionName: string; scopeName: string } {
  if (typeof collection === 'string') {
    if (typeof scopeName === 'string') {
      return { collectionName: collection, scopeName };
    }
  } else if (typeof collection?.name === 'string' && typeof collection.scope?.name === 'string') {
    return { collectionName: collection.name, scopeName: collection.scope.name };
  }
  throw new Error('Invalid arguments');
}
