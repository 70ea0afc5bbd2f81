//! Functions of arrays (query spec §7.4).

use crate::query::value::{Container, Number, Value};

use super::{EvalContext, EvalError};

type Answer<'a> = Result<Value<'a>, EvalError>;

pub(super) fn array_length<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let length = array(&args[0]).map_or(0, Container::len);
    Ok(Value::Integer(length as i64))
}

/// ARRAY_COUNT of what is not a property path: 0 for all but arrays.
pub(super) fn array_count<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Integer(array(&args[0]).map_or(0, count_valued)))
}

/// ARRAY_COUNT of a property path: elements that are not null, members of an object, MISSING for
/// everything else.
pub fn count_of_path(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Array(array) => Value::Integer(count_valued(array)),
        Value::Object(object) => Value::Integer(object.member_count() as i64),
        _ => Value::Missing,
    }
}

fn count_valued(array: &Container<'_>) -> i64 {
    array
        .elements()
        .filter(|element| !element.is_null())
        .count() as i64
}

pub(super) fn array_sum<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    // `sum` of nothing would be -0.
    Ok(finite(
        numbers(&args[0]).fold(0.0, |sum, number| sum + number),
    ))
}

pub(super) fn array_avg<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let (count, sum) = numbers(&args[0]).fold((0_u64, 0.0), |(count, sum), number| {
        (count + 1, sum + number)
    });
    Ok(if count == 0 {
        Value::Double(0.0)
    } else {
        finite(sum / count as f64)
    })
}

pub(super) fn array_max<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(numbers(&args[0])
        .reduce(f64::max)
        .map_or(Value::Null, finite))
}

pub(super) fn array_min<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(numbers(&args[0])
        .reduce(f64::min)
        .map_or(Value::Null, finite))
}

fn finite<'a>(value: f64) -> Value<'a> {
    if value.is_finite() {
        Value::Double(value)
    } else {
        Value::Null
    }
}

/// Elements as doubles, 0 for what is neither number nor boolean; none of a non-array.
fn numbers<'v>(value: &'v Value<'_>) -> impl Iterator<Item = f64> + 'v {
    array(value)
        .into_iter()
        .flat_map(Container::elements)
        .map(|element| element.as_number().map_or(0.0, Number::to_f64))
}

fn array<'v, 'a>(value: &'v Value<'a>) -> Option<&'v Container<'a>> {
    match value {
        Value::Array(array) => Some(array),
        _ => None,
    }
}

pub(super) fn array_contains_function<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(array_contains(&args[0], &args[1]))
}

/// ARRAY_CONTAINS, and `x IN array`: MISSING when either is, null when the first is no array or
/// the second is null, else whether an element equals it.
pub fn array_contains(array: &Value<'_>, wanted: &Value<'_>) -> Value<'static> {
    match (array, wanted) {
        (Value::Missing, _) | (_, Value::Missing) => Value::Missing,
        (_, Value::Null) => Value::Null,
        (Value::Array(array), _) => {
            Value::Boolean(array.elements().any(|element| element.equals(wanted)))
        }
        _ => Value::Null,
    }
}

pub(super) fn array_ifnull<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let first = array(&args[0]).and_then(|array| array.elements().find(|e| !e.is_null()));
    Ok(first.map_or(Value::Null, Value::into_owned))
}
