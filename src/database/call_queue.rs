//! The call queue of one database (design D4).
//!
//! Calls are first in, first out. Whoever has set `busy` is alone with the writer: a thread that
//! runs a call inline on an idle database, or the database's own thread, which takes everything
//! that waits in one transaction, a savepoint a call. A read does not wait for what comes after
//! it: when its turn comes, the thread commits what precedes, pins a snapshot on a connection of
//! the pool and goes on; the read runs beside it.
//!
//! ```text
//! submit_write ─┐                       ┌─ BEGIN, SAVEPOINT call, RELEASE, … COMMIT → observers → done, done, …
//! submit_read  ─┼─► entries ─► thread ──┤
//! write (busy) ─┘                       └─ snapshot ─► reader pool → done
//! ```

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::collection::CollectionMap;
use super::engine::{Engine, Writer};
use super::lock;
use super::reader_pool::{ReadJob, ReadTask, Snapshot};
use super::saves::{SavesJob, fail_all};
use super::transaction::{Undo, WriteTx};
use crate::error::{Code, Error, Result};

/// Most calls in one transaction.
const GROUP_CALLS: usize = 5_000;

/// Most bytes that the calls of one transaction say they cost.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// Longest time that a transaction takes calls.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// Calls taken from the queue at a time.
const TAKE: usize = 64;

/// Reads that share a snapshot and a thread.
const READS_A_TASK: usize = 32;

/// How long the thread waits for its next call before it ends.
const THREAD_IDLE: Duration = Duration::from_secs(5);

/// Tells a call's caller; with the error when the transaction could not be committed.
pub(super) type Completion = Box<dyn FnOnce(Option<&Error>) + Send>;

/// What a write came to, to be told after the commit.
pub(super) struct Ran {
    failure: Option<Error>,
    done: Completion,
}

impl Ran {
    /// Tells the caller of a call that was never part of a transaction.
    pub(super) fn tell(self) {
        (self.done)(None);
    }
}

/// A write that waits. Told the error when there can be no transaction.
pub(super) type WriteJob = Box<dyn FnOnce(Result<&mut WriteTx<'_>>) -> Ran + Send>;

/// Puts a call and its completion together.
pub(super) fn write_job<T: Send + 'static>(
    work: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    done: impl FnOnce(Result<T>) + Send + 'static,
) -> WriteJob {
    Box::new(move |tx| {
        let result = tx.and_then(|tx| guarded(|| work(tx)));
        Ran {
            failure: result.as_ref().err().cloned(),
            done: Box::new(move |failure| {
                let result = match failure {
                    Some(error) if result.is_ok() => Err(error.clone()),
                    _ => result,
                };
                quietly(|| done(result));
            }),
        }
    })
}

/// Puts a read and its completion together.
pub(super) fn read_job<T: Send + 'static>(
    work: impl FnOnce(&super::ReadTx<'_>) -> Result<T> + Send + 'static,
    done: impl FnOnce(Result<T>) + Send + 'static,
) -> ReadJob {
    Box::new(move |tx| {
        let result = tx.and_then(|tx| guarded(|| work(tx)));
        quietly(|| done(result));
    })
}

/// Runs a call; a panic fails that call alone.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(target: "database", panic = text, "a database call panicked");
        Err(Error::lite(
            Code::AssertionFailed,
            format!("database call panicked: {text}"),
        ))
    })
}

pub(super) fn quietly(done: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(done)).is_err() {
        tracing::error!(target: "database", "the completion of a database call panicked");
    }
}

/// What waits in the queue.
pub(super) enum Entry {
    /// A write.
    Write { cost: usize, job: WriteJob },
    /// Saves, which need no savepoints.
    Saves(SavesJob),
    /// Writes that succeed or fail together.
    Batch { cost: usize, jobs: Vec<WriteJob> },
    /// A read, for a thread of the pool.
    Read(ReadJob),
    /// Somebody who waits to write on its own thread; dropping what it is given ends its turn.
    WriteTurn(SyncSender<Turn>),
    /// Somebody who waits to read on its own thread.
    ReadTurn(SyncSender<Result<Snapshot>>),
}

/// The right to be alone with the writer.
pub(super) struct Turn {
    _over: Sender<()>,
}

/// Being alone with the writer, however that came.
#[expect(dead_code, reason = "held, not read: dropping it ends the time alone")]
pub(super) enum Exclusive<'a> {
    Alone(Alone<'a>),
    Turn(Turn),
}

/// The queue and who is alone with the writer.
#[derive(Default)]
pub(super) struct QueueState {
    entries: VecDeque<Entry>,
    /// Whether somebody is alone with the writer.
    busy: bool,
    has_thread: bool,
    sleeping: bool,
    closing: bool,
    /// The collections as of the last commit. Right whenever nobody is `busy`.
    pub(super) collections: Arc<CollectionMap>,
}

impl QueueState {
    pub(super) fn new(collections: Arc<CollectionMap>) -> Self {
        Self {
            collections,
            ..Self::default()
        }
    }
}

impl std::fmt::Debug for QueueState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueState")
            .field("entries", &self.entries.len())
            .field("busy", &self.busy)
            .finish_non_exhaustive()
    }
}

/// Ends the time alone with the writer.
pub(super) struct Alone<'a>(&'a Engine);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.queue);
        state.busy = false;
        if state.sleeping && !state.entries.is_empty() {
            self.0.wake.notify_one();
        }
    }
}

impl Engine {
    /// Puts an entry at the end of the queue.
    pub(super) fn submit(self: &Arc<Self>, entry: Entry) {
        let mut state = lock(&self.queue);
        state.entries.push_back(entry);
        self.rouse(state);
    }

    /// Makes sure that the thread will see the queue.
    fn rouse(self: &Arc<Self>, mut state: MutexGuard<'_, QueueState>) {
        if state.has_thread {
            if state.sleeping {
                self.wake.notify_one();
            }
            return;
        }
        state.has_thread = true;
        drop(state);
        let engine = Arc::clone(self);
        let spawned = std::thread::Builder::new()
            .name("settee-writer".into())
            .spawn(move || {
                super::mark_database_thread();
                engine.work();
            });
        if let Err(error) = spawned {
            tracing::warn!(target: "database", %error, "no thread for writes, writing on the caller's");
            lock(&self.queue).has_thread = false;
            while let Some(_alone) = self.try_alone_with_entries() {
                self.drain();
            }
        }
    }

    /// Becomes alone with the writer if nothing waits and nobody is.
    pub(super) fn try_alone(&self) -> Option<Alone<'_>> {
        let state = lock(&self.queue);
        if state.busy || !state.entries.is_empty() {
            return None;
        }
        Some(self.alone(state))
    }

    fn alone(&self, mut state: MutexGuard<'_, QueueState>) -> Alone<'_> {
        state.busy = true;
        drop(state);
        self.readers.end_quiet();
        Alone(self)
    }

    fn try_alone_with_entries(&self) -> Option<Alone<'_>> {
        let state = lock(&self.queue);
        if state.busy || state.entries.is_empty() {
            return None;
        }
        Some(self.alone(state))
    }

    /// A snapshot, if nothing waits and nobody writes.
    pub(super) fn try_snapshot(self: &Arc<Self>) -> Option<Result<Snapshot>> {
        let collections = {
            let state = lock(&self.queue);
            if state.busy || !state.entries.is_empty() {
                return None;
            }
            Arc::clone(&state.collections)
        };
        let ready = self.readers.try_take()?;
        Some(ready.and_then(|ready| {
            // Whoever starts to write from here on is not before this read. Should it remove a
            // collection, the read finds that out as `NotFound`.
            Snapshot::open_unpinned(self, ready, collections)
        }))
    }

    /// Starts a read at once beside the queue, if nothing is before it and nobody reads; gives the
    /// read back otherwise. Its snapshot is pinned when this returns.
    pub(super) fn try_start_read(self: &Arc<Self>, job: ReadJob) -> Option<ReadJob> {
        let collections = {
            let state = lock(&self.queue);
            if state.busy || !state.entries.is_empty() {
                return Some(job);
            }
            Arc::clone(&state.collections)
        };
        let Some(connection) = self.readers.take_if_all_rest() else {
            return Some(job);
        };
        match Snapshot::open(self, connection, collections) {
            Ok(snapshot) => {
                let jobs = vec![job];
                self.readers.submit(self, ReadTask { snapshot, jobs });
                None
            }
            Err(_) => Some(job),
        }
    }

    /// Waits in the queue to be alone with the writer.
    pub(super) fn wait_for_turn(self: &Arc<Self>) -> Result<Turn> {
        let (sender, receiver) = sync_channel(1);
        self.submit(Entry::WriteTurn(sender));
        receiver.recv().map_err(|_| super::not_open(&self.name))
    }

    /// Becomes alone with the writer, waiting in the queue if need be.
    pub(super) fn exclusive(self: &Arc<Self>) -> Result<Exclusive<'_>> {
        match self.try_alone() {
            Some(alone) => Ok(Exclusive::Alone(alone)),
            None => self.wait_for_turn().map(Exclusive::Turn),
        }
    }

    /// Waits in the queue for a snapshot.
    pub(super) fn wait_for_snapshot(self: &Arc<Self>) -> Result<Snapshot> {
        let (sender, receiver) = sync_channel(1);
        self.submit(Entry::ReadTurn(sender));
        receiver
            .recv()
            .unwrap_or_else(|_| Err(super::not_open(&self.name)))
    }

    /// The database's thread: sleeps until something waits, takes it, ends after a while of rest.
    fn work(self: Arc<Self>) {
        let mut state = lock(&self.queue);
        loop {
            if !state.busy && !state.entries.is_empty() {
                let alone = self.alone(state);
                self.drain();
                drop(alone);
                state = lock(&self.queue);
                continue;
            }
            state.sleeping = true;
            let (guard, timeout) = self
                .wake
                .wait_timeout(state, THREAD_IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.sleeping = false;
            let rest = timeout.timed_out() || state.closing;
            if rest && !state.busy && state.entries.is_empty() {
                state.has_thread = false;
                return;
            }
        }
    }

    fn take_entries(&self) -> VecDeque<Entry> {
        let mut state = lock(&self.queue);
        if state.entries.len() <= TAKE {
            std::mem::take(&mut state.entries)
        } else {
            state.entries.drain(..TAKE).collect()
        }
    }

    /// Runs what waits until nothing does. The caller is alone with the writer.
    fn drain(self: &Arc<Self>) {
        let mut writer = lock(&self.writer);
        let mut group = Group::new();
        loop {
            let entries = self.take_entries();
            if entries.is_empty() {
                group.commit(self, &mut writer);
                return;
            }
            let mut reads: Vec<ReadJob> = Vec::new();
            for entry in entries {
                if !reads.is_empty() && !matches!(entry, Entry::Read(_)) {
                    self.start_reads(std::mem::take(&mut reads), &writer.collections);
                }
                match entry {
                    Entry::Write { cost, job } => {
                        group.run(self, &mut writer, cost, job);
                    }
                    Entry::Saves(job) => group.run_saves(self, &mut writer, job),
                    Entry::Batch { cost, jobs } => group.run_batch(self, &mut writer, cost, jobs),
                    Entry::Read(job) => {
                        group.commit(self, &mut writer);
                        reads.push(job);
                    }
                    Entry::ReadTurn(sender) => {
                        group.commit(self, &mut writer);
                        let snapshot = self.open_snapshot(&writer.collections);
                        // Nobody waits any more: the snapshot just ends.
                        let _ = sender.send(snapshot);
                    }
                    Entry::WriteTurn(sender) => {
                        group.commit(self, &mut writer);
                        drop(writer);
                        let (over, wait): (Sender<()>, Receiver<()>) = channel();
                        if sender.send(Turn { _over: over }).is_ok() {
                            // Ends with an error, when the turn is dropped.
                            let _ = wait.recv();
                        }
                        writer = lock(&self.writer);
                    }
                }
            }
            if !reads.is_empty() {
                self.start_reads(reads, &writer.collections);
            }
        }
    }

    fn open_snapshot(self: &Arc<Self>, collections: &Arc<CollectionMap>) -> Result<Snapshot> {
        Snapshot::open(self, self.readers.take()?, Arc::clone(collections))
    }

    fn start_reads(self: &Arc<Self>, jobs: Vec<ReadJob>, collections: &Arc<CollectionMap>) {
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let jobs: Vec<ReadJob> = jobs.by_ref().take(READS_A_TASK).collect();
            match self.open_snapshot(collections) {
                Ok(snapshot) => self.readers.submit(self, ReadTask { snapshot, jobs }),
                Err(error) => {
                    for job in jobs {
                        job(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Runs one write in a transaction of its own. The caller is alone with the writer.
    pub(super) fn write_alone<T>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut writer = lock(&self.writer);
        writer.begin()?;
        let result = guarded(|| writer.call(self, Undo::Transaction, work));
        match result {
            Ok(value) => {
                writer.commit(self)?;
                Ok(value)
            }
            Err(error) => {
                writer.roll_back();
                Err(error)
            }
        }
    }

    /// Ends the thread when it sleeps. Nothing must wait any more.
    pub(super) fn dismiss_thread(&self) {
        lock(&self.queue).closing = true;
        self.wake.notify_all();
    }
}

/// The calls of the transaction that is being made.
struct Group {
    open: bool,
    calls: usize,
    bytes: usize,
    started: Option<Instant>,
    completions: Vec<Completion>,
}

impl Group {
    fn new() -> Self {
        Self {
            open: false,
            calls: 0,
            bytes: 0,
            started: None,
            completions: Vec::new(),
        }
    }

    fn open(&mut self, writer: &mut Writer) -> Result<()> {
        if !self.open {
            writer.begin()?;
            self.open = true;
            self.started = Some(now());
        }
        Ok(())
    }

    fn run(&mut self, engine: &Engine, writer: &mut Writer, cost: usize, job: WriteJob) {
        if let Err(error) = self.open(writer) {
            job(Err(error)).tell();
            return;
        }
        let mut ran = None;
        let mut job = Some(job);
        // The job keeps its own error; the transaction must only know whether to undo.
        let outcome = writer.call(engine, Undo::Savepoint, |tx| {
            let Some(job) = job.take() else { return Ok(()) };
            let finished = job(Ok(tx));
            let failure = finished.failure.clone();
            ran = Some(finished);
            failure.map_or(Ok(()), Err)
        });
        self.calls += 1;
        self.bytes = self.bytes.saturating_add(cost);
        let ran = ran.or_else(|| {
            let error = outcome.as_ref().err().cloned();
            job.take().zip(error).map(|(job, error)| job(Err(error)))
        });
        if let Some(ran) = ran {
            self.keep(engine, writer, ran, outcome.err());
        }
        self.commit_if_full(engine, writer);
    }

    fn run_saves(&mut self, engine: &Engine, writer: &mut Writer, job: SavesJob) {
        let mut results = Vec::with_capacity(job.len());
        while results.len() < job.len() {
            if let Err(error) = self.open(writer) {
                results.resize_with(job.len(), || Err(error.clone()));
                break;
            }
            let begun = results.len();
            job.run(engine, writer, &mut results);
            self.calls += results.len() - begun;
            if !writer.in_transaction() {
                // As in `keep`: nothing of the transaction has happened. The rest gets another.
                let failed = results.last().and_then(|last| last.as_ref().err());
                let error = failed.cloned().unwrap_or_else(rolled_back);
                fail_all(&mut results[begun..], &error);
                self.fail(engine, writer, &error);
            }
        }
        self.bytes = self.bytes.saturating_add(job.cost());
        self.completions.push(job.completion(results));
        self.commit_if_full(engine, writer);
    }

    fn run_batch(
        &mut self,
        engine: &Engine,
        writer: &mut Writer,
        cost: usize,
        jobs: Vec<WriteJob>,
    ) {
        if let Err(error) = self.open(writer) {
            for job in jobs {
                job(Err(error.clone())).tell();
            }
            return;
        }
        let calls = jobs.len();
        let mut finished: Vec<Ran> = Vec::with_capacity(calls);
        let mut jobs = Some(jobs);
        let outcome = writer.call(engine, Undo::Savepoint, |tx| {
            let mut failed = false;
            for job in jobs.take().unwrap_or_default() {
                if failed {
                    finished.push(job(Err(batch_failed())));
                    continue;
                }
                let ran = job(Ok(tx));
                failed = ran.failure.is_some();
                finished.push(ran);
            }
            if failed { Err(batch_failed()) } else { Ok(()) }
        });
        self.calls += calls;
        self.bytes = self.bytes.saturating_add(cost);
        let failure = outcome.err();
        for job in jobs.unwrap_or_default() {
            finished.push(job(Err(failure.clone().unwrap_or_else(batch_failed))));
        }
        for ran in finished {
            self.keep(engine, writer, ran, failure.clone());
        }
        self.commit_if_full(engine, writer);
    }

    /// Keeps a completion until the commit. `undone` is set when what the call did is not part of
    /// the transaction.
    fn keep(&mut self, engine: &Engine, writer: &mut Writer, ran: Ran, undone: Option<Error>) {
        let Ran { failure, done } = ran;
        match &undone {
            Some(error) if failure.is_none() => {
                let error = error.clone();
                self.completions.push(Box::new(move |_| done(Some(&error))));
            }
            _ => self.completions.push(done),
        }
        if self.open && !writer.in_transaction() {
            // SQLite has thrown the whole transaction away (disk full, I/O error): none of its
            // calls has happened.
            let error = failure.or(undone).unwrap_or_else(rolled_back);
            self.fail(engine, writer, &error);
        }
    }

    fn commit_if_full(&mut self, engine: &Engine, writer: &mut Writer) {
        let full = self.calls >= GROUP_CALLS
            || self.bytes >= GROUP_BYTES
            || self
                .started
                .is_some_and(|started| now().duration_since(started) >= GROUP_TIME);
        if full {
            self.commit(engine, writer);
        }
    }

    fn commit(&mut self, engine: &Engine, writer: &mut Writer) {
        if self.open {
            match writer.commit(engine) {
                Ok(()) => self.finish(None),
                Err(error) => self.finish(Some(&error)),
            }
        } else {
            self.finish(None);
        }
    }

    fn fail(&mut self, engine: &Engine, writer: &mut Writer, error: &Error) {
        writer.abandon(engine);
        self.finish(Some(error));
    }

    fn finish(&mut self, failure: Option<&Error>) {
        for done in self.completions.drain(..) {
            done(failure);
        }
        self.open = false;
        self.calls = 0;
        self.bytes = 0;
        self.started = None;
    }
}

fn rolled_back() -> Error {
    Error::lite(Code::IoError, "the transaction was rolled back")
}

fn batch_failed() -> Error {
    Error::lite(
        Code::TransactionNotClosed,
        "another call of the same batch failed, so nothing of the batch was kept",
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the queue drives the writer: it bounds how long a transaction takes calls"
)]
fn now() -> Instant {
    Instant::now()
}
