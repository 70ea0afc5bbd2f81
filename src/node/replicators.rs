//! Replicators by id (API §13.5, §15.10).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

use super::args::Args;
use super::conflict_resolver::AskingResolver;
use super::message::Outcome;
use super::port::{Completer, KeepAlive, Port};
use super::tokens::{Source, Token};
use super::{identities, lock, shown};
use crate::error::{Error, Result};
use crate::model::CollectionSpec;
use crate::replicator::{
    ActivityLevel, Authenticator, DocumentReplication, Replicator, ReplicatorConfig,
    ReplicatorObserver, ReplicatorStatus,
};

/// A replicator, its listeners, and what keeps the process running while it does.
#[derive(Debug)]
pub(super) struct ReplicatorEntry {
    id: String,
    /// Plain name of its database.
    database_name: String,
    replicator: OnceLock<Replicator>,
    status_listeners: Mutex<Vec<Arc<Token>>>,
    document_listeners: Mutex<Vec<Arc<Token>>>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    /// Who started it last.
    port: Option<Arc<Port>>,
    keep_alive: Option<KeepAlive>,
}

impl ReplicatorEntry {
    /// Forgets a listener of either kind.
    pub(super) fn remove_listener(&self, token: &Arc<Token>) {
        for listeners in [&self.status_listeners, &self.document_listeners] {
            lock(listeners).retain(|other| !Arc::ptr_eq(other, token));
        }
    }

    fn replicator(&self) -> Result<&Replicator> {
        self.replicator.get().ok_or_else(|| no_such(&self.id))
    }

    fn start(&self, port: &Arc<Port>, reset: bool) -> Result<()> {
        let replicator = self.replicator()?;
        {
            let mut running = lock(&self.running);
            running.port = Some(Arc::clone(port));
            running.keep_alive = Some(port.keep_alive());
        }
        replicator.start(reset);
        Ok(())
    }
}

impl ReplicatorObserver for ReplicatorEntry {
    fn status(&self, status: &ReplicatorStatus) {
        let payload = status_payload(status).to_string();
        for token in lock(&self.status_listeners).iter() {
            token.send(&payload);
        }
        let mut running = lock(&self.running);
        if status.level == ActivityLevel::Stopped {
            running.keep_alive = None;
        } else if running.keep_alive.is_none() {
            running.keep_alive = running.port.as_ref().map(Port::keep_alive);
        }
    }

    fn documents(&self, replication: &DocumentReplication) {
        let listeners = lock(&self.document_listeners);
        if listeners.is_empty() {
            return;
        }
        let payload = documents_payload(replication).to_string();
        for token in listeners.iter() {
            token.send(&payload);
        }
    }
}

/// `{activityLevel, progress, error?}`.
fn status_payload(status: &ReplicatorStatus) -> Value {
    let mut payload = json!({
        "activityLevel": status.level as u8,
        "progress": {"completed": status.completed, "total": status.total},
    });
    if let Some(error) = &status.error {
        payload["error"] = error_payload(error);
    }
    payload
}

fn error_payload(error: &Error) -> Value {
    // A document event without a message would be refused by the layer above (API §9.5).
    let message = match error.message() {
        "" => "unknown error",
        message => message,
    };
    json!({"message": message, "domain": error.domain(), "code": error.code()})
}

/// `{isPush, documents}`.
fn documents_payload(replication: &DocumentReplication) -> Value {
    let documents: Vec<Value> = replication
        .documents
        .iter()
        .map(|document| {
            let mut flags = Vec::new();
            if document.deleted {
                flags.push("DELETED");
            }
            if document.access_removed {
                flags.push("ACCESS_REMOVED");
            }
            let mut payload = json!({
                "id": document.id,
                "scopeName": document.collection.scope(),
                "collectionName": document.collection.name(),
                "flags": flags,
            });
            if let Some(error) = &document.error {
                payload["error"] = error_payload(error);
            }
            payload
        })
        .collect();
    json!({"isPush": replication.is_push, "documents": documents})
}

/// All replicators of the process.
#[derive(Debug, Default)]
pub(super) struct Replicators(Mutex<HashMap<String, Arc<ReplicatorEntry>>>);

impl Replicators {
    fn get(&self, id: &str) -> Result<Arc<ReplicatorEntry>> {
        lock(&self.0)
            .get(id)
            .map(Arc::clone)
            .ok_or_else(|| no_such(id))
    }

    /// The lane of calls on this replicator.
    pub(super) fn lane(&self, id: &str) -> Option<String> {
        lock(&self.0)
            .get(id)
            .map(|entry| entry.database_name.clone())
    }
}

fn no_such(id: &str) -> Error {
    Error::not_found(format!("No such replicator: {:?}", shown(id)))
}

fn entry(args: &Args<'_>) -> Result<Arc<ReplicatorEntry>> {
    args.runtime.replicators.get(args.text("replicatorId")?)
}

/// The first database handle that a configuration names.
pub(super) fn database_name(args: &Value) -> Option<String> {
    let groups = &args["config"]["collectionConfig"];
    let parsed = groups
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let group = parsed.as_ref().unwrap_or(groups).get(0)?;
    let collection = group
        .get("collection")
        .or_else(|| group.get("collections")?.get(0)?.get("collection"))?;
    collection.get("databaseName")?.as_str().map(str::to_owned)
}

/// Takes the token of the callback to ask about conflicts, if there is one, and puts the asking
/// into the configuration.
fn prepare_to_ask(
    args: &Args<'_>,
    completer: &Completer,
    config: &mut ReplicatorConfig,
) -> Result<Option<Arc<Token>>> {
    let asks = config.collections.iter().any(|c| c.custom_conflicts);
    let named = !args.field("changeListenerToken").is_null();
    match (asks, named) {
        (false, false) => return Ok(None),
        (true, true) => {}
        (true, false) => {
            let message = "a conflictResolver needs a callback and its changeListenerToken";
            return Err(Error::invalid(message));
        }
        (false, true) => {
            let message = "there is a changeListenerToken, but no collection asks about conflicts";
            return Err(Error::invalid(message));
        }
    }
    let name = args.text("changeListenerToken")?;
    let token = args.runtime.tokens.reserve(name, completer.port())?;
    config.resolver = Some(Arc::new(AskingResolver {
        runtime: args.runtime,
        token: Arc::clone(&token),
    }));
    Ok(Some(token))
}

/// `replicator_Create {config}` → `{replicatorId}`. Where a collection's configuration has
/// `conflictResolver: true`, the callback of `changeListenerToken` is asked about its conflicts.
pub(super) fn create(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    let config = match args.field("config") {
        Value::Null => return Err(Error::invalid("argument \"config\" is missing")),
        config => config,
    };
    let resolve = |handle: &str| {
        let open = args.runtime.databases.get(handle)?;
        Ok(open.database.clone())
    };
    let (database, mut config) = ReplicatorConfig::from_json(config, &resolve)?;
    let token = prepare_to_ask(args, completer, &mut config)?;
    if let Some(Authenticator::ClientCertificate { label, identity }) = &mut config.authenticator {
        *identity = Some(identities::find(args.runtime, label)?);
    }
    let entry = Arc::new(ReplicatorEntry {
        id: uuid::Uuid::new_v4().to_string(),
        database_name: database.name().to_owned(),
        replicator: OnceLock::new(),
        status_listeners: Mutex::default(),
        document_listeners: Mutex::default(),
        running: Mutex::default(),
    });
    let observer: Arc<dyn ReplicatorObserver> = Arc::new(Weakly(Arc::downgrade(&entry)));
    let runtime = args.runtime.handle().clone();
    let _ = entry
        .replicator
        .set(Replicator::new(database, config, observer, runtime));
    if let Some(token) = token {
        // So that it ends with the replicator.
        let source = Source::Replicator(Arc::clone(&entry));
        args.runtime.tokens.bind(&token, source);
    }
    let id = entry.id.clone();
    lock(&args.runtime.replicators.0).insert(id.clone(), entry);
    Ok(Outcome::Json(json!({"replicatorId": id}).to_string()))
}

/// So that an entry and its replicator do not keep each other alive.
struct Weakly(std::sync::Weak<ReplicatorEntry>);

impl ReplicatorObserver for Weakly {
    fn status(&self, status: &ReplicatorStatus) {
        if let Some(entry) = self.0.upgrade() {
            entry.status(status);
        }
    }

    fn documents(&self, replication: &DocumentReplication) {
        if let Some(entry) = self.0.upgrade() {
            entry.documents(replication);
        }
    }
}

/// `replicator_Start {replicatorId}`.
pub(super) fn start(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    entry(args)?.start(completer.port(), false)?;
    Ok(Outcome::Nothing)
}

/// `replicator_ResetCheckpoint {replicatorId}`: resets and starts.
pub(super) fn reset_and_start(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    entry(args)?.start(completer.port(), true)?;
    Ok(Outcome::Nothing)
}

/// `replicator_Stop {replicatorId}`.
pub(super) fn stop(args: &Args<'_>) -> Result<Outcome> {
    entry(args)?.replicator()?.stop();
    Ok(Outcome::Nothing)
}

/// `replicator_Cleanup {replicatorId}`: stops it, removes its listeners, forgets it.
pub(super) fn cleanup(args: &Args<'_>) -> Result<Outcome> {
    let entry = entry(args)?;
    lock(&args.runtime.replicators.0).remove(&entry.id);
    args.runtime.tokens.remove_where(
        |_, source| matches!(source, Source::Replicator(other) if Arc::ptr_eq(other, &entry)),
    );
    entry.replicator()?.stop();
    // The STOPPED event may find nobody: the process need not wait for it.
    *lock(&entry.running) = Running::default();
    Ok(Outcome::Nothing)
}

/// `replicator_SetSuspended {replicatorId, suspended}`.
pub(super) fn set_suspended(args: &Args<'_>) -> Result<Outcome> {
    let Value::Bool(suspended) = args.field("suspended") else {
        return Err(Error::invalid("argument \"suspended\" must be a boolean"));
    };
    entry(args)?.replicator()?.set_suspended(*suspended);
    Ok(Outcome::Nothing)
}

/// `replicator_GetStatus {replicatorId}`.
pub(super) fn status(args: &Args<'_>) -> Result<Outcome> {
    let status = entry(args)?.replicator()?.status();
    Ok(Outcome::Json(status_payload(&status).to_string()))
}

/// `replicator_GetServerCertificates {replicatorId}` → `{certificates}`, leaf first.
pub(super) fn server_certificates(args: &Args<'_>) -> Result<Outcome> {
    let chain = entry(args)?.replicator()?.server_certificates();
    // What cannot be read was refused and cannot be shown either.
    let certificates = identities::certificates(&chain).unwrap_or_else(|_| json!([]));
    Ok(Outcome::Json(
        json!({"certificates": certificates}).to_string(),
    ))
}

/// `replicator_GetPendingDocumentIds {replicatorId, …}` → `{pendingDocumentIds}`.
pub(super) fn pending_document_ids(args: &Args<'_>) -> Result<Outcome> {
    let (entry, collection) = entry_and_collection(args)?;
    let ids = entry.replicator()?.pending_document_ids(&collection)?;
    Ok(Outcome::Json(
        json!({"pendingDocumentIds": ids}).to_string(),
    ))
}

/// `replicator_IsDocumentPending {replicatorId, …, documentId}` → `{isPending}`.
pub(super) fn is_document_pending(args: &Args<'_>) -> Result<Outcome> {
    let (entry, collection) = entry_and_collection(args)?;
    let id = args.text("documentId")?;
    let pending = entry.replicator()?.is_document_pending(id, &collection)?;
    Ok(Outcome::Json(json!({"isPending": pending}).to_string()))
}

/// The replicator and a collection of its database.
fn entry_and_collection(args: &Args<'_>) -> Result<(Arc<ReplicatorEntry>, CollectionSpec)> {
    let entry = entry(args)?;
    let (open, collection) = args.collection()?;
    if open.database.path() != entry.replicator()?.database().path() {
        return Err(Error::invalid(format!(
            "database {:?} is not the one that is replicated",
            open.unique_name
        )));
    }
    Ok((entry, collection))
}

/// `replicator_AddChangeListener {replicatorId, changeListenerToken}`.
pub(super) fn add_status_listener(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    add_listener(args, completer, |entry| &entry.status_listeners)
}

/// `replicator_AddDocumentChangeListener {replicatorId, changeListenerToken}`.
pub(super) fn add_document_listener(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    add_listener(args, completer, |entry| &entry.document_listeners)
}

fn add_listener(
    args: &Args<'_>,
    completer: &Completer,
    list: impl Fn(&ReplicatorEntry) -> &Mutex<Vec<Arc<Token>>>,
) -> Result<Outcome> {
    let entry = entry(args)?;
    let tokens = &args.runtime.tokens;
    let token = tokens.reserve(args.text("changeListenerToken")?, completer.port())?;
    tokens.bind(&token, Source::Replicator(Arc::clone(&entry)));
    lock(list(&entry)).push(token);
    Ok(Outcome::Nothing)
}
