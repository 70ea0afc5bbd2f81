//! Checkpoints of both roles, numbers of remotes, identity of the database.

use rusqlite::OptionalExtension as _;

use super::Connection;
use crate::error::{Code, Error, Result};

/// The checkpoint that this side stored as the active one.
pub(crate) fn local(connection: &Connection, client: &str) -> Result<Option<Vec<u8>>> {
    Ok(connection
        .inner
        .prepare_cached("SELECT body FROM checkpoints WHERE client = ?1")?
        .query_row([client], |row| row.get(0))
        .optional()?)
}

/// Stores the checkpoint of the active side.
pub(crate) fn save_local(connection: &Connection, client: &str, body: &[u8]) -> Result<()> {
    connection
        .inner
        .prepare_cached(
            "INSERT INTO checkpoints (client, body) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET body = excluded.body",
        )?
        .execute((client, body))?;
    Ok(())
}

/// The checkpoint that a client stored here, with its revision.
pub(crate) fn peer(connection: &Connection, client: &str) -> Result<Option<(String, Vec<u8>)>> {
    Ok(connection
        .inner
        .prepare_cached("SELECT rev, body FROM peer_checkpoints WHERE client = ?1")?
        .query_row([client], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Stores a client's checkpoint.
pub(crate) fn save_peer(
    connection: &Connection,
    client: &str,
    rev: &str,
    body: &[u8],
) -> Result<()> {
    connection
        .inner
        .prepare_cached(
            "INSERT INTO peer_checkpoints (client, rev, body) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET rev = excluded.rev, body = excluded.body",
        )?
        .execute((client, rev, body))?;
    Ok(())
}

/// The number of the remote with this key, if it has one.
pub(crate) fn remote(connection: &Connection, key: &str) -> Result<Option<u32>> {
    Ok(connection
        .inner
        .prepare_cached("SELECT id FROM remotes WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?)
}

/// Gives a new remote a number.
pub(crate) fn add_remote(connection: &Connection, key: &str) -> Result<u32> {
    Ok(connection
        .inner
        .prepare_cached("INSERT INTO remotes (key) VALUES (?1) RETURNING id")?
        .query_row([key], |row| row.get(0))?)
}

/// A value of the table `info`.
pub(crate) fn info(connection: &Connection, key: &str) -> Result<Option<Vec<u8>>> {
    Ok(connection
        .inner
        .query_row("SELECT value FROM info WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()?)
}

/// Sets a value of the table `info`.
pub(crate) fn set_info(connection: &Connection, key: &str, value: &[u8]) -> Result<()> {
    connection.inner.execute(
        "INSERT INTO info (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        (key, value),
    )?;
    Ok(())
}

/// Gives a copied database an identity of its own and no checkpoints.
pub(crate) fn become_a_copy(connection: &Connection) -> Result<()> {
    connection.begin()?;
    let changed = (|| {
        for key in ["private_uuid", "public_uuid"] {
            set_info(connection, key, uuid::Uuid::new_v4().as_bytes())?;
        }
        connection.inner.execute_batch(
            "DELETE FROM checkpoints; DELETE FROM peer_checkpoints;
                 DELETE FROM info WHERE key = 'cookies';",
        )?;
        connection.commit()
    })();
    connection.roll_back();
    changed
}

/// A 16-byte identifier of the table `info`.
///
/// # Errors
/// `CorruptData` when it is missing or has another length.
pub(crate) fn uuid(connection: &Connection, key: &str) -> Result<[u8; 16]> {
    info(connection, key)?
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Error::lite(Code::CorruptData, format!("database has no {key}")))
}
