/** Push and pull filters, document ids and other restrictions, through the public API. */

import { createServer, type IncomingHttpHeaders } from 'http';
import type { AddressInfo } from 'net';
import { join } from 'path';
import {
  type Collection,
  CollectionConfig,
  MutableDocument,
  type ReplicatedDocumentFlag,
  Replicator,
  ReplicatorConfiguration,
  ReplicatorType,
  SessionAuthenticator,
  URLEndpoint,
} from 'settee';
import { openDefault } from './support/peers';
import { listenPlainly, replicateOnce } from './support/replication';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

let count = 0;

async function peers() {
  count += 1;
  const there = await listenPlainly(`there${count}`, folder);
  const here = await openDefault(`here${count}`, folder);
  return {
    here: here.collection,
    there: there.collection,
    url: there.url,
    end: async () => {
      await there.listener.stop();
      await here.database.close();
      await there.database.close();
    },
  };
}

async function fill(collection: Collection, prefix: string): Promise<void> {
  for (let n = 0; n < 10; n += 1) {
    await collection.save(new MutableDocument(`${prefix}${n}`, { n, mine: n % 2 === 0 }));
  }
}

async function ids(collection: Collection, prefix: string): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < 10; n += 1) {
    if (await collection.document(`${prefix}${n}`)) {
      found.push(n);
    }
  }
  return found;
}

it('filters decide what goes out and what comes in, and pending ids know it', async () => {
  const { here, there, url, end } = await peers();
  await fill(here, 'h');
  await fill(there, 't');
  const group = new CollectionConfig();
  group.setPushFilter((document, flags) => document.mine && flags.length === 0);
  group.setPullFilter((document) => document.id === 't3' || document.n > 7);
  const config = new ReplicatorConfiguration(new URLEndpoint(url));
  config.addCollection(here, group);
  const replicator = await Replicator.create(config);
  const { pendingDocumentIds } = await replicator.getPendingDocumentIds(here);
  expect(pendingDocumentIds.sort()).toEqual(['h0', 'h2', 'h4', 'h6', 'h8']);
  await expect(replicator.isDocumentPending('h1', here)).resolves.toEqual({ isPending: false });
  await replicator.cleanup();
  const { documents, error } = await replicateOnce(here, url, undefined, group);
  expect(error).toBeUndefined();
  expect(await ids(there, 'h')).toEqual([0, 2, 4, 6, 8]);
  expect(await ids(here, 't')).toEqual([3, 8, 9]);
  expect(documents).toHaveLength(8);
  expect(documents.filter(({ error }) => error)).toEqual([]);
  await end();
});

it('a deletion shows by its flag, which has a name', async () => {
  const { here, there, url, end } = await peers();
  await fill(here, 'h');
  await replicateOnce(here, url);
  for (const n of [0, 1]) {
    await here.deleteDocument((await here.document(`h${n}`)) as MutableDocument);
  }
  const group = new CollectionConfig();
  group.setPushFilter((document, flags: ReplicatedDocumentFlag[]) => {
    console.log('asked about', document.id);
    const { DELETED } = (globalThis as any).ReplicatedDocumentFlag;
    return flags.includes(DELETED) && document.id !== 'h1';
  });
  await replicateOnce(here, url, undefined, group);
  expect(await ids(there, 'h')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await end();
});

it('a filter does not see the outside; what it throws counts as no', async () => {
  const { here, there, url, end } = await peers();
  await fill(here, 'h');
  const outside = 3;
  const group = new CollectionConfig();
  group.setPushFilter((document) => document.n !== outside);
  const { documents, error } = await replicateOnce(here, url, undefined, group);
  expect(error).toBeUndefined();
  expect(documents).toEqual([]);
  expect(await ids(there, 'h')).toEqual([]);
  await end();
});

it('an endless filter fails its document, not the event loop', async () => {
  const { here, there, url, end } = await peers();
  await fill(here, 'h');
  const group = new CollectionConfig();
  group.setPushFilter((document) => {
    while (document.n === 4);
    return true;
  });
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks += 1;
  }, 10);
  const { documents } = await replicateOnce(here, url, undefined, group);
  clearInterval(ticking);
  expect(ticks).toBeGreaterThan(20);
  expect(await ids(there, 'h')).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
  expect(documents.filter(({ error }) => error)).toMatchObject([
    { id: 'h4', isPush: true, error: { domain: 'CouchbaseLite', code: 10 } },
  ]);
  await end();
});

it('text that is no function is refused when the replicator is created', async () => {
  const { here, url, end } = await peers();
  const group = new CollectionConfig();
  (group as any).pushFilter = 'document =>';
  await expect(replicateOnce(here, url, undefined, group)).rejects.toMatchObject({
    code: 9,
    message: expect.stringMatching(/^pushFilter: .*SyntaxError/),
  });
  await end();
});

it('document ids restrict both directions', async () => {
  const { here, there, url, end } = await peers();
  await fill(here, 'h');
  await fill(there, 't');
  const group = new CollectionConfig();
  group.setDocumentIDs(['h1', 't2', 'nobody']);
  await replicateOnce(here, url, undefined, group);
  expect(await ids(there, 'h')).toEqual([1]);
  expect(await ids(here, 't')).toEqual([2]);
  await end();
});

it('channels are refused by a peer that has none', async () => {
  const { here, url, end } = await peers();
  const { error } = await replicateOnce(here, url, undefined, new CollectionConfig(['news'], []));
  expect(error).toMatchObject({ code: 19 });
  await end();
});

describe('the handshake, as a plain HTTP server sees it', () => {
  /** Refuses every upgrade and remembers the headers. */
  async function stranger(status: string) {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers);
      response.writeHead(426).end();
    });
    server.on('upgrade', (request, socket) => {
      seen.push(request.headers);
      socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { seen, url: `ws://127.0.0.1:${port}/db`, close: () => server.close() };
  }

  it('has custom headers and the session', async () => {
    const { database, collection } = await openDefault('headers', folder);
    const server = await stranger('403 Forbidden');
    const { error } = await replicateOnce(collection, server.url, (config) => {
      config.setHeaders({ 'X-Own': 'value', Cookie: 'a=b' });
      config.setAuthenticator(new SessionAuthenticator('s3cret', 'MySession'));
    });
    expect(error).toMatchObject({ message: 'Forbidden', code: 10403 });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({ 'x-own': 'value', cookie: 'a=b; MySession=s3cret' });
    expect(server.seen[0]).not.toHaveProperty('authorization');
    server.close();
    await database.close();
  });

  it.each([
    ['401 Unauthorized', 10401],
    ['404 Not Found', 10404],
    ['500 Internal Server Error', 10500],
  ])('%s is the end at once', async (status, code) => {
    const { database, collection } = await openDefault(`status${code}`, folder);
    const server = await stranger(status);
    const { error, levels } = await replicateOnce(collection, server.url, (config) => {
      config.setContinuous(true);
      config.setReplicatorType(ReplicatorType.PULL);
    });
    expect(error).toMatchObject({ code, domain: 'CouchbaseLite', message: status.slice(4) });
    expect(levels).toEqual([2, 0]);
    expect(server.seen).toHaveLength(1);
    server.close();
    await database.close();
  });

  it('503 is tried again, as often as maxAttempts says', async () => {
    const { database, collection } = await openDefault('attempts', folder);
    const server = await stranger('503 Service Unavailable');
    const { error, levels } = await replicateOnce(collection, server.url, (config) => {
      config.setMaxAttempts(3);
      config.setMaxAttemptWaitTime(0.05);
    });
    expect(error).toMatchObject({ code: 10503 });
    expect(levels).toEqual([2, 1, 2, 1, 2, 0]);
    expect(server.seen).toHaveLength(3);
    server.close();
    await database.close();
  });
});
