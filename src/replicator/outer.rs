//! The replicator that applications hold: starts, stops, retries; each connection is a new core.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::config::{Authenticator, ReplicatedCollection, ReplicatorConfig};
use super::core::effects::DocumentEnded;
use super::core::{ActiveConfig, CoreCollection, CoreConfig, CoreStatus, Role};
use super::db_access::{DbAccess, DbInput};
use super::driver::{Driver, DriverObserver};
use super::network::NetworkWatch;
use super::passive::unix_time;
use super::pending;
use super::retry::Retry;
use super::status::{
    ActivityLevel, DocumentReplication, ReplicatedDocument, ReplicatorObserver, ReplicatorStatus,
};
use super::{blip_config, tuning};
use crate::database::{Database, HookId};
use crate::error::{Error, Result};
use crate::model::CollectionSpec;
use crate::tls::{ClientTls, SeenCertificates};
use crate::transport::{self, ConnectOptions, CookieJar};

/// The subprotocols that we speak, most preferred first (wire §1.3).
pub const PROTOCOLS: [&str; 2] = ["BLIP_3+CBMobile_3", "BLIP_3+CBMobile_2"];

/// Replicates collections of one database with a remote one.
///
/// Dropping it stops it. Closing the database stops it, and the close waits for that.
#[derive(Debug)]
pub struct Replicator(Arc<Inner>);

struct Inner {
    database: Database,
    config: ReplicatorConfig,
    observer: Arc<dyn ReplicatorObserver>,
    runtime: Handle,
    cookies: Arc<Mutex<CookieJar>>,
    server_certificates: SeenCertificates,
    suspended: watch::Sender<bool>,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    status: ReplicatorStatus,
    told_at: Option<Instant>,
    /// Set while a run is under way.
    stop: Option<CancellationToken>,
    /// Start again when the run under way has ended: with a reset or without.
    restart: Option<bool>,
    hook: Option<HookId>,
}

impl State {
    fn begin(&mut self) -> CancellationToken {
        let stop = CancellationToken::new();
        self.stop = Some(stop.clone());
        self.restart = None;
        // Nothing is known of this run (API §9.7, "progress").
        self.status.completed = 0;
        self.status.total = 0;
        stop
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replicator")
            .field("url", &self.config.url.as_str())
            .finish_non_exhaustive()
    }
}

impl Replicator {
    /// A stopped replicator.
    pub fn new(
        database: Database,
        config: ReplicatorConfig,
        observer: Arc<dyn ReplicatorObserver>,
        runtime: Handle,
    ) -> Self {
        Self(Arc::new(Inner {
            database,
            config,
            observer,
            runtime,
            cookies: Arc::default(),
            server_certificates: SeenCertificates::default(),
            suspended: watch::Sender::new(false),
            state: Mutex::default(),
            ended: Condvar::new(),
        }))
    }

    /// Starts. `reset` forgets the checkpoints: a running replicator is stopped and started anew.
    /// Without it, starting a running one does nothing. Returns at once.
    pub fn start(&self, reset: bool) {
        let mut state = self.0.lock();
        if let Some(stop) = &state.stop {
            if reset {
                stop.cancel();
            }
            if stop.is_cancelled() {
                state.restart = Some(reset || state.restart == Some(true));
            }
            return;
        }
        let stop = state.begin();
        drop(state);
        Inner::launch(&self.0, &stop, reset);
    }

    /// Asks it to stop; the `Stopped` status follows. Returns at once.
    pub fn stop(&self) {
        let mut state = self.0.lock();
        state.restart = None;
        if let Some(stop) = &state.stop {
            stop.cancel();
        }
    }

    /// Suspended, it has no connection and is offline, whatever happens; resumed, it connects at
    /// once. For a machine that is about to sleep, or an application in the background.
    pub fn set_suspended(&self, suspended: bool) {
        self.0.suspended.send_replace(suspended);
    }

    /// The latest status.
    pub fn status(&self) -> ReplicatorStatus {
        self.0.lock().status.clone()
    }

    /// What the server presented at the last connection (DER, leaf first), accepted or not; empty
    /// before the first and without TLS.
    pub fn server_certificates(&self) -> Vec<Vec<u8>> {
        self.0.server_certificates.chain()
    }

    /// How it was set up.
    pub fn config(&self) -> &ReplicatorConfig {
        &self.0.config
    }

    /// The database that it replicates.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Ids of documents with changes that were not pushed yet, deletions included. Blocks on the
    /// database.
    ///
    /// # Errors
    /// `Unsupported` when it only pulls; `InvalidParameter` for a collection that is not part of
    /// it.
    pub fn pending_document_ids(&self, collection: &CollectionSpec) -> Result<Vec<String>> {
        pending::document_ids(&self.0.database, &self.0.config, collection)
    }

    /// Whether one document has changes that were not pushed yet; errors as above.
    pub fn is_document_pending(&self, id: &str, collection: &CollectionSpec) -> Result<bool> {
        let ids = self.pending_document_ids(collection)?;
        Ok(ids.iter().any(|pending| pending == id))
    }
}

impl Drop for Replicator {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Starts the run that `stop` ends. Called without the lock: the hook of a database that is
    /// closed already runs at once.
    fn launch(this: &Arc<Self>, stop: &CancellationToken, reset: bool) {
        let (inner, token) = (this.clone(), stop.clone());
        let config = &this.config;
        tracing::info!(
            target: "replicator",
            database = this.database.name(),
            peer = config.url.authority(),
            push = config.push,
            pull = config.pull,
            continuous = config.continuous,
            reset,
            "started"
        );
        this.runtime.spawn(async move {
            inner.tell(ActivityLevel::Connecting, None);
            let result = inner.run(&token, reset).await;
            Self::end(&inner, result.err());
        });
        let weak = Arc::downgrade(this);
        let hook = this.database.on_close(Box::new(move || {
            if let Some(inner) = weak.upgrade() {
                inner.stop_and_wait();
            }
        }));
        let mut state = this.lock();
        if state.stop.is_some() {
            state.hook = Some(hook);
        } else {
            drop(state);
            this.database.remove_close_hook(hook);
        }
    }

    fn end(this: &Arc<Self>, error: Option<Error>) {
        let peer = this.config.url.authority();
        match &error {
            None => tracing::info!(target: "replicator", peer, "stopped"),
            Some(error) => tracing::error!(target: "replicator", peer, %error, "stopped"),
        }
        let mut state = this.lock();
        if let Some(hook) = state.hook.take() {
            this.database.remove_close_hook(hook);
        }
        state.stop = None;
        let restart = state.restart.take();
        state.status.level = ActivityLevel::Stopped;
        state.status.error = error;
        let status = state.status.clone();
        drop(state);
        this.observer.status(&status);
        this.ended.notify_all();
        if let Some(reset) = restart {
            let mut state = this.lock();
            if state.stop.is_none() {
                let stop = state.begin();
                drop(state);
                Self::launch(this, &stop, reset);
            }
        }
    }

    /// For the database that is being closed.
    fn stop_and_wait(&self) {
        let mut state = self.lock();
        state.restart = None;
        if let Some(stop) = &state.stop {
            stop.cancel();
        }
        let patience = tuning::STOP_PATIENCE + tuning::CLOSE_PATIENCE;
        let _ = self
            .ended
            .wait_timeout_while(state, patience, |state| state.stop.is_some());
    }

    async fn run(&self, stop: &CancellationToken, reset: bool) -> Result<()> {
        if reset {
            self.forget_checkpoints().await?;
        }
        let config = &self.config;
        let mut retry = Retry::new(
            config.continuous,
            config.max_attempts,
            config.max_attempt_wait,
        );
        let mut network = NetworkWatch::new();
        let mut suspended = self.suspended.subscribe();
        loop {
            if *suspended.borrow_and_update() {
                tracing::info!(target: "replicator", peer = config.url.authority(), "suspended");
                self.tell(ActivityLevel::Offline, None);
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    _ = suspended.wait_for(|suspended| !suspended) => {}
                }
                retry.start_anew();
                self.tell(ActivityLevel::Connecting, None);
            }
            let session = stop.child_token();
            let result = {
                let connection = self.connect_and_replicate(&session, &mut retry, &mut network);
                let mut connection = pin!(connection);
                tokio::select! {
                    result = &mut connection => Some(result),
                    () = is_true(&mut suspended) => {
                        // In good order: what was done is remembered.
                        session.cancel();
                        let _ = connection.await;
                        None
                    }
                }
            };
            if stop.is_cancelled() {
                return Ok(());
            }
            let error = match result {
                None => continue,
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) => error,
            };
            let Some(delay) = retry.after(&error, chance()) else {
                return Err(error);
            };
            let peer = config.url.authority();
            tracing::info!(target: "replicator", peer, %error, ?delay, "offline");
            self.tell(ActivityLevel::Offline, Some(error));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(delay) => {}
                () = network.changed() => retry.start_anew(),
                () = is_true(&mut suspended) => continue,
            }
            self.tell(ActivityLevel::Connecting, None);
        }
    }

    async fn connect_and_replicate(
        &self,
        stop: &CancellationToken,
        retry: &mut Retry,
        network: &mut NetworkWatch,
    ) -> Result<()> {
        self.load_cookies().await;
        let options = self.connect_options();
        let connected = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            connected = transport::connect(&options) => connected,
        };
        // A refusal may have brought some, too.
        self.keep_cookies();
        let connected = connected?;
        retry.start_anew();
        let database = self.database.clone();
        let key = self.config.remote_key();
        let remote = self
            .runtime
            .spawn_blocking(move || database.remote_id(&key))
            .await
            .map_err(|error| {
                Error::lite(crate::error::Code::UnexpectedError, error.to_string())
            })??;
        let (sender, inputs) = unbounded_channel();
        let nudge = sender.clone();
        let collections = &self.config.collections;
        let filters = collections.iter().map(|c| c.filters.clone()).collect();
        let resolver = |collection: &ReplicatedCollection| {
            let custom = collection.custom_conflicts;
            self.config.resolver.clone().filter(|_| custom)
        };
        let resolvers = collections.iter().map(resolver).collect();
        let specs: Vec<_> = self
            .config
            .collections
            .iter()
            .map(|collection| collection.spec.clone())
            .collect();
        let database = DbAccess::new(self.database.clone(), specs, Some(remote), sender)?
            .with_filters(filters)?
            .with_resolvers(resolvers);
        let driver = Driver::new(
            self.core_config(),
            connected.transport,
            database,
            inputs,
            Reporter(self),
            self.config.heartbeat,
        );
        let mut replicating = pin!(driver.run(stop.clone()));
        loop {
            tokio::select! {
                result = &mut replicating => return result,
                () = network.changed() => drop(nudge.send(DbInput::CheckPeer)),
            }
        }
    }

    /// Takes in the cookies that the database keeps: of earlier runs, and of other replicators.
    async fn load_cookies(&self) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.database
            .submit_read(|tx| tx.cookies(), |result| drop(sender.send(result)));
        match receiver.await {
            Ok(Ok(Some(json))) => lock(&self.cookies).load(&json),
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(error)) => tracing::warn!(target: "replicator", %error, "no cookies"),
        }
    }

    fn keep_cookies(&self) {
        let changed = lock(&self.cookies).take_persistent();
        if let Some(json) = changed {
            self.database.submit_write(
                json.len(),
                move |tx| tx.save_cookies(&json),
                |result| {
                    if let Err(error) = result {
                        tracing::warn!(target: "replicator", %error, "cookies not kept");
                    }
                },
            );
        }
    }

    fn connect_options(&self) -> ConnectOptions {
        let (mut basic, mut session_cookie) = (None, None);
        let mut client_tls = ClientTls {
            identity: None,
            seen: self.server_certificates.clone(),
        };
        match self.config.authenticator.clone() {
            Some(Authenticator::Basic { username, password }) => basic = Some((username, password)),
            Some(Authenticator::ClientCertificate { identity, .. }) => {
                client_tls.identity = identity;
            }
            Some(Authenticator::Session {
                cookie_name,
                session_id,
            }) => session_cookie = Some((cookie_name, session_id)),
            None => {}
        }
        ConnectOptions {
            url: self.config.url.clone(),
            protocols: PROTOCOLS.map(str::to_owned).into(),
            headers: self.config.headers.clone(),
            basic,
            session_cookie,
            cookies: self.cookies.clone(),
            accept_parent_domain_cookies: self.config.accept_parent_domain_cookies,
            proxy: self.config.proxy.clone(),
            trust: self.config.trust.clone(),
            client_tls,
            handshake_timeout: tuning::CONNECT_TIMEOUT,
        }
    }

    fn core_config(&self) -> CoreConfig {
        let uuid = self.database.uuids().0;
        let config = &self.config;
        let collections = config.collections.iter().map(|collection| CoreCollection {
            spec: collection.spec.clone(),
            client_id: config.checkpoint_id(&uuid, collection),
            doc_ids: collection.doc_ids.clone(),
            channels: collection.channels.clone(),
            keep_conflicts: collection.custom_conflicts && config.resolver.is_some(),
            push_filter: collection.filters.push.is_some(),
            pull_filter: collection.filters.pull.is_some(),
        });
        CoreConfig {
            role: Role::Active(ActiveConfig {
                push: config.push,
                pull: config.pull,
                continuous: config.continuous,
                auto_purge: config.auto_purge,
            }),
            collections: collections.collect(),
            deltas: true,
            blip: blip_config(),
            unix_time: unix_time(),
        }
    }

    /// Replaces the local halves of the checkpoints by empty ones, which no peer's half matches.
    async fn forget_checkpoints(&self) -> Result<()> {
        let uuid = self.database.uuids().0;
        let ids: Vec<_> = self
            .config
            .collections
            .iter()
            .map(|collection| self.config.checkpoint_id(&uuid, collection))
            .collect();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.database.submit_write(
            0,
            move |tx| {
                ids.iter()
                    .try_for_each(|id| tx.save_local_checkpoint(id, b"{}"))
            },
            move |result| {
                // The run may have been dropped.
                let _ = sender.send(result);
            },
        );
        receiver.await.unwrap_or(Ok(()))
    }

    fn tell(&self, level: ActivityLevel, error: Option<Error>) {
        let mut state = self.lock();
        state.status.level = level;
        state.status.error = error;
        self.announce(state);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "progress is told at most so often"
    )]
    fn announce(&self, mut state: MutexGuard<'_, State>) {
        state.told_at = Some(Instant::now());
        let status = state.status.clone();
        drop(state);
        self.observer.status(&status);
    }
}

/// Resolves when it is true, or nobody can make it so any more.
async fn is_true(suspended: &mut watch::Receiver<bool>) {
    let _ = suspended.wait_for(|suspended| *suspended).await;
}

/// A number from 0 to 1 that another process does not draw too.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness everybody waits as long.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Turns what the core tells into what the application hears.
struct Reporter<'a>(&'a Inner);

impl DriverObserver for Reporter<'_> {
    #[expect(
        clippy::disallowed_methods,
        reason = "progress is told at most so often"
    )]
    fn status(&mut self, status: CoreStatus) {
        let level = if status.busy || !self.0.config.continuous {
            ActivityLevel::Busy
        } else {
            ActivityLevel::Idle
        };
        let mut state = self.0.lock();
        let changed = state.status.level != level;
        state.status = ReplicatorStatus {
            level,
            completed: status.completed,
            total: status.total,
            error: None,
        };
        let recent = state
            .told_at
            .is_some_and(|at| Instant::now().duration_since(at) < tuning::STATUS_INTERVAL);
        if changed || !recent {
            self.0.announce(state);
        }
    }

    fn documents(&mut self, ended: Vec<DocumentEnded>) {
        for DocumentEnded {
            doc_id,
            is_push,
            error,
            ..
        } in &ended
        {
            match error {
                None => tracing::debug!(target: "replicator", %doc_id, is_push, "document done"),
                Some(error) => {
                    tracing::info!(target: "replicator", %doc_id, is_push, %error, "document failed");
                }
            }
        }
        for is_push in [true, false] {
            let documents: Vec<_> = ended
                .iter()
                .filter(|document| document.is_push == is_push)
                .map(|document| ReplicatedDocument {
                    id: document.doc_id.as_str().to_owned(),
                    collection: self.0.config.collections[document.collection.0 as usize]
                        .spec
                        .clone(),
                    deleted: document.deleted,
                    access_removed: document.access_removed,
                    error: document.error.clone(),
                })
                .collect();
            if !documents.is_empty() {
                self.0
                    .observer
                    .documents(&DocumentReplication { is_push, documents });
            }
        }
    }
}
