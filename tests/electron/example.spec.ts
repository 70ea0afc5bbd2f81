/** The example application as `npm start` runs it: two windows of a real Electron that sync. */

import { spawn } from 'child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { exampleApp } from '../app/support/devices';
import { at, realElectron } from './support/electron-app';

const electron = realElectron();
const found = exampleApp();
const missing = electron.missing || found.missing;

/**
 * Runs in the main process before the application: uses both windows by their pages' elements and
 * sends what it saw.
 */
function probe(): void {
  const { app, BrowserWindow } = require('electron');
  const complaints: string[] = [];
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

  app.on('browser-window-created', (_event: unknown, window: any) => {
    window.webContents.on('console-message', (_: unknown, level: number, message: string) => {
      if (level >= 2 && !/Security Warning/.test(message)) {
        complaints.push(message);
      }
    });
  });
  const ready = () => {
    const windows = BrowserWindow.getAllWindows();
    const loaded = ({ webContents }: any) =>
      webContents.getURL() !== '' && !webContents.isLoading();
    if (windows.length === 2 && windows.every(loaded)) {
      use(windows).then(finish, (error) => finish(String(error)));
    } else {
      setTimeout(ready, 50);
    }
  };
  app.whenReady().then(ready);

  function finish(seen: unknown) {
    (process as any).send({ seen, complaints });
    app.quit();
  }

  async function use(windows: any[]) {
    const title = (window: any, name: string) => window.webContents.getURL().includes(name);
    const page = (name: string) => {
      const { webContents } = windows.find((window) => title(window, name));
      const run = (code: string) => webContents.executeJavaScript(code, true);
      /** Waits until an expression is true in the page. */
      const until = async (code: string) => {
        for (let turn = 0; !(await run(`!!(${code})`)); turn += 1) {
          if (turn > 300) {
            throw new Error(
              `${name}: waited in vain for ${code}: ${await run('document.body.innerText')}`,
            );
          }
          await pause();
        }
      };
      const one = (selector: string, text = '') =>
        `[...document.querySelectorAll('${selector}')].find((e) => e.textContent.includes('${text}') && !e.disabled)`;
      const click = async (selector: string, text?: string) => {
        await until(one(selector, text));
        await run(`(${one(selector, text)}).click()`);
      };
      const type = async (label: string, value: string) => {
        const input = `document.querySelector('ion-input[label="${label}"] input')`;
        await until(input);
        await run(`${input}.value = ${JSON.stringify(value)};
          ${input}.dispatchEvent(new Event('input', { bubbles: true }))`);
      };
      const go = async (place: string) => {
        await run(`location.hash = '/${place}'`);
        await pause();
      };
      return { run, until, click, type, go };
    };
    const kitchen = page('Kitchen');
    const study = page('Study');
    await kitchen.click('ion-button', 'Add samples');
    await kitchen.until(`document.querySelectorAll('.tile').length === 5`);
    await kitchen.go('share');
    await kitchen.type('Password', 'basil');
    await kitchen.click('ion-button', 'Start sharing');
    await kitchen.until(`document.querySelector('.addresses code')`);
    const address: string = await kitchen.run(
      `document.querySelector('.addresses code').textContent`,
    );
    await study.go('sync');
    await study.type('Address', address.replace(/\/\/[^/]+:(\d+)\//, '//127.0.0.1:$1/'));
    await study.type('Password', 'basil');
    await study.click('ion-button', 'Connect');
    await kitchen.click('ion-alert button', 'Allow');
    await study.until(`document.querySelector('.sync[data-state=idle]')`);
    await study.go('recipes');
    await study.until(`document.querySelectorAll('.tile').length === 5`);
    return study.run(`document.querySelector('.tile-name').textContent`);
  }
}

if (missing !== '') {
  it.skip(`the example in a real Electron [skipped: ${missing}]`, () => undefined);
} else {
  it('the example syncs between two windows of a real Electron', async () => {
    await require(join(found.example, 'build.js')).build();
    const folder = mkdtempSync(join(tmpdir(), 'settee example '));
    const script = join(folder, 'probe.js');
    writeFileSync(script, `(${probe.toString()})();`);
    const child = spawn(electron.command, [...electron.args, '-r', script, found.example], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: at(folder),
      // xvfb-run and its children end together.
      detached: true,
    });
    const late = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), 50_000);
    let output = '';
    let result: any;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        output += text;
      });
    }
    child.on('message', (message) => {
      result = message;
    });
    const status = await new Promise((resolve) => child.once('exit', resolve));
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    if (result === undefined) {
      throw new Error(`Electron ended (${status}):\n${output}`);
    }
    expect(result).toEqual({ seen: 'Apple crumble', complaints: [] });
    expect(status).toBe(0);
  });
}
