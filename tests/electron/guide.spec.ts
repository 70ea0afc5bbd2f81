/** The samples of the Electron guide, put together as it says, in a real Electron. */

import { type ChildProcess, spawn } from 'child_process';
import { buildSync } from 'esbuild';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { samples } from '../../__test__/support/samples';
import { at, realElectron } from './support/electron-app';

const ROOT = join(__dirname, '..', '..');
const electron = realElectron();

const sample = (page: string, name: string) =>
  samples(join('docs', 'guides', page)).find(({ runBy }) => runBy === name)?.code as string;

if (electron.missing !== '') {
  it.skip(`the guide in a real Electron [skipped: ${electron.missing}]`, () => undefined);
} else {
  it('the guide works in a real Electron as it is written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'settee guide '));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules', 'settee'), 'junction');
    const main = sample('electron.md', 'electron-main');
    // The last sample goes where the server is.
    const quit = sample('electron.md', 'electron-quit');
    writeFileSync(
      join(folder, 'main.js'),
      main.replace(/^ {2}const window = /m, `${quit}\n  const window = `),
    );
    writeFileSync(join(folder, 'package.json'), '{"name":"guide","main":"main.js"}');
    writeFileSync(
      join(folder, 'index.html'),
      '<!doctype html><meta charset="utf-8"><title>x</title><body><script src="page.js"></script>',
    );
    const page = sample('electron.md', 'electron-page');
    const [imports, body] = [
      page.match(/^import .*$/gm)?.join('\n'),
      page.replace(/^import .*$/gm, ''),
    ];
    const migration = sample('migrating-from-cbl-ionic.md', 'electron-migration');
    writeFileSync(join(folder, 'page-source.js'), `${imports}\n(async () => {${body}})();`);
    // Both packages' registries have the same shape; settee's stands in for cbl-ionic's here.
    writeFileSync(join(folder, 'migration.js'), migration.replace("'cbl-ionic'", "'settee'"));
    writeFileSync(join(folder, 'entry.js'), "require('./migration');require('./page-source');");
    buildSync({
      entryPoints: [join(folder, 'entry.js')],
      outfile: join(folder, 'page.js'),
      bundle: true,
      platform: 'browser',
      target: 'chrome83',
      logLevel: 'error',
    });
    writeFileSync(
      join(folder, 'probe.js'),
      `const { app } = require('electron');
       app.on('browser-window-created', (_event, window) => {
         const look = async () => {
           const text = await window.webContents.executeJavaScript('document.body.innerText');
           if (text.includes('Hello')) { process.send(text); app.quit(); } else { setTimeout(look, 20); }
         };
         window.webContents.once('did-finish-load', look);
       });
       require('./main.js');`,
    );
    writeFileSync(join(folder, 'package.json'), '{"name":"guide","main":"probe.js"}');
    const child = spawn(electron.command, [...electron.args, folder], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: at(folder),
      // xvfb-run and its children end together.
      detached: true,
    });
    const late = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), 50_000);
    const { text, status } = await outcome(child);
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    expect([text, status]).toEqual(['Hello from a sandboxed window', 0]);
  });
}

function outcome(child: ChildProcess): Promise<{ text: string; status: number | null }> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('error', reject);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', () => undefined);
    }
    child.on('message', (message) => {
      text = String(message).trim();
    });
    child.once('exit', (status) => resolve({ text, status }));
  });
}
