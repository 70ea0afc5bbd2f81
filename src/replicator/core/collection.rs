//! The three parts of one collection, and what they tell each other at the end of a turn.

use super::checkpointer::Checkpointer;
use super::context::Context;
use super::effects::CollectionIndex;
use super::puller::{PullNews, Puller};
use super::pusher::Pusher;
use crate::model::{CollectionSpec, DocId};

/// One collection of a replication, as the caller set it up.
#[derive(Clone, Debug)]
pub struct CoreCollection {
    /// Which collection.
    pub spec: CollectionSpec,
    /// Name of its checkpoint, `cp-…` (active side; wire §4.1).
    pub client_id: String,
    /// Only these documents, in both directions.
    pub doc_ids: Option<Vec<DocId>>,
    /// Only documents of these channels, when pulling from a Sync Gateway.
    pub channels: Option<Vec<String>>,
    /// Whether conflicts are kept for the application's resolver.
    pub keep_conflicts: bool,
    /// Whether a push filter must be asked.
    pub push_filter: bool,
    /// Whether a pull filter must be asked.
    pub pull_filter: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Collection {
    pub(super) index: CollectionIndex,
    pub(super) config: CoreCollection,
    /// What the `collection` property of its messages says; `None` in legacy mode (wire §3.1).
    pub(super) wire: Option<u32>,
    pub(super) checkpointer: Option<Checkpointer>,
    pub(super) pusher: Option<Pusher>,
    pub(super) puller: Option<Puller>,
}

impl Collection {
    pub(super) fn new(index: CollectionIndex, config: CoreCollection, wire: Option<u32>) -> Self {
        Self {
            index,
            config,
            wire,
            checkpointer: None,
            pusher: None,
            puller: None,
        }
    }

    /// Passes on what the parts have for each other, and lets them ask the database once for all
    /// that the turn brought.
    pub(super) fn end_turn(&mut self, cx: &mut Context) {
        if let Some(puller) = &mut self.puller {
            for news in puller.take_news() {
                let Some(pusher) = &mut self.pusher else {
                    continue;
                };
                match news {
                    PullNews::Received(doc_id, rev_id) => pusher.remember_echo(&doc_id, &rev_id),
                    PullNews::Stored { doc_id, push_again } => {
                        pusher.handle_pulled(&doc_id, cx);
                        if push_again {
                            pusher.read_again(cx);
                        }
                    }
                }
            }
            puller.end_turn(cx);
            if let (Some(token), Some(checkpointer)) = (puller.take_done(), &mut self.checkpointer)
            {
                checkpointer.advance_remote(token);
            }
        }
        if let Some(pusher) = &mut self.pusher {
            pusher.end_turn(cx);
            let done = pusher.take_done();
            if let Some(checkpointer) = &mut self.checkpointer {
                for (start, end) in done {
                    checkpointer.complete_local(start, end);
                }
            }
        }
    }

    /// Whether neither direction has anything to do.
    pub(super) fn is_idle(&self) -> bool {
        self.pusher.as_ref().is_none_or(Pusher::is_idle)
            && self.puller.as_ref().is_none_or(Puller::is_idle)
    }

    /// Changes done and changes known of, both directions together.
    pub(super) fn progress(&self) -> (u64, u64) {
        let push = self
            .pusher
            .as_ref()
            .map_or((0, 0), |p| (p.completed, p.total));
        let pull = self
            .puller
            .as_ref()
            .map_or((0, 0), |p| (p.completed, p.total));
        (push.0 + pull.0, push.1 + pull.1)
    }
}
