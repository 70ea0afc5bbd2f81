import {
  Collection,
  Database,
  type DocumentReplicationRepresentation,
  EngineLocator,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  ReplicatorProgress,
  ReplicatorStatus,
  Scope,
  URLEndpoint,
} from 'settee';
import { FakeEngine } from './support/fake-engine';

const real = EngineLocator.getEngine(EngineLocator.key);
let fake: FakeEngine;
let collection: Collection;
let config: ReplicatorConfiguration;

beforeEach(() => {
  fake = FakeEngine.register({ replicator_Create: () => ({ replicatorId: 'r' }) });
  const database = new Database('travel', null, 'handle');
  collection = new Collection('c', new Scope('s', database), database);
  config = new ReplicatorConfiguration(new URLEndpoint('ws://localhost:4984/travel'));
  config.addCollection(collection);
});

afterAll(() => FakeEngine.unregister(real));

describe('Replicator', () => {
  it('is created from the JSON of the configuration and keeps a copy', async () => {
    const replicator = await Replicator.create(config);
    expect(fake.last('replicator_Create')).toEqual({ config: config.toJson() });
    expect(replicator.getId()).toBe('r');
    const kept = replicator.getConfiguration();
    expect(kept).not.toBe(config);
    expect(replicator.getConfiguration()).toBe(kept);
    config.setContinuous(true);
    expect(kept.getContinuous()).toBe(false);
  });

  it('needs collections', async () => {
    const empty = new ReplicatorConfiguration(new URLEndpoint('ws://localhost/travel'));
    await expect(Replicator.create(empty)).rejects.toThrow(
      'No collections specified in the configuration',
    );
    expect(fake.calls).toEqual([]);
  });

  it('starts, resets and stops', async () => {
    const replicator = await Replicator.create(config);
    await replicator.start(false);
    await replicator.start();
    await replicator.start(true);
    await replicator.stop();
    expect(fake.names().slice(1)).toEqual([
      'replicator_Start',
      'replicator_Start',
      'replicator_ResetCheckpoint',
      'replicator_Stop',
    ]);
    expect(fake.last('replicator_ResetCheckpoint')).toEqual({ replicatorId: 'r' });
  });

  it('tells status changes', async () => {
    const replicator = await Replicator.create(config);
    const changes: ReplicatorStatus[] = [];
    const token = await replicator.addChangeListener(({ status }) => changes.push(status));
    expect(fake.last('replicator_AddChangeListener')).toEqual({
      replicatorId: 'r',
      changeListenerToken: token,
    });
    const callback = fake.callbacks.get(token) as (data: object) => void;
    callback({ activityLevel: 4, progress: { completed: 1, total: 2 } });
    callback({ activityLevel: 0, progress: { completed: 2, total: 2 }, error: { message: 'no' } });
    callback({ activityLevel: 0, progress: { completed: 2, total: 2 }, error: {} });
    expect(changes[0]).toBeInstanceOf(ReplicatorStatus);
    expect(changes.map((status) => status.getActivityLevel())).toEqual([4, 0, 0]);
    expect(changes.map((status) => status.getError())).toEqual([undefined, 'no', undefined]);
    expect(changes[0].getProgress().getTotal()).toBe(2);
    expect(() => callback({ activityLevel: 4 })).toThrow(TypeError);
  });

  it('takes one status listener, and another after removal', async () => {
    const replicator = await Replicator.create(config);
    const token = await replicator.addChangeListener(() => undefined);
    await expect(replicator.addChangeListener(() => undefined)).rejects.toThrow(
      'Listener already started',
    );
    await replicator.removeChangeListener(token);
    expect(fake.last('replicator_RemoveChangeListener')).toEqual({
      replicatorId: 'r',
      changeListenerToken: token,
    });
    await replicator.addChangeListener(() => undefined);
  });

  it('tells documents to any number of listeners, as plain objects', async () => {
    const replicator = await Replicator.create(config);
    const seen: DocumentReplicationRepresentation[] = [];
    const token = await replicator.addDocumentChangeListener((change) => seen.push(change));
    await replicator.addDocumentChangeListener(() => undefined);
    expect(token).toMatch(/_doc$/);
    const callback = fake.callbacks.get(token) as (data: object) => void;
    const document = {
      id: 'x',
      scopeName: 's',
      collectionName: 'c',
      flags: ['DELETED'],
      error: { message: 'no' },
    };
    callback({ isPush: true, other: 1, documents: [{ ...document, other: 2 }] });
    expect(seen).toEqual([{ isPush: true, documents: [document] }]);
  });

  it('throws on an invalid document event inside the engine callback', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const replicator = await Replicator.create(config);
    const token = await replicator.addDocumentChangeListener(() => undefined);
    const callback = fake.callbacks.get(token) as (data: object) => void;
    expect(() =>
      callback({ isPush: true, documents: [{ id: 'x', flags: [], error: {} }] }),
    ).toThrow('Invalid document replication change notification');
    warn.mockRestore();
  });

  it('gives a status with fields and methods', async () => {
    fake.on('replicator_GetStatus', () => ({
      activityLevel: 3,
      progress: { completed: 1, total: 2 },
    }));
    const replicator = await Replicator.create(config);
    const status: any = await replicator.getStatus();
    expect(JSON.parse(JSON.stringify(status))).toEqual({
      activityLevel: 3,
      progress: { completed: 1, total: 2 },
    });
    expect('error' in status).toBe(false);
    expect(status).toBeInstanceOf(ReplicatorStatus);
    expect(status.getActivityLevel()).toBe(ReplicatorActivityLevel.IDLE);
    expect(status.getProgress().getCompleted()).toBe(1);
    expect(status.getError()).toBeUndefined();
    expect(String(status)).toBe('Status{activityLevel=3, progress=Progress{completed=1, total=2}}');
  });

  it('gives a status with an error either way', async () => {
    const error = { message: 'Unauthorized', domain: 'CouchbaseLite', code: 10401 };
    fake.on('replicator_GetStatus', () => ({
      activityLevel: 0,
      progress: { completed: 0, total: 0 },
      error,
    }));
    const status: any = await (await Replicator.create(config)).getStatus();
    expect(status.error).toEqual(error);
    expect(status.getError()).toBe('Unauthorized');
    expect(status.copy().getError()).toBe('Unauthorized');
    expect(String(status)).toMatch(/}, error=Unauthorized$/);
  });

  it('knows pending documents of its collections', async () => {
    fake
      .on('replicator_GetPendingDocumentIds', () => ({ pendingDocumentIds: ['x'] }))
      .on('replicator_IsDocumentPending', () => ({ isPending: true }));
    const replicator = await Replicator.create(config);
    const database = collection.database;
    const same = new Collection('c', new Scope('s', database), database);
    await expect(replicator.getPendingDocumentIds(same)).resolves.toEqual({
      pendingDocumentIds: ['x'],
    });
    await expect(replicator.isDocumentPending('x', same)).resolves.toEqual({ isPending: true });
    expect(fake.last('replicator_IsDocumentPending')).toEqual({
      replicatorId: 'r',
      name: 'handle',
      scopeName: 's',
      collectionName: 'c',
      documentId: 'x',
    });
    const other = new Collection('other', new Scope('s', database), database);
    for (const asked of [
      replicator.getPendingDocumentIds(other),
      replicator.isDocumentPending('x', other),
    ]) {
      await expect(asked).rejects.toThrow('Collection not part of the replication');
    }
  });

  it('has no id after cleanup', async () => {
    const replicator = await Replicator.create(config);
    await replicator.cleanup();
    expect(fake.last('replicator_Cleanup')).toEqual({ replicatorId: 'r' });
    expect(replicator.getId()).toBeNull();
    await replicator.stop();
    expect(fake.last('replicator_Stop')).toEqual({ replicatorId: null });
  });
});

describe('ReplicatorStatus and ReplicatorProgress', () => {
  it('print and copy', () => {
    const progress = new ReplicatorProgress(1, 2);
    expect(String(progress)).toBe('Progress{completed=1, total=2}');
    expect(progress.copy()).toEqual(progress);
    expect(progress.copy()).not.toBe(progress);
    const status = new ReplicatorStatus(3, progress, undefined);
    expect(String(status)).toBe('Status{activityLevel=3, progress=Progress{completed=1, total=2}}');
    expect(String(new ReplicatorStatus(0, progress, 'bad'))).toMatch(/}}, error=bad$/);
    expect(status.copy()).toEqual(status);
    expect(status.getProgress()).toBe(progress);
  });
});
