/**
 * What `docs/compatibility.md` says beyond the names, which it takes from the declarations.
 *
 * A key is an exported name, a member (`Class.member`, statics as well) or an engine function.
 * `superset`: at least what cblite-js does; `fixed`: a defect of the reference that is not
 * reproduced; `addition`: not in the reference. Whatever has no note is as in the reference.
 */

const superset = (text) => ({ state: 'superset', text });
const fixed = (text) => ({ state: 'fixed', text });
const addition = (text) => ({ state: 'addition', text });
const kept = (text) => ({ state: 'as reference', text });

const LISTENER_RULES = fixed(
  'A second listener is refused and the first one stays; after removal one can be added again.',
);
const REMOVE_RULES = fixed('Nothing is delivered once the promise has resolved.');

const NOTES = {
  // Engine and names ----------------------------------------------------------------------------
  'EngineLocator.getEngine': superset(
    "`getEngine('default')` makes and registers settee's engine when none is. Engines are shared between copies of the package.",
  ),
  CapacitorEngine: superset(
    'Registers itself; all instances share one native state and none of them loads the addon before the first call.',
  ),
  'CapacitorEngine.plugin_Configure': kept('Resolves and does nothing, as on any desktop.'),
  CblReactNativeEngine: addition('The same class under the name that React Native apps construct.'),
  IonicCouchbaseLite: superset('The ready engine object itself.'),
  engine: addition('The ready engine object, a plain object with own functions.'),
  registerEngineIn: addition("Gives the engine to another package's `EngineLocator`."),
  answering: addition('Answers questions that the engine puts through a callback.'),
  SetteeEngine: addition('`ICoreEngine` with the additional functions below.'),
  Question: addition('What the engine asks.'),
  ForeignEngineLocator: addition('Argument of `registerEngineIn`.'),
  CallbackAnswerArgs: addition('Arguments of `callback_Answer`.'),
  ListenerAuthenticatorConfig: superset(
    'Or `ListenerPasswordCallback`, `ListenerCertificateConfig`, `ListenerCertificateCallback`.',
  ),
  ListenerPasswordCallback: addition('A function that decides about each client.'),
  ListenerCertificateConfig: addition('Root certificates to which those of clients must lead.'),
  ListenerCertificateCallback: addition('A function that decides about client certificates.'),
  ListenerRequest: addition('What `requestAuthorizer` is asked.'),
  TlsIdentityConfig: superset('Also `stored`, and a usage for self-signed ones.'),
  Conflict: addition('What a conflict resolver decides about.'),
  ConflictResolver: addition('A function that decides conflicts.'),
  ReplicatorSuspendArgs: addition('Arguments of `replicator_SetSuspended`.'),
  ReplicatorAskingArgs: addition('How the engine is told to ask a callback about conflicts.'),
  URLEndpointListenerAskingArgs: addition('How the engine is told to ask a callback.'),
  URLEndpointListenerEngineArgs: addition('Arguments of a listener without functions and objects.'),
  URLEndpointListenerSetIdentityArgs: addition(
    'Arguments of `URLEndpointListener_setTLSIdentity`.',
  ),
  URLEndpointListenerDisconnectArgs: addition('Arguments of `URLEndpointListener_disconnect`.'),
  URLEndpointListenerAdvertiseArgs: addition('Arguments of `URLEndpointListener_advertise`.'),
  TLSIdentityCreateArgs: addition('Arguments of `tlsIdentity_Create`.'),
  TLSIdentityImportArgs: addition('Arguments of `tlsIdentity_Import`.'),
  BrowseArgs: addition('Arguments of `dnssd_Browse`.'),
  AdvertiseOptions: addition('How a listener is advertised.'),
  TLSCertificateResult: addition('A certificate and what it says.'),
  TLSCertificatesResult: addition('A certificate chain.'),
  TLSIdentityResult: addition('A TLS identity, without its key.'),
  ListenerConnectionResult: addition('An open connection.'),
  NetworkInterfaceResult: addition('An address of this machine.'),
  FoundPeerResult: addition('A listener that advertises itself.'),
  ListenerTokenArgs: addition('Arguments of `listenerToken_Remove`.'),
  DatabaseReadBlobArgs: addition('Arguments of `database_ReadBlob`.'),
  DatabaseSaveBlobArgs: addition('Arguments of `database_SaveBlob`.'),
  DatabaseEndBatchArgs: addition('Arguments of `database_EndBatch`.'),
  BlobArgs: addition('New blobs of a save, as bytes or paths.'),
  BlobContentArg: addition('Bytes, or the path of a file.'),
  BlobRangeResult: addition('Result of `database_ReadBlob`.'),
  BlobStream: addition('Result of `Document.blobStream`.'),
  CollectionResult: addition('Names the raw object that the reference leaves untyped.'),
  ScopeResult: addition('Names the raw object that the reference leaves untyped.'),
  ReplicatorStatusResult: addition('Names the status payload.'),
  URLEndpointListenerStartResult: addition('Result of starting a listener: port and URLs.'),
  ICoreEngine: superset('Argument types also allow null where the reference is given null.'),

  // Database ------------------------------------------------------------------------------------
  'DatabaseConfiguration.fullSync': addition(
    'Waits for the disk at every commit. Of several handles on one database, one that asks is enough.',
  ),
  'DatabaseConfiguration.getFullSync': addition(''),
  'DatabaseConfiguration.setFullSync': addition(''),
  'Database.changeEncryptionKey': fixed('Also works for a database without configuration.'),
  'Database.inBatch': fixed(
    'The reference always rejects. Here what the function calls is one transaction; it must be synchronous.',
  ),
  'Database.exists': fixed('Works; both Ionic engines always reject.'),
  'Database.deleteDatabase': fixed(
    'The static form works; neither Ionic engine has it. The instance form throws at once when closed, as in the reference.',
  ),
  'Database.collection': superset('Takes any object with a `name` as scope. Missing rejects.'),
  'Database.collections': superset('Takes any object with a `name` as scope.'),
  'Database.createCollection': superset('Takes any object with a `name` as scope.'),
  'Database.deleteCollection': superset('Takes any object with `name` and `scope.name`.'),
  'Database.open': superset('Accepts a missing configuration, which both Ionic engines reject.'),
  'Database.close': kept('Flags closed at once, even if the call later fails.'),
  'Database.scope': kept('`undefined` on any failure.'),
  'Database.getDocument': kept('Missing gives `null`, unlike `Collection.document`.'),
  'Database.getCount': kept('A number, unlike `Collection.count`.'),
  'Database.setLogLevel': kept(
    'Replaces the domains that the console shows. It begins with warnings and errors of all, on standard error.',
  ),
  'DatabaseLogging.setFileConfig': superset(
    'Plain text whatever `usePlaintext` says, which Android misreads. A missing directory is made.',
  ),
  CouchbaseLiteException: superset(
    'Engine calls reject with it (the reference never does); engine errors also have `errorMessage`.',
  ),
  'CouchbaseLiteException.DOMAIN': addition(''),
  'CouchbaseLiteException.errorMessage': addition('Equal to `message`.'),
  'Scope.collections': superset('Real `Collection` objects; the reference gives raw ones.'),
  'Scope.collection': superset('A real `Collection`; the reference gives a raw object.'),
  'Collection.fullName': superset(
    'Synchronous, as in every published version, and can be awaited as in the newest.',
  ),
  'Collection.count': kept('An object `{count}`.'),
  'Collection.document': kept('Missing gives `undefined`.'),
  'Collection.save': superset(
    'With FAIL_ON_CONFLICT the document gets the stored revision and sequence. Blobs go to the engine as bytes.',
  ),
  'Collection.getDocumentExpiration': fixed('Gives a `Date`; the reference gives texts.'),
  'Collection.setDocumentExpiration': fixed('`null` clears; both Ionic engines reject it.'),
  'Collection.addChangeListener': {
    ...LISTENER_RULES,
    text: `${LISTENER_RULES.text} \`change.collection\` is always given.`,
  },
  'Collection.removeChangeListener': REMOVE_RULES,
  'Collection.addDocumentChangeListener': LISTENER_RULES,
  'Collection.removeDocumentChangeListener': fixed('Works; on iOS it always rejects.'),

  // Documents -----------------------------------------------------------------------------------
  'Document.getBlobContent': superset('Also takes a path to a nested blob, `pages[0].photo`.'),
  'Document.blobStream': addition('The content of a blob in bounded memory.'),
  'Document.saveBlobToFile': addition('A blob into a file, without taking it through memory.'),
  'Document.getArray': superset('Declared as `any[] | null`.'),
  'MutableDocument.remove': fixed('Stops at null and drops a pending blob too. Takes a path.'),
  'Blob.constructor': fixed(
    'Copies exactly the range of a view; the reference takes its whole buffer.',
  ),
  'Blob.fromFile': addition('Content from a file, streamed when it is saved.'),

  // Queries and indexes -------------------------------------------------------------------------
  'Collection.createIndex': superset(
    'Language and accents of a full-text index are honoured, and items may be any expression; the reference looks at the path of a property only. Names belong to the collection.',
  ),
  'Collection.deleteIndex': kept('An unknown name is no error.'),
  ArrayIndex: addition('An index on the elements of an array, for queries that `UNNEST` it.'),
  'IndexBuilder.arrayIndex': addition('Makes an `ArrayIndex`.'),
  FullTextIndex: superset('`setLanguage` and `setIgnoreAccents` have an effect.'),
  ValueIndexItem: superset('Any expression.'),
  'Query.execute': superset('Errors say line and column. See “The query language” below.'),
  'Query.explain': kept('The SQL is ours; plan and JSON tree read as in the reference.'),
  'Query.addChangeListener': {
    ...LISTENER_RULES,
    text: `${LISTENER_RULES.text} Errors are delivered.`,
  },
  'Query.removeChangeListener': REMOVE_RULES,

  // Replication ---------------------------------------------------------------------------------
  'CollectionConfig.getChannels': addition('As in the React Native branch.'),
  'CollectionConfig.getDocumentIDs': addition('As in the React Native branch.'),
  'ReplicatorConfiguration.addCollections': fixed('Takes out only the collections named.'),
  'ReplicatorConfiguration.removeCollection': fixed('Compares by names; drops an empty group.'),
  'ReplicatorConfiguration.removeCollections': fixed(
    'Removes only those named; the reference drops their whole groups.',
  ),
  'ReplicatorConfiguration.getCollectionConfig': superset('Compares by names.'),
  'ReplicatorConfiguration.clone': fixed('Also copies `acceptOnlySelfSignedCerts`.'),
  'ReplicatorConfiguration.setAuthenticator': fixed('`null` means none.'),
  'ReplicatorConfiguration.setProxy': addition('An HTTP proxy on the way to the server.'),
  'ReplicatorConfiguration.getProxy': addition(''),
  'ReplicatorConfiguration.setHeartbeat': kept('Takes a negative value; the engine refuses it.'),
  'CollectionConfig.setConflictResolver': addition(
    'Decides conflicts of the collections; the reference has the default rule only.',
  ),
  'CollectionConfig.getConflictResolver': addition(''),
  'CollectionConfig.setPushFilter': superset(
    'Text that gives no function is refused when the replicator is created; the shorthand of a method is understood.',
  ),
  'CollectionConfig.setPullFilter': superset('As `setPushFilter`.'),
  'Replicator.addChangeListener': LISTENER_RULES,
  'Replicator.removeChangeListener': REMOVE_RULES,
  'Replicator.setSuspended': addition('Offline until it is resumed.'),
  'Replicator.getStatus': superset('The raw fields, and the methods of `ReplicatorStatus`.'),
  'Replicator.getPendingDocumentIds': superset('Compares the collection by names.'),
  'Replicator.isDocumentPending': superset('Compares the collection by names.'),
  'Replicator.start': kept('`start(true)` resets the checkpoint and starts.'),
  'URLEndpointListener.create': superset(
    'Also takes `Collection` objects; `port` and `networkInterface` are optional; an unknown authenticator is refused; `authenticatorConfig.authenticate`, in place of `data`, is a function that decides about each client. `authenticator` and `tlsIdentity` take the objects of the native API, `readOnly` refuses pushes, `requestAuthorizer` decides about each replication. PKCS#12 files of old and new encryption are imported on every platform.',
  ),
  'URLEndpointListener.deleteIdentity': superset(
    'Works everywhere; on Android it rejects. An unknown label is no error.',
  ),
  'URLEndpointListener.getPort': superset('The real port while the listener runs.'),
  'URLEndpointListener.getUrls': addition('URLs that reach the running listener.'),
  'URLEndpointListener.networkInterfaces': addition(
    'The addresses of this machine (passive peer, Example 5: left to platform tools).',
  ),
  'URLEndpointListener.getTLSIdentity': addition('As in the native Couchbase Lite.'),
  'URLEndpointListener.setTLSIdentity': addition('Rotation on a running listener.'),
  'URLEndpointListener.connections': addition('Who is connected: principal, address, traffic.'),
  'URLEndpointListener.disconnect': addition('Ends the replications of one principal.'),
  'URLEndpointListener.advertise': addition('DNS-SD, off unless called.'),
  'URLEndpointListener.stopAdvertising': addition(''),
  TLSIdentity: addition('As in the native Couchbase Lite: created, imported, stored by label.'),
  TLSCertificate: addition('A certificate and what it says.'),
  TLSIdentityOptions: addition('Argument of `TLSIdentity.createIdentity`.'),
  TLSIdentityImport: addition('Argument of `TLSIdentity.importIdentity`.'),
  TLSIdentityProtection: addition('How private keys are kept.'),
  CertificateLike: addition('PEM, base64, DER or a `TLSCertificate`.'),
  ListenerConnection: addition('An open connection of a listener.'),
  ListenerAuthenticator: addition('As in the native Couchbase Lite.'),
  ListenerPasswordAuthenticator: addition(
    'As in the native Couchbase Lite: by function; also by name and password.',
  ),
  ListenerCertificateAuthenticator: addition(
    'As in the native Couchbase Lite: by root certificates or by function.',
  ),
  ClientCertificateAuthenticator: addition('As in the native Couchbase Lite.'),
  PeerBrowser: addition('Finds listeners on the local network (DNS-SD).'),
  PeerEvent: addition('What a `PeerBrowser` tells.'),
  'Replicator.serverCertificates': addition('As in the native Couchbase Lite; a promise.'),
  'Replicator.getServerCertificates': addition('The same as a function.'),
  'ReplicatorConfiguration.setPinnedServerCertificate': superset(
    'Also PEM, DER bytes and `TLSCertificate`; the leaf or any certificate of the chain.',
  ),
  ReplicationFilter: superset(
    'The document is `any`; the reference says the DOM’s `Document` by accident.',
  ),

  // Engine functions ----------------------------------------------------------------------------
  collection_Save: superset(
    'Blobs as JSON text or as bytes and paths; both conflict flags are sent.',
  ),
  collection_GetBlobContent: superset('Also takes a path to a nested blob.'),
  collection_GetFullName: kept('Absent from the published engines.'),
  collection_RemoveDocumentChangeListener: fixed('Works; on iOS it always rejects.'),
  database_Open: superset('A null configuration means defaults.'),
  database_Exists: fixed('Works; both Ionic engines always reject.'),
  database_DeleteWithPath: fixed('Works; neither Ionic engine has it.'),
  database_Save: fixed('Works, with texts or objects.'),
  replicator_GetPendingDocumentIds: fixed('Always an object, also when nothing is pending.'),
  replicator_SetSuspended: addition('Behind `Replicator.setSuspended`.'),
  replicator_Create: superset(
    'With `conflictResolver: true` in a collection’s configuration and a `changeListenerToken`, a callback as second parameter is asked about conflicts.',
  ),
  URLEndpointListener_createListener: superset(
    'With `authenticatorConfig: {type, ask: true}` or `requestAuthorizer: true` and a `changeListenerToken`, a callback as second parameter is asked who may come in and what it may replicate.',
  ),
  URLEndpointListener_startListener: superset('Resolves with `{port, urls}`.'),
};

/** What the query language and the indexes have otherwise than Couchbase Lite 4, or not. */
const LANGUAGE = [
  [
    'Vector indexes, `APPROX_VECTOR_DISTANCE` and the other distance functions',
    'not offered: Enterprise Edition only, and cblite-js has no call for them. A query that uses one is refused',
  ],
  ['Predictive indexes, `PREDICTION`', 'not offered, likewise'],
  [
    'Array (UNNEST) indexes',
    'superset: cblite-js has no call for them; here `IndexBuilder.arrayIndex`. They never change what a query answers. `ANY` scans',
  ],
  ['Partial indexes', 'as reference: not reachable through cblite-js'],
  ['`x IN path`, `x IN $p`', 'fixed: means ARRAY_CONTAINS; the reference reports a syntax error'],
  [
    '`SELECT *` and `COUNT(*)` with JOIN or UNNEST',
    'fixed: one column for each source; the number of rows',
  ],
  [
    'Booleans of comparisons, parameters and indexes',
    'fixed: stay booleans everywhere; the reference gives 0 and 1 in places',
  ],
  ['An alias in WHERE', 'fixed: is its expression'],
  ['COLLATE', 'fixed: applies to everything below it; the reference reaches one operator'],
  [
    '`NOT META().deleted`, `-META().sequence`, `NOT $p.a`',
    'fixed: the path comes before the prefix',
  ],
  [
    '`REGEXP_…`',
    'fixed: counts characters; a bad pattern gives null; the work of a pattern is limited',
  ],
  ['SUM past 64 bits', 'fixed: a double; the reference fails the query'],
  ['Infinity', 'fixed: null; the reference gives invalid JSON'],
  [
    'Limits',
    'a text of 1 MiB, some hundred levels of nesting, 2,000 columns, a result of 512 MiB: beyond, a clear error',
  ],
];

module.exports = { NOTES, LANGUAGE };
