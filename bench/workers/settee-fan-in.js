// @ts-check

// One listener, or many clients that replicate with it continuously.

const fs = require('fs');
const path = require('path');
const settee = require('../..');
const { serve } = require('../../examples/node/sync-demo/child');

const {
  Database,
  DatabaseConfiguration,
  MutableDocument,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  URLEndpoint,
  URLEndpointListener,
} = settee;

/**
 * @typedef {{ database: import('../..').Database, replicator: import('../..').Replicator, level: number,
 *   error: string | undefined }} Client
 */

/** @type {Client[]} */
const clients = [];
/** @type {import('../..').Database | undefined} */
let database;
/** @type {import('../..').URLEndpointListener | undefined} */
let listener;
/** When each document arrived at each client, milliseconds since 1970. @type {Map<string, number[]>} */
const arrivals = new Map();

/** @param {string} folder */
async function open(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const opened = new Database('bench', new DatabaseConfiguration(folder));
  await opened.open();
  return { opened, collection: await opened.defaultCollection() };
}

/** @param {string} folder @param {string} url @returns {Promise<Client>} */
async function connect(folder, url) {
  const { opened, collection } = await open(folder);
  await collection.addChangeListener(({ documentIDs }) => {
    for (const id of documentIDs) {
      const times = arrivals.get(id) || [];
      times.push(Date.now());
      arrivals.set(id, times);
    }
  });
  const config = new ReplicatorConfiguration(new URLEndpoint(url));
  config.addCollection(collection);
  config.setContinuous(true);
  const replicator = await Replicator.create(config);
  /** @type {Client} */
  const client = { database: opened, replicator, level: -1, error: undefined };
  await replicator.addChangeListener(({ status }) => {
    client.level = status.getActivityLevel();
    client.error = status.getError();
  });
  await replicator.start(false);
  return client;
}

serve({
  /** Listens on an empty database. @param {{ folder: string, tls: boolean }} args */
  async listen({ folder, tls }) {
    const { opened, collection } = await open(folder);
    database = opened;
    listener = await URLEndpointListener.create({
      collections: [collection],
      networkInterface: '127.0.0.1',
      disableTLS: !tls,
    });
    await listener.start();
    return listener.getUrls()[0];
  },

  /** Connects clients, each with a database of its own. @param {{ folder: string, url: string, count: number }} args */
  async join({ folder, url, count }) {
    for (let n = 0; n < count; n++) {
      clients.push(await connect(path.join(folder, String(clients.length)), url));
    }
  },

  /** Whether all clients are caught up. */
  async idle() {
    for (const { error } of clients) if (error) throw new Error(error);
    return clients.every(({ level }) => level === ReplicatorActivityLevel.IDLE);
  },

  /** Saves a document on the listening side; gives the time before. @param {{ id: string }} args */
  async save({ id }) {
    const collection = await /** @type {any} */ (database).defaultCollection();
    const before = Date.now();
    await collection.save(new MutableDocument(id, { text: 'an edit that everybody gets', id }));
    return before;
  },

  /** How many clients have the document, and when the last one got it. @param {{ id: string }} args */
  async arrived({ id }) {
    const times = arrivals.get(id) || [];
    return { count: times.length, last: Math.max(0, ...times) };
  },

  async close() {
    await Promise.all(clients.map(({ replicator }) => replicator.cleanup()));
    if (listener) await listener.stop();
    if (database) await database.close();
    await Promise.all(clients.map((client) => client.database.close()));
  },
});
