// @ts-check

// One side of a sync between PouchDB peers: one serves HTTP with express-pouchdb, the other replicates to it or from it.

const fs = require('fs');
const path = require('path');
const PouchDB = require('pouchdb-node');
const { serve } = require('../../examples/node/sync-demo/child');
const { documents, bytes } = require('../lib/documents');

/** Documents of one request; PouchDB's default of 100 is slower. */
const BATCH = { batch_size: 1000 };

let folder = '';
/** @type {any} */
let database;
/** @type {any} */
let server;
let idle = true;
let failure = '';

/** @param {{ folder: string }} args */
async function open(args) {
  folder = args.folder;
  fs.mkdirSync(folder, { recursive: true });
  database = new PouchDB(path.join(folder, 'bench'));
  await database.info();
}

async function close() {
  if (server) await new Promise((resolve) => server.close(resolve), server.closeAllConnections());
  await database.close();
}

serve({
  /** @param {{ folder: string, count: number, from: number, blobs: number, blobBytes: number }} args */
  async create({ folder, count, from, blobs, blobBytes }) {
    await open({ folder });
    const docs = documents(count, from).map(({ id, body }, index) => {
      const photo = index < blobs && {
        photo: { content_type: 'application/octet-stream', data: bytes(blobBytes, from + index) },
      };
      return { _id: id, ...body, ...(photo ? { _attachments: photo } : {}) };
    });
    for (let start = 0; start < docs.length; start += 1000)
      await database.bulkDocs(docs.slice(start, start + 1000));
    await close();
  },

  open,

  async listen() {
    const express = require('express');
    const app = express();
    const Served = PouchDB.defaults({ prefix: `${folder}${path.sep}` });
    app.use(
      '/',
      require('express-pouchdb')(Served, {
        mode: 'minimumForPouchDB',
        inMemoryConfig: true,
        logPath: path.join(folder, 'log.txt'),
      }),
    );
    server = await new Promise((resolve, reject) => {
      const listening = app.listen(0, '127.0.0.1', () => resolve(listening)).once('error', reject);
    });
    return `http://127.0.0.1:${server.address().port}/bench`;
  },

  /** @param {{ url: string, direction: 'push' | 'pull' | 'both' }} args */
  async replicate({ url, direction }) {
    idle = false;
    const remote = new PouchDB(url);
    const work = {
      push: () => database.replicate.to(remote, BATCH),
      pull: () => database.replicate.from(remote, BATCH),
      both: () => database.sync(remote, BATCH),
    };
    work[direction]().then(
      () => {
        idle = true;
      },
      (/** @type {Error} */ error) => {
        failure = error.message;
      },
    );
  },

  async state() {
    if (failure) throw new Error(failure);
    return { idle, count: idle ? (await database.info()).doc_count : -1 };
  },

  close,
});
