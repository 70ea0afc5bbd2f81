import type { BlobArgs, CollectionArgs } from './arguments';
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

const DIRECT = Symbol('settee.directSave');

/** Says that `save`, an engine's `collection_Save`, has a direct form. */
export function offerDirectSave(save: object, direct: DirectSave): void {
  Object.defineProperty(save, DIRECT, { value: direct });
}

/**
 * The direct form of the engine's `collection_Save`; `undefined` when it has none.
 *
 * It belongs to the function, not to the engine: whoever puts another function in its place, or an
 * engine of its own, gets every save.
 */
export function directSave(engine: ICoreEngine): DirectSave | undefined {
  return (engine.collection_Save as { [DIRECT]?: DirectSave })[DIRECT];
}
