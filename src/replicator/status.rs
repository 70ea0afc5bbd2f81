//! What a replicator tells its owner (API §9.5, §15.10).

use crate::error::Error;
use crate::model::CollectionSpec;

/// How active a replicator is; the numbers are those of the JavaScript enum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ActivityLevel {
    /// Not running.
    #[default]
    Stopped = 0,
    /// Waiting to try again after a temporary error.
    Offline = 1,
    /// Connecting.
    Connecting = 2,
    /// Caught up, waiting for changes.
    Idle = 3,
    /// Transferring.
    Busy = 4,
}

/// A replicator's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicatorStatus {
    /// How active it is.
    pub level: ActivityLevel,
    /// Changes done, at most `total`.
    pub completed: u64,
    /// Changes known of.
    pub total: u64,
    /// Why it stopped, or why it is offline.
    pub error: Option<Error>,
}

/// Documents whose replication was decided, of one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentReplication {
    /// Pushed (else pulled).
    pub is_push: bool,
    /// In order.
    pub documents: Vec<ReplicatedDocument>,
}

/// One document of a [`DocumentReplication`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicatedDocument {
    /// Its id.
    pub id: String,
    /// Its collection.
    pub collection: CollectionSpec,
    /// Whether the revision is a tombstone.
    pub deleted: bool,
    /// Whether the document was removed because the user lost access.
    pub access_removed: bool,
    /// Why it failed, if it did.
    pub error: Option<Error>,
}

/// Hears of a replicator. Called from its task, one call at a time; may not block.
pub trait ReplicatorObserver: Send + Sync {
    /// The status changed; exactly one `Stopped` ends each run.
    fn status(&self, status: &ReplicatorStatus);
    /// Documents were replicated, or failed.
    fn documents(&self, replication: &DocumentReplication);
}
