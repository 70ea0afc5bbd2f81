// @ts-check

// Child processes that answer calls. The parent half starts a script, calls its methods, hears its events and always ends
// it; the child half serves the methods and ends itself when the parent is gone.

const { fork } = require('child_process');

/** @typedef {{ message: string, domain?: string, code?: number }} PlainError */

/** An error of a child, with the child's name in front of its text. */
class ChildError extends Error {
  /**
   * @param {string} name name of the child
   * @param {PlainError} error
   */
  constructor(name, error) {
    super(`${name}: ${error.message}`);
    this.domain = error.domain;
    this.code = error.code;
  }
}

/** Every child that has not ended; the parent ends them before it does. @type {Set<Child>} */
const running = new Set();

class Child {
  /**
   * @param {string} script path of the script to run
   * @param {{ name: string, args?: string[], env?: NodeJS.ProcessEnv, execArgv?: string[], onEvent?: (event: string, data: any) => void }} options
   */
  constructor(script, options) {
    this.name = options.name;
    this.onEvent = options.onEvent || (() => {});
    this.nextCall = 1;
    /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void, timer: NodeJS.Timeout }>} */
    this.calls = new Map();
    this.process = fork(script, options.args || [], {
      env: { ...process.env, ...options.env },
      execArgv: options.execArgv || [],
      // Advanced: typed arrays and dates cross as they are.
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    running.add(this);
    /** Resolves when the process has ended. @type {Promise<void>} */
    this.ended = new Promise((resolve) => {
      let over = false;
      /** @param {string} reason */
      const end = (reason) => {
        if (over) return;
        over = true;
        running.delete(this);
        for (const call of this.calls.values()) {
          clearTimeout(call.timer);
          call.reject(new ChildError(this.name, { message: reason }));
        }
        this.calls.clear();
        resolve();
      };
      this.process.once('error', (error) => end(`could not be started: ${error.message}`));
      this.process.once('exit', (code, signal) =>
        end(signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
      );
    });
    this.process.on('message', (/** @type {any} */ message) => this.handle(message));
  }

  get pid() {
    return this.process.pid;
  }

  /** @param {any} message */
  handle(message) {
    if (message.event) {
      this.onEvent(message.event, message.data);
      return;
    }
    const call = this.calls.get(message.id);
    if (!call) return;
    this.calls.delete(message.id);
    clearTimeout(call.timer);
    if (message.error) call.reject(new ChildError(this.name, message.error));
    else call.resolve(message.result);
  }

  /**
   * Calls a method of the child.
   * @param {string} method
   * @param {any} [args]
   * @param {number} [timeout] milliseconds
   * @returns {Promise<any>}
   */
  call(method, args, timeout = 60_000) {
    return new Promise((resolve, reject) => {
      const id = this.nextCall++;
      const timer = setTimeout(() => {
        this.calls.delete(id);
        reject(
          new ChildError(this.name, {
            message: `no answer to "${method}" within ${timeout / 1000} s`,
          }),
        );
      }, timeout);
      this.calls.set(id, { resolve, reject, timer });
      this.process.send({ id, method, args }, (error) => {
        if (!error || !this.calls.delete(id)) return;
        clearTimeout(timer);
        reject(
          new ChildError(this.name, { message: `"${method}" could not be sent: ${error.message}` }),
        );
      });
    });
  }

  /** Asks the child to end, and ends it by force when it does not within the time (milliseconds). */
  async stop(timeout = 5_000) {
    if (this.process.connected) this.process.disconnect();
    const timer = setTimeout(() => this.process.kill('SIGKILL'), timeout);
    await this.ended;
    clearTimeout(timer);
  }

  kill() {
    this.process.kill('SIGKILL');
  }

  /** Ends by force every child that still runs. */
  static async killAll() {
    const children = [...running];
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.ended));
  }
}

/**
 * Serves calls of the parent. Calls may overlap. The process ends when the parent closes the channel.
 * @param {Record<string, (args: any) => any>} methods
 */
function serve(methods) {
  process.on('message', async (/** @type {any} */ { id, method, args }) => {
    try {
      if (!Object.prototype.hasOwnProperty.call(methods, method))
        throw new Error(`no such method: ${method}`);
      send({ id, result: await methods[method](args) });
    } catch (error) {
      send({ id, error: plainError(error) });
    }
  });
  process.on('disconnect', () => process.exit());
}

/**
 * Sends an event to the parent.
 * @param {string} event
 * @param {any} [data]
 */
function emit(event, data) {
  send({ event, data });
}

/** @param {any} message */
function send(message) {
  if (process.connected && process.send) process.send(message);
}

/**
 * @param {any} error
 * @returns {PlainError}
 */
function plainError(error) {
  if (!(error instanceof Error)) return { message: String(error) };
  const { domain, code } = /** @type {any} */ (error);
  const text =
    domain || code
      ? `${error.message} (${[domain, code].filter(Boolean).join(' ')})`
      : error.message;
  return { message: text, domain, code };
}

module.exports = { Child, ChildError, serve, emit };
