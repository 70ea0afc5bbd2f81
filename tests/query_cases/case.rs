//! One case: its documents, its indexes, its query, its rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use settee::Result;
use settee::database::{
    Concurrency, Database, DatabaseOptions, IndexDefinition, QueryParameters, WriteTx,
};
use settee::model::{CollectionSpec, DEFAULT_NAME, DocId};

use super::compare::same_rows;

/// Which indexes a case runs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// Those that it names.
    AsTheCaseSays,
    /// Those, and a value index on every property of its documents.
    EveryProperty,
    /// Those, and array indexes on every property of its documents: on the element, and on each of its
    /// properties.
    EveryArray,
}

#[derive(Debug, Deserialize)]
struct CaseIndex {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    expr: String,
    #[serde(rename = "where")]
    condition: Option<String>,
    language: Option<String>,
    #[serde(default, rename = "ignoreDiacritics")]
    ignore_diacritics: bool,
    coll: Option<String>,
    #[serde(rename = "unnestPath")]
    unnest_path: Option<String>,
}

/// One case of the file.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    name: String,
    docs: Vec<Map<String, Value>>,
    #[serde(default)]
    indexes: Vec<CaseIndex>,
    query: String,
    #[serde(default)]
    params: BTreeMap<String, Value>,
    tz: Option<String>,
    ordered: bool,
    expected: Value,
    verified: bool,
}

/// All cases.
pub(crate) fn load() -> Vec<Case> {
    serde_json::from_str(include_str!("../data/query/cases.json")).unwrap()
}

fn collection(name: Option<&str>) -> CollectionSpec {
    let name = name.unwrap_or(DEFAULT_NAME);
    let (scope, name) = name.split_once('.').unwrap_or((DEFAULT_NAME, name));
    CollectionSpec::new(scope, name).unwrap()
}

impl Case {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn zone(&self) -> &str {
        self.tz.as_deref().unwrap_or("UTC")
    }

    pub(crate) fn is_verified(&self) -> bool {
        self.verified
    }

    /// Runs the case in a database of its own; what went wrong, if something did.
    pub(crate) fn run(&self, indexing: Indexing) -> std::result::Result<(), String> {
        let directory = tempfile::tempdir().unwrap();
        let options = DatabaseOptions::in_directory(directory.path());
        let database = Database::open("db", &options).unwrap();
        database
            .write(|tx| {
                self.save_documents(tx)?;
                self.make_indexes(tx)?;
                match indexing {
                    Indexing::AsTheCaseSays => Ok(()),
                    Indexing::EveryProperty => self.index_every_property(tx),
                    Indexing::EveryArray => self.index_every_array(tx),
                }
            })
            .map_err(|error| format!("setting up: {error}"))?;
        let mut parameters = QueryParameters::new();
        for (name, value) in &self.params {
            parameters.set_json(name, &value.to_string()).unwrap();
        }
        let result = database.query(&self.query, &parameters);
        let checked = self.check(result.map(|result| result.json));
        database.close().unwrap();
        checked
    }

    fn check(&self, result: Result<String>) -> std::result::Result<(), String> {
        let query = &self.query;
        let Value::Array(expected) = &self.expected else {
            return match result {
                Ok(rows) => Err(format!("{query}\n    must fail, but gives {rows}")),
                Err(_) => Ok(()),
            };
        };
        let json = result.map_err(|error| format!("{query}\n    {error} ({})", error.code()))?;
        let rows: Vec<Value> = serde_json::from_str(&json)
            .map_err(|error| format!("{query}\n    not JSON: {error}: {json}"))?;
        if same_rows(expected, &rows, self.ordered) {
            return Ok(());
        }
        Err(format!(
            "{query}\n    expected {}\n    but got  {json}",
            self.expected
        ))
    }

    fn save_documents(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        for doc in &self.docs {
            let mut doc = doc.clone();
            let id = DocId::parse(doc.remove("_id").unwrap().as_str().unwrap())?;
            let spec = collection(doc.remove("_coll").as_ref().and_then(Value::as_str));
            let deleted = doc.remove("_deleted").is_some();
            let expiration = doc.remove("_exp").and_then(|value| value.as_i64());
            tx.create_collection(&spec)?;
            let body = Value::Object(doc).to_string();
            let last = Concurrency::LastWriteWins;
            tx.save(&spec, Some(id.clone()), body.as_bytes(), Vec::new(), last)?;
            if expiration.is_some() {
                tx.set_expiration(&spec, &id, expiration)?;
            }
            if deleted {
                tx.delete(&spec, &id)?;
            }
        }
        Ok(())
    }

    fn make_indexes(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        for index in &self.indexes {
            let language = index.language.as_deref();
            let definition = match index.kind.as_str() {
                "value" => IndexDefinition::value(&index.expr),
                "fts" => IndexDefinition::full_text(&index.expr, language, index.ignore_diacritics),
                "array" => {
                    let path = index.unnest_path.as_deref().unwrap_or_default();
                    let items = Some(index.expr.as_str()).filter(|expr| !expr.is_empty());
                    IndexDefinition::array(path, items)
                }
                other => panic!("unknown kind of index {other}"),
            };
            let definition = match &index.condition {
                Some(condition) => definition.only_where(condition),
                None => definition,
            };
            let spec = collection(index.coll.as_deref());
            tx.create_index(&spec, &index.name, &definition)?;
        }
        Ok(())
    }

    fn index_every_array(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        let mut arrays: BTreeMap<(Option<String>, String), BTreeSet<String>> = BTreeMap::new();
        for doc in &self.docs {
            let name = doc.get("_coll").and_then(Value::as_str).map(str::to_owned);
            for (key, value) in doc {
                let escaped = key.chars().flat_map(|c| {
                    let special = matches!(c, '.' | '[' | ']' | '\\');
                    special.then_some('\\').into_iter().chain([c])
                });
                if key.is_empty() || ["_id", "_coll", "_deleted", "_exp"].contains(&key.as_str()) {
                    continue;
                }
                let inside = arrays.entry((name.clone(), escaped.collect())).or_default();
                let elements = value.as_array().into_iter().flatten();
                let members = elements.filter_map(Value::as_object).flatten();
                inside.extend(
                    members
                        .map(|(key, _)| key.clone())
                        .filter(|key| !key.is_empty()),
                );
            }
        }
        for (number, ((name, path), inside)) in arrays.into_iter().enumerate().take(30) {
            let spec = collection(name.as_deref());
            let element = IndexDefinition::array(&path, None);
            tx.create_index(&spec, &format!("array {number}"), &element)?;
            for key in inside.iter().take(3) {
                let index = IndexDefinition::array(&path, Some(&quoted(key)));
                tx.create_index(
                    &spec,
                    &format!("array {number} {}", key.replace('"', "'")),
                    &index,
                )?;
            }
        }
        Ok(())
    }

    fn index_every_property(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        let mut paths: BTreeMap<Option<String>, BTreeSet<String>> = BTreeMap::new();
        for doc in &self.docs {
            let name = doc.get("_coll").and_then(Value::as_str).map(str::to_owned);
            let body = doc
                .iter()
                .filter(|(key, _)| !["_id", "_coll", "_deleted", "_exp"].contains(&key.as_str()));
            for (key, value) in body {
                let paths = paths.entry(name.clone()).or_default();
                add_paths(&quoted(key), value, paths);
            }
        }
        for (name, paths) in paths {
            let spec = collection(name.as_deref());
            for path in paths {
                let index = IndexDefinition::value(&path);
                tx.create_index(&spec, &format!("on {}", path.replace('"', "'")), &index)?;
            }
        }
        Ok(())
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The path and what lies under it.
fn add_paths(path: &str, value: &Value, paths: &mut BTreeSet<String>) {
    if paths.len() >= 90 {
        return;
    }
    paths.insert(path.to_owned());
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                // An empty name cannot be written.
                if !key.is_empty() {
                    add_paths(&format!("{path}.{}", quoted(key)), value, paths);
                }
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate().take(3) {
                add_paths(&format!("{path}[{index}]"), value, paths);
            }
        }
        _ => {}
    }
}
