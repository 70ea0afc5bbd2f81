const { spawn } = require('child_process');

/** Longest time for one answer, milliseconds. */
const ANSWER_LIMIT = 60_000;

/** How much of what a process said on standard error is kept for a failure's report, characters. */
const COMPLAINTS_KEPT = 4_000;

/** A client written by others, in a process of its own that takes and gives JSON lines. */
class ForeignProcess {
  /** `start` is what a script of `scripts/peers` resolves with. */
  constructor(start, extraArgs) {
    this.complaints = '';
    /** Lines that were no answer, in order. */
    this.lines = [];
    this.calls = new Map();
    this.nextId = 1;
    this.watchers = new Set();
    this.process = spawn(start.command, [...start.args, ...extraArgs], {
      env: { ...process.env, ...start.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => {
      this.process.on('error', (error) => this.#end(`could not be started: ${error.message}`));
      this.process.on('close', (code, signal) => {
        this.#end(`ended (${signal || `exit ${code}`})`);
        resolve(code);
      });
    });
    this.process.stdin.on('error', () => {});
    this.process.stderr.setEncoding('utf8').on('data', (text) => {
      this.complaints = (this.complaints + text).slice(-COMPLAINTS_KEPT);
    });
    let rest = '';
    this.process.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines.filter((one) => one.trim() !== '')) {
        this.#line(line);
      }
    });
  }

  /** Gives a command and resolves with its result. */
  call(command, args = {}, limit = ANSWER_LIMIT) {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      const timer = setTimeout(() => {
        this.calls.delete(id);
        reject(new Error(`no answer to "${command}" within ${limit / 1000} s`));
      }, limit);
      this.calls.set(id, { command, resolve, reject, timer });
      this.process.stdin.write(`${JSON.stringify({ id, command, args })}\n`);
    });
  }

  /** Resolves with the first event, from the `from`-th on, that `wanted` accepts. */
  event(what, wanted, { from = 0, limit = 30_000 } = {}) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.slice(from).find(wanted);
        if (found !== undefined) {
          done();
          resolve(found);
        }
      };
      const timer = setTimeout(() => {
        done();
        const last = JSON.stringify(this.lines.slice(-3));
        reject(new Error(`${what}: not within ${limit / 1000} s; last events: ${last}`));
      }, limit);
      const done = () => {
        clearTimeout(timer);
        this.watchers.delete(look);
      };
      this.watchers.add(look);
      look();
    });
  }

  /** Ends the process: kindly first, by force after 3 s. */
  async stop() {
    this.process.stdin.end();
    const timer = setTimeout(() => this.kill(), 3_000);
    await this.ended;
    clearTimeout(timer);
  }

  kill() {
    this.process.kill('SIGKILL');
  }

  #line(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      this.complaints = `${this.complaints}${line}\n`.slice(-COMPLAINTS_KEPT);
      return;
    }
    const call = this.calls.get(message.id);
    if (call === undefined) {
      this.lines.push(message);
      for (const look of this.watchers) {
        look();
      }
      return;
    }
    this.calls.delete(message.id);
    clearTimeout(call.timer);
    if (message.error === undefined) {
      call.resolve(message.result);
    } else {
      call.reject(new Error(`${call.command}: ${JSON.stringify(message.error)}`));
    }
  }

  #end(reason) {
    for (const { command, reject, timer } of this.calls.values()) {
      clearTimeout(timer);
      reject(new Error(`"${command}": the client ${reason}`));
    }
    this.calls.clear();
  }
}

module.exports = { ForeignProcess };
