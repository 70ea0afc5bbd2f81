const { stripColour } = require('./strip-colour');

/** Reads the lines that `tests/interop/run.js` prints and counts them into a report. */
class InteropOutput {
  constructor(report) {
    this.report = report;
    this.failures = 0;
    this.seen = 0;
    this.ended = false;
  }

  line(raw) {
    // Maven leaves colours behind, even when it says nothing.
    const line = stripColour(raw);
    const total = /^(\d+) scenarios$/.exec(line);
    if (total !== null) {
      this.ended = Number(total[1]) === this.seen;
      return;
    }
    const match = /^(ok|not ok|skip) - (.+?)(?: \[skipped: (.+)\])?$/.exec(line);
    if (match === null) {
      return;
    }
    const [, outcome, name, reason] = match;
    this.seen += 1;
    if (outcome === 'ok') {
      this.report.pass(1);
    } else if (outcome === 'skip') {
      this.report.skip(name, reason || 'no reason given');
    } else {
      this.failures += 1;
      this.report.fail(name);
    }
  }

  /** Counts a run that ended before its end, or badly without naming a scenario. */
  finish(code) {
    if (!this.ended || (code !== 0 && this.failures === 0)) {
      this.report.fail(`interop (exit ${code}, ${this.seen} scenarios seen)`);
    }
  }
}

module.exports = { InteropOutput };
