//! SQL++: query text into SQL, values, functions. No database handle, no SQLite.
//!
//! ```text
//! text ─ lexer ─ depth ─ grammar ─▶ ast ─ names, lower ─▶ SQL + parameters + columns
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | [`ast`] | what a query says |
//! | [`lexer`], [`depth`], [`grammar`] | text into a tree, within bounds |
//! | [`printer`], [`explain_json`] | a tree as text, and as JSON |
//! | [`names`], [`columns`] | what names mean; keys of rows |
//! | [`lower`] | a tree as SQL |
//! | [`index_expr`] | the definition of an index as SQL |
//! | [`error`] | errors with their place in the text |
//! | [`value`] | values, MISSING included |
//! | [`functions`] | the functions of the language, value to value |
//! | [`collation`], [`pattern`], [`text_analysis`] | comparing, matching, splitting texts |
//!
//! Follows the query spec throughout; the section is named where a rule comes from.

pub mod ast;
pub mod collation;
mod columns;
mod depth;
pub mod error;
mod explain_json;
pub mod functions;
mod grammar;
mod index_expr;
mod lexer;
mod lower;
mod names;
pub mod pattern;
mod printer;
pub mod text_analysis;
pub mod value;

pub use grammar::{parse, parse_list};
pub use index_expr::{CompiledIndex, IndexExpression, IndexTarget, compile_index};
pub use lower::compile;

/// The tables that a query may read.
pub trait Catalog {
    /// The plain name of the database, which also names its default collection.
    fn database_name(&self) -> &str;

    /// The table of a collection, if there is such a collection.
    fn collection(&self, scope: &str, name: &str) -> Option<CollectionTable>;

    /// A full-text index of a collection; names are case-sensitive.
    fn full_text_index(&self, scope: &str, collection: &str, index: &str) -> Option<FullTextTable>;

    /// The elements of the array at a path, spelt as in SQL, if a collection has array indexes on it.
    fn array(&self, scope: &str, collection: &str, path: &str) -> Option<ArrayTable>;
}

/// The table of the elements of an array: rows of `jsonb_each`, and which document each is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayTable {
    /// Name of the table.
    pub table: String,
    /// What its indexes start with, as SQL over its columns.
    pub indexed: Vec<String>,
}

/// The table of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionTable {
    /// The collection's number.
    pub number: i64,
    /// Name of its table, e.g. `docs_3`.
    pub table: String,
}

/// The FTS4 table of a full-text index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullTextTable {
    /// Name of the table. Its docid is the document's sequence.
    pub table: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Language of the stemmer and the stop words.
    pub language: Option<String>,
    /// Whether accents were removed.
    pub ignore_accents: bool,
}

/// A query as SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The statement.
    pub sql: String,
    /// Names of the parameters: the first is `?1`.
    pub parameters: Vec<String>,
    /// Keys of a row, in the order of the statement's columns.
    pub columns: Vec<String>,
    /// Scope and name of each collection that is read, sorted, each once.
    pub collections: Vec<(String, String)>,
    /// The query as a JSON tree: the third part of `explain`.
    pub json: String,
}
