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
async function quietly(/** @type {() => Promise<unknown>} */ work) {
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

/**
 * Seconds of one transfer after the other; those of settee have a plain copy before them each, for
 * how fast this machine copies changes within seconds.
 */
class Transfers {
  /** @param {string} file @param {string} folder */
  constructor(file, folder) {
    this.file = file;
    this.copy = path.join(folder, 'copy');
    /** @type {[way: string, seconds: number][]} */
    this.times = [];
  }

  /** @param {string} way @param {() => Promise<unknown>} work */
  async time(way, work) {
    this.times.push([way, await quietly(work)]);
  }

  /** @param {string} way @param {() => Promise<unknown>} work */
  async compare(way, work) {
    await this.time('copy', () => fs.promises.copyFile(this.file, this.copy));
    fs.unlinkSync(this.copy);
    await this.time(way, work);
  }
}

serve({
  /** A copy that is forced to disk as settee does, and one by Node's streams. @param {{ file: string, folder: string }} args */
  async copy({ file, folder }) {
    const transfers = new Transfers(file, folder);
    const copy = path.join(folder, 'other-copy');
    await transfers.time('copy and fsync', async () => {
      await fs.promises.copyFile(file, copy);
      const handle = await fs.promises.open(copy, 'r+');
      await handle.sync();
      await handle.close();
    });
    fs.unlinkSync(copy);
    await transfers.time('copy by stream', () =>
      promisify(pipeline)(fs.createReadStream(file), fs.createWriteStream(copy)),
    );
    fs.unlinkSync(copy);
    return transfers.times;
  },

  /** @param {{ file: string, folder: string, key?: string }} args */
  async settee({ file, folder, key }) {
    const { Blob, Database, DatabaseConfiguration, MutableDocument } = require('../..');
    const transfers = new Transfers(file, folder);
    for (const way of ['path', 'bytes', 'Buffer']) {
      // A new database each: content that is there already would not be written again.
      const own = fs.mkdtempSync(path.join(folder, 'blob-'));
      const database = new Database('bench', new DatabaseConfiguration(own, key));
      await database.open();
      const collection = await database.createCollection('orders', 'shop');
      const bytes = way === 'path' ? undefined : content(file, way);
      await transfers.compare(`in by ${way}`, async () => {
        const doc = new MutableDocument('doc', {});
        doc.setBlob('file', bytes ? new Blob(TYPE, bytes) : Blob.fromFile(TYPE, file));
        await collection.save(doc);
      });
      const doc = await collection.document('doc');
      if (!doc) throw new Error('the document was not saved');
      const out = path.join(own, 'out');
      const check = (/** @type {number} */ length) => {
        if (length !== fs.statSync(file).size) throw new Error(`${length} bytes came out`);
      };
      if (way === 'path') {
        await transfers.compare('out by path', () => doc.saveBlobToFile('file', out));
        check(fs.statSync(out).size);
        fs.unlinkSync(out);
        await transfers.compare('out by stream', () =>
          promisify(pipeline)(doc.blobStream('file'), fs.createWriteStream(out)),
        );
        check(fs.statSync(out).size);
      } else if (way === 'bytes') {
        let length = 0;
        await transfers.compare('out by bytes', async () => {
          length = (await doc.getBlobContent('file')).byteLength;
        });
        check(length);
      }
      await database.close();
      fs.rmSync(own, { recursive: true, force: true });
    }
    return transfers.times;
  },
});
