//! A database in memory with a few documents: what fuzzing runs its queries on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{schema, sql_functions};
use crate::error::Result;
use crate::model::body::encode_body;

/// Thousands of steps of SQLite's machine that one query may take.
const MAX_KILOSTEPS: u32 = 200;

/// Rows of a result that are looked at.
const MAX_ROWS: usize = 50;

/// Documents: id and body.
const DOCUMENTS: [(&str, &str); 4] = [
    (
        "a",
        r#"{"n":1,"s":"Hello","a":[1,"x",null,[2],{"k":true}],"o":{"p":{"q":5}},"b":true}"#,
    ),
    (
        "b",
        r#"{"n":2.5,"s":"épée fox","a":[],"o":[],"b":false,"d":"2020-01-31T10:00:00Z"}"#,
    ),
    (
        "c",
        r#"{"n":null,"s":"5a","a":{"x":1,"y":[3]},"t":["p","q"]}"#,
    ),
    ("d", "{}"),
];

/// Tables `docs_1` and `docs_2` with the same documents, the full-text table `fts_1`, and the table of
/// elements `array_1`.
#[derive(Debug)]
pub(crate) struct Scratch {
    inner: rusqlite::Connection,
    kilosteps: Arc<AtomicU32>,
}

impl Scratch {
    /// Makes it.
    pub(crate) fn new() -> Result<Self> {
        let mut inner = rusqlite::Connection::open_in_memory()?;
        sql_functions::register(&inner)?;
        for id in 1..=2 {
            schema::create_collection_table(&inner, id)?;
            for (name, body) in DOCUMENTS {
                let body = encode_body(body.as_bytes())?.jsonb;
                inner.execute(
                    &format!(
                        "INSERT INTO docs_{id} (id, flags, rev_id, body)
                         VALUES (?1, ?1 = 'd', '1-ab', ?2)"
                    ),
                    (name, body),
                )?;
            }
        }
        inner.execute_batch(
            "CREATE VIRTUAL TABLE fts_1 USING fts4(c0, tokenize=simple);
             INSERT INTO fts_1 (docid, c0)
                 SELECT sequence, sp1_fts(sp1_value(body, 's'), 'en', 0) FROM docs_1;
             CREATE TABLE array_1 (
                 document INTEGER NOT NULL, position NOT NULL, value, type TEXT NOT NULL,
                 PRIMARY KEY (document, position)
             ) WITHOUT ROWID;
             INSERT INTO array_1
                 SELECT d.sequence, ifnull(e.key, 0), e.value, e.type
                 FROM docs_1 AS d, jsonb_each(sp1_jsonb(d.body, 'a')) AS e;
             CREATE INDEX element_1 ON array_1 (sp1_elem(value, type));
             CREATE INDEX value_1 ON docs_1 (sp1_value(body, 'n')) WHERE flags & 1 = 0;",
        )?;
        let kilosteps = Arc::new(AtomicU32::new(0));
        let taken = Arc::clone(&kilosteps);
        inner.progress_handler(
            1000,
            Some(move || taken.fetch_add(1, Ordering::Relaxed) > MAX_KILOSTEPS),
        )?;
        Ok(Self { inner, kilosteps })
    }

    /// Prepares a statement and reads rows, with all parameters NULL. `Err` is what SQLite has
    /// against the statement; that it fails while it runs, or takes too long, is none.
    pub(crate) fn run(&self, sql: &str, columns: usize) -> std::result::Result<(), String> {
        self.kilosteps.store(0, Ordering::Relaxed);
        let statement = self.inner.prepare(sql);
        let mut statement = statement.map_err(|error| error.to_string())?;
        if statement.column_count() != columns {
            return Err(format!("{} columns", statement.column_count()));
        }
        let mut rows = statement.raw_query();
        for _ in 0..MAX_ROWS {
            if !matches!(rows.next(), Ok(Some(_))) {
                break;
            }
        }
        Ok(())
    }

    /// Makes an index on a table, and removes it again.
    pub(crate) fn index(
        &self,
        table: &str,
        expressions: &[String],
    ) -> std::result::Result<(), String> {
        self.kilosteps.store(0, Ordering::Relaxed);
        let sql = format!(
            "SAVEPOINT s; CREATE INDEX tried ON {table} ({})",
            expressions.join(", ")
        );
        let made = self.inner.execute_batch(&sql);
        let undone = self.inner.execute_batch("ROLLBACK TO s; RELEASE s");
        made.and(undone).map_err(|error| error.to_string())
    }
}
