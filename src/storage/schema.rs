//! Tables and schema version. `docs/schema.md` tells what each column means.

use rusqlite::Connection;

use crate::error::{Code, Error, Result};

/// `PRAGMA application_id` of our files: `STTE`.
const APPLICATION_ID: i32 = 0x5354_5445;

/// `PRAGMA user_version` written by this release. A file with a higher one is refused, one with
/// a lower one is migrated.
pub(crate) const SCHEMA_VERSION: i32 = 2;

const TABLES: &str = "
CREATE TABLE info (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    last_sequence INTEGER NOT NULL DEFAULT 0,
    UNIQUE (scope, name)
);
CREATE TABLE branch_bodies (
    collection INTEGER NOT NULL,
    doc_id TEXT NOT NULL,
    rev_id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (collection, doc_id, rev_id)
);
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    content BLOB NOT NULL
);
CREATE TABLE remotes (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE);
CREATE TABLE checkpoints (client TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE peer_checkpoints (
    client TEXT PRIMARY KEY,
    rev TEXT NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO collections (id, scope, name) VALUES (1, '_default', '_default');
";

/// What version 2 has beyond version 1.
const TABLES_2: &str = "
CREATE TABLE indexes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    definition TEXT NOT NULL,
    version TEXT NOT NULL,
    UNIQUE (collection, name)
);
";

/// Makes the tables of a new file, or checks that an old one is ours and not from the future.
///
/// # Errors
/// `DatabaseTooNew`; `NotADatabaseFile` when another program's tables are in the file.
pub(crate) fn prepare(connection: &mut Connection) -> Result<()> {
    let pragma = |connection: &Connection, name: &str| -> Result<i32> {
        Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
    };
    let found = (
        pragma(connection, "application_id")?,
        pragma(connection, "user_version")?,
    );
    match found {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(()),
        (APPLICATION_ID, newer) if newer > SCHEMA_VERSION => Err(Error::lite(
            Code::DatabaseTooNew,
            format!(
                "database has schema version {newer}, this release knows up to {SCHEMA_VERSION}"
            ),
        )),
        (0, 0) => create(connection),
        (APPLICATION_ID, 1) => migrate(connection),
        (APPLICATION_ID, older) => Err(Error::lite(
            Code::DatabaseTooOld,
            format!("database has schema version {older}, which was never released"),
        )),
        (other, _) => Err(Error::lite(
            Code::NotADatabaseFile,
            format!("file belongs to another application ({other:#x})"),
        )),
    }
}

fn create(connection: &mut Connection) -> Result<()> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(Error::lite(
            Code::NotADatabaseFile,
            "file is an SQLite database of another application",
        ));
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(TABLES_2)?;
    create_collection_table(&transaction, 1)?;
    for key in ["private_uuid", "public_uuid"] {
        transaction.execute(
            "INSERT INTO info (key, value) VALUES (?, ?)",
            (key, uuid::Uuid::new_v4().as_bytes().as_slice()),
        )?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Brings a file of version 1 to this one.
fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES_2)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    tracing::info!(target: "database", version = SCHEMA_VERSION, "database schema migrated");
    Ok(())
}

/// Makes the table of collection number `id`.
pub(crate) fn create_collection_table(connection: &Connection, id: i64) -> Result<()> {
    connection.execute_batch(&format!(
        "CREATE TABLE docs_{id} (
            sequence INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            flags INTEGER NOT NULL,
            rev_id TEXT NOT NULL,
            vector BLOB,
            expiration INTEGER,
            tree BLOB,
            body BLOB NOT NULL
        );
        CREATE INDEX docs_{id}_deleted ON docs_{id} (sequence) WHERE flags & 1;
        CREATE INDEX docs_{id}_expiring ON docs_{id} (expiration) WHERE expiration IS NOT NULL;"
    ))?;
    Ok(())
}
