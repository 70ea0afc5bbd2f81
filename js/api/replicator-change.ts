import type { ReplicatorStatus } from './replicator-status';

/** Shape of a status notification. */
export interface ReplicatorChange {
  activityLevel: number;
  error: { message: string; domain: string; code: number };
  progress: { completed: number; total: number };
}

/** Told whenever a replicator's status changes. */
export type ReplicatorChangeListener = (change: { status: ReplicatorStatus }) => void;

/** Whether the object has the fields of a status notification. Never throws. */
export function isReplicatorChange(obj: any): obj is ReplicatorChange {
  const progress = obj?.progress;
  return (
    isThere(obj?.activityLevel) &&
    isThere(progress) &&
    isThere(progress.completed) &&
    isThere(progress.total)
  );
}

function isThere(value: unknown): boolean {
  return value !== null && value !== undefined;
}
