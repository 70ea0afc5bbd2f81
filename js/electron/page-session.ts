import { type ErrorCode, liteException } from '../api/couchbase-lite-exception';
import type { ICoreEngine, SetteeEngine } from '../engine/core-engine';
import {
  ENGINE_FUNCTIONS,
  type EngineFunction,
  type EngineFunctionName,
} from '../engine/engine-functions';
import type { ListenerCallback } from '../engine/results';
import { invalid } from '../native/argument-checks';
import { hasOwn } from '../util/own';
import { objectOf, type PathGuard } from './path-guard';
import { TOKEN_LENGTH } from './protocol';

type Fields = Record<string, any>;
type AnyFunction = (...args: unknown[]) => Promise<any>;

/** `CouchbaseLite` codes that only the main process gives. */
const NOT_OPEN = 6 as ErrorCode;
const NOT_FOUND = 7 as ErrorCode;
const BUSY = 16 as ErrorCode;
const UNSUPPORTED = 19 as ErrorCode;

/** Closed handles that are remembered, so that closing one again resolves. */
const CLOSED_REMEMBERED = 256;

/** Questions that may wait for an answer of a page. */
const QUESTIONS_OPEN = 1024;

/** What a page may own at most, and what it may call. */
export interface SessionLimits {
  databases: number;
  subscriptions: number;
  replicators: number;
  listeners: number;
  /** Nothing: every function. */
  functions: ReadonlySet<string> | undefined;
  /** Nothing: any path of the machine. */
  paths: PathGuard | undefined;
}

/** Counts of what a window owns. */
export interface Usage {
  databases: number;
  subscriptions: number;
  replicators: number;
  listeners: number;
}

interface Subscription {
  /** The database handle or replicator that it ends with. */
  of: string;
}

/**
 * What one page has opened, and the only things that its calls may name.
 *
 * Every handle, replicator, listener and question must be the page's own; tokens get a prefix
 * before the engine sees them, so that pages cannot meet. What is still being made when the page
 * ends is released as soon as it exists.
 */
export class PageSession {
  /** Open handles with their plain names, oldest first. */
  private readonly databases = new Map<string, string>();
  private readonly closed = new Set<string>();
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly replicators = new Set<string>();
  private readonly listeners = new Set<string>();
  private readonly questions = new Set<string>();
  private readonly batches = new Set<string>();
  /** Things that are being made, by kind: they count as owned. */
  private readonly coming = { databases: 0, replicators: 0, listeners: 0 };
  /** Plain names of databases that are being opened, and how often. */
  private readonly opening = new Map<string, number>();
  /** Calls that wait for an opening database, and all that came after them. */
  private readonly held: { names: string[]; call: () => void }[] = [];
  private ended = false;

  constructor(
    private readonly engine: ICoreEngine,
    private readonly limits: SessionLimits,
    private readonly prefix: string,
    /** Called with the page's own token. */
    private readonly tell: (token: string, data: any, error: any) => void,
    /** Handles of the page before this one in the same window, with their plain names. */
    private readonly inherited = new Map<string, string>(),
  ) {}

  usage(): Usage {
    return {
      databases: this.databases.size + this.inherited.size,
      subscriptions: this.subscriptions.size,
      replicators: this.replicators.size,
      listeners: this.listeners.size,
    };
  }

  /**
   * Checks one call and makes it, in order. Rejects for whatever this page may not do.
   *
   * A call that names a database by its plain name while that is being opened waits for it, and
   * all later calls wait behind it.
   */
  call(name: unknown, given: unknown, wantsCallback: boolean): Promise<unknown> {
    const start = () => this.start(name, given, wantsCallback);
    const names = this.opening.size > 0 || this.held.length > 0 ? namesOf(name, given) : [];
    if (this.held.length === 0 && !this.mustWait(names)) {
      return start();
    }
    return new Promise((resolve) => {
      this.held.push({ names, call: () => resolve(new Promise((made) => made(start()))) });
    });
  }

  private mustWait(names: string[]): boolean {
    return names.some((name) => this.opening.has(name));
  }

  private goOn(): void {
    while (this.held.length > 0 && !this.mustWait(this.held[0].names)) {
      this.held.shift()?.call();
    }
  }

  private start(name: unknown, given: unknown, wantsCallback: boolean): Promise<unknown> {
    if (this.ended) {
      throw liteException(NOT_OPEN, 'the page has gone');
    }
    if (typeof name !== 'string' || !hasOwn(ENGINE_FUNCTIONS, name)) {
      throw liteException(UNSUPPORTED, `no engine function ${shown(name)}`);
    }
    if (this.limits.functions !== undefined && !this.limits.functions.has(name)) {
      throw liteException(UNSUPPORTED, `this window may not call ${name}`);
    }
    if (given !== undefined && given !== null && typeof given !== 'object') {
      throw invalid('the arguments must be an object');
    }
    const args: Fields = { ...(given as Fields) };
    this.limits.paths?.check(name, args);
    const { fields, callback } = ENGINE_FUNCTIONS[name as EngineFunctionName] as EngineFunction;
    const listens = callback === true || (callback === 'optional' && wantsCallback);
    this.resolveNames(fields, args);
    this.resolveCollections(name, args);
    const token = args.changeListenerToken;
    const takesToken = listens || fields.changeListenerToken !== undefined;
    const hasToken = takesToken && typeof token === 'string' && token !== '';
    if (hasToken) {
      if (token.length > TOKEN_LENGTH) {
        throw invalid(`a token of ${token.length} characters, limit is ${TOKEN_LENGTH}`);
      }
      args.changeListenerToken = this.prefix + token;
    }
    if (listens) {
      return this.listen(name, args, hasToken ? token : undefined);
    }
    return this.made(name, args, hasToken ? token : undefined);
  }

  /** Puts handles in place of plain names and refuses whatever belongs to others. */
  private resolveNames(fields: EngineFunction['fields'], args: Fields): void {
    for (const field of Object.keys(fields)) {
      const value = args[field];
      if (typeof value !== 'string' || value === '') {
        continue;
      }
      switch (fields[field]) {
        case 'handle':
          args[field] = this.handle(value);
          break;
        case 'replicator':
          own(this.replicators, value, 'replicator');
          break;
        case 'listener':
          own(this.listeners, value, 'listener');
          break;
      }
      if (field === 'question') {
        own(this.questions, value, 'question');
        this.questions.delete(value);
      }
    }
  }

  /** The page's own handle for a handle or a plain name: the one opened last (api §2.3). */
  private handle(name: string): string {
    if (this.databases.has(name) || this.closed.has(name)) {
      return name;
    }
    let found: string | undefined;
    for (const [handle, plain] of this.databases) {
      if (plain === name) {
        found = handle;
      }
    }
    if (found === undefined) {
      throw liteException(NOT_OPEN, `no database ${shown(name)} is open in this window`);
    }
    return found;
  }

  /** Collections inside the configurations of replicators and listeners name databases too. */
  private resolveCollections(name: string, args: Fields): void {
    const resolve = (collection: any) => {
      if (typeof collection?.databaseName !== 'string') {
        return collection;
      }
      return { ...collection, databaseName: this.handle(collection.databaseName) };
    };
    if (name === 'URLEndpointListener_createListener') {
      const collections = objectOf(args.collections);
      if (Array.isArray(collections)) {
        args.collections = collections.map(resolve);
      }
    }
    if (name === 'replicator_Create') {
      const config = objectOf(args.config);
      const groups = objectOf(config?.collectionConfig);
      if (config !== undefined && Array.isArray(groups)) {
        const collectionConfig = groups.map((group) => {
          const one = { ...group };
          if (Array.isArray(one.collections)) {
            one.collections = one.collections.map((entry: any) => ({
              ...entry,
              collection: resolve(entry?.collection),
            }));
          }
          if (one.collection !== undefined) {
            one.collection = resolve(one.collection);
          }
          return one;
        });
        args.config = { ...config, collectionConfig: JSON.stringify(collectionConfig) };
      }
    }
  }

  private async listen(name: string, args: Fields, token: string | undefined): Promise<unknown> {
    if (token === undefined) {
      // The engine says what is wrong with the token.
      return this.function(name)(args, () => undefined);
    }
    if (this.subscriptions.has(token)) {
      throw invalid(`listener token ${shown(token)} is in use already`);
    }
    refuseBeyond(this.subscriptions.size, this.limits.subscriptions, 'subscriptions');
    const subscription: Subscription = { of: args.replicatorId ?? args.name ?? '' };
    this.subscriptions.set(token, subscription);
    const callback: ListenerCallback = (data, error) => this.event(token, data, error);
    try {
      const result: any = await this.made(name, args, token, callback);
      // A resolver's callback goes with its replicator, an authenticator's with its listener.
      subscription.of = result?.replicatorId ?? result?.listenerId ?? subscription.of;
      if (this.ended) {
        await this.unsubscribe(token);
      }
      return result;
    } catch (error) {
      this.forget(token, subscription);
      throw error;
    }
  }

  private event(token: string, data: any, error: any): void {
    if (this.ended || !this.subscriptions.has(token)) {
      return;
    }
    if (typeof data?.question === 'string') {
      if (this.questions.size >= QUESTIONS_OPEN) {
        const [oldest] = this.questions;
        this.questions.delete(oldest);
      }
      this.questions.add(data.question);
    }
    this.tell(token, typeof data?.token === 'string' ? { ...data, token } : data, error);
  }

  /** Calls the engine and keeps account of what the call makes or ends. */
  private made(
    name: string,
    args: Fields,
    token: string | undefined,
    callback?: ListenerCallback,
  ): Promise<unknown> {
    const call = this.function(name);
    switch (name) {
      case 'database_Open': {
        const opened = this.opens(String(args.name));
        return this.make(
          'databases',
          () => call(args),
          ({ databaseUniqueName: handle }) => {
            this.databases.set(handle, args.name);
            this.closeInherited(args.name);
            return () => this.engine.database_Close({ name: handle });
          },
        ).finally(opened);
      }
      case 'replicator_Create':
        return this.make(
          'replicators',
          () => call(args, callback),
          ({ replicatorId }) => {
            this.replicators.add(replicatorId);
            return () => this.endReplicator(replicatorId);
          },
        );
      case 'URLEndpointListener_createListener':
        return this.make(
          'listeners',
          () => call(args, callback),
          ({ listenerId }) => {
            this.listeners.add(listenerId);
            return () => this.endListener(listenerId);
          },
        );
    }
    const done = call(args, callback);
    switch (name) {
      case 'database_BeginBatch':
        this.batches.add(args.name);
        return done;
      case 'database_EndBatch':
        this.batches.delete(args.name);
        return done;
      case 'database_Close':
      case 'database_Delete':
        return done.then((result) => {
          this.forgetDatabase(args.name);
          return result;
        });
      case 'replicator_Cleanup':
        return done.then((result) => {
          this.replicators.delete(args.replicatorId);
          this.forgetSubscriptionsOf(args.replicatorId);
          return result;
        });
      case 'file_GetDefaultPath':
        return done.then((result) =>
          this.limits.paths === undefined ? result : { path: this.limits.paths.directory },
        );
    }
    if (callback === undefined && token !== undefined) {
      // A remove function.
      return done.then((result) => {
        this.subscriptions.delete(token);
        return result;
      });
    }
    return done;
  }

  /** Lets calls wait that name the database, until the function that it gives is called. */
  private opens(name: string): () => void {
    this.opening.set(name, (this.opening.get(name) ?? 0) + 1);
    return () => {
      const left = (this.opening.get(name) ?? 1) - 1;
      if (left > 0) {
        this.opening.set(name, left);
      } else {
        this.opening.delete(name);
      }
      this.goOn();
    };
  }

  /** Accounts for a thing that is made; undoes it when the page has ended by then. */
  private async make(
    kind: 'databases' | 'replicators' | 'listeners',
    start: () => Promise<any>,
    keep: (result: any) => () => Promise<unknown>,
  ): Promise<unknown> {
    refuseBeyond(this.usage()[kind] + this.coming[kind], this.limits[kind], kind);
    this.coming[kind] += 1;
    try {
      const result = await start();
      const undo = keep(result);
      if (this.ended) {
        await undo().catch(report);
      }
      return result;
    } finally {
      this.coming[kind] -= 1;
    }
  }

  private function(name: string): AnyFunction {
    const functions = this.engine as unknown as Record<string, AnyFunction>;
    const call = functions[name];
    if (typeof call !== 'function') {
      throw liteException(UNSUPPORTED, `the engine has no function ${name}`);
    }
    return (...args) => call.apply(this.engine, args);
  }

  private forget(token: string, subscription: Subscription): void {
    if (this.subscriptions.get(token) === subscription) {
      this.subscriptions.delete(token);
    }
  }

  private forgetDatabase(handle: string): void {
    this.databases.delete(handle);
    this.batches.delete(handle);
    this.closed.add(handle);
    if (this.closed.size > CLOSED_REMEMBERED) {
      const [oldest] = this.closed;
      this.closed.delete(oldest);
    }
    this.forgetSubscriptionsOf(handle);
  }

  private forgetSubscriptionsOf(owner: string): void {
    for (const [token, { of }] of this.subscriptions) {
      if (of === owner) {
        this.subscriptions.delete(token);
      }
    }
  }

  /** Ends a subscription whose page does not keep up, or whose page has ended. */
  async unsubscribe(token: string): Promise<void> {
    this.subscriptions.delete(token);
    const engine = this.engine as Partial<SetteeEngine>;
    try {
      await engine.listenerToken_Remove?.({ changeListenerToken: this.prefix + token });
    } catch {
      // It went with its database or replicator.
    }
  }

  private async endReplicator(replicatorId: string): Promise<void> {
    this.replicators.delete(replicatorId);
    await this.engine.replicator_Stop({ replicatorId }).catch(report);
    await this.engine.replicator_Cleanup({ replicatorId }).catch(report);
  }

  private async endListener(listenerId: string): Promise<void> {
    this.listeners.delete(listenerId);
    await this.engine.URLEndpointListener_stopListener({ listenerId }).catch(report);
  }

  /** Databases of the page before are closed once this page has its own handle of that name. */
  private closeInherited(name: string): void {
    for (const [handle, plain] of this.inherited) {
      if (plain === name) {
        this.inherited.delete(handle);
        this.engine.database_Close({ name: handle }).catch(report);
      }
    }
  }

  /**
   * Releases what the page owned. With `keepDatabases` its open handles are not closed but given
   * to the page that comes next in the window (api §20).
   */
  end({ keepDatabases = false } = {}): {
    handles: Map<string, string>;
    released: Promise<unknown>;
  } {
    this.ended = true;
    const handles = new Map([...this.inherited, ...this.databases]);
    const engine = this.engine as Partial<SetteeEngine>;
    const batches = [...this.batches].map((name) =>
      engine.database_EndBatch?.({ name, commit: false }).catch(() => undefined),
    );
    const subscriptions = [...this.subscriptions.keys()].map((token) => this.unsubscribe(token));
    const replicators = [...this.replicators].map((id) => this.endReplicator(id));
    const listeners = [...this.listeners].map((id) => this.endListener(id));
    this.databases.clear();
    this.inherited.clear();
    this.questions.clear();
    const released = Promise.all([...batches, ...subscriptions, ...replicators, ...listeners]);
    if (keepDatabases) {
      return { handles, released };
    }
    const close = () =>
      Promise.all(
        [...handles.keys()].map((name) => this.engine.database_Close({ name }).catch(report)),
      );
    return { handles, released: released.then(close) };
  }
}

/** Databases that the arguments of a call name, however deep. */
function namesOf(name: unknown, given: any): string[] {
  const names: unknown[] = [];
  if (name !== 'database_Open' && name !== 'database_Copy') {
    names.push(given?.name);
  }
  if (name === 'URLEndpointListener_createListener') {
    const collections = objectOf(given?.collections);
    if (Array.isArray(collections)) {
      names.push(...collections.map((collection) => collection?.databaseName));
    }
  }
  if (name === 'replicator_Create') {
    const groups = objectOf(objectOf(given?.config)?.collectionConfig);
    for (const group of Array.isArray(groups) ? groups : []) {
      const entries = Array.isArray(group?.collections) ? group.collections : [group];
      names.push(...entries.map((entry: any) => entry?.collection?.databaseName));
    }
  }
  return names.filter((one): one is string => typeof one === 'string');
}

function own(things: { has(id: string): boolean }, id: string, what: string): void {
  if (!things.has(id)) {
    throw liteException(NOT_FOUND, `no ${what} with id ${shown(id)} in this window`);
  }
}

function refuseBeyond(count: number, limit: number, what: string): void {
  if (count >= limit) {
    throw liteException(BUSY, `this window has ${count} ${what}, limit is ${limit}`);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 80)}"` : `of type ${typeof value}`;
}

function report(error: unknown): void {
  console.warn('settee: while releasing what a window owned:', (error as Error)?.message ?? error);
}
