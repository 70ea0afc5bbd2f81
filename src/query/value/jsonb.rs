//! JSONB elements: reading them as values, writing numbers in canonical form.

use std::borrow::Cow;

use super::{Container, Number, Value, format_double};
use crate::model::body::{element, escape_into, push_header, split_element};

/// Integral doubles up to this magnitude are written as integers.
const INTEGRAL: f64 = 9_007_199_254_740_992.0;

/// SQLite's second string type, without escapes in it; nothing of ours writes it.
const TEXT: u8 = 7;

/// Reads the first element: its value and what follows. Containers are taken as they are.
pub(super) fn read(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (kind, payload, rest) = split_element(bytes).ok()?;
    let value = match kind {
        element::NULL => Value::Null,
        element::TRUE => Value::Boolean(true),
        element::FALSE => Value::Boolean(false),
        element::INT | element::FLOAT => read_number(payload)?.into(),
        element::TEXT_RAW | TEXT => Value::str(std::str::from_utf8(payload).ok()?),
        element::ARRAY | element::OBJECT => {
            let container = Container::from_canonical(&bytes[..bytes.len() - rest.len()]);
            if kind == element::ARRAY {
                Value::Array(container)
            } else {
                Value::Object(container)
            }
        }
        _ => return None,
    };
    Some((value, rest))
}

/// An integer when it looks like one and fits, else a double.
fn read_number(text: &[u8]) -> Option<Number> {
    if let Some(small) = small_integer(text) {
        return Some(Number::Integer(small));
    }
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(integer) = text.parse() {
        return Some(Number::Integer(integer));
    }
    // `inf` and `nan` would parse too.
    let double: f64 = text.parse().ok()?;
    (text.ends_with(|last: char| last.is_ascii_digit())).then_some(Number::Double(double))
}

/// An integer of at most 18 digits, the common case.
fn small_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -value } else { value })
}

/// Appends an integer element.
pub(super) fn push_integer(value: i64, out: &mut Vec<u8>) {
    let at = out.len();
    out.push(0);
    super::number::format_integer(value, out);
    close_number(element::INT, at, out);
}

/// Appends a double in canonical form: an integer when it is integral and small, null when it has
/// no JSON form.
pub(super) fn push_double(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        out.push(element::NULL);
    } else if value.abs() <= INTEGRAL && value.fract() == 0.0 {
        push_integer(value as i64, out);
    } else {
        let at = out.len();
        out.push(0);
        format_double(value, out);
        close_number(element::FLOAT, at, out);
    }
}

/// Puts the header before a number whose text follows one reserved byte at `at`.
fn close_number(kind: u8, at: usize, out: &mut Vec<u8>) {
    // Number texts are at most 26 bytes: a header of one or two bytes.
    let len = out.len() - at - 1;
    if len <= 11 {
        out[at] = kind | (len as u8) << 4;
    } else {
        out[at] = kind | 0xc0;
        out.insert(at + 1, len as u8);
    }
}

/// The canonical form of one container: the same bytes when they are canonical already.
///
/// `None` when it is damaged or nested deeper than `levels`.
pub(super) fn canonical(jsonb: Cow<'_, [u8]>, levels: usize) -> Option<Cow<'_, [u8]>> {
    let (_, payload, _) = split_element(&jsonb).ok()?;
    if is_canonical(payload, levels)? {
        return Some(jsonb);
    }
    let mut out = Vec::with_capacity(jsonb.len() + 8);
    let rest = copy_canonical(&jsonb, levels, &mut out)?;
    rest.is_empty().then_some(Cow::Owned(out))
}

/// Whether every number in these elements is written canonically.
fn is_canonical(mut bytes: &[u8], levels: usize) -> Option<bool> {
    let levels = levels.checked_sub(1)?;
    let mut scratch = Vec::new();
    while !bytes.is_empty() {
        let (kind, payload, rest) = split_element(bytes).ok()?;
        let canonical = match kind {
            element::INT => payload != b"-0" && read_int_fits(payload),
            element::FLOAT => {
                scratch.clear();
                copy_canonical(bytes, levels, &mut scratch)?;
                scratch == bytes[..bytes.len() - rest.len()]
            }
            element::ARRAY | element::OBJECT => is_canonical(payload, levels)?,
            TEXT => false,
            _ => true,
        };
        if !canonical {
            return Some(false);
        }
        bytes = rest;
    }
    Some(true)
}

fn read_int_fits(text: &[u8]) -> bool {
    text.len() <= 18 || matches!(read_number(text), Some(Number::Integer(_)))
}

/// Appends the first element in canonical form; returns what follows it.
fn copy_canonical<'a>(bytes: &'a [u8], levels: usize, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (kind, payload, rest) = split_element(bytes).ok()?;
    match kind {
        element::INT | element::FLOAT => match read_number(payload)? {
            Number::Integer(value) => push_integer(value, out),
            Number::Double(value) => push_double(value, out),
        },
        element::TEXT_RAW | TEXT => {
            push_header(element::TEXT_RAW, payload.len(), out);
            out.extend_from_slice(payload);
        }
        element::ARRAY | element::OBJECT => {
            let levels = levels.checked_sub(1)?;
            let mut inner = Vec::with_capacity(payload.len());
            let mut left = payload;
            while !left.is_empty() {
                left = copy_canonical(left, levels, &mut inner)?;
            }
            push_header(kind, inner.len(), out);
            out.extend_from_slice(&inner);
        }
        _ => out.push(kind),
    }
    Some(rest)
}

/// Appends a quoted JSON string.
pub(super) fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(text.as_bytes(), out);
    out.push(b'"');
}
