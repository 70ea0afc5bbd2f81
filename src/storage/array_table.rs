//! The elements of the arrays at one path, as rows: what `UNNEST` of that path reads when there is an
//! array index (query spec §8.1).
//!
//! | column | what it holds |
//! |---|---|
//! | `document` | the document's sequence |
//! | `position` | place of the element: a number in an array, the key in an object, 0 for what is neither |
//! | `value`, `type` | the element, exactly as `jsonb_each` gives it |
//!
//! A row is a row of `jsonb_each`, so that the same SQL over it means the same, and an SQLite index on
//! `sp1_elem(value, type, 'city')` serves what asks for that. All indexes of one path share a table: it
//! comes with the first of them and goes with the last. Triggers keep it inside the writing transaction.
//! Tombstones are in it too, for queries that ask for them.

use std::fmt::Write as _;

use rusqlite::OptionalExtension as _;
use sha1::{Digest as _, Sha1};

use super::Connection;
use crate::error::Result;

/// Name of the table of a collection's path. The path itself is no part of it, so that no name needs
/// quoting.
pub(crate) fn name(collection: i64, path: &str) -> String {
    let mut name = format!("array_{collection}_");
    for byte in Sha1::digest(path.as_bytes()) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Makes and fills the table of a path, if it is not there.
pub(super) fn make(connection: &Connection, collection: i64, path: &str) -> Result<()> {
    let table = name(collection, path);
    if exists(connection, &table)? {
        return Ok(());
    }
    let path = literal(path);
    let added = format!(
        "INSERT INTO {table} (document, position, value, type)
             SELECT new.sequence, ifnull(key, 0), value, type
             FROM jsonb_each(sp1_jsonb(new.body, {path}));"
    );
    let removed = format!("DELETE FROM {table} WHERE document = old.sequence;");
    let docs = format!("docs_{collection}");
    connection.inner.execute_batch(&format!(
        "CREATE TABLE {table} (
             document INTEGER NOT NULL,
             position NOT NULL,
             value,
             type TEXT NOT NULL,
             PRIMARY KEY (document, position)
         ) WITHOUT ROWID;
         CREATE TRIGGER {table}_insert AFTER INSERT ON {docs} BEGIN {added} END;
         CREATE TRIGGER {table}_update AFTER UPDATE OF sequence, body ON {docs}
         BEGIN {removed} {added} END;
         CREATE TRIGGER {table}_delete AFTER DELETE ON {docs} BEGIN {removed} END;"
    ))?;
    fill(connection, collection, &table, &path)
}

/// Makes the content of the table of a path anew, if the table is there.
pub(super) fn refill(connection: &Connection, collection: i64, path: &str) -> Result<()> {
    let table = name(collection, path);
    if !exists(connection, &table)? {
        return Ok(());
    }
    let delete = format!("DELETE FROM {table}");
    connection.inner.execute_batch(&delete)?;
    fill(connection, collection, &table, &literal(path))
}

fn fill(connection: &Connection, collection: i64, table: &str, path: &str) -> Result<()> {
    Ok(connection.inner.execute_batch(&format!(
        "INSERT INTO {table} (document, position, value, type)
         SELECT d.sequence, ifnull(e.key, 0), e.value, e.type
         FROM docs_{collection} AS d, jsonb_each(sp1_jsonb(d.body, {path})) AS e
         ORDER BY d.sequence"
    ))?)
}

/// Removes an index, and the table that it is on when it was the last there.
pub(super) fn remove_index(connection: &Connection, index: &str) -> Result<()> {
    let table: Option<String> = connection
        .inner
        .query_row(
            "SELECT tbl_name FROM sqlite_schema WHERE type = 'index' AND name = ?1",
            [index],
            |row| row.get(0),
        )
        .optional()?;
    let Some(table) = table else {
        return Ok(());
    };
    connection
        .inner
        .execute_batch(&format!("DROP INDEX {index}"))?;
    // The one of its primary key has no text.
    let left: bool = connection.inner.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema
             WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL)",
        [&table],
        |row| row.get(0),
    )?;
    if left {
        return Ok(());
    }
    Ok(connection.inner.execute_batch(&format!(
        "DROP TRIGGER IF EXISTS {table}_insert;
         DROP TRIGGER IF EXISTS {table}_update;
         DROP TRIGGER IF EXISTS {table}_delete;
         DROP TABLE {table};"
    ))?)
}

fn exists(connection: &Connection, table: &str) -> Result<bool> {
    Ok(connection.inner.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
        [table],
        |row| row.get(0),
    )?)
}

/// A string literal; no path has a NUL in it.
fn literal(path: &str) -> String {
    format!("'{}'", path.replace('\'', "''"))
}
