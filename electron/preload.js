// The bridge between a page and the main process. Give this file to `webPreferences.preload`.
//
// One file that requires nothing but `electron`, so that it runs in a sandboxed window, from
// Electron 9 on (ES2019). The protocol is described in js/electron/protocol.ts. A preload script of
// your own can do the same by bundling this file into it.

const { contextBridge, ipcRenderer } = require('electron');

const CHANNEL = 'settee';
const VERSION = 1;
const ACKNOWLEDGE_EVERY = 16;
const FAILURE = 2;

// Frames inside the page get nothing.
if (process.isMainFrame !== false) {
  connect();
}

function connect() {
  // Tells the pages of one window apart: with a new id, what the page before it owned is released.
  const page = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    (byte + 0x100).toString(16).slice(1),
  ).join('');
  let receive;
  const early = [];

  // Messages by number, as far as one before them has not come yet.
  const held = new Map();
  let next = 1;

  function take(number, entries) {
    if (number === 0) {
      deliver(entries);
      return;
    }
    held.set(number, entries);
    while (held.has(next)) {
      const ready = held.get(next);
      held.delete(next);
      deliver(ready);
      if (next % ACKNOWLEDGE_EVERY === 0) {
        ipcRenderer.send(CHANNEL, page, next);
      }
      next += 1;
    }
  }

  function deliver(entries) {
    if (entries.length === 0) {
      return;
    }
    if (receive === undefined) {
      early.push(entries);
    } else {
      receive(entries);
    }
  }

  // The main process serves nobody (yet), or a call cannot be cloned: no promise may hang.
  function fail(calls, error) {
    const parts = { message: `settee: ${error.message}`, domain: 'CouchbaseLite', code: 19 };
    deliver(calls.map(([id]) => [FAILURE, id, parts]));
  }

  ipcRenderer.on(CHANNEL, (_event, to, number, entries) => {
    if (to === page) {
      take(number, entries);
    }
  });
  ipcRenderer.send(CHANNEL, page, 0);

  contextBridge.exposeInMainWorld('settee', {
    version: VERSION,
    post: (calls) => {
      ipcRenderer.invoke(CHANNEL, page, calls).then(
        ([number, entries]) => take(number, entries),
        (error) => fail(calls, error),
      );
    },
    listen: (callback) => {
      receive = callback;
      for (const entries of early.splice(0)) {
        callback(entries);
      }
    },
  });
}
