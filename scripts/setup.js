/**
 * Makes a checkout ready to run: checks the tools, installs packages, builds the addon and the
 * JavaScript. With `--packages-only` it stops before that, with `--published` the addon is built
 * as it is published. What is there and up to date is left alone. Uses nothing but Node itself.
 */

const { missingTools } = require('./lib/tools');

async function main() {
  const missing = missingTools();
  if (missing.length > 0) {
    for (const line of missing) {
      console.error(`settee: ${line}`);
    }
    process.exit(1);
  }
  const { installPackages } = require('./lib/packages');
  const { buildAddon, buildJs, buildPublished } = require('./lib/build');
  const { thisMachine } = require('./lib/cargo');
  await installPackages();
  if (process.argv.includes('--packages-only')) {
    return;
  }
  await (process.argv.includes('--published') ? buildPublished(thisMachine()) : buildAddon());
  await buildJs();
}

main().catch((error) => {
  console.error(`settee: ${error.stack}`);
  process.exit(1);
});
