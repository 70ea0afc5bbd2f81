import { type ChildProcess, spawn } from 'child_process';
import { buildSync } from 'esbuild';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import type { ListenerCallback, SetteeEngine } from 'settee';
import { findPeer } from '../../../__test__/support/peer';
import { ENGINE_FUNCTION_NAMES, ENGINE_FUNCTIONS } from '../../../js/engine/engine-functions';
import { uuid } from '../../../js/util/uuid';
import { decode, encode } from './codec';

const ROOT = join(__dirname, '..', '..', '..');
const APP = join(__dirname, '..', 'app');
const MARK = '@settee ';

/** How to start a real Electron, or why there is none; throws where that is not accepted. */
export function realElectron(): { command: string; args: string[]; missing: string } {
  return { command: '', args: [], ...findPeer('electron.js') };
}

interface Waiting {
  resolve(value: any): void;
  reject(error: Error): void;
}

/**
 * The environment in which Electron keeps everything below `folder`. A path that a script sets is
 * not enough: Electron takes the application's name for it later.
 */
export function at(folder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    XDG_CONFIG_HOME: join(folder, 'config'),
    SETTEE_HOME: join(folder, 'home'),
  };
}

/** The test application in a process of its own. */
export class ElectronApp {
  readonly folder = mkdtempSync(join(tmpdir(), 'settee electron '));
  /** What pages complained about. */
  readonly complaints: string[] = [];
  /** Errors that nobody caught in the main process. */
  readonly fatal: string[] = [];
  onSaid: (window: number, message: any) => void = () => undefined;
  private readonly waiting = new Map<number, Waiting>();
  private output = '';
  private lastId = 0;
  private child!: ChildProcess;

  async start({ command, args }: { command: string; args: string[] }): Promise<void> {
    const pages = join(this.folder, 'pages');
    mkdirSync(pages);
    copyFileSync(join(APP, 'page.html'), join(pages, 'page.html'));
    buildSync({
      entryPoints: [join(APP, 'page.ts')],
      outfile: join(pages, 'page.js'),
      bundle: true,
      platform: 'browser',
      target: 'chrome83',
      alias: { settee: join(ROOT, 'dist', 'index.js') },
      logLevel: 'error',
    });
    const child = spawn(command, [...args, APP, pages], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...at(this.folder), ELECTRON_ENABLE_LOGGING: '' },
      // xvfb-run and its children end together.
      detached: true,
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        this.output += text;
      });
    }
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => {
        const error = new Error(`Electron ended (${code}):\n${this.output}`);
        reject(error);
        for (const { reject: refuse } of this.waiting.values()) {
          refuse(error);
        }
      });
      child.on('message', (message: any) => {
        if (message.ready) {
          resolve();
        } else {
          this.receive(message);
        }
      });
    });
  }

  private receive(message: any): void {
    if (message.fatal !== undefined) {
      this.fatal.push(message.fatal);
    } else if (message.window === undefined) {
      const call = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error === undefined) {
        call?.resolve(message.value);
      } else {
        call?.reject(new Error(message.error));
      }
    } else if (message.text.startsWith(MARK)) {
      this.onSaid(message.window, JSON.parse(message.text.slice(MARK.length)));
    } else if (message.level >= 2 && !/Security Warning/.test(message.text)) {
      this.complaints.push(message.text);
    }
  }

  /** Asks the main process for one of its methods. */
  ask(method: string, args: unknown = null): Promise<any> {
    return new Promise((resolve, reject) => {
      const id = ++this.lastId;
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, method, args });
    });
  }

  open(limits: object = {}): Promise<number> {
    return this.ask('open', { directory: join(this.folder, 'data'), ...limits });
  }

  /** Runs a function in a page; it gets the package and `args` and closes over nothing. */
  run<T>(
    window: number,
    body: (api: typeof import('settee'), ...args: any[]) => T | Promise<T>,
    ...args: unknown[]
  ): Promise<T> {
    return this.ask('run', { window, source: body.toString(), args });
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.removeAllListeners('exit');
      child.once('exit', () => undefined);
      const late = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), 10_000);
      child.disconnect();
      await Promise.race([ended, new Promise((resolve) => child.once('exit', resolve))]);
      clearTimeout(late);
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The engine as a page of the application has it: every call goes through the page. */
export function pageEngine(app: ElectronApp, window: () => number): SetteeEngine {
  const waiting = new Map<number, Waiting>();
  const callbacks = new Map<string, ListenerCallback>();
  let last = 0;
  let told: Promise<unknown> = Promise.resolve();
  app.onSaid = (_window, { id, value, error, token, data }) => {
    // One after another, each in a turn of its own, as in the page.
    told = told.then(() => {
      if (token !== undefined) {
        try {
          callbacks.get(token)?.(decode(data), error);
        } catch (thrown) {
          console.error(thrown);
        }
      } else if (error === undefined) {
        waiting.get(id)?.resolve(decode(value));
      } else {
        const exception = Object.assign(new Error(error.message), error);
        Object.defineProperty(exception, 'message', { enumerable: true });
        waiting.get(id)?.reject(exception);
      }
      return new Promise((resolve) => setImmediate(resolve));
    });
  };
  const engine: Record<string, unknown> = {
    debugConsole: false,
    platform: 'electron',
    getUUID: uuid,
  };
  for (const name of ENGINE_FUNCTION_NAMES) {
    engine[name] = (args: any, callback?: ListenerCallback) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        if (ENGINE_FUNCTIONS[name].callback && callback !== undefined) {
          callbacks.set(args?.changeListenerToken, callback);
        }
        const source = `(_api, ...args) => window.call(...args)`;
        const sent = [id, name, encode(args), callback !== undefined];
        app.ask('run', { window: window(), source, args: sent }).catch(reject);
      });
  }
  return engine as unknown as SetteeEngine;
}
