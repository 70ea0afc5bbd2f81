//! Calls that become one transaction (`Database.inBatch`, API §4.3).
//!
//! While a handle has a batch, what is called on it is gathered and not run. The end of the batch runs
//! all of it in the order of the calls, reads as well, or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::args::Args;
use super::functions::Job;
use super::handles::OpenDatabase;
use super::lock;
use super::message::Outcome;
use super::port::Completer;
use crate::database::{Database, ReadTx, WriteTx};
use crate::error::{Code, Error, Result};

/// A call's part of the transaction.
type Work = Box<dyn FnOnce(&mut WriteTx<'_>) -> Result<Outcome> + Send>;

/// A transaction that is being gathered.
#[derive(Default)]
pub(super) struct Batch {
    calls: Vec<Work>,
    waiting: Vec<Completer>,
    /// Bytes that the calls bring.
    cost: usize,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Batch").field(&self.calls.len()).finish()
    }
}

impl Batch {
    fn gather(&mut self, cost: usize, work: Work, completer: Completer) {
        self.calls.push(work);
        self.waiting.push(completer);
        self.cost += cost;
    }
}

/// Whether the handle has a batch: nothing may run at once.
pub(super) fn is_gathering(open: &OpenDatabase) -> bool {
    lock(&open.batch).is_some()
}

/// Puts a read into the batch of the handle, else into the database's queue.
pub(super) fn read(
    open: &OpenDatabase,
    work: impl FnOnce(&ReadTx<'_>) -> Result<Outcome> + Send + 'static,
    completer: Completer,
) {
    if let Some(batch) = &mut *lock(&open.batch) {
        return batch.gather(0, Box::new(move |tx| work(tx)), completer);
    }
    let done = move |result| completer.done(result);
    open.database.submit_read(work, done);
}

/// Puts a write that brings so many bytes into the batch of the handle, else into the database's
/// queue.
pub(super) fn write(
    open: &OpenDatabase,
    cost: usize,
    work: impl FnOnce(&mut WriteTx<'_>) -> Result<Outcome> + Send + 'static,
    completer: Completer,
) {
    if let Some(batch) = &mut *lock(&open.batch) {
        return batch.gather(cost, Box::new(work), completer);
    }
    let done = move |result| completer.done(result);
    open.database.submit_write(cost, work, done);
}

/// `database_BeginBatch {name}`: gathers the calls on this handle that follow.
pub(super) fn begin(args: &Args<'_>) -> Result<Job> {
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
pub(super) fn end(args: &Args<'_>) -> Result<Job> {
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
            run(&open.database, batch, completer);
        } else {
            forget(batch.waiting, "the batch was given up");
            completer.done(Ok(Outcome::Nothing));
        }
    }))
}

fn run(database: &Database, batch: Batch, completer: Completer) {
    let Batch {
        calls,
        mut waiting,
        cost,
    } = batch;
    let reached = Arc::new(AtomicUsize::new(0));
    let failed_at = Arc::clone(&reached);
    database.submit_write(
        cost,
        move |tx| {
            let mut outcomes = Vec::with_capacity(calls.len());
            for (index, call) in calls.into_iter().enumerate() {
                reached.store(index, Ordering::Relaxed);
                outcomes.push(call(tx)?);
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
