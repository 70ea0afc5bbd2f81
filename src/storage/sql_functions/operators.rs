//! Accessors, literals and operators: what compiled queries call beside the functions of the
//! language.
//!
//! | function | answers |
//! |---|---|
//! | `sp1_value(body, 'path')` | the property, or MISSING |
//! | `sp1_root(body)` | the whole body |
//! | `sp1_path(value, 'path')` | what lies inside a value |
//! | `sp1_jsonb(body, 'path')`, `sp1_jsonb_of(value)` | JSONB for `jsonb_each` |
//! | `sp1_elem(value, type)` | the value of a row of `jsonb_each` |
//! | `sp1_bool(number)` | the boolean |
//! | `sp1_param(?)` | a bound parameter as a value |
//! | `sp1_int(value)` | an integer as it is; anything else fails the query |
//! | `sp1_result(value)` | a column of the result, see [`super::encoding`] |

use std::sync::Arc;

use rusqlite::ffi;

use super::State;
use super::accessor::{self, Element};
use super::call::{Call, Raw, Traits, register as register_one};
use super::encoding::{ARRAY, OBJECT, RESULT_FALSE, RESULT_NULL, RESULT_TRUE};
use crate::error::Result;
use crate::query::value::Value;

pub(super) fn register(connection: &rusqlite::Connection, state: &Arc<State>) -> Result<()> {
    let plain = |arguments| Traits {
        arguments,
        deterministic: true,
        sets_subtype: false,
    };
    let subtyped = |arguments| Traits {
        sets_subtype: true,
        ..plain(arguments)
    };
    let add = |name: &str, traits: Traits, function: fn(&Call<'_>, &State)| {
        register_one(connection, state, name, traits, function)
    };
    register_one(connection, state, "sp1_value", subtyped(2), value)?;
    register_one(connection, state, "sp1_result", plain(1), result)?;
    add("sp1_root", plain(1), root)?;
    add("sp1_path", subtyped(2), path)?;
    add("sp1_jsonb", plain(2), jsonb)?;
    add("sp1_jsonb_of", plain(1), jsonb_of)?;
    add("sp1_elem", subtyped(2), elem)?;
    add("sp1_bool", subtyped(1), bool)?;
    add("sp1_param", subtyped(1), param)?;
    add("sp1_int", plain(1), int)
}

/// The element at the path in the second argument inside the body in the first.
#[inline]
fn found<'a>(call: &Call<'a>) -> Option<Element<'a>> {
    let (Raw::Blob(body), Raw::Text(path)) = (call.arg(0), call.arg(1)) else {
        return None;
    };
    accessor::find(body, path)
}

#[inline]
fn value(call: &Call<'_>, _: &State) {
    if let Some(element) = found(call) {
        call.answer_element(&element);
    }
}

fn root(call: &Call<'_>, _: &State) {
    if let Raw::Blob(body) = call.arg(0)
        && let Some(element) = Element::whole(body)
    {
        call.answer_element(&element);
    }
}

fn path(call: &Call<'_>, _: &State) {
    if let (Raw::Blob([ARRAY | OBJECT, container @ ..]), Raw::Text(path)) =
        (call.arg(0), call.arg(1))
        && let Some(element) = accessor::find(container, path)
    {
        call.answer_element(&element);
    }
}

fn jsonb(call: &Call<'_>, _: &State) {
    if let Some(element) = found(call) {
        call.blob(element.whole);
    }
}

fn jsonb_of(call: &Call<'_>, _: &State) {
    match call.value(0) {
        Value::Missing => {}
        Value::Array(container) | Value::Object(container) => call.blob(container.as_bytes()),
        value => {
            let mut element = Vec::new();
            value.write_jsonb(&mut element);
            call.blob(&element);
        }
    }
}

fn elem(call: &Call<'_>, _: &State) {
    match call.arg(1) {
        Raw::Text(b"null") => call.blob(&[]),
        Raw::Text(b"true") => call.boolean(true),
        Raw::Text(b"false") => call.boolean(false),
        Raw::Text(b"array" | b"object") => {
            if let Raw::Blob(jsonb) = call.arg(0) {
                call.answer(&Value::from_stored(jsonb).unwrap_or(Value::Missing));
            }
        }
        Raw::Text(_) => call.same(0),
        _ => {}
    }
}

fn bool(call: &Call<'_>, _: &State) {
    match call.arg(0) {
        Raw::Integer(number) => call.boolean(number != 0),
        _ => call.same(0),
    }
}

fn param(call: &Call<'_>, _: &State) {
    match call.arg(0) {
        Raw::Blob([RESULT_FALSE]) => call.boolean(false),
        Raw::Blob([RESULT_TRUE]) => call.boolean(true),
        _ => call.same(0),
    }
}

fn int(call: &Call<'_>, _: &State) {
    match call.arg(0) {
        Raw::Integer(number) => call.integer(number),
        _ => call.fail_with(ffi::SQLITE_MISMATCH, "LIMIT and OFFSET must be integers"),
    }
}

#[inline]
fn result(call: &Call<'_>, _: &State) {
    match call.arg(0) {
        Raw::Integer(number) if call.is_boolean(0) => {
            call.blob(&[if number == 0 {
                RESULT_FALSE
            } else {
                RESULT_TRUE
            }]);
        }
        Raw::Blob([]) => call.blob(&[RESULT_NULL]),
        _ => call.same(0),
    }
}
