// For the main process: serves the engine to windows. See docs/guides/electron.md.
module.exports = require('../dist/electron/main.js');
