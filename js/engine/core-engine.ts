import type * as args from './arguments';
import type * as results from './results';

/**
 * The engine behind every class: one argument object in, plain data out.
 *
 * This interface is the seam that Electron's IPC crosses and that the real `cbl-ionic` package can
 * be given. Failures reject with a `CouchbaseLiteException`. Calls that touch one database run in
 * the order in which they were made. Source: api §13.
 */
export interface ICoreEngine {
  /** Switches engine tracing to the console. */
  debugConsole: boolean;
  /** `'electron'` or `'node'`; writable, because applications branch on it. */
  platform: string;

  /** A random UUID, version 4. The only synchronous function. */
  getUUID(): string;

  collection_CreateCollection(args: args.CollectionArgs): Promise<results.CollectionResult>;
  collection_DeleteCollection(args: args.CollectionArgs): Promise<void>;
  collection_GetCollection(args: args.CollectionArgs): Promise<results.CollectionResult>;
  collection_GetCollections(args: args.ScopeArgs): Promise<results.CollectionsResult>;
  collection_GetDefault(args: args.DatabaseArgs): Promise<results.CollectionResult>;
  collection_GetCount(args: args.CollectionArgs): Promise<{ count: number }>;
  collection_GetFullName(args: args.CollectionArgs): Promise<{ fullName: string }>;
  collection_GetDocument(args: args.CollectionGetDocumentArgs): Promise<results.DocumentResult>;
  collection_Save(
    args: args.CollectionSaveStringArgs,
  ): Promise<results.CollectionDocumentSaveResult>;
  collection_DeleteDocument(args: args.CollectionDeleteDocumentArgs): Promise<void>;
  collection_PurgeDocument(args: args.CollectionPurgeDocumentArgs): Promise<void>;
  collection_GetBlobContent(
    args: args.CollectionDocumentGetBlobContentArgs,
  ): Promise<{ data: ArrayBuffer }>;
  collection_SetDocumentExpiration(args: args.CollectionDocumentExpirationArgs): Promise<void>;
  collection_GetDocumentExpiration(
    args: args.CollectionGetDocumentArgs,
  ): Promise<results.DocumentExpirationResult>;
  collection_CreateIndex(args: args.CollectionCreateIndexArgs): Promise<void>;
  collection_DeleteIndex(args: args.CollectionDeleteIndexArgs): Promise<void>;
  collection_GetIndexes(args: args.CollectionArgs): Promise<{ indexes: string[] }>;
  collection_AddChangeListener(
    args: args.CollectionChangeListenerArgs,
    lcb: results.ListenerCallback,
  ): Promise<void>;
  collection_RemoveChangeListener(args: args.CollectionChangeListenerArgs): Promise<void>;
  collection_AddDocumentChangeListener(
    args: args.DocumentChangeListenerArgs,
    lcb: results.ListenerCallback,
  ): Promise<void>;
  collection_RemoveDocumentChangeListener(args: args.CollectionChangeListenerArgs): Promise<void>;

  database_Open(args: args.DatabaseOpenArgs): Promise<{ databaseUniqueName: string }>;
  database_Close(args: args.DatabaseArgs): Promise<void>;
  database_Delete(args: args.DatabaseArgs): Promise<void>;
  database_DeleteWithPath(args: args.DatabaseExistsArgs): Promise<void>;
  database_Exists(args: args.DatabaseExistsArgs): Promise<{ exists: boolean }>;
  database_GetPath(args: args.DatabaseArgs): Promise<{ path: string }>;
  database_Copy(args: args.DatabaseCopyArgs): Promise<void>;
  database_ChangeEncryptionKey(args: args.DatabaseEncryptionKeyArgs): Promise<void>;
  database_PerformMaintenance(args: args.DatabasePerformMaintenanceArgs): Promise<void>;
  database_SetLogLevel(args: args.DatabaseSetLogLevelArgs): Promise<void>;
  database_SetFileLoggingConfig(args: args.DatabaseSetFileLoggingConfigArgs): Promise<void>;

  /** @deprecated Use `collection_CreateIndex`. */
  database_CreateIndex(args: args.DatabaseCreateIndexArgs): Promise<void>;
  /** @deprecated Use `collection_DeleteIndex`. */
  database_DeleteIndex(args: args.DatabaseDeleteIndexArgs): Promise<void>;
  /** @deprecated Use `collection_GetIndexes`. */
  database_GetIndexes(args: args.DatabaseArgs): Promise<{ indexes: string[] }>;
  /** @deprecated Use `collection_GetCount`. */
  database_GetCount(args: args.DatabaseArgs): Promise<{ count: number }>;
  /** @deprecated Use `collection_DeleteDocument`. */
  database_DeleteDocument(args: args.DatabaseDeleteDocumentArgs): Promise<void>;
  /** @deprecated Use `collection_PurgeDocument`. */
  database_PurgeDocument(args: args.DatabasePurgeDocumentArgs): Promise<void>;
  /** @deprecated Use `collection_GetDocument`. */
  database_GetDocument(args: args.DatabaseGetDocumentArgs): Promise<results.DocumentResult>;
  /** @deprecated Use `collection_Save`. */
  database_Save(args: args.DatabaseSaveArgs): Promise<{ _id: string }>;
  /** @deprecated Use `collection_GetBlobContent`. */
  document_GetBlobContent(args: args.DocumentGetBlobContentArgs): Promise<{ data: ArrayBuffer }>;

  scope_GetDefault(args: args.DatabaseArgs): Promise<results.ScopeResult>;
  scope_GetScope(args: args.ScopeArgs): Promise<results.ScopeResult>;
  scope_GetScopes(args: args.DatabaseArgs): Promise<results.ScopesResult>;

  file_GetDefaultPath(): Promise<{ path: string }>;
  file_GetFileNamesInDirectory(args: { path: string }): Promise<{ files: string[] }>;

  query_Execute(args: args.QueryExecuteArgs): Promise<{ data: string }>;
  query_Explain(args: args.QueryExecuteArgs): Promise<{ data: string }>;
  query_AddChangeListener(
    args: args.QueryChangeListenerArgs,
    lcb: results.ListenerCallback,
  ): Promise<void>;
  query_RemoveChangeListener(args: args.QueryRemoveChangeListenerArgs): Promise<void>;

  /** The callback is asked about conflicts if the arguments say so. */
  replicator_Create(
    args: args.ReplicatorCreateArgs | args.ReplicatorAskingArgs,
    lcb?: results.ListenerCallback,
  ): Promise<args.ReplicatorArgs>;
  replicator_Start(args: args.ReplicatorArgs): Promise<void>;
  replicator_Stop(args: args.ReplicatorArgs): Promise<void>;
  /** Resets the checkpoint **and starts** (api §9.4). */
  replicator_ResetCheckpoint(args: args.ReplicatorArgs): Promise<void>;
  replicator_Cleanup(args: args.ReplicatorArgs): Promise<void>;
  replicator_GetStatus(args: args.ReplicatorArgs): Promise<results.ReplicatorStatusResult>;
  replicator_GetPendingDocumentIds(
    args: args.ReplicatorCollectionArgs,
  ): Promise<{ pendingDocumentIds: string[] }>;
  replicator_IsDocumentPending(
    args: args.ReplicatorDocumentPendingArgs,
  ): Promise<{ isPending: boolean }>;
  replicator_AddChangeListener(
    args: args.ReplicationChangeListenerArgs,
    lcb: results.ListenerCallback,
  ): Promise<void>;
  replicator_AddDocumentChangeListener(
    args: args.ReplicationChangeListenerArgs,
    lcb: results.ListenerCallback,
  ): Promise<void>;
  replicator_RemoveChangeListener(args: args.ReplicationChangeListenerArgs): Promise<void>;

  /**
   * The callback is asked about `{username, password}`, `{certificates, verifiedDepth}` or
   * `{request}` if the arguments say so.
   */
  URLEndpointListener_createListener(
    args: args.URLEndpointListenerEngineArgs | args.URLEndpointListenerAskingArgs,
    lcb?: results.ListenerCallback,
  ): Promise<{ listenerId: string }>;
  URLEndpointListener_startListener(
    args: args.URLEndpointListenerArgs,
    // biome-ignore lint/suspicious/noConfusingVoidType: the reference resolves with nothing
  ): Promise<results.URLEndpointListenerStartResult | void>;
  URLEndpointListener_stopListener(args: args.URLEndpointListenerArgs): Promise<void>;
  URLEndpointListener_getStatus(
    args: args.URLEndpointListenerArgs,
  ): Promise<results.URLEndpointListenerStatus>;
  URLEndpointListener_deleteIdentity(args: args.URLEndpointListenerTLSIdentityArgs): Promise<void>;
}

/** The settee engine: {@link ICoreEngine} and what settee adds. */
export interface SetteeEngine extends ICoreEngine {
  /** Takes a replicator offline, or lets it connect again; behind `Replicator.setSuspended`. */
  replicator_SetSuspended(args: args.ReplicatorSuspendArgs): Promise<void>;
  /** Reads a range of a stored blob by digest; behind `Document.blobStream`. */
  database_ReadBlob(args: args.DatabaseReadBlobArgs): Promise<results.BlobRangeResult>;
  /** Writes a stored blob to a file; behind `Document.saveBlobToFile`. */
  database_SaveBlob(args: args.DatabaseSaveBlobArgs): Promise<void>;
  /** Calls on this database up to `database_EndBatch` are one transaction; behind `inBatch`. */
  database_BeginBatch(args: args.DatabaseArgs): Promise<void>;
  /** Resolves after the commit; rejects with the first error, having rolled back. */
  database_EndBatch(args: args.DatabaseEndBatchArgs): Promise<void>;
  /** Answers a question that the engine put through a callback (design D1). */
  callback_Answer(args: args.CallbackAnswerArgs): Promise<void>;
  /** What a listener presents; nothing without TLS and before its first start without one. */
  URLEndpointListener_getTLSIdentity(
    args: args.URLEndpointListenerArgs,
  ): Promise<results.TLSCertificatesResult | undefined>;
  /** Presented from the next handshake on. */
  URLEndpointListener_setTLSIdentity(args: args.URLEndpointListenerSetIdentityArgs): Promise<void>;
  URLEndpointListener_getConnections(
    args: args.URLEndpointListenerArgs,
  ): Promise<{ connections: results.ListenerConnectionResult[] }>;
  /** Ends the connections of a principal and tells how many they were. */
  URLEndpointListener_disconnect(
    args: args.URLEndpointListenerDisconnectArgs,
  ): Promise<{ count: number }>;
  URLEndpointListener_getNetworkInterfaces(
    args: object,
  ): Promise<{ interfaces: results.NetworkInterfaceResult[] }>;
  /** On the local network, until it stops. */
  URLEndpointListener_advertise(args: args.URLEndpointListenerAdvertiseArgs): Promise<void>;
  URLEndpointListener_stopAdvertising(args: args.URLEndpointListenerArgs): Promise<void>;
  /** Events `{found: FoundPeerResult}` and `{lost: name}`. */
  dnssd_Browse(args: args.BrowseArgs, lcb: results.ListenerCallback): Promise<void>;
  dnssd_RemoveBrowser(args: args.ListenerTokenArgs): Promise<void>;
  tlsIdentity_Create(args: args.TLSIdentityCreateArgs): Promise<results.TLSIdentityResult>;
  tlsIdentity_Import(args: args.TLSIdentityImportArgs): Promise<results.TLSIdentityResult>;
  /** Nothing when there is none. */
  tlsIdentity_Get(
    args: args.URLEndpointListenerTLSIdentityArgs,
  ): Promise<results.TLSIdentityResult | undefined>;
  tlsIdentity_Delete(args: args.URLEndpointListenerTLSIdentityArgs): Promise<void>;
  tlsIdentity_List(args: object): Promise<{ labels: string[] }>;
  tlsIdentity_GetProtection(
    args: object,
  ): Promise<{ protection: 'strong' | 'weak'; keeper: string }>;
  /** What the server presented at the last connection, accepted or not. */
  replicator_GetServerCertificates(
    args: args.ReplicatorArgs,
  ): Promise<results.TLSCertificatesResult>;
  /** Removes a listener of any kind (api §16.3). */
  listenerToken_Remove(args: args.ListenerTokenArgs): Promise<void>;
}

/** Declared by the reference, not used by it. */
export interface ICouchbaseLitePlugin {
  exec(actionName: string, ...args: any[]): Promise<any>;
  watch(actionName: string, args: any[], cb: (data: any) => void, err: (err: any) => void): void;
}
