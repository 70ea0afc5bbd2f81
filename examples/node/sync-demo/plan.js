// @ts-check

// Which documents each peer changes while both are connected, and which both change while they are apart. Each peer works on
// the half that the other one brought, so every edit is of a document that has travelled.

const dataset = require('./dataset');

/** @typedef {'A' | 'B'} PeerName */

/** Ids by collection. @typedef {Record<string, string[]>} Plan */

const UPDATED = 100;
const REDRAWN = 5;
const DELETED = 10;
const CREATED = 5;
const CONFLICTS = 20;

/**
 * The documents that a peer changes while both are connected.
 * @param {PeerName} peer
 */
function livePlan(peer) {
  const theirs = peer === 'A' ? 1 : 0;
  /** @param {string} collection @param {number} from @param {number} count */
  const ids = (collection, from, count) =>
    dataset
      .half(collection, theirs)
      .slice(from, from + count)
      .map((record) => record.id);
  return {
    updated: { collection: 'movies', ids: ids('movies', 0, UPDATED) },
    redrawn: { collection: 'countries', ids: ids('countries', 0, REDRAWN) },
    deleted: { collection: 'matches', ids: ids('matches', 0, DELETED) },
    created: {
      collection: 'movies',
      ids: Array.from({ length: CREATED }, (_, i) => `review-${peer}-${i + 1}`),
    },
  };
}

/**
 * Every id of a peer's live plan, by collection.
 * @param {PeerName} peer
 * @returns {Plan}
 */
function liveIds(peer) {
  /** @type {Plan} */
  const plan = {};
  for (const { collection, ids } of Object.values(livePlan(peer))) {
    plan[collection] = (plan[collection] || []).concat(ids);
  }
  return plan;
}

/** The films that both peers change while they are apart. */
function conflictIds() {
  return dataset
    .records('movies')
    .slice(-CONFLICTS)
    .map((record) => record.id);
}

module.exports = { livePlan, liveIds, conflictIds };
