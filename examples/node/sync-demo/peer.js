// @ts-check

// One peer of the demo, a process of its own: a database on disk, loaded with half of the records. Peer A listens, peer B
// replicates. The conductor (main.js) calls the methods at the end.

const fs = require('fs');
const crypto = require('crypto');
const {
  BasicAuthenticator,
  Blob,
  Database,
  DatabaseConfiguration,
  MutableDocument,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  ReplicatorType,
  URLEndpoint,
  URLEndpointListener,
} = require('settee');
const dataset = require('./dataset');
const edits = require('./edits');
const { serve, emit } = require('./child');
const { allDocumentIds, forEachDocument } = require('./inventory');

/** @type {'A' | 'B'} */
const NAME = process.argv[2] === 'A' ? 'A' : 'B';
const DATABASE = 'atlas';
/** Least time between two reports of progress, milliseconds. */
const REPORT_INTERVAL = 50;

/** @type {Database} */
let database;
/** @type {Record<string, import('settee').Collection>} */
const collections = {};
/** @type {URLEndpointListener | undefined} */
let listener;
/** @type {Replicator | undefined} */
let replicator;

const transfer = { level: ReplicatorActivityLevel.STOPPED, pushed: 0, pulled: 0, lastReport: 0 };

/** Ids that other peers' changes are awaited for, by collection. @type {Map<string, Set<string>>} */
const awaited = new Map();
let allSeen = () => {};
let seen = Promise.resolve();

/** @param {{ directory: string }} args */
async function open({ directory }) {
  database = new Database(DATABASE, new DatabaseConfiguration(directory));
  await database.open();
  for (const name of [...dataset.COLLECTIONS, dataset.RALLY]) {
    collections[name] = await database.createCollection(name, dataset.SCOPE);
    await collections[name].addChangeListener((change) => {
      const ids = awaited.get(name);
      if (!ids) return;
      for (const id of change.documentIDs) ids.delete(id);
      if (ids.size === 0) awaited.delete(name);
      if (awaited.size === 0) allSeen();
    });
  }
}

/** Loads this peer's half of the records. */
async function load() {
  const started = process.hrtime.bigint();
  const total = { documents: 0, attachments: 0, bytes: 0, seconds: 0 };
  for (const name of dataset.COLLECTIONS) {
    const saves = dataset.half(name, NAME === 'A' ? 0 : 1).map((record) => {
      const doc = new MutableDocument(record.id, record.body);
      for (const { key, contentType, file } of record.attachments) {
        const bytes = fs.readFileSync(file);
        doc.setBlob(key, new Blob(contentType, bytes));
        total.attachments += 1;
        total.bytes += bytes.length;
      }
      total.documents += 1;
      return collections[name].save(doc);
    });
    await Promise.all(saves);
  }
  total.seconds = secondsSince(started);
  return total;
}

async function counts() {
  let documents = 0;
  for (const collection of Object.values(collections))
    documents += (await collection.count()).count;
  return documents;
}

/**
 * Starts to listen on the loopback interface, on any free port, with TLS and a password.
 * @param {{ username: string, password: string }} args
 */
async function listen({ username, password }) {
  listener = await URLEndpointListener.create({
    collections: Object.values(collections).map((collection) => collection.toJson()),
    port: 0,
    networkInterface: '127.0.0.1',
    authenticatorConfig: { type: 'basic', data: { username, password } },
  });
  await listener.start();
  return `wss://127.0.0.1:${listener.getPort()}/${DATABASE}`;
}

/**
 * Starts to replicate in both directions, for as long as both live.
 * @param {{ url: string, username: string, password: string }} args
 */
async function connect({ url, username, password }) {
  const config = new ReplicatorConfiguration(new URLEndpoint(url));
  config.setReplicatorType(ReplicatorType.PUSH_AND_PULL);
  config.setContinuous(true);
  config.setAuthenticator(new BasicAuthenticator(username, password));
  // The listener's identity is self-signed. (With its certificate at hand, setPinnedServerCertificate would be stricter.)
  config.setAcceptOnlySelfSignedCerts(true);
  config.addCollections(Object.values(collections));
  replicator = await Replicator.create(config);
  await replicator.addChangeListener(({ status }) => {
    const levelBefore = transfer.level;
    transfer.level = status.getActivityLevel();
    const error = status.getError();
    if (error)
      emit('problem', {
        message: error,
        fatal: transfer.level === ReplicatorActivityLevel.STOPPED,
      });
    report(transfer.level !== levelBefore);
  });
  await replicator.addDocumentChangeListener(({ isPush, documents }) => {
    for (const { id, collectionName, error } of documents) {
      if (error)
        emit('problem', { message: `${collectionName} ${id}: ${error.message}`, fatal: true });
    }
    if (isPush) transfer.pushed += documents.length;
    else transfer.pulled += documents.length;
    report(false);
  });
  await replicator.start(false);
}

/** @param {boolean} now */
function report(now) {
  const time = Date.now();
  if (!now && time - transfer.lastReport < REPORT_INTERVAL) return;
  transfer.lastReport = time;
  const { pushed, pulled } = transfer;
  emit('transfer', { pushed, pulled, idle: isIdle() });
}

function isIdle() {
  return transfer.level === ReplicatorActivityLevel.IDLE;
}

/** Stops the replicator and waits until it has stopped. */
async function disconnect() {
  if (!replicator) return;
  await replicator.stop();
  while ((await replicator.getStatus()).getActivityLevel() !== ReplicatorActivityLevel.STOPPED)
    await sleep(10);
}

/** Connected, nothing under way and nothing left to push? */
async function settled() {
  if (!replicator) return true;
  for (const collection of Object.values(collections)) {
    if ((await replicator.getPendingDocumentIds(collection)).pendingDocumentIds.length)
      return false;
  }
  return isIdle();
}

/** SHA-256 over (collection, id, revision) of all documents. */
async function fingerprint() {
  const hash = crypto.createHash('sha256');
  const ids = await allDocumentIds(Object.values(collections));
  for (const [name, collection] of Object.entries(collections)) {
    await forEachDocument(collection, ids.get(name) || [], (id, doc) => {
      hash.update(JSON.stringify([name, id, doc ? doc.getRevisionID() : null]));
    });
  }
  return hash.digest('hex');
}

/**
 * Starts to watch for changes of documents.
 * @param {Record<string, string[]>} plan ids by collection
 */
function watch(plan) {
  for (const [name, ids] of Object.entries(plan)) awaited.set(name, new Set(ids));
  seen = new Promise((resolve) => {
    allSeen = () => resolve();
  });
}

/**
 * Sends one document to and fro: A writes odd numbers, B answers with the next even one.
 * @param {{ rounds: number }} args
 * @returns {Promise<number[]>} A: milliseconds from each write to its answer. B: nothing, once it is ready to answer
 */
async function rally({ rounds }) {
  const collection = collections[dataset.RALLY];
  /** @type {number[]} */
  const times = [];
  let written = 0;
  let lastHeard = 0;
  /** @param {number} stroke */
  const hit = async (stroke) => {
    written = performance.now();
    await collection.save(new MutableDocument('ball', { stroke, by: NAME }));
  };
  let over = () => {};
  /** @type {Promise<void>} */
  const finished = new Promise((resolve) => {
    over = resolve;
  });
  const answer = async () => {
    const doc = await collection.document('ball');
    if (!doc || doc.getString('by') === NAME) return;
    const stroke = doc.getInt('stroke') || 0;
    if (stroke <= lastHeard) return;
    lastHeard = stroke;
    times.push(performance.now() - written);
    if (stroke >= 2 * rounds) over();
    else await hit(stroke + 1);
  };
  await collection.addDocumentChangeListener('ball', () => {
    answer().catch((error) => emit('problem', { message: error.message, fatal: true }));
  });
  if (NAME === 'B') return [];
  await hit(1);
  await finished;
  return times;
}

async function close() {
  if (replicator) {
    await disconnect();
    await replicator.cleanup();
  }
  if (listener) await listener.stop();
  await database.close();
}

/** @param {bigint} started */
function secondsSince(started) {
  return Number(process.hrtime.bigint() - started) / 1e9;
}

/** @param {number} milliseconds */
function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

serve({
  open,
  load,
  counts,
  listen,
  connect,
  disconnect,
  reconnect: () => replicator?.start(false),
  settled,
  fingerprint,
  watch,
  seen: () => seen,
  editLive: () => edits.editLive(NAME, collections),
  editApart: () => edits.editApart(NAME, collections),
  winners: () => edits.winners(collections),
  rally,
  close,
});
