//! Documents to which the user lost access (wire §8.8): purged, unless auto-purge is off or the
//! pull filter objects.

use bytes::Bytes;

use super::super::context::{Context, DbRoute};
use super::super::effects::{DbRequest, FilterSubject, FilterVerdict};
use super::super::remote_sequence::RemoteSequenceId;
use super::{Incoming, PullStep, Puller};
use crate::error::Result;
use crate::model::DocId;

/// A document to which access was lost, with the sequences that say so.
#[derive(Debug)]
pub(in crate::replicator::core) struct Lost {
    pub(super) doc_id: DocId,
    /// Whether its last revision is a tombstone.
    pub(super) deleted: bool,
    pub(super) sequences: Vec<RemoteSequenceId>,
}

impl Puller {
    /// Takes in what the peer says the user may not see any more.
    pub(super) fn lose_access(&mut self, lost: Vec<Lost>, cx: &mut Context) {
        if lost.is_empty() {
            return;
        }
        for document in &lost {
            // What was announced before is on its way, and must not come after the purge.
            let latest = document.sequences.iter().max().copied();
            self.lost_at
                .extend(latest.map(|sequence| (document.doc_id.clone(), sequence)));
        }
        self.purges += 1;
        if !self.config.filtered {
            return self.purge(lost, cx);
        }
        let subjects = lost
            .iter()
            .map(|document| FilterSubject {
                doc_id: document.doc_id.clone(),
                deleted: document.deleted,
                access_removed: true,
                body: Some(Bytes::from_static(b"{}")),
            })
            .collect();
        cx.ask(
            DbRequest::FilterIncoming {
                collection: self.collection,
                subjects,
            },
            DbRoute::Pull(self.collection, PullStep::FilterLost(lost)),
        );
    }

    pub(super) fn handle_lost_verdicts(
        &mut self,
        lost: Vec<Lost>,
        verdicts: Vec<FilterVerdict>,
        cx: &mut Context,
    ) {
        let mut purged = Vec::new();
        for (document, verdict) in lost.into_iter().zip(verdicts) {
            match verdict {
                FilterVerdict::Pass => purged.push(document),
                FilterVerdict::Reject | FilterVerdict::Gone => self.end_lost(document),
                FilterVerdict::Failed(error) => {
                    self.report(&document.doc_id, document.deleted, Some(error), cx);
                    self.end_lost(document);
                }
            }
        }
        self.purge(purged, cx);
    }

    fn purge(&mut self, lost: Vec<Lost>, cx: &mut Context) {
        if lost.is_empty() || !self.config.auto_purge {
            return self.handle_purged(lost, Ok(()), cx);
        }
        cx.ask(
            DbRequest::Purge {
                collection: self.collection,
                doc_ids: lost.iter().map(|lost| lost.doc_id.clone()).collect(),
            },
            DbRoute::Pull(self.collection, PullStep::Purge(lost)),
        );
    }

    pub(super) fn handle_purged(&mut self, lost: Vec<Lost>, result: Result<()>, cx: &mut Context) {
        self.purges -= 1;
        if let Err(error) = result {
            return cx.fail(error, 1011);
        }
        for document in lost {
            self.report_access_lost(document.doc_id.clone(), cx);
            self.end_lost(document);
        }
    }

    fn end_lost(&mut self, lost: Lost) {
        for sequence in lost.sequences {
            self.sequences.complete(sequence);
        }
    }

    /// Whether access to the document was lost after this revision of it was announced.
    pub(super) fn is_overtaken(&self, incoming: &Incoming) -> bool {
        let latest = incoming.sequences.iter().max();
        self.config.auto_purge
            && self
                .lost_at
                .get(&incoming.revision.doc_id)
                .is_some_and(|lost| latest.is_some_and(|sequence| sequence < lost))
    }
}
