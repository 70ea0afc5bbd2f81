//! Which databases are open in this process.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::engine::Engine;
use super::lock;
use super::options::{
    DatabaseOptions, create_private_folder, foreign_database, holds_foreign_database,
};
use crate::error::{Code, Error, Result};
use crate::storage::connection::DATABASE_FILE;
use crate::storage::error::with_context;
use crate::storage::lock_file::{LOCK_FILE, LockFile, not_writeable};

/// The place of one database, open or not. While it is locked, nobody opens, closes or deletes
/// that database.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<SlotState>);

#[derive(Debug, Default)]
struct SlotState {
    engine: Option<Arc<Engine>>,
    handles: usize,
}

static SLOTS: Mutex<BTreeMap<PathBuf, Arc<Slot>>> = Mutex::new(BTreeMap::new());

fn slot(folder: &Path) -> Arc<Slot> {
    // Two spellings of one path are one database. A folder that is not there has one spelling.
    let key = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    Arc::clone(lock(&SLOTS).entry(key).or_default())
}

/// Adds a handle to the database in `folder`, and opens it if it is the first.
pub(super) fn open(
    name: &str,
    folder: &Path,
    options: &DatabaseOptions,
) -> Result<(Arc<Slot>, Arc<Engine>)> {
    let is_new = !folder.exists();
    if !is_new && !folder.is_dir() {
        return Err(Error::lite(
            Code::NotADatabaseFile,
            format!("{} is not a folder", folder.display()),
        ));
    }
    if holds_foreign_database(folder) {
        return Err(foreign_database(folder));
    }
    create_private_folder(folder)?;
    let slot = slot(folder);
    let mut state = lock(&slot.0);
    let engine = match &state.engine {
        Some(engine) => {
            check_same_key(engine, options)?;
            if options.full_sync == Some(true) {
                engine.require_full_sync()?;
            }
            Arc::clone(engine)
        }
        None => {
            let engine = Engine::open(name, folder, options)?;
            state.engine = Some(Arc::clone(&engine));
            engine
        }
    };
    state.handles += 1;
    drop(state);
    Ok((slot, engine))
}

fn check_same_key(engine: &Engine, options: &DatabaseOptions) -> Result<()> {
    let same = match (&*lock(&engine.passphrase), options.passphrase()) {
        (None, None) => true,
        (Some(known), Some(given)) => known.is(given),
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(Error::lite(
        Code::NotADatabaseFile,
        format!(
            "opening database {}: wrong encryption key",
            engine.folder.display()
        ),
    ))
}

/// Deletes the database in `folder`, if it is not open.
pub(super) fn delete(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    if holds_foreign_database(folder) {
        return Err(foreign_database(folder));
    }
    if !folder.join(DATABASE_FILE).exists() {
        return Ok(());
    }
    let slot = slot(folder);
    let state = lock(&slot.0);
    if state.engine.is_some() {
        return Err(Error::lite(
            Code::Busy,
            format!(
                "database {} cannot be deleted while it is open",
                folder.display()
            ),
        ));
    }
    remove_folder(folder)
        .map_err(|error| with_context(error, &format!("deleting database {}", folder.display())))
}

fn remove_folder(folder: &Path) -> Result<()> {
    let process_lock = LockFile::acquire(folder)?;
    // The database file first: what is left after an interruption is no database any more.
    let mut paths = vec![folder.join(DATABASE_FILE)];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() != LOCK_FILE && entry.file_name() != DATABASE_FILE {
            paths.push(entry.path());
        }
    }
    for path in paths {
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(|error| not_writeable(&error, &path))?;
    }
    drop(process_lock);
    fs::remove_dir_all(folder).map_err(|error| not_writeable(&error, folder))
}

impl Slot {
    /// Handles that are open.
    pub(super) fn handles(&self) -> usize {
        lock(&self.0).handles
    }

    /// Runs `work` while nobody can open or close the database.
    ///
    /// # Errors
    /// `Busy` when more than one handle is open.
    pub(super) fn alone_with_handle<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let state = lock(&self.0);
        match &state.engine {
            Some(engine) if state.handles > 1 => Err(super::encryption::busy(&engine.folder)),
            _ => work(),
        }
    }

    /// Takes a handle away; the last one closes the database.
    pub(super) fn close_handle(&self) {
        let mut state = lock(&self.0);
        state.handles = state.handles.saturating_sub(1);
        if state.handles == 0
            && let Some(engine) = state.engine.take()
        {
            engine.shut_down();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::database::{Database, DatabaseOptions, lock};

    #[test]
    fn full_sync_holds_once_any_handle_has_asked_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let open = |full_sync| {
            let mut options = DatabaseOptions::in_directory(directory.path());
            options.full_sync = full_sync;
            Database::open("db", &options).unwrap()
        };
        let is_full = |database: &Database| {
            let writer = lock(&database.0.engine.writer);
            writer.connection().unwrap().has_full_sync()
        };
        let first = open(None);
        assert!(!is_full(&first));
        let second = open(Some(true));
        assert!(is_full(&first));
        let third = open(Some(false));
        assert!(is_full(&first));
        // A new key opens the writer anew.
        second.close().unwrap();
        third.close().unwrap();
        first.change_encryption_key(Some("key")).unwrap();
        assert!(is_full(&first));
        first.change_encryption_key(None).unwrap();
        first.close().unwrap();
        assert!(!is_full(&open(None)), "asked for anew each time");
    }
}
