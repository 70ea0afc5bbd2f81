// @ts-check

// The data of the demo: real records and real files from two npm packages. Countries with their flags and outlines come
// from world-countries; films, earthquakes and football matches from vega-datasets.

const fs = require('fs');
const path = require('path');

/** The scope that holds all collections. */
const SCOPE = 'atlas';

/** Names of the collections that hold the records, in the order in which they are loaded. */
const COLLECTIONS = ['countries', 'movies', 'earthquakes', 'matches'];

/** The collection whose one document goes to and fro in the live part. */
const RALLY = 'rally';

/**
 * A record to be stored as a document. Attachments are read when they are needed.
 * @typedef {{ id: string, body: Record<string, any>, attachments: { key: string, contentType: string, file: string }[] }} SourceRecord
 */

/**
 * The folder of an installed package.
 * @param {string} name
 * @returns {string}
 */
function packageFolder(name) {
  let folder = path.dirname(require.resolve(name));
  while (!fs.existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}

/**
 * All records of a collection, in an order that never changes.
 * @param {string} collection
 * @returns {SourceRecord[]}
 */
function records(collection) {
  switch (collection) {
    case 'countries':
      return countries();
    case 'movies':
      return numbered('movie', vega('movies.json'));
    case 'earthquakes':
      return vega('earthquakes.json').features.map((/** @type {any} */ feature) => ({
        id: feature.id,
        body: { ...feature.properties, geometry: feature.geometry },
        attachments: [],
      }));
    case 'matches':
      return numbered('match', vega('football.json'));
    default:
      throw new Error(`no such collection in the data set: ${collection}`);
  }
}

/** @returns {SourceRecord[]} */
function countries() {
  const data = path.join(packageFolder('world-countries'), 'data');
  const all = /** @type {any[]} */ (/** @type {unknown} */ (require('world-countries')));
  return all.map((country) => {
    const code = country.cca3.toLowerCase();
    return {
      id: country.cca3,
      body: country,
      attachments: [
        { key: 'flag_image', contentType: 'image/svg+xml', file: path.join(data, `${code}.svg`) },
        {
          key: 'outline',
          contentType: 'application/geo+json',
          file: path.join(data, `${code}.geo.json`),
        },
      ],
    };
  });
}

/** @param {string} file */
function vega(file) {
  return JSON.parse(
    fs.readFileSync(path.join(packageFolder('vega-datasets'), 'data', file), 'utf8'),
  );
}

/**
 * Records that have no id of their own get their number.
 * @param {string} prefix
 * @param {Record<string, any>[]} rows
 * @returns {SourceRecord[]}
 */
function numbered(prefix, rows) {
  return rows.map((body, index) => ({
    id: `${prefix}-${String(index + 1).padStart(5, '0')}`,
    body,
    attachments: [],
  }));
}

/**
 * The half of a collection that one peer starts with: every second record.
 * @param {string} collection
 * @param {0 | 1} half
 */
function half(collection, half) {
  return records(collection).filter((_, index) => index % 2 === half);
}

module.exports = { SCOPE, COLLECTIONS, RALLY, records, half };
