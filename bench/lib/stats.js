// @ts-check

// Medians, times, memory of other processes.

const fs = require('fs');

/** @param {number[]} values */
function median(values) {
  const sorted = values.slice().sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs the work, and gives its time in seconds. Garbage of before is collected first, if Node was started with --expose-gc.
 * @param {() => any} work
 */
async function timed(work) {
  const { gc } = /** @type {any} */ (globalThis);
  if (gc) gc();
  return elapsed(work);
}

/** Runs the work, and gives its time in seconds. @param {() => any} work */
async function elapsed(work) {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e9;
}

/**
 * Resident memory of a process in bytes; undefined where the system does not tell.
 * @param {number} pid
 * @returns {number | undefined}
 */
function residentMemory(pid) {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line ? Number(line[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Memory of this process in bytes without files that are mapped; undefined where the system does not tell.
 * @returns {number | undefined}
 */
function anonymousMemory() {
  try {
    const line = /^RssAnon:\s+(\d+) kB$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'));
    return line ? Number(line[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/** Samples the resident memory of processes, and remembers the highest value of each. */
class MemorySampler {
  /**
   * @param {Record<string, number>} pids by name
   * @param {number} [interval] milliseconds
   */
  constructor(pids, interval = 25) {
    this.pids = pids;
    /** @type {Record<string, { idle: number, peak: number }>} */
    this.memory = {};
    for (const [name, pid] of Object.entries(pids)) {
      const idle = residentMemory(pid);
      if (idle !== undefined) this.memory[name] = { idle, peak: idle };
    }
    this.stopped = false;
    this.timer = setInterval(() => this.sample(), interval);
  }

  sample() {
    for (const [name, pid] of Object.entries(this.pids)) {
      const now = residentMemory(pid);
      if (now !== undefined && this.memory[name])
        this.memory[name].peak = Math.max(this.memory[name].peak, now);
    }
  }

  /** Ends the sampling; what happens afterwards no longer counts. @returns {Record<string, { idle: number, peak: number }>} bytes by name */
  stop() {
    if (!this.stopped) this.sample();
    this.stopped = true;
    clearInterval(this.timer);
    return this.memory;
  }
}

const MIB = 1024 * 1024;

/** @param {number} bytes */
function inMib(bytes) {
  return Math.round((bytes / MIB) * 10) / 10;
}

module.exports = { anonymousMemory, elapsed, median, timed, residentMemory, MemorySampler, MIB, inMib };
