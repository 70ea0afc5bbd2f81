//! How a replicator is set up: the raw options of the JavaScript API become a complete, valid
//! configuration in one place (API §9.2, §9.6, §15.1, §15.2).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use url::Url;

use super::filter::Filters;
use super::resolver::ConflictResolver;
use super::tuning;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::model::{CollectionSpec, DocId};
use crate::tls::{ServerTrust, TlsIdentity, certificates_from_text};
use crate::transport::{Proxy, ProxyChoice};

/// A complete configuration.
#[derive(Clone, Debug)]
pub struct ReplicatorConfig {
    /// `ws:` or `wss:` URL whose last path component names the remote database.
    pub url: Url,
    /// Whether local changes go out.
    pub push: bool,
    /// Whether remote changes come in.
    pub pull: bool,
    /// Whether it goes on when caught up.
    pub continuous: bool,
    /// At least one.
    pub collections: Vec<ReplicatedCollection>,
    /// How the server is told who we are.
    pub authenticator: Option<Authenticator>,
    /// Whether servers may set cookies for a domain above their own.
    pub accept_parent_domain_cookies: bool,
    /// Whether a proxy is on the way.
    pub proxy: ProxyChoice,
    /// Extra HTTP headers, in the order of their names.
    pub headers: Vec<(String, String)>,
    /// Silence after which the peer is pinged.
    pub heartbeat: Duration,
    /// Most connection attempts in a row, the first included; `None` without end.
    pub max_attempts: Option<u32>,
    /// Upper bound of the delay between two attempts.
    pub max_attempt_wait: Duration,
    /// Which server certificates are accepted.
    pub trust: ServerTrust,
    /// Whether documents are removed to which the user lost access.
    pub auto_purge: bool,
    /// Decides conflicts of the collections that want it; without it the default rule does.
    pub resolver: Option<Arc<dyn ConflictResolver>>,
}

/// One collection of a replication.
#[derive(Clone, Debug)]
pub struct ReplicatedCollection {
    /// Which collection.
    pub spec: CollectionSpec,
    /// Only these documents, in both directions.
    pub doc_ids: Option<Vec<DocId>>,
    /// Only documents of these Sync Gateway channels, when pulling.
    pub channels: Option<Vec<String>>,
    /// Functions that leave documents out.
    pub filters: Filters,
    /// Whether conflicts are decided by the configuration's resolver.
    pub custom_conflicts: bool,
}

/// How the server is told who we are.
#[derive(Clone)]
pub enum Authenticator {
    /// HTTP Basic.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: String,
    },
    /// A TLS client certificate.
    ClientCertificate {
        /// Under which the identity is stored.
        label: String,
        /// The identity itself; to be put there before the replicator is made.
        identity: Option<TlsIdentity>,
    },
    /// A Sync Gateway session.
    Session {
        /// Name of the cookie, usually `SyncGatewaySession`.
        cookie_name: String,
        /// Its value.
        session_id: String,
    },
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(…)",
            Self::ClientCertificate { .. } => "ClientCertificate(…)",
            Self::Session { .. } => "Session(…)",
        })
    }
}

/// The `config` object of `replicator_Create` as it arrives (API §15.1); `''` stands for nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicatorOptions {
    /// `{url}`.
    pub target: Value,
    /// `PUSH_AND_PULL` (default), `PUSH` or `PULL`.
    pub replicator_type: Option<String>,
    /// Default false.
    pub continuous: Option<bool>,
    /// Accept only self-signed certificates; default true, as the JavaScript API's.
    pub accept_self_signed_certs: Option<bool>,
    /// Default false.
    pub accept_parent_domain_cookies: Option<bool>,
    /// Settee's own. Absent or `'environment'`: what the environment says; `''`: none; else the URL of
    /// a proxy.
    pub proxy: Option<String>,
    /// Default true.
    pub auto_purge_enabled: Option<bool>,
    /// Seconds; 0 or absent: 300. Negative is refused.
    pub heartbeat: Option<f64>,
    /// Attempts; 0 or absent: 10, without end when continuous (also for exactly 10, API §9.7).
    pub max_attempts: Option<f64>,
    /// Seconds; 0 or absent: 300.
    pub max_attempt_wait_time: Option<f64>,
    /// One certificate: PEM, or base64 of DER or PEM.
    pub pinned_server_certificate: Option<String>,
    /// Name → value.
    pub headers: Value,
    /// `{type: 'basic' | 'session', data}`.
    pub authenticator: Value,
    /// JSON text of API §15.2.
    pub collection_config: Value,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    collections: Vec<GroupMember>,
    /// The form of later plugins: a group of one.
    collection: Option<CollectionRef>,
    #[serde(default)]
    config: Value,
}

#[derive(Deserialize)]
struct GroupMember {
    collection: CollectionRef,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CollectionRef {
    name: String,
    scope_name: String,
    database_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupConfig {
    channels: Option<Vec<String>>,
    #[serde(alias = "documentIDs")]
    document_ids: Option<Vec<String>>,
    push_filter: Option<String>,
    pull_filter: Option<String>,
    /// Settee's own: whether the callback beside the configuration is asked about conflicts.
    conflict_resolver: bool,
}

impl ReplicatorConfig {
    /// Reads the object of API §15.1; `resolve` turns a database handle into the database.
    ///
    /// # Errors
    /// `InvalidParameter` naming the option and what is wrong with it; `NotFound` for a collection
    /// that does not exist. Blocks while filters are tried.
    pub fn from_json(
        config: &Value,
        resolve: &dyn Fn(&str) -> Result<Database>,
    ) -> Result<(Database, Self)> {
        let options = ReplicatorOptions::deserialize(config)
            .map_err(|error| Error::invalid(format!("replicator configuration: {error}")))?;
        options.normalize(resolve)
    }

    /// Stable number-free name of the remote, for remembering what it has.
    pub(crate) fn remote_key(&self) -> String {
        self.url.to_string()
    }

    /// Name of the checkpoint of one collection (wire §4.1): stable and unique for (database,
    /// remote, collection, filters, directions).
    pub(crate) fn checkpoint_id(
        &self,
        database_uuid: &[u8; 16],
        collection: &ReplicatedCollection,
    ) -> String {
        let mut input = database_uuid.to_vec();
        let mut add = |field: &str| {
            input.extend_from_slice(&(field.len() as u64).to_be_bytes());
            input.extend_from_slice(field.as_bytes());
        };
        add(self.url.as_str());
        add(collection.spec.scope());
        add(collection.spec.name());
        add(if self.push { "push" } else { "" });
        add(if self.pull { "pull" } else { "" });
        for channel in collection.channels.iter().flatten() {
            add("channel");
            add(channel);
        }
        for doc_id in collection.doc_ids.iter().flatten() {
            add("docID");
            add(doc_id.as_str());
        }
        let hash = if collection.spec.is_default() {
            STANDARD.encode(Sha1::digest(&input))
        } else {
            STANDARD.encode(Sha256::digest(&input))
        };
        format!("cp-{hash}")
    }
}

impl ReplicatorOptions {
    fn normalize(
        self,
        resolve: &dyn Fn(&str) -> Result<Database>,
    ) -> Result<(Database, ReplicatorConfig)> {
        let continuous = self.continuous.unwrap_or(false);
        let (push, pull) = match self.replicator_type.as_deref() {
            None | Some("PUSH_AND_PULL") => (true, true),
            Some("PUSH") => (true, false),
            Some("PULL") => (false, true),
            Some(other) => {
                let message =
                    format!("replicator type {other:?} must be PUSH_AND_PULL, PUSH or PULL");
                return Err(Error::invalid(message));
            }
        };
        let url = parse_url(&self.target)?;
        let (database, collections) = read_collections(&self.collection_config, resolve)?;
        let config = ReplicatorConfig {
            url,
            push,
            pull,
            continuous,
            collections,
            accept_parent_domain_cookies: self.accept_parent_domain_cookies.unwrap_or(false),
            proxy: read_proxy(&self.proxy)?,
            authenticator: read_authenticator(&self.authenticator)?,
            headers: read_headers(&self.headers)?,
            heartbeat: seconds("heartbeat", self.heartbeat, tuning::HEARTBEAT)?,
            max_attempts: attempts(self.max_attempts, continuous)?,
            max_attempt_wait: seconds(
                "maxAttemptWaitTime",
                self.max_attempt_wait_time,
                tuning::MAX_ATTEMPT_WAIT,
            )?,
            trust: read_trust(
                self.pinned_server_certificate.as_deref(),
                self.accept_self_signed_certs.unwrap_or(true),
            )?,
            auto_purge: self.auto_purge_enabled.unwrap_or(true),
            resolver: None,
        };
        Ok((database, config))
    }
}

/// Checks a replication URL (API §9.6).
///
/// # Errors
/// `InvalidParameter` naming the rule that was broken.
pub(crate) fn parse_url(target: &Value) -> Result<Url> {
    let text = target.get("url").and_then(Value::as_str).unwrap_or("");
    let url = Url::parse(text).map_err(|error| {
        Error::invalid(format!("endpoint URL {text:?} cannot be read: {error}"))
    })?;
    if !matches!(url.scheme(), "ws" | "wss") {
        let message =
            format!("Invalid scheme for URLEndpoint url ({text}); must be either 'ws:' or 'wss:'");
        return Err(Error::invalid(message));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let message = "Embedded credentials in a URL are not allowed; use BasicAuthenticator";
        return Err(Error::invalid(message));
    }
    let name = url.path().trim_end_matches('/').rsplit('/').next();
    if name.is_none_or(str::is_empty) {
        let message = format!("endpoint URL {text} names no database as its last path component");
        return Err(Error::invalid(message));
    }
    Ok(url)
}

fn read_collections(
    config: &Value,
    resolve: &dyn Fn(&str) -> Result<Database>,
) -> Result<(Database, Vec<ReplicatedCollection>)> {
    let none = || Error::invalid("No collections specified in the configuration");
    let unreadable = |error| Error::invalid(format!("collectionConfig cannot be read: {error}"));
    let groups: Vec<Group> = match config {
        Value::String(text) if text.is_empty() => return Err(none()),
        Value::String(text) => serde_json::from_str(text).map_err(unreadable)?,
        Value::Null => return Err(none()),
        other => Vec::deserialize(other).map_err(unreadable)?,
    };
    let mut handle: Option<String> = None;
    let mut collections: Vec<ReplicatedCollection> = Vec::new();
    for group in groups {
        let members = group
            .collections
            .into_iter()
            .map(|member| member.collection);
        let restrictions = read_group_config(group.config)?;
        for member in members.chain(group.collection) {
            let spec = CollectionSpec::new(member.scope_name, member.name)?;
            if handle.get_or_insert_with(|| member.database_name.clone()) != &member.database_name {
                return Err(Error::invalid(
                    "All collections must be from the same database and scope",
                ));
            }
            if collections.iter().any(|known| known.spec == spec) {
                return Err(Error::invalid(format!("collection {spec} is given twice")));
            }
            collections.push(ReplicatedCollection {
                spec,
                doc_ids: restrictions.doc_ids.clone(),
                channels: restrictions.channels.clone(),
                filters: restrictions.filters.clone(),
                custom_conflicts: restrictions.custom_conflicts,
            });
        }
    }
    let database = resolve(&handle.ok_or_else(none)?)?;
    database.read(|tx| {
        collections
            .iter()
            .find(|collection| !tx.has_collection(&collection.spec))
            .map_or(Ok(()), |missing| {
                let message = format!("collection {} does not exist", missing.spec);
                Err(Error::not_found(message))
            })
    })?;
    Ok((database, collections))
}

/// What a group leaves out.
#[derive(Debug)]
struct Restrictions {
    doc_ids: Option<Vec<DocId>>,
    channels: Option<Vec<String>>,
    filters: Filters,
    custom_conflicts: bool,
}

fn read_group_config(config: Value) -> Result<Restrictions> {
    let config = match config {
        Value::Object(_) => GroupConfig::deserialize(config)
            .map_err(|error| Error::invalid(format!("collection configuration: {error}")))?,
        _ => GroupConfig::default(),
    };
    let doc_ids = config
        .document_ids
        .filter(|list| !list.is_empty())
        .map(|list| list.into_iter().map(DocId::parse).collect())
        .transpose()?;
    Ok(Restrictions {
        doc_ids,
        channels: config.channels.filter(|list| !list.is_empty()),
        filters: Filters {
            push: Filters::read("pushFilter", config.push_filter)?,
            pull: Filters::read("pullFilter", config.pull_filter)?,
        },
        custom_conflicts: config.conflict_resolver,
    })
}

fn read_authenticator(value: &Value) -> Result<Option<Authenticator>> {
    let Value::Object(object) = value else {
        return Ok(None);
    };
    let data = object.get("data").unwrap_or(&Value::Null);
    let field = |name: &str| {
        data.get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Error::invalid(format!("authenticator needs the text field '{name}'")))
    };
    match object.get("type").and_then(Value::as_str) {
        Some("basic") => Ok(Some(Authenticator::Basic {
            username: field("username")?,
            password: field("password")?,
        })),
        Some("session") => Ok(Some(Authenticator::Session {
            cookie_name: field("cookieName").unwrap_or_else(|_| "SyncGatewaySession".into()),
            // One of the native plugins spells it with a small d.
            session_id: field("sessionID").or_else(|_| field("sessionId"))?,
        })),
        Some("clientCert") => Ok(Some(Authenticator::ClientCertificate {
            label: field("label")?,
            identity: None,
        })),
        other => Err(Error::invalid(format!(
            "authenticator type {other:?} must be 'basic', 'session' or 'clientCert'"
        ))),
    }
}

fn read_proxy(value: &Option<String>) -> Result<ProxyChoice> {
    match value.as_deref() {
        None | Some("environment") => Ok(ProxyChoice::Environment),
        Some("") => Ok(ProxyChoice::Direct),
        Some(url) => Proxy::parse(url).map(ProxyChoice::Through),
    }
}

fn read_headers(value: &Value) -> Result<Vec<(String, String)>> {
    let Value::Object(_) = value else {
        return Ok(Vec::new());
    };
    let headers: BTreeMap<String, String> = Deserialize::deserialize(value)
        .map_err(|error| Error::invalid(format!("headers must be texts: {error}")))?;
    Ok(headers.into_iter().collect())
}

fn seconds(name: &str, value: Option<f64>, default: Duration) -> Result<Duration> {
    match value {
        None | Some(0.0) => Ok(default),
        Some(value) => Duration::try_from_secs_f64(value)
            .map_err(|_| Error::invalid(format!("{name} is {value} seconds, must be 0 or more"))),
    }
}

fn attempts(value: Option<f64>, continuous: bool) -> Result<Option<u32>> {
    let value = value.unwrap_or(0.0);
    if !(0.0..=f64::from(u32::MAX)).contains(&value) {
        return Err(Error::invalid(format!(
            "maxAttempts is {value}, must be 0 or more"
        )));
    }
    // The range was checked; a fraction is cut.
    let value = value as u32;
    let default = tuning::MAX_ATTEMPTS_ONE_SHOT;
    Ok(match (value, continuous) {
        (0, false) => Some(default),
        (0, true) => None,
        // The JavaScript layer always sends 10 unless changed (API §9.7).
        (count, true) if count == default => None,
        (count, _) => Some(count),
    })
}

fn read_trust(pinned: Option<&str>, only_self_signed: bool) -> Result<ServerTrust> {
    let Some(text) = pinned.filter(|text| !text.is_empty()) else {
        return Ok(if only_self_signed {
            ServerTrust::OnlySelfSigned
        } else {
            ServerTrust::PlatformRoots
        });
    };
    let mut certificates = certificates_from_text(text, "pinnedServerCertificate")?;
    match (certificates.pop(), certificates.is_empty()) {
        (Some(der), true) => Ok(ServerTrust::Pinned(der)),
        _ => Err(Error::invalid(
            "pinnedServerCertificate has several certificates, must be one",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Code;

    fn refused(result: Result<impl std::fmt::Debug>) -> String {
        let error = result.unwrap_err();
        assert!(error.is(Code::InvalidParameter), "{error:?}");
        error.message().to_owned()
    }

    #[test]
    fn urls_follow_the_rules_of_api_9_6() {
        let parse = |url: &str| parse_url(&json!({ "url": url }));
        for good in ["ws://h/db", "wss://h:4984/a/b/", "ws://[::1]:5/x"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        assert!(refused(parse("http://h/db")).contains("'ws:' or 'wss:'"));
        assert!(refused(parse("ws://u:p@h/db")).contains("BasicAuthenticator"));
        assert!(refused(parse("ws://h/")).contains("names no database"));
        assert!(refused(parse("nonsense")).contains("nonsense"));
        assert!(refused(parse_url(&Value::Null)).contains("cannot be read"));
    }

    #[test]
    fn attempts_follow_api_9_7() {
        assert_eq!(attempts(None, false).unwrap(), Some(10));
        assert_eq!(attempts(Some(0.0), true).unwrap(), None);
        assert_eq!(attempts(Some(10.0), true).unwrap(), None);
        assert_eq!(attempts(Some(10.0), false).unwrap(), Some(10));
        assert_eq!(attempts(Some(3.0), true).unwrap(), Some(3));
        refused(attempts(Some(-1.0), false));
        refused(attempts(Some(f64::NAN), false));
    }

    #[test]
    fn a_negative_heartbeat_is_refused_and_zero_is_the_default() {
        let read = |value| seconds("heartbeat", Some(value), tuning::HEARTBEAT);
        assert_eq!(read(0.0).unwrap(), tuning::HEARTBEAT);
        assert_eq!(read(2.5).unwrap(), Duration::from_millis(2_500));
        assert!(refused(read(-1.0)).contains("heartbeat is -1"));
        refused(read(f64::INFINITY));
    }

    #[test]
    fn authenticators_are_read_in_every_spelling_and_unknown_ones_refused() {
        let basic = json!({"type": "basic", "data": {"username": "u", "password": "p"}});
        assert!(matches!(
            read_authenticator(&basic).unwrap(),
            Some(Authenticator::Basic { username, .. }) if username == "u"
        ));
        for key in ["sessionID", "sessionId"] {
            let session = json!({"type": "session", "data": {"cookieName": "c", key: "s"}});
            assert!(matches!(
                read_authenticator(&session).unwrap(),
                Some(Authenticator::Session { session_id, .. }) if session_id == "s"
            ));
        }
        assert!(read_authenticator(&json!("")).unwrap().is_none());
        refused(read_authenticator(&json!({"type": "oidc"})));
        refused(read_authenticator(
            &json!({"type": "basic", "data": {"username": "u"}}),
        ));
    }

    #[test]
    fn a_proxy_is_a_url_or_none_or_what_the_environment_says() {
        let read = |text: Option<&str>| read_proxy(&text.map(str::to_owned));
        assert_eq!(read(None).unwrap(), ProxyChoice::Environment);
        assert_eq!(read(Some("environment")).unwrap(), ProxyChoice::Environment);
        assert_eq!(read(Some("")).unwrap(), ProxyChoice::Direct);
        let url = "http://proxy.example:3128";
        assert!(matches!(read(Some(url)).unwrap(), ProxyChoice::Through(_)));
        assert!(refused(read(Some("proxy.example"))).contains("proxy URL"));
    }

    #[test]
    fn a_secret_never_shows_in_debug_text() {
        let basic = json!({"type": "basic", "data": {"username": "u", "password": "hush"}});
        let shown = format!("{:?}", read_authenticator(&basic).unwrap());
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn a_pin_must_be_one_certificate() {
        assert!(matches!(
            read_trust(None, true).unwrap(),
            ServerTrust::OnlySelfSigned
        ));
        assert!(matches!(
            read_trust(Some(""), false).unwrap(),
            ServerTrust::PlatformRoots
        ));
        assert!(refused(read_trust(Some("*"), true)).contains("base64"));
        assert!(refused(read_trust(Some("AAAA"), true)).contains("certificate"));
    }

    #[test]
    fn empty_restrictions_are_none() {
        let none = json!({"channels": [], "documentIds": [], "pushFilter": "", "pullFilter": null});
        for config in [none, json!(""), json!({})] {
            let read = read_group_config(config).unwrap();
            assert!(read.doc_ids.is_none() && read.channels.is_none() && read.filters.is_empty());
        }
        let read = read_group_config(json!({"channels": ["c"], "documentIDs": ["a"]})).unwrap();
        assert_eq!(read.doc_ids.map(|list| list.len()), Some(1));
        assert_eq!(read.channels.map(|list| list.len()), Some(1));
    }

    #[test]
    fn filters_are_tried_before_they_are_taken() {
        let good = json!({"pushFilter": "doc => doc.mine", "pullFilter": "() => true"});
        let filters = read_group_config(good).unwrap().filters;
        assert_eq!(filters.push.as_deref(), Some("doc => doc.mine"));
        assert_eq!(filters.pull.as_deref(), Some("() => true"));
        for name in ["pushFilter", "pullFilter"] {
            let message = refused(read_group_config(json!({name: "doc =>"})));
            assert!(message.starts_with(name), "{message}");
            assert!(message.contains("SyntaxError"), "{message}");
        }
    }
}
