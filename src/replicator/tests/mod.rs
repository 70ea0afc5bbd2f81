//! Replication between two databases, from one commit to the other.

mod access;
mod bad_frames;
mod conflicts;
mod crowd;
mod cuts;
mod deltas;
mod endings;
mod filters;
mod hostile;
mod life;
mod matrix;
mod misbehaving;
mod old_clients;
mod pair;
mod player;
mod replay;
mod resolver;
mod scripted_peer;
mod simulation;
mod tap;
mod transfers;
mod wire_cost;
mod world;
