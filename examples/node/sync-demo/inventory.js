// @ts-check

// Lists every document id of a collection, deleted ones included, without a query: a push replicator that was never started
// has everything still to push, so its pending documents are all documents.

const { Replicator, ReplicatorConfiguration, ReplicatorType, URLEndpoint } = require('settee');

/**
 * @param {import('settee').Collection[]} collections collections of one database
 * @returns {Promise<Map<string, string[]>>} collection name → ids in sorted order
 */
async function allDocumentIds(collections) {
  const config = new ReplicatorConfiguration(new URLEndpoint('wss://localhost:1/inventory'));
  config.setReplicatorType(ReplicatorType.PUSH);
  config.addCollections(collections);
  const replicator = await Replicator.create(config);
  try {
    const ids = new Map();
    for (const collection of collections) {
      const { pendingDocumentIds } = await replicator.getPendingDocumentIds(collection);
      ids.set(collection.name, pendingDocumentIds.slice().sort());
    }
    return ids;
  } finally {
    await replicator.cleanup();
  }
}

/** How many documents are read at once. */
const IN_FLIGHT = 100;

/**
 * Reads the documents of the given ids and hands them over in the order of the ids; a deleted one is `undefined`.
 * @param {import('settee').Collection} collection
 * @param {string[]} ids
 * @param {(id: string, doc: import('settee').Document | undefined) => void | Promise<void>} visit
 */
async function forEachDocument(collection, ids, visit) {
  for (let start = 0; start < ids.length; start += IN_FLIGHT) {
    const slice = ids.slice(start, start + IN_FLIGHT);
    const docs = await Promise.all(slice.map((id) => collection.document(id)));
    for (const [index, doc] of docs.entries()) await visit(slice[index], doc);
  }
}

module.exports = { allDocumentIds, forEachDocument };
