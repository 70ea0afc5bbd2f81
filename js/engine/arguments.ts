/**
 * Argument objects of the engine functions (api §13, §15.11).
 *
 * Every one survives structured clone: plain fields, strings, numbers, dates and byte arrays.
 * Field names are case sensitive and irregular; they are the wire between the classes and any
 * engine, so they stay as they are.
 */

import type { CollectionJson } from '../api/collection-json';
import type { DatabaseConfiguration } from '../api/database-configuration';
import type { DatabaseFileLoggingConfiguration } from '../api/database-file-logging-configuration';
import type { ListenerAuthenticator } from '../api/listener-authenticators';
import type { CertificateLike, TLSCertificate } from '../api/tls-certificate';
import type { TLSIdentity } from '../api/tls-identity';
import type { Dictionary } from '../util/dictionary';

/** Names a database: a handle from `database_Open`, or a plain name (api §2.2, §2.3). */
export interface DatabaseArgs {
  name: string;
}

export interface ScopeArgs extends DatabaseArgs {
  scopeName: string;
}

export interface CollectionArgs extends DatabaseArgs {
  scopeName: string;
  collectionName: string;
}

export interface CollectionChangeListenerArgs extends CollectionArgs {
  changeListenerToken: string;
}

export interface DocumentChangeListenerArgs extends CollectionArgs {
  changeListenerToken: string;
  documentId: string;
}

export interface CollectionCreateIndexArgs extends CollectionArgs {
  indexName: string;
  /** What `AbstractIndex.toJson()` gives. */
  index: any;
}

export interface CollectionDeleteIndexArgs extends CollectionArgs {
  indexName: string;
}

export interface CollectionDeleteDocumentArgs extends CollectionArgs {
  docId: string;
  concurrencyControl: number | null;
}

export interface CollectionGetDocumentArgs extends CollectionArgs {
  docId: string;
}

export interface CollectionPurgeDocumentArgs extends CollectionArgs {
  docId: string;
}

export interface CollectionDocumentGetBlobContentArgs extends CollectionArgs {
  documentId: string;
  key: string;
}

export interface CollectionDocumentExpirationArgs extends CollectionArgs {
  docId: string;
  /** A `Date`, an ISO 8601 string, or `null` to clear. */
  expiration: any;
}

export interface CollectionSaveArgs extends CollectionArgs {
  id: string;
  document: Dictionary;
  concurrencyControl: number | null;
}

/** Bytes of one blob, or the path of the file that holds them. */
export type BlobContentArg = Uint8Array | { path: string };

/** New blobs of one save, by top-level key (api §15.4). */
export interface BlobArgs {
  [key: string]: { contentType: string; data: BlobContentArg };
}

export interface CollectionSaveStringArgs extends CollectionArgs {
  id: string;
  /** JSON text of the body. */
  document: string;
  /** JSON text of the pending blobs, or the same as an object, which costs no text (api §15.4). */
  blobs: string | BlobArgs | any;
  concurrencyControl: number | null;
}

export interface DatabaseOpenArgs extends DatabaseArgs {
  config: DatabaseConfiguration | any;
}

export interface DatabaseCopyArgs extends DatabaseArgs {
  path: string;
  newName: string;
  config: DatabaseConfiguration | any;
}

export interface DatabaseEncryptionKeyArgs extends DatabaseArgs {
  newKey: string | null;
}

export interface DatabaseExistsArgs {
  databaseName: string;
  directory: string;
}

export interface DatabasePerformMaintenanceArgs extends DatabaseArgs {
  maintenanceType: number;
}

export interface DatabaseSetFileLoggingConfigArgs extends DatabaseArgs {
  config: DatabaseFileLoggingConfiguration;
}

export interface DatabaseSetLogLevelArgs {
  domain: string;
  logLevel: number;
}

/** @deprecated Use the collection functions. */
export interface DatabaseSaveArgs extends DatabaseArgs {
  id: string;
  document: any;
  blobs: any;
  concurrencyControl: number | null;
}

/** @deprecated Use {@link CollectionCreateIndexArgs}. */
export interface DatabaseCreateIndexArgs extends DatabaseArgs {
  indexName: string;
  index: any;
}

/** @deprecated Use {@link CollectionDeleteIndexArgs}. */
export interface DatabaseDeleteIndexArgs extends DatabaseArgs {
  indexName: string;
}

/** @deprecated Use {@link CollectionDeleteDocumentArgs}. */
export interface DatabaseDeleteDocumentArgs extends DatabaseArgs {
  docId: string;
  concurrencyControl: number | null;
}

/** @deprecated Use {@link CollectionGetDocumentArgs}. */
export interface DatabaseGetDocumentArgs extends DatabaseArgs {
  docId: string;
}

/** @deprecated Use {@link CollectionPurgeDocumentArgs}. */
export interface DatabasePurgeDocumentArgs extends DatabaseArgs {
  docId: string;
}

/** @deprecated Use {@link CollectionDocumentGetBlobContentArgs}. */
export interface DocumentGetBlobContentArgs extends DatabaseArgs {
  documentId: string;
  key: string;
}

export interface QueryExecuteArgs extends DatabaseArgs {
  query: string;
  /** `{name: {name, value, type} | null}` (api §15.8); also a `Parameters` object. */
  parameters: any;
}

export interface QueryChangeListenerArgs extends QueryExecuteArgs {
  changeListenerToken: string;
}

export interface QueryRemoveChangeListenerArgs extends DatabaseArgs {
  changeListenerToken: string;
}

export interface ReplicatorArgs {
  replicatorId: string;
}

export interface ReplicatorCreateArgs {
  /** What `ReplicatorConfiguration.toJson()` gives (api §15.1). */
  config: any;
}

export interface ReplicationChangeListenerArgs extends ReplicatorArgs {
  changeListenerToken: string;
}

export interface ReplicatorCollectionArgs extends ReplicatorArgs, CollectionArgs {}

export interface ReplicatorDocumentPendingArgs extends ReplicatorCollectionArgs {
  documentId: string;
}

export interface URLEndpointListenerArgs {
  listenerId: string;
}

export interface URLEndpointListenerTLSIdentityArgs {
  label: string;
}

/** HTTP Basic credentials that clients of a listener must give. */
export interface ListenerAuthenticatorConfig {
  type: 'basic';
  data: { username: string; password: string };
  authenticate?: undefined;
}

/** A function that decides which clients of a listener may come in (HTTP Basic). */
export interface ListenerPasswordCallback {
  type: 'basic';
  /**
   * Only `true` lets a client in. Anything else, an error, and no answer within 5 s refuse it with
   * status 401, which ends its replicator. Name and password may be empty.
   */
  authenticate(username: string, password: string): boolean | Promise<boolean>;
  data?: undefined;
}

/** The roots to which TLS client certificates of a listener must lead. */
export interface ListenerCertificateConfig {
  type: 'certificate';
  /** PEM or base64 texts, DER bytes, or `TLSCertificate` objects; at least one. */
  data: { rootCertificates: CertificateLike[] };
  authenticate?: undefined;
}

/** A function that decides which TLS client certificates a listener accepts. */
export interface ListenerCertificateCallback {
  type: 'certificate';
  /**
   * Gets the chain as it was sent, leaf first. Nothing was checked but that the client has the
   * leaf's private key, and that so many links of the chain hold as `verifiedDepth` says: what lies
   * beyond proves nothing. Only `true` lets a client in; anything else, an error, and no answer
   * within 5 s end its handshake and its replicator.
   */
  authenticate(certificates: TLSCertificate[], verifiedDepth: number): boolean | Promise<boolean>;
  data?: undefined;
}

/** What `requestAuthorizer` is asked. */
export interface ListenerRequest {
  /** The connection, as `URLEndpointListener.connections` names it. */
  connectionId: number;
  /** `anonymous`, `user:<name>` or `key:<fingerprint>`. */
  principal: string;
  /** Address and port of the client. */
  address: string;
  /** What the client wants to replicate. */
  collections: { scopeName: string; name: string }[];
  /** `push`: documents come to us. `pull`: they go to the client. */
  direction: 'push' | 'pull';
}

/** Where a listener's TLS certificate comes from (api §15.9). */
export type TlsIdentityConfig =
  | {
      /** Makes a self-signed certificate; also when `mode` is missing. */
      mode?: 'selfSigned';
      /** `certAttrCommonName` and the other `certAttr…` names, or X.509 short names. */
      attributes: { certAttrCommonName?: string; [name: string]: string | undefined };
      /** ISO 8601 date or date-time; one year from now by default. */
      expiration?: string;
      /** Stores the identity under this label. */
      label?: string;
      /** Both by default. Not in the reference. */
      usage?: 'server' | 'client' | 'both';
    }
  | {
      mode: 'imported';
      /** Base64 of a PKCS#12 file. */
      certBase64: string;
      password?: string;
      label?: string;
    }
  | {
      /** One that was stored before. Not in the reference. */
      mode: 'stored';
      label: string;
    };

/** What to listen with (api §10). */
export interface URLEndpointListenerCreateArgs {
  /** At least one, all of one database. `Collection` objects are accepted too. */
  collections: CollectionJson[] | any[];
  /** TCP port; 0 or nothing means any free one. */
  port?: number;
  /** Address or interface name; all interfaces by default. */
  networkInterface?: string;
  /** TLS is on unless this is true. */
  disableTLS?: boolean;
  enableDeltaSync?: boolean;
  authenticatorConfig?:
    | ListenerAuthenticatorConfig
    | ListenerPasswordCallback
    | ListenerCertificateCallback;
  /** A `ListenerPasswordAuthenticator` or `ListenerCertificateAuthenticator`, in place of it. */
  authenticator?: ListenerAuthenticator;
  /** Ignored with `disableTLS`. Nothing means a stored anonymous self-signed identity. */
  tlsIdentityConfig?: TlsIdentityConfig;
  /** A `TLSIdentity`, in place of it. */
  tlsIdentity?: TLSIdentity;
  /** Clients may pull but not push: a push fails with status 403. */
  readOnly?: boolean;
  /**
   * Asked about each replication and direction before anything of it moves. Only `true` allows it;
   * anything else, an error, and no answer within 60 s refuse it with status 403.
   */
  requestAuthorizer?(request: ListenerRequest): boolean | Promise<boolean>;
}

// What settee has beyond the reference ----------------------------------------------------------

/** What a listener is made of for the engine: no functions and no objects of classes. */
export interface URLEndpointListenerEngineArgs
  extends Omit<
    URLEndpointListenerCreateArgs,
    'authenticator' | 'authenticatorConfig' | 'requestAuthorizer' | 'tlsIdentity'
  > {
  authenticatorConfig?:
    | ListenerAuthenticatorConfig
    | ListenerCertificateConfig
    | { type: 'basic' | 'certificate'; ask: true };
  requestAuthorizer?: boolean;
}

/** A listener that asks the callback given beside these arguments. */
export interface URLEndpointListenerAskingArgs extends URLEndpointListenerEngineArgs {
  /** Token of the callback, chosen by the caller. */
  changeListenerToken: string;
}

/** A replicator that asks the callback given beside these arguments about conflicts. */
export interface ReplicatorAskingArgs extends ReplicatorCreateArgs {
  /** Token of the callback, chosen by the caller. */
  changeListenerToken: string;
}

/** Replaces the TLS identity of a listener. */
export interface URLEndpointListenerSetIdentityArgs extends URLEndpointListenerArgs {
  tlsIdentityConfig: TlsIdentityConfig;
}

/** Ends the connections of a principal. */
export interface URLEndpointListenerDisconnectArgs extends URLEndpointListenerArgs {
  /** `anonymous`, `user:<name>` or `key:<fingerprint>`. */
  principal: string;
}

/** How a listener is advertised on the local network. */
export interface AdvertiseOptions {
  /** Only who browses for this group finds it; 1 to 63 bytes without `.`, `,` and `\\`. */
  group?: string;
  /** Leaves the fingerprint of its key out, by which it would be known again. */
  privacy?: boolean;
}

/** Advertises a listener. */
export interface URLEndpointListenerAdvertiseArgs
  extends URLEndpointListenerArgs,
    AdvertiseOptions {}

/** Browses for listeners on the local network. */
export interface BrowseArgs extends ListenerTokenArgs {
  group?: string;
}

/** A new self-signed identity (`tlsIdentity_Create`). */
export interface TLSIdentityCreateArgs {
  attributes: { [name: string]: string | undefined };
  /** ISO 8601. */
  expiration?: string;
  label?: string;
  usage?: string;
}

/** A PKCS#12 file (`tlsIdentity_Import`). */
export interface TLSIdentityImportArgs {
  certBase64: string;
  password?: string;
  label?: string;
}

/** Takes a replicator offline, or lets it connect again (`replicator_SetSuspended`). */
export interface ReplicatorSuspendArgs extends ReplicatorArgs {
  suspended: boolean;
}

/** A range of a stored blob (`database_ReadBlob`). */
export interface DatabaseReadBlobArgs extends DatabaseArgs {
  /** `sha1-<base64>` as in the blob's metadata. */
  digest: string;
  /** First byte wanted, from 0. */
  offset: number;
  /** Most bytes wanted, at most 4 MiB. */
  length: number;
}

/** Where a stored blob is to be written (`database_SaveBlob`). */
export interface DatabaseSaveBlobArgs extends DatabaseArgs {
  /** `sha1-<base64>` as in the blob's metadata. */
  digest: string;
  /** Of the file; one that is there is replaced. */
  path: string;
}

/** End of an `inBatch` transaction. */
export interface DatabaseEndBatchArgs extends DatabaseArgs {
  /** False rolls everything back that was called since `database_BeginBatch`. */
  commit: boolean;
}

/** The answer to a question that the engine put through a callback (`callback_Answer`). */
export interface CallbackAnswerArgs {
  /** Id that came with the question. */
  question: string;
  value?: any;
  /** Given instead of a value when there is none; the engine then denies. */
  error?: { message: string };
}

/** Any kind of listener token (`listenerToken_Remove`). */
export interface ListenerTokenArgs {
  changeListenerToken: string;
}
