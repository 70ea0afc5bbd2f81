/** Databases as files: path, exists, delete, copy, maintenance (api §4.3, §13.2). */

import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'fs';
import { join } from 'path';
import {
  Blob,
  CouchbaseLiteException,
  Database,
  DatabaseConfiguration,
  FileSystem,
  MaintenanceType,
  MutableDocument,
} from 'settee';
import { filesIn } from './support/files';
import { scratchFolder } from './support/scratch';

const scratch = scratchFolder();
const newFolder = () => mkdtempSync(join(scratch, 'db-'));

async function open(directory: string, name = 'files', key?: string): Promise<Database> {
  const database = new Database(name, new DatabaseConfiguration(directory, key as string));
  await database.open();
  return database;
}

/** 400 documents of 2 KB, and one with a small and a large blob. */
async function fill(database: Database): Promise<void> {
  const collection = await database.createCollection('things', 'some');
  const saves: Promise<unknown>[] = [];
  for (let number = 0; number < 400; number += 1) {
    const data = { number, text: `${number} `.repeat(500) };
    saves.push(collection.save(new MutableDocument(`d${number}`, data)));
  }
  await Promise.all(saves);
  const document = new MutableDocument('blobs');
  document.setBlob('small', new Blob('a/b', Buffer.from('small')));
  document.setBlob('large', new Blob('a/b', Buffer.alloc(300_000, 'large')));
  await collection.save(document);
}

const bytesIn = (folder: string) =>
  filesIn(folder).reduce((sum, path) => sum + statSync(path).size, 0);

describe('paths', () => {
  it('are a folder of the name with .cblite2, that FileSystem sees', async () => {
    const folder = newFolder();
    const database = await open(folder);
    const path = await database.getPath();
    expect(path.replace(/[/\\]$/, '')).toBe(join(folder, 'files.cblite2'));
    await expect(new FileSystem().getFilesInDirectory(folder)).resolves.toEqual({
      files: ['files.cblite2'],
    });
    await database.close();
  });
});

describe('exists and deleteDatabase', () => {
  it('know what is there', async () => {
    const folder = newFolder();
    await expect(Database.exists('files', folder)).resolves.toBe(false);
    const database = await open(folder);
    await expect(Database.exists('files', folder)).resolves.toBe(true);
    await database.close();
    await expect(Database.exists('files', folder)).resolves.toBe(true);
    await Database.deleteDatabase('files', folder);
    await expect(Database.exists('files', folder)).resolves.toBe(false);
    await Database.deleteDatabase('files', folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is refused while a handle is open, by path and with a second handle', async () => {
    const folder = newFolder();
    const [database, second] = [await open(folder), await open(folder)];
    const busy = { domain: 'CouchbaseLite', code: 16 };
    await expect(Database.deleteDatabase('files', folder)).rejects.toMatchObject(busy);
    await expect(database.deleteDatabase()).rejects.toMatchObject(busy);
    await second.close();
    await database.deleteDatabase();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes blobs and journals with it, and a new one begins empty', async () => {
    const folder = newFolder();
    const database = await open(folder);
    await fill(database);
    await database.deleteDatabase();
    expect(readdirSync(folder)).toEqual([]);
    const again = await open(folder);
    await expect(again.scopes()).resolves.toHaveLength(1);
    await again.close();
  });
});

describe('copy', () => {
  it.each([
    ['plain', undefined],
    ['encrypted', 'key'],
  ])('makes a %s database of its own, with documents and blobs', async (_title, key) => {
    const [folder, target] = [newFolder(), newFolder()];
    const database = await open(folder, 'files', key);
    await fill(database);
    // Also while the source is open, and through a Database that has nothing to do with it.
    await database.copy(
      await database.getPath(),
      'copied',
      new DatabaseConfiguration(target, key as string),
    );
    const copied = await open(target, 'copied', key);
    const collection = await copied.collection('things', 'some');
    await expect(collection.count()).resolves.toEqual({ count: 401 });
    const document = await collection.document('blobs');
    const content = Buffer.from((await document?.getBlobContent('large')) as ArrayBuffer);
    expect(content.equals(Buffer.alloc(300_000, 'large'))).toBe(true);

    await collection.save(new MutableDocument('new'));
    const source = await database.collection('things', 'some');
    await expect(source.count()).resolves.toEqual({ count: 401 });
    await database.close();
    await copied.close();
  });

  it('is refused when the target exists, the source does not, or the key is not its own', async () => {
    const [folder, target] = [newFolder(), newFolder()];
    const database = await open(folder, 'files', 'key');
    const path = await database.getPath();
    await database.close();
    await (await open(target, 'taken')).close();
    const config = new DatabaseConfiguration(target, 'key');
    const attempts = [
      database.copy(path, 'taken', config),
      database.copy(join(folder, 'nothing.cblite2'), 'copied', config),
      database.copy(path, 'copied', new DatabaseConfiguration(target, 'other')),
      database.copy(path, 'copied', new DatabaseConfiguration(target)),
      database.copy(path, '../copied', config),
    ];
    for (const attempt of attempts) {
      await expect(attempt).rejects.toBeInstanceOf(CouchbaseLiteException);
    }
    expect(readdirSync(target)).toEqual(['taken.cblite2']);
    expect(readdirSync(folder)).toEqual(['files.cblite2']);
  });
});

describe('performMaintenance', () => {
  it('COMPACT gives back pages and blobs that nobody refers to', async () => {
    const folder = newFolder();
    const database = await open(folder);
    await fill(database);
    await database.performMaintenance(MaintenanceType.COMPACT);
    const full = bytesIn(folder);
    const collection = await database.collection('things', 'some');
    for (let number = 0; number < 400; number += 1) {
      await collection.purgeById(`d${number}`);
    }
    await database.compact();
    expect(bytesIn(folder)).toBeLessThan(full - 400 * 1500);
    const kept = await collection.document('blobs');
    expect((await kept?.getBlobContent('large'))?.byteLength).toBe(300_000);

    await collection.purgeById('blobs');
    await database.performMaintenance(MaintenanceType.COMPACT);
    expect(filesIn(folder).filter((path) => /Attachments/.test(path))).toEqual([]);
    await database.close();
    expect(bytesIn(folder)).toBeLessThan(200_000);
  });

  it.each(['COMPACT', 'REINDEX', 'INTEGRITY_CHECK', 'OPTIMIZE', 'FULL_OPTIMIZE'] as const)(
    '%s leaves a sound database as it was',
    async (type) => {
      const database = await open(newFolder(), 'files', 'key');
      await fill(database);
      await database.performMaintenance(MaintenanceType[type]);
      const collection = await database.collection('things', 'some');
      await expect(collection.count()).resolves.toEqual({ count: 401 });
      expect((await collection.document('d7'))?.getInt('number')).toBe(7);
      await database.performMaintenance(MaintenanceType.INTEGRITY_CHECK);
      await database.close();
    },
  );

  it('INTEGRITY_CHECK finds a damaged page', async () => {
    const folder = newFolder();
    const database = await open(folder);
    await fill(database);
    const path = await database.getPath();
    await database.close();
    const [largest] = filesIn(path)
      .filter((file) => !/Attachments/.test(file))
      .sort((a, b) => statSync(b).size - statSync(a).size);
    const size = statSync(largest).size;
    const file = openSync(largest, 'r+');
    // Pages in the middle: the first ones must be whole for the file to open.
    for (let at = Math.floor(size / 8192) * 4096; at < size - 4096; at += 4096) {
      writeSync(file, Buffer.alloc(200, 0xa5), 0, 200, at);
    }
    closeSync(file);
    const damaged = await open(folder);
    await expect(
      damaged.performMaintenance(MaintenanceType.INTEGRITY_CHECK),
    ).rejects.toBeInstanceOf(CouchbaseLiteException);
    await damaged.close();
  });

  it('INTEGRITY_CHECK finds a damaged blob and names it', async () => {
    const folder = newFolder();
    const database = await open(folder);
    await fill(database);
    const [blob] = filesIn(folder).filter((path) => /Attachments/.test(path));
    const bytes = readFileSync(blob);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(blob, bytes);
    await expect(
      database.performMaintenance(MaintenanceType.INTEGRITY_CHECK),
    ).rejects.toMatchObject({
      domain: 'CouchbaseLite',
      code: 15,
      message: expect.stringContaining('blob'),
    });
    await database.close();
  });

  it('refuses a kind that there is not', async () => {
    const database = await open(newFolder());
    for (const kind of [5, -1, 1.5, undefined, 'COMPACT']) {
      await expect(
        database.performMaintenance(kind as unknown as MaintenanceType),
      ).rejects.toBeInstanceOf(CouchbaseLiteException);
    }
    await database.close();
  });
});
