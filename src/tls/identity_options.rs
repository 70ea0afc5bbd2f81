//! Where an identity comes from, as JavaScript says it (API §15.9).

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::pem::from_base64;
use super::{SelfSignedOptions, TlsIdentity, Usage};
use crate::error::{Error, Result};

/// A `tlsIdentityConfig`.
#[derive(Clone)]
#[non_exhaustive]
pub enum IdentityOptions {
    /// A new key with a certificate of its own.
    SelfSigned {
        /// Names and values, see [`SelfSignedOptions::attributes`].
        attributes: Vec<(String, String)>,
        /// ISO 8601 date or date-time. Default: a year from now.
        expiration: Option<String>,
        /// What it is for.
        usage: Usage,
        /// Where it is stored; nowhere without.
        label: Option<String>,
    },
    /// The content of a PKCS#12 file.
    Imported {
        /// The file.
        file: Zeroizing<Vec<u8>>,
        /// Its password; may be empty.
        password: Zeroizing<String>,
        /// Where it is stored; nowhere without.
        label: Option<String>,
    },
    /// One that was stored before.
    Stored {
        /// Where.
        label: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    mode: Option<String>,
    attributes: Option<BTreeMap<String, Option<String>>>,
    expiration: Option<String>,
    usage: Option<String>,
    cert_base64: Option<String>,
    password: Option<String>,
    label: Option<String>,
}

impl IdentityOptions {
    /// Reads `{mode: 'selfSigned' | 'imported' | 'stored', …}`; without a mode it is self-signed.
    ///
    /// # Errors
    /// `InvalidParameter` for an unknown mode and for what is missing or of the wrong kind; never
    /// with the password in it.
    pub fn from_json(json: &Value) -> Result<Self> {
        let Json {
            mode,
            attributes,
            expiration,
            usage,
            cert_base64,
            password,
            label,
        } = Json::deserialize(json).map_err(|_| {
            Error::invalid("tlsIdentityConfig must be an object whose fields are texts")
        })?;
        let label = label.filter(|label| !label.is_empty());
        match mode.as_deref() {
            None | Some("selfSigned") => {
                let attributes = attributes.unwrap_or_default().into_iter();
                Ok(Self::SelfSigned {
                    attributes: attributes.filter_map(|(k, v)| Some((k, v?))).collect(),
                    expiration: expiration.filter(|text| !text.is_empty()),
                    usage: match usage.as_deref() {
                        None | Some("both") => Usage::Both,
                        Some("server") => Usage::Server,
                        Some("client") => Usage::Client,
                        Some(other) => {
                            return Err(Error::invalid(format!(
                                "usage {other:?} of a TLS identity must be server, client or both"
                            )));
                        }
                    },
                    label,
                })
            }
            Some("imported") => {
                let text = cert_base64.map(Zeroizing::new).unwrap_or_default();
                if text.is_empty() {
                    return Err(Error::invalid("tlsIdentityConfig has no certBase64"));
                }
                let file = from_base64(&text).map(Zeroizing::new).ok_or_else(|| {
                    Error::invalid("certBase64 of tlsIdentityConfig is not base64")
                })?;
                Ok(Self::Imported {
                    file,
                    password: password.map(Zeroizing::new).unwrap_or_default(),
                    label,
                })
            }
            Some("stored") => label.map(|label| Self::Stored { label }).ok_or_else(|| {
                Error::invalid("tlsIdentityConfig of a stored identity has no label")
            }),
            Some(other) => Err(Error::invalid(format!(
                "mode {other:?} of tlsIdentityConfig must be selfSigned, imported or stored"
            ))),
        }
    }

    /// Where the identity is or is to be stored.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::SelfSigned { label, .. } | Self::Imported { label, .. } => label.as_deref(),
            Self::Stored { label } => Some(label),
        }
    }

    /// Makes a new identity, or reads the imported one.
    pub(super) fn make(&self, now: SystemTime) -> Result<TlsIdentity> {
        match self {
            Self::SelfSigned {
                attributes,
                expiration,
                usage,
                ..
            } => {
                let expiration = expiration.as_deref().map(parse_expiration);
                TlsIdentity::self_signed(&SelfSignedOptions {
                    attributes: attributes.clone(),
                    not_after: expiration.transpose()?,
                    now,
                    key_of: None,
                    usage: *usage,
                })
            }
            Self::Imported { file, password, .. } => TlsIdentity::from_pkcs12(file, password, now),
            Self::Stored { label } => Err(Error::not_found(format!(
                "there is no TLS identity with the label {label:?}"
            ))),
        }
    }
}

impl fmt::Debug for IdentityOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::SelfSigned { .. } => "SelfSigned",
            Self::Imported { .. } => "Imported",
            Self::Stored { .. } => "Stored",
        };
        f.debug_struct(name)
            .field("label", &self.label())
            .finish_non_exhaustive()
    }
}

/// A date-time with or without an offset, or a date; UTC unless it says otherwise.
fn parse_expiration(text: &str) -> Result<SystemTime> {
    let text = text.trim();
    let utc = |time: DateTime| time.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>()
        .or_else(|_| text.parse::<DateTime>().and_then(utc))
        .or_else(|_| text.parse::<Date>().and_then(|date| utc(date.into())))
        .map(SystemTime::from)
        .map_err(|_| {
            let shown: String = text.chars().take(80).collect();
            Error::invalid(format!(
                "certificate expiration {shown:?} is no ISO 8601 date or date-time"
            ))
        })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::*;

    #[test]
    fn every_mode_is_read_and_secrets_do_not_show() {
        let read = |json| IdentityOptions::from_json(&json).unwrap();
        let made = read(json!({"attributes": {"CN": "x", "O": null}, "label": ""}));
        let IdentityOptions::SelfSigned { attributes, .. } = &made else {
            panic!("{made:?}")
        };
        assert_eq!(attributes, &[("CN".to_owned(), "x".to_owned())]);
        assert_eq!(made.label(), None);
        let imported = read(json!({
            "mode": "imported", "certBase64": "AA ==", "password": "geheim", "label": "l",
        }));
        assert_eq!(imported.label(), Some("l"));
        assert!(!format!("{imported:?}").contains("geheim"));
        assert_eq!(
            read(json!({"mode": "stored", "label": "l"})).label(),
            Some("l")
        );
    }

    #[test]
    fn what_is_wrong_is_named_without_the_secrets() {
        for (json, wanted) in [
            (json!(1), "must be an object"),
            (json!({"mode": "magic"}), "\"magic\" of tlsIdentityConfig"),
            (json!({"mode": "imported"}), "no certBase64"),
            (json!({"mode": "imported", "certBase64": "*"}), "not base64"),
            (json!({"mode": "imported", "password": {"p": 1}}), "texts"),
            (json!({"mode": "stored"}), "no label"),
            (json!({"attributes": {"CN": 1}}), "texts"),
            (json!({"usage": "all"}), "server, client or both"),
        ] {
            let error = IdentityOptions::from_json(&json).unwrap_err();
            assert!(error.message().contains(wanted), "{error}");
        }
    }

    #[test]
    fn expirations_are_dates_or_date_times() {
        let day = UNIX_EPOCH + Duration::from_secs(1_893_456_000); // 2030-01-01
        for text in [
            "2030-01-01",
            "2030-01-01T00:00:00",
            "2030-01-01T00:00:00Z",
            "2030-01-01T00:00:00.000Z",
            "2030-01-01T02:00:00+02:00",
        ] {
            assert_eq!(parse_expiration(text).unwrap(), day, "{text}");
        }
        for text in ["", "tomorrow", "01/02/2030", "1893456000"] {
            assert!(parse_expiration(text).is_err(), "{text}");
        }
    }
}
