/** Builds the addon of one platform as it is published: `node scripts/build-published.js TARGET`. */

const { buildPublished } = require('./lib/build');

buildPublished(process.argv[2]);
