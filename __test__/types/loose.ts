/**
 * What programs do that were written against a reference compiled without `strict`: null where no
 * parameter says so, filters over an untyped document, an engine of one's own that has the
 * reference's functions only.
 */

import {
  Collection,
  Database,
  DatabaseConfiguration,
  Document,
  type ICoreEngine,
  MutableDocument,
  Replicator,
  ReplicatorConfiguration,
  Scope,
  URLEndpoint,
} from 'settee';

export async function loose(engine: ICoreEngine): Promise<void> {
  const config: DatabaseConfiguration = null;
  const database = new Database(null, config, undefined);
  const scope: Scope = await database.scope('a');
  const collection: Collection = await database.collection('hotels', scope);
  const document: Document = await collection.document('x');
  const mutable = MutableDocument.fromDocument(document);
  mutable.setDate('d', null).setString('s', undefined).setBlob('b', null);
  const array: [] | any[] = document.getArray('a');
  const count: number = document.getInt('n') + array.length;
  await collection.save(mutable, null);
  const replication = new ReplicatorConfiguration(new URLEndpoint('ws://localhost/travel'));
  replication.addCollection(collection, null);
  replication.continuous = count > 1;
  const replicator: Replicator = await Replicator.create(replication);
  await replicator.start(undefined);
  const mine: ICoreEngine = { ...engine, platform: 'web' };
  await mine.database_Open({ name: 'x', config: null });
}
