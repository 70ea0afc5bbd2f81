//! Revision trees: which revisions of a document are known, who descends from whom, and what each
//! remote was last known to have (wire spec §5.3).

mod codec;
mod history;
#[cfg(test)]
mod tests;

use super::RevId;
use super::replication::RemoteId;
use crate::error::{Code, Error, Result};

/// How many revisions of a branch are kept, the leaf included (LiteCore's default).
pub const DEFAULT_PRUNE_DEPTH: usize = 20;

/// Abandoned leaves that a tree remembers.
const MAX_ABANDONED: usize = 8;

/// One revision in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its id.
    pub id: RevId,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Whether it lies on a branch that lost against the one that was here before.
    pub conflict: bool,
    /// Whether its body was kept: true for a leaf, false once it has a child. A leaf without one was
    /// abandoned: its remote went over to another branch, and so did we.
    pub has_body: bool,
    leaf: bool,
    parent: Option<usize>,
}

impl Revision {
    /// Whether nothing descends from it.
    pub fn is_leaf(&self) -> bool {
        self.leaf
    }

    /// Whether it is only remembered, so that nobody follows a remote back to it.
    fn is_abandoned(&self) -> bool {
        self.leaf && !self.has_body
    }
}

/// How an existing revision fitted into the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertKind {
    /// The very revision was here already; at most a remote mark changed.
    AlreadyHad,
    /// It descends from the current revision, is the first one, replaces what the same remote had
    /// before, or revives a tombstone: it is current now.
    Current,
    /// It lengthens a branch that is in conflict already.
    Branch,
    /// It starts a new branch in conflict with the current revision.
    Conflict,
}

/// The revision tree of one document.
///
/// The first revision of the list is the current one; then its ancestors, newest first; then the
/// next leaf by the winner rule with those of its ancestors that are not listed yet, and so on.
/// Parents have lower generations than their children. A parent may be more than one generation
/// older when what lay between was pruned or never told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevTree {
    revisions: Vec<Revision>,
    remotes: Vec<(RemoteId, usize)>,
}

impl RevTree {
    /// A tree without revisions.
    pub fn new() -> Self {
        Self::default()
    }

    /// The winner among the leaves: not in conflict before in conflict, live before deleted, higher
    /// generation, higher digest. `None` only in an empty tree.
    pub fn current(&self) -> Option<&Revision> {
        self.revisions.first()
    }

    /// The revision with this id.
    pub fn get(&self, id: &RevId) -> Option<&Revision> {
        self.find(id).map(|index| &self.revisions[index])
    }

    /// Whether the revision is here; one that was abandoned is not.
    pub fn contains(&self, id: &RevId) -> bool {
        self.get(id)
            .is_some_and(|revision| !revision.is_abandoned())
    }

    /// Number of revisions.
    pub fn len(&self) -> usize {
        self.revisions.len()
    }

    /// Whether there is no revision.
    pub fn is_empty(&self) -> bool {
        self.revisions.is_empty()
    }

    /// The leaves, best first.
    pub fn leaves(&self) -> impl Iterator<Item = &Revision> {
        self.revisions.iter().filter(|revision| revision.leaf)
    }

    /// Whether two leaves are in conflict.
    pub fn has_conflict(&self) -> bool {
        self.leaves()
            .any(|leaf| leaf.conflict && !leaf.is_abandoned())
    }

    /// Whether `ancestor` is a proper ancestor of `descendant`, both being here.
    pub fn is_ancestor(&self, ancestor: &RevId, descendant: &RevId) -> bool {
        let Some(start) = self.find(descendant) else {
            return false;
        };
        self.ancestors(start)
            .any(|index| self.revisions[index].id == *ancestor)
    }

    /// Adds a revision made here: a child of the current one, or the first.
    pub fn add_local(&mut self, id: RevId, deleted: bool) {
        let parent = (!self.revisions.is_empty()).then_some(0);
        self.push_front(id, deleted, parent);
    }

    /// Adds a revision made here as the child of any revision, e.g. of the remote side of a
    /// conflict.
    ///
    /// # Errors
    /// `NotFound` when the parent is not here.
    pub fn add_child(&mut self, parent: &RevId, id: RevId, deleted: bool) -> Result<()> {
        let index = self
            .find(parent)
            .ok_or_else(|| Error::not_found(format!("revision {parent} is not in the tree")))?;
        if index == 0 {
            self.push_front(id, deleted, Some(0));
            return Ok(());
        }
        let conflict = self.revisions[index].conflict;
        self.adopt(id, deleted, conflict, Some(index));
        self.sort();
        Ok(())
    }

    /// Adds a revision that came from elsewhere, with its ancestors, newest first (wire §5.3).
    ///
    /// With a `remote`, the revision is marked as the current one there.
    ///
    /// # Errors
    /// `BadRevisionID` when the generations of `rev` and `history` do not count down by one; a gap
    /// is allowed only past [`DEFAULT_PRUNE_DEPTH`] entries.
    pub fn insert(
        &mut self,
        rev: &RevId,
        history: &[RevId],
        deleted: bool,
        remote: Option<RemoteId>,
    ) -> Result<InsertKind> {
        check_history(rev, history)?;
        let mut may_follow = true;
        if let Some(index) = self.find(rev) {
            if !self.revisions[index].is_abandoned() {
                if let Some(remote) = remote {
                    self.mark(remote, index);
                }
                return Ok(InsertKind::AlreadyHad);
            }
            // In a circle of peers that follow one another this would never end.
            may_follow = false;
            self.remove_branch(rev);
        }
        let common = history
            .iter()
            .enumerate()
            .find_map(|(position, id)| Some((position, self.find(id)?)));
        let unknown = &history[..common.map_or(history.len(), |(position, _)| position)];
        let parent = common.map(|(_, index)| index);
        let kind = self.judge(parent, deleted, remote.filter(|_| may_follow));
        let replaced = (kind == InsertKind::Current && !self.is_empty() && parent != Some(0))
            .then(|| self.revisions[0].id.clone())
            .filter(|_| !self.revisions[0].deleted || parent.is_some());
        if kind == InsertKind::Current
            && unknown.is_empty()
            && (parent == Some(0) || self.is_empty())
        {
            self.push_front(rev.clone(), deleted, parent);
        } else {
            let conflict = match kind {
                InsertKind::Conflict => true,
                InsertKind::Branch => parent.is_some_and(|at| self.revisions[at].conflict),
                _ => false,
            };
            let mut parent = parent;
            for ancestor in unknown.iter().rev() {
                let index = self.adopt(ancestor.clone(), false, conflict, parent);
                self.revisions[index].has_body = false;
                parent = Some(index);
            }
            if let Some(parent) = parent.filter(|_| !conflict) {
                self.clear_conflict(parent);
            }
            self.adopt(rev.clone(), deleted, conflict, parent);
            self.sort();
        }
        if let Some(remote) = remote
            && let Some(index) = self.find(rev)
        {
            self.mark(remote, index);
        }
        if let Some(replaced) = replaced {
            self.abandon(&replaced);
        }
        Ok(kind)
    }

    /// What an unknown revision with this nearest known ancestor would be.
    fn judge(&self, parent: Option<usize>, deleted: bool, remote: Option<RemoteId>) -> InsertKind {
        let Some(current) = self.current() else {
            return InsertKind::Current;
        };
        match parent {
            Some(0) => InsertKind::Current,
            Some(index) if self.revisions[index].leaf && self.revisions[index].has_body => {
                InsertKind::Branch
            }
            // A peer that proposes without a parent over a tombstone was told yes (wire §3.8).
            None if current.deleted && !deleted => InsertKind::Current,
            _ if remote.is_some_and(|remote| self.marked(remote) == Some(0)) => {
                // The remote switched branches and nothing was done here on top of its old one.
                InsertKind::Current
            }
            _ => InsertKind::Conflict,
        }
    }

    /// Whether [`RevTree::insert`] would make a conflict of this revision; what a passive side that
    /// refuses conflicts asks first.
    ///
    /// # Errors
    /// As [`RevTree::insert`].
    pub fn would_conflict(
        &self,
        rev: &RevId,
        history: &[RevId],
        deleted: bool,
        remote: Option<RemoteId>,
    ) -> Result<bool> {
        check_history(rev, history)?;
        if self.contains(rev) {
            return Ok(false);
        }
        let parent = history.iter().find_map(|id| self.find(id));
        Ok(matches!(
            self.judge(parent, deleted, remote),
            InsertKind::Conflict | InsertKind::Branch
        ))
    }

    /// Ends a conflict: the branch of `loser` goes (its leaf is remembered), the branch of `winner` is
    /// no longer in conflict (wire §8.5).
    pub fn resolve_conflict(&mut self, winner: &RevId, loser: &RevId) {
        if let Some(index) = self.find(winner) {
            self.clear_conflict(index);
        }
        self.abandon(loser);
    }

    /// Ends a conflict in favour of the leaf `winner` without a revision of its own: it becomes a
    /// descendant of `loser`, which has a lower generation. What lay between is forgotten, so its
    /// history is told with placeholders.
    pub fn graft(&mut self, winner: &RevId, loser: &RevId) {
        let (Some(winner), Some(loser)) = (self.find(winner), self.find(loser)) else {
            return;
        };
        self.revisions[winner].parent = Some(loser);
        self.revisions[loser].leaf = false;
        self.revisions[loser].has_body = false;
        self.clear_conflict(winner);
        // Its former ancestors.
        self.keep_reachable();
    }

    /// Takes a revision and its ancestors out of the conflict.
    fn clear_conflict(&mut self, index: usize) {
        let chain: Vec<usize> = self.ancestors(index).collect();
        for index in std::iter::once(index).chain(chain) {
            self.revisions[index].conflict = false;
        }
    }

    /// Removes a branch as [`RevTree::remove_branch`] does, but remembers its leaf.
    fn abandon(&mut self, leaf: &RevId) {
        let Some(index) = self.find(leaf).filter(|&at| self.revisions[at].leaf) else {
            return;
        };
        self.revisions[index].has_body = false;
        self.revisions[index].conflict = true;
        let abandoned = |revision: &&Revision| revision.is_abandoned();
        let mut ids: Vec<RevId> = self
            .leaves()
            .filter(abandoned)
            .map(|revision| revision.id.clone())
            .collect();
        // Best first; the one at hand stays.
        ids.retain(|id| id != leaf);
        for id in ids.iter().skip(MAX_ABANDONED - 1) {
            self.remove_branch(id);
        }
        self.keep_reachable();
    }

    /// Forgets what is neither a leaf that counted as one before nor an ancestor of one; abandoned
    /// leaves keep no ancestors.
    fn keep_reachable(&mut self) {
        let mut keep = vec![false; self.revisions.len()];
        for (index, revision) in self.revisions.iter().enumerate() {
            if revision.leaf {
                keep[index] = true;
                if revision.has_body {
                    for ancestor in self.ancestors(index) {
                        keep[ancestor] = true;
                    }
                }
            }
        }
        self.retain(&keep);
        self.sort();
    }

    /// Removes a leaf and those of its ancestors that no other leaf has. Not a leaf: nothing.
    pub fn remove_branch(&mut self, leaf: &RevId) {
        let Some(index) = self.find(leaf).filter(|&at| self.revisions[at].leaf) else {
            return;
        };
        let mut keep = vec![false; self.revisions.len()];
        for (other, revision) in self.revisions.iter().enumerate() {
            if revision.leaf && other != index {
                keep[other] = true;
                for ancestor in self.ancestors(other) {
                    keep[ancestor] = true;
                }
            }
        }
        self.retain(&keep);
        self.sort();
    }

    /// Forgets revisions that are `depth` or more steps away from every leaf, but not those that a
    /// remote has as its current one.
    pub fn prune(&mut self, depth: usize) {
        // Steps from the leaves never exceed the number of revisions.
        if self.revisions.len() <= depth.max(1) {
            return;
        }
        let mut keep = vec![false; self.revisions.len()];
        for (index, revision) in self.revisions.iter().enumerate() {
            if revision.leaf {
                keep[index] = true;
                let steps = if revision.is_abandoned() {
                    0
                } else {
                    depth.max(1) - 1
                };
                for ancestor in self.ancestors(index).take(steps) {
                    keep[ancestor] = true;
                }
            }
        }
        for &(_, index) in &self.remotes {
            keep[index] = true;
        }
        self.retain(&keep);
    }

    /// The revision last known to be current on the remote.
    pub fn remote_ancestor(&self, remote: RemoteId) -> Option<&RevId> {
        self.marked(remote).map(|index| &self.revisions[index].id)
    }

    /// Whether any remote was last known to have this revision as its current one.
    pub fn is_remote_ancestor(&self, id: &RevId) -> bool {
        (self.remotes.iter()).any(|&(_, index)| self.revisions[index].id == *id)
    }

    /// Notes which revision is current on the remote; tells whether that revision is here (if not,
    /// nothing changes).
    pub fn set_remote_ancestor(&mut self, remote: RemoteId, id: &RevId) -> bool {
        let found = self.find(id);
        if let Some(index) = found {
            self.mark(remote, index);
        }
        found.is_some()
    }

    fn marked(&self, remote: RemoteId) -> Option<usize> {
        self.remotes
            .iter()
            .find_map(|&(id, index)| (id == remote).then_some(index))
    }

    fn mark(&mut self, remote: RemoteId, index: usize) {
        match self.remotes.iter_mut().find(|(id, _)| *id == remote) {
            Some(entry) => entry.1 = index,
            None => {
                self.remotes.push((remote, index));
                self.remotes.sort_unstable_by_key(|(id, _)| id.0);
            }
        }
    }

    fn find(&self, id: &RevId) -> Option<usize> {
        self.revisions.iter().position(|known| known.id == *id)
    }

    /// Indexes of the proper ancestors, newest first.
    fn ancestors(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.revisions[index].parent, |&at| {
            self.revisions[at].parent
        })
    }

    /// The usual case: a child of the current revision, or the first one.
    fn push_front(&mut self, id: RevId, deleted: bool, parent: Option<usize>) {
        if parent.is_some() {
            self.revisions[0].leaf = false;
            self.revisions[0].has_body = false;
        }
        let conflict = parent.is_some() && self.revisions[0].conflict;
        for revision in &mut self.revisions {
            revision.parent = revision.parent.map(|index| index + 1);
        }
        for (_, index) in &mut self.remotes {
            *index += 1;
        }
        self.revisions.insert(
            0,
            Revision {
                id,
                deleted,
                conflict,
                has_body: true,
                leaf: true,
                parent: parent.map(|index| index + 1),
            },
        );
        if self.revisions.iter().skip(1).any(|revision| revision.leaf) {
            // A tombstone may lose against another branch.
            self.sort();
        }
    }

    /// Adds a leaf at the end of the list; the caller sorts.
    fn adopt(&mut self, id: RevId, deleted: bool, conflict: bool, parent: Option<usize>) -> usize {
        if let Some(parent) = parent {
            self.revisions[parent].leaf = false;
            self.revisions[parent].has_body = false;
        }
        self.revisions.push(Revision {
            id,
            deleted,
            conflict,
            has_body: true,
            leaf: true,
            parent,
        });
        self.revisions.len() - 1
    }

    /// Keeps only the revisions with a true flag; what lost its parent gets the nearest ancestor
    /// that was kept.
    fn retain(&mut self, keep: &[bool]) {
        let parents: Vec<Option<usize>> = (0..self.revisions.len())
            .map(|index| self.ancestors(index).find(|&ancestor| keep[ancestor]))
            .collect();
        let mut moved_to = vec![0; keep.len()];
        let mut kept = 0;
        for (index, place) in moved_to.iter_mut().enumerate() {
            *place = kept;
            kept += usize::from(keep[index]);
        }
        let mut index = 0;
        self.revisions.retain_mut(|revision| {
            revision.parent = parents[index].map(|parent| moved_to[parent]);
            index += 1;
            keep[index - 1]
        });
        self.remotes.retain_mut(|(_, index)| {
            let was = *index;
            *index = moved_to[was];
            keep[was]
        });
        let mut leaf = vec![true; self.revisions.len()];
        for parent in self.revisions.iter().filter_map(|revision| revision.parent) {
            leaf[parent] = false;
        }
        for (revision, leaf) in self.revisions.iter_mut().zip(leaf) {
            revision.leaf = leaf;
        }
    }

    /// Brings the list into the order that the type promises.
    fn sort(&mut self) {
        let mut leaves: Vec<usize> = (0..self.revisions.len())
            .filter(|&index| self.revisions[index].leaf)
            .collect();
        leaves.sort_by(|&a, &b| {
            let rank = |index: usize| {
                let revision = &self.revisions[index];
                (!revision.conflict, !revision.deleted, &revision.id)
            };
            rank(b).cmp(&rank(a))
        });
        let unplaced = usize::MAX;
        let mut moved_to = vec![unplaced; self.revisions.len()];
        let mut order = Vec::with_capacity(self.revisions.len());
        for leaf in leaves {
            for index in std::iter::once(leaf).chain(self.ancestors(leaf)) {
                if moved_to[index] != unplaced {
                    break;
                }
                moved_to[index] = order.len();
                order.push(index);
            }
        }
        let mut old: Vec<Option<Revision>> = self.revisions.drain(..).map(Some).collect();
        for index in order {
            if let Some(mut revision) = old[index].take() {
                revision.parent = revision.parent.map(|parent| moved_to[parent]);
                self.revisions.push(revision);
            }
        }
        for (_, index) in &mut self.remotes {
            *index = moved_to[*index];
        }
    }
}

/// Generations of `rev` and its history must count down one by one (wire §5.3 rule 1).
///
/// A sender that knows an ancestor of ours further back than it may list ends with that ancestor
/// all the same. Couchbase Lite counts `rev` too: of the 20 entries that we ask for, the last, which
/// is the 19th of `history`, may follow a gap.
fn check_history(rev: &RevId, history: &[RevId]) -> Result<()> {
    let mut newer = rev.generation();
    for (position, id) in history.iter().enumerate() {
        let generation = id.generation();
        let follows = if position + 2 < DEFAULT_PRUNE_DEPTH {
            newer.checked_sub(1) == Some(generation)
        } else {
            generation < newer
        };
        if !follows {
            return Err(Error::lite(
                Code::BadRevisionId,
                "Bad revision history (non-sequential)",
            ));
        }
        newer = generation;
    }
    Ok(())
}
