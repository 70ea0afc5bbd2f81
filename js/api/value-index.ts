import { Expression } from './expression';
import { ExpressionIndex } from './expression-index';

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

/** An index on property values and expressions. */
export class ValueIndex extends ExpressionIndex {
  constructor(...items: ValueIndexItem[]) {
    super(items);
  }

  toJson(): any {
    return { type: 'value', items: this.items() };
  }
}
