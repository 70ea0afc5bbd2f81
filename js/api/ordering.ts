import { Expression } from './expression';

/** Order of results. The base and its one subclass share a file, because each needs the other. */
export abstract class Ordering {
  static property(path: string): SortOrder {
    return new SortOrder(Expression.property(path));
  }

  static expression(expression: Expression): SortOrder {
    return new SortOrder(expression);
  }

  abstract asJSON(): any;
}

/** Ascending, unless told otherwise. */
export class SortOrder extends Ordering {
  isAscending = true;

  constructor(private readonly expression: Expression) {
    super();
  }

  ascending(): this {
    this.isAscending = true;
    return this;
  }

  descending(): this {
    this.isAscending = false;
    return this;
  }

  asJSON(): any {
    const json = this.expression.asJSON();
    return this.isAscending ? json : ['DESC', json];
  }
}
