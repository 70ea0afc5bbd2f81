//! What a listener is made from (API §10).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::authenticator::{Authenticator, BasicAuthenticator};
use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;

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
    /// A TLS identity of the caller's. Not supported yet: anything but `null` is refused, because
    /// presenting another identity than the one asked for would be worse.
    #[serde(rename = "tlsIdentityConfig")]
    pub tls_identity: Option<serde_json::Value>,
    /// Folder of the identity store. Default: `identities` in the default database folder.
    #[serde(skip)]
    pub identity_folder: Option<PathBuf>,
}

/// Who may connect. JSON: `{type: 'basic', data: {username, password}}` or
/// `{type: 'basic', ask: true}`.
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
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum AuthenticatorJson {
    Basic {
        data: Option<UserJson>,
        #[serde(default)]
        ask: bool,
    },
}

#[derive(Deserialize)]
struct UserJson {
    username: String,
    password: String,
}

impl TryFrom<AuthenticatorJson> for AuthenticatorOptions {
    type Error = &'static str;

    fn try_from(json: AuthenticatorJson) -> Result<Self, Self::Error> {
        let AuthenticatorJson::Basic { data, ask } = json;
        match (data, ask) {
            (Some(UserJson { username, password }), false) => {
                Ok(Self::Basic { username, password })
            }
            (None, true) => Ok(Self::Asking(None)),
            (Some(_), true) => Err("authenticatorConfig has both data and ask"),
            (None, false) => Err("authenticatorConfig has neither data nor ask"),
        }
    }
}

impl AuthenticatorOptions {
    /// What judges clients.
    ///
    /// # Errors
    /// `InvalidParameter` for an empty name or password, a name with a colon, and when nobody is
    /// there to be asked.
    pub(super) fn authenticator(&self) -> Result<Arc<dyn Authenticator>> {
        match self {
            Self::Basic { username, password } => {
                if username.is_empty() || username.contains(':') || password.is_empty() {
                    return Err(Error::invalid(
                        "authenticatorConfig needs a username without ':' and a password, neither empty",
                    ));
                }
                Ok(Arc::new(BasicAuthenticator::new(username, password)))
            }
            Self::Asking(Some(authenticator)) => Ok(Arc::clone(authenticator)),
            Self::Asking(None) => Err(Error::invalid(
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
    /// `InvalidParameter`; `Unsupported` for an own TLS identity.
    pub(super) fn check(&self) -> Result<()> {
        if self.collections.is_empty() {
            return Err(Error::invalid(
                "Invalid collection parameters: at least one collection is needed",
            ));
        }
        if self.tls_identity.is_some() && !self.is_plain() {
            return Err(Error::lite(
                Code::Unsupported,
                "tlsIdentityConfig is not supported yet",
            ));
        }
        self.authenticator()?;
        Ok(())
    }

    /// What judges clients; `None` when everybody may connect.
    ///
    /// # Errors
    /// As [`AuthenticatorOptions::authenticator`].
    pub(super) fn authenticator(&self) -> Result<Option<Arc<dyn Authenticator>>> {
        let options = self.authenticator.as_ref();
        options.map(AuthenticatorOptions::authenticator).transpose()
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
                json!({"collections": collections, "tlsIdentityConfig": {"mode": "selfSigned"}}),
                "not supported",
            ),
        ] {
            let result = ListenerOptions::from_json(&options).and_then(|options| options.check());
            let message = result.unwrap_err().message().to_owned();
            assert!(message.contains(wanted), "{message}");
        }
    }
}
