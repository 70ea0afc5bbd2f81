import type { ICoreEngine, SetteeEngine } from './core-engine';

/** Names of the promise-returning functions of an interface. */
type FunctionNames<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never;
}[keyof T];

/** Every asynchronous function of the reference's `ICoreEngine`: 66. */
export type CoreFunctionName = FunctionNames<ICoreEngine>;

/** Every asynchronous function of the settee engine. */
export type EngineFunctionName = FunctionNames<SetteeEngine>;

/**
 * What an argument is.
 *
 * - `handle`, `collection`, `scope`, `replicator`, `listener`, `token`: a non-empty string naming it
 * - `text`: a non-empty string; `text?`: a string that may be empty or missing
 * - `number`, `number?`, `boolean`
 * - `json`: a plain object or its JSON text; `json?`: or nothing
 * - `date?`: a `Date`, an ISO 8601 string or null
 */
export type ArgumentKind =
  | 'handle'
  | 'scope'
  | 'collection'
  | 'replicator'
  | 'listener'
  | 'token'
  | 'text'
  | 'text?'
  | 'number'
  | 'number?'
  | 'boolean'
  | 'json'
  | 'json?'
  | 'date?';

/** Arguments of one engine function, by field name. */
export interface EngineFunction {
  readonly fields: Readonly<Record<string, ArgumentKind>>;
  /** The function takes a callback as its second parameter; optional: with a token only. */
  readonly callback?: true | 'optional';
  /** Not in the reference. */
  readonly extra?: true;
  readonly deprecated?: true;
}

const D = { name: 'handle' } as const;
const C = { name: 'handle', scopeName: 'scope', collectionName: 'collection' } as const;
const R = { replicatorId: 'replicator' } as const;
const L = { listenerId: 'listener' } as const;
const TOKEN = { changeListenerToken: 'token' } as const;
const DIRECTORY = { databaseName: 'text', directory: 'text?' } as const;

/**
 * The one list of engine functions with their arguments.
 *
 * Forwarders (`IonicCouchbaseLite`, IPC), the bad-input tests and `docs/compatibility.md` are made
 * from it, so that none of them can miss a function. Source: api §13.
 */
export const ENGINE_FUNCTIONS: Readonly<Record<EngineFunctionName, EngineFunction>> = {
  collection_CreateCollection: { fields: C },
  collection_DeleteCollection: { fields: C },
  collection_GetCollection: { fields: C },
  collection_GetCollections: { fields: { ...D, scopeName: 'scope' } },
  collection_GetDefault: { fields: D },
  collection_GetCount: { fields: C },
  collection_GetFullName: { fields: C },
  collection_GetDocument: { fields: { ...C, docId: 'text' } },
  collection_Save: {
    fields: { ...C, id: 'text?', document: 'json', blobs: 'json?', concurrencyControl: 'number?' },
  },
  collection_DeleteDocument: { fields: { ...C, docId: 'text', concurrencyControl: 'number?' } },
  collection_PurgeDocument: { fields: { ...C, docId: 'text' } },
  collection_GetBlobContent: { fields: { ...C, documentId: 'text', key: 'text' } },
  collection_SetDocumentExpiration: { fields: { ...C, docId: 'text', expiration: 'date?' } },
  collection_GetDocumentExpiration: { fields: { ...C, docId: 'text' } },
  collection_CreateIndex: { fields: { ...C, indexName: 'text', index: 'json' } },
  collection_DeleteIndex: { fields: { ...C, indexName: 'text' } },
  collection_GetIndexes: { fields: C },
  collection_AddChangeListener: { fields: { ...C, ...TOKEN }, callback: true },
  collection_RemoveChangeListener: { fields: { ...C, ...TOKEN } },
  collection_AddDocumentChangeListener: {
    fields: { ...C, ...TOKEN, documentId: 'text' },
    callback: true,
  },
  collection_RemoveDocumentChangeListener: { fields: { ...C, ...TOKEN } },

  database_Open: { fields: { name: 'text', config: 'json?' } },
  database_Close: { fields: D },
  database_Delete: { fields: D },
  database_DeleteWithPath: { fields: DIRECTORY },
  database_Exists: { fields: DIRECTORY },
  database_GetPath: { fields: D },
  database_Copy: { fields: { name: 'text?', path: 'text', newName: 'text', config: 'json?' } },
  database_ChangeEncryptionKey: { fields: { ...D, newKey: 'text?' } },
  database_PerformMaintenance: { fields: { ...D, maintenanceType: 'number' } },
  database_SetLogLevel: { fields: { domain: 'text', logLevel: 'number' } },
  database_SetFileLoggingConfig: { fields: { name: 'text?', config: 'json' } },

  database_CreateIndex: { fields: { ...D, indexName: 'text', index: 'json' }, deprecated: true },
  database_DeleteIndex: { fields: { ...D, indexName: 'text' }, deprecated: true },
  database_GetIndexes: { fields: D, deprecated: true },
  database_GetCount: { fields: D, deprecated: true },
  database_DeleteDocument: {
    fields: { ...D, docId: 'text', concurrencyControl: 'number?' },
    deprecated: true,
  },
  database_PurgeDocument: { fields: { ...D, docId: 'text' }, deprecated: true },
  database_GetDocument: { fields: { ...D, docId: 'text' }, deprecated: true },
  database_Save: {
    fields: { ...D, id: 'text?', document: 'json', blobs: 'json?', concurrencyControl: 'number?' },
    deprecated: true,
  },
  document_GetBlobContent: { fields: { ...D, documentId: 'text', key: 'text' }, deprecated: true },

  scope_GetDefault: { fields: D },
  scope_GetScope: { fields: { ...D, scopeName: 'scope' } },
  scope_GetScopes: { fields: D },

  file_GetDefaultPath: { fields: {} },
  file_GetFileNamesInDirectory: { fields: { path: 'text' } },

  query_Execute: { fields: { ...D, query: 'text', parameters: 'json?' } },
  query_Explain: { fields: { ...D, query: 'text', parameters: 'json?' } },
  query_AddChangeListener: {
    fields: { ...D, query: 'text', parameters: 'json?', ...TOKEN },
    callback: true,
  },
  query_RemoveChangeListener: { fields: { ...D, ...TOKEN } },

  replicator_Create: { fields: { config: 'json' }, callback: 'optional' },
  replicator_Start: { fields: R },
  replicator_Stop: { fields: R },
  replicator_ResetCheckpoint: { fields: R },
  replicator_Cleanup: { fields: R },
  replicator_GetStatus: { fields: R },
  replicator_GetPendingDocumentIds: { fields: { ...R, ...C } },
  replicator_IsDocumentPending: { fields: { ...R, ...C, documentId: 'text' } },
  replicator_AddChangeListener: { fields: { ...R, ...TOKEN }, callback: true },
  replicator_AddDocumentChangeListener: { fields: { ...R, ...TOKEN }, callback: true },
  replicator_RemoveChangeListener: { fields: { ...R, ...TOKEN } },

  URLEndpointListener_createListener: {
    fields: {
      collections: 'json',
      port: 'number?',
      networkInterface: 'text?',
      disableTLS: 'boolean',
      enableDeltaSync: 'boolean',
      authenticatorConfig: 'json?',
      tlsIdentityConfig: 'json?',
      readOnly: 'boolean',
      requestAuthorizer: 'boolean',
    },
    callback: 'optional',
  },
  URLEndpointListener_startListener: { fields: L },
  URLEndpointListener_stopListener: { fields: L },
  URLEndpointListener_getStatus: { fields: L },
  URLEndpointListener_deleteIdentity: { fields: { label: 'text' } },

  replicator_SetSuspended: { fields: { ...R, suspended: 'boolean' }, extra: true },
  database_ReadBlob: {
    fields: { ...D, digest: 'text', offset: 'number', length: 'number' },
    extra: true,
  },
  database_SaveBlob: { fields: { ...D, digest: 'text', path: 'text' }, extra: true },
  database_BeginBatch: { fields: D, extra: true },
  database_EndBatch: { fields: { ...D, commit: 'boolean' }, extra: true },
  callback_Answer: { fields: { question: 'text', value: 'json?', error: 'json?' }, extra: true },
  URLEndpointListener_getTLSIdentity: { fields: L, extra: true },
  URLEndpointListener_setTLSIdentity: {
    fields: { ...L, tlsIdentityConfig: 'json' },
    extra: true,
  },
  URLEndpointListener_getConnections: { fields: L, extra: true },
  URLEndpointListener_disconnect: { fields: { ...L, principal: 'text' }, extra: true },
  URLEndpointListener_getNetworkInterfaces: { fields: {}, extra: true },
  URLEndpointListener_advertise: {
    fields: { ...L, group: 'text?', privacy: 'boolean' },
    extra: true,
  },
  URLEndpointListener_stopAdvertising: { fields: L, extra: true },
  dnssd_Browse: { fields: { group: 'text?', ...TOKEN }, callback: true, extra: true },
  dnssd_RemoveBrowser: { fields: TOKEN, extra: true },
  tlsIdentity_Create: {
    fields: { attributes: 'json', expiration: 'text?', label: 'text?', usage: 'text?' },
    extra: true,
  },
  tlsIdentity_Import: {
    fields: { certBase64: 'text', password: 'text?', label: 'text?' },
    extra: true,
  },
  tlsIdentity_Get: { fields: { label: 'text' }, extra: true },
  tlsIdentity_Delete: { fields: { label: 'text' }, extra: true },
  tlsIdentity_List: { fields: {}, extra: true },
  tlsIdentity_GetProtection: { fields: {}, extra: true },
  replicator_GetServerCertificates: { fields: R, extra: true },
  listenerToken_Remove: { fields: TOKEN, extra: true },
};

/** The names of {@link ENGINE_FUNCTIONS}, in its order. */
export const ENGINE_FUNCTION_NAMES = Object.keys(ENGINE_FUNCTIONS) as EngineFunctionName[];
