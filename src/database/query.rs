//! Running SQL++ queries (query spec §6, §14.8, API spec §7).
//!
//! A query is compiled once for each state of collections and indexes, and runs in the read
//! transaction that it is given. Its rows come as one JSON text.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::collection::{CollectionMap, Generation};
use super::indexes;
use super::{Database, ReadTx, lock, not_open};
use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;
use crate::model::body::encode_body;
use crate::query::value::Value;
use crate::query::{self, ArrayTable, Catalog, CollectionTable, Compiled, FullTextTable};
use crate::storage::query_statement::{self, MAX_RESULT_LEN, RowKeys};
use crate::storage::sql_functions::Bound;

/// Compiled queries that a database keeps.
const CACHED_QUERIES: usize = 256;

/// Longest query text that is kept compiled, in bytes.
const CACHED_TEXT_LEN: usize = 16 * 1024;

/// Longest SQL that is kept, in bytes: aliases that use one another make much of little.
const CACHED_SQL_LEN: usize = 64 * 1024;

/// Length of a result from which on the log warns.
const LARGE_RESULT_LEN: usize = 100 * 1024 * 1024;

/// Steps of SQLite that a quick query may take, in thousands: about half a millisecond.
const QUICK_STEPS: u32 = 10;

/// Longest result of a quick query.
const QUICK_RESULT_LEN: usize = 64 * 1024;

/// Start of the names of functions whose single call may take long.
const PATTERN_FUNCTION: &str = "sp1_regexp_";

/// How many times a query that was not quick is not tried again.
const SLOW_TIMES: u32 = 100;

/// Rows of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryResult {
    /// A JSON array of objects, in order.
    pub json: String,
    /// Number of rows.
    pub rows: u64,
}

/// Values for the `$name`s of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryParameters(Vec<(String, Value<'static>)>);

impl QueryParameters {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one; null is MISSING inside the query (query spec §6).
    pub fn set(&mut self, name: impl Into<String>, value: Value<'static>) {
        let name = name.into();
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value));
    }

    /// Sets one from JSON text.
    ///
    /// # Errors
    /// `InvalidParameter` when it is not JSON.
    pub fn set_json(&mut self, name: impl Into<String>, json: &str) -> Result<()> {
        let name = name.into();
        let value = value_of_json(json).map_err(|error| {
            Error::invalid(format!("query parameter '{name}': {}", error.message()))
        })?;
        self.set(name, value);
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&Value<'static>> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }
}

fn value_of_json(json: &str) -> Result<Value<'static>> {
    // One value and nothing beside it; only then may it be put inside an object, which is what the
    // encoder takes.
    let _: &serde_json::value::RawValue =
        serde_json::from_str(json).map_err(|error| Error::invalid(error.to_string()))?;
    let wrapped = encode_body(format!("{{\"v\":{json}}}").as_bytes())?;
    Value::from_stored(&wrapped.jsonb)
        .and_then(|value| match value {
            Value::Object(object) => object.members().next().map(|(_, value)| value.into_owned()),
            _ => None,
        })
        .ok_or_else(|| Error::invalid("value cannot be read"))
}

/// A query with all that running it needs.
#[derive(Debug)]
struct CompiledQuery {
    compiled: Compiled,
    keys: RowKeys,
    /// How many times it is not worth trying whether the query is quick.
    slow: AtomicU32,
}

impl CompiledQuery {
    /// The collections that it reads.
    fn collections(&self) -> Result<Vec<CollectionSpec>> {
        let names = self.compiled.collections.iter();
        names
            .map(|(scope, name)| CollectionSpec::new(scope.as_str(), name.as_str()))
            .collect()
    }
}

#[derive(Debug)]
struct Cached {
    generation: Generation,
    query: Arc<CompiledQuery>,
    used: AtomicU64,
}

/// The compiled queries of one database, by text.
#[derive(Debug, Default)]
pub(super) struct QueryCache {
    by_text: Mutex<HashMap<String, Cached>>,
    clock: AtomicU64,
}

impl QueryCache {
    fn get(&self, text: &str, generation: Generation) -> Option<Arc<CompiledQuery>> {
        let cache = lock(&self.by_text);
        let cached = cache
            .get(text)
            .filter(|cached| cached.generation == generation)?;
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        cached.used.store(now, Ordering::Relaxed);
        Some(Arc::clone(&cached.query))
    }

    fn put(&self, text: &str, generation: Generation, query: &Arc<CompiledQuery>) {
        if text.len() > CACHED_TEXT_LEN || query.compiled.sql.len() > CACHED_SQL_LEN {
            return;
        }
        let mut cache = lock(&self.by_text);
        if cache.len() >= CACHED_QUERIES
            && !cache.contains_key(text)
            && let Some(oldest) = cache
                .iter()
                .min_by_key(|(_, cached)| cached.used.load(Ordering::Relaxed))
                .map(|(text, _)| text.clone())
        {
            cache.remove(&oldest);
        }
        let cached = Cached {
            generation,
            query: Arc::clone(query),
            used: AtomicU64::new(self.clock.fetch_add(1, Ordering::Relaxed)),
        };
        cache.insert(text.to_owned(), cached);
    }
}

/// What names in a query mean.
struct DatabaseCatalog<'a> {
    name: &'a str,
    collections: &'a CollectionMap,
}

impl Catalog for DatabaseCatalog<'_> {
    fn database_name(&self) -> &str {
        self.name
    }

    fn collection(&self, scope: &str, name: &str) -> Option<CollectionTable> {
        let spec = CollectionSpec::new(scope, name).ok()?;
        let number = self.collections.find(&spec)?.table.id();
        Some(CollectionTable {
            number,
            table: format!("docs_{number}"),
        })
    }

    fn full_text_index(&self, scope: &str, collection: &str, index: &str) -> Option<FullTextTable> {
        let number = self.collection(scope, collection)?.number;
        let indexes = self.collections.indexes(number).iter();
        indexes
            .filter(|candidate| candidate.name == index)
            .find_map(|index| index.full_text_table())
    }

    fn array(&self, scope: &str, collection: &str, path: &str) -> Option<ArrayTable> {
        let number = self.collection(scope, collection)?.number;
        indexes::array_table(self.collections.indexes(number), path)
    }
}

/// Set when the handle that a query came through is closed: it then stops.
pub type QueryStop = Arc<AtomicBool>;

impl ReadTx<'_> {
    /// Compiles a query, or finds it compiled.
    fn compile(&self, text: &str) -> Result<Arc<CompiledQuery>> {
        let generation = self.collections.generation();
        let cache = &self.engine.queries;
        if let Some(query) = cache.get(text, generation) {
            return Ok(query);
        }
        let catalog = DatabaseCatalog {
            name: &self.engine.name,
            collections: &self.collections,
        };
        let compiled = query::compile(text, &catalog)?;
        let keys = RowKeys::new(&compiled.columns);
        let quick = !compiled.sql.contains(PATTERN_FUNCTION);
        let query = Arc::new(CompiledQuery {
            compiled,
            keys,
            slow: AtomicU32::new(if quick { 0 } else { u32::MAX }),
        });
        cache.put(text, generation, &query);
        Ok(query)
    }

    /// Runs a SQL++ query.
    ///
    /// # Errors
    /// `InvalidQuery` with the place in the text; `InvalidQueryParam` for a parameter that the text
    /// does not name; those of SQLite for what only shows when it runs.
    pub fn query(&self, text: &str, parameters: &QueryParameters) -> Result<QueryResult> {
        let query = self.compile(text)?;
        self.run_query(&query, parameters, MAX_RESULT_LEN)
    }

    /// As [`ReadTx::query`], and stops with `NotOpen` when the flag is set.
    ///
    /// # Errors
    /// As [`ReadTx::query`].
    pub fn stoppable_query(
        &self,
        text: &str,
        parameters: &QueryParameters,
        stop: &QueryStop,
    ) -> Result<QueryResult> {
        let _stoppable = self.connection.stop_when(stop, None);
        let result = if stop.load(Ordering::Acquire) {
            Err(not_open(&self.engine.name))
        } else {
            self.query(text, parameters)
        };
        result.map_err(|error| self.because_of_stop(error, stop))
    }

    /// As [`ReadTx::stoppable_query`], but gives up with `None` after about half a millisecond, and at
    /// once for a query that took longer lately.
    ///
    /// # Errors
    /// As [`ReadTx::query`].
    pub fn quick_query(
        &self,
        text: &str,
        parameters: &QueryParameters,
        stop: &QueryStop,
    ) -> Result<Option<QueryResult>> {
        let query = self.compile(text)?;
        let skip = |left: u32| left.checked_sub(1);
        let tried_lately = query
            .slow
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, skip);
        if tried_lately.is_ok() {
            return Ok(None);
        }
        let stoppable = self.connection.stop_when(stop, Some(QUICK_STEPS));
        let result = self.run_query(&query, parameters, QUICK_RESULT_LEN);
        let too_long = |error: &Error| error.is(Code::MemoryError) || stoppable.is_over_budget();
        if result.as_ref().is_err_and(too_long) {
            query.slow.store(SLOW_TIMES, Ordering::Relaxed);
            return Ok(None);
        }
        result.map(Some)
    }

    fn because_of_stop(&self, error: Error, stop: &QueryStop) -> Error {
        if stop.load(Ordering::Acquire) {
            Error::lite(
                Code::NotOpen,
                format!(
                    "database '{}' was closed during the query",
                    self.engine.name
                ),
            )
        } else {
            error
        }
    }

    /// Whether a query can run at all, and what it reads.
    pub(super) fn check_query(
        &self,
        text: &str,
        parameters: &QueryParameters,
    ) -> Result<Vec<CollectionSpec>> {
        let query = self.compile(text)?;
        bind(&query.compiled, parameters)?;
        query_statement::prepare(self.connection, &query.compiled.sql)?;
        query.collections()
    }

    fn run_query(
        &self,
        query: &CompiledQuery,
        parameters: &QueryParameters,
        max_len: usize,
    ) -> Result<QueryResult> {
        let bound = bind(&query.compiled, parameters)?;
        let sql = &query.compiled.sql;
        let rows = query_statement::run(self.connection, sql, &bound, &query.keys, max_len)?;
        if rows.json.len() > LARGE_RESULT_LEN {
            tracing::warn!(
                target: "query",
                bytes = rows.json.len(),
                rows = rows.count,
                "result of a query is very large, consider LIMIT"
            );
        }
        Ok(QueryResult {
            json: rows.json,
            rows: rows.count,
        })
    }

    /// How a query would run: the SQL, SQLite's plan, the query as a JSON tree; with blank lines
    /// between (query spec §8.3).
    ///
    /// # Errors
    /// As [`ReadTx::query`].
    pub fn explain(&self, text: &str) -> Result<String> {
        let query = self.compile(text)?;
        let Compiled { sql, json, .. } = &query.compiled;
        let mut explained = format!("{sql}\n\n");
        for line in query_statement::plan(self.connection, sql)? {
            explained.push_str(&self.with_index_names(&line));
            explained.push('\n');
        }
        explained.push('\n');
        explained.push_str(json);
        explained.push('\n');
        Ok(explained)
    }

    /// A line of a plan with the users' names of indexes.
    fn with_index_names(&self, line: &str) -> String {
        const INDEX: &str = " INDEX index_";
        let Some((before, after)) = line.split_once(INDEX) else {
            return line.to_owned();
        };
        let end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let (number, after) = after.split_at(end);
        let all = self.collections.iter();
        let mut indexes = all.flat_map(|one| self.collections.indexes(one.table.id()));
        match indexes.find(|index| index.id.to_string() == number) {
            Some(index) => format!("{before} INDEX {}{after}", index.name),
            None => line.to_owned(),
        }
    }
}

fn bind<'a>(compiled: &Compiled, parameters: &'a QueryParameters) -> Result<Vec<Bound<'a>>> {
    let named = |name: &String| compiled.parameters.contains(name);
    if let Some((unknown, _)) = parameters.0.iter().find(|(name, _)| !named(name)) {
        return Err(Error::lite(
            Code::InvalidQueryParam,
            format!("the query has no parameter '${unknown}'"),
        ));
    }
    let bound = compiled.parameters.iter().map(|name| {
        parameters.get(name).map_or_else(
            || {
                tracing::warn!(target: "query", name, "query parameter has no value, it is MISSING");
                Bound::Null
            },
            Bound::parameter,
        )
    });
    Ok(bound.collect())
}

impl Database {
    /// Queues a query, as [`Database::submit_read`] queues a read. Closing the handle stops it with
    /// `NotOpen`.
    pub fn submit_query(
        &self,
        text: impl Into<String>,
        parameters: QueryParameters,
        done: impl FnOnce(Result<QueryResult>) + Send + 'static,
    ) {
        let (text, stop) = (text.into(), self.query_stop());
        self.submit_read(
            move |tx| tx.stoppable_query(&text, &parameters, &stop),
            done,
        );
    }

    /// Runs a query on this thread, as [`Database::read`] reads.
    ///
    /// # Errors
    /// As [`ReadTx::query`], or `NotOpen`.
    pub fn query(&self, text: &str, parameters: &QueryParameters) -> Result<QueryResult> {
        let stop = self.query_stop();
        self.read(|tx| tx.stoppable_query(text, parameters, &stop))
    }

    /// Set when this handle is closed.
    pub fn query_stop(&self) -> QueryStop {
        Arc::clone(&self.0.query_stop)
    }
}
