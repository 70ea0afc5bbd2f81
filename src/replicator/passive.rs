//! Serves one client that a listener accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use super::core::effects::{CollectionIndex, Direction, DocumentEnded};
use super::core::{Access, Core, CoreConfig, CoreStatus, Role};
use super::db_access::DbAccess;
use super::driver::{Driver, DriverObserver};
use super::{blip_config, tuning};
use crate::database::Database;
use crate::error::Error;
use crate::model::CollectionSpec;
use crate::transport::BoxTransport;

/// What a listener serves on a connection.
#[derive(Clone, Debug)]
pub struct PassiveConfig {
    /// The database served.
    pub database: Database,
    /// The collections served.
    pub collections: Vec<CollectionSpec>,
    /// Whether deltas are sent to clients that take them, and taken.
    pub deltas: bool,
    /// The subprotocol agreed on, e.g. `BLIP_3+CBMobile_3`.
    pub protocol: String,
    /// The client's address, for logs.
    pub peer: String,
    /// Whether clients may only pull.
    pub read_only: bool,
    /// Decides what this client may do; `None`: everything.
    pub watch: Option<Arc<dyn ClientWatch>>,
}

/// Hears of one client of a listener, and decides about it.
pub trait ClientWatch: std::fmt::Debug + Send + Sync + 'static {
    /// The collections that the client replicates. Called once, before anything is asked.
    fn opened(&self, collections: &[CollectionSpec]);
    /// Whether [`ClientWatch::may`] is to be asked at all; the same for the whole connection.
    fn asks(&self) -> bool;
    /// Whether the client may replicate in a direction. Dropped when the client leaves.
    fn may(&self, direction: Direction) -> BoxFuture<'static, bool>;
    /// Whether `stop` is for good.
    fn is_revoked(&self) -> bool;
}

struct Watched {
    active: Arc<AtomicBool>,
    collections: Vec<CollectionSpec>,
    watch: Option<Arc<dyn ClientWatch>>,
}

impl DriverObserver for Watched {
    fn status(&mut self, status: CoreStatus) {
        self.active.store(status.busy, Ordering::Relaxed);
    }

    fn opened(&mut self, collections: Vec<CollectionIndex>) {
        if let Some(watch) = &self.watch {
            let found = collections
                .into_iter()
                .filter_map(|index| self.collections.get(index.0 as usize).cloned());
            watch.opened(&found.collect::<Vec<_>>());
        }
    }

    fn may(&mut self, direction: Direction) -> BoxFuture<'static, bool> {
        match &self.watch {
            Some(watch) => watch.may(direction),
            None => ready(true).boxed(),
        }
    }

    fn is_revoked(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_revoked())
    }

    fn documents(&mut self, ended: Vec<DocumentEnded>) {
        for document in ended {
            if let Some(error) = document.error {
                let doc_id = &document.doc_id;
                match error {
                    // The client's own choice: its pull filter.
                    Error::Http { status: 403, .. } => {
                        tracing::debug!(target: "replicator", %doc_id, "not wanted");
                    }
                    error => tracing::warn!(target: "replicator", %doc_id, %error, "refused"),
                }
            }
        }
    }
}

/// Serves a client until it leaves, the connection breaks, or `stop` is cancelled (then the
/// connection closes with 4001, from which continuous clients come back, or with 1008 when the
/// client's right was withdrawn).
///
/// `active` tells whether the client is transferring right now. Dropping the future drops the
/// connection.
pub async fn serve(
    transport: BoxTransport,
    config: PassiveConfig,
    stop: CancellationToken,
    active: Arc<AtomicBool>,
) {
    let (sender, inputs) = unbounded_channel();
    let collections = config.collections.clone();
    let specs = config.collections.clone();
    let database = match DbAccess::new(config.database, collections, None, sender) {
        Ok(database) => database,
        Err(error) => {
            tracing::warn!(target: "listener", peer = config.peer, %error, "cannot serve");
            return;
        }
    };
    let core = CoreConfig {
        role: Role::Passive,
        collections: config
            .collections
            .into_iter()
            .map(Core::served_collection)
            .collect(),
        deltas: config.deltas,
        blip: blip_config(),
        unix_time: unix_time(),
    };
    // A silent client is asked after 310 s and gone after 330 (design D9).
    let heartbeat = tuning::PEER_SILENCE - tuning::PONG_PATIENCE;
    let access = Access {
        read_only: config.read_only,
        asks: config.watch.as_ref().is_some_and(|watch| watch.asks()),
    };
    let observer = Watched {
        active: active.clone(),
        collections: specs,
        watch: config.watch,
    };
    let driver =
        Driver::new(core, transport, database, inputs, observer, heartbeat).with_access(access);
    match driver.run(stop).await {
        Ok(()) => tracing::info!(target: "listener", peer = config.peer, "client left"),
        Err(error) => {
            tracing::warn!(target: "listener", peer = config.peer, %error, "connection failed");
        }
    }
    active.store(false, Ordering::Relaxed);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the driver is where time comes from"
)]
pub(super) fn unix_time() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
