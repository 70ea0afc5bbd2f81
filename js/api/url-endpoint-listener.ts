import type {
  AdvertiseOptions,
  URLEndpointListenerCreateArgs,
  URLEndpointListenerTLSIdentityArgs,
} from '../engine/arguments';
import type { ICoreEngine, SetteeEngine } from '../engine/core-engine';
import { currentEngine } from '../engine/engine-locator';
import type { NetworkInterfaceResult, URLEndpointListenerStatus } from '../engine/results';
import { hide } from '../util/hidden';
import type { Collection } from './collection';
import type { CollectionJson } from './collection-json';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import type { ListenerAuthenticator } from './listener-authenticators';
import { prepareArgs } from './listener-questions';
import { certificatesFrom, type TLSCertificate } from './tls-certificate';
import type { TLSIdentity } from './tls-identity';

/** An open connection of a listener. */
export interface ListenerConnection {
  /** Never used again by this listener. */
  id: number;
  /** Who is behind it: `anonymous`, `user:<name>` or `key:<fingerprint>`. */
  principal: string;
  /** Address and port of the client. */
  address: string;
  /** What it replicates, once it has said so. */
  collections: { scopeName: string; name: string }[];
  started: Date;
  /** Of messages, without the framing of WebSocket and TLS. */
  bytesReceived: number;
  bytesSent: number;
  /** Whether it is transferring now. */
  isActive: boolean;
}

/**
 * The passive peer: lets other peers replicate with collections of one database. TLS is on unless
 * switched off. Source: api §10.
 *
 * @example
 * const listener = await URLEndpointListener.create({ collections: [collection.toJson()], port: 0 });
 * await listener.start();
 * console.log(listener.getUrls());
 */
export class URLEndpointListener {
  private readonly listenerId: string;
  private readonly args: URLEndpointListenerCreateArgs;
  private started: { port: number; urls: string[] } | null;
  declare private readonly _engine: ICoreEngine;

  private constructor(
    engine: ICoreEngine,
    listenerId: string,
    args: URLEndpointListenerCreateArgs,
  ) {
    this.listenerId = listenerId;
    this.args = args;
    this.started = null;
    hide(this, '_engine', engine);
  }

  /**
   * Makes a listener; it is not started.
   *
   * @example
   * const authenticate = async (username, password) => users.check(username, password);
   * await URLEndpointListener.create({ collections, authenticatorConfig: { type: 'basic', authenticate } });
   */
  static async create(args: URLEndpointListenerCreateArgs): Promise<URLEndpointListener> {
    const engine = currentEngine();
    const prepared = prepareArgs(engine, plainArgs(args));
    const { listenerId } =
      prepared.callback === undefined
        ? await engine.URLEndpointListener_createListener(prepared.args)
        : await engine.URLEndpointListener_createListener(prepared.args, prepared.callback);
    return new URLEndpointListener(engine, listenerId, args);
  }

  /** Deletes a stored TLS identity and frees its label. */
  static deleteIdentity(args: URLEndpointListenerTLSIdentityArgs): Promise<void> {
    return currentEngine().URLEndpointListener_deleteIdentity(args);
  }

  /** Addresses to which a listener can be bound, the loopback's last. */
  static async networkInterfaces(): Promise<NetworkInterfaceResult[]> {
    return (await settee(currentEngine()).URLEndpointListener_getNetworkInterfaces({})).interfaces;
  }

  /** Listens. A listener that runs already is left alone. */
  async start(): Promise<void> {
    const reply = await this._engine.URLEndpointListener_startListener(this.idArgs());
    if (reply) {
      this.started = { port: reply.port, urls: reply.urls };
    }
  }

  /** Ends all connections and frees the port. */
  async stop(): Promise<void> {
    await this._engine.URLEndpointListener_stopListener(this.idArgs());
    this.started = null;
  }

  getStatus(): Promise<URLEndpointListenerStatus> {
    return this._engine.URLEndpointListener_getStatus(this.idArgs());
  }

  /**
   * The certificates that clients are shown, leaf first. Null without TLS, and before the first
   * start of a listener that was given no identity.
   */
  async getTLSIdentity(): Promise<{ certificates: TLSCertificate[]; expiration: Date } | null> {
    const result = await settee(this._engine).URLEndpointListener_getTLSIdentity(this.idArgs());
    if (!result) {
      return null;
    }
    const certificates = certificatesFrom(result.certificates);
    return { certificates, expiration: certificates[0].notAfter };
  }

  /** Shows clients another identity from the next handshake on; open connections stay. */
  setTLSIdentity(identity: TLSIdentity): Promise<void> {
    const tlsIdentityConfig = { mode: 'stored' as const, label: identity?._reference };
    return settee(this._engine).URLEndpointListener_setTLSIdentity({
      ...this.idArgs(),
      tlsIdentityConfig,
    });
  }

  /** The open connections, the oldest first. */
  async connections(): Promise<ListenerConnection[]> {
    const engine = settee(this._engine);
    const { connections } = await engine.URLEndpointListener_getConnections(this.idArgs());
    return connections.map((one) => ({ ...one, started: new Date(one.started) }));
  }

  /**
   * Ends the connections of a principal and nobody else's, and tells how many they were. Their
   * replicators stop and do not come back by themselves; whether they would be let in again is up
   * to the authenticator.
   */
  async disconnect(principal: string): Promise<number> {
    const args = { ...this.idArgs(), principal };
    return (await settee(this._engine).URLEndpointListener_disconnect(args)).count;
  }

  /**
   * Tells the local network of the running listener (DNS-SD), until it stops or `stopAdvertising`.
   * Off unless called. Called again it replaces what was said.
   */
  advertise(options: AdvertiseOptions = {}): Promise<void> {
    const args = { ...this.idArgs(), group: options.group, privacy: options.privacy };
    return settee(this._engine).URLEndpointListener_advertise(args);
  }

  /** Says goodbye to the local network; connections stay. */
  stopAdvertising(): Promise<void> {
    return settee(this._engine).URLEndpointListener_stopAdvertising(this.idArgs());
  }

  getId(): string {
    return this.listenerId;
  }

  getCollections(): CollectionJson[] {
    return this.args.collections;
  }

  /** The real port while the listener runs, otherwise the configured one. */
  getPort(): number {
    return this.started?.port ?? this.args.port ?? 0;
  }

  /** URLs that peers can connect to while the listener runs; otherwise none. */
  getUrls(): string[] {
    return this.started === null ? [] : [...this.started.urls];
  }

  getNetworkInterface(): string {
    return this.args.networkInterface as string;
  }

  getDisableTLS(): boolean {
    return !!this.args.disableTLS;
  }

  getEnableDeltaSync(): boolean {
    return !!this.args.enableDeltaSync;
  }

  private idArgs(): { listenerId: string } {
    return { listenerId: this.listenerId };
  }
}

/** The arguments with objects of classes replaced by what stands for them; otherwise unchanged. */
function plainArgs(
  args: URLEndpointListenerCreateArgs,
): Omit<URLEndpointListenerCreateArgs, 'authenticator' | 'tlsIdentity'> {
  const { authenticator, tlsIdentity, ...plain } = args ?? {};
  const hasObjects = Array.isArray(plain.collections) && plain.collections.some(isCollection);
  if (!hasObjects && !isGiven(authenticator) && !isGiven(tlsIdentity)) {
    return args;
  }
  if (hasObjects) {
    plain.collections = plain.collections.map((member) =>
      isCollection(member) ? member.toJson() : member,
    );
  }
  if (isGiven(authenticator)) {
    refuseBoth('authenticator', plain.authenticatorConfig);
    const config = (authenticator as Partial<ListenerAuthenticator>).toConfig;
    if (typeof config !== 'function') {
      throw liteException(
        ErrorCode.InvalidParameter,
        'authenticator must be a ListenerPasswordAuthenticator or ListenerCertificateAuthenticator',
      );
    }
    // Root certificates are given in this form only by the class, whose place this is.
    plain.authenticatorConfig = config.call(
      authenticator,
    ) as URLEndpointListenerCreateArgs['authenticatorConfig'];
  }
  if (isGiven(tlsIdentity)) {
    refuseBoth('tlsIdentity', plain.tlsIdentityConfig);
    const label = (tlsIdentity as Partial<TLSIdentity>)._reference;
    if (typeof label !== 'string') {
      throw liteException(ErrorCode.InvalidParameter, 'tlsIdentity must be a TLSIdentity');
    }
    plain.tlsIdentityConfig = { mode: 'stored', label };
  }
  return plain;
}

function refuseBoth(name: string, config: unknown): void {
  if (isGiven(config)) {
    throw liteException(ErrorCode.InvalidParameter, `there is both ${name} and ${name}Config`);
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Throws when the engine is another one, which has none of these functions. */
function settee(engine: ICoreEngine): SetteeEngine {
  const candidate = engine as SetteeEngine;
  if (typeof candidate.URLEndpointListener_getConnections !== 'function') {
    throw liteException(ErrorCode.Unsupported, 'this is not supported by this engine');
  }
  return candidate;
}

function isCollection(member: unknown): member is Collection {
  return typeof (member as Collection | undefined)?.toJson === 'function';
}
