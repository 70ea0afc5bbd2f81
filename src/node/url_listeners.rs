//! URL endpoint listeners by id (API §10, §13.6).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::args::Args;
use super::discovery::{self, Advertised};
use super::listener_questions::Asking;
use super::message::Outcome;
use super::port::{Completer, KeepAlive};
use super::tokens::{Source, Token};
use super::{identities, lock, shown};
use crate::error::{Error, Result};
use crate::listener::{
    self as network, AuthenticatorOptions, ConnectionInfo, ListenerOptions, Principal,
    UrlEndpointListener,
};

#[derive(Debug)]
struct Entry {
    /// Handle and plain name of its database.
    unique_name: String,
    database_name: String,
    listener: UrlEndpointListener,
    keep_alive: Mutex<Option<KeepAlive>>,
    advertised: Mutex<Option<Advertised>>,
}

/// All URL endpoint listeners of the process.
#[derive(Debug, Default)]
pub(super) struct UrlListeners(Mutex<HashMap<String, Arc<Entry>>>);

impl UrlListeners {
    fn get(&self, id: &str) -> Result<Arc<Entry>> {
        lock(&self.0).get(id).map(Arc::clone).ok_or_else(|| {
            Error::not_found(format!("Unable to find listener with id {}", shown(id)))
        })
    }

    /// The lane of calls on this listener.
    pub(super) fn lane(&self, id: &str) -> Option<String> {
        lock(&self.0)
            .get(id)
            .map(|entry| entry.database_name.clone())
    }

    /// A database handle was closed, which has stopped its listeners: they keep nothing alive.
    pub(super) fn database_closed(&self, unique_name: &str) {
        let mut withdrawn = Vec::new();
        for entry in lock(&self.0).values() {
            if entry.unique_name == unique_name {
                *lock(&entry.keep_alive) = None;
                withdrawn.push(lock(&entry.advertised).take());
            }
        }
        // Saying goodbye takes its time: not under the lock.
        drop(withdrawn);
    }
}

fn entry(args: &Args<'_>) -> Result<Arc<Entry>> {
    args.runtime.url_listeners.get(args.text("listenerId")?)
}

/// The first database handle that the collections name.
pub(super) fn database_name(args: &Value) -> Option<String> {
    let name = args.get("collections")?.get(0)?.get("databaseName")?;
    name.as_str().map(str::to_owned)
}

/// Takes the token of the callback to ask, if the options ask, and puts the asking there.
fn prepare_to_ask(
    args: &Args<'_>,
    completer: &Completer,
    unique_name: &str,
    options: &mut ListenerOptions,
) -> Result<Option<Arc<Token>>> {
    let asks_about_requests = match args.field("requestAuthorizer") {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        _ => return Err(Error::invalid("requestAuthorizer must be a boolean here")),
    };
    let asks_about_clients = matches!(
        options.authenticator,
        Some(AuthenticatorOptions::Asking(_) | AuthenticatorOptions::AskingCertificate(_))
    );
    if !asks_about_clients && !asks_about_requests {
        return match args.field("changeListenerToken") {
            Value::Null => Ok(None),
            _ => Err(Error::invalid(
                "there is a changeListenerToken, but authenticatorConfig does not ask",
            )),
        };
    }
    let tokens = &args.runtime.tokens;
    let token = tokens.reserve(args.text("changeListenerToken")?, completer.port())?;
    let unique_name = unique_name.to_owned();
    tokens.bind(&token, Source::Questions { unique_name });
    let asking = Arc::new(Asking::new(args.runtime, Arc::clone(&token)));
    match &mut options.authenticator {
        Some(AuthenticatorOptions::Asking(authenticator)) => {
            *authenticator = Some(Arc::<Asking>::clone(&asking));
        }
        Some(AuthenticatorOptions::AskingCertificate(authenticator)) => {
            *authenticator = Some(Arc::<Asking>::clone(&asking));
        }
        _ => {}
    }
    if asks_about_requests {
        options.authorizer = Some(asking);
    }
    Ok(Some(token))
}

/// `URLEndpointListener_createListener` → `{listenerId}`. With `authenticatorConfig {type, ask:
/// true}` the callback of `changeListenerToken` is asked about `{username, password}` or
/// `{certificates, verifiedDepth}`, with `requestAuthorizer: true` about `{request}`.
pub(super) fn create(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    let bad = |why: &str| Error::invalid(format!("Invalid collection parameters: {why}"));
    let mut options = ListenerOptions::from_json(args.value())?;
    let collections = args.field("collections").as_array();
    let mut handles = collections.into_iter().flatten().map(|collection| {
        let handle = collection.get("databaseName").and_then(Value::as_str);
        handle.ok_or_else(|| bad("databaseName is missing"))
    });
    let first = handles
        .next()
        .ok_or_else(|| bad("at least one collection is needed"))??;
    let open = args.runtime.databases.get(first)?;
    for handle in handles {
        if args.runtime.databases.get(handle?)?.database.path() != open.database.path() {
            return Err(bad("all collections must be of one database"));
        }
    }
    if !options.disable_tls.unwrap_or_default()
        && let Some(identity) =
            identities::in_memory(args.runtime, args.field("tlsIdentityConfig"))?
    {
        options.tls_identity = None;
        options.identity = Some(identity);
    }
    let token = prepare_to_ask(args, completer, &open.unique_name, &mut options)?;
    let runtime = args.runtime.handle().clone();
    let listener = UrlEndpointListener::new(open.database.clone(), options, runtime);
    let listener = listener.inspect_err(|_| {
        if let Some(token) = token {
            let _ = args.runtime.tokens.remove(token.name());
        }
    })?;
    let entry = Entry {
        unique_name: open.unique_name.clone(),
        database_name: open.name.clone(),
        listener,
        keep_alive: Mutex::default(),
        advertised: Mutex::default(),
    };
    let id = uuid::Uuid::new_v4().to_string();
    lock(&args.runtime.url_listeners.0).insert(id.clone(), Arc::new(entry));
    Ok(Outcome::Json(json!({"listenerId": id}).to_string()))
}

/// `URLEndpointListener_startListener {listenerId}` → `{port, urls}`.
pub(super) fn start(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    let entry = entry(args)?;
    let started = args.runtime.handle().block_on(entry.listener.start())?;
    *lock(&entry.keep_alive) = Some(completer.port().keep_alive());
    Ok(Outcome::Json(
        json!({"port": started.port, "urls": started.urls}).to_string(),
    ))
}

/// `URLEndpointListener_stopListener {listenerId}`.
pub(super) fn stop(args: &Args<'_>) -> Result<Outcome> {
    let entry = entry(args)?;
    *lock(&entry.advertised) = None;
    args.runtime.handle().block_on(entry.listener.stop());
    *lock(&entry.keep_alive) = None;
    Ok(Outcome::Nothing)
}

/// `URLEndpointListener_getStatus {listenerId}`.
pub(super) fn status(args: &Args<'_>) -> Result<Outcome> {
    let status = entry(args)?.listener.status();
    Ok(Outcome::Json(
        json!({
            "connectionsCount": status.connections,
            "activeConnectionCount": status.active,
        })
        .to_string(),
    ))
}

/// `URLEndpointListener_getTLSIdentity {listenerId}` → `{certificates}`, or nothing without TLS and
/// before the first start with the anonymous identity.
pub(super) fn tls_identity(args: &Args<'_>) -> Result<Outcome> {
    match entry(args)?.listener.identity() {
        Some(identity) => {
            let certificates = identities::certificates(identity.chain_der())?;
            Ok(Outcome::Json(
                json!({"certificates": certificates}).to_string(),
            ))
        }
        None => Ok(Outcome::Nothing),
    }
}

/// `URLEndpointListener_setTLSIdentity {listenerId, tlsIdentityConfig}`: presented from the next
/// handshake on.
pub(super) fn set_tls_identity(args: &Args<'_>) -> Result<Outcome> {
    let entry = entry(args)?;
    let identity = identities::from_config(args.runtime, args.field("tlsIdentityConfig"))?;
    entry.listener.set_identity(identity)?;
    Ok(Outcome::Nothing)
}

/// `URLEndpointListener_getConnections {listenerId}` → `{connections}`.
pub(super) fn connections(args: &Args<'_>) -> Result<Outcome> {
    let connections = entry(args)?.listener.connections();
    let described: Vec<_> = connections.iter().map(described).collect();
    Ok(Outcome::Json(json!({"connections": described}).to_string()))
}

fn described(info: &ConnectionInfo) -> Value {
    let since_1970 = info.started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let collections: Vec<_> = info
        .collections
        .iter()
        .map(|spec| json!({"scopeName": spec.scope(), "name": spec.name()}))
        .collect();
    json!({
        "id": info.id,
        "principal": info.principal.to_string(),
        "address": info.address,
        "collections": collections,
        "started": u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
        "bytesReceived": info.bytes_received,
        "bytesSent": info.bytes_sent,
        "isActive": info.is_active,
    })
}

/// `URLEndpointListener_disconnect {listenerId, principal}` → `{count}`.
pub(super) fn disconnect(args: &Args<'_>) -> Result<Outcome> {
    let principal: Principal = args.text("principal")?.parse()?;
    let count = entry(args)?.listener.disconnect(&principal);
    Ok(Outcome::Json(json!({"count": count}).to_string()))
}

/// `URLEndpointListener_advertise {listenerId, group?, privacy?}`: until it stops, or for the next.
pub(super) fn advertise(args: &Args<'_>) -> Result<Outcome> {
    let entry = entry(args)?;
    let advertised = discovery::advertise(&entry.listener, args)?;
    *lock(&entry.advertised) = Some(advertised);
    Ok(Outcome::Nothing)
}

/// `URLEndpointListener_stopAdvertising {listenerId}`.
pub(super) fn stop_advertising(args: &Args<'_>) -> Result<Outcome> {
    *lock(&entry(args)?.advertised) = None;
    Ok(Outcome::Nothing)
}

/// `URLEndpointListener_getNetworkInterfaces` → `{interfaces: [{name, address, family,
/// isLoopback}]}`.
pub(super) fn network_interfaces(_: &Args<'_>) -> Result<Outcome> {
    let interfaces: Vec<_> = network::network_interfaces()?
        .into_iter()
        .map(|found| {
            json!({
                "name": found.name,
                "address": found.address.to_string(),
                "family": if found.address.is_ipv4() { "IPv4" } else { "IPv6" },
                "isLoopback": found.is_loopback,
            })
        })
        .collect();
    Ok(Outcome::Json(json!({"interfaces": interfaces}).to_string()))
}
