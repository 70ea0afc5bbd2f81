//! Changing the key of a database, and copying one (design D7, API spec §13.2).
//!
//! Both export the database into a new file, which then takes its place by one rename: whatever
//! interrupts them, one whole database is there.

use std::fs;
use std::path::{Path, PathBuf};

use super::engine::Engine;
use super::key::{Passphrase, new_key};
use super::options::{
    DatabaseOptions, create_private_folder, database_folder, foreign_database, holds_database,
    holds_foreign_database,
};
use super::{Database, lock};
use crate::error::{Code, Error, Result};
use crate::storage::blob_file::{ATTACHMENTS, BlobFolder};
use crate::storage::connection::{CipherKey, DATABASE_FILE};
use crate::storage::error::with_context;
use crate::storage::lock_file::not_writeable;
use crate::storage::{Connection, checkpoint_store, export};

/// Suffix of the file that a new key is applied to before it takes the database's place.
const REKEYED_SUFFIX: &str = ".new";

/// Start of the name of a folder in which a copy is made.
const COPYING: &str = ".settee-copy-";

impl Database {
    /// Encrypts the database with a new passphrase; `None` or an empty one decrypts it. Blocks
    /// while the file is written anew. Large blobs are sealed once, when a plain database is
    /// encrypted, and never touched again.
    ///
    /// # Errors
    /// `Busy` while another handle is open, with nothing done; `NotOpen`; those of the disk.
    pub fn change_encryption_key(&self, passphrase: Option<&str>) -> Result<()> {
        self.check_open()?;
        let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty());
        let engine = &self.0.engine;
        // Derived before anybody has to wait.
        let key = new_key(passphrase)?;
        let recognised = passphrase.map(Passphrase::new).transpose()?;
        let _exclusive = engine.exclusive()?;
        self.0.slot.alone_with_handle(|| {
            rekey(engine, key.as_ref())
                .map_err(|error| with_context(error, "changing the encryption key"))?;
            *lock(&engine.passphrase) = recognised;
            Ok(())
        })
    }

    /// Copies the database in the folder `path` to a new database called `new_name` in the
    /// directory of `options`; the key of `options` must be the source's. The source may be open.
    /// The copy has its own identity, and no checkpoints.
    ///
    /// # Errors
    /// `NotFound` when there is no database at `path`; `InvalidParameter` when the target exists
    /// or has a bad name; `NotADatabaseFile` for a wrong key; `Busy` when another process has the
    /// source open.
    pub fn copy(path: &Path, new_name: &str, options: &DatabaseOptions) -> Result<()> {
        let target = database_folder(new_name, options.directory.as_deref())?;
        let source = source_of_copy(path, options)?;
        if target.exists() {
            return Err(Error::invalid(format!(
                "{} exists already, a copy must be a new database",
                target.display()
            )));
        }
        let key = new_key(options.passphrase())?;
        let copied = copy_to(&source, &target, key.as_ref())
            .map_err(|error| with_context(error, &format!("copying to {}", target.display())));
        let closed = source.close();
        copied.and(closed)
    }
}

fn source_of_copy(path: &Path, options: &DatabaseOptions) -> Result<Database> {
    let path = std::path::absolute(path)?;
    if holds_foreign_database(&path) {
        return Err(foreign_database(&path));
    }
    let name = path
        .file_name()
        .and_then(|name| name.to_str()?.strip_suffix(".cblite2"))
        .filter(|_| holds_database(&path))
        .ok_or_else(|| Error::not_found(format!("there is no database at {}", path.display())))?;
    let source = DatabaseOptions {
        directory: path.parent().map(Path::to_owned),
        ..options.clone()
    };
    Database::open(name, &source)
}

fn copy_to(source: &Database, target: &Path, key: Option<&CipherKey>) -> Result<()> {
    let parent = target.parent().unwrap_or(target);
    let making = Making(parent.join(format!("{COPYING}{}", uuid::Uuid::new_v4())));
    create_private_folder(&making.0)?;
    let file = making.0.join(DATABASE_FILE);
    let engine = &source.0.engine;
    source.alone(|writer| {
        export::export(writer.connection()?, &file, key)?;
        copy_blob_files(&engine.folder, &making.0)
    })?;
    let connection = Connection::open_writer(&file, key, true)?;
    checkpoint_store::become_a_copy(&connection)?;
    connection.truncate_log()?;
    drop(connection);
    fs::rename(&making.0, target).map_err(|error| not_writeable(&error, target))
}

/// Blob files are never changed once they have their name, so a second name is as good as a copy.
fn copy_blob_files(from: &Path, to: &Path) -> Result<()> {
    let from = BlobFolder::new(from, None, false);
    let target = to.join(ATTACHMENTS);
    for path in from.paths()? {
        create_private_folder(&target)?;
        let Some(name) = path.file_name() else {
            continue;
        };
        let copy = target.join(name);
        if fs::hard_link(&path, &copy).is_err() {
            fs::copy(&path, &copy).map_err(|error| not_writeable(&error, &copy))?;
        }
    }
    Ok(())
}

/// A folder that is being filled; removed unless it got its final name.
struct Making(PathBuf);

impl Drop for Making {
    fn drop(&mut self) {
        if self.0.exists()
            && let Err(error) = fs::remove_dir_all(&self.0)
        {
            tracing::warn!(target: "database", %error, "removing a half-made copy failed");
        }
    }
}

/// Puts the whole database under another key. The caller is alone with it.
fn rekey(engine: &Engine, key: Option<&CipherKey>) -> Result<()> {
    let new_file = rekeyed_file(&engine.folder);
    remove_rekeyed_file(&engine.folder)?;
    let (blobs, old_key) = {
        let writer = lock(&engine.writer);
        let connection = writer.connection()?;
        let blobs = super::engine::blob_folder(connection, &engine.folder, key.is_some())?;
        if key.is_some() {
            // The plain files stay until the encrypted database is in its place.
            blobs.seal_plain_files()?;
        }
        export::export(connection, &new_file, key)?;
        (blobs, engine.readers.key())
    };
    engine.close_connections(key.cloned());
    let replaced = replace_file(&engine.folder, &new_file, &engine.file);
    if let Err(error) = replaced {
        engine.close_connections(old_key.clone());
        engine.reopen_writer(old_key.as_ref())?;
        return Err(error);
    }
    engine.reopen_writer(key)?;
    if key.is_some() {
        blobs.remove_sealed_twins()?;
    }
    Ok(())
}

fn replace_file(folder: &Path, new_file: &Path, file: &Path) -> Result<()> {
    fs::rename(new_file, file).map_err(|error| not_writeable(&error, file))?;
    // The log was copied and cut to nothing; what is left of it knows the old key.
    for suffix in ["-wal", "-shm"] {
        let path = folder.join(format!("{DATABASE_FILE}{suffix}"));
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(not_writeable(&error, &path)),
        }
    }
    #[cfg(unix)]
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| not_writeable(&error, folder))?;
    Ok(())
}

fn rekeyed_file(folder: &Path) -> PathBuf {
    folder.join(format!("{DATABASE_FILE}{REKEYED_SUFFIX}"))
}

/// Removes what an interrupted change of the key left behind: the database itself is whole.
pub(super) fn remove_rekeyed_file(folder: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = folder.join(format!("{DATABASE_FILE}{REKEYED_SUFFIX}{suffix}"));
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(not_writeable(&error, &path)),
        }
    }
    Ok(())
}

/// Ends the sealing of blob files that an interrupted change of the key has begun.
pub(super) fn finish_sealing(blobs: &BlobFolder) -> Result<()> {
    blobs.seal_plain_files()?;
    blobs.remove_sealed_twins()
}

/// What a handle says while others are open.
pub(super) fn busy(folder: &Path) -> Error {
    Error::lite(
        Code::Busy,
        format!(
            "database {} is open through another handle",
            folder.display()
        ),
    )
}
