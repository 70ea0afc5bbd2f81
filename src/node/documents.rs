//! Save, get, delete and purge: the calls that must be fast.

use std::sync::Arc;

use super::blobs::{BlobArg, StagedBlob};
use super::functions::database_lane;
use super::handles::OpenDatabase;
use super::message::{Outcome, put_string};
use super::port::{Completer, RunCompleter};
use super::runtime::Runtime;
use super::{batch, blobs};
use crate::database::{Concurrency, ReadTx, SaveList, SaveResult, WriteTx};
use crate::error::{Code, Error, Result};
use crate::model::{CollectionSpec, DocId};

/// A collection of a database, as a call names it.
pub(super) struct Target {
    database: String,
    collection: Result<CollectionSpec>,
}

impl Target {
    /// Bad names are told when the target is used.
    pub(super) fn new(database: String, scope: &str, collection: &str) -> Self {
        Self {
            database,
            collection: CollectionSpec::new(scope, collection),
        }
    }
}

/// What to do with a document.
pub(super) enum Action {
    /// Save it.
    Save {
        /// JSON text.
        body: String,
        /// `None`: as last write wins, and no flag in the result.
        concurrency: Option<Concurrency>,
        /// Blobs to put at top-level keys.
        blobs: Vec<BlobArg>,
    },
    /// Read it.
    Get,
    /// Write a tombstone.
    Delete,
    /// Remove it without a trace.
    Purge,
}

/// A compact call.
pub(super) struct DocumentCall {
    pub(super) target: Arc<Target>,
    /// Empty on a save: a new one is wanted.
    pub(super) doc_id: String,
    pub(super) action: Action,
}

/// Saves without blobs that come one after the other.
pub(super) struct SaveRun {
    pub(super) target: Arc<Target>,
    /// As in [`Action::Save`].
    pub(super) concurrency: Option<Concurrency>,
    pub(super) list: SaveList,
}

impl SaveRun {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The first as a call of its own.
    pub(super) fn into_single(self) -> DocumentCall {
        let (doc_id, body) = self.list.iter().next().unwrap_or_default();
        self.call(doc_id, body)
    }

    fn call(&self, doc_id: &str, body: &str) -> DocumentCall {
        DocumentCall {
            target: Arc::clone(&self.target),
            doc_id: doc_id.to_owned(),
            action: Action::Save {
                body: body.to_owned(),
                concurrency: self.concurrency,
                blobs: Vec::new(),
            },
        }
    }
}

impl DocumentCall {
    /// Whether files or large blobs must be read first.
    fn blocks(&self) -> bool {
        matches!(&self.action, Action::Save { blobs, .. } if blobs::must_be_staged(blobs))
    }

    /// The database that it reads from, if it changes nothing.
    pub(super) fn reads_from(&self) -> Option<&str> {
        matches!(self.action, Action::Get).then_some(&*self.target.database)
    }

    /// Checks the arguments of a read.
    pub(super) fn prepare_read(self) -> Result<Prepared> {
        Ok(Prepared {
            collection: self.target.collection.clone()?,
            doc_id: Some(DocId::parse(self.doc_id)?),
            action: PreparedAction::Get,
        })
    }

    fn resolve(self, runtime: &Runtime) -> Result<(Arc<OpenDatabase>, Prepared)> {
        let open = runtime.databases.get(&self.target.database)?;
        let prepared = Prepared {
            collection: self.target.collection.clone()?,
            doc_id: match self.action {
                Action::Save { .. } if self.doc_id.is_empty() => None,
                _ => Some(DocId::parse(self.doc_id)?),
            },
            action: match self.action {
                Action::Save {
                    body,
                    concurrency,
                    blobs,
                } => PreparedAction::Save {
                    body,
                    concurrency,
                    blobs: blobs::stage(&open.database, blobs)?,
                },
                Action::Get => PreparedAction::Get,
                Action::Delete => PreparedAction::Delete,
                Action::Purge => PreparedAction::Purge,
            },
        };
        Ok((open, prepared))
    }
}

/// A call whose arguments are known to be good.
pub(super) struct Prepared {
    collection: CollectionSpec,
    doc_id: Option<DocId>,
    action: PreparedAction,
}

enum PreparedAction {
    Save {
        body: String,
        concurrency: Option<Concurrency>,
        blobs: Vec<StagedBlob>,
    },
    Get,
    Delete,
    Purge,
}

impl Prepared {
    fn only_reads(&self) -> bool {
        matches!(self.action, PreparedAction::Get)
    }

    /// Bytes that the call brings, for the queue's limit.
    fn cost(&self) -> usize {
        match &self.action {
            PreparedAction::Save { body, blobs, .. } => {
                body.len() + blobs.iter().map(StagedBlob::bytes_held).sum::<usize>()
            }
            _ => 0,
        }
    }

    pub(super) fn read(&self, tx: &ReadTx<'_>) -> Result<Outcome> {
        let Some(doc_id) = &self.doc_id else {
            return Err(Error::invalid("argument \"docId\" is missing"));
        };
        let Some(document) = tx.document(&self.collection, doc_id)? else {
            return Ok(Outcome::Json("{}".to_owned()));
        };
        let body = String::from_utf8(document.body)
            .map_err(|_| Error::lite(Code::CorruptData, "stored document body is not UTF-8"))?;
        let mut json = String::with_capacity(body.len() + 160);
        json.push_str("{\"_id\":");
        put_string(&mut json, document.id.as_str());
        json.push_str(",\"_data\":");
        json.push_str(&body);
        json.push_str(&format!(
            ",\"_sequence\":{},\"_revId\":\"{}\"}}",
            document.sequence.0, document.rev_id
        ));
        Ok(Outcome::Json(json))
    }

    fn write(self, tx: &mut WriteTx<'_>) -> Result<Outcome> {
        let Self {
            collection,
            doc_id,
            action,
        } = self;
        match (action, doc_id) {
            (
                PreparedAction::Save {
                    body,
                    concurrency,
                    blobs,
                },
                doc_id,
            ) => {
                let made_here = doc_id.is_none();
                let blobs = blobs::put(tx, blobs)?;
                let rule = concurrency.unwrap_or(Concurrency::LastWriteWins);
                let saved = tx.save(&collection, doc_id, body.as_bytes(), blobs, rule)?;
                Ok(saved_outcome(saved, made_here, concurrency.is_some()))
            }
            (PreparedAction::Delete, Some(doc_id)) => {
                tx.delete(&collection, &doc_id).map(|_| Outcome::Nothing)
            }
            (PreparedAction::Purge, Some(doc_id)) => {
                tx.purge(&collection, &doc_id).map(|_| Outcome::Nothing)
            }
            _ => Err(Error::invalid("argument \"docId\" is missing")),
        }
    }
}

/// Puts a call into its database's queue, behind what waits in its lane.
pub(super) fn dispatch(runtime: &'static Runtime, call: DocumentCall, completer: Completer) {
    let blocks = call.blocks();
    if blocks || runtime.lanes.any_busy() {
        let lane = database_lane(runtime, call.target.database.clone());
        if blocks || runtime.lanes.is_busy(&lane) {
            let job = move || enqueue(runtime, call, completer);
            return runtime.push(&lane, Box::new(job));
        }
    }
    enqueue(runtime, call, completer);
}

fn enqueue(runtime: &Runtime, call: DocumentCall, completer: Completer) {
    let (open, call) = match call.resolve(runtime) {
        Ok(resolved) => resolved,
        Err(error) => return completer.done(Err(error)),
    };
    queue(&open, call, completer);
}

fn saved_outcome(saved: SaveResult, made_here: bool, controlled: bool) -> Outcome {
    Outcome::Saved {
        id: made_here.then(|| saved.id.as_str().to_owned()),
        rev_id: saved.rev_id.as_str().to_owned(),
        sequence: saved.sequence.0,
        passed: (controlled || saved.conflict).then_some(!saved.conflict),
    }
}

fn queue(open: &OpenDatabase, call: Prepared, completer: Completer) {
    if call.only_reads() {
        batch::read(open, move |tx| call.read(tx), completer);
    } else {
        batch::write(open, call.cost(), move |tx| call.write(tx), completer);
    }
}

/// Puts saves into their database's queue, behind what waits in its lane.
pub(super) fn dispatch_run(runtime: &'static Runtime, run: SaveRun, completer: RunCompleter) {
    if runtime.lanes.any_busy() {
        let lane = database_lane(runtime, run.target.database.clone());
        if runtime.lanes.is_busy(&lane) {
            let job = move || enqueue_run(runtime, run, completer);
            return runtime.push(&lane, Box::new(job));
        }
    }
    enqueue_run(runtime, run, completer);
}

fn enqueue_run(runtime: &Runtime, run: SaveRun, completer: RunCompleter) {
    let open = runtime.databases.get(&run.target.database);
    let resolved = open.and_then(|open| Ok((open, run.target.collection.clone()?)));
    let (open, collection) = match resolved {
        Ok(resolved) => resolved,
        Err(error) => {
            let count = run.len();
            return completer.done(std::iter::repeat_with(|| Err(error.clone())).take(count));
        }
    };
    if batch::is_gathering(&open) {
        // The batch is a transaction of its own kind, which takes calls one by one.
        for ((doc_id, body), completer) in run.list.iter().zip(completer.each()) {
            enqueue(runtime, run.call(doc_id, body), completer);
        }
        return;
    }
    let controlled = run.concurrency.is_some();
    let rule = run.concurrency.unwrap_or(Concurrency::LastWriteWins);
    let made_here: Vec<bool> = run.list.iter().map(|(id, _)| id.is_empty()).collect();
    open.database
        .submit_saves(collection, run.list, rule, move |results| {
            let outcome = |(saved, made_here): (Result<SaveResult>, bool)| {
                saved.map(|saved| saved_outcome(saved, made_here, controlled))
            };
            completer.done(results.into_iter().zip(made_here).map(outcome));
        });
}

/// A call that could not run inline: give it a completer and it goes into the queue.
pub(super) type Waiting = Box<dyn FnOnce(Completer)>;

/// Runs a call on this thread if nothing is before it; gives it back otherwise (design D4).
pub(super) fn run_inline(
    runtime: &'static Runtime,
    call: DocumentCall,
) -> Result<Result<Outcome>, Waiting> {
    if call.blocks() || runtime.lanes.any_busy() {
        return Err(Box::new(move |completer| {
            dispatch(runtime, call, completer)
        }));
    }
    let (open, call) = match call.resolve(runtime) {
        Ok(resolved) => resolved,
        Err(error) => return Ok(Err(error)),
    };
    if batch::is_gathering(&open) {
        return Err(Box::new(move |completer| queue(&open, call, completer)));
    }
    let database = open.database.clone();
    if call.only_reads() {
        database
            .try_read_inline(move |tx| call.read(tx))
            .map_err(|work| -> Waiting {
                Box::new(move |completer| {
                    let done = move |result| completer.done(result);
                    open.database.submit_read(work, done);
                })
            })
    } else {
        let cost = call.cost();
        database
            .try_write_inline(move |tx| call.write(tx))
            .map_err(|work| -> Waiting {
                Box::new(move |completer| {
                    let done = move |result| completer.done(result);
                    open.database.submit_write(cost, work, done);
                })
            })
    }
}
