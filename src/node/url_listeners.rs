//! URL endpoint listeners by id (API §10, §13.6).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::args::Args;
use super::message::Outcome;
use super::port::{Completer, KeepAlive};
use super::questions::{self, Unanswered};
use super::runtime::Runtime;
use super::tokens::{Source, Token};
use super::{lock, shown};
use crate::database::default_directory;
use crate::error::{Error, Result};
use crate::listener::{
    Admission, Authenticator, AuthenticatorOptions, Credentials, ListenerOptions,
    UrlEndpointListener,
};
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

/// An authenticator that asks JavaScript.
struct Asking {
    runtime: &'static Runtime,
    token: Arc<Token>,
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.token.name();
        f.debug_tuple("Asking").field(&token).finish()
    }
}

impl Authenticator for Asking {
    fn judge(&self, credentials: Credentials) -> BoxFuture<'_, Admission> {
        let (username, password) = credentials.into_text();
        let data = json!({"username": username, "password": password});
        let put = move |question: &str| {
            let asked = json!({"token": self.token.name(), "question": question, "data": data});
            self.token.send(&asked.to_string());
        };
        let questions = &self.runtime.questions;
        let answer = questions.ask(questions::LIMIT, self.token.ended(), put);
        async move {
            match answer.await {
                Ok(Value::Bool(true)) => Admission::Admitted,
                Ok(_) => Admission::Denied,
                Err(reason) => {
                    tracing::warn!(target: "listener", %reason, "no answer about a password");
                    match reason {
                        Unanswered::TooMany => Admission::Overloaded,
                        Unanswered::Failed | Unanswered::Gone | Unanswered::TimedOut => {
                            Admission::Denied
                        }
                    }
                }
            }
        }
        .boxed()
    }
}

/// Takes the token of the callback to ask, if the options ask, and puts the asking there.
fn prepare_to_ask(
    args: &Args<'_>,
    completer: &Completer,
    unique_name: &str,
    options: &mut ListenerOptions,
) -> Result<Option<Arc<Token>>> {
    let Some(AuthenticatorOptions::Asking(authenticator)) = &mut options.authenticator else {
        return match args.field("changeListenerToken") {
            Value::Null => Ok(None),
            _ => Err(Error::invalid(
                "there is a changeListenerToken, but authenticatorConfig does not ask",
            )),
        };
    };
    let tokens = &args.runtime.tokens;
    let token = tokens.reserve(args.text("changeListenerToken")?, completer.port())?;
    let unique_name = unique_name.to_owned();
    tokens.bind(&token, Source::Questions { unique_name });
    *authenticator = Some(Arc::new(Asking {
        runtime: args.runtime,
        token: Arc::clone(&token),
    }));
    Ok(Some(token))
}

/// `URLEndpointListener_createListener` → `{listenerId}`. With `authenticatorConfig {type, ask:
/// true}` the callback of `changeListenerToken` is asked about `{username, password}`.
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
