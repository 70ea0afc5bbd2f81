// The main process of the ipc bench: a window, an echo, and the engine served to the window.
// Arguments: the folder of the page, the folder of the data.

const path = require('path');
const { app, BrowserWindow, ipcMain } = require('electron');
const { engine } = require('../../..');
const { serveEngine } = require('../../../electron/main');

const [page, data] = process.argv.slice(-2);
app.setPath('userData', path.join(data, 'profile'));

let window;

const methods = {
  async run({ name, args }) {
    const source = `bench[${JSON.stringify(name)}](...${JSON.stringify(args)})`;
    return window.webContents.executeJavaScript(source, true);
  },
  /** The same query without IPC, milliseconds. */
  async query({ query }) {
    const name = 'ipc';
    const started = process.hrtime();
    await engine.query_Execute({ name, query, parameters: {} });
    const [seconds, nanoseconds] = process.hrtime(started);
    return seconds * 1e3 + nanoseconds / 1e6;
  },
};

process.on('message', async ({ id, method, args }) => {
  try {
    process.send({ id, value: await methods[method](args) });
  } catch (error) {
    process.send({ id, error: String(error && error.message) });
  }
});
process.on('disconnect', () => app.exit(0));

app.on('ready', async () => {
  ipcMain.handle('echo', (_event, value) => value);
  window = new BrowserWindow({
    show: false,
    webPreferences: {
      preload: path.join(page, 'preload.js'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      backgroundThrottling: false,
    },
  });
  serveEngine().allow(window, { directory: path.join(data, 'window') });
  await window.loadFile(path.join(page, 'index.html'));
  process.send({ ready: true });
});
