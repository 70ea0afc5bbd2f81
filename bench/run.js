// @ts-check

// Settee beside its rivals, on the same documents in the same run.
//
//   npm run bench                          all benches
//   npm run bench -- save-batch sync       some of them
//   options: --docs 10000       documents of a run
//            --large 100000     documents of the large sync run, 0 for none
//            --rounds 3         rounds; medians are shown
//            --subjects a,b     only these (settee, settee-encrypted, better-sqlite3, pouchdb, rxdb)
//            --json FILE        write everything that was measured
//
// The exit code is 1 when a target was missed or not measured.

const { execFileSync, spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Child } = require('../examples/node/sync-demo/child');
const { Findings } = require('./lib/bench');
const report = require('./lib/report');
const subjects = require('./subjects');

/** @type {Record<string, { about: string, run: (settings: any, findings: Findings) => Promise<void> }>} */
const BENCHES = {
  ...require('./benches/store'),
  ...require('./benches/query'),
  ...require('./benches/open'),
  ...require('./benches/sync'),
  ...require('./benches/fan-in'),
  ...require('./benches/blob'),
  ...require('./benches/tick'),
  ...require('./benches/ipc'),
  ...require('./benches/wire'),
};

/** Benches in which settee has no rival. */
const ALONE = ['open-large', 'attachment', 'fan-in', 'blob', 'tick', 'ipc', 'wire', 'latency'];

/** @param {string[]} argv */
function parse(argv) {
  const options = {
    docs: 10_000,
    large: 100_000,
    rounds: 3,
    subjects: subjects.names,
    json: '',
    names: /** @type {string[]} */ ([]),
  };
  const rest = argv.slice();
  while (rest.length) {
    const word = /** @type {string} */ (rest.shift());
    if (!word.startsWith('--')) {
      if (!BENCHES[word]) usage(`no bench "${word}"`);
      options.names.push(word);
      continue;
    }
    const [name, inline] = word.slice(2).split('=');
    const value = inline !== undefined ? inline : rest.shift();
    if (value === undefined) usage(`--${name} needs a value`);
    if (name === 'json') options.json = path.resolve(String(value));
    else if (name === 'subjects') {
      options.subjects = String(value).split(',');
      const unknown = options.subjects.find((subject) => !subjects.names.includes(subject));
      if (unknown) usage(`no subject "${unknown}"`);
    } else if (name === 'docs' || name === 'large' || name === 'rounds') {
      const number = Number(value);
      const least = name === 'large' ? 0 : 1;
      if (!Number.isInteger(number) || number < least || number > 1_000_000)
        usage(`--${name} must be a whole number from ${least} to 1000000`);
      options[name] = number;
    } else usage(`no option --${name}`);
  }
  if (!options.names.length) options.names = Object.keys(BENCHES);
  return options;
}

/** @param {string} problem @returns {never} */
function usage(problem) {
  console.error(`bench: ${problem}`);
  console.error(`usage: npm run bench -- [${Object.keys(BENCHES).join('] [')}]`);
  console.error('       [--docs N] [--large N] [--rounds N] [--subjects a,b] [--json FILE]');
  process.exit(2);
}

/** Installs the rivals into bench/node_modules, once. */
function installRivals() {
  if (fs.existsSync(path.join(__dirname, 'node_modules', '.package-lock.json'))) return;
  console.log('Installing the rivals (once) …');
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  const env = { ...process.env };
  // better-sqlite3 may be compiled here: its build takes Node's headers from Node's own prefix instead of downloading them.
  if (fs.existsSync(path.join(prefix, 'include', 'node', 'node.h')))
    env.npm_config_nodedir = prefix;
  const npm = process.env.npm_execpath
    ? [process.execPath, [process.env.npm_execpath]]
    : ['npm', []];
  const [command, first] = /** @type {[string, string[]]} */ (npm);
  const result = spawnSync(
    command,
    [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: __dirname, env, stdio: 'inherit' },
  );
  if (result.status !== 0)
    console.error('bench: the rivals could not be installed; only what is there is measured');
}

function isBuilt() {
  try {
    require.resolve('..');
    return true;
  } catch {
    return false;
  }
}

function revision() {
  try {
    const git = (/** @type {string[]} */ args) =>
      execFileSync('git', args, {
        cwd: __dirname,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    return (
      git(['rev-parse', '--short', 'HEAD']) +
      (git(['status', '--porcelain']) ? ' with changes' : '')
    );
  } catch {
    return 'unknown';
  }
}

async function main() {
  const { names, json, ...settings } = parse(process.argv.slice(2));
  const withSettee = settings.subjects.includes('settee');
  if (settings.subjects.some((name) => name.startsWith('settee')) && !isBuilt()) {
    console.error(
      'bench: settee is not built: run "npm run bench" from the root of the checkout, which builds it first,',
    );
    console.error('       or measure the others alone: --subjects better-sqlite3,pouchdb,rxdb');
    process.exitCode = 2;
    return;
  }
  installRivals();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'settee-bench-'));
  const findings = new Findings(withSettee);
  const facts = {
    date: new Date().toISOString(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    machine: report.machine(),
    versions: Object.fromEntries(
      settings.subjects.map((name) => [
        name,
        name.startsWith('settee')
          ? `${subjects.version(name)}, ${revision()}`
          : subjects.version(name),
      ]),
    ),
    settings,
  };
  const end = async () => {
    await Child.killAll();
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.once(signal, () => end().then(() => process.exit(130)));

  report.printFacts(facts);
  try {
    for (const name of names) {
      if (ALONE.includes(name) && !withSettee) continue;
      console.log(`\n${name}: ${BENCHES[name].about}`);
      const before = report.mark(findings);
      try {
        await BENCHES[name].run({ ...settings, folder }, findings);
      } catch (error) {
        findings.skip(name, 'all', error);
        findings.check(name, 'ran to its end', null, { atLeast: 1, unit: '' });
      }
      report.print(findings, before);
    }
  } finally {
    await end();
  }
  report.printSummary(findings);
  if (json) {
    fs.writeFileSync(json, `${JSON.stringify({ ...facts, ...findings }, null, 2)}\n`);
    console.log(`Written: ${json}`);
  }
  process.exitCode = findings.checks.every((check) => check.passed) ? 0 : 1;
}

main().catch((error) => {
  console.error(`bench: ${error.stack || error}`);
  process.exitCode = 1;
});
