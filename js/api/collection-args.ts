import type { CollectionArgs } from '../engine/arguments';
import type { Collection } from './collection';

/** The three names that every engine call on a collection carries. */
export function collectionArgs(collection: Collection): CollectionArgs {
  return {
    name: collection.database.getUniqueName(),
    scopeName: collection.scope.name,
    collectionName: collection.name,
  };
}

/** True when both name the same collection through the same database handle. */
export function sameCollection(a: Collection, b: Collection): boolean {
  return (
    a === b ||
    (a.name === b.name &&
      a.scope.name === b.scope.name &&
      a.database.getUniqueName() === b.database.getUniqueName())
  );
}
