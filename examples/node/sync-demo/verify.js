// @ts-check

// The judge: a process that took no part in the sync opens both databases again and computes a digest of each. Run by
// main.js; by hand: node verify.js FOLDER_A FOLDER_B

const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Database, DatabaseConfiguration, MutableDocument } = require('settee');
const dataset = require('./dataset');
const { serve } = require('./child');
const { allDocumentIds, forEachDocument } = require('./inventory');

const DATABASE = 'atlas';

/**
 * What was found in one database.
 * @typedef {{ documents: number, attachments: number, bytes: number, deleted: number, sourceRecords: number, digest: string }} Finding
 */

/**
 * The digest of a database: SHA-256 over one entry per document, sorted by collection and id. An entry is collection, id,
 * revision, deleted or not, canonical body, and for each attachment its key and its bytes as they are read now.
 *
 * No API shows the revision of a deleted document. But the id of a revision depends on its parent's, so the revision that a
 * save over it gets, with a body that is always the same, stands for it; that save is made in a copy.
 * @param {string} directory folder that holds the database
 * @returns {Promise<Finding>}
 */
async function inspect(directory) {
  const hash = crypto.createHash('sha256');
  const found = {
    documents: 0,
    attachments: 0,
    bytes: 0,
    deleted: 0,
    sourceRecords: 0,
    digest: '',
  };
  const database = await openDatabase(directory);
  const copyOfTombstones = await Tombstones.open(directory);
  try {
    const collections = await database.collections(dataset.SCOPE);
    collections.sort((a, b) => (a.name < b.name ? -1 : 1));
    const ids = await allDocumentIds(collections);
    for (const collection of collections) {
      const source = sourceOf(collection.name);
      const before = found.documents;
      await forEachDocument(collection, ids.get(collection.name) || [], async (id, doc) => {
        if (!doc) {
          found.deleted += 1;
          hash.update(
            JSON.stringify([
              collection.name,
              id,
              await copyOfTombstones.standIn(collection.name, id),
              true,
            ]),
          );
          return;
        }
        const body = doc.getData();
        const keys = Object.keys(body)
          .filter((key) => body[key] && body[key]['@type'] === 'blob')
          .sort();
        hash.update(
          JSON.stringify([collection.name, id, doc.getRevisionID(), false, canonical(body), keys]),
        );
        /** @type {Map<string, Buffer>} */
        const contents = new Map();
        for (const key of keys) {
          const bytes = Buffer.from(await doc.getBlobContent(key));
          const digest = `sha1-${crypto.createHash('sha1').update(bytes).digest('base64')}`;
          demand(
            digest === body[key].digest,
            `the bytes of ${collection.name} ${id} "${key}" do not match their digest`,
          );
          hash.update(bytes);
          contents.set(key, bytes);
          found.bytes += bytes.length;
        }
        found.documents += 1;
        found.attachments += keys.length;
        const record = source.get(id);
        if (record && !('edited_by' in body)) {
          assertAsSource(record, body, contents);
          found.sourceRecords += 1;
        }
      });
      const { count } = await collection.count();
      demand(
        count === found.documents - before,
        `the count of ${collection.name} is not the number of documents found`,
      );
    }
    found.digest = hash.digest('hex');
    return found;
  } finally {
    await copyOfTombstones.close();
    await database.close();
  }
}

/** A throw-away copy of a database, in which deleted documents are saved over. */
class Tombstones {
  /**
   * @param {string} folder
   * @param {Database} database
   */
  constructor(folder, database) {
    this.folder = folder;
    this.database = database;
  }

  /** @param {string} directory */
  static async open(directory) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'settee-verify-'));
    fs.cpSync(directory, folder, { recursive: true });
    return new Tombstones(folder, await openDatabase(folder));
  }

  /**
   * @param {string} collectionName
   * @param {string} id
   */
  async standIn(collectionName, id) {
    const collection = await this.database.collection(collectionName, dataset.SCOPE);
    const doc = new MutableDocument(id, { over: 'deleted' });
    await collection.save(doc);
    return doc.getRevisionID();
  }

  async close() {
    await this.database.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @param {string} directory */
async function openDatabase(directory) {
  if (!(await Database.exists(DATABASE, directory)))
    throw new Error(`no database "${DATABASE}" in ${directory}`);
  const database = new Database(DATABASE, new DatabaseConfiguration(directory));
  await database.open();
  return database;
}

/** @param {string} collection */
function sourceOf(collection) {
  const records = dataset.COLLECTIONS.includes(collection) ? dataset.records(collection) : [];
  return new Map(records.map((record) => [record.id, record]));
}

/**
 * A document that nobody edited must be the record that it was made from.
 * @param {import('./dataset').SourceRecord} record
 * @param {Record<string, any>} body
 * @param {Map<string, Buffer>} contents
 */
function assertAsSource(record, body, contents) {
  const rest = { ...body };
  for (const { key, contentType, file } of record.attachments) {
    demand(
      rest[key] && rest[key].content_type === contentType,
      `${record.id} "${key}" has lost its attachment`,
    );
    const bytes = /** @type {Buffer} */ (contents.get(key));
    demand(bytes.equals(fs.readFileSync(file)), `${record.id} "${key}" differs from its source`);
    delete rest[key];
  }
  demand(canonical(rest) === canonical(record.body), `${record.id} differs from its source`);
}

/**
 * @param {boolean} holds
 * @param {string} text what is wrong if it does not hold
 */
function demand(holds, text) {
  if (!holds) throw new Error(text);
}

/**
 * JSON with sorted keys.
 * @param {any} value
 * @returns {string}
 */
function canonical(value) {
  return JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.keys(inner)
            .sort()
            .map((key) => [key, inner[key]]),
        )
      : inner,
  );
}

if (process.send) {
  serve({ inspect });
} else {
  const folders = process.argv.slice(2);
  if (folders.length !== 2) {
    console.error('usage: node verify.js FOLDER_A FOLDER_B');
    process.exit(2);
  }
  (async () => {
    const found = [await inspect(folders[0]), await inspect(folders[1])];
    console.log(JSON.stringify(found, null, 2));
    process.exitCode = found[0].digest === found[1].digest ? 0 : 1;
  })().catch((error) => {
    console.error(`verify: ${error.message}`);
    process.exitCode = 1;
  });
}
