/** Operators with two operands; the numbers are the reference's. */
export enum BinaryOpType {
  Add,
  Between,
  Divide,
  EqualTo,
  GreaterThan,
  GreaterThanOrEqualTo,
  In,
  Is,
  IsNot,
  LessThan,
  LessThanOrEqualTo,
  Like,
  Modulus,
  Multiply,
  NotEqualTo,
  Subtract,
  RegexLike,
}

/** Operators over any number of conditions. */
export enum CompoundExpressionOpType {
  And,
  Or,
  Not,
}

/** Tests of one operand. */
export enum UnaryExpressionOpType {
  Missing,
  NotMissing,
  NotNull,
  Null,
}
