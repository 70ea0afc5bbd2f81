//! Regular expressions (query spec §7.2): MISSING and null as usual, null for a wrong type, for a
//! pattern that is not valid, and when matching would take too much work.

use crate::query::pattern::{Match, Pattern, Scratch};
use crate::query::value::Value;

use super::{EvalContext, EvalError, MAX_TEXT_LEN, strings::absent};

type Answer<'a> = Result<Value<'a>, EvalError>;

/// REGEXP_LIKE and REGEXP_CONTAINS: whether the pattern is found anywhere.
pub(super) fn regexp_like<'a>(context: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(search(context, args, |found, _| {
        Value::Boolean(found.is_some())
    }))
}

/// REGEXP_POSITION: characters before the first match, -1 without one.
pub(super) fn regexp_position<'a>(context: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(search(context, args, |found, text| {
        Value::Integer(found.map_or(-1, |found| {
            let before = text.get(..found.start()).unwrap_or_default();
            before.chars().count() as i64
        }))
    }))
}

fn search<'a>(
    context: &mut EvalContext,
    args: &[Value<'a>],
    answer: impl Fn(Option<Match>, &str) -> Value<'a>,
) -> Value<'a> {
    let (Value::String(text), Value::String(pattern)) = (&args[0], &args[1]) else {
        return absent(args).unwrap_or(Value::Null);
    };
    let (Some(pattern), scratch) = context.pattern(pattern) else {
        return Value::Null;
    };
    match pattern.find(text, 0, scratch) {
        Ok(found) => answer(found, text),
        Err(_) => Value::Null,
    }
}

/// REGEXP_REPLACE(s, p, r [, n]): all matches, or the first n of them.
pub(super) fn regexp_replace<'a>(context: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    if let Some(absent) = absent(args) {
        return Ok(absent);
    }
    let (Value::String(text), Value::String(pattern), Value::String(replacement)) =
        (&args[0], &args[1], &args[2])
    else {
        return Ok(Value::Null);
    };
    let count = match args.get(3) {
        None => usize::MAX,
        Some(Value::Integer(count)) => usize::try_from(*count).unwrap_or(0),
        Some(Value::Double(count)) => *count as usize,
        Some(_) => return Ok(Value::Null),
    };
    let (Some(pattern), scratch) = context.pattern(pattern) else {
        return Ok(Value::Null);
    };
    Ok(match replace(text, pattern, replacement, count, scratch)? {
        Replaced::No => args[0].clone(),
        Replaced::Yes(text) => Value::string(text),
        Replaced::GaveUp => Value::Null,
    })
}

enum Replaced {
    No,
    Yes(String),
    GaveUp,
}

fn replace(
    text: &str,
    pattern: &Pattern,
    replacement: &str,
    count: usize,
    scratch: &mut Scratch,
) -> Result<Replaced, EvalError> {
    let mut out = String::new();
    let mut done = 0;
    let mut from = 0;
    let mut replaced = 0;
    // All searches of one call share one allowance of work.
    scratch.allow(text.len());
    while replaced < count && from <= text.len() {
        let found = match pattern.find_more(text, from, scratch) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(_) => return Ok(Replaced::GaveUp),
        };
        out.push_str(&text[done..found.start()]);
        expand(replacement, text, &found, &mut out);
        if out.len() > MAX_TEXT_LEN {
            return Err(EvalError::TooLong);
        }
        replaced += 1;
        done = found.end();
        from = found.end();
        if found.start() == found.end() {
            // An empty match moves on by one character.
            from += text[from..].chars().next().map_or(1, char::len_utf8);
        }
    }
    if replaced == 0 {
        return Ok(Replaced::No);
    }
    out.push_str(&text[done..]);
    Ok(Replaced::Yes(out))
}

/// Appends the replacement with `$$`, `$&`, `` $` ``, `$'` and `$1` to `$99` filled in. Other
/// dollars stand for themselves, groups that took no part for nothing.
fn expand(replacement: &str, text: &str, found: &Match, out: &mut String) {
    let mut rest = replacement;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        let bytes = rest.as_bytes();
        let digit = |index: usize| {
            let byte = bytes.get(index).filter(|byte| byte.is_ascii_digit())?;
            Some(usize::from(byte - b'0'))
        };
        let group = match (digit(0), digit(1)) {
            (Some(tens), Some(ones)) if (1..=found.groups()).contains(&(tens * 10 + ones)) => {
                Some((tens * 10 + ones, 2))
            }
            (Some(one), _) if (1..=found.groups()).contains(&one) => Some((one, 1)),
            _ => None,
        };
        let taken = match bytes.first() {
            _ if group.is_some() => group.map_or(0, |(group, taken)| {
                if let Some(range) = found.group(group) {
                    out.push_str(&text[range]);
                }
                taken
            }),
            Some(b'$') => {
                out.push('$');
                1
            }
            Some(b'&') => {
                out.push_str(&text[found.start()..found.end()]);
                1
            }
            Some(b'`') => {
                out.push_str(&text[..found.start()]);
                1
            }
            Some(b'\'') => {
                out.push_str(&text[found.end()..]);
                1
            }
            _ => {
                out.push('$');
                0
            }
        };
        rest = &rest[taken..];
        if out.len() > MAX_TEXT_LEN {
            return;
        }
    }
    out.push_str(rest);
}
