//! The open connections of a listener: who is behind each, and how to end them (trust §6).

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio_util::sync::CancellationToken;

use super::principal::Principal;
use super::server::ListenerStatus;
use crate::model::CollectionSpec;
use crate::replicator::{ClientWatch, Direction};

/// What is known of an open connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Number of the connection, never used again by this listener.
    pub id: u64,
    /// Who is behind it.
    pub principal: Principal,
    /// Address and port of the client.
    pub address: String,
    /// Collections that it replicates, once it has said so.
    pub collections: Vec<CollectionSpec>,
    /// When it was upgraded.
    pub started: SystemTime,
    /// Bytes of messages received from the client, without the framing of WebSocket and TLS.
    pub bytes_received: u64,
    /// Bytes of messages sent to the client.
    pub bytes_sent: u64,
    /// Whether it is transferring now.
    pub is_active: bool,
}

/// What an application is asked about a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicationRequest {
    /// The connection.
    pub connection: u64,
    /// Who asks.
    pub principal: Principal,
    /// Address and port of the client.
    pub address: String,
    /// The collections that it wants to replicate.
    pub collections: Vec<CollectionSpec>,
    /// Which way; `Push` is towards us.
    pub direction: Direction,
}

/// Decides whether a client may replicate. Without one everybody who is admitted may.
pub trait RequestAuthorizer: std::fmt::Debug + Send + Sync + 'static {
    /// Whether the client may. May take its time: the client waits, with nothing replicated. The
    /// future is dropped when the client leaves.
    fn authorize(&self, request: ReplicationRequest) -> BoxFuture<'static, bool>;
}

/// Bytes of a connection, both ways.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Connection {
    id: u64,
    principal: Principal,
    address: String,
    started: SystemTime,
    collections: Mutex<Vec<CollectionSpec>>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) active: Arc<AtomicBool>,
    /// Cancelled when the listener stops, or this connection is to end.
    pub(super) stop: CancellationToken,
    revoked: AtomicBool,
    authorizer: Option<Arc<dyn RequestAuthorizer>>,
}

impl Connection {
    fn info(&self) -> ConnectionInfo {
        ConnectionInfo {
            id: self.id,
            principal: self.principal.clone(),
            address: self.address.clone(),
            collections: lock(&self.collections).clone(),
            started: self.started,
            bytes_received: self.traffic.received.load(Ordering::Relaxed),
            bytes_sent: self.traffic.sent.load(Ordering::Relaxed),
            is_active: self.active.load(Ordering::Relaxed),
        }
    }

    fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
        self.stop.cancel();
    }
}

impl ClientWatch for Connection {
    fn opened(&self, collections: &[CollectionSpec]) {
        *lock(&self.collections) = collections.to_vec();
    }

    fn asks(&self) -> bool {
        self.authorizer.is_some()
    }

    fn may(&self, direction: Direction) -> BoxFuture<'static, bool> {
        let Some(authorizer) = &self.authorizer else {
            return ready(true).boxed();
        };
        let answer = authorizer.authorize(ReplicationRequest {
            connection: self.id,
            principal: self.principal.clone(),
            address: self.address.clone(),
            collections: lock(&self.collections).clone(),
            direction,
        });
        let (principal, address) = (self.principal.clone(), self.address.clone());
        async move {
            let granted = answer.await;
            tracing::info!(target: "listener", %principal, address, ?direction, granted, "decided");
            granted
        }
        .boxed()
    }

    fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }
}

/// Revocations remembered for connections that are on their way in.
const MAX_REVOCATIONS: usize = 1_000;

/// All open connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    connections: HashMap<u64, Arc<Connection>>,
    /// How many revocations there were.
    revocations: u64,
    /// The latest of them, the last one last.
    revoked: VecDeque<Principal>,
}

impl Open {
    /// Whether `principal` was revoked after the first `since` revocations, or may have been.
    fn is_revoked_since(&self, since: u64, principal: &Principal) -> bool {
        let missed = self.revocations.saturating_sub(since);
        let kept = self.revoked.len() as u64;
        missed > kept
            || self
                .revoked
                .iter()
                .rev()
                .take(usize::try_from(missed).unwrap_or(usize::MAX))
                .any(|revoked| revoked == principal)
    }
}

/// What a client proves before its connection is entered, and since when it has been proving it.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) principal: Principal,
    pub(super) address: String,
    /// What [`Connections::revocations`] was when the client came.
    pub(super) revocations: u64,
}

impl Connections {
    /// How many revocations there were, for a [`Newcomer`].
    pub(super) fn revocations(&self) -> u64 {
        lock(&self.open).revocations
    }

    /// Notes a connection until the entry is dropped. One whose principal was revoked while it was
    /// on its way in is revoked at once.
    pub(super) fn enter(
        self: &Arc<Self>,
        newcomer: Newcomer,
        started: SystemTime,
        stop: CancellationToken,
        authorizer: Option<Arc<dyn RequestAuthorizer>>,
    ) -> Entry {
        let Newcomer {
            principal,
            address,
            revocations,
        } = newcomer;
        let connection = Arc::new(Connection {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            principal,
            address,
            started,
            collections: Mutex::default(),
            traffic: Arc::default(),
            active: Arc::default(),
            stop,
            revoked: AtomicBool::new(false),
            authorizer,
        });
        let mut open = lock(&self.open);
        if open.is_revoked_since(revocations, &connection.principal) {
            connection.revoke();
        }
        open.connections
            .insert(connection.id, Arc::clone(&connection));
        drop(open);
        Entry {
            connections: Arc::clone(self),
            connection,
        }
    }

    /// All of them, the oldest first.
    pub(super) fn list(&self) -> Vec<ConnectionInfo> {
        let mut list: Vec<_> = lock(&self.open)
            .connections
            .values()
            .map(|one| one.info())
            .collect();
        list.sort_by_key(|info| info.id);
        list
    }

    /// Ends the connections of a principal, and no other's. Answers how many there were.
    pub(super) fn revoke(&self, principal: &Principal) -> usize {
        let mut open = lock(&self.open);
        open.revocations += 1;
        if open.revoked.len() >= MAX_REVOCATIONS {
            open.revoked.pop_front();
        }
        open.revoked.push_back(principal.clone());
        let all = open.connections.values();
        let theirs = all.filter(|one| one.principal == *principal);
        theirs.map(|one| one.revoke()).count()
    }

    pub(super) fn status(&self) -> ListenerStatus {
        let open = lock(&self.open);
        let is_active = |one: &&Arc<Connection>| one.active.load(Ordering::Relaxed);
        ListenerStatus {
            connections: open.connections.len(),
            active: open.connections.values().filter(is_active).count(),
        }
    }
}

/// A connection that is noted.
pub(super) struct Entry {
    connections: Arc<Connections>,
    pub(super) connection: Arc<Connection>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.connections.open)
            .connections
            .remove(&self.connection.id);
    }
}

/// Whatever a panicking holder left is whole: each critical section is one move.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newcomer(principal: Principal, revocations: u64) -> Newcomer {
        Newcomer {
            principal,
            address: "10.0.0.1:1".into(),
            revocations,
        }
    }

    #[test]
    fn who_is_on_the_way_in_when_revoked_is_ended_and_who_comes_later_is_not() {
        let connections = Arc::new(Connections::default());
        let enter = |principal: &Principal, revocations| {
            let stop = CancellationToken::new();
            let started = SystemTime::UNIX_EPOCH;
            let newcomer = newcomer(principal.clone(), revocations);
            connections.enter(newcomer, started, stop, None)
        };
        let (anna, otto) = (Principal::Key("anna".into()), Principal::Key("otto".into()));
        let before = connections.revocations();
        connections.revoke(&anna);
        connections.revoke(&otto);
        let after = connections.revocations();
        let is_ended = |principal, since| enter(principal, since).connection.is_revoked();
        assert!(is_ended(&anna, before) && is_ended(&otto, before));
        assert!(!is_ended(&Principal::Anonymous, before));
        assert!(!is_ended(&anna, before + 1), "came after anna was revoked");
        assert!(!is_ended(&anna, after) && !is_ended(&otto, after));
        for _ in 0..MAX_REVOCATIONS {
            connections.revoke(&otto);
        }
        assert_eq!(lock(&connections.open).revoked.len(), MAX_REVOCATIONS);
        assert!(is_ended(&anna, before), "what is forgotten is assumed");
        assert!(!is_ended(&anna, connections.revocations()));
    }

    #[test]
    fn exactly_the_connections_of_a_principal_end() {
        let connections = Arc::new(Connections::default());
        let listener = CancellationToken::new();
        let enter = |principal| {
            let stop = listener.child_token();
            let started = SystemTime::UNIX_EPOCH;
            connections.enter(newcomer(principal, 0), started, stop, None)
        };
        let anna = [
            enter(Principal::User("anna".into())),
            enter(Principal::User("anna".into())),
        ];
        let others = [
            enter(Principal::Anonymous),
            enter(Principal::Key("anna".into())),
            enter(Principal::User("otto".into())),
        ];
        assert_eq!(connections.revoke(&Principal::User("anna".into())), 2);
        assert!(anna.iter().all(|entry| entry.connection.is_revoked()));
        assert!(
            anna.iter()
                .all(|entry| entry.connection.stop.is_cancelled())
        );
        assert!(
            !others
                .iter()
                .any(|entry| entry.connection.stop.is_cancelled())
        );
        drop(anna);
        assert_eq!(connections.status().connections, 3);
        let ids: Vec<_> = connections.list().iter().map(|info| info.id).collect();
        assert_eq!(ids, [2, 3, 4]);
        listener.cancel();
        assert!(others.iter().all(|entry| !entry.connection.is_revoked()));
    }
}
