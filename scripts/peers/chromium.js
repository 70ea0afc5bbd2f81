const { capture } = require('../lib/run');
const { need } = require('./packages');

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Path of an installed Chromium; SETTEE_CHROMIUM names another one. Throws `PeerMissing`. */
async function chromium() {
  const own = process.env.SETTEE_CHROMIUM;
  if (own) {
    return own;
  }
  await need('Chromium', () => find() !== undefined, ['chromium']);
  return find();
}

function find() {
  return NAMES.map((name) => capture('sh', ['-c', `command -v ${name}`])).find(Boolean);
}

module.exports = { chromium };
