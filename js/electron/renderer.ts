/**
 * The engine for pages of an Electron window, which have neither Node nor the addon.
 *
 * Calls of one tick cross in one message; callbacks stay here. Source: api §20.
 */

import { exceptionFromParts } from '../api/couchbase-lite-exception';
import type { SetteeEngine } from '../engine/core-engine';
import { addNullErrors } from '../engine/document-events';
import { ENGINE_FUNCTION_NAMES, ENGINE_FUNCTIONS } from '../engine/engine-functions';
import { EngineLocator } from '../engine/engine-locator';
import type { IonicCouchbaseLitePlugin } from '../engine/lazy-engine';
import type { ListenerCallback } from '../engine/results';
import { invalid } from '../native/argument-checks';
import { uuid } from '../util/uuid';
import { plainData } from './plain-data';
import {
  CALLS_A_MESSAGE,
  CALLS_IN_FLIGHT,
  type Call,
  type EngineBridge,
  type Entry,
  GLOBAL,
  Kind,
} from './protocol';

export type { EngineBridge } from './protocol';

/** Where the engine of a page is kept, so that all copies of the package share it. */
const ENGINE = Symbol.for('settee.electron.engine');

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  /** Runs before the promise settles. */
  settled: ((failed: boolean) => void) | undefined;
}

/** One page's calls, on their way and under way, and its callbacks. */
class Connection {
  private readonly waiting = new Map<number, Waiting>();
  private readonly callbacks = new Map<string, ListenerCallback>();
  private readonly outgoing: Call[] = [];
  private readonly incoming: Entry[] = [];
  private readonly later = laterTask(() => this.work());
  private nextId = 1;
  private flushing = false;

  constructor(private readonly bridge: EngineBridge) {
    bridge.listen((entries) => this.receive(entries));
  }

  call(name: string, args: unknown, settled?: Waiting['settled'], callback = false) {
    let plain: unknown;
    try {
      plain = plainData(args);
    } catch (error) {
      settled?.(true);
      return Promise.reject(error);
    }
    return new Promise<unknown>((resolve, reject) => {
      const id = this.nextId++;
      this.waiting.set(id, { resolve, reject, settled });
      this.outgoing.push(callback ? [id, name, plain, true] : [id, name, plain]);
      this.schedule();
    });
  }

  /** Remembers whom to tell; false when the token is taken. */
  addCallback(token: string, callback: ListenerCallback): boolean {
    if (this.callbacks.has(token)) {
      return false;
    }
    this.callbacks.set(token, callback);
    return true;
  }

  removeCallback(token: string): void {
    this.callbacks.delete(token);
  }

  private schedule(): void {
    if (!this.flushing) {
      this.flushing = true;
      Promise.resolve().then(() => {
        this.flushing = false;
        this.flush();
      });
    }
  }

  /** Sends what may be under way; the rest waits until answers come. */
  private flush(): void {
    const { outgoing, waiting } = this;
    while (outgoing.length > 0) {
      const free = CALLS_IN_FLIGHT - (waiting.size - outgoing.length);
      const calls = outgoing.splice(0, Math.min(CALLS_A_MESSAGE, free));
      if (calls.length === 0) {
        return;
      }
      try {
        this.bridge.post(calls);
      } catch (error) {
        for (const [id] of calls) {
          this.settle(id, (call) => call.reject(error), true);
        }
      }
    }
  }

  private receive(entries: Entry[]): void {
    const idle = this.incoming.length === 0;
    for (const entry of entries) {
      this.incoming.push(entry);
    }
    if (idle) {
      this.work();
    }
  }

  /**
   * Takes what has come, in order. Callbacks run in a task of their own after promises that were
   * settled before them, so that whoever awaited those has gone on (api §2.8).
   */
  private work(): void {
    const { incoming } = this;
    let settled = false;
    let at = 0;
    for (; at < incoming.length; at += 1) {
      const [kind, key, value, error] = incoming[at];
      if (kind === Kind.Event || kind === Kind.EventText) {
        if (settled) {
          break;
        }
        this.tell(key as string, kind === Kind.Event ? value : parse(value), error);
      } else {
        settled = true;
        this.settle(
          key as number,
          kind === Kind.Failure
            ? (call) => call.reject(exceptionFromParts(value as any))
            : (call) => call.resolve(kind === Kind.Text ? parse(value) : value),
          kind === Kind.Failure,
        );
      }
    }
    incoming.splice(0, at);
    if (incoming.length > 0) {
      this.later();
    }
    if (this.outgoing.length > 0) {
      this.schedule();
    }
  }

  private settle(id: number, how: (call: Waiting) => void, failed: boolean): void {
    const call = this.waiting.get(id);
    if (call !== undefined) {
      this.waiting.delete(id);
      call.settled?.(failed);
      how(call);
    }
  }

  private tell(token: string, data: any, error: any): void {
    try {
      addNullErrors(data);
      this.callbacks.get(token)?.(data, error);
    } catch (thrown) {
      console.error('settee: a listener threw', thrown);
    }
  }
}

/**
 * An engine that talks through a bridge: a plain object with own functions.
 *
 * For other bridges than the preload script's, such as a WebSocket in a test.
 */
export function createBridgeEngine(bridge: EngineBridge): IonicCouchbaseLitePlugin {
  const connection = new Connection(bridge);
  const engine: Record<string, unknown> = {
    debugConsole: false,
    platform: 'electron',
    getUUID: uuid,
    plugin_Configure: () => Promise.resolve(),
  };
  for (const name of ENGINE_FUNCTION_NAMES) {
    const { callback: takes, fields } = ENGINE_FUNCTIONS[name];
    const removes = fields.changeListenerToken !== undefined && takes === undefined;
    engine[name] = (args: any, callback?: ListenerCallback): Promise<unknown> => {
      const token = args?.changeListenerToken;
      const given = callback !== undefined || (token !== undefined && token !== null);
      if (takes === true || (takes === 'optional' && given)) {
        return listen(connection, name, args, callback);
      }
      const settled = removes
        ? (failed: boolean) => failed || connection.removeCallback(token)
        : undefined;
      return connection.call(name, args, settled);
    };
  }
  return engine as unknown as IonicCouchbaseLitePlugin;
}

function listen(
  connection: Connection,
  name: string,
  args: any,
  callback: ListenerCallback | undefined,
): Promise<unknown> {
  const token = args?.changeListenerToken;
  if (typeof callback !== 'function') {
    return Promise.reject(invalid('the callback must be a function'));
  }
  if (typeof token !== 'string' || token === '') {
    return Promise.reject(invalid('argument "changeListenerToken" must be a non-empty string'));
  }
  if (!connection.addCallback(token, callback)) {
    return Promise.reject(invalid(`listener token "${token.slice(0, 80)}" is in use already`));
  }
  const settled = (failed: boolean) => failed && connection.removeCallback(token);
  return connection.call(name, args, settled, true);
}

/**
 * The engine of this page, made with the first call.
 *
 * Throws when the window has no preload script of settee.
 */
export function connectEngine(): IonicCouchbaseLitePlugin {
  const page = globalThis as { [ENGINE]?: IonicCouchbaseLitePlugin; [GLOBAL]?: EngineBridge };
  if (page[ENGINE] === undefined) {
    const bridge = page[GLOBAL];
    if (typeof bridge?.post !== 'function') {
      throw new Error(
        "settee: this page has no engine. Give the window settee's preload script " +
          "(webPreferences.preload = require.resolve('settee/electron/preload')) and keep contextIsolation on",
      );
    }
    Object.defineProperty(page, ENGINE, { value: createBridgeEngine(bridge), configurable: true });
  }
  return page[ENGINE] as IonicCouchbaseLitePlugin;
}

/**
 * Registers the engine of this page for the classes. Needed with another package's classes only:
 * settee's own find it by themselves when they are bundled for a page.
 *
 * @example
 * import { registerEngine } from 'settee/electron/renderer';
 * import { EngineLocator } from 'cbl-ionic';
 * registerEngine(EngineLocator);
 */
export function registerEngine(
  locator: { key: string; registerEngine(key: string, service: any): void } = EngineLocator,
): SetteeEngine {
  const engine = connectEngine();
  locator.registerEngine(locator.key, engine);
  return engine;
}

function parse(text: unknown): unknown {
  return JSON.parse(text as string);
}

/** A function that runs `work` in a task of its own, soon; `setTimeout` would wait for 4 ms. */
function laterTask(work: () => void): () => void {
  const Channel = (globalThis as { MessageChannel?: new () => any }).MessageChannel;
  if (Channel === undefined) {
    return () => setTimeout(work, 0);
  }
  const { port1, port2 } = new Channel();
  port1.onmessage = work;
  // In Node an open port keeps the process; there this runs in tests only.
  port1.unref?.();
  return () => port2.postMessage(0);
}
