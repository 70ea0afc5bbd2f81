// @ts-check

// Settee with an encrypted database, beside the plain one.

const { open } = require('./settee');

const KEY = 'a passphrase of the benches';

module.exports = { open: (/** @type {string} */ folder) => open(folder, KEY) };
