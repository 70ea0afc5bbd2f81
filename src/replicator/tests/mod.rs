//! Replication between two databases, from one commit to the other.

mod access;
mod conflicts;
mod crowd;
mod cuts;
mod endings;
mod filters;
mod hostile;
mod life;
mod pair;
mod resolver;
mod scripted_peer;
mod transfers;
mod world;
