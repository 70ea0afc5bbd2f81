//! Push and pull filters: functions of the application that come as text (API §9.3).
//!
//! Each connection that has filters has a thread for them. Documents go in with the token of the
//! core's request, verdicts come out on the driver's channel; nobody waits in between.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use tokio::sync::mpsc::UnboundedSender;

use super::core::effects::{DbAnswer, FilterSubject, FilterVerdict, RequestToken};
use super::db_access::DbInput;
use crate::error::{Code, Error, Result};
use crate::script::{Failure, Limits, Script};

/// Text of the two filters of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Decides what goes out.
    pub push: Option<Arc<str>>,
    /// Decides what comes in.
    pub pull: Option<Arc<str>>,
}

impl Filters {
    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.push.is_none() && self.pull.is_none()
    }

    /// Reads the text of one filter; empty is none. Blocks for up to the time limit of a script.
    ///
    /// # Errors
    /// `InvalidParameter` naming the filter, when the text gives no function.
    pub(super) fn read(name: &str, text: Option<String>) -> Result<Option<Arc<str>>> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(None);
        };
        let text: Arc<str> = text.into();
        match Script::compile(&text, Limits::default()) {
            Ok(_) => Ok(Some(text)),
            Err(error) => Err(Error::invalid(format!("{name}: {}", error.message()))),
        }
    }
}

/// The direction of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    Push,
    Pull,
}

struct Job {
    token: RequestToken,
    text: Arc<str>,
    direction: Direction,
    subjects: Vec<FilterSubject>,
}

/// The thread of a connection's filters. Dropping it ends the thread, in the middle of a script if
/// need be.
#[derive(Debug)]
pub(super) struct FilterWorker {
    jobs: mpsc::Sender<Job>,
    filters: Vec<Filters>,
    cancelled: Arc<AtomicBool>,
}

/// Hands documents to the worker from a database's thread.
pub(super) struct FilterHandle {
    token: RequestToken,
    text: Arc<str>,
    direction: Direction,
    jobs: mpsc::Sender<Job>,
}

impl FilterWorker {
    /// A worker for the filters of each collection; `None` when there are none.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn start(
        filters: Vec<Filters>,
        inputs: UnboundedSender<DbInput>,
    ) -> Result<Option<Self>> {
        if filters.iter().all(Filters::is_empty) {
            return Ok(None);
        }
        let (jobs, queue) = mpsc::channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let stop = cancelled.clone();
        std::thread::Builder::new()
            .name("settee-filter".into())
            .spawn(move || work(&queue, &inputs, &stop))
            .map_err(|error| Error::Posix {
                errno: error.raw_os_error().unwrap_or_default(),
                message: format!("thread for filters cannot be started: {error}"),
            })?;
        Ok(Some(Self {
            jobs,
            filters,
            cancelled,
        }))
    }

    /// For a request about one collection; `None` when it has no such filter.
    pub(super) fn handle(
        &self,
        token: RequestToken,
        collection: usize,
        direction: Direction,
    ) -> Option<FilterHandle> {
        let filters = self.filters.get(collection)?;
        let text = match direction {
            Direction::Push => filters.push.clone(),
            Direction::Pull => filters.pull.clone(),
        };
        Some(FilterHandle {
            token,
            text: text?,
            direction,
            jobs: self.jobs.clone(),
        })
    }
}

impl Drop for FilterWorker {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl FilterHandle {
    /// Queues the documents; the verdicts follow as the answer to the request.
    pub(super) fn run(self, subjects: Vec<FilterSubject>) {
        let Self {
            token,
            text,
            direction,
            jobs,
        } = self;
        // The thread is gone only when the connection is.
        let _ = jobs.send(Job {
            token,
            text,
            direction,
            subjects,
        });
    }
}

fn work(
    queue: &mpsc::Receiver<Job>,
    inputs: &UnboundedSender<DbInput>,
    cancelled: &Arc<AtomicBool>,
) {
    let mut scripts: HashMap<(Direction, Arc<str>), Filter> = HashMap::new();
    while let Ok(job) = queue.recv() {
        let filter = scripts
            .entry((job.direction, job.text.clone()))
            .or_insert_with(|| Filter::new(&job.text, job.direction, cancelled.clone()));
        let mut verdicts = Vec::with_capacity(job.subjects.len());
        for subject in &job.subjects {
            if cancelled.load(Ordering::Relaxed) {
                return;
            }
            verdicts.push(filter.judge(subject));
        }
        let answer = DbAnswer::Filtered(verdicts);
        if inputs.send(DbInput::Answer(job.token, answer)).is_err() {
            return;
        }
    }
}

/// A filter on the thread that runs it.
pub(super) struct Filter {
    script: Result<Script>,
    name: &'static str,
}

impl Filter {
    pub(super) fn new(text: &Arc<str>, direction: Direction, cancelled: Arc<AtomicBool>) -> Self {
        Self {
            script: Script::compile_cancellable(text, Limits::default(), cancelled),
            name: match direction {
                Direction::Push => "push filter",
                Direction::Pull => "pull filter",
            },
        }
    }

    /// Whether the document is to be replicated. What the filter throws counts as no.
    pub(super) fn judge(&mut self, subject: &FilterSubject) -> FilterVerdict {
        let Some(body) = &subject.body else {
            return FilterVerdict::Gone;
        };
        let script = match &mut self.script {
            Ok(script) => script,
            Err(error) => return FilterVerdict::Failed(error.clone()),
        };
        let mut flags = Vec::new();
        if subject.deleted {
            flags.push("DELETED");
        }
        if subject.access_removed {
            flags.push("ACCESS_REMOVED");
        }
        let doc_id = subject.doc_id.as_str();
        let exceeded = |what: &str| {
            let message = format!("{} of document {doc_id} took too {what}", self.name);
            FilterVerdict::Failed(Error::lite(Code::UnexpectedError, message))
        };
        match script.accepts(body, doc_id, &flags) {
            Ok(true) => FilterVerdict::Pass,
            Ok(false) => FilterVerdict::Reject,
            Err(Failure::Threw(error)) => {
                tracing::warn!(target: "replicator", doc_id, error, "{} threw", self.name);
                FilterVerdict::Reject
            }
            Err(Failure::TimedOut) => exceeded("long"),
            Err(Failure::OutOfMemory) => exceeded("much memory"),
            Err(Failure::Cancelled) => exceeded("long to be waited for"),
        }
    }
}
