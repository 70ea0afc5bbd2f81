// @ts-check

// Carries out the edits of plan.js on one peer's collections.

const { Blob, MutableDocument } = require('settee');
const { livePlan, conflictIds } = require('./plan');

/** @typedef {import('./plan').PeerName} PeerName */

/**
 * Carries out a peer's live plan. Nothing is awaited one by one: the engine keeps the order.
 * @param {PeerName} peer
 * @param {Record<string, import('settee').Collection>} collections
 * @returns {Promise<number>} number of changes
 */
async function editLive(peer, collections) {
  const plan = livePlan(peer);
  const work = [];
  for (const id of plan.updated.ids)
    work.push(update(collections.movies, id, (doc) => doc.setString('edited_by', peer)));
  for (const id of plan.redrawn.ids) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 2"><title>${id} as seen by ${peer}</title></svg>\n`;
    const change = (/** @type {import('settee').MutableDocument} */ doc) =>
      doc
        .setString('edited_by', peer)
        .setBlob('flag_image', new Blob('image/svg+xml', Buffer.from(svg)));
    work.push(update(collections.countries, id, change));
  }
  for (const id of plan.deleted.ids) {
    const found = collections.matches.document(id);
    work.push(found.then((doc) => collections.matches.deleteDocument(/** @type {any} */ (doc))));
  }
  for (const id of plan.created.ids) {
    const doc = new MutableDocument(id, { edited_by: peer, stars: 5 });
    doc.setBlob(
      'text',
      new Blob(
        'text/plain',
        Buffer.from(`A review, written by peer ${peer} while both were connected.\n`),
      ),
    );
    work.push(collections.movies.save(doc));
  }
  await Promise.all(work);
  return work.length;
}

/**
 * Changes the films of `conflictIds`. B changes every second one twice, so that its history is the longer one there.
 * @param {PeerName} peer
 * @param {Record<string, import('settee').Collection>} collections
 */
async function editApart(peer, collections) {
  for (const [index, id] of conflictIds().entries()) {
    await update(collections.movies, id, (doc) =>
      doc.setString('edited_by', peer).setInt('take', 1),
    );
    if (peer === 'B' && index % 2 === 0)
      await update(collections.movies, id, (doc) => doc.setInt('take', 2));
  }
}

/**
 * Who wrote the current revision of each film of `conflictIds`.
 * @param {Record<string, import('settee').Collection>} collections
 * @returns {Promise<(string | null)[]>}
 */
async function winners(collections) {
  const docs = await Promise.all(conflictIds().map((id) => collections.movies.document(id)));
  return docs.map((doc) => (doc ? doc.getString('edited_by') : null));
}

/**
 * @param {import('settee').Collection} collection
 * @param {string} id
 * @param {(doc: import('settee').MutableDocument) => unknown} change
 */
async function update(collection, id, change) {
  const found = await collection.document(id);
  if (!found) throw new Error(`document not found: ${collection.fullName()} ${id}`);
  const doc = MutableDocument.fromDocument(found);
  change(doc);
  await collection.save(doc);
}

module.exports = { editLive, editApart, winners };
