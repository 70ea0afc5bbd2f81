//! Type tests and conversions (query spec §7.5).

use crate::query::value::{ArrayBuilder, Container, Value};

use super::{EvalContext, EvalError, strings::absent};

type Answer<'a> = Result<Value<'a>, EvalError>;

pub(super) fn type_of<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(absent(args).unwrap_or_else(|| args[0].type_name().map_or(Value::Null, Value::str)))
}

fn test<'a>(args: &[Value<'a>], wanted: impl Fn(&Value<'a>) -> bool) -> Answer<'a> {
    Ok(absent(args).unwrap_or_else(|| Value::Boolean(wanted(&args[0]))))
}

pub(super) fn is_array<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    test(args, |value| matches!(value, Value::Array(_)))
}

pub(super) fn is_atom<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    test(args, is_atomic)
}

pub(super) fn is_boolean<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    test(args, |value| matches!(value, Value::Boolean(_)))
}

pub(super) fn is_number<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    test(args, |value| {
        matches!(value, Value::Integer(_) | Value::Double(_))
    })
}

pub(super) fn is_object<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    test(args, |value| matches!(value, Value::Object(_)))
}

pub(super) fn is_string<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    test(args, |value| matches!(value, Value::String(_)))
}

/// Boolean, number or string.
fn is_atomic(value: &Value<'_>) -> bool {
    !matches!(
        value,
        Value::Missing | Value::Null | Value::Array(_) | Value::Object(_)
    )
}

pub(super) fn to_array<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match &args[0] {
        Value::Missing | Value::Null | Value::Array(_) => args[0].clone(),
        value => {
            let mut array = ArrayBuilder::new();
            array.push(value);
            Value::Array(array.finish())
        }
    })
}

pub(super) fn to_object<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match &args[0] {
        Value::Missing | Value::Null | Value::Object(_) => args[0].clone(),
        _ => Value::Object(Container::empty_object()),
    })
}

/// Atoms themselves; the only element or member of a container as it is.
pub(super) fn to_atom<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let only = match &args[0] {
        Value::Array(array) if array.len() == 1 => array.elements().next(),
        Value::Object(object) if object.member_count() == 1 => {
            object.members().next().map(|(_, value)| value)
        }
        Value::Array(_) | Value::Object(_) => None,
        other => return Ok(other.clone()),
    };
    Ok(only.map_or(Value::Null, Value::into_owned))
}

pub(super) fn to_boolean<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match &args[0] {
        Value::Missing | Value::Null => args[0].clone(),
        Value::String(text) => Value::Boolean(!text.is_empty()),
        Value::Array(container) | Value::Object(container) => Value::Boolean(!container.is_empty()),
        value => Value::Boolean(value.truth().unwrap_or(false)),
    })
}

pub(super) fn to_number<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match &args[0] {
        Value::Missing => Value::Missing,
        value if is_atomic(value) => value.to_number().map_or(Value::Null, Value::from),
        _ => Value::Null,
    })
}

pub(super) fn to_string<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match &args[0] {
        Value::Missing | Value::String(_) => args[0].clone(),
        value if is_atomic(value) => match value.to_text() {
            Ok(Some(text)) => Value::string(text.into_owned()),
            _ => return Err(EvalError::Damaged),
        },
        _ => Value::Null,
    })
}
