//! What crosses between a database and a replicator: rows, revisions and verdicts, as plain
//! values, so that neither side imports the other (architecture: left column and middle column
//! meet only in `replicator/db_access.rs`).

use bytes::Bytes;

use super::{BlobDigest, DocId, RevId, Sequence};
use crate::error::Error;

/// Number that the database gave to one remote; see `Database::remote_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RemoteId(pub u32);

/// One row of a collection's change feed: the current revision of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the current revision stands in the feed.
    pub sequence: Sequence,
    /// Whose revision.
    pub doc_id: DocId,
    /// The current revision.
    pub rev_id: RevId,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Whether another revision waits beside it for the end of a conflict.
    pub conflicted: bool,
    /// Approximate size of the body in bytes, for progress.
    pub body_size: u64,
    /// The revision last known to be current on the remote asked about.
    pub remote_ancestor: Option<RevId>,
}

/// A peer's announcement (`changes`) of one revision, as the receiver's database judges it
/// (wire §3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeVerdict {
    /// The very revision is here already.
    Have,
    /// Wanted; `ancestors` are revisions of the document that are here, newest first, at most 10.
    Want {
        /// Possible ancestors of the announced revision.
        ancestors: Vec<RevId>,
    },
    /// It would conflict with the local current revision (same or higher generation, and the
    /// announced one unknown). An active puller wants it all the same.
    Conflict {
        /// As in `Want`.
        ancestors: Vec<RevId>,
    },
}

/// A peer's proposal (`proposeChanges`) of one revision, as the listener's database judges it
/// (wire §3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalVerdict {
    /// Send it.
    Accept,
    /// The revision is current here already (304).
    Have,
    /// Conflict (409) with the current revision.
    Conflict {
        /// The listener's current revision.
        current: Option<RevId>,
    },
}

/// Asks for the body and history of one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionRequest {
    /// Whose revision.
    pub doc_id: DocId,
    /// Which revision.
    pub rev_id: RevId,
    /// Revisions that the peer has: the history stops after the first of them.
    pub known: Vec<RevId>,
    /// Most entries of the history.
    pub max_history: u32,
    /// Give the body of one of `known` as well, for a delta.
    pub delta: bool,
}

/// A revision ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRevision {
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Ancestors, newest first, as wire §5.3 cuts them.
    pub history: Vec<RevId>,
    /// The body: compact JSON text of an object, `{}` at least.
    pub body: Bytes,
    /// A live ancestor among those that the peer has, with its body, if that was asked for and is
    /// here.
    pub base: Option<(RevId, Bytes)>,
    /// Whether the body holds blob references.
    pub has_blobs: bool,
}

/// A revision that came from a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingRevision {
    /// Whose revision.
    pub doc_id: DocId,
    /// Its id.
    pub rev_id: RevId,
    /// Its ancestors, newest first, without itself.
    pub history: Vec<RevId>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// JSON text of the body, an object, already cleaned of `_attachments` and reserved keys.
    pub body: Bytes,
}

/// What to do with a revision that does not descend from the local current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// Refuse it with HTTP 409 (passive side; `noconflicts`).
    Refuse,
    /// Resolve at once by the default rule of wire §8.5: a deleted side wins, else the higher
    /// generation, else the greater revision id. When the local side wins, its content becomes a
    /// new revision whose parent is the remote one, so that it can be pushed.
    ResolveByDefault,
    /// Keep both; somebody else decides.
    Keep,
}

/// What became of one incoming revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// Stored, and current now.
    Inserted,
    /// It was here already.
    AlreadyHad,
    /// It conflicted; `local_won` tells whether a new revision of local content now waits to be
    /// pushed.
    Resolved {
        /// Whether the local content won.
        local_won: bool,
    },
    /// It conflicts and is kept beside the current one until somebody decides.
    Conflicted,
    /// Not stored.
    Failed(Error),
}

/// A reference to a blob inside a document body (wire §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRef {
    /// Which blob.
    pub digest: BlobDigest,
    /// Length in bytes, when the reference tells it.
    pub length: Option<u64>,
    /// MIME type, when the reference tells it.
    pub content_type: Option<String>,
    /// Whether the reference has an `encoding` that marks it as compressed already.
    pub encoding: Option<String>,
}
