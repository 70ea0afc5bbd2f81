//! Replication between two databases, from one commit to the other.

mod access;
mod conflicts;
mod cuts;
mod deltas;
mod filters;
mod hostile;
mod life;
mod old_clients;
mod pair;
mod resolver;
mod scripted_peer;
mod tap;
mod transfers;
mod world;
