/** The engine contract over the native engine, and over Electron's IPC. */

import { join } from 'path';
import { engine } from 'settee';
import { serveEngine } from '../js/electron/main';
import { createBridgeEngine } from '../js/electron/renderer';
import { engineContract } from './engine.contract';
import { FakeIpcMain, FakeWindow } from './support/fake-ipc';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

describe('the native engine', () => {
  engineContract({ name: 'native', engine: () => engine, folder: join(folder, 'native') });
});

describe('the native engine behind the IPC of Electron', () => {
  const directory = join(folder, 'window');
  const ipcMain = new FakeIpcMain();
  const server = serveEngine({ engine, ipcMain });
  const window = new FakeWindow(ipcMain);
  server.allow(window, { directory, maxDatabases: 1000 });
  const bridged = createBridgeEngine(window.bridge);
  afterAll(() => server.close());
  engineContract({ name: 'window', engine: () => bridged, folder: directory });
});
