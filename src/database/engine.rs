//! The one instance of a database that all handles of the process share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, RwLock};

use super::blob::Pins;
use super::call_queue::QueueState;
use super::checkpointer::Checkpointer;
use super::collection::CollectionMap;
use super::delta_bases::{self, DeltaBases};
use super::expiration::Expirer;
use super::key::Passphrase;
use super::live_query::LiveQueries;
use super::observers::Observers;
use super::options::{DatabaseOptions, foreign_database, holds_foreign_database};
use super::query::QueryCache;
use super::reader_pool::ReaderPool;
use super::transaction::{ChangeLog, ReadTx, Undo, WriteTx};
use super::{lock, not_open};
use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;
use crate::model::replication::RemoteId;
use crate::storage::blob_file::{ATTACHMENTS, BlobFolder, BlobKey};
use crate::storage::connection::{CipherKey, DATABASE_FILE};
use crate::storage::error::with_context;
use crate::storage::lock_file::{LOCK_FILE, LockFile};
use crate::storage::{Connection, checkpoint_store, maintenance};

/// Pages in the write-ahead log (4 MiB) from which on it is copied to the file.
const CHECKPOINT_PAGES: u32 = 1_000;

/// Pages in the log (64 MiB) from which on the writer itself helps, so that the log can start
/// anew: while commits follow each other without a pause, the checkpointer alone never ends.
const CATCH_UP_PAGES: u32 = 16_000;

/// The same on a caller's own thread (256 MiB), which is to be kept from the disk.
const CATCH_UP_INLINE_PAGES: u32 = 64_000;

/// Everything that the handles of one database share.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) file: PathBuf,
    pub(super) queue: Mutex<QueueState>,
    pub(super) wake: Condvar,
    pub(super) writer: Mutex<Writer>,
    pub(super) readers: ReaderPool,
    pub(super) observers: Observers,
    pub(super) queries: QueryCache,
    pub(super) live_queries: LiveQueries,
    pub(super) blobs: RwLock<BlobFolder>,
    pub(super) pins: Mutex<Pins>,
    pub(super) checkpointer: Checkpointer,
    pub(super) expirer: Expirer,
    pub(super) passphrase: Mutex<Option<Passphrase>>,
    /// Set once a handle has asked for it, until the last one is closed.
    full_sync: AtomicBool,
    remotes: Mutex<HashMap<String, RemoteId>>,
    uuids: Mutex<([u8; 16], [u8; 16])>,
    /// A [`DeltaBases`].
    delta_bases: Mutex<DeltaBases>,
    next_handle: AtomicU64,
    /// Freed when the last handle is closed.
    process_lock: Mutex<Option<LockFile>>,
}

impl Engine {
    /// Opens the database in `folder`, and makes it when it is not there.
    pub(super) fn open(name: &str, folder: &Path, options: &DatabaseOptions) -> Result<Arc<Self>> {
        let process_lock = LockFile::acquire(folder)?;
        let file = folder.join(DATABASE_FILE);
        let opened = Self::open_locked(name, folder, &file, options, process_lock);
        opened.map_err(|error| {
            if error.message().contains(&*folder.to_string_lossy()) {
                return error;
            }
            with_context(error, &format!("opening database {}", folder.display()))
        })
    }

    fn open_locked(
        name: &str,
        folder: &Path,
        file: &Path,
        options: &DatabaseOptions,
        process_lock: LockFile,
    ) -> Result<Arc<Self>> {
        check_folder(folder)?;
        let full_sync = options.full_sync.unwrap_or(false);
        super::encryption::remove_rekeyed_file(folder)?;
        let key = super::key::key_of_file(file, options.passphrase())?;
        let connection = Connection::open_writer(file, key.as_ref(), full_sync)?;
        super::indexes::rebuild_outdated(&connection)?;
        let collections = Arc::new(CollectionMap::load(&connection)?);
        let uuids = (
            checkpoint_store::uuid(&connection, "private_uuid")?,
            checkpoint_store::uuid(&connection, "public_uuid")?,
        );
        let delta_bases = delta_bases::load(&connection)?;
        let blobs = blob_folder(&connection, folder, key.is_some())?;
        blobs.remove_temporary_files();
        if key.is_some() {
            super::encryption::finish_sealing(&blobs)?;
        }
        let mut expiration: Option<i64> = None;
        for collection in collections.iter() {
            let next = collection.table.next_expiration(&connection)?;
            expiration = [expiration, next].into_iter().flatten().min();
        }
        let passphrase = options.passphrase().map(Passphrase::new).transpose()?;
        let engine = Arc::new(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            file: file.to_owned(),
            queue: Mutex::new(QueueState::new(Arc::clone(&collections))),
            wake: Condvar::new(),
            writer: Mutex::new(Writer::new(name, connection, collections)),
            readers: ReaderPool::new(file.to_owned(), key.clone()),
            observers: Observers::default(),
            queries: QueryCache::default(),
            live_queries: LiveQueries::new(),
            blobs: RwLock::new(blobs),
            pins: Mutex::default(),
            checkpointer: Checkpointer::new(file.to_owned(), key),
            expirer: Expirer::new(),
            passphrase: Mutex::new(passphrase),
            full_sync: AtomicBool::new(full_sync),
            remotes: Mutex::default(),
            uuids: Mutex::new(uuids),
            delta_bases: Mutex::new(delta_bases),
            next_handle: AtomicU64::new(1),
            process_lock: Mutex::new(Some(process_lock)),
        });
        engine.expirer.attach(&engine);
        engine.live_queries.attach(&engine);
        if let Some(time) = expiration {
            engine.expirer.schedule(time);
        }
        tracing::info!(target: "database", name, folder = %folder.display(), "database opened");
        Ok(engine)
    }

    /// Which bodies of former revisions are kept.
    pub(super) fn delta_bases(&self) -> DeltaBases {
        *lock(&self.delta_bases)
    }

    pub(super) fn set_delta_bases(&self, bases: DeltaBases) {
        *lock(&self.delta_bases) = bases;
    }

    /// Makes each commit wait for the disk from now on: what one handle was promised holds whoever
    /// else has the database open. Waits for the queue.
    pub(super) fn require_full_sync(self: &Arc<Self>) -> Result<()> {
        if self.full_sync.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _exclusive = self.exclusive()?;
        lock(&self.writer).connection()?.require_full_sync()?;
        self.full_sync.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// A number for a new handle.
    pub(super) fn next_handle(&self) -> u64 {
        self.next_handle.fetch_add(1, Ordering::Relaxed)
    }

    /// Private and public identity.
    pub(super) fn uuids(&self) -> ([u8; 16], [u8; 16]) {
        *lock(&self.uuids)
    }

    /// Whether the collection exists, as of the last commit.
    pub(super) fn has_collection(&self, spec: &CollectionSpec) -> Result<()> {
        lock(&self.queue).collections.get(spec).map(|_| ())
    }

    /// The stable number of a remote, made when it is new.
    pub(super) fn remote_id(
        &self,
        key: &str,
        add: impl FnOnce() -> Result<RemoteId>,
    ) -> Result<RemoteId> {
        if let Some(&id) = lock(&self.remotes).get(key) {
            return Ok(id);
        }
        let id = add()?;
        lock(&self.remotes).insert(key.to_owned(), id);
        Ok(id)
    }

    /// The folder of large blobs.
    pub(super) fn blobs(&self) -> BlobFolder {
        self.blobs
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Closes all connections but keeps the lock. The caller is alone with the writer.
    pub(super) fn close_connections(&self, key: Option<CipherKey>) {
        self.checkpointer.stop(key.clone());
        self.readers.close_all(key);
        let (connection, has_indexes) = {
            let mut writer = lock(&self.writer);
            (writer.connection.take(), writer.collections.has_indexes())
        };
        let Some(connection) = connection else { return };
        if has_indexes && let Err(error) = maintenance::optimize_indexes(&connection) {
            tracing::warn!(target: "database", %error, "statistics of indexes could not be gathered");
        }
        if let Err(error) = connection.truncate_log() {
            tracing::warn!(target: "database", %error, "the log could not be copied on closing");
        }
    }

    /// Opens the writer again after [`Engine::close_connections`].
    pub(super) fn reopen_writer(&self, key: Option<&CipherKey>) -> Result<()> {
        let connection =
            Connection::open_writer(&self.file, key, self.full_sync.load(Ordering::Relaxed))?;
        super::indexes::rebuild_outdated(&connection)?;
        let collections = Arc::new(CollectionMap::load(&connection)?);
        let blobs = blob_folder(&connection, &self.folder, key.is_some())?;
        *self
            .blobs
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = blobs;
        *lock(&self.writer) = Writer::new(&self.name, connection, Arc::clone(&collections));
        lock(&self.queue).collections = collections;
        Ok(())
    }

    /// Closes everything and frees the database for other processes. Nothing must wait any more.
    pub(super) fn shut_down(&self) {
        self.expirer.stop();
        self.close_connections(None);
        self.dismiss_thread();
        *lock(&self.process_lock) = None;
        tracing::info!(target: "database", name = self.name, "database closed");
    }
}

/// Refuses folders that are not ours to use.
fn check_folder(folder: &Path) -> Result<()> {
    if holds_foreign_database(folder) {
        return Err(foreign_database(folder));
    }
    if folder.join(DATABASE_FILE).exists() {
        return Ok(());
    }
    // A new database, or one whose making was interrupted: nothing else may lie here.
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name != LOCK_FILE && name != ATTACHMENTS && !name.starts_with(DATABASE_FILE) {
            return Err(Error::lite(
                Code::NotADatabaseFile,
                format!(
                    "{} is no database: it has no {DATABASE_FILE}, but {name:?}",
                    folder.display()
                ),
            ));
        }
    }
    Ok(())
}

/// The folder of large blobs, with the key that lies in the database.
pub(super) fn blob_folder(
    connection: &Connection,
    folder: &Path,
    seal: bool,
) -> Result<BlobFolder> {
    let stored = checkpoint_store::info(connection, "blob_key")?;
    let key = match stored {
        Some(bytes) => Some(BlobKey::from_bytes(&bytes)?),
        None if seal => {
            let key = BlobKey::generate()?;
            checkpoint_store::set_info(connection, "blob_key", key.as_bytes())?;
            Some(key)
        }
        None => None,
    };
    Ok(BlobFolder::new(folder, key, seal))
}

/// The connection that writes, and what belongs to it.
#[derive(Debug)]
pub(super) struct Writer {
    name: String,
    /// `None` once the database is closed.
    pub(super) connection: Option<Connection>,
    /// With what the open transaction has changed.
    pub(super) collections: Arc<CollectionMap>,
    collections_changed: bool,
    log: ChangeLog,
}

impl Writer {
    fn new(name: &str, connection: Connection, collections: Arc<CollectionMap>) -> Self {
        Self {
            name: name.to_owned(),
            connection: Some(connection),
            collections,
            collections_changed: false,
            log: ChangeLog::default(),
        }
    }

    pub(super) fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| not_open(&self.name))
    }

    /// Starts a transaction.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.connection()?.begin()
    }

    /// Whether the transaction that was started is still there.
    pub(super) fn in_transaction(&self) -> bool {
        self.connection
            .as_ref()
            .is_some_and(Connection::in_transaction)
    }

    /// Runs one call inside the transaction. When it fails, what it did is undone: in the
    /// database by what `undo` says, in our own books always.
    pub(super) fn call<T>(
        &mut self,
        engine: &Engine,
        undo: Undo,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
    ) -> Result<T> {
        let Self {
            connection: Some(connection),
            collections,
            collections_changed,
            log,
            ..
        } = self
        else {
            return Err(not_open(&self.name));
        };
        let savepoint = undo == Undo::Savepoint;
        if savepoint {
            connection.savepoint()?;
        }
        let mark = log.mark();
        let read = ReadTx::new(connection, Arc::clone(collections), engine);
        let mut result = work(&mut WriteTx::new(read, undo, log));
        if savepoint && connection.in_transaction() {
            let ended = if result.is_ok() {
                connection.release()
            } else {
                connection.roll_back_to_savepoint()
            };
            if let Err(error) = ended {
                result = result.and(Err(error));
            }
        }
        if result.is_err() {
            log.undo(mark);
        } else if let Some(changed) = log.collections.take() {
            *collections = changed;
            *collections_changed = true;
        }
        result
    }

    /// Commits, then tells the observers.
    pub(super) fn commit(&mut self, engine: &Engine) -> Result<()> {
        if let Err(error) = self.connection().and_then(Connection::commit) {
            self.abandon(engine);
            return Err(error);
        }
        if std::mem::take(&mut self.collections_changed) {
            lock(&engine.queue).collections = Arc::clone(&self.collections);
        }
        if !self.log.referenced.is_empty() {
            lock(&engine.pins).release(&self.log.referenced);
            self.log.referenced.clear();
        }
        if let Some(time) = self.log.expiration.take() {
            engine.expirer.schedule(time);
        }
        if !self.log.changes.is_empty() {
            engine.observers.tell(std::mem::take(&mut self.log.changes));
        }
        if let Some(connection) = &self.connection {
            let pages = connection.wal_pages();
            let limit = if super::on_database_thread() {
                CATCH_UP_PAGES
            } else {
                CATCH_UP_INLINE_PAGES
            };
            if pages >= limit {
                if let Err(error) = connection.checkpoint() {
                    tracing::warn!(target: "database", %error, "copying the log failed");
                }
            } else if pages >= CHECKPOINT_PAGES {
                engine.checkpointer.wake();
            }
        }
        Ok(())
    }

    /// Throws away a transaction whose only call has failed and was undone in our books.
    pub(super) fn roll_back(&mut self) {
        if let Some(connection) = &self.connection {
            connection.roll_back();
        }
    }

    /// Throws the transaction away and reads again what the database says.
    pub(super) fn abandon(&mut self, engine: &Engine) {
        self.roll_back();
        self.log = ChangeLog::default();
        self.collections_changed = false;
        let Some(connection) = &self.connection else {
            return;
        };
        match CollectionMap::load(connection) {
            Ok(map) => {
                self.collections = Arc::new(map);
                lock(&engine.queue).collections = Arc::clone(&self.collections);
            }
            Err(error) => {
                tracing::error!(target: "database", %error, "reading the collections failed");
            }
        }
    }
}
