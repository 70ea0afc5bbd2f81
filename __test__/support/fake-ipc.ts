/**
 * Electron's IPC as far as settee uses it, for one process: messages are cloned by the real
 * algorithm and arrive in a later task, in order, in windows that can reload, close and crash.
 */

import { EventEmitter } from 'events';
import { readFileSync } from 'fs';
import { join } from 'path';
import { deserialize, serialize } from 'v8';
import { createContext, runInContext } from 'vm';
import type { EngineBridge } from '../../js/electron/renderer';

const PRELOAD = readFileSync(join(__dirname, '..', '..', 'electron', 'preload.js'), 'utf8');

let lastId = 0;

/** The main process's end: what `serveEngine` takes as `ipcMain`. */
export class FakeIpcMain extends EventEmitter {
  private readonly handlers = new Map<string, (...args: any[]) => any>();

  handle(channel: string, handler: (...args: any[]) => any): void {
    this.handlers.set(channel, handler);
  }

  removeHandler(channel: string): void {
    this.handlers.delete(channel);
  }

  /** What a page's `invoke` comes to. */
  async invoke(channel: string, ...args: unknown[]): Promise<any> {
    const handler = this.handlers.get(channel);
    if (handler === undefined) {
      throw new Error(`No handler registered for '${channel}'`);
    }
    return handler(...args);
  }
}

/** A window: also what `allow` takes. */
export class FakeWindow extends EventEmitter {
  private readonly number = ++lastId;
  url = 'file:///index.html';
  destroyed = false;
  /** What the preload script exposed to the present page. */
  bridge!: EngineBridge;
  /** Messages that reached pages. */
  received = 0;
  private page = new EventEmitter();

  constructor(private readonly main: FakeIpcMain) {
    super();
    this.load();
  }

  get webContents(): this {
    return this;
  }

  get id(): number {
    if (this.destroyed) {
      throw new TypeError('Object has been destroyed');
    }
    return this.number;
  }

  /** Loads a page anew: everything of the one before is gone. */
  load(): void {
    const page = new EventEmitter();
    this.page = page;
    const ipcRenderer = {
      on: (channel: string, listener: (...args: unknown[]) => void) => page.on(channel, listener),
      send: (channel: string, ...args: unknown[]) => {
        const cloned = clone(args);
        setImmediate(() => this.main.emit(channel, { sender: this }, ...cloned));
      },
      invoke: (channel: string, ...args: unknown[]) => {
        const cloned = clone(args);
        return new Promise((resolve, reject) => {
          setImmediate(() => {
            // As late as any message; a page that has gone gets nothing.
            const later = (settle: (value: any) => void) => (value: any) => {
              const copy = value instanceof Error ? value : clone(value);
              setImmediate(() => this.page === page && settle(copy));
            };
            this.main
              .invoke(channel, { sender: this }, ...cloned)
              .then(later(resolve), later(reject));
          });
        });
      },
    };
    const contextBridge = {
      exposeInMainWorld: (_name: string, api: EngineBridge) => {
        this.bridge = {
          version: api.version,
          post: (calls) => api.post(clone(calls)),
          listen: (receive) => api.listen((entries) => receive(clone(entries))),
        };
      },
    };
    const context = createContext({
      require: (name: string) => {
        if (name !== 'electron') {
          throw new Error(`a sandboxed preload script cannot require ${name}`);
        }
        return { contextBridge, ipcRenderer };
      },
      process: { isMainFrame: true },
      crypto: globalThis.crypto,
      Uint8Array,
    });
    runInContext(PRELOAD, context);
  }

  send(channel: string, ...args: unknown[]): void {
    if (this.destroyed) {
      throw new TypeError('Object has been destroyed');
    }
    const cloned = clone(args);
    const { page } = this;
    setImmediate(() => {
      if (this.page === page && !this.destroyed) {
        this.received += 1;
        page.emit(channel, {}, ...cloned);
      }
    });
  }

  isDestroyed(): boolean {
    return this.destroyed;
  }

  getURL(): string {
    return this.url;
  }

  close(): void {
    this.destroyed = true;
    this.page = new EventEmitter();
    this.emit('destroyed');
  }

  /** Sends whatever it likes, as a page that has been taken over would. */
  sendRaw(...args: unknown[]): Promise<unknown> {
    this.main.emit('settee', { sender: this }, ...clone(args));
    return this.main.invoke('settee', { sender: this }, ...clone(args));
  }
}

function clone<T>(value: T): T {
  return deserialize(serialize(value));
}
