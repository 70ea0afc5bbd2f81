// The main process of the test application: does what the test asks for over Node's IPC.
// Its argument is the folder of pages.

const path = require('path');
const { app, BrowserWindow } = require('electron');
const { engine } = require('../../..');
const { serveEngine } = require('../../../electron/main');

const pages = process.argv[process.argv.length - 1];

const windows = new Map();
let server;

const methods = {
  versions: () => process.versions,
  /** Opens a window as an application should, and loads the page. */
  async open(limits) {
    const window = new BrowserWindow({
      show: false,
      webPreferences: {
        preload: require.resolve('../../../electron/preload'),
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
      },
    });
    const { id } = window;
    windows.set(id, window);
    window.webContents.on('console-message', (event, level, message) => {
      const text = typeof message === 'string' ? message : event.message;
      process.send({ window: id, level, text });
    });
    if (limits !== null) {
      server.allow(window, limits);
    }
    await window.loadFile(path.join(pages, 'page.html'));
    return id;
  },
  /** Runs a function in a page; it gets the package and `args`. */
  run: ({ window, source, args }) =>
    windows
      .get(window)
      .webContents.executeJavaScript(
        `(${source})(...[window.api, ...${JSON.stringify(args)}])`,
        true,
      ),
  usage: (window) => server.usage(windows.get(window)),
  close: (window) =>
    new Promise((resolve) => {
      windows.get(window).once('closed', () => resolve());
      windows.get(window).close();
    }),
  reload: (window) =>
    new Promise((resolve) => {
      windows.get(window).webContents.once('did-finish-load', () => resolve());
      windows.get(window).webContents.reload();
    }),
  crash: (window) =>
    new Promise((resolve) => {
      windows.get(window).webContents.once('render-process-gone', () => resolve());
      process.kill(windows.get(window).webContents.getOSProcessId(), 'SIGKILL');
    }),
  /** Calls the engine of the main process itself. */
  engine: ({ name, args }) => engine[name](args),
};

process.on('message', async ({ id, method, args }) => {
  try {
    process.send({ id, value: await methods[method](args) });
  } catch (error) {
    process.send({ id, error: `${method}: ${error && error.message}` });
  }
});
process.on('disconnect', () => app.exit(0));
process.on('unhandledRejection', (error) => process.send({ fatal: String(error && error.stack) }));
process.on('uncaughtException', (error) => process.send({ fatal: String(error && error.stack) }));

app.on('window-all-closed', () => undefined);
app.on('ready', () => {
  server = serveEngine();
  process.send({ ready: true });
});
