/** What the native layer promises beyond the engine contract: the event loop, the process, shared state. */

import { execFileSync } from 'child_process';
import { mkdtempSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { Worker } from 'worker_threads';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
const dist = join(__dirname, '..', 'dist');

const DEFAULT = { scopeName: '_default', collectionName: '_default' };

/** Runs a program in a process of its own; it must end by itself. */
function run(body: string): any {
  const file = join(mkdtempSync(join(tmpdir(), 'settee-native-')), 'program.js');
  writeFileSync(
    file,
    `const { engine } = require(${JSON.stringify(dist)});
     const folder = ${JSON.stringify(mkdtempSync(join(folder, 'process-')))};
     const DEFAULT = ${JSON.stringify(DEFAULT)};
     const open = async (name) =>
       ({ name: (await engine.database_Open({ name, config: { directory: folder } })).databaseUniqueName, ...DEFAULT });
     const save = (at, id) => engine.collection_Save({ ...at, id, document: '{"a":1}', blobs: '{}', concurrencyControl: null });
     (async () => { ${body} })().catch((error) => { console.error(error); process.exit(1); });`,
  );
  const output = execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 60000 });
  return JSON.parse(output);
}

describe('the process', () => {
  it('ends with open databases and listeners, but not before outstanding calls', () => {
    const result = run(`
      const at = await open('a');
      await engine.collection_AddChangeListener({ ...at, changeListenerToken: 't' }, () => undefined);
      const saves = [];
      for (let i = 0; i < 100; i++) saves.push(save(at, 'd' + i));
      Promise.all(saves).then(() => console.log('"saved"'));
    `);
    expect(result).toBe('saved');
  });

  it('stays for a started listener, until it is stopped', () => {
    const result = run(`
      const at = await open('a');
      const collections = [{ name: '_default', scopeName: '_default', databaseName: at.name }];
      const { listenerId } = await engine.URLEndpointListener_createListener(
        { collections, networkInterface: '127.0.0.1', disableTLS: true });
      await engine.URLEndpointListener_startListener({ listenerId });
      const started = Date.now();
      setTimeout(async () => {
        await engine.URLEndpointListener_stopListener({ listenerId });
        console.log(Date.now() - started >= 290);
      }, 300).unref();
    `);
    expect(result).toBe(true);
  });
});

describe('large bytes', () => {
  it('are taken as they are when the call returns, also those that storing cannot keep up with', () => {
    const result = run(`
      const { createHash, randomBytes } = require('crypto');
      const at = await open('a');
      const pattern = randomBytes(1 << 20);
      const bytes = [70_000, 5_000_000, 20_000_000, 90_000_000, 90_000_001].map((size) => Buffer.alloc(size, pattern));
      const digests = bytes.map((some) => 'sha1-' + createHash('sha1').update(some).digest('base64'));
      const blobs = Object.fromEntries(bytes.map((data, i) => ['b' + i, { contentType: 'a/b', data }]));
      const save = (at) => engine.collection_Save({ ...at, id: 'x', document: '{}', blobs, concurrencyControl: null });
      const saved = save(at);
      bytes.forEach((some) => some.fill(0));
      await saved;
      const refused = await save({ ...at, name: 'nobody' }).catch((error) => error.domain);
      const { _data } = await engine.collection_GetDocument({ ...at, docId: 'x' });
      console.log(JSON.stringify([digests.map((digest, i) => _data['b' + i].digest === digest), refused]));
    `);
    expect(result).toEqual([[true, true, true, true, true], 'CouchbaseLite']);
  });
});

describe('the event loop', () => {
  it('turns while a chain of awaited calls runs', () => {
    const result = run(`
      const at = await open('a');
      let turns = 0, running = true;
      const turn = () => { turns++; if (running) setImmediate(turn); };
      setImmediate(turn);
      for (let i = 0; i < 2000; i++) await save(at, 'd' + i);
      for (let i = 0; i < 2000; i++) await engine.collection_GetDocument({ ...at, docId: 'd' + i });
      running = false;
      console.log(turns);
    `);
    expect(result).toBeGreaterThanOrEqual(20);
  });
});

describe('events', () => {
  it('come after the add has been seen to resolve and in order, and never after the removal', () => {
    const result = run(`
      const at = await open('a');
      const log = [];
      const add = engine
        .collection_AddChangeListener({ ...at, changeListenerToken: 't' }, (data) => log.push(data.documentIDs))
        .then(async () => { for (let i = 0; i < 10; i++) await null; log.push('added'); });
      const saves = [save(at, 'one'), save(at, 'two')];
      await Promise.all([add, ...saves]);
      await save(at, 'three');
      await engine.collection_RemoveChangeListener({ ...at, changeListenerToken: 't' });
      log.push('removed');
      await save(at, 'four');
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(JSON.stringify([log[0], log.slice(1, -1).flat(), log[log.length - 1]]));
    `);
    expect(result).toEqual(['added', ['one', 'two', 'three'], 'removed']);
  });

  it('of calls made before the listener was added are not told', () => {
    const result = run(`
      const at = await open('a');
      const ids = [];
      const early = save(at, 'early');
      const add = engine.collection_AddChangeListener(
        { ...at, changeListenerToken: 't' }, (data) => ids.push(...data.documentIDs));
      await Promise.all([early, add, save(at, 'late')]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(JSON.stringify(ids));
    `);
    expect(result).toEqual(['late']);
  });
});

describe('a closing database', () => {
  it('takes what was called before, and refuses what was called after', () => {
    const result = run(`
      const at = await open('a');
      const code = (call) => call.then(() => 0, (error) => error.code);
      const before = [save(at, 'x'), engine.collection_GetCount(at), save(at, 'y')].map(code);
      const close = engine.database_Close(at);
      const after = code(save(at, 'z'));
      const reopened = open('a');
      const outcomes = await Promise.all([...before, close.then(() => 0), after]);
      const { count } = await engine.collection_GetCount(await reopened);
      console.log(JSON.stringify([outcomes, count]));
    `);
    expect(result).toEqual([[0, 0, 0, 0, 6], 2]);
  });
});

describe('a batch', () => {
  it('is one transaction: all or nothing, also over blobs from files', () => {
    const result = run(`
      const at = await open('a');
      const name = { name: at.name };
      const file = folder + '/content';
      require('fs').writeFileSync(file, 'x'.repeat(100000));
      const blobs = { b: { contentType: 'text/plain', data: { path: file } } };
      const withBlob = (id) => engine.collection_Save({ ...at, id, document: '{}', blobs, concurrencyControl: null });
      const message = (call) => call.then(() => '', (error) => error.message);
      engine.database_BeginBatch(name);
      const failing = [withBlob('one'), engine.collection_DeleteDocument({ ...at, docId: 'nobody', concurrencyControl: null }), save(at, 'two')];
      const failed = await Promise.all([...failing, engine.database_EndBatch({ ...name, commit: true })].map(message));
      const { count: none } = await engine.collection_GetCount(at);
      engine.database_BeginBatch(name);
      const good = [withBlob('one'), save(at, 'two'), engine.database_EndBatch({ ...name, commit: true })];
      await Promise.all(good);
      const { count: both } = await engine.collection_GetCount(at);
      console.log(JSON.stringify([failed, none, both]));
    `);
    expect(result[0][0]).toContain('rolled back');
    expect(result[0][1]).toContain('nobody');
    expect(result[0][2]).toContain('rolled back');
    expect(result[0][3]).toContain('nobody');
    expect(result.slice(1)).toEqual([0, 2]);
  });
});

describe('state', () => {
  it('is one for all copies of the package and all threads, and outlives a thread', async () => {
    const { engine } = require(dist);
    const config = { directory: join(folder, 'threads') };
    const { databaseUniqueName: name } = await engine.database_Open({ name: 'shared', config });
    const at = { name, ...DEFAULT };
    const save = `require('worker_threads').parentPort.once('message', async (at) => {
      const { engine } = require(${JSON.stringify(dist)});
      const token = { ...at, changeListenerToken: 'of the thread' };
      await engine.collection_AddChangeListener(token, () => undefined);
      await engine.collection_Save({ ...at, id: 'x', document: '{"a":1}', blobs: '', concurrencyControl: null });
    });`;
    const worker = new Worker(save, { eval: true });
    worker.postMessage(at);
    await new Promise((resolve) => worker.once('exit', resolve));
    await expect(engine.collection_GetCount(at)).resolves.toEqual({ count: 1 });
    // The thread's listener went with it.
    const token = { ...at, changeListenerToken: 'of the thread' };
    await expect(engine.collection_RemoveChangeListener(token)).rejects.toMatchObject({ code: 7 });
    await engine.collection_DeleteDocument({ ...at, docId: 'x', concurrencyControl: null });
    await engine.database_Close({ name });
  });
});
