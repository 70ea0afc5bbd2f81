/** The real npm package cbl-ionic 0.2.6 on our engine (api §3.1, §16.1). */

import { mkdtempSync } from 'fs';
import { join } from 'path';
import { CouchbaseLiteException, engine, registerEngineIn } from 'settee';
import { needs } from './support/needs';
import { findPeer } from './support/peer';
import { scratchFolder } from './support/scratch';
import { until } from './support/wait';

const { folder, missing } = findPeer<{ folder: string }>('cbl-ionic.js');
const test = needs(folder !== undefined, missing);
const scratch = scratchFolder();

/** The package; typed loosely, as its declarations come with it and it may not be there. */
let cbl: any;
let database: any;
let collection: any;

beforeAll(async () => {
  if (folder !== undefined) {
    cbl = require(require.resolve('cbl-ionic', { paths: [folder] }));
    registerEngineIn(cbl.EngineLocator);
    const config = new cbl.DatabaseConfiguration();
    config.setDirectory(mkdtempSync(join(scratch, 'db-')));
    database = new cbl.Database('real', config);
    await database.open();
    collection = await database.createCollection('things', 'some');
  }
});

afterAll(() => database?.close());

describe('cbl-ionic 0.2.6', () => {
  test('is the real one, and is given our engine', () => {
    const { version } = require(join(folder as string, 'node_modules/cbl-ionic/package.json'));
    expect(version).toBe('0.2.6');
    expect(cbl.EngineLocator.getEngine(cbl.EngineLocator.key)).toBe(engine);
    expect(database.getEngine()).toBe(engine);
    expect(database).not.toBeInstanceOf(require('settee').Database);
  });

  test('finds scopes and collections', async () => {
    expect(collection.fullName()).toBe('some.things');
    expect((await database.scopes()).map(({ name }: any) => name).sort()).toEqual([
      '_default',
      'some',
    ]);
    const found = await database.collection('things', 'some');
    expect(found).toBeInstanceOf(cbl.Collection);
    expect((await database.collections('some')).map(({ name }: any) => name)).toEqual(['things']);
    expect((await database.defaultCollection()).fullName()).toBe('_default._default');
    await expect(database.scope('unknown')).resolves.toBeUndefined();
    expect(await database.getPath()).toContain('real.cblite2');
  });

  test('saves and gets documents', async () => {
    const document = new cbl.MutableDocument('hotel');
    const date = new Date('2026-11-25T09:30:00.000Z');
    document
      .setString('name', 'Ritz')
      .setInt('stars', 5)
      .setBoolean('open', true)
      .setDate('since', date)
      .setArray('tags', ['a', { b: null }])
      .setDictionary('at', { lat: 48.868, lon: 2.329 });
    await collection.save(document);
    expect(document.getId()).toBe('hotel');
    expect(document.getRevisionID()).toMatch(/^1-[0-9a-f]{40}$/);
    expect(document.getSequence()).toBe(1);

    const read = await collection.document('hotel');
    expect(read).toBeInstanceOf(cbl.Document);
    expect(read.getString('name')).toBe('Ritz');
    expect(read.getInt('stars')).toBe(5);
    expect(read.getBoolean('open')).toBe(true);
    expect(read.getDate('since')).toEqual(date);
    expect(read.getArray('tags')).toEqual(['a', { b: null }]);
    expect(read.getDictionary('at')).toEqual({ lat: 48.868, lon: 2.329 });
    expect(read.getRevisionID()).toBe(document.getRevisionID());

    const changed = cbl.MutableDocument.fromDocument(read);
    changed.setInt('stars', 4).remove('open');
    await collection.save(changed);
    expect((await collection.document('hotel')).getData()).toEqual({
      name: 'Ritz',
      stars: 4,
      since: date.toISOString(),
      tags: ['a', { b: null }],
      at: { lat: 48.868, lon: 2.329 },
    });
    const nameless = new cbl.MutableDocument();
    await collection.save(nameless);
    expect(nameless.getId()).toMatch(/^[0-9a-f-]{36}$/);
    await expect(collection.count()).resolves.toEqual({ count: 2 });
    await expect(collection.document('unknown')).resolves.toBeUndefined();
  });

  test('uses the default collection through the database, as older code does', async () => {
    const document = new cbl.MutableDocument('old', { a: 1 });
    await database.save(document);
    expect((await database.getDocument('old')).getData()).toEqual({ a: 1 });
    await expect(database.getDocument('unknown')).resolves.toBeNull();
    await expect(database.getCount()).resolves.toBe(1);
    await database.deleteDocument(document);
    await expect(database.getCount()).resolves.toBe(0);
  });

  test('refuses a conflicting save with FAIL_ON_CONFLICT, without a word', async () => {
    await collection.save(new cbl.MutableDocument('fought', { by: 'first' }));
    const late = new cbl.MutableDocument('fought', { by: 'second' });
    await collection.save(late, cbl.ConcurrencyControl.FAIL_ON_CONFLICT);
    expect((await collection.document('fought')).getString('by')).toBe('first');
  });

  test('listens to a collection and to a document', async () => {
    const [changes, ofDocument]: any[][] = [[], []];
    const token = await collection.addChangeListener((change: any) => changes.push(change));
    const documentToken = await collection.addDocumentChangeListener('watched', (change: any) =>
      ofDocument.push(change),
    );
    await collection.save(new cbl.MutableDocument('watched'));
    await collection.save(new cbl.MutableDocument('unwatched'));
    await until(
      () => changes.flatMap(({ documentIDs }) => documentIDs).length >= 2,
      'both changes',
    );
    expect(changes.flatMap(({ documentIDs }) => documentIDs)).toEqual(['watched', 'unwatched']);
    expect(ofDocument).toEqual([{ documentId: 'watched', collection, database }]);

    await collection.removeChangeListener(token);
    await collection.removeDocumentChangeListener(documentToken);
    await collection.save(new cbl.MutableDocument('watched', { again: true }));
    await collection.count();
    expect(changes.flatMap(({ documentIDs }) => documentIDs)).toHaveLength(2);
    expect(ofDocument).toHaveLength(1);
  });

  test('stores blobs, and reads them later or at once', async () => {
    const document = new cbl.MutableDocument('pictures');
    const large = Uint8Array.from({ length: 200_000 }, (_, index) => index * 7);
    document.setString('title', 'two');
    document.setBlob('small', new cbl.Blob('image/png', Uint8Array.from([1, 2, 255])));
    document.setBlob('large', new cbl.Blob('image/jpeg', large));
    await collection.save(document);

    const read = await collection.document('pictures');
    expect(new Uint8Array(await read.getBlobContent('small'))).toEqual(
      Uint8Array.from([1, 2, 255]),
    );
    // Synchronous in this version.
    const small = read.getBlob('small');
    expect(small).toBeInstanceOf(cbl.Blob);
    expect(small.getBytes()).toEqual(Uint8Array.from([1, 2, 255]));
    expect(small.getContentType()).toBe('image/png');
    expect(small.getLength()).toBe(3);
    expect(small.getDigest()).toMatch(/^sha1-/);
    expect(Buffer.from(read.getBlob('large').getBytes()).equals(Buffer.from(large))).toBe(true);
    expect(read.getBlob('title')).toBeNull();

    // What that hangs on does not show.
    const metadata = read.getData().small;
    expect(Object.keys(metadata).sort()).toEqual(['@type', 'content_type', 'digest', 'length']);
    expect(JSON.stringify(metadata)).not.toContain('raw');
    expect({ ...metadata }).not.toHaveProperty('raw');

    const changed = cbl.MutableDocument.fromDocument(read);
    changed.setString('title', 'still two');
    await collection.save(changed);
    const again = await collection.document('pictures');
    expect(again.getBlob('small').getBytes()).toEqual(Uint8Array.from([1, 2, 255]));
  });

  test('deletes, purges, expires', async () => {
    for (const id of ['deleted', 'purged', 'purged by id', 'expired']) {
      await collection.save(new cbl.MutableDocument(id));
    }
    const get = (id: string) => collection.document(id);
    await collection.deleteDocument(await get('deleted'));
    await collection.purge(await get('purged'));
    await collection.purgeById('purged by id');
    await collection.setDocumentExpiration('expired', new Date(0));
    for (const id of ['deleted', 'purged', 'purged by id']) {
      await expect(get(id)).resolves.toBeUndefined();
    }
    for (let tries = 0; tries < 500 && (await get('expired')) !== undefined; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await expect(get('expired')).resolves.toBeUndefined();
    const error = await collection.purgeById('purged').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CouchbaseLiteException);
    await database.deleteCollection(await database.createCollection('gone'));
    await expect(database.collection('gone')).rejects.toBeInstanceOf(CouchbaseLiteException);
  });

  test('logs, maintains, encrypts, copies, closes and deletes', async () => {
    const directory = mkdtempSync(join(scratch, 'second-'));
    const config = new cbl.DatabaseConfiguration();
    config.setDirectory(directory);
    const second = new cbl.Database('second', config);
    await cbl.Database.setLogLevel(cbl.LogDomain.ALL, cbl.LogLevel.NONE);
    await second.open();
    await (await second.defaultCollection()).save(new cbl.MutableDocument('x'));
    await second.performMaintenance(cbl.MaintenanceType.INTEGRITY_CHECK);
    await second.changeEncryptionKey('key');
    await second.copy(await second.getPath(), 'third', config);
    await expect(cbl.Database.exists('third', directory)).resolves.toBe(true);
    await cbl.Database.deleteDatabase('third', directory);
    await expect(cbl.Database.exists('third', directory)).resolves.toBe(false);
    await second.close();
    await second.open();
    await second.deleteDatabase();
    await expect(cbl.Database.exists('second', directory)).resolves.toBe(false);
  });

  test('gives the synchronous getBlob of a closed database an exception', async () => {
    const config = new cbl.DatabaseConfiguration();
    config.setDirectory(mkdtempSync(join(scratch, 'closed-')));
    const closed = new cbl.Database('closed', config);
    await closed.open();
    const things = await closed.defaultCollection();
    const document = new cbl.MutableDocument('x');
    document.setBlob('b', new cbl.Blob('a/b', Uint8Array.from([1])));
    await things.save(document);
    const read = await things.document('x');
    await closed.close();
    expect(() => read.getBlob('b')).toThrow(CouchbaseLiteException);
  });

  test('is told about replicated documents', async () => {
    await collection.save(new cbl.MutableDocument('travels', { a: 1 }));
    const { URLEndpointListener } = require('settee');
    const collections = [
      { name: collection.name, scopeName: collection.scope.name, databaseName: 'real' },
    ];
    const listener = await URLEndpointListener.create({
      collections,
      networkInterface: '127.0.0.1',
    });
    await listener.start();
    const other = new cbl.Database('other', database.config);
    await other.open();
    const config = new cbl.ReplicatorConfiguration(
      new cbl.URLEndpoint(`wss://127.0.0.1:${listener.getPort()}/real`),
    );
    config.addCollection(await other.createCollection('things', 'some'));
    const replicator = await cbl.Replicator.create(config);
    const ids: string[] = [];
    await replicator.addDocumentChangeListener(({ documents }: any) =>
      ids.push(...documents.map(({ id }: any) => id)),
    );
    await replicator.start(false);
    await until(() => ids.includes('travels'), 'the document');
    await replicator.stop();
    await listener.stop();
    await other.close();
  });
});
