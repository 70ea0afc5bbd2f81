/** `inBatch` on the real engine: one transaction, one change (api §4.3). */

import {
  Blob,
  Collection,
  CouchbaseLiteException,
  type Database,
  MaintenanceType,
  MutableDocument,
} from 'settee';
import { openDefault } from './support/peers';
import { scratchFolder } from './support/scratch';
import { until } from './support/wait';

const folder = scratchFolder();
let database: Database;
let collection: Collection;
let opened = 0;

beforeEach(async () => {
  ({ database, collection } = await openDefault(`batch${opened++}`, folder));
});

afterEach(() => database.close());

const count = async () => (await collection.count()).count;

describe('inBatch', () => {
  it('writes everything, and other handles hear one change', async () => {
    const other = await openDefault(database.getName(), folder);
    const heard: string[][] = [];
    await other.collection.addChangeListener(({ documentIDs }) => heard.push(documentIDs));
    await collection.save(new MutableDocument('old'));
    await until(() => heard.length === 1, 'the first change');
    const documents = [1, 2, 3].map((number) => new MutableDocument(`d${number}`, { number }));
    await database.inBatch(() => {
      for (const document of documents) {
        collection.save(document);
      }
      collection.purgeById('old');
    });
    expect(documents.map((document) => document.getSequence())).toEqual([2, 3, 4]);
    await until(() => heard.length === 2, 'the change of the batch');
    expect([...heard[1]].sort()).toEqual(['d1', 'd2', 'd3', 'old']);
    await expect(count()).resolves.toBe(3);
    await other.database.close();
  });

  it('writes nothing when its function throws or a call fails', async () => {
    const heard: string[] = [];
    await collection.addChangeListener(({ documentIDs }) => heard.push(...documentIDs));
    const thrown = new Error('mine');
    const throwing = database.inBatch(() => {
      collection.save(new MutableDocument('a'));
      throw thrown;
    });
    await expect(throwing).rejects.toBe(thrown);
    const failing = database.inBatch(() => {
      collection.save(new MutableDocument('a'));
      collection.purgeById('nobody');
      collection.save(new MutableDocument('b'));
    });
    await expect(failing).rejects.toBeInstanceOf(CouchbaseLiteException);
    await expect(failing).rejects.toThrow('nobody');
    await expect(count()).resolves.toBe(0);
    await collection.save(new MutableDocument('c'));
    await until(() => heard.length > 0, 'the change');
    expect(heard).toEqual(['c']);
    expect((await collection.document('c'))?.getSequence()).toBe(1);
  });

  it('takes collections and blobs with it', async () => {
    const document = new MutableDocument('x');
    document.setBlob('b', new Blob('a/b', Buffer.alloc(100_000, 7)));
    const batch = (fail: boolean) =>
      database.inBatch(() => {
        const made = new Collection('made', collection.scope, database);
        database.createCollection('made');
        made.save(new MutableDocument('inside'));
        collection.save(document);
        collection.setDocumentExpiration('x', new Date('2100-01-01'));
        if (fail) {
          collection.purgeById('nobody');
        }
      });
    await expect(batch(true)).rejects.toThrow('nobody');
    await expect(database.collections()).resolves.toHaveLength(1);
    await batch(false);
    const made = await database.collection('made');
    await expect(made.count()).resolves.toEqual({ count: 1 });
    await expect(collection.getDocumentExpiration('x')).resolves.toEqual(new Date('2100-01-01'));
    const read = await collection.document('x');
    expect((await read?.getBlobContent('b'))?.byteLength).toBe(100_000);
    await database.performMaintenance(MaintenanceType.INTEGRITY_CHECK);
  });

  it('answers reads from inside the transaction', async () => {
    const answers: Promise<unknown>[] = [];
    await database.inBatch(() => {
      collection.save(new MutableDocument('x', { a: 1 }));
      answers.push(collection.count(), collection.document('x'));
      collection.purgeById('x');
      answers.push(collection.count());
    });
    const [saved, document, purged] = await Promise.all(answers);
    expect(saved).toEqual({ count: 1 });
    expect((document as MutableDocument).getData()).toEqual({ a: 1 });
    expect(purged).toEqual({ count: 0 });
  });

  it('stands in line with calls before and after it', async () => {
    const calls: Promise<unknown>[] = [
      collection.save(new MutableDocument('x', { at: 1 })),
      database.inBatch(() => {
        collection.save(new MutableDocument('x', { at: 2 }));
      }),
      collection.document('x').then((document) => expect(document?.getInt('at')).toBe(2)),
      collection.save(new MutableDocument('x', { at: 3 })),
    ];
    await Promise.all(calls);
    expect((await collection.document('x'))?.getInt('at')).toBe(3);
  });
});
