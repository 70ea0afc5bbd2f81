//! How a connection is opened, and what runs on it: transactions, savepoints, snapshots.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use zeroize::Zeroizing;

use super::{schema, sql_functions};
use crate::error::{Code, Error, Result};

/// Name of the database file inside its folder.
pub(crate) const DATABASE_FILE: &str = "settee.sqlite3";

/// First bytes of a file that is not encrypted.
pub(crate) const PLAIN_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// How long a statement waits for another connection of this process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long, and how often, cutting the log waits for readers.
const TRUNCATE_WAIT: Duration = Duration::from_millis(20);
const TRUNCATE_TRIES: u32 = 25;

/// Statements that each connection keeps prepared: about ten a collection.
const CACHED_STATEMENTS: usize = 256;

/// Page cache of the writer, in KiB: room for the id index of some hundred thousand documents.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// Page cache of each reader, in KiB.
const READER_CACHE_KIB: i64 = 8 * 1024;

/// How much of a plain file each reader sees through the system's page cache, without copies.
const READER_MMAP_BYTES: i64 = 256 * 1024 * 1024;

/// The 256-bit key of a file and the salt in its first 16 bytes (design D7).
#[derive(Clone)]
pub(crate) struct CipherKey {
    key: Zeroizing<[u8; 32]>,
    salt: [u8; 16],
}

impl CipherKey {
    /// PBKDF2 rounds of SQLCipher 4.
    const ROUNDS: std::num::NonZeroU32 = std::num::NonZeroU32::new(256_000).unwrap();

    /// Derives the key of the file whose first 16 bytes are `salt`: PBKDF2-HMAC-SHA512.
    pub(crate) fn derive(passphrase: &str, salt: [u8; 16]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        aws_lc_rs::pbkdf2::derive(
            aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA512,
            Self::ROUNDS,
            &salt,
            passphrase.as_bytes(),
            key.as_mut(),
        );
        Self { key, salt }
    }

    /// Key and salt as SQLCipher's raw key literal, `x'…'`, which needs no derivation.
    pub(crate) fn literal(&self) -> Zeroizing<String> {
        use fmt::Write as _;
        let mut text = Zeroizing::new(String::with_capacity(100));
        text.push_str("x'");
        for byte in self.key.iter().chain(&self.salt) {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\'');
        text
    }
}

impl fmt::Debug for CipherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CipherKey(…)")
    }
}

/// One SQLite connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) inner: rusqlite::Connection,
    wal_pages: Arc<AtomicU32>,
    watch: Arc<Mutex<Watch>>,
}

/// Steps of SQLite's machine between two looks at whether to stop.
const STOP_STEPS: std::ffi::c_int = 1_000;

/// Longest time of a run that has a budget, however few steps it takes: a step may be a pattern
/// over a long text.
const BUDGET_TIME: Duration = Duration::from_millis(2);

/// What makes the statements of a connection stop.
#[derive(Debug, Default)]
struct Watch {
    flag: Option<Arc<AtomicBool>>,
    /// How often [`STOP_STEPS`] may still pass, and since when they do.
    budget: Option<(u32, Instant)>,
}

impl Watch {
    fn must_stop(&mut self) -> bool {
        if let Some((budget, since)) = &mut self.budget {
            if *budget == 0 || since.elapsed() > BUDGET_TIME {
                *budget = 0;
                return true;
            }
            *budget -= 1;
        }
        self.flag
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

/// While it lives, the statements of a connection may be stopped; see [`Connection::stop_when`].
#[derive(Debug)]
pub(crate) struct Stoppable<'a>(&'a Connection);

impl Stoppable<'_> {
    /// Whether statements were stopped because they took too many steps.
    pub(crate) fn is_over_budget(&self) -> bool {
        lock_watch(&self.0.watch)
            .budget
            .is_some_and(|(left, _)| left == 0)
    }
}

impl Drop for Stoppable<'_> {
    fn drop(&mut self) {
        *lock_watch(&self.0.watch) = Watch::default();
    }
}

fn lock_watch(watch: &Mutex<Watch>) -> std::sync::MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    /// Opens the connection that writes, and makes the file and its tables when they are not
    /// there.
    ///
    /// # Errors
    /// `NotADatabaseFile` for a foreign file or a wrong key, `DatabaseTooNew`, `NotWriteable`,
    /// `CantOpenFile`.
    pub(crate) fn open_writer(
        file: &Path,
        key: Option<&CipherKey>,
        full_sync: bool,
    ) -> Result<Self> {
        let mut connection = Self::open(file, key, true)?;
        connection.set("synchronous", "NORMAL")?;
        if full_sync {
            connection.require_full_sync()?;
        }
        connection.set("cache_size", -WRITER_CACHE_KIB)?;
        // Only takes effect in a file without tables.
        connection.set("auto_vacuum", "INCREMENTAL")?;
        let mode: String =
            connection
                .inner
                .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            return Err(Error::lite(
                Code::NotWriteable,
                format!("database cannot use a write-ahead log (journal mode is {mode})"),
            ));
        }
        connection.set("wal_autocheckpoint", 0)?;
        schema::prepare(&mut connection.inner)?;
        let pages = Arc::clone(&connection.wal_pages);
        connection.inner.wal_hook(Some(
            move |_: &mut rusqlite::hooks::Wal, count: std::ffi::c_int| {
                pages.store(count.unsigned_abs(), Ordering::Relaxed);
                Ok(())
            },
        ))?;
        Ok(connection)
    }

    /// Opens a connection that only reads; the writer has made the file before.
    pub(crate) fn open_reader(file: &Path, key: Option<&CipherKey>) -> Result<Self> {
        let connection = Self::open(file, key, false)?;
        connection.set("query_only", true)?;
        connection.set("cache_size", -READER_CACHE_KIB)?;
        if key.is_none() {
            connection.set("mmap_size", READER_MMAP_BYTES)?;
        }
        Ok(connection)
    }

    /// Opens the connection of the checkpointer: it copies pages from the log to the file.
    pub(crate) fn open_checkpointer(file: &Path, key: Option<&CipherKey>) -> Result<Self> {
        let connection = Self::open(file, key, false)?;
        // Forces the log before and the file after; more is only for commits.
        connection.set("synchronous", "NORMAL")?;
        connection.set("wal_autocheckpoint", 0)?;
        connection.set("cache_size", -64)?;
        Ok(connection)
    }

    fn open(file: &Path, key: Option<&CipherKey>, create: bool) -> Result<Self> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let inner = rusqlite::Connection::open_with_flags(file, flags)?;
        let mut connection = Self {
            inner,
            wal_pages: Arc::default(),
            watch: Arc::default(),
        };
        connection.inner.busy_timeout(BUSY_TIMEOUT)?;
        // A name that nothing has is an error and no string.
        for config in [
            DbConfig::SQLITE_DBCONFIG_DQS_DML,
            DbConfig::SQLITE_DBCONFIG_DQS_DDL,
        ] {
            connection.inner.set_db_config(config, false)?;
        }
        // With statistics, SQLite would plan a statement anew for every value that is bound to it.
        connection
            .inner
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection
            .inner
            .set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        if let Some(key) = key {
            // Told before the key, so that no failure can be logged with it.
            connection.set("cipher_log_level", "NONE")?;
            connection.set("key", key.literal().as_str())?;
        }
        sql_functions::register(&connection.inner)?;
        let watch = Arc::clone(&connection.watch);
        connection
            .inner
            .progress_handler(STOP_STEPS, Some(move || lock_watch(&watch).must_stop()))?;
        // The first real read: tells a wrong key and a foreign file.
        connection
            .inner
            .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    }

    fn set(&self, pragma: &str, value: impl rusqlite::ToSql) -> Result<()> {
        // Some pragmas answer with a row, some do not.
        self.inner
            .pragma_update(None, pragma, value)
            .or_else(|error| match error {
                rusqlite::Error::ExecuteReturnedResults => Ok(()),
                other => Err(other),
            })?;
        Ok(())
    }

    /// Runs a statement without parameters that is prepared once.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        self.inner.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }

    /// Makes each commit wait for the disk. Outside a transaction.
    pub(crate) fn require_full_sync(&self) -> Result<()> {
        self.set("synchronous", "FULL")
    }

    /// Whether each commit waits for the disk.
    #[cfg(test)]
    pub(crate) fn has_full_sync(&self) -> bool {
        let level = self
            .inner
            .pragma_query_value(None, "synchronous", |row| row.get(0));
        level == Ok(2)
    }

    /// Lets statements fail with `SQLITE_INTERRUPT` once `flag` is set, or when they have taken
    /// `budget` thousand steps or a few milliseconds, as long as the guard lives.
    #[expect(
        clippy::disallowed_methods,
        reason = "bounds how long a thread is held up; decides nothing else"
    )]
    pub(crate) fn stop_when(&self, flag: &Arc<AtomicBool>, budget: Option<u32>) -> Stoppable<'_> {
        *lock_watch(&self.watch) = Watch {
            flag: Some(Arc::clone(flag)),
            budget: budget.map(|steps| (steps, Instant::now())),
        };
        Stoppable(self)
    }

    /// Starts the transaction of the writer.
    pub(crate) fn begin(&self) -> Result<()> {
        self.run("BEGIN IMMEDIATE")
    }

    /// Ends the transaction of the writer.
    pub(crate) fn commit(&self) -> Result<()> {
        self.run("COMMIT")
    }

    /// Throws the writer's transaction away, if there is one.
    pub(crate) fn roll_back(&self) {
        if self.in_transaction()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(target: "database", %error, "rolling back failed");
        }
    }

    /// Whether a transaction is open; SQLite itself ends one on a full disk and the like.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.inner.is_autocommit()
    }

    /// Starts a part of the transaction that can be undone alone.
    pub(crate) fn savepoint(&self) -> Result<()> {
        self.run("SAVEPOINT call")
    }

    /// Keeps what was done since [`Connection::savepoint`].
    pub(crate) fn release(&self) -> Result<()> {
        self.run("RELEASE call")
    }

    /// Undoes what was done since [`Connection::savepoint`].
    pub(crate) fn roll_back_to_savepoint(&self) -> Result<()> {
        self.run("ROLLBACK TO call")?;
        self.release()
    }

    /// Starts a read transaction; the first statement pins what it will see.
    pub(crate) fn open_unpinned_snapshot(&self) -> Result<()> {
        self.run("BEGIN")
    }

    /// Starts a read transaction and pins what it will see.
    pub(crate) fn open_snapshot(&self) -> Result<()> {
        self.open_unpinned_snapshot()?;
        self.pin_snapshot().inspect_err(|_| self.roll_back())
    }

    /// Pins what the read transaction sees, if nothing has yet; learns of changes of the schema.
    pub(crate) fn pin_snapshot(&self) -> Result<()> {
        let pinned = self
            .inner
            .prepare_cached("SELECT 1 FROM collections LIMIT 1")
            .and_then(|mut statement| statement.query_row([], |_| Ok(())));
        match pinned {
            Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the read transaction.
    pub(crate) fn close_snapshot(&self) {
        self.roll_back();
    }

    /// Pages that were in the write-ahead log after the last commit of this connection.
    pub(crate) fn wal_pages(&self) -> u32 {
        self.wal_pages.load(Ordering::Relaxed)
    }

    /// Copies what is in the write-ahead log to the database file, as far as no reader is in
    /// the way. Blocks neither readers nor the writer.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        self.inner
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Copies the whole log and cuts it to nothing. Gives up after a while when a reader is in
    /// the way; then the log just stays.
    pub(crate) fn truncate_log(&self) -> Result<()> {
        self.inner.busy_timeout(TRUNCATE_WAIT)?;
        let truncated = (|| {
            for _ in 0..TRUNCATE_TRIES {
                // Also busy, without any wait, while the checkpointer is at work.
                let busy: i64 =
                    self.inner
                        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
                if busy == 0 {
                    break;
                }
                std::thread::sleep(TRUNCATE_WAIT);
            }
            Ok(())
        })();
        self.inner.busy_timeout(BUSY_TIMEOUT)?;
        truncated
    }
}
