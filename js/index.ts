/**
 * The public API: the cblite-js classes, and what settee adds.
 *
 * Importing this loads no addon, touches no file and starts nothing. Names are listed one by one,
 * so that ES modules see each of them.
 */

// Engine ----------------------------------------------------------------------------------------
export { CapacitorEngine, CblReactNativeEngine } from './engine/capacitor-engine';
export { EngineLocator } from './engine/engine-locator';
export { answering } from './engine/questions';
export { engine, IonicCouchbaseLite, registerEngineIn } from './engine/settee-engine';

// Database --------------------------------------------------------------------------------------
export { Blob } from './api/blob';
export { Collection } from './api/collection';
export { ConcurrencyControl } from './api/concurrency-control';
export { CouchbaseLiteException } from './api/couchbase-lite-exception';
export { Database } from './api/database';
export { DatabaseConfiguration } from './api/database-configuration';
export { DatabaseLogging } from './api/database-logging';
export { Document } from './api/document';
export { FileSystem } from './api/file-system';
export { LogDomain } from './api/log-domain';
export { LogLevel } from './api/log-level';
export { MaintenanceType } from './api/maintenance-type';
export { MutableDocument } from './api/mutable-document';
export { Scope } from './api/scope';

// Queries, indexes, expressions -----------------------------------------------------------------
export { AbstractIndex } from './api/abstract-index';
export { ArrayIndex } from './api/array-index';
export { Collation, CollationASCII, CollationUnicode } from './api/collation';
export {
  AggregateExpression,
  BinaryExpression,
  CollationExpression,
  CompoundExpression,
  Expression,
  FunctionExpression,
  MetaExpression,
  ParameterExpression,
  PropertyExpression,
  UnaryExpression,
  ValueExpression,
  VariableExpression,
} from './api/expression';
export {
  BinaryOpType,
  CompoundExpressionOpType,
  UnaryExpressionOpType,
} from './api/expression-op-types';
export { FullTextExpression, FullTextMatchExpression } from './api/full-text-expression';
export { FullTextIndex, FullTextIndexItem } from './api/full-text-index';
export { IndexBuilder } from './api/index-builder';
export { IndexType } from './api/index-type';
export { Meta } from './api/meta';
export { Ordering, SortOrder } from './api/ordering';
export { Parameter } from './api/parameter';
export { Parameters } from './api/parameters';
export { Query } from './api/query';
export { ValueIndex, ValueIndexItem } from './api/value-index';

// Replication -----------------------------------------------------------------------------------
export { Authenticator } from './api/authenticator';
export { BasicAuthenticator } from './api/basic-authenticator';
export { ClientCertificateAuthenticator } from './api/client-certificate-authenticator';
export { CollectionConfig } from './api/collection-config';
export {
  DocumentReplication,
  isDocumentReplicationRepresentation,
} from './api/document-replication';
export { URLEndpoint } from './api/endpoint';
export {
  ListenerAuthenticator,
  ListenerCertificateAuthenticator,
  ListenerPasswordAuthenticator,
} from './api/listener-authenticators';
export {
  isReplicatedDocumentRepresentation,
  ReplicatedDocument,
} from './api/replicated-document';
export { PeerBrowser } from './api/peer-browser';
export { ReplicatedDocumentFlag } from './api/replicated-document-flag';
export { Replicator } from './api/replicator';
export { ReplicatorActivityLevel } from './api/replicator-activity-level';
export { isReplicatorChange } from './api/replicator-change';
export { ReplicatorConfiguration } from './api/replicator-configuration';
export { ReplicatorProgress } from './api/replicator-progress';
export { ReplicatorStatus } from './api/replicator-status';
export { ReplicatorType } from './api/replicator-type';
export { SessionAuthenticator } from './api/session-authenticator';
export { TLSCertificate } from './api/tls-certificate';
export { TLSIdentity } from './api/tls-identity';
export { URLEndpointListener } from './api/url-endpoint-listener';

// Types -----------------------------------------------------------------------------------------
export type { Index } from './api/abstract-index';
export type { BlobStream } from './api/blob-stream';
export type {
  CollectionChange,
  CollectionChangeListener,
  DocumentChange,
  DocumentChangeListener,
} from './api/collection-change';
export type { ReplicationFilter } from './api/collection-config';
export type { CollectionJson } from './api/collection-json';
export type { Conflict, ConflictResolver } from './api/conflict-resolver';
export type { DatabaseFileLoggingConfiguration } from './api/database-file-logging-configuration';
export type {
  DocumentReplicationRepresentation,
  ReplicatorDocumentChangeListener,
} from './api/document-replication';
export type { Endpoint } from './api/endpoint';
export type { PeerEvent } from './api/peer-browser';
export type { QueryChange, QueryChangeListener } from './api/query';
export type { ReplicatedDocumentRepresentation } from './api/replicated-document';
export type { ReplicatorChange, ReplicatorChangeListener } from './api/replicator-change';
export type { Result, ResultSet } from './api/result-set';
export type { CertificateLike } from './api/tls-certificate';
export type {
  TLSIdentityImport,
  TLSIdentityOptions,
  TLSIdentityProtection,
} from './api/tls-identity';
export type { ListenerConnection } from './api/url-endpoint-listener';
export type {
  AdvertiseOptions,
  BlobArgs,
  BlobContentArg,
  BrowseArgs,
  CallbackAnswerArgs,
  CollectionArgs,
  CollectionChangeListenerArgs,
  CollectionCreateIndexArgs,
  CollectionDeleteDocumentArgs,
  CollectionDeleteIndexArgs,
  CollectionDocumentExpirationArgs,
  CollectionDocumentGetBlobContentArgs,
  CollectionGetDocumentArgs,
  CollectionPurgeDocumentArgs,
  CollectionSaveArgs,
  CollectionSaveStringArgs,
  DatabaseArgs,
  DatabaseCopyArgs,
  DatabaseCreateIndexArgs,
  DatabaseDeleteDocumentArgs,
  DatabaseDeleteIndexArgs,
  DatabaseEncryptionKeyArgs,
  DatabaseEndBatchArgs,
  DatabaseExistsArgs,
  DatabaseGetDocumentArgs,
  DatabaseOpenArgs,
  DatabasePerformMaintenanceArgs,
  DatabasePurgeDocumentArgs,
  DatabaseReadBlobArgs,
  DatabaseSaveBlobArgs,
  DatabaseSaveArgs,
  DatabaseSetFileLoggingConfigArgs,
  DatabaseSetLogLevelArgs,
  DocumentChangeListenerArgs,
  DocumentGetBlobContentArgs,
  ListenerAuthenticatorConfig,
  ListenerCertificateCallback,
  ListenerCertificateConfig,
  ListenerPasswordCallback,
  ListenerRequest,
  ListenerTokenArgs,
  QueryChangeListenerArgs,
  QueryExecuteArgs,
  QueryRemoveChangeListenerArgs,
  ReplicationChangeListenerArgs,
  ReplicatorArgs,
  ReplicatorAskingArgs,
  ReplicatorCollectionArgs,
  ReplicatorCreateArgs,
  ReplicatorDocumentPendingArgs,
  ReplicatorSuspendArgs,
  ScopeArgs,
  TLSIdentityCreateArgs,
  TLSIdentityImportArgs,
  TlsIdentityConfig,
  URLEndpointListenerAdvertiseArgs,
  URLEndpointListenerArgs,
  URLEndpointListenerAskingArgs,
  URLEndpointListenerCreateArgs,
  URLEndpointListenerDisconnectArgs,
  URLEndpointListenerEngineArgs,
  URLEndpointListenerSetIdentityArgs,
  URLEndpointListenerTLSIdentityArgs,
} from './engine/arguments';
export type { ICoreEngine, ICouchbaseLitePlugin, SetteeEngine } from './engine/core-engine';
export type { IonicCouchbaseLitePlugin, PluginConfigureArgs } from './engine/lazy-engine';
export type { Question } from './engine/questions';
export type {
  BlobRangeResult,
  CallbackResultData,
  CallbackResultError,
  CollectionDocumentSaveResult,
  CollectionResult,
  CollectionsResult,
  DocumentExpirationResult,
  DocumentResult,
  FoundPeerResult,
  ListenerCallback,
  ListenerConnectionResult,
  ListenerHandle,
  NetworkInterfaceResult,
  ReplicatorStatusChange,
  ReplicatorStatusResult,
  ScopeResult,
  ScopesResult,
  TLSCertificateResult,
  TLSCertificatesResult,
  TLSIdentityResult,
  URLEndpointListenerStartResult,
  URLEndpointListenerStatus,
} from './engine/results';
export type { ForeignEngineLocator } from './engine/settee-engine';
export type { Dictionary } from './util/dictionary';
