//! What the tests share: a database in a temporary folder.

use std::sync::mpsc::{Receiver, channel};

use settee::database::{Concurrency, Database, DatabaseOptions, Document, SaveResult, WriteTx};
use settee::model::{CollectionSpec, DocId, RevId};
use settee::{Error, Result};
use tempfile::TempDir;

pub(crate) struct Fixture {
    pub(crate) directory: TempDir,
    pub(crate) database: Database,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with_key(None)
    }

    /// Encrypted, if there is a key.
    pub(crate) fn with_key(key: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = options(&directory);
        let options = match key {
            Some(key) => options.with_encryption_key(key),
            None => options,
        };
        let database = Database::open("db", &options).unwrap();
        Self {
            directory,
            database,
        }
    }

    /// Closes and opens again.
    pub(crate) fn reopen(&mut self) {
        self.database.close().unwrap();
        self.database = Database::open("db", &options(&self.directory)).unwrap();
    }

    pub(crate) fn save(&self, id: &str, body: &str) -> SaveResult {
        self.try_save(id, body).unwrap()
    }

    pub(crate) fn try_save(&self, id: &str, body: &str) -> Result<SaveResult> {
        let id = doc_id(id);
        self.database.write(|tx| save(tx, &id, body))
    }

    pub(crate) fn get(&self, id: &str) -> Option<Document> {
        self.database
            .read(|tx| tx.document(&default(), &doc_id(id)))
            .unwrap()
    }

    pub(crate) fn body(&self, id: &str) -> Option<String> {
        self.get(id)
            .map(|document| String::from_utf8(document.body).unwrap())
    }
}

pub(crate) fn options(directory: &TempDir) -> DatabaseOptions {
    DatabaseOptions::in_directory(directory.path())
}

pub(crate) fn default() -> CollectionSpec {
    CollectionSpec::default_collection()
}

pub(crate) fn doc_id(id: &str) -> DocId {
    DocId::parse(id).unwrap()
}

pub(crate) fn rev(id: &str) -> RevId {
    RevId::parse(id).unwrap()
}

pub(crate) fn save(tx: &mut WriteTx<'_>, id: &DocId, body: &str) -> Result<SaveResult> {
    tx.save(
        &default(),
        Some(id.clone()),
        body.as_bytes(),
        Vec::new(),
        Concurrency::LastWriteWins,
    )
}

/// A completion that sends, and where it sends to.
pub(crate) fn completion<T: Send + 'static>() -> (
    impl FnOnce(Result<T>) + Send + 'static,
    Receiver<Result<T, Error>>,
) {
    let (sender, receiver) = channel();
    (move |result| sender.send(result).unwrap(), receiver)
}
