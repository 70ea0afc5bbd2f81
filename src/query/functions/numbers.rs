//! Functions of numbers (query spec §7.3).
//!
//! One rule for all: MISSING gives MISSING, null gives null, another type than number or boolean
//! gives null, and so does a result that is not finite.

use std::cmp::Ordering;
use std::f64::consts;

use crate::query::value::{Number, Value};

use super::{EvalContext, EvalError, strings::absent};

type Answer<'a> = Result<Value<'a>, EvalError>;

fn finite<'a>(value: f64) -> Value<'a> {
    if value.is_finite() {
        Value::Double(value)
    } else {
        Value::Null
    }
}

fn unary<'a>(args: &[Value<'a>], function: impl Fn(f64) -> f64) -> Answer<'a> {
    Ok(match args[0].as_number() {
        Some(number) => finite(function(number.to_f64())),
        None => absent(args).unwrap_or(Value::Null),
    })
}

fn binary<'a>(args: &[Value<'a>], function: impl Fn(f64, f64) -> f64) -> Answer<'a> {
    Ok(match (args[0].as_number(), args[1].as_number()) {
        (Some(a), Some(b)) => finite(function(a.to_f64(), b.to_f64())),
        _ => absent(args).unwrap_or(Value::Null),
    })
}

macro_rules! unary_functions {
    ($($name:ident => $function:expr;)*) => {$(
        pub(super) fn $name<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
            unary(args, $function)
        }
    )*};
}

unary_functions! {
    abs => f64::abs;
    acos => f64::acos;
    asin => f64::asin;
    atan => f64::atan;
    ceil => f64::ceil;
    cos => f64::cos;
    degrees => |x| x * 180.0 / consts::PI;
    exp => f64::exp;
    floor => f64::floor;
    ln => f64::ln;
    log => f64::log10;
    radians => |x| x * consts::PI / 180.0;
    sin => f64::sin;
    sqrt => f64::sqrt;
    tan => f64::tan;
}

pub(super) fn atan2<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    binary(args, f64::atan2)
}

pub(super) fn power<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    binary(args, f64::powf)
}

/// By zero null, since the quotient is not finite.
pub(super) fn div<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    binary(args, |a, b| a / b)
}

/// Both cut to integers first; by zero null.
pub(super) fn idiv<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let (Some(a), Some(b)) = (args[0].as_number(), args[1].as_number()) else {
        return Ok(absent(args).unwrap_or(Value::Null));
    };
    let (a, b) = (a.to_i64(), b.to_i64());
    Ok(if b == 0 {
        Value::Null
    } else {
        // Only i64::MIN / -1 overflows.
        a.checked_div(b)
            .map_or(Value::Double(-(a as f64)), Value::Integer)
    })
}

pub(super) fn e<'a>(_: &mut EvalContext, _: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Double(consts::E))
}

pub(super) fn pi<'a>(_: &mut EvalContext, _: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Double(consts::PI))
}

pub(super) fn sign<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match args[0].as_number() {
        Some(number) => Value::Integer(match number.compare(Number::Integer(0)) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }),
        None => absent(args).unwrap_or(Value::Null),
    })
}

/// Half away from zero.
pub(super) fn round<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    scaled(args, f64::round)
}

pub(super) fn round_even<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    scaled(args, f64::round_ties_even)
}

pub(super) fn trunc<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    scaled(args, f64::trunc)
}

/// Rounds at the decimals that the second argument names: `f(x·10^d)/10^d` in doubles.
fn scaled<'a>(args: &[Value<'a>], function: impl Fn(f64) -> f64) -> Answer<'a> {
    let Some(number) = args[0].as_number() else {
        return Ok(absent(args).unwrap_or(Value::Null));
    };
    let digits = match args.get(1) {
        None => 0,
        Some(digits) => match digits.as_number() {
            Some(digits) => digits.to_i64(),
            None => return Ok(absent(args).unwrap_or(Value::Null)),
        },
    };
    let value = number.to_f64();
    if digits == 0 {
        return Ok(finite(function(value)));
    }
    // Beyond this every double is exact, or zero.
    let scale = 10_f64.powi(digits.clamp(-400, 400) as i32);
    let shifted = value * scale;
    Ok(if digits > 0 && !shifted.is_finite() {
        finite(value)
    } else if scale == 0.0 {
        Value::Double(0.0)
    } else {
        finite(function(shifted) / scale)
    })
}

pub(super) fn greatest<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(extreme(args, Ordering::Greater))
}

pub(super) fn least<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(extreme(args, Ordering::Less))
}

/// The first of the values that lie furthest in this direction; MISSING if one is.
fn extreme<'a>(args: &[Value<'a>], direction: Ordering) -> Value<'a> {
    if args.iter().any(Value::is_missing) {
        return Value::Missing;
    }
    args.iter()
        .reduce(|best, value| {
            if value.compare(best) == direction {
                value
            } else {
                best
            }
        })
        .cloned()
        .unwrap_or(Value::Missing)
}
