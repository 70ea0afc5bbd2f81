//! Finding a property in a stored body: the hot path of every query.
//!
//! Works on the bytes of JSONB as our own encoder writes them (keys sorted by bytes, keys and
//! strings raw; query spec §14.3), and allocates nothing. Damaged bytes are MISSING, never a panic:
//! the integrity check finds them.
//!
//! A path is names joined by `.` and subscripts `[n]`, −1 being the last element; in a name `.`,
//! `[`, `]` and `\` have a `\` before them.

use std::borrow::Cow;

use crate::model::body::element as kind;
use crate::query::value::Number;

/// One element with its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Its type.
    pub(super) kind: u8,
    /// Without the header.
    pub(super) payload: &'a [u8],
    /// With the header.
    pub(super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// Cuts the first element off; the second part is what follows it.
    #[inline]
    pub(super) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let &first = bytes.first()?;
        let (header, size) = match first >> 4 {
            size @ 0..=11 => (1, usize::from(size)),
            _ => long_header(bytes)?,
        };
        let end = header + size;
        let payload = bytes.get(header..end)?;
        let element = Self {
            kind: first & 15,
            payload,
            whole: &bytes[..end],
        };
        Some((element, &bytes[end..]))
    }

    /// The element that fills these bytes.
    #[inline]
    pub(super) fn whole(bytes: &'a [u8]) -> Option<Self> {
        let (element, rest) = Self::split(bytes)?;
        rest.is_empty().then_some(element)
    }

    /// A number's value: an integer, or a double when it is one or has no room in 64 bits.
    pub(super) fn number(&self) -> Option<Number> {
        if self.kind == kind::INT
            && let Some(integer) = integer(self.payload)
        {
            return Some(Number::Integer(integer));
        }
        let text = str::from_utf8(self.payload).ok()?;
        text.parse().ok().map(Number::Double)
    }
}

#[cold]
fn long_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let rest = &bytes[1..];
    Some(match bytes[0] >> 4 {
        12 => (2, usize::from(*rest.first()?)),
        13 => (3, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        14 => (5, u32::from_be_bytes(*rest.first_chunk()?) as usize),
        _ => return None,
    })
}

/// Decimal digits with an optional sign, as far as 64 bits go.
#[inline]
fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    if digits.len() > 18 {
        return str::from_utf8(text).ok()?.parse().ok();
    }
    let mut value: i64 = 0;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// What lies at `path` inside the element that fills `bytes`.
#[inline]
pub(super) fn find<'a>(bytes: &'a [u8], path: &[u8]) -> Option<Element<'a>> {
    let mut element = Element::whole(bytes)?;
    let mut at = 0;
    loop {
        if path.get(at) == Some(&b'[') {
            let end = at + path[at..].iter().position(|&byte| byte == b']')?;
            element = subscript(element, integer(&path[at + 1..end])?)?;
            at = end + 1;
        } else {
            let (name, end) = name(path, at);
            element = member(element, &name)?;
            at = end;
        }
        match path.get(at) {
            None => return Some(element),
            Some(b'.') => at += 1,
            Some(_) => {}
        }
    }
}

/// The name that starts at `at`, and where it ends.
#[inline]
fn name(path: &[u8], at: usize) -> (Cow<'_, [u8]>, usize) {
    let mut end = at;
    while let Some(&byte) = path.get(end) {
        match byte {
            b'.' | b'[' => break,
            b'\\' => return escaped_name(path, at),
            _ => end += 1,
        }
    }
    (Cow::Borrowed(&path[at..end]), end)
}

#[cold]
fn escaped_name(path: &[u8], at: usize) -> (Cow<'_, [u8]>, usize) {
    let mut name = Vec::new();
    let mut end = at;
    while let Some(&byte) = path.get(end) {
        match byte {
            b'.' | b'[' => break,
            b'\\' => {
                end += 1;
                name.extend(path.get(end));
            }
            _ => name.push(byte),
        }
        end += 1;
    }
    (Cow::Owned(name), end)
}

/// A member of an object.
#[inline]
fn member<'a>(object: Element<'a>, name: &[u8]) -> Option<Element<'a>> {
    if object.kind != kind::OBJECT {
        return None;
    }
    let mut rest = object.payload;
    while !rest.is_empty() {
        let (key, after) = Element::split(rest)?;
        let (value, after) = Element::split(after)?;
        if key.payload == name {
            return Some(value);
        }
        // Keys are sorted: past the wanted one's first byte, it will not come.
        if key.payload.first() > name.first() {
            return None;
        }
        rest = after;
    }
    None
}

/// An element of an array; negative numbers count from the end.
fn subscript(array: Element<'_>, index: i64) -> Option<Element<'_>> {
    if array.kind != kind::ARRAY {
        return None;
    }
    let mut index = index;
    if index < 0 {
        let length = elements(array.payload).count();
        index += i64::try_from(length).ok()?;
    }
    elements(array.payload).nth(usize::try_from(index).ok()?)
}

/// The elements of a payload; of an object, keys and values by turns. Ends where it is damaged.
pub(super) fn elements(payload: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let (element, after) = Element::split(rest)?;
        rest = after;
        Some(element)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::body::encode_body;

    fn found(json: &str, path: &str) -> Option<String> {
        let body = encode_body(json.as_bytes()).unwrap().jsonb;
        let element = find(&body, path.as_bytes())?;
        Some(format!(
            "{}:{}",
            element.kind,
            String::from_utf8_lossy(element.payload)
        ))
    }

    #[test]
    fn a_path_finds_members_and_elements_and_nothing_where_there_is_nothing() {
        let json = r#"{"a":{"b":[10,{"c":"x"},[true]]},"z":null,"long":"0123456789abcdef","":1}"#;
        for (path, expected) in [
            ("a.b[0]", Some("3:10")),
            ("a.b[1].c", Some("10:x")),
            ("a.b[-1][0]", Some("1:")),
            ("a.b[-3]", Some("3:10")),
            ("a.b[-4]", None),
            ("a.b[3]", None),
            ("z", Some("0:")),
            ("z.a", None),
            ("a[0]", None),
            ("long", Some("10:0123456789abcdef")),
            ("", Some("3:1")),
            ("m", None),
            ("zz", None),
        ] {
            assert_eq!(found(json, path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn special_characters_of_a_name_are_escaped() {
        let json = r#"{"a.b":1,"x[0]":2,"back\\slash":{"]":3}}"#;
        assert_eq!(found(json, r"a\.b").as_deref(), Some("3:1"));
        assert_eq!(found(json, r"x\[0\]").as_deref(), Some("3:2"));
        assert_eq!(found(json, r"back\\slash.\]").as_deref(), Some("3:3"));
        assert_eq!(found(json, "a.b"), None);
    }

    #[test]
    fn a_number_is_an_integer_while_64_bits_hold_it() {
        let number = |text: &str| {
            let body = encode_body(format!("{{\"n\":{text}}}").as_bytes()).unwrap();
            find(&body.jsonb, b"n").unwrap().number()
        };
        assert_eq!(number("-0"), Some(Number::Integer(0)));
        assert_eq!(
            number("9223372036854775807"),
            Some(Number::Integer(i64::MAX))
        );
        assert_eq!(
            number("-9223372036854775808"),
            Some(Number::Integer(i64::MIN))
        );
        assert_eq!(
            number("9223372036854775808"),
            Some(Number::Double(9_223_372_036_854_775_808.0))
        );
        assert_eq!(number("5.0"), Some(Number::Double(5.0)));
        assert_eq!(number("1e3"), Some(Number::Double(1000.0)));
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_path_give_an_answer(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            path in r"[a-c.\[\]\\0-9-]{0,12}",
        ) {
            let _ = find(&bytes, path.as_bytes()).and_then(|element| element.number());
        }

        #[test]
        fn every_member_of_an_object_is_found(
            members in prop::collection::btree_map("[a-zé.]{0,6}", any::<i64>(), 0..30),
        ) {
            let json = serde_json::to_vec(&members).unwrap();
            let body = encode_body(&json).unwrap().jsonb;
            for (key, value) in members {
                let found = find(&body, key.replace('.', r"\.").as_bytes());
                prop_assert_eq!(found.and_then(|found| found.number()), Some(Number::Integer(value)));
            }
        }
    }
}
