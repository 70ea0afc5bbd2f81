import {
  AbstractIndex,
  Expression,
  FullTextIndex,
  FullTextIndexItem,
  IndexBuilder,
  IndexType,
  ValueIndex,
  ValueIndexItem,
} from 'settee';

describe('ValueIndex', () => {
  it('holds expressions', () => {
    const index = IndexBuilder.valueIndex(
      ValueIndexItem.property('name'),
      ValueIndexItem.expression(Expression.property('a.b').add(Expression.number(1))),
      new ValueIndexItem(Expression.property('c')),
    );
    expect(index).toBeInstanceOf(ValueIndex);
    expect(index).toBeInstanceOf(AbstractIndex);
    expect(index.type()).toBe(IndexType.Value);
    expect(index.language()).toBeNull();
    expect(index.ignoreAccents()).toBe(false);
    expect(index.items()).toEqual([['.name'], ['+', ['.a.b'], 1], ['.c']]);
    expect(index.toJson()).toEqual({ type: 'value', items: index.items() });
  });
});

describe('FullTextIndex', () => {
  it('is English with accents unless told otherwise', () => {
    const index = IndexBuilder.fullTextIndex(FullTextIndexItem.property('text'));
    expect(index).toBeInstanceOf(FullTextIndex);
    expect(index.type()).toBe(IndexType.FullText);
    expect(index.toJson()).toEqual({
      type: 'full-text',
      language: 'en',
      ignoreAccents: false,
      items: [['.text']],
    });
    expect(index.setLanguage('fr').setIgnoreAccents(true)).toBe(index);
    expect(index.language()).toBe('fr');
    expect(index.ignoreAccents()).toBe(true);
  });

  it('has items with a public expression', () => {
    expect(FullTextIndexItem.property('a').expression.asJSON()).toEqual(['.a']);
    expect(ValueIndexItem.property('a').expr.asJSON()).toEqual(['.a']);
  });
});
