//! One process a database: an advisory lock on a file in the database's folder (design D3).

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::error::with_context;
use crate::error::{Code, Error, Result};

/// Name of the lock file inside the database's folder.
pub(crate) const LOCK_FILE: &str = "settee.lock";

/// Holds the lock until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct LockFile {
    file: File,
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Closing alone would not do: a child process that was forked just now shares the lock
        // until it runs its own program.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(target: "database", %error, "freeing the lock of a database failed");
        }
    }
}

impl LockFile {
    /// Takes the lock of the database in `folder`.
    ///
    /// # Errors
    /// `Busy` naming the database when another process holds it; `NotWriteable` when the folder
    /// cannot be written.
    pub(crate) fn acquire(folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.join(LOCK_FILE))
            .map_err(|error| not_writeable(&error, folder))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(Error::lite(
                Code::Busy,
                format!("database {shown} is open in another process"),
            )),
            Err(TryLockError::Error(error)) => Err(with_context(
                error.into(),
                &format!("locking database {shown}"),
            )),
        }
    }
}

/// What to tell about a folder or file that could not be written.
pub(crate) fn not_writeable(error: &std::io::Error, path: &Path) -> Error {
    use std::io::ErrorKind as K;
    let shown = path.display();
    match error.kind() {
        K::PermissionDenied | K::ReadOnlyFilesystem => Error::lite(
            Code::NotWriteable,
            format!("{shown} cannot be written: {error}"),
        ),
        K::StorageFull | K::QuotaExceeded => Error::Sqlite {
            code: rusqlite::ffi::SQLITE_FULL,
            message: format!("disk is full at {shown}: {error}"),
        },
        _ => Error::lite(Code::CantOpenFile, format!("{shown}: {error}")),
    }
}
