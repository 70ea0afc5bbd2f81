/** Encryption through the public API (api §4.2, §4.3). */

import { mkdtempSync, writeFileSync } from 'fs';
import { join } from 'path';
import {
  Blob,
  type Collection,
  CouchbaseLiteException,
  Database,
  DatabaseConfiguration,
  MutableDocument,
} from 'settee';
import { filesIn, filesWith } from './support/files';
import { runProgram } from './support/program';
import { scratchFolder } from './support/scratch';

const scratch = scratchFolder();
const newFolder = () => mkdtempSync(join(scratch, 'db-'));

/** A word that must not be readable. */
const MARKER = 'marker-that-must-not-show';

/** What a wrong key makes of a file: no database. */
const WRONG_KEY = { domain: 'CouchbaseLite', code: 20 };

async function open(directory: string, key?: string | null): Promise<Database> {
  const database = new Database('vault', new DatabaseConfiguration(directory, key as string));
  await database.open();
  return database;
}

/** Puts the marker in ids, bodies, names of collections, and blobs of both sizes. */
async function fill(database: Database): Promise<void> {
  const collection = await database.createCollection(MARKER);
  for (let number = 0; number < 50; number += 1) {
    await collection.save(new MutableDocument(`${MARKER}-${number}`, { text: MARKER, number }));
  }
  const document = new MutableDocument('blobs');
  const bytes = Buffer.from(MARKER.repeat(10_000));
  document.setBlob('small', new Blob('text/plain', Buffer.from(MARKER)));
  document.setBlob('large', new Blob('text/plain', bytes));
  const file = join(newFolder(), 'source');
  writeFileSync(file, bytes.subarray(1));
  document.setBlob('file', Blob.fromFile('text/plain', file));
  await collection.save(document);
}

async function check(database: Database): Promise<void> {
  const collection = await database.collection(MARKER);
  expect(await collection.count()).toEqual({ count: 51 });
  const document = await collection.document(`${MARKER}-49`);
  expect(document?.getData()).toEqual({ text: MARKER, number: 49 });
  const sizes = { small: MARKER.length, large: MARKER.length * 10_000 };
  for (const [key, size] of Object.entries({ ...sizes, file: sizes.large - 1 })) {
    const content = Buffer.from(await bytesOf(collection, key));
    expect(content).toHaveLength(size);
    expect(content.toString().endsWith(MARKER)).toBe(true);
  }
}

async function bytesOf(collection: Collection, key: string): Promise<ArrayBuffer> {
  const document = await collection.document('blobs');
  return (document as NonNullable<typeof document>).getBlobContent(key);
}

describe('an encrypted database', () => {
  it('opens with its key alone', async () => {
    const folder = newFolder();
    const database = await open(folder, 'pass phrase');
    await fill(database);
    await check(database);
    await database.close();
    for (const key of ['Pass phrase', 'pass phrase ', null, '']) {
      const error = await open(folder, key).catch((reason) => reason);
      expect(error).toBeInstanceOf(CouchbaseLiteException);
      expect(error).toMatchObject(WRONG_KEY);
      expect(error.message).not.toContain('phrase');
    }
    const again = await open(folder, 'pass phrase');
    await check(again);
    await again.close();
  });

  it('shows nothing in any file of its folder, neither while it is open nor afterwards', async () => {
    const folder = newFolder();
    const database = await open(folder, 'key');
    await fill(database);
    const files = filesIn(folder).map((path) => path.slice(folder.length));
    expect(files).toContainEqual(expect.stringMatching(/-wal$/));
    expect(files).toContainEqual(expect.stringMatching(/Attachments/));
    expect(filesWith(MARKER, folder)).toEqual([]);
    await database.close();
    expect(filesWith(MARKER, folder)).toEqual([]);
  });

  it('is refused a second handle with another key', async () => {
    const folder = newFolder();
    const database = await open(folder, 'key');
    await expect(open(folder, 'other')).rejects.toMatchObject(WRONG_KEY);
    await expect(open(folder)).rejects.toMatchObject(WRONG_KEY);
    await (await open(folder, 'key')).close();
    await database.close();
  });

  it('opens in another process', async () => {
    const folder = newFolder();
    const database = await open(folder, 'key');
    await fill(database);
    await database.close();
    const { stdout } = runProgram(
      `const config = new settee.DatabaseConfiguration(folder, 'key');
       const database = new settee.Database('vault', config);
       await database.open();
       console.log((await (await database.collection(marker)).count()).count);
       const wrong = new settee.Database('vault', new settee.DatabaseConfiguration(folder, 'x'));
       await wrong.open().catch(({ code }) => console.log(code));`,
      { folder, marker: MARKER },
    );
    expect(stdout).toBe('51\n20\n');
  });
});

describe('changeEncryptionKey', () => {
  it('goes from plain to encrypted to another key and back to plain', async () => {
    const folder = newFolder();
    const database = await open(folder);
    await fill(database);
    expect(filesWith(MARKER, folder).length).toBeGreaterThan(1);

    const steps: [from: string | null, to: string | null][] = [
      [null, 'one'],
      ['one', 'two'],
      ['two', null],
    ];
    for (const [from, to] of steps) {
      await database.changeEncryptionKey(to);
      expect(database.getConfig().getEncryptionKey()).toBe(to);
      await check(database);
      if (to !== null) {
        expect(filesWith(MARKER, folder)).toEqual([]);
      }
      await database.close();
      if (to !== null) {
        expect(filesWith(MARKER, folder)).toEqual([]);
      }
      await expect(open(folder, from)).rejects.toBeInstanceOf(CouchbaseLiteException);
      await database.open();
      await check(database);
    }
    await database.close();
    await check(await open(folder));
  });

  it('is refused while another handle is open, and changes nothing', async () => {
    const folder = newFolder();
    const database = await open(folder);
    await fill(database);
    const other = await open(folder);
    await expect(database.changeEncryptionKey('key')).rejects.toMatchObject({
      domain: 'CouchbaseLite',
      code: 16,
    });
    await check(other);
    await other.close();
    await database.changeEncryptionKey('key');
    await check(database);
    await database.close();
    await expect(open(folder)).rejects.toMatchObject(WRONG_KEY);
  });

  it('keeps calls that were made before and after it in order', async () => {
    const folder = newFolder();
    const database = await open(folder);
    const collection = await database.defaultCollection();
    const calls: Promise<unknown>[] = [];
    for (let number = 0; number < 100; number += 1) {
      calls.push(collection.save(new MutableDocument(`d${number}`, { number })));
      if (number === 50) {
        calls.push(database.changeEncryptionKey('key'));
      }
    }
    await Promise.all(calls);
    expect(await collection.count()).toEqual({ count: 100 });
    await database.close();
    const again = await open(folder, 'key');
    expect(await (await again.defaultCollection()).count()).toEqual({ count: 100 });
    await again.close();
  });

  it('takes up listeners where they were', async () => {
    const database = await open(newFolder());
    const collection = await database.defaultCollection();
    const heard: string[] = [];
    await collection.addChangeListener(({ documentIDs }) => heard.push(...documentIDs));
    await collection.save(new MutableDocument('before'));
    await database.changeEncryptionKey('key');
    await collection.save(new MutableDocument('after'));
    await collection.count();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toEqual(['before', 'after']);
    await database.close();
  });
});
