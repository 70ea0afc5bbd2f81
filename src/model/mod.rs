//! Plain values: identifiers, revision trees, sequences, bodies. No I/O, no clock, no database.
//!
//! Everything above this room speaks in these types; they parse on the way in, so that a value
//! that exists is a value that is valid (wire spec §5, API spec §6.4).

mod blob_digest;
pub mod body;
mod collection_spec;
mod doc_id;
pub mod file_url;
pub mod replication;
mod rev_id;
pub mod rev_tree;
mod sequence_set;

pub use blob_digest::BlobDigest;
pub use collection_spec::{CollectionSpec, DEFAULT_NAME};
pub use doc_id::DocId;
pub use rev_id::RevId;
pub use rev_tree::RevTree;
pub use sequence_set::SequenceSet;

/// Number of a change within one collection: 1 for the first save, +1 for every save and delete.
///
/// 0 means "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The one after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
