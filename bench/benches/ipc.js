// @ts-check

// ipc: what it costs to call the engine from a window of Electron.

const { buildSync } = require('esbuild');
const { spawn } = require('child_process');
const fs = require('fs');
const path = require('path');
const { electron } = require('../../scripts/peers/electron');

const WORKER = path.join(__dirname, '../workers/ipc');
const QUERY = 'SELECT META().id, * FROM docs';
const CALLS = 1000;
const ROWS = 10_000;

/** Bundles page and preload script into a folder. @param {string} folder */
function bundle(folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, platform] of /** @type {const} */ ([
    ['preload.js', 'node'],
    ['page.js', 'browser'],
  ]))
    buildSync({
      entryPoints: [path.join(WORKER, name)],
      outfile: path.join(folder, name),
      bundle: true,
      platform,
      target: 'chrome83',
      external: ['electron'],
      logLevel: 'error',
    });
  fs.writeFileSync(
    path.join(folder, 'index.html'),
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><script src="page.js"></script></html>',
  );
}

/** Starts the application. @param {string} folder */
async function start(folder) {
  const { command, args } = await electron();
  const pages = path.join(folder, 'ipc-page');
  bundle(pages);
  const child = spawn(command, [...args, path.join(WORKER, 'main.js'), pages, folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, SETTEE_HOME: path.join(folder, 'home'), SETTEE_KEY_STORE: 'file' },
  });
  /** @type {Map<number, { resolve(value: any): void, reject(error: Error): void }>} */
  const waiting = new Map();
  let last = 0;
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      const error = new Error(`Electron ended (${code})`);
      for (const call of waiting.values()) call.reject(error);
      reject(error);
    });
    child.on('message', (/** @type {any} */ { id, ready, value, error }) => {
      if (ready) return resolve(undefined);
      const call = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) call?.resolve(value);
      else call?.reject(new Error(error));
    });
  });
  return {
    /** @param {string} method @param {any} args @returns {Promise<any>} */
    ask: (method, args) =>
      new Promise((resolve, reject) => {
        waiting.set(++last, { resolve, reject });
        child.send({ id: last, method, args });
      }),
    stop: () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      return ended;
    },
  };
}

/** @type {Record<string, { about: string, run: (settings: import('../lib/bench').Settings, findings: import('../lib/bench').Findings) => Promise<void> }>} */
module.exports = {
  ipc: {
    about: `calls from a sandboxed window of a real Electron; baseline: an echo over the same bridge and IPC`,
    async run(settings, findings) {
      /** @type {Awaited<ReturnType<typeof start>>} */
      let app;
      try {
        app = await start(settings.folder);
      } catch (error) {
        findings.skip('ipc', 'settee', error);
        return;
      }
      const milliseconds = { unit: 'ms', higherIsBetter: false };
      /** @param {string} name @param {any} argument */
      const page = (name, argument) => app.ask('run', { name, args: [argument] });
      /** @param {number[]} values */
      const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
      const ratios = [];
      const crossings = [];
      try {
        await page('fill', ROWS);
        // The page's and the main process's compilers take a few thousand calls.
        for (let turn = 0; turn < 4; turn++) {
          await page('echo', CALLS);
          await page('document', CALLS);
        }
        for (let round = 0; round < settings.rounds; round++) {
          const echo = await page('echo', CALLS);
          const document = await page('document', CALLS);
          findings.add('ipc echo', 'baseline', echo, milliseconds);
          findings.add('ipc document', 'settee', document, milliseconds);
          findings.add('ipc document, all at once', 'settee', await page('documents', CALLS), milliseconds);
          findings.add('ipc save', 'settee', await page('save', CALLS), milliseconds);
          ratios.push(document / echo);
          try {
            const inMain = await app.ask('query', { query: QUERY });
            const { time, rows } = await page('query', QUERY);
            findings.add(`ipc ${ROWS} rows`, 'settee', time, milliseconds);
            if (rows >= ROWS) crossings.push(Math.max(0, time - inMain));
          } catch (error) {
            findings.skip('ipc rows', 'settee', error);
          }
        }
      } finally {
        await app.stop();
      }
      findings.check('ipc', 'document() against an echo', median(ratios), { atMost: 2, unit: '×' });
      findings.check('ipc', `${ROWS} rows cross`, median(crossings), { atMost: 100, unit: 'ms' });
    },
  },
};
