//! SQLite: the only room that imports rusqlite. Synchronous; never knows that a network exists.
//!
//! | file | what it holds |
//! |---|---|
//! | [`connection`] | how a connection is opened, its pragmas and its key; transactions, snapshots |
//! | [`schema`] | tables, schema version, migration |
//! | [`document_table`] | the SQL of one collection's table |
//! | [`blob_store`], [`blob_file`] | blobs: small ones in a table, large ones as files (design D6) |
//! | [`checkpoint_store`] | checkpoints of both roles, remotes, database identity |
//! | [`index_store`] | indexes of collections |
//! | [`array_table`] | the elements of arrays as rows, for array indexes |
//! | [`query_statement`] | compiled queries into JSON text |
//! | [`sql_functions`] | what queries and indexes call in SQL |
//! | [`maintenance`] | SQLite's own care, walks over everything |
//! | [`export`] | the whole database into a new file |
//! | [`scratch`] | a database in memory for fuzzing |
//! | [`lock_file`] | one process a database (design D3) |
//! | [`whole_file`] | a file outside that gets its content whole or not at all |
//! | [`hints`] | what the system is told about large memory and large files |
//! | [`error`] | SQLite's result codes as [`crate::Error`] |
//!
//! The layout on disk is described in `docs/schema.md`.

pub(crate) mod array_table;
pub(crate) mod blob_file;
pub(crate) mod blob_store;
pub(crate) mod checkpoint_store;
pub(crate) mod connection;
pub(crate) mod document_table;
pub(crate) mod error;
pub(crate) mod export;
pub(crate) mod hints;
pub(crate) mod index_store;
pub(crate) mod lock_file;
pub(crate) mod maintenance;
pub(crate) mod query_statement;
pub(crate) mod schema;
pub(crate) mod scratch;
pub(crate) mod sql_functions;
pub(crate) mod whole_file;

pub(crate) use connection::Connection;
