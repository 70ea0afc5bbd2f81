//! Files and folders that only their owner may read (trust §8.3).
//!
//! On Unix the modes are 0700 and 0600, set at creation; on every load the owner is checked, that
//! nobody else can read or write the file, and that nobody else can exchange files in the folder. On Windows the folder lies in the user's profile, whose access list already admits
//! the user alone; nothing further is set there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};

/// Largest file read; identities are a few KiB.
const MAX_FILE: u64 = 1024 * 1024;

/// A folder of owner-only files.
#[derive(Clone, Debug)]
pub(super) struct OwnerOnlyDir {
    path: PathBuf,
}

impl OwnerOnlyDir {
    /// Opens the folder, making it (and what is missing above it) when it is not there.
    ///
    /// # Errors
    /// `Posix`; `CantOpenFile` when it is a link, is no folder, belongs to somebody else or can be
    /// written by others.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|error| at(path, &error))?;
        let metadata = fs::symlink_metadata(path).map_err(|error| at(path, &error))?;
        if !metadata.is_dir() {
            return Err(refused(path, "it is not a folder"));
        }
        check_owner(path, &metadata, 0o022)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a file; `None` when it is not there.
    ///
    /// # Errors
    /// As [`OwnerOnlyDir::open`]; `CorruptData` above 1 MiB.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path_of(name);
        let Some(file) = self.open_checked(&path, OpenOptions::new().read(true))? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        file.take(MAX_FILE + 1)
            .read_to_end(&mut content)
            .map_err(|error| at(&path, &error))?;
        if content.len() as u64 > MAX_FILE {
            return Err(Error::lite(
                Code::CorruptData,
                format!("{}: larger than {MAX_FILE} bytes", path.display()),
            ));
        }
        Ok(Some(content))
    }

    /// Writes a file whole or not at all: a new file beside it, flushed to disk, takes its name.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path_of(name);
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| Error::lite(Code::Crypto, format!("no random bytes: {error}")))?;
        let temporary = self.path_of(&format!(".{name}.{:016x}", u64::from_le_bytes(random)));
        let written = create(&temporary)
            .and_then(|mut file| {
                file.write_all(content)?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&temporary, &path))
            .and_then(|()| self.sync());
        written.map_err(|error| {
            // It may not have been made at all.
            let _ = fs::remove_file(&temporary);
            at(&path, &error)
        })
    }

    /// Removes a file; false when it was not there.
    pub(super) fn remove(&self, name: &str) -> Result<bool> {
        let path = self.path_of(name);
        match fs::remove_file(&path).and_then(|()| self.sync()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(at(&path, &error)),
        }
    }

    /// Names of the files with this ending, without it, in no order.
    pub(super) fn names_with(&self, ending: &str) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.path).map_err(|error| at(&self.path, &error))?;
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| at(&self.path, &error))?.file_name();
            if let Some(stem) = name.to_string_lossy().strip_suffix(ending) {
                names.push(stem.to_owned());
            }
        }
        Ok(names)
    }

    /// Opens a file to lock it, making it when it is not there.
    pub(super) fn open_lock(&self, name: &str) -> Result<File> {
        let path = self.path_of(name);
        let created = create(&path);
        match created {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self
                .open_checked(&path, OpenOptions::new().read(true).write(true))?
                .ok_or_else(|| refused(&path, "it vanished")),
            Err(error) => Err(at(&path, &error)),
        }
    }

    /// Opens a plain file that is ours alone. Looks before opening, and again at what was opened:
    /// a link is not followed, and one slipped in between is noticed.
    fn open_checked(&self, path: &Path, options: &OpenOptions) -> Result<Option<File>> {
        let before = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(path, &error)),
        };
        if !before.is_file() {
            return Err(refused(path, "it is not a plain file"));
        }
        let file = options.open(path).map_err(|error| at(path, &error))?;
        let opened = file.metadata().map_err(|error| at(path, &error))?;
        if !is_same_file(&before, &opened) {
            return Err(refused(path, "it was exchanged while it was opened"));
        }
        check_owner(path, &opened, 0o077)?;
        Ok(Some(file))
    }

    #[cfg(unix)]
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    #[cfg(not(unix))]
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a new file; exclusive creation never follows a link.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Checks that it is ours and that none of the bits of `forbidden` is in its mode.
#[cfg(unix)]
fn check_owner(path: &Path, metadata: &fs::Metadata, forbidden: u32) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(path, "it belongs to another user"));
    }
    if metadata.mode() & forbidden != 0 {
        return Err(refused(
            path,
            &format!(
                "its mode is {:04o}, others may not have access",
                metadata.mode() & 0o7777
            ),
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &fs::Metadata, _: u32) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

fn refused(path: &Path, why: &str) -> Error {
    Error::lite(
        Code::CantOpenFile,
        format!("{}: refused, {why}", path.display()),
    )
}

fn at(path: &Path, error: &io::Error) -> Error {
    let message = format!("{}: {error}", path.display());
    match error.raw_os_error() {
        Some(errno) => Error::Posix { errno, message },
        None => Error::lite(Code::IoError, message),
    }
}
