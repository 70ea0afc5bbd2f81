//! The reads of one tick: they share a snapshot, and a way through the queue if they need one.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch;
use super::call::{Call, What};
use super::documents::Prepared;
use super::handles::OpenDatabase;
use super::message::{Outcome, put_completion};
use super::port::{Completer, Port};
use super::queries::PreparedQuery;
use super::runtime::Runtime;
use crate::database::ReadTx;
use crate::error::Result;

/// Several reads of one database.
pub(super) struct Reads {
    open: Arc<OpenDatabase>,
    calls: VecDeque<(u32, Read)>,
}

/// One of them.
enum Read {
    Document(Result<Prepared>),
    Query(PreparedQuery),
}

impl Read {
    fn run(self, tx: &ReadTx<'_>) -> Result<Outcome> {
        match self {
            Self::Document(document) => document?.read(tx),
            Self::Query(query) => query.run(tx),
        }
    }

    /// `None` when it is not for the event loop's thread.
    fn run_quickly(&self, tx: &ReadTx<'_>) -> Result<Option<Outcome>> {
        match self {
            Self::Document(Ok(document)) => document.read(tx).map(Some),
            Self::Document(Err(error)) => Err(error.clone()),
            Self::Query(query) => query.run_quickly(tx),
        }
    }
}

/// Length of completions after which the rest goes into the queue, so that large documents do not
/// hold up the event loop.
const INLINE_TEXT: usize = 256 * 1024;

impl Reads {
    /// Takes the calls of a tick if they are several, only read, and concern one database none of
    /// whose calls waits elsewhere; gives them back otherwise.
    pub(super) fn gather(
        runtime: &'static Runtime,
        calls: Vec<Call>,
    ) -> std::result::Result<Self, Vec<Call>> {
        let Some((open, mut queries)) = Self::readable(runtime, &calls) else {
            return Err(calls);
        };
        let prepare = |call: Call| {
            let read = match call.what {
                What::Document(document) => Read::Document(document.prepare_read()),
                What::Query(_) | What::Saves(_) | What::Function { .. } => {
                    Read::Query(queries.pop_front()?)
                }
            };
            Some((call.id, read))
        };
        let calls = calls.into_iter().filter_map(prepare).collect();
        Ok(Self { open, calls })
    }

    /// The database, and those of the calls that are queries.
    fn readable(
        runtime: &'static Runtime,
        calls: &[Call],
    ) -> Option<(Arc<OpenDatabase>, VecDeque<PreparedQuery>)> {
        if calls.len() < 2 || runtime.lanes.any_busy() {
            return None;
        }
        let mut queries = VecDeque::new();
        let mut from: Option<Arc<OpenDatabase>> = None;
        for call in calls {
            let open = match &call.what {
                What::Document(document) => match (document.reads_from()?, &from) {
                    (name, Some(open)) if open.unique_name == name => continue,
                    (name, _) => runtime.databases.get(name).ok()?,
                },
                What::Query(query) => {
                    let (open, query) = query.prepare(runtime).ok()?;
                    queries.push_back(query);
                    open
                }
                What::Saves(_) | What::Function { .. } => return None,
            };
            match &from {
                Some(first) if !Arc::ptr_eq(first, &open) => return None,
                Some(_) => {}
                None => from = Some(open),
            }
        }
        let open = from?;
        (!batch::is_gathering(&open)).then_some((open, queries))
    }

    /// Runs them on this thread if the database is idle and as long as they are quick, and returns
    /// their completions as a message text; puts the others into the queue. `expect` is told how
    /// many come by the port.
    pub(super) fn run(
        self,
        port: &Arc<Port>,
        may_run_inline: bool,
        expect: impl Fn(usize),
    ) -> Option<String> {
        let Self { open, mut calls } = self;
        let count = calls.len();
        let (mut text, mut beside) = (String::new(), Vec::new());
        if may_run_inline {
            let work = |tx: &ReadTx<'_>| {
                while text.len() < INLINE_TEXT
                    && let Some((id, call)) = calls.front()
                    && let Some(outcome) = call.run_quickly(tx).transpose()
                {
                    put_completion(&mut text, &mut beside, *id, outcome);
                    calls.pop_front();
                }
                Ok(())
            };
            match open.database.try_read_inline(work) {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(error)) => {
                    for (id, _) in calls.drain(..) {
                        put_completion(&mut text, &mut beside, id, Err(error.clone()));
                    }
                }
            }
        }
        let done = count - calls.len();
        if !beside.is_empty() {
            // Only a message of its own has something beside its text.
            expect(done);
            port.send(std::mem::take(&mut text), done, beside);
        }
        if !calls.is_empty() {
            expect(calls.len());
            queue(&open, calls, port);
        }
        (!text.is_empty()).then_some(text)
    }
}

fn queue(open: &OpenDatabase, calls: VecDeque<(u32, Read)>, port: &Arc<Port>) {
    let completers: Vec<Completer> = calls
        .iter()
        .map(|(id, _)| Completer::new(port, *id))
        .collect();
    open.database.submit_read(
        move |tx| Ok(calls.into_iter().map(|(_, call)| call.run(tx)).collect()),
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
