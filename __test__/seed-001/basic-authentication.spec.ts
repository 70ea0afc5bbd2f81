/** "Basic Authentication" and "Development Only", together: plain WebSockets with a password. */

import {
  BasicAuthenticator,
  MutableDocument,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { openDefault } from '../support/peers';
import { scratchFolder } from '../support/scratch';
import { until } from '../support/wait';

const folder = scratchFolder();

describe('basic authentication', () => {
  it.each([
    ['securepassword123', undefined],
    ['wrong', 'Unauthorized'],
  ])('with the password %s ends with the error %s', async (password, expected) => {
    const passive = await openDefault('mydb', folder);
    const active = await openDefault('active', folder);
    await active.collection.save(new MutableDocument('mine'));

    // sample: Server-Side Configuration, Development Only
    const listener = await URLEndpointListener.create({
      // ... other listener config
      collections: [{ databaseName: 'mydb', scopeName: '_default', name: '_default' }],
      port: 0,
      networkInterface: '127.0.0.1',
      authenticatorConfig: {
        type: 'basic',
        data: {
          username: 'admin',
          password: 'securepassword123',
        },
      },
      disableTLS: true, // Only for development!
    });
    // end
    await listener.start();

    // sample: Client-Side Configuration
    const endpoint = new URLEndpoint(`ws://127.0.0.1:${listener.getPort()}/mydb`);
    const config = new ReplicatorConfiguration(endpoint);
    // ... other config
    config.addCollection(active.collection);

    // Set basic authentication
    config.setAuthenticator(new BasicAuthenticator('admin', password));

    const replicator = await Replicator.create(config);
    // end

    let error: string | undefined;
    let stopped = false;
    await replicator.addChangeListener(({ status }) => {
      stopped = status.getActivityLevel() === ReplicatorActivityLevel.STOPPED;
      error = status.getError();
    });
    await replicator.start(false);
    await until(() => stopped, 'STOPPED');
    expect(error).toBe(expected);

    await listener.stop();
    await passive.database.close();
    await active.database.close();
  });
});
