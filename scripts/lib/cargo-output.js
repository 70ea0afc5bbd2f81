const { stripColour } = require('./strip-colour');

/**
 * Reads what `cargo test` prints and counts into a report.
 *
 * A test that fails is counted by its own line; a test program that dies without a result line, or
 * one that does not compile, is noticed by `finish`.
 */
class CargoOutput {
  constructor(report) {
    this.report = report;
    this.program = 'cargo test';
    this.failures = 0;
    this.results = 0;
    this.started = 0;
  }

  line(raw) {
    const line = stripColour(raw);
    const running = /^\s+(?:Running|Doc-tests) (.+?)(?: \(.*\))?$/.exec(line);
    if (running !== null) {
      this.program = running[1];
      return;
    }
    if (/^running \d+ tests?$/.test(line)) {
      this.started += 1;
      return;
    }
    const test = /^test (.+?) \.\.\. (FAILED|ignored)(?:, (.+))?$/.exec(line);
    if (test !== null) {
      this.#test(test[1], test[2], test[3]);
      return;
    }
    const result = /^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
    if (result !== null) {
      this.results += 1;
      this.report.pass(Number(result[1]));
    }
  }

  /** Counts what left no line of its own. */
  finish(code) {
    if (this.started > this.results) {
      this.#fail(`${this.program} ended without a result`);
    }
    if (code !== 0 && this.failures === 0) {
      this.#fail(`cargo test (exit ${code})`);
    }
  }

  #test(name, outcome, reason) {
    if (outcome === 'FAILED') {
      this.#fail(`${this.program}: ${name}`);
    } else {
      this.report.skip(`${this.program}: ${name}`, reason || 'no reason given');
    }
  }

  #fail(name) {
    this.failures += 1;
    this.report.fail(name);
  }
}

module.exports = { CargoOutput };
