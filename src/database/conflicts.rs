//! Conflicts that are kept as branches until somebody resolves them (wire spec §8.5).
//!
//! The branch that was here before stays current; the other one is a leaf in conflict, its body
//! in the table `branch_bodies`. Neither keeping nor looking takes a sequence; resolving does.

use std::sync::Arc;

use super::collection::Collection;
use super::documents::{body_flags, check_reserved_keys, decode_tree, stored_tree};
use super::transaction::{ReadTx, WriteTx};
use crate::error::{Error, Result};
use crate::model::body::{decode_body, encode_body, revision_id};
use crate::model::replication::{IncomingRevision, InsertOutcome, RemoteId};
use crate::model::rev_tree::{DEFAULT_PRUNE_DEPTH, InsertKind, RevTree};
use crate::model::{CollectionSpec, DocId, RevId};
use crate::storage::document_table::{Flags, Head};

/// A leaf that conflicts with the current revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConflictingRevision {
    /// Its id.
    pub rev_id: RevId,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Compact JSON text of an object.
    pub body: Vec<u8>,
}

/// How a conflict ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// The content that is current here becomes a child of the other revision.
    Local,
    /// The other revision becomes current.
    Remote,
    /// This JSON text becomes a child of the other revision.
    Merged(&'a [u8]),
    /// A tombstone becomes a child of the other revision.
    Deleted,
}

/// The revision that the current one is in conflict with.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) rev_id: &'a RevId,
    pub(super) deleted: bool,
    pub(super) jsonb: &'a [u8],
    pub(super) flags: Flags,
}

impl ReadTx<'_> {
    /// The leaves that conflict with the document's current revision, best first.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn conflicts(
        &self,
        collection: &CollectionSpec,
        id: &DocId,
    ) -> Result<Vec<ConflictingRevision>> {
        let table = &self.collections.get(collection)?.table;
        let head = table.head(self.connection, id)?;
        let Some(head) = head.filter(|head| head.flags.is_conflicted()) else {
            return Ok(Vec::new());
        };
        let mut conflicts = Vec::new();
        for leaf in decode_tree(&head)?.leaves().skip(1) {
            if let Some(jsonb) = table.branch_body(self.connection, id, &leaf.id)? {
                let mut body = Vec::new();
                decode_body(&jsonb, &mut body)?;
                conflicts.push(ConflictingRevision {
                    rev_id: leaf.id.clone(),
                    deleted: leaf.deleted,
                    body,
                });
            }
        }
        Ok(conflicts)
    }
}

impl ReadTx<'_> {
    /// All conflicts of a collection: documents with the other revision.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn all_conflicts(&self, collection: &CollectionSpec) -> Result<Vec<(DocId, RevId)>> {
        let table = &self.collections.get(collection)?.table;
        let mut conflicts = Vec::new();
        for id in table.conflicted(self.connection)? {
            let Some(head) = table.head(self.connection, &id)? else {
                continue;
            };
            let kept = table.branch_revisions(self.connection, &id)?;
            for leaf in decode_tree(&head)?.leaves().skip(1) {
                if kept.contains(&leaf.id) {
                    conflicts.push((id.clone(), leaf.id.clone()));
                }
            }
        }
        Ok(conflicts)
    }
}

impl WriteTx<'_> {
    /// Inserts a revision that came from a peer as [`WriteTx::insert_revisions`] does, but keeps a
    /// conflict as a branch. True when it is one.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection, `BadRevisionID`, `InvalidParameter` for the body.
    pub fn insert_or_branch(
        &mut self,
        collection: &CollectionSpec,
        revision: &IncomingRevision,
        remote: Option<RemoteId>,
    ) -> Result<bool> {
        let collection = self.collection(collection)?;
        let (table, doc_id) = (&collection.table, &revision.doc_id);
        let Some(head) = table.head(self.connection, doc_id)? else {
            self.insert_one(&collection, revision, remote)?;
            return Ok(false);
        };
        let mut tree = decode_tree(&head)?;
        let kind = tree.insert(
            &revision.rev_id,
            &revision.history,
            revision.deleted,
            remote,
        )?;
        if !matches!(kind, InsertKind::Branch | InsertKind::Conflict) {
            self.insert_one(&collection, revision, remote)?;
            return Ok(false);
        }
        let encoded = encode_body(&revision.body)?;
        tree.prune(DEFAULT_PRUNE_DEPTH);
        for ancestor in &revision.history {
            // A branch that grows: the body of its former leaf.
            table.delete_branch_body(self.connection, doc_id, ancestor)?;
        }
        table.put_branch_body(self.connection, doc_id, &revision.rev_id, &encoded.jsonb)?;
        let flags = Flags(head.flags.0 | Flags::CONFLICTED | body_flags(&encoded).0);
        table.set_branches(
            self.connection,
            head.sequence,
            flags,
            stored_tree(&tree.encode()),
        )?;
        self.refer_to(&encoded);
        Ok(true)
    }

    fn insert_one(
        &mut self,
        collection: &Arc<Collection>,
        revision: &IncomingRevision,
        remote: Option<RemoteId>,
    ) -> Result<()> {
        use crate::model::replication::ConflictPolicy;
        match self.insert_revision(collection, revision, ConflictPolicy::Refuse, remote)? {
            InsertOutcome::Failed(error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends the conflict of a document with its leaf `other`.
    ///
    /// # Errors
    /// `NotFound` when there is no such conflict; `InvalidParameter` for a bad merged body.
    pub fn resolve_conflict(
        &mut self,
        collection: &CollectionSpec,
        id: &DocId,
        other: &RevId,
        resolution: Resolution<'_>,
    ) -> Result<()> {
        let collection = self.collection(collection)?;
        let head = self.head_of(&collection, id)?;
        let tree = decode_tree(&head)?;
        let jsonb = collection.table.branch_body(self.connection, id, other)?;
        let leaf = tree.get(other).filter(|leaf| leaf.is_leaf());
        let (Some(jsonb), Some(leaf)) = (jsonb, leaf) else {
            return Err(Error::not_found(format!(
                "document {id} has no conflict with revision {other}"
            )));
        };
        let theirs = Side {
            rev_id: other,
            deleted: leaf.deleted,
            jsonb: &jsonb,
            flags: Flags(head.flags.0 & Flags::HAS_BLOBS),
        };
        collection
            .table
            .delete_branch_body(self.connection, id, other)?;
        self.end_conflict(
            &collection,
            id,
            &head,
            tree.clone(),
            theirs,
            resolution,
            None,
        )
    }

    /// As [`WriteTx::resolve_conflict`], if `local` is still the current revision and the conflict
    /// is still there; false if not.
    ///
    /// # Errors
    /// As there.
    pub fn resolve_conflict_of(
        &mut self,
        collection: &CollectionSpec,
        id: &DocId,
        local: &RevId,
        other: &RevId,
        resolution: Resolution<'_>,
    ) -> Result<bool> {
        let table = &self.collections.get(collection)?.table;
        let head = table.head(self.connection, id)?;
        let there = table.branch_body(self.connection, id, other)?.is_some();
        if head.is_none_or(|head| head.rev_id != *local) || !there {
            return Ok(false);
        }
        self.resolve_conflict(collection, id, other, resolution)?;
        Ok(true)
    }

    /// Makes the result of a conflict current: theirs, or a child of theirs.
    #[expect(
        clippy::too_many_arguments,
        reason = "the two sides and where they meet"
    )]
    pub(super) fn end_conflict(
        &mut self,
        collection: &Arc<Collection>,
        doc_id: &DocId,
        head: &Head,
        mut tree: RevTree,
        theirs: Side<'_>,
        resolution: Resolution<'_>,
        remote: Option<RemoteId>,
    ) -> Result<()> {
        let ours = &head.rev_id;
        if resolution == Resolution::Local && ours.generation() > theirs.rev_id.generation() {
            // A revision of its own would be one more to be in conflict with elsewhere.
            let jsonb = collection.table.body(self.connection, head.sequence)?;
            tree.graft(ours, theirs.rev_id);
            let flags = Flags(head.flags.0 & Flags::HAS_BLOBS);
            return self.store_current(
                collection,
                doc_id,
                head,
                tree,
                (ours, head.flags.is_deleted()),
                (&jsonb, flags),
                None,
            );
        }
        tree.resolve_conflict(theirs.rev_id, ours);
        let (jsonb, canonical, deleted, flags) = match resolution {
            Resolution::Remote => {
                return self.store_current(
                    collection,
                    doc_id,
                    head,
                    tree,
                    (theirs.rev_id, theirs.deleted),
                    (theirs.jsonb, theirs.flags),
                    remote,
                );
            }
            Resolution::Local => {
                let jsonb = collection.table.body(self.connection, head.sequence)?;
                let mut json = Vec::new();
                decode_body(&jsonb, &mut json)?;
                let canonical = encode_body(&json)?.canonical;
                let flags = Flags(head.flags.0 & Flags::HAS_BLOBS);
                (jsonb, canonical, head.flags.is_deleted(), flags)
            }
            Resolution::Merged(json) => {
                let encoded = encode_body(json)?;
                check_reserved_keys(&encoded.canonical)?;
                let flags = body_flags(&encoded);
                self.refer_to(&encoded);
                (encoded.jsonb, encoded.canonical, false, flags)
            }
            Resolution::Deleted => {
                let encoded = encode_body(b"{}")?;
                (encoded.jsonb, encoded.canonical, true, Flags::default())
            }
        };
        let rev_id = revision_id(Some(theirs.rev_id), deleted, &canonical);
        tree.add_child(theirs.rev_id, rev_id.clone(), deleted)?;
        self.store_current(
            collection,
            doc_id,
            head,
            tree,
            (&rev_id, deleted),
            (&jsonb, flags),
            // Content that the remote does not have: a change of ours.
            None,
        )
    }
}
