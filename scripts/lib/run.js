const { spawn, spawnSync } = require('child_process');
const path = require('path');

/** The checkout. Every command runs here, whatever the working directory is. */
const ROOT = path.resolve(__dirname, '..', '..');

/**
 * Runs a command and resolves with `{ code, output }`.
 *
 * Output is shown as it comes; `onLine` sees each line as well. A command that cannot be started
 * gives code 127 and the reason as output; one that takes longer than `timeout` milliseconds is
 * stopped and gives its signal as code.
 */
function run(command, args, options = {}) {
  const { env = {}, onLine, cwd = ROOT, timeout } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      timeout,
      env: { ...process.env, ...env },
      stdio: onLine ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    });
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    let output = '';
    if (onLine) {
      for (const [from, to] of [
        [child.stdout, process.stdout],
        [child.stderr, process.stderr],
      ]) {
        let rest = '';
        from.setEncoding('utf8');
        from.on('data', (text) => {
          to.write(text);
          output += text;
          const lines = (rest + text).split('\n');
          rest = lines.pop();
          for (const line of lines) {
            onLine(line);
          }
        });
        from.on('end', () => rest && onLine(rest));
      }
    }
    child.on('close', (code, signal) => resolve({ code: code === null ? signal : code, output }));
  });
}

/** The output of a short command, trimmed; undefined when it cannot be run. */
function capture(command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Ends the process with one line when a command of a script failed. */
function must(result, what) {
  if (result.code !== 0) {
    fail(`${what} failed (exit ${result.code})`);
  }
}

function fail(message) {
  console.error(`settee: ${message}`);
  process.exit(1);
}

/** Path of a command-line tool that an installed package ships. */
function bin(packageName, relative) {
  return path.join(ROOT, 'node_modules', packageName, relative);
}

module.exports = { ROOT, run, capture, must, fail, bin };
