const { capture } = require('../lib/run');
const { need } = require('./packages');
const { PeerMissing } = require('./peer-missing');

/** What a Secret Service of our own consists of, and the Debian packages that hold it. */
const PARTS = {
  'gnome-keyring-daemon': 'gnome-keyring',
  'secret-tool': 'libsecret-tools',
  'dbus-daemon': 'dbus-daemon',
  'dbus-send': 'dbus-bin',
  'dbus-monitor': 'dbus-bin',
};

/** Makes sure that GNOME's key ring, a bus for it and its tools are there. Throws `PeerMissing`. */
async function secretService() {
  if (process.platform !== 'linux') {
    throw new PeerMissing(`there is no Secret Service on ${process.platform}`, { refused: true });
  }
  const missing = () =>
    Object.keys(PARTS).filter((name) => !capture('sh', ['-c', `command -v ${name}`]));
  await need(missing().join(', '), () => missing().length === 0, Object.values(PARTS));
}

module.exports = { secretService };

// For a test, which must know before it begins: prints why it is missing, or an empty text.
if (require.main === module) {
  secretService().then(
    () => console.log('\n{"missing":""}'),
    ({ message, refused }) => console.log(`\n${JSON.stringify({ missing: message, refused })}`),
  );
}
