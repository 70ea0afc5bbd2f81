//! CBMobile_3 (and CBMobile_2), sans-IO: typed replication messages ⇄ [`blip::Message`].
//!
//! ```text
//! blip::Message ──Request::decode──► Request ──► replicator core
//! blip::Message ◄─Request::encode─── Request ◄── replicator core
//! blip::Message ◄─…Reply::encode / decode──► ChangesReply, ProposeReply, CheckpointReply, …
//! ```
//!
//! Encoding writes properties in LiteCore's order and with its flags; decoding is lenient where
//! real peers differ. Both roles use the same types. What a message means is not known here, nor
//! is its place in a conversation. [`attachments`] changes document bodies for peers that do not
//! know blobs. Source: wire specification §3 and §7.
//!
//! [`blip::Message`]: crate::blip::Message

mod attachment;
pub mod attachments;
mod changes;
mod checkpoint;
pub mod delta;
mod get_collections;
mod json;
mod lenient;
mod propose_changes;
mod request;
mod rev;
mod sub_changes;
#[cfg(test)]
mod tests;

pub use attachment::{Proof, looks_random, should_compress};
pub use changes::{ChangeRow, ChangesEntry, ChangesReply, MAX_ROWS};
pub use checkpoint::CheckpointReply;
pub use get_collections::CollectionReply;
pub use propose_changes::{ProposeEntry, ProposeReply, ProposedRow};
pub use request::{Request, no_handler};
pub use rev::{MAX_HISTORY, NoRev, Rev, RevIds};
pub use sub_changes::{BY_CHANNEL, DEFAULT_BATCH, SubChanges};
