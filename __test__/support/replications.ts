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
  await replicator.start(false);
  const error = await stopped(replicator);
  return { error, replicator };
}

/** Waits until a started replicator has stopped and gives the error. */
export async function stopped(replicator: Replicator): Promise<Outcome['error']> {
  let status: any;
  let asking = false;
  await until(() => {
    if (!asking) {
      asking = true;
      replicator.getStatus().then((now) => {
        status = now;
        asking = false;
      });
    }
    return status?.activityLevel === ReplicatorActivityLevel.STOPPED;
  }, 'STOPPED');
  return status.error;
}
