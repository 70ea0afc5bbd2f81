/** Writes docs/compatibility.md; with `--check` only tells whether it is up to date. */

const fs = require('fs');
const path = require('path');
const { compatibilityPage } = require('./lib/compatibility');
const { ROOT, fail } = require('./lib/run');

const file = path.join(ROOT, 'docs', 'compatibility.md');
const page = compatibilityPage();

if (!process.argv.includes('--check')) {
  fs.writeFileSync(file, page);
} else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== page) {
  fail('docs/compatibility.md is out of date: run `npm run compatibility`');
}
