import {
  Collection,
  Database,
  DatabaseConfiguration,
  DatabaseLogging,
  Document,
  EngineLocator,
  IndexBuilder,
  LogDomain,
  LogLevel,
  MaintenanceType,
  MutableDocument,
  Query,
  Scope,
  ValueIndexItem,
} from 'settee';
import { FakeEngine } from './support/fake-engine';

const real = EngineLocator.getEngine(EngineLocator.key);
let fake: FakeEngine;

beforeEach(() => {
  fake = FakeEngine.register({
    database_Open: ({ name }) => ({ databaseUniqueName: `${name}_handle` }),
    collection_GetCollection: ({ collectionName, scopeName }) => ({
      name: collectionName,
      scope: { name: scopeName, databaseName: 'travel_handle' },
    }),
    collection_CreateCollection: ({ collectionName, scopeName }) => ({
      name: collectionName,
      scope: { name: scopeName, databaseName: 'travel_handle' },
    }),
    collection_GetDefault: () => ({ name: '_default', scope: { name: '_default' } }),
    collection_Save: () => ({ _id: 'saved', _revId: '1-a', _sequence: 5 }),
  });
});

afterAll(() => FakeEngine.unregister(real));

async function opened(config: DatabaseConfiguration | null = null): Promise<Database> {
  const database = new Database('travel', config);
  await database.open();
  return database;
}

describe('a Database before it is opened', () => {
  it('checks and calls nothing', () => {
    const config = new DatabaseConfiguration();
    const database = new Database('travel', config);
    expect(fake.calls).toEqual([]);
    expect(database.getName()).toBe('travel');
    expect(database.getUniqueName()).toBeNull();
    expect(database.getConfig()).toBe(config);
    expect(database.log).toBeInstanceOf(DatabaseLogging);
    expect(Database.defaultScopeName).toBe('_default');
    expect(Database.defaultCollectionName).toBe('_default');
  });

  it('keeps its engine hidden', () => {
    const database = new Database('travel');
    expect(database.getEngine()).toBe(EngineLocator.getEngine('default'));
    expect(Object.values(database)).not.toContain(database.getEngine());
    expect(JSON.stringify(database)).not.toContain('platform');
  });

  it('keeps the engine it was constructed with', () => {
    const database = new Database('travel');
    const engine = database.getEngine();
    FakeEngine.register();
    expect(database.getEngine()).toBe(engine);
  });

  it('cannot be deleted', () => {
    expect(() => new Database('travel').deleteDatabase()).toThrow(
      'Cannot delete a closed database using this API.  Open the database first.',
    );
  });

  it('can be given a handle', async () => {
    const database = new Database('travel', null, 'other_handle');
    await database.deleteDatabase();
    expect(fake.last('database_Delete')).toEqual({ name: 'other_handle' });
  });
});

describe('opening and closing', () => {
  it('sends name and configuration and keeps the handle', async () => {
    const config = new DatabaseConfiguration('/data');
    const database = new Database('travel', config);
    await expect(database.open()).resolves.toBe('travel_handle');
    expect(fake.last('database_Open')).toEqual({ name: 'travel', config });
    expect(database.getUniqueName()).toBe('travel_handle');
  });

  it('flags closed at once, also when the call fails', async () => {
    const database = await opened();
    fake.on('database_Close', () => {
      throw new Error('busy');
    });
    const closing = database.close();
    expect(() => database.deleteDatabase()).toThrow('Cannot delete a closed database');
    await expect(closing).rejects.toThrow('busy');
  });

  it('may be opened again', async () => {
    const database = await opened();
    await database.close();
    await database.open();
    await database.deleteDatabase();
    expect(fake.last('database_Delete')).toEqual({ name: 'travel_handle' });
  });
});

describe('functions on files', () => {
  it('exists and deleteDatabase are static', async () => {
    fake.on('database_Exists', () => ({ exists: true }));
    await expect(Database.exists('travel', '/data')).resolves.toBe(true);
    await Database.deleteDatabase('travel', '/data');
    const args = { databaseName: 'travel', directory: '/data' };
    expect(fake.last('database_Exists')).toEqual(args);
    expect(fake.last('database_DeleteWithPath')).toEqual(args);
  });

  it('copy, path, key, maintenance', async () => {
    fake.on('database_GetPath', () => ({ path: '/data/travel.cblite2' }));
    const config = new DatabaseConfiguration('/data', 'old');
    const database = await opened(config);
    await expect(database.getPath()).resolves.toBe('/data/travel.cblite2');
    await database.copy('/a', 'b', config);
    expect(fake.last('database_Copy')).toMatchObject({ path: '/a', newName: 'b', config });
    await database.changeEncryptionKey('new');
    expect(fake.last('database_ChangeEncryptionKey')).toEqual({
      name: 'travel_handle',
      newKey: 'new',
    });
    expect(config.getEncryptionKey()).toBe('new');
    await database.compact();
    expect(fake.last('database_PerformMaintenance').maintenanceType).toBe(0);
    await database.performMaintenance(MaintenanceType.INTEGRITY_CHECK);
    expect(fake.last('database_PerformMaintenance').maintenanceType).toBe(2);
  });

  it('changes the key of a database without configuration', async () => {
    const database = await opened();
    await expect(database.changeEncryptionKey(null)).resolves.toBeUndefined();
  });
});

describe('logging', () => {
  it('is set for the process, by the class and by an object', async () => {
    await Database.setLogLevel(LogDomain.ALL, LogLevel.INFO);
    expect(fake.last('database_SetLogLevel')).toEqual({ domain: 'ALL', logLevel: 2 });
    await new Database('travel').setLogLevel(LogDomain.QUERY, LogLevel.NONE);
    expect(fake.last('database_SetLogLevel')).toEqual({ domain: 'QUERY', logLevel: 5 });
  });

  it('to files works through database.log and a DatabaseLogging', async () => {
    const database = new Database('travel');
    const config = { level: LogLevel.DEBUG, directory: '/logs' };
    await database.log.setFileConfig(config);
    expect(fake.last('database_SetFileLoggingConfig')).toEqual({ name: 'travel', config });
    await new DatabaseLogging(await opened()).setFileConfig(config);
    expect(fake.last('database_SetFileLoggingConfig').name).toBe('travel_handle');
  });
});

describe('scopes', () => {
  it('come as Scope objects of this database', async () => {
    fake
      .on('scope_GetDefault', () => ({ name: '_default' }))
      .on('scope_GetScope', ({ scopeName }) => ({ name: scopeName }))
      .on('scope_GetScopes', () => ({ scopes: [{ name: '_default' }, { name: 'a' }] }));
    const database = await opened();
    const scope = await database.scope('a');
    expect(scope).toBeInstanceOf(Scope);
    expect(scope?.name).toBe('a');
    expect(scope?.database).toBe(database);
    expect((await database.defaultScope()).name).toBe('_default');
    expect((await database.scopes()).map(({ name }) => name)).toEqual(['_default', 'a']);
  });

  it('are undefined after any failure', async () => {
    fake.on('scope_GetScope', () => {
      throw new Error('closed');
    });
    await expect((await opened()).scope('a')).resolves.toBeUndefined();
    fake.on('scope_GetScope', () => undefined);
    await expect((await opened()).scope('a')).resolves.toBeUndefined();
  });

  it('find their collections as Collection objects', async () => {
    fake.on('collection_GetCollections', () => ({
      collections: [{ name: 'hotels', scope: { name: 'a' } }],
    }));
    const database = await opened();
    const scope = new Scope('a', database);
    const [collection] = await scope.collections();
    expect(collection).toBeInstanceOf(Collection);
    expect(collection.fullName()).toBe('a.hotels');
    expect(fake.last('collection_GetCollections')).toEqual({
      name: 'travel_handle',
      scopeName: 'a',
    });
    expect(await scope.collection('x')).toBeInstanceOf(Collection);
    expect(new Scope(undefined, database).name).toBe('');
  });
});

describe('collections', () => {
  it('take their scope as a name, a Scope, anything with a name, or the default', async () => {
    const database = await opened();
    const scopes = ['a', new Scope('a', database), { name: 'a' } as Scope];
    for (const scope of scopes) {
      const collection = await database.collection('hotels', scope);
      expect(collection.fullName()).toBe('a.hotels');
      expect(collection.database).toBe(database);
    }
    await database.collection('hotels');
    expect(fake.last('collection_GetCollection')).toEqual({
      name: 'travel_handle',
      scopeName: '_default',
      collectionName: 'hotels',
    });
    expect((await database.createCollection('x', 'b')).scope.name).toBe('b');
    expect((await database.defaultCollection()).fullName()).toBe('_default._default');
  });

  it('reject when missing', async () => {
    fake.on('collection_GetCollection', () => {
      throw new Error('not found');
    });
    await expect((await opened()).collection('x')).rejects.toThrow('not found');
  });

  it('are deleted by object or by both names, and by nothing else', async () => {
    const database = await opened();
    const collection = await database.collection('hotels', 'a');
    await database.deleteCollection(collection);
    const names = { name: 'travel_handle', scopeName: 'a', collectionName: 'hotels' };
    expect(fake.last('collection_DeleteCollection')).toEqual(names);
    await database.deleteCollection('hotels', 'a');
    expect(fake.last('collection_DeleteCollection')).toEqual(names);
    for (const bad of [['hotels'], [undefined], [{}], [null, 'a'], [{ name: 'x' }]]) {
      expect(() => (database.deleteCollection as any)(...bad)).toThrow('Invalid arguments');
    }
  });

  it('find work again after closing and opening', async () => {
    const database = await opened();
    const collection = await database.collection('hotels');
    fake.on('database_Open', () => ({ databaseUniqueName: 'second_handle' }));
    await database.close();
    await database.open();
    await collection.count();
    expect(fake.last('collection_GetCount').name).toBe('second_handle');
  });
});

describe('deprecated members', () => {
  it('save writes to the default collection and does not set the collection', async () => {
    const document = new MutableDocument('x', { a: 1 });
    await (await opened()).save(document);
    expect(fake.last('collection_Save')).toEqual({
      name: 'travel_handle',
      scopeName: '_default',
      collectionName: '_default',
      id: 'x',
      document: '{"a":1}',
      blobs: '{}',
      concurrencyControl: null,
    });
    expect(document.getId()).toBe('saved');
    expect(document.getRevisionID()).toBe('1-a');
    expect(document.getSequence()).toBe(5);
    expect(document.getCollection()).toBeNull();
  });

  it('getDocument gives null when missing, otherwise a Document', async () => {
    fake.on('collection_GetDocument', () => ({}));
    const database = await opened();
    await expect(database.getDocument('x')).resolves.toBeNull();
    fake.on('collection_GetDocument', () => ({
      _id: 'x',
      _revId: '1-a',
      _sequence: 2,
      _data: { a: 1 },
    }));
    const document = await database.getDocument('x');
    expect(document).toBeInstanceOf(Document);
    expect(document?.getCollection().fullName()).toBe('_default._default');
    expect(document?.getInt('a')).toBe(1);
  });

  it('forward to the database functions', async () => {
    fake
      .on('database_GetCount', () => ({ count: 4 }))
      .on('database_GetIndexes', () => ({ indexes: ['i'] }));
    const database = await opened();
    const document = new MutableDocument('x');
    await database.deleteDocument(document, 1);
    expect(fake.last('database_DeleteDocument')).toEqual({
      name: 'travel_handle',
      docId: 'x',
      concurrencyControl: 1,
    });
    await database.purgeDocument(document);
    expect(fake.last('database_PurgeDocument')).toEqual({ name: 'travel_handle', docId: 'x' });
    await expect(database.getCount()).resolves.toBe(4);
    await expect(database.getIndexes()).resolves.toEqual(['i']);
    await database.createIndex('i', IndexBuilder.valueIndex(ValueIndexItem.property('a')));
    expect(fake.last('database_CreateIndex')).toEqual({
      name: 'travel_handle',
      indexName: 'i',
      index: { type: 'value', items: [['.a']] },
    });
    await database.deleteIndex('i');
    expect(fake.last('database_DeleteIndex')).toEqual({ name: 'travel_handle', indexName: 'i' });
  });

  it('createQuery looks at nothing', async () => {
    const database = await opened();
    const query = database.createQuery('nonsense');
    expect(query).toBeInstanceOf(Query);
    expect(String(query)).toBe('nonsense');
    expect(query.getDatabase()).toBe(database);
  });
});
