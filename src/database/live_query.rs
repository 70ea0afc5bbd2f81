//! Live queries: a query that tells its rows again whenever they have changed (query spec §10).
//!
//! ```text
//! commit ─► observer ─► Schedule ─┬─ due now ───────────────► read in the queue ─► hash ─► listener
//!                                 └─ due later ─► timer ─────►
//! ```
//!
//! A commit that comes when nothing has changed for a while runs the query at once; one in a burst
//! makes it run once, half a second later, for all of them. A query never runs twice at a time,
//! and never holds up a write: it reads on a snapshot like any other read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::call_queue::{Entry, read_job};
use super::engine::Engine;
use super::observers::ObserverId;
use super::query::{QueryParameters, QueryResult, QueryStop};
use super::{Database, lock};
use crate::error::Result;

/// A change that comes this much later than the one before it is not part of a burst.
const BURST: Duration = Duration::from_millis(250);

/// How long after the first change of a burst the query runs.
const DELAY: Duration = Duration::from_millis(500);

/// How long the timer's thread waits for work before it ends.
const THREAD_IDLE: Duration = Duration::from_secs(5);

/// Names a live query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LiveQueryId(u64);

/// Is told the rows as JSON text, or why the query failed this time. May not block, and may not
/// call back into the database.
pub type LiveQueryListener = Arc<dyn Fn(Result<&str>) + Send + Sync>;

/// When a query is to run next. Knows no clock: times are since any fixed moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    last_change: Option<Duration>,
    due: Option<Duration>,
    running: bool,
}

impl Schedule {
    /// The query is to run at once, for its first rows.
    pub(super) fn start(&mut self, now: Duration) {
        self.due = Some(now);
    }

    /// Something was committed that the query reads.
    pub(super) fn changed(&mut self, now: Duration) {
        let rested = self
            .last_change
            .is_none_or(|last| now.saturating_sub(last) > BURST);
        self.last_change = Some(now);
        let due = if rested { now } else { now + DELAY };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// When to ask [`Schedule::begin`]; `None` when there is nothing to wait for.
    pub(super) fn wake_at(&self) -> Option<Duration> {
        if self.running { None } else { self.due }
    }

    /// True when the query is to run now, which is then taken to happen.
    pub(super) fn begin(&mut self, now: Duration) -> bool {
        let begins = self.wake_at().is_some_and(|due| due <= now);
        if begins {
            self.running = true;
            self.due = None;
        }
        begins
    }

    /// The run is over.
    pub(super) fn end(&mut self) {
        self.running = false;
    }
}

/// What was told last; an error counts as told too.
type Told = Option<[u8; 32]>;

struct LiveQuery {
    id: LiveQueryId,
    handle: u64,
    text: String,
    parameters: QueryParameters,
    stop: QueryStop,
    schedule: Mutex<Schedule>,
    /// `None` once it is removed. Held while the listener is told.
    told: Mutex<Option<(LiveQueryListener, Told)>>,
}

impl LiveQuery {
    fn tell(&self, result: &Result<QueryResult>) {
        let mut told = lock(&self.told);
        let Some((listener, last)) = &mut *told else {
            return;
        };
        match result {
            Ok(result) => {
                let hash: [u8; 32] = Sha256::digest(&result.json).into();
                if last.replace(hash) != Some(hash) {
                    listener(Ok(&result.json));
                }
            }
            Err(error) => {
                *last = None;
                listener(Err(error.clone()));
            }
        }
    }
}

/// The live queries of one database, and the thread that wakes them.
pub(super) struct LiveQueries(Arc<Shared>);

struct Shared {
    started: Instant,
    state: Mutex<State>,
    changed: Condvar,
    next: AtomicU64,
}

#[derive(Default)]
struct State {
    engine: Weak<Engine>,
    queries: Vec<(Arc<LiveQuery>, Vec<ObserverId>)>,
    has_thread: bool,
}

impl LiveQueries {
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver of the schedule, which takes the time as an argument"
    )]
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            started: Instant::now(),
            state: Mutex::default(),
            changed: Condvar::new(),
            next: AtomicU64::new(1),
        }))
    }

    /// Says whose queries these are.
    pub(super) fn attach(&self, engine: &Arc<Engine>) {
        lock(&self.0.state).engine = Arc::downgrade(engine);
    }

    /// Forgets a query; its observers are given back, to be removed.
    fn remove(&self, gone: impl Fn(&LiveQuery) -> bool) -> Vec<ObserverId> {
        let mut removed = Vec::new();
        lock(&self.0.state)
            .queries
            .retain_mut(|(query, observers)| {
                let goes = gone(query);
                if goes {
                    removed.push((Arc::clone(query), std::mem::take(observers)));
                }
                !goes
            });
        self.0.changed.notify_all();
        let mut observers = Vec::new();
        for (query, of_query) in removed {
            // Waits for a listener that is being told just now.
            *lock(&query.told) = None;
            observers.extend(of_query);
        }
        observers
    }

    /// Forgets the queries of a closed handle.
    pub(super) fn remove_of_handle(&self, handle: u64) -> Vec<ObserverId> {
        self.remove(|query| query.handle == handle)
    }
}

impl Shared {
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver of the schedule, which takes the time as an argument"
    )]
    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.started)
    }

    /// Something that the query reads was committed.
    fn on_change(this: &Arc<Self>, query: &Arc<LiveQuery>) {
        lock(&query.schedule).changed(this.now());
        Self::advance(this, query);
    }

    /// Runs the query if it is due, or sees to it that it will.
    fn advance(this: &Arc<Self>, query: &Arc<LiveQuery>) {
        let (begins, waits) = {
            let mut schedule = lock(&query.schedule);
            (schedule.begin(this.now()), schedule.wake_at().is_some())
        };
        if begins {
            Self::run(this, query);
        } else if waits {
            Self::rouse(this);
        }
    }

    fn run(this: &Arc<Self>, query: &Arc<LiveQuery>) {
        let Some(engine) = lock(&this.state).engine.upgrade() else {
            return;
        };
        let (live, shared) = (Arc::clone(query), Arc::clone(this));
        let reading = Arc::clone(query);
        let job = read_job(
            move |tx| tx.stoppable_query(&reading.text, &reading.parameters, &reading.stop),
            move |result| {
                if !live.stop.load(Ordering::Acquire) {
                    live.tell(&result);
                }
                lock(&live.schedule).end();
                Self::advance(&shared, &live);
            },
        );
        engine.submit(Entry::Read(job));
    }

    /// Makes sure that a thread looks at the schedules.
    fn rouse(this: &Arc<Self>) {
        let mut state = lock(&this.state);
        if state.has_thread {
            this.changed.notify_all();
            return;
        }
        let shared = Arc::clone(this);
        let spawned = std::thread::Builder::new()
            .name("settee-live".into())
            .spawn(move || {
                super::mark_database_thread();
                Self::work(&shared);
            });
        match spawned {
            Ok(_) => state.has_thread = true,
            Err(error) => {
                tracing::warn!(target: "query", %error, "no thread for live queries, they wait for the next change");
            }
        }
    }

    /// The thread: sleeps until the first query is due, ends after a while without any.
    fn work(this: &Arc<Self>) {
        let mut state = lock(&this.state);
        loop {
            let now = this.now();
            let waiting = |(query, _): &(Arc<LiveQuery>, _)| {
                let due = lock(&query.schedule).wake_at()?;
                Some((due, Arc::clone(query)))
            };
            let first = state
                .queries
                .iter()
                .filter_map(waiting)
                .min_by_key(|(due, _)| *due);
            let (sleep, idle) = match first {
                Some((due, query)) if due <= now => {
                    drop(state);
                    Self::advance(this, &query);
                    state = lock(&this.state);
                    continue;
                }
                Some((due, _)) => (due - now, false),
                None => (THREAD_IDLE, true),
            };
            let (guard, timeout) = this
                .changed
                .wait_timeout(state, sleep)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if timeout.timed_out() && idle {
                state.has_thread = false;
                return;
            }
        }
    }
}

impl std::fmt::Debug for LiveQueries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveQueries")
            .field("count", &lock(&self.0.state).queries.len())
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Tells `listener` the rows of a query, soon and then whenever they differ from what it was
    /// told last. It is told on a thread of the database, one result at a time, in the order of
    /// commits. Ends with the handle, or by [`Database::remove_live_query`].
    ///
    /// # Errors
    /// As [`super::ReadTx::query`] for a query that cannot run at all, or `NotOpen`.
    pub fn add_live_query(
        &self,
        text: &str,
        parameters: QueryParameters,
        listener: LiveQueryListener,
    ) -> Result<LiveQueryId> {
        // A read waits for the writes that were called earlier; their changes are not for this
        // listener.
        let collections = self.read(|tx| tx.check_query(text, &parameters))?;
        let shared = &self.0.engine.live_queries.0;
        let id = LiveQueryId(shared.next.fetch_add(1, Ordering::Relaxed));
        let query = Arc::new(LiveQuery {
            id,
            handle: self.0.number,
            text: text.to_owned(),
            parameters,
            stop: self.query_stop(),
            schedule: Mutex::default(),
            told: Mutex::new(Some((listener, None))),
        });
        lock(&shared.state)
            .queries
            .push((Arc::clone(&query), Vec::new()));
        for collection in &collections {
            let (weak, of) = (Arc::downgrade(shared), Arc::downgrade(&query));
            let observer = self.observe(
                collection,
                Arc::new(move |_| {
                    if let (Some(shared), Some(query)) = (weak.upgrade(), of.upgrade()) {
                        Shared::on_change(&shared, &query);
                    }
                }),
            );
            let added = observer.map(|observer| {
                let mut state = lock(&shared.state);
                if let Some((_, observers)) =
                    state.queries.iter_mut().find(|(other, _)| other.id == id)
                {
                    observers.push(observer);
                }
            });
            if let Err(error) = added {
                self.remove_live_query(id);
                return Err(error);
            }
        }
        // Only now: whatever this first run does not see, the observers do.
        lock(&query.schedule).start(shared.now());
        Shared::advance(shared, &query);
        Ok(id)
    }

    /// Ends a live query. No listener is told anything once this returns. Must not be called from
    /// the listener.
    pub fn remove_live_query(&self, id: LiveQueryId) {
        let engine = &self.0.engine;
        for observer in engine.live_queries.remove(|query| query.id == id) {
            engine.observers.remove(observer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_first_run_is_at_once() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.wake_at(), None);
        schedule.start(ms(5));
        assert!(schedule.begin(ms(5)));
        assert!(!schedule.begin(ms(6)), "it runs already");
    }

    #[test]
    fn a_change_after_a_rest_runs_at_once_and_a_burst_runs_once_half_a_second_later() {
        let mut schedule = Schedule::default();
        schedule.changed(ms(1_000));
        assert!(schedule.begin(ms(1_000)));
        schedule.end();
        for at in [1_100, 1_200, 1_300, 1_400] {
            schedule.changed(ms(at));
            assert_eq!(
                schedule.wake_at(),
                Some(ms(1_600)),
                "the first of the burst counts"
            );
        }
        assert!(!schedule.begin(ms(1_599)));
        assert!(schedule.begin(ms(1_600)));
        schedule.end();
        assert_eq!(schedule.wake_at(), None);
        schedule.changed(ms(1_651));
        assert_eq!(
            schedule.wake_at(),
            Some(ms(1_651)),
            "more than 250 ms of rest"
        );
    }

    #[test]
    fn exactly_the_length_of_a_burst_is_still_a_burst() {
        let mut schedule = Schedule::default();
        schedule.changed(ms(0));
        assert!(schedule.begin(ms(0)));
        schedule.end();
        schedule.changed(ms(250));
        assert_eq!(schedule.wake_at(), Some(ms(750)));
    }

    #[test]
    fn a_hundred_writes_in_a_burst_are_two_runs() {
        let mut schedule = Schedule::default();
        let mut runs = 0;
        for at in 0..1_000 {
            if at < 400 && at % 4 == 0 {
                schedule.changed(ms(at));
            }
            if schedule.begin(ms(at)) {
                runs += 1;
                schedule.end();
            }
        }
        assert_eq!(runs, 2);
    }

    #[test]
    fn a_change_during_a_run_waits_for_its_end() {
        let mut schedule = Schedule::default();
        schedule.start(ms(0));
        assert!(schedule.begin(ms(0)));
        schedule.changed(ms(10));
        assert_eq!(schedule.wake_at(), None);
        assert!(!schedule.begin(ms(10)));
        schedule.end();
        assert_eq!(schedule.wake_at(), Some(ms(10)));
        assert!(schedule.begin(ms(300)));
    }
}
