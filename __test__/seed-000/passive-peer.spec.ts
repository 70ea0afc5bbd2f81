/**
 * The statements of the passive peer's page, one test each, in its order and its words. The rows of
 * its Table 1 are in `table-1.spec.ts`; README.md says where the rest is tested in depth.
 */

import { join } from 'path';
import {
  BasicAuthenticator,
  ClientCertificateAuthenticator,
  type Collection,
  Database,
  DatabaseConfiguration,
  ListenerCertificateAuthenticator,
  ListenerPasswordAuthenticator,
  PeerBrowser,
  type ReplicatorConfiguration,
  TLSIdentity,
  URLEndpointListener,
} from 'settee';
import { needs } from '../support/needs';
import { hasOpenSSL, issue, pkcs12 } from '../support/openssl';
import { openDefault } from '../support/peers';
import { replicate, replicatorOf, run } from '../support/replications';
import { scratchFolder } from '../support/scratch';
import { until } from '../support/wait';

const folder = scratchFolder();

let passive: Awaited<ReturnType<typeof openDefault>>;
let active: Collection;
const running: URLEndpointListener[] = [];
const labels: string[] = [];

beforeAll(async () => {
  passive = await openDefault('mydb', folder);
  active = (await openDefault('active', folder)).collection;
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((listener) => listener.stop()));
  await Promise.all(labels.splice(0).map((label) => TLSIdentity.deleteIdentity(label)));
});

async function create(more: object = {}) {
  const listener = await URLEndpointListener.create({ collections: [passive.collection], ...more });
  running.push(listener);
  return listener;
}

/** The URL of a listener by way of the loopback. */
function local(listener: URLEndpointListener) {
  const scheme = listener.getDisableTLS() ? 'ws' : 'wss';
  return `${scheme}://127.0.0.1:${listener.getPort()}/mydb`;
}

async function errorOf(
  listener: URLEndpointListener,
  set?: (config: ReplicatorConfiguration) => void,
) {
  return (await replicate(active, local(listener), set)).error;
}

const login = (name: string, password: string) => (config: ReplicatorConfiguration) =>
  config.setAuthenticator(new BasicAuthenticator(name, password));

const present = (identity: TLSIdentity) => (config: ReplicatorConfiguration) =>
  config.setAuthenticator(new ClientCertificateAuthenticator(identity));

function labelled(label: string) {
  labels.push(label);
  return label;
}

describe('Configuration Summary', () => {
  it('Example 1: the whole of it, configured, initialized and started', async () => {
    const allowlistedUsers = new Map([['validUser', 'validPassword']]);
    const listener = await create({
      port: 0,
      networkInterface: '127.0.0.1',
      enableDeltaSync: true,
      disableTLS: false,
      tlsIdentity: null,
      authenticator: new ListenerPasswordAuthenticator(
        (username, password) => allowlistedUsers.get(username) === password,
      ),
    });
    await listener.start();
    expect(await errorOf(listener, login('validUser', 'validPassword'))).toBeUndefined();
    expect((await errorOf(listener, login('validUser', 'other')))?.code).toBe(10401);
  });

  it('there is no limit on the number of listeners you may configure', async () => {
    const listeners = await Promise.all(
      Array.from({ length: 20 }, () => create({ networkInterface: '127.0.0.1' })),
    );
    await Promise.all(listeners.map((listener) => listener.start()));
    expect(new Set(listeners.map((listener) => listener.getPort())).size).toBe(20);
    expect(await errorOf(listeners[19])).toBeUndefined();
  });
});

describe('Device Discovery', () => {
  it('this may involve advertising the service using, for example, Bonjour', async () => {
    const listener = await create({ networkInterface: 'loopback' });
    await listener.start();
    const found: string[] = [];
    const group = `seed-${listener.getId()}`;
    const browser = await PeerBrowser.start({ group }, (event) => {
      if (event.type === 'found') {
        found.push(...event.peer.urls);
      }
    });
    await listener.advertise({ group });
    await until(() => found.includes(local(listener)), 'the service');
    await browser.stop();
  });

  it('the connection is established once the passive peer has accepted the invitation', async () => {
    const invitations: string[] = [];
    let accepts = false;
    const listener = await create({
      requestAuthorizer: ({ principal }: { principal: string }) => {
        invitations.push(principal);
        return accepts;
      },
    });
    await listener.start();
    expect((await errorOf(listener))?.code).toBe(10403);
    accepts = true;
    expect(await errorOf(listener)).toBeUndefined();
    expect(new Set(invitations)).toEqual(new Set(['anonymous']));
  });
});

describe('Initialize the Listener Configuration', () => {
  it('each listener instance serves one database; all other values take their default', async () => {
    const listener = await create();
    expect([listener.getDisableTLS(), listener.getEnableDeltaSync(), listener.getPort()]).toEqual([
      false,
      false,
      0,
    ]);
    const other = await openDefault('other', folder);
    await expect(create({ collections: [passive.collection, other.collection] })).rejects.toThrow(
      'all collections must be of one database',
    );
    await listener.start();
    const { error } = await replicate(active, local(listener).replace('mydb', 'other'));
    expect(error?.code).toBe(10404);
  });

  it('the database must be opened before the listener is started', async () => {
    const database = new Database('late', new DatabaseConfiguration(folder));
    await database.open();
    const collection = await database.defaultCollection();
    const listener = await create({ collections: [collection] });
    await database.close();
    await expect(listener.start()).rejects.toThrow('is not open');
  });
});

describe('Set Port and Network Interface', () => {
  it('the listener selects an available port if you do not specify one, or takes yours', async () => {
    const first = await create();
    await first.start();
    const port = first.getPort();
    expect(port).toBeGreaterThan(0);
    await first.stop();
    const second = await create({ port });
    await second.start();
    expect(second.getPort()).toBe(port);
  });

  it('the listener listens on all network interfaces by default', async () => {
    const listener = await create();
    await listener.start();
    for (const { address, family } of await URLEndpointListener.networkInterfaces()) {
      if (family === 'IPv4') {
        const url = local(listener).replace('127.0.0.1', address);
        expect((await replicate(active, url)).error).toBeUndefined();
      }
    }
  });

  it('an interface is an IP address or an interface name; available ones can be asked for', async () => {
    const interfaces = await URLEndpointListener.networkInterfaces();
    const own = interfaces.find(({ address }) => address === '127.0.0.1');
    for (const networkInterface of ['127.0.0.1', own?.name]) {
      const listener = await create({ networkInterface });
      await listener.start();
      expect(await errorOf(listener)).toBeUndefined();
    }
    await expect((await create({ networkInterface: 'en99' })).start()).rejects.toThrow('en99');
  });
});

describe('Delta Sync', () => {
  it('is not enabled by default; enableDeltaSync activates it', async () => {
    expect((await create()).getEnableDeltaSync()).toBe(false);
    const listener = await create({ enableDeltaSync: true });
    expect(listener.getEnableDeltaSync()).toBe(true);
    await listener.start();
    expect(await errorOf(listener)).toBeUndefined();
  });
});

describe('TLS Security', () => {
  it('is enabled by default: wss; can be disabled: ws', async () => {
    for (const [more, scheme] of [
      [{}, /^wss:/],
      [{ disableTLS: false }, /^wss:/],
      [{ disableTLS: true }, /^ws:/],
    ] as [object, RegExp][]) {
      const listener = await create(more);
      await listener.start();
      expect(listener.getUrls()[0]).toMatch(scheme);
    }
  });

  it('must be enabled when client certificate authentication is required', async () => {
    const authenticator = new ListenerCertificateAuthenticator(() => true);
    await expect(create({ disableTLS: true, authenticator })).rejects.toThrow('needs TLS');
  });

  it('basic authentication can be used with, or without, TLS', async () => {
    for (const disableTLS of [true, false]) {
      const listener = await create({
        disableTLS,
        authenticator: new ListenerPasswordAuthenticator('u', 'p'),
      });
      await listener.start();
      expect(await errorOf(listener, login('u', 'p'))).toBeUndefined();
      expect((await errorOf(listener))?.code).toBe(10401);
    }
  });
});

describe('Configure TLS Identity for Listener', () => {
  needs(hasOpenSSL, 'no OpenSSL 3')('Example 7, import: from a key and certificate', async () => {
    const data = pkcs12(issue(join(folder, 'certificates'), 'cert', { key: 'rsa:2048' }), '123');
    const label = labelled('thisSecId');
    const thisIdentity = await TLSIdentity.importIdentity({ data, password: '123', label });
    const listener = await create({ disableTLS: false, tlsIdentity: thisIdentity });
    await listener.start();
    const { replicator } = await replicate(active, local(listener));
    expect(await replicator.serverCertificates).toEqual(thisIdentity.certificates);
  });

  it('Example 7, create: a self-signed certificate, kept under its label', async () => {
    const attributes = { certAttrCommonName: 'Couchbase Inc' };
    await TLSIdentity.createIdentity({
      attributes,
      usage: 'server',
      expiration: new Date(Date.now() + 86400_000),
      label: labelled('Server-Cert-Label'),
    });
    // Each time: the identity that is stored.
    const thisIdentity = await TLSIdentity.getIdentity('Server-Cert-Label');
    const listener = await create({ tlsIdentity: thisIdentity });
    await listener.start();
    const { replicator, error } = await replicate(active, local(listener));
    expect(error).toBeUndefined();
    expect((await replicator.serverCertificates)[0].commonName).toBe('Couchbase Inc');
  });

  it('Example 7, anonymous: auto-generated, saved for future use', async () => {
    const shown = [];
    for (let round = 0; round < 2; round += 1) {
      const listener = await create({ disableTLS: false, tlsIdentity: undefined });
      await listener.start();
      const { replicator, error } = await replicate(active, local(listener));
      expect(error).toBeUndefined();
      shown.push((await replicator.serverCertificates)[0]);
    }
    expect(shown[1]).toEqual(shown[0]);
    expect(shown[0]).toMatchObject({ commonName: 'peer', selfSigned: true });
  });
});

describe('Authenticating the Client', () => {
  it('without an authenticator all clients are accepted', async () => {
    const listener = await create();
    await listener.start();
    expect(await errorOf(listener)).toBeUndefined();
    expect(await errorOf(listener, login('anyone', 'anything'))).toBeUndefined();
  });

  it('Example 8: the password authenticator uses the client-supplied username and password', async () => {
    const supplied: string[][] = [];
    const listener = await create({
      authenticator: new ListenerPasswordAuthenticator((username, password) => {
        supplied.push([username, password]);
        return true;
      }),
    });
    await listener.start();
    expect(await errorOf(listener, login('validUser', 'validPassword'))).toBeUndefined();
    expect(supplied).toEqual([['validUser', 'validPassword']]);
  });

  it('Example 9, root CA: a chain that ends at a certificate in the list', async () => {
    const [ours, foreign] = await Promise.all(
      ['ours', 'foreign'].map((name) =>
        TLSIdentity.createIdentity({ attributes: { CN: name }, usage: 'client' }),
      ),
    );
    const listener = await create({
      authenticator: new ListenerCertificateAuthenticator([ours.certificates[0]]),
    });
    await listener.start();
    expect(await errorOf(listener, present(ours))).toBeUndefined();
    expect((await errorOf(listener, present(foreign)))?.code).toBe(5010);
    expect((await errorOf(listener))?.code).toBe(5009);
  });

  it('Example 9, application logic: takes complete responsibility', async () => {
    const allowedCommonNames = new Set(['anna']);
    const listener = await create({
      authenticator: new ListenerCertificateAuthenticator((certs) =>
        allowedCommonNames.has(String(certs[0].commonName)),
      ),
    });
    await listener.start();
    for (const [name, code] of [
      ['anna', undefined],
      ['otto', 5010],
    ] as [string, number | undefined][]) {
      const identity = await TLSIdentity.createIdentity({ attributes: { CN: name } });
      expect((await errorOf(listener, present(identity)))?.code).toBe(code);
    }
  });
});

describe('Delete Entry', () => {
  it('Example 10: removes an unwanted TLS identity', async () => {
    const serverCertLabel = labelled('unwanted');
    await TLSIdentity.createIdentity({ attributes: { CN: 'x' }, label: serverCertLabel });
    await TLSIdentity.deleteIdentity(serverCertLabel);
    expect(await TLSIdentity.getIdentity(serverCertLabel)).toBeNull();
  });
});

describe('Monitor Listener, Stop Listener', () => {
  it('Examples 11 to 13: start, counts of total and active connections, stop', async () => {
    const listener = await create();
    await listener.start();
    const replicator = await replicatorOf(active, local(listener), (config) =>
      config.setContinuous(true),
    );
    const end = await run(replicator);
    let status = await listener.getStatus();
    await until(() => {
      listener.getStatus().then((now) => {
        status = now;
      });
      return status.connectionsCount === 1 && status.activeConnectionCount === 0;
    }, 'an idle connection');
    await replicator.stop();
    await end();
    await listener.stop();
    expect(await listener.getStatus()).toEqual({ connectionsCount: 0, activeConnectionCount: 0 });
    expect(listener.getUrls()).toEqual([]);
  });

  it('closing the database will also close the listener', async () => {
    const { database, collection } = await openDefault('closing', folder);
    const listener = await create({ collections: [collection] });
    await listener.start();
    const url = local(listener).replace('mydb', 'closing');
    await database.close();
    expect((await replicate(active, url)).error?.code).toBe(5019);
  });
});
