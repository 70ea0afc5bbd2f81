/**
 * The small program that every way of using the package runs: names, classes, then a database with
 * a document and a blob, live changes, and two databases that replicate over a listener.
 *
 * Prints one line of JSON. Also compiled as plain JavaScript, so it has no type annotation that
 * stripping would not remove.
 */

import {
  Blob,
  Database,
  DatabaseConfiguration,
  MutableDocument,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';

async function main(directory: string): Promise<void> {
  const one = new Database('one', new DatabaseConfiguration(directory));
  const two = new Database('two', new DatabaseConfiguration(directory));
  await one.open();
  await two.open();
  const source = await one.createCollection('notes', 'app');
  const target = await two.createCollection('notes', 'app');
  const document = new MutableDocument('note').setString('text', 'hello');
  document.setBlob('file', new Blob('text/plain', new Uint8Array([104, 105])));
  await source.save(document);

  const listener = await URLEndpointListener.create({
    collections: [source.toJson()],
    networkInterface: '127.0.0.1',
  });
  await listener.start();
  const url = `wss://127.0.0.1:${listener.getPort()}/one`;
  const config = new ReplicatorConfiguration(new URLEndpoint(url));
  config.addCollection(target);
  const replicator = await Replicator.create(config);
  const stopped = new Promise<string | undefined>((resolve) => {
    replicator.addChangeListener(({ status }) => {
      if (status.getActivityLevel() === ReplicatorActivityLevel.STOPPED) {
        resolve(status.getError());
      }
    });
  });
  await replicator.start(false);
  const error = await stopped;

  const copy = await target.document('note');
  const blob = copy ? await copy.getBlob('file') : null;
  const report = {
    error,
    text: copy ? copy.getString('text') : null,
    blob: blob ? Array.from(blob.getBytes()) : null,
  };
  await listener.stop();
  await one.close();
  await two.close();
  console.log(JSON.stringify(report));
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
