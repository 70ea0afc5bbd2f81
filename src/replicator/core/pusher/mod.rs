//! Sends local changes of one collection: announces, sends what is wanted, tells what became of it.
//!
//! ```text
//! change feed ─rows→ listed (≤200 a list, ≤5 unanswered) ─reply→ wanted ─ReadRevisions→ ready
//!             ─rev (window: 10 unwritten, 2 MiB unanswered)→ reply → sequence done
//! ```
//! The active side proposes (`proposeChanges`), the passive side announces (`changes`), wire §3.6.

mod listing;
mod sending;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use super::context::{Context, DbRoute};
use super::effects::{CollectionIndex, DbAnswer, DbRequest, DocumentEnded, FilterVerdict};
use crate::blip::{Message, RequestId};
use crate::error::{Error, Result};
use crate::model::replication::{Change, OutgoingRevision};
use crate::model::{DocId, RevId, Sequence, SequenceSet};
use crate::replicator::tuning;

/// What an answer or reply continues.
#[derive(Debug)]
pub(super) enum PushStep {
    ReadChanges {
        after: Sequence,
    },
    /// With the time at which it was sent.
    List(Vec<Item>, Instant),
    Filter(Vec<Change>),
    ReadRevisions(Vec<Item>),
    /// What has taken the place of a revision whose body is gone?
    FindReplacement(Item),
    Revision(Item, usize),
    /// Does the local revision descend from the one that the peer says is current?
    CheckAncestry(Item, RevId),
}

/// One revision on its way out.
#[derive(Clone, Debug)]
pub(super) struct Item {
    change: Change,
    /// Revisions of the document that the peer has.
    known: Vec<RevId>,
    attempts: u8,
    /// How the body goes.
    form: Form,
    /// The newer revision that is sent in its place (wire §3.9).
    replacement: Option<RevId>,
}

impl Item {
    /// The revision whose body is sent.
    fn sent(&self) -> &RevId {
        self.replacement.as_ref().unwrap_or(&self.change.rev_id)
    }
}

/// How the body of a revision goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As a delta, if that can be made and pays.
    Any,
    /// As a delta; it was sent.
    Delta,
    /// In full: the peer could not take the delta.
    Full,
}

/// How a pusher was set up.
#[derive(Clone, Debug)]
pub(super) struct PushConfig {
    /// Proposes (active) or announces (passive).
    pub(super) active: bool,
    /// Sends deltas to a peer that takes them.
    pub(super) deltas: bool,
    pub(super) continuous: bool,
    pub(super) doc_ids: Option<Vec<DocId>>,
    /// Leaves tombstones out until first caught up (`activeOnly`).
    pub(super) live_only: bool,
    /// Whether recorded remote ancestors may be believed (wire §4.4).
    pub(super) trust_ancestors: bool,
    /// Whether a pull runs beside, which may resolve conflicts.
    pub(super) pulls_too: bool,
    /// Whether the application's push filter must be asked.
    pub(super) filtered: bool,
    /// Whether the peer takes a newer revision in place of one that is gone (wire §3.9).
    pub(super) replacements: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pusher {
    collection: CollectionIndex,
    wire: Option<u32>,
    config: PushConfig,
    cursor: Sequence,
    already: SequenceSet,
    reading: bool,
    /// A commit happened since the read under way began.
    stale: bool,
    /// The feed was read to its end.
    exhausted: bool,
    told_caught_up: bool,
    waiting: VecDeque<Item>,
    unanswered_lists: usize,
    /// Rows of those lists.
    unanswered_rows: usize,
    /// Most revisions that are announced and not yet sent.
    lookahead: usize,
    wanted: VecDeque<Item>,
    being_read: usize,
    ready: VecDeque<(Item, OutgoingRevision)>,
    unwritten: HashSet<RequestId>,
    unanswered_revs: usize,
    unanswered_bytes: usize,
    /// Documents with a revision between listing and reply; a newer one waits here.
    in_flight: HashMap<DocId, Option<Change>>,
    /// Conflicts that the pull beside may resolve.
    parked: HashMap<DocId, Item>,
    /// Refused once with 403; tried again at the end (wire §8.3).
    second_chance: Vec<Item>,
    /// Revisions that came from the peer on this connection, until the feed shows them: not sent
    /// back.
    echoes: HashMap<DocId, RevId>,
    /// What the peer has now, to be recorded at the end of the turn.
    pushed: Vec<(DocId, RevId)>,
    blobs_understood: bool,
    deltas_understood: bool,
    max_history: u32,
    done_ranges: Vec<(Sequence, Sequence)>,
    pub(super) completed: u64,
    pub(super) total: u64,
}

impl Pusher {
    pub(super) fn new(
        collection: CollectionIndex,
        wire: Option<u32>,
        config: PushConfig,
        already: SequenceSet,
    ) -> Self {
        Self {
            collection,
            wire,
            config,
            cursor: already.contiguous_end(),
            already,
            reading: false,
            stale: false,
            exhausted: false,
            told_caught_up: false,
            waiting: VecDeque::new(),
            unanswered_lists: 0,
            unanswered_rows: 0,
            lookahead: tuning::FIRST_LOOKAHEAD,
            wanted: VecDeque::new(),
            being_read: 0,
            ready: VecDeque::new(),
            unwritten: HashSet::new(),
            unanswered_revs: 0,
            unanswered_bytes: 0,
            in_flight: HashMap::new(),
            parked: HashMap::new(),
            second_chance: Vec::new(),
            echoes: HashMap::new(),
            pushed: Vec::new(),
            blobs_understood: false,
            deltas_understood: false,
            max_history: tuning::DEFAULT_MAX_HISTORY,
            done_ranges: Vec::new(),
            completed: 0,
            total: 0,
        }
    }

    /// Ranges of the local feed that are done since the last call.
    pub(super) fn take_done(&mut self) -> Vec<(Sequence, Sequence)> {
        std::mem::take(&mut self.done_ranges)
    }

    /// Whether nothing is left to do until the next local change.
    pub(super) fn is_idle(&self) -> bool {
        self.exhausted
            && !self.reading
            && self.waiting.is_empty()
            && self.unanswered_lists == 0
            && self.wanted.is_empty()
            && self.being_read == 0
            && self.ready.is_empty()
            && self.unanswered_revs == 0
            && self.second_chance.is_empty()
            && (self.told_caught_up || self.config.active)
    }

    /// A local commit happened.
    pub(super) fn handle_local_change(&mut self, cx: &mut Context) {
        if self.config.continuous || !self.told_caught_up && !self.config.active {
            self.read_again(cx);
        }
    }

    /// The feed has something that this run must still look at.
    pub(super) fn read_again(&mut self, cx: &mut Context) {
        self.stale = true;
        self.exhausted = false;
        self.advance(cx);
    }

    /// A revision arrived from this peer; it is not to be sent back.
    pub(super) fn remember_echo(&mut self, doc_id: &DocId, rev_id: &RevId) {
        // The active side recognises its own by their recorded remote ancestor.
        if !self.config.active && (self.config.continuous || !self.told_caught_up) {
            self.echoes.insert(doc_id.clone(), rev_id.clone());
        }
    }

    /// Records what was pushed since the last turn, in one request.
    pub(super) fn end_turn(&mut self, cx: &mut Context) {
        if !self.pushed.is_empty() {
            cx.ask(
                DbRequest::MarkPushed {
                    collection: self.collection,
                    revisions: std::mem::take(&mut self.pushed),
                },
                DbRoute::Nobody,
            );
        }
    }

    /// The pull stored something for this document: a parked conflict is over.
    pub(super) fn handle_pulled(&mut self, doc_id: &DocId, cx: &mut Context) {
        if let Some(item) = self.parked.remove(doc_id) {
            self.finish(&item.change);
            self.read_again(cx);
        }
    }

    /// The run ends: conflicts that nobody resolved become errors.
    pub(super) fn fail_parked(&mut self, cx: &mut Context) {
        for (_, item) in std::mem::take(&mut self.parked) {
            self.report(&item.change, Some(conflict_error()), cx);
        }
    }

    /// Does whatever the windows allow.
    pub(super) fn advance(&mut self, cx: &mut Context) {
        self.read_feed(cx);
        self.send_lists(cx);
        self.read_bodies(cx);
        self.send_revisions(cx);
        self.tell_caught_up(cx);
        self.give_second_chances(cx);
    }

    fn read_feed(&mut self, cx: &mut Context) {
        let backlog = self.waiting.len() + self.queued();
        if self.reading || self.exhausted || backlog >= tuning::QUEUED_REVISIONS {
            return;
        }
        self.reading = true;
        self.stale = false;
        cx.ask(
            DbRequest::Changes {
                collection: self.collection,
                after: self.cursor,
                limit: tuning::CHANGES_BATCH,
                doc_ids: self.config.doc_ids.clone(),
            },
            DbRoute::Push(
                self.collection,
                PushStep::ReadChanges { after: self.cursor },
            ),
        );
    }

    fn queued(&self) -> usize {
        self.wanted.len() + self.being_read + self.ready.len()
    }

    fn handle_changes(
        &mut self,
        after: Sequence,
        result: Result<(Vec<Change>, Sequence)>,
        cx: &mut Context,
    ) {
        self.reading = false;
        let (rows, last) = match result {
            Ok(found) => found,
            Err(error) => return cx.fail(error, 1011),
        };
        let caught_up = rows.len() < tuning::CHANGES_BATCH;
        let mut previous = after;
        let mut filtered = Vec::new();
        for mut change in rows {
            let sequence = change.sequence;
            if !self.config.trust_ancestors {
                change.remote_ancestor = None;
            }
            self.done_ranges.push((previous.next(), sequence));
            previous = sequence;
            if self.needs_push(&change) {
                if self.config.filtered {
                    filtered.push(change);
                } else {
                    self.take_in(change);
                }
            } else {
                self.done_ranges.push((sequence, sequence.next()));
            }
        }
        if caught_up {
            if last > previous {
                self.done_ranges.push((previous.next(), last.next()));
                previous = last;
            }
            self.exhausted = !self.stale;
        }
        self.cursor = previous;
        if !filtered.is_empty() {
            // The feed is read on when these are decided, so that order is kept.
            self.reading = true;
            let revisions = filtered
                .iter()
                .map(|change| (change.doc_id.clone(), change.rev_id.clone(), change.deleted));
            cx.ask(
                DbRequest::FilterChanges {
                    collection: self.collection,
                    revisions: revisions.collect(),
                },
                DbRoute::Push(self.collection, PushStep::Filter(filtered)),
            );
        }
    }

    fn handle_filtered(
        &mut self,
        changes: Vec<Change>,
        verdicts: Vec<FilterVerdict>,
        cx: &mut Context,
    ) {
        self.reading = false;
        for (change, verdict) in changes.into_iter().zip(verdicts) {
            let sequence = change.sequence;
            match verdict {
                FilterVerdict::Pass => {
                    self.take_in(change);
                    continue;
                }
                FilterVerdict::Reject => {}
                FilterVerdict::Gone => {
                    self.stale = true;
                    self.exhausted = false;
                }
                FilterVerdict::Failed(error) => self.report(&change, Some(error), cx),
            }
            self.done_ranges.push((sequence, sequence.next()));
        }
    }

    fn needs_push(&mut self, change: &Change) -> bool {
        if self.already.contains(change.sequence) {
            return false;
        }
        if self.config.active {
            if change.conflicted {
                // The end of the conflict is a change of its own.
                return false;
            }
            return change.remote_ancestor.as_ref() != Some(&change.rev_id);
        }
        if self.echoes.remove(&change.doc_id).as_ref() == Some(&change.rev_id) {
            return false;
        }
        !(self.config.live_only && !self.told_caught_up && change.deleted)
    }

    fn take_in(&mut self, change: Change) {
        self.total += 1;
        if let Some(held) = self.in_flight.get_mut(&change.doc_id) {
            if let Some(older) = held.replace(change) {
                self.completed += 1;
                self.done_ranges
                    .push((older.sequence, older.sequence.next()));
            }
            return;
        }
        if let Some(parked) = self.parked.remove(&change.doc_id) {
            self.completed += 1;
            let done = parked.change.sequence;
            self.done_ranges.push((done, done.next()));
        }
        self.in_flight.insert(change.doc_id.clone(), None);
        let known = change.remote_ancestor.iter().cloned().collect();
        self.waiting.push_back(Item {
            change,
            known,
            attempts: 0,
            form: Form::Any,
            replacement: None,
        });
    }

    /// The peer has the revision (`sent`), or does not want it.
    fn complete_item(&mut self, item: &Item, sent: bool, cx: &mut Context) {
        let change = &item.change;
        if self.config.active && sent {
            self.pushed
                .push((change.doc_id.clone(), change.rev_id.clone()));
            self.report(change, None, cx);
        }
        if let Some(Some(newer)) = self.in_flight.get_mut(&change.doc_id) {
            newer.remote_ancestor = Some(item.sent().clone());
        }
        self.finish(change);
    }

    /// The revision will not reach the peer in this run: for good, unless the error may pass.
    fn fail_item(&mut self, item: Item, error: Error, cx: &mut Context) {
        let may_pass = error.is_transient();
        self.report(&item.change, Some(error), cx);
        if may_pass {
            self.completed += 1;
            self.release(&item.change.doc_id);
        } else {
            self.finish(&item.change);
        }
    }

    /// The change needs no further attention: the checkpoint may pass it.
    fn finish(&mut self, change: &Change) {
        self.completed += 1;
        self.done_ranges
            .push((change.sequence, change.sequence.next()));
        self.release(&change.doc_id);
    }

    /// Lets the newer revision go that waited for this document's earlier one.
    fn release(&mut self, doc_id: &DocId) {
        if let Some(Some(newer)) = self.in_flight.remove(doc_id) {
            self.total -= 1;
            self.take_in(newer);
        }
    }

    fn report(&self, change: &Change, error: Option<Error>, cx: &mut Context) {
        cx.ended.push(DocumentEnded {
            collection: self.collection,
            is_push: true,
            doc_id: change.doc_id.clone(),
            deleted: change.deleted,
            access_removed: false,
            error,
        });
    }

    pub(super) fn handle_answer(&mut self, step: PushStep, answer: DbAnswer, cx: &mut Context) {
        match (step, answer) {
            (PushStep::ReadChanges { after }, DbAnswer::Changes(result)) => {
                self.handle_changes(after, result, cx);
            }
            (PushStep::Filter(changes), DbAnswer::Filtered(verdicts)) => {
                self.handle_filtered(changes, verdicts, cx);
            }
            (PushStep::FindReplacement(item), DbAnswer::Changes(result)) => {
                self.handle_replacement(item, result, cx);
            }
            (PushStep::ReadRevisions(items), DbAnswer::Revisions(result)) => {
                self.handle_revisions(items, result, cx);
            }
            (PushStep::CheckAncestry(item, theirs), DbAnswer::Revisions(result)) => {
                self.handle_ancestry(item, theirs, result, cx);
            }
            _ => {}
        }
        self.advance(cx);
    }

    pub(super) fn handle_reply(
        &mut self,
        step: PushStep,
        result: Result<Message>,
        cx: &mut Context,
    ) {
        match step {
            PushStep::List(items, sent_at) => self.handle_list_reply(items, sent_at, result, cx),
            PushStep::Revision(item, size) => self.handle_revision_reply(item, size, result, cx),
            _ => {}
        }
        self.advance(cx);
    }
}

fn conflict_error() -> Error {
    Error::http(409, "conflicts with newer server revision")
}
