//! JSON text whose parts keep the letters in which they came.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// The members of an object in the order of the text.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads an object.
///
/// # Errors
/// `InvalidParameter` when `json` is something else.
pub(super) fn members(json: &[u8]) -> Result<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_slice(json)
        .map(|Members(members)| members)
        .map_err(|error| Error::invalid(format!("not a JSON object: {error}")))
}

/// Writes an object of raw values.
pub(super) fn write_members<'a>(
    members: impl IntoIterator<Item = (&'a str, &'a str)>,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(key, out);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
    out.push(b'}');
}

/// Writes a JSON string.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing text into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a list of strings.
pub(super) fn write_strings(texts: &[String], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(text, out);
    }
    out.push(b']');
}

/// Writes a number.
pub(super) fn write_number(number: u64, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &number);
}

/// Takes the given members out of an object; answers with the text of the first that is a string,
/// and with the rest.
///
/// # Errors
/// `InvalidParameter` when `json` is no object.
pub(super) fn take_string_keys(json: &[u8], keys: &[&str]) -> Result<(Option<String>, Bytes)> {
    let all = members(json)?;
    let taken = |(key, _): &&(Cow<'_, str>, &RawValue)| keys.contains(&key.as_ref());
    let text = all
        .iter()
        .filter(taken)
        .find_map(|(_, value)| serde_json::from_str(value.get()).ok());
    let mut rest = Vec::with_capacity(json.len());
    let kept = all.iter().filter(|member| !taken(member));
    write_members(
        kept.map(|(key, value)| (key.as_ref(), value.get())),
        &mut rest,
    );
    Ok((text, rest.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_out_and_the_rest_stays_as_it_was() {
        let (rev, rest) = take_string_keys(
            br#"{ "local":2, "_rev":"0-1","big":12345678901234567890.10}"#,
            &["_rev"],
        )
        .unwrap();
        assert_eq!(rev.as_deref(), Some("0-1"));
        assert_eq!(&rest[..], br#"{"local":2,"big":12345678901234567890.10}"#);
        assert!(take_string_keys(b"[]", &[]).is_err());
    }
}
