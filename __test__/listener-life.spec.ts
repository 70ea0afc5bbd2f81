/** Starting, stopping and limits of a listener (api §10, trust §2). */

import { readdirSync, readlinkSync } from 'fs';
import { createConnection, createServer, type Socket } from 'net';
import { networkInterfaces } from 'os';
import {
  BasicAuthenticator,
  ListenerPasswordAuthenticator,
  MutableDocument,
  URLEndpointListener,
} from 'settee';
import { connect as connectTls } from 'tls';
import { needs } from './support/needs';
import { openDefault } from './support/peers';
import { replicate, replicatorOf, run } from './support/replications';
import { scratchFolder } from './support/scratch';
import { until } from './support/wait';

const folder = scratchFolder();
let count = 0;

async function open() {
  count += 1;
  return openDefault(`db${count}`, folder);
}

async function listen(more: object = {}) {
  const { database, collection } = await open();
  const listener = await URLEndpointListener.create({
    collections: [collection],
    networkInterface: '127.0.0.1',
    ...more,
  });
  return { database, collection, listener };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

describe('start', () => {
  it('needs an open database', async () => {
    const { database, listener } = await listen();
    await database.close();
    await expect(listener.start()).rejects.toMatchObject({
      message: expect.stringContaining('is not open'),
    });
  });

  it('says which port is in use, and does not move off it', async () => {
    const first = await listen();
    await first.listener.start();
    const second = await listen({ port: first.listener.getPort() });
    await expect(second.listener.start()).rejects.toMatchObject({
      domain: 'POSIXErrorDomain',
      message: expect.stringContaining(`port ${first.listener.getPort()} is already in use`),
    });
    await first.listener.stop();
    await second.listener.start();
    expect(second.listener.getPort()).toBe(first.listener.getPort() || second.listener.getPort());
    await Promise.all([first.database.close(), second.database.close()]);
  });

  it('says which interface is unknown', async () => {
    const { database, listener } = await listen({ networkInterface: 'nope0' });
    await expect(listener.start()).rejects.toThrow('unknown network interface "nope0"');
    await database.close();
  });

  it('takes any free port without one, tells it, and starts again on it when it is asked for', async () => {
    const { database, collection, listener } = await listen();
    expect(listener.getPort()).toBe(0);
    await listener.start();
    const port = listener.getPort();
    expect(port).toBeGreaterThan(0);
    await listener.start();
    expect(listener.getPort()).toBe(port);
    await listener.stop();
    expect(await isFree(port)).toBe(true);
    expect(listener.getPort()).toBe(0);
    const again = await URLEndpointListener.create({
      collections: [collection],
      networkInterface: '127.0.0.1',
      port,
    });
    for (let round = 0; round < 3; round += 1) {
      await again.start();
      expect(again.getPort()).toBe(port);
      await again.stop();
    }
    await database.close();
  });
});

describe('addresses', () => {
  it('are those that Node knows, with names and families', async () => {
    const ours = await URLEndpointListener.networkInterfaces();
    const theirs = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
      (addresses ?? []).map(({ address, family }) => ({ name, address, family })),
    );
    for (const one of theirs) {
      expect(ours).toContainEqual(expect.objectContaining({ ...one, family: String(one.family) }));
    }
    expect(
      ours.every(({ isLoopback }, at) => !isLoopback || ours.slice(at).every((x) => x.isLoopback)),
    ).toBe(true);
  });

  it('each have a URL that leads to the listener', async () => {
    const { database, listener } = await listen({ networkInterface: undefined, disableTLS: true });
    await listener.start();
    const { collection, database: own } = await open();
    const urls = listener.getUrls().filter((url) => /\d\.\d|\[/.test(new URL(url).hostname));
    expect(urls.length).toBeGreaterThan(0);
    for (const url of urls) {
      expect((await replicate(collection, url)).error).toBeUndefined();
    }
    const hosts = urls.map((url) => new URL(url).hostname);
    for (const { address, family } of await URLEndpointListener.networkInterfaces()) {
      if (family === 'IPv4') {
        expect(hosts).toContain(address);
      }
    }
    await Promise.all([database.close(), own.close()]);
  });

  it('may be the name of an interface', async () => {
    const [{ name, address }] = (await URLEndpointListener.networkInterfaces()).filter(
      (one) => one.family === 'IPv4',
    );
    const { database, listener } = await listen({ networkInterface: name });
    await listener.start();
    expect(listener.getUrls().some((url) => url.includes(address))).toBe(true);
    await database.close();
  });
});

describe('getStatus', () => {
  it('is right while clients come and go', async () => {
    const { database, listener } = await listen({ disableTLS: true });
    expect(await listener.getStatus()).toEqual({ connectionsCount: 0, activeConnectionCount: 0 });
    await listener.start();
    const [url] = listener.getUrls();
    const clients = await Promise.all([open(), open(), open()]);
    const replicators = await Promise.all(
      clients.map(async ({ collection }) => {
        const replicator = await replicatorOf(collection, url, (config) =>
          config.setContinuous(true),
        );
        return { replicator, end: await run(replicator) };
      }),
    );
    for (let left = 3; left >= 0; left -= 1) {
      let status = { connectionsCount: -1, activeConnectionCount: -1 };
      await until(() => {
        listener.getStatus().then((now) => {
          status = now;
        });
        return status.connectionsCount === left && status.activeConnectionCount === 0;
      }, `${left} connections`);
      const next = replicators.pop();
      await next?.replicator.stop();
      await next?.end();
    }
    await database.close();
  });
});

describe('closing and deleting the database', () => {
  it.each(['close', 'deleteDatabase'] as const)('ends the listener: %s', async (end) => {
    const { database, listener } = await listen({ disableTLS: true });
    await listener.start();
    const port = listener.getPort();
    const { collection, database: own } = await open();
    const replicator = await replicatorOf(collection, listener.getUrls()[0], (config) =>
      config.setContinuous(true),
    );
    const stopped = await run(replicator);
    await settledAt(listener, 1);
    await database[end]();
    expect(await isFree(port)).toBe(true);
    // The listener went, not the right to come back.
    expect(await stopped()).toMatchObject({ code: 14001 });
    await own.close();
  });
});

/** File descriptors of this process, or those that lead to something of a kind. */
function descriptors(kind = ''): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).includes(kind);
    } catch {
      // The one that listed the others.
      return false;
    }
  }).length;
}

function threads(): number {
  return readdirSync('/proc/self/task').length;
}

describe('500 connections that open, fail, are cut and stopped at random', () => {
  needs(process.platform === 'linux', 'needs /proc')(
    'leave a listener that serves, counts of zero, and no descriptor or thread',
    async () => {
      const { database, collection, listener } = await listen({
        authenticator: new ListenerPasswordAuthenticator(async (name) => {
          await new Promise((resolve) => setTimeout(resolve, random(30)));
          return name === 'anna';
        }),
      });
      await collection.save(new MutableDocument('theirs').setNumber('n', 1));
      await listener.start();
      const [url] = listener.getUrls();
      const client = await open();
      const anna = (config: any) => config.setAuthenticator(new BasicAuthenticator('anna', 'p'));
      // Warm: what is made once is made now.
      expect((await replicate(client.collection, url, anna)).error).toBeUndefined();
      await settledAt(listener, 0);
      jest.spyOn(console, 'warn').mockImplementation(() => undefined);
      const before = { all: descriptors(), sockets: descriptors('socket:'), threads: threads() };

      const kinds = Array.from({ length: 500 }, (_, n) => n % 5);
      await Promise.all(
        kinds.map(async (kind, n) => {
          await new Promise((resolve) => setTimeout(resolve, random(1500)));
          const port = listener.getPort();
          switch (kind) {
            case 0: {
              // A whole replication.
              const { replicator } = await replicate(client.collection, url, anna);
              await replicator.cleanup();
              break;
            }
            case 1: {
              // One that is stopped somewhere.
              const replicator = await replicatorOf(client.collection, url, (config) => {
                anna(config);
                config.setContinuous(true);
              });
              const end = await run(replicator);
              await new Promise((resolve) => setTimeout(resolve, random(100)));
              await replicator.stop();
              await end();
              await replicator.cleanup();
              break;
            }
            case 2: // Fails to authenticate, seldom with a password: too many guesses have to wait.
              await request(port, n % 20 === 2 ? basic(`${n}:x`) : '');
              break;
            case 3: // Cut in the middle of a handshake.
              await cut(port, n % 2 === 0 ? Buffer.from([0x16, 3, 1, 2, 0, 1]) : Buffer.alloc(0));
              break;
            default: // Speaks another language, or nothing.
              await cut(port, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
          }
        }),
      );
      await settledAt(listener, 0);
      expect(await listener.connections()).toEqual([]);
      await until(() => descriptors('socket:') <= before.sockets, 'the sockets to be closed');
      // It still serves.
      expect((await replicate(client.collection, url, anna)).error).toBeUndefined();
      await listener.stop();
      expect(await listener.getStatus()).toEqual({ connectionsCount: 0, activeConnectionCount: 0 });
      // Threads are those of pools, which keep some: not one a connection.
      expect(threads()).toBeLessThan(before.threads + 64);
      await Promise.all([database.close(), client.database.close()]);
      // Databases keep a few connections of their own to their files, until they are closed.
      expect(descriptors()).toBeLessThan(before.all);
    },
    120000,
  );
});

let seed = 1;

/** The same in each run. */
function random(below: number): number {
  seed = (seed * 48271) % 2147483647;
  return seed % below;
}

async function settledAt(listener: URLEndpointListener, connectionsCount: number) {
  let now = -1;
  await until(() => {
    listener.getStatus().then((status) => {
      now = status.connectionsCount;
    });
    return now === connectionsCount;
  }, `${connectionsCount} connections`);
}

function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.on('end', () => socket.end());
    socket.resume();
  });
}

const basic = (text: string) => `Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;

async function request(port: number, header: string) {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
    socket.write(`GET /x/_blipsync HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${header}\r\n`);
  });
  await ended(socket);
}

async function cut(port: number, data: Buffer) {
  const socket = createConnection({ port, host: '127.0.0.1' }, () => {
    socket.write(data);
    setTimeout(() => socket.destroy(), random(50));
  });
  await ended(socket);
}
