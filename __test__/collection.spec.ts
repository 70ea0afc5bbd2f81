import {
  Blob,
  Collection,
  type CollectionChange,
  CouchbaseLiteException,
  Database,
  Document,
  type DocumentChange,
  EngineLocator,
  IndexBuilder,
  MutableDocument,
  Scope,
  ValueIndexItem,
} from 'settee';
import { FakeEngine } from './support/fake-engine';

const real = EngineLocator.getEngine(EngineLocator.key);
const C = { name: 'handle', scopeName: 's', collectionName: 'c' };
let fake: FakeEngine;
let database: Database;
let collection: Collection;

beforeEach(() => {
  fake = FakeEngine.register({
    collection_Save: () => ({ _id: 'saved', _revId: '1-a', _sequence: 5 }),
  });
  database = new Database('travel', null, 'handle');
  collection = new Collection('c', new Scope('s', database), database);
});

afterAll(() => FakeEngine.unregister(real));

describe('a Collection', () => {
  it('is three names', () => {
    expect(Object.keys(collection).sort()).toEqual(['database', 'name', 'scope']);
    expect(collection.fullName()).toBe('s.c');
    expect(collection.toJson()).toEqual({ name: 'c', scopeName: 's', databaseName: 'handle' });
    expect(collection.getEngine()).toBe(EngineLocator.getEngine('default'));
  });

  it('has a full name that is a string and can be awaited', async () => {
    expect(`${collection.fullName()}`).toBe('s.c');
    expect(await collection.fullName()).toBe('s.c');
  });

  it('without names is empty', () => {
    const empty = new Collection(undefined, undefined, database);
    expect(empty.name).toBe('');
    expect(empty.scope).toBeInstanceOf(Scope);
    expect(empty.scope.name).toBe('');
  });

  it('counts as an object', async () => {
    fake.on('collection_GetCount', () => ({ count: 3 }));
    await expect(collection.count()).resolves.toEqual({ count: 3 });
    expect(fake.last('collection_GetCount')).toEqual(C);
  });
});

describe('documents', () => {
  it('come as Document of this collection', async () => {
    const data = { a: 1 };
    fake.on('collection_GetDocument', () => ({
      _id: 'x',
      _data: data,
      _sequence: 4,
      _revId: '2-b',
    }));
    const document = (await collection.document('x')) as Document;
    expect(document).toBeInstanceOf(Document);
    expect(document).not.toBeInstanceOf(MutableDocument);
    expect(document.getData()).toBe(data);
    expect(document.getSequence()).toBe(4);
    expect(document.getRevisionID()).toBe('2-b');
    expect(document.getCollection()).toBe(collection);
    expect(fake.last('collection_GetDocument')).toEqual({ ...C, docId: 'x' });
    expect((await collection.getDocument('x'))?.getId()).toBe('x');
  });

  it('are undefined when missing', async () => {
    fake.on('collection_GetDocument', () => ({}));
    await expect(collection.document('x')).resolves.toBeUndefined();
    fake.on('collection_GetDocument', () => null);
    await expect(collection.document('x')).resolves.toBeUndefined();
  });

  it('are saved as JSON text and then know their revision', async () => {
    const document = new MutableDocument('x', { a: 1, n: Number.NaN, u: undefined });
    await collection.save(document);
    expect(fake.last('collection_Save')).toEqual({
      ...C,
      id: 'x',
      document: '{"a":1,"n":null}',
      blobs: '{}',
      concurrencyControl: null,
    });
    expect(document.getId()).toBe('saved');
    expect(document.getRevisionID()).toBe('1-a');
    expect(document.getSequence()).toBe(5);
    expect(document.getCollection()).toBe(collection);
  });

  it('reach the engine in the order of the calls, without awaiting', () => {
    collection.save(new MutableDocument('a'));
    collection.document('b');
    collection.deleteDocument(new MutableDocument('c'));
    collection.addChangeListener(() => undefined);
    database.close();
    expect(fake.names()).toEqual([
      'collection_Save',
      'collection_GetDocument',
      'collection_DeleteDocument',
      'collection_AddChangeListener',
      'database_Close',
    ]);
  });

  it('take their text when save is called', () => {
    const document = new MutableDocument('x', { a: 1 });
    collection.save(document);
    document.setInt('a', 2);
    expect(fake.last('collection_Save').document).toBe('{"a":1}');
  });

  it('that are no JSON reject and name the document', async () => {
    const document = new MutableDocument('x', { big: 1n });
    const error = await collection.save(document).catch((reason) => reason);
    expect(error).toBeInstanceOf(CouchbaseLiteException);
    expect(error.code).toBe(9);
    expect(error.message).toContain('document "x" cannot be written as JSON');
  });

  it('pass the concurrency control', async () => {
    await collection.save(new MutableDocument('x'), 1);
    expect(fake.last('collection_Save').concurrencyControl).toBe(1);
    await collection.deleteDocument(new MutableDocument('x'), 1);
    expect(fake.last('collection_DeleteDocument')).toEqual({
      ...C,
      docId: 'x',
      concurrencyControl: 1,
    });
  });

  it('are purged by object and by id', async () => {
    await collection.purge(new MutableDocument('x'));
    expect(fake.last('collection_PurgeDocument')).toEqual({ ...C, docId: 'x' });
    await collection.purgeById('y');
    expect(fake.last('collection_PurgeDocument')).toEqual({ ...C, docId: 'y' });
  });

  it('expire', async () => {
    const date = new Date(0);
    await collection.setDocumentExpiration('x', date);
    expect(fake.last('collection_SetDocumentExpiration')).toEqual({
      ...C,
      docId: 'x',
      expiration: date,
    });
    await expect(collection.getDocumentExpiration('x')).resolves.toBeNull();
    fake.on('collection_GetDocumentExpiration', () => ({ date }));
    await expect(collection.getDocumentExpiration('x')).resolves.toBe(date);
  });
});

describe('blobs', () => {
  const bytes = new Uint8Array([104, 105]);

  it('are saved as bytes or as a path, never as text', async () => {
    const document = new MutableDocument('x')
      .setBlob('bytes', new Blob('text/plain', bytes))
      .setBlob('file', Blob.fromFile('video/mp4', '/film.mp4'))
      .setBlob('gone', null);
    await collection.save(document);
    const { blobs } = fake.last('collection_Save');
    expect(blobs).toEqual({
      bytes: { contentType: 'text/plain', data: bytes },
      file: { contentType: 'video/mp4', data: { path: '/film.mp4' } },
    });
    expect(structuredClone(blobs)).toEqual(blobs);
  });

  it('are sent again by the next save', async () => {
    const document = new MutableDocument('x').setBlob('b', new Blob('text/plain', bytes));
    await collection.save(document);
    await collection.save(document);
    expect(Object.keys(fake.last('collection_Save').blobs)).toEqual(['b']);
  });

  it('are read with their digest and length', async () => {
    fake.on('collection_GetBlobContent', () => ({ data: bytes.buffer }));
    const metadata = { '@type': 'blob', content_type: 'text/plain', digest: 'sha1-x', length: 2 };
    const document = new Document('x', 1, '1-a', collection, { b: metadata });
    const blob = await document.getBlob('b');
    expect(blob).toBeInstanceOf(Blob);
    expect(blob?.getContentType()).toBe('text/plain');
    expect(blob?.getDigest()).toBe('sha1-x');
    expect(blob?.getLength()).toBe(2);
    expect(blob?.getBytes()).toEqual(bytes);
    expect(fake.last('collection_GetBlobContent')).toEqual({ ...C, documentId: 'x', key: 'b' });
  });

  describe('as a stream', () => {
    const content = Buffer.alloc(1_300_000, 'settee');

    function streamed(): Document {
      fake.on('database_ReadBlob', ({ offset, length }) => {
        const chunk = Uint8Array.from(content.subarray(offset, offset + length));
        return { data: chunk.buffer, length: content.length };
      });
      return new Document('x', 1, '1-a', collection, {
        film: { content_type: 'video/mp4', digest: 'sha1-x', length: content.length },
      });
    }

    it('come in chunks, in order', async () => {
      const stream = streamed().blobStream('film');
      expect(stream).toMatchObject({
        contentType: 'video/mp4',
        digest: 'sha1-x',
        length: content.length,
      });
      const chunks: Uint8Array[] = [];
      for await (const chunk of stream as NonNullable<typeof stream>) {
        chunks.push(chunk);
      }
      expect(chunks.length).toBeGreaterThan(1);
      expect(Buffer.concat(chunks).equals(content)).toBe(true);
      expect(fake.calls[0].args).toMatchObject({ name: 'handle', digest: 'sha1-x', offset: 0 });
    });

    it('stop asking when destroyed', async () => {
      const stream = streamed().blobStream('film');
      for await (const _chunk of stream as NonNullable<typeof stream>) {
        break;
      }
      const asked = fake.calls.length;
      await new Promise((resolve) => setImmediate(resolve));
      expect(fake.calls.length).toBe(asked);
      // The one that was taken, one that waits, one under way.
      expect(asked).toBeLessThan(4);
    });

    it('fail as the engine does', async () => {
      const document = streamed();
      fake.on('database_ReadBlob', () => Promise.reject(new Error('blob was removed')));
      const read = async () => {
        const stream = document.blobStream('film');
        for await (const _chunk of stream as NonNullable<typeof stream>) {
          // Nothing comes.
        }
      };
      await expect(read()).rejects.toThrow('blob was removed');
    });

    it('of an empty blob end at once', async () => {
      const document = streamed();
      fake.on('database_ReadBlob', () => ({ data: new ArrayBuffer(0), length: 0 }));
      const stream = document.blobStream('film');
      const chunks: unknown[] = [];
      for await (const chunk of stream as NonNullable<typeof stream>) {
        chunks.push(chunk);
      }
      expect(chunks).toEqual([]);
    });
  });
});

describe('indexes', () => {
  it('are created, listed and deleted', async () => {
    fake.on('collection_GetIndexes', () => ({ indexes: ['i'] }));
    await collection.createIndex('i', IndexBuilder.valueIndex(ValueIndexItem.property('a.b')));
    expect(fake.last('collection_CreateIndex')).toEqual({
      ...C,
      indexName: 'i',
      index: { type: 'value', items: [['.a.b']] },
    });
    await expect(collection.indexes()).resolves.toEqual(['i']);
    await collection.deleteIndex('i');
    expect(fake.last('collection_DeleteIndex')).toEqual({ ...C, indexName: 'i' });
  });
});

describe('change listeners', () => {
  function fire(token: string, data: object): void {
    fake.callbacks.get(token)?.(data);
  }

  it('get ids and this collection', async () => {
    const changes: CollectionChange[] = [];
    const token = await collection.addChangeListener((change) => changes.push(change));
    expect(fake.last('collection_AddChangeListener')).toEqual({ ...C, changeListenerToken: token });
    fire(token, { documentIDs: ['a', 'b'], collection: { name: 'c', scope: { name: 's' } } });
    expect(changes).toHaveLength(1);
    expect(changes[0].documentIDs).toEqual(['a', 'b']);
    expect(changes[0].collection).toBe(collection);
  });

  it('on one document get its id, the collection and the database', async () => {
    const changes: DocumentChange[] = [];
    const token = await collection.addDocumentChangeListener('x', (change) => changes.push(change));
    expect(fake.last('collection_AddDocumentChangeListener')).toEqual({
      ...C,
      changeListenerToken: token,
      documentId: 'x',
    });
    fire(token, { documentId: 'x', collectionName: 'c', scopeName: 's', databaseName: 'handle' });
    expect(Object.keys(changes[0]).sort()).toEqual(['collection', 'database', 'documentId']);
    expect(changes[0].collection).toBe(collection);
    expect(changes[0].database).toBe(database);
  });

  it('are one an object: a second one is refused and the first stays', async () => {
    const first = jest.fn();
    const token = await collection.addChangeListener(first);
    const second = jest.fn();
    await expect(collection.addChangeListener(second)).rejects.toThrow('Listener already started');
    fire(token, { documentIDs: ['a'] });
    expect(first).toHaveBeenCalledTimes(1);
    expect(second).not.toHaveBeenCalled();
  });

  it('are one a document', async () => {
    await collection.addDocumentChangeListener('x', () => undefined);
    await collection.addDocumentChangeListener('y', () => undefined);
    await expect(collection.addDocumentChangeListener('x', () => undefined)).rejects.toThrow(
      'Listener for document x already started',
    );
  });

  it('can be added again after removal, and hear nothing after it', async () => {
    const first = jest.fn();
    const token = await collection.addChangeListener(first);
    await collection.removeChangeListener(token);
    expect(fake.last('collection_RemoveChangeListener')).toEqual({
      ...C,
      changeListenerToken: token,
    });
    fire(token, { documentIDs: ['a'] });
    expect(first).not.toHaveBeenCalled();
    await expect(collection.addChangeListener(first)).resolves.not.toBe(token);

    const documentToken = await collection.addDocumentChangeListener('x', first);
    await collection.removeDocumentChangeListener(documentToken);
    fire(documentToken, { documentId: 'x' });
    expect(first).not.toHaveBeenCalled();
    await collection.addDocumentChangeListener('x', first);
  });

  it('may be removed through another object of the same collection', async () => {
    const token = await collection.addChangeListener(() => undefined);
    const other = new Collection('c', new Scope('s', database), database);
    await other.removeChangeListener(token);
    await expect(collection.addChangeListener(() => undefined)).resolves.toBeDefined();
  });

  it('that the engine refuses may be tried again', async () => {
    fake.on('collection_AddChangeListener', () => Promise.reject(new Error('no collection')));
    await expect(collection.addChangeListener(() => undefined)).rejects.toThrow('no collection');
    fake.on('collection_AddChangeListener', () => undefined);
    await expect(collection.addChangeListener(() => undefined)).resolves.toBeDefined();
  });

  it('of an unknown token: the engine decides', async () => {
    fake.on('collection_RemoveChangeListener', () => Promise.reject(new Error('No such listener')));
    await expect(collection.removeChangeListener('x')).rejects.toThrow('No such listener');
  });

  it('throw an error of the engine inside its callback', async () => {
    const token = await collection.addChangeListener(() => undefined);
    const callback = fake.callbacks.get(token) as (data: unknown, error: unknown) => void;
    expect(() => callback(null, { message: 'lost' })).toThrow('lost');
  });
});
