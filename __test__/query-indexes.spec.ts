/** Indexes through the public API (api §8, query spec §8, §9): made, used, replaced, kept. */

import { mkdtempSync } from 'fs';
import { join } from 'path';
import {
  type AbstractIndex,
  Collation,
  type Collection,
  Database,
  DatabaseConfiguration,
  Expression,
  FullTextIndexItem,
  FunctionExpression,
  IndexBuilder,
  MaintenanceType,
  Meta,
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

const valueIndex = (...paths: string[]) =>
  IndexBuilder.valueIndex(...paths.map((path) => ValueIndexItem.property(path)));
const expressionIndex = (expression: Expression) =>
  IndexBuilder.valueIndex(ValueIndexItem.expression(expression));
const fullText = (...paths: string[]) =>
  IndexBuilder.fullTextIndex(...paths.map((path) => FullTextIndexItem.property(path)));

beforeEach(async () => {
  folder = mkdtempSync(join(scratch, 'db-'));
  ({ database, collection } = await openDefault('indexed', folder));
  await saveMany(collection, 60, (n) => ({
    n,
    name: `Name ${n}`,
    o: { p: n % 7 },
    even: n % 2 === 0,
    text: n % 10 === 0 ? 'The quick brown foxes jump' : 'Lazy dogs sleep in the café',
  }));
});

afterEach(() => database.close());

const rows = (text: string) => rowsOf(database, text);
const plan = (text: string) => planOf(database, text);

describe('a value index', () => {
  it('is listed, used, left alone when it is the same, replaced when not, and deleted', async () => {
    await expect(collection.indexes()).resolves.toEqual([]);
    await collection.createIndex('byN', valueIndex('n'));
    await collection.createIndex('byN', valueIndex('n'));
    await expect(collection.indexes()).resolves.toEqual(['byN']);
    await expect(plan('SELECT name FROM _ WHERE n = 5')).resolves.toContain('USING INDEX byN');
    await expect(rows('SELECT name FROM _ WHERE n = 5')).resolves.toEqual([{ name: 'Name 5' }]);

    await collection.createIndex('byN', valueIndex('name', 'n'));
    await expect(collection.indexes()).resolves.toEqual(['byN']);
    await expect(plan('SELECT name FROM _ WHERE n = 5')).resolves.not.toContain('byN');
    await expect(plan("SELECT n FROM _ WHERE name = 'x' AND n > 3")).resolves.toContain('byN');

    await collection.deleteIndex('byN');
    await collection.deleteIndex('byN');
    await expect(collection.indexes()).resolves.toEqual([]);
    await expect(plan("SELECT n FROM _ WHERE name = 'x'")).resolves.toContain('SCAN');
  });

  it.each<[string, Expression, string]>([
    ['a nested property', Expression.property('o.p'), 'o.p = 3'],
    [
      'a function',
      new FunctionExpression('LOWER()', [Expression.property('name')]),
      "LOWER(name) = 'name 5'",
    ],
    ['a sum', Expression.property('n').add(Expression.number(1)), 'n + 1 = 6'],
    [
      'a collation',
      Expression.property('name').collate(Collation.ascii().ignoreCase(true)),
      "name = 'NAME 5' COLLATE NOCASE",
    ],
    [
      'a collation of a language',
      Expression.property('name').collate(
        Collation.unicode().ignoreCase(true).ignoreAccents(true).locale('de'),
      ),
      "name = 'NÄME 5' COLLATE (UNICODE:de NOCASE NODIAC)",
    ],
    ['meta data', Meta.sequence, 'META().sequence = 5'],
  ])('may be on %s', async (_, expression, condition) => {
    const without = await rows(`SELECT META().id FROM _ WHERE ${condition}`);
    expect(without.length).toBeGreaterThan(0);
    await collection.createIndex('special', expressionIndex(expression));
    if (expression !== (Meta.sequence as Expression)) {
      await expect(plan(`SELECT n FROM _ WHERE ${condition}`)).resolves.toContain('special');
    }
    await expect(rows(`SELECT META().id FROM _ WHERE ${condition}`)).resolves.toEqual(without);
  });

  it('never changes what a query answers', async () => {
    const texts = [
      'SELECT even FROM _ WHERE even = true LIMIT 2',
      'SELECT n FROM _ WHERE n > 50 ORDER BY n DESC',
      'SELECT MIN(n) AS a, MAX(n) AS b FROM _',
      'SELECT even, COUNT(*) AS c FROM _ GROUP BY even ORDER BY even',
      'SELECT n FROM _ WHERE nothing IS MISSING ORDER BY n LIMIT 3',
    ];
    const before = await Promise.all(texts.map(rows));
    for (const path of ['n', 'even', 'name', 'nothing', 'o']) {
      await collection.createIndex(`by ${path}`, valueIndex(path));
    }
    await expect(Promise.all(texts.map(rows))).resolves.toEqual(before);
  });

  it('belongs to its collection', async () => {
    const other = await database.createCollection('other', 'x');
    await other.save(new MutableDocument('o', { n: 1 }));
    await collection.createIndex('same', valueIndex('n'));
    await other.createIndex('same', valueIndex('n'));
    await expect(plan('SELECT n FROM _ WHERE n = 1')).resolves.toContain('INDEX same');
    await expect(plan('SELECT n FROM x.other WHERE n = 1')).resolves.toContain('INDEX same');
    await other.deleteIndex('same');
    await expect(collection.indexes()).resolves.toEqual(['same']);
    await other.createIndex('text', fullText('t'));
    await database.deleteCollection('other', 'x');
    const anew = await database.createCollection('other', 'x');
    await expect(anew.indexes()).resolves.toEqual([]);
  });

  it('is also made by the deprecated functions of a database', async () => {
    await database.createIndex('old', valueIndex('n'));
    await expect(database.getIndexes()).resolves.toEqual(['old']);
    await database.deleteIndex('old');
    await expect(collection.indexes()).resolves.toEqual([]);
  });

  it('takes hostile property names and index names as names', async () => {
    const names = [
      "it's",
      'a"b',
      'a`b',
      '); DROP TABLE docs_1; --',
      'a[0',
      'é\u0001',
      '$x',
      'a\\b',
    ];
    for (const [index, name] of names.entries()) {
      await collection.save(new MutableDocument(`h${index}`, { [name]: index + 1 }));
      const path = name.replace(/[.\\[\]]/g, '\\$&');
      await collection.createIndex(`index ${name.replace(/"/g, "'")}`, valueIndex(path));
      const quoted = `\`${name.replace(/`/g, '``')}\``;
      const text = `SELECT META().id FROM _ WHERE ${quoted} = ${index + 1}`;
      await expect(rows(text)).resolves.toEqual([{ id: `h${index}` }]);
      await expect(plan(text)).resolves.toContain(`INDEX index ${name.replace(/"/g, "'")}`);
    }
    await expect(collection.indexes()).resolves.toHaveLength(names.length);
    await expect(rows('SELECT COUNT(*) AS c FROM _')).resolves.toEqual([{ c: 60 + names.length }]);
  });
});

describe('a full-text index', () => {
  it('finds words by stem, in English unless told otherwise', async () => {
    await collection.createIndex('words', fullText('text'));
    const match = (text: string) => `SELECT n FROM _ WHERE MATCH(words, '${text}') ORDER BY n`;
    await expect(rows(match('fox'))).resolves.toHaveLength(6);
    await expect(rows(match('FOXES AND jumping'))).resolves.toHaveLength(6);
    await expect(rows(match('the'))).resolves.toEqual([]);
    await expect(rows(match('slee*'))).resolves.toHaveLength(54);
    await expect(rows(match('cafe'))).resolves.toEqual([]);
    await expect(rows(match('"quick brown"'))).resolves.toHaveLength(6);
    await expect(rows(match('fox OR dog'))).resolves.toHaveLength(60);
  });

  it('follows saves, deletes and purges', async () => {
    await collection.createIndex('words', fullText('text', 'name'));
    const found = async (text: string) =>
      (await rows(`SELECT META().id FROM _ WHERE MATCH(words, '${text}')`)).map(({ id }) => id);
    await collection.save(new MutableDocument('new', { text: 'a lighthouse' }));
    await expect(found('lighthouses')).resolves.toEqual(['new']);
    await collection.save(new MutableDocument('new', { name: 'harbour' }));
    await expect(found('lighthouse')).resolves.toEqual([]);
    await expect(found('name:harbour')).resolves.toEqual(['new']);
    await expect(found('text:harbour')).resolves.toEqual([]);
    await collection.deleteDocument((await collection.document('new')) as MutableDocument);
    await expect(found('harbour')).resolves.toEqual([]);
    await collection.purgeById('d0');
    await expect(found('fox')).resolves.toHaveLength(5);
  });

  it('ranks, and ignores accents if told so', async () => {
    await collection.createIndex('words', fullText('text').setIgnoreAccents(true));
    await expect(rows("SELECT n FROM _ WHERE MATCH(words, 'cafe')")).resolves.toHaveLength(54);
    await collection.save(new MutableDocument('many', { text: 'fox fox fox' }));
    const [best] = await rows(
      "SELECT META().id, RANK(words) AS r FROM _ WHERE MATCH(words, 'fox') ORDER BY RANK(words) DESC LIMIT 1",
    );
    expect(best).toEqual({ id: 'many', r: expect.any(Number) });
  });

  it('says what is wrong with a text that it cannot read', async () => {
    await collection.createIndex('words', fullText('text'));
    await expect(rows("SELECT n FROM _ WHERE MATCH(words, '\"fox')")).rejects.toMatchObject({
      domain: 'CouchbaseLite.SQLite',
      code: 1,
      message: expect.stringContaining('"fox'),
    });
  });
});

describe('indexes', () => {
  const N = 'SELECT name FROM _ WHERE n = 5';
  const FOX = "SELECT COUNT(*) AS c FROM _ WHERE MATCH(words, 'fox')";

  async function makeBoth() {
    await collection.createIndex('byN', valueIndex('n'));
    await collection.createIndex('words', fullText('text'));
  }

  async function expectBoth(of: Database) {
    const query = (text: string) => of.createQuery(text);
    await expect(query(N).explain()).resolves.toContain('USING INDEX byN');
    await expect(query(N).execute()).resolves.toEqual([{ name: 'Name 5' }]);
    await expect(query(FOX).execute()).resolves.toEqual([{ c: 6 }]);
    const owner = await of.defaultCollection();
    await expect(owner.indexes()).resolves.toEqual(['byN', 'words']);
    await owner.save(new MutableDocument('later', { n: 1000, text: 'a fox' }));
    await expect(query(FOX).execute()).resolves.toEqual([{ c: 7 }]);
    await owner.purgeById('later');
    await of.performMaintenance(MaintenanceType.INTEGRITY_CHECK);
  }

  it('outlive reopening, compaction, reindexing and a new key', async () => {
    await makeBoth();
    await expectBoth(database);
    await database.close();
    await database.open();
    collection = await database.defaultCollection();
    await expectBoth(database);
    await database.performMaintenance(MaintenanceType.COMPACT);
    await database.performMaintenance(MaintenanceType.REINDEX);
    await database.performMaintenance(MaintenanceType.FULL_OPTIMIZE);
    await expectBoth(database);
    await database.changeEncryptionKey('secret');
    await expectBoth(database);
    await database.changeEncryptionKey('other');
    await expectBoth(database);
    await database.changeEncryptionKey(null as unknown as string);
    await expectBoth(database);
  }, 60000);

  it('are in a copy', async () => {
    await makeBoth();
    const path = await database.getPath();
    await database.copy(path, 'copy', new DatabaseConfiguration(folder));
    const copy = new Database('copy', new DatabaseConfiguration(folder));
    await copy.open();
    await expectBoth(copy);
    await copy.close();
  }, 60000);

  it.each<[string, unknown]>([
    ['no items', { type: 'value', items: [] }],
    ['an unknown type', { type: 'vector', items: [['.v']] }],
    ['no type', { items: [['.v']] }],
    ['items that are no list', { type: 'value', items: 'n' }],
    ['an unknown function', { type: 'value', items: [['NOTHING()', ['.v']]] }],
    ['a parameter', { type: 'value', items: [['$p']] }],
    ['an aggregate', { type: 'value', items: [['COUNT()', ['.v']]] }],
    ['a full-text item that is no property', { type: 'full-text', items: [['LOWER()', ['.v']]] }],
    ['a list that means nothing', { type: 'value', items: [[]] }],
    ['nothing', null],
  ])('are refused with %s', async (_, json) => {
    const index = { toJson: () => json } as unknown as AbstractIndex;
    await expect(collection.createIndex('bad', index)).rejects.toMatchObject({
      domain: 'CouchbaseLite',
    });
    await expect(collection.indexes()).resolves.toEqual([]);
  });

  it('are refused with bad names', async () => {
    for (const name of ['', 'a"b', 'x'.repeat(300)]) {
      await expect(collection.createIndex(name, valueIndex('n'))).rejects.toMatchObject({
        domain: 'CouchbaseLite',
        code: 9,
      });
    }
  });

  it('of a batch are kept or undone with it', async () => {
    const given = database.inBatch(() => {
      collection.createIndex('gone', valueIndex('n')).catch(() => undefined);
      throw new Error('given up');
    });
    await expect(given).rejects.toThrow('given up');
    await expect(collection.indexes()).resolves.toEqual([]);
    await database.inBatch(() => {
      collection.createIndex('kept', valueIndex('n')).catch(() => undefined);
    });
    await expect(collection.indexes()).resolves.toEqual(['kept']);
  });
});
