/** "Creating a Listener" and "Connecting to the Listener", over TLS as the listener's default is. */

import {
  MutableDocument,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  ReplicatorType,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { openDefault } from '../support/peers';
import { scratchFolder } from '../support/scratch';
import { until } from '../support/wait';

const folder = scratchFolder();

describe('the basic set-up', () => {
  it('listens and connects', async () => {
    process.env.SETTEE_HOME = folder;
    const passive = await openDefault('mydb', folder);
    const active = await openDefault('active', folder);
    await passive.collection.save(new MutableDocument('theirs').setString('from', 'passive'));
    await active.collection.save(new MutableDocument('mine').setString('from', 'active'));
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const levels: number[] = [];
    const { collection } = active;
    const port = 0;
    const networkInterface = '0.0.0.0';

    // sample: Create and start a listener
    const listener = await URLEndpointListener.create({
      collections: [
        {
          databaseName: 'mydb',
          scopeName: '_default',
          name: '_default',
        },
      ],
      port: port, // Choose an available port
      networkInterface: networkInterface, // '0.0.0.0' for all interfaces
    });

    await listener.start();
    console.log(`Listener started on port ${listener.getPort()}`);
    // end

    expect(log).toHaveBeenLastCalledWith(
      expect.stringMatching(/^Listener started on port \d{2,}$/),
    );

    // sample: Connecting to the Listener
    const endpoint = new URLEndpoint(`wss://127.0.0.1:${listener.getPort()}/mydb`);
    const config = new ReplicatorConfiguration(endpoint);
    config.addCollection(collection);
    config.setReplicatorType(ReplicatorType.PUSH_AND_PULL);

    const replicator = await Replicator.create(config);

    // Monitor replication status
    const token = await replicator.addChangeListener((change) => {
      console.log('Status:', change.status.getActivityLevel());
      if (change.status.getError()) {
        console.error('Error:', change.status.getError());
      }
      levels.push(change.status.getActivityLevel());
    });

    await replicator.start(false);
    // end

    await until(() => levels.includes(ReplicatorActivityLevel.STOPPED), 'STOPPED');
    log.mockRestore();
    await replicator.removeChangeListener(token);
    const theirs = await collection.document('theirs');
    expect(theirs?.getString('from')).toBe('passive');
    const mine = await passive.collection.document('mine');
    expect(mine?.getString('from')).toBe('active');

    await listener.stop();
    await passive.database.close();
    await active.database.close();
  });
});
