//! HTTP Basic authentication of a listener (wire §1.5, design D10), and who judges it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::HeaderValue;
use sha2::{Digest, Sha256};

/// Some clients leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a refused client is told.
pub(super) const CHALLENGE: &str = r#"Basic realm="settee", charset="UTF-8""#;

/// Who a client says that it is, as it was sent. Never shown, not even for debugging.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: Vec<u8>,
    password: Vec<u8>,
}

impl Credentials {
    /// Those of a Basic header; the name ends at the first colon (RFC 7617 §2). `None` for any
    /// other header.
    pub(super) fn from_header(header: &HeaderValue) -> Option<Self> {
        let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let mut username = BASE64.decode(encoded.trim()).ok()?;
        let colon = username.iter().position(|b| *b == b':')?;
        let password = username.split_off(colon + 1);
        username.truncate(colon);
        Some(Self { username, password })
    }

    /// User name and password as text; either may be empty. What is not UTF-8 is ISO 8859-1, in
    /// which Couchbase Lite on Java and Android sends both, whatever the challenge asks for.
    pub fn into_text(self) -> (String, String) {
        let Self { username, password } = self;
        match (str::from_utf8(&username), str::from_utf8(&password)) {
            (Ok(username), Ok(password)) => (username.to_owned(), password.to_owned()),
            _ => (from_latin1(&username), from_latin1(&password)),
        }
    }
}

impl Credentials {
    /// The user name as text, in one encoding with the password.
    pub(super) fn username(&self) -> String {
        self.clone().into_text().0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Whether a client may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// It may not, and need not try again.
    Denied,
    /// Nobody has time to judge; it may try again later.
    Overloaded,
    /// Too many logins from its address failed; it may try again after so long.
    Throttled(Duration),
}

/// Judges the credentials of clients.
///
/// May take its time, within the 10 s of a handshake (design D9). The future is dropped when the
/// client leaves or the listener stops. It must not log what it is given.
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Whether whoever sent `credentials` may come in.
    fn judge(&self, credentials: Credentials) -> BoxFuture<'_, Admission>;
}

/// Judges the TLS certificates of clients, with full responsibility: nothing is checked before but
/// that the client has the private key (trust §4.1).
///
/// The client waits in its handshake. The future is dropped when the listener stops.
pub trait CertificateAuthenticator: fmt::Debug + Send + Sync + 'static {
    /// Whether whoever presents `chain` (DER, leaf first, exactly as sent) may come in.
    fn judge<'a>(&'a self, chain: &'a [Vec<u8>]) -> BoxFuture<'a, Admission>;
}

/// The one user that may connect. Holds digests only, so that comparing takes the same time
/// whatever is wrong, and for names and passwords of every length.
#[derive(Clone)]
pub(super) struct BasicAuthenticator {
    utf8: Digests,
    /// The same in ISO 8859-1, or in UTF-8 once more when they have no such form. Couchbase Lite
    /// on Java and Android encodes like that, whatever the challenge asks for.
    latin1: Digests,
}

/// Digests of a name and a password.
#[derive(Clone)]
struct Digests {
    user: [u8; 32],
    password: [u8; 32],
}

impl Digests {
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
        let utf8 = Digests::new(user, password);
        let latin1 = match (latin1(user), latin1(password)) {
            (Some(user), Some(password)) => Digests::new(user, password),
            _ => utf8.clone(),
        };
        Self { utf8, latin1 }
    }

    fn admits(&self, credentials: &Credentials) -> bool {
        let given = Digests::new(&credentials.username, &credentials.password);
        self.utf8.is_equal(&given) | self.latin1.is_equal(&given)
    }
}

impl Authenticator for BasicAuthenticator {
    fn judge(&self, credentials: Credentials) -> BoxFuture<'_, Admission> {
        let admission = if self.admits(&credentials) {
            Admission::Admitted
        } else {
            Admission::Denied
        };
        ready(admission).boxed()
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

fn from_latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(header: &str) -> Option<Credentials> {
        Credentials::from_header(&HeaderValue::from_str(header).unwrap())
    }

    fn admits(header: &str) -> bool {
        let basic = BasicAuthenticator::new("jäger", "pass:wörd");
        credentials(header).is_some_and(|credentials| basic.admits(&credentials))
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
        assert!(!euro.admits(&credentials(&header).unwrap()));
        let header = format!("Basic {}", BASE64.encode("pam:10 €"));
        assert!(euro.admits(&credentials(&header).unwrap()));
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
    }

    #[test]
    fn credentials_become_text_in_one_encoding() {
        for sent in [&b"j\xc3\xa4ger:a:\xc3\xb6"[..], b"j\xe4ger:a:\xf6"] {
            let header = format!("Basic {}", BASE64.encode(sent));
            let text = credentials(&header).unwrap().into_text();
            assert_eq!(text, ("jäger".to_owned(), "a:ö".to_owned()));
        }
        let mixed = format!("Basic {}", BASE64.encode(b"\xc3\xa4:\xf6"));
        let text = credentials(&mixed).unwrap().into_text();
        assert_eq!(text, ("Ã¤".to_owned(), "ö".to_owned()));
        let empty = credentials("Basic Og").unwrap().into_text();
        assert_eq!(empty, Default::default());
    }

    #[test]
    fn nothing_shows_credentials() {
        let credentials = credentials(&format!("Basic {}", BASE64.encode("anna:geheim")));
        assert_eq!(format!("{:?}", credentials.unwrap()), "Credentials { .. }");
        let shown = format!("{:?}", BasicAuthenticator::new("jäger", "geheim"));
        assert!(!shown.contains("geheim") && !shown.contains('['));
    }
}
