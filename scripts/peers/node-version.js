const fs = require('fs');
const path = require('path');
const { fingerprint, readStamp, writeStamp } = require('../lib/fingerprint');
const { ROOT } = require('../lib/run');
const { download } = require('./packages');

/**
 * Fetches the newest Node of a major version, as npm's packages of its binaries have it.
 *
 * Resolves with the path of the program. Throws `PeerMissing`. What is there already is left alone.
 */
async function nodeVersion(major) {
  if (process.versions.node.split('.')[0] === major) {
    return process.execPath;
  }
  const windows = process.platform === 'win32';
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`;
  const folder = path.join(ROOT, 'tmp', 'interop', `node-${major}`);
  const program = path.join(folder, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node');
  const stamp = fingerprint([], [name, major]);
  if (fs.existsSync(program) && readStamp(`node-${major}`) === stamp) {
    return program;
  }
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}\n');
  await download(`Node ${major}`, windows ? 'npm.cmd' : 'npm', [
    ...['install', '--prefix', folder, '--ignore-scripts', '--no-package-lock'],
    ...['--no-audit', '--no-fund', '--fetch-retries=1', `${name}@${major}`],
  ]);
  writeStamp(`node-${major}`, stamp);
  return program;
}

// For a test, which must know before it begins: prints the program, or why there is none.
nodeVersion(process.argv[2]).then(
  (program) => console.log(`\n${JSON.stringify({ program })}`),
  ({ message, refused }) => console.log(`\n${JSON.stringify({ missing: message, refused })}`),
);
