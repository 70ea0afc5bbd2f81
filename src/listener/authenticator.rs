//! HTTP Basic authentication of a listener (wire §1.5, design D10).

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderValue;
use sha2::{Digest, Sha256};

/// Some clients leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a refused client is told.
pub(super) const CHALLENGE: &str = r#"Basic realm="settee", charset="UTF-8""#;

/// The one user that may connect. Holds digests only, so that comparing takes the same time
/// whatever is wrong, and for names and passwords of every length.
#[derive(Clone)]
pub(super) struct BasicAuthenticator {
    utf8: Credentials,
    /// The same in ISO 8859-1, or in UTF-8 once more when they have no such form. Couchbase Lite
    /// on Java and Android encodes like that, whatever the challenge asks for.
    latin1: Credentials,
}

/// Digests of a name and a password.
#[derive(Clone)]
struct Credentials {
    user: [u8; 32],
    password: [u8; 32],
}

impl Credentials {
    fn new(user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Self {
        Self {
            user: Sha256::digest(user).into(),
            password: Sha256::digest(password).into(),
        }
    }

    fn is_equal(&self, other: &Self) -> bool {
        // Not `&&`: a wrong name must take as long as a wrong password.
        is_equal(&self.user, &other.user) & is_equal(&self.password, &other.password)
    }
}

impl BasicAuthenticator {
    pub(super) fn new(user: &str, password: &str) -> Self {
        let utf8 = Credentials::new(user, password);
        let latin1 = match (latin1(user), latin1(password)) {
            (Some(user), Some(password)) => Credentials::new(user, password),
            _ => utf8.clone(),
        };
        Self { utf8, latin1 }
    }

    /// Whether an `Authorization` header names the user and the password.
    pub(super) fn admits(&self, header: Option<&HeaderValue>) -> bool {
        let Some((user, password)) = header.and_then(credentials) else {
            return false;
        };
        let given = Credentials::new(user, password);
        self.utf8.is_equal(&given) | self.latin1.is_equal(&given)
    }
}

impl fmt::Debug for BasicAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuthenticator").finish_non_exhaustive()
    }
}

fn is_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}

/// User name and password of a Basic header; the name ends at the first colon (RFC 7617 §2).
fn credentials(header: &HeaderValue) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut user = BASE64.decode(encoded.trim()).ok()?;
    let colon = user.iter().position(|b| *b == b':')?;
    let password = user.split_off(colon + 1);
    user.truncate(colon);
    Some((user, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(header: &str) -> bool {
        let header = HeaderValue::from_str(header).unwrap();
        BasicAuthenticator::new("jäger", "pass:wörd").admits(Some(&header))
    }

    #[test]
    fn the_right_credentials_are_admitted_in_any_spelling_of_the_header() {
        let encoded = BASE64.encode("jäger:pass:wörd");
        assert!(admits(&format!("Basic {encoded}")));
        assert!(admits(&format!("bAsIc  {}", encoded.trim_end_matches('='))));
    }

    #[test]
    fn credentials_in_iso_8859_1_are_admitted_as_couchbase_lite_java_sends_them() {
        let encoded = BASE64.encode(b"j\xe4ger:pass:w\xf6rd");
        assert!(admits(&format!("Basic {encoded}")));
        let mixed = BASE64.encode(b"j\xc3\xa4ger:pass:w\xf6rd");
        assert!(!admits(&format!("Basic {mixed}")));
        let euro = BasicAuthenticator::new("pam", "10 €");
        let header = format!("Basic {}", BASE64.encode(b"pam:10 \x80"));
        assert!(!euro.admits(Some(&HeaderValue::from_str(&header).unwrap())));
        let header = format!("Basic {}", BASE64.encode("pam:10 €"));
        assert!(euro.admits(Some(&HeaderValue::from_str(&header).unwrap())));
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "jäger:",
            "jäger:pass",
            ":pass:wörd",
            "jägerpass:wörd",
            "Jäger:pass:wörd",
        ] {
            assert!(!admits(&format!("Basic {}", BASE64.encode(text))), "{text}");
        }
        for header in ["Basic", "Basic ", "Basic !!!", "Bearer abc", "", "Basic Og"] {
            assert!(!admits(header), "{header:?}");
        }
        assert!(!BasicAuthenticator::new("", "").admits(None));
        let shown = format!("{:?}", BasicAuthenticator::new("jäger", "geheim"));
        assert!(!shown.contains("geheim") && !shown.contains('['));
    }
}
