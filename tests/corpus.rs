//! Recorded traffic of real peers, and the seeds of the fuzz targets, on stable Rust.

#[path = "corpus/captures.rs"]
mod captures;
#[path = "corpus/seeds.rs"]
mod seeds;
