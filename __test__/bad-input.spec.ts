/**
 * Every argument of every engine function given something wrong, made from the list of functions.
 *
 * A wrong type, nothing, or a name of nothing is a rejected promise with domain, code and message. A
 * hostile but well-formed text may also be accepted where any text is; it must never crash or hang
 * the engine, reach outside its folder, or leave half a write.
 */

import { existsSync } from 'fs';
import { join } from 'path';
import { CouchbaseLiteException, engine, type ICoreEngine } from 'settee';
import {
  type ArgumentKind,
  ENGINE_FUNCTION_NAMES,
  ENGINE_FUNCTIONS,
  type EngineFunctionName,
} from '../js/engine/engine-functions';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

const DEFAULT = { scopeName: '_default', collectionName: '_default' };
const functions = engine as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;

/** Names of things that do not exist (any more). */
const gone = { closed: '', deleted: '', collection: 'deleted' };
const valid: Record<string, unknown> = {};

beforeAll(async () => {
  const open = async (name: string) =>
    (await engine.database_Open({ name, config: { directory: folder } })).databaseUniqueName;
  const name = await open('valid');
  gone.closed = await open('closed');
  await engine.database_Close({ name: gone.closed });
  gone.deleted = await open('deleted');
  await engine.database_Delete({ name: gone.deleted });
  const collection = { name, scopeName: '_default', collectionName: gone.collection };
  await engine.collection_CreateCollection(collection);
  await engine.collection_DeleteCollection(collection);
  await engine.collection_Save({
    name,
    ...DEFAULT,
    id: 'x',
    document: '{"a":1}',
    blobs: { b: { contentType: 'text/plain', data: Uint8Array.from([104, 105]) } },
    concurrencyControl: null,
  });
  const member = { collection: { name: '_default', scopeName: '_default', databaseName: name } };
  const config = {
    target: { url: 'ws://127.0.0.1:1/valid' },
    replicatorType: 'PUSH',
    collectionConfig: JSON.stringify([{ collections: [member], config: '' }]),
  };
  const { replicatorId } = await engine.replicator_Create({ config });
  const listenerArgs = {
    collections: [{ name: '_default', scopeName: '_default', databaseName: name }],
    networkInterface: '127.0.0.1',
    disableTLS: true,
  };
  const { listenerId } = await engine.URLEndpointListener_createListener(listenerArgs);
  Object.assign(valid, listenerArgs, {
    name,
    ...DEFAULT,
    docId: 'x',
    documentId: 'x',
    id: 'x',
    key: 'b',
    document: '{"a":2}',
    blobs: '{}',
    concurrencyControl: null,
    expiration: null,
    indexName: 'i',
    index: { type: 'value', items: [['.a']] },
    databaseName: 'absent',
    directory: folder,
    path: folder,
    newName: 'copy',
    newKey: null,
    maintenanceType: 0,
    domain: 'ALL',
    logLevel: 5,
    query: 'SELECT 1',
    parameters: {},
    config,
    replicatorId,
    listenerId,
    port: 0,
    enableDeltaSync: false,
    label: 'nobody',
    digest: 'sha1-wl1h1Ef/aShwQdTHuwvTLp1o0cg=',
    offset: 0,
    length: 1,
    commit: true,
    question: 'nobody',
  });
});

/** What is no text at all. */
const NO_TEXT: unknown[] = [undefined, null, '', 7, true, {}, ['x'], Number.NaN];
/** What is no object of plain data. */
const NO_JSON: unknown[] = [7, true, '[1', 'x', Number.NaN];

/** Values that must be refused in a field of this kind. */
const WRONG: Record<ArgumentKind, unknown[]> = {
  handle: [...NO_TEXT, 'nobody', '../valid', 'valid\0'],
  scope: NO_TEXT,
  collection: [...NO_TEXT, '_bad'],
  replicator: [...NO_TEXT, 'nobody'],
  listener: [...NO_TEXT, 'nobody'],
  token: NO_TEXT,
  text: NO_TEXT,
  'text?': [7, true, {}, ['x']],
  number: [undefined, null, 'x', {}, Number.NaN, Number.POSITIVE_INFINITY, 1e308, -1, 99, 0.5],
  'number?': ['x', {}, Number.NaN, -1, 1e308, 0.5],
  boolean: ['x', 7, {}],
  json: [undefined, null, ...NO_JSON],
  'json?': NO_JSON,
  'date?': ['x', 7, {}, true, new Date(Number.NaN)],
};

/** Well-formed texts with bad intentions. */
const HOSTILE = [
  '../x',
  '..',
  'a\0b',
  'x'.repeat(10_000),
  '"; DROP TABLE docs; --',
  '\ud800',
  '%s%n',
];

/** Fields where the reference itself is lenient, or where a value in the list is a fair one. */
const LENIENT: Partial<Record<EngineFunctionName, string[]>> = {
  // Any folder may be looked for; the default one when it is missing.
  database_Exists: ['directory'],
  database_DeleteWithPath: ['directory'],
  // A token nobody has is refused by the remove functions for that reason.
  callback_Answer: ['value', 'error'],
  // 0 or more bytes from anywhere.
  database_ReadBlob: ['offset', 'length'],
};

async function outcome(name: EngineFunctionName, args: unknown): Promise<unknown> {
  const call =
    ENGINE_FUNCTIONS[name].callback === true
      ? functions[name](args, () => undefined)
      : functions[name](args);
  expect(call).toBeInstanceOf(Promise);
  return call.then(
    () => 'accepted',
    (error) => error,
  );
}

function expectRefusal(result: unknown, what: string): void {
  if (result === 'accepted') {
    throw new Error(`${what} was accepted`);
  }
  const error = result as CouchbaseLiteException;
  expect(error).toBeInstanceOf(CouchbaseLiteException);
  expect(error.domain).toMatch(/^(CouchbaseLite|CouchbaseLite\.SQLite|POSIXErrorDomain)$/);
  expect(Number.isInteger(error.code)).toBe(true);
  expect(error.message).toBeTruthy();
  expect(error.message.length).toBeLessThan(1000);
}

function argsOf(name: EngineFunctionName): Record<string, unknown> {
  const { fields } = ENGINE_FUNCTIONS[name];
  const args = Object.fromEntries(Object.keys(fields).map((field) => [field, valid[field]]));
  if ('changeListenerToken' in args) {
    args.changeListenerToken = engine.getUUID();
  }
  return args;
}

function show(value: unknown): string {
  return typeof value === 'string' && value.length > 40
    ? `a text of ${value.length}`
    : (JSON.stringify(value) ?? String(value));
}

describe.each(ENGINE_FUNCTION_NAMES)('%s', (name) => {
  const { fields } = ENGINE_FUNCTIONS[name];

  if (Object.keys(fields).length > 0) {
    it('refuses arguments that are no object', async () => {
      for (const args of [undefined, null, 7, 'x', []]) {
        expectRefusal(await outcome(name, args), show(args));
      }
    });
  }

  for (const [field, kind] of Object.entries(fields)) {
    if (LENIENT[name]?.includes(field)) {
      continue;
    }
    it(`refuses a wrong ${field}`, async () => {
      for (const value of WRONG[kind]) {
        const result = await outcome(name, { ...argsOf(name), [field]: value });
        expectRefusal(result, `${field} = ${show(value)}`);
      }
    });
  }

  for (const [field, kind] of Object.entries(fields)) {
    if (kind === 'handle') {
      it('refuses a closed and a deleted database', async () => {
        if (name === 'database_Close') {
          return;
        }
        for (const handle of [gone.closed, gone.deleted]) {
          expectRefusal(await outcome(name, { ...argsOf(name), [field]: handle }), handle);
        }
      });
    } else if (kind === 'collection' && !/Create|DeleteCollection/.test(name)) {
      it('refuses a deleted collection', async () => {
        const args = { ...argsOf(name), [field]: gone.collection };
        expectRefusal(await outcome(name, args), gone.collection);
      });
    }
  }

  const texts = Object.entries(fields).filter(([, kind]) => !/number|boolean|date|json/.test(kind));
  if (texts.length > 0) {
    it('survives hostile texts', async () => {
      for (const [field] of texts) {
        for (const text of HOSTILE) {
          const result = await outcome(name, { ...argsOf(name), [field]: text });
          if (result !== 'accepted') {
            expectRefusal(result, `${field} = ${show(text)}`);
          }
        }
      }
    });
  }
});

describe('bodies', () => {
  const save = (document: string, id = 'body') =>
    (engine as ICoreEngine).collection_Save({
      name: valid.name as string,
      ...DEFAULT,
      id,
      document,
      blobs: '{}',
      concurrencyControl: null,
    });
  const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it.each([
    ['nested 10,000 deep', nested(10_000), /100/],
    ['nested 101 deep', nested(101), /100/],
    ['over 20 MiB', `{"a":"${'x'.repeat(20 * 1024 * 1024)}"}`, /20/],
    ['with a lone surrogate', '{"a":"\\ud800"}', /surrogate/],
    ['with a comment', '{/* */"a":1}', /./],
    ['with a number too large', '{"a":1e999}', /./],
  ])('%s are refused and name the limit', async (_title, document, message) => {
    const error = await save(document).catch((reason) => reason);
    expectRefusal(error, 'the body');
    expect(error.message).toMatch(message);
    await expect(
      engine.collection_GetDocument({ name: valid.name as string, ...DEFAULT, docId: 'body' }),
    ).resolves.toEqual({});
  });

  it.each([
    ['of 19 MiB', `{"a":"${'x'.repeat(19 * 1024 * 1024)}"}`],
    ['nested 98 deep', nested(98)],
    ['with -0, 1e308 and integers beyond 2^53', '{"a":-0,"b":1e308,"c":9007199254740993}'],
  ])('%s are fine', async (_title, document) => {
    await expect(save(document, 'fine')).resolves.toMatchObject({ _id: 'fine' });
  });
});

describe('after all of that', () => {
  it('the engine works, the document is whole and nothing lies outside the folder', async () => {
    const document = { name: valid.name as string, ...DEFAULT, docId: 'x' };
    const { _data } = await engine.collection_GetDocument(document);
    expect(Object.keys(_data as object)).toContain('a');
    for (const name of ['x.cblite2', '..cblite2', 'copy.cblite2']) {
      expect(existsSync(join(folder, '..', name))).toBe(false);
    }
  });
});
