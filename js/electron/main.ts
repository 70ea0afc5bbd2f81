/**
 * The main process's side: serves the engine to windows, each with what it opened itself.
 *
 * @example
 * const { serveEngine } = require('settee/electron/main');
 * const server = serveEngine();
 * const preload = require.resolve('settee/electron/preload');
 * const window = new BrowserWindow({ webPreferences: { preload, sandbox: true, contextIsolation: true } });
 * server.allow(window);
 * window.loadFile('index.html');
 */

import * as fs from 'fs';
import * as path from 'path';
import { CouchbaseLiteException, ErrorCode, liteException } from '../api/couchbase-lite-exception';
import type { ICoreEngine } from '../engine/core-engine';
import type { EngineFunctionName } from '../engine/engine-functions';
import { PageSession, type SessionLimits, type Usage } from './page-session';
import { PathGuard } from './path-guard';
import { isFlat } from './plain-data';
import {
  CALLS_ACCEPTED,
  CHANNEL,
  ENTRIES_A_MESSAGE,
  type Entry,
  EVENTS_WAITING,
  Kind,
  MESSAGES_UNSEEN,
  type Message,
  PAGE_ID_LENGTH,
  PAGES_REMEMBERED,
} from './protocol';

export type { Usage } from './page-session';

/** What settee uses of Electron's `WebContents`. */
export interface WebContentsLike {
  readonly id: number;
  send(channel: string, ...args: any[]): void;
  isDestroyed(): boolean;
  getURL(): string;
  on(event: any, listener: (...args: any[]) => void): unknown;
}

/** What settee uses of Electron's `ipcMain`. */
export interface IpcMainLike {
  on(channel: string, listener: (event: any, ...args: any[]) => void): unknown;
  removeListener(channel: string, listener: (...args: any[]) => void): unknown;
  handle(channel: string, listener: (event: any, ...args: any[]) => any): void;
  removeHandler(channel: string): void;
}

/** How an engine is served. */
export interface ServeOptions {
  /** The engine; settee's own by default. */
  engine?: ICoreEngine;
  /** Electron's by default. */
  ipcMain?: IpcMainLike;
  /** Directory of windows that name none; `settee` in Electron's `userData` by default. */
  directory?: string;
}

/** What a window may do. */
export interface WindowLimits {
  /**
   * Where its databases live and what it may name files in; made if missing. Paths outside are
   * refused, symbolic links are followed first.
   */
  directory?: string;
  /** Lets the window name any file of the machine. */
  dangerAnyPath?: boolean;
  /** The only engine functions it may call; all by default. */
  functions?: readonly EngineFunctionName[];
  /**
   * Origins whose pages are served, such as `file://` or `app://main`; all by default. Name them if
   * the window can navigate to pages that are not yours.
   */
  origins?: readonly string[];
  /** Open databases at most, 64 by default. */
  maxDatabases?: number;
  /** Listener callbacks of any kind at most, 1,000 by default. */
  maxSubscriptions?: number;
  /** Replicators that were not cleaned up at most, 64 by default. */
  maxReplicators?: number;
  /** Listeners made by a page at most, 64 by default. */
  maxListeners?: number;
}

type Windowed = WebContentsLike | { readonly webContents: WebContentsLike };

/**
 * Serves an engine to the windows that are allowed to use it.
 *
 * What a page opened is released when it is left, reloaded, closed or crashes; databases of a
 * reloaded page stay open until the page that follows has opened them itself.
 */
export function serveEngine(options: ServeOptions = {}): EngineServer {
  const ipcMain = options.ipcMain ?? electron().ipcMain;
  const engine =
    options.engine ??
    (require('../engine/settee-engine') as typeof import('../engine/settee-engine')).engine;
  return new EngineServer(engine, ipcMain, options.directory);
}

/** An engine that is being served; made by {@link serveEngine}. */
export class EngineServer {
  private readonly windows = new Map<number, ServedWindow>();
  private readonly onSeen = (event: any, page: unknown, number: unknown) =>
    this.served(event, page)?.see(page as string, number);

  constructor(
    private readonly engine: ICoreEngine,
    private readonly ipcMain: IpcMainLike,
    private readonly directory: string | undefined,
  ) {
    ipcMain.on(CHANNEL, this.onSeen);
    ipcMain.handle(CHANNEL, (event, page, calls) => this.calls(event, page, calls));
  }

  /** Serves a window, within limits. Call it before the window loads its page. */
  allow(window: Windowed, limits: WindowLimits = {}): void {
    const contents = webContents(window);
    // A destroyed window has no id any more.
    const { id } = contents;
    if (this.windows.has(id)) {
      throw new Error(`settee: window ${id} is served already`);
    }
    const served = new ServedWindow(this.engine, contents, id, this.sessionLimits(limits), limits);
    this.windows.set(id, served);
    contents.on('destroyed', () => {
      if (this.windows.get(id) === served) {
        this.windows.delete(id);
        served.leave();
      }
    });
    contents.on('render-process-gone', () => served.leave());
  }

  /** Serves a window no more and releases what it owned. */
  async release(window: Windowed): Promise<void> {
    const [id, served] = this.find(window);
    this.windows.delete(id);
    await served?.leave();
  }

  /** What a window owns now; all zero when it is not served. */
  usage(window: Windowed): Usage {
    const [, served] = this.find(window);
    return served?.usage() ?? { databases: 0, subscriptions: 0, replicators: 0, listeners: 0 };
  }

  /** Serves nobody any more; resolves when everything that windows owned is released. */
  async close(): Promise<void> {
    this.ipcMain.removeListener(CHANNEL, this.onSeen);
    this.ipcMain.removeHandler(CHANNEL);
    const served = [...this.windows.values()];
    this.windows.clear();
    await Promise.all(served.map((window) => window.leave()));
  }

  private find(window: Windowed): [number, ServedWindow | undefined] {
    try {
      const { id } = webContents(window);
      return [id, this.windows.get(id)];
    } catch {
      // It is destroyed, and everything of it released.
      return [0, undefined];
    }
  }

  /** The window that a message came from, if it is served. Frames inside a page are not. */
  private served(event: any, page: unknown): ServedWindow | undefined {
    const sender = event?.sender as WebContentsLike | undefined;
    if (sender === undefined || event.senderFrame?.parent) {
      return undefined;
    }
    const good = typeof page === 'string' && page !== '' && page.length <= PAGE_ID_LENGTH;
    return good ? this.find(sender)[1] : undefined;
  }

  /** Takes calls; resolves with a message for the page. */
  private calls(event: any, page: unknown, calls: unknown): Promise<Message> | Message {
    const served = this.served(event, page);
    if (served === undefined) {
      return [0, refusals(calls, 'this window is not served: call allow() for it')];
    }
    return served.calls(page as string, Array.isArray(calls) ? calls : []);
  }

  private sessionLimits(limits: WindowLimits): SessionLimits {
    let paths: PathGuard | undefined;
    if (limits.dangerAnyPath !== true) {
      const directory = limits.directory ?? this.directory ?? defaultDirectory();
      fs.mkdirSync(directory, { recursive: true });
      paths = new PathGuard(path.resolve(directory));
    } else if (limits.directory !== undefined) {
      throw new Error('settee: give a window either directory or dangerAnyPath');
    }
    return {
      paths,
      functions: limits.functions === undefined ? undefined : new Set(limits.functions),
      databases: limits.maxDatabases ?? 64,
      subscriptions: limits.maxSubscriptions ?? 1000,
      replicators: limits.maxReplicators ?? 64,
      listeners: limits.maxListeners ?? 64,
    };
  }
}

/** One window: its page of the moment, and the entries on their way to it. */
class ServedWindow {
  private page = '';
  private session: PageSession | undefined;
  private pages = 0;
  /** Ids of pages that have gone: what still comes of them is late. */
  private readonly gone: string[] = [];
  private left: Promise<unknown> = Promise.resolve();
  /** Ids of calls that are not answered yet. */
  private readonly open = new Set<number>();
  private events = 0;
  private sent = 0;
  private seen = 0;
  private waiting: Entry[] = [];
  /** Messages of the page that have no reply yet: each carries one message back. */
  private replies: ((message: Message) => void)[] = [];
  private scheduled = false;

  constructor(
    private readonly engine: ICoreEngine,
    private readonly contents: WebContentsLike,
    private readonly id: number,
    private readonly sessionLimits: SessionLimits,
    private readonly limits: WindowLimits,
  ) {}

  usage(): Usage {
    return (
      this.session?.usage() ?? { databases: 0, subscriptions: 0, replicators: 0, listeners: 0 }
    );
  }

  /** The page has seen messages up to this one; 0 says that it is there. */
  see(page: string, number: unknown): void {
    if (!this.enter(page)) {
      return;
    }
    if (typeof number === 'number' && number > this.seen && number <= this.sent) {
      this.seen = number;
      this.schedule();
    }
  }

  /** Makes calls; resolves with the next message for the page. */
  calls(page: string, calls: unknown[]): Promise<Message> | Message {
    if (!this.enter(page)) {
      return [0, refusals(calls, 'the page has gone')];
    }
    const before = this.sent + this.waiting.length;
    for (const call of calls) {
      this.call(this.session as PageSession, call);
    }
    if (this.open.size === 0 && this.sent + this.waiting.length === before) {
      // There was no call among them.
      return [0, []];
    }
    return new Promise((resolve) => this.replies.push(resolve));
  }

  /** Makes this the page of the window; false for one that has gone. */
  private enter(page: string): boolean {
    if (page === this.page && this.session !== undefined) {
      return true;
    }
    if (this.gone.includes(page)) {
      return false;
    }
    const before = this.session;
    this.forget();
    this.page = page;
    this.pages += 1;
    const inherited = new Map<string, string>();
    const session: PageSession = new PageSession(
      this.engine,
      this.sessionLimits,
      `${this.id}.${this.pages}:`,
      (token, data, error) => this.event(session, token, data, error),
      inherited,
    );
    this.session = session;
    if (before !== undefined) {
      const { handles, released } = before.end({ keepDatabases: true });
      handles.forEach((plain, handle) => {
        inherited.set(handle, plain);
      });
      this.left = released;
    }
    return true;
  }

  /** Forgets all about the page of the moment but what it owns. */
  private forget(): void {
    if (this.page !== '') {
      this.gone.push(this.page);
      this.gone.splice(0, this.gone.length - PAGES_REMEMBERED);
    }
    for (const reply of this.replies) {
      reply([0, []]);
    }
    this.open.clear();
    this.events = 0;
    this.sent = 0;
    this.seen = 0;
    this.waiting = [];
    this.replies = [];
  }

  /** The page is gone and none follows, or it is not served any more. */
  async leave(): Promise<void> {
    const { session } = this;
    const unanswered = [...this.open].map((id) => [id]);
    if (unanswered.length > 0) {
      this.waiting.push(...refusals(unanswered, 'this window is not served any more'));
      this.seen = this.sent;
      this.flush();
    }
    this.session = undefined;
    this.forget();
    this.page = '';
    await this.left;
    await session?.end().released;
  }

  private call(session: PageSession, call: unknown): void {
    const [id, name, args, callback] = Array.isArray(call) ? call : [];
    if (!Number.isSafeInteger(id)) {
      return;
    }
    if (this.open.size >= CALLS_ACCEPTED || this.open.has(id)) {
      const { size } = this.open;
      const why = this.open.has(id)
        ? `call ${id} is under way already`
        : `${size} calls of this window wait, limit is ${CALLS_ACCEPTED}`;
      this.add(failure(id, new Error(why)));
      return;
    }
    this.open.add(id);
    const answer = (entry: Entry) => {
      if (this.session === session && this.open.delete(id)) {
        this.add(entry);
      }
    };
    let result: Promise<unknown>;
    try {
      this.checkOrigin();
      result = session.call(name, args, callback === true);
    } catch (error) {
      answer(failure(id, error));
      return;
    }
    result.then(
      (value) => answer(success(id, value)),
      (error) => answer(failure(id, error)),
    );
  }

  private checkOrigin(): void {
    const { origins } = this.limits;
    if (origins !== undefined && !origins.includes(originOf(this.contents.getURL()))) {
      throw liteException(ErrorCode.Unsupported, 'pages of this origin are not served');
    }
  }

  private event(session: PageSession, token: string, data: any, error: any): void {
    if (this.session !== session) {
      return;
    }
    if (this.events >= EVENTS_WAITING) {
      session.unsubscribe(token);
      const message = `this window does not take its events: ${EVENTS_WAITING} wait; the listener was removed`;
      this.add([Kind.Event, token, null, { message }]);
      return;
    }
    this.events += 1;
    this.add(
      error === undefined && !isFlat(data)
        ? [Kind.EventText, token, JSON.stringify(data)]
        : [Kind.Event, token, data, error],
    );
  }

  private add(entry: Entry): void {
    this.waiting.push(entry);
    this.schedule();
  }

  /** Sends once everything that settles in this turn has settled. */
  private schedule(): void {
    if (!this.scheduled && this.waiting.length > 0) {
      this.scheduled = true;
      process.nextTick(() => {
        this.scheduled = false;
        this.flush();
      });
    }
  }

  private flush(): void {
    while (this.waiting.length > 0 && this.sent - this.seen < MESSAGES_UNSEEN) {
      const entries = this.waiting.splice(0, ENTRIES_A_MESSAGE);
      for (const [kind] of entries) {
        if (kind === Kind.Event || kind === Kind.EventText) {
          this.events = Math.max(0, this.events - 1);
        }
      }
      this.sent += 1;
      const reply = this.replies.shift();
      if (reply !== undefined) {
        // Cheaper than a message of its own.
        reply([this.sent, entries]);
      } else {
        send(this.contents, this.page, this.sent, entries);
      }
    }
  }
}

function send(contents: WebContentsLike, page: string, number: number, entries: Entry[]): void {
  try {
    if (!contents.isDestroyed()) {
      contents.send(CHANNEL, page, number, entries);
    }
  } catch (error) {
    // The window went away in between, or a result cannot be cloned.
    console.warn('settee: a message to a window was lost:', (error as Error).message);
  }
}

/** Answers for calls that are not made, so that none of their promises hangs. */
function refusals(calls: unknown, why: string): Entry[] {
  const error = liteException(ErrorCode.Unsupported, why);
  return (Array.isArray(calls) ? calls : [])
    .map((call) => (Array.isArray(call) ? call[0] : undefined))
    .filter((id) => Number.isSafeInteger(id))
    .map((id) => failure(id, error));
}

function success(id: number, value: unknown): Entry {
  return isFlat(value) ? [Kind.Value, id, value] : [Kind.Text, id, JSON.stringify(value)];
}

/** Errors cross as values: IPC and bridge keep nothing of an `Error` but its message. */
function failure(id: number, error: unknown): Entry {
  const { message, domain, code } = (error ?? {}) as Partial<CouchbaseLiteException>;
  return [
    Kind.Failure,
    id,
    {
      message: typeof message === 'string' ? message : String(error),
      domain: typeof domain === 'string' ? domain : CouchbaseLiteException.DOMAIN,
      code: typeof code === 'number' ? code : 10,
    },
  ];
}

function webContents(window: Windowed): WebContentsLike {
  return 'webContents' in window ? window.webContents : window;
}

/** As in {@link WindowLimits.origins}: custom schemes have an origin here too. */
function originOf(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*:)\/\/([^/?#]*)/i.exec(url);
  return match === null ? '' : `${match[1].toLowerCase()}//${match[2].toLowerCase()}`;
}

function electron(): any {
  return require('electron');
}

/** Beside what Chromium keeps there, not among it. */
function defaultDirectory(): string {
  return path.join(electron().app.getPath('userData'), 'settee');
}
