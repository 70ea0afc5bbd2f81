//! What is told to peers about a tree.

use sha1::{Digest as _, Sha1};

use super::{RevId, RevTree};

impl RevTree {
    /// The `history` of a revision for a peer that has the revisions `known`: ancestors, newest
    /// first, without `rev` (wire §5.3).
    ///
    /// It ends with the first ancestor that the peer has, else after `max` entries. If that
    /// ancestor lies further back than `max` entries, it follows them as one more: the receiver
    /// tolerates a gap there, and without it would see a conflict. Revisions that were pruned
    /// before it get placeholder ids `N-faded000…`, so that generations stay consecutive. Empty
    /// when `rev` is not here.
    pub fn history(&self, rev: &RevId, known: &[RevId], max: usize) -> Vec<RevId> {
        let Some(start) = self.find(rev) else {
            return Vec::new();
        };
        let last = self
            .ancestors(start)
            .position(|index| known.contains(&self.revisions[index].id));
        let mut history = Vec::new();
        let mut newer = &self.revisions[start].id;
        for (position, index) in self.ancestors(start).enumerate() {
            let id = &self.revisions[index].id;
            let is_last = last == Some(position);
            if last.is_none() && id.generation() + 1 != newer.generation() {
                // What lies behind the gap means nothing to the peer.
                break;
            }
            for generation in (id.generation() + 1..newer.generation()).rev() {
                if history.len() >= max {
                    break;
                }
                history.push(faded(generation, newer));
            }
            if history.len() < max || is_last {
                history.push(id.clone());
            } else if last.is_none() {
                break;
            }
            if is_last {
                break;
            }
            newer = id;
        }
        history
    }

    /// Revisions that may be ancestors of an announced one, newest first, `max` at most: what a
    /// puller answers to `changes` (wire §3.7).
    pub fn ancestors_for_reply(&self, announced: &RevId, max: usize) -> Vec<RevId> {
        let generation = announced.generation();
        let mut older: Vec<&RevId> = self
            .revisions
            .iter()
            .filter(|revision| !revision.is_abandoned())
            .map(|revision| &revision.id)
            .filter(|id| id.generation() < generation)
            .collect();
        older.sort_unstable_by(|a, b| b.cmp(a));
        older.into_iter().take(max).cloned().collect()
    }
}

/// Stands for a forgotten revision between a revision and its next known ancestor. Depends on the
/// descendant, so that two branches never seem to meet in a placeholder.
fn faded(generation: u32, descendant: &RevId) -> RevId {
    let digest = Sha1::digest(descendant.as_str());
    let mut bytes = [0xfa, 0xde, 0xd0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes[4..].copy_from_slice(&digest[..8]);
    RevId::new(generation, &bytes)
}
