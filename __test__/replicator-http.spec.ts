/** What replicators do in HTTP, against servers and proxies of Node's own making. */

import { createHash } from 'crypto';
import { createServer, type IncomingMessage, type Server } from 'http';
import { type AddressInfo, connect, type Socket } from 'net';
import { join } from 'path';
import {
  BasicAuthenticator,
  MutableDocument,
  Replicator,
  ReplicatorConfiguration,
  URLEndpoint,
} from 'settee';
import { needs } from './support/needs';
import { hasOpenSSL, issue } from './support/openssl';
import { openDefault } from './support/peers';
import { runProgram } from './support/program';
import { listenPlainly, replicateOnce } from './support/replication';
import { scratchFolder } from './support/scratch';
import { until } from './support/wait';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

const closing: Server[] = [];

afterEach(() => {
  for (const server of closing.splice(0)) {
    server.close();
  }
});

async function listen(server: Server): Promise<number> {
  closing.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Answers each upgrade with the next of these texts; gives the requests. */
async function answering(...answers: string[]) {
  const seen: IncomingMessage[] = [];
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    seen.push(request);
    socket.end(`HTTP/1.1 ${answers.shift() ?? '404 Not Found'}\r\nContent-Length: 0\r\n\r\n`);
  });
  return { seen, port: await listen(server) };
}

/** A proxy that opens tunnels for whoever sends `credentials`, if they are given. */
async function proxying(credentials?: string) {
  const asked: string[] = [];
  const server = createServer();
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    asked.push(request.url as string);
    const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
      return;
    }
    const [host, port] = (request.url as string).split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    socket.on('error', () => onward.destroy());
  });
  return { asked, url: `http://127.0.0.1:${await listen(server)}` };
}

it('sends the password with the first request, and gives up when it is refused', async () => {
  const { database, collection } = await openDefault('basic', folder);
  const { seen, port } = await answering('401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"');
  const { error } = await replicateOnce(collection, `ws://127.0.0.1:${port}/db`, (config) => {
    config.setAuthenticator(new BasicAuthenticator('änna', 'pa:ß'));
    config.setContinuous(true);
  });
  expect(error).toMatchObject({ code: 10401, message: 'Unauthorized' });
  expect(seen).toHaveLength(1);
  const credentials = Buffer.from('änna:pa:ß').toString('base64');
  expect(seen[0].headers.authorization).toBe(`Basic ${credentials}`);
  await database.close();
});

it('follows redirects, and keeps the password from another host', async () => {
  const { database, collection } = await openDefault('redirect', folder);
  const other = await answering('404 Not Found');
  const first = await answering(
    '301 Moved\r\nLocation: /elsewhere/_blipsync',
    `307 Moved\r\nLocation: ws://127.0.0.1:${other.port}/there`,
  );
  const { error } = await replicateOnce(collection, `ws://127.0.0.1:${first.port}/db`, (config) =>
    config.setAuthenticator(new BasicAuthenticator('anna', 'secret')),
  );
  expect(error).toMatchObject({ code: 10404 });
  expect(first.seen.map(({ url }) => url)).toEqual(['/db/_blipsync', '/elsewhere/_blipsync']);
  expect(first.seen[1].headers).toHaveProperty('authorization');
  expect(other.seen.map(({ url }) => url)).toEqual(['/there']);
  expect(other.seen[0].headers).not.toHaveProperty('authorization');
  await database.close();
});

it('sends cookies again: until the replicator is gone, or, with a date, after that too', async () => {
  const opened = await openDefault('cookies', folder);
  const { seen, port } = await answering(
    '503 Busy\r\nSet-Cookie: session=1; Path=/\r\nSet-Cookie: kept=2; Path=/; Max-Age=600',
    '403 Forbidden',
    '403 Forbidden',
    '403 Forbidden',
  );
  const url = `ws://127.0.0.1:${port}/db`;
  await replicateOnce(opened.collection, url, (config) => config.setMaxAttemptWaitTime(0.01));
  await replicateOnce(opened.collection, url, (config) => config.setHeaders({ Cookie: 'own=3' }));
  await opened.database.close();
  const again = await openDefault('cookies', folder);
  await replicateOnce(again.collection, url);
  expect(seen.map(({ headers }) => headers.cookie)).toEqual([
    undefined,
    'session=1; kept=2',
    'own=3; kept=2',
    'kept=2',
  ]);
  await again.database.close();
});

it('replicates through a proxy, with and without a password', async () => {
  const there = await listenPlainly('behind', folder);
  const { database, collection } = await openDefault('before', folder);
  const port = there.listener.getPort();
  for (const user of [undefined, 'anna:ge:heim']) {
    const proxy = await proxying(user);
    const url = user ? proxy.url.replace('//', '//anna:ge%3Aheim@') : proxy.url;
    const id = `through${user ?? ''}`;
    await collection.save(new MutableDocument(id, { id }));
    const { error } = await replicateOnce(collection, there.url, (config) => config.setProxy(url));
    expect(error).toBeUndefined();
    expect(proxy.asked).toEqual([`127.0.0.1:${port}`]);
    expect((await there.collection.document(id))?.getData()).toEqual({ id });
  }
  const proxy = await proxying('anna:geheim');
  const { error } = await replicateOnce(collection, there.url, (config) =>
    config.setProxy(proxy.url),
  );
  expect(error).toMatchObject({ code: 10407 });
  await there.listener.stop();
  await there.database.close();
  await database.close();
});

// In a process of its own: jest's `process.env` is a copy that the engine does not see.
it('asks the environment for a proxy, but not on the way to this machine', () => {
  const { stdout } = runProgram(
    `
    const http = require('http');
    const asked = [];
    const proxy = http.createServer();
    proxy.on('connect', ({ url }, socket) => {
      asked.push(url);
      socket.end('HTTP/1.1 502 Bad Gateway\\r\\n\\r\\n');
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    process.env.http_proxy = 'http://127.0.0.1:' + proxy.address().port;
    const database = new settee.Database('db', new settee.DatabaseConfiguration(folder));
    await database.open();
    const codes = [];
    for (const [url, direct] of [['ws://127.0.0.1:1/db'], ['ws://far.invalid:1/db'], ['ws://far.invalid:1/db', true]]) {
      const config = new settee.ReplicatorConfiguration(new settee.URLEndpoint(url));
      config.addCollection(await database.defaultCollection());
      config.setMaxAttempts(1);
      if (direct) config.setProxy(null);
      const replicator = await settee.Replicator.create(config);
      const stopped = new Promise((resolve) =>
        replicator.addChangeListener(({ status }) => status.getActivityLevel() === 0 && resolve()),
      );
      await replicator.start(false);
      await stopped;
      codes.push((await replicator.getStatus()).error.code);
    }
    console.log(JSON.stringify({ asked, codes }));
    await database.close();
    proxy.close();
    `,
    { folder: join(folder, 'environment') },
  );
  const { asked, codes } = JSON.parse(stdout.trim().split('\n').pop() as string);
  expect(asked).toEqual(['far.invalid:1']);
  expect(codes.slice(0, 2)).toEqual([5019, 10502]);
  // No name server may be there at all.
  expect([5001, 5002]).toContain(codes[2]);
});

/** A server that upgrades, says nothing but PONG, and counts PINGs. */
async function silent() {
  const pings: number[] = [];
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    const magic = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Accept: ${createHash('sha1').update(magic).digest('base64')}\r\n` +
        `Sec-WebSocket-Protocol: BLIP_3+CBMobile_3\r\n\r\n`,
    );
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      // A PING without payload is six bytes: header and mask.
      if (data.length === 6 && data[0] === 0x89) {
        pings.push(Date.now());
        socket.write(Buffer.from([0x8a, 0]));
      }
    });
  });
  const port = await listen(server);
  return { pings, port };
}

it('asks a silent server whether it lives, as often as heartbeat says', async () => {
  const { database, collection } = await openDefault('heartbeat', folder);
  const { pings, port } = await silent();
  const config = new ReplicatorConfiguration(new URLEndpoint(`ws://127.0.0.1:${port}/db`));
  config.addCollection(collection);
  config.setHeartbeat(0.1);
  config.setContinuous(true);
  const replicator = await Replicator.create(config);
  await replicator.start(false);
  await until(() => pings.length >= 4, 'four PINGs');
  expect((await replicator.getStatus()) as any).not.toHaveProperty('error');
  await database.close();
  await replicator.cleanup();
});

// In a process of its own, with authorities of its own.
needs(hasOpenSSL, 'no OpenSSL 3')(
  'replicates through a proxy over TLS that the system trusts, and no other',
  () => {
    const keys = join(folder, 'proxy keys');
    const authority = issue(keys, 'authority', { isAuthority: true });
    const names = 'DNS:localhost';
    const trusted = issue(keys, 'trusted', { by: authority, names, usage: 'serverAuth' });
    const unknown = issue(keys, 'unknown', { names });
    const { stdout } = runProgram(
      `
    const { readFileSync } = require('fs');
    const https = require('https');
    const net = require('net');
    const path = require('path');
    process.env.SSL_CERT_FILE = path.join(keys, authority);
    process.env.SETTEE_HOME = folder;
    const open = async (name) => {
      const database = new settee.Database(name, new settee.DatabaseConfiguration(folder));
      await database.open();
      return [database, await database.defaultCollection()];
    };
    const [there, target] = await open('there');
    const [here, source] = await open('here');
    await source.save(new settee.MutableDocument('a', { through: 'TLS' }));
    const listener = await settee.URLEndpointListener.create({
      collections: [target.toJson()], port: 0, disableTLS: true,
    });
    await listener.start();
    const results = [];
    for (const { key, certificate } of proxies) {
      const read = (name) => readFileSync(path.join(keys, name));
      const proxy = https.createServer({ key: read(key), cert: read(certificate) });
      const asked = [];
      proxy.on('connect', ({ url }, socket) => {
        asked.push(Number(url.split(':')[1]) === listener.getPort());
        const onward = net.connect(listener.getPort(), '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 Connection Established\\r\\n\\r\\n');
          onward.pipe(socket).pipe(onward);
        });
        onward.on('error', () => socket.destroy());
        socket.on('error', () => onward.destroy());
      });
      await new Promise((resolve) => proxy.listen(0, 'localhost', resolve));
      const config = new settee.ReplicatorConfiguration(
        new settee.URLEndpoint('ws://127.0.0.1:' + listener.getPort() + '/there'));
      config.addCollection(source);
      config.setMaxAttempts(1);
      config.setProxy('https://localhost:' + proxy.address().port);
      const replicator = await settee.Replicator.create(config);
      const stopped = new Promise((resolve) =>
        replicator.addChangeListener(({ status }) => status.getActivityLevel() === 0 && resolve()));
      await replicator.start(false);
      await stopped;
      const { error } = await replicator.getStatus();
      results.push({ asked, code: error?.code, arrived: (await target.count()).count });
      await replicator.cleanup();
      proxy.close();
    }
    console.log(JSON.stringify(results));
    await listener.stop();
    await here.close();
    await there.close();
    `,
      {
        ...{ folder: join(folder, 'tls proxy'), keys, authority: authority.certificate },
        proxies: [unknown, trusted].map(({ key, certificate }) => ({ key, certificate })),
      },
    );
    expect(JSON.parse(stdout.trim().split('\n').pop() as string)).toEqual([
      { asked: [], code: 5011, arrived: 0 },
      { asked: [true], arrived: 1 },
    ]);
  },
);

it('refuses a proxy that it cannot use', async () => {
  const { database, collection } = await openDefault('badproxy', folder);
  const config = new ReplicatorConfiguration(new URLEndpoint('ws://127.0.0.1:1/db'));
  config.addCollection(collection);
  config.setProxy('socks5://127.0.0.1:1');
  await expect(Replicator.create(config)).rejects.toMatchObject({ code: 9 });
  expect(config.clone().getProxy()).toBe('socks5://127.0.0.1:1');
  await database.close();
});
