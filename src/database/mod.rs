//! Databases, their collections and documents: the public Rust API. Synchronous, no tokio.
//!
//! A [`Database`] is a handle. All handles of one database in this process share one instance:
//! one writer connection, a few readers, one call queue (design D4), one set of observers.
//!
//! ```text
//! Database (handle) ─► Engine ─┬─ call_queue     who may write, what waits, group commit
//!                              ├─ reader_pool    snapshots and the threads that read
//!                              ├─ checkpointer   copies the write-ahead log
//!                              ├─ observers      told after each commit
//!                              ├─ query          compiled queries, runs
//!                              ├─ live_query     queries that run again after commits
//!                              └─ storage        SQLite, blob files, the process lock
//! ```
//!
//! Work is a closure over a transaction: [`ReadTx`] or [`WriteTx`]. [`Database::read`] and
//! [`Database::write`] block; [`Database::submit_read`] and [`Database::submit_write`] tell a
//! completion. Threads start when something waits and end after five seconds of rest.
//!
//! ```no_run
//! use settee::database::{Concurrency, Database, DatabaseOptions};
//! use settee::model::{CollectionSpec, DocId};
//!
//! # fn main() -> settee::Result<()> {
//! let database = Database::open("travel", &DatabaseOptions::in_directory("/tmp/example"))?;
//! let hotels = CollectionSpec::new("inventory", "hotels")?;
//! let id = DocId::parse("hotel-1")?;
//! database.write(|tx| {
//!     tx.create_collection(&hotels)?;
//!     let name = br#"{"name":"Sea View"}"#;
//!     tx.save(&hotels, Some(id.clone()), name, Vec::new(), Concurrency::LastWriteWins)
//! })?;
//! let found = database.read(|tx| tx.document(&hotels, &id))?;
//! assert!(found.is_some());
//! database.close()
//! # }
//! ```

mod blob;
mod call_queue;
mod change_feed;
mod checkpointer;
mod checkpoints;
mod collection;
mod conflicts;
mod delta_bases;
mod documents;
mod encryption;
mod engine;
mod expiration;
mod indexes;
mod key;
mod live_query;
mod maintenance;
mod observers;
mod options;
mod query;
mod reader_pool;
mod registry;
mod revisions;
mod saves;
mod transaction;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub use blob::{BlobReader, BlobWriter};
pub use conflicts::{ConflictingRevision, Resolution};
pub use delta_bases::DeltaBases;
pub use documents::{Concurrency, Document, SaveResult};
pub use indexes::IndexDefinition;
pub use live_query::{LiveQueryId, LiveQueryListener};
pub use maintenance::Maintenance;
pub use observers::{CollectionChange, DocumentSaved, Observer, ObserverId};
pub use options::{DatabaseOptions, default_directory};
pub use query::{QueryParameters, QueryResult, QueryStop};
pub(crate) use revisions::local_wins;
pub use saves::SaveList;
pub use transaction::{ReadTx, WriteTx};

use call_queue::{Entry, read_job, write_job};
use engine::Engine;
use registry::Slot;

use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;
use crate::model::replication::RemoteId;

/// Names a hook of [`Database::on_close`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HookId(u64);

type Hook = Box<dyn FnOnce() + Send>;

/// A handle of an open database. Clones are the same handle; [`Database::open`] gives a new one.
///
/// Dropping the last clone closes the handle.
#[derive(Clone)]
#[must_use]
pub struct Database(Arc<Handle>);

struct Handle {
    number: u64,
    engine: Arc<Engine>,
    slot: Arc<Slot>,
    closed: AtomicBool,
    closing: Mutex<()>,
    query_stop: QueryStop,
    hooks: Mutex<Vec<(HookId, Hook)>>,
    next_hook: AtomicU64,
}

impl Database {
    /// Opens the database called `name`, and makes it when it is not there (API spec §13.2).
    ///
    /// # Errors
    /// `InvalidParameter` for a bad name; `Busy` when another process has it open;
    /// `NotADatabaseFile` for a wrong key or a foreign file; `WrongFormat` for a database of
    /// Couchbase Lite itself; `DatabaseTooNew`; `NotWriteable`.
    pub fn open(name: &str, options: &DatabaseOptions) -> Result<Self> {
        let folder = options::database_folder(name, options.directory.as_deref())?;
        let (slot, engine) = registry::open(name, &folder, options)?;
        Ok(Self(Arc::new(Handle {
            number: engine.next_handle(),
            engine,
            slot,
            closed: AtomicBool::new(false),
            closing: Mutex::new(()),
            query_stop: QueryStop::default(),
            hooks: Mutex::default(),
            next_hook: AtomicU64::new(1),
        })))
    }

    /// See [`default_directory`].
    ///
    /// # Errors
    /// As [`default_directory`].
    pub fn default_directory() -> Result<PathBuf> {
        default_directory()
    }

    /// Whether there is a database of this name.
    pub fn exists(name: &str, directory: Option<&Path>) -> bool {
        options::database_folder(name, directory)
            .is_ok_and(|folder| options::holds_database(&folder))
    }

    /// Deletes a database that is not open. One that is not there is no error.
    ///
    /// # Errors
    /// `Busy` when it is open, here or in another process; `WrongFormat` for a database of
    /// Couchbase Lite itself.
    pub fn delete_at(name: &str, directory: Option<&Path>) -> Result<()> {
        registry::delete(&options::database_folder(name, directory)?)
    }

    /// Closes this handle: stops what depends on it (hooks), lets finish what it has queued, and
    /// frees the files if it is the last. Closing again does nothing. Must not be called from a
    /// completion or an observer.
    ///
    /// # Errors
    /// None today; kept for the disk.
    pub fn close(&self) -> Result<()> {
        self.0.run_hooks();
        self.0.close();
        Ok(())
    }

    /// Closes this handle and deletes the database.
    ///
    /// # Errors
    /// `Busy` while another handle is open, with nothing done; `NotOpen` when this one is closed.
    pub fn delete(&self) -> Result<()> {
        self.check_open()?;
        if self.0.slot.handles() > 1 {
            return Err(Error::lite(
                Code::Busy,
                format!(
                    "database '{}' cannot be deleted while it is open elsewhere",
                    self.name()
                ),
            ));
        }
        self.close()?;
        registry::delete(&self.0.engine.folder)
    }

    /// The name as it was opened.
    pub fn name(&self) -> &str {
        &self.0.engine.name
    }

    /// The database's folder, `….cblite2`.
    pub fn path(&self) -> &Path {
        &self.0.engine.folder
    }

    /// Whether this handle is open.
    pub fn is_open(&self) -> bool {
        !self.0.closed.load(Ordering::Acquire)
    }

    /// Runs `hook` at the start of [`Database::close`], before the queue is emptied. On a closed
    /// handle it runs at once.
    pub fn on_close(&self, hook: Box<dyn FnOnce() + Send>) -> HookId {
        let id = HookId(self.0.next_hook.fetch_add(1, Ordering::Relaxed));
        lock(&self.0.hooks).push((id, hook));
        if !self.is_open() {
            self.0.run_hooks();
        }
        id
    }

    /// Forgets a hook.
    pub fn remove_close_hook(&self, id: HookId) {
        lock(&self.0.hooks).retain(|(other, _)| *other != id);
    }

    /// Queues a write. `cost_bytes` bounds how much goes into one transaction: about the bytes
    /// that the call writes. `done` runs after the commit, on a database thread; it may not block.
    ///
    /// On a closed handle `done` is told `NotOpen` at once, on this thread.
    pub fn submit_write<T: Send + 'static>(
        &self,
        cost_bytes: usize,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        match self.check_open() {
            Ok(()) => self.0.engine.submit(Entry::Write {
                cost: cost_bytes,
                job: write_job(work, done),
            }),
            Err(error) => done(Err(error)),
        }
    }

    /// Queues writes as one transaction: all of them are kept, or none. When one fails, it is
    /// told its own error, and all others that the batch failed (`TransactionNotClosed`).
    ///
    /// On a closed handle all are told `NotOpen` at once, on this thread.
    pub fn submit_batch(&self, batch: WriteBatch) {
        match self.check_open() {
            Ok(()) => self.0.engine.submit(Entry::Batch {
                cost: batch.cost,
                jobs: batch.jobs,
            }),
            Err(error) => batch.refuse(&error),
        }
    }

    /// Queues a read, whose snapshot is opened at its place in the queue. `done` runs on a
    /// database thread; it may not block.
    ///
    /// On a closed handle `done` is told `NotOpen` at once, on this thread.
    pub fn submit_read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        match self.check_open() {
            Ok(()) => {
                let job = read_job(work, done);
                if let Some(job) = self.0.engine.try_start_read(job) {
                    self.0.engine.submit(Entry::Read(job));
                }
            }
            Err(error) => done(Err(error)),
        }
    }

    /// Writes, on this thread: at once if nothing waits, else when the queue gives the turn. Must
    /// not be called from a completion or an observer.
    ///
    /// # Errors
    /// That of `work`, `NotOpen`, or what the disk says at the commit.
    pub fn write<T: Send>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send,
    ) -> Result<T> {
        match self.try_write_inline(work) {
            Ok(result) => result,
            Err(work) => {
                let _turn = self.0.engine.wait_for_turn()?;
                self.0.engine.write_alone(work)
            }
        }
    }

    /// Reads, on this thread: at once if nothing waits, else when the queue gives the turn. Must
    /// not be called from a completion or an observer.
    ///
    /// # Errors
    /// That of `work`, or `NotOpen`.
    pub fn read<T: Send>(&self, work: impl FnOnce(&ReadTx<'_>) -> Result<T> + Send) -> Result<T> {
        match self.try_read_inline(work) {
            Ok(result) => result,
            Err(work) => self.0.engine.wait_for_snapshot()?.run(work),
        }
    }

    /// Writes on this thread if nothing waits and nobody writes.
    ///
    /// # Errors
    /// The work itself, untouched, when it would have to wait.
    pub fn try_write_inline<T, W>(&self, work: W) -> Result<Result<T>, W>
    where
        W: FnOnce(&mut WriteTx<'_>) -> Result<T>,
    {
        if let Err(error) = self.check_open() {
            return Ok(Err(error));
        }
        match self.0.engine.try_alone() {
            Some(_alone) => Ok(self.0.engine.write_alone(work)),
            None => Err(work),
        }
    }

    /// Reads on this thread if nothing waits and nobody writes.
    ///
    /// # Errors
    /// The work itself, untouched, when it would have to wait.
    pub fn try_read_inline<T, W>(&self, work: W) -> Result<Result<T>, W>
    where
        W: FnOnce(&ReadTx<'_>) -> Result<T>,
    {
        if let Err(error) = self.check_open() {
            return Ok(Err(error));
        }
        match self.0.engine.try_snapshot() {
            Some(snapshot) => Ok(snapshot.and_then(|snapshot| snapshot.run(work))),
            None => Err(work),
        }
    }

    /// Tells `observer` about every commit that changes the collection, through whatever handle:
    /// after the commit, in the order of commits, before the completions of the calls in it. The
    /// observer may not block and may not call back into the database.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection, `NotOpen`.
    pub fn observe(&self, collection: &CollectionSpec, observer: Observer) -> Result<ObserverId> {
        self.check_open()?;
        self.0.engine.has_collection(collection)?;
        Ok(self
            .0
            .engine
            .observers
            .add(self.0.number, collection, observer))
    }

    /// Forgets an observer. One that is being told just now may still be running.
    pub fn remove_observer(&self, id: ObserverId) {
        self.0.engine.observers.remove(id);
    }

    /// The number of a remote, the same for ever; made when the remote is new.
    ///
    /// # Errors
    /// `NotOpen`, or those of the disk.
    pub fn remote_id(&self, key: &str) -> Result<RemoteId> {
        self.check_open()?;
        self.0
            .engine
            .remote_id(key, || self.write(|tx| tx.remote_id(key)))
    }

    /// Private and public identity: random, made with the database, new in a copy.
    pub fn uuids(&self) -> ([u8; 16], [u8; 16]) {
        self.0.engine.uuids()
    }

    /// Waits in the queue to be alone with the writer, outside any transaction.
    fn alone<T>(&self, work: impl FnOnce(&mut engine::Writer) -> Result<T>) -> Result<T> {
        self.check_open()?;
        let engine = &self.0.engine;
        let _exclusive = engine.exclusive()?;
        let mut writer = lock(&engine.writer);
        call_queue::guarded(|| work(&mut writer))
    }

    fn check_open(&self) -> Result<()> {
        if self.is_open() {
            Ok(())
        } else {
            Err(not_open(self.name()))
        }
    }
}

/// Writes that become one transaction; see [`Database::submit_batch`].
#[derive(Default)]
#[must_use]
pub struct WriteBatch {
    cost: usize,
    jobs: Vec<call_queue::WriteJob>,
}

impl WriteBatch {
    /// A batch without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write, as for [`Database::submit_write`]. It sees what those before it in the batch
    /// have written; so a read that belongs to the batch is added here too.
    pub fn push<T: Send + 'static>(
        &mut self,
        cost_bytes: usize,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        self.cost = self.cost.saturating_add(cost_bytes);
        self.jobs.push(write_job(work, done));
    }

    /// Writes in the batch.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    fn refuse(self, error: &Error) {
        for job in self.jobs {
            job(Err(error.clone())).tell();
        }
    }
}

impl std::fmt::Debug for WriteBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteBatch")
            .field("calls", &self.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name())
            .field("handle", &self.0.number)
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}

impl Handle {
    fn run_hooks(&self) {
        loop {
            // A hook may remove other hooks, so none is run under the lock.
            let Some((_, hook)) = lock(&self.hooks).pop() else {
                return;
            };
            hook();
        }
    }

    fn close(&self) {
        let _one_at_a_time = lock(&self.closing);
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.end();
        }
    }

    fn end(&self) {
        self.query_stop.store(true, Ordering::Release);
        end_handle(&self.engine, &self.slot, self.number);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.run_hooks();
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.query_stop.store(true, Ordering::Release);
        if !on_database_thread() {
            self.end();
            return;
        }
        // A completion held the last clone: its thread cannot wait for itself.
        let (engine, slot, number) = (
            Arc::clone(&self.engine),
            Arc::clone(&self.slot),
            self.number,
        );
        let spawned = std::thread::Builder::new()
            .name("settee-closer".into())
            .spawn(move || end_handle(&engine, &slot, number));
        if let Err(error) = spawned {
            tracing::error!(target: "database", %error, "no thread to close a database on");
        }
    }
}

fn end_handle(engine: &Arc<Engine>, slot: &Slot, number: u64) {
    // Everything that was queued before is done when the turn comes.
    drop(engine.wait_for_turn());
    engine.observers.remove_of_handle(number);
    engine.live_queries.remove_of_handle(number);
    slot.close_handle();
}

std::thread_local! {
    static ON_DATABASE_THREAD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn on_database_thread() -> bool {
    ON_DATABASE_THREAD.get()
}

/// Remembers that this thread belongs to a database and must not wait for one.
fn mark_database_thread() {
    ON_DATABASE_THREAD.set(true);
}

fn not_open(name: &str) -> Error {
    Error::lite(Code::NotOpen, format!("database '{name}' is not open"))
}

/// A lock that does not mind that another thread panicked: our books are restored by then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits as long as the condition holds; as little impressed by panics as [`lock`].
fn wait_while<'a, T>(
    changed: &Condvar,
    guard: MutexGuard<'a, T>,
    condition: impl Fn(&T) -> bool,
) -> MutexGuard<'a, T> {
    changed
        .wait_while(guard, |state| condition(state))
        .unwrap_or_else(PoisonError::into_inner)
}
