const fs = require('fs');
const path = require('path');
const { fingerprint, readStamp, writeStamp } = require('../lib/fingerprint');
const { ROOT, capture } = require('../lib/run');
const { need, pipInstall } = require('./packages');

const INSTALLED = path.join(ROOT, 'tmp', 'interop', 'sqlcipher');

/** A wheel of Python's sqlite3 module over a SQLCipher of its own, linked with OpenSSL. */
const PACKAGE = 'sqlcipher3-wheels==0.5.7';

/**
 * Fetches another build of SQLCipher than ours.
 *
 * Resolves with `{ folder }`, the `PYTHONPATH` on which `sqlcipher3` is. Throws `PeerMissing`. What
 * is there already is left alone.
 */
async function sqlcipher() {
  const python = () => capture('python3', ['--version']);
  await need('Python 3', () => python() !== undefined, ['python3']);
  const stamp = fingerprint([], [PACKAGE, python()]);
  if (fs.existsSync(INSTALLED) && readStamp('sqlcipher') === stamp) {
    return { folder: INSTALLED };
  }
  fs.rmSync(INSTALLED, { recursive: true, force: true });
  await pipInstall('sqlcipher3', INSTALLED, ['--only-binary=:all:', PACKAGE]);
  writeStamp('sqlcipher', stamp);
  return { folder: INSTALLED };
}

// For a test, which must know before it begins: prints where it is, or why there is none.
sqlcipher().then(
  (found) => console.log(`\n${JSON.stringify(found)}`),
  ({ message, refused }) => console.log(`\n${JSON.stringify({ missing: message, refused })}`),
);
