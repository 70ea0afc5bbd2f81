//! Running a compiled query: rows go straight into one JSON text, without a tree between.

use std::cell::Cell;

use rusqlite::types::ValueRef;

use super::Connection;
use super::sql_functions::{ARRAY, Bound, OBJECT, RESULT_FALSE, RESULT_NULL, RESULT_TRUE};
use crate::error::{Code, Error, Result};
use crate::model::body::{decode_element, element, escape_into};
use crate::query::value::{MAX_RESULT_NESTING, format_double};

/// Longest text of a result, in bytes: what a JavaScript string holds.
pub(crate) const MAX_RESULT_LEN: usize = 512 * 1024 * 1024 - 1024;

/// Longest SQL whose statement stays prepared.
const MAX_CACHED_SQL: usize = 16 * 1024;

/// Room that a row is expected to take.
const ROW_LEN: usize = 200;

/// The keys of a row as JSON text: `"name":`.
#[derive(Debug)]
pub(crate) struct RowKeys(Vec<Vec<u8>>);

impl RowKeys {
    /// The keys of these columns.
    pub(crate) fn new(columns: &[String]) -> Self {
        Self(
            columns
                .iter()
                .map(|column| {
                    let mut key = Vec::with_capacity(column.len() + 3);
                    key.push(b'"');
                    escape_into(column.as_bytes(), &mut key);
                    key.extend_from_slice(b"\":");
                    key
                })
                .collect(),
        )
    }
}

/// Rows as JSON text, and how many they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// An array of objects.
    pub(crate) json: String,
    /// Its length.
    pub(crate) count: u64,
}

/// Runs a query to its end. `parameters` are bound in order.
///
/// # Errors
/// Those of SQLite; `MemoryError` when the text gets longer than `max_len`; `CorruptData` for a
/// damaged value.
pub(crate) fn run(
    connection: &Connection,
    sql: &str,
    parameters: &[Bound<'_>],
    keys: &RowKeys,
    max_len: usize,
) -> Result<Rows> {
    with_statement(connection, sql, |statement| {
        let mut out = Vec::with_capacity(ROW_LEN);
        out.push(b'[');
        let mut count = 0;
        let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            if count > 0 {
                out.push(b',');
            }
            write_row(row, keys, &mut out)?;
            if out.len() > max_len {
                return Err(Error::lite(
                    Code::MemoryError,
                    format!("result of the query is longer than {max_len} bytes, use LIMIT"),
                ));
            }
            count += 1;
        }
        out.push(b']');
        let json = String::from_utf8(out)
            .map_err(|_| Error::lite(Code::CorruptData, "a stored text is not UTF-8"))?;
        Ok(Rows { json, count })
    })
}

/// The lines of EXPLAIN QUERY PLAN: `id|parent|unused| detail`.
pub(crate) fn plan(connection: &Connection, sql: &str) -> Result<Vec<String>> {
    // EXPLAIN itself does not notice that indexes have come or gone.
    connection.pin_snapshot()?;
    let mut statement = connection
        .inner
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let mut rows = statement.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, parent, unused): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let detail: String = row.get(3)?;
        lines.push(format!("{id}|{parent}|{unused}| {detail}"));
    }
    Ok(lines)
}

/// Prepares without running, to learn what SQLite has against it.
pub(crate) fn prepare(connection: &Connection, sql: &str) -> Result<()> {
    with_statement(connection, sql, |_| Ok(()))
}

fn with_statement<T>(
    connection: &Connection,
    sql: &str,
    work: impl FnOnce(&mut rusqlite::Statement<'_>) -> Result<T>,
) -> Result<T> {
    if sql.len() <= MAX_CACHED_SQL {
        let mut statement = connection.inner.prepare_cached(sql)?;
        work(&mut statement)
    } else {
        let mut statement = connection.inner.prepare(sql)?;
        work(&mut statement)
    }
}

fn write_row(row: &rusqlite::Row<'_>, keys: &RowKeys, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    let first = Cell::new(true);
    let key = |key: &[u8], out: &mut Vec<u8>| {
        if !first.replace(false) {
            out.push(b',');
        }
        out.extend_from_slice(key);
    };
    for (index, name) in keys.0.iter().enumerate() {
        let value = row.get_ref(index)?;
        if matches!(value, ValueRef::Null) {
            continue;
        }
        key(name, out);
        write_value(value, out)?;
    }
    out.push(b'}');
    Ok(())
}

#[inline]
fn write_value(value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
    match value {
        ValueRef::Text(text) => {
            out.push(b'"');
            escape_into(text, out);
            out.push(b'"');
        }
        ValueRef::Integer(number) => write_integer(number, out),
        ValueRef::Real(number) if number.is_finite() => format_double(number, out),
        ValueRef::Real(_) | ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Blob(blob) => return write_blob(blob, out),
    }
    Ok(())
}

fn write_integer(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut left = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Tagged values, and whole bodies, see [`super::sql_functions`].
fn write_blob(blob: &[u8], out: &mut Vec<u8>) -> Result<()> {
    match blob {
        [] | [RESULT_NULL] => out.extend_from_slice(b"null"),
        [RESULT_FALSE] => out.extend_from_slice(b"false"),
        [RESULT_TRUE] => out.extend_from_slice(b"true"),
        [ARRAY | OBJECT, jsonb @ ..] => decode_element(jsonb, MAX_RESULT_NESTING, out)?,
        [first, ..] if first & 15 == element::OBJECT => {
            decode_element(blob, MAX_RESULT_NESTING, out)?;
        }
        _ => {
            return Err(Error::lite(
                Code::CorruptData,
                "a value has an unknown form",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    /// Planning takes longer than most lookups by an index.
    #[test]
    fn a_statement_is_planned_once_also_when_statistics_know_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let writer = Connection::open_writer(&file, None, false).unwrap();
        let fill = "CREATE TABLE t (a, b); CREATE INDEX ta ON t (a);
            WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
            INSERT INTO t SELECT i % 40, i FROM n; ANALYZE";
        writer.inner.execute_batch(fill).unwrap();
        let samples = "SELECT count(*) > 0 FROM sqlite_stat4 WHERE idx = 'ta'";
        let has_samples = writer.inner.query_row(samples, [], |row| row.get(0));
        assert_eq!(has_samples, Ok(true));

        let reader = Connection::open_reader(&file, None).unwrap();
        let mut statement = reader
            .inner
            .prepare("SELECT count(*) FROM t WHERE a = ?1 AND b > ?2")
            .unwrap();
        for value in 0..40 {
            let count = statement.query_row([value, 1000], |row| row.get(0));
            assert_eq!(count, Ok(25), "{value}");
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn integers_are_written_in_decimal() {
        for number in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            write_integer(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
