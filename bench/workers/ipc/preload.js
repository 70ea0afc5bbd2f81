// Settee's preload script, and a bare echo to compare with.

const { contextBridge, ipcRenderer } = require('electron');
require('../../../electron/preload.js');

contextBridge.exposeInMainWorld('echo', { call: (value) => ipcRenderer.invoke('echo', value) });
