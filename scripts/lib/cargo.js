const { capture } = require('./run');

/**
 * How every recipe calls cargo: always the release profile, with one set of settings.
 *
 * SQLCipher and AWS-LC are C and take minutes to compile per profile. The addon, the Rust tests
 * and clippy use the same profile, so a machine compiles them once. LTO is off for all of them: a
 * crate that is cdylib and rlib at once gets none anyway, and test programs would be linked with
 * it one by one and want every dependency compiled a second time.
 */
const CARGO_ENV = { CARGO_PROFILE_RELEASE_LTO: 'false' };

/** Cargo features of the addon, and of everything that is tested and linted as in the addon. */
const ADDON_FEATURES = 'node,dns-sd,key-store';

/** For tests, our own crate alone is compiled with its checks on and in parallel. */
const TEST_PROFILE = [
  'profile.release.package.settee.debug-assertions=true',
  'profile.release.package.settee.overflow-checks=true',
  'profile.release.package.settee.codegen-units=16',
  'profile.release.package.settee.strip="none"',
].flatMap((setting) => ['--config', setting]);

/** Rust's name of the platform that this is. */
function thisMachine() {
  return /^host: (.+)$/m.exec(capture('rustc', ['--version', '--verbose']) ?? '')?.[1];
}

/**
 * Names this machine as the target, as napi does for the addon: without it cargo would compile every
 * dependency a second time.
 */
function forThisMachine() {
  const host = thisMachine();
  return host === undefined ? [] : ['--target', host];
}

module.exports = { ADDON_FEATURES, CARGO_ENV, TEST_PROFILE, forThisMachine, thisMachine };
