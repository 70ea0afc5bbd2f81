// @ts-check

// What every bench gets and gives.

const path = require('path');
const { Child } = require('../../examples/node/sync-demo/child');

/**
 * @typedef {{ docs: number, large: number, rounds: number, folder: string, subjects: string[] }} Settings
 *   docs: documents of a run; large: documents of the large sync; folder: scratch folder, removed at the end
 *
 * @typedef {{ bench: string, subject: string, unit: string, values: number[], higherIsBetter: boolean }} Measurement
 *   values: one a round
 *
 * @typedef {{ bench: string, subject: string, reason: string }} Skipped
 *
 * @typedef {{ bench: string, what: string, value: number | null, target: number, unit: string, atLeast: boolean, passed: boolean }} Check
 */

/** Longest time for one call of a worker, milliseconds. */
const CALL_TIMEOUT = 600_000;

/** Collects what the benches of a run find. */
class Findings {
  /** @param {boolean} withTargets whether settee is measured, which alone has targets */
  constructor(withTargets = true) {
    Object.defineProperty(this, 'withTargets', { value: withTargets });
    /** @type {Measurement[]} */
    this.measurements = [];
    /** @type {Skipped[]} */
    this.skipped = [];
    /** @type {Check[]} */
    this.checks = [];
  }

  /** @param {string} bench @param {string} subject */
  find(bench, subject) {
    return this.measurements.find((m) => m.bench === bench && m.subject === subject);
  }

  /**
   * Adds one round's value.
   * @param {string} bench
   * @param {string} subject
   * @param {number} value
   * @param {{ unit: string, higherIsBetter?: boolean }} about
   */
  add(bench, subject, value, about) {
    let measurement = this.find(bench, subject);
    if (!measurement) {
      measurement = {
        bench,
        subject,
        unit: about.unit,
        values: [],
        higherIsBetter: about.higherIsBetter !== false,
      };
      this.measurements.push(measurement);
    }
    measurement.values.push(value);
  }

  /** @param {string} bench @param {string} subject @param {any} error */
  skip(bench, subject, error) {
    this.skipped.push({
      bench,
      subject,
      reason: String(error?.message || error).split('\n')[0],
    });
  }

  /**
   * Compares a value with its target. No value (not measured) is a failure.
   * @param {string} bench
   * @param {string} what
   * @param {number | null | undefined} value
   * @param {{ atLeast?: number, atMost?: number, unit: string }} target
   */
  check(bench, what, value, target) {
    if (!(/** @type {any} */ (this).withTargets)) return;
    const atLeast = target.atLeast !== undefined;
    const limit = /** @type {number} */ (atLeast ? target.atLeast : target.atMost);
    const measured = value !== null && value !== undefined && Number.isFinite(value);
    const passed = measured && (atLeast ? value >= limit : value <= limit);
    this.checks.push({
      bench,
      what,
      value: measured ? value : null,
      target: limit,
      unit: target.unit,
      atLeast,
      passed,
    });
  }
}

/**
 * Starts a worker script in a process of its own.
 * @param {string} script file name in workers/
 * @param {string} name for messages
 * @param {string[]} args
 * @param {Settings} settings
 * @param {string[]} [execArgv]
 */
function worker(script, name, args, settings, execArgv = ['--expose-gc']) {
  const child = new Child(path.join(__dirname, '../workers', script), {
    name,
    args,
    execArgv,
    // Settee keeps what belongs to no database (identities) here instead of in the user's home.
    env: { SETTEE_HOME: path.join(settings.folder, 'home'), SETTEE_KEY_STORE: 'file' },
  });
  return {
    child,
    pid: /** @type {number} */ (child.pid),
    /** @param {string} method @param {any} [args] @returns {Promise<any>} */
    call: (method, args) => child.call(method, args, CALL_TIMEOUT),
    stop: () => child.stop(),
  };
}

module.exports = { Findings, worker };
