//! Conflicts that are kept until the application's resolver has decided (wire §8.5).
//!
//! The revision is stored when its conflict is: the peer gets its answer, and the sequence is done.
//! The document is reported when the conflict has ended, or could not be ended.

use std::collections::VecDeque;

use super::super::context::{Context, DbRoute};
use super::super::effects::DbRequest;
use super::{Incoming, PullNews, PullStep, Puller, answer};
use crate::error::Result;
use crate::model::{DocId, RevId};
use crate::replicator::tuning;

/// Conflicts that wait for their end.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    looking: bool,
    waiting: VecDeque<(DocId, RevId, bool)>,
    under_way: usize,
}

impl Conflicts {
    pub(super) fn are_over(&self) -> bool {
        !self.looking && self.waiting.is_empty() && self.under_way == 0
    }
}

impl Puller {
    /// Takes up what earlier runs have left.
    pub(in crate::replicator::core) fn look_for_conflicts(&mut self, cx: &mut Context) {
        self.conflicts.looking = true;
        cx.ask(
            DbRequest::FindConflicts(self.collection),
            DbRoute::Pull(self.collection, PullStep::FindConflicts),
        );
    }

    pub(super) fn handle_conflicts_found(
        &mut self,
        found: Result<Vec<(DocId, RevId)>>,
        cx: &mut Context,
    ) {
        self.conflicts.looking = false;
        let found = match found {
            Ok(found) => found,
            Err(error) => return cx.fail(error, 1011),
        };
        let wanted = |doc_id: &DocId| {
            let only = self.config.doc_ids.as_ref();
            only.is_none_or(|only| only.contains(doc_id))
        };
        let found = found.into_iter().filter(|(doc_id, _)| wanted(doc_id));
        let found = found.map(|(doc_id, rev_id)| (doc_id, rev_id, false));
        self.conflicts.waiting.extend(found);
        self.resolve_next(cx);
    }

    /// The revision is stored beside the one that was current.
    pub(super) fn keep_conflict(&mut self, incoming: &Incoming, cx: &mut Context) {
        answer(incoming.to, Ok(()), cx);
        self.let_go(incoming);
        self.end_sequences(&incoming.sequences);
        let revision = &incoming.revision;
        self.conflicts.waiting.push_back((
            revision.doc_id.clone(),
            revision.rev_id.clone(),
            revision.deleted,
        ));
        self.resolve_next(cx);
    }

    fn resolve_next(&mut self, cx: &mut Context) {
        while self.conflicts.under_way < tuning::RESOLUTIONS_UNDER_WAY {
            let Some((doc_id, rev_id, deleted)) = self.conflicts.waiting.pop_front() else {
                return;
            };
            self.conflicts.under_way += 1;
            cx.ask(
                DbRequest::ResolveConflict {
                    collection: self.collection,
                    doc_id: doc_id.clone(),
                    rev_id,
                },
                DbRoute::Pull(self.collection, PullStep::Resolve(doc_id, deleted)),
            );
        }
    }

    pub(super) fn handle_conflict_ended(
        &mut self,
        doc_id: DocId,
        deleted: bool,
        result: Result<bool>,
        cx: &mut Context,
    ) {
        self.conflicts.under_way -= 1;
        self.report(&doc_id, deleted, result.as_ref().err().cloned(), cx);
        if let Ok(push_again) = result {
            self.news.push(PullNews::Stored { doc_id, push_again });
        }
        self.resolve_next(cx);
    }
}
