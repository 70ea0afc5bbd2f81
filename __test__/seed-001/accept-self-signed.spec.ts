/** "Accepting Self-Signed Certificates on Client" and pinning, against the anonymous identity. */

import {
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { connect } from 'tls';
import { openDefault } from '../support/peers';
import { scratchFolder } from '../support/scratch';
import { until } from '../support/wait';

const folder = scratchFolder();
process.env.SETTEE_HOME = folder;

/** The certificate that a listener shows, as base64 of its DER. */
function certificateOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().raw.toString('base64'));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('a self-signed certificate', () => {
  it('is accepted by setting or by pin, and refused otherwise', async () => {
    const passive = await openDefault('mydb', folder);
    const active = await openDefault('active', folder);
    const listener = await URLEndpointListener.create({
      collections: [passive.collection],
      networkInterface: '127.0.0.1',
    });
    await listener.start();
    const endpoint = new URLEndpoint(`wss://127.0.0.1:${listener.getPort()}/mydb`);
    const other = await URLEndpointListener.create({ collections: [passive.collection] });

    async function errorWith(set: (config: ReplicatorConfiguration) => void) {
      // sample
      const config = new ReplicatorConfiguration(endpoint);
      // ... other configuration options
      config.addCollection(active.collection);
      set(config);
      const replicator = await Replicator.create(config);
      // end
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

    // Configure the client to accept self-signed certificates
    expect(await errorWith((config) => config.setAcceptOnlySelfSignedCerts(true))).toBeUndefined();
    expect(await errorWith((config) => config.setAcceptOnlySelfSignedCerts(false))).toMatch(
      /self-signed|unknown root/,
    );

    // Set pinned certificate
    const pinnedCert = await certificateOf(listener.getPort());
    expect(
      await errorWith((config) => {
        config.setAcceptOnlySelfSignedCerts(false);
        config.setPinnedServerCertificate(pinnedCert);
      }),
    ).toBeUndefined();
    const wrongPin = Buffer.from(pinnedCert, 'base64');
    wrongPin[wrongPin.length - 1] ^= 1;
    expect(
      await errorWith((config) => config.setPinnedServerCertificate(wrongPin.toString('base64'))),
    ).toMatch(/untrusted|certificate/);

    await listener.stop();
    await other.stop();
    await passive.database.close();
    await active.database.close();
  }, 60000);
});
