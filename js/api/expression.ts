/**
 * Expressions, used for index items. They only produce JSON query expressions; queries are SQL++
 * text. Base and subclasses share a file, because each needs the other. Source: api §8.2.
 */

import type { Collation } from './collation';
import {
  BinaryOpType,
  CompoundExpressionOpType,
  UnaryExpressionOpType,
} from './expression-op-types';

/** Something that a JSON query expression can be made of. */
export abstract class Expression {
  abstract asJSON(): any;

  static value(value: any): Expression {
    return new ValueExpression(value);
  }

  static string(value: string): Expression {
    return new ValueExpression(value);
  }

  static number(value: number): Expression {
    return new ValueExpression(value);
  }

  static intValue(value: number): Expression {
    return new ValueExpression(value);
  }

  static longValue(value: number): Expression {
    return new ValueExpression(value);
  }

  static floatValue(value: number): Expression {
    return new ValueExpression(value);
  }

  static doubleValue(value: number): Expression {
    return new ValueExpression(value);
  }

  static booleanValue(value: boolean): Expression {
    return new ValueExpression(value);
  }

  /** The date's ISO 8601 text. */
  static date(value: Date): Expression {
    return new ValueExpression(value);
  }

  /** All properties. */
  static all(): PropertyExpression {
    return new PropertyExpression('*');
  }

  static property(path: string): PropertyExpression {
    return new PropertyExpression(path);
  }

  static parameter(name: string): ParameterExpression {
    return new ParameterExpression(name);
  }

  static negated(expression: Expression): Expression {
    return new CompoundExpression([expression], CompoundExpressionOpType.Not);
  }

  static not(expression: Expression): Expression {
    return Expression.negated(expression);
  }

  add(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.Add);
  }

  subtract(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.Subtract);
  }

  multiply(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.Multiply);
  }

  divide(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.Divide);
  }

  modulo(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.Modulus);
  }

  lessThan(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.LessThan);
  }

  lessThanOrEqualTo(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.LessThanOrEqualTo);
  }

  greaterThan(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.GreaterThan);
  }

  greaterThanOrEqualTo(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.GreaterThanOrEqualTo);
  }

  equalTo(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.EqualTo);
  }

  notEqualTo(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.NotEqualTo);
  }

  is(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.Is);
  }

  isNot(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.IsNot);
  }

  like(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.Like);
  }

  regex(expression: Expression): Expression {
    return new BinaryExpression(this, expression, BinaryOpType.RegexLike);
  }

  and(expression: Expression): Expression {
    return new CompoundExpression([this, expression], CompoundExpressionOpType.And);
  }

  or(expression: Expression): Expression {
    return new CompoundExpression([this, expression], CompoundExpressionOpType.Or);
  }

  /** True from `from` to `to`, both included. */
  between(from: Expression, to: Expression): Expression {
    return new BinaryExpression(this, new AggregateExpression([from, to]), BinaryOpType.Between);
  }

  in(...expressions: Expression[]): Expression {
    return new BinaryExpression(this, new AggregateExpression(expressions), BinaryOpType.In);
  }

  collate(collation: Collation): Expression {
    return new CollationExpression(this, collation);
  }

  isNullOrMissing(): Expression {
    return new UnaryExpression(this, UnaryExpressionOpType.Null).or(
      new UnaryExpression(this, UnaryExpressionOpType.Missing),
    );
  }

  notNullOrMissing(): Expression {
    return Expression.negated(this.isNullOrMissing());
  }
}

/** A literal. */
export class ValueExpression extends Expression {
  constructor(private readonly value: any) {
    super();
  }

  /** The value itself; a date as ISO 8601 text. */
  asJSON(): any {
    return isDate(this.value) ? this.value.toISOString() : this.value;
  }
}

/** A property of the document. */
export class PropertyExpression extends Expression {
  static readonly kCBLAllPropertiesName: string = '';

  constructor(
    private readonly keyPath: string,
    private readonly fromAlias: string = '',
    private columnName: string = '',
  ) {
    super();
  }

  /** All properties of the source `alias`. */
  static allFrom(alias: string): PropertyExpression {
    return new PropertyExpression(PropertyExpression.kCBLAllPropertiesName, alias);
  }

  /** The same property of the source `alias`. */
  from(alias: string): PropertyExpression {
    return new PropertyExpression(this.keyPath, alias);
  }

  /** Last component of the path, unless given. */
  getColumnName(): string {
    if (!this.columnName) {
      this.columnName = lastComponent(this.keyPath);
    }
    return this.columnName;
  }

  asJSON(): any {
    return [propertyName(this.keyPath, this.fromAlias)];
  }
}

/** A query parameter. */
export class ParameterExpression extends Expression {
  constructor(private readonly name: string) {
    super();
  }

  asJSON(): any {
    return [`$${this.name}`];
  }
}

/** A list of expressions. */
export class AggregateExpression extends Expression {
  constructor(private readonly expressions: Expression[]) {
    super();
  }

  getExpressions(): Expression[] {
    return this.expressions;
  }

  asJSON(): any {
    return ['[]', ...this.expressions.map((expression) => expression.asJSON())];
  }
}

const BINARY_OPERATORS: { [type in BinaryOpType]: string } = {
  [BinaryOpType.Add]: '+',
  [BinaryOpType.Between]: 'BETWEEN',
  [BinaryOpType.Divide]: '/',
  [BinaryOpType.EqualTo]: '=',
  [BinaryOpType.GreaterThan]: '>',
  [BinaryOpType.GreaterThanOrEqualTo]: '>=',
  [BinaryOpType.In]: 'IN',
  [BinaryOpType.Is]: 'IS',
  [BinaryOpType.IsNot]: 'IS NOT',
  [BinaryOpType.LessThan]: '<',
  [BinaryOpType.LessThanOrEqualTo]: '<=',
  [BinaryOpType.Like]: 'LIKE',
  [BinaryOpType.Modulus]: '%',
  [BinaryOpType.Multiply]: '*',
  [BinaryOpType.NotEqualTo]: '!=',
  [BinaryOpType.Subtract]: '-',
  [BinaryOpType.RegexLike]: 'regexp_like()',
};

/** An operator between two operands. */
export class BinaryExpression extends Expression {
  static readonly OpType = BinaryOpType;

  constructor(
    private readonly lhs: Expression,
    private readonly rhs: Expression,
    private readonly type: BinaryOpType,
  ) {
    super();
  }

  asJSON(): any {
    const operator = BINARY_OPERATORS[this.type];
    if (this.type === BinaryOpType.Between && this.rhs instanceof AggregateExpression) {
      const bounds = this.rhs.getExpressions().map((bound) => bound.asJSON());
      return [operator, this.lhs.asJSON(), ...bounds];
    }
    return [operator, this.lhs.asJSON(), this.rhs.asJSON()];
  }
}

/** Conditions joined by AND or OR, or one negated. */
export class CompoundExpression extends Expression {
  static readonly OpType = CompoundExpressionOpType;

  constructor(
    private readonly subexpressions: Expression[],
    private readonly type: CompoundExpressionOpType,
  ) {
    super();
  }

  asJSON(): any {
    const operator = CompoundExpressionOpType[this.type].toUpperCase();
    return [operator, ...this.subexpressions.map((expression) => expression.asJSON())];
  }
}

/** A test for null or missing. */
export class UnaryExpression extends Expression {
  static readonly OpType = UnaryExpressionOpType;

  constructor(
    private readonly operand: Expression,
    private readonly type: UnaryExpressionOpType,
  ) {
    super();
    if (operand === null || operand === undefined) {
      throw new Error('operand is null.');
    }
  }

  asJSON(): any {
    const operand = this.operand.asJSON();
    switch (this.type) {
      case UnaryExpressionOpType.Missing:
        return ['IS', operand, ['MISSING']];
      case UnaryExpressionOpType.NotMissing:
        return ['IS NOT', operand, ['MISSING']];
      case UnaryExpressionOpType.NotNull:
        return ['IS NOT', operand, null];
      default:
        return ['IS', operand, null];
    }
  }
}

/** An operand compared by a collation. */
export class CollationExpression extends Expression {
  constructor(
    private readonly operand: Expression,
    private readonly collation: Collation,
  ) {
    super();
  }

  asJSON(): any {
    return ['COLLATE', this.collation.asJSON(), this.operand.asJSON()];
  }
}

/** A function call. */
export class FunctionExpression extends Expression {
  constructor(
    private readonly func: string,
    private readonly params: Expression[],
  ) {
    super();
  }

  asJSON(): any {
    return [this.func, ...this.params.map((param) => param.asJSON())];
  }
}

/** A variable of ANY and EVERY. */
export class VariableExpression extends Expression {
  constructor(private readonly name: string) {
    super();
  }

  getName(): string {
    return this.name;
  }

  asJSON(): any {
    return [`?${this.name}`];
  }
}

/** A document's metadata: id, sequence, deleted flag, expiration. */
export class MetaExpression extends Expression {
  constructor(
    private readonly keyPath: string,
    private readonly columnName?: string | null,
    private readonly fromAlias?: string | null,
  ) {
    super();
  }

  from(alias: string): MetaExpression {
    return new MetaExpression(this.keyPath, null, alias);
  }

  getColumnName(): string {
    return this.columnName ? this.columnName : lastComponent(this.keyPath);
  }

  asJSON(): any {
    return [propertyName(this.keyPath, this.fromAlias)];
  }
}

function propertyName(keyPath: string, alias: string | null | undefined): string {
  return alias ? `.${alias}.${keyPath}` : `.${keyPath}`;
}

function lastComponent(keyPath: string): string {
  return keyPath.slice(keyPath.lastIndexOf('.') + 1);
}

function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]';
}
