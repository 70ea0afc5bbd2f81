// @ts-check

// What is measured. A subject is loaded only in the process that measures it.

const path = require('path');

/** @type {Record<string, { package: string, module: string, about: string }>} */
const SUBJECTS = {
  settee: {
    package: path.join(__dirname, '../../package.json'),
    module: './settee',
    about: 'collection.save and collection.document; WAL, synchronous NORMAL',
  },
  'settee-encrypted': {
    package: path.join(__dirname, '../../package.json'),
    module: './settee-encrypted',
    about: 'the same with an encryption key',
  },
  'better-sqlite3': {
    package: 'better-sqlite3/package.json',
    module: './better-sqlite3',
    about: 'bare table, JSON text, prepared statements; WAL, synchronous NORMAL',
  },
  pouchdb: {
    package: 'pouchdb-node/package.json',
    module: './pouchdb',
    about: 'bulkDocs, put, get; LevelDB, no sync per write (its default)',
  },
  rxdb: {
    package: path.join(__dirname, '../node_modules/rxdb/package.json'),
    module: './rxdb',
    about: 'bulkInsert, insert, findOne; in memory, nothing is durable',
  },
};

/**
 * @param {string} name
 * @returns {{ open: (folder: string) => Promise<any> }}
 */
function load(name) {
  return require(SUBJECTS[name].module);
}

/** @param {string} name */
function version(name) {
  try {
    return String(require(SUBJECTS[name].package).version);
  } catch {
    return 'not installed';
  }
}

/** What is used of it, and how durable it is. @param {string} name */
function about(name) {
  return SUBJECTS[name].about;
}

module.exports = { names: Object.keys(SUBJECTS), load, version, about };
