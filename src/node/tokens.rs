//! Listener tokens: chosen by the caller, unique in the process, the only key for removal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use super::handles::OpenDatabase;
use super::port::Port;
use super::replicators::ReplicatorEntry;
use super::{discovery, lock, shown};
use crate::database::{LiveQueryId, ObserverId};
use crate::error::{Error, Result};

/// A live listener's name and the port its events go to.
#[derive(Debug)]
pub(super) struct Token {
    name: String,
    port: Arc<Port>,
    ended: CancellationToken,
}

impl Token {
    /// What the caller calls it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether events may still be sent.
    pub(super) fn is_active(&self) -> bool {
        !self.ended.is_cancelled()
    }

    /// Resolves when no event may be sent any more.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Sends an event; `payload` is JSON text.
    pub(super) fn send(&self, payload: &str) {
        self.port.event(self, payload);
    }
}

/// What a token listens to.
#[derive(Debug)]
pub(super) enum Source {
    /// Nothing yet: the registration is under way.
    Pending,
    /// A collection or a document of it.
    Changes {
        /// Through which handle.
        database: Arc<OpenDatabase>,
        /// The database's own name for it.
        observer: ObserverId,
    },
    /// Rows of a query.
    Query {
        /// Through which handle.
        database: Arc<OpenDatabase>,
        /// The database's own name for it.
        live_query: LiveQueryId,
    },
    /// Status or documents of a replicator.
    Replicator(Arc<ReplicatorEntry>),
    /// Instances of DNS-SD that come and go.
    Browser(Box<discovery::Browsing>),
    /// The questions of a URL endpoint listener.
    Questions {
        /// Handle of the listener's database.
        unique_name: String,
    },
}

/// All live tokens.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<HashMap<String, (Arc<Token>, Source)>>);

impl Tokens {
    /// Takes a name.
    ///
    /// # Errors
    /// `InvalidParameter` when it is live already (API §14.1).
    pub(super) fn reserve(&self, name: &str, port: &Arc<Port>) -> Result<Arc<Token>> {
        let mut tokens = lock(&self.0);
        if tokens.contains_key(name) {
            return Err(Error::invalid(format!(
                "listener token {:?} is in use already",
                shown(name)
            )));
        }
        let token = Arc::new(Token {
            name: name.to_owned(),
            port: Arc::clone(port),
            ended: CancellationToken::new(),
        });
        tokens.insert(name.to_owned(), (Arc::clone(&token), Source::Pending));
        Ok(token)
    }

    /// Tells what a reserved token listens to.
    pub(super) fn bind(&self, token: &Token, source: Source) {
        if let Some(entry) = lock(&self.0).get_mut(token.name()) {
            entry.1 = source;
        }
    }

    /// Removes a listener of any kind.
    ///
    /// # Errors
    /// `NotFound` for an unknown token.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        let (token, source) = lock(&self.0)
            .remove(name)
            .ok_or_else(|| Error::not_found("No such listener found"))?;
        end(&token, source);
        Ok(())
    }

    /// Removes those for which `gone` says so, and tells JavaScript to forget them.
    pub(super) fn remove_where(&self, gone: impl Fn(&Token, &Source) -> bool) {
        let mut removed = Vec::new();
        lock(&self.0).retain(|_, (token, source)| {
            if !gone(token, source) {
                return true;
            }
            let source = std::mem::replace(source, Source::Pending);
            removed.push((Arc::clone(token), source));
            false
        });
        for (token, source) in removed {
            token.send("null");
            end(&token, source);
        }
    }

    /// Removes the listeners of a port whose `NativeEngine` is gone.
    pub(super) fn remove_of_port(&self, port: &Arc<Port>) {
        self.remove_where(|token, _| Arc::ptr_eq(&token.port, port));
    }
}

/// No event follows this.
fn end(token: &Arc<Token>, source: Source) {
    token.ended.cancel();
    match source {
        Source::Pending | Source::Questions { .. } => {}
        Source::Browser(browser) => drop(browser),
        Source::Changes { database, observer } => database.database.remove_observer(observer),
        Source::Query {
            database,
            live_query,
        } => database.database.remove_live_query(live_query),
        Source::Replicator(entry) => entry.remove_listener(token),
    }
}
