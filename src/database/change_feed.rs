//! What a collection has changed, and what it thinks of a peer's changes.

use super::documents::decode_tree;
use super::transaction::ReadTx;
use crate::error::Result;
use crate::model::replication::{Change, ChangeVerdict, ProposalVerdict, RemoteId};
use crate::model::{CollectionSpec, DocId, RevId, Sequence};
use crate::storage::document_table::FeedRow;

/// Most ancestors in a reply to `changes` (wire §3.7).
const ANCESTORS_MAX: usize = 10;

impl ReadTx<'_> {
    /// Rows of the change feed after `after`, in order, at most `limit`, of these documents only
    /// if `doc_ids` is given; and the collection's last sequence at this moment, so that fewer
    /// than `limit` rows mean that the feed is read up to it. With `remote`, each row tells what
    /// that remote was last known to have.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn changes(
        &self,
        collection: &CollectionSpec,
        after: Sequence,
        limit: usize,
        doc_ids: Option<&[DocId]>,
        remote: Option<RemoteId>,
    ) -> Result<(Vec<Change>, Sequence)> {
        let table = &self.collections.get(collection)?.table;
        let last_sequence = Sequence(table.last_sequence(self.connection)?);
        let rows = match doc_ids {
            None => table.feed(self.connection, after.0, limit)?,
            Some(doc_ids) => {
                let mut rows = Vec::new();
                for doc_id in doc_ids {
                    rows.extend(table.feed_of_one(self.connection, doc_id, after.0)?);
                }
                rows.sort_by_key(|row| row.head.sequence);
                rows.dedup_by_key(|row| row.head.sequence);
                rows.truncate(limit);
                rows
            }
        };
        let changes = rows
            .into_iter()
            .map(|row| change(row, remote))
            .collect::<Result<_>>()?;
        Ok((changes, last_sequence))
    }

    /// What this side says to the rows of a `changes` list (wire §3.7). With `bodies_only` the
    /// ancestors it tells are those whose bodies are here, so that each can be a base of a delta.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn judge_changes(
        &self,
        collection: &CollectionSpec,
        rows: &[(DocId, RevId)],
        bodies_only: bool,
    ) -> Result<Vec<ChangeVerdict>> {
        let table = &self.collections.get(collection)?.table;
        let judge = |(doc_id, rev_id): &(DocId, RevId)| {
            let Some(head) = table.head(self.connection, doc_id)? else {
                return Ok(ChangeVerdict::Want {
                    ancestors: Vec::new(),
                });
            };
            if head.rev_id == *rev_id {
                return Ok(ChangeVerdict::Have);
            }
            let tree = decode_tree(&head)?;
            if tree.contains(rev_id) {
                return Ok(ChangeVerdict::Have);
            }
            let mut ancestors = tree.ancestors_for_reply(rev_id, ANCESTORS_MAX);
            if bodies_only {
                ancestors = self.with_bodies(table, doc_id, &head, ancestors)?;
            }
            Ok(if head.rev_id.generation() < rev_id.generation() {
                ChangeVerdict::Want { ancestors }
            } else {
                ChangeVerdict::Conflict { ancestors }
            })
        };
        rows.iter().map(judge).collect()
    }

    /// What this side says to the rows of a `proposeChanges` list: document, proposed revision,
    /// and the parent that the client believes is current (wire §3.8).
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn judge_proposals(
        &self,
        collection: &CollectionSpec,
        rows: &[(DocId, RevId, Option<RevId>)],
    ) -> Result<Vec<ProposalVerdict>> {
        let table = &self.collections.get(collection)?.table;
        let judge = |(doc_id, rev_id, parent): &(DocId, RevId, Option<RevId>)| {
            let head = table.head(self.connection, doc_id)?;
            let current = head.as_ref().map(|head| &head.rev_id);
            let deleted = head.as_ref().is_some_and(|head| head.flags.is_deleted());
            Ok(if current == Some(rev_id) {
                ProposalVerdict::Have
            } else if current == parent.as_ref() || (parent.is_none() && deleted) {
                ProposalVerdict::Accept
            } else {
                ProposalVerdict::Conflict {
                    current: current.cloned(),
                }
            })
        };
        rows.iter().map(judge).collect()
    }
}

fn change(row: FeedRow, remote: Option<RemoteId>) -> Result<Change> {
    let remote_ancestor = match remote {
        Some(remote) if row.head.tree.is_some() => {
            decode_tree(&row.head)?.remote_ancestor(remote).cloned()
        }
        _ => None,
    };
    Ok(Change {
        sequence: Sequence(row.head.sequence),
        doc_id: row.doc_id,
        rev_id: row.head.rev_id,
        deleted: row.head.flags.is_deleted(),
        conflicted: row.head.flags.is_conflicted(),
        body_size: row.body_size,
        remote_ancestor,
    })
}
