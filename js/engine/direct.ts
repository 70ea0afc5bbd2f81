import type { ResultSet } from '../api/result-set';
import type { BlobArgs, CollectionArgs, QueryExecuteArgs } from './arguments';
import type { ICoreEngine } from './core-engine';

/** What was saved, told before the promise of the save resolves. */
export type SavedHandler = (
  document: any,
  collection: any,
  id: string,
  revId: string,
  sequence: number,
) => void;

/** Everything of one save; `saved` is called with `document` and `collection`. */
export interface DirectSaveArgs {
  readonly names: CollectionArgs;
  readonly id: string;
  readonly body: string;
  readonly blobs: BlobArgs | '{}';
  readonly concurrencyControl: number | null;
  readonly document: object;
  readonly collection: object | null;
  readonly saved: SavedHandler;
}

/**
 * `collection_Save` for this package's own classes: one promise, and no result object. `undefined`
 * when the engine turns out to have no such form; nothing was done then.
 */
export type DirectSave = (args: DirectSaveArgs) => Promise<void> | undefined;

/** `query_Execute` for this package's own classes: the rows, which are never a text of their own. */
export type DirectQuery = (args: QueryExecuteArgs) => Promise<ResultSet> | undefined;

/** The functions of an engine that may have a direct form, and what it is. */
export interface DirectForms {
  collection_Save: DirectSave;
  query_Execute: DirectQuery;
}

const DIRECT = Symbol('settee.direct');

/** Says that the engine's function of this name has a direct form. */
export function offerDirect<Name extends keyof DirectForms>(
  engine: Pick<ICoreEngine, Name>,
  name: Name,
  form: DirectForms[Name],
): void {
  Object.defineProperty(engine[name], DIRECT, { value: form });
}

/**
 * The direct form of an engine's function; `undefined` when it has none.
 *
 * It belongs to the function, not to the engine: whoever puts another function in its place, or an
 * engine of its own, gets every call.
 */
export function direct<Name extends keyof DirectForms>(
  engine: ICoreEngine,
  name: Name,
): DirectForms[Name] | undefined {
  return (engine[name] as { [DIRECT]?: DirectForms[Name] })[DIRECT];
}
