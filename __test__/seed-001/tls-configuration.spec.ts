/** "TLS Configuration", "Using Pre-Existing Certificates" and "TLS Identity Management". */

import {
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { needs } from '../support/needs';
import { hasOpenSSL, issue, pkcs12 } from '../support/openssl';
import { openDefault } from '../support/peers';
import { scratchFolder } from '../support/scratch';
import { until } from '../support/wait';

const folder = scratchFolder();

let passive: Awaited<ReturnType<typeof openDefault>>;
let active: Awaited<ReturnType<typeof openDefault>>;

beforeAll(async () => {
  passive = await openDefault('mydb', folder);
  active = await openDefault('active', folder);
});

afterAll(async () => {
  await passive.database.close();
  await active.database.close();
});

async function errorOf(config: ReplicatorConfiguration): Promise<string | undefined> {
  config.addCollection(active.collection);
  const replicator = await Replicator.create(config);
  let outcome: { error: string | undefined } | undefined;
  await replicator.addChangeListener(({ status }) => {
    if (status.getActivityLevel() === ReplicatorActivityLevel.STOPPED) {
      outcome = { error: status.getError() };
    }
  });
  await replicator.start(false);
  await until(() => outcome !== undefined, 'STOPPED');
  return outcome?.error;
}

const collections = [{ databaseName: 'mydb', scopeName: '_default', name: '_default' }];

function endpointOf(listener: URLEndpointListener) {
  return new URLEndpoint(`wss://127.0.0.1:${listener.getPort()}/mydb`);
}

it('makes a self-signed identity as the sample does, and deletes it', async () => {
  // sample: Server Configuration
  const listener = await URLEndpointListener.create({
    // ... other config
    collections,
    tlsIdentityConfig: {
      mode: 'selfSigned',
      label: 'my-server-identity', // Unique identifier for this certificate
      expiration: '2030-01-01T00:00:00.000Z', // Certificate expiration date (ISO 8601 format)
      attributes: {
        certAttrCommonName: 'My Server', // Server's common name (e.g., hostname)
        certAttrOrganization: 'My Company', // Your organization name
        certAttrOrganizationUnit: 'Mobile',
        certAttrEmailAddress: 'admin@mycompany.com',
      },
    },
  });
  // end
  await listener.start();
  const endpoint = endpointOf(listener);

  // sample: Client Configuration
  const config = new ReplicatorConfiguration(endpoint);
  // ... other configuration options

  // Configure the client to accept self-signed certificates
  config.setAcceptOnlySelfSignedCerts(true);
  // end
  expect(await errorOf(config)).toBeUndefined();

  const errors = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  // sample: Deleting a TLS Identity
  try {
    await URLEndpointListener.deleteIdentity({
      label: 'my-server-identity',
    });
  } catch (error) {
    console.error('Failed to delete identity:', error);
    // On Android this is not supported and will throw an error
  }
  // end
  expect(errors).not.toHaveBeenCalled();
  await listener.stop();
});

it('refuses an expiration date in the past, as Android does', async () => {
  await expect(
    URLEndpointListener.create({
      collections,
      tlsIdentityConfig: {
        mode: 'selfSigned',
        expiration: '2020-01-01T00:00:00.000Z',
        attributes: { certAttrCommonName: 'My Server' },
      },
    }),
  ).rejects.toThrow('certificate expiration is not in the future');
});

needs(hasOpenSSL, 'no OpenSSL 3')('imports an existing certificate, as iOS does', async () => {
  const authority = issue(folder, 'authority', { isAuthority: true });
  const server = issue(folder, 'server', { by: authority, key: 'rsa:2048' });

  // sample: iOS Implementation
  // The certificate should be in PKCS#12 format and Base64 encoded
  const pkcs12Data = pkcs12(server, 'your-secure-password');

  const listener = await URLEndpointListener.create({
    // ... other listener configuration
    collections,
    tlsIdentityConfig: {
      mode: 'imported',
      label: 'my-imported-identity', // Unique identifier for this identity
      password: 'your-secure-password', // Password used to protect the PKCS#12 file
      certBase64: pkcs12Data, // Base64 encoded PKCS#12 certificate
    },
  });
  // end
  await listener.start();
  const endpoint = endpointOf(listener);

  // sample: Provide the pinned certificate to the client
  const pinnedCert = server.base64;

  const config = new ReplicatorConfiguration(endpoint);
  // ... other config

  // Set pinned certificate
  config.setPinnedServerCertificate(pinnedCert);
  // end
  expect(await errorOf(config)).toBeUndefined();
  expect(await errorOf(new ReplicatorConfiguration(endpoint))).toMatch(/untrusted/);
  await listener.stop();
  await URLEndpointListener.deleteIdentity({ label: 'my-imported-identity' });
});
