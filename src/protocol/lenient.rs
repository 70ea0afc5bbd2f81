//! Reading what peers write in more than one way (wire §2.2).

use crate::blip::{Message, Properties};
use crate::error::{Error, Result};

/// Domain of the errors that BLIP itself and LiteCore's handlers answer.
pub(super) const BLIP: &str = "BLIP";

/// The error `BLIP` 400.
pub(super) fn bad_request(message: impl Into<String>) -> Error {
    Error::Remote {
        domain: BLIP.to_owned(),
        code: 400,
        message: message.into(),
    }
}

/// A boolean property: `true`/`yes` in any case, or a number that is not zero. Absent: false.
pub(super) fn bool_property(message: &Message, key: &str) -> bool {
    message.get(key).is_some_and(|value| {
        value.eq_ignore_ascii_case("true")
            || value.eq_ignore_ascii_case("yes")
            || value.parse::<i64>().is_ok_and(|number| number != 0)
    })
}

/// A property as owned text.
pub(super) fn text_property(message: &Message, key: &str) -> Option<String> {
    message.get(key).map(str::to_owned)
}

/// The property `collection` (wire §3.1).
///
/// # Errors
/// HTTP 400 when it is no number.
pub(super) fn collection(message: &Message) -> Result<Option<u32>> {
    let Some(text) = message.get("collection") else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        Error::http(
            400,
            format!("bad value {shown:?} of the collection property"),
        )
    })
}

/// Properties of a request: `Profile`, and `collection` if there is one.
pub(super) fn start(profile: &str, collection: Option<u32>, room: usize) -> Properties {
    let mut properties = Properties::with_capacity(room + 32);
    properties.push("Profile", profile);
    if let Some(index) = collection {
        properties.push_number("collection", u64::from(index));
    }
    properties
}

/// Whether a JSON body says "nothing": it is empty, or `null`.
pub(super) fn is_nothing(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"null")
}

/// First characters of a peer's text, for an error message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
