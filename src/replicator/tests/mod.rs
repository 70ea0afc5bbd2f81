//! Replication between two databases, from one commit to the other.

mod conflicts;
mod cuts;
mod deltas;
mod hostile;
mod old_clients;
mod pair;
mod scripted_peer;
mod tap;
mod transfers;
