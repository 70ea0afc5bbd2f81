//! Replication between two databases, from one commit to the other.

mod access;
mod conflicts;
mod cuts;
mod filters;
mod hostile;
mod life;
mod pair;
mod resolver;
mod scripted_peer;
mod transfers;
mod world;
