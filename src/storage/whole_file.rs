//! A file outside of the database that gets its content whole or not at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::lock_file::not_writeable;
use crate::error::{Error, Result};

/// Has a new file filled beside `path`, which then takes the place of what is there. Forces nothing to
/// the disk.
///
/// # Errors
/// `InvalidParameter` for a path without a file name; those of the disk and of `fill`. What was there
/// is untouched then.
pub(crate) fn write_whole(path: &Path, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    if path.file_name().is_none() {
        return Err(Error::invalid(format!(
            "{} is no path of a file",
            path.display()
        )));
    }
    let shown = |error: std::io::Error| not_writeable(&error, path);
    let beside = Beside(path.with_file_name(format!(".settee-{}", uuid::Uuid::new_v4())));
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .open(&beside.0)
        .map_err(shown)?;
    fill(&mut file)?;
    drop(file);
    fs::rename(&beside.0, path).map_err(shown)
}

/// Removed unless it has got another name.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        // Mostly it is not there any more.
        let _ = fs::remove_file(&self.0);
    }
}
