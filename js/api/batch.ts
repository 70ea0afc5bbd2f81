import type { SetteeEngine } from '../engine/core-engine';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import type { Database } from './database';

/** What the running `inBatch` function has issued on its database. */
interface Batch {
  readonly database: Database;
  readonly calls: Promise<unknown>[];
  /** Something failed before it reached the engine: nothing may be written. */
  failure?: { error: unknown };
}

/** Batches whose functions run now; more than one only when they are of different databases. */
const running: Batch[] = [];

/**
 * Makes an engine call that writes.
 *
 * When an `inBatch` function makes it, the batch waits for it and tells its failure; the call's own
 * promise then counts as handled, because a batch function can await nothing. What `make` throws
 * rejects the promise.
 */
export function issue<T>(database: Database, make: () => Promise<T>): Promise<T> {
  const batch = running.length === 0 ? undefined : batchOf(database);
  let call: Promise<T>;
  try {
    call = make();
  } catch (error) {
    call = Promise.reject(error);
    if (batch !== undefined) {
      batch.failure ??= { error };
    }
  }
  if (batch !== undefined) {
    batch.calls.push(call);
    call.catch(() => undefined);
  }
  return call;
}

/**
 * Runs `fn` and commits everything it called on the database as one transaction.
 *
 * `fn` runs at once and must be synchronous: no call resolves before the commit, so awaiting one
 * inside would wait for ever. If it throws, or one of its calls fails, nothing is written and the
 * promise rejects with the first error. A batch inside a batch joins the outer one.
 */
export async function runBatch(database: Database, fn: () => void): Promise<void> {
  const outer = batchOf(database);
  if (outer !== undefined) {
    runFunction(outer, fn);
    if (outer.failure !== undefined) {
      throw outer.failure.error;
    }
    return;
  }
  const engine = database.getEngine() as Partial<SetteeEngine>;
  if (typeof engine.database_BeginBatch !== 'function' || !engine.database_EndBatch) {
    throw liteException(ErrorCode.Unsupported, 'this engine has no transactions: not supported');
  }
  const name = database.getUniqueName();
  const batch: Batch = { database, calls: [engine.database_BeginBatch({ name })] };
  running.push(batch);
  try {
    runFunction(batch, fn);
  } finally {
    running.splice(running.indexOf(batch), 1);
  }
  const ended = engine.database_EndBatch({ name, commit: batch.failure === undefined });
  const outcomes = await Promise.all([failureOf(ended), ...batch.calls.map(failureOf)]);
  const first = batch.failure ?? outcomes.find((outcome) => outcome !== undefined);
  if (first !== undefined) {
    throw first.error;
  }
}

function batchOf(database: Database): Batch | undefined {
  const name = database.getUniqueName();
  return running.find(
    (batch) => batch.database === database || batch.database.getUniqueName() === name,
  );
}

function runFunction(batch: Batch, fn: () => void): void {
  try {
    refusePromise(fn());
  } catch (error) {
    batch.failure ??= { error };
  }
}

function failureOf(call: Promise<unknown>): Promise<{ error: unknown } | undefined> {
  return call.then(
    () => undefined,
    (error) => ({ error }),
  );
}

function refusePromise(result: unknown): void {
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
    (result as PromiseLike<unknown>).then(undefined, () => undefined);
    throw liteException(
      ErrorCode.InvalidParameter,
      'inBatch: the function must not be async; issue the calls without awaiting them',
    );
  }
}
