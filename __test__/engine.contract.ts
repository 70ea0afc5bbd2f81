/**
 * What every engine must do, whoever calls it and over whatever channel.
 *
 * Talks to `ICoreEngine` directly, as `cbl-ionic` does, never through settee's classes.
 * Sources: api §2, §6.4, §9.7, §10, §13 to §15.
 */

import { createHash } from 'crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'fs';
import { join } from 'path';
import type { CallbackResultData, SetteeEngine } from 'settee';
import { settle, until } from './support/wait';

/** How a contract run gets its engine. `folder` is empty and its own. */
export interface EngineUnderTest {
  name: string;
  engine(): SetteeEngine;
  folder: string;
}

const DEFAULT = { scopeName: '_default', collectionName: '_default' };

export function engineContract(subject: EngineUnderTest): void {
  const { folder } = subject;
  let engine: SetteeEngine;
  let count = 0;

  beforeAll(() => {
    engine = subject.engine();
    mkdirSync(folder, { recursive: true });
  });

  /** A fresh open database. */
  async function open(name = `db${++count}`): Promise<{ name: string }> {
    const { databaseUniqueName } = await engine.database_Open({
      name,
      config: { directory: folder },
    });
    return { name: databaseUniqueName };
  }

  function save(database: { name: string }, id: string, body: object, more: object = {}) {
    return engine.collection_Save({
      ...database,
      ...DEFAULT,
      id,
      document: JSON.stringify(body),
      blobs: '{}',
      concurrencyControl: null,
      ...more,
    });
  }

  function get(database: { name: string }, docId: string) {
    return engine.collection_GetDocument({ ...database, ...DEFAULT, docId });
  }

  describe('databases', () => {
    it('are opened by name and known by a handle', async () => {
      const { name } = await open('travel');
      expect(name).toMatch(/^travel_[0-9A-Za-z]{21}$/);
      const second = await open('travel');
      expect(second.name).not.toBe(name);
      await engine.database_Close({ name });
      await expect(engine.collection_GetDefault(second)).resolves.toMatchObject({
        name: '_default',
      });
      await engine.database_Close(second);
    });

    it('are found by plain name too: the one opened last', async () => {
      const first = await open('plain');
      await save(first, 'x', { a: 1 });
      await expect(get({ name: 'plain' }, 'x')).resolves.toMatchObject({ _id: 'x' });
    });

    it('live in a folder of their name', async () => {
      const { path } = await engine.database_GetPath(await open('here'));
      expect(path.replace(/[\\/]$/, '')).toBe(join(folder, 'here.cblite2'));
      await expect(
        engine.database_Exists({ databaseName: 'here', directory: folder }),
      ).resolves.toEqual({ exists: true });
      await expect(
        engine.database_Exists({ databaseName: 'nowhere', directory: folder }),
      ).resolves.toEqual({ exists: false });
    });

    it('close as often as asked; only a name that was never opened is an error', async () => {
      const database = await open();
      await engine.database_Close(database);
      await engine.database_Close(database);
      await expect(engine.database_Close({ name: 'never' })).rejects.toMatchObject({
        domain: 'CouchbaseLite',
      });
      await expect(get(database, 'x')).rejects.toMatchObject({ domain: 'CouchbaseLite' });
    });

    it('keep their documents', async () => {
      const database = await open('kept');
      await save(database, 'x', { a: 1 });
      await engine.database_Close(database);
      await expect(get(await open('kept'), 'x')).resolves.toMatchObject({ _data: { a: 1 } });
    });

    it('are deleted with their files, unless another handle is open', async () => {
      const first = await open('gone');
      const second = await open('gone');
      await expect(engine.database_Delete(first)).rejects.toMatchObject({ code: 16 });
      await engine.database_Close(second);
      await engine.database_Delete(first);
      await expect(
        engine.database_Exists({ databaseName: 'gone', directory: folder }),
      ).resolves.toEqual({ exists: false });
    });

    it('are deleted by path, also when there is none', async () => {
      const args = { databaseName: 'bypath', directory: folder };
      await engine.database_DeleteWithPath(args);
      const database = await open('bypath');
      await expect(engine.database_DeleteWithPath(args)).rejects.toMatchObject({ code: 16 });
      await engine.database_Close(database);
      await engine.database_DeleteWithPath(args);
      await expect(engine.database_Exists(args)).resolves.toEqual({ exists: false });
    });
  });

  describe('errors', () => {
    it('are data: message, errorMessage, domain, code', async () => {
      const error = await engine
        .collection_GetCount({ name: 'nobody', ...DEFAULT })
        .catch((reason) => reason);
      expect(error).toBeInstanceOf(Error);
      expect(typeof error.message).toBe('string');
      expect(error.message).toContain('nobody');
      expect(error.errorMessage).toBe(error.message);
      expect(error.domain).toBe('CouchbaseLite');
      expect(Number.isInteger(error.code)).toBe(true);
      expect(JSON.parse(JSON.stringify(error))).toMatchObject({ message: error.message });
    });

    it('of an argument name the field', async () => {
      const database = await open();
      await expect(
        engine.collection_GetDocument({ ...database, ...DEFAULT, docId: '' }),
      ).rejects.toThrow('docId');
      await expect(engine.collection_GetCount({ ...database } as any)).rejects.toThrow(
        /scopeName|collectionName/,
      );
    });
  });

  describe('collections', () => {
    it('are created, found, listed and deleted, with their scope', async () => {
      const database = await open();
      const hotels = { ...database, scopeName: 'inventory', collectionName: 'hotels' };
      const made = { name: 'hotels', scope: { name: 'inventory', databaseName: database.name } };
      await expect(engine.collection_CreateCollection(hotels)).resolves.toEqual(made);
      await expect(engine.collection_CreateCollection(hotels)).resolves.toEqual(made);
      await expect(engine.collection_GetCollection(hotels)).resolves.toEqual(made);
      await expect(
        engine.collection_GetCollections({ ...database, scopeName: 'inventory' }),
      ).resolves.toEqual({ collections: [made] });
      const { scopes } = await engine.scope_GetScopes(database);
      expect(scopes.map(({ name }) => name).sort()).toEqual(['_default', 'inventory']);
      await expect(
        engine.scope_GetScope({ ...database, scopeName: 'inventory' }),
      ).resolves.toMatchObject({ name: 'inventory' });
      await expect(engine.collection_GetFullName(hotels)).resolves.toEqual({
        fullName: 'inventory.hotels',
      });
      await engine.collection_DeleteCollection(hotels);
      await expect(engine.collection_GetCollection(hotels)).rejects.toThrow('hotels');
      await expect(
        engine.collection_GetCollections({ ...database, scopeName: 'inventory' }),
      ).resolves.toEqual({ collections: [] });
      await engine.collection_DeleteCollection(hotels);
    });

    it('always have the default one, which stays', async () => {
      const database = await open();
      await expect(engine.collection_GetDefault(database)).resolves.toMatchObject({
        name: '_default',
        scope: { name: '_default' },
      });
      await expect(
        engine.collection_GetCollections({ ...database, scopeName: '_default' }),
      ).resolves.toMatchObject({ collections: [{ name: '_default' }] });
      await expect(
        engine.collection_DeleteCollection({ ...database, ...DEFAULT }),
      ).rejects.toMatchObject({ domain: 'CouchbaseLite' });
    });

    it.each(['', '_x', '%x', 'a b', 'a.b', 'ä', 'x'.repeat(252), '../x', 'a\0', '"; DROP'])(
      'refuse the name %j',
      async (collectionName) => {
        const database = await open();
        await expect(
          engine.collection_CreateCollection({
            ...database,
            scopeName: '_default',
            collectionName,
          }),
        ).rejects.toMatchObject({ domain: 'CouchbaseLite' });
      },
    );
  });

  describe('documents', () => {
    it('are saved, read and counted', async () => {
      const database = await open();
      const saved = await save(database, 'x', { a: 1, b: [null, true, 'ü'] });
      expect(saved).toMatchObject({ _id: 'x', _sequence: 1 });
      expect(saved._revId).toBeTruthy();
      await expect(get(database, 'x')).resolves.toEqual({
        _id: 'x',
        _data: { a: 1, b: [null, true, 'ü'] },
        _sequence: 1,
        _revId: saved._revId,
      });
      await expect(get(database, 'y')).resolves.toEqual({});
      await expect(engine.collection_GetCount({ ...database, ...DEFAULT })).resolves.toEqual({
        count: 1,
      });
    });

    it('get an id when they have none', async () => {
      const database = await open();
      const { _id } = await save(database, '', { a: 1 });
      expect(_id.length).toBeGreaterThan(10);
      await expect(get(database, _id)).resolves.toMatchObject({ _data: { a: 1 } });
    });

    it('keep numbers as they are', async () => {
      const database = await open();
      const numbers = {
        zero: 0,
        max: Number.MAX_SAFE_INTEGER,
        min: Number.MIN_SAFE_INTEGER,
        huge: 1e308,
        tiny: 5e-324,
        third: 1 / 3,
        large: 2 ** 63,
      };
      await save(database, 'x', numbers);
      const { _data } = await get(database, 'x');
      expect(_data).toEqual(numbers);
    });

    it('keep keys that look special', async () => {
      const database = await open();
      const text = '{"__proto__":{"admin":true},"constructor":1,"a.b":2,"":3,"_mine":4}';
      await save(database, 'x', {}, { document: text });
      const { _data } = await get(database, 'x');
      expect(JSON.parse(JSON.stringify(_data))).toEqual(JSON.parse(text));
      expect(({} as any).admin).toBeUndefined();
    });

    it('take a sequence for every save and delete, none for a purge', async () => {
      const database = await open();
      const one = await save(database, 'x', { a: 1 });
      const two = await save(database, 'x', { a: 2 });
      expect([one._sequence, two._sequence]).toEqual([1, 2]);
      expect(two._revId).not.toBe(one._revId);
      const x = { ...database, ...DEFAULT, docId: 'x' };
      await engine.collection_DeleteDocument({ ...x, concurrencyControl: null });
      await expect(get(database, 'x')).resolves.toEqual({});
      await engine.collection_PurgeDocument(x);
      await expect(save(database, 'y', {})).resolves.toMatchObject({ _sequence: 4 });
    });

    it('with FAIL_ON_CONFLICT are not written over, and the stored revision is told', async () => {
      const database = await open();
      const first = await save(database, 'x', { a: 1 }, { concurrencyControl: 1 });
      const refused = await save(database, 'x', { a: 2 }, { concurrencyControl: 1 });
      expect(refused).toMatchObject({
        _id: 'x',
        _revId: first._revId,
        _sequence: first._sequence,
        concurrencyControlResult: false,
        concurrencyResult: false,
      });
      await expect(get(database, 'x')).resolves.toMatchObject({ _data: { a: 1 } });
      await engine.collection_DeleteDocument({
        ...database,
        ...DEFAULT,
        docId: 'x',
        concurrencyControl: 1,
      });
      await expect(save(database, 'x', { a: 3 }, { concurrencyControl: 1 })).resolves.toMatchObject(
        {
          concurrencyControlResult: true,
        },
      );
    });

    it('that are missing cannot be deleted or purged; a tombstone can be purged', async () => {
      const database = await open();
      const x = { ...database, ...DEFAULT, docId: 'x', concurrencyControl: null };
      await expect(engine.collection_DeleteDocument(x)).rejects.toThrow(/[Dd]ocument not found/);
      await expect(engine.collection_PurgeDocument(x)).rejects.toThrow(/[Dd]ocument not found/);
      await save(database, 'x', {});
      await engine.collection_DeleteDocument(x);
      await expect(engine.collection_DeleteDocument(x)).rejects.toThrow(/[Dd]ocument not found/);
      await engine.collection_PurgeDocument(x);
      await expect(engine.collection_PurgeDocument(x)).rejects.toThrow(/[Dd]ocument not found/);
    });

    it.each(['[1]', '7', '"x"', 'null', '', '{', "{'a':1}", '{"a":1,}', '{"a":NaN}'])(
      'refuse the body %j',
      async (document) => {
        const database = await open();
        await expect(save(database, 'x', {}, { document })).rejects.toMatchObject({
          domain: 'CouchbaseLite',
        });
        await expect(get(database, 'x')).resolves.toEqual({});
      },
    );

    it.each(['_x', 'a\u0000b', 'a\nb', 'x'.repeat(241), 'ü'.repeat(121)])(
      'refuse the id %j',
      async (id) => {
        const database = await open();
        await expect(save(database, id, {})).rejects.toMatchObject({ domain: 'CouchbaseLite' });
      },
    );

    it.each(['a"b', "a'b", 'a/b', 'a\\b', '[a]', 'a b', 'ü'.repeat(120), '; DROP', '../x'])(
      'take the id %j',
      async (id) => {
        const database = await open();
        await save(database, id, { id });
        await expect(get(database, id)).resolves.toMatchObject({ _id: id, _data: { id } });
      },
    );

    it.each(['_id', '_rev', '_sequence'])('refuse the top-level key %s', async (key) => {
      await expect(save(await open(), 'x', { [key]: 1 })).rejects.toThrow(key);
    });

    it('are handled in the order of the calls', async () => {
      const database = await open();
      const x = { ...database, ...DEFAULT, docId: 'x', concurrencyControl: null };
      const calls = [
        save(database, 'x', { a: 1 }),
        get(database, 'x'),
        save(database, 'x', { a: 2 }),
        get(database, 'x'),
        engine.collection_DeleteDocument(x),
        get(database, 'x'),
        engine.database_Close(database),
      ];
      const results = (await Promise.all(calls)) as any[];
      expect([results[1]._data, results[3]._data, results[5]]).toEqual([{ a: 1 }, { a: 2 }, {}]);
    });

    it('that fail leave those saved beside them alone', async () => {
      const database = await open();
      const outcomes = await Promise.allSettled(
        ['a', '_bad', 'b'].map((id) => save(database, id, { id })),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      await expect(engine.collection_GetCount({ ...database, ...DEFAULT })).resolves.toEqual({
        count: 2,
      });
    });
  });

  describe('blobs', () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 7) % 256);
    const small = Uint8Array.from([104, 105]);
    const digest = (content: Uint8Array) =>
      `sha1-${createHash('sha1').update(content).digest('base64')}`;

    it.each([
      ['small bytes', small],
      ['large bytes', bytes],
      ['nothing', new Uint8Array(0)],
    ])('of %s come back exactly', async (_title, data) => {
      const database = await open();
      const blobs = { photo: { contentType: 'image/png', data } };
      await save(database, 'x', { photo: 'old', a: 1 }, { blobs });
      const { _data } = await get(database, 'x');
      expect(_data).toEqual({
        a: 1,
        photo: {
          '@type': 'blob',
          content_type: 'image/png',
          digest: digest(data),
          length: data.length,
        },
      });
      const read = { ...database, ...DEFAULT, documentId: 'x', key: 'photo' };
      const reply = await engine.collection_GetBlobContent(read);
      expect(Object.prototype.toString.call(reply.data)).toBe('[object ArrayBuffer]');
      expect(Buffer.from(reply.data).equals(Buffer.from(data))).toBe(true);
    });

    it('may be JSON text, as the reference sends them', async () => {
      const database = await open();
      const blobs = JSON.stringify({
        photo: { _type: 'blob', data: { contentType: 'text/plain', data: [104, 105] } },
        gone: null,
      });
      await save(database, 'x', {}, { blobs });
      const { _data } = await get(database, 'x');
      expect(_data).toMatchObject({ photo: { digest: digest(small), length: 2 } });
      expect(_data).not.toHaveProperty('gone');
      for (const none of ['', '[]', '{}']) {
        await save(database, 'y', { a: 1 }, { blobs: none });
      }
    });

    it('may be files', async () => {
      const database = await open();
      const path = join(folder, 'a film.bin');
      writeFileSync(path, bytes);
      const blobs = { film: { contentType: 'video/mp4', data: { path } } };
      await save(database, 'x', {}, { blobs });
      const { _data } = await get(database, 'x');
      expect(_data?.film).toMatchObject({ digest: digest(bytes), length: bytes.length });
    });

    it('that cannot be read fail their save', async () => {
      const database = await open();
      const blobs = { film: { contentType: 'a/b', data: { path: join(folder, 'absent') } } };
      await expect(save(database, 'x', {}, { blobs })).rejects.toThrow('absent');
      await expect(get(database, 'x')).resolves.toEqual({});
    });

    it('are read in ranges', async () => {
      const database = await open();
      await save(database, 'x', {}, { blobs: { b: { contentType: 'a/b', data: bytes } } });
      const range = { ...database, digest: digest(bytes), offset: 150_000, length: 100_000 };
      const { data, length } = await engine.database_ReadBlob(range);
      expect(length).toBe(bytes.length);
      expect(Buffer.from(data).equals(Buffer.from(bytes.subarray(150_000)))).toBe(true);
      const past = await engine.database_ReadBlob({ ...range, offset: bytes.length });
      expect(past.data.byteLength).toBe(0);
      await expect(
        engine.database_ReadBlob({ ...range, digest: digest(Uint8Array.from([9])) }),
      ).rejects.toMatchObject({ code: 7 });
    });

    it('are written to files, which they replace whole', async () => {
      const database = await open();
      const small = bytes.subarray(0, 1000);
      const b = { contentType: 'a/b', data: bytes };
      await save(database, 'x', {}, { blobs: { b, s: { ...b, data: small } } });
      const path = join(folder, 'a blob.bin');
      for (const content of [bytes, small]) {
        await engine.database_SaveBlob({ ...database, digest: digest(content), path });
        expect(readFileSync(path).equals(Buffer.from(content))).toBe(true);
      }
      const nowhere = join(folder, 'absent', 'blob.bin');
      await expect(
        engine.database_SaveBlob({ ...database, digest: digest(bytes), path: nowhere }),
      ).rejects.toThrow('blob.bin');
      await expect(
        engine.database_SaveBlob({ ...database, digest: digest(Uint8Array.from([9])), path }),
      ).rejects.toMatchObject({ code: 7 });
      expect(readFileSync(path)).toHaveLength(small.length);
      expect(readdirSync(folder).filter((name) => name.startsWith('.settee'))).toEqual([]);
    });

    it('are empty for a key without one; a missing document is an error', async () => {
      const database = await open();
      await save(database, 'x', { a: 1 });
      const read = { ...database, ...DEFAULT, documentId: 'x', key: 'a' };
      expect((await engine.collection_GetBlobContent(read)).data.byteLength).toBe(0);
      expect(
        (await engine.collection_GetBlobContent({ ...read, key: 'absent' })).data.byteLength,
      ).toBe(0);
      await expect(engine.collection_GetBlobContent({ ...read, documentId: 'y' })).rejects.toThrow(
        /[Dd]ocument not found/,
      );
    });

    it('are found by a path into properties and arrays; a literal key comes first', async () => {
      const database = await open();
      const at = { ...database, ...DEFAULT };
      const put = async (id: string, document: object, blobs: object) =>
        engine.collection_Save({
          ...at,
          id,
          document: JSON.stringify(document),
          blobs: blobs as any,
          concurrencyControl: null,
        });
      const bytes = (data: number[]) => ({ contentType: 'a/b', data: Uint8Array.from(data) });
      await put('x', {}, { one: bytes([1]), 'a.b': bytes([2]) });
      const { _data } = (await engine.collection_GetDocument({ ...at, docId: 'x' })) as any;
      const nested = { pages: [{ photo: _data.one }], a: { b: _data.one } };
      await put('x', { ..._data, ...nested }, {});
      const content = async (key: string) => {
        const read = { ...at, documentId: 'x', key };
        return Array.from(new Uint8Array((await engine.collection_GetBlobContent(read)).data));
      };
      expect(await content('pages[0].photo')).toEqual([1]);
      expect(await content('a.b')).toEqual([2]);
      expect(await content('pages[1].photo')).toEqual([]);
      expect(await content('pages[0]')).toEqual([]);
    });

    it('stay when a body refers to them again', async () => {
      const database = await open();
      await save(database, 'x', {}, { blobs: { b: { contentType: 'a/b', data: bytes } } });
      const { _data } = await get(database, 'x');
      await save(database, 'x', { ..._data, more: 1 });
      const read = { ...database, ...DEFAULT, documentId: 'x', key: 'b' };
      expect((await engine.collection_GetBlobContent(read)).data.byteLength).toBe(bytes.length);
    });
  });

  describe('change listeners', () => {
    it('tell changes of any handle, after the promise has resolved', async () => {
      const first = await open('watched');
      const second = await open('watched');
      const seen: CallbackResultData[] = [];
      let registered = false;
      const args = { ...first, ...DEFAULT, changeListenerToken: engine.getUUID() };
      const adding = engine.collection_AddChangeListener(args, (data) => {
        expect(registered).toBe(true);
        seen.push(data);
      });
      await adding;
      registered = true;
      await save(second, 'x', { a: 1 });
      await until(() => seen.length === 1, 'a collection change');
      expect(seen[0]).toEqual({
        documentIDs: ['x'],
        collection: {
          name: '_default',
          scope: { name: '_default', databaseName: expect.any(String) },
        },
      });
      await engine.collection_RemoveChangeListener(args);
      await save(second, 'y', {});
      await settle();
      expect(seen).toHaveLength(1);
      await expect(engine.collection_RemoveChangeListener(args)).rejects.toThrow();
    });

    it('on one document tell every awaited revision', async () => {
      const database = await open();
      const seen: CallbackResultData[] = [];
      const args = { ...database, ...DEFAULT, changeListenerToken: engine.getUUID() };
      await engine.collection_AddDocumentChangeListener({ ...args, documentId: 'x' }, (data) =>
        seen.push(data),
      );
      await save(database, 'x', { a: 1 });
      await save(database, 'y', { a: 1 });
      await save(database, 'x', { a: 2 });
      await engine.collection_DeleteDocument({
        ...args,
        docId: 'x',
        concurrencyControl: null,
      } as any);
      await until(() => seen.length === 3, 'three document changes');
      expect(seen[0]).toEqual({
        documentId: 'x',
        collectionName: '_default',
        scopeName: '_default',
        databaseName: expect.any(String),
      });
      await engine.collection_RemoveDocumentChangeListener(args);
    });

    it('survive a callback that throws', async () => {
      const error = jest.spyOn(console, 'error').mockImplementation(() => undefined);
      const database = await open();
      let calls = 0;
      const args = { ...database, ...DEFAULT, changeListenerToken: engine.getUUID() };
      await engine.collection_AddChangeListener(args, () => {
        calls += 1;
        if (subject.name === 'native') {
          throw new Error('mine');
        }
      });
      await save(database, 'x', {});
      await until(() => calls === 1, 'the first change');
      await save(database, 'y', {});
      await until(() => calls === 2, 'the second change');
      await engine.collection_RemoveChangeListener(args);
      error.mockRestore();
    });

    it('refuse unknown collections and tokens in use', async () => {
      const database = await open();
      const args = { ...database, ...DEFAULT, changeListenerToken: engine.getUUID() };
      await expect(
        engine.collection_AddChangeListener(
          { ...args, collectionName: 'nowhere' },
          () => undefined,
        ),
      ).rejects.toThrow('nowhere');
      await engine.collection_AddChangeListener(args, () => undefined);
      await expect(engine.collection_AddChangeListener(args, () => undefined)).rejects.toThrow();
      await engine.listenerToken_Remove(args);
    });
  });

  describe('listeners and replicators', () => {
    function listenerArgs(database: { name: string }, more: object = {}) {
      return {
        collections: [{ name: '_default', scopeName: '_default', databaseName: database.name }],
        port: 0,
        networkInterface: '127.0.0.1',
        disableTLS: true,
        ...more,
      };
    }

    function replicatorConfig(database: { name: string }, url: string, more: object = {}) {
      const collection = { name: '_default', scopeName: '_default', databaseName: database.name };
      return {
        config: {
          target: { url },
          replicatorType: 'PUSH_AND_PULL',
          continuous: false,
          acceptSelfSignedCerts: true,
          collectionConfig: JSON.stringify([{ collections: [{ collection }], config: '' }]),
          ...more,
        },
      };
    }

    async function listen(name: string, more: object = {}) {
      const database = await open(name);
      const listener = await engine.URLEndpointListener_createListener(
        listenerArgs(database, more),
      );
      const started: any = await engine.URLEndpointListener_startListener(listener);
      return { database, listener, started, url: `ws://127.0.0.1:${started.port}/${name}` };
    }

    /** Runs a single-shot replicator to its end and gives its statuses. */
    async function run(replicator: { replicatorId: string }): Promise<any[]> {
      const statuses: any[] = [];
      const args = { ...replicator, changeListenerToken: engine.getUUID() };
      await engine.replicator_AddChangeListener(args, (status) => statuses.push(status));
      await engine.replicator_Start(replicator);
      await until(() => statuses.some(({ activityLevel }) => activityLevel === 0), 'STOPPED');
      await engine.replicator_RemoveChangeListener(args);
      return statuses;
    }

    it('replicate, and tell statuses and documents', async () => {
      const { database, listener, started, url } = await listen('served');
      expect(started.urls).toContain(url);
      await save(database, 'theirs', { from: 'listener' });
      const client = await open();
      await save(client, 'mine', { from: 'client' });
      const replicator = await engine.replicator_Create(replicatorConfig(client, url));
      const events: any[] = [];
      const token = `${engine.getUUID()}_doc`;
      await engine.replicator_AddDocumentChangeListener(
        { ...replicator, changeListenerToken: token },
        (event) => events.push(event),
      );
      const pending = { ...replicator, ...client, ...DEFAULT };
      await expect(engine.replicator_GetPendingDocumentIds(pending)).resolves.toEqual({
        pendingDocumentIds: ['mine'],
      });
      await expect(
        engine.replicator_IsDocumentPending({ ...pending, documentId: 'mine' }),
      ).resolves.toEqual({ isPending: true });

      const statuses = await run(replicator);
      const last = statuses[statuses.length - 1];
      expect(last).toEqual({
        activityLevel: 0,
        progress: { completed: expect.any(Number), total: expect.any(Number) },
      });
      expect(statuses.filter(({ activityLevel }) => activityLevel === 0)).toHaveLength(1);
      await expect(get(database, 'mine')).resolves.toMatchObject({ _data: { from: 'client' } });
      await expect(get(client, 'theirs')).resolves.toMatchObject({ _data: { from: 'listener' } });
      await expect(engine.replicator_GetPendingDocumentIds(pending)).resolves.toEqual({
        pendingDocumentIds: [],
      });
      await expect(engine.replicator_GetStatus(replicator)).resolves.toMatchObject({
        activityLevel: 0,
      });
      const documents = events.flatMap(({ isPush, documents }) =>
        documents.map((document: object) => ({ isPush, ...document })),
      );
      const names = { scopeName: '_default', collectionName: '_default', flags: [] };
      expect(documents).toEqual(
        expect.arrayContaining([
          { isPush: true, id: 'mine', ...names },
          { isPush: false, id: 'theirs', ...names },
        ]),
      );
      await engine.replicator_Cleanup(replicator);
      await expect(engine.replicator_GetStatus(replicator)).rejects.toThrow();
      await engine.URLEndpointListener_stopListener(listener);
    });

    it('reject unknown ids', async () => {
      const replicator = { replicatorId: 'nobody' };
      for (const call of [
        engine.replicator_Start(replicator),
        engine.replicator_Stop(replicator),
        engine.replicator_ResetCheckpoint(replicator),
        engine.replicator_GetStatus(replicator),
        engine.replicator_Cleanup(replicator),
      ]) {
        await expect(call).rejects.toMatchObject({ domain: 'CouchbaseLite' });
      }
      await expect(
        engine.URLEndpointListener_startListener({ listenerId: 'nobody' }),
      ).rejects.toThrow('nobody');
    });

    it('know a removed listener no more', async () => {
      const replicator = await engine.replicator_Create(
        replicatorConfig(await open(), 'ws://127.0.0.1:1/x'),
      );
      await expect(
        engine.replicator_RemoveChangeListener({ ...replicator, changeListenerToken: 'nobody' }),
      ).rejects.toThrow('No such listener found');
      await engine.replicator_Cleanup(replicator);
    });

    it.each([
      ['http://127.0.0.1:1/x', 'scheme'],
      ['nonsense', ''],
      ['ws://u:p@127.0.0.1:1/x', ''],
      ['ws://127.0.0.1:1', ''],
    ])('refuse the URL %s', async (url, text) => {
      const database = await open();
      await expect(engine.replicator_Create(replicatorConfig(database, url))).rejects.toThrow(text);
    });

    it.each([
      ['a negative heartbeat', { heartbeat: -1 }],
      ['an unknown type', { replicatorType: 'BOTH' }],
      ['an unknown authenticator', { authenticator: { type: 'magic', data: {} } }],
      ['no collections', { collectionConfig: '' }],
      ['a bad pin', { pinnedServerCertificate: '!!' }],
    ])('refuse %s', async (_title, more) => {
      const config = replicatorConfig(await open(), 'ws://127.0.0.1:1/x', more);
      await expect(engine.replicator_Create(config)).rejects.toMatchObject({
        domain: 'CouchbaseLite',
      });
    });

    it('stop at once when the password is wrong', async () => {
      const authenticatorConfig = { type: 'basic', data: { username: 'u', password: 'right' } };
      const { listener, url } = await listen('locked', { authenticatorConfig });
      const client = await open();
      const authenticator = { type: 'basic', data: { username: 'u', password: 'wrong' } };
      const config = replicatorConfig(client, url, { authenticator, continuous: true });
      const replicator = await engine.replicator_Create(config);
      const statuses = await run(replicator);
      expect(statuses[statuses.length - 1].error).toEqual({
        message: 'Unauthorized',
        domain: 'CouchbaseLite',
        code: 10401,
      });
      await engine.replicator_Cleanup(replicator);
      await engine.URLEndpointListener_stopListener(listener);
    });

    it('count connections, and none when not running', async () => {
      const { listener } = await listen('counted');
      await expect(engine.URLEndpointListener_getStatus(listener)).resolves.toEqual({
        connectionsCount: 0,
        activeConnectionCount: 0,
      });
      await engine.URLEndpointListener_stopListener(listener);
      await engine.URLEndpointListener_stopListener(listener);
      await expect(engine.URLEndpointListener_getStatus(listener)).resolves.toEqual({
        connectionsCount: 0,
        activeConnectionCount: 0,
      });
      await engine.URLEndpointListener_startListener(listener);
      await engine.URLEndpointListener_stopListener(listener);
    });

    it('fail to start on a port in use', async () => {
      const { database, listener, started } = await listen('first');
      const second = await engine.URLEndpointListener_createListener(
        listenerArgs(database, { port: started.port }),
      );
      await expect(engine.URLEndpointListener_startListener(second)).rejects.toThrow(
        String(started.port),
      );
      await engine.URLEndpointListener_stopListener(listener);
    });

    it.each([
      ['no collections', { collections: [] }],
      ['an unknown authenticator', { authenticatorConfig: { type: 'magic', data: {} } }],
      ['half an authenticator', { authenticatorConfig: { type: 'basic', data: {} } }],
    ])('refuse a listener with %s', async (_title, more) => {
      await expect(
        engine.URLEndpointListener_createListener(listenerArgs(await open(), more) as any),
      ).rejects.toMatchObject({ domain: 'CouchbaseLite' });
    });

    it('refuse a listener on an unknown collection', async () => {
      const database = await open();
      const collections = [{ name: 'nowhere', scopeName: '_default', databaseName: database.name }];
      await expect(
        engine.URLEndpointListener_createListener(listenerArgs(database, { collections })),
      ).rejects.toThrow('Invalid collection parameters');
    });

    it('end when their database closes', async () => {
      const { database, listener } = await listen('closing');
      await engine.database_Close(database);
      await expect(engine.URLEndpointListener_getStatus(listener)).resolves.toEqual({
        connectionsCount: 0,
        activeConnectionCount: 0,
      });
    });
  });
}
