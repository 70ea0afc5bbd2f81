/** Reads the lines that `tests/interop/run.js` prints and counts them into a report. */
class InteropOutput {
  constructor(report) {
    this.report = report;
    this.failures = 0;
  }

  line(line) {
    const match = /^(ok|not ok|skip) - (.+?)(?: \[skipped: (.+)\])?$/.exec(line);
    if (match === null) {
      return;
    }
    const [, outcome, name, reason] = match;
    if (outcome === 'ok') {
      this.report.pass(1);
    } else if (outcome === 'skip') {
      this.report.skip(name, reason || 'no reason given');
    } else {
      this.failures += 1;
      this.report.fail(name);
    }
  }

  /** Counts a run that ended badly and named no scenario. */
  finish(code) {
    if (code !== 0 && this.failures === 0) {
      this.report.fail(`interop (exit ${code})`);
    }
  }
}

module.exports = { InteropOutput };
