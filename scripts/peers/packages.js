const { capture, run } = require('../lib/run');
const { PeerMissing } = require('./peer-missing');

/** Longest time for one download, milliseconds. */
const DOWNLOAD_LIMIT = 300_000;

/** What Maven, pip, npm and apt-get say when a registry is out of reach or lacks or refuses a file. */
const REFUSALS = [
  /Could not (transfer|find) artifact/,
  /Could not find a version|No matching distribution/,
  /npm (ERR!|error) code (E[45]\d\d|ETARGET|ENOTFOUND|ECONN\w+|EAI_AGAIN|ETIMEDOUT|ENOTCACHED)/,
  /Unable to (fetch|locate)|Failed to fetch|has no installation candidate/,
  /status( code)?:? (4\d\d|5\d\d)|HTTP error (4\d\d|5\d\d)|\b(403 {2}?Forbidden|503 {2}?Service)/,
  /Unknown host|Temporary failure in name resolution|Could not resolve|Network is unreachable/,
  /Connection (refused|reset|timed out)|ConnectTimeout|ReadTimeout|ProxyError|SSLError/,
];

/** Runs a command that downloads; throws `PeerMissing` when it fails. */
async function download(what, command, args) {
  const { code, output } = await run(command, args, { onLine() {}, timeout: DOWNLOAD_LIMIT });
  if (code === 0) {
    return;
  }
  if (code === 127) {
    throw new PeerMissing(`${command} is not installed`);
  }
  if (code === 'SIGTERM') {
    throw new PeerMissing(`no ${what} within ${DOWNLOAD_LIMIT / 1000} s`, { refused: true });
  }
  const line = output.split('\n').find((text) => REFUSALS.some((refusal) => refusal.test(text)));
  if (line !== undefined) {
    throw new PeerMissing(`a registry refused ${what}: ${line.trim()}`, { refused: true });
  }
  throw new PeerMissing(`${what} could not be fetched (${command}, exit ${code})`);
}

/**
 * Makes sure that a tool or library is there. What is missing is installed by apt-get, if this is
 * continuous integration; otherwise `PeerMissing` names it.
 */
async function need(name, isThere, aptPackages) {
  if (isThere()) {
    return;
  }
  if (process.env.CI === 'true' && capture('apt-get', ['--version']) !== undefined) {
    const options = ['-qq', '-y', '--no-install-recommends'];
    await download('package lists', 'apt-get', ['-qq', 'update']);
    await download(name, 'apt-get', ['install', ...options, ...aptPackages]);
  }
  if (!isThere()) {
    throw new PeerMissing(`${name} is not installed`);
  }
}

/** Installs what pip's arguments name, without what it depends on, into a folder of its own. */
async function pipInstall(what, folder, requirements) {
  await need('pip', () => capture('python3', ['-m', 'pip', '--version']) !== undefined, [
    'python3-pip',
  ]);
  await download(what, 'python3', [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'],
    ...['--root-user-action=ignore', '--target', folder, ...requirements],
  ]);
}

module.exports = { download, need, pipInstall };
