import {
  type Collection,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  URLEndpoint,
} from 'settee';
import { until } from './wait';

/** How a one-shot replication ended. */
export interface Outcome {
  error?: { message: string; domain: string; code: number };
  replicator: Replicator;
}

/** A replicator of one collection, not started. */
export function replicatorOf(
  collection: Collection,
  url: string,
  set: (config: ReplicatorConfiguration) => void = () => undefined,
): Promise<Replicator> {
  const config = new ReplicatorConfiguration(new URLEndpoint(url));
  config.addCollection(collection);
  // What is refused on purpose is not tried again.
  config.setMaxAttempts(1);
  set(config);
  return Replicator.create(config);
}

/** Runs a replication until it stops. */
export async function replicate(
  collection: Collection,
  url: string,
  set?: (config: ReplicatorConfiguration) => void,
): Promise<Outcome> {
  const replicator = await replicatorOf(collection, url, set);
  const end = await run(replicator);
  return { error: await end(), replicator };
}

/** Starts a replicator. What it resolves with waits until it has stopped and gives the error. */
export async function run(replicator: Replicator): Promise<() => Promise<Outcome['error']>> {
  let isStopped = false;
  await replicator.addChangeListener(({ status }) => {
    isStopped = status.getActivityLevel() === ReplicatorActivityLevel.STOPPED;
  });
  await replicator.start(false);
  return async () => {
    await until(() => isStopped, 'STOPPED');
    return ((await replicator.getStatus()) as any).error;
  };
}
