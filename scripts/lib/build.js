const fs = require('fs');
const path = require('path');
const { ADDON_FEATURES, CARGO_ENV, thisMachine } = require('./cargo');
const { fingerprint, readStamp, writeStamp } = require('./fingerprint');
const { ROOT, bin, capture, fail, must, run } = require('./run');

/** File names of the addon; the platform is part of the name. */
const ADDON = /^settee\..*\.node$/;

/** What an addon is made of, by which any build of it is known. */
function addonStamp() {
  return fingerprint(
    ['Cargo.toml', 'Cargo.lock', 'build.rs', 'rust-toolchain.toml', '.cargo', 'crates', 'src'],
    [capture('rustc', ['--version', '--verbose']), process.platform, process.arch, ADDON_FEATURES],
  );
}

/** Whether the addon that is there was made of these sources, by a build that left this stamp. */
function isThere(build, stamp) {
  return fs.readdirSync(ROOT).some((name) => ADDON.test(name)) && readStamp(build) === stamp;
}

/** Builds the addon in release mode, unless the one that is there was made of the same sources. */
async function buildAddon({ force = false } = {}) {
  const stamp = addonStamp();
  if (!force && isThere('addon', stamp)) {
    return;
  }
  console.log('settee: building the engine (several minutes the first time)');
  const napi = [
    bin('@napi-rs/cli', 'dist/cli.js'),
    'build',
    '--platform',
    '--release',
    '--features',
    ADDON_FEATURES,
    '--no-js',
    '--dts',
    'js/native/binding.d.ts',
  ];
  must(await run(process.execPath, napi, { env: CARGO_ENV }), 'building the engine');
  writeStamp('addon', stamp);
  writeStamp('published-addon', '');
}

/** Rust's and npm's names of the platforms that are published, and what cargo calls the library. */
const PUBLISHED = {
  'x86_64-unknown-linux-gnu': ['linux-x64-gnu', 'libsettee.so'],
  'x86_64-unknown-linux-musl': ['linux-x64-musl', 'libsettee.so'],
  'aarch64-unknown-linux-gnu': ['linux-arm64-gnu', 'libsettee.so'],
  'x86_64-apple-darwin': ['darwin-x64', 'libsettee.dylib'],
  'aarch64-apple-darwin': ['darwin-arm64', 'libsettee.dylib'],
  'x86_64-pc-windows-msvc': ['win32-x64-msvc', 'settee.dll'],
};

/**
 * Builds the addon as it is published: linked with LTO, which cargo does only when the crate is
 * nothing but a dynamic library. Takes several minutes.
 */
async function buildPublished(target) {
  const stamp = addonStamp();
  const isOurs = target === thisMachine();
  if (isOurs && isThere('published-addon', stamp)) {
    return;
  }
  const published = PUBLISHED[target];
  if (published === undefined) {
    fail(`no target ${target}; there are ${Object.keys(PUBLISHED).join(', ')}`);
  }
  const [platform, library] = published;
  console.log('settee: building the engine as it is published (several minutes)');
  const args = ['rustc', '--release', '--lib', '--crate-type', 'cdylib', '--locked'];
  const env = { CARGO_PROFILE_RELEASE_LTO: 'fat' };
  must(
    await run('cargo', [...args, '--features', ADDON_FEATURES, '--target', target], { env }),
    'building the engine',
  );
  const built = process.env.CARGO_TARGET_DIR || path.join(ROOT, 'target');
  const from = path.join(built, target, 'release', library);
  fs.copyFileSync(from, path.join(ROOT, `settee.${platform}.node`));
  if (isOurs) {
    writeStamp('addon', stamp);
    writeStamp('published-addon', stamp);
  }
}

/** Compiles `js/` into `dist/`, unless `dist/` was made of the same sources. */
async function buildJs({ force = false } = {}) {
  const { version } = require(bin('typescript', 'package.json'));
  const stamp = fingerprint(['js', 'tsconfig.json'], [version]);
  const dist = path.join(ROOT, 'dist');
  if (!force && fs.existsSync(path.join(dist, 'index.js')) && readStamp('js') === stamp) {
    return;
  }
  console.log('settee: compiling the JavaScript API');
  fs.rmSync(dist, { recursive: true, force: true });
  const tsc = [bin('typescript', 'bin/tsc'), '-p', 'tsconfig.json'];
  must(await run(process.execPath, tsc), 'compiling the JavaScript API');
  writeStamp('js', stamp);
}

module.exports = { buildAddon, buildJs, buildPublished };
