/** Who is behind a listener's connections, and what they may do (trust §5, §6). */

import {
  BasicAuthenticator,
  ClientCertificateAuthenticator,
  type Collection,
  EngineLocator,
  engine,
  ListenerCertificateAuthenticator,
  ListenerPasswordAuthenticator,
  type ListenerRequest,
  MutableDocument,
  type ReplicatorConfiguration,
  ReplicatorType,
  type SetteeEngine,
  TLSIdentity,
  URLEndpointListener,
} from 'settee';
import { channelEngine } from './support/channel-engine';
import { openDefault } from './support/peers';
import { replicate, replicatorOf, run } from './support/replications';
import { scratchFolder } from './support/scratch';
import { until } from './support/wait';

const folder = scratchFolder();

let passive: Awaited<ReturnType<typeof openDefault>>;
const running: URLEndpointListener[] = [];

beforeAll(async () => {
  passive = await openDefault('mydb', folder);
  await passive.collection.save(new MutableDocument('theirs').setString('from', 'passive'));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((listener) => listener.stop()));
  EngineLocator.registerEngine(EngineLocator.key, engine);
  jest.restoreAllMocks();
});

async function listen(more: object) {
  const listener = await URLEndpointListener.create({
    collections: [passive.collection],
    networkInterface: '127.0.0.1',
    ...more,
  });
  running.push(listener);
  await listener.start();
  return { listener, url: listener.getUrls()[0] };
}

let count = 0;

async function client(): Promise<Collection> {
  count += 1;
  const { collection } = await openDefault(`active${count}`, folder);
  await collection.save(new MutableDocument(`mine${count}`).setString('from', 'active'));
  return collection;
}

const password = (name: string) => (config: ReplicatorConfiguration) =>
  config.setAuthenticator(new BasicAuthenticator(name, 'p'));

/** Continuous replicators as these users, all idle. */
async function connected(
  listener: URLEndpointListener,
  sets: ((config: ReplicatorConfiguration) => void)[],
) {
  const [url] = listener.getUrls();
  const replicators = await Promise.all(
    sets.map(async (set) => {
      const replicator = await replicatorOf(await client(), url, (config) => {
        config.setContinuous(true);
        set(config);
      });
      return { replicator, end: await run(replicator) };
    }),
  );
  let list: Awaited<ReturnType<URLEndpointListener['connections']>> = [];
  let asking = false;
  await until(() => {
    if (!asking) {
      asking = true;
      listener.connections().then((now) => {
        list = now;
        asking = false;
      });
    }
    return (
      list.filter(({ bytesSent, isActive }) => bytesSent > 0 && !isActive).length === sets.length
    );
  }, 'connections');
  return { replicators, list };
}

describe('connections', () => {
  it('tell who is behind them, from where, since when, and what they move', async () => {
    const before = Date.now();
    const { listener } = await listen({
      authenticator: new ListenerPasswordAuthenticator((name) => name !== ''),
    });
    expect(await listener.connections()).toEqual([]);
    const { replicators, list } = await connected(listener, [password('anna'), password('otto')]);
    expect(list.map(({ principal }) => principal).sort()).toEqual(['user:anna', 'user:otto']);
    for (const one of list) {
      expect(one).toMatchObject({
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        collections: [{ scopeName: '_default', name: '_default' }],
        bytesReceived: expect.any(Number),
      });
      expect(one.bytesReceived).toBeGreaterThan(0);
      expect(one.started.getTime()).toBeGreaterThanOrEqual(before);
      expect(one.started.getTime()).toBeLessThanOrEqual(Date.now());
    }
    expect(new Set(list.map(({ id }) => id)).size).toBe(2);
    await Promise.all(replicators.map(({ replicator }) => replicator.stop()));
    await Promise.all(replicators.map(({ end }) => end()));
    await listener.stop();
    expect(await listener.connections()).toEqual([]);
  });

  it('are anonymous without an authenticator', async () => {
    const { listener } = await listen({ disableTLS: true });
    const { list } = await connected(listener, [() => undefined]);
    expect(list[0].principal).toBe('anonymous');
  });

  it('are those of a key, whatever certificate it has', async () => {
    const identity = await TLSIdentity.createIdentity({ attributes: { CN: 'anna' } });
    const { listener } = await listen({
      authenticator: new ListenerCertificateAuthenticator(() => true),
    });
    const { list } = await connected(listener, [
      (config) => config.setAuthenticator(new ClientCertificateAuthenticator(identity)),
    ]);
    expect(list[0].principal).toBe(`key:${identity.certificates[0].fingerprint}`);
  });
});

describe('disconnect', () => {
  it('ends exactly the replications of that principal, for good', async () => {
    const allowed = new Set(['anna', 'otto']);
    const { listener } = await listen({
      authenticator: new ListenerPasswordAuthenticator((name) => allowed.has(name)),
    });
    const { replicators } = await connected(listener, ['anna', 'otto', 'anna'].map(password));
    allowed.delete('anna');
    expect(await listener.disconnect('user:anna')).toBe(2);
    for (const index of [0, 2]) {
      expect(await replicators[index].end()).toMatchObject({
        code: 11008,
        message: 'access withdrawn',
      });
    }
    // The other goes on.
    await passive.collection.save(new MutableDocument('news').setNumber('n', 1));
    const { list } = await connectedStill(listener);
    expect(list.map(({ principal }) => principal)).toEqual(['user:otto']);
    const status = await replicators[1].replicator.getStatus();
    expect(status.getActivityLevel()).toBeGreaterThan(1);
    expect(await listener.disconnect('user:anna')).toBe(0);
    await expect(listener.disconnect('anna')).rejects.toThrow('principal "anna" must be');
  });
});

async function connectedStill(listener: URLEndpointListener) {
  let list: Awaited<ReturnType<URLEndpointListener['connections']>> = [];
  await until(() => {
    listener.connections().then((now) => {
      list = now;
    });
    return list.length === 1;
  }, 'one connection');
  return { list };
}

describe.each([
  ['the native engine', () => ({ engine: engine as SetteeEngine, close: () => undefined })],
  ['a structured-clone-only channel', () => channelEngine(engine)],
])('requestAuthorizer over %s', (_title, make) => {
  let subject: { engine: SetteeEngine; close(): void };
  beforeAll(() => {
    subject = make();
  });
  afterAll(() => subject.close());

  it('is asked about each replication with its principal, collections and direction', async () => {
    EngineLocator.registerEngine(EngineLocator.key, subject.engine);
    const asked: ListenerRequest[] = [];
    const { listener, url } = await listen({
      authenticator: new ListenerPasswordAuthenticator('anna', 'p'),
      requestAuthorizer: (request: ListenerRequest) => {
        asked.push(request);
        return Promise.resolve(true);
      },
    });
    const collection = await client();
    const { error } = await replicate(collection, url, password('anna'));
    expect(error).toBeUndefined();
    expect(asked.map(({ direction }) => direction).sort()).toEqual(['pull', 'push']);
    for (const request of asked) {
      expect(request).toEqual({
        connectionId: asked[0].connectionId,
        principal: 'user:anna',
        address: expect.stringMatching(/^127\.0\.0\.1:/),
        collections: [{ scopeName: '_default', name: '_default' }],
        direction: expect.any(String),
      });
    }
    expect((await collection.document('theirs'))?.getString('from')).toBe('passive');
    await listener.stop();
  });
});

describe('requestAuthorizer', () => {
  it.each<[string, ReplicatorType, (request: ListenerRequest) => any]>([
    ['push', ReplicatorType.PUSH, ({ direction }) => direction === 'pull'],
    ['pull', ReplicatorType.PULL, ({ direction }) => direction === 'push'],
    ['both', ReplicatorType.PUSH_AND_PULL, () => 'yes'],
    [
      'a throw',
      ReplicatorType.PUSH_AND_PULL,
      () => {
        throw new Error('no');
      },
    ],
  ])('refuses with 403, and nothing moves: %s', async (_title, type, requestAuthorizer) => {
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const { listener, url } = await listen({ disableTLS: true, requestAuthorizer });
    const collection = await client();
    const { error } = await replicate(collection, url, (config) => config.setReplicatorType(type));
    expect(error).toMatchObject({ code: 10403, domain: 'CouchbaseLite' });
    expect(await collection.document('theirs')).toBeUndefined();
    expect(await passive.collection.document(`mine${count}`)).toBeUndefined();
    await listener.stop();
  });

  it('lets a client wait while a person decides, longer than a program may take', async () => {
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    let decide: ((allowed: boolean) => void) | undefined;
    const { url } = await listen({
      disableTLS: true,
      requestAuthorizer: () =>
        new Promise<boolean>((resolve) => {
          decide = resolve;
        }),
    });
    const collection = await client();
    const replicator = await replicatorOf(collection, url, (config) =>
      config.setReplicatorType(ReplicatorType.PULL),
    );
    const end = await run(replicator);
    await until(() => decide !== undefined, 'the question');
    // Other questions have a limit of 5 s.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(await collection.document('theirs')).toBeUndefined();
    decide?.(true);
    expect(await end()).toBeUndefined();
    expect((await collection.document('theirs'))?.getString('from')).toBe('passive');
  });

  it('is a function, and needs an engine that can ask', async () => {
    await expect(listen({ requestAuthorizer: true })).rejects.toThrow('must be a function');
  });
});

describe('a read-only listener', () => {
  it('gives and does not take', async () => {
    const { url } = await listen({ disableTLS: true, readOnly: true });
    const collection = await client();
    const pull = (config: ReplicatorConfiguration) => config.setReplicatorType(ReplicatorType.PULL);
    expect((await replicate(collection, url, pull)).error).toBeUndefined();
    expect((await collection.document('theirs'))?.getString('from')).toBe('passive');
    const { error } = await replicate(collection, url, (config) =>
      config.setReplicatorType(ReplicatorType.PUSH),
    );
    expect(error).toMatchObject({ code: 10403, message: 'this listener is read-only' });
    expect(await passive.collection.document(`mine${count}`)).toBeUndefined();
  });
});
