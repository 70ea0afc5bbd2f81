/**
 * "Table 1. Expected system behavior" of the passive peer's page, row by row: what a listener does
 * with each TLS setting, as settee and as OpenSSL see it.
 */

import { X509Certificate } from 'crypto';
import { createConnection } from 'net';
import { join } from 'path';
import {
  type Collection,
  MutableDocument,
  type ReplicatorConfiguration,
  TLSIdentity,
  URLEndpointListener,
} from 'settee';
import { needs } from '../support/needs';
import { hasOpenSSL, type Issued, issue, openssl, pkcs12, talk } from '../support/openssl';
import { openDefault } from '../support/peers';
import { runProgram } from '../support/program';
import { replicate } from '../support/replications';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder();
const withOpenSSL = needs(hasOpenSSL, 'no OpenSSL 3');

const UPGRADE = [
  'GET /mydb/_blipsync HTTP/1.1',
  'Host: stranger',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: BLIP_3+CBMobile_3',
  '\r\n',
].join('\r\n');

let passive: Awaited<ReturnType<typeof openDefault>>;
let active: Collection;

beforeAll(async () => {
  passive = await openDefault('mydb', folder);
  active = (await openDefault('active', folder)).collection;
  await passive.collection.save(new MutableDocument('theirs').setString('secret', 'in the clear'));
});

const running: URLEndpointListener[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((listener) => listener.stop()));
});

async function listen(more: object) {
  const listener = await URLEndpointListener.create({
    collections: [passive.collection],
    networkInterface: '127.0.0.1',
    ...more,
  });
  running.push(listener);
  await listener.start();
  const [url] = listener.getUrls();
  return { listener, url, port: listener.getPort() };
}

async function codeOf(url: string, set?: (config: ReplicatorConfiguration) => void) {
  return (await replicate(active, url, set)).error?.code;
}

/** What a port answers to bytes that were not encrypted. */
function plainAnswer(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write(text));
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      socket.end();
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

/** The certificate that OpenSSL was shown. */
function certificateIn(output: string): X509Certificate {
  const [pem] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(output) ?? [''];
  return new X509Certificate(pem);
}

describe('disableTLS true, tlsIdentity ignored: all communication is plain text', () => {
  it('between settee and settee', async () => {
    const identity = await TLSIdentity.createIdentity({ attributes: { CN: 'ignored' } });
    const { listener, url } = await listen({ disableTLS: true, tlsIdentity: identity });
    expect(url).toMatch(/^ws:/);
    expect(await codeOf(url)).toBeUndefined();
    expect(await listener.getTLSIdentity()).toBeNull();
    expect(await codeOf(url.replace('ws:', 'wss:'))).toBe(5006);
  });

  withOpenSSL('as a stranger sees it', async () => {
    const { port } = await listen({ disableTLS: true });
    expect(await plainAnswer(port, UPGRADE)).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
    const { status, output } = await talk(folder, port);
    expect(status).not.toBe(0);
    expect(output).toMatch(/no peer certificate available/);
  });
});

describe('disableTLS false, tlsIdentity null: an anonymous self-signed certificate', () => {
  it('is accepted by peers that accept self-signed certificates, and by no others', async () => {
    const { url } = await listen({});
    expect(url).toMatch(/^wss:/);
    expect(await codeOf(url)).toBeUndefined();
    expect(
      await codeOf(url, (config) => config.setAcceptOnlySelfSignedCerts(true)),
    ).toBeUndefined();
    expect(await codeOf(url, (config) => config.setAcceptOnlySelfSignedCerts(false))).toBe(5011);
    expect(await codeOf(url.replace('wss:', 'ws:'))).toBe(10400);
  });

  it('is made once and used again', async () => {
    const first = await (await listen({})).listener.getTLSIdentity();
    const second = await (await listen({})).listener.getTLSIdentity();
    expect(second).toEqual(first);
    expect(first?.certificates).toMatchObject([{ commonName: 'peer', selfSigned: true }]);
  });

  it('can be pinned, in every form, whatever else is set', async () => {
    const { listener, url } = await listen({});
    const identity = await listener.getTLSIdentity();
    const [certificate] = identity?.certificates ?? [];
    const base64 = Buffer.from(certificate.der).toString('base64');
    for (const pin of [
      certificate,
      certificate.pem,
      certificate.der,
      base64,
      (base64.match(/.{1,64}/g) as string[]).join('\n'),
    ]) {
      for (const onlySelfSigned of [true, false]) {
        const code = await codeOf(url, (config) => {
          config.setAcceptOnlySelfSignedCerts(onlySelfSigned);
          config.setPinnedServerCertificate(pin);
        });
        expect(code).toBeUndefined();
      }
    }
    const other = await TLSIdentity.createIdentity({ attributes: { CN: 'peer' } });
    const wrong = (config: ReplicatorConfiguration) =>
      config.setPinnedServerCertificate(other.certificates[0]);
    expect(await codeOf(url, wrong)).toBe(5008);
    await expect(
      replicate(active, url, (config) => config.setPinnedServerCertificate('no certificate')),
    ).rejects.toThrow('pinnedServerCertificate');
  });

  it('is shown to the application by the replicator, accepted or not', async () => {
    const { listener, url } = await listen({});
    const identity = await listener.getTLSIdentity();
    for (const onlySelfSigned of [true, false]) {
      const { replicator } = await replicate(active, url, (config) =>
        config.setAcceptOnlySelfSignedCerts(onlySelfSigned),
      );
      expect(await replicator.serverCertificates).toEqual(identity?.certificates);
    }
  });

  withOpenSSL('encrypts, with TLS 1.2 or 1.3 and nothing older', async () => {
    const { listener, port } = await listen({});
    const identity = await listener.getTLSIdentity();
    for (const [version, name] of [
      ['-tls1_2', 'TLSv1.2'],
      ['-tls1_3', 'TLSv1.3'],
    ]) {
      const { output } = await talk(folder, port, [version], {
        input: UPGRADE,
        heard: /HTTP\/1.1 101/,
      });
      expect(output).toMatch(new RegExp(`New, ${name}, Cipher is `));
      expect(output).toMatch(/self-signed certificate/);
      const shown = certificateIn(output);
      expect(shown.raw.equals(identity?.certificates[0].der as Uint8Array)).toBe(true);
      expect(output).toMatch(/HTTP\/1.1 101 Switching Protocols/);
    }
    for (const version of ['-tls1', '-tls1_1']) {
      const { output } = await talk(folder, port, [version, '-cipher', 'ALL:@SECLEVEL=0']);
      expect(output).toMatch(/Cipher is \(NONE\)/);
    }
    // Nothing goes out to who does not encrypt.
    expect(await plainAnswer(port, UPGRADE)).toMatch(/^HTTP\/1.1 400 Bad Request/);
  });

  withOpenSSL('lets nobody in without the password', async () => {
    const { port } = await listen({
      authenticatorConfig: { type: 'basic', data: { username: 'u', password: 'p' } },
    });
    const ask = (header: string) =>
      talk(folder, port, [], {
        input: UPGRADE.replace('Host:', `${header}Host:`),
        heard: /HTTP\/1.1 \d/,
      });
    const { output } = await ask('');
    expect(output).toMatch(/HTTP\/1.1 401 Unauthorized/);
    expect(output).toMatch(/WWW-Authenticate: Basic realm=/i);
    const basic = (text: string) =>
      `Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
    expect((await ask(basic('u:wrong'))).output).toMatch(/HTTP\/1.1 401/);
    expect((await ask(basic('u:p'))).output).toMatch(/HTTP\/1.1 101/);
  });
});

describe('disableTLS false, tlsIdentity set: the configured identity', () => {
  it('self-signed: is used each time, and validated by peers', async () => {
    const identity = await TLSIdentity.createIdentity({
      attributes: { certAttrCommonName: 'Couchbase Inc' },
      expiration: new Date(Date.now() + 86400_000),
    });
    const { url } = await listen({ tlsIdentity: identity });
    expect(await codeOf(url)).toBeUndefined();
    expect(await codeOf(url, (config) => config.setAcceptOnlySelfSignedCerts(false))).toBe(5011);
    const pin = (config: ReplicatorConfiguration) => {
      config.setAcceptOnlySelfSignedCerts(false);
      config.setPinnedServerCertificate(identity.certificates[0]);
    };
    expect(await codeOf(url, pin)).toBeUndefined();
  });

  withOpenSSL('CA-signed: pinned by the leaf or any certificate of its chain', async () => {
    const { authority, identity } = await signed('pinned', {});
    const { url, port } = await listen({ tlsIdentity: identity });
    // Accepting only self-signed certificates refuses one of an authority, however good.
    expect(await codeOf(url)).toBe(5008);
    expect(await codeOf(url, (config) => config.setAcceptOnlySelfSignedCerts(false))).toBe(5011);
    for (const pin of identity.certificates) {
      expect(await codeOf(url, (config) => config.setPinnedServerCertificate(pin))).toBeUndefined();
    }
    expect(identity.certificates).toHaveLength(2);
    const { output } = await talk(folder, port, [
      ...[
        '-CAfile',
        authority.certificate,
        '-verify_return_error',
        '-verify_hostname',
        'localhost',
      ],
    ]);
    expect(output).toMatch(/Verify return code: 0 \(ok\)/);
  });

  withOpenSSL('CA-signed: verified with the roots of the system, host name included', async () => {
    const { authority, leaf } = await signed('verified', { names: 'DNS:localhost,IP:127.0.0.1' });
    const { leaf: stranger } = await signed('strange', { names: 'DNS:localhost' });
    const files = [leaf, stranger].map((one) => pkcs12(one, 'p'));
    const { stdout } = runProgram(
      `
      process.env.SSL_CERT_FILE = roots;
      const database = new settee.Database('rooted', new settee.DatabaseConfiguration(folder));
      await database.open();
      const collection = await database.defaultCollection();
      const outcomes = [];
      for (const [data, hosts] of [[files[0], ['127.0.0.1', 'localhost', '127.0.0.2']], [files[1], ['localhost']]]) {
        const tlsIdentity = await settee.TLSIdentity.importIdentity({ data, password: 'p' });
        const listener = await settee.URLEndpointListener.create({ collections: [collection], tlsIdentity });
        await listener.start();
        for (const host of hosts) {
          const url = 'wss://' + host + ':' + listener.getPort() + '/rooted';
          const config = new settee.ReplicatorConfiguration(new settee.URLEndpoint(url));
          config.addCollection(collection);
          config.setMaxAttempts(1);
          config.setAcceptOnlySelfSignedCerts(false);
          const replicator = await settee.Replicator.create(config);
          const stopped = new Promise((resolve) => {
            replicator.addChangeListener(({ status }) => {
              if (status.getActivityLevel() === 0) resolve();
            });
          });
          await replicator.start(false);
          await stopped;
          const { error } = await replicator.getStatus();
          outcomes.push([host, error && error.code, error && error.message]);
        }
        await listener.stop();
      }
      console.log(JSON.stringify(outcomes));
      await database.close();
      `,
      { roots: join(folder, authority.certificate), folder, files },
    );
    expect(JSON.parse(stdout)).toEqual([
      ['127.0.0.1', null, null],
      ['localhost', null, null],
      ['127.0.0.2', 5015, 'server TLS certificate name mismatch'],
      ['localhost', 5011, expect.stringMatching(/self-signed or has unknown root cert/)],
    ]);
  });

  for (const key of ['rsa:2048', 'rsa:3072', 'prime256v1', 'secp384r1']) {
    withOpenSSL(`with a key of the kind ${key}, in TLS 1.2 and 1.3`, async () => {
      const { identity, authority } = await signed(`kind-${key.replace(':', '-')}`, { key });
      const { url, port } = await listen({ tlsIdentity: identity });
      const pin = (config: ReplicatorConfiguration) =>
        config.setPinnedServerCertificate(identity.certificates[0]);
      expect(await codeOf(url, pin)).toBeUndefined();
      for (const version of ['-tls1_2', '-tls1_3']) {
        const { output } = await talk(folder, port, [
          ...[version, '-CAfile', authority.certificate, '-verify_return_error'],
        ]);
        expect(output).toMatch(/Verify return code: 0 \(ok\)/);
      }
    });
  }
});

/** A certificate of an authority made for it, imported. */
async function signed(name: string, options: { names?: string; key?: string }) {
  const authority = issue(folder, `${name}-ca`, { isAuthority: true });
  const leaf: Issued = issue(folder, name, { names: 'DNS:localhost', by: authority, ...options });
  const data = pkcs12(leaf, 'p', ['-certfile', authority.certificate]);
  openssl(folder, ['verify', '-CAfile', authority.certificate, leaf.certificate]);
  return { authority, leaf, identity: await TLSIdentity.importIdentity({ data, password: 'p' }) };
}
