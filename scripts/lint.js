/** Formatting, lints and types of everything. `--fix` formats and applies safe fixes. */

const { ADDON_FEATURES, CARGO_ENV, forThisMachine } = require('./lib/cargo');
const { bin, run } = require('./lib/run');

const fix = process.argv.includes('--fix');
const node = process.execPath;
const tsc = bin('typescript', 'bin/tsc');
const clippy = ['clippy', '--release', ...forThisMachine(), '--all-targets'];

const CHECKS = [
  ['cargo fmt', 'cargo', fix ? ['fmt'] : ['fmt', '--check']],
  ['clippy', 'cargo', [...clippy, '--', '-D', 'warnings']],
  [
    'clippy as in the addon',
    'cargo',
    [...clippy, '--features', ADDON_FEATURES, '--', '-D', 'warnings'],
  ],
  ['biome', node, [bin('@biomejs/biome', 'bin/biome'), 'check', ...(fix ? ['--write'] : []), '.']],
  ['types of js/', node, [tsc, '-p', 'tsconfig.json', '--noEmit']],
  ['types of __test__/', node, [tsc, '-p', 'tsconfig.test.json', '--noEmit']],
];

async function main() {
  const failed = [];
  for (const [name, command, args] of CHECKS) {
    console.log(`settee: ${name}`);
    const { code } = await run(command, args, { env: CARGO_ENV });
    if (code !== 0) {
      failed.push(name);
    }
  }
  console.log(
    failed.length === 0
      ? 'settee: nothing to complain about'
      : `settee: failed: ${failed.join(', ')}`,
  );
  process.exit(failed.length === 0 ? 0 : 1);
}

main();
