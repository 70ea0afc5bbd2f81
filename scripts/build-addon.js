/** Builds the addon whether or not its sources changed; cargo does what is needed. */

const { buildAddon } = require('./lib/build');

buildAddon({ force: true });
