import type { ICoreEngine } from '../engine/core-engine';
import type { CallbackResultData, CallbackResultError, ListenerCallback } from '../engine/results';
import { ErrorCode, liteException } from './couchbase-lite-exception';

/** Every live listener of the process by its token, whichever object made it. */
const live = new Map<string, Subscription>();

/**
 * One listener, from registration to removal.
 *
 * Events that come after removal was asked for are dropped, so that nothing is delivered once the
 * remove promise has resolved (api §2.8, §5.3).
 */
class Subscription {
  active = true;

  constructor(private readonly onEnd: () => void) {}

  end(): void {
    this.active = false;
    this.onEnd();
  }
}

/**
 * The listeners of one object that may have one listener per key.
 *
 * A second listener under the same key is refused and the first one is left alone; after removal
 * the key is free again (api §18 rows 12 and 13).
 */
export class Subscriptions {
  private readonly taken = new Set<string>();

  /**
   * Registers a listener with the engine and resolves with its token.
   *
   * `key` undefined means any number; otherwise `refusal` is the message for the second one.
   */
  async add(
    token: string,
    key: { name: string; refusal: string } | undefined,
    register: (callback: ListenerCallback) => Promise<void>,
    deliver: (data: CallbackResultData) => void,
  ): Promise<string> {
    if (key !== undefined) {
      if (this.taken.has(key.name)) {
        throw liteException(ErrorCode.InvalidParameter, key.refusal);
      }
      this.taken.add(key.name);
    }
    const subscription = new Subscription(() => {
      if (key !== undefined) {
        this.taken.delete(key.name);
      }
    });
    live.set(token, subscription);
    try {
      await register((data, error) => {
        if (!subscription.active) {
          return;
        }
        if (error) {
          throw asError(error);
        }
        deliver(data);
      });
    } catch (error) {
      forget(token);
      throw error;
    }
    return token;
  }
}

/** Stops delivery for a token and frees its place; what the engine says follows by `remove`. */
export async function unsubscribe(
  token: string,
  remove: (token: string) => Promise<void>,
): Promise<void> {
  forget(token);
  await remove(token);
}

/** A token of its own for a new listener. */
export function newToken(engine: ICoreEngine): string {
  return engine.getUUID();
}

function forget(token: string): void {
  const subscription = live.get(token);
  if (subscription !== undefined) {
    live.delete(token);
    subscription.end();
  }
}

function asError(error: CallbackResultError): Error {
  return error instanceof Error ? error : new Error(error.message);
}
