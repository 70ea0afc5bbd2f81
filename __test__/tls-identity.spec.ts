/** `TLSIdentity`, and the `tlsIdentityConfig` of listeners (api §15.9). */

import { createHash, X509Certificate } from 'crypto';
import { existsSync, readFileSync, statSync } from 'fs';
import { join } from 'path';
import { FileSystem, TLSIdentity, URLEndpointListener } from 'settee';
import { connect } from 'tls';
import { filesIn } from './support/files';
import { needs } from './support/needs';
import { hasOpenSSL, issue, pkcs12 } from './support/openssl';
import { openDefault } from './support/peers';
import { replicate } from './support/replications';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
const certificates = join(folder, 'certificates');

const DAY = 24 * 60 * 60 * 1000;

function shown(port: number): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

let count = 0;

async function listenWith(more: object) {
  count += 1;
  const { database, collection } = await openDefault(`passive${count}`, folder);
  const listener = await URLEndpointListener.create({
    collections: [collection],
    networkInterface: '127.0.0.1',
    ...more,
  }).catch(async (error) => {
    await database.close();
    throw error;
  });
  await listener.start();
  return { database, listener, close: () => database.close() };
}

afterEach(async () => {
  for (const label of await labels()) {
    await TLSIdentity.deleteIdentity(label);
  }
});

/** Without the identity of listeners that are given none. */
async function labels() {
  const all = await TLSIdentity.listIdentities();
  return all.filter((label) => label !== 'settee-anonymous');
}

describe('TLSIdentity.createIdentity', () => {
  it('makes an RSA key and a certificate that says what was asked for', async () => {
    const expiration = new Date(Date.now() + DAY);
    const identity = await TLSIdentity.createIdentity({
      label: 'Server-Cert-Label',
      attributes: {
        certAttrCommonName: 'Couchbase Inc',
        certAttrOrganization: 'Docs',
        certAttrEmailAddress: 'admin@example.com',
      },
      expiration,
    });
    expect(identity.label).toBe('Server-Cert-Label');
    const [certificate] = identity.certificates;
    expect(identity.certificates).toHaveLength(1);
    expect(certificate).toMatchObject({
      commonName: 'Couchbase Inc',
      subjectAlternativeNames: ['admin@example.com'],
      keyType: 'rsa',
      keyBits: 2048,
      selfSigned: true,
    });
    expect(identity.expiration.getTime()).toBe(Math.floor(expiration.getTime() / 1000) * 1000);
    // Node reads the same.
    const x509 = new X509Certificate(certificate.pem);
    expect(Buffer.from(certificate.der).equals(x509.raw)).toBe(true);
    expect(x509.subject.split('\n').sort()).toEqual(['CN=Couchbase Inc', 'O=Docs']);
    const spki = x509.publicKey.export({ type: 'spki', format: 'der' });
    expect(certificate.fingerprint).toBe(createHash('sha256').update(spki).digest('base64url'));
    expect(x509.verify(x509.publicKey)).toBe(true);
  });

  it('has attributes, expirations, labels and usages that are refused', async () => {
    const attributes = { certAttrCommonName: 'x' };
    await TLSIdentity.createIdentity({ attributes, label: 'taken' });
    for (const [options, message] of [
      [{ attributes: {} }, 'The Common Name attribute is required'],
      [{}, 'argument "attributes" must be an object'],
      [{ attributes: { ...attributes, certAttrShoe: '44' } }, 'unknown certificate attribute'],
      [{ attributes, expiration: new Date(Date.now() - DAY) }, 'not in the future'],
      [{ attributes, expiration: new Date(Number.NaN) }, 'no ISO 8601 date'],
      [{ attributes, expiration: 'soon' }, 'no ISO 8601 date'],
      [{ attributes, expiration: '2199-01-01' }, 'more than ten years'],
      [{ attributes, label: 'taken' }, 'Certificate already exists with the label'],
      [{ attributes, label: '../up' }, 'identity label'],
      [{ attributes, usage: 'all' }, 'server, client or both'],
    ] as [any, string][]) {
      await expect(TLSIdentity.createIdentity(options)).rejects.toThrow(message);
    }
  });

  it('keeps an identity without a label in memory only', async () => {
    const identity = await TLSIdentity.createIdentity({ attributes: { certAttrCommonName: 'x' } });
    expect(identity.label).toBeNull();
    expect(await labels()).toEqual([]);
    const { listener, close } = await listenWith({ tlsIdentity: identity });
    expect((await shown(listener.getPort())).raw.equals(identity.certificates[0].der)).toBe(true);
    await close();
    await TLSIdentity.deleteIdentity(identity);
    await expect(listenWith({ tlsIdentity: identity })).rejects.toThrow('there is no TLS identity');
  });
});

describe('stored identities', () => {
  it('are fetched by label on each later start, listed and deleted', async () => {
    const made = await TLSIdentity.createIdentity({
      label: 'desk',
      attributes: { certAttrCommonName: 'desk' },
    });
    expect(await labels()).toEqual(['desk']);
    const again = await TLSIdentity.getIdentity('desk');
    expect(again).toEqual(made);
    for (const more of [
      { tlsIdentity: again },
      { tlsIdentityConfig: { mode: 'stored', label: 'desk' } },
    ]) {
      const { listener, close } = await listenWith(more);
      expect((await shown(listener.getPort())).raw.equals(made.certificates[0].der)).toBe(true);
      const own = await listener.getTLSIdentity();
      expect(own?.certificates).toEqual(made.certificates);
      expect(own?.expiration).toEqual(made.expiration);
      await close();
    }
    await TLSIdentity.deleteIdentity('desk');
    await TLSIdentity.deleteIdentity('desk');
    expect(await TLSIdentity.getIdentity('desk')).toBeNull();
    await expect(
      listenWith({ tlsIdentityConfig: { mode: 'stored', label: 'desk' } }),
    ).rejects.toThrow('there is no TLS identity with the label "desk"');
  });

  it('lie encrypted in files of their owner alone, and no private key is ever readable', async () => {
    const identity = await TLSIdentity.createIdentity({
      label: 'kept',
      attributes: { certAttrCommonName: 'kept' },
    });
    expect(await TLSIdentity.getProtection()).toEqual({
      protection: 'weak',
      keeper: 'owner-only file',
    });
    const home = join(await new FileSystem().getDefaultPath(), 'identities');
    expect(existsSync(home)).toBe(true);
    for (const file of filesIn(home)) {
      if (process.platform !== 'win32') {
        expect(statSync(file).mode & 0o777).toBe(0o600);
      }
      expect(readFileSync(file).includes('PRIVATE KEY')).toBe(false);
      expect(readFileSync(file).includes(Buffer.from(identity.certificates[0].der))).toBe(false);
    }
    expect(JSON.stringify(identity)).not.toMatch(/private/i);
  });
});

describe('TLSIdentity.importIdentity', () => {
  needs(hasOpenSSL, 'no OpenSSL 3')(
    'reads old and new PKCS#12 files with their chains',
    async () => {
      const authority = issue(certificates, 'authority', { isAuthority: true });
      const leaf = issue(certificates, 'imported', { by: authority, key: 'rsa:2048' });
      for (const [label, more] of [
        ['new', ['-certfile', 'authority.pem']],
        ['old', ['-certfile', 'authority.pem', '-legacy']],
      ] as [string, string[]][]) {
        const data = pkcs12(leaf, 'geheim', more);
        const identity = await TLSIdentity.importIdentity({ data, password: 'geheim', label });
        expect(identity.certificates.map(({ commonName }) => commonName)).toEqual([
          'imported',
          'authority',
        ]);
        await expect(TLSIdentity.importIdentity({ data, password: 'falsch' })).rejects.toThrow(
          'wrong password',
        );
        await expect(
          TLSIdentity.importIdentity({ data, password: 'geheim', label }),
        ).rejects.toThrow('Certificate already exists with the label');
        const bytes = await TLSIdentity.importIdentity({
          data: Buffer.from(data, 'base64'),
          password: 'geheim',
        });
        expect(bytes.certificates).toEqual(identity.certificates);
      }
    },
  );

  needs(hasOpenSSL, 'no OpenSSL 3')('refuses what cannot be used, by its reason', async () => {
    const authority = issue(certificates, 'ca', { isAuthority: true });
    const expired = issue(certificates, 'expired', { by: authority, days: -1 });
    for (const [data, message] of [
      [pkcs12(expired, 'p'), 'has expired'],
      [pkcs12(authority, 'p', ['-nokeys']), 'no private key'],
      [Buffer.from('no PKCS#12 file').toString('base64'), 'cannot be read'],
      ['***', 'not base64'],
      ['', 'argument "certBase64" is empty'],
      [undefined, 'must be base64 text'],
    ] as [any, string][]) {
      await expect(TLSIdentity.importIdentity({ data, password: 'p' })).rejects.toThrow(message);
    }
  });
});

describe('tlsIdentityConfig', () => {
  it('makes a self-signed identity at create and stores it under its label', async () => {
    const tlsIdentityConfig = {
      mode: 'selfSigned',
      label: 'my-server-identity',
      expiration: '2030-01-01T00:00:00.000Z',
      attributes: {
        certAttrCommonName: 'My Server',
        certAttrOrganization: 'My Company',
        certAttrOrganizationUnit: 'Mobile',
        certAttrEmailAddress: 'admin@mycompany.com',
      },
    };
    const { listener, close } = await listenWith({ tlsIdentityConfig });
    const certificate = await shown(listener.getPort());
    expect(certificate.validTo).toBe('Jan  1 00:00:00 2030 GMT');
    expect(certificate.subject).toContain('CN=My Server');
    await expect(listenWith({ tlsIdentityConfig })).rejects.toThrow(
      'Certificate already exists with the label',
    );
    // Deleting frees the label at once; the listener keeps working.
    await URLEndpointListener.deleteIdentity({ label: 'my-server-identity' });
    expect((await shown(listener.getPort())).raw.equals(certificate.raw)).toBe(true);
    await close();
    const second = await listenWith({ tlsIdentityConfig });
    await second.close();
  });

  it('refuses bad ones at create', async () => {
    for (const [tlsIdentityConfig, message] of [
      [{ attributes: {} }, 'The Common Name attribute is required'],
      [{ attributes: { CN: 'x' }, expiration: '2020-01-01' }, 'not in the future'],
      [{ attributes: { CN: 'x' }, expiration: 'never' }, 'no ISO 8601 date'],
      [{ mode: 'imported', certBase64: 'AAAA' }, 'cannot be read'],
      [{ mode: 'other' }, 'selfSigned, imported or stored'],
    ] as [any, string][]) {
      await expect(listenWith({ tlsIdentityConfig })).rejects.toThrow(message);
    }
    const identity = await TLSIdentity.createIdentity({ attributes: { CN: 'x' } });
    await expect(
      listenWith({ tlsIdentity: identity, tlsIdentityConfig: { attributes: { CN: 'x' } } }),
    ).rejects.toThrow('both tlsIdentity and tlsIdentityConfig');
    await expect(listenWith({ tlsIdentity: {} })).rejects.toThrow('must be a TLSIdentity');
  });

  it('is not looked at without TLS', async () => {
    const { close } = await listenWith({ disableTLS: true, tlsIdentityConfig: { mode: 'other' } });
    expect(await labels()).toEqual([]);
    await close();
  });
});

describe('a running listener', () => {
  it('presents a new identity while open connections stay', async () => {
    const first = await TLSIdentity.createIdentity({ attributes: { CN: 'first' } });
    const second = await TLSIdentity.createIdentity({ attributes: { CN: 'second' } });
    const { listener, close } = await listenWith({ tlsIdentity: first });
    const { database, collection } = await openDefault('rotating', folder);
    const socket = connect({ port: listener.getPort(), rejectUnauthorized: false });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    await listener.setTLSIdentity(second);
    expect(socket.destroyed).toBe(false);
    expect((await shown(listener.getPort())).subject).toBe('CN=second');
    expect((await listener.getTLSIdentity())?.certificates).toEqual(second.certificates);
    const [url] = listener.getUrls();
    const pin = (identity: TLSIdentity) => (config: any) =>
      config.setPinnedServerCertificate(identity.certificates[0]);
    expect((await replicate(collection, url, pin(second))).error).toBeUndefined();
    expect((await replicate(collection, url, pin(first))).error?.code).toBe(5008);
    socket.destroy();
    // It stays after a restart.
    await listener.stop();
    await listener.start();
    expect((await shown(listener.getPort())).subject).toBe('CN=second');
    await database.close();
    await close();
  });

  it('replaces the anonymous identity too, and keeps what replaced it', async () => {
    const { listener, close } = await listenWith({});
    expect((await shown(listener.getPort())).subject).toBe('CN=peer');
    const other = await TLSIdentity.createIdentity({ attributes: { CN: 'other' } });
    await listener.setTLSIdentity(other);
    await listener.stop();
    await listener.start();
    expect((await shown(listener.getPort())).subject).toBe('CN=other');
    await close();
    const plain = await listenWith({ disableTLS: true });
    await expect(plain.listener.setTLSIdentity(other)).rejects.toThrow('disableTLS');
    expect(await plain.listener.getTLSIdentity()).toBeNull();
    await plain.close();
  });
});
