//! First in, first out, although some calls block.
//!
//! A call that may take long (opening, closing, files, TLS) must not run on the event loop's
//! thread, and calls on the same database that come after it must not overtake it (API §2.4). So
//! each database name has a lane. A lane is nothing while it is idle: quick calls then run at once
//! where they come in. As soon as a slow call is under way, everything for that name waits behind
//! it on a blocking thread.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;

use super::lock;

/// Work in a lane.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// All lanes that are busy.
#[derive(Default)]
pub(super) struct Lanes {
    queues: Mutex<HashMap<String, VecDeque<Job>>>,
    busy: AtomicUsize,
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes")
            .field("busy", &self.busy)
            .finish_non_exhaustive()
    }
}

impl Lanes {
    /// Whether work waits or runs in the lane.
    pub(super) fn is_busy(&self, lane: &str) -> bool {
        self.busy.load(Ordering::Acquire) > 0 && lock(&self.queues).contains_key(lane)
    }

    /// Whether any lane is busy.
    pub(super) fn any_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire) > 0
    }

    /// Puts work at the end of a lane.
    pub(super) fn push(self: &Arc<Self>, runtime: &Handle, lane: &str, job: Job) {
        let mut queues = lock(&self.queues);
        if let Some(queue) = queues.get_mut(lane) {
            queue.push_back(job);
            return;
        }
        queues.insert(lane.to_owned(), VecDeque::from([job]));
        self.busy.fetch_add(1, Ordering::Release);
        drop(queues);
        let (lanes, lane) = (Arc::clone(self), lane.to_owned());
        runtime.spawn_blocking(move || lanes.work(&lane));
    }

    fn work(&self, lane: &str) {
        loop {
            let mut queues = lock(&self.queues);
            let Some(job) = queues.get_mut(lane).and_then(VecDeque::pop_front) else {
                // Idle only now, when the last job is over.
                queues.remove(lane);
                self.busy.fetch_sub(1, Ordering::Release);
                return;
            };
            drop(queues);
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
                tracing::error!(target: "database", "an engine call panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_one_lane_run_in_order_and_the_lane_is_busy_until_the_last_ended() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let lanes = Arc::new(Lanes::default());
        let (sender, receiver) = std::sync::mpsc::channel();
        let (release, gate) = std::sync::mpsc::channel::<()>();
        lanes.push(
            runtime.handle(),
            "a",
            Box::new(move || gate.recv().unwrap()),
        );
        for number in 0..100 {
            let sender = sender.clone();
            let job = move || sender.send(number).unwrap();
            lanes.push(runtime.handle(), "a", Box::new(job));
        }
        assert!(lanes.is_busy("a") && !lanes.is_busy("b"));
        lanes.push(
            runtime.handle(),
            "b",
            Box::new(move || sender.send(1000).unwrap()),
        );
        assert_eq!(receiver.recv().unwrap(), 1000, "another lane does not wait");
        lanes.push(runtime.handle(), "a", Box::new(|| panic!("for the test")));
        release.send(()).unwrap();
        let order: Vec<i32> = receiver.iter().take(100).collect();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
        while lanes.is_busy("a") || lanes.is_busy("b") {
            std::thread::yield_now();
        }
        assert!(!lanes.any_busy());
    }
}
