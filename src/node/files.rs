//! The file functions (API §11).

use serde_json::json;

use super::args::Args;
use super::message::Outcome;
use super::shown;
use crate::database::default_directory;
use crate::error::{Error, Result};
use crate::model::file_url::path_of;

/// `file_GetDefaultPath` → `{path}`; the folder is made when it is missing.
pub(super) fn default_path(_: &Args<'_>) -> Result<Outcome> {
    let path = default_directory()?;
    Ok(Outcome::Json(
        json!({"path": path.to_string_lossy()}).to_string(),
    ))
}

/// `file_GetFileNamesInDirectory {path}` → `{files}`: names, sorted, not recursive.
pub(super) fn names_in_directory(args: &Args<'_>) -> Result<Outcome> {
    let given = args.text("path")?;
    let path = path_of(given);
    let read = || -> std::io::Result<Vec<String>> {
        std::fs::read_dir(&*path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let mut files = read().map_err(|error| match Error::from(error) {
        Error::Posix { errno, message } => Error::Posix {
            errno,
            message: format!("directory {}: {message}", shown(&path)),
        },
        other => other,
    })?;
    files.sort_unstable();
    Ok(Outcome::Json(json!({"files": files}).to_string()))
}
