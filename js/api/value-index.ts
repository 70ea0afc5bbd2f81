import { AbstractIndex } from './abstract-index';
import { Expression } from './expression';
import { IndexType } from './index-type';

/** One indexed expression. */
export class ValueIndexItem {
  constructor(public expr: Expression) {}

  static property(path: string): ValueIndexItem {
    return new ValueIndexItem(Expression.property(path));
  }

  static expression(expr: Expression): ValueIndexItem {
    return new ValueIndexItem(expr);
  }
}

/** JSON form of each item. */
export function itemsAsJson(items: ValueIndexItem[]): any[] {
  return items.map((item) => item.expr.asJSON());
}

/** An index on property values and expressions. */
export class ValueIndex extends AbstractIndex {
  private readonly indexItems: ValueIndexItem[];

  constructor(...items: ValueIndexItem[]) {
    super();
    this.indexItems = items;
  }

  type(): IndexType {
    return IndexType.Value;
  }

  language(): string {
    return null as unknown as string;
  }

  ignoreAccents(): boolean {
    return false;
  }

  items(): any[] {
    return itemsAsJson(this.indexItems);
  }

  toJson(): any {
    return { type: 'value', items: this.items() };
  }
}
