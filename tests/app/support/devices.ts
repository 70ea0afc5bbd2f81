import { buildSync } from 'esbuild';
import { EventEmitter } from 'events';
import { createReadStream, existsSync, mkdtempSync, rmSync } from 'fs';
import { createServer, type Server } from 'http';
import type { AddressInfo } from 'net';
import { tmpdir } from 'os';
import { extname, join } from 'path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { engine } from 'settee';
import { FakeIpcMain } from '../../../__test__/support/fake-ipc';
import { findPeer } from '../../../__test__/support/peer';
import { type EngineServer, serveEngine } from '../../../js/electron/main';
import { decode, encode } from '../../electron/support/codec';

const TYPES: { [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** The example's folder and a browser, or why they are not here; throws where that is not accepted. */
export function exampleApp(): { example: string; browser: string; missing: string } {
  return { example: '', browser: '', ...findPeer('example-app.js') };
}

/** One device: a page of a browser with the example, a database, and a window in the engine's eyes. */
export interface Device {
  page: Page;
  context: BrowserContext;
  window: PageWindow;
}

/** A page as `serveEngine` sees windows. */
export class PageWindow extends EventEmitter {
  private static lastId = 0;
  readonly id = ++PageWindow.lastId;

  constructor(private readonly page: Page) {
    super();
    page.on('close', () => this.emit('destroyed'));
  }

  send(_channel: string, to: string, number: number, entries: unknown): void {
    const args = [to, number, JSON.stringify(encode(entries))] as const;
    this.page
      .evaluate(([id, count, text]) => (globalThis as any).setteeReceive(id, count, text), args)
      .catch(() => undefined);
  }

  isDestroyed(): boolean {
    return this.page.isClosed();
  }

  getURL(): string {
    return this.page.url();
  }
}

/** The example application on several devices, all in this process. */
export class Devices {
  readonly folder = mkdtempSync(join(tmpdir(), 'settee app '));
  /** Errors of pages and of their consoles. */
  readonly complaints: string[] = [];
  readonly server: EngineServer;
  private readonly ipcMain = new FakeIpcMain();
  private readonly files: Server;
  private readonly script: string;
  private browser!: Browser;

  constructor(build: string) {
    process.env.SETTEE_HOME = join(this.folder, 'home');
    this.server = serveEngine({ engine, ipcMain: this.ipcMain });
    this.script = buildSync({
      entryPoints: [join(__dirname, 'bridge-page.ts')],
      bundle: true,
      write: false,
      platform: 'browser',
    }).outputFiles[0].text;
    this.files = createServer((request, response) => {
      const name = new URL(String(request.url), 'http://x').pathname.slice(1) || 'index.html';
      const file = join(build, name);
      if (/[\\/]/.test(name) || !existsSync(file)) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' });
      createReadStream(file).pipe(response);
    });
  }

  async start(executablePath: string): Promise<void> {
    await new Promise<void>((resolve) => this.files.listen(0, '127.0.0.1', resolve));
    this.browser = await chromium.launch({
      executablePath,
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
  }

  async open(name: string, { width = 1060, height = 780, dark = false } = {}): Promise<Device> {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: 'reduce',
      locale: 'en-GB',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => this.complaints.push(`${name}: ${error.stack}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.complaints.push(`${name}: ${message.text()}`);
      }
    });
    const window = new PageWindow(page);
    this.server.allow(window, { directory: join(this.folder, name) });
    await page.exposeFunction('setteeSend', (from: string, text: string) => {
      const message = decode(JSON.parse(text));
      if (typeof message === 'number') {
        this.ipcMain.emit('settee', { sender: window }, from, message);
        return;
      }
      this.ipcMain.invoke('settee', { sender: window }, from, message).then(
        ([number, entries]) => window.send('settee', from, number, entries),
        (error) => this.complaints.push(String(error)),
      );
    });
    await page.addInitScript(this.script);
    const { port } = this.files.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?device=${encodeURIComponent(name)}`);
    return { page, context, window };
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    await this.server.close();
    this.files.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
