//! Writing the whole database into a new file, under the same key, another one or none.

use std::fs::File;
use std::path::Path;

use zeroize::Zeroizing;

use super::Connection;
use super::connection::CipherKey;
use super::lock_file::not_writeable;
use crate::error::{Error, Result};

/// Exports everything that `connection` sees into the new file `target`, and forces it to the
/// disk.
pub(crate) fn export(
    connection: &Connection,
    target: &Path,
    key: Option<&CipherKey>,
) -> Result<()> {
    let path = target
        .to_str()
        .ok_or_else(|| Error::invalid(format!("path {} is not valid Unicode", target.display())))?;
    let key = key.map_or_else(Zeroizing::default, CipherKey::literal);
    connection.inner.execute(
        "ATTACH DATABASE ?1 AS exported KEY ?2",
        (path, key.as_str()),
    )?;
    let exported = export_attached(connection);
    let detached = connection.inner.execute_batch("DETACH DATABASE exported");
    exported?;
    detached?;
    File::options()
        .write(true)
        .open(target)
        .and_then(|file| file.sync_all())
        .map_err(|error| not_writeable(&error, target))
}

fn export_attached(connection: &Connection) -> Result<()> {
    let pragma = |name: &str| -> Result<i32> {
        Ok(connection
            .inner
            .pragma_query_value(None, name, |row| row.get(0))?)
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    connection
        .inner
        .execute_batch("PRAGMA exported.auto_vacuum = INCREMENTAL")?;
    connection
        .inner
        .query_row("SELECT sqlcipher_export('exported')", [], |_| Ok(()))?;
    connection.inner.execute_batch(&format!(
        "PRAGMA exported.application_id = {application}; PRAGMA exported.user_version = {version};"
    ))?;
    Ok(())
}
