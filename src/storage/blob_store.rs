//! Small blobs: rows of the table `blobs`, committed with their documents.

use rusqlite::OptionalExtension as _;

use super::Connection;
use crate::error::{Code, Error, Result};
use crate::model::BlobDigest;

/// Longest blob that lives in the table, in bytes. Longer ones are files.
pub(crate) const SMALL_BLOB_MAX: usize = 64 * 1024;

/// Stores a blob, if it is not there yet.
pub(crate) fn put(connection: &Connection, digest: &BlobDigest, content: &[u8]) -> Result<()> {
    connection
        .inner
        .prepare_cached(
            "INSERT INTO blobs (digest, content) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute((digest.as_bytes().as_slice(), content))?;
    Ok(())
}

/// Whether the blob is in the table.
pub(crate) fn contains(connection: &Connection, digest: &BlobDigest) -> Result<bool> {
    Ok(connection
        .inner
        .prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?
        .exists([digest.as_bytes().as_slice()])?)
}

/// The content of a blob.
pub(crate) fn get(connection: &Connection, digest: &BlobDigest) -> Result<Option<Vec<u8>>> {
    Ok(connection
        .inner
        .prepare_cached("SELECT content FROM blobs WHERE digest = ?1")?
        .query_row([digest.as_bytes().as_slice()], |row| row.get(0))
        .optional()?)
}

/// Removes a blob.
pub(crate) fn remove(connection: &Connection, digest: &BlobDigest) -> Result<()> {
    connection
        .inner
        .prepare_cached("DELETE FROM blobs WHERE digest = ?1")?
        .execute([digest.as_bytes().as_slice()])?;
    Ok(())
}

/// All blobs of the table.
pub(crate) fn list(connection: &Connection) -> Result<Vec<BlobDigest>> {
    let mut statement = connection
        .inner
        .prepare_cached("SELECT digest FROM blobs")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(0)?;
        let bytes = bytes
            .try_into()
            .map_err(|_| Error::lite(Code::CorruptData, "table blobs has a bad digest"))?;
        found.push(BlobDigest::from_bytes(bytes));
    }
    Ok(found)
}
