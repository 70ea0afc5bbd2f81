//! The reads of one tick: they share a snapshot, and a way through the queue if they need one.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch;
use super::call::{Call, What};
use super::documents::Prepared;
use super::handles::OpenDatabase;
use super::message::{Outcome, put_completion};
use super::port::{Completer, Port};
use super::runtime::Runtime;
use crate::database::ReadTx;
use crate::error::Result;

/// Several reads of documents of one database.
pub(super) struct Reads {
    open: Arc<OpenDatabase>,
    calls: VecDeque<(u32, Result<Prepared>)>,
}

/// Length of completions after which the rest goes into the queue, so that large documents do not
/// hold up the event loop.
const INLINE_TEXT: usize = 256 * 1024;

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
            What::Saves(_) | What::Function { .. } => None,
        };
        let calls = calls.into_iter().filter_map(prepare).collect();
        Ok(Self { open, calls })
    }

    fn database_of(runtime: &Runtime, calls: &[Call]) -> Option<Arc<OpenDatabase>> {
        let name = |call: &'_ Call| match &call.what {
            What::Document(document) => document.reads_from().map(str::to_owned),
            What::Saves(_) | What::Function { .. } => None,
        };
        let [first, _, ..] = calls else { return None };
        let database = name(first)?;
        let alike = |call: &Call| match &call.what {
            What::Document(document) => document.reads_from() == Some(database.as_str()),
            What::Saves(_) | What::Function { .. } => false,
        };
        if !calls.iter().all(alike) || runtime.lanes.any_busy() {
            return None;
        }
        let open = runtime.databases.get(&database).ok()?;
        (!batch::is_gathering(&open)).then_some(open)
    }

    /// Runs them on this thread if the database is idle and returns their completions as a message
    /// text; puts them into the queue otherwise. `expect` is told how many are queued.
    pub(super) fn run(
        self,
        port: &Arc<Port>,
        may_run_inline: bool,
        expect: impl FnOnce(usize),
    ) -> Option<String> {
        let Self { open, mut calls } = self;
        let mut text = String::new();
        if may_run_inline {
            let work = |tx: &ReadTx<'_>| {
                while text.len() < INLINE_TEXT {
                    let Some((id, call)) = calls.pop_front() else {
                        break;
                    };
                    let outcome = call.and_then(|call| call.read(tx));
                    put_completion(&mut text, &mut Vec::new(), id, outcome);
                }
                Ok(())
            };
            match open.database.try_read_inline(work) {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(error)) => {
                    for (id, _) in calls.drain(..) {
                        put_completion(&mut text, &mut Vec::new(), id, Err(error.clone()));
                    }
                }
            }
        }
        if !calls.is_empty() {
            expect(calls.len());
            queue(&open, calls, port);
        }
        (!text.is_empty()).then_some(text)
    }
}

fn queue(open: &OpenDatabase, calls: VecDeque<(u32, Result<Prepared>)>, port: &Arc<Port>) {
    let completers: Vec<Completer> = calls
        .iter()
        .map(|(id, _)| Completer::new(port, *id))
        .collect();
    open.database.submit_read(
        move |tx| {
            let read = |(_, call): (u32, Result<Prepared>)| call.and_then(|call| call.read(tx));
            Ok(calls.into_iter().map(read).collect())
        },
        move |outcomes| {
            for (completer, outcome) in completers.into_iter().zip(each(outcomes)) {
                completer.done(outcome);
            }
        },
    );
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
