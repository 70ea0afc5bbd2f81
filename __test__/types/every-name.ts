/**
 * Touches every exported name as applications do. Compiled, never run; see types.spec.ts.
 *
 * Compiles in strict and in loose mode.
 */

import * as everything from 'settee';
import {
  AbstractIndex,
  ArrayIndex,
  AggregateExpression,
  Authenticator,
  BasicAuthenticator,
  BinaryExpression,
  BinaryOpType,
  Blob,
  CapacitorEngine,
  CblReactNativeEngine,
  Collation,
  CollationASCII,
  CollationExpression,
  CollationUnicode,
  Collection,
  CollectionConfig,
  CompoundExpression,
  CompoundExpressionOpType,
  ConcurrencyControl,
  CouchbaseLiteException,
  Database,
  DatabaseConfiguration,
  DatabaseLogging,
  Document,
  DocumentReplication,
  EngineLocator,
  Expression,
  FileSystem,
  FullTextExpression,
  FullTextIndex,
  FullTextIndexItem,
  FullTextMatchExpression,
  FunctionExpression,
  IndexBuilder,
  IndexType,
  IonicCouchbaseLite,
  isDocumentReplicationRepresentation,
  isReplicatedDocumentRepresentation,
  isReplicatorChange,
  LogDomain,
  LogLevel,
  MaintenanceType,
  Meta,
  MetaExpression,
  MutableDocument,
  Ordering,
  Parameter,
  ParameterExpression,
  Parameters,
  PropertyExpression,
  Query,
  ReplicatedDocument,
  ReplicatedDocumentFlag,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  ReplicatorProgress,
  ReplicatorStatus,
  ReplicatorType,
  registerEngineIn,
  Scope,
  SessionAuthenticator,
  SortOrder,
  UnaryExpression,
  UnaryExpressionOpType,
  URLEndpoint,
  URLEndpointListener,
  ValueExpression,
  ValueIndex,
  ValueIndexItem,
  VariableExpression,
} from 'settee';
import type {
  BlobStream,
  CallbackResultData,
  CallbackResultError,
  CollectionArgs,
  CollectionChange,
  CollectionChangeListener,
  CollectionChangeListenerArgs,
  CollectionCreateIndexArgs,
  CollectionDeleteDocumentArgs,
  CollectionDeleteIndexArgs,
  CollectionDocumentExpirationArgs,
  CollectionDocumentGetBlobContentArgs,
  CollectionDocumentSaveResult,
  CollectionGetDocumentArgs,
  CollectionJson,
  CollectionPurgeDocumentArgs,
  CollectionSaveArgs,
  CollectionSaveStringArgs,
  CollectionsResult,
  DatabaseArgs,
  DatabaseCopyArgs,
  DatabaseCreateIndexArgs,
  DatabaseDeleteDocumentArgs,
  DatabaseDeleteIndexArgs,
  DatabaseEncryptionKeyArgs,
  DatabaseExistsArgs,
  DatabaseFileLoggingConfiguration,
  DatabaseGetDocumentArgs,
  DatabaseOpenArgs,
  DatabasePerformMaintenanceArgs,
  DatabasePurgeDocumentArgs,
  DatabaseSaveArgs,
  DatabaseSetFileLoggingConfigArgs,
  DatabaseSetLogLevelArgs,
  Dictionary,
  DocumentChange,
  DocumentChangeListener,
  DocumentChangeListenerArgs,
  DocumentExpirationResult,
  DocumentGetBlobContentArgs,
  DocumentReplicationRepresentation,
  DocumentResult,
  Endpoint,
  ICoreEngine,
  ICouchbaseLitePlugin,
  Index,
  IonicCouchbaseLitePlugin,
  ListenerAuthenticatorConfig,
  ListenerPasswordCallback,
  ListenerCallback,
  ListenerHandle,
  PluginConfigureArgs,
  QueryChange,
  QueryChangeListener,
  QueryChangeListenerArgs,
  QueryExecuteArgs,
  QueryRemoveChangeListenerArgs,
  ReplicatedDocumentRepresentation,
  ReplicationChangeListenerArgs,
  ReplicationFilter,
  ReplicatorArgs,
  ReplicatorChange,
  ReplicatorChangeListener,
  ReplicatorCollectionArgs,
  ReplicatorCreateArgs,
  ReplicatorDocumentChangeListener,
  ReplicatorDocumentPendingArgs,
  ReplicatorStatusChange,
  Result,
  ResultSet,
  ScopeArgs,
  ScopesResult,
  SetteeEngine,
  TlsIdentityConfig,
  URLEndpointListenerArgs,
  URLEndpointListenerCreateArgs,
  URLEndpointListenerStatus,
  URLEndpointListenerTLSIdentityArgs,
} from 'settee';

export async function databases(): Promise<void> {
  const engine: ICoreEngine = new CapacitorEngine();
  new CblReactNativeEngine();
  EngineLocator.registerEngine(EngineLocator.key, engine);
  EngineLocator.getInstance();
  const found: ICoreEngine = EngineLocator.getEngine(EngineLocator.key);
  found.debugConsole = true;
  found.platform = 'electron';
  const plugin: IonicCouchbaseLitePlugin = IonicCouchbaseLite;
  const configure: PluginConfigureArgs = { config: {} };
  await plugin.plugin_Configure(configure);
  registerEngineIn(EngineLocator);
  const settee: SetteeEngine = everything.engine;
  await settee.listenerToken_Remove({ changeListenerToken: '' });

  const config = new DatabaseConfiguration();
  config.directory = '/data';
  config.encryptionKey = 'secret';
  new DatabaseConfiguration(null, null);
  new DatabaseConfiguration(undefined, 'secret');
  new DatabaseConfiguration(config).setDirectory('/').setEncryptionKey('').getDirectory();
  const database = new Database('travel', config);
  new Database('travel', null, null);
  const handle: string = await database.open();
  const name: string = database.getUniqueName() || handle;
  await database.copy(await database.getPath(), name, config);
  await database.changeEncryptionKey(null);
  await database.compact();
  await database.performMaintenance(MaintenanceType.COMPACT);
  await database.inBatch(() => {});
  await Database.setLogLevel(LogDomain.ALL, LogLevel.DEBUG);
  await database.setLogLevel(LogDomain.QUERY, LogLevel.NONE);
  const logging: DatabaseFileLoggingConfiguration = { level: LogLevel.INFO, directory: '/logs' };
  await database.log.setFileConfig({
    ...logging,
    maxRotateCount: 1,
    maxSize: 2,
    usePlaintext: true,
  });
  const log: DatabaseLogging = new DatabaseLogging(database);
  await log.setFileConfig(logging);
  const exists: boolean = await Database.exists('travel', '/data');
  if (exists) {
    await Database.deleteDatabase('travel', '/data');
  }
  const scopes: Scope[] = await database.scopes();
  const scope = await database.scope('a');
  const collections: Collection[] = await database.collections(scope);
  await database.collections(scopes[0].name);
  await database.createCollection('hotels', scope);
  const collection = await database.collection('hotels', 'a');
  await database.defaultCollection();
  await database.defaultScope();
  await database.deleteCollection(collection);
  await database.deleteCollection(Database.defaultCollectionName, Database.defaultScopeName);
  new Scope(undefined, database);
  new Collection(undefined, undefined, database);
  const first: Collection = await scopes[0].collection('x');
  (await scopes[0].collections()).concat(collections, first);
  await database.getCount();
  await database.createIndex('i', IndexBuilder.valueIndex(ValueIndexItem.property('a')));
  await database.getIndexes();
  await database.deleteIndex('i');
  const deprecated = await database.getDocument('x');
  if (deprecated) {
    await database.deleteDocument(deprecated);
    await database.purgeDocument(deprecated);
  }
  await database.save(new MutableDocument('x'), ConcurrencyControl.LAST_WRITE_WINS);
  await database.close();
  await database.deleteDatabase();
  const fileSystem = new FileSystem();
  const path: string = await fileSystem.getDefaultPath();
  const { files } = await fileSystem.getFilesInDirectory(path);
  files.map((file) => file.length);
  const exception: Error = new CouchbaseLiteException('m', 'CouchbaseLite', 7);
  throw exception;
}

export async function documents(collection: Collection): Promise<void> {
  const fullName: string = collection.fullName();
  const awaited: string = await collection.fullName();
  const { count } = await collection.count();
  const document = new MutableDocument('x', null, { a: count, fullName, awaited });
  new MutableDocument();
  new MutableDocument(null);
  new MutableDocument('x', { a: 1 });
  new MutableDocument('x', 1);
  new MutableDocument('x', 1, '1-a');
  new MutableDocument('x', 1, '1-a', {}, collection);
  new Document('x', 1, '1-a', collection, {});
  const same: MutableDocument = document
    .setString('a', null)
    .setBoolean('b', true)
    .setInt('c', 1)
    .setLong('d', 1)
    .setFloat('e', 1)
    .setDouble('f', 1)
    .setNumber('g', 1)
    .setArray<number>('h', [1])
    .setDictionary('i', null)
    .setValue<Date>('j', new Date())
    .setDate('k', null)
    .setBlob('l', null)
    .setData({})
    .remove('a.b');
  same.setId('y');
  same.setRevisionID('1-a');
  same.setSequence(1);
  same.setCollection(collection);
  MutableDocument.fromDocument(document);
  MutableDocument.fromJSON('x', '{}');
  const blobText: string = same.blobsToJsonString();
  const dictionary: Dictionary = document.toDictionary();
  dictionary.anything.goes = blobText;
  const array: any[] | null = document.getArray('a');
  const flag: boolean | null = document.getBoolean('a');
  const date: Date | null = document.getDate('a');
  const nested: Dictionary | null = document.getDictionary('a');
  const numbers: (number | null)[] = ['a'].map((key) => document.getDouble(key));
  numbers.push(document.getFloat('a'), document.getInt('a'), document.getLong('a'));
  const text: string | null = document.getString('a');
  const keys: string[] = document.getKeys();
  const parts = [array, flag, date, nested, text, keys, document.getValue('a'), document.getData()];
  parts.push(document.count(), document.toJsonString(), document.getId());
  const revision: string = document.getRevisionID();
  const sequence: number = document.getSequence();
  parts.push(revision, sequence, document.getCollection().name);
  const content: ArrayBuffer = await document.getBlobContent('b');
  const blob = await document.getBlob('b');
  const made = new Blob('text/plain', new Uint8Array(content));
  new Blob('text/plain', content);
  Blob.fromFile('video/mp4', '/film.mp4');
  Blob.fromJSON({ contentType: 'a/b', bytes: [1] });
  made.digest = blob ? blob.getDigest() : '';
  made.length = made.getBytes().length + made.getLength();
  made.bytes = content;
  made.toDictionary().data.push(made.getContentType().length);
  const stream: BlobStream | null = document.blobStream('b');
  await document.saveBlobToFile('b', 'path');
  if (stream) {
    for await (const chunk of stream) {
      made.length += chunk.length;
    }
  }
  await collection.save(document);
  await collection.save(document, ConcurrencyControl.FAIL_ON_CONFLICT);
  const read = await collection.document('x');
  await collection.getDocument('x');
  if (read) {
    await collection.deleteDocument(read);
    await collection.purge(read);
  }
  await collection.purgeById('x');
  await collection.setDocumentExpiration('x', null);
  const expiration: Date | null = await collection.getDocumentExpiration('x');
  await collection.setDocumentExpiration('x', expiration);
  const onChange: CollectionChangeListener = (change: CollectionChange) => {
    change.documentIDs.map((id) => change.collection.document(id));
  };
  const token: string = await collection.addChangeListener(onChange);
  await collection.removeChangeListener(token);
  const onDocument: DocumentChangeListener = (change: DocumentChange) => {
    change.collection.document(change.documentId);
    change.database.getName();
  };
  await collection.removeDocumentChangeListener(
    await collection.addDocumentChangeListener('x', onDocument),
  );
  const json: CollectionJson = collection.toJson();
  json.scopeName = json.databaseName + json.name;
  collection.getEngine().getUUID();
}

export async function queries(database: Database, collection: Collection): Promise<void> {
  const query: Query = database.createQuery('SELECT * FROM _');
  new Query('SELECT 1', database);
  const parameters = new Parameters();
  parameters.setValue('a', {});
  parameters.setString('a', '');
  parameters.setBoolean('a', true);
  parameters.setFloat('a', 1);
  parameters.setDouble('a', 1);
  parameters.setLong('a', 1);
  parameters.setInt('a', 1);
  parameters.setDate('a', new Date());
  parameters.remove('a');
  const parameter: Parameter = parameters.get().a;
  parameter.setValue(parameter.name, parameter.value + parameter.type);
  query.parameters = parameters;
  query.addParameter(query.getParameters());
  query.setDatabase(query.getDatabase());
  const rows: ResultSet = await query.execute();
  const row: Result = rows[0];
  row.anything.goes = await query.explain();
  const listener: QueryChangeListener = (change: QueryChange) => {
    change.results.map((result) => result.a);
    change.query.toString() + change.error;
  };
  await query.removeChangeListener(await query.addChangeListener(listener));

  const a = Expression.property('a');
  const all: Expression[] = [
    new AggregateExpression([a]),
    new BinaryExpression(a, a, BinaryOpType.Add),
    new CollationExpression(a, Collation.ascii()),
    new CompoundExpression([a], CompoundExpressionOpType.Not),
    new FullTextMatchExpression('i', 't'),
    new FunctionExpression('f()', [a]),
    new MetaExpression('_id', 'id', ''),
    Meta.id.from('t'),
    new ParameterExpression('p'),
    new PropertyExpression('a', '', '').from('t'),
    new UnaryExpression(a, UnaryExpressionOpType.Null),
    new ValueExpression(1),
    new VariableExpression('v'),
    FullTextExpression.index('i').match('t'),
    a.in(a, Expression.string('x')).and(a.between(a, a)).or(a.isNullOrMissing()),
  ];
  const ascii: CollationASCII = new CollationASCII().ignoreCase(true);
  const unicode: CollationUnicode = new CollationUnicode().ignoreAccents(true).locale('en');
  const collation: Collation = all.length > 1 ? ascii : unicode;
  const order: SortOrder = Ordering.property('a').ascending();
  const ordering: Ordering = Ordering.expression(a.collate(collation));
  [order.asJSON(), ordering.asJSON()].length;
  const value: ValueIndex = IndexBuilder.valueIndex(
    ...all.map((e) => ValueIndexItem.expression(e)),
  );
  const text: FullTextIndex = IndexBuilder.fullTextIndex(FullTextIndexItem.property('a'));
  const index: AbstractIndex = text.setIgnoreAccents(true).setLanguage('en');
  const array: ArrayIndex = IndexBuilder.arrayIndex('a.b', ValueIndexItem.property('c'));
  const path: string = array.path();
  const empty: Index = value;
  const type: IndexType = index.type();
  await collection.createIndex(String(type) + path, index);
  await collection.createIndex('array', array);
  const names: string[] = await collection.indexes();
  await collection.deleteIndex(names[0] + String(empty));
}

class TokenAuthenticator extends Authenticator {
  authenticate(options: Dictionary): void {
    options.token = 'x';
  }

  getType(): string {
    return 'token';
  }

  toJson() {
    return { token: 'x' };
  }
}

export async function replication(collection: Collection): Promise<void> {
  const endpoint: Endpoint = new URLEndpoint('wss://localhost:4984/travel');
  const config = new ReplicatorConfiguration(endpoint);
  config.addCollection(collection);
  config.addCollections([collection], new CollectionConfig(['red'], null));
  const filter: ReplicationFilter = (document, flags) =>
    document['name'] === 'a' || flags.indexOf(ReplicatedDocumentFlag.DELETED) >= 0;
  const collectionConfig = new CollectionConfig(undefined, undefined);
  collectionConfig.setPushFilter(filter);
  collectionConfig.setPullFilter((document, flags) => !!document && flags.length === 0);
  collectionConfig.setChannels([collectionConfig.getPushFilter()]);
  collectionConfig.setDocumentIDs([collectionConfig.getPullFilter()]);
  config.setAuthenticator(new BasicAuthenticator('u', 'p'));
  config.setAuthenticator(new SessionAuthenticator('id', 'cookie'));
  config.setAuthenticator(new TokenAuthenticator());
  config.setHeaders({ a: 'b' });
  config.setReplicatorType(ReplicatorType.PUSH_AND_PULL);
  config.setReplicatorType(ReplicatorConfiguration.ReplicatorType.PULL);
  config.setContinuous(ReplicatorConfiguration.defaultContinuous);
  config.setHeartbeat(config.getHeartbeat());
  config.setMaxAttempts(config.getMaxAttempts());
  config.setMaxAttemptWaitTime(config.getMaxAttemptWaitTime());
  config.setAcceptOnlySelfSignedCerts(config.getAcceptOnlySelfSignedCerts());
  config.setPinnedServerCertificate(config.getPinnedServerCertificate());
  config.setAutoPurgeEnabled(config.getAutoPurgeEnabled());
  config.removeCollections(config.getCollections());
  config.clone().toJson().anything.goes = config.getCollectionConfig(collection);

  const replicator: Replicator = await Replicator.create(config);
  const onChange: ReplicatorChangeListener = (change) => {
    const status: ReplicatorStatus = change.status;
    const level: ReplicatorActivityLevel = status.getActivityLevel();
    const progress: ReplicatorProgress = status.getProgress();
    const failed: boolean = !!status.getError() && level === ReplicatorActivityLevel.STOPPED;
    [failed, progress.getCompleted() / progress.getTotal(), `${status.copy()}`].length;
  };
  const token: string = await replicator.addChangeListener(onChange);
  const onDocuments: ReplicatorDocumentChangeListener = (
    change: DocumentReplicationRepresentation,
  ) => {
    const document: ReplicatedDocumentRepresentation = change.documents[0];
    [change.isPush, document.id, document.flags, document.scopeName, document.error.message].length;
  };
  await replicator.addDocumentChangeListener(onDocuments);
  await replicator.removeChangeListener(token);
  await replicator.start(false);
  await replicator.start(true);
  await replicator.stop();
  const { pendingDocumentIds } = await replicator.getPendingDocumentIds(collection);
  const { isPending } = await replicator.isDocumentPending(pendingDocumentIds[0], collection);
  const status: ReplicatorStatus = await replicator.getStatus();
  [isPending, status, replicator.getConfiguration(), replicator.getId()].length;
  await replicator.cleanup();
  const anything: any = {};
  if (isReplicatorChange(anything)) {
    const change: ReplicatorChange = anything;
    change.error.code = change.progress.total;
  }
  isReplicatedDocumentRepresentation(anything) && isDocumentReplicationRepresentation(anything);
  const replicated = new ReplicatedDocument('x', [], undefined, 's', 'c');
  new DocumentReplication(true, [replicated]).getDocuments()[0].getFlags();
}

export async function listening(collection: Collection): Promise<void> {
  const authenticatorConfig: ListenerAuthenticatorConfig = {
    type: 'basic',
    data: { username: 'u', password: 'p' },
  };
  const tlsIdentityConfig: TlsIdentityConfig = {
    mode: 'selfSigned',
    label: 'mine',
    expiration: '2030-01-01T00:00:00.000Z',
    attributes: { certAttrCommonName: 'My Server', certAttrOrganization: 'My Company' },
  };
  const args: URLEndpointListenerCreateArgs = {
    collections: [{ databaseName: 'mydb', scopeName: '_default', name: '_default' }],
    port: 4984,
    networkInterface: '0.0.0.0',
    disableTLS: false,
    enableDeltaSync: true,
    authenticatorConfig,
    tlsIdentityConfig,
  };
  const listener: URLEndpointListener = await URLEndpointListener.create(args);
  await URLEndpointListener.create({ collections: [collection] });
  const callback: ListenerPasswordCallback = {
    type: 'basic',
    authenticate: async (username: string, password: string) => username === password,
  };
  await URLEndpointListener.create({ collections: [], authenticatorConfig: callback });
  await URLEndpointListener.create({
    collections: [],
    authenticatorConfig: { type: 'basic', authenticate: (username) => username === 'u' },
  });
  // @ts-expect-error never both
  const both: URLEndpointListenerCreateArgs['authenticatorConfig'] = {
    ...authenticatorConfig,
    authenticate: () => true,
  };
  both?.data?.username.length;
  await URLEndpointListener.create({
    collections: [collection.toJson()],
    port: 0,
    tlsIdentityConfig: { mode: 'imported', certBase64: '', password: '', label: '' },
  });
  await listener.start();
  const status: URLEndpointListenerStatus = await listener.getStatus();
  const port: number = listener.getPort() + status.connectionsCount + status.activeConnectionCount;
  const texts: string[] = [listener.getId(), listener.getNetworkInterface(), ...listener.getUrls()];
  const flags: boolean[] = [listener.getDisableTLS(), listener.getEnableDeltaSync()];
  [port, texts, flags, listener.getCollections()[0].name].length;
  await listener.stop();
  const identity: URLEndpointListenerTLSIdentityArgs = { label: 'mine' };
  await URLEndpointListener.deleteIdentity(identity);
}

/** Arguments and results of the engine, as a program that calls it directly uses them. */
export async function seam(engine: ICoreEngine): Promise<void> {
  const database: DatabaseArgs = { name: 'handle' };
  const scope: ScopeArgs = { ...database, scopeName: 's' };
  const collection: CollectionArgs = { ...scope, collectionName: 'c' };
  const callback: ListenerCallback = (data: CallbackResultData, error?: CallbackResultError) => {
    console.log(data.documentIDs, error && error.message);
  };
  const change: CollectionChangeListenerArgs = { ...collection, changeListenerToken: 't' };
  await engine.collection_AddChangeListener(change, callback);
  const document: DocumentChangeListenerArgs = { ...change, documentId: 'x' };
  await engine.collection_AddDocumentChangeListener(document, callback);
  const createIndex: CollectionCreateIndexArgs = { ...collection, indexName: 'i', index: {} };
  await engine.collection_CreateIndex(createIndex);
  const deleteIndex: CollectionDeleteIndexArgs = { ...collection, indexName: 'i' };
  await engine.collection_DeleteIndex(deleteIndex);
  const get: CollectionGetDocumentArgs = { ...collection, docId: 'x' };
  const found: DocumentResult = await engine.collection_GetDocument(get);
  const deleting: CollectionDeleteDocumentArgs = { ...get, concurrencyControl: 0 };
  await engine.collection_DeleteDocument(deleting);
  const purge: CollectionPurgeDocumentArgs = get;
  await engine.collection_PurgeDocument(purge);
  const blob: CollectionDocumentGetBlobContentArgs = { ...collection, documentId: 'x', key: 'b' };
  const content: ArrayBuffer = (await engine.collection_GetBlobContent(blob)).data;
  const expire: CollectionDocumentExpirationArgs = { ...get, expiration: new Date() };
  await engine.collection_SetDocumentExpiration(expire);
  const expiration: DocumentExpirationResult = await engine.collection_GetDocumentExpiration(get);
  const saving: CollectionSaveStringArgs = {
    ...collection,
    id: 'x',
    document: '{}',
    blobs: '{}',
    concurrencyControl: 0,
  };
  const saved: CollectionDocumentSaveResult = await engine.collection_Save(saving);
  const plain: CollectionSaveArgs = { ...collection, id: '', document: {}, concurrencyControl: 0 };
  const { collections }: CollectionsResult = await engine.collection_GetCollections(scope);
  const { scopes }: ScopesResult = await engine.scope_GetScopes(database);
  console.log(found, content, expiration, saved, plain, collections[0].scope.name, scopes[0].name);

  const open: DatabaseOpenArgs = { ...database, config: new DatabaseConfiguration() };
  const { databaseUniqueName } = await engine.database_Open(open);
  const copy: DatabaseCopyArgs = { ...open, path: '/', newName: databaseUniqueName };
  await engine.database_Copy(copy);
  const exists: DatabaseExistsArgs = { databaseName: 'x', directory: '/' };
  await engine.database_Exists(exists);
  const key: DatabaseEncryptionKeyArgs = { ...database, newKey: '' };
  await engine.database_ChangeEncryptionKey(key);
  const maintain: DatabasePerformMaintenanceArgs = { ...database, maintenanceType: 0 };
  await engine.database_PerformMaintenance(maintain);
  const files: DatabaseSetFileLoggingConfigArgs = {
    ...database,
    config: { level: 0, directory: '/' },
  };
  await engine.database_SetFileLoggingConfig(files);
  const level: DatabaseSetLogLevelArgs = { domain: 'ALL', logLevel: 0 };
  await engine.database_SetLogLevel(level);
  const oldIndex: DatabaseCreateIndexArgs = { ...database, indexName: 'i', index: {} };
  await engine.database_CreateIndex(oldIndex);
  const oldDeleteIndex: DatabaseDeleteIndexArgs = oldIndex;
  await engine.database_DeleteIndex(oldDeleteIndex);
  const oldGet: DatabaseGetDocumentArgs = { ...database, docId: 'x' };
  await engine.database_GetDocument(oldGet);
  const oldDelete: DatabaseDeleteDocumentArgs = { ...oldGet, concurrencyControl: 0 };
  await engine.database_DeleteDocument(oldDelete);
  const oldPurge: DatabasePurgeDocumentArgs = oldGet;
  await engine.database_PurgeDocument(oldPurge);
  const oldSave: DatabaseSaveArgs = {
    ...database,
    id: 'x',
    document: {},
    blobs: {},
    concurrencyControl: 0,
  };
  await engine.database_Save(oldSave);
  const oldBlob: DocumentGetBlobContentArgs = { ...database, documentId: 'x', key: 'b' };
  await engine.document_GetBlobContent(oldBlob);

  const query: QueryExecuteArgs = { ...database, query: 'SELECT 1', parameters: {} };
  const rows: ResultSet = JSON.parse((await engine.query_Execute(query)).data);
  const live: QueryChangeListenerArgs = { ...query, changeListenerToken: String(rows.length) };
  await engine.query_AddChangeListener(live, callback);
  const unlive: QueryRemoveChangeListenerArgs = live;
  await engine.query_RemoveChangeListener(unlive);

  const create: ReplicatorCreateArgs = { config: {} };
  const replicator: ReplicatorArgs = await engine.replicator_Create(create);
  const status: ReplicationChangeListenerArgs = { ...replicator, changeListenerToken: 't' };
  await engine.replicator_AddChangeListener(status, callback);
  const pending: ReplicatorCollectionArgs = { ...replicator, ...collection };
  await engine.replicator_GetPendingDocumentIds(pending);
  const one: ReplicatorDocumentPendingArgs = { ...pending, documentId: 'x' };
  await engine.replicator_IsDocumentPending(one);
  const statusChange: ReplicatorStatusChange = {
    status: await engine.replicator_GetStatus(pending),
  };
  const listener: URLEndpointListenerArgs = { listenerId: 'l' };
  await engine.URLEndpointListener_startListener(listener);
  const handle: ListenerHandle = { remove: async () => {} };
  await handle.remove();
  const plugin: ICouchbaseLitePlugin = {
    exec: async (action: string, ...args: any[]) => [action, args, statusChange],
    watch: (_action: string, _args: any[], cb: (data: any) => void) => cb(1),
  };
  await plugin.exec('x');
}
