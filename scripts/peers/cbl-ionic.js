const fs = require('fs');
const path = require('path');
const { fingerprint, readStamp, writeStamp } = require('../lib/fingerprint');
const { ROOT } = require('../lib/run');
const { download } = require('./packages');

const INSTALLED = path.join(ROOT, 'tmp', 'interop', 'cbl-ionic');

/** The package, and what it requires at run time as a peer. */
const PACKAGES = ['cbl-ionic@0.2.6', '@capacitor/core@6.2.1'];

/**
 * Fetches the npm package cbl-ionic, which brings Capacitor with it and so is no dependency of ours.
 *
 * Resolves with the folder from which it can be required. Throws `PeerMissing`. What is there
 * already is left alone.
 */
async function cblIonic() {
  const stamp = fingerprint([], PACKAGES);
  if (fs.existsSync(INSTALLED) && readStamp('cbl-ionic') === stamp) {
    return INSTALLED;
  }
  fs.rmSync(INSTALLED, { recursive: true, force: true });
  fs.mkdirSync(INSTALLED, { recursive: true });
  fs.writeFileSync(path.join(INSTALLED, 'package.json'), '{"private":true}\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await download('cbl-ionic', npm, [
    ...['install', '--prefix', INSTALLED, '--ignore-scripts', '--legacy-peer-deps'],
    ...['--no-package-lock', '--no-audit', '--no-fund', '--fetch-retries=1', ...PACKAGES],
  ]);
  writeStamp('cbl-ionic', stamp);
  return INSTALLED;
}

module.exports = { cblIonic };

// For a test, which must know before it begins: prints the folder, or why there is none.
if (require.main === module) {
  cblIonic().then(
    (folder) => console.log(`\n${JSON.stringify({ folder })}`),
    ({ message, refused }) => console.log(`\n${JSON.stringify({ missing: message, refused })}`),
  );
}
