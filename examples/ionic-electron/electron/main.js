// The main process: opens a window for each device and serves the engine to it.

const fs = require('fs');
const path = require('path');
const { app, BrowserWindow } = require('electron');
const { serveEngine } = require('settee/electron/main');

const PAGE = path.join(__dirname, '..', 'build', 'index.html');
const DEVICES = process.argv.includes('--one') ? ['This computer'] : ['Kitchen', 'Study'];

let server;

function open(device, index) {
  const window = new BrowserWindow({
    title: `Recipes · ${device}`,
    width: 1060,
    height: 780,
    minWidth: 380,
    minHeight: 480,
    x: 60 + index * 120,
    y: 60 + index * 80,
    backgroundColor: '#f7f5f2',
    autoHideMenuBar: true,
    webPreferences: {
      preload: require.resolve('settee/electron/preload'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      // Each device remembers its own settings.
      partition: `persist:${device}`,
    },
  });
  // What a page may do: databases and files in its own folder, and nothing from other origins.
  server.allow(window, {
    directory: path.join(app.getPath('userData'), 'devices', device),
    origins: ['file://'],
  });
  window.webContents.on('will-navigate', (event) => event.preventDefault());
  window.webContents.on('new-window', (event) => event.preventDefault());
  if (window.webContents.setWindowOpenHandler) {
    window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  }
  window.loadFile(PAGE, { query: { device } });
}

app.on('ready', () => {
  if (process.argv.includes('--fresh')) {
    fs.rmdirSync(path.join(app.getPath('userData'), 'devices'), { recursive: true });
  }
  server = serveEngine();
  DEVICES.forEach(open);
});

app.on('window-all-closed', () => app.quit());

// Databases close in good order before the process ends.
let released = false;
app.on('will-quit', (event) => {
  if (!released && server) {
    event.preventDefault();
    released = true;
    server.close().then(() => app.quit());
  }
});
