//! Save, get, delete and purge: the calls that must be fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::args::Args;
use super::blobs::{BlobArg, StagedBlob};
use super::functions::{Job, database_lane};
use super::handles::OpenDatabase;
use super::message::{Outcome, put_string};
use super::port::Completer;
use super::runtime::Runtime;
use super::{blobs, lock};
use crate::database::{Concurrency, Database, ReadTx, WriteTx};
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
        if self.only_reads() {
            return self.read(tx);
        }
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
                Ok(Outcome::Saved {
                    id: made_here.then(|| saved.id.as_str().to_owned()),
                    rev_id: saved.rev_id.as_str().to_owned(),
                    sequence: saved.sequence.0,
                    passed: (concurrency.is_some() || saved.conflict).then_some(!saved.conflict),
                })
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

/// A transaction that is being gathered (`database_BeginBatch`).
#[derive(Default)]
pub(super) struct Batch(Vec<(Prepared, Completer)>);

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Batch").field(&self.0.len()).finish()
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

fn queue(open: &OpenDatabase, call: Prepared, completer: Completer) {
    if let Some(batch) = &mut *lock(&open.batch) {
        return batch.0.push((call, completer));
    }
    if call.only_reads() {
        open.database.submit_read(
            move |tx| call.read(tx),
            move |result| completer.done(result),
        );
    } else {
        open.database.submit_write(
            call.cost(),
            move |tx| call.write(tx),
            move |result| completer.done(result),
        );
    }
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
    if lock(&open.batch).is_some() {
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

/// `database_BeginBatch {name}`: gathers the document calls on this handle that follow.
pub(super) fn begin_batch(args: &Args<'_>) -> Result<Job> {
    let open = args.database()?;
    let mut batch = lock(&open.batch);
    if batch.is_some() {
        return Err(Error::lite(
            Code::TransactionNotClosed,
            format!("database '{}' has a batch already", open.name),
        ));
    }
    *batch = Some(Batch::default());
    drop(batch);
    Ok(Box::new(|completer| completer.done(Ok(Outcome::Nothing))))
}

/// `database_EndBatch {name, commit}`: runs what was gathered as one transaction, or forgets it.
pub(super) fn end_batch(args: &Args<'_>) -> Result<Job> {
    let open = args.database()?;
    let commit = args.boolean("commit")?;
    let batch = lock(&open.batch).take().ok_or_else(|| {
        Error::lite(
            Code::NotInTransaction,
            format!("database '{}' has no batch", open.name),
        )
    })?;
    Ok(Box::new(move |completer| {
        if commit {
            run_batch(&open.database, batch, completer);
        } else {
            forget(
                batch.0.into_iter().map(|(_, waiting)| waiting),
                "the batch was given up",
            );
            completer.done(Ok(Outcome::Nothing));
        }
    }))
}

fn run_batch(database: &Database, batch: Batch, completer: Completer) {
    let (calls, mut waiting): (Vec<_>, Vec<_>) = batch.0.into_iter().unzip();
    let cost = calls.iter().map(Prepared::cost).sum();
    let reached = Arc::new(AtomicUsize::new(0));
    let failed_at = Arc::clone(&reached);
    database.submit_write(
        cost,
        move |tx| {
            let mut outcomes = Vec::with_capacity(calls.len());
            for (index, call) in calls.into_iter().enumerate() {
                reached.store(index, Ordering::Relaxed);
                outcomes.push(call.write(tx)?);
            }
            Ok(outcomes)
        },
        move |result| match result {
            Ok(outcomes) => {
                for (waiting, outcome) in waiting.into_iter().zip(outcomes) {
                    waiting.done(Ok(outcome));
                }
                completer.done(Ok(Outcome::Nothing));
            }
            Err(error) => {
                let index = failed_at.load(Ordering::Relaxed);
                if index < waiting.len() {
                    waiting.remove(index).done(Err(error.clone()));
                }
                forget(waiting, error.message());
                completer.done(Err(error));
            }
        },
    );
}

/// Rejects the calls of a transaction that did not happen.
fn forget(waiting: impl IntoIterator<Item = Completer>, why: &str) {
    for completer in waiting {
        let message = format!("rolled back with its batch: {why}");
        completer.done(Err(Error::lite(Code::NotInTransaction, message)));
    }
}
