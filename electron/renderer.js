// For pages: the engine behind the preload script. See docs/guides/electron.md.
module.exports = require('../dist/electron/renderer.js');
