const fs = require('fs');
const path = require('path');
const { fingerprint, readStamp, writeStamp } = require('../lib/fingerprint');
const { ROOT } = require('../lib/run');
const { chromium } = require('./chromium');
const { download } = require('./packages');

const EXAMPLE = path.join(ROOT, 'examples', 'ionic-electron');

/**
 * What the tests of the example application need: its packages, and a browser.
 *
 * Resolves with `{ example, browser }`, a folder and a binary. Throws `PeerMissing`.
 */
async function exampleApp() {
  const browser = await chromium();
  const stamp = fingerprint(['examples/ionic-electron/package-lock.json']);
  const there = fs.existsSync(path.join(EXAMPLE, 'node_modules', '@ionic', 'core'));
  if (!there || readStamp('example-app') !== stamp) {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    await download('the packages of the example', npm, [
      ...['ci', '--prefix', EXAMPLE, '--ignore-scripts', '--no-audit', '--no-fund'],
      '--fetch-retries=1',
    ]);
    writeStamp('example-app', stamp);
  }
  return { example: EXAMPLE, browser };
}

module.exports = { exampleApp };

// For a test, which must know before it begins: prints what there is, or why there is none.
if (require.main === module) {
  exampleApp().then(
    (found) => console.log(`\n${JSON.stringify(found)}`),
    ({ message, refused }) => console.log(`\n${JSON.stringify({ missing: message, refused })}`),
  );
}
