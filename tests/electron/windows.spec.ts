/**
 * Two sandboxed windows of a real Electron, each with the classes of the package and no Node: they
 * keep documents, query, listen, replicate with each other, and leave nothing behind.
 */

import { existsSync } from 'fs';
import { connect } from 'net';
import { join } from 'path';
import { ElectronApp, realElectron } from './support/electron-app';

const electron = realElectron();
const NOTHING = { databases: 0, subscriptions: 0, replicators: 0, listeners: 0 };

/** What the functions that run in pages keep there; they close over nothing else. */
declare const window: any;

if (electron.missing !== '') {
  it.skip(`two windows of a real Electron [skipped: ${electron.missing}]`, () => undefined);
} else {
  describe('two windows of a real Electron', () => windows());
}

function windows(): void {
  const app = new ElectronApp();
  let kitchen: number;
  let phone: number;
  let port: number;

  beforeAll(async () => {
    await app.start(electron);
    kitchen = await app.open({ directory: join(app.folder, 'kitchen') });
    phone = await app.open({ directory: join(app.folder, 'phone') });
  });

  afterAll(async () => {
    await app.stop();
    expect(app.fatal).toEqual([]);
    expect(app.complaints).toEqual([]);
  });

  it('are sandboxed and isolated, and have the bridge and no Node', async () => {
    const { electron: version } = await app.ask('versions');
    expect(version).toMatch(/^\d+\./);
    const seen = await app.run(kitchen, () => ({
      node: [typeof (globalThis as any).require, typeof (globalThis as any).process],
      bridge: Object.keys(window.settee).sort(),
      prototype: Object.getPrototypeOf(window.settee) === Object.prototype,
    }));
    expect(seen).toEqual({
      node: ['undefined', 'undefined'],
      bridge: ['listen', 'post', 'version'],
      prototype: true,
    });
  });

  it('open a database and save documents with a blob', async () => {
    const found = await app.run(kitchen, async (api) => {
      const database = new api.Database('recipes', new api.DatabaseConfiguration());
      await database.open();
      const dishes = await database.createCollection('dishes');
      const soup = new api.MutableDocument('soup', { name: 'Tomato soup', minutes: 40 });
      soup.setBlob('photo', new api.Blob('image/png', new Uint8Array([1, 2, 3, 250])));
      await dishes.save(soup);
      window.kitchen = { database, dishes };
      const stored: any = await dishes.document('soup');
      const photo = await stored.getBlob('photo');
      const content = await stored.getBlobContent('photo');
      return {
        dictionary: stored.toDictionary(),
        bytes: Array.from(photo?.getBytes() as any),
        content: [Object.prototype.toString.call(content), content.byteLength],
        path: await database.getPath(),
      };
    });
    expect(found).toMatchObject({
      dictionary: { name: 'Tomato soup', minutes: 40 },
      bytes: [1, 2, 3, 250],
      content: ['[object ArrayBuffer]', 4],
    });
    expect(existsSync(join(app.folder, 'kitchen', 'recipes.cblite2'))).toBe(true);
  });

  it('are told of changes', async () => {
    const told = await app.run(kitchen, async (api) => {
      const { dishes } = window.kitchen;
      const ids: string[] = [];
      const token = await dishes.addChangeListener(({ documentIDs }: any) =>
        ids.push(...documentIDs),
      );
      await dishes.save(new api.MutableDocument('bread', { name: 'Bread', minutes: 90 }));
      while (ids.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await dishes.removeChangeListener(token);
      return ids;
    });
    expect(told).toEqual(['bread']);
  });

  it('see a live query change', async () => {
    const results = await app.run(kitchen, async (api) => {
      const { database, dishes } = window.kitchen;
      const query = database.createQuery(
        'SELECT name FROM dishes WHERE minutes > $least ORDER BY name',
      );
      query.parameters.setInt('least', 30);
      const seen: any[] = [];
      const token = await query.addChangeListener(({ results }: any) => seen.push(results));
      const names = () => JSON.stringify(seen[seen.length - 1]);
      while (seen.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const before = names();
      await dishes.save(new api.MutableDocument('stew', { name: 'Stew', minutes: 180 }));
      while (names() === before) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await query.removeChangeListener(token);
      return [before, names()];
    });
    expect(results.map((text) => JSON.parse(text).map(({ name }: any) => name))).toEqual([
      ['Bread', 'Tomato soup'],
      ['Bread', 'Stew', 'Tomato soup'],
    ]);
  });

  it('listen with TLS in one and replicate to it from the other', async () => {
    port = await app.run(kitchen, async (api) => {
      const { dishes } = window.kitchen;
      const listener = await api.URLEndpointListener.create({
        collections: [dishes],
        networkInterface: '127.0.0.1',
        authenticatorConfig: {
          type: 'basic',
          authenticate: async (name: string, password: string) =>
            name === 'cook' && password === 'basil',
        },
      });
      await listener.start();
      window.kitchen.listener = listener;
      return listener.getPort();
    });
    const phoned = await app.run(
      phone,
      async (api, url) => {
        const database = new api.Database('copies', new api.DatabaseConfiguration());
        await database.open();
        const dishes = await database.createCollection('dishes');
        await dishes.save(new api.MutableDocument('cake', { name: 'Cake', minutes: 60 }));
        const config = new api.ReplicatorConfiguration(new api.URLEndpoint(url));
        config.addCollection(dishes);
        config.setContinuous(true);
        config.setAuthenticator(new api.BasicAuthenticator('cook', 'basil'));
        const replicator = await api.Replicator.create(config);
        let level = -1;
        await replicator.addChangeListener(({ status }: any) => {
          level = status.getActivityLevel();
        });
        await replicator.start(false);
        window.phone = { database, dishes, replicator };
        while (level !== api.ReplicatorActivityLevel.IDLE) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        const soup: any = await dishes.document('soup');
        return [soup.getString('name'), (await soup.getBlobContent('photo')).byteLength];
      },
      `wss://127.0.0.1:${port}/recipes`,
    );
    expect(phoned).toEqual(['Tomato soup', 4]);
    const cake = await app.run(kitchen, async () => {
      const { dishes } = window.kitchen;
      for (;;) {
        const found = await dishes.document('cake');
        if (found) {
          return found.getString('name');
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    expect(cake).toBe('Cake');
    expect(await app.ask('usage', kitchen)).toMatchObject({ databases: 1, listeners: 1 });
    expect(await app.ask('usage', phone)).toMatchObject({ databases: 1, replicators: 1 });
  });

  it('save and sync on after one reloads in the middle of both', async () => {
    await app.run(phone, async (api) => {
      const { dishes } = window.phone;
      for (let n = 0; n < 2000; n += 1) {
        dishes.save(new api.MutableDocument(`n${n}`, { n }));
      }
    });
    await app.ask('reload', phone);
    const count = await app.run(phone, async (api) => {
      const database = new api.Database('copies', new api.DatabaseConfiguration());
      await database.open();
      const dishes = await database.createCollection('dishes');
      window.phone = { database, dishes };
      await dishes.save(new api.MutableDocument('after', { after: true }));
      return (await dishes.count()).count;
    });
    // Calls that had left the page before it went are made; each is whole.
    expect(count).toBeGreaterThanOrEqual(3);
    expect(await app.ask('usage', phone)).toEqual({ ...NOTHING, databases: 1 });
    expect(app.fatal).toEqual([]);
  });

  it('release everything when one closes', async () => {
    expect(await open(port)).toBe(true);
    await app.ask('close', kitchen);
    for (let turn = 0; turn < 500 && (await open(port)); turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await open(port)).toBe(false);
    // Nobody has the database open any more, so it can be deleted.
    const args = { databaseName: 'recipes', directory: join(app.folder, 'kitchen') };
    await deleted(args);
    expect(existsSync(join(app.folder, 'kitchen', 'recipes.cblite2'))).toBe(false);
  });

  it('release everything when the page of one crashes', async () => {
    await app.ask('crash', phone);
    await deleted({ databaseName: 'copies', directory: join(app.folder, 'phone') });
    expect(await app.ask('usage', phone)).toEqual(NOTHING);
  });

  it('are refused what is outside their directory', async () => {
    const third = await app.open({ directory: join(app.folder, 'third') });
    const message = await app.run(
      third,
      async (api, directory) => {
        const database = new api.Database('x', new api.DatabaseConfiguration(directory));
        return database.open().then(
          () => '',
          (error) => JSON.stringify([error instanceof Error, error.message, error.domain]),
        );
      },
      join(app.folder, 'elsewhere'),
    );
    expect(JSON.parse(message)).toEqual([
      true,
      expect.stringContaining('outside the directory'),
      'CouchbaseLite',
    ]);
  });

  it('that nobody allowed hang nowhere', async () => {
    const unknown = await app.ask('open', null);
    const message = await app.run(unknown, (api) =>
      api.FileSystem.prototype.getDefaultPath
        .call(new api.FileSystem())
        .catch((error: Error) => error.message),
    );
    expect(message).toContain('not served');
  });

  /** Resolves once the database could be deleted, which takes its last handle to be closed. */
  async function deleted(args: object): Promise<void> {
    for (let turn = 0; ; turn += 1) {
      try {
        await app.ask('engine', { name: 'database_DeleteWithPath', args });
        return;
      } catch (error) {
        if (turn === 500) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

/** Whether somebody listens on a port. */
function open(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
