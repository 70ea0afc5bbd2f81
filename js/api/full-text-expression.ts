import { Expression } from './expression';

/** A full-text index that can be searched. */
export class FullTextExpression {
  private constructor(private readonly name: string) {}

  static index(name: string): FullTextExpression {
    return new FullTextExpression(name);
  }

  match(text: string): FullTextMatchExpression {
    return new FullTextMatchExpression(this.name, text);
  }
}

/** A search of a full-text index. */
export class FullTextMatchExpression extends Expression {
  constructor(
    private readonly indexName: string,
    private readonly text: string,
  ) {
    super();
  }

  asJSON(): any {
    return ['MATCH()', this.indexName, this.text];
  }
}
