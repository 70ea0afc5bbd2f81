// @ts-check

// The smallest whole thing: one database listens, another replicates both ways. Run it: node examples/node/quickstart.js
// Both are in one process here, so that it is one file; on two devices nothing changes but the host name.

const fs = require('fs');
const os = require('os');
const path = require('path');
const {
  BasicAuthenticator,
  Database,
  DatabaseConfiguration,
  MutableDocument,
  Replicator,
  ReplicatorConfiguration,
  URLEndpoint,
  URLEndpointListener,
} = require('settee');

/** @param {string} folder */
async function run(folder) {
  // One device: it holds a document and listens, with TLS and a password, on any free port.
  const kitchen = new Database('recipes', new DatabaseConfiguration(path.join(folder, 'kitchen')));
  await kitchen.open();
  const dishes = await kitchen.createCollection('dishes');
  await dishes.save(new MutableDocument('soup', { name: 'Tomato soup', minutes: 40 }));
  const listener = await URLEndpointListener.create({
    collections: [dishes.toJson()],
    port: 0,
    authenticatorConfig: { type: 'basic', data: { username: 'cook', password: 'basil' } },
  });
  await listener.start();

  // Another device: it replicates both ways for as long as it runs.
  const phone = new Database('recipes', new DatabaseConfiguration(path.join(folder, 'phone')));
  await phone.open();
  const copy = await phone.createCollection('dishes');
  const arrived = new Promise((resolve) => {
    copy.addChangeListener(({ documentIDs }) => resolve(documentIDs));
  });
  const config = new ReplicatorConfiguration(
    new URLEndpoint(`wss://localhost:${listener.getPort()}/recipes`),
  );
  config.addCollection(copy);
  config.setContinuous(true);
  config.setAuthenticator(new BasicAuthenticator('cook', 'basil'));
  const replicator = await Replicator.create(config);
  await replicator.start(false);

  console.log('arrived:', await arrived);
  console.log((await copy.document('soup'))?.getData());

  // Closing a database stops what works on it.
  await phone.close();
  await kitchen.close();
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'settee-quickstart-'));
  try {
    await run(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
