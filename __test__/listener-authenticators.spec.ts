/** Who may connect to a listener: passwords and TLS client certificates (trust §4, §9). */

import { join } from 'path';
import {
  BasicAuthenticator,
  ClientCertificateAuthenticator,
  type Collection,
  type ListenerAuthenticator,
  ListenerCertificateAuthenticator,
  ListenerPasswordAuthenticator,
  type ReplicatorConfiguration,
  type TLSCertificate,
  TLSIdentity,
  URLEndpointListener,
} from 'settee';
import { needs } from './support/needs';
import { hasOpenSSL, type Issued, issue, pkcs12, talk } from './support/openssl';
import { openDefault } from './support/peers';
import { replicate } from './support/replications';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
const certificates = join(folder, 'certificates');

let passive: Awaited<ReturnType<typeof openDefault>>;
let active: Collection;
let identities: { [name: string]: TLSIdentity };

beforeAll(async () => {
  passive = await openDefault('mydb', folder);
  active = (await openDefault('active', folder)).collection;
  identities = {};
  for (const name of ['anna', 'otto']) {
    identities[name] = await TLSIdentity.createIdentity({
      attributes: { certAttrCommonName: name },
      usage: 'client',
    });
  }
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
});

const running: URLEndpointListener[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((listener) => listener.stop()));
});

async function listen(authenticator: ListenerAuthenticator, more: object = {}) {
  const listener = await URLEndpointListener.create({
    collections: [passive.collection],
    networkInterface: '127.0.0.1',
    authenticator,
    ...more,
  });
  running.push(listener);
  await listener.start();
  return listener.getUrls()[0];
}

/** The error of a replication, with a client certificate or a password. */
async function errorOf(url: string, who?: TLSIdentity | [string, string]) {
  const { error } = await replicate(active, url, (config: ReplicatorConfiguration) => {
    if (Array.isArray(who)) {
      config.setAuthenticator(new BasicAuthenticator(...who));
    } else if (who) {
      config.setAuthenticator(new ClientCertificateAuthenticator(who));
    }
  });
  return error;
}

describe('ListenerPasswordAuthenticator', () => {
  it.each([true, false])('admits one user by value (disableTLS: %s)', async (disableTLS) => {
    const url = await listen(new ListenerPasswordAuthenticator('änna', 'pä:ß'), { disableTLS });
    expect(await errorOf(url, ['änna', 'pä:ß'])).toBeUndefined();
    for (const who of [['änna', 'pä'], ['Änna', 'pä:ß'], undefined] as any[]) {
      expect(await errorOf(url, who)).toMatchObject({ code: 10401, message: 'Unauthorized' });
    }
  });

  it('admits whoever a function admits', async () => {
    const asked: string[][] = [];
    const url = await listen(
      new ListenerPasswordAuthenticator(async (username, password) => {
        asked.push([username, password]);
        return username === 'validUser' && password === 'validPassword';
      }),
    );
    expect(await errorOf(url, ['validUser', 'validPassword'])).toBeUndefined();
    expect(await errorOf(url, ['validPassword', 'validUser'])).toMatchObject({ code: 10401 });
    expect(asked).toEqual([
      ['validUser', 'validPassword'],
      ['validPassword', 'validUser'],
    ]);
  });

  it('answers guesses with 429 once an address has failed too often', async () => {
    const url = await listen(new ListenerPasswordAuthenticator('u', 'p'), { disableTLS: true });
    const codes = new Set<number | undefined>();
    for (let guess = 0; guess < 40; guess += 1) {
      codes.add((await errorOf(url, ['u', String(guess)]))?.code);
    }
    expect([...codes]).toEqual([10401, 10429]);
    // Even the right password: who guesses does not learn it.
    expect((await errorOf(url, ['u', 'p']))?.code).toBe(10429);
    // Whoever gives no credentials guesses nothing.
    expect((await errorOf(url))?.code).toBe(10401);
  });
});

describe('ListenerCertificateAuthenticator with root certificates', () => {
  it('admits a self-signed client whose certificate is in the list, and no other', async () => {
    const { anna, otto } = identities;
    const url = await listen(new ListenerCertificateAuthenticator([anna.certificates[0]]));
    expect(await errorOf(url, anna)).toBeUndefined();
    expect(await errorOf(url, otto)).toMatchObject({ domain: 'CouchbaseLite', code: 5010 });
    expect(await errorOf(url)).toMatchObject({ code: 5009 });
    expect(await errorOf(url, ['anna', 'x'])).toMatchObject({ code: 5009 });
  });

  needs(hasOpenSSL, 'no OpenSSL 3')(
    'admits whoever an authority of the list signed, over as many steps as it takes',
    async () => {
      const root = issue(certificates, 'root', { isAuthority: true });
      const middle = issue(certificates, 'middle', { isAuthority: true, by: root });
      const stranger = issue(certificates, 'stranger', { isAuthority: true });
      const load = async (name: string, options: object, chain: string[] = []) => {
        const issued = issue(certificates, name, { key: 'rsa:2048', ...options });
        const data = pkcs12(issued, 'p', chain);
        return TLSIdentity.importIdentity({ data, password: 'p' });
      };
      const url = await listen(
        new ListenerCertificateAuthenticator([
          identities.otto.certificates[0].pem,
          root.base64,
          Buffer.from(issue(certificates, 'third', {}).base64, 'base64'),
        ]),
      );
      const direct = await load('direct', { by: root });
      expect(await errorOf(url, direct)).toBeUndefined();
      const below = await load('below', { by: middle }, ['-certfile', 'middle.pem']);
      expect(below.certificates).toHaveLength(2);
      expect(await errorOf(url, below)).toBeUndefined();
      expect(await errorOf(url, identities.otto)).toBeUndefined();
      for (const [name, options] of [
        // The link between is not sent.
        ['alone', { by: middle }],
        ['foreign', { by: stranger }],
        ['server', { by: root, usage: 'serverAuth' }],
      ] as [string, object][]) {
        expect(await errorOf(url, await load(name, options))).toMatchObject({ code: 5010 });
      }
      // The root is public: an attacker appends it to a leaf of his own. OpenSSL sends what we
      // would not.
      const own = issue(certificates, 'own', {});
      const { output } = await talk(certificates, new URL(url).port, [
        ...['-cert', own.certificate, '-key', own.key, '-cert_chain', root.certificate, '-tls1_2'],
      ]);
      expect(output).toMatch(/alert unknown ca/);
    },
  );

  it('is refused without a certificate, and with what is none', () => {
    expect(() => new ListenerCertificateAuthenticator(undefined as any)).toThrow(
      'root certificates',
    );
    return Promise.all(
      [
        [[], 'at least one root certificate'],
        [['AAAA'], 'root certificate 0 is not one X.509 certificate'],
        [[{}], 'a certificate must be PEM or base64 text'],
      ].map(([roots, message]) =>
        expect(listen(new ListenerCertificateAuthenticator(roots as any))).rejects.toThrow(
          message as string,
        ),
      ),
    );
  });
});

describe('ListenerCertificateAuthenticator with a function', () => {
  it('gets the chain and decides alone, at once or later', async () => {
    const seen: TLSCertificate[][] = [];
    const url = await listen(
      new ListenerCertificateAuthenticator((chain) => {
        seen.push(chain);
        const admitted = chain[0].commonName === 'anna';
        return seen.length > 1 ? Promise.resolve(admitted) : admitted;
      }),
    );
    const { anna, otto } = identities;
    expect(await errorOf(url, anna)).toBeUndefined();
    expect(await errorOf(url, otto)).toMatchObject({ code: 5010 });
    expect(await errorOf(url, anna)).toBeUndefined();
    expect(await errorOf(url)).toMatchObject({ code: 5009 });
    expect(seen).toEqual([anna.certificates, otto.certificates, anna.certificates]);
  });

  it.each<[string, any]>([
    ['gives something that is not true', () => 1],
    [
      'throws',
      () => {
        throw new TypeError('no');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('no'))],
  ])('refuses when it %s', async (_title, decide) => {
    const url = await listen(new ListenerCertificateAuthenticator(decide));
    expect(await errorOf(url, identities.anna)).toMatchObject({ code: 5010 });
  });

  needs(hasOpenSSL, 'no OpenSSL 3')(
    'knows how much of a chain is proved, and judges expired certificates too',
    async () => {
      const depths: number[] = [];
      const url = await listen(
        new ListenerCertificateAuthenticator((chain, verifiedDepth) => {
          depths.push(verifiedDepth);
          return chain.length > 0;
        }),
      );
      const root = issue(certificates, 'deep', { isAuthority: true });
      const leaf = issue(certificates, 'leaf', { by: root, key: 'rsa:2048' });
      const expired = issue(certificates, 'past', { by: root, days: -1 });
      const other = issue(certificates, 'other', {});
      const shake = ({ certificate, key }: Issued, chain: Issued) =>
        talk(certificates, new URL(url).port, [
          ...['-cert', certificate, '-key', key, '-cert_chain', chain.certificate],
        ]);
      await shake(leaf, root);
      // An unrelated certificate behind the leaf proves nothing.
      await shake(leaf, other);
      await shake(expired, root);
      expect(depths).toEqual([1, 0, 1]);
    },
  );
});

describe('a certificate authenticator', () => {
  it('is refused without TLS', async () => {
    for (const authenticator of [
      new ListenerCertificateAuthenticator(() => true),
      new ListenerCertificateAuthenticator([identities.anna.certificates[0]]),
    ]) {
      await expect(listen(authenticator, { disableTLS: true })).rejects.toThrow('needs TLS');
    }
  });

  it('is not the only thing that is refused: unknown types are too', async () => {
    for (const more of [
      { authenticatorConfig: { type: 'digest', data: {} } },
      { authenticatorConfig: { type: 'digest', authenticate: () => true } },
      { authenticator: { type: 'basic' } },
      { authenticator: () => true },
    ] as any[]) {
      await expect(
        URLEndpointListener.create({ collections: [passive.collection], ...more }),
      ).rejects.toThrow(/digest|must be a ListenerPasswordAuthenticator/);
    }
    await expect(
      listen(new ListenerPasswordAuthenticator('u', 'p'), {
        authenticatorConfig: { type: 'basic', data: { username: 'u', password: 'p' } },
      }),
    ).rejects.toThrow('both authenticator and authenticatorConfig');
  });

  it('has clients only with a TLSIdentity', () => {
    expect(() => new ClientCertificateAuthenticator({} as any)).toThrow('needs a TLSIdentity');
  });
});
