//! Replication between two databases, from one commit to the other.

mod bad_frames;
mod conflicts;
mod cuts;
mod deltas;
mod hostile;
mod matrix;
mod misbehaving;
mod old_clients;
mod pair;
mod player;
mod replay;
mod scripted_peer;
mod simulation;
mod tap;
mod transfers;
