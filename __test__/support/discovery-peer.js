/**
 * A peer in a process of its own, perhaps in a network of its own.
 *
 *   node discovery-peer.js passive|active FOLDER GROUP [INTERFACE]
 *
 * Says {"ready"} and waits for a line. Then the passive one listens, advertises itself, and says
 * {"listening"}; the active one browses, replicates with whom it finds, and says {"synced"} with
 * what it has then, and {"lost"} when the other has gone.
 */

const { join } = require('path');
const settee = require('../../dist/index.js');

const [role, folder, group, networkInterface] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

async function main() {
  const database = new settee.Database(
    'orchard',
    new settee.DatabaseConfiguration(join(folder, role)),
  );
  await database.open();
  const collection = await database.defaultCollection();
  await collection.save(new settee.MutableDocument(role).setString('from', role));
  if (role === 'passive') {
    const listener = await settee.URLEndpointListener.create({
      collections: [collection],
      networkInterface,
      enableDeltaSync: true,
    });
    await listener.start();
    await listener.advertise({ group });
    say({ listening: listener.getUrls() });
    await line();
    await listener.stop();
    await database.close();
    // Standard input is still open.
    process.exit(0);
  }
  let replicating;
  const browser = await settee.PeerBrowser.start({ group }, (event) => {
    if (event.type === 'lost') {
      say({ lost: event.name });
      browser
        .stop()
        .then(() => database.close())
        .then(() => process.exit(0));
    } else if (replicating === undefined) {
      replicating = replicate(collection, event.peer);
    }
  });
  // Browsing alone keeps no process running.
  setInterval(() => undefined, 1000);
}

async function replicate(collection, peer) {
  const config = new settee.ReplicatorConfiguration(new settee.URLEndpoint(peer.urls[0]));
  config.addCollection(collection);
  const replicator = await settee.Replicator.create(config);
  const stopped = new Promise((resolve) => {
    replicator.addChangeListener(({ status }) => {
      if (status.getActivityLevel() === settee.ReplicatorActivityLevel.STOPPED) {
        resolve(status.getError());
      }
    });
  });
  await replicator.start(false);
  const error = await stopped;
  const [certificate] = await replicator.serverCertificates;
  const theirs = await collection.document('passive');
  say({
    synced: { error, peer, fingerprint: certificate?.fingerprint, from: theirs?.getString('from') },
  });
}

/** Resolves with the next line of standard input. */
function line() {
  return new Promise((resolve) => process.stdin.once('data', resolve));
}

say({ ready: process.pid });
line()
  .then(main)
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
