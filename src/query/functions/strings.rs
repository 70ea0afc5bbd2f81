//! Functions of strings (query spec §7.1).

use std::borrow::Cow;
use std::ops::Range;

use crate::query::collation::Collator;
use crate::query::value::Value;

use super::{EvalContext, EvalError};

type Answer<'a> = Result<Value<'a>, EvalError>;

/// MISSING when an argument is MISSING, else null when one is null.
pub(super) fn absent<'a>(args: &[Value<'_>]) -> Option<Value<'a>> {
    if args.iter().any(Value::is_missing) {
        Some(Value::Missing)
    } else if args.iter().any(Value::is_null) {
        Some(Value::Null)
    } else {
        None
    }
}

pub(super) fn length<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match &args[0] {
        Value::String(text) => Value::Integer(text.chars().count() as i64),
        Value::Missing => Value::Missing,
        _ => Value::Null,
    })
}

pub(super) fn lower<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match &args[0] {
        Value::String(text) => Value::string(text.to_lowercase()),
        Value::Missing => Value::Missing,
        _ => Value::Null,
    })
}

pub(super) fn upper<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(match &args[0] {
        Value::String(text) => Value::string(text.to_uppercase()),
        Value::Missing => Value::Missing,
        _ => Value::Null,
    })
}

pub(super) fn trim<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(trimmed(&args[0], true, true))
}

pub(super) fn ltrim<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(trimmed(&args[0], true, false))
}

pub(super) fn rtrim<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(trimmed(&args[0], false, true))
}

fn trimmed<'a>(value: &Value<'a>, left: bool, right: bool) -> Value<'a> {
    let Value::String(text) = value else {
        return value.clone();
    };
    let start = if left {
        text.len() - text.trim_start_matches(is_space).len()
    } else {
        0
    };
    let end = if right {
        text.trim_end_matches(is_space).len()
    } else {
        text.len()
    };
    // All space: both ends meet past each other.
    slice(text, start..end.max(start))
}

fn slice<'a>(text: &Cow<'a, str>, range: Range<usize>) -> Value<'a> {
    match text {
        Cow::Borrowed(text) => Value::str(text.get(range).unwrap_or_default()),
        Cow::Owned(text) => Value::string(text.get(range).unwrap_or_default().to_owned()),
    }
}

/// What TRIM strips: breaking space characters.
fn is_space(c: char) -> bool {
    matches!(c,
        '\u{9}'..='\u{d}' | ' ' | '\u{1680}' | '\u{180e}' | '\u{2000}'..='\u{2006}'
        | '\u{2008}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{205f}' | '\u{3000}')
}

/// CONTAINS(s, sub [, collation]): character by character under the collation, by default
/// Unicode's with exact case and accents. An empty `sub` is contained nowhere.
pub(super) fn contains<'a>(context: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let (Value::String(text), Value::String(sub)) = (&args[0], &args[1]) else {
        return Ok(absent(&args[..2]).unwrap_or(Value::Boolean(false)));
    };
    if sub.is_empty() {
        return Ok(Value::Boolean(false));
    }
    let collation = match args.get(2) {
        Some(Value::String(name)) if !name.is_empty() => name,
        _ => "sp1_u_und_",
    };
    let collator = context.collator(collation);
    Ok(Value::Boolean(match collator {
        Some(collator) if !(collator.is_exact_for_ascii() && text.is_ascii() && sub.is_ascii()) => {
            finds(text, sub, collator)
        }
        _ => text.contains(&**sub),
    }))
}

/// Knuth, Morris and Pratt's search, linear in both lengths: equality of characters under a
/// collation is transitive.
fn finds(text: &str, sub: &str, collator: &Collator) -> bool {
    let wanted: Vec<char> = sub.chars().collect();
    let mut fallback = vec![0_usize; wanted.len()];
    let mut matched = 0;
    for index in 1..wanted.len() {
        while matched > 0 && !collator.same_char(wanted[index], wanted[matched]) {
            matched = fallback[matched - 1];
        }
        if collator.same_char(wanted[index], wanted[matched]) {
            matched += 1;
        }
        fallback[index] = matched;
    }
    matched = 0;
    for c in text.chars() {
        while matched > 0 && !collator.same_char(c, wanted[matched]) {
            matched = fallback[matched - 1];
        }
        if collator.same_char(c, wanted[matched]) {
            matched += 1;
            if matched == wanted.len() {
                return true;
            }
        }
    }
    false
}
