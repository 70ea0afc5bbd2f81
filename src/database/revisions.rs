//! Revisions as replication moves them: read with their history, inserted with it.

use std::sync::Arc;

use super::collection::Collection;
use super::conflicts::{Resolution, Side};
use super::documents::{body_flags, decode_tree, stored_tree};
use super::transaction::{ReadTx, WriteTx};
use crate::error::{Code, Error, Result};
use crate::model::body::{EncodedBody, encode_body};
use crate::model::replication::{
    ConflictPolicy, IncomingRevision, InsertOutcome, OutgoingRevision, RemoteId, RevisionRequest,
};
use crate::model::rev_tree::{DEFAULT_PRUNE_DEPTH, InsertKind, RevTree};
use crate::model::{CollectionSpec, DocId, RevId};
use crate::storage::document_table::{DocumentTable, Flags, Head, NewRow};

impl ReadTx<'_> {
    /// Revisions to send, aligned with the requests; `None` where the body is gone or never was.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn read_revisions(
        &self,
        collection: &CollectionSpec,
        requests: &[RevisionRequest],
    ) -> Result<Vec<Option<OutgoingRevision>>> {
        let table = &self.collections.get(collection)?.table;
        requests
            .iter()
            .map(|request| self.read_revision(table, request))
            .collect()
    }

    fn read_revision(
        &self,
        table: &DocumentTable,
        request: &RevisionRequest,
    ) -> Result<Option<OutgoingRevision>> {
        let Some(head) = table.head(self.connection, &request.doc_id)? else {
            return Ok(None);
        };
        let doc_id = &request.doc_id;
        let Some(body) = self.body_of(table, doc_id, &head, &request.rev_id)? else {
            return Ok(None);
        };
        let tree = decode_tree(&head)?;
        let Some(revision) = tree.get(&request.rev_id) else {
            return Ok(None);
        };
        let base = if request.delta && !revision.deleted {
            let of = (&tree, &request.rev_id);
            self.delta_base(table, doc_id, &head, of, &request.known)?
        } else {
            None
        };
        Ok(Some(OutgoingRevision {
            deleted: revision.deleted,
            history: tree.history(
                &request.rev_id,
                &request.known,
                usize::try_from(request.max_history).unwrap_or(usize::MAX),
            ),
            body,
            base,
            has_blobs: head.flags.has_blobs(),
        }))
    }
}

impl WriteTx<'_> {
    /// Inserts revisions that came from a peer (wire §5.3), each for itself: one that cannot be
    /// inserted fails alone. `policy` says what happens to conflicts (wire §8.5); `remote` is
    /// marked as having these revisions.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection, and those of the disk, which fail the whole call.
    pub fn insert_revisions(
        &mut self,
        collection: &CollectionSpec,
        revisions: Vec<IncomingRevision>,
        policy: ConflictPolicy,
        remote: Option<RemoteId>,
    ) -> Result<Vec<InsertOutcome>> {
        let collection = self.collection(collection)?;
        revisions
            .iter()
            .map(|revision| {
                if policy == ConflictPolicy::Keep {
                    return self.insert_keeping(&collection, revision, remote);
                }
                // A revision that fails by itself has written nothing yet, so it needs no savepoint.
                match self.insert_revision(&collection, revision, policy, remote) {
                    Err(error) if !is_of_the_disk(&error) => Ok(InsertOutcome::Failed(error)),
                    other => other,
                }
            })
            .collect()
    }

    fn insert_keeping(
        &mut self,
        collection: &Arc<Collection>,
        revision: &IncomingRevision,
        remote: Option<RemoteId>,
    ) -> Result<InsertOutcome> {
        match self.insert_or_branch(&collection.spec, revision, remote) {
            Ok(true) => Ok(InsertOutcome::Conflicted),
            Ok(false) => Ok(InsertOutcome::Inserted),
            Err(error) if !is_of_the_disk(&error) => Ok(InsertOutcome::Failed(error)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn insert_revision(
        &mut self,
        collection: &Arc<Collection>,
        revision: &IncomingRevision,
        policy: ConflictPolicy,
        remote: Option<RemoteId>,
    ) -> Result<InsertOutcome> {
        let encoded = encode_body(&revision.body)?;
        if self.insert_new(collection, revision, &encoded, remote)? {
            return Ok(InsertOutcome::Inserted);
        }
        let doc_id = &revision.doc_id;
        let Some(head) = collection.table.head(self.connection, doc_id)? else {
            return Err(Error::lite(
                Code::UnexpectedError,
                format!("document {doc_id} could be neither inserted nor found"),
            ));
        };
        let mut tree = decode_tree(&head)?;
        let IncomingRevision {
            rev_id,
            history,
            deleted,
            ..
        } = revision;
        if policy == ConflictPolicy::Refuse
            && tree.would_conflict(rev_id, history, *deleted, remote)?
        {
            return Ok(InsertOutcome::Failed(Error::http(
                409,
                format!(
                    "revision {rev_id} conflicts with {}, the current one of {doc_id}",
                    head.rev_id
                ),
            )));
        }
        match tree.insert(rev_id, history, *deleted, remote)? {
            InsertKind::AlreadyHad => {
                self.store_tree(collection, &head, &tree)?;
                Ok(InsertOutcome::AlreadyHad)
            }
            InsertKind::Current => {
                self.store_current(
                    collection,
                    doc_id,
                    &head,
                    tree,
                    (rev_id, *deleted),
                    (&encoded.jsonb, body_flags(&encoded)),
                    remote,
                )?;
                self.refer_to(&encoded);
                Ok(InsertOutcome::Inserted)
            }
            InsertKind::Branch | InsertKind::Conflict => {
                self.resolve(collection, revision, &encoded, &head, tree, remote)
            }
        }
    }

    /// The common case: the document is new here. False when it is not.
    fn insert_new(
        &mut self,
        collection: &Arc<Collection>,
        revision: &IncomingRevision,
        encoded: &EncodedBody,
        remote: Option<RemoteId>,
    ) -> Result<bool> {
        let IncomingRevision {
            doc_id,
            rev_id,
            history,
            deleted,
            ..
        } = revision;
        let mut tree = RevTree::new();
        tree.insert(rev_id, history, *deleted, remote)?;
        tree.prune(DEFAULT_PRUNE_DEPTH);
        let tree = tree.encode();
        let mut flags = body_flags(encoded);
        if *deleted {
            flags.0 |= Flags::DELETED;
        }
        let sequence = self.next_sequence(collection);
        let row = NewRow {
            sequence,
            flags,
            rev_id,
            tree: stored_tree(&tree),
            body: &encoded.jsonb,
        };
        let inserted = collection.table.insert(self.connection, doc_id, row)?;
        if inserted {
            self.refer_to(encoded);
            self.changed(collection, doc_id, Some(rev_id), sequence, *deleted, remote);
        } else {
            self.unuse_sequence(collection, sequence);
        }
        Ok(inserted)
    }

    /// Ends a conflict by the default rule of wire §8.5.
    fn resolve(
        &mut self,
        collection: &Arc<Collection>,
        revision: &IncomingRevision,
        encoded: &EncodedBody,
        head: &Head,
        tree: RevTree,
        remote: Option<RemoteId>,
    ) -> Result<InsertOutcome> {
        let theirs = Side {
            rev_id: &revision.rev_id,
            deleted: revision.deleted,
            jsonb: &encoded.jsonb,
            flags: body_flags(encoded),
        };
        let local_won = local_wins(
            (&head.rev_id, head.flags.is_deleted()),
            (theirs.rev_id, theirs.deleted),
        );
        if !local_won {
            self.refer_to(encoded);
        }
        let resolution = if local_won {
            Resolution::Local
        } else {
            Resolution::Remote
        };
        self.end_conflict(
            collection,
            &revision.doc_id,
            head,
            tree,
            theirs,
            resolution,
            remote,
        )?;
        Ok(InsertOutcome::Resolved { local_won })
    }

    /// Stores the tree's new current revision.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one row, in pairs that belong together"
    )]
    pub(super) fn store_current(
        &mut self,
        collection: &Arc<Collection>,
        doc_id: &DocId,
        head: &Head,
        mut tree: RevTree,
        (rev_id, deleted): (&RevId, bool),
        (jsonb, mut flags): (&[u8], Flags),
        origin: Option<RemoteId>,
    ) -> Result<()> {
        tree.prune(DEFAULT_PRUNE_DEPTH);
        if deleted {
            flags.0 |= Flags::DELETED;
        }
        if tree.has_conflict() {
            flags.0 |= Flags::CONFLICTED | (head.flags.0 & Flags::HAS_BLOBS);
        } else if head.flags.is_conflicted() {
            // With them goes what was kept for deltas.
            collection
                .table
                .delete_branch_bodies(self.connection, doc_id)?;
        }
        let sequence = self.replace_row(collection, doc_id, head, &tree, (rev_id, flags), jsonb)?;
        self.changed(collection, doc_id, Some(rev_id), sequence, deleted, origin);
        Ok(())
    }

    /// Notes which revisions are current on a remote. Revisions that are not here are passed over.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn mark_remote_ancestor(
        &mut self,
        collection: &CollectionSpec,
        remote: RemoteId,
        revisions: &[(DocId, RevId)],
    ) -> Result<()> {
        let collection = self.collection(collection)?;
        for (doc_id, rev_id) in revisions {
            let Some(head) = collection.table.head(self.connection, doc_id)? else {
                continue;
            };
            let mut tree = decode_tree(&head)?;
            if tree.set_remote_ancestor(remote, rev_id)
                && !self.drop_stale_base(&collection, doc_id, &head, &tree)?
            {
                self.store_tree(&collection, &head, &tree)?;
            }
        }
        Ok(())
    }

    /// Stores a tree of which only remote marks have changed, if they have.
    fn store_tree(&mut self, collection: &Collection, head: &Head, tree: &RevTree) -> Result<()> {
        let encoded = tree.encode();
        if stored_tree(&encoded) == head.tree.as_deref() {
            return Ok(());
        }
        collection
            .table
            .set_tree(self.connection, head.sequence, stored_tree(&encoded))
    }
}

/// The default resolver of Couchbase Lite 3 (wire §8.5): a deleted side wins, else the higher
/// generation, else the greater revision id. Both deleted: the remote.
pub(crate) fn local_wins(local: (&RevId, bool), remote: (&RevId, bool)) -> bool {
    match (local.1, remote.1) {
        (_, true) => false,
        (true, false) => true,
        (false, false) => local.0 > remote.0,
    }
}

/// Whether an error concerns the whole database rather than one revision.
fn is_of_the_disk(error: &Error) -> bool {
    match error {
        Error::Sqlite { .. } | Error::Posix { .. } => true,
        Error::Lite { code, .. } => matches!(
            code,
            Code::Busy
                | Code::IoError
                | Code::CorruptData
                | Code::MemoryError
                | Code::NotWriteable
                | Code::CantOpenFile
                | Code::NotADatabaseFile
                | Code::NotOpen
        ),
        _ => false,
    }
}
