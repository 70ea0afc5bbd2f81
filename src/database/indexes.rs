//! Indexes of collections: made, replaced, removed, built anew (query spec §8, §9, API spec §8.1).
//!
//! Names belong to a collection: two collections may have an index of the same name each. An index
//! is made inside the transaction of the call, with everything that is in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{ReadTx, WriteTx};
use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;
use crate::query::{self, ArrayTable, IndexExpression, IndexTarget};
use crate::storage::index_store::{self, IndexKind, IndexSql, StoredIndex};
use crate::storage::{Connection, array_table, sql_functions};

/// Longest name of an index, in bytes.
const MAX_NAME_LEN: usize = 255;

/// Most indexes of one collection.
const MAX_INDEXES: usize = 128;

/// Most items of one index.
const MAX_ITEMS: usize = 64;

/// Language of a full-text index that names none, as in the API.
const DEFAULT_LANGUAGE: &str = "en";

/// What an index is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IndexDefinition {
    /// `value`, `full-text` or `array`.
    #[serde(rename = "type")]
    kind: Kind,
    /// JSON expressions, as `createIndex` of the API sends them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    items: Vec<Json>,
    /// The list of expressions as SQL++ instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expressions: Option<String>,
    /// Where the array is whose elements are indexed: names joined by dots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Only documents for which this SQL++ expression is true.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    /// ISO code; none: no stop words and no stemming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Whether `é` finds `e`.
    #[serde(default)]
    ignore_accents: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Value,
    FullText,
    Array,
}

impl IndexDefinition {
    /// An index on the values of expressions: an SQL++ list such as `name, LOWER(city)`.
    pub fn value(expressions: impl Into<String>) -> Self {
        Self {
            kind: Kind::Value,
            items: Vec::new(),
            expressions: Some(expressions.into()),
            path: None,
            condition: None,
            language: None,
            ignore_accents: false,
        }
    }

    /// An index on the words of properties: an SQL++ list of paths. `language` none means neither
    /// stop words nor stemming.
    pub fn full_text(
        expressions: impl Into<String>,
        language: Option<&str>,
        ignore_accents: bool,
    ) -> Self {
        Self {
            kind: Kind::FullText,
            language: language.map(str::to_owned),
            ignore_accents,
            ..Self::value(expressions)
        }
    }

    /// An index on the elements of the array at a path such as `tags`, `shipping.parcels`, or
    /// `contacts[].phones` for arrays inside the elements of another, for queries that `UNNEST` it. `expressions` is an SQL++ list about an element: `city` is a property of it, the
    /// last name of the path is the element itself, and `None` means just that.
    pub fn array(path: impl Into<String>, expressions: Option<&str>) -> Self {
        Self {
            kind: Kind::Array,
            path: Some(path.into()),
            expressions: expressions.map(str::to_owned),
            ..Self::value("")
        }
    }

    /// Indexes only documents for which an SQL++ expression is true.
    pub fn only_where(self, condition: impl Into<String>) -> Self {
        Self {
            condition: Some(condition.into()),
            ..self
        }
    }

    /// Reads `{type: 'value', items}` or `{type: 'full-text', items, language, ignoreAccents}`
    /// (API spec §8.1), with `where`, `expressions` and `{type: 'array', path, items}` beyond that.
    ///
    /// # Errors
    /// `InvalidParameter` saying what is wrong.
    pub fn from_json(json: &Json) -> Result<Self> {
        let invalid = |what: &dyn std::fmt::Display| {
            Error::invalid(format!("index definition is not usable: {what}"))
        };
        let mut definition: Self =
            serde_json::from_value(json.clone()).map_err(|error| invalid(&error))?;
        if definition.items.len() > MAX_ITEMS {
            return Err(invalid(&format!(
                "it has {} items, limit is {MAX_ITEMS}",
                definition.items.len()
            )));
        }
        let is_array = definition.kind == Kind::Array;
        match (definition.items.is_empty(), &definition.expressions) {
            (true, None) if !is_array => return Err(invalid(&"it must have items")),
            (false, Some(_)) => return Err(invalid(&"it has both items and expressions")),
            _ => {}
        }
        if is_array != definition.path.is_some() {
            let what = [
                "only an array index has a path",
                "an array index needs a path",
            ];
            return Err(invalid(&what[usize::from(is_array)]));
        }
        if definition.kind == Kind::FullText && json.get("language").is_none() {
            definition.language = Some(DEFAULT_LANGUAGE.to_owned());
        }
        Ok(definition)
    }

    fn kind(&self) -> IndexKind {
        match self.kind {
            Kind::Value => IndexKind::Value,
            Kind::FullText => IndexKind::FullText,
            Kind::Array => IndexKind::Array,
        }
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What SQLite is to index, and the names of the columns of a full-text index.
    fn compile(&self) -> Result<(IndexSql, Vec<String>)> {
        let items: Vec<String> = self.items.iter().map(Json::to_string).collect();
        let expressions: Vec<IndexExpression<'_>> = match &self.expressions {
            Some(list) => vec![IndexExpression::Sqlpp(list)],
            None => items
                .iter()
                .map(|item| IndexExpression::JsonItem(item))
                .collect(),
        };
        let target = match self.kind {
            Kind::Value => IndexTarget::Values,
            Kind::FullText => IndexTarget::Words,
            Kind::Array => IndexTarget::Elements(self.path.as_deref().unwrap_or("")),
        };
        let compiled = query::compile_index(&expressions, self.condition.as_deref(), target)?;
        let expressions = if target == IndexTarget::Words {
            let language = literal(self.language.as_deref().unwrap_or(""))?;
            let accents = u8::from(self.ignore_accents);
            let words = |value: &String| format!("sp1_fts({value}, {language}, {accents})");
            compiled.expressions.iter().map(words).collect()
        } else {
            compiled.expressions
        };
        let sql = IndexSql {
            expressions,
            condition: compiled.condition,
            array: compiled.array,
        };
        Ok((sql, compiled.columns))
    }
}

/// An SQL literal.
fn literal(text: &str) -> Result<String> {
    if text.contains('\0') {
        return Err(Error::invalid("language of an index has a NUL in it"));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// An index that is there.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) id: i64,
    pub(super) collection: i64,
    pub(super) name: String,
    pub(super) definition: IndexDefinition,
    sql: IndexSql,
    /// Names of the columns of a full-text index.
    pub(super) columns: Vec<String>,
}

impl Index {
    /// Version of the functions that its content is made with now.
    fn version(&self) -> String {
        sql_functions::content_version(&self.sql.expressions)
    }

    fn rebuild(&self, connection: &Connection, stored: &StoredIndex) -> Result<()> {
        index_store::rebuild(connection, stored, &self.version(), &self.sql)
    }

    /// Its FTS4 table, when it is a full-text index.
    pub(super) fn full_text_table(&self) -> Option<query::FullTextTable> {
        (self.definition.kind == Kind::FullText).then(|| query::FullTextTable {
            table: index_store::full_text_table(self.id),
            columns: self.columns.clone(),
            language: self.definition.language.clone(),
            ignore_accents: self.definition.ignore_accents,
        })
    }
}

/// The table of the elements of the array at a path, if these indexes of a collection have it.
pub(super) fn array_table(indexes: &[Arc<Index>], path: &str) -> Option<ArrayTable> {
    let on_path = |index: &&Arc<Index>| index.sql.array.as_deref() == Some(path);
    let on_path: Vec<_> = indexes.iter().filter(on_path).collect();
    let first = on_path.first()?;
    Some(ArrayTable {
        table: array_table::name(first.collection, path),
        indexed: on_path
            .iter()
            .filter_map(|index| index.sql.expressions.first().cloned())
            .collect(),
    })
}

/// Reads the indexes of the database. One whose definition cannot be read is left alone: it costs
/// time with every save, but keeps no database from being opened.
pub(super) fn load(connection: &Connection) -> Result<Vec<Index>> {
    let stored = index_store::list(connection)?;
    let readable = |stored: StoredIndex| {
        read(stored)
            .inspect_err(|error| tracing::error!(target: "database", %error, "index is ignored"))
            .ok()
    };
    Ok(stored.into_iter().filter_map(readable).collect())
}

fn read(stored: StoredIndex) -> Result<Index> {
    let definition: IndexDefinition =
        serde_json::from_str(&stored.definition).map_err(|error| damaged(&stored.name, &error))?;
    let (sql, columns) = definition
        .compile()
        .map_err(|error| damaged(&stored.name, &error))?;
    Ok(Index {
        id: stored.id,
        collection: stored.collection,
        name: stored.name,
        definition,
        sql,
        columns,
    })
}

fn damaged(name: &str, error: &dyn std::fmt::Display) -> Error {
    Error::lite(
        Code::CorruptData,
        format!("definition of index '{name}' cannot be read: {error}"),
    )
}

/// Builds anew what was made with functions or collations of another version. Called when the
/// database is opened, before anybody reads.
pub(super) fn rebuild_outdated(connection: &Connection) -> Result<()> {
    let outdated: Vec<(StoredIndex, Index)> = index_store::list(connection)?
        .into_iter()
        .filter_map(|stored| Some((stored.clone(), read(stored).ok()?)))
        .filter(|(stored, index)| stored.version != index.version())
        .collect();
    if outdated.is_empty() {
        return Ok(());
    }
    connection.begin()?;
    for (stored, index) in outdated {
        tracing::info!(target: "database", index = stored.name, "index is built anew");
        if let Err(error) = index.rebuild(connection, &stored) {
            connection.roll_back();
            return Err(error);
        }
    }
    connection.commit()
}

/// Builds anew the indexes that have tables of their own; the others are SQLite's own care.
pub(super) fn rebuild_tables(tx: &WriteTx<'_>) -> Result<()> {
    for stored in index_store::list(tx.connection)? {
        if stored.kind != IndexKind::Value {
            read(stored.clone())?.rebuild(tx.connection, &stored)?;
        }
    }
    Ok(())
}

impl ReadTx<'_> {
    /// Names of the collection's indexes, in order.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn indexes(&self, collection: &CollectionSpec) -> Result<Vec<String>> {
        let id = self.collections.get(collection)?.table.id();
        let names = self.collections.indexes(id).iter();
        Ok(names.map(|index| index.name.clone()).collect())
    }
}

impl WriteTx<'_> {
    /// Makes an index. One of the same name and the same content is left alone, which answers
    /// false; one with another content is replaced.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection; `InvalidParameter` for a bad name; `InvalidQuery` for
    /// expressions that cannot be indexed.
    pub fn create_index(
        &mut self,
        collection: &CollectionSpec,
        name: &str,
        definition: &IndexDefinition,
    ) -> Result<bool> {
        check_name(name)?;
        let table = self.collections.get(collection)?.table.id();
        let (sql, columns) = definition.compile()?;
        let indexes = self.collections.indexes(table);
        if let Some(present) = indexes.iter().find(|index| index.name == name) {
            let same = present.definition.kind == definition.kind
                && present.sql == sql
                && present.columns == columns;
            if same {
                return Ok(false);
            }
            let present = present.clone();
            index_store::remove(self.connection, present.id, present.definition.kind())?;
        } else if indexes.len() >= MAX_INDEXES {
            return Err(Error::invalid(format!(
                "collection '{collection}' has {MAX_INDEXES} indexes already, which is the limit"
            )));
        }
        let id = index_store::create(
            self.connection,
            table,
            name,
            definition.kind(),
            &definition.to_json(),
            &sql_functions::content_version(&sql.expressions),
            &sql,
        )?;
        let index = Index {
            id,
            collection: table,
            name: name.to_owned(),
            definition: definition.clone(),
            sql,
            columns,
        };
        self.set_collections(self.collections.with_index(table, name, Some(index)));
        Ok(true)
    }

    /// Removes an index; does nothing when there is none of this name.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn delete_index(&mut self, collection: &CollectionSpec, name: &str) -> Result<()> {
        let table = self.collections.get(collection)?.table.id();
        let indexes = self.collections.indexes(table);
        let Some(present) = indexes.iter().find(|index| index.name == name).cloned() else {
            return Ok(());
        };
        index_store::remove(self.connection, present.id, present.definition.kind())?;
        self.set_collections(self.collections.with_index(table, name, None));
        Ok(())
    }

    /// Removes what the indexes of a collection that is about to go hold.
    pub(super) fn drop_indexes(&self, table: i64) -> Result<()> {
        for index in self.collections.indexes(table) {
            index_store::remove(self.connection, index.id, index.definition.kind())?;
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<()> {
    let wrong = if name.is_empty() {
        "is empty".to_owned()
    } else if name.len() > MAX_NAME_LEN {
        format!("is {} bytes, limit is {MAX_NAME_LEN}", name.len())
    } else if name.contains(['"', '\0']) {
        "has a character that is not allowed".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!("name of an index {wrong}")))
}
