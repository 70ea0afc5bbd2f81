import { AbstractIndex } from './abstract-index';
import { IndexType } from './index-type';
import { itemsAsJson, type ValueIndexItem } from './value-index';

/**
 * An index on the elements of an array, for queries that `UNNEST` it. An addition to cblite-js.
 *
 * The path names the array: `tags`, `shipping.parcels`, `contacts[].phones` for arrays inside the elements
 * of another. Items are expressions about an element, such as
 * a property of it; without any it is the element itself that is indexed.
 *
 * @example
 * await collection.createIndex('byTag', IndexBuilder.arrayIndex('tags'));
 * const tagged = "SELECT d.name FROM shop.items AS d UNNEST d.tags AS t WHERE t = 'new'";
 *
 * const city = IndexBuilder.arrayIndex('contacts', ValueIndexItem.property('city'));
 * await collection.createIndex('byCity', city);
 * const inOslo = "SELECT d.name FROM people AS d UNNEST d.contacts AS c WHERE c.city = 'Oslo'";
 */
export class ArrayIndex extends AbstractIndex {
  private readonly indexItems: ValueIndexItem[];

  constructor(
    private readonly arrayPath: string,
    ...items: ValueIndexItem[]
  ) {
    super();
    this.indexItems = items;
  }

  /** `Value`: the enum is that of cblite-js, which has no array indexes. */
  type(): IndexType {
    return IndexType.Value;
  }

  language(): string {
    return null as unknown as string;
  }

  ignoreAccents(): boolean {
    return false;
  }

  /** Where the array is. */
  path(): string {
    return this.arrayPath;
  }

  items(): any[] {
    return itemsAsJson(this.indexItems);
  }

  toJson(): any {
    return { type: 'array', path: this.path(), items: this.items() };
  }
}
