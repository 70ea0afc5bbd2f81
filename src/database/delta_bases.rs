//! Bodies of former revisions, kept so that deltas can be made and applied (wire spec §6).
//!
//! A document has at most one, in the table `branch_bodies` beside the bodies of leaves in conflict; the
//! row's flag says that there is one. Nothing is kept in a database that never spoke of deltas with
//! anybody.

use bytes::Bytes;

use super::collection::Collection;
use super::documents::{decode_tree, stored_tree};
use super::transaction::{ReadTx, WriteTx};
use crate::error::Result;
use crate::model::body::decode_body;
use crate::model::rev_tree::RevTree;
use crate::model::{CollectionSpec, DocId, RevId};
use crate::storage::checkpoint_store;
use crate::storage::document_table::{DocumentTable, Flags, Head};

/// Bodies that are shorter in the row are not kept: their successors go in full.
const MIN_KEPT_LEN: usize = 100;

/// Name of the setting in the table `info`: one byte.
const SETTING: &str = "delta_bases";

/// Which bodies of former revisions are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeltaBases {
    /// None.
    #[default]
    Off = 0,
    /// Those that a remote has as its current revision, until it has a newer one.
    OfRemotes = 1,
    /// The last one before the current, for whoever may have it: clients of a listener are not
    /// remembered one by one.
    Last = 2,
}

impl DeltaBases {
    pub(super) fn from_stored(stored: Option<&[u8]>) -> Self {
        match stored {
            Some([1]) => Self::OfRemotes,
            Some([2]) => Self::Last,
            _ => Self::Off,
        }
    }
}

/// The stored setting.
pub(super) fn load(connection: &crate::storage::Connection) -> Result<DeltaBases> {
    let stored = checkpoint_store::info(connection, SETTING)?;
    Ok(DeltaBases::from_stored(stored.as_deref()))
}

impl ReadTx<'_> {
    /// Bodies of revisions, current or kept, aligned with `revisions`; `None` where the body is
    /// gone. The list ends early, but not empty, when the bodies have `max_bytes` together.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn read_bodies(
        &self,
        collection: &CollectionSpec,
        revisions: &[(DocId, RevId)],
        max_bytes: usize,
    ) -> Result<Vec<Option<Bytes>>> {
        let table = &self.collections.get(collection)?.table;
        let mut bodies = Vec::with_capacity(revisions.len());
        let mut bytes = 0;
        for (doc_id, rev_id) in revisions {
            let head = table.head(self.connection, doc_id)?;
            let body = match head {
                Some(head) => self.body_of(table, doc_id, &head, rev_id)?,
                None => None,
            };
            bytes += body.as_ref().map_or(0, Bytes::len);
            bodies.push(body);
            if bytes >= max_bytes {
                break;
            }
        }
        Ok(bodies)
    }

    /// How many bodies of revisions that are not current are stored.
    #[cfg(test)]
    pub(crate) fn count_kept_bodies(&self) -> Result<usize> {
        let mut count = 0;
        crate::storage::maintenance::branch_bodies(self.connection, &mut |_| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// The body of a revision, if it is here; JSON text.
    pub(super) fn body_of(
        &self,
        table: &DocumentTable,
        doc_id: &DocId,
        head: &Head,
        rev_id: &RevId,
    ) -> Result<Option<Bytes>> {
        let jsonb = if head.rev_id == *rev_id {
            Some(table.body(self.connection, head.sequence)?)
        } else if head.flags.has_other_bodies() {
            table.branch_body(self.connection, doc_id, rev_id)?
        } else {
            None
        };
        jsonb
            .map(|jsonb| {
                let mut body = Vec::with_capacity(jsonb.len() + jsonb.len() / 4);
                decode_body(&jsonb, &mut body)?;
                Ok(body.into())
            })
            .transpose()
    }

    /// Those of `revisions` whose bodies are here.
    pub(super) fn with_bodies(
        &self,
        table: &DocumentTable,
        doc_id: &DocId,
        head: &Head,
        mut revisions: Vec<RevId>,
    ) -> Result<Vec<RevId>> {
        let others = if head.flags.has_other_bodies() {
            table.branch_revisions(self.connection, doc_id)?
        } else {
            Vec::new()
        };
        revisions.retain(|id| *id == head.rev_id || others.contains(id));
        Ok(revisions)
    }

    /// The newest of the revisions `known` from which `rev_id` descends and whose body is here.
    pub(super) fn delta_base(
        &self,
        table: &DocumentTable,
        doc_id: &DocId,
        head: &Head,
        (tree, rev_id): (&RevTree, &RevId),
        known: &[RevId],
    ) -> Result<Option<(RevId, Bytes)>> {
        if !head.flags.has_other_bodies() {
            return Ok(None);
        }
        for base in known.iter().filter(|base| tree.is_ancestor(base, rev_id)) {
            let live = tree.get(base).is_some_and(|revision| !revision.deleted);
            if live && let Some(body) = self.body_of(table, doc_id, head, base)? {
                return Ok(Some((base.clone(), body)));
            }
        }
        Ok(None)
    }
}

impl WriteTx<'_> {
    /// From now on keeps what deltas need; more than before, or as much.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn keep_delta_bases(&mut self, bases: DeltaBases) -> Result<()> {
        if bases > self.engine.delta_bases() {
            checkpoint_store::set_info(self.connection, SETTING, &[bases as u8])?;
            self.engine.set_delta_bases(bases);
        }
        Ok(())
    }

    /// Keeps the body of the revision in the row, which is about to be replaced, or what was kept
    /// before, or nothing. `tree` has the new revision. Gives the row's flag for it.
    pub(super) fn keep_base(
        &mut self,
        collection: &Collection,
        doc_id: &DocId,
        head: &Head,
        tree: &RevTree,
    ) -> Result<Flags> {
        let bases = self.engine.delta_bases();
        if bases == DeltaBases::Off && !head.flags.has_base() {
            return Ok(Flags::default());
        }
        let table = &collection.table;
        let kept = self.kept_bases(table, doc_id, head, tree)?;
        let by_remote = |id: &RevId| tree.is_remote_ancestor(id);
        let was_live = tree
            .get(&head.rev_id)
            .is_some_and(|former| !former.deleted && !former.is_leaf());
        let wanted = was_live
            && match bases {
                DeltaBases::Off => false,
                DeltaBases::OfRemotes => by_remote(&head.rev_id),
                DeltaBases::Last => by_remote(&head.rev_id) || !kept.iter().any(by_remote),
            };
        let mut has_base = false;
        for old in kept {
            if wanted || !by_remote(&old) {
                table.delete_branch_body(self.connection, doc_id, &old)?;
            } else {
                has_base = true;
            }
        }
        if wanted {
            has_base = table.keep_body(self.connection, head.sequence, MIN_KEPT_LEN)?;
        }
        Ok(Flags(if has_base { Flags::HAS_BASE } else { 0 }))
    }

    /// Drops a kept body that no remote has as its current one any more; true when it did.
    pub(super) fn drop_stale_base(
        &mut self,
        collection: &Collection,
        doc_id: &DocId,
        head: &Head,
        tree: &RevTree,
    ) -> Result<bool> {
        if !head.flags.has_base() || self.engine.delta_bases() == DeltaBases::Last {
            return Ok(false);
        }
        let table = &collection.table;
        let kept = self.kept_bases(table, doc_id, head, tree)?;
        if kept.iter().any(|id| tree.is_remote_ancestor(id)) {
            return Ok(false);
        }
        for id in &kept {
            table.delete_branch_body(self.connection, doc_id, id)?;
        }
        let flags = Flags(head.flags.0 & !Flags::HAS_BASE);
        table.set_branches(
            self.connection,
            head.sequence,
            flags,
            stored_tree(&tree.encode()),
        )?;
        Ok(true)
    }

    /// Former revisions whose bodies are kept.
    fn kept_bases(
        &self,
        table: &DocumentTable,
        doc_id: &DocId,
        head: &Head,
        tree: &RevTree,
    ) -> Result<Vec<RevId>> {
        if !head.flags.has_base() {
            return Ok(Vec::new());
        }
        // A leaf's body is there for its conflict.
        let before = decode_tree(head)?;
        let is_leaf =
            |tree: &RevTree, id: &RevId| tree.get(id).is_some_and(|found| found.is_leaf());
        let mut kept = table.branch_revisions(self.connection, doc_id)?;
        kept.retain(|id| !is_leaf(&before, id) && !is_leaf(tree, id));
        Ok(kept)
    }
}
