import { AbstractIndex } from './abstract-index';
import type { Expression } from './expression';
import { IndexType } from './index-type';

/** What indexes on expressions have in common. */
export abstract class ExpressionIndex extends AbstractIndex {
  private readonly indexItems: { expr: Expression }[];

  protected constructor(items: { expr: Expression }[]) {
    super();
    this.indexItems = items;
  }

  /** `Value` for array indexes too: the enum is that of cblite-js, which has none of them. */
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
    return this.indexItems.map((item) => item.expr.asJSON());
  }
}
