/** Conflicts that a function of the application decides. */

import { join } from 'path';
import {
  type Collection,
  CollectionConfig,
  type Conflict,
  type ConflictResolver,
  type Document,
  EngineLocator,
  engine,
  type ICoreEngine,
  MutableDocument,
  Replicator,
  ReplicatorConfiguration,
  type SetteeEngine,
  URLEndpoint,
} from 'settee';
import { channelEngine } from './support/channel-engine';
import { FakeEngine } from './support/fake-engine';
import { openDefault } from './support/peers';
import { listenPlainly, replicateOnce } from './support/replication';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

afterEach(() => {
  EngineLocator.registerEngine(EngineLocator.key, engine);
  jest.restoreAllMocks();
});

let count = 0;

async function save(collection: Collection, id: string, data: object): Promise<void> {
  await collection.save(new MutableDocument(id, data as any));
}

async function data(collection: Collection, id: string): Promise<object | undefined> {
  return (await collection.document(id))?.getData();
}

/** Two peers with one document that has changed on both. */
async function apart() {
  count += 1;
  const there = await listenPlainly(`there${count}`, folder);
  const here = await openDefault(`here${count}`, folder);
  await save(here.collection, 'x', { v: 0 });
  await replicateOnce(here.collection, there.url);
  await save(here.collection, 'x', { v: 'here', mine: 1 });
  await save(there.collection, 'x', { v: 'there', theirs: 2 });
  return {
    here,
    there,
    resolve: (resolver: ConflictResolver) => {
      const config = new CollectionConfig();
      config.setConflictResolver(resolver);
      return replicateOnce(here.collection, there.url, undefined, config);
    },
    end: async () => {
      await there.listener.stop();
      await here.database.close();
      await there.database.close();
    },
  };
}

describe.each([
  ['the native engine', () => ({ engine: engine as SetteeEngine, close: () => undefined })],
  ['a structured-clone-only channel', () => channelEngine(engine)],
])('setConflictResolver over %s', (_title, make) => {
  let subject: { engine: SetteeEngine; close(): void };

  beforeAll(() => {
    subject = make();
  });

  beforeEach(() => {
    EngineLocator.registerEngine(EngineLocator.key, subject.engine);
  });

  afterAll(() => subject.close());

  it('gives both documents and takes what the function makes of them', async () => {
    const peers = await apart();
    const conflicts: Conflict[] = [];
    const run = await peers.resolve(async (conflict) => {
      conflicts.push(conflict);
      return new MutableDocument(conflict.documentId, {
        ...conflict.remoteDocument?.getData(),
        ...conflict.localDocument?.getData(),
      });
    });
    expect(run.error).toBeUndefined();
    expect(run.documents.filter(({ error }) => error)).toEqual([]);
    const [{ documentId, collection, localDocument, remoteDocument }] = conflicts;
    expect(conflicts).toHaveLength(1);
    expect(documentId).toBe('x');
    expect(collection.name).toBe('_default');
    expect(localDocument?.getData()).toEqual({ v: 'here', mine: 1 });
    expect(localDocument?.getRevisionID()).toMatch(/^2-/);
    expect(remoteDocument?.getData()).toEqual({ v: 'there', theirs: 2 });
    for (const { collection } of [peers.here, peers.there]) {
      expect(await data(collection, 'x')).toEqual({ v: 'here', mine: 1, theirs: 2 });
    }
    await peers.end();
  });

  it.each<[string, (conflict: Conflict) => Document | null, object | undefined]>([
    ['the local document', ({ localDocument }) => localDocument, { v: 'here', mine: 1 }],
    ['the remote document', ({ remoteDocument }) => remoteDocument, { v: 'there', theirs: 2 }],
    ['null, which deletes', () => null, undefined],
    [
      'a document that was changed in place',
      ({ localDocument }) => {
        (localDocument as Document).getData().changed = true;
        return localDocument;
      },
      { v: 'here', mine: 1, changed: true },
    ],
  ])('takes %s', async (_what, resolver, expected) => {
    const peers = await apart();
    await peers.resolve(resolver);
    for (const { collection } of [peers.here, peers.there]) {
      expect(await data(collection, 'x')).toEqual(expected);
    }
    await peers.end();
  });

  it('keeps the conflict of a function that throws, and asks again at the next start', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const peers = await apart();
    const failing: ConflictResolver[] = [
      () => {
        throw new Error('cannot decide');
      },
      () => Promise.reject(new Error('cannot decide')),
      () => undefined as unknown as null,
      () => ({ v: 'no document' }) as unknown as Document,
      () => new MutableDocument('x').setBlob('b', blob()),
    ];
    for (const resolver of failing) {
      const { documents } = await peers.resolve(resolver);
      const [failed] = documents.filter(({ isPush, error }) => !isPush && error);
      expect(failed).toMatchObject({ id: 'x', error: { domain: 'CouchbaseLite', code: 10 } });
      expect(failed.error?.message).toContain('"x"'.slice(1, 2));
    }
    expect(printed).toHaveBeenCalledTimes(failing.length);
    expect(await data(peers.there.collection, 'x')).toEqual({ v: 'there', theirs: 2 });
    await peers.resolve(({ localDocument }) => localDocument);
    expect(await data(peers.there.collection, 'x')).toEqual({ v: 'here', mine: 1 });
    await peers.end();
  });

  it('lets the function read and save documents', async () => {
    const peers = await apart();
    let asked = 0;
    await peers.resolve(async ({ documentId, collection }) => {
      asked += 1;
      await save(collection, 'note', { about: documentId });
      if (asked === 1) {
        await save(collection, documentId, { saved: 'by the resolver' });
      }
      return (await collection.document(documentId)) as Document;
    });
    expect(asked).toBe(2);
    for (const { collection } of [peers.here, peers.there]) {
      expect(await data(collection, 'x')).toEqual({ saved: 'by the resolver' });
    }
    await peers.end();
  });
});

function blob() {
  const { Blob } = require('settee');
  return new Blob('text/plain', new Uint8Array([1]));
}

it('gives up on a function that does not answer', async () => {
  const peers = await apart();
  const { documents } = await peers.resolve(() => new Promise(() => undefined));
  const [failed] = documents.filter(({ isPush }) => !isPush);
  expect(failed.error).toMatchObject({ code: 10 });
  expect(failed.error?.message).toContain('took too long');
  await peers.end();
}, 30000);

it('is kept by clones and taken away by null', () => {
  const config = new CollectionConfig();
  expect(config.getConflictResolver()).toBeUndefined();
  const resolver: ConflictResolver = ({ localDocument }) => localDocument;
  config.setConflictResolver(resolver);
  expect(config.getConflictResolver()).toBe(resolver);
  config.setConflictResolver(null);
  expect(config.getConflictResolver()).toBeUndefined();
  expect(() => config.setConflictResolver('text' as any)).toThrow(TypeError);
});

it('is refused by an engine that cannot ask', async () => {
  const { database, collection } = await openDefault('plain', folder);
  const fake = new FakeEngine({ replicator_Create: () => ({ replicatorId: 'r' }) });
  EngineLocator.registerEngine(EngineLocator.key, fake as unknown as ICoreEngine);
  const config = new ReplicatorConfiguration(new URLEndpoint('ws://127.0.0.1:1/db'));
  const group = new CollectionConfig();
  group.setConflictResolver(() => null);
  config.addCollection(collection, group);
  await expect(Replicator.create(config)).rejects.toMatchObject({ code: 19 });
  EngineLocator.registerEngine(EngineLocator.key, engine);
  await database.close();
});

it('needs a token where the engine is called directly, and takes none without need', async () => {
  const { database, collection } = await openDefault('direct', folder);
  const config = new ReplicatorConfiguration(new URLEndpoint('ws://127.0.0.1:1/db'));
  config.addCollection(collection);
  const plain = { config: config.toJson() };
  await expect(
    (engine as any).replicator_Create({ ...plain, changeListenerToken: 't' }, () => undefined),
  ).rejects.toMatchObject({ code: 9 });
  const group = new CollectionConfig();
  group.setConflictResolver(() => null);
  config.addCollection(collection, group);
  await expect(engine.replicator_Create({ config: config.toJson() })).rejects.toMatchObject({
    code: 9,
  });
  await database.close();
});
