//! The public Rust API of databases, one binary.

mod blobs;
mod collections;
mod crash;
mod documents;
mod observers;
mod opening;
mod queue;
mod revisions;
mod speed;
mod support;
mod workload;
