// @ts-check

// What a run prints.

const os = require('os');
const { median } = require('./stats');
const { about } = require('../subjects');

/** @typedef {import('./bench').Findings} Findings */

/** The machine that a run was made on. */
function machine() {
  const cpus = os.cpus();
  return {
    processor: cpus.length ? cpus[0].model.trim() : 'unknown',
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
  };
}

/** @param {any} facts */
function printFacts({ date, command, machine: m, versions, settings }) {
  console.log(command);
  console.log(
    `${date} · ${m.processor}, ${m.cores} cores, ${m.memoryGiB} GiB · ${m.system} · Node ${m.node}`,
  );
  for (const [name, version] of Object.entries(versions))
    console.log(`  ${name} ${version}: ${about(name)}`);
  console.log(`${settings.docs} documents of about 300 bytes, ${settings.rounds} rounds, medians`);
}

/** @param {Findings} findings */
function mark(findings) {
  return {
    measurements: findings.measurements.length,
    skipped: findings.skipped.length,
    checks: findings.checks.length,
  };
}

/**
 * Prints what was found since the mark.
 * @param {Findings} findings
 * @param {ReturnType<typeof mark>} since
 */
function print(findings, since) {
  const measurements = findings.measurements.slice(since.measurements);
  for (const bench of new Set(measurements.map((m) => m.bench))) {
    console.log(`  ${bench}`);
    const rows = measurements.filter((m) => m.bench === bench);
    const ours = rows.find((m) => m.subject === 'settee');
    for (const row of rows) {
      const value = median(row.values);
      const spread =
        row.values.length > 1
          ? ` (${number(Math.min(...row.values))} to ${number(Math.max(...row.values))})`
          : '';
      const ratio =
        ours && row !== ours ? compare(median(ours.values) / value, row.higherIsBetter) : '';
      console.log(
        `    ${row.subject.padEnd(16)} ${number(value).padStart(10)} ${`${row.unit}${spread}`.padEnd(34)} ${ratio}`.trimEnd(),
      );
    }
  }
  for (const { bench, subject, reason } of findings.skipped.slice(since.skipped))
    console.log(`  ${bench}: ${subject} was not measured: ${reason}`);
  for (const check of findings.checks.slice(since.checks)) console.log(`  ${describe(check)}`);
}

/** @param {number} ratio @param {boolean} higherIsBetter */
function compare(ratio, higherIsBetter) {
  return higherIsBetter
    ? `settee is ${ratio.toFixed(2)} × as fast`
    : `settee takes ${ratio.toFixed(2)} × as much`;
}

/** @param {import('./bench').Check} check */
function describe({ bench, what, value, target, unit, atLeast, passed }) {
  const sign = atLeast ? 'at least' : 'at most';
  const found = value === null ? 'not measured' : `${number(value)} ${unit}`.trim();
  return `${passed ? 'pass' : 'FAIL'}  ${bench}: ${found} ${what} (${sign} ${number(target)} ${unit})`.replace(
    / \)/,
    ')',
  );
}

/** @param {Findings} findings */
function printSummary(findings) {
  const passed = findings.checks.filter((check) => check.passed).length;
  console.log(`\nTargets: ${passed} of ${findings.checks.length} met`);
  for (const check of findings.checks) console.log(`  ${describe(check)}`);
  if (findings.skipped.length)
    console.log(
      `Not measured: ${findings.skipped.map(({ bench, subject }) => `${bench} (${subject})`).join(', ')}`,
    );
}

/** @param {number} value */
function number(value) {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Math.abs(value) < 1 ? Number(value.toPrecision(3)) : Math.round(value * 100) / 100);
}

module.exports = { machine, printFacts, mark, print, printSummary };
