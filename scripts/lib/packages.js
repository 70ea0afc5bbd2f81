const fs = require('fs');
const path = require('path');
const { ROOT, run, must } = require('./run');

/**
 * Whether `node_modules` lacks a package that the lockfile names, or has another version of it.
 * Optional packages (binaries for other platforms) do not count.
 */
function packagesAreMissing() {
  const wanted = readJson('package-lock.json');
  const installed = readJson(path.join('node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) {
    return true;
  }
  return Object.keys(wanted.packages).some((name) => {
    const entry = wanted.packages[name];
    if (name === '' || entry.optional) {
      return false;
    }
    const present = installed.packages[name];
    return (
      present === undefined ||
      present.version !== entry.version ||
      !fs.existsSync(path.join(ROOT, name))
    );
  });
}

/** Installs what the lockfile names, if anything is missing. No package may run a script. */
async function installPackages() {
  if (!packagesAreMissing()) {
    return;
  }
  console.log('settee: installing packages');
  const locked = fs.existsSync(path.join(ROOT, 'package-lock.json'));
  must(
    await npm([
      locked ? 'ci' : 'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ]),
    'installing packages',
  );
}

/** Runs npm: the one that runs us, if any. */
function npm(args, options) {
  const cli = process.env.npm_execpath;
  if (cli && /npm-cli\.c?js$/.test(cli)) {
    return run(process.execPath, [cli, ...args], options);
  }
  return process.platform === 'win32'
    ? run('cmd.exe', ['/d', '/s', '/c', 'npm', ...args], options)
    : run('npm', args, options);
}

function readJson(name) {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, name), 'utf8'));
  } catch {
    return undefined;
  }
}

module.exports = { installPackages, npm };
