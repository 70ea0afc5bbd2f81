//! Rev-tree revision ids.

use std::cmp::Ordering;
use std::fmt;

use crate::error::{Code, Error, Result};

/// A tree revision id, `generation-digest` (wire spec §5.2).
///
/// Generation: decimal, 1 to 2³²−1, no leading zeros. Digest: an even number of lower-case hex
/// digits, at least two. Ordered by generation, then by digest text (CouchDB's order).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RevId(Box<str>);

impl RevId {
    /// Longest accepted text: a ten-digit generation, a dash, a 64-byte digest in hex.
    pub const MAX_LEN: usize = 10 + 1 + 128;

    /// Checks `text`.
    ///
    /// # Errors
    /// `BadRevisionID` with the text.
    pub fn parse(text: impl Into<Box<str>>) -> Result<Self> {
        let text = text.into();
        if Self::is_valid(&text) {
            Ok(Self(text))
        } else {
            let shown: String = text.chars().take(80).collect();
            Err(Error::lite(
                Code::BadRevisionId,
                format!("bad revision ID {shown:?}"),
            ))
        }
    }

    /// Puts a generation and a digest together.
    pub fn new(generation: u32, digest: &[u8]) -> Self {
        use fmt::Write as _;
        debug_assert!(generation > 0 && !digest.is_empty());
        // Exactly as long as it gets, so that it need not be moved to become a box.
        let digits = 1 + generation.checked_ilog10().unwrap_or(0) as usize;
        let mut text = String::with_capacity(digits + 1 + 2 * digest.len());
        let _ = write!(text, "{generation}-");
        for byte in digest {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        Self(text.into())
    }

    fn is_valid(text: &str) -> bool {
        let Some((generation, digest)) = text.split_once('-') else {
            return false;
        };
        text.len() <= Self::MAX_LEN
            && !generation.starts_with('0')
            && generation.bytes().all(|b| b.is_ascii_digit())
            && generation.parse::<u32>().is_ok()
            && !digest.is_empty()
            && digest.len() % 2 == 0
            && digest
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Distance from the root, 1 for a first revision.
    pub fn generation(&self) -> u32 {
        self.split().0
    }

    /// The hex digits after the dash.
    pub fn digest(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (u32, &str) {
        let (generation, digest) = self.0.split_once('-').unwrap_or(("0", ""));
        (generation.parse().unwrap_or(0), digest)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for RevId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.split().cmp(&other.split())
    }
}

impl PartialOrd for RevId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RevId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RevId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked_by_the_rules_of_wire_5_2() {
        for good in [
            "1-abcd",
            "4294967295-00",
            "2-962b5f03e5740df7393e7ce1513e7e2c8c2f0167",
        ] {
            assert_eq!(RevId::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "1",
            "1-",
            "0-ab",
            "01-ab",
            "1-abc",
            "1-AB",
            "1-xy",
            "-ab",
            "4294967296-ab",
            "+1-ab",
            "1@ab",
        ] {
            assert!(
                RevId::parse(bad).unwrap_err().is(Code::BadRevisionId),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn generations_compare_as_numbers() {
        let id = |text: &str| RevId::parse(text).unwrap();
        assert!(id("10-aa") > id("9-ff"));
        assert!(id("3-cccc") > id("3-9f3d"));
        assert_eq!(RevId::new(7, &[0xab, 0x01]), id("7-ab01"));
    }
}
