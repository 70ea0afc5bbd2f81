//! Recorded traffic of real peers, and the seeds of the fuzz targets, on stable Rust.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "corpus/captures.rs"]
mod captures;
#[path = "corpus/seeds.rs"]
mod seeds;
#[path = "corpus/spliced.rs"]
mod spliced;
