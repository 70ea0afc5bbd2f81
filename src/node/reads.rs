//! The reads of one tick: they share a snapshot, and a way through the queue if they need one.

use std::sync::Arc;

use super::call::{Call, What};
use super::documents::Prepared;
use super::handles::OpenDatabase;
use super::lock;
use super::message::{Outcome, put_completion};
use super::port::{Completer, Port};
use super::runtime::Runtime;
use crate::database::ReadTx;
use crate::error::Result;

/// Several reads of documents of one database.
pub(super) struct Reads {
    open: Arc<OpenDatabase>,
    calls: Vec<(u32, Result<Prepared>)>,
}

impl Reads {
    /// Takes the calls of a tick if they are several, only read, and concern one database none of
    /// whose calls waits elsewhere; gives them back otherwise.
    pub(super) fn gather(
        runtime: &Runtime,
        calls: Vec<Call>,
    ) -> std::result::Result<Self, Vec<Call>> {
        let Some(open) = Self::database_of(runtime, &calls) else {
            return Err(calls);
        };
        let prepare = |call: Call| match call.what {
            What::Document(document) => Some((call.id, document.prepare_read())),
            What::Function { .. } => None,
        };
        let calls = calls.into_iter().filter_map(prepare).collect();
        Ok(Self { open, calls })
    }

    fn database_of(runtime: &Runtime, calls: &[Call]) -> Option<Arc<OpenDatabase>> {
        let name = |call: &'_ Call| match &call.what {
            What::Document(document) => document.reads_from().map(str::to_owned),
            What::Function { .. } => None,
        };
        let [first, _, ..] = calls else { return None };
        let database = name(first)?;
        let alike = |call: &Call| match &call.what {
            What::Document(document) => document.reads_from() == Some(database.as_str()),
            What::Function { .. } => false,
        };
        if !calls.iter().all(alike) || runtime.lanes.any_busy() {
            return None;
        }
        let open = runtime.databases.get(&database).ok()?;
        let in_batch = lock(&open.batch).is_some();
        (!in_batch).then_some(open)
    }

    /// Runs them on this thread if the database is idle and returns their completions as a message
    /// text; puts them into the queue otherwise. `expect` is told how many are queued.
    pub(super) fn run(
        self,
        port: &Arc<Port>,
        may_run_inline: bool,
        expect: impl FnOnce(usize),
    ) -> Option<String> {
        let Self { open, calls } = self;
        let ids: Vec<u32> = calls.iter().map(|(id, _)| *id).collect();
        let work = move |tx: &ReadTx<'_>| Ok(read_all(calls, tx));
        let waiting = if may_run_inline {
            match open.database.try_read_inline(work) {
                Ok(outcomes) => return Some(message(&ids, outcomes)),
                Err(work) => work,
            }
        } else {
            work
        };
        expect(ids.len());
        let completers: Vec<Completer> = ids.iter().map(|id| Completer::new(port, *id)).collect();
        open.database.submit_read(waiting, move |outcomes| {
            for (completer, outcome) in completers.into_iter().zip(each(outcomes)) {
                completer.done(outcome);
            }
        });
        None
    }
}

fn read_all(calls: Vec<(u32, Result<Prepared>)>, tx: &ReadTx<'_>) -> Vec<Result<Outcome>> {
    calls
        .into_iter()
        .map(|(_, call)| call.and_then(|call| call.read(tx)))
        .collect()
}

/// The outcome of each call; the error of all of them, when there was no snapshot.
fn each(outcomes: Result<Vec<Result<Outcome>>>) -> impl Iterator<Item = Result<Outcome>> {
    let (outcomes, error) = match outcomes {
        Ok(outcomes) => (outcomes, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let failures = error
        .into_iter()
        .flat_map(|error| std::iter::repeat_with(move || Err(error.clone())));
    outcomes.into_iter().chain(failures)
}

fn message(ids: &[u32], outcomes: Result<Vec<Result<Outcome>>>) -> String {
    let mut text = String::with_capacity(ids.len() * 384);
    for (id, outcome) in ids.iter().zip(each(outcomes)) {
        put_completion(&mut text, &mut Vec::new(), *id, outcome);
    }
    text
}
