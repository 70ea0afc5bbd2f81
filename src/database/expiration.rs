//! Document expiration: a time after which a document is purged (API spec §13.1).
//!
//! A thread sleeps until the next time comes; it is there only while a document of the database
//! has one. The purge is a call in the queue like any other.

use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::call_queue::{Entry, write_job};
use super::engine::Engine;
use super::transaction::{ReadTx, WriteTx};
use super::{lock, wait_while};
use crate::error::Result;
use crate::model::{CollectionSpec, DocId};

/// Documents purged in one call.
const PURGE_AT_ONCE: usize = 500;

/// Longest sleep, so that a change of the system's clock is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// How long the thread stays when nothing expires any more.
const THREAD_IDLE: Duration = Duration::from_secs(5);

impl ReadTx<'_> {
    /// When the document expires, in milliseconds since 1970; `None` when it does not, or is not
    /// there.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn expiration(&self, collection: &CollectionSpec, id: &DocId) -> Result<Option<i64>> {
        self.collections
            .get(collection)?
            .table
            .expiration(self.connection, id)
    }
}

impl WriteTx<'_> {
    /// Sets when the document expires, in milliseconds since 1970; `None` for never. A time that
    /// has passed purges it soon after the commit. No change of the document: it takes no
    /// sequence and is not replicated.
    ///
    /// # Errors
    /// `NotFound` when the document is not there or deleted.
    pub fn set_expiration(
        &mut self,
        collection: &CollectionSpec,
        id: &DocId,
        expiration: Option<i64>,
    ) -> Result<()> {
        let collection = self.collection(collection)?;
        let head = self.head_of(&collection, id)?;
        if head.flags.is_deleted() {
            return Err(super::documents::not_found(id));
        }
        collection
            .table
            .set_expiration(self.connection, head.sequence, expiration)?;
        if let Some(expiration) = expiration {
            let sooner = self
                .log
                .expiration
                .map_or(expiration, |e| e.min(expiration));
            self.log.expiration = Some(sooner);
        }
        Ok(())
    }

    /// Purges what has expired, some of it; answers with when to look again.
    fn purge_expired(&mut self, now: i64) -> Result<Option<i64>> {
        let collections: Vec<_> = self.collections.iter().cloned().collect();
        let mut next: Option<i64> = None;
        for collection in collections {
            let table = &collection.table;
            for id in table.expired(self.connection, now, PURGE_AT_ONCE)? {
                self.purge(&collection.spec, &id)?;
                tracing::debug!(target: "database", %id, collection = %collection.spec, "document expired");
            }
            if let Some(time) = table.next_expiration(self.connection)? {
                next = Some(next.map_or(time, |next| next.min(time)));
            }
        }
        Ok(next)
    }
}

#[derive(Default)]
struct State {
    next: Option<i64>,
    has_thread: bool,
    stop: bool,
}

struct Shared {
    engine: OnceLock<Weak<Engine>>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Knows when the next document expires.
pub(super) struct Expirer(Arc<Shared>);

impl Expirer {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            engine: OnceLock::new(),
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    /// Says whose documents these are.
    pub(super) fn attach(&self, engine: &Arc<Engine>) {
        // Only ever called once, by whoever has just made both.
        let _ = self.0.engine.set(Arc::downgrade(engine));
    }

    /// Some document expires at this time.
    pub(super) fn schedule(&self, time: i64) {
        Shared::schedule(&self.0, time);
    }

    /// Waits until the thread is gone.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.0.state);
        state.stop = true;
        self.0.changed.notify_all();
        drop(wait_while(&self.0.changed, state, |state| state.has_thread));
    }
}

impl Shared {
    fn schedule(this: &Arc<Self>, time: i64) {
        let mut state = lock(&this.state);
        if state.stop || state.next.is_some_and(|next| next <= time) {
            return;
        }
        state.next = Some(time);
        if state.has_thread {
            this.changed.notify_all();
            return;
        }
        let shared = Arc::clone(this);
        let spawned = std::thread::Builder::new()
            .name("settee-expirer".into())
            .spawn(move || Self::work(&shared));
        match spawned {
            Ok(_) => state.has_thread = true,
            Err(error) => {
                tracing::warn!(target: "database", %error, "no thread for document expiration");
            }
        }
    }

    fn work(this: &Arc<Self>) {
        let mut state = lock(&this.state);
        loop {
            if state.stop {
                break;
            }
            let sleep = match state.next {
                None => THREAD_IDLE,
                Some(next) => {
                    let left = next.saturating_sub(now());
                    if left <= 0 {
                        state.next = None;
                        drop(state);
                        Self::purge(this);
                        state = lock(&this.state);
                        continue;
                    }
                    Duration::from_millis(left.unsigned_abs()).min(SLEEP_MAX)
                }
            };
            let (guard, timeout) = this
                .changed
                .wait_timeout(state, sleep)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if timeout.timed_out() && state.next.is_none() {
                break;
            }
        }
        state.has_thread = false;
        this.changed.notify_all();
    }

    fn purge(this: &Arc<Self>) {
        let Some(engine) = this.engine.get().and_then(Weak::upgrade) else {
            return;
        };
        let shared = Arc::clone(this);
        engine.submit(Entry::Write {
            cost: 0,
            job: write_job(
                |tx| tx.purge_expired(now()),
                move |purged| match purged {
                    Ok(Some(next)) => Self::schedule(&shared, next),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(target: "database", %error, "purging expired documents failed");
                    }
                },
            ),
        });
    }
}

impl std::fmt::Debug for Expirer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expirer").finish_non_exhaustive()
    }
}

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "expiration is about the wall clock, and this is its driver"
)]
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}
