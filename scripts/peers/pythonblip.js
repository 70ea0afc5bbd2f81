const fs = require('fs');
const path = require('path');
const { fingerprint, readStamp, writeStamp } = require('../lib/fingerprint');
const { ROOT, capture } = require('../lib/run');
const { download, need } = require('./packages');

const SOURCES = path.join(ROOT, 'tests', 'interop', 'python');
const INSTALLED = path.join(ROOT, 'tmp', 'interop', 'pythonblip');

/**
 * Fetches pythonblip into a folder of its own.
 *
 * Resolves with `{ command, args, env }` that start the program which pulls with it. Throws
 * `PeerMissing`. What is there already is left alone.
 */
async function pythonblip() {
  const python = () => capture('python3', ['--version']);
  const pip = () => capture('python3', ['-m', 'pip', '--version']);
  await need('Python 3', () => python() !== undefined, ['python3']);
  const start = {
    command: 'python3',
    args: [path.join(SOURCES, 'pull.py')],
    env: { PYTHONPATH: INSTALLED, PYTHONDONTWRITEBYTECODE: '1' },
  };
  const stamp = fingerprint(['tests/interop/python/requirements.txt'], [python()]);
  if (fs.existsSync(INSTALLED) && readStamp('pythonblip') === stamp) {
    return start;
  }
  fs.rmSync(INSTALLED, { recursive: true, force: true });
  await need('pip', () => pip() !== undefined, ['python3-pip']);
  await download('pythonblip', 'python3', [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'],
    ...['--root-user-action=ignore', '--target', INSTALLED],
    ...['-r', path.join(SOURCES, 'requirements.txt')],
  ]);
  writeStamp('pythonblip', stamp);
  return start;
}

module.exports = { pythonblip };
