//! The elements of the arrays at one path, as rows: what `UNNEST` of that path reads when there is an
//! array index (query spec §8.1).
//!
//! | column | what it holds |
//! |---|---|
//! | `document` | the document's sequence |
//! | `outer_1` … | places of the elements that it is within, outermost first, when the path is `a[].b` |
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

/// What stands in a path between an array and what is inside its elements.
const THROUGH: &str = "[].";

/// The column with the place of the element, number `level` from outside, that a row's element is within.
fn outer(level: usize) -> String {
    format!("outer_{level}")
}

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
    let levels = Levels::new(path);
    let added = levels.insert(&table, "new", "");
    let removed = format!("DELETE FROM {table} WHERE document = old.sequence;");
    let docs = format!("docs_{collection}");
    connection.inner.execute_batch(&format!(
        "CREATE TABLE {table} (
             document INTEGER NOT NULL,
             {positions} NOT NULL,
             value,
             type TEXT NOT NULL,
             PRIMARY KEY (document, {key})
         ) WITHOUT ROWID;
         CREATE TRIGGER {table}_insert AFTER INSERT ON {docs} BEGIN {added}; END;
         CREATE TRIGGER {table}_update AFTER UPDATE OF sequence, body ON {docs}
         BEGIN {removed} {added}; END;
         CREATE TRIGGER {table}_delete AFTER DELETE ON {docs} BEGIN {removed} END;",
        positions = levels.positions.join(" NOT NULL, "),
        key = levels.positions.join(", ")
    ))?;
    fill(connection, collection, &table, &levels)
}

/// Makes the content of the table of a path anew, if the table is there.
pub(super) fn refill(connection: &Connection, collection: i64, path: &str) -> Result<()> {
    let table = name(collection, path);
    if !exists(connection, &table)? {
        return Ok(());
    }
    let delete = format!("DELETE FROM {table}");
    connection.inner.execute_batch(&delete)?;
    fill(connection, collection, &table, &Levels::new(path))
}

fn fill(connection: &Connection, collection: i64, table: &str, levels: &Levels) -> Result<()> {
    let insert = levels.insert(table, "d", &format!("docs_{collection} AS d, "));
    let sql = format!("{insert} ORDER BY d.sequence");
    Ok(connection.inner.execute_batch(&sql)?)
}

/// The arrays that a path leads through.
struct Levels {
    /// The path of each inside of what was before it, as SQL.
    paths: Vec<String>,
    /// The columns with the places in them.
    positions: Vec<String>,
}

impl Levels {
    fn new(path: &str) -> Self {
        let paths: Vec<String> = path.split(THROUGH).map(literal).collect();
        let mut positions: Vec<String> = (1..paths.len()).map(outer).collect();
        positions.push("position".to_owned());
        Self { paths, positions }
    }

    /// The elements of a document, a row of which is called `row`, put into the table. `from` stands before
    /// the arrays.
    fn insert(&self, table: &str, row: &str, from: &str) -> String {
        let mut sql = format!(
            "INSERT INTO {table} (document, {}, value, type) SELECT {row}.sequence",
            self.positions.join(", ")
        );
        let last = self.paths.len();
        for level in 1..=last {
            let _ = write!(sql, ", ifnull(e{level}.key, 0)");
        }
        let _ = write!(sql, ", e{last}.value, e{last}.type FROM {from}");
        for (before, path) in self.paths.iter().enumerate() {
            let level = before + 1;
            let _ = match before {
                0 => write!(sql, "jsonb_each(sp1_jsonb({row}.body, {path})) AS e1"),
                _ => write!(
                    sql,
                    ", jsonb_each(sp1_jsonb_of(sp1_elem(e{before}.value, e{before}.type, {path}))) \
                     AS e{level}"
                ),
            };
        }
        sql
    }
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
