//! Connections that read, and the threads that run queued reads on them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::collection::CollectionMap;
use super::engine::Engine;
use super::lock;
use super::transaction::ReadTx;
use crate::error::Result;
use crate::storage::Connection;
use crate::storage::connection::CipherKey;

/// Most connections that read at once. When all are busy, the queue waits.
const READERS_MAX: usize = 8;

/// Connections that stay open while nothing is read.
const READERS_KEPT: usize = 3;

/// How long a thread waits for its next read before it ends.
const THREAD_IDLE: Duration = Duration::from_secs(5);

/// A read that waits for its turn. Told the error when there can be no snapshot.
pub(super) type ReadJob = Box<dyn FnOnce(Result<&ReadTx<'_>>) + Send>;

/// Reads that share a snapshot.
pub(super) struct ReadTask {
    pub(super) snapshot: Snapshot,
    pub(super) jobs: Vec<ReadJob>,
}

/// A read transaction on a connection of the pool; ends when dropped, or is kept for the next read.
pub(super) struct Snapshot {
    engine: Arc<Engine>,
    connection: Option<Connection>,
    collections: Arc<CollectionMap>,
    /// When it may be kept: [`PoolState::quiet`] as it began.
    quiet: Option<u64>,
}

/// A connection on which a read can begin.
pub(super) struct Ready {
    connection: Connection,
    /// Whether it is in a read transaction already.
    is_open: bool,
    quiet: u64,
}

impl Snapshot {
    /// Pins the present state of the database. The caller makes sure that nobody commits
    /// meanwhile, so that `collections` fits.
    pub(super) fn open(
        engine: &Arc<Engine>,
        connection: Connection,
        collections: Arc<CollectionMap>,
    ) -> Result<Self> {
        let opened = connection.open_snapshot();
        let snapshot = Self {
            engine: Arc::clone(engine),
            connection: Some(connection),
            collections,
            quiet: None,
        };
        opened.map(|()| snapshot)
    }

    /// Starts a read transaction whose state is pinned by the first thing it reads: for a caller
    /// that is not in the queue, and so cannot tell this moment from a later one.
    pub(super) fn open_unpinned(
        engine: &Arc<Engine>,
        ready: Ready,
        collections: Arc<CollectionMap>,
    ) -> Result<Self> {
        let opened = if ready.is_open {
            Ok(())
        } else {
            ready.connection.open_unpinned_snapshot()
        };
        let snapshot = Self {
            engine: Arc::clone(engine),
            connection: Some(ready.connection),
            collections,
            quiet: opened.is_ok().then_some(ready.quiet),
        };
        opened.map(|()| snapshot)
    }

    /// Runs a read.
    pub(super) fn run<T>(&self, work: impl FnOnce(&ReadTx<'_>) -> Result<T>) -> Result<T> {
        match &self.connection {
            Some(connection) => work(&ReadTx::new(
                connection,
                Arc::clone(&self.collections),
                &self.engine,
            )),
            None => Err(super::not_open(&self.engine.name)),
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.engine.readers.give_back(connection, self.quiet);
        }
    }
}

#[derive(Default)]
struct PoolState {
    key: Option<CipherKey>,
    idle: Vec<Connection>,
    /// Rests in its read transaction: the next read need not begin one.
    kept: Option<Connection>,
    /// How often somebody has become alone with the writer: nothing is written while it stays.
    quiet: u64,
    open: usize,
    tasks: VecDeque<ReadTask>,
    threads: usize,
    sleeping: usize,
    /// How many wait for a connection: telling nobody would be a system call for each read.
    awaiting: usize,
}

impl PoolState {
    /// How many connections rest.
    fn resting(&self) -> usize {
        self.idle.len() + usize::from(self.kept.is_some())
    }

    /// A connection that rests, in no transaction.
    fn pop(&mut self) -> Option<Connection> {
        self.idle.pop().or_else(|| {
            let connection = self.kept.take()?;
            connection.close_snapshot();
            Some(connection)
        })
    }
}

/// The readers of one database.
pub(super) struct ReaderPool {
    file: PathBuf,
    state: Mutex<PoolState>,
    task_came: Condvar,
    connection_came: Condvar,
}

impl ReaderPool {
    pub(super) fn new(file: PathBuf, key: Option<CipherKey>) -> Self {
        Self {
            file,
            state: Mutex::new(PoolState {
                key,
                ..PoolState::default()
            }),
            task_came: Condvar::new(),
            connection_came: Condvar::new(),
        }
    }

    /// A connection, waiting for one if all are busy.
    pub(super) fn take(&self) -> Result<Connection> {
        let mut state = lock(&self.state);
        loop {
            if let Some(connection) = state.pop() {
                return Ok(connection);
            }
            if state.open < READERS_MAX {
                return self.open_one(state);
            }
            state = self.wait_for_connection(state);
        }
    }

    /// A connection, unless all are busy.
    pub(super) fn try_take(&self) -> Option<Result<Ready>> {
        let mut state = lock(&self.state);
        let quiet = state.quiet;
        let ready = |connection, is_open| Ready {
            connection,
            is_open,
            quiet,
        };
        if let Some(connection) = state.kept.take() {
            return Some(Ok(ready(connection, true)));
        }
        if let Some(connection) = state.idle.pop() {
            return Some(Ok(ready(connection, false)));
        }
        (state.open < READERS_MAX).then(|| self.open_one(state).map(|new| ready(new, false)))
    }

    /// Lets no read transaction outlast its read from now on, and ends the one that has: it would
    /// show what is no longer so, and keep the write-ahead log from starting anew.
    pub(super) fn end_quiet(&self) {
        let mut state = lock(&self.state);
        state.quiet += 1;
        if let Some(connection) = state.kept.take() {
            connection.close_snapshot();
            state.idle.push(connection);
        }
    }

    /// A connection, if nobody reads and nothing waits.
    pub(super) fn take_if_all_rest(&self) -> Option<Connection> {
        let mut state = lock(&self.state);
        let all_rest = state.resting() == state.open && state.tasks.is_empty();
        if all_rest { state.pop() } else { None }
    }

    fn open_one(&self, mut state: MutexGuard<'_, PoolState>) -> Result<Connection> {
        state.open += 1;
        let key = state.key.clone();
        drop(state);
        Connection::open_reader(&self.file, key.as_ref()).inspect_err(|_| {
            let mut state = lock(&self.state);
            state.open -= 1;
            self.tell_of_connection(&state);
        })
    }

    fn give_back(&self, connection: Connection, quiet: Option<u64>) {
        let mut state = lock(&self.state);
        // An error may have ended the transaction.
        let is_current = quiet == Some(state.quiet) && connection.in_transaction();
        if is_current && state.kept.is_none() {
            state.kept = Some(connection);
        } else {
            connection.close_snapshot();
            if state.idle.len() < READERS_KEPT {
                state.idle.push(connection);
            } else {
                state.open -= 1;
            }
        }
        self.tell_of_connection(&state);
    }

    /// Gives a task to a thread of the pool.
    pub(super) fn submit(&self, engine: &Arc<Engine>, task: ReadTask) {
        let mut state = lock(&self.state);
        state.tasks.push_back(task);
        if state.sleeping >= state.tasks.len() {
            self.task_came.notify_one();
            return;
        }
        if state.threads >= READERS_MAX {
            return;
        }
        state.threads += 1;
        drop(state);
        let worker = Arc::clone(engine);
        let spawned = std::thread::Builder::new()
            .name("settee-reader".into())
            .spawn(move || {
                super::mark_database_thread();
                worker.readers.work();
            });
        if let Err(error) = spawned {
            tracing::warn!(target: "database", %error, "no thread for reads, reading on the caller's");
            self.run_waiting();
            lock(&self.state).threads -= 1;
        }
    }

    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.tasks.pop_front() {
                drop(state);
                run(task);
                state = lock(&self.state);
                continue;
            }
            state.sleeping += 1;
            let (guard, timeout) = self
                .task_came
                .wait_timeout(state, THREAD_IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.sleeping -= 1;
            if timeout.timed_out() && state.tasks.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn run_waiting(&self) {
        loop {
            let Some(task) = lock(&self.state).tasks.pop_front() else {
                return;
            };
            run(task);
        }
    }

    /// The key of the connections.
    pub(super) fn key(&self) -> Option<CipherKey> {
        lock(&self.state).key.clone()
    }

    /// Waits until nobody reads, closes the connections and sets the key of the next ones.
    pub(super) fn close_all(&self, key: Option<CipherKey>) {
        let mut state = lock(&self.state);
        loop {
            state.open -= state.resting();
            state.idle.clear();
            state.kept = None;
            if state.open == 0 {
                state.key = key;
                return;
            }
            state = self.wait_for_connection(state);
        }
    }

    fn wait_for_connection<'a>(
        &self,
        mut state: MutexGuard<'a, PoolState>,
    ) -> MutexGuard<'a, PoolState> {
        state.awaiting += 1;
        let mut state = self
            .connection_came
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
        state.awaiting -= 1;
        state
    }

    fn tell_of_connection(&self, state: &PoolState) {
        if state.awaiting > 0 {
            self.connection_came.notify_all();
        }
    }
}

fn run(task: ReadTask) {
    let ReadTask { snapshot, jobs } = task;
    for job in jobs {
        let mut job = Some(job);
        let ran = snapshot.run(|tx| {
            if let Some(job) = job.take() {
                job(Ok(tx));
            }
            Ok(())
        });
        if let (Err(error), Some(job)) = (ran, job.take()) {
            job(Err(error));
        }
    }
}

impl std::fmt::Debug for ReaderPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReaderPool").finish_non_exhaustive()
    }
}
