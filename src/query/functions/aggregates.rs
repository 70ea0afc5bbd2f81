//! SUM, AVG and ARRAY_AGG. COUNT, MIN and MAX are SQLite's own.

use crate::query::value::{ArrayBuilder, Number, Value};

use super::{EvalError, MAX_TEXT_LEN};

/// An aggregate over the rows of a group.
pub trait Aggregate {
    /// Takes one row's value.
    ///
    /// # Errors
    /// When the result grows beyond its limit.
    fn step(&mut self, value: &Value<'_>) -> Result<(), EvalError>;

    /// The result.
    fn finish(self) -> Value<'static>;
}

/// SUM: MISSING is skipped, everything else counts by the rule of arithmetic. An integer while all
/// are integers and the sum fits 64 bits, else a double; no rows give MISSING (query spec §3.9).
#[derive(Debug, Default)]
pub struct Sum {
    rows: u64,
    /// Exact sum of the integers.
    whole: i128,
    /// Sum of the doubles, once there was one.
    fraction: Option<f64>,
}

impl Sum {
    fn total(&self) -> f64 {
        self.whole as f64 + self.fraction.unwrap_or(0.0)
    }
}

impl Aggregate for Sum {
    fn step(&mut self, value: &Value<'_>) -> Result<(), EvalError> {
        let Some(number) = value.to_number() else {
            return Ok(());
        };
        self.rows += 1;
        match number {
            // 2^64 rows would be needed to overflow.
            Number::Integer(value) => self.whole = self.whole.wrapping_add(i128::from(value)),
            Number::Double(value) => *self.fraction.get_or_insert(0.0) += value,
        }
        Ok(())
    }

    fn finish(self) -> Value<'static> {
        if self.rows == 0 {
            return Value::Missing;
        }
        match (self.fraction, i64::try_from(self.whole)) {
            (None, Ok(sum)) => Value::Integer(sum),
            _ => double(self.total()),
        }
    }
}

/// AVG: a double over the same numbers as SUM; no rows give MISSING.
#[derive(Debug, Default)]
pub struct Avg(Sum);

impl Aggregate for Avg {
    fn step(&mut self, value: &Value<'_>) -> Result<(), EvalError> {
        self.0.step(value)
    }

    fn finish(self) -> Value<'static> {
        if self.0.rows == 0 {
            return Value::Missing;
        }
        double(self.0.total() / self.0.rows as f64)
    }
}

/// What is no number, like the sum of opposite infinities, is MISSING (query spec §3.4).
fn double(value: f64) -> Value<'static> {
    if value.is_nan() {
        Value::Missing
    } else {
        Value::Double(value)
    }
}

/// ARRAY_AGG: the values of the rows in their order, without MISSING.
#[derive(Debug, Default)]
pub struct ArrayAgg(ArrayBuilder);

impl Aggregate for ArrayAgg {
    fn step(&mut self, value: &Value<'_>) -> Result<(), EvalError> {
        self.0.push(value);
        if self.0.byte_len() > MAX_TEXT_LEN {
            return Err(EvalError::TooLong);
        }
        Ok(())
    }

    fn finish(self) -> Value<'static> {
        Value::Array(self.0.finish())
    }
}
