//! Settee: a peer-to-peer JSON document database that speaks Couchbase Lite's own protocol.
//!
//! | room | what it is | never |
//! |---|---|---|
//! | [`error`] | the one error type and its CBL and BLIP codes | |
//! | [`logging`] | log messages to the console and to files | |
//! | [`model`] | plain values: ids, revisions, sequences, bodies | I/O, clock |
//! | [`storage`] | SQLite | knows a network |
//! | [`database`] | databases, collections, documents, blobs, observers | tokio |
//! | [`blip`] | BLIP 3 framing and multiplexing, sans-IO | sockets, clock |
//! | [`protocol`] | typed replication messages ⇄ BLIP messages, sans-IO | sockets, SQL |
//! | [`replicator`] | `core` (decisions, sans-IO), driver, outer replicator | |
//! | `script` | JavaScript functions from text, in a cage with limits | sockets, SQL |
//! | [`tls`] | identities, verifiers, client and server configuration | |
//! | [`transport`] | pipes of WebSocket messages | |
//! | [`listener`] | `URLEndpointListener` | |
//! | `discovery` | peers on the local network (feature `dns-sd`) | knows a listener |
//!
//! `docs/architecture.md` has the picture and says who may know whom.

pub mod blip;
pub mod database;
#[cfg(feature = "dns-sd")]
pub mod discovery;
pub mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod listener;
pub mod logging;
pub mod model;
#[cfg(feature = "node")]
mod node;
pub mod protocol;
pub mod query;
pub mod replicator;
mod script;
mod storage;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod transport;

pub use error::{Error, Result};
