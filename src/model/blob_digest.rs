//! Digests that name blobs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use crate::error::{Error, Result};

/// SHA-1 of a blob's content, written `sha1-` + 28 characters of base64 (wire spec §7.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobDigest([u8; 20]);

impl BlobDigest {
    /// Digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self(Sha1::digest(content).into())
    }

    /// Wraps a finished SHA-1.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 raw bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// `InvalidParameter` when it is not `sha1-` and 20 bytes of standard padded base64.
    pub fn parse(text: &str) -> Result<Self> {
        text.strip_prefix("sha1-")
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .and_then(|bytes| <[u8; 20]>::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| {
                let shown: String = text.chars().take(80).collect();
                Error::invalid(format!("bad blob digest {shown:?}"))
            })
    }

    /// Lower-case hex, for file names.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha1-{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_matches_the_vector_of_wire_a_4() {
        let digest = BlobDigest::of(b"hello blob");
        assert_eq!(digest.to_string(), "sha1-c2XTGPrFT86b4bdd8Xo4E/Zpuww=");
        assert_eq!(BlobDigest::parse(&digest.to_string()).unwrap(), digest);
    }

    #[test]
    fn text_that_is_no_digest_is_refused() {
        for bad in [
            "",
            "sha1-",
            "md5-c2XTGPrFT86b4bdd8Xo4E/Zpuww=",
            "sha1-c2XTGPrFT86b4bdd8Xo4E_Zpuww=",
            "sha1-AAAA",
        ] {
            assert!(BlobDigest::parse(bad).is_err(), "{bad:?}");
        }
    }
}
