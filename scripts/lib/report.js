/** Counts of one `npm test`, from what the runners said. */
class Report {
  constructor() {
    this.passed = 0;
    this.failed = [];
    this.skipped = [];
  }

  pass(count) {
    this.passed += count;
  }

  /** Something that failed, by name. */
  fail(name) {
    this.failed.push(name);
  }

  skip(name, reason) {
    this.skipped.push(`${name}: ${reason}`);
  }

  /** Prints what was skipped and why, what failed, and the one closing line. */
  print() {
    this.#list('Skipped', this.skipped);
    this.#list('Failed', this.failed);
    console.log('');
    console.log(
      `${this.passed} passed, ${this.failed.length} failed, ${this.skipped.length} skipped`,
    );
  }

  #list(title, lines) {
    if (lines.length > 0) {
      console.log(`\n${title}:`);
      for (const line of lines) {
        console.log(`  ${line}`);
      }
    }
  }
}

module.exports = { Report };
