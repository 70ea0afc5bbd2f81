/** Listeners whose password authenticator is a function of the application. */

import { join } from 'path';
import {
  BasicAuthenticator,
  type Collection,
  EngineLocator,
  engine,
  type ICoreEngine,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  type SetteeEngine,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { deserialize, serialize } from 'v8';
import { channelEngine } from './support/channel-engine';
import { FakeEngine } from './support/fake-engine';
import { openDefault } from './support/peers';
import { scratchFolder } from './support/scratch';
import { until } from './support/wait';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

const UNAUTHORIZED = { message: 'Unauthorized', domain: 'CouchbaseLite', code: 10401 };

type Authenticate = (username: string, password: string) => boolean | Promise<boolean>;

afterEach(() => {
  EngineLocator.registerEngine(EngineLocator.key, engine);
  jest.restoreAllMocks();
});

let count = 0;

/** A started listener on a database of its own. */
async function listen(authenticate: Authenticate) {
  count += 1;
  const { database, collection } = await openDefault(`passive${count}`, folder);
  const listener = await URLEndpointListener.create({
    collections: [collection],
    networkInterface: '127.0.0.1',
    authenticatorConfig: { type: 'basic', authenticate },
  });
  await listener.start();
  return { database, listener, url: listener.getUrls()[0] };
}

/** Replicates as anna until it stops and gives the error. */
async function connect(url: string, password: string): Promise<unknown> {
  count += 1;
  const { database, collection } = await openDefault(`active${count}`, folder);
  const error = await replicate(collection, url, password);
  await database.close();
  return error;
}

async function replicate(collection: Collection, url: string, password: string): Promise<unknown> {
  const config = new ReplicatorConfiguration(new URLEndpoint(url));
  config.addCollection(collection);
  config.setAuthenticator(new BasicAuthenticator('änna', password));
  const replicator = await Replicator.create(config);
  let stopped = false;
  await replicator.addChangeListener(({ status }) => {
    stopped = status.getActivityLevel() === ReplicatorActivityLevel.STOPPED;
  });
  await replicator.start(false);
  await until(() => stopped, 'STOPPED');
  const { error } = (await replicator.getStatus()) as any;
  await replicator.cleanup();
  return error;
}

describe.each([
  ['the native engine', () => ({ engine: engine as SetteeEngine, close: () => undefined })],
  ['a structured-clone-only channel', () => channelEngine(engine)],
])('authenticate over %s', (_title, make) => {
  let subject: { engine: SetteeEngine; close(): void };

  beforeAll(() => {
    subject = make();
  });

  beforeEach(() => {
    EngineLocator.registerEngine(EngineLocator.key, subject.engine);
  });

  afterAll(() => subject.close());

  it('decides, at once or later, about each client', async () => {
    const asked: string[][] = [];
    const { database, listener, url } = await listen((username, password) => {
      asked.push([username, password]);
      const admitted = username === 'änna' && password === 'pa:ß';
      return asked.length > 2 ? Promise.resolve(admitted) : admitted;
    });
    expect(url).toMatch(/^wss:/);
    await expect(connect(url, 'pa:ß')).resolves.toBeUndefined();
    await expect(connect(url, 'wrong')).resolves.toEqual(UNAUTHORIZED);
    await expect(connect(url, 'pa:ß')).resolves.toBeUndefined();
    await expect(connect(url, 'late')).resolves.toEqual(UNAUTHORIZED);
    expect(asked).toEqual([
      ['änna', 'pa:ß'],
      ['änna', 'wrong'],
      ['änna', 'pa:ß'],
      ['änna', 'late'],
    ]);
    await listener.stop();
    await listener.start();
    await expect(connect(listener.getUrls()[0], 'pa:ß')).resolves.toBeUndefined();
    await listener.stop();
    await database.close();
  });
});

describe('authenticate', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['1', 1],
    ['a text', 'true'],
    ['an object', { value: true }],
    ['a promise of a text', Promise.resolve('true')],
  ])('refuses with %s', async (_title, value) => {
    const { database, url } = await listen(() => value as boolean);
    await expect(connect(url, 'x')).resolves.toEqual(UNAUTHORIZED);
    await database.close();
  });

  it.each<[string, Authenticate]>([
    [
      'throws',
      (_, password) => {
        throw new TypeError(`bad ${password}\n    at ${password}`);
      },
    ],
    ['rejects', (_, password) => Promise.reject(new TypeError(password))],
    ['rejects with a text', (_, password) => Promise.reject(password)],
  ])('refuses when it %s, and says so without the password', async (_title, authenticate) => {
    const console = jest.spyOn(globalThis.console, 'error').mockImplementation(() => undefined);
    const { database, url } = await listen(authenticate);
    await expect(connect(url, 'hunter2')).resolves.toEqual(UNAUTHORIZED);
    const [text] = console.mock.calls[0];
    expect(text).toMatch(/^settee: authenticate failed, a client is refused: (TypeError|string)/);
    expect(text).not.toContain('hunter2');
    await database.close();
  });

  it('refuses after 5 s without an answer, and ignores the answer that comes then', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    let answer: (admitted: boolean) => void = () => undefined;
    const { database, url } = await listen(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    await expect(connect(url, 'slow')).resolves.toEqual(UNAUTHORIZED);
    answer(true);
    await until(() => warn.mock.calls.length > 0, 'the warning');
    expect(warn.mock.calls[0][0]).toMatch(/^settee: an answer came too late: question "/);
    await database.close();
  });

  it('may stop the listener that asks', async () => {
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { database, listener, url } = await listen(async () => {
      await listener.stop();
      return true;
    });
    const { database: own, collection } = await openDefault('stops', folder);
    const config = new ReplicatorConfiguration(new URLEndpoint(url));
    config.addCollection(collection);
    config.setMaxAttempts(1);
    config.setAuthenticator(new BasicAuthenticator('anna', 'x'));
    const replicator = await Replicator.create(config);
    let stopped = false;
    await replicator.addChangeListener(({ status }) => {
      stopped = status.getActivityLevel() === ReplicatorActivityLevel.STOPPED;
    });
    await replicator.start(false);
    await until(() => stopped, 'STOPPED');
    expect(listener.getUrls()).toEqual([]);
    await expect(listener.getStatus()).resolves.toMatchObject({ connectionsCount: 0 });
    await database.close();
    await own.close();
  });
});

describe('the callback of a listener', () => {
  const token = 'password-token';

  async function create(more: object = {}) {
    count += 1;
    const { database } = await openDefault(`passive${count}`, folder);
    const args = {
      collections: [
        {
          name: '_default',
          scopeName: '_default',
          databaseName: database.getUniqueName(),
        },
      ],
      networkInterface: '127.0.0.1',
      authenticatorConfig: { type: 'basic' as const, ask: true as const },
      changeListenerToken: token,
      ...more,
    };
    const callback = jest.fn();
    return {
      database,
      callback,
      creating: engine.URLEndpointListener_createListener(args, callback),
    };
  }

  it('has a token that is free again when the database is closed', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { database, creating } = await create();
      await creating;
      const second = await create();
      await expect(second.creating).rejects.toThrow('in use already');
      await second.database.close();
      await database.close();
    }
  });

  it('lets nobody in once it is removed', async () => {
    const { database, callback, creating } = await create();
    const started: any = await engine.URLEndpointListener_startListener(await creating);
    await engine.listenerToken_Remove({ changeListenerToken: token });
    await expect(connect(started.urls[0], 'x')).resolves.toEqual(UNAUTHORIZED);
    expect(callback).not.toHaveBeenCalled();
    await database.close();
  });

  it('is asked with its token, and an error refuses', async () => {
    const { database, callback, creating } = await create();
    callback.mockImplementation(({ question }) =>
      engine.callback_Answer({ question, value: true, error: { message: 'no' } }),
    );
    const started: any = await engine.URLEndpointListener_startListener(await creating);
    await expect(connect(started.urls[0], 'x')).resolves.toEqual(UNAUTHORIZED);
    expect(callback.mock.calls).toEqual([
      [{ token, question: expect.any(String), data: { username: 'änna', password: 'x' } }],
    ]);
    await database.close();
  });

  it.each<[string, object, string]>([
    ['no token', { changeListenerToken: undefined }, 'changeListenerToken'],
    ['a bad token', { changeListenerToken: 7 }, 'changeListenerToken'],
    ['nobody who asks', { authenticatorConfig: undefined }, 'does not ask'],
    [
      'a fixed password too',
      { authenticatorConfig: { type: 'basic', ask: true, data: { username: 'u', password: 'p' } } },
      'both data and ask',
    ],
    ['an unknown type', { authenticatorConfig: { type: 'magic', ask: true } }, 'magic'],
    ['no collections', { collections: [] }, 'at least one'],
    [
      'an unknown collection',
      { collections: [{ name: 'x', scopeName: 'y', databaseName: 'z' }] },
      'z',
    ],
  ])('is refused with %s, and its token stays free', async (_title, more, text) => {
    const { database, creating } = await create(more);
    await expect(creating).rejects.toMatchObject({
      domain: 'CouchbaseLite',
      message: expect.stringContaining(text),
    });
    const again = await create();
    await again.creating;
    await again.database.close();
    await database.close();
  });

  it('is missed by an engine that is told to ask', async () => {
    count += 1;
    const { database, collection } = await openDefault(`passive${count}`, folder);
    const args = {
      collections: [collection.toJson()],
      authenticatorConfig: { type: 'basic', ask: true },
    };
    await expect(engine.URLEndpointListener_createListener(args as any)).rejects.toMatchObject({
      code: 9,
      message: expect.stringContaining('changeListenerToken'),
    });
    await expect(
      engine.URLEndpointListener_createListener({ ...args, changeListenerToken: 't' } as any),
    ).rejects.toThrow('the callback must be a function');
    await database.close();
  });
});

describe('URLEndpointListener.create', () => {
  const collections = [{ name: 'c', scopeName: 's', databaseName: 'handle' }];
  const create = (authenticatorConfig: unknown) =>
    URLEndpointListener.create({ collections, authenticatorConfig } as any);

  it('tells the engine to ask, in plain data', async () => {
    const fake = FakeEngine.register({
      URLEndpointListener_createListener: () => ({ listenerId: 'l' }),
    });
    await create({ type: 'basic', data: null, authenticate: () => true });
    const args = fake.last('URLEndpointListener_createListener');
    expect(args).toEqual({
      collections,
      authenticatorConfig: { type: 'basic', ask: true },
      changeListenerToken: 'uuid-1',
    });
    expect(deserialize(serialize(args))).toEqual(args);
    expect(fake.callbacks.get('uuid-1')).toBeInstanceOf(Function);
  });

  it.each<[string, unknown]>([
    ['both', { type: 'basic', data: { username: 'u', password: 'p' }, authenticate: () => true }],
    ['neither', { type: 'basic' }],
    ['no function', { type: 'basic', authenticate: true }],
    ['a text', 'basic'],
  ])('refuses %s', async (_title, config) => {
    const fake = FakeEngine.register();
    await expect(create(config)).rejects.toMatchObject({ domain: 'CouchbaseLite', code: 9 });
    expect(fake.calls).toEqual([]);
  });

  it('refuses to leave a listener open over an engine that cannot ask', async () => {
    const createListener = jest.fn();
    EngineLocator.registerEngine(EngineLocator.key, {
      URLEndpointListener_createListener: createListener,
    } as unknown as ICoreEngine);
    await expect(create({ type: 'basic', authenticate: () => true })).rejects.toMatchObject({
      code: 19,
    });
    expect(createListener).not.toHaveBeenCalled();
  });
});
