/** A replicator's TLS with OpenSSL as the server (trust §3.3): what it accepts and how it says no. */

import { writeFileSync } from 'fs';
import { join } from 'path';
import {
  ClientCertificateAuthenticator,
  type Collection,
  type ReplicatorConfiguration,
  TLSIdentity,
} from 'settee';
import { needs } from './support/needs';
import { hasOpenSSL, issue, type Stranger, serve } from './support/openssl';
import { openDefault } from './support/peers';
import { replicate } from './support/replications';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
const withOpenSSL = needs(hasOpenSSL, 'no OpenSSL 3');

/** What the server is met with is a page, and no WebSocket: TLS was fine, and HTTP was not. */
const NO_WEBSOCKET = 11002;

let collection: Collection;
const strangers: Stranger[] = [];

beforeAll(async () => {
  collection = (await openDefault('active', folder)).collection;
});

afterEach(() => Promise.all(strangers.splice(0).map((stranger) => stranger.stop())));

async function start(...args: Parameters<typeof serve>) {
  const stranger = await serve(...args);
  strangers.push(stranger);
  return stranger;
}

async function errorOf(stranger: Stranger, set?: (config: ReplicatorConfiguration) => void) {
  const url = `wss://127.0.0.1:${stranger.port}/db`;
  return (await replicate(collection, url, set)).error;
}

withOpenSSL('speaks TLS 1.2 and 1.3 with RSA and ECDSA, and nothing older', async () => {
  const secure = ['-cipher', 'DEFAULT:@SECLEVEL=0'];
  for (const key of ['rsa:2048', 'prime256v1', 'secp384r1']) {
    const certificate = issue(folder, `self-${key.replace(':', '-')}`, { key });
    for (const version of ['-tls1_2', '-tls1_3']) {
      const stranger = await start(folder, certificate, [version]);
      expect((await errorOf(stranger))?.code).toBe(NO_WEBSOCKET);
    }
    for (const version of ['-tls1', '-tls1_1']) {
      const stranger = await start(folder, certificate, [version, ...secure]);
      expect(await errorOf(stranger)).toMatchObject({ code: 5006, domain: 'CouchbaseLite' });
    }
  }
});

withOpenSSL(
  'accepts a chain by a pin that signatures lead to, and not by one that only lies there',
  async () => {
    const root = issue(folder, 'root', { isAuthority: true });
    const middle = issue(folder, 'middle', { isAuthority: true, by: root });
    const leaf = issue(folder, 'leaf', { by: middle });
    writeFileSync(
      join(folder, 'chain.pem'),
      [middle, root].map(({ base64 }) => pem(base64)).join(''),
    );
    const honest = await start(folder, leaf, ['-cert_chain', 'chain.pem']);
    const pinned = (base64: string) => (config: ReplicatorConfiguration) =>
      config.setPinnedServerCertificate(base64);
    for (const { base64 } of [leaf, middle, root]) {
      expect((await errorOf(honest, pinned(base64)))?.code).toBe(NO_WEBSOCKET);
    }
    // The root is public: a man in the middle puts it behind a leaf of his own.
    const own = issue(folder, 'own', {});
    const thief = await start(folder, own, ['-cert_chain', 'chain.pem']);
    for (const { base64 } of [leaf, middle, root]) {
      expect((await errorOf(thief, pinned(base64)))?.code).toBe(5008);
    }
    expect((await errorOf(thief, pinned(own.base64)))?.code).toBe(NO_WEBSOCKET);
    // More than one certificate is not "only self-signed".
    expect((await errorOf(thief))?.code).toBe(5008);
  },
);

withOpenSSL('refuses an expired certificate even if it is self-signed, or pinned', async () => {
  const authority = issue(folder, 'old-ca', { isAuthority: true });
  const expired = issue(folder, 'expired', { by: authority, days: -1 });
  const stranger = await start(folder, expired);
  const error = await errorOf(stranger, (config) =>
    config.setPinnedServerCertificate(expired.base64),
  );
  expect(error).toMatchObject({ code: 5007, message: 'server TLS certificate expired' });
});

withOpenSSL('refuses a certificate that was made for clients', async () => {
  const client = issue(folder, 'client-only', { usage: 'clientAuth' });
  expect(await errorOf(await start(folder, client))).toMatchObject({ code: 5008 });
});

withOpenSSL(
  'shows its certificate to a server that asks, and says when one is missing',
  async () => {
    const certificate = issue(folder, 'asking', {});
    const identity = await TLSIdentity.createIdentity({
      attributes: { certAttrCommonName: 'anna' },
      usage: 'client',
    });
    writeFileSync(join(folder, 'anna.pem'), identity.certificates[0].pem);
    const present = (config: ReplicatorConfiguration) =>
      config.setAuthenticator(new ClientCertificateAuthenticator(identity));
    for (const version of ['-tls1_2', '-tls1_3']) {
      const demanding = ['-Verify', '1', '-verify_return_error', '-CAfile', 'anna.pem', version];
      const stranger = await start(folder, certificate, demanding);
      expect((await errorOf(stranger, present))?.code).toBe(NO_WEBSOCKET);
      // OpenSSL's alert for it is a general one in TLS 1.2.
      const missing = await errorOf(stranger);
      expect([5006, 5009]).toContain(missing?.code);
      const other = await TLSIdentity.createIdentity({ attributes: { CN: 'otto' } });
      const refused = await errorOf(stranger, (config) =>
        config.setAuthenticator(new ClientCertificateAuthenticator(other)),
      );
      expect(refused?.code).toBe(5010);
    }
    // One that does not ask gets none.
    const indifferent = await start(folder, certificate);
    expect((await errorOf(indifferent, present))?.code).toBe(NO_WEBSOCKET);
    expect(indifferent.heard()).not.toMatch(/anna/);
  },
);

function pem(base64: string): string {
  const lines = base64.match(/.{1,64}/g) as string[];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
