//! Announces revisions and reads what the peer wants of them (wire §3.6 to §3.8, §8.3).

use std::time::{Duration, Instant};

use super::super::context::{Context, DbRoute, ReplyRoute};
use super::super::effects::DbRequest;
use super::super::pusher::{PushStep, Pusher};
use super::{Item, conflict_error};
use crate::blip::Message;
use crate::error::{Error, Result};
use crate::model::RevId;
use crate::model::replication::{OutgoingRevision, RevisionRequest};
use crate::protocol::{
    ChangeRow, ChangesEntry, ChangesReply, ProposeEntry, ProposeReply, ProposedRow, Request,
};
use crate::replicator::tuning;

impl Pusher {
    pub(super) fn send_lists(&mut self, cx: &mut Context) {
        let full = (self.lookahead / 2).min(tuning::CHANGES_BATCH);
        while !self.waiting.is_empty()
            && self.unanswered_lists < tuning::UNANSWERED_LISTS
            && self.unanswered_rows + self.queued() < self.lookahead
            && self.queued() < tuning::QUEUED_REVISIONS
            // A full list, or all there is.
            && (self.waiting.len() >= full || !self.reading)
        {
            let count = self.waiting.len().min(full);
            let items: Vec<Item> = self.waiting.drain(..count).collect();
            self.unanswered_lists += 1;
            self.unanswered_rows += items.len();
            let request = if self.config.active {
                Request::ProposeChanges {
                    collection: self.wire,
                    conflict_includes_rev: true,
                    rows: items.iter().map(proposed_row).collect(),
                    no_reply: false,
                }
            } else {
                Request::Changes {
                    collection: self.wire,
                    rows: items.iter().map(change_row).collect(),
                    no_reply: false,
                }
            };
            cx.send(
                request,
                ReplyRoute::Push(self.collection, PushStep::List(items, cx.now)),
            );
        }
    }

    /// A revision that follows its announcement closely costs less: the compressor still sees the
    /// ids (32 KiB back). So no more is announced ahead than keeps a line of this delay busy.
    fn adapt_lookahead(&mut self, delay: Duration) {
        let times = delay.as_micros() / tuning::LOOKAHEAD_DELAY.as_micros();
        let times = usize::try_from(times).unwrap_or(usize::MAX).max(1);
        self.lookahead = (tuning::MIN_LOOKAHEAD.saturating_mul(times)).min(tuning::MAX_LOOKAHEAD);
    }

    pub(super) fn tell_caught_up(&mut self, cx: &mut Context) {
        let listed_all = self.exhausted && !self.reading && self.waiting.is_empty();
        if !self.config.active && !self.told_caught_up && listed_all && self.unanswered_lists == 0 {
            self.told_caught_up = true;
            cx.send_unanswered(Request::Changes {
                collection: self.wire,
                rows: Vec::new(),
                no_reply: true,
            });
        }
    }

    pub(super) fn give_second_chances(&mut self, cx: &mut Context) {
        let rest_done = self.exhausted
            && !self.reading
            && self.waiting.is_empty()
            && self.unanswered_lists == 0
            && self.queued() == 0
            && self.unanswered_revs == 0;
        if rest_done && !self.second_chance.is_empty() {
            self.waiting.extend(std::mem::take(&mut self.second_chance));
            self.send_lists(cx);
        }
    }

    pub(super) fn handle_list_reply(
        &mut self,
        items: Vec<Item>,
        sent_at: Instant,
        result: Result<Message>,
        cx: &mut Context,
    ) {
        self.adapt_lookahead(cx.now.duration_since(sent_at));
        self.unanswered_lists -= 1;
        self.unanswered_rows -= items.len();
        let message = match result {
            Ok(message) => message,
            Err(error) => {
                for item in items {
                    self.fail_item(item, error.clone(), cx);
                }
                // Refused as a whole, not for one document: nothing more will be let in either.
                if matches!(
                    error,
                    Error::Http {
                        status: 401 | 403,
                        ..
                    }
                ) {
                    return cx.fail(error, 4002);
                }
                return cx.fail_if_fatal(&error);
            }
        };
        self.config.replacements |=
            matches!(message.get("sendReplacementRevs"), Some("1" | "true"));
        if self.config.active {
            match ProposeReply::decode(&message, items.len()) {
                Ok(reply) => self.handle_proposal_reply(items, reply, cx),
                Err(error) => cx.fail(error, 4002),
            }
        } else {
            match ChangesReply::decode(&message, items.len()) {
                Ok(reply) => self.handle_changes_reply(items, reply, cx),
                Err(error) => cx.fail(error, 4002),
            }
        }
    }

    fn note_peer(
        &mut self,
        (max_history, blobs, deltas): (Option<u32>, bool, bool),
        cx: &mut Context,
    ) {
        self.blobs_understood |= blobs;
        if deltas && self.config.deltas {
            self.deltas_understood = true;
            cx.keep_delta_bases(!self.config.active);
        }
        if let Some(most) = max_history {
            self.max_history = most;
        }
    }

    pub(super) fn handle_proposal_reply(
        &mut self,
        items: Vec<Item>,
        reply: ProposeReply,
        cx: &mut Context,
    ) {
        self.note_peer((reply.max_history, reply.blobs, reply.deltas), cx);
        for (item, entry) in items.into_iter().zip(reply.entries) {
            match entry {
                ProposeEntry::Accept => self.wanted.push_back(item),
                ProposeEntry::Have => self.complete_item(&item, true, cx),
                ProposeEntry::Conflict(theirs) => self.handle_conflict(item, theirs, cx),
                ProposeEntry::Reject(status) => {
                    let error = Error::http(
                        u16::try_from(status).unwrap_or(500),
                        format!("rejected by the peer with {status}"),
                    );
                    self.fail_item(item, error, cx);
                }
            }
        }
    }

    pub(super) fn handle_changes_reply(
        &mut self,
        items: Vec<Item>,
        reply: ChangesReply,
        cx: &mut Context,
    ) {
        self.note_peer((reply.max_history, reply.blobs, reply.deltas), cx);
        for (mut item, entry) in items.into_iter().zip(reply.entries) {
            match entry {
                ChangesEntry::Want(ancestors) => {
                    item.known = ancestors
                        .into_iter()
                        .filter_map(|text| RevId::parse(text).ok())
                        .collect();
                    self.wanted.push_back(item);
                }
                ChangesEntry::Skip | ChangesEntry::Conflict | ChangesEntry::Error(_) => {
                    self.complete_item(&item, false, cx);
                }
            }
        }
    }

    /// Wire §8.3, "Conflict (409) on proposal".
    pub(super) fn handle_conflict(&mut self, item: Item, theirs: Option<String>, cx: &mut Context) {
        let theirs = theirs.and_then(|text| RevId::parse(text).ok());
        match theirs {
            Some(current) if item.attempts == 0 && current < item.change.rev_id => {
                let request = RevisionRequest {
                    doc_id: item.change.doc_id.clone(),
                    rev_id: item.change.rev_id.clone(),
                    known: vec![current.clone()],
                    max_history: u32::MAX,
                    delta: false,
                };
                cx.ask(
                    DbRequest::ReadRevisions {
                        collection: self.collection,
                        revisions: vec![request],
                    },
                    DbRoute::Push(self.collection, PushStep::CheckAncestry(item, current)),
                );
                self.being_read += 1;
            }
            _ => self.give_up_conflict(item, cx),
        }
    }

    pub(super) fn handle_ancestry(
        &mut self,
        mut item: Item,
        theirs: RevId,
        result: Result<Vec<Option<OutgoingRevision>>>,
        cx: &mut Context,
    ) {
        self.being_read -= 1;
        match result {
            Ok(found) => {
                let descends = matches!(
                    found.first(),
                    Some(Some(revision)) if revision.history.last() == Some(&theirs)
                );
                if descends {
                    item.attempts += 1;
                    item.known = vec![theirs];
                    self.waiting.push_back(item);
                } else {
                    self.give_up_conflict(item, cx);
                }
            }
            Err(error) => cx.fail(error, 1011),
        }
    }

    pub(super) fn give_up_conflict(&mut self, item: Item, cx: &mut Context) {
        if self.config.pulls_too {
            let doc_id = item.change.doc_id.clone();
            self.parked.insert(doc_id.clone(), item);
            self.release(&doc_id);
        } else {
            self.report(&item.change, Some(conflict_error()), cx);
            self.finish(&item.change);
        }
    }
}

fn proposed_row(item: &Item) -> ProposedRow {
    ProposedRow {
        doc_id: item.change.doc_id.as_str().into(),
        rev_id: item.change.rev_id.as_str().into(),
        parent: item
            .known
            .first()
            .map_or_else(String::new, |rev| rev.as_str().into()),
        body_size: item.change.body_size,
    }
}

fn change_row(item: &Item) -> ChangeRow {
    ChangeRow {
        sequence: item.change.sequence.0.to_string(),
        doc_id: item.change.doc_id.as_str().into(),
        rev_id: item.change.rev_id.as_str().into(),
        flags: u32::from(item.change.deleted),
        body_size: item.change.body_size,
    }
}
