//! The stored form of a tree, beside the row's own revision id and deleted flag.
//!
//! A document with one revision and no remote marks has an empty tree. Otherwise:
//!
//! ```text
//! varint number of revisions
//! per revision, in the tree's order:
//!     flags      1 deleted · 2 conflict · 4 body kept · 8 parent is the next entry
//!                · 16 parent's index follows · 32 one generation below the entry before
//!     varint     parent's index, with flag 16
//!     not for the first, whose id is the row's:
//!         varint generation, without flag 32
//!         byte   length of the digest, then the digest
//! to the end: varint remote id, varint index of the revision that is current there
//! ```

use super::{RevTree, Revision};
use crate::error::{Code, Error, Result};
use crate::model::RevId;
use crate::model::replication::RemoteId;

const DELETED: u8 = 1;
const CONFLICT: u8 = 2;
const BODY: u8 = 4;
const PARENT_NEXT: u8 = 8;
const PARENT_INDEX: u8 = 16;
const GENERATION_DOWN: u8 = 32;

impl RevTree {
    /// The stored form; empty (and without allocation) for a document with one revision that no
    /// remote is known to have. The current revision's id and deleted flag are left to the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let young = match self.revisions.as_slice() {
            [] => true,
            [only] => !only.conflict && only.has_body && self.remotes.is_empty(),
            _ => false,
        };
        if young {
            return out;
        }
        out.reserve(4 + 24 * self.revisions.len() + 2 * self.remotes.len());
        put_varint(&mut out, self.revisions.len() as u64);
        for (index, revision) in self.revisions.iter().enumerate() {
            let generation = revision.id.generation();
            let newer = index
                .checked_sub(1)
                .map(|at| self.revisions[at].id.generation());
            let mut flags = 0;
            let mut set = |flag: u8, on: bool| flags |= if on { flag } else { 0 };
            set(DELETED, revision.deleted);
            set(CONFLICT, revision.conflict);
            set(BODY, revision.has_body);
            set(PARENT_NEXT, revision.parent == Some(index + 1));
            set(
                PARENT_INDEX,
                revision.parent.is_some_and(|parent| parent != index + 1),
            );
            set(GENERATION_DOWN, newer == Some(generation.saturating_add(1)));
            out.push(flags);
            if flags & PARENT_INDEX != 0 {
                put_varint(&mut out, revision.parent.unwrap_or(0) as u64);
            }
            if index > 0 {
                if flags & GENERATION_DOWN == 0 {
                    put_varint(&mut out, u64::from(generation));
                }
                put_digest(&mut out, revision.id.digest());
            }
        }
        for &(remote, index) in &self.remotes {
            put_varint(&mut out, u64::from(remote.0));
            put_varint(&mut out, index as u64);
        }
        out
    }

    /// Reads the stored form; `current` and `deleted` are the row's.
    ///
    /// # Errors
    /// `CorruptRevisionData`.
    pub fn decode(current: &RevId, deleted: bool, bytes: &[u8]) -> Result<Self> {
        let mut tree = Self::default();
        if bytes.is_empty() {
            tree.push_front(current.clone(), deleted, None);
            return Ok(tree);
        }
        let mut input = Input(bytes);
        let count = input.index(bytes.len() + 1)?;
        tree.revisions.reserve(count);
        for index in 0..count {
            let flags = input.byte()?;
            let parent = match flags & (PARENT_NEXT | PARENT_INDEX) {
                0 => None,
                PARENT_NEXT => Some(index + 1),
                PARENT_INDEX => Some(input.index(count)?),
                _ => return Err(corrupt()),
            };
            let (id, deleted) = match tree.revisions.last() {
                None => (current.clone(), deleted),
                Some(newer) => {
                    let generation = if flags & GENERATION_DOWN != 0 {
                        newer.id.generation() - 1
                    } else {
                        u32::try_from(input.varint()?).map_err(|_| corrupt())?
                    };
                    let len = usize::from(input.byte()?);
                    let digest = input.take(len)?;
                    if generation == 0 || !(1..=64).contains(&len) {
                        return Err(corrupt());
                    }
                    (RevId::new(generation, digest), flags & DELETED != 0)
                }
            };
            tree.revisions.push(Revision {
                id,
                deleted,
                conflict: flags & CONFLICT != 0,
                has_body: flags & BODY != 0,
                leaf: true,
                parent,
            });
        }
        while !input.0.is_empty() {
            let remote = u32::try_from(input.varint()?).map_err(|_| corrupt())?;
            let index = input.index(count)?;
            tree.remotes.push((RemoteId(remote), index));
        }
        tree.find_leaves()?;
        Ok(tree)
    }

    /// Sets the leaf flags. Falling generations also rule circles out.
    fn find_leaves(&mut self) -> Result<()> {
        for index in 0..self.revisions.len() {
            let Some(parent) = self.revisions[index].parent else {
                continue;
            };
            let generation = self.revisions[index].id.generation();
            let parent = self.revisions.get_mut(parent).ok_or_else(corrupt)?;
            if parent.id.generation() >= generation {
                return Err(corrupt());
            }
            parent.leaf = false;
        }
        match self.current() {
            Some(current) if current.leaf => Ok(()),
            _ => Err(corrupt()),
        }
    }
}

#[cold]
fn corrupt() -> Error {
    Error::lite(Code::CorruptRevisionData, "stored revision tree is damaged")
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Length and bytes of a digest given in hex; a `RevId` always has an even number of digits.
fn put_digest(out: &mut Vec<u8>, hex: &str) {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    };
    out.push((hex.len() / 2) as u8);
    out.extend(
        hex.as_bytes()
            .chunks_exact(2)
            .map(|pair| value(pair[0]) << 4 | value(pair[1])),
    );
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(corrupt)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        self.take(1).map(|taken| taken[0])
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(corrupt())
    }

    /// A number below `limit`.
    fn index(&mut self, limit: usize) -> Result<usize> {
        usize::try_from(self.varint()?)
            .ok()
            .filter(|&index| index < limit)
            .ok_or_else(corrupt)
    }
}
