//! Who is behind a connection (trust §6.1).

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Who is behind a connection.
///
/// As text: `anonymous`, `user:<name>`, `key:<fingerprint>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Principal {
    /// Nobody proved anything.
    Anonymous,
    /// Whoever knows the password of this user.
    User(String),
    /// Whoever has the private key of a certificate that was accepted: base64url of the SHA-256
    /// of its public key (SPKI), 43 characters. Another certificate of the same key is the same
    /// principal.
    Key(String),
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Key(fingerprint) => write!(f, "key:{fingerprint}"),
        }
    }
}

impl FromStr for Principal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None if text == "anonymous" => Ok(Self::Anonymous),
            Some(("user", name)) => Ok(Self::User(name.to_owned())),
            Some(("key", fingerprint)) => Ok(Self::Key(fingerprint.to_owned())),
            _ => {
                let shown: String = text.chars().take(80).collect();
                Err(Error::invalid(format!(
                    "principal {shown:?} must be 'anonymous', 'user:…' or 'key:…'"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_texts_and_back() {
        for principal in [
            Principal::Anonymous,
            Principal::User("a:b".into()),
            Principal::User(String::new()),
            Principal::Key("x_-".into()),
        ] {
            assert_eq!(
                principal.to_string().parse::<Principal>().unwrap(),
                principal
            );
        }
        for text in ["", "Anonymous", "group:x", "anonymous:"] {
            assert!(text.parse::<Principal>().is_err(), "{text}");
        }
    }
}
