import type { ReplicatorStatusResult } from '../engine/results';
import type { ReplicatorActivityLevel } from './replicator-activity-level';
import { ReplicatorProgress } from './replicator-progress';

/** State of a replicator at one moment. Source: api §9.5. */
export class ReplicatorStatus {
  constructor(
    private readonly activityLevel: ReplicatorActivityLevel,
    private readonly progress: ReplicatorProgress,
    private readonly error: string | undefined,
  ) {}

  getActivityLevel(): ReplicatorActivityLevel {
    return this.activityLevel;
  }

  getProgress(): ReplicatorProgress {
    return this.progress;
  }

  /** Text of the error; `undefined` when there is none. */
  getError(): string | undefined {
    return this.error;
  }

  copy(): ReplicatorStatus {
    return new ReplicatorStatus(this.activityLevel, this.progress.copy(), this.error);
  }

  toString(): string {
    const status = `Status{activityLevel=${this.activityLevel}, progress=${this.progress}}`;
    return this.error ? `${status}, error=${this.error}` : status;
  }
}

/** The status of an event payload. */
export function statusFromPayload(payload: ReplicatorStatusResult): ReplicatorStatus {
  const { completed, total } = payload.progress;
  const message = payload.error?.message;
  return new ReplicatorStatus(
    Number(payload.activityLevel),
    new ReplicatorProgress(completed, total),
    typeof message === 'string' ? message : undefined,
  );
}

/**
 * The reply of `getStatus`: the engine's own fields, and the methods as well.
 *
 * The reference gives the bare payload although it declares a `ReplicatorStatus`; programs exist for
 * either reading (api §9.4).
 */
export function statusReply(payload: ReplicatorStatusResult): ReplicatorStatus {
  const status = statusFromPayload(payload);
  const message = status.getError();
  const reply = Object.create(StatusReply) as { error?: unknown };
  Object.assign(reply, status);
  if (payload.error === undefined || message === undefined) {
    delete reply.error;
  } else {
    reply.error = payload.error;
  }
  return reply as unknown as ReplicatorStatus;
}

/** Prototype of {@link statusReply}: here `error` is an object, so its readers differ. */
const StatusReply: object = Object.create(ReplicatorStatus.prototype, {
  getError: {
    value(this: { error?: { message: string } }): string | undefined {
      return this.error?.message;
    },
  },
  copy: {
    value(this: { activityLevel: number; progress: ReplicatorProgress; getError(): string }) {
      return new ReplicatorStatus(this.activityLevel, this.progress.copy(), this.getError());
    },
  },
  toString: {
    value(this: { copy(): ReplicatorStatus }): string {
      return this.copy().toString();
    },
  },
});
