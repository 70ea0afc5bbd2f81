//! What a listener is made from (API §10).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::authenticator::{Authenticator, BasicAuthenticator, CertificateAuthenticator};
use super::connections::RequestAuthorizer;
use crate::error::{Error, Result};
use crate::model::CollectionSpec;
use crate::tls::{IdentityOptions, TlsIdentity, certificates_from_text};

/// Options of a listener, as JavaScript gives them to `URLEndpointListener.create`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListenerOptions {
    /// Collections that peers may replicate; at least one, all of one database. JSON:
    /// `[{name, scopeName}]`.
    #[serde(deserialize_with = "collections")]
    pub collections: Vec<CollectionSpec>,
    /// TCP port. Default 0: any free one.
    #[serde(deserialize_with = "port")]
    pub port: Option<u16>,
    /// An IP address of this machine, a network interface's name, or `loopback`. Default, also
    /// `0.0.0.0` and `::`: all interfaces, IPv4 and IPv6.
    pub network_interface: Option<String>,
    /// Speaks plain `ws:`. Default false.
    #[serde(rename = "disableTLS")]
    pub disable_tls: Option<bool>,
    /// Lets peers send and ask for deltas. Default false.
    pub enable_delta_sync: Option<bool>,
    /// Who may connect. Default: everybody.
    #[serde(rename = "authenticatorConfig")]
    pub authenticator: Option<AuthenticatorOptions>,
    /// Where the TLS identity comes from (API §15.9). Default: the stored anonymous one. Not looked
    /// at with `disable_tls`.
    #[serde(rename = "tlsIdentityConfig")]
    pub tls_identity: Option<serde_json::Value>,
    /// The TLS identity itself, in place of `tls_identity`.
    #[serde(skip)]
    pub identity: Option<TlsIdentity>,
    /// Peers may pull but not push: a push is answered with 403. Default false.
    pub read_only: Option<bool>,
    /// Decides about each replication. Default: whoever is admitted may.
    #[serde(skip)]
    pub authorizer: Option<Arc<dyn RequestAuthorizer>>,
    /// Folder of the identity store. Default: `identities` in the default database folder.
    #[serde(skip)]
    pub identity_folder: Option<PathBuf>,
}

/// Who may connect. JSON: `{type: 'basic', data: {username, password}}`, `{type: 'certificate',
/// data: {rootCertificates: [PEM or base64]}}`, or either type with `ask: true` in place of `data`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "AuthenticatorJson")]
#[non_exhaustive]
pub enum AuthenticatorOptions {
    /// One user with a password (HTTP Basic).
    #[allow(missing_docs, reason = "the names say it")]
    Basic { username: String, password: String },
    /// Whoever an authenticator admits (HTTP Basic). JSON cannot hold one: it is to be set before
    /// a listener is made.
    Asking(Option<Arc<dyn Authenticator>>),
    /// Whoever presents a certificate (TLS) that leads to one of these (DER).
    CertificateRoots(Vec<Vec<u8>>),
    /// Whoever presents a certificate (TLS) that an authenticator admits; to be set as above.
    AskingCertificate(Option<Arc<dyn CertificateAuthenticator>>),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum AuthenticatorJson {
    Basic {
        data: Option<UserJson>,
        #[serde(default)]
        ask: bool,
    },
    Certificate {
        data: Option<RootsJson>,
        #[serde(default)]
        ask: bool,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RootsJson {
    root_certificates: Vec<String>,
}

#[derive(Deserialize)]
struct UserJson {
    username: String,
    password: String,
}

impl TryFrom<AuthenticatorJson> for AuthenticatorOptions {
    type Error = String;

    fn try_from(json: AuthenticatorJson) -> Result<Self, Self::Error> {
        let (has_data, ask) = match &json {
            AuthenticatorJson::Basic { data, ask } => (data.is_some(), *ask),
            AuthenticatorJson::Certificate { data, ask } => (data.is_some(), *ask),
        };
        if has_data == ask {
            let which = if ask {
                "both data and"
            } else {
                "neither data nor"
            };
            return Err(format!("authenticatorConfig has {which} ask"));
        }
        match json {
            AuthenticatorJson::Basic { data, .. } => Ok(match data {
                Some(UserJson { username, password }) => Self::Basic { username, password },
                None => Self::Asking(None),
            }),
            AuthenticatorJson::Certificate { data: None, .. } => Ok(Self::AskingCertificate(None)),
            AuthenticatorJson::Certificate {
                data: Some(RootsJson { root_certificates }),
                ..
            } => {
                let read = |(index, text): (usize, &String)| {
                    certificates_from_text(text, &format!("root certificate {index}"))
                };
                let roots: Vec<_> = root_certificates
                    .iter()
                    .enumerate()
                    .map(read)
                    .collect::<Result<_>>()
                    .map_err(|error| error.message().to_owned())?;
                Ok(Self::CertificateRoots(roots.concat()))
            }
        }
    }
}

impl AuthenticatorOptions {
    /// Whether clients must present a certificate.
    pub(super) fn wants_certificates(&self) -> bool {
        matches!(self, Self::CertificateRoots(_) | Self::AskingCertificate(_))
    }

    /// What judges the passwords of clients; `None` when certificates decide.
    ///
    /// # Errors
    /// `InvalidParameter` for an empty name or password, a name with a colon, no root certificate,
    /// and when nobody is there to be asked.
    pub(super) fn passwords(&self) -> Result<Option<Arc<dyn Authenticator>>> {
        match self {
            Self::Basic { username, password } => {
                if username.is_empty() || username.contains(':') || password.is_empty() {
                    return Err(Error::invalid(
                        "authenticatorConfig needs a username without ':' and a password, neither empty",
                    ));
                }
                Ok(Some(Arc::new(BasicAuthenticator::new(username, password))))
            }
            Self::Asking(Some(authenticator)) => Ok(Some(Arc::clone(authenticator))),
            Self::CertificateRoots(roots) if roots.is_empty() => Err(Error::invalid(
                "authenticatorConfig needs at least one root certificate",
            )),
            Self::CertificateRoots(_) | Self::AskingCertificate(Some(_)) => Ok(None),
            Self::Asking(None) | Self::AskingCertificate(None) => Err(Error::invalid(
                "authenticatorConfig asks, but there is nobody to answer",
            )),
        }
    }
}

impl fmt::Debug for AuthenticatorOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { username, .. } => f
                .debug_struct("Basic")
                .field("username", username)
                .finish_non_exhaustive(),
            Self::Asking(authenticator) => f.debug_tuple("Asking").field(authenticator).finish(),
            Self::CertificateRoots(roots) => f
                .debug_tuple("CertificateRoots")
                .field(&roots.len())
                .finish(),
            Self::AskingCertificate(authenticator) => f
                .debug_tuple("AskingCertificate")
                .field(authenticator)
                .finish(),
        }
    }
}

impl ListenerOptions {
    /// Reads the arguments of `URLEndpointListener_createListener`. Unknown fields are ignored, an
    /// unknown authenticator type or incomplete data is not.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub fn from_json(json: &serde_json::Value) -> Result<Self> {
        Self::deserialize(json)
            .map_err(|error| Error::invalid(format!("listener options: {error}")))
    }

    /// Checks what can be checked without the database and without the network.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub(super) fn check(&self) -> Result<()> {
        if self.collections.is_empty() {
            return Err(Error::invalid(
                "Invalid collection parameters: at least one collection is needed",
            ));
        }
        if let Some(authenticator) = &self.authenticator
            && authenticator.wants_certificates()
            && self.is_plain()
        {
            return Err(Error::invalid(
                "a certificate authenticator needs TLS, but disableTLS is set",
            ));
        }
        self.identity_options()?;
        self.passwords()?;
        Ok(())
    }

    /// What judges the passwords of clients; `None` when nobody needs one.
    ///
    /// # Errors
    /// As [`AuthenticatorOptions::passwords`].
    pub(super) fn passwords(&self) -> Result<Option<Arc<dyn Authenticator>>> {
        match &self.authenticator {
            Some(options) => options.passwords(),
            None => Ok(None),
        }
    }

    /// How the TLS identity is made; `None` for the anonymous one, and without TLS.
    ///
    /// # Errors
    /// As [`IdentityOptions::from_json`].
    pub(super) fn identity_options(&self) -> Result<Option<IdentityOptions>> {
        match &self.tls_identity {
            Some(json) if !self.is_plain() => IdentityOptions::from_json(json).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.disable_tls.unwrap_or_default()
    }
}

fn collections<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<CollectionSpec>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Collection {
        name: String,
        scope_name: String,
    }

    Vec::<Collection>::deserialize(deserializer)?
        .into_iter()
        .map(|collection| CollectionSpec::new(collection.scope_name, collection.name))
        .collect::<Result<_>>()
        .map_err(serde::de::Error::custom)
}

fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else {
        return Ok(None);
    };
    if number.fract() != 0.0 || !(0.0..=65_535.0).contains(&number) {
        return Err(serde::de::Error::custom(format!(
            "port is {number}, must be a whole number from 0 to 65535"
        )));
    }
    Ok(Some(number as u16))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_are_read_as_javascript_gives_them() {
        let options = ListenerOptions::from_json(&json!({
            "collections": [{"name": "a", "scopeName": "s", "databaseName": "db_1"}],
            "port": 4984, "networkInterface": "lo", "disableTLS": true, "enableDeltaSync": false,
            "authenticatorConfig": {"type": "basic", "data": {"username": "u", "password": "geheim"}},
            "tlsIdentityConfig": null,
        }))
        .unwrap();
        options.check().unwrap();
        assert_eq!(options.port, Some(4984));
        assert_eq!(options.collections[0].to_string(), "s.a");
        assert!(options.is_plain());
        assert!(!format!("{options:?}").contains("geheim"));
    }

    #[test]
    fn bad_options_are_refused_with_the_reason() {
        let collections = json!([{"name": "a", "scopeName": "s"}]);
        for (options, wanted) in [
            (json!({}), "at least one collection"),
            (
                json!({"collections": [{"name": "_x", "scopeName": "s"}]}),
                "_x",
            ),
            (
                json!({"collections": collections, "port": 70_000}),
                "port is 70000",
            ),
            (
                json!({"collections": collections, "port": 1.5}),
                "port is 1.5",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "digest", "data": {}}}),
                "digest",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "basic", "data": {"username": "u"}}}),
                "password",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "basic", "data": {"username": "", "password": "p"}}}),
                "neither empty",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "basic"}}),
                "neither data nor ask",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "basic", "ask": false}}),
                "neither data nor ask",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "basic", "ask": true, "data": {"username": "u", "password": "p"}}}),
                "both data and ask",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "basic", "ask": true}}),
                "nobody to answer",
            ),
            (
                json!({"collections": collections, "tlsIdentityConfig": {"mode": "magic"}}),
                "must be selfSigned, imported or stored",
            ),
            (
                json!({"collections": collections, "disableTLS": true, "authenticatorConfig": {"type": "certificate", "ask": true}}),
                "needs TLS",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "certificate", "data": {"rootCertificates": []}}}),
                "at least one root certificate",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "certificate", "data": {"rootCertificates": ["AAAA"]}}}),
                "root certificate 0 is not one X.509 certificate",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "certificate", "data": {}}}),
                "rootCertificates",
            ),
            (
                json!({"collections": collections, "authenticatorConfig": {"type": "certificate", "ask": true}}),
                "nobody to answer",
            ),
        ] {
            let result = ListenerOptions::from_json(&options).and_then(|options| options.check());
            let message = result.unwrap_err().message().to_owned();
            assert!(message.contains(wanted), "{message}");
        }
    }
}
