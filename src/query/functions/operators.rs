//! Operators that SQL lacks in SQL++'s sense: `||`, LIKE, IN, array and object literals.

use crate::query::value::{ArrayBuilder, ObjectBuilder, Value};

use super::{EvalContext, EvalError, MAX_TEXT_LEN, array_contains};

type Answer<'a> = Result<Value<'a>, EvalError>;

pub(super) fn concat_function<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    concat(args)
}

/// `a || b || …` and CONCAT: the texts one after the other; MISSING if one is (query spec §3.4).
///
/// # Errors
/// `TooLong` above [`MAX_TEXT_LEN`], `Damaged` for a container that is not well-formed.
pub fn concat(args: &[Value<'_>]) -> Result<Value<'static>, EvalError> {
    if args.iter().any(Value::is_missing) {
        return Ok(Value::Missing);
    }
    let mut text = Vec::new();
    for value in args {
        value
            .write_text(&mut text)
            .map_err(|_| EvalError::Damaged)?;
        if text.len() > MAX_TEXT_LEN {
            return Err(EvalError::TooLong);
        }
    }
    String::from_utf8(text)
        .map(Value::string)
        .map_err(|_| EvalError::Damaged)
}

pub(super) fn array_of<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    array_literal(args)
}

/// `[a, b, …]`: MISSING is dropped.
///
/// # Errors
/// `TooLong` above [`MAX_TEXT_LEN`].
pub fn array_literal(elements: &[Value<'_>]) -> Result<Value<'static>, EvalError> {
    let mut array = ArrayBuilder::new();
    for element in elements {
        array.push(element);
        if array.byte_len() > MAX_TEXT_LEN {
            return Err(EvalError::TooLong);
        }
    }
    Ok(Value::Array(array.finish()))
}

/// `{'k': v, …}` from keys and values in turn: members whose value is MISSING are dropped, as are
/// keys that are no strings.
pub fn object_literal(keys_and_values: &[Value<'_>]) -> Value<'static> {
    let mut object = ObjectBuilder::new();
    for pair in keys_and_values.chunks_exact(2) {
        if let [Value::String(key), value] = pair {
            object.insert(key, value);
        }
    }
    Value::Object(object.finish())
}

/// `x IN array`, the form without a list: what ARRAY_CONTAINS answers, but nothing is in an empty
/// array and null may be found.
pub fn in_list(value: &Value<'_>, list: &Value<'_>) -> Value<'static> {
    match (value, list) {
        (_, Value::Array(array)) if array.is_empty() => Value::Boolean(false),
        (Value::Null, Value::Array(array)) => {
            Value::Boolean(array.elements().any(|element| element.is_null()))
        }
        _ => array_contains(list, value),
    }
}

/// Most character comparisons of one LIKE, beside eight for every byte of text and pattern.
const LIKE_WORK: usize = 20_000_000;

/// `text LIKE pattern` under the collation of this SQL name (empty: exact), query spec §3.5.
///
/// MISSING when a side is, unless the other is null or a container: those never match.
///
/// # Errors
/// `TooComplex` when text and pattern are so long and so repetitive that matching would take more
/// than 20 million comparisons beyond what its length explains.
pub fn like(
    context: &mut EvalContext,
    text: &Value<'_>,
    pattern: &Value<'_>,
    collation: &str,
) -> Result<Value<'static>, EvalError> {
    let never =
        |value: &Value<'_>| matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
    if never(text) || never(pattern) {
        return Ok(Value::Boolean(false));
    }
    let (Ok(text), Ok(pattern)) = (like_text(text), like_text(pattern)) else {
        return Err(EvalError::Damaged);
    };
    let (Some(text), Some(pattern)) = (text, pattern) else {
        return Ok(Value::Missing);
    };
    let collator = if collation.is_empty() {
        None
    } else {
        context.collator(collation)
    };
    match collator {
        None => matches(&text, &pattern, |a, b| a == b),
        Some(collator) => matches(&text, &pattern, |a, b| collator.same_char(a, b)),
    }
    .map(Value::Boolean)
}

/// Booleans are the numbers 0 and 1 here.
fn like_text<'v>(value: &'v Value<'_>) -> crate::Result<Option<std::borrow::Cow<'v, str>>> {
    match value {
        Value::Boolean(false) => Ok(Some("0".into())),
        Value::Boolean(true) => Ok(Some("1".into())),
        value => value.to_text(),
    }
}

/// The character at a byte offset, and its length.
#[inline]
fn char_at(text: &str, at: usize) -> Option<(char, usize)> {
    let byte = *text.as_bytes().get(at)?;
    if byte < 0x80 {
        return Some((char::from(byte), 1));
    }
    let c = text.get(at..)?.chars().next()?;
    Some((c, c.len_utf8()))
}

/// Greedy matching with one place to return to: the last `%`.
fn matches(
    text: &str,
    pattern: &str,
    same: impl Fn(char, char) -> bool,
) -> Result<bool, EvalError> {
    let mut work = LIKE_WORK.saturating_add(8 * (text.len() + pattern.len()));
    let (mut at, mut in_pattern) = (0, 0);
    // Where the pattern goes on after the last `%`, and the text from which it was tried.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        work = work.checked_sub(1).ok_or(EvalError::TooComplex)?;
        let advanced = match char_at(pattern, in_pattern) {
            Some(('%', _)) => {
                in_pattern += 1;
                if in_pattern == pattern.len() {
                    return Ok(true);
                }
                retry = Some((in_pattern, at));
                continue;
            }
            Some(('_', _)) => char_at(text, at).map(|(_, len)| (len, 1)),
            Some(('\\', _)) => match char_at(pattern, in_pattern + 1) {
                // A lone backslash at the end matches nothing whatever comes before it.
                None => return Ok(false),
                Some((wanted, wanted_len)) => char_at(text, at)
                    .filter(|(c, _)| same(*c, wanted))
                    .map(|(_, len)| (len, 1 + wanted_len)),
            },
            Some((wanted, wanted_len)) => char_at(text, at)
                .filter(|(c, _)| same(*c, wanted))
                .map(|(_, len)| (len, wanted_len)),
            None if at == text.len() => return Ok(true),
            None => None,
        };
        match (advanced, retry) {
            (Some((in_text, of_pattern)), _) => {
                at += in_text;
                in_pattern += of_pattern;
            }
            (None, Some((after, from))) => {
                let Some((_, len)) = char_at(text, from) else {
                    return Ok(false);
                };
                retry = Some((after, from + len));
                at = from + len;
                in_pattern = after;
            }
            (None, None) => return Ok(false),
        }
    }
}
