/** Documents that expire (api §13.1): by a timer of the engine's own, without any further call. */

import { mkdtempSync } from 'fs';
import { join } from 'path';
import {
  type Collection,
  CouchbaseLiteException,
  type Database,
  MutableDocument,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  ReplicatorType,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { openDefault } from './support/peers';
import { runProgram } from './support/program';
import { scratchFolder } from './support/scratch';
import { until } from './support/wait';

const scratch = scratchFolder();
const newFolder = () => mkdtempSync(join(scratch, 'db-'));
const soon = () => new Date(Date.now() + 150);
const never = new Date('2100-01-01T00:00:00.123Z');

async function withDocument(id = 'x'): Promise<{ database: Database; collection: Collection }> {
  const peer = await openDefault('expiring', newFolder());
  await peer.collection.save(new MutableDocument(id, { a: 1 }));
  return peer;
}

describe('an expiration', () => {
  it('is a Date to the millisecond, and none is null', async () => {
    const { database, collection } = await withDocument();
    await expect(collection.getDocumentExpiration('x')).resolves.toBeNull();
    await collection.setDocumentExpiration('x', never);
    await expect(collection.getDocumentExpiration('x')).resolves.toEqual(never);
    await collection.setDocumentExpiration('x', null as unknown as Date);
    await expect(collection.getDocumentExpiration('x')).resolves.toBeNull();
    await expect(collection.getDocumentExpiration('unknown')).resolves.toBeNull();
    await expect(collection.setDocumentExpiration('unknown', never)).rejects.toBeInstanceOf(
      CouchbaseLiteException,
    );
    await database.close();
  });

  it('outlives saves of the document', async () => {
    const { database, collection } = await withDocument();
    await collection.setDocumentExpiration('x', never);
    await collection.save(new MutableDocument('x', { a: 2 }));
    await expect(collection.getDocumentExpiration('x')).resolves.toEqual(never);
    await database.close();
  });

  it('purges the document and tells the listeners', async () => {
    const { database, collection } = await withDocument();
    await collection.save(new MutableDocument('stays'));
    const [heard, ofDocument]: [string[], string[]] = [[], []];
    await collection.addChangeListener(({ documentIDs }) => heard.push(...documentIDs));
    await collection.addDocumentChangeListener('x', ({ documentId }) =>
      ofDocument.push(documentId),
    );
    await collection.setDocumentExpiration('x', soon());
    await until(() => heard.length > 0 && ofDocument.length > 0, 'the document to expire');
    expect(heard).toEqual(['x']);
    expect(ofDocument).toEqual(['x']);
    await expect(collection.document('x')).resolves.toBeUndefined();
    await expect(collection.count()).resolves.toEqual({ count: 1 });
    await database.close();
  });

  it('that has passed purges at once', async () => {
    const { database, collection } = await withDocument();
    const heard: string[] = [];
    await collection.addChangeListener(({ documentIDs }) => heard.push(...documentIDs));
    await collection.setDocumentExpiration('x', new Date(0));
    await until(() => heard.length > 0, 'the document to expire');
    await expect(collection.document('x')).resolves.toBeUndefined();
    await database.close();
  });

  it('survives a restart, whether its time comes before or after it', () => {
    const values = { folder: newFolder() };
    const open = `
      const database = new settee.Database('expiring', new settee.DatabaseConfiguration(folder));
      await database.open();
      const collection = await database.defaultCollection();`;
    runProgram(
      `${open}
       for (const id of ['missed', 'coming', 'stays']) {
         await collection.save(new settee.MutableDocument(id));
       }
       await collection.setDocumentExpiration('missed', new Date(Date.now() + 60));
       await collection.setDocumentExpiration('coming', new Date(Date.now() + 2500));
       // No close: the process just ends.
       process.exit(0);`,
      values,
    );
    const { stdout } = runProgram(
      `await new Promise((resolve) => setTimeout(resolve, 100));
       ${open}
       const gone = async (id) => {
         while (await collection.document(id)) {
           await new Promise((resolve) => setTimeout(resolve, 10));
         }
         console.log(id);
       };
       await gone('missed');
       await gone('coming');
       console.log((await collection.count()).count);`,
      values,
    );
    expect(stdout).toBe('missed\ncoming\n1\n');
  });

  it('does not keep a process alive', () => {
    const { stdout } = runProgram(
      `const database = new settee.Database('expiring', new settee.DatabaseConfiguration(folder));
       await database.open();
       const collection = await database.defaultCollection();
       await collection.save(new settee.MutableDocument('x'));
       await collection.setDocumentExpiration('x', new Date(Date.now() + 3600e3));
       console.log('done');`,
      { folder: newFolder() },
    );
    expect(stdout).toBe('done\n');
  });

  it('is not replicated, and neither is the purge', async () => {
    const active = await withDocument('doomed');
    const passive = await openDefault('passive', newFolder());
    await active.collection.save(new MutableDocument('stays'));
    const listener = await URLEndpointListener.create({
      collections: [passive.collection.toJson()],
      networkInterface: '127.0.0.1',
      disableTLS: true,
    } as any);
    await listener.start();
    const config = new ReplicatorConfiguration(
      new URLEndpoint(`ws://127.0.0.1:${listener.getPort()}/passive`),
    );
    config.addCollection(active.collection);
    config.setReplicatorType(ReplicatorType.PUSH_AND_PULL);
    const replicator = await Replicator.create(config);
    const replicate = async () => {
      let stopped = false;
      const token = await replicator.addChangeListener(({ status }) => {
        stopped = stopped || status.getActivityLevel() === ReplicatorActivityLevel.STOPPED;
      });
      await replicator.start(false);
      await until(() => stopped, 'the replicator to stop');
      await replicator.removeChangeListener(token);
    };

    await active.collection.setDocumentExpiration('doomed', never);
    await replicate();
    await expect(passive.collection.document('doomed')).resolves.toBeDefined();
    await expect(passive.collection.getDocumentExpiration('doomed')).resolves.toBeNull();
    const heard: string[] = [];
    await active.collection.addChangeListener(({ documentIDs }) => heard.push(...documentIDs));
    await active.collection.setDocumentExpiration('doomed', new Date(0));
    await until(() => heard.includes('doomed'), 'the document to expire');
    await replicate();
    await expect(passive.collection.document('doomed')).resolves.toBeDefined();
    await expect(passive.collection.count()).resolves.toEqual({ count: 2 });

    await replicator.cleanup();
    await listener.stop();
    await active.database.close();
    await passive.database.close();
  });
});
