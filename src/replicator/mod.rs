//! Replication: the sans-IO core, the task that drives it, and the outer replicator that retries.

pub mod core;
