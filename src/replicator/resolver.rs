//! Ends conflicts that a pull left as branches (wire §8.5): asks the application, or applies the
//! default rule, and writes the outcome.
//!
//! While the application thinks, nothing of the database is held: it may read and save itself.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::database::{Database, ReadTx, Resolution};
use crate::error::{Code, Error, Result};
use crate::model::replication::RevisionRequest;
use crate::model::{CollectionSpec, DocId, RevId, Sequence};

/// How often a resolution is tried when the document changes underneath (wire §8.5).
const ATTEMPTS: usize = 10;

/// What a resolver decides about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Collection of the document.
    pub collection: CollectionSpec,
    /// Which document.
    pub doc_id: DocId,
    /// The revision that is current here.
    pub local: ConflictSide,
    /// The revision that came.
    pub remote: ConflictSide,
}

/// One of the two revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictSide {
    /// Its id.
    pub rev_id: RevId,
    /// Its place in the change feed; none for what came.
    pub sequence: Option<Sequence>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// JSON text of an object.
    pub body: Vec<u8>,
}

/// What a resolver says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// The local content.
    Local,
    /// The content that came.
    Remote,
    /// Other content: JSON text of an object.
    Merged(Vec<u8>),
    /// The document is to be deleted.
    Deleted,
}

/// Decides conflicts. Replication of the document waits for it, nothing else does.
pub trait ConflictResolver: Send + Sync + std::fmt::Debug {
    /// Chooses. Dropping the future abandons the conflict, which stays and is asked about again.
    fn resolve(&self, conflict: Conflict) -> BoxFuture<'static, Result<Resolved>>;
}

/// Ends the conflict of a document with the revision `other`; whether content of ours now waits to
/// be pushed. A conflict that is over already is no error.
///
/// # Errors
/// Those of the resolver; `InvalidParameter` for content that cannot be stored; `Conflict` when the
/// document never stood still.
pub(super) async fn end_conflict(
    database: &Database,
    collection: &CollectionSpec,
    doc_id: &DocId,
    other: &RevId,
    resolver: Option<Arc<dyn ConflictResolver>>,
) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        let Some(conflict) = find(database, collection, doc_id, other).await? else {
            return Ok(false);
        };
        let (here, there) = (conflict.local.deleted, conflict.remote.deleted);
        let local = conflict.local.rev_id.clone();
        let resolved = match &resolver {
            _ if here && there => Resolved::Remote,
            Some(resolver) => match resolver.resolve(conflict).await? {
                // Both ends of the choice are the same.
                Resolved::Deleted if there => Resolved::Remote,
                Resolved::Deleted if here => Resolved::Local,
                other => other,
            },
            None if conflict.local_wins() => Resolved::Local,
            None => Resolved::Remote,
        };
        let push_again = resolved != Resolved::Remote;
        if write(database, collection, doc_id, local, other, resolved).await? {
            return Ok(push_again);
        }
    }
    let message =
        format!("document {doc_id} changed {ATTEMPTS} times while its conflict was resolved");
    Err(Error::lite(Code::Conflict, message))
}

impl Conflict {
    fn local_wins(&self) -> bool {
        crate::database::local_wins(
            (&self.local.rev_id, self.local.deleted),
            (&self.remote.rev_id, self.remote.deleted),
        )
    }
}

async fn find(
    database: &Database,
    collection: &CollectionSpec,
    doc_id: &DocId,
    other: &RevId,
) -> Result<Option<Conflict>> {
    let (sender, receiver) = oneshot::channel();
    let (collection, doc_id, other) = (collection.clone(), doc_id.clone(), other.clone());
    database.submit_read(
        move |tx| read(tx, collection, doc_id, &other),
        move |result| drop(sender.send(result)),
    );
    receiver.await.unwrap_or_else(|_| Err(closed()))
}

fn read(
    tx: &ReadTx<'_>,
    collection: CollectionSpec,
    doc_id: DocId,
    other: &RevId,
) -> Result<Option<Conflict>> {
    let theirs = tx.conflicts(&collection, &doc_id)?;
    let theirs = theirs.into_iter().find(|leaf| leaf.rev_id == *other);
    let only = std::slice::from_ref(&doc_id);
    let (rows, _) = tx.changes(&collection, Sequence(0), 1, Some(only), None)?;
    let (Some(theirs), Some(ours)) = (theirs, rows.into_iter().next()) else {
        return Ok(None);
    };
    let request = RevisionRequest {
        doc_id: doc_id.clone(),
        rev_id: ours.rev_id.clone(),
        known: Vec::new(),
        max_history: 0,
        delta: false,
    };
    let body = tx.read_revisions(&collection, &[request])?.pop().flatten();
    Ok(body.map(|revision| Conflict {
        collection,
        doc_id,
        local: ConflictSide {
            rev_id: ours.rev_id,
            sequence: Some(ours.sequence),
            deleted: ours.deleted,
            body: revision.body.to_vec(),
        },
        remote: ConflictSide {
            rev_id: theirs.rev_id,
            sequence: None,
            deleted: theirs.deleted,
            body: theirs.body,
        },
    }))
}

/// False when the document has another current revision by now.
async fn write(
    database: &Database,
    collection: &CollectionSpec,
    doc_id: &DocId,
    local: RevId,
    other: &RevId,
    resolved: Resolved,
) -> Result<bool> {
    let (sender, receiver) = oneshot::channel();
    let (collection, doc_id, other) = (collection.clone(), doc_id.clone(), other.clone());
    let cost = match &resolved {
        Resolved::Merged(body) => body.len(),
        _ => 0,
    };
    database.submit_write(
        cost,
        move |tx| {
            let resolution = match &resolved {
                Resolved::Local => Resolution::Local,
                Resolved::Remote => Resolution::Remote,
                Resolved::Merged(body) => Resolution::Merged(body),
                Resolved::Deleted => Resolution::Deleted,
            };
            tx.resolve_conflict_of(&collection, &doc_id, &local, &other, resolution)
        },
        move |result| drop(sender.send(result)),
    );
    receiver.await.unwrap_or_else(|_| Err(closed()))
}

fn closed() -> Error {
    Error::lite(Code::NotOpen, "the database is closed")
}
