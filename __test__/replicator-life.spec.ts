/** The life of a continuous replicator: losing its peer, coming back, being suspended. */

import { join } from 'path';
import {
  type Collection,
  ReplicatorActivityLevel as Level,
  MutableDocument,
  Replicator,
  ReplicatorConfiguration,
  type ReplicatorStatus,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { openDefault } from './support/peers';
import { replicateOnce } from './support/replication';
import { scratchFolder } from './support/scratch';
import { settle, until } from './support/wait';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

let count = 0;

async function peer() {
  count += 1;
  return openDefault(`peer${count}`, folder);
}

async function listen(collection: Collection, port?: number) {
  const listener = await URLEndpointListener.create({
    collections: [collection],
    networkInterface: '127.0.0.1',
    disableTLS: true,
    port,
  });
  await listener.start();
  return listener;
}

async function replicate(collection: Collection, url: string) {
  const config = new ReplicatorConfiguration(new URLEndpoint(url));
  config.addCollection(collection);
  config.setContinuous(true);
  config.setMaxAttemptWaitTime(0.2);
  const replicator = await Replicator.create(config);
  const statuses: ReplicatorStatus[] = [];
  await replicator.addChangeListener(({ status }) => statuses.push(status));
  await replicator.start(false);
  const level = () => statuses[statuses.length - 1]?.getActivityLevel();
  return {
    replicator,
    statuses,
    level,
    reaches: (wanted: Level) => until(() => level() === wanted, Level[wanted]),
    end: async () => {
      await replicator.stop();
      await until(() => level() === Level.STOPPED, 'STOPPED');
      await replicator.cleanup();
    },
  };
}

async function save(collection: Collection, id: string, data: object): Promise<void> {
  await collection.save(new MutableDocument(id, data as any));
}

async function arrives(collection: Collection, id: string, data: object): Promise<void> {
  let found: object | undefined;
  const look = async () => {
    found = (await collection.document(id))?.getData();
  };
  const looking = setInterval(look, 10);
  await until(() => JSON.stringify(found) === JSON.stringify(data), `${id} arrived`);
  clearInterval(looking);
}

it('goes offline when its peer stops, and goes on when it is back', async () => {
  const [here, there] = [await peer(), await peer()];
  const first = await listen(there.collection);
  const port = first.getPort();
  const run = await replicate(here.collection, first.getUrls()[0]);
  await run.reaches(Level.IDLE);
  await first.stop();
  await run.reaches(Level.OFFLINE);
  const offline = run.statuses[run.statuses.length - 1];
  expect(offline.getError()).toBeTruthy();
  await save(here.collection, 'a', { made: 'offline' });
  await save(there.collection, 'b', { made: 'offline' });
  const second = await listen(there.collection, port);
  await arrives(there.collection, 'a', { made: 'offline' });
  await arrives(here.collection, 'b', { made: 'offline' });
  await run.reaches(Level.IDLE);
  expect(run.statuses[run.statuses.length - 1].getError()).toBeUndefined();
  expect(run.statuses.map((status) => status.getActivityLevel())).not.toContain(Level.STOPPED);
  await run.end();
  await second.stop();
  await here.database.close();
  await there.database.close();
});

it('is offline while suspended, and connects at once when resumed', async () => {
  const [here, there] = [await peer(), await peer()];
  const listener = await listen(there.collection);
  const run = await replicate(here.collection, listener.getUrls()[0]);
  await run.reaches(Level.IDLE);
  await run.replicator.setSuspended(true);
  await run.reaches(Level.OFFLINE);
  await until(() => run.level() === Level.OFFLINE, 'OFFLINE');
  await save(here.collection, 'a', { n: 1 });
  await settle();
  expect(await there.collection.document('a')).toBeUndefined();
  expect((await listener.getStatus()).connectionsCount).toBe(0);
  expect(run.level()).toBe(Level.OFFLINE);
  await run.replicator.setSuspended(false);
  await arrives(there.collection, 'a', { n: 1 });
  await run.reaches(Level.IDLE);
  await run.replicator.setSuspended(true);
  await run.reaches(Level.OFFLINE);
  await run.end();
  await listener.stop();
  await here.database.close();
  await there.database.close();
});

it('a chain of three, and two that dial each other, end equal', async () => {
  const [a, b, c] = [await peer(), await peer(), await peer()];
  const [atA, atB, atC] = [
    await listen(a.collection),
    await listen(b.collection),
    await listen(c.collection),
  ];
  const runs = [
    await replicate(a.collection, atB.getUrls()[0]),
    await replicate(b.collection, atC.getUrls()[0]),
    await replicate(b.collection, atA.getUrls()[0]),
  ];
  await save(a.collection, 'from-a', { n: 1 });
  await save(c.collection, 'from-c', { n: 2 });
  for (const { collection } of [a, b, c]) {
    await arrives(collection, 'from-a', { n: 1 });
    await arrives(collection, 'from-c', { n: 2 });
  }
  await save(b.collection, 'from-a', { n: 3 });
  for (const { collection } of [a, c]) {
    await arrives(collection, 'from-a', { n: 3 });
  }
  for (const run of runs) {
    await run.reaches(Level.IDLE);
  }
  const told = runs.map(({ statuses }) => statuses.length);
  await settle();
  expect(runs.map(({ statuses }) => statuses.length)).toEqual(told);
  for (const run of runs) {
    await run.end();
  }
  for (const listener of [atA, atB, atC]) {
    await listener.stop();
  }
  for (const { database } of [a, b, c]) {
    await database.close();
  }
});

it('starts over when its checkpoint is reset, and only then', async () => {
  const [here, there] = [await peer(), await peer()];
  const listener = await listen(there.collection);
  const [url] = listener.getUrls();
  await save(here.collection, 'a', { n: 1 });
  await replicateOnce(here.collection, url);
  await there.collection.purgeById('a');
  await replicateOnce(here.collection, url);
  expect(await there.collection.document('a')).toBeUndefined();
  const run = await replicate(here.collection, url);
  await run.reaches(Level.IDLE);
  expect(await there.collection.document('a')).toBeUndefined();
  // While it runs: it stops, and starts anew.
  await run.replicator.start(true);
  await arrives(there.collection, 'a', { n: 1 });
  expect(run.statuses.map((status) => status.getActivityLevel())).toContain(Level.STOPPED);
  await run.reaches(Level.IDLE);
  await run.end();
  await listener.stop();
  await here.database.close();
  await there.database.close();
});

it('a database that is closed stops its replicators, also offline and suspended ones', async () => {
  for (const suspended of [false, true]) {
    const here = await peer();
    const run = await replicate(here.collection, 'ws://127.0.0.1:1/nobody');
    await run.reaches(Level.OFFLINE);
    await run.replicator.setSuspended(suspended);
    await here.database.close();
    await run.reaches(Level.STOPPED);
    await run.replicator.cleanup();
  }
});
