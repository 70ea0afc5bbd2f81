//! Changing the key of a database (design D7).

use std::path::Path;

use crate::error::Result;
use crate::storage::connection::DATABASE_FILE;
use crate::storage::lock_file::not_writeable;

/// Suffix of the file that a new key is applied to before it takes the database's place.
const REKEYED_SUFFIX: &str = ".new";

/// Removes what an interrupted change of the key left behind: the database itself is whole.
pub(super) fn finish_interrupted_rekeying(folder: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = folder.join(format!("{DATABASE_FILE}{REKEYED_SUFFIX}{suffix}"));
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(not_writeable(&error, &path)),
        }
    }
    Ok(())
}
