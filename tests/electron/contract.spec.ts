/** The engine contract through a page of a real Electron: bridge, IPC and main process are theirs. */

import { join } from 'path';
import { engineContract } from '../../__test__/engine.contract';
import { ElectronApp, pageEngine, realElectron } from './support/electron-app';

const electron = realElectron();

if (electron.missing !== '') {
  it.skip(`the engine in a real Electron [skipped: ${electron.missing}]`, () => undefined);
} else {
  const app = new ElectronApp();
  let window: number;

  beforeAll(async () => {
    await app.start(electron);
    window = await app.open({ directory: join(app.folder, 'data'), maxDatabases: 1000 });
  });

  afterAll(async () => {
    await app.stop();
    expect(app.fatal).toEqual([]);
  });

  describe('the engine in a page of a real Electron', () => {
    engineContract({
      name: 'electron',
      engine: () => pageEngine(app, () => window),
      folder: join(app.folder, 'data'),
    });
  });
}
