//! Replication: the sans-IO core, the task that drives it, and the outer replicator that retries.
//!
//! ```text
//!   Replicator (outer: start, stop, retry)        listener
//!        │ one run, many connections                 │ one client
//!      Driver ── Core (active)                     Driver ── Core (passive)
//!      │    │                                      │    │
//!  transport db_access ── database             transport db_access ── database
//! ```
//! Only this room knows all three columns of the architecture: data, decisions and wire. Follows
//! wire §3 to §8.

mod blob_worker;
mod config;
pub mod core;
mod db_access;
mod driver;
mod filter;
mod network;
mod outer;
mod passive;
mod pending;
mod resolver;
mod retry;
mod status;
pub(crate) mod tuning;

pub use config::{Authenticator, ReplicatedCollection, ReplicatorConfig, ReplicatorOptions};
pub use core::effects::Direction;
pub use filter::Filters;
pub use outer::{PROTOCOLS, Replicator};
pub use passive::{ClientWatch, PassiveConfig, serve};
pub use resolver::{Conflict, ConflictResolver, ConflictSide, Resolved};
pub use status::{
    ActivityLevel, DocumentReplication, ReplicatedDocument, ReplicatorObserver, ReplicatorStatus,
};

/// Limits of BLIP, and compressors that all connections of the process share.
fn blip_config() -> crate::blip::Config {
    use std::sync::LazyLock;
    static COMPRESSORS: LazyLock<crate::blip::Compressors> =
        LazyLock::new(|| crate::blip::Compressors::new(tuning::COMPRESSORS_KEPT));
    crate::blip::Config {
        compressors: COMPRESSORS.clone(),
        ..crate::blip::Config::default()
    }
}

#[cfg(test)]
mod tests;
