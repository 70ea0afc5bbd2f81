import { Collection, Database, EngineLocator, MutableDocument, Scope } from 'settee';
import { FakeEngine } from './support/fake-engine';

const real = EngineLocator.getEngine(EngineLocator.key);
let fake: FakeEngine;
let database: Database;
let collection: Collection;

beforeEach(() => {
  fake = FakeEngine.register({
    collection_Save: () => ({ _id: 'x', _revId: '1-a', _sequence: 1 }),
    collection_CreateCollection: () => ({ name: 'd', scope: { name: '_default' } }),
  });
  database = new Database('travel', null, 'handle');
  collection = new Collection('c', new Scope('s', database), database);
});

afterAll(() => FakeEngine.unregister(real));

describe('inBatch', () => {
  it('puts what the function calls between begin and commit', async () => {
    await database.inBatch(() => {
      collection.save(new MutableDocument('a'));
      collection.purgeById('b');
      database.createCollection('d');
    });
    expect(fake.names()).toEqual([
      'database_BeginBatch',
      'collection_Save',
      'collection_PurgeDocument',
      'collection_CreateCollection',
      'database_EndBatch',
    ]);
    expect(fake.last('database_EndBatch')).toEqual({ name: 'handle', commit: true });
  });

  it('rolls back and rejects with what the function throws', async () => {
    const thrown = new Error('mine');
    const batch = database.inBatch(() => {
      collection.save(new MutableDocument('a'));
      throw thrown;
    });
    await expect(batch).rejects.toBe(thrown);
    expect(fake.last('database_EndBatch').commit).toBe(false);
  });

  it('rejects with the error of the commit, and the calls inside count as handled', async () => {
    fake.on('collection_Save', () => Promise.reject(new Error('rolled back')));
    fake.on('database_EndBatch', () => Promise.reject(new Error('document id is too long')));
    const batch = database.inBatch(() => {
      collection.save(new MutableDocument('a'));
    });
    await expect(batch).rejects.toThrow('document id is too long');
  });

  it('rejects when only a call failed', async () => {
    fake.on('collection_Save', () => Promise.reject(new Error('no')));
    const batch = database.inBatch(() => void collection.save(new MutableDocument('a')));
    await expect(batch).rejects.toThrow('no');
  });

  it('writes nothing when a call fails before it reaches the engine', async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const batch = database.inBatch(() => {
      collection.save(new MutableDocument('good'));
      collection.save(new MutableDocument('bad', cyclic));
    });
    await expect(batch).rejects.toThrow('document "bad" cannot be written as JSON');
    expect(fake.last('database_EndBatch').commit).toBe(false);
  });

  it('refuses an async function', async () => {
    const batch = database.inBatch((async () => {
      await collection.save(new MutableDocument('a'));
    }) as () => void);
    await expect(batch).rejects.toThrow('inBatch: the function must not be async');
    expect(fake.last('database_EndBatch').commit).toBe(false);
  });

  it('joins an outer batch of the same database', async () => {
    let inner: Promise<void> | undefined;
    await database.inBatch(() => {
      inner = database.inBatch(() => void collection.save(new MutableDocument('a')));
    });
    await inner;
    expect(fake.names()).toEqual(['database_BeginBatch', 'collection_Save', 'database_EndBatch']);
  });

  it('fails the outer batch when an inner one fails', async () => {
    const batch = database.inBatch(() => {
      database
        .inBatch(() => {
          throw new Error('inner');
        })
        .catch(() => undefined);
    });
    await expect(batch).rejects.toThrow('inner');
    expect(fake.last('database_EndBatch').commit).toBe(false);
  });

  it('leaves calls on another database alone', async () => {
    const other = new Database('other', null, 'other_handle');
    fake.on('collection_Save', ({ name }) =>
      name === 'other_handle' ? Promise.reject(new Error('theirs')) : { _id: 'x' },
    );
    let theirs: Promise<void> | undefined;
    await database.inBatch(() => {
      theirs = new Collection('c', null, other).save(new MutableDocument('a'));
      theirs.catch(() => undefined);
    });
    await expect(theirs).rejects.toThrow('theirs');
  });

  it('runs nothing on an engine without transactions', async () => {
    const poor = { getUUID: () => 'x' } as any;
    EngineLocator.registerEngine('default', poor);
    const run = jest.fn();
    await expect(new Database('x', null, 'y').inBatch(run)).rejects.toMatchObject({ code: 19 });
    expect(run).not.toHaveBeenCalled();
  });
});
