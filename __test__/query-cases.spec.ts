/**
 * The cases of tests/data/query that JavaScript can state, through the public API. All of them run
 * in Rust as well.
 */

import { mkdtempSync, readFileSync } from 'fs';
import { join } from 'path';
import {
  type Collection,
  type Database,
  FullTextIndexItem,
  IndexBuilder,
  MutableDocument,
  ValueIndexItem,
} from 'settee';
import { openDefault } from './support/peers';
import { scratchFolder } from './support/scratch';

interface CaseIndex {
  name: string;
  type: string;
  expr: string;
  where?: string;
  language?: string;
  ignoreDiacritics?: boolean;
  coll?: string;
}

interface Case {
  name: string;
  docs: { [key: string]: any }[];
  indexes?: CaseIndex[];
  query: string;
  params?: { [name: string]: any };
  tz?: string;
  ordered: boolean;
  expected: any[] | { error: true };
}

const scratch = scratchFolder();
const file = join(__dirname, '..', 'tests', 'data', 'query', 'cases.json');
const lines = readFileSync(file, 'utf8')
  .split('\n')
  .map((line) => line.replace(/,$/, ''))
  .filter((line) => line.startsWith('{'));

/** Numbers that JavaScript writes otherwise than the case: `5.0`, `1e3`, and large ones. */
const OTHER_NUMBERS = /[:[,\s]-?(\d+\.0+|\d+(\.\d+)?[eE][+-]?\d+|\d{16,})(?=[,\]}\s])/;
const hasOtherNumbers = (line: string) =>
  OTHER_NUMBERS.test(line.replace(/"expected":.*$/, '').replace(/"(\\.|[^"\\])*"/g, '""'));

const isPath = (text: string) => /^[A-Za-z_][\w.]*(, *[A-Za-z_][\w.]*)*$/.test(text);

const inUtc = Intl.DateTimeFormat().resolvedOptions().timeZone === 'UTC';

function canBeStated(line: string, { name, indexes, tz }: Case): boolean {
  return (
    !hasOtherNumbers(line) &&
    tz === undefined &&
    (inUtc || !name.startsWith('fn date')) &&
    (indexes ?? []).every(({ expr, where }) => where === undefined && isPath(expr))
  );
}

const cases = lines
  .map((line): [string, Case] => [line, JSON.parse(line)])
  .filter(([line, one]) => canBeStated(line, one))
  .map(([, one]): [string, Case] => [one.name, one]);

async function collectionOf(database: Database, name: string | undefined): Promise<Collection> {
  if (name === undefined) {
    return database.defaultCollection();
  }
  const [scope, collection] = name.includes('.') ? name.split('.') : ['_default', name];
  return database.createCollection(collection, scope);
}

async function fill(database: Database, { docs, indexes }: Case): Promise<void> {
  for (const { _id, _coll, _deleted, _exp, ...body } of docs) {
    const collection = await collectionOf(database, _coll);
    const document = new MutableDocument(_id, body);
    await collection.save(document);
    if (_exp !== undefined) {
      await collection.setDocumentExpiration(_id, new Date(_exp));
    }
    if (_deleted) {
      await collection.deleteDocument(document);
    }
  }
  for (const { name, type, expr, language, ignoreDiacritics, coll } of indexes ?? []) {
    const collection = await collectionOf(database, coll);
    const paths = expr.split(/, */);
    if (type === 'value') {
      const items = paths.map((path) => ValueIndexItem.property(path));
      await collection.createIndex(name, IndexBuilder.valueIndex(...items));
    } else if (type === 'fts') {
      const items = paths.map((path) => FullTextIndexItem.property(path));
      const index = IndexBuilder.fullTextIndex(...items)
        .setLanguage(language ?? '')
        .setIgnoreAccents(ignoreDiacritics === true);
      await collection.createIndex(name, index);
    }
  }
}

function same(a: any, b: any): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    return a === b || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, index) => same(one, b[index]));
  }
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    const keys = Object.keys(a);
    return (
      Array.isArray(a) === Array.isArray(b) &&
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.prototype.hasOwnProperty.call(b, key) && same(a[key], b[key]))
    );
  }
  return a === b;
}

function sameRows(expected: any[], found: any[], ordered: boolean): boolean {
  if (ordered || expected.length !== found.length) {
    return same(expected, found);
  }
  const left = found.slice();
  return expected.every((row) => {
    const index = left.findIndex((one) => same(row, one));
    return index >= 0 && left.splice(index, 1).length === 1;
  });
}

it('most cases can be stated', () => {
  expect(cases.length).toBeGreaterThan(600);
});

it.each(cases)('%s', async (_, one) => {
  const folder = mkdtempSync(join(scratch, 'case-'));
  const { database } = await openDefault('db', folder);
  try {
    await fill(database, one);
    const query = database.createQuery(one.query);
    for (const [name, value] of Object.entries(one.params ?? {})) {
      query.parameters.setValue(name, value);
    }
    const outcome: any = await query.execute().catch((error) => ({ error }));
    if (!Array.isArray(one.expected)) {
      expect(outcome.error).toBeInstanceOf(Error);
    } else if (!sameRows(one.expected, outcome, one.ordered)) {
      expect(outcome).toEqual(one.expected);
    }
  } finally {
    await database.close();
  }
});
