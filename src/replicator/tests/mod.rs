//! Replication between two databases, from one commit to the other.

mod conflicts;
mod cuts;
mod pair;
mod transfers;
