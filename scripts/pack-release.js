/** Packs what would be published from this machine into tmp/release and tells sizes. */

const path = require('path');
const { packRelease } = require('./lib/release');
const { ROOT } = require('./lib/run');

/** Largest addon, bytes unpacked: ADR 011. */
const ADDON_LIMIT = 12_000_000;

const { addon, main, platform } = packRelease(path.join(ROOT, 'tmp', 'release'));
const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

for (const { name, tarball, size, unpackedSize } of [main, platform]) {
  console.log(
    `${name}: ${mib(size)} packed, ${mib(unpackedSize)} unpacked, ${path.relative(ROOT, tarball)}`,
  );
}
console.log(`addon: ${addon} bytes, limit is ${ADDON_LIMIT}`);
process.exitCode = addon <= ADDON_LIMIT ? 0 : 1;
