//! Serves one client that a listener accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use super::core::effects::DocumentEnded;
use super::core::{Core, CoreConfig, CoreStatus, Role};
use super::db_access::DbAccess;
use super::driver::{Driver, DriverObserver};
use super::tuning;
use crate::blip;
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
}

struct Activity(Arc<AtomicBool>);

impl DriverObserver for Activity {
    fn status(&mut self, status: CoreStatus) {
        self.0.store(status.busy, Ordering::Relaxed);
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
/// connection closes with 4001, from which continuous clients come back).
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
        blip: blip::Config::default(),
        unix_time: unix_time(),
    };
    // A silent client is asked after 310 s and gone after 330 (design D9).
    let heartbeat = tuning::PEER_SILENCE - tuning::PONG_PATIENCE;
    let observer = Activity(active.clone());
    let driver = Driver::new(core, transport, database, inputs, observer, heartbeat);
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
