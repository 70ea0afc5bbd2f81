//! The list of engine functions: what each is called, whose lane it goes to, what runs it.
//!
//! Save, get, delete, purge and queries are not here: they come as compact calls (see [`super::call`]).

use serde_json::Value;

use super::args::Args;
use super::lanes;
use super::message::Outcome;
use super::port::Completer;
use super::runtime::Runtime;
use super::{
    batch, blobs, change_listeners, collections, databases, discovery, files, identities, indexes,
    log_settings, queries, questions, replicators, shown, url_listeners,
};
use crate::error::{Code, Error, Result};

/// What is left to do when the arguments are known to be good.
pub(super) type Job = Box<dyn FnOnce(Completer) + Send>;

/// How a function runs.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// At once, on whatever thread.
    Now(fn(&Args<'_>) -> Result<Outcome>),
    /// As `Now`, and before calls that wait: something in the engine waits for this one.
    Ahead(fn(&Args<'_>) -> Result<Outcome>),
    /// Checks its arguments at once and answers later; never blocks.
    Later(fn(&Args<'_>) -> Result<Job>),
    /// As `Now`, but may block: only on a blocking thread.
    Blocking(fn(&Args<'_>) -> Result<Outcome>),
    /// As `Blocking`, and needs to know who asks.
    BlockingFor(fn(&Args<'_>, &Completer) -> Result<Outcome>),
}

/// The function called `name`.
///
/// # Errors
/// `Unimplemented` for names that nobody knows.
pub(super) fn find(name: &str) -> Result<Run> {
    use Run::{Ahead, Blocking, BlockingFor, Later, Now};
    Ok(match name {
        "collection_CreateCollection" => Later(collections::create),
        "collection_DeleteCollection" => Later(collections::delete),
        "collection_GetCollection" => Later(collections::get),
        "collection_GetCollections" => Later(collections::list),
        "collection_GetDefault" => Later(collections::get_default),
        "collection_GetCount" => Later(collections::count),
        "collection_GetFullName" => Later(collections::full_name),
        "collection_CreateIndex" => Later(indexes::create),
        "collection_DeleteIndex" => Later(indexes::delete),
        "collection_GetIndexes" => Later(indexes::list),
        "collection_GetBlobContent" => Blocking(blobs::content),
        "collection_SetDocumentExpiration" => Later(collections::set_expiration),
        "collection_GetDocumentExpiration" => Later(collections::expiration),
        "collection_AddChangeListener" => BlockingFor(change_listeners::add_collection),
        "collection_AddDocumentChangeListener" => BlockingFor(change_listeners::add_document),
        "collection_RemoveChangeListener" | "collection_RemoveDocumentChangeListener" => {
            Now(change_listeners::remove)
        }
        "listenerToken_Remove"
        | "replicator_RemoveChangeListener"
        | "query_RemoveChangeListener" => Now(change_listeners::remove),

        "database_Open" => Blocking(databases::open),
        "database_Close" => Blocking(databases::close),
        "database_Delete" => Blocking(databases::delete),
        "database_DeleteWithPath" => Blocking(databases::delete_with_path),
        "database_Exists" => Blocking(databases::exists),
        "database_GetPath" => Now(databases::path),
        "database_Copy" => Blocking(databases::copy),
        "database_ChangeEncryptionKey" => Blocking(databases::change_encryption_key),
        "database_PerformMaintenance" => Blocking(databases::perform_maintenance),
        "database_SetLogLevel" => Now(log_settings::set_level),
        "database_SetFileLoggingConfig" => Blocking(log_settings::set_files),
        "database_ReadBlob" => Blocking(blobs::read),
        "database_SaveBlob" => Blocking(blobs::save),
        "database_BeginBatch" => Later(batch::begin),
        "database_EndBatch" => Later(batch::end),

        "scope_GetDefault" => Now(collections::default_scope),
        "scope_GetScope" => Later(collections::scope),
        "scope_GetScopes" => Later(collections::scopes),

        "callback_Answer" => Ahead(questions::answer),

        "file_GetDefaultPath" => Blocking(files::default_path),
        "file_GetFileNamesInDirectory" => Blocking(files::names_in_directory),

        "query_Explain" => Later(queries::explain),
        "query_AddChangeListener" => BlockingFor(queries::add_listener),

        "replicator_Create" => BlockingFor(replicators::create),
        "replicator_Start" => BlockingFor(replicators::start),
        "replicator_ResetCheckpoint" => BlockingFor(replicators::reset_and_start),
        "replicator_Stop" => Blocking(replicators::stop),
        "replicator_SetSuspended" => Now(replicators::set_suspended),
        "replicator_Cleanup" => Blocking(replicators::cleanup),
        "replicator_GetStatus" => Now(replicators::status),
        "replicator_GetServerCertificates" => Now(replicators::server_certificates),
        "replicator_GetPendingDocumentIds" => Blocking(replicators::pending_document_ids),
        "replicator_IsDocumentPending" => Blocking(replicators::is_document_pending),
        "replicator_AddChangeListener" => BlockingFor(replicators::add_status_listener),
        "replicator_AddDocumentChangeListener" => BlockingFor(replicators::add_document_listener),

        "URLEndpointListener_createListener" => BlockingFor(url_listeners::create),
        "URLEndpointListener_startListener" => BlockingFor(url_listeners::start),
        "URLEndpointListener_stopListener" => Blocking(url_listeners::stop),
        "URLEndpointListener_getStatus" => Now(url_listeners::status),
        "URLEndpointListener_deleteIdentity" => Blocking(identities::delete),
        "URLEndpointListener_getTLSIdentity" => Now(url_listeners::tls_identity),
        "URLEndpointListener_setTLSIdentity" => Blocking(url_listeners::set_tls_identity),
        "URLEndpointListener_getConnections" => Now(url_listeners::connections),
        "URLEndpointListener_disconnect" => Now(url_listeners::disconnect),
        "URLEndpointListener_advertise" => Blocking(url_listeners::advertise),
        "URLEndpointListener_stopAdvertising" => Blocking(url_listeners::stop_advertising),
        "dnssd_Browse" => BlockingFor(discovery::browse),
        "dnssd_RemoveBrowser" => Now(change_listeners::remove),
        "URLEndpointListener_getNetworkInterfaces" => Blocking(url_listeners::network_interfaces),

        "tlsIdentity_Create" => Blocking(identities::create),
        "tlsIdentity_Import" => Blocking(identities::import),
        "tlsIdentity_Get" => Blocking(identities::get),
        "tlsIdentity_Delete" => Blocking(identities::delete),
        "tlsIdentity_List" => Blocking(identities::list),
        "tlsIdentity_GetProtection" => Blocking(identities::protection),

        _ => {
            return Err(Error::lite(
                Code::Unimplemented,
                format!("there is no engine function {:?}", shown(name)),
            ));
        }
    })
}

/// The lane of a call: the plain name of the database that it concerns, directly or through its
/// replicator or listener. Calls that name none share one.
pub(super) fn lane(runtime: &'static Runtime, name: &str, args: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(id) = args.get("replicatorId").and_then(Value::as_str) {
        return runtime.replicators.lane(id).unwrap_or_default();
    }
    if let Some(id) = args.get("listenerId").and_then(Value::as_str) {
        return runtime.url_listeners.lane(id).unwrap_or_default();
    }
    let handle = match name {
        "database_Exists" | "database_DeleteWithPath" => args.get("databaseName").and_then(text),
        "replicator_Create" => replicators::database_name(args),
        "URLEndpointListener_createListener" => url_listeners::database_name(args),
        _ => args.get("name").and_then(text),
    };
    match handle {
        Some(handle) if name != "database_Open" => database_lane(runtime, handle),
        Some(name) => name,
        None => String::new(),
    }
}

/// The lane of a database handle.
pub(super) fn database_lane(runtime: &'static Runtime, handle: String) -> String {
    runtime
        .databases
        .get(&handle)
        .map_or(handle, |open| open.name.clone())
}

/// Runs a call, at once or in its lane.
pub(super) fn dispatch(runtime: &'static Runtime, name: &str, args: Value, completer: Completer) {
    let run = match find(name) {
        Ok(run) => run,
        Err(error) => return completer.done(Err(error)),
    };
    if let Run::Ahead(run) = run {
        return completer.done(run(&Args::new(runtime, &args)));
    }
    let lane = lane(runtime, name, &args);
    let blocks = matches!(run, Run::Blocking(_) | Run::BlockingFor(_));
    let job: lanes::Job = Box::new(move || {
        let args = Args::new(runtime, &args);
        match run {
            Run::Now(run) | Run::Ahead(run) | Run::Blocking(run) => completer.done(run(&args)),
            Run::BlockingFor(run) => {
                let result = run(&args, &completer);
                completer.done(result);
            }
            Run::Later(check) => match check(&args) {
                Ok(job) => job(completer),
                Err(error) => completer.done(Err(error)),
            },
        }
    });
    if blocks || runtime.lanes.is_busy(&lane) {
        runtime.push(&lane, job);
    } else {
        job();
    }
}
