// @ts-check

// One side of a sync between settee peers: WebSocket over TLS, a continuous replicator.

const crypto = require('crypto');
const fs = require('fs');
const settee = require('../..');
const { serve } = require('../../examples/node/sync-demo/child');
const { documents, bytes } = require('../lib/documents');

const {
  Blob,
  Database,
  DatabaseConfiguration,
  MutableDocument,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
} = settee;
const { URLEndpoint, URLEndpointListener, ReplicatorType } = settee;

const TYPES = {
  push: ReplicatorType.PUSH,
  pull: ReplicatorType.PULL,
  both: ReplicatorType.PUSH_AND_PULL,
};

/** @type {import('../..').Database} */
let database;
/** @type {import('../..').Collection} */
let collection;
/** @type {import('../..').URLEndpointListener | undefined} */
let listener;
/** @type {import('../..').Replicator | undefined} */
let replicator;
let level = ReplicatorActivityLevel.STOPPED;
let failure = '';
/** @type {Record<string, number>} */
const arrived = {};

/** Milliseconds of the machine's clock, the same in every process. */
const now = () => performance.timeOrigin + performance.now();

/** @param {{ folder: string }} args */
async function open({ folder }) {
  fs.mkdirSync(folder, { recursive: true });
  database = new Database('bench', new DatabaseConfiguration(folder));
  await database.open();
  collection = await database.createCollection('orders', 'shop');
}

async function close() {
  if (replicator) {
    await replicator.stop();
    while ((await replicator.getStatus()).getActivityLevel() !== ReplicatorActivityLevel.STOPPED) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await replicator.cleanup();
  }
  if (listener) await listener.stop();
  await database.close();
}

serve({
  /** @param {{ folder: string, count: number, from: number, blobs: number, blobBytes: number }} args */
  async create({ folder, count, from, blobs, blobBytes }) {
    await open({ folder });
    const saves = documents(count, from).map(({ id, body }, index) => {
      const doc = new MutableDocument(id, body);
      if (index < blobs)
        doc.setBlob('photo', new Blob('application/octet-stream', bytes(blobBytes, from + index)));
      return collection.save(doc);
    });
    await Promise.all(saves);
    await close();
  },

  /** A database with one document that has the file as its attachment. @param {{ folder: string, file: string }} args */
  async createFromFile({ folder, file }) {
    await open({ folder });
    const doc = new MutableDocument('film', { title: 'A long film' });
    doc.setBlob('film', await Blob.fromFile('video/mp4', file));
    await collection.save(doc);
    await close();
  },

  open,

  /** @param {{ tls?: boolean, deltas?: boolean }} [how] */
  async listen({ tls = true, deltas = false } = {}) {
    listener = await URLEndpointListener.create({
      collections: [collection.toJson()],
      port: 0,
      networkInterface: '127.0.0.1',
      disableTLS: !tls,
      enableDeltaSync: deltas,
    });
    await listener.start();
    return `${tls ? 'wss' : 'ws'}://127.0.0.1:${listener.getPort()}/bench`;
  },

  /** Replicates once, to the end. @param {{ url: string, direction: 'push' | 'pull' | 'both' }} args */
  async replicateOnce({ url, direction }) {
    const config = new ReplicatorConfiguration(new URLEndpoint(url));
    config.setReplicatorType(TYPES[direction]);
    config.setContinuous(false);
    config.setAcceptOnlySelfSignedCerts(true);
    config.addCollection(collection);
    const once = await Replicator.create(config);
    /** @type {Promise<void>} */
    const stopped = new Promise((resolve, reject) => {
      once.addChangeListener(({ status }) => {
        if (status.getActivityLevel() !== ReplicatorActivityLevel.STOPPED) return;
        const error = status.getError();
        if (error) reject(new Error(error));
        else resolve();
      });
    });
    await once.start(false);
    await stopped;
    await once.cleanup();
  },

  /** Changes one field of each of the first documents. @param {{ count: number, round: number }} args */
  async edit({ count, round }) {
    await Promise.all(
      documents(count, 0).map(({ id, body }) =>
        collection.save(new MutableDocument(id, { ...body, round })),
      ),
    );
  },

  /** From now on notes when documents arrive. */
  async watch() {
    await collection.addChangeListener(({ documentIDs }) => {
      for (const id of documentIDs) arrived[id] = now();
    });
  },

  /** When each document arrived, milliseconds of the machine's clock. */
  async arrivals() {
    return arrived;
  },

  /**
   * Saves small documents at a steady rate.
   * @param {{ prefix: string, perSecond: number, seconds: number }} args
   * @returns when each was saved, milliseconds of the machine's clock
   */
  async flow({ prefix, perSecond, seconds }) {
    /** @type {Record<string, number>} */
    const saved = {};
    /** @type {Promise<void>[]} */
    const saves = [];
    const started = now();
    const total = perSecond * seconds;
    for (let n = 0; n < total; ) {
      const due = Math.min(total, Math.floor(((now() - started) / 1_000) * perSecond) + 1);
      for (; n < due; n++) {
        const id = `${prefix}-${n}`;
        saved[id] = now();
        saves.push(collection.save(new MutableDocument(id, { n, text: `edit ${n} of ${prefix}` })));
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await Promise.all(saves);
    return saved;
  },

  /** @param {{ url: string, direction: 'push' | 'pull' | 'both' }} args */
  async replicate({ url, direction }) {
    const config = new ReplicatorConfiguration(new URLEndpoint(url));
    config.setReplicatorType(TYPES[direction]);
    config.setContinuous(true);
    config.setAcceptOnlySelfSignedCerts(true);
    config.addCollection(collection);
    replicator = await Replicator.create(config);
    await replicator.addChangeListener(({ status }) => {
      level = status.getActivityLevel();
      failure = status.getError() || '';
    });
    await replicator.start(false);
  },

  /** Idle, and how many documents there are (counted only when idle). */
  async state() {
    if (failure) throw new Error(failure);
    let idle = true;
    if (replicator) idle = level === ReplicatorActivityLevel.IDLE;
    if (listener) idle = (await listener.getStatus()).activeConnectionCount === 0;
    return { idle, count: idle ? (await collection.count()).count : -1 };
  },

  /** Digest and length of an attachment, as stored and as read again. @param {{ id: string, key: string }} args */
  async attachment({ id, key }) {
    const doc = await collection.document(id);
    if (!doc) return null;
    const { digest, length } = doc.getDictionary(key) || {};
    const hash = crypto.createHash('sha1');
    let read = 0;
    for await (const chunk of await doc.blobStream(key)) {
      hash.update(chunk);
      read += chunk.length;
    }
    return { digest, length, read, digestOfBytes: `sha1-${hash.digest('base64')}` };
  },

  close,
});
