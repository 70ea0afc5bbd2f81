import { Collection, Database, EngineLocator, Scope, URLEndpointListener } from 'settee';
import { FakeEngine } from './support/fake-engine';

const real = EngineLocator.getEngine(EngineLocator.key);
const collections = [{ name: 'c', scopeName: 's', databaseName: 'handle' }];
let fake: FakeEngine;

beforeEach(() => {
  fake = FakeEngine.register({
    URLEndpointListener_createListener: () => ({ listenerId: 'l' }),
    URLEndpointListener_startListener: () => ({ port: 5001, urls: ['wss://host:5001/travel'] }),
    URLEndpointListener_getStatus: () => ({ connectionsCount: 2, activeConnectionCount: 1 }),
  });
});

afterAll(() => FakeEngine.unregister(real));

describe('URLEndpointListener', () => {
  it('passes its arguments through unchanged', async () => {
    const args = {
      collections,
      port: 0,
      networkInterface: '0.0.0.0',
      disableTLS: true,
      authenticatorConfig: { type: 'basic' as const, data: { username: 'u', password: 'p' } },
    };
    const listener = await URLEndpointListener.create(args);
    expect(fake.last('URLEndpointListener_createListener')).toBe(args);
    expect(listener.getId()).toBe('l');
    expect(listener.getCollections()).toBe(collections);
    expect(listener.getNetworkInterface()).toBe('0.0.0.0');
    expect(listener.getDisableTLS()).toBe(true);
    expect(listener.getEnableDeltaSync()).toBe(false);
  });

  it('takes Collection objects', async () => {
    const database = new Database('travel', null, 'handle');
    const collection = new Collection('c', new Scope('s', database), database);
    await URLEndpointListener.create({ collections: [collection] });
    expect(fake.last('URLEndpointListener_createListener')).toEqual({ collections });
  });

  it('tells the real port and URLs while it runs', async () => {
    const listener = await URLEndpointListener.create({ collections });
    expect(listener.getPort()).toBe(0);
    expect(listener.getUrls()).toEqual([]);
    await listener.start();
    expect(fake.last('URLEndpointListener_startListener')).toEqual({ listenerId: 'l' });
    expect(listener.getPort()).toBe(5001);
    expect(listener.getUrls()).toEqual(['wss://host:5001/travel']);
    await listener.stop();
    expect(listener.getPort()).toBe(0);
    expect(listener.getUrls()).toEqual([]);
  });

  it('works over an engine that tells nothing at start', async () => {
    fake.on('URLEndpointListener_startListener', () => undefined);
    const listener = await URLEndpointListener.create({ collections, port: 4984 });
    await listener.start();
    expect(listener.getPort()).toBe(4984);
  });

  it('counts connections', async () => {
    const listener = await URLEndpointListener.create({ collections });
    await expect(listener.getStatus()).resolves.toEqual({
      connectionsCount: 2,
      activeConnectionCount: 1,
    });
  });

  it('deletes identities', async () => {
    await URLEndpointListener.deleteIdentity({ label: 'mine' });
    expect(fake.last('URLEndpointListener_deleteIdentity')).toEqual({ label: 'mine' });
  });
});
