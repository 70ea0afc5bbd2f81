//! Sends local changes of one collection: announces, sends what is wanted, tells what became of it.
//!
//! ```text
//! change feed ─rows→ listed (≤200 a list, ≤5 unanswered) ─reply→ wanted ─ReadRevisions→ ready
//!             ─rev (window: 10 unwritten, 2 MiB unanswered)→ reply → sequence done
//! ```
//! The active side proposes (`proposeChanges`), the passive side announces (`changes`), wire §3.6.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;

use super::context::{Context, DbRoute, ReplyRoute};
use super::effects::{CollectionIndex, DbAnswer, DbRequest, DocumentEnded};
use crate::blip::{Message, RequestId};
use crate::error::{Error, Result};
use crate::model::replication::{Change, OutgoingRevision, RevisionRequest};
use crate::model::{DocId, RevId, Sequence, SequenceSet};
use crate::protocol::{
    ChangeRow, ChangesEntry, ChangesReply, NoRev, ProposeEntry, ProposeReply, ProposedRow, Request,
    Rev, attachments,
};
use crate::replicator::tuning;

/// What an answer or reply continues.
#[derive(Debug)]
pub(super) enum PushStep {
    ReadChanges {
        after: Sequence,
    },
    List(Vec<Item>),
    ReadRevisions(Vec<Item>),
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
}

/// How a pusher was set up.
#[derive(Clone, Debug)]
pub(super) struct PushConfig {
    /// Proposes (active) or announces (passive).
    pub(super) active: bool,
    pub(super) continuous: bool,
    pub(super) doc_ids: Option<Vec<DocId>>,
    /// Leaves tombstones out until first caught up (`activeOnly`).
    pub(super) live_only: bool,
    /// Whether recorded remote ancestors may be believed (wire §4.4).
    pub(super) trust_ancestors: bool,
    /// Whether a pull runs beside, which may resolve conflicts.
    pub(super) pulls_too: bool,
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
        for mut change in rows {
            let sequence = change.sequence;
            if !self.config.trust_ancestors {
                change.remote_ancestor = None;
            }
            self.done_ranges.push((previous.next(), sequence));
            previous = sequence;
            if self.needs_push(&change) {
                self.take_in(change);
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
    }

    fn needs_push(&mut self, change: &Change) -> bool {
        if self.already.contains(change.sequence) {
            return false;
        }
        if self.config.active {
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
        });
    }

    fn send_lists(&mut self, cx: &mut Context) {
        while !self.waiting.is_empty()
            && self.unanswered_lists < tuning::UNANSWERED_LISTS
            && self.queued() < tuning::QUEUED_REVISIONS
            // A full list, or all there is.
            && (self.waiting.len() >= tuning::CHANGES_BATCH || !self.reading)
        {
            let count = self.waiting.len().min(tuning::CHANGES_BATCH);
            let items: Vec<Item> = self.waiting.drain(..count).collect();
            self.unanswered_lists += 1;
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
                ReplyRoute::Push(self.collection, PushStep::List(items)),
            );
        }
    }

    fn tell_caught_up(&mut self, cx: &mut Context) {
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

    fn give_second_chances(&mut self, cx: &mut Context) {
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

    fn handle_list_reply(&mut self, items: Vec<Item>, result: Result<Message>, cx: &mut Context) {
        self.unanswered_lists -= 1;
        let message = match result {
            Ok(message) => message,
            Err(error) => {
                for item in items {
                    self.fail_item(item, error.clone(), cx);
                }
                return cx.fail_if_fatal(&error);
            }
        };
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

    fn note_peer(&mut self, blobs: bool, max_history: Option<u32>) {
        self.blobs_understood |= blobs;
        if let Some(most) = max_history {
            self.max_history = most;
        }
    }

    fn handle_proposal_reply(&mut self, items: Vec<Item>, reply: ProposeReply, cx: &mut Context) {
        self.note_peer(reply.blobs, reply.max_history);
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

    fn handle_changes_reply(&mut self, items: Vec<Item>, reply: ChangesReply, cx: &mut Context) {
        self.note_peer(reply.blobs, reply.max_history);
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
    fn handle_conflict(&mut self, item: Item, theirs: Option<String>, cx: &mut Context) {
        let theirs = theirs.and_then(|text| RevId::parse(text).ok());
        match theirs {
            Some(current) if item.attempts == 0 && current < item.change.rev_id => {
                let request = RevisionRequest {
                    doc_id: item.change.doc_id.clone(),
                    rev_id: item.change.rev_id.clone(),
                    known: vec![current.clone()],
                    max_history: u32::MAX,
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

    fn handle_ancestry(
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

    fn give_up_conflict(&mut self, item: Item, cx: &mut Context) {
        if self.config.pulls_too {
            let doc_id = item.change.doc_id.clone();
            self.parked.insert(doc_id.clone(), item);
            self.release(&doc_id);
        } else {
            self.report(&item.change, Some(conflict_error()), cx);
            self.finish(&item.change);
        }
    }

    fn read_bodies(&mut self, cx: &mut Context) {
        while !self.wanted.is_empty() && self.ready.len() + self.being_read < tuning::READ_BATCH {
            let count = self.wanted.len().min(tuning::READ_BATCH / 2);
            let items: Vec<Item> = self.wanted.drain(..count).collect();
            self.being_read += items.len();
            let revisions = items
                .iter()
                .map(|item| RevisionRequest {
                    doc_id: item.change.doc_id.clone(),
                    rev_id: item.change.rev_id.clone(),
                    known: item.known.clone(),
                    max_history: self.max_history,
                })
                .collect();
            cx.ask(
                DbRequest::ReadRevisions {
                    collection: self.collection,
                    revisions,
                },
                DbRoute::Push(self.collection, PushStep::ReadRevisions(items)),
            );
        }
    }

    fn handle_revisions(
        &mut self,
        items: Vec<Item>,
        result: Result<Vec<Option<OutgoingRevision>>>,
        cx: &mut Context,
    ) {
        self.being_read -= items.len();
        let found = match result {
            Ok(found) => found,
            Err(error) => return cx.fail(error, 1011),
        };
        for (item, revision) in items.into_iter().zip(found) {
            match revision {
                Some(revision) => self.ready.push_back((item, revision)),
                None => {
                    // Replaced meanwhile; a later row announces the newer revision (wire §3.9).
                    cx.send_unanswered(self.norev(&item));
                    self.finish(&item.change);
                    self.stale = true;
                    self.exhausted = false;
                }
            }
        }
    }

    fn norev(&self, item: &Item) -> Request {
        Request::NoRev(NoRev {
            collection: self.wire,
            id: item.change.doc_id.as_str().into(),
            rev: item.change.rev_id.as_str().into(),
            sequence: Some(item.change.sequence.0.to_string()),
            error: 404,
            reason: None,
            no_reply: true,
        })
    }

    fn send_revisions(&mut self, cx: &mut Context) {
        while self.unwritten.len() < tuning::UNWRITTEN_REVISIONS
            && self.unanswered_bytes < tuning::UNANSWERED_BYTES
        {
            let Some((item, revision)) = self.ready.pop_front() else {
                return;
            };
            let body = match self.body_for_peer(&item, &revision) {
                Ok(body) => body,
                Err(error) => {
                    self.fail_item(item, error, cx);
                    continue;
                }
            };
            let size = body.len();
            let rev = Rev {
                collection: self.wire,
                id: item.change.doc_id.as_str().into(),
                rev: item.change.rev_id.as_str().into(),
                sequence: Some(item.change.sequence.0.to_string()),
                replaced_rev: None,
                deleted: revision.deleted,
                history: revision.history.iter().map(|r| r.as_str().into()).collect(),
                no_conflicts: self.config.active,
                delta_src: None,
                error: None,
                body,
                no_reply: false,
            };
            self.unanswered_bytes += size;
            self.unanswered_revs += 1;
            let id = cx.send(
                Request::Rev(rev),
                ReplyRoute::Push(self.collection, PushStep::Revision(item, size)),
            );
            self.unwritten.insert(id);
        }
    }

    fn body_for_peer(&self, item: &Item, revision: &OutgoingRevision) -> Result<Bytes> {
        if revision.has_blobs && !self.blobs_understood {
            let generation = item.change.rev_id.generation();
            return attachments::add_attachments(&revision.body, Some(generation)).map(Bytes::from);
        }
        Ok(revision.body.clone())
    }

    /// The last frame of a `rev` was handed out.
    pub(super) fn handle_written(&mut self, id: RequestId, cx: &mut Context) {
        if self.unwritten.remove(&id) {
            self.send_revisions(cx);
        }
    }

    fn handle_revision_reply(
        &mut self,
        mut item: Item,
        size: usize,
        result: Result<Message>,
        cx: &mut Context,
    ) {
        self.unanswered_bytes -= size;
        self.unanswered_revs -= 1;
        match result {
            Ok(_) => self.complete_item(&item, true, cx),
            Err(Error::Http { status: 409, .. }) if self.config.pulls_too => {
                self.give_up_conflict(item, cx);
            }
            Err(Error::Http { status: 403, .. }) if self.config.active && item.attempts < 2 => {
                item.attempts = 2;
                self.second_chance.push(item);
            }
            Err(error) => {
                cx.fail_if_fatal(&error);
                self.fail_item(item, error, cx);
            }
        }
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
            newer.remote_ancestor = Some(change.rev_id.clone());
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
            PushStep::List(items) => self.handle_list_reply(items, result, cx),
            PushStep::Revision(item, size) => self.handle_revision_reply(item, size, result, cx),
            _ => {}
        }
        self.advance(cx);
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

fn conflict_error() -> Error {
    Error::http(409, "conflicts with newer server revision")
}
