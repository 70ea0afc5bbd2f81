import {
  AggregateExpression,
  BinaryExpression,
  BinaryOpType,
  Collation,
  CollationASCII,
  CollationExpression,
  CollationUnicode,
  CompoundExpression,
  CompoundExpressionOpType,
  Expression,
  FullTextExpression,
  FullTextMatchExpression,
  FunctionExpression,
  Meta,
  MetaExpression,
  Ordering,
  ParameterExpression,
  PropertyExpression,
  SortOrder,
  UnaryExpression,
  UnaryExpressionOpType,
  ValueExpression,
  VariableExpression,
} from 'settee';

const a = Expression.property('a');
const b = Expression.property('b');
const A = ['.a'];
const B = ['.b'];

describe('Expression', () => {
  it.each([
    ['value', Expression.value({ x: 1 }), { x: 1 }],
    ['value of a date', Expression.value(new Date(0)), '1970-01-01T00:00:00.000Z'],
    ['string', Expression.string('s'), 's'],
    ['number', Expression.number(1), 1],
    ['intValue', Expression.intValue(1), 1],
    ['longValue', Expression.longValue(1), 1],
    ['floatValue', Expression.floatValue(1.5), 1.5],
    ['doubleValue', Expression.doubleValue(1.5), 1.5],
    ['booleanValue', Expression.booleanValue(true), true],
    ['date', Expression.date(new Date(0)), '1970-01-01T00:00:00.000Z'],
    ['all', Expression.all(), ['.*']],
    ['property', Expression.property('a.b'), ['.a.b']],
    ['parameter', Expression.parameter('p'), ['$p']],
    ['negated', Expression.negated(a), ['NOT', A]],
    ['not', Expression.not(a), ['NOT', A]],
    ['add', a.add(b), ['+', A, B]],
    ['subtract', a.subtract(b), ['-', A, B]],
    ['multiply', a.multiply(b), ['*', A, B]],
    ['divide', a.divide(b), ['/', A, B]],
    ['modulo', a.modulo(b), ['%', A, B]],
    ['lessThan', a.lessThan(b), ['<', A, B]],
    ['lessThanOrEqualTo', a.lessThanOrEqualTo(b), ['<=', A, B]],
    ['greaterThan', a.greaterThan(b), ['>', A, B]],
    ['greaterThanOrEqualTo', a.greaterThanOrEqualTo(b), ['>=', A, B]],
    ['equalTo', a.equalTo(b), ['=', A, B]],
    ['notEqualTo', a.notEqualTo(b), ['!=', A, B]],
    ['is', a.is(b), ['IS', A, B]],
    ['isNot', a.isNot(b), ['IS NOT', A, B]],
    ['like', a.like(b), ['LIKE', A, B]],
    ['regex', a.regex(b), ['regexp_like()', A, B]],
    ['and', a.and(b), ['AND', A, B]],
    ['or', a.or(b), ['OR', A, B]],
    ['between', a.between(b, Expression.number(2)), ['BETWEEN', A, B, 2]],
    ['in', a.in(b, Expression.number(2)), ['IN', A, ['[]', B, 2]]],
    [
      'collate',
      a.collate(Collation.ascii().ignoreCase(true)),
      ['COLLATE', { UNICODE: false, LOCALE: null, CASE: false, DIAC: true }, A],
    ],
    ['isNullOrMissing', a.isNullOrMissing(), ['OR', ['IS', A, null], ['IS', A, ['MISSING']]]],
    [
      'notNullOrMissing',
      a.notNullOrMissing(),
      ['NOT', ['OR', ['IS', A, null], ['IS', A, ['MISSING']]]],
    ],
  ])('%s', (_name, expression, json) => {
    expect(expression).toBeInstanceOf(Expression);
    expect(expression.asJSON()).toEqual(json);
  });
});

describe('the expression classes', () => {
  it('PropertyExpression knows a source and a column', () => {
    const property = new PropertyExpression('x.y');
    expect(property.getColumnName()).toBe('y');
    expect(property.from('t').asJSON()).toEqual(['.t.x.y']);
    expect(PropertyExpression.allFrom('t').asJSON()).toEqual(['.t.']);
    expect(PropertyExpression.kCBLAllPropertiesName).toBe('');
    expect(new PropertyExpression('x', 't', 'col').getColumnName()).toBe('col');
  });

  it('values, parameters, lists, functions and variables', () => {
    expect(new ValueExpression(null).asJSON()).toBeNull();
    expect(new ParameterExpression('p').asJSON()).toEqual(['$p']);
    const list = new AggregateExpression([a, b]);
    expect(list.getExpressions()).toEqual([a, b]);
    expect(list.asJSON()).toEqual(['[]', A, B]);
    expect(new FunctionExpression('UPPER()', [a]).asJSON()).toEqual(['UPPER()', A]);
    const variable = new VariableExpression('v');
    expect(variable.getName()).toBe('v');
    expect(variable.asJSON()).toEqual(['?v']);
  });

  it('operators carry their enum', () => {
    expect(BinaryExpression.OpType).toBe(BinaryOpType);
    expect(CompoundExpression.OpType).toBe(CompoundExpressionOpType);
    expect(UnaryExpression.OpType).toBe(UnaryExpressionOpType);
  });

  it.each([
    [UnaryExpressionOpType.Missing, ['IS', A, ['MISSING']]],
    [UnaryExpressionOpType.NotMissing, ['IS NOT', A, ['MISSING']]],
    [UnaryExpressionOpType.Null, ['IS', A, null]],
    [UnaryExpressionOpType.NotNull, ['IS NOT', A, null]],
  ])('UnaryExpression %s', (type, json) => {
    expect(new UnaryExpression(a, type).asJSON()).toEqual(json);
  });

  it('UnaryExpression needs an operand', () => {
    expect(() => new UnaryExpression(null as any, 0)).toThrow('operand is null.');
  });

  it('Meta', () => {
    expect(Meta.id).toBeInstanceOf(MetaExpression);
    expect(Meta.id.asJSON()).toEqual(['._id']);
    expect(Meta.id.getColumnName()).toBe('id');
    expect(Meta.id.from('t').asJSON()).toEqual(['.t._id']);
    expect(Meta.id.from('t').getColumnName()).toBe('_id');
    expect(Meta.sequence.asJSON()).toEqual(['._sequence']);
    expect(Meta.deleted.getColumnName()).toBe('deleted');
    expect(Meta.expiration.getColumnName()).toBe('expiration');
  });

  it('FullTextExpression', () => {
    const match = FullTextExpression.index('i').match('cat*');
    expect(match).toBeInstanceOf(FullTextMatchExpression);
    expect(match.asJSON()).toEqual(['MATCH()', 'i', 'cat*']);
  });

  it('Ordering', () => {
    const order = Ordering.property('a');
    expect(order).toBeInstanceOf(SortOrder);
    expect(order.isAscending).toBe(true);
    expect(order.asJSON()).toEqual(A);
    expect(order.descending()).toBe(order);
    expect(order.asJSON()).toEqual(['DESC', A]);
    expect(order.ascending().asJSON()).toEqual(A);
    expect(Ordering.expression(a).asJSON()).toEqual(A);
  });

  it('Collation', () => {
    const unicode = Collation.unicode();
    expect(unicode).toBeInstanceOf(CollationUnicode);
    expect(unicode).toBeInstanceOf(Collation);
    expect(unicode.asJSON()).toEqual({ UNICODE: true, LOCALE: null, CASE: true, DIAC: true });
    expect(unicode.ignoreCase(true).ignoreAccents(true).locale('fr')).toBe(unicode);
    expect(unicode.asJSON()).toEqual({ UNICODE: true, LOCALE: 'fr', CASE: false, DIAC: false });
    expect(String(unicode)).toBe(
      "Collation{unicode=true, ignoreCase=true, ignoreAccents=true, locale='fr'}",
    );
    expect(Collation.ascii()).toBeInstanceOf(CollationASCII);
    expect(new CollationExpression(a, Collation.ascii()).asJSON()[0]).toBe('COLLATE');
  });
});
