//! Document ids.

use std::fmt;

use crate::error::{Code, Error, Result};

/// A valid document id: 1 to 240 bytes of UTF-8, no control characters, no leading `_`
/// (API spec §6.4, wire spec §5.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId(Box<str>);

impl DocId {
    /// Longest id, in bytes.
    pub const MAX_LEN: usize = 240;

    /// Checks `text`.
    ///
    /// # Errors
    /// `BadDocID` naming the rule that was broken.
    pub fn parse(text: impl Into<Box<str>>) -> Result<Self> {
        let text = text.into();
        let bad = |why: String| Err(Error::lite(Code::BadDocId, why));
        if text.is_empty() {
            return bad("document ID is empty".into());
        }
        if text.len() > Self::MAX_LEN {
            return bad(format!(
                "document ID is {} bytes, limit is {}",
                text.len(),
                Self::MAX_LEN
            ));
        }
        if text.starts_with('_') {
            return bad(format!("document ID {text:?} starts with '_'"));
        }
        if text.chars().any(char::is_control) {
            return bad(format!("document ID {text:?} has a control character"));
        }
        Ok(Self(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_ids_hold_at_their_edges() {
        assert!(DocId::parse("a".repeat(240)).is_ok());
        for bad in [
            String::new(),
            "a".repeat(241),
            "_x".into(),
            "a\nb".into(),
            "a\u{7f}".into(),
        ] {
            assert!(
                DocId::parse(bad.as_str()).unwrap_err().is(Code::BadDocId),
                "{bad:?}"
            );
        }
        for good in ["a/b", "q\"uote", "back\\slash", "[x] y", "é", "a_b"] {
            assert!(DocId::parse(good).is_ok(), "{good:?}");
        }
    }
}
