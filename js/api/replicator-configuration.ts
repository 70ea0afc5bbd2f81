import type { Authenticator } from './authenticator';
import type { Collection } from './collection';
import { sameCollection } from './collection-args';
import { CollectionConfig } from './collection-config';
import type { Endpoint } from './endpoint';
import { ReplicatorType } from './replicator-type';
import { type CertificateLike, certificateText } from './tls-certificate';

/** Extra HTTP headers by name. */
type Headers = { [name: string]: string };

/**
 * What to replicate, where to, and how.
 *
 * Settings may also be assigned to the fields, whose names are part of the contract. Times are in
 * seconds. Source: api §9.2, §15.1.
 *
 * @example
 * const config = new ReplicatorConfiguration(new URLEndpoint('wss://192.168.1.4:4984/travel'));
 * config.addCollection(collection);
 * config.setContinuous(true);
 */
export class ReplicatorConfiguration {
  static readonly ReplicatorType = ReplicatorType;

  static readonly defaultContinuous: boolean = false;
  static readonly defaultHeartbeat: number = 300;
  static readonly defaultMaxAttemptsSingleShot: number = 10;
  static readonly defaultMaxAttemptsWaitTime: number = 300;
  static readonly defaultSelfSignedCertificateOnly: boolean = true;
  static readonly defaultEnableAutoPurge: boolean = true;
  static readonly defaultAcceptParentDomainCookies: boolean = false;
  static readonly defaultAllowReplicatingInBackground: boolean = false;

  static readonly CBLReplicatorOptionCookies: string = 'cookies';
  static readonly CBLReplicatorAuthOption: string = 'auth';
  static readonly CBLReplicatorAuthType: string = 'type';
  static readonly CBLReplicatorAuthUserName: string = 'username';
  static readonly CBLReplicatorAuthPassword: string = 'password';
  static readonly CBLReplicatorAuthClientCert: string = 'clientCert';
  static readonly CBLAuthTypeBasic: string = 'Basic';
  static readonly CBLAuthTypeSession: string = 'Session';
  static readonly CBLAuthTypeOpenIDConnect: string = 'OpenID Connect';
  static readonly CBLAuthTypeClientCert: string = 'Client Cert';

  replicatorType: ReplicatorType;
  continuous: boolean;
  authenticator: Authenticator;
  headers: Headers;
  /** Seconds between pings; 0 means the default. */
  heartbeat: number;
  /** Attempts including the first; 0 means the default. A continuous replicator at 10 never gives up. */
  maxAttempts: number;
  /** Longest wait between attempts, in seconds; 0 means the default. */
  maxAttemptWaitTime: number;
  acceptOnlySelfSignedCerts: boolean;
  /** Base64 of one DER certificate. */
  pinnedServerCertificate: string;
  autoPurgeEnabled: boolean;
  acceptParentDomainCookies: boolean;
  /** Settee's own: URL of an HTTP proxy; null for none; undefined for what the environment says. */
  proxy: string | null | undefined;
  /** No meaning on a desktop. */
  allowReplicatingInBackground: boolean;
  private readonly target: Endpoint;
  private collections: Map<Collection[], CollectionConfig>;

  constructor(target: Endpoint) {
    this.target = target;
    this.replicatorType = ReplicatorType.PUSH_AND_PULL;
    this.continuous = ReplicatorConfiguration.defaultContinuous;
    this.heartbeat = ReplicatorConfiguration.defaultHeartbeat;
    this.maxAttempts = ReplicatorConfiguration.defaultMaxAttemptsSingleShot;
    this.maxAttemptWaitTime = ReplicatorConfiguration.defaultMaxAttemptsWaitTime;
    this.acceptOnlySelfSignedCerts = ReplicatorConfiguration.defaultSelfSignedCertificateOnly;
    this.autoPurgeEnabled = ReplicatorConfiguration.defaultEnableAutoPurge;
    this.acceptParentDomainCookies = ReplicatorConfiguration.defaultAcceptParentDomainCookies;
    this.allowReplicatingInBackground = ReplicatorConfiguration.defaultAllowReplicatingInBackground;
    this.collections = new Map();
  }

  /** Adds a collection as a group of its own, taking it out of any other group. */
  addCollection(collection: Collection, config?: CollectionConfig | null): void {
    this.removeCollection(collection);
    this.collections.set([collection], config ?? new CollectionConfig());
  }

  /** Adds collections as one group that shares a configuration. The array is kept. */
  addCollections(collections: Collection[], config?: CollectionConfig | null): void {
    this.removeCollections(collections);
    this.collections.set(collections, config ?? new CollectionConfig());
  }

  removeCollection(collection: Collection): void {
    this.removeCollections([collection]);
  }

  /** Takes these collections out of their groups; the others stay. */
  removeCollections(collections: Collection[]): void {
    const kept = new Map<Collection[], CollectionConfig>();
    this.collections.forEach((config, group) => {
      const rest = group.filter((member) => !contains(collections, member));
      if (rest.length > 0) {
        kept.set(rest.length === group.length ? group : rest, config);
      }
    });
    this.collections = kept;
  }

  /** All collections in the order in which they were added. */
  getCollections(): Collection[] {
    const all: Collection[] = [];
    for (const group of this.collections.keys()) {
      all.push(...group);
    }
    return all;
  }

  /** The configuration of the collection's group, not a copy; null when it is not part. */
  getCollectionConfig(collection: Collection): CollectionConfig {
    for (const [group, config] of this.collections) {
      if (contains(group, collection)) {
        return config;
      }
    }
    return null as unknown as CollectionConfig;
  }

  getReplicatorType(): ReplicatorType {
    return this.replicatorType;
  }

  setReplicatorType(replicatorType: ReplicatorType): void {
    this.replicatorType = replicatorType;
  }

  getContinuous(): boolean {
    return this.continuous;
  }

  setContinuous(continuous: boolean): void {
    this.continuous = continuous;
  }

  getAuthenticator(): Authenticator {
    return this.authenticator;
  }

  setAuthenticator(authenticator: Authenticator | null | undefined): void {
    this.authenticator = authenticator as Authenticator;
  }

  getHeaders(): Headers {
    return this.headers;
  }

  setHeaders(headers: Headers | null | undefined): void {
    this.headers = headers as Headers;
  }

  getHeartbeat(): number {
    return this.heartbeat;
  }

  /** Seconds. A negative value is refused when the replicator is created. */
  setHeartbeat(heartbeat: number): void {
    this.heartbeat = heartbeat;
  }

  getMaxAttempts(): number {
    return this.maxAttempts;
  }

  setMaxAttempts(maxAttempts: number): void {
    this.maxAttempts = maxAttempts;
  }

  getMaxAttemptWaitTime(): number {
    return this.maxAttemptWaitTime;
  }

  /** Seconds; throws when negative. */
  setMaxAttemptWaitTime(maxAttemptWaitTime: number): void {
    if (!(maxAttemptWaitTime >= 0)) {
      throw new Error('Error:  maxAttemptWaitTime cannot be negative.');
    }
    this.maxAttemptWaitTime = maxAttemptWaitTime;
  }

  getAcceptOnlySelfSignedCerts(): boolean {
    return this.acceptOnlySelfSignedCerts;
  }

  /** True refuses certificates of public authorities; false refuses self-signed ones. */
  setAcceptOnlySelfSignedCerts(acceptOnlySelfSignedCerts: boolean): void {
    this.acceptOnlySelfSignedCerts = acceptOnlySelfSignedCerts;
  }

  getPinnedServerCertificate(): string {
    return this.pinnedServerCertificate;
  }

  /**
   * The one certificate that the server's chain must contain: PEM, base64 of DER, DER bytes or a
   * `TLSCertificate`.
   */
  setPinnedServerCertificate(pinnedServerCertificate: CertificateLike | null | undefined): void {
    this.pinnedServerCertificate = (
      pinnedServerCertificate ? certificateText(pinnedServerCertificate) : pinnedServerCertificate
    ) as string;
  }

  getAutoPurgeEnabled(): boolean {
    return this.autoPurgeEnabled;
  }

  /** Whether documents to which access was lost are purged. */
  setAutoPurgeEnabled(autoPurgeEnabled: boolean): void {
    this.autoPurgeEnabled = autoPurgeEnabled;
  }

  getAcceptParentDomainCookies(): boolean {
    return this.acceptParentDomainCookies;
  }

  setAcceptParentDomainCookies(acceptParentDomainCookies: boolean): void {
    this.acceptParentDomainCookies = acceptParentDomainCookies;
  }

  getProxy(): string | null | undefined {
    return this.proxy;
  }

  /**
   * Settee's own: the proxy on the way to the server, `http://[user:password@]host:port` or the same
   * with `https:`; null for none. Unless set, the environment decides: `https_proxy` for `wss:`,
   * `http_proxy` for `ws:`, `all_proxy`, and `no_proxy` for exceptions; this machine and names that
   * end in `.local` are always reached directly.
   */
  setProxy(proxy: string | null | undefined): void {
    this.proxy = proxy;
  }

  getAllowReplicatingInBackground(): boolean {
    return this.allowReplicatingInBackground;
  }

  setAllowReplicatingInBackground(allowReplicatingInBackground: boolean): void {
    this.allowReplicatingInBackground = allowReplicatingInBackground;
  }

  /** A copy with the same target, collections and collection configurations. */
  clone(): ReplicatorConfiguration {
    const copy = new ReplicatorConfiguration(this.target);
    copy.replicatorType = this.replicatorType;
    copy.continuous = this.continuous;
    copy.authenticator = this.authenticator;
    copy.headers = { ...this.headers };
    copy.heartbeat = this.heartbeat;
    copy.maxAttempts = this.maxAttempts;
    copy.maxAttemptWaitTime = this.maxAttemptWaitTime;
    copy.acceptOnlySelfSignedCerts = this.acceptOnlySelfSignedCerts;
    copy.pinnedServerCertificate = this.pinnedServerCertificate;
    copy.autoPurgeEnabled = this.autoPurgeEnabled;
    copy.acceptParentDomainCookies = this.acceptParentDomainCookies;
    copy.allowReplicatingInBackground = this.allowReplicatingInBackground;
    if (this.proxy !== undefined) {
      copy.proxy = this.proxy;
    }
    this.collections.forEach((config, group) => {
      copy.collections.set([...group], config);
    });
    return copy;
  }

  /** What the engine gets (api §15.1): two keys differ from their fields. */
  toJson(): any {
    return {
      target: this.target.toJson(),
      replicatorType: this.replicatorType,
      continuous: this.continuous,
      acceptParentDomainCookies: this.acceptParentDomainCookies,
      acceptSelfSignedCerts: this.acceptOnlySelfSignedCerts,
      allowReplicationInBackground: this.allowReplicatingInBackground,
      autoPurgeEnabled: this.autoPurgeEnabled,
      heartbeat: this.heartbeat,
      maxAttempts: this.maxAttempts,
      maxAttemptWaitTime: this.maxAttemptWaitTime,
      pinnedServerCertificate: this.pinnedServerCertificate ?? '',
      headers: this.headers ?? '',
      authenticator: this.authenticator
        ? { type: this.authenticator.getType(), data: this.authenticator.toJson() }
        : '',
      collectionConfig: this.collectionsToJson(),
      ...(this.proxy === undefined ? {} : { proxy: this.proxy ?? '' }),
    };
  }

  private collectionsToJson(): string {
    const all = this.getCollections();
    if (all.length === 0) {
      return '';
    }
    const [first] = all;
    for (const collection of all) {
      if (
        collection.database.getUniqueName() !== first.database.getUniqueName() ||
        collection.scope.name !== first.scope.name
      ) {
        throw new Error('All collections must be from the same database and scope');
      }
    }
    const groups: unknown[] = [];
    this.collections.forEach((config, group) => {
      if (group.length > 0) {
        groups.push({
          collections: group.map((collection) => ({ collection: collection.toJson() })),
          config: config ? groupConfig(config) : '',
        });
      }
    });
    return JSON.stringify(groups);
  }
}

/** A resolver is a function, which the engine cannot get: it gets the news that there is one. */
function groupConfig(config: CollectionConfig): object {
  return config.getConflictResolver?.() === undefined
    ? config
    : { ...config, conflictResolver: true };
}

function contains(collections: Collection[], wanted: Collection): boolean {
  return collections.some((collection) => sameCollection(collection, wanted));
}
