const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { ROOT } = require('./run');

/** Where fingerprints of what was built are kept; ignored by git and by the package. */
const STAMPS = path.join(ROOT, 'tmp', 'stamps');

/**
 * A digest of the contents of files and folders, and of `facts` such as tool versions.
 *
 * Times do not count, so a fresh clone or a touched file builds nothing anew.
 */
function fingerprint(names, facts = []) {
  const hash = crypto.createHash('sha256');
  for (const fact of facts) {
    hash.update(`${fact}\0`);
  }
  for (const file of names.flatMap((name) => list(path.join(ROOT, name)))) {
    hash.update(`${path.relative(ROOT, file)}\0`);
    hash.update(fs.readFileSync(file));
    hash.update('\0');
  }
  return hash.digest('hex');
}

function list(name) {
  if (!fs.existsSync(name)) {
    return [];
  }
  if (!fs.statSync(name).isDirectory()) {
    return [name];
  }
  return fs
    .readdirSync(name)
    .sort()
    .flatMap((entry) => list(path.join(name, entry)));
}

function readStamp(name) {
  try {
    return fs.readFileSync(path.join(STAMPS, name), 'utf8');
  } catch {
    return undefined;
  }
}

function writeStamp(name, value) {
  fs.mkdirSync(STAMPS, { recursive: true });
  fs.writeFileSync(path.join(STAMPS, name), value);
}

module.exports = { fingerprint, readStamp, writeStamp };
