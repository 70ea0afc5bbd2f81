//! Indexes of collections: their list, and what SQLite keeps for them.
//!
//! | kind | in SQLite, *n* being the index's number |
//! |---|---|
//! | value | the expression index `index_<n>` on the collection's table |
//! | array | the expression index `index_<n>` on the table of the path, see [`array_table`] |
//! | full-text | the FTS4 table `fts_<n>` with the columns `c0`, `c1` …, whose rows have the sequences of the documents as docid; triggers `fts_<n>_insert`, `_update`, `_delete` keep it inside the writing transaction |
//!
//! Nothing of these names comes from outside, so that no name needs quoting.

use std::fmt::Write as _;

use super::{Connection, array_table};
use crate::error::Result;

/// What an index is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexKind {
    /// Values of expressions.
    Value,
    /// Words of texts.
    FullText,
    /// Elements of arrays.
    Array,
}

impl IndexKind {
    fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::FullText => "full-text",
            Self::Array => "array",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Value, Self::FullText, Self::Array]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A row of the table `indexes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredIndex {
    /// Its number, never used again.
    pub(crate) id: i64,
    /// Number of the collection.
    pub(crate) collection: i64,
    /// The user's name for it.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) kind: IndexKind,
    /// Its definition as JSON text.
    pub(crate) definition: String,
    /// Version of the functions that its content was made with.
    pub(crate) version: String,
}

/// What is to be indexed, as SQL over the columns of a collection's table; for an array index over those
/// of the table of elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexSql {
    /// The expressions; of a full-text index what gives the words.
    pub(crate) expressions: Vec<String>,
    /// Only the rows for which this is true.
    pub(crate) condition: Option<String>,
    /// Path of the array whose elements are indexed.
    pub(crate) array: Option<String>,
}

/// Name of the FTS4 table of index number `id`.
pub(crate) fn full_text_table(id: i64) -> String {
    format!("fts_{id}")
}

/// All indexes of the database, in order of their numbers.
pub(crate) fn list(connection: &Connection) -> Result<Vec<StoredIndex>> {
    let mut statement = connection.inner.prepare_cached(
        "SELECT id, collection, name, kind, definition, version FROM indexes ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(3)?;
        let Some(kind) = IndexKind::from_name(&kind) else {
            tracing::warn!(target: "database", kind, "an index of an unknown kind is ignored");
            continue;
        };
        found.push(StoredIndex {
            id: row.get(0)?,
            collection: row.get(1)?,
            name: row.get(2)?,
            kind,
            definition: row.get(4)?,
            version: row.get(5)?,
        });
    }
    Ok(found)
}

/// Adds an index to the list and fills it; answers with its number.
pub(crate) fn create(
    connection: &Connection,
    collection: i64,
    name: &str,
    kind: IndexKind,
    definition: &str,
    version: &str,
    sql: &IndexSql,
) -> Result<i64> {
    connection.inner.execute(
        "INSERT INTO indexes (collection, name, kind, definition, version)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        (collection, name, kind.name(), definition, version),
    )?;
    let id = connection.inner.last_insert_rowid();
    fill(connection, id, collection, kind, sql)?;
    Ok(id)
}

/// Removes an index and what it held.
pub(crate) fn remove(connection: &Connection, id: i64, kind: IndexKind) -> Result<()> {
    empty(connection, id, kind)?;
    connection
        .inner
        .execute("DELETE FROM indexes WHERE id = ?1", [id])?;
    Ok(())
}

/// Makes the content of an index anew.
pub(crate) fn rebuild(
    connection: &Connection,
    index: &StoredIndex,
    version: &str,
    sql: &IndexSql,
) -> Result<()> {
    empty(connection, index.id, index.kind)?;
    if let Some(path) = &sql.array {
        // It is still there when other indexes are on it.
        array_table::refill(connection, index.collection, path)?;
    }
    fill(connection, index.id, index.collection, index.kind, sql)?;
    connection.inner.execute(
        "UPDATE indexes SET version = ?2 WHERE id = ?1",
        (index.id, version),
    )?;
    Ok(())
}

fn empty(connection: &Connection, id: i64, kind: IndexKind) -> Result<()> {
    let sql = match kind {
        IndexKind::Value => format!("DROP INDEX IF EXISTS index_{id}"),
        IndexKind::FullText => format!(
            "DROP TRIGGER IF EXISTS fts_{id}_insert;
             DROP TRIGGER IF EXISTS fts_{id}_update;
             DROP TRIGGER IF EXISTS fts_{id}_delete;
             DROP TABLE IF EXISTS fts_{id};"
        ),
        IndexKind::Array => {
            return array_table::remove_index(connection, &format!("index_{id}"));
        }
    };
    Ok(connection.inner.execute_batch(&sql)?)
}

fn fill(
    connection: &Connection,
    id: i64,
    collection: i64,
    kind: IndexKind,
    sql: &IndexSql,
) -> Result<()> {
    let sql = match (kind, &sql.array) {
        (IndexKind::FullText, _) => full_text_index(id, collection, sql),
        (_, Some(path)) => {
            array_table::make(connection, collection, path)?;
            value_index(id, &array_table::name(collection, path), sql)
        }
        (_, None) => value_index(id, &format!("docs_{collection}"), sql),
    };
    Ok(connection.inner.execute_batch(&sql)?)
}

fn value_index(id: i64, table: &str, sql: &IndexSql) -> String {
    // The export under another key looks for these two words.
    let mut text = format!(
        "CREATE INDEX index_{id} ON {table} ({})",
        sql.expressions.join(", ")
    );
    if let Some(condition) = &sql.condition {
        let _ = write!(text, " WHERE {condition}");
    }
    text
}

fn full_text_index(id: i64, collection: i64, sql: &IndexSql) -> String {
    let columns: Vec<String> = (0..sql.expressions.len())
        .map(|n| format!("c{n}"))
        .collect();
    let columns = columns.join(", ");
    let condition = match &sql.condition {
        Some(condition) => format!("flags & 1 = 0 AND ({condition})"),
        None => "flags & 1 = 0".to_owned(),
    };
    let insert = format!(
        "INSERT INTO fts_{id} (docid, {columns}) SELECT sequence, {} FROM docs_{collection}
         WHERE {condition}",
        sql.expressions.join(", ")
    );
    format!(
        "CREATE VIRTUAL TABLE fts_{id} USING fts4({columns}, tokenize=simple);
         {insert};
         CREATE TRIGGER fts_{id}_insert AFTER INSERT ON docs_{collection} BEGIN
             {insert} AND sequence = new.sequence;
         END;
         CREATE TRIGGER fts_{id}_update AFTER UPDATE OF sequence, flags, body ON docs_{collection}
         BEGIN
             DELETE FROM fts_{id} WHERE docid = old.sequence;
             {insert} AND sequence = new.sequence;
         END;
         CREATE TRIGGER fts_{id}_delete AFTER DELETE ON docs_{collection} BEGIN
             DELETE FROM fts_{id} WHERE docid = old.sequence;
         END;"
    )
}
