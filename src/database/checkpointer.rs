//! The thread that copies the write-ahead log to the database file, so that no call has to.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{lock, wait_while};
use crate::storage::Connection;
use crate::storage::connection::CipherKey;

/// How long the thread waits for the log to grow again before it ends.
const THREAD_IDLE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    key: Option<CipherKey>,
    wanted: bool,
    stop: bool,
    has_thread: bool,
}

struct Shared {
    file: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

/// Starts the thread when it is needed.
pub(super) struct Checkpointer(Arc<Shared>);

impl Checkpointer {
    pub(super) fn new(file: PathBuf, key: Option<CipherKey>) -> Self {
        Self(Arc::new(Shared {
            file,
            state: Mutex::new(State {
                key,
                ..State::default()
            }),
            changed: Condvar::new(),
        }))
    }

    /// Asks for the log to be copied soon.
    pub(super) fn wake(&self) {
        let mut state = lock(&self.0.state);
        if state.wanted || state.stop {
            return;
        }
        state.wanted = true;
        if state.has_thread {
            self.0.changed.notify_all();
            return;
        }
        let shared = Arc::clone(&self.0);
        let spawned = std::thread::Builder::new()
            .name("settee-checkpointer".into())
            .spawn(move || shared.work());
        match spawned {
            Ok(_) => state.has_thread = true,
            // The writer copies the log itself once it is long.
            Err(error) => {
                state.wanted = false;
                tracing::warn!(target: "database", %error, "no thread for checkpoints");
            }
        }
    }

    /// Waits until the thread is gone. The next one uses `key`.
    pub(super) fn stop(&self, key: Option<CipherKey>) {
        let mut state = lock(&self.0.state);
        state.stop = true;
        self.0.changed.notify_all();
        state = wait_while(&self.0.changed, state, |state| state.has_thread);
        *state = State {
            key,
            ..State::default()
        };
    }
}

impl Shared {
    fn work(&self) {
        self.copy_until_idle();
        let mut state = lock(&self.state);
        state.has_thread = false;
        state.wanted = false;
        self.changed.notify_all();
    }

    fn copy_until_idle(&self) {
        let key = lock(&self.state).key.clone();
        let connection = match Connection::open_checkpointer(&self.file, key.as_ref()) {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(target: "database", %error, "opening a connection for checkpoints failed");
                return;
            }
        };
        let mut state = lock(&self.state);
        loop {
            if state.stop {
                return;
            }
            if !state.wanted {
                let (guard, timeout) = self
                    .changed
                    .wait_timeout(state, THREAD_IDLE)
                    .unwrap_or_else(PoisonError::into_inner);
                state = guard;
                if timeout.timed_out() && !state.wanted {
                    return;
                }
                continue;
            }
            drop(state);
            if let Err(error) = connection.checkpoint() {
                tracing::warn!(target: "database", %error, "copying the log failed");
            }
            state = lock(&self.state);
            state.wanted = false;
        }
    }
}

impl std::fmt::Debug for Checkpointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpointer").finish_non_exhaustive()
    }
}
