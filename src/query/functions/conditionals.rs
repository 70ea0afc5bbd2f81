//! Conditional functions (query spec §7.6).

use crate::query::value::Value;

use super::{EvalContext, EvalError, strings::absent};

type Answer<'a> = Result<Value<'a>, EvalError>;

pub(super) fn if_missing<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(first(args, |value| !value.is_missing()).unwrap_or(Value::Missing))
}

/// The first that is not null; MISSING qualifies.
pub(super) fn if_null<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(first(args, |value| !value.is_null()).unwrap_or(Value::Null))
}

pub(super) fn if_missing_or_null<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let valued = first(args, |value| !value.is_missing() && !value.is_null());
    Ok(valued.unwrap_or(Value::Null))
}

fn first<'a>(args: &[Value<'a>], wanted: impl Fn(&Value<'a>) -> bool) -> Option<Value<'a>> {
    args.iter().find(|value| wanted(value)).cloned()
}

pub(super) fn missing_if<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(unless_equal(args, Value::Missing))
}

pub(super) fn null_if<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(unless_equal(args, Value::Null))
}

fn unless_equal<'a>(args: &[Value<'a>], when_equal: Value<'a>) -> Value<'a> {
    if let Some(absent) = absent(args) {
        absent
    } else if args[0].equals(&args[1]) {
        when_equal
    } else {
        args[0].clone()
    }
}
