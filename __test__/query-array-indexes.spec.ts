/** Array indexes through the public API (query spec §8): an addition to cblite-js. */

import { mkdtempSync } from 'fs';
import { join } from 'path';
import {
  AbstractIndex,
  ArrayIndex,
  type Collection,
  Database,
  DatabaseConfiguration,
  Expression,
  FunctionExpression,
  IndexBuilder,
  IndexType,
  MaintenanceType,
  MutableDocument,
  ValueIndexItem,
} from 'settee';
import { openDefault } from './support/peers';
import { planOf, rowsOf, saveMany } from './support/queries';
import { scratchFolder } from './support/scratch';

const scratch = scratchFolder();

let folder: string;
let database: Database;
let collection: Collection;

beforeEach(async () => {
  folder = mkdtempSync(join(scratch, 'db-'));
  ({ database, collection } = await openDefault('arrays', folder));
  await saveMany(collection, 40, (n) => ({
    n,
    tags: [`t${n % 8}`, n % 3 === 0, null, n],
    home: { rooms: [{ name: `Room ${n % 5}`, size: n }, { name: 'Hall' }] },
  }));
});

afterEach(() => database.close());

const item = (path: string) => ValueIndexItem.property(path);
const rows = (text: string) => rowsOf(database, text);
const plan = (text: string) => planOf(database, text);

const TAGGED = "SELECT d.n FROM _ AS d UNNEST d.tags AS t WHERE t = 't1' ORDER BY d.n";
const ROOMS =
  "SELECT d.n, r.size FROM _ AS d UNNEST d.home.rooms AS r WHERE r.name = 'Room 1' ORDER BY d.n";

describe('ArrayIndex', () => {
  it('tells what it is', () => {
    const index = IndexBuilder.arrayIndex('home.rooms', item('name'), item('size'));
    expect(index).toBeInstanceOf(ArrayIndex);
    expect(index).toBeInstanceOf(AbstractIndex);
    expect(index.type()).toBe(IndexType.Value);
    expect(index.path()).toBe('home.rooms');
    expect(index.language()).toBeNull();
    expect(index.ignoreAccents()).toBe(false);
    expect(index.toJson()).toEqual({
      type: 'array',
      path: 'home.rooms',
      items: [['.name'], ['.size']],
    });
    expect(new ArrayIndex('tags').toJson()).toEqual({ type: 'array', path: 'tags', items: [] });
  });
});

describe('an array index', () => {
  it('is listed, used, left alone when it is the same, replaced when not, and deleted', async () => {
    const before = await rows(TAGGED);
    expect(before.map(({ n }) => n)).toEqual([1, 9, 17, 25, 33]);
    await expect(plan(TAGGED)).resolves.not.toContain('SEARCH t');
    await collection.createIndex('byTag', IndexBuilder.arrayIndex('tags'));
    await collection.createIndex('byTag', IndexBuilder.arrayIndex('tags'));
    await expect(collection.indexes()).resolves.toEqual(['byTag']);
    await expect(plan(TAGGED)).resolves.toMatch(/SEARCH t USING .*INDEX byTag/);
    await expect(rows(TAGGED)).resolves.toEqual(before);

    const rooms = await rows(ROOMS);
    await collection.createIndex('byTag', IndexBuilder.arrayIndex('home.rooms', item('name')));
    await expect(collection.indexes()).resolves.toEqual(['byTag']);
    await expect(plan(TAGGED)).resolves.not.toContain('byTag');
    await expect(plan(ROOMS)).resolves.toMatch(/SEARCH r USING .*INDEX byTag/);
    await expect(rows(ROOMS)).resolves.toEqual(rooms);

    await collection.deleteIndex('byTag');
    await expect(collection.indexes()).resolves.toEqual([]);
    await expect(plan(ROOMS)).resolves.not.toContain('SEARCH r');
    await expect(rows(ROOMS)).resolves.toEqual(rooms);
  });

  it('may be on a function of the element, which is called as its path is', async () => {
    const upper = new FunctionExpression('UPPER()', [Expression.property('tags')]);
    await collection.createIndex(
      'upper',
      IndexBuilder.arrayIndex('tags', ValueIndexItem.expression(upper)),
    );
    const text = "SELECT d.n, t FROM _ AS d UNNEST d.tags AS t WHERE UPPER(t) = 'T2' AND d.n < 5";
    await expect(plan(text)).resolves.toContain('INDEX upper');
    await expect(rows(text)).resolves.toEqual([{ n: 2, t: 't2' }]);
  });

  it('may lead through other arrays', async () => {
    await collection.save(
      new MutableDocument('nested', {
        people: [{ phones: [{ n: 1 }, { n: 2 }] }, {}, { name: 'Ada', phones: [{ n: 2 }] }],
      }),
    );
    const text =
      'SELECT p.name, f FROM _ AS d UNNEST d.people AS p UNNEST p.phones AS f WHERE f.n = 2';
    const before = await rows(text);
    expect(before).toEqual([{ f: { n: 2 } }, { name: 'Ada', f: { n: 2 } }]);
    await collection.createIndex('byPhone', IndexBuilder.arrayIndex('people[].phones', item('n')));
    await expect(plan(text)).resolves.toMatch(/SEARCH f USING .*INDEX byPhone/);
    await expect(rows(text)).resolves.toEqual(before);
  });

  it('keeps the types of elements', async () => {
    const texts = ['t = true', 't IS NULL', 't = 7', "t >= 't7'", 't < 1'].map(
      (condition) =>
        `SELECT d.n, t FROM _ AS d UNNEST d.tags AS t WHERE ${condition} ORDER BY d.n, t LIMIT 5`,
    );
    const before = await Promise.all(texts.map(rows));
    await collection.createIndex('byTag', IndexBuilder.arrayIndex('tags'));
    for (const text of texts) await expect(plan(text)).resolves.toContain('INDEX byTag');
    await expect(Promise.all(texts.map(rows))).resolves.toEqual(before);
    expect(before[0][0]).toEqual({ n: 0, t: true });
  });

  it('follows saves, deletes, purges and batches', async () => {
    await collection.createIndex('byTag', IndexBuilder.arrayIndex('tags'));
    const found = async (tag: string) =>
      (await rows(`SELECT META(d).id FROM _ AS d UNNEST d.tags AS t WHERE t = '${tag}'`)).map(
        ({ id }) => id,
      );
    await collection.save(new MutableDocument('new', { tags: ['a', 'b', 'a'] }));
    await expect(found('a')).resolves.toEqual(['new', 'new']);
    await collection.save(new MutableDocument('new', { tags: 'c' }));
    await expect(found('a')).resolves.toEqual([]);
    await expect(found('c')).resolves.toEqual(['new']);
    const given = database.inBatch(() => {
      collection.save(new MutableDocument('gone', { tags: ['c'] })).catch(() => undefined);
      throw new Error('given up');
    });
    await expect(given).rejects.toThrow('given up');
    await expect(found('c')).resolves.toEqual(['new']);
    await collection.deleteDocument((await collection.document('new')) as MutableDocument);
    await expect(found('c')).resolves.toEqual([]);
    await collection.purgeById('d1');
    await expect(rows(TAGGED)).resolves.toHaveLength(4);
  });

  it('is learnt of by a query that is known already', async () => {
    const query = database.createQuery(TAGGED);
    await expect(query.execute()).resolves.toHaveLength(5);
    await collection.createIndex('byTag', IndexBuilder.arrayIndex('tags'));
    await expect(query.execute()).resolves.toHaveLength(5);
    await expect(query.explain()).resolves.toContain('INDEX byTag');
    await collection.deleteIndex('byTag');
    await expect(query.execute()).resolves.toHaveLength(5);
  });

  it('outlives reopening, maintenance, a key and a copy', async () => {
    const before = await rows(TAGGED);
    await collection.createIndex('byTag', IndexBuilder.arrayIndex('tags'));
    const check = async (of: Database) => {
      await expect(of.createQuery(TAGGED).explain()).resolves.toContain('INDEX byTag');
      await expect(of.createQuery(TAGGED).execute()).resolves.toEqual(before);
      await of.performMaintenance(MaintenanceType.INTEGRITY_CHECK);
    };
    await database.close();
    await database.open();
    await check(database);
    for (const kind of [
      MaintenanceType.COMPACT,
      MaintenanceType.REINDEX,
      MaintenanceType.FULL_OPTIMIZE,
    ]) {
      await database.performMaintenance(kind);
      await check(database);
    }
    await database.changeEncryptionKey('secret');
    await check(database);
    await database.changeEncryptionKey(null as unknown as string);
    const path = await database.getPath();
    await database.copy(path, 'copy', new DatabaseConfiguration(folder));
    const copy = new Database('copy', new DatabaseConfiguration(folder));
    await copy.open();
    await check(copy);
    await copy.close();
  }, 60000);

  it('takes hostile paths as names', async () => {
    const names = [
      "it's",
      'a"b',
      'a`b',
      '); DROP TABLE docs_1; --',
      'a[]b',
      '$x',
      'a\\b',
      'é\u0001',
    ];
    for (const [index, name] of names.entries()) {
      await collection.save(new MutableDocument(`h${index}`, { [name]: [index, 'x'] }));
      const path = name.replace(/[.\\[\]]/g, '\\$&');
      await collection.createIndex(`array ${index}`, IndexBuilder.arrayIndex(path));
      const quoted = `\`${name.replace(/`/g, '``')}\``;
      const text = `SELECT META(d).id FROM _ AS d UNNEST d.${quoted} AS t WHERE t = ${index}`;
      await expect(plan(text)).resolves.toContain(`INDEX array ${index}`);
      await expect(rows(text)).resolves.toEqual([{ id: `h${index}` }]);
    }
    await expect(rows('SELECT COUNT(*) AS c FROM _')).resolves.toEqual([{ c: 40 + names.length }]);
  });

  it.each<[string, unknown, string]>([
    ['no path', { type: 'array', items: [['.v']] }, 'path'],
    ['an empty path', { type: 'array', path: '', items: [] }, 'path'],
    ['a path that ends nowhere', { type: 'array', path: 'a[]', items: [] }, 'no property path'],
    ['a path that is no text', { type: 'array', path: 5, items: [] }, 'string'],
    ['a very long path', { type: 'array', path: 'x'.repeat(2000), items: [] }, '1024'],
    ['a condition', { type: 'array', path: 'a', items: [], where: 'n > 5' }, 'condition'],
    ['a parameter', { type: 'array', path: 'a', items: [['$p']] }, 'parameter'],
  ])('is refused with %s', async (_, json, what) => {
    const index = { toJson: () => json } as unknown as AbstractIndex;
    await expect(collection.createIndex('bad', index)).rejects.toMatchObject({
      domain: 'CouchbaseLite',
      message: expect.stringContaining(what),
    });
    await expect(collection.indexes()).resolves.toEqual([]);
  });
});
