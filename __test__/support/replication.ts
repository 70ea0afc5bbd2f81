import {
  type Collection,
  type CollectionConfig,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { openDefault } from './peers';
import { until } from './wait';

/** A document of a document event. */
export interface Replicated {
  id: string;
  isPush: boolean;
  flags: string[];
  error?: { message: string; domain: string; code: number };
}

/** What a run has told. */
export interface Run {
  documents: Replicated[];
  levels: number[];
  error?: { message: string; domain: string; code: number };
}

/** A started listener without TLS on a database of its own. */
export async function listenPlainly(name: string, folder: string) {
  const { database, collection } = await openDefault(name, folder);
  const listener = await URLEndpointListener.create({
    collections: [collection],
    networkInterface: '127.0.0.1',
    disableTLS: true,
  });
  await listener.start();
  return { database, collection, listener, url: listener.getUrls()[0] };
}

/** Replicates one collection once, from start to stop. */
export async function replicateOnce(
  collection: Collection,
  url: string,
  settings: (config: ReplicatorConfiguration) => void = () => undefined,
  collectionConfig?: CollectionConfig,
): Promise<Run> {
  const config = new ReplicatorConfiguration(new URLEndpoint(url));
  config.addCollection(collection, collectionConfig);
  settings(config);
  const replicator = await Replicator.create(config);
  const run: Run = { documents: [], levels: [] };
  await replicator.addChangeListener(({ status }) => {
    run.levels.push(status.getActivityLevel());
  });
  await replicator.addDocumentChangeListener(({ isPush, documents }: any) => {
    run.documents.push(...documents.map((document: object) => ({ isPush, ...document })));
  });
  await replicator.start(false);
  await until(() => run.levels.includes(ReplicatorActivityLevel.STOPPED), 'STOPPED');
  run.error = ((await replicator.getStatus()) as any).error;
  await replicator.cleanup();
  return run;
}
