/** What windows of an Electron application may do with the engine, and what becomes of what they own. */

import { mkdirSync, symlinkSync, writeFileSync } from 'fs';
import { join } from 'path';
import { engine, type ICoreEngine, type SetteeEngine } from 'settee';
import { type EngineServer, serveEngine, type WindowLimits } from '../js/electron/main';
import { connectEngine, createBridgeEngine, registerEngine } from '../js/electron/renderer';
import { ENGINE_FUNCTIONS } from '../js/engine/engine-functions';
import { FakeIpcMain, FakeWindow } from './support/fake-ipc';
import { scratchFolder } from './support/scratch';
import { settle, until } from './support/wait';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

const DEFAULT = { scopeName: '_default', collectionName: '_default' };
const NOTHING = { databases: 0, subscriptions: 0, replicators: 0, listeners: 0 };

let ipcMain: FakeIpcMain;
let server: EngineServer;
let directory: string;
let count = 0;

beforeEach(() => {
  ipcMain = new FakeIpcMain();
  server = serveEngine({ engine, ipcMain, directory: join(folder, 'unused') });
  directory = join(folder, `app${++count}`);
});

afterEach(() => server.close());

function open(limits: WindowLimits = {}): { window: FakeWindow; page: SetteeEngine } {
  const window = new FakeWindow(ipcMain);
  server.allow(window, { directory, ...limits });
  return { window, page: createBridgeEngine(window.bridge) };
}

async function database(page: ICoreEngine, name = 'notes'): Promise<{ name: string }> {
  const { databaseUniqueName } = await page.database_Open({ name, config: {} });
  return { name: databaseUniqueName };
}

function save(page: ICoreEngine, at: { name: string }, id: string, more: object = {}) {
  const call = { ...at, ...DEFAULT, id, document: '{"a":1}', blobs: '', concurrencyControl: null };
  return page.collection_Save({ ...call, ...more });
}

function listenerArgs(at: { name: string }) {
  return {
    collections: [{ name: '_default', scopeName: '_default', databaseName: at.name }],
    networkInterface: '127.0.0.1',
    disableTLS: true,
  };
}

function replicatorArgs(at: { name: string }, url: string, more: object = {}) {
  const collection = { name: '_default', scopeName: '_default', databaseName: at.name };
  const collectionConfig = JSON.stringify([{ collections: [{ collection }], config: '' }]);
  return {
    config: {
      target: { url },
      replicatorType: 'PUSH',
      continuous: true,
      collectionConfig,
      ...more,
    },
  };
}

describe('a window', () => {
  it('has its databases in its directory, also when it names none', async () => {
    const { page } = open();
    const { path } = await page.database_GetPath(await database(page));
    expect(path.startsWith(join(directory, 'notes.cblite2'))).toBe(true);
    await expect(page.file_GetDefaultPath()).resolves.toEqual({ path: directory });
    const args = { databaseName: 'notes', directory: '' };
    await expect(page.database_Exists(args)).resolves.toEqual({ exists: true });
  });

  it('has one engine however many copies of the package it has loaded', async () => {
    const { window, page } = open();
    (globalThis as any).settee = window.bridge;
    try {
      const first = connectEngine();
      expect(connectEngine()).toBe(first);
      const foreign = { key: 'default', registerEngine: jest.fn() };
      expect(registerEngine(foreign)).toBe(first);
      expect(foreign.registerEngine).toHaveBeenCalledWith('default', first);
      expect(Object.getPrototypeOf(first)).toBe(Object.prototype);
      expect(first.getUUID()).toMatch(/^[0-9a-f-]{36}$/);
    } finally {
      delete (globalThis as any).settee;
      delete (globalThis as any)[Symbol.for('settee.electron.engine')];
    }
    expect(page.platform).toBe('electron');
  });

  it('without a preload script says what to do', () => {
    expect(() => connectEngine()).toThrow('settee/electron/preload');
  });

  it('that nobody allowed is refused every call', async () => {
    const page = createBridgeEngine(new FakeWindow(ipcMain).bridge);
    await expect(page.database_Open({ name: 'x', config: {} })).rejects.toThrow('not served');
  });

  it('hears of it when nobody serves, or when it is served no more', async () => {
    await server.close();
    const nobody = createBridgeEngine(new FakeWindow(ipcMain).bridge);
    await expect(nobody.file_GetDefaultPath()).rejects.toThrow('No handler');
    const fake = { file_GetDefaultPath: () => new Promise(() => undefined) };
    server = serveEngine({ engine: fake as any, ipcMain });
    const { window, page } = open();
    const never = page.file_GetDefaultPath();
    const refused = expect(never).rejects.toThrow('not served any more');
    await settle();
    await server.release(window);
    await refused;
    await expect(page.file_GetDefaultPath()).rejects.toThrow('not served');
  });

  it('takes late messages of a page that has gone for what they are', async () => {
    const { window, page } = open();
    await database(page);
    const late = window.bridge;
    window.load();
    const next = createBridgeEngine(window.bridge);
    const at = await database(next);
    late.post([[1, 'file_GetDefaultPath', {}]]);
    await settle();
    await expect(save(next, at, 'x')).resolves.toMatchObject({ _id: 'x' });
    expect(server.usage(window)).toEqual({ ...NOTHING, databases: 1 });
  });

  it('whose page came from elsewhere is refused', async () => {
    const { window, page } = open({ origins: ['file://'] });
    await database(page);
    window.url = 'https://example.com/index.html';
    await expect(database(page, 'more')).rejects.toThrow('origin');
  });

  it('may call only what it was given', async () => {
    const { page } = open({ functions: ['database_Open', 'collection_GetCount'] });
    const at = await database(page);
    await expect(page.collection_GetCount({ ...at, ...DEFAULT })).resolves.toEqual({ count: 0 });
    await expect(save(page, at, 'x')).rejects.toThrow('may not call collection_Save');
  });

  it('cannot be allowed twice, and not within a directory and anywhere at once', () => {
    const { window } = open();
    expect(() => server.allow(window)).toThrow('served already');
    expect(() => open({ dangerAnyPath: true })).toThrow('either');
  });

  it('keeps the order of thousands of calls that it does not await', async () => {
    const { page } = open();
    const at = await database(page);
    const saves = Array.from({ length: 10_000 }, (_, index) => save(page, at, `d${index % 10}`));
    const last = page.collection_GetCount({ ...at, ...DEFAULT });
    const closed = page.database_Close(at);
    const results = await Promise.all(saves);
    expect(results.map(({ _sequence }) => _sequence)).toEqual(saves.map((_, index) => index + 1));
    await expect(last).resolves.toEqual({ count: 10 });
    await closed;
  });

  it('may use a database by its plain name before it has seen it open', async () => {
    const { page } = open();
    const plain = { name: 'notes' };
    const opening = page.database_Open({ name: 'notes', config: {} });
    const calls = [
      save(page, plain, 'x'),
      page.URLEndpointListener_createListener(listenerArgs(plain)),
      page.replicator_Create(replicatorArgs(plain, 'ws://127.0.0.1:1/x')),
      page.collection_GetCount({ ...plain, ...DEFAULT }),
      page.database_Close(plain),
    ];
    await opening;
    expect((await Promise.all(calls))[3]).toEqual({ count: 1 });
    const failing = page.database_Open({ name: '../notes', config: {} });
    const behind = save(page, { name: '../notes' }, 'x');
    await expect(failing).rejects.toMatchObject({ domain: 'CouchbaseLite' });
    await expect(behind).rejects.toMatchObject({ domain: 'CouchbaseLite' });
  });

  it('takes its arguments when it calls', async () => {
    const { page } = open();
    const at = await database(page);
    const data = Uint8Array.from([1, 2, 3]);
    const args = { id: 'x', blobs: { b: { contentType: 'a/b', data } } };
    const saved = save(page, at, 'x', args);
    data.fill(9);
    args.blobs.b.contentType = 'c/d';
    await saved;
    const read = { ...at, ...DEFAULT, documentId: 'x', key: 'b' };
    const content = (await page.collection_GetBlobContent(read)).data;
    expect([...new Uint8Array(content)]).toEqual([1, 2, 3]);
  });
});

describe('what a window owns', () => {
  async function everything(page: SetteeEngine) {
    const at = await database(page);
    const token = { ...at, ...DEFAULT, changeListenerToken: 'mine' };
    await page.collection_AddChangeListener(token, () => undefined);
    const listener = await page.URLEndpointListener_createListener(listenerArgs(at));
    const { port }: any = await page.URLEndpointListener_startListener(listener);
    const url = `ws://127.0.0.1:${port}/notes`;
    const replicator = await page.replicator_Create(replicatorArgs(at, url));
    await page.replicator_AddChangeListener(
      { ...replicator, changeListenerToken: 'status' },
      () => undefined,
    );
    await page.replicator_Start(replicator);
    return { at, listener, replicator, port };
  }

  /** Whether the main process's own engine still knows them. */
  async function known({ at, listener, replicator }: Awaited<ReturnType<typeof everything>>) {
    const calls = [
      engine.collection_GetCount({ ...at, ...DEFAULT }),
      engine.replicator_GetStatus(replicator),
    ];
    const settled = await Promise.allSettled(calls);
    const { connectionsCount } = await engine
      .URLEndpointListener_getStatus(listener)
      .catch(() => ({ connectionsCount: 0 }));
    return [...settled.map(({ status }) => status === 'fulfilled'), connectionsCount > 0];
  }

  it('is counted, and released when it closes', async () => {
    const { window, page } = open();
    const things = await everything(page);
    expect(server.usage(window)).toEqual({
      databases: 1,
      subscriptions: 2,
      replicators: 1,
      listeners: 1,
    });
    window.close();
    expect(server.usage(window)).toEqual(NOTHING);
    await released(things);
  });

  async function released(things: Awaited<ReturnType<typeof everything>>): Promise<void> {
    let left: boolean[] = [true];
    for (let turn = 0; turn < 500 && left.includes(true); turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      left = await known(things);
    }
    expect(left).toEqual([false, false, false]);
    // The port is free again.
    const at = await engine.database_Open({ name: 'port', config: { directory } });
    const name = { name: at.databaseUniqueName };
    const args = { ...listenerArgs(name), port: things.port };
    const again = await engine.URLEndpointListener_createListener(args);
    await engine.URLEndpointListener_startListener(again);
    await engine.database_Close(name);
  }

  it('is released when its page crashes, and when the server closes', async () => {
    const first = open();
    const crashed = await everything(first.page);
    first.window.emit('render-process-gone', {}, { reason: 'crashed' });
    await released(crashed);
    const second = open();
    const served = await everything(second.page);
    await server.close();
    await released(served);
  });

  it('when it reloads: databases stay open until the new page has opened them', async () => {
    const { window, page } = open();
    const things = await everything(page);
    window.load();
    const next = createBridgeEngine(window.bridge);
    await until(() => server.usage(window).listeners === 0, 'the new page');
    expect(server.usage(window)).toEqual({ ...NOTHING, databases: 1 });
    expect((await known(things))[0]).toBe(true);
    // The old handle is not the new page's.
    await expect(save(next, things.at, 'x')).rejects.toThrow('no database');
    const at = await database(next);
    await save(next, at, 'x');
    expect(server.usage(window)).toEqual({ ...NOTHING, databases: 1 });
    await released(things);
    await expect(save(next, at, 'y')).resolves.toMatchObject({ _id: 'y' });
  });

  it('that was being made during a reload is released as soon as it exists', async () => {
    const { window, page } = open();
    const at = await database(page);
    const late = [
      page.database_Open({ name: 'late', config: {} }),
      page.URLEndpointListener_createListener(listenerArgs(at)),
      page.replicator_Create(replicatorArgs(at, 'ws://127.0.0.1:1/x')),
      page.collection_AddChangeListener(
        { ...at, ...DEFAULT, changeListenerToken: 'late' },
        () => undefined,
      ),
      save(page, at, 'saved'),
    ];
    late.forEach((call) => {
      call.catch(() => undefined);
    });
    // The calls have reached the main process; their answers find another page.
    await new Promise((resolve) => setImmediate(resolve));
    window.load();
    const next = createBridgeEngine(window.bridge);
    const again = await database(next);
    await settle();
    expect(server.usage(window)).toEqual({ ...NOTHING, databases: 1 });
    await expect(next.collection_GetCount({ ...again, ...DEFAULT })).resolves.toEqual({ count: 1 });
    const gone = { databaseName: 'late', directory };
    await expect(engine.database_DeleteWithPath(gone)).resolves.toBeUndefined();
  });

  it('may be an unfinished batch, which is rolled back', async () => {
    const { window, page } = open();
    const at = await database(page);
    page.database_BeginBatch(at).catch(() => undefined);
    save(page, at, 'x').catch(() => undefined);
    await settle();
    window.load();
    const next = createBridgeEngine(window.bridge);
    const again = await database(next);
    await expect(next.collection_GetCount({ ...again, ...DEFAULT })).resolves.toEqual({ count: 0 });
  });
});

describe('a hostile page', () => {
  it('cannot use what another window opened', async () => {
    const one = open();
    const two = open();
    const at = await database(one.page);
    await save(one.page, at, 'x');
    const listener = await one.page.URLEndpointListener_createListener(listenerArgs(at));
    const replicator = await one.page.replicator_Create(replicatorArgs(at, 'ws://127.0.0.1:1/x'));
    const token = { ...at, ...DEFAULT, changeListenerToken: 'shared' };
    const seen: unknown[] = [];
    await one.page.collection_AddChangeListener(token, (data) => seen.push(data));

    const { page } = two;
    const own = await database(page, 'own');
    for (const call of [
      page.collection_GetDocument({ ...at, ...DEFAULT, docId: 'x' }),
      page.collection_GetDocument({ name: 'notes', ...DEFAULT, docId: 'x' }),
      page.database_Close(at),
      page.URLEndpointListener_startListener(listener),
      page.URLEndpointListener_createListener(listenerArgs(at)),
      page.URLEndpointListener_createListener(listenerArgs({ name: 'notes' })),
      page.replicator_Start(replicator),
      page.replicator_Create(replicatorArgs(at, 'ws://127.0.0.1:1/x')),
      page.listenerToken_Remove({ changeListenerToken: 'shared' }),
      page.collection_RemoveChangeListener({ ...own, ...DEFAULT, changeListenerToken: 'shared' }),
      page.callback_Answer({ question: 'any', value: true }),
    ]) {
      await expect(call).rejects.toMatchObject({ domain: 'CouchbaseLite' });
    }
    // The same token in another window is another token.
    await page.collection_AddChangeListener(
      { ...own, ...DEFAULT, changeListenerToken: 'shared' },
      () => seen.push('other'),
    );
    await save(one.page, at, 'y');
    await until(() => seen.length === 1, 'the change');
    expect(seen[0]).toMatchObject({ documentIDs: ['y'] });
  });

  it('cannot answer the questions of another window', async () => {
    const one = open();
    const two = open();
    const at = await database(one.page);
    const asked: any[] = [];
    const args = { ...listenerArgs(at), authenticatorConfig: { type: 'basic', ask: true } };
    const listener = await one.page.URLEndpointListener_createListener(
      { ...args, changeListenerToken: 'ask' } as any,
      (question) => asked.push(question),
    );
    const { port }: any = await one.page.URLEndpointListener_startListener(listener);
    const other = await database(two.page, 'other');
    const url = `ws://127.0.0.1:${port}/notes`;
    const authenticator = { type: 'basic', data: { username: 'u', password: 'p' } };
    const replicator = await two.page.replicator_Create(
      replicatorArgs(other, url, { authenticator, continuous: false }),
    );
    const statuses: any[] = [];
    await two.page.replicator_AddChangeListener(
      { ...replicator, changeListenerToken: 's' },
      (status) => statuses.push(status),
    );
    await two.page.replicator_Start(replicator);
    await until(() => asked.length > 0, 'the question');
    expect(asked[0]).toMatchObject({ token: 'ask', data: { username: 'u', password: 'p' } });
    const { question } = asked[0];
    await expect(two.page.callback_Answer({ question, value: true })).rejects.toThrow('question');
    await one.page.callback_Answer({ question, value: true });
    await until(() => statuses.some(({ activityLevel }) => activityLevel === 0), 'the end');
    expect(statuses[statuses.length - 1].error).toBeUndefined();
    await expect(one.page.callback_Answer({ question, value: true })).rejects.toThrow('question');
  });

  it('cannot leave its directory, by any argument that names a path', async () => {
    const { page } = open();
    const at = await database(page);
    const outside = join(folder, 'secret');
    mkdirSync(outside, { recursive: true });
    writeFileSync(join(outside, 'file'), 'secret');
    symlinkSync(outside, join(directory, 'link'));
    for (const path of [outside, join(directory, '..', 'secret'), join(directory, 'link'), '/']) {
      const file = join(path, 'file');
      const config = { directory: path };
      for (const call of [
        page.database_Open({ name: 'x', config }),
        page.database_Open({ name: 'x', config: JSON.stringify(config) }),
        page.database_Open({ name: 'x', config: { directory: `file://${path}` } }),
        page.database_Exists({ databaseName: 'x', directory: path }),
        page.database_DeleteWithPath({ databaseName: 'x', directory: path }),
        page.database_Copy({ ...at, path, newName: 'y', config: {} }),
        page.database_Copy({ ...at, path: directory, newName: 'y', config }),
        page.file_GetFileNamesInDirectory({ path }),
        page.database_SaveBlob({ ...at, digest: 'sha1-x', path: file }),
        page.database_SetFileLoggingConfig({ ...at, config: { directory: path, level: 0 } as any }),
        save(page, at, 'x', { blobs: { b: { contentType: 'a/b', data: { path: file } } } }),
        save(page, at, 'x', {
          blobs: JSON.stringify({
            b: { _type: 'blob', data: { contentType: 'a/b', data: { path: file } } },
          }),
        }),
        page.database_Save({
          ...at,
          id: 'x',
          document: {},
          blobs: { b: { contentType: 'a/b', data: { path: file } } },
          concurrencyControl: null,
        }),
      ]) {
        await expect(call).rejects.toThrow('outside the directory');
      }
    }
    await expect(page.collection_GetCount({ ...at, ...DEFAULT })).resolves.toEqual({ count: 0 });
    await expect(page.file_GetFileNamesInDirectory({ path: directory })).resolves.toMatchObject({
      files: expect.arrayContaining(['link']),
    });
  });

  it('has no engine function with a path that the guard does not know', () => {
    const fields = Object.values(ENGINE_FUNCTIONS).flatMap((one) => Object.keys(one.fields));
    const paths = fields.filter((field) => /path|dir|file|folder/i.test(field));
    expect(new Set(paths)).toEqual(new Set(['path', 'directory']));
  });

  it('is not hurt by, and does not hurt with, garbage', async () => {
    const { window, page } = open();
    const garbage: unknown[] = [
      [],
      [undefined],
      [null, null],
      ['x'.repeat(64), 'x'],
      [7],
      ['page', -1],
      ['page', 1e308],
      ['page', [[]]],
      ['page', [[1]]],
      ['page', [['1', 'database_Open', {}]]],
      ['page', [[1, '__proto__', {}]]],
      ['page', [[2, 'constructor', {}]]],
      ['page', [[3, 'toString', null]]],
      ['page', [[4, 'database_Open', 'text']]],
      ['page', [[5, 'database_Open', null, {}]]],
      ['page', [[6, 'collection_AddChangeListener', { changeListenerToken: {} }, true]]],
      ['page', [[7, 'replicator_Create', { config: '{' }]]],
      [
        'page',
        [
          [
            8,
            'replicator_Create',
            { config: { collectionConfig: '[null,7,{"collections":[null]}]' } },
          ],
        ],
      ],
      ['page', [[9, 'URLEndpointListener_createListener', { collections: [null, 7] }]]],
      ['page', [[10, 'collection_Save', { blobs: [null, 7, { data: null }] }]]],
    ];
    const replies = garbage.map((message) => window.sendRaw(...(message as unknown[])));
    await Promise.all(replies);
    window.load();
    const next = createBridgeEngine(window.bridge);
    await save(next, await database(next), 'x');
    await expect(page.getUUID()).toHaveLength(36);
  });

  it('is refused functions, symbols and nesting without end before they leave it', async () => {
    const { page } = open();
    const endless: any = {};
    endless.self = endless;
    for (const config of [{ f: () => undefined }, { s: Symbol('s') }, endless]) {
      await expect(page.database_Open({ name: 'x', config })).rejects.toMatchObject({ code: 9 });
    }
  });

  it('gets as many of each thing as it may have', async () => {
    const { window, page } = open({
      maxDatabases: 2,
      maxSubscriptions: 3,
      maxReplicators: 1,
      maxListeners: 1,
    });
    const outcomes = async (calls: Promise<unknown>[]) =>
      (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled').length;
    const at = await database(page);
    const five = [1, 2, 3, 4, 5];
    expect(await outcomes(five.map((n) => database(page, `more${n}`)))).toBe(1);
    const listen = (n: number) =>
      page.collection_AddChangeListener(
        { ...at, ...DEFAULT, changeListenerToken: `t${n}` },
        () => undefined,
      );
    expect(await outcomes(five.map(listen))).toBe(3);
    const url = 'ws://127.0.0.1:1/x';
    expect(await outcomes(five.map(() => page.replicator_Create(replicatorArgs(at, url))))).toBe(1);
    const args = listenerArgs(at);
    expect(await outcomes(five.map(() => page.URLEndpointListener_createListener(args)))).toBe(1);
    expect(server.usage(window)).toEqual({
      databases: 2,
      subscriptions: 3,
      replicators: 1,
      listeners: 1,
    });
    await page.listenerToken_Remove({ changeListenerToken: 't1' });
    await expect(listen(6)).resolves.toBeUndefined();
    await expect(listen(7)).rejects.toMatchObject({
      code: 16,
      message: expect.stringContaining('limit is 3'),
    });
    await page.database_Close(at);
    expect(server.usage(window)).toMatchObject({ databases: 1, subscriptions: 0 });
  });

  it('is answered every one of a flood of subscriptions', async () => {
    const { window, page } = open();
    const at = await database(page);
    const floods = Array.from({ length: 20_000 }, (_, n) =>
      page
        .collection_AddChangeListener(
          { ...at, ...DEFAULT, changeListenerToken: `t${n}` },
          () => undefined,
        )
        .then(
          () => 1,
          () => 0,
        ),
    );
    const taken = (await Promise.all(floods)).reduce((sum: number, one) => sum + one, 0);
    expect(taken).toBe(1000);
    expect(server.usage(window).subscriptions).toBe(1000);
    window.close();
    await settle();
  });

  it('is refused calls beyond the limit of those that wait', async () => {
    const { window } = open();
    const refused: any[] = [];
    window.bridge.listen((entries) => refused.push(...entries));
    window.bridge.post(
      Array.from({ length: 9000 }, (_, n) => [n + 1, 'file_GetDefaultPath', {}] as any),
    );
    await until(() => refused.length === 9000, 'all answers');
    const beyond = refused.filter(([kind]) => kind === 2);
    expect(beyond).toHaveLength(9000 - 8192);
    expect(beyond[0][2].message).toContain('limit is 8192');
  });

  it('that takes no events is no burden: they wait up to a limit, then its listener ends', async () => {
    const callbacks: any[] = [];
    const fake = {
      collection_AddChangeListener: (_args: unknown, callback: any) => {
        callbacks.push(callback);
        return Promise.resolve();
      },
      database_Open: () => Promise.resolve({ databaseUniqueName: 'h' }),
      listenerToken_Remove: jest.fn(() => Promise.resolve()),
      database_Close: () => Promise.resolve(),
    };
    await server.close();
    server = serveEngine({ engine: fake as any, ipcMain });
    const { window, page } = open();
    const at = await database(page);
    const errors: any[] = [];
    await page.collection_AddChangeListener(
      { ...at, ...DEFAULT, changeListenerToken: 't' },
      (data, error) => data === null && errors.push(error),
    );
    // Nothing is acknowledged while this loop runs: the page has no turn.
    for (let n = 0; n < 10_001; n += 1) {
      callbacks[0]({ n });
    }
    await until(() => errors.length === 1, 'the end of the listener');
    expect(errors[0].message).toContain('10000');
    expect(fake.listenerToken_Remove).toHaveBeenCalledTimes(1);
    expect(server.usage(window).subscriptions).toBe(0);
  });

  it('is sent no more than it acknowledges', async () => {
    let callback: any;
    const fake = {
      collection_AddChangeListener: (_args: unknown, given: any) => {
        callback = given;
        return Promise.resolve();
      },
      database_Open: () => Promise.resolve({ databaseUniqueName: 'h' }),
      listenerToken_Remove: () => Promise.resolve(),
      database_Close: () => Promise.resolve(),
    };
    await server.close();
    server = serveEngine({ engine: fake as any, ipcMain });
    const { window, page } = open();
    const at = await database(page);
    await page.collection_AddChangeListener(
      { ...at, ...DEFAULT, changeListenerToken: 't' },
      () => undefined,
    );
    const sent = jest.spyOn(window, 'send').mockImplementation(() => undefined);
    await settle();
    for (let n = 0; n < 200; n += 1) {
      callback({ n });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent.mock.calls.length).toBeLessThanOrEqual(64);
  });
});
