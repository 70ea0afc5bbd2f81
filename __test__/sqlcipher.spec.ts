/**
 * Encrypted files beside another build of SQLCipher, over OpenSSL (design D7): what either of them
 * has written, the other reads.
 */

import { spawnSync } from 'child_process';
import { mkdtempSync, renameSync } from 'fs';
import { join } from 'path';
import { Blob, type Database, MutableDocument } from 'settee';
import { needs } from './support/needs';
import { findPeer } from './support/peer';
import { openDefault } from './support/peers';
import { scratchFolder } from './support/scratch';

const { folder: modules = '', missing } = findPeer<{ folder: string }>('sqlcipher.js');
const withSQLCipher = needs(missing === '', missing);
const scratch = scratchFolder();

const KEY = 'open sésame';
const DOCUMENTS = 300;
const LARGE = Buffer.alloc(200_000, 'large ');

/** Runs a program with SQLCipher's own defaults; `database` is open on the file with the key. */
function python(file: string, key: string, body: string): string {
  const program = `
import sys, sqlcipher3
file, key = sys.argv[1:]
database = sqlcipher3.connect(file, isolation_level=None)
def one(sql, *values):
    return database.execute(sql, values).fetchone()[0]
database.execute("PRAGMA key = '%s'" % key)
${body}
database.close()`;
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program, file, key], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' },
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

const fileOf = (folder: string) => join(folder, 'vault.cblite2', 'settee.sqlite3');

/** Makes an encrypted database in a new folder. */
async function filled(): Promise<string> {
  const folder = mkdtempSync(join(scratch, 'vault-'));
  const { database, collection } = await openDefault('vault', folder, KEY);
  const content = (n: number) => ({ n, text: 'x'.repeat(n) });
  const saves = Array.from({ length: DOCUMENTS }, (_, n) =>
    collection.save(new MutableDocument(`d${n}`, content(n))),
  );
  await Promise.all(saves);
  const document = new MutableDocument('blobs', {});
  document.setBlob('large', new Blob('text/plain', LARGE));
  document.setBlob('small', new Blob('text/plain', Buffer.from('small')));
  await collection.save(document);
  await database.close();
  return folder;
}

async function check(database: Database): Promise<void> {
  const collection = await database.defaultCollection();
  expect(await collection.count()).toEqual({ count: DOCUMENTS + 1 });
  expect((await collection.document('d299'))?.getData()).toEqual({ n: 299, text: 'x'.repeat(299) });
  const blobs = await collection.document('blobs');
  const [large, small] = await Promise.all(
    ['large', 'small'].map((name) => blobs?.getBlobContent(name)),
  );
  expect(Buffer.from(large as ArrayBuffer)).toEqual(LARGE);
  expect(Buffer.from(small as ArrayBuffer).toString()).toBe('small');
}

withSQLCipher('reads what settee has written, with the key alone', async () => {
  const file = fileOf(await filled());
  const found = python(
    file,
    KEY,
    `
print(one("SELECT count(*) FROM docs_1"), one("PRAGMA integrity_check"))
print(database.execute("PRAGMA cipher_integrity_check").fetchall())`,
  );
  expect(found.split('\n')).toEqual([`${DOCUMENTS + 1} ok`, '[]']);
  expect(() => python(file, 'open sesame', 'one("SELECT count(*) FROM docs_1")')).toThrow(
    'file is not a database',
  );
});

withSQLCipher('is read by settee, and goes on from there', async () => {
  const folder = await filled();
  const file = fileOf(folder);
  // Every page is encrypted anew, with a salt and a key of its making.
  python(
    file,
    KEY,
    `
database.execute("ATTACH '%s.new' AS new KEY 'another'" % file)
database.execute("PRAGMA new.auto_vacuum = INCREMENTAL")
database.execute("SELECT sqlcipher_export('new')").fetchall()
for pragma in ("application_id", "user_version"):
    database.execute("PRAGMA new.%s = %d" % (pragma, one("PRAGMA " + pragma)))`,
  );
  renameSync(`${file}.new`, file);
  await expect(openDefault('vault', folder, KEY)).rejects.toMatchObject({ code: 20 });
  const { database, collection } = await openDefault('vault', folder, 'another');
  await check(database);
  await collection.save(new MutableDocument('later', { kept: true }));
  await database.close();
  expect(python(file, 'another', 'print(one("PRAGMA integrity_check"))')).toBe('ok');
  const again = await openDefault('vault', folder, 'another');
  expect((await again.collection.document('later'))?.getData()).toEqual({ kept: true });
  await again.database.close();
});
