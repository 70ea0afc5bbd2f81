//! Names and places of databases.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Code, Error, Result};
use crate::model::file_url::path_of;
use crate::storage::connection::DATABASE_FILE;
use crate::storage::lock_file::not_writeable;

/// What an application may say about a database that it opens (API spec §4.2).
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DatabaseOptions {
    /// Folder in which the database's own folder lies. Default, also when empty:
    /// [`default_directory`]. A `file://` URL is taken as the path that it means.
    pub directory: Option<PathBuf>,
    /// Passphrase from which the 256-bit key is derived. Default, also when empty: not encrypted.
    pub encryption_key: Option<String>,
    /// Whether each commit waits for the disk, so that not even a power cut loses it. Default:
    /// false, a power cut may lose the last commits, a killed process loses nothing. Of several
    /// handles on one database one that asks is enough, until the last of them is closed.
    pub full_sync: Option<bool>,
}

impl std::fmt::Debug for DatabaseOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseOptions")
            .field("directory", &self.directory)
            .field("encryption_key", &self.passphrase().map(|_| "…"))
            .field("full_sync", &self.full_sync)
            .finish()
    }
}

impl DatabaseOptions {
    /// Options with everything at its default but the folder.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: Some(directory.into()),
            ..Self::default()
        }
    }

    /// The same options with a passphrase.
    #[must_use]
    pub fn with_encryption_key(mut self, passphrase: impl Into<String>) -> Self {
        self.encryption_key = Some(passphrase.into());
        self
    }

    /// The passphrase, if there is one.
    pub(super) fn passphrase(&self) -> Option<&str> {
        self.encryption_key.as_deref().filter(|key| !key.is_empty())
    }
}

/// The folder of the database called `name`: `<directory>/<name>.cblite2`, as an absolute path.
///
/// # Errors
/// `InvalidParameter` for a bad name.
pub(super) fn database_folder(name: &str, directory: Option<&Path>) -> Result<PathBuf> {
    check_name(name)?;
    let given = directory
        .map(without_scheme)
        .filter(|path| !path.as_os_str().is_empty());
    let directory = match given {
        Some(path) => path.into_owned(),
        None => default_directory()?,
    };
    Ok(std::path::absolute(directory)?.join(format!("{name}.cblite2")))
}

/// Whether this folder holds a database of ours.
pub(super) fn holds_database(folder: &Path) -> bool {
    folder.join(DATABASE_FILE).is_file()
}

/// Whether this folder holds a database of Couchbase Lite itself, which we never touch.
pub(super) fn holds_foreign_database(folder: &Path) -> bool {
    folder.join("db.sqlite3").exists() && !folder.join(DATABASE_FILE).exists()
}

/// What to tell about such a folder.
pub(super) fn foreign_database(folder: &Path) -> Error {
    Error::lite(
        Code::WrongFormat,
        format!(
            "{} holds a database of Couchbase Lite itself (db.sqlite3), which cannot be opened here and is left alone",
            folder.display()
        ),
    )
}

/// Where databases lie when an application names no directory: the environment variable
/// `SETTEE_HOME`, else `settee` in the user's data directory. Made, for its owner only, when it
/// is not there (API spec §11).
///
/// # Errors
/// `NotFound` when the system names no home; `NotWriteable` when the folder cannot be made.
pub fn default_directory() -> Result<PathBuf> {
    let from_variable = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| !path.as_os_str().is_empty())
    };
    let home = || from_variable("HOME");
    let data = || {
        if cfg!(windows) {
            from_variable("APPDATA")
        } else if cfg!(target_os = "macos") {
            home().map(|home| home.join("Library/Application Support"))
        } else {
            from_variable("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share")))
        }
    };
    let path = from_variable("SETTEE_HOME")
        .or_else(|| data().map(|data| data.join("settee")))
        .ok_or_else(|| {
            Error::not_found(
                "no default directory: neither SETTEE_HOME nor a home directory is set",
            )
        })?;
    create_private_folder(&path)?;
    Ok(path)
}

/// Makes a folder and its parents; the folder itself only for its owner.
pub(super) fn create_private_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| not_writeable(&error, parent))?;
        }
        builder.mode(0o700);
    }
    builder
        .create(path)
        .map_err(|error| not_writeable(&error, path))
}

fn without_scheme(path: &Path) -> Cow<'_, Path> {
    match path.to_str().map(path_of) {
        Some(Cow::Owned(path)) => Cow::Owned(path.into()),
        Some(Cow::Borrowed(path)) => Cow::Borrowed(Path::new(path)),
        None => Cow::Borrowed(path),
    }
}

/// Longest database name, in bytes.
const NAME_MAX: usize = 240;

/// The rule of API spec §13.2.
fn check_name(name: &str) -> Result<()> {
    let shown: String = name.chars().take(80).collect();
    let bad = |why: &str| Err(Error::invalid(format!("database name {shown:?} {why}")));
    if name.is_empty() || name.len() > NAME_MAX {
        return bad(&format!("is {} bytes, must be 1 to {NAME_MAX}", name.len()));
    }
    if name.contains(['/', '\\', ':']) {
        return bad("has one of / \\ :");
    }
    if name.chars().any(char::is_control) {
        return bad("has a control character");
    }
    if name == "." || name == ".." {
        return bad("is reserved");
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let stem = stem.to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    if matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT") {
        return bad("is the name of a device on Windows");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_names_follow_the_rule_of_api_13_2() {
        for good in [
            "a",
            "my db",
            "ünïcode",
            "a.b",
            "console",
            "COM",
            "nul2",
            &"x".repeat(240),
        ] {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
        let long = "x".repeat(241);
        for bad in [
            "", ".", "..", "a/b", "../x", "a\\b", "c:", "a\0b", "a\nb", "\u{7f}", "CON", "con",
            "aux.txt", "Com1", "lpt9.x", "NUL", &long,
        ] {
            let error = check_name(bad).unwrap_err();
            assert!(error.is(Code::InvalidParameter), "{bad:?}");
        }
    }

    #[test]
    fn a_file_scheme_and_an_empty_directory_are_understood() {
        let folder = database_folder("a", Some(Path::new("file:///x/y"))).unwrap();
        assert_eq!(
            folder,
            std::path::absolute("/x/y").unwrap().join("a.cblite2")
        );
        let spaced = database_folder("a", Some(Path::new("file:///x%20y"))).unwrap();
        assert!(spaced.ends_with("x y/a.cblite2"), "{spaced:?}");
        let options: DatabaseOptions =
            serde_json::from_str(r#"{"directory":"/x","encryptionKey":""}"#).unwrap();
        assert_eq!(options.passphrase(), None);
    }

    #[test]
    fn options_never_show_the_key() {
        let options = DatabaseOptions::default().with_encryption_key("secret");
        assert!(!format!("{options:?}").contains("secret"));
    }
}
