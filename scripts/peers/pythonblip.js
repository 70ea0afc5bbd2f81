const fs = require('fs');
const path = require('path');
const { fingerprint, readStamp, writeStamp } = require('../lib/fingerprint');
const { ROOT, capture } = require('../lib/run');
const { need, pipInstall } = require('./packages');

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
  await pipInstall('pythonblip', INSTALLED, ['-r', path.join(SOURCES, 'requirements.txt')]);
  writeStamp('pythonblip', stamp);
  return start;
}

module.exports = { pythonblip };
