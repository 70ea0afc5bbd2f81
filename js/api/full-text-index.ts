import { AbstractIndex } from './abstract-index';
import { Expression } from './expression';
import { IndexType } from './index-type';

/** One property whose text is indexed. */
export class FullTextIndexItem {
  private constructor(public expression: Expression) {}

  static property(path: string): FullTextIndexItem {
    return new FullTextIndexItem(Expression.property(path));
  }
}

/** An index on the words of texts. English with accents, unless told otherwise. */
export class FullTextIndex extends AbstractIndex {
  private readonly indexItems: FullTextIndexItem[];
  private indexLanguage: string;
  private indexIgnoreAccents: boolean;

  constructor(...items: FullTextIndexItem[]) {
    super();
    this.indexItems = items;
    this.indexLanguage = 'en';
    this.indexIgnoreAccents = false;
  }

  /** ISO 639 code such as `en` or `fr`. */
  setLanguage(language: string): this {
    this.indexLanguage = language;
    return this;
  }

  setIgnoreAccents(ignoreAccents: boolean): this {
    this.indexIgnoreAccents = ignoreAccents;
    return this;
  }

  type(): IndexType {
    return IndexType.FullText;
  }

  language(): string {
    return this.indexLanguage;
  }

  ignoreAccents(): boolean {
    return this.indexIgnoreAccents;
  }

  items(): any[] {
    return this.indexItems.map((item) => item.expression.asJSON());
  }

  toJson(): any {
    return {
      type: 'full-text',
      language: this.language(),
      ignoreAccents: this.ignoreAccents(),
      items: this.items(),
    };
  }
}
