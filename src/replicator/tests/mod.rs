//! Replication between two databases, from one commit to the other.

mod conflicts;
mod cuts;
mod hostile;
mod pair;
mod scripted_peer;
mod transfers;
