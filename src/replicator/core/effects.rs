//! What the core asks of the world and what the world answers: the whole surface between the
//! sans-IO core and its driver.
//!
//! The driver carries a [`DbRequest`] to the database (see `replicator/db_access.rs`) and brings
//! the [`DbAnswer`] back with the same [`RequestToken`]. Answers may come in any order, except
//! that requests about one blob writer or reader are answered in the order asked.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::model::replication::{
    Change, ChangeVerdict, ConflictPolicy, IncomingRevision, InsertOutcome, OutgoingRevision,
    ProposalVerdict, RevisionRequest,
};
use crate::model::{BlobDigest, DocId, RevId, Sequence};

/// Names one outstanding [`DbRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestToken(pub u64);

/// Index into the list of collections that the core was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionIndex(pub u32);

/// Which way documents go, as the active side says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the active side to the passive one.
    Push,
    /// From the passive side to the active one.
    Pull,
}

/// Names one blob being read or written by this connection; chosen by the core, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobHandle(pub u64);

/// Something that only the database can do.
#[derive(Clone, Debug)]
pub enum DbRequest {
    /// The checkpoint that this (active) side stored under `client_id`, as JSON text.
    LoadLocalCheckpoint {
        /// `cp-…`
        client_id: String,
    },
    /// Stores the checkpoint that the peer has just accepted.
    SaveLocalCheckpoint {
        /// `cp-…`
        client_id: String,
        /// Identical to what the peer stored.
        body: Bytes,
    },
    /// Whether the collection has no document and never had one (for `activeOnly`).
    IsCollectionEmpty(CollectionIndex),
    /// The checkpoint that a client stored here (passive side), with its revision.
    GetPeerCheckpoint {
        /// `cp-…`
        client_id: String,
    },
    /// Compare-and-set of a client's checkpoint (wire §3.4). A stale `rev` answers HTTP 409.
    SetPeerCheckpoint {
        /// `cp-…`
        client_id: String,
        /// Revision that the client believes is stored, empty for none.
        rev: String,
        /// JSON text.
        body: Bytes,
    },
    /// Rows of the change feed after `after`, at most `limit`, in order.
    Changes {
        /// Which collection.
        collection: CollectionIndex,
        /// Exclusive start.
        after: Sequence,
        /// At most so many rows.
        limit: usize,
        /// Only these documents, if given.
        doc_ids: Option<Vec<DocId>>,
    },
    /// Judges rows of a `changes` list.
    JudgeChanges {
        /// Which collection.
        collection: CollectionIndex,
        /// Document and announced revision.
        rows: Vec<(DocId, RevId)>,
        /// Tell only ancestors that can be bases of deltas.
        bodies_only: bool,
    },
    /// Judges rows of a `proposeChanges` list.
    JudgeProposals {
        /// Which collection.
        collection: CollectionIndex,
        /// Document, proposed revision, and the parent that the client believes is current.
        rows: Vec<(DocId, RevId, Option<RevId>)>,
    },
    /// Reads revisions to send.
    ReadRevisions {
        /// Which collection.
        collection: CollectionIndex,
        /// Which revisions.
        revisions: Vec<RevisionRequest>,
    },
    /// Reads bodies of revisions that deltas are based on.
    ReadBodies {
        /// Which collection.
        collection: CollectionIndex,
        /// Which revisions.
        revisions: Vec<(DocId, RevId)>,
        /// The answer may end early once it has so many bytes.
        max_bytes: usize,
    },
    /// Deltas are spoken with this peer: keeps from now on what they need.
    KeepDeltaBases {
        /// For peers that are not remembered one by one (passive side).
        for_anybody: bool,
    },
    /// Inserts revisions, in one transaction, each for itself.
    InsertRevisions {
        /// Which collection.
        collection: CollectionIndex,
        /// What to insert; all their blobs are already stored.
        revisions: Vec<IncomingRevision>,
        /// What to do about conflicts.
        policy: ConflictPolicy,
    },
    /// Records `rev_id` as the revision that is current on the remote.
    MarkPushed {
        /// Which collection.
        collection: CollectionIndex,
        /// Documents with the revision that the peer has now.
        revisions: Vec<(DocId, RevId)>,
    },
    /// Removes documents to which the user lost access, without a trace (wire §8.8).
    Purge {
        /// Which collection.
        collection: CollectionIndex,
        /// Which documents; absent ones are passed over.
        doc_ids: Vec<DocId>,
    },
    /// The conflicts of earlier runs that nobody has ended.
    FindConflicts(CollectionIndex),
    /// Ends a conflict: asks the application's resolver, if it has one.
    ResolveConflict {
        /// Which collection.
        collection: CollectionIndex,
        /// Which document.
        doc_id: DocId,
        /// The revision that is in conflict with the current one.
        rev_id: RevId,
    },
    /// Asks the application's push filter about current revisions, whose bodies are read for it.
    FilterChanges {
        /// Which collection.
        collection: CollectionIndex,
        /// Document, current revision, and whether that is a tombstone.
        revisions: Vec<(DocId, RevId, bool)>,
    },
    /// Asks the application's pull filter about what came.
    FilterIncoming {
        /// Which collection.
        collection: CollectionIndex,
        /// What came.
        subjects: Vec<FilterSubject>,
    },
    /// Which of these blobs are stored here.
    FindBlobs(Vec<BlobDigest>),
    /// Opens a stored blob for reading.
    OpenBlob {
        /// Name for the following requests.
        handle: BlobHandle,
        /// Which blob.
        digest: BlobDigest,
    },
    /// Reads the next bytes.
    ReadBlob {
        /// From `OpenBlob`.
        handle: BlobHandle,
        /// At most so many bytes.
        max: usize,
    },
    /// Forgets a reader. Not answered.
    CloseBlob(BlobHandle),
    /// Starts to write a blob that must turn out to have this digest. Not answered: `FinishBlob`
    /// tells a failure.
    CreateBlob {
        /// Name for the following requests.
        handle: BlobHandle,
        /// What its content must hash to.
        digest: BlobDigest,
    },
    /// Appends bytes. Not answered: `FinishBlob` tells a failure.
    WriteBlob {
        /// From `CreateBlob`.
        handle: BlobHandle,
        /// The next bytes.
        data: Bytes,
    },
    /// Verifies digest and (if given) length, and keeps the blob.
    FinishBlob {
        /// From `CreateBlob`.
        handle: BlobHandle,
        /// What the document said.
        length: Option<u64>,
    },
    /// Throws a half-written blob away. Not answered.
    AbortBlob(BlobHandle),
}

/// The answer to a [`DbRequest`] of the matching kind.
#[derive(Clone, Debug)]
pub enum DbAnswer {
    /// To `LoadLocalCheckpoint`.
    LocalCheckpoint(Result<Option<Bytes>>),
    /// To `SaveLocalCheckpoint`, `MarkPushed`, `Purge`, `FinishBlob`, `KeepDeltaBases`.
    Done(Result<()>),
    /// To `IsCollectionEmpty`.
    Empty(Result<bool>),
    /// To `GetPeerCheckpoint`: revision and JSON text.
    PeerCheckpoint(Result<Option<(String, Bytes)>>),
    /// To `SetPeerCheckpoint`: the new revision.
    PeerCheckpointSet(Result<String>),
    /// To `Changes`: the rows and the collection's last sequence at that moment (so that
    /// `rows.len() < limit` means caught up to it).
    Changes(Result<(Vec<Change>, Sequence)>),
    /// To `JudgeChanges`, aligned with the rows.
    ChangeVerdicts(Result<Vec<ChangeVerdict>>),
    /// To `JudgeProposals`, aligned with the rows.
    ProposalVerdicts(Result<Vec<ProposalVerdict>>),
    /// To `ReadRevisions`, aligned; `None` where the body is gone.
    Revisions(Result<Vec<Option<OutgoingRevision>>>),
    /// To `ReadBodies`, aligned as far as it goes; `None` where the body is gone.
    Bodies(Result<Vec<Option<Bytes>>>),
    /// To `InsertRevisions`, aligned. Given after the commit.
    Inserted(Result<Vec<InsertOutcome>>),
    /// To `FindConflicts`.
    Conflicts(Result<Vec<(DocId, RevId)>>),
    /// To `ResolveConflict`: whether content of ours waits to be pushed.
    ConflictEnded(Result<bool>),
    /// To `FilterChanges` and `FilterIncoming`, aligned.
    Filtered(Vec<FilterVerdict>),
    /// To `FindBlobs`, aligned.
    BlobsFound(Result<Vec<bool>>),
    /// To `OpenBlob`: the length in bytes.
    BlobOpened(Result<u64>),
    /// To `ReadBlob`: empty at the end.
    BlobData(Result<Bytes>),
}

/// A document that a filter is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterSubject {
    /// Which document.
    pub doc_id: DocId,
    /// Whether the revision is a tombstone.
    pub deleted: bool,
    /// Whether the user lost access to it.
    pub access_removed: bool,
    /// JSON text of an object; `None` when it is not there any more.
    pub body: Option<Bytes>,
}

/// What a filter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterVerdict {
    /// Replicate it.
    Pass,
    /// Leave it out.
    Reject,
    /// The revision has been replaced meanwhile.
    Gone,
    /// The filter could not decide.
    Failed(Error),
}

/// How the connection should be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// WebSocket close code.
    pub code: u16,
    /// Text of the CLOSE frame, at most 123 bytes.
    pub reason: String,
}

/// One document's fate, for document listeners (API spec §15.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEnded {
    /// Which collection.
    pub collection: CollectionIndex,
    /// Whether it was pushed (else pulled).
    pub is_push: bool,
    /// Which document.
    pub doc_id: DocId,
    /// Whether the revision was a tombstone.
    pub deleted: bool,
    /// Whether the document was removed because the user lost access.
    pub access_removed: bool,
    /// Why it failed, if it did.
    pub error: Option<Error>,
}
