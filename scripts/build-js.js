/** Compiles `js/` into `dist/` whether or not its sources changed. */

const { buildJs } = require('./lib/build');

buildJs({ force: true });
