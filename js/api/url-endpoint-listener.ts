import type {
  URLEndpointListenerCreateArgs,
  URLEndpointListenerTLSIdentityArgs,
} from '../engine/arguments';
import type { ICoreEngine } from '../engine/core-engine';
import { currentEngine } from '../engine/engine-locator';
import type { URLEndpointListenerStatus } from '../engine/results';
import { hide } from '../util/hidden';
import type { Collection } from './collection';
import type { CollectionJson } from './collection-json';
import { askingArgs } from './password-callback';

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
    const plain = plainArgs(args);
    const asking = askingArgs(engine, plain);
    const { listenerId } =
      asking === undefined
        ? await engine.URLEndpointListener_createListener(plain)
        : await engine.URLEndpointListener_createListener(asking.args, asking.callback);
    return new URLEndpointListener(engine, listenerId, args);
  }

  /** Deletes a stored TLS identity and frees its label. */
  static deleteIdentity(args: URLEndpointListenerTLSIdentityArgs): Promise<void> {
    return currentEngine().URLEndpointListener_deleteIdentity(args);
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

/** The arguments with `Collection` objects replaced by their names; otherwise unchanged. */
function plainArgs(args: URLEndpointListenerCreateArgs): URLEndpointListenerCreateArgs {
  const collections: unknown = args?.collections;
  if (!Array.isArray(collections) || !collections.some(isCollection)) {
    return args;
  }
  return {
    ...args,
    collections: collections.map((member) => (isCollection(member) ? member.toJson() : member)),
  };
}

function isCollection(member: unknown): member is Collection {
  return typeof (member as Collection | undefined)?.toJson === 'function';
}
