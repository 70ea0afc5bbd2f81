import { ArrayIndex } from './array-index';
import { FullTextIndex, type FullTextIndexItem } from './full-text-index';
import { ValueIndex, type ValueIndexItem } from './value-index';

/**
 * Makes indexes.
 *
 * @example
 * const index = IndexBuilder.valueIndex(ValueIndexItem.property('name'));
 * await collection.createIndex('byName', index);
 */
// biome-ignore lint/complexity/noStaticOnlyClass: a class in the reference
export class IndexBuilder {
  static valueIndex(...items: ValueIndexItem[]): ValueIndex {
    return new ValueIndex(...items);
  }

  static fullTextIndex(...items: FullTextIndexItem[]): FullTextIndex {
    return new FullTextIndex(...items);
  }

  /** An index on the elements of the array at a path, see {@link ArrayIndex}. */
  static arrayIndex(path: string, ...items: ValueIndexItem[]): ArrayIndex {
    return new ArrayIndex(path, ...items);
  }
}
