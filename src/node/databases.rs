//! Opening, closing, deleting, maintaining databases (API §13.2). Everything here may block.

use std::path::Path;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::args::Args;
use super::message::Outcome;
use super::tokens::Source;
use crate::database::{Database, DatabaseOptions, Maintenance};
use crate::error::{Error, Result};
use crate::model::file_url::path_of;

/// `database_Open {name, config}` → `{databaseUniqueName}`.
pub(super) fn open(args: &Args<'_>) -> Result<Outcome> {
    let name = args.text("name")?;
    let options = options(args)?;
    let open = args
        .runtime
        .databases
        .add(Database::open(name, &options)?)?;
    Ok(Outcome::Json(
        json!({"databaseUniqueName": open.unique_name}).to_string(),
    ))
}

/// `database_Close {name}`: closing again resolves; a name that was never open is refused.
pub(super) fn close(args: &Args<'_>) -> Result<Outcome> {
    let name = args.text("name")?;
    let databases = &args.runtime.databases;
    let open = match databases.get(name) {
        Ok(open) => open,
        Err(_) if databases.was_open(name) => return Ok(Outcome::Nothing),
        Err(error) => return Err(error),
    };
    databases.remove(&open);
    open.database.close()?;
    forget_dependants(args, &open.unique_name);
    Ok(Outcome::Nothing)
}

/// `database_Delete {name}`.
pub(super) fn delete(args: &Args<'_>) -> Result<Outcome> {
    let open = args.database()?;
    open.database.delete()?;
    args.runtime.databases.remove(&open);
    forget_dependants(args, &open.unique_name);
    Ok(Outcome::Nothing)
}

/// Listeners end with their handle, without a word; the engine itself has stopped replicators and
/// URL listeners.
fn forget_dependants(args: &Args<'_>, unique_name: &str) {
    args.runtime.tokens.remove_where(|_, source| match source {
        Source::Changes { database, .. } | Source::Query { database, .. } => {
            database.unique_name == unique_name
        }
        Source::Questions { unique_name: own } => own == unique_name,
        Source::Pending | Source::Replicator(_) | Source::Browser(_) => false,
    });
    args.runtime.url_listeners.database_closed(unique_name);
}

/// `database_DeleteWithPath {databaseName, directory}`: what is not there is deleted.
pub(super) fn delete_with_path(args: &Args<'_>) -> Result<Outcome> {
    let name = args.text("databaseName")?;
    Database::delete_at(name, args.optional_text("directory")?.map(Path::new))?;
    Ok(Outcome::Nothing)
}

/// `database_Exists {databaseName, directory}` → `{exists}`.
pub(super) fn exists(args: &Args<'_>) -> Result<Outcome> {
    let name = args.text("databaseName")?;
    let exists = Database::exists(name, args.optional_text("directory")?.map(Path::new));
    Ok(Outcome::Json(json!({"exists": exists}).to_string()))
}

/// `database_GetPath {name}` → `{path}`.
pub(super) fn path(args: &Args<'_>) -> Result<Outcome> {
    let open = args.database()?;
    let path = open.database.path().to_string_lossy();
    Ok(Outcome::Json(json!({"path": path}).to_string()))
}

/// `database_PerformMaintenance {name, maintenanceType}`.
pub(super) fn perform_maintenance(args: &Args<'_>) -> Result<Outcome> {
    let open = args.database()?;
    // More than there are kinds, so that the engine's own message names the number.
    let kind = args.number("maintenanceType", 1 << 31)?;
    let kind = Maintenance::from_number(i64::try_from(kind).unwrap_or(i64::MAX))?;
    open.database.perform_maintenance(kind)?;
    Ok(Outcome::Nothing)
}

/// `database_Copy {path, newName, config}`: copies the database folder at `path`.
pub(super) fn copy(args: &Args<'_>) -> Result<Outcome> {
    let options = options(args)?;
    let path = path_of(args.text("path")?);
    Database::copy(Path::new(&*path), args.text("newName")?, &options)?;
    Ok(Outcome::Nothing)
}

/// `database_ChangeEncryptionKey {name, newKey}`: no key decrypts.
pub(super) fn change_encryption_key(args: &Args<'_>) -> Result<Outcome> {
    let open = args.database()?;
    open.database
        .change_encryption_key(args.optional_text("newKey")?)?;
    Ok(Outcome::Nothing)
}

/// The `config` of a call; defaults when there is none.
fn options(args: &Args<'_>) -> Result<DatabaseOptions> {
    match args.field("config") {
        Value::Null => Ok(DatabaseOptions::default()),
        config => DatabaseOptions::deserialize(config)
            .map_err(|error| Error::invalid(format!("argument \"config\": {error}"))),
    }
}
