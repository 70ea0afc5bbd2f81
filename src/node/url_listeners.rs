//! URL endpoint listeners by id (API §10, §13.6).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::args::Args;
use super::message::Outcome;
use super::port::{Completer, KeepAlive};
use super::{lock, shown};
use crate::database::default_directory;
use crate::error::{Error, Result};
use crate::listener::{ListenerOptions, UrlEndpointListener};
use crate::tls::IdentityStore;

#[derive(Debug)]
struct Entry {
    /// Handle and plain name of its database.
    unique_name: String,
    database_name: String,
    listener: UrlEndpointListener,
    keep_alive: Mutex<Option<KeepAlive>>,
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
        for entry in lock(&self.0).values() {
            if entry.unique_name == unique_name {
                *lock(&entry.keep_alive) = None;
            }
        }
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

/// `URLEndpointListener_createListener` → `{listenerId}`.
pub(super) fn create(args: &Args<'_>) -> Result<Outcome> {
    let bad = |why: &str| Error::invalid(format!("Invalid collection parameters: {why}"));
    let options = ListenerOptions::from_json(args.value())?;
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
    let runtime = args.runtime.handle().clone();
    let entry = Entry {
        unique_name: open.unique_name.clone(),
        database_name: open.name.clone(),
        listener: UrlEndpointListener::new(open.database.clone(), options, runtime)?,
        keep_alive: Mutex::default(),
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

/// `URLEndpointListener_deleteIdentity {label}`: an unknown label is no error.
pub(super) fn delete_identity(args: &Args<'_>) -> Result<Outcome> {
    let label = args.text("label")?;
    let folder = default_directory()?.join("identities");
    if folder.is_dir() {
        IdentityStore::open(&folder)?.delete(label)?;
    }
    Ok(Outcome::Nothing)
}
