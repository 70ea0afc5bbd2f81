//! Saves without blobs that come one after the other: queued as one entry, told as one.

use super::Database;
use super::call_queue::{Completion, Entry, guarded, quietly};
use super::documents::{Concurrency, SaveResult};
use super::engine::{Engine, Writer};
use super::transaction::{Undo, WriteTx};
use crate::error::{Error, Result};
use crate::model::{CollectionSpec, DocId};

/// Saves for [`Database::submit_saves`]. Ids and bodies lie in one text, so that a save is three
/// numbers and not two allocations.
#[derive(Debug, Default)]
#[must_use]
pub struct SaveList {
    texts: String,
    saves: Vec<Listed>,
}

/// Where a save has its texts: the id up to `body`, the body up to `end`.
#[derive(Clone, Copy, Debug)]
struct Listed {
    id: usize,
    body: usize,
    end: usize,
}

impl SaveList {
    /// A list without saves, with room for so many bytes of ids and bodies.
    pub fn with_capacity(saves: usize, bytes: usize) -> Self {
        Self {
            texts: String::with_capacity(bytes),
            saves: Vec::with_capacity(saves),
        }
    }

    /// Adds a save. Without `id` a new one is made; the id is checked when its turn comes.
    pub fn push(&mut self, id: Option<&str>, body: &str) {
        let start = self.texts.len();
        self.texts.push_str(id.unwrap_or_default());
        let at = self.texts.len();
        self.texts.push_str(body);
        self.saves.push(Listed {
            id: start,
            body: at,
            end: self.texts.len(),
        });
    }

    /// Saves in the list.
    pub fn len(&self) -> usize {
        self.saves.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.saves.is_empty()
    }

    /// Id, empty for a new one, and body of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.saves.iter().map(|save| self.texts_of(*save))
    }

    fn texts_of(&self, Listed { id, body, end }: Listed) -> (&str, &str) {
        (&self.texts[id..body], &self.texts[body..end])
    }
}

type Done = Box<dyn FnOnce(Vec<Result<SaveResult>>) + Send>;

/// A list that waits in the queue.
pub(super) struct SavesJob {
    collection: CollectionSpec,
    list: SaveList,
    rule: Concurrency,
    done: Done,
}

impl SavesJob {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Bytes that are written.
    pub(super) fn cost(&self) -> usize {
        self.list.texts.len()
    }

    /// Carries out what has no result yet, until the end or until SQLite has thrown the
    /// transaction away. One that fails fails alone.
    pub(super) fn run(
        &self,
        engine: &Engine,
        writer: &mut Writer,
        results: &mut Vec<Result<SaveResult>>,
    ) {
        for save in &self.list.saves[results.len()..] {
            let work = |tx: &mut WriteTx<'_>| guarded(|| self.save(tx, *save));
            let result = writer.call(engine, Undo::Statement, work);
            let failed = result.is_err();
            results.push(result);
            if failed && !writer.in_transaction() {
                return;
            }
        }
    }

    fn save(&self, tx: &mut WriteTx<'_>, save: Listed) -> Result<SaveResult> {
        let (id, body) = self.list.texts_of(save);
        let id = if id.is_empty() {
            None
        } else {
            Some(DocId::parse(id)?)
        };
        tx.save(&self.collection, id, body.as_bytes(), Vec::new(), self.rule)
    }

    /// Tells the results after the commit.
    pub(super) fn completion(self, mut results: Vec<Result<SaveResult>>) -> Completion {
        Box::new(move |failure| {
            if let Some(error) = failure {
                fail_all(&mut results, error);
            }
            quietly(|| (self.done)(results));
        })
    }
}

/// Fails what has not failed yet.
pub(super) fn fail_all(results: &mut [Result<SaveResult>], error: &Error) {
    for result in results.iter_mut().filter(|result| result.is_ok()) {
        *result = Err(error.clone());
    }
}

impl Database {
    /// Queues saves, each as [`WriteTx::save`] without blobs, for less than
    /// [`Database::submit_write`] of each: they have no savepoints of their own. One that fails
    /// fails alone. `done` gets a result for each, in order, after the commit, on a database
    /// thread; it may not block.
    ///
    /// On a closed handle all are told `NotOpen` at once, on this thread.
    pub fn submit_saves(
        &self,
        collection: CollectionSpec,
        list: SaveList,
        rule: Concurrency,
        done: impl FnOnce(Vec<Result<SaveResult>>) + Send + 'static,
    ) {
        match self.check_open() {
            Ok(()) => self.0.engine.submit(Entry::Saves(SavesJob {
                collection,
                list,
                rule,
                done: Box::new(done),
            })),
            Err(error) => done(vec![Err(error); list.len()]),
        }
    }
}
