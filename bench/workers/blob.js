// @ts-check

// Times a large blob on its way in and out, beside a plain copy of its file.

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const { pipeline } = require('stream');
const { promisify } = require('util');
const { serve } = require('../../examples/node/sync-demo/child');
const { timed } = require('../lib/stats');

/** Times a transfer that does not compete with what the one before it left to be written and freed. */
async function quietly(/** @type {() => Promise<void>} */ work) {
  /** @type {any} */ (globalThis).gc();
  spawnSync('sync');
  return timed(work);
}

const TYPE = 'application/octet-stream';

/**
 * The bytes of a file: an ArrayBuffer, which a Blob keeps as it is, or a Buffer, which it copies.
 * @param {string} file
 * @param {string} way
 */
function content(file, way) {
  const buffer = fs.readFileSync(file);
  return way === 'Buffer' ? buffer : /** @type {ArrayBuffer} */ (buffer.buffer);
}

serve({
  /** fs.copyFile, the same with the copy forced to disk as settee does, and Node's streams. @param {{ file: string, folder: string }} args */
  async copy({ file, folder }) {
    const plain = path.join(folder, 'copy');
    const forced = path.join(folder, 'copy-forced');
    const streamed = path.join(folder, 'copy-streamed');
    const seconds = {
      copy: await quietly(() => fs.promises.copyFile(file, plain)),
      'copy and fsync': await quietly(async () => {
        await fs.promises.copyFile(file, forced);
        const handle = await fs.promises.open(forced, 'r+');
        await handle.sync();
        await handle.close();
      }),
      'copy by stream': await quietly(() =>
        promisify(pipeline)(fs.createReadStream(file), fs.createWriteStream(streamed)),
      ),
    };
    for (const copy of [plain, forced, streamed]) fs.unlinkSync(copy);
    return seconds;
  },

  /** @param {{ file: string, folder: string, key?: string }} args */
  async settee({ file, folder, key }) {
    const { Blob, Database, DatabaseConfiguration, MutableDocument } = require('../..');
    /** @type {Record<string, number>} */
    const seconds = {};
    for (const way of ['path', 'bytes', 'Buffer']) {
      // A new database each: content that is there already would not be written again.
      const own = fs.mkdtempSync(path.join(folder, 'blob-'));
      const database = new Database('bench', new DatabaseConfiguration(own, key));
      await database.open();
      const collection = await database.createCollection('orders', 'shop');
      const bytes = way === 'path' ? undefined : content(file, way);
      seconds[`in by ${way}`] = await quietly(async () => {
        const doc = new MutableDocument('doc', {});
        doc.setBlob('file', bytes ? new Blob(TYPE, bytes) : await Blob.fromFile(TYPE, file));
        await collection.save(doc);
      });
      const doc = await collection.document('doc');
      if (!doc) throw new Error('the document was not saved');
      const out = path.join(own, 'out');
      const check = (/** @type {number} */ length) => {
        if (length !== fs.statSync(file).size) throw new Error(`${length} bytes came out`);
      };
      if (way === 'path') {
        seconds['out by path'] = await quietly(() => doc.saveBlobToFile('file', out));
        check(fs.statSync(out).size);
        fs.unlinkSync(out);
        seconds['out by stream'] = await quietly(() =>
          promisify(pipeline)(doc.blobStream('file'), fs.createWriteStream(out)),
        );
        check(fs.statSync(out).size);
      } else if (way === 'bytes') {
        let length = 0;
        seconds['out by bytes'] = await quietly(async () => {
          length = (await doc.getBlobContent('file')).byteLength;
        });
        check(length);
      }
      await database.close();
      fs.rmSync(own, { recursive: true, force: true });
    }
    return seconds;
  },
});
