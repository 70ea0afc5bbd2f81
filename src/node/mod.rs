//! The Node binding: one class, [`NativeEngine`], that takes the calls of a tick and gives
//! completions and events back in batches.
//!
//! ```text
//! js/native ──submit(flat array)──► calls ──► lanes ──► database queue, replicators, listeners
//!     ▲                                                        │ done, events
//!     └──── one ThreadsafeFunction ◄── port (JSON text) ◄──────┘
//! ```
//!
//! Converts, calls, converts; decides nothing about databases. All state (open databases, listener
//! tokens, replicators, URL listeners) is in one process-wide [`runtime`], so that any number of
//! `NativeEngine` objects, from CommonJS and ES module copies or several contexts, share it.
//! Follows design D1, D2, D4 and API spec §2, §13 to §15. Uses N-API level 5 only.

mod args;
mod batch;
mod blobs;
mod call;
mod change_listeners;
mod collections;
mod conflict_resolver;
mod databases;
mod discovery;
mod documents;
mod files;
mod functions;
mod handles;
mod identities;
mod indexes;
mod lanes;
mod listener_questions;
mod loan;
mod log_settings;
mod message;
mod native_engine;
mod port;
mod queries;
mod questions;
mod reads;
mod replicators;
mod runtime;
mod tokens;
mod url_listeners;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; what a panicking holder left is still consistent, because every critical section here is
/// a few moves.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The start of a text that somebody gave us, for an error message.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
