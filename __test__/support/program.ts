import { spawnSync } from 'child_process';
import { join } from 'path';

const PACKAGE = join(__dirname, '..', '..', 'dist', 'index.js');

/**
 * Runs a program in a process of its own and gives what it printed.
 *
 * `body` is the inside of an async function that sees the package as `settee` and `values` by their
 * names. Throws when it fails or does not end. It inherits the real environment unless given one.
 */
export function runProgram(
  body: string,
  values: Record<string, unknown> = {},
  env?: NodeJS.ProcessEnv,
) {
  const names = Object.keys(values).map(
    (name) => `const ${name} = ${JSON.stringify(values[name])};`,
  );
  const source = `
    const settee = require(${JSON.stringify(PACKAGE)});
    ${names.join('\n')}
    (async () => { ${body} })().catch((error) => { console.error(error); process.exit(1); });`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', source], {
    encoding: 'utf8',
    env,
    timeout: 60000,
  });
  if (status !== 0) {
    throw new Error(`the program failed (${status}):\n${stderr}`);
  }
  return { stdout, stderr };
}
