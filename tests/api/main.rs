//! The public Rust API of databases, one binary.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod array_indexes;
mod array_random;
mod blobs;
mod collections;
mod crash;
mod disk_full;
mod documents;
mod encryption;
mod expiration;
mod index_use;
mod indexes;
mod maintenance;
mod observers;
mod opening;
mod queries;
mod queue;
mod revisions;
mod speed;
mod support;
mod workload;
