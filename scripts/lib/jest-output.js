const path = require('path');
const { ROOT } = require('./run');

/** Why a test was skipped, as `__test__/support/needs.ts` writes it into the title. */
const REASON = /\[skipped: (.+)\]/;

/** Counts jest's JSON result into a report. */
function countJest(result, report) {
  for (const file of result.testResults) {
    const name = path.relative(ROOT, file.name);
    if (file.assertionResults.length === 0 && file.status === 'failed') {
      report.fail(`${name} did not run`);
    }
    for (const test of file.assertionResults) {
      count(`${name}: ${test.fullName}`, test.status, report);
    }
  }
}

function count(title, status, report) {
  if (status === 'passed') {
    report.pass(1);
  } else if (status === 'failed') {
    report.fail(title);
  } else {
    const reason = REASON.exec(title);
    report.skip(title.replace(REASON, '').trim(), reason ? reason[1] : 'no reason given');
  }
}

module.exports = { countJest };
