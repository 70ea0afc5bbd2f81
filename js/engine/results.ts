/** What engine functions resolve with, and what they hand to callbacks (api §13 to §15). */

import type { Dictionary } from '../util/dictionary';

/** Payload of a callback. */
export interface CallbackResultData {
  [key: string]: any;
}

/** Failure told to a callback. */
export interface CallbackResultError {
  message: string;
}

/** How an engine reports events: data, or an error as the second argument. */
export type ListenerCallback = (data: CallbackResultData, error?: CallbackResultError) => void;

/** Declared by the reference, not used by it. */
export interface ListenerHandle {
  remove: () => Promise<void>;
}

/** A scope as the engine names it. */
export interface ScopeResult {
  name: string;
  databaseName?: string;
}

/** A collection as the engine names it. */
export interface CollectionResult {
  name: string;
  scope: ScopeResult;
}

export interface CollectionsResult {
  collections: CollectionResult[];
}

export interface ScopesResult {
  scopes: ScopeResult[];
}

export interface CollectionDocumentSaveResult {
  _id: string;
  _revId: string;
  _sequence: number;
  /** False when `FAIL_ON_CONFLICT` kept the document from being written. */
  concurrencyControlResult?: any;
  concurrencyResult?: any;
}

/** A document, or `{}` when there is none. The reference declares a field `document` only. */
export interface DocumentResult {
  _id?: string;
  _data?: Dictionary;
  _sequence?: number;
  _revId?: string;
  document?: any;
}

export interface DocumentExpirationResult {
  date: Date;
}

/** Status of a replicator as the engine sends it (api §15.10). */
export interface ReplicatorStatusResult {
  /** 0 stopped … 4 busy. */
  activityLevel: number;
  progress: { completed: number; total: number };
  error?: { message: string; domain?: string; code?: number };
}

export interface ReplicatorStatusChange {
  status: any;
}

export interface URLEndpointListenerStatus {
  /** Open replication connections. */
  connectionsCount: number;
  /** Those that transfer something now. */
  activeConnectionCount: number;
}

/** What a started listener tells: the real port and the URLs that reach it. */
export interface URLEndpointListenerStartResult {
  port: number;
  urls: string[];
}

/** A certificate and what it says; dates are milliseconds since 1970. */
export interface TLSCertificateResult {
  /** Base64. */
  der: string;
  pem: string;
  subject: string;
  issuer: string;
  commonName: string | null;
  subjectAlternativeNames: string[];
  notBefore: number;
  notAfter: number;
  fingerprint: string;
  publicKey: string;
  keyType: 'rsa' | 'ec' | 'ed25519' | 'other';
  keyBits: number;
  selfSigned: boolean;
}

/** A certificate chain, leaf first. */
export interface TLSCertificatesResult {
  certificates: TLSCertificateResult[];
}

/** A TLS identity; its label begins with `~` when it is not stored. */
export interface TLSIdentityResult extends TLSCertificatesResult {
  label: string;
}

/** An open connection of a listener. */
export interface ListenerConnectionResult {
  id: number;
  principal: string;
  address: string;
  collections: { scopeName: string; name: string }[];
  /** Milliseconds since 1970. */
  started: number;
  bytesReceived: number;
  bytesSent: number;
  isActive: boolean;
}

/** An address of this machine. */
export interface NetworkInterfaceResult {
  name: string;
  address: string;
  family: 'IPv4' | 'IPv6';
  isLoopback: boolean;
}

/** A listener that advertises itself. All of it is what somebody says. */
export interface FoundPeerResult {
  /** Random, another with each start. */
  name: string;
  /** `ws[s]://address:port/database`. */
  urls: string[];
  /** Fingerprint of its key. */
  id: string | null;
  /** CBMobile versions. */
  protocols: string[];
  deltas: boolean;
  readOnly: boolean;
}

/** A range of a blob. */
export interface BlobRangeResult {
  data: ArrayBuffer;
  /** Length of the whole blob. */
  length: number;
}
