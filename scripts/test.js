/**
 * Runs every test and ends with one line of real counts.
 *
 *   npm test              everything
 *   npm test -- jest      some steps: rust, jest, interop, electron, app
 *
 * With CI=true a real peer that does not run is a failure, unless a registry refused it.
 */

const fs = require('fs');
const path = require('path');
const { ADDON_FEATURES, CARGO_ENV, TEST_PROFILE, forThisMachine } = require('./lib/cargo');
const { CargoOutput } = require('./lib/cargo-output');
const { InteropOutput } = require('./lib/interop-output');
const { countJest } = require('./lib/jest-output');
const { Report } = require('./lib/report');
const { ROOT, bin, run } = require('./lib/run');

const STEPS = { rust, jest, interop, electron, app };

/** Longest time for all interop scenarios, milliseconds; each has a limit of its own. */
const INTEROP_LIMIT = 15 * 60_000;

/** Unit, vector, property, replication and corpus tests of the crate. */
async function rust(report) {
  const output = new CargoOutput(report);
  // With the binding, as the addon is built: its unit tests run too.
  const features = ['--features', ADDON_FEATURES];
  const args = [
    'test',
    '--release',
    ...forThisMachine(),
    ...features,
    '--no-fail-fast',
    ...TEST_PROFILE,
  ];
  const { code } = await run('cargo', args, {
    env: CARGO_ENV,
    onLine: (line) => output.line(line),
  });
  output.finish(code);
}

/** The public API, types, package and documentation checks. */
function jest(report) {
  return runJest(report, 'jest', 'jest.config.js');
}

/** The engine and two windows in a real Electron. */
function electron(report) {
  return runJest(report, 'electron', 'tests/electron/jest.config.js');
}

/** The example application in a browser. */
function app(report) {
  return runJest(report, 'app', 'tests/app/jest.config.js');
}

async function runJest(report, name, config) {
  const result = path.join(ROOT, 'tmp', `${name}.json`);
  fs.mkdirSync(path.dirname(result), { recursive: true });
  fs.rmSync(result, { force: true });
  const args = [
    ...[bin('jest', 'bin/jest.js'), '--config', path.join(ROOT, config)],
    ...['--json', `--outputFile=${result}`],
  ];
  const { code } = await run(process.execPath, process.env.CI ? [...args, '--ci'] : args);
  const before = report.failed.length;
  if (fs.existsSync(result)) {
    countJest(JSON.parse(fs.readFileSync(result, 'utf8')), report);
  }
  if (code !== 0 && report.failed.length === before) {
    report.fail(`${name} (exit ${code})`);
  }
}

/** Clients that others wrote, against our listener. */
async function interop(report) {
  const output = new InteropOutput(report);
  const { code } = await run(process.execPath, [path.join('tests', 'interop', 'run.js')], {
    onLine: (line) => output.line(line),
    timeout: INTEROP_LIMIT,
  });
  output.finish(code);
}

async function main() {
  // No test touches the key ring of whoever runs it; those about key rings bring one of their own.
  process.env.SETTEE_KEY_STORE = 'file';
  const chosen = process.argv.slice(2);
  const unknown = chosen.filter((name) => !(name in STEPS));
  if (unknown.length > 0) {
    console.error(`settee: no such step: ${unknown.join(', ')}; there are ${Object.keys(STEPS)}`);
    process.exit(2);
  }
  const report = new Report();
  for (const name of chosen.length > 0 ? chosen : Object.keys(STEPS)) {
    console.log(`\nsettee: ${name}`);
    const before = report.passed + report.failed.length + report.skipped.length;
    await STEPS[name](report);
    if (report.passed + report.failed.length + report.skipped.length === before) {
      report.fail(`${name}: ran no test`);
    }
  }
  report.print();
  process.exit(report.failed.length === 0 ? 0 : 1);
}

main();
