//! Messages of the specification.

mod blobs;
mod messages;
mod random;
