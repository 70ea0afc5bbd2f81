// Bundles the page into build/: one script, one style sheet, the HTML.

const fs = require('fs');
const path = require('path');
const esbuild = require('esbuild');

/** Builds from `src` into `build`; `options` are added to esbuild's. */
function build({
  build: outdir = path.join(__dirname, 'build'),
  src = path.join(__dirname, 'src'),
  ...options
} = {}) {
  fs.mkdirSync(outdir, { recursive: true });
  fs.copyFileSync(path.join(src, 'index.html'), path.join(outdir, 'index.html'));
  return esbuild.build({
    entryPoints: [path.join(src, 'main.ts')],
    outfile: path.join(outdir, 'main.js'),
    bundle: true,
    minify: true,
    sourcemap: true,
    platform: 'browser',
    // The oldest Electron that settee runs in, 9.4.1, has Chromium 83.
    target: 'chrome83',
    logLevel: 'warning',
    ...options,
  });
}

module.exports = { build };

if (require.main === module) {
  build().catch(() => process.exit(1));
}
