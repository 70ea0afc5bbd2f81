//! Receives changes of one collection: decides which are wanted, takes the revisions in, answers.
//!
//! ```text
//! changes / proposeChanges ─judge (have? want? conflict?)→ reply
//! rev ─check→ blobs here? ─fetch the missing→ insert queue ─≤500, one transaction→ reply, sequence done
//! ```
//! Lists wait unanswered while the receiving windows are full (design D13): that is what holds a
//! fast peer back.

use std::collections::{HashMap, VecDeque};

use super::blob_fetcher::{BlobFetcher, Waiter};
use super::context::{Context, DbRoute, ReplyRoute};
use super::effects::{CollectionIndex, DbAnswer, DbRequest, DocumentEnded};
use super::remote_sequence::{RemoteSequenceId, RemoteSequences};
use crate::blip::{Message, ReplyTo};
use crate::error::{Code, Error, Result};
use crate::model::replication::{
    BlobRef, ChangeVerdict, ConflictPolicy, IncomingRevision, InsertOutcome, ProposalVerdict,
};
use crate::model::{BlobDigest, DocId, RevId};
use crate::protocol::{
    ChangeRow, ChangesEntry, ChangesReply, NoRev, ProposeEntry, ProposeReply, ProposedRow, Request,
    Rev, SubChanges,
    attachments::{self, CleanBody},
};
use crate::replicator::tuning;

/// What an answer continues.
#[derive(Debug)]
pub(super) enum PullStep {
    JudgeChanges(List),
    JudgeProposals(List),
    FindBlobs(u64),
    Insert(Vec<Incoming>),
    Purge(Vec<(DocId, RemoteSequenceId)>),
}

/// A list of changes that waits for its reply.
#[derive(Debug)]
pub(super) struct List {
    to: ReplyTo,
    proposed: bool,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    doc_id: DocId,
    rev_id: RevId,
    parent: Option<RevId>,
    sequence: Option<RemoteSequenceId>,
    /// The user lost access: answered "not wanted", done when the document is purged.
    lost: bool,
}

/// A received revision on its way into the database.
#[derive(Debug)]
pub(super) struct Incoming {
    to: Option<ReplyTo>,
    sequences: Vec<RemoteSequenceId>,
    revision: IncomingRevision,
    size: usize,
    missing: VecDeque<BlobRef>,
    /// Blobs that the sender cannot deliver (wire §7.4).
    unlisted: Vec<BlobDigest>,
}

/// How a puller was set up.
#[derive(Clone, Debug)]
pub(super) struct PullConfig {
    pub(super) active: bool,
    pub(super) continuous: bool,
    pub(super) doc_ids: Option<Vec<DocId>>,
    pub(super) channels: Option<Vec<String>>,
    pub(super) auto_purge: bool,
}

/// What the pusher of the same collection should know.
#[derive(Debug)]
pub(super) enum PullNews {
    /// This revision came from the peer.
    Received(DocId, RevId),
    /// The document changed by the pull; `push_again` when local content won a conflict.
    Stored { doc_id: DocId, push_again: bool },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Puller {
    collection: CollectionIndex,
    wire: Option<u32>,
    config: PullConfig,
    caught_up: bool,
    sequences: RemoteSequences,
    waiting: VecDeque<List>,
    judging_rows: usize,
    /// Revisions asked for and not received, with the sequences that announced them.
    expected: HashMap<(DocId, RevId), Vec<RemoteSequenceId>>,
    fetching: HashMap<u64, Incoming>,
    next_key: u64,
    insert_queue: VecDeque<Incoming>,
    inserts_under_way: usize,
    purges: usize,
    received: usize,
    received_bytes: usize,
    news: Vec<PullNews>,
    pub(super) completed: u64,
    pub(super) total: u64,
}

impl Puller {
    pub(super) fn new(collection: CollectionIndex, wire: Option<u32>, config: PullConfig) -> Self {
        Self {
            collection,
            wire,
            config,
            caught_up: false,
            sequences: RemoteSequences::default(),
            waiting: VecDeque::new(),
            judging_rows: 0,
            expected: HashMap::new(),
            fetching: HashMap::new(),
            next_key: 0,
            insert_queue: VecDeque::new(),
            inserts_under_way: 0,
            purges: 0,
            received: 0,
            received_bytes: 0,
            news: Vec::new(),
            completed: 0,
            total: 0,
        }
    }

    /// Asks the peer for its changes (wire §3.5).
    pub(super) fn subscribe(&self, since: Option<String>, live_only: bool, cx: &mut Context) {
        let channels = self.config.channels.as_ref().map(|list| list.join(","));
        let doc_ids = self.config.doc_ids.as_ref();
        cx.send(
            Request::SubChanges(SubChanges {
                collection: self.wire,
                since,
                continuous: self.config.continuous,
                batch: tuning::CHANGES_BATCH as u32,
                active_only: live_only,
                revocations: self.config.auto_purge,
                send_replacement_revs: false,
                versioning: Some("rev-trees".into()),
                filter: channels
                    .is_some()
                    .then(|| "sync_gateway/bychannel".to_owned()),
                channels,
                filter_params: Vec::new(),
                doc_ids: doc_ids.map(|list| list.iter().map(|id| id.as_str().to_owned()).collect()),
            }),
            ReplyRoute::SubChanges,
        );
    }

    /// The last remote sequence before the first hole, if it moved.
    pub(super) fn take_done(&mut self) -> Option<Box<str>> {
        self.sequences.take_done()
    }

    pub(super) fn take_news(&mut self) -> Vec<PullNews> {
        std::mem::take(&mut self.news)
    }

    /// Whether all that the peer announced so far is stored.
    pub(super) fn is_idle(&self) -> bool {
        (self.caught_up || !self.config.active)
            && self.waiting.is_empty()
            && self.judging_rows == 0
            && self.expected.is_empty()
            && self.received == 0
            && self.purges == 0
    }

    pub(super) fn handle_changes(
        &mut self,
        to: Option<ReplyTo>,
        rows: Vec<ChangeRow>,
        cx: &mut Context,
    ) {
        if rows.is_empty() {
            self.caught_up = true;
            if let Some(to) = to {
                cx.blip.reply(to, Message::default());
            }
            return;
        }
        let Some(to) = to else {
            // A list that must not be answered cannot be meant.
            tracing::warn!(target: "replicator", "'changes' without reply ignored");
            return;
        };
        let mut parsed = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            match parse_ids(&row.doc_id, &row.rev_id) {
                Ok(ids) => parsed.push(ids),
                Err(_) => return cx.blip.reply_error(to, &bad_row(&row.doc_id, number)),
            }
        }
        let mut lost = Vec::new();
        let mut list = Vec::with_capacity(rows.len());
        for ((doc_id, rev_id), row) in parsed.into_iter().zip(rows) {
            let sequence = self
                .config
                .active
                .then(|| self.sequences.add(&row.sequence));
            // 1 deleted, 5 removed and deleted: the normal look of a tombstone (wire §3.7).
            let access_lost = row.flags > 1 && row.flags != 5;
            if let Some(sequence) = sequence.filter(|_| access_lost) {
                lost.push((doc_id.clone(), sequence));
            }
            list.push(Row {
                doc_id,
                rev_id,
                parent: None,
                sequence,
                lost: access_lost && self.config.active,
            });
        }
        self.purge_lost(lost, cx);
        self.queue_list(to, false, list, cx);
    }

    fn queue_list(&mut self, to: ReplyTo, proposed: bool, rows: Vec<Row>, cx: &mut Context) {
        if self.waiting.len() >= tuning::WAITING_LISTS {
            let message = format!("more than {} unanswered lists", tuning::WAITING_LISTS);
            return cx.fail(Error::http(429, message), 1008);
        }
        self.waiting.push_back(List { to, proposed, rows });
        self.advance(cx);
    }

    fn purge_lost(&mut self, lost: Vec<(DocId, RemoteSequenceId)>, cx: &mut Context) {
        if lost.is_empty() {
            return;
        }
        if !self.config.auto_purge {
            for (doc_id, sequence) in lost {
                self.report_access_lost(doc_id, cx);
                self.sequences.complete(sequence);
            }
            return;
        }
        self.purges += 1;
        cx.ask(
            DbRequest::Purge {
                collection: self.collection,
                doc_ids: lost.iter().map(|(doc_id, _)| doc_id.clone()).collect(),
            },
            DbRoute::Pull(self.collection, PullStep::Purge(lost)),
        );
    }

    pub(super) fn handle_proposals(
        &mut self,
        to: Option<ReplyTo>,
        rows: Vec<ProposedRow>,
        cx: &mut Context,
    ) {
        let Some(to) = to else { return };
        let mut list = Vec::with_capacity(rows.len());
        for (number, row) in rows.into_iter().enumerate() {
            let parent = if row.parent.is_empty() {
                Ok(None)
            } else {
                RevId::parse(row.parent).map(Some)
            };
            match (parse_ids(&row.doc_id, &row.rev_id), parent) {
                (Ok((doc_id, rev_id)), Ok(parent)) => list.push(Row {
                    doc_id,
                    rev_id,
                    parent,
                    sequence: None,
                    lost: false,
                }),
                _ => return cx.blip.reply_error(to, &bad_row(&row.doc_id, number)),
            }
        }
        if list.is_empty() {
            return cx.blip.reply(to, Message::default());
        }
        self.queue_list(to, true, list, cx);
    }

    /// Judges lists while the windows have room, and inserts what has all its blobs.
    fn advance(&mut self, cx: &mut Context) {
        while self.has_room() {
            let Some(list) = self.waiting.pop_front() else {
                break;
            };
            self.judging_rows += list.rows.len();
            let collection = self.collection;
            if list.proposed {
                let rows = list
                    .rows
                    .iter()
                    .map(|row| (row.doc_id.clone(), row.rev_id.clone(), row.parent.clone()))
                    .collect();
                cx.ask(
                    DbRequest::JudgeProposals { collection, rows },
                    DbRoute::Pull(collection, PullStep::JudgeProposals(list)),
                );
            } else {
                let rows = list
                    .rows
                    .iter()
                    .map(|row| (row.doc_id.clone(), row.rev_id.clone()))
                    .collect();
                cx.ask(
                    DbRequest::JudgeChanges { collection, rows },
                    DbRoute::Pull(collection, PullStep::JudgeChanges(list)),
                );
            }
        }
    }

    fn has_room(&self) -> bool {
        self.expected.len() + self.received + self.judging_rows < tuning::RECEIVING_REVISIONS
            && self.received_bytes < tuning::RECEIVING_BYTES
    }

    fn handle_verdicts(
        &mut self,
        list: List,
        result: Result<Vec<ChangeVerdict>>,
        cx: &mut Context,
    ) {
        self.judging_rows -= list.rows.len();
        let verdicts = match result {
            Ok(verdicts) => verdicts,
            Err(error) => return cx.fail(error, 1011),
        };
        let mut had = Vec::new();
        let mut entries = Vec::with_capacity(verdicts.len());
        for (row, verdict) in list.rows.into_iter().zip(verdicts) {
            if row.lost {
                entries.push(ChangesEntry::Skip);
                continue;
            }
            if let Some(announced) = self
                .expected
                .get_mut(&(row.doc_id.clone(), row.rev_id.clone()))
            {
                // Announced twice: one delivery serves both.
                announced.extend(row.sequence);
                entries.push(ChangesEntry::Skip);
                continue;
            }
            let wanted = match verdict {
                ChangeVerdict::Have => None,
                ChangeVerdict::Want { ancestors } => Some(ancestors),
                ChangeVerdict::Conflict { ancestors } if self.config.active => Some(ancestors),
                ChangeVerdict::Conflict { .. } => {
                    entries.push(ChangesEntry::Conflict);
                    continue;
                }
            };
            match wanted {
                Some(ancestors) => {
                    let texts = ancestors.iter().map(|rev| rev.as_str().to_owned());
                    entries.push(ChangesEntry::Want(texts.collect()));
                    self.expect(row.doc_id, row.rev_id, row.sequence);
                }
                None => {
                    entries.push(ChangesEntry::Skip);
                    if let Some(sequence) = row.sequence {
                        self.sequences.complete(sequence);
                        had.push((row.doc_id, row.rev_id));
                    }
                }
            }
        }
        let reply = ChangesReply {
            max_history: Some(tuning::OUR_MAX_HISTORY),
            blobs: true,
            deltas: false,
            entries,
        };
        cx.blip.reply(list.to, reply.encode());
        if !had.is_empty() {
            cx.ask(
                DbRequest::MarkPushed {
                    collection: self.collection,
                    revisions: had,
                },
                DbRoute::Nobody,
            );
        }
    }

    fn handle_proposal_verdicts(
        &mut self,
        list: List,
        result: Result<Vec<ProposalVerdict>>,
        cx: &mut Context,
    ) {
        self.judging_rows -= list.rows.len();
        let verdicts = match result {
            Ok(verdicts) => verdicts,
            Err(error) => return cx.fail(error, 1011),
        };
        let mut entries = Vec::with_capacity(verdicts.len());
        for (row, verdict) in list.rows.into_iter().zip(verdicts) {
            entries.push(match verdict {
                ProposalVerdict::Accept => {
                    self.expect(row.doc_id, row.rev_id, None);
                    ProposeEntry::Accept
                }
                ProposalVerdict::Have => ProposeEntry::Have,
                ProposalVerdict::Conflict { current } => {
                    ProposeEntry::Conflict(current.map(|rev| rev.as_str().into()))
                }
            });
        }
        let reply = ProposeReply {
            max_history: Some(tuning::OUR_MAX_HISTORY),
            blobs: true,
            deltas: false,
            entries,
        };
        cx.blip.reply(list.to, reply.encode());
    }

    fn expect(&mut self, doc_id: DocId, rev_id: RevId, sequence: Option<RemoteSequenceId>) {
        self.total += 1;
        self.expected
            .entry((doc_id, rev_id))
            .or_default()
            .extend(sequence);
    }

    pub(super) fn handle_rev(&mut self, to: Option<ReplyTo>, rev: Rev, cx: &mut Context) {
        let ids = match parse_ids(&rev.id, &rev.rev) {
            Ok(ids) => ids,
            Err(error) => return answer(to, Err(&error), cx),
        };
        // A replacement stands for the revision that was announced (wire §3.9).
        let announced = match &rev.replaced_rev {
            Some(text) => RevId::parse(text.as_str()).unwrap_or_else(|_| ids.1.clone()),
            None => ids.1.clone(),
        };
        let Some(sequences) = self.expected.remove(&(ids.0.clone(), announced)) else {
            let error = Error::from_blip("BLIP", 400, "'rev' that was not asked for");
            return answer(to, Err(&error), cx);
        };
        match read_rev(ids, rev) {
            Ok((revision, clean)) => {
                let size = revision.body.len();
                let incoming = Incoming {
                    to,
                    sequences,
                    revision,
                    size,
                    missing: clean.blobs.into(),
                    unlisted: clean.unlisted,
                };
                self.take_in(incoming, cx);
            }
            Err((doc_id, deleted, error)) => {
                self.end_failed(to, &sequences, &doc_id, deleted, error, cx);
            }
        }
        self.advance(cx);
    }

    fn take_in(&mut self, incoming: Incoming, cx: &mut Context) {
        self.received += 1;
        self.received_bytes += incoming.size;
        if incoming.missing.is_empty() {
            return self.insert_queue.push_back(incoming);
        }
        self.next_key += 1;
        let digests = incoming.missing.iter().map(|blob| blob.digest).collect();
        self.fetching.insert(self.next_key, incoming);
        cx.ask(
            DbRequest::FindBlobs(digests),
            DbRoute::Pull(self.collection, PullStep::FindBlobs(self.next_key)),
        );
    }

    fn handle_found(
        &mut self,
        key: u64,
        result: Result<Vec<bool>>,
        fetcher: &mut BlobFetcher,
        cx: &mut Context,
    ) {
        match result {
            Ok(found) => {
                if let Some(incoming) = self.fetching.get_mut(&key) {
                    let mut here = found.into_iter();
                    incoming
                        .missing
                        .retain(|_| !here.next().unwrap_or_default());
                }
                self.fetch_next(key, fetcher, cx);
            }
            Err(error) => cx.fail(error, 1011),
        }
    }

    fn fail_fetching(&mut self, key: u64, error: Error, cx: &mut Context) {
        if let Some(incoming) = self.fetching.remove(&key) {
            self.end_incoming(&incoming, Some(error), cx);
        }
    }

    /// Fetches the next missing blob of a revision, one at a time (wire §7.4), or queues the
    /// revision when none is missing.
    fn fetch_next(&mut self, key: u64, fetcher: &mut BlobFetcher, cx: &mut Context) {
        let Some(incoming) = self.fetching.get(&key) else {
            return;
        };
        let undeliverable = |blob: &&BlobRef| incoming.unlisted.contains(&blob.digest);
        if let Some(blob) = incoming.missing.iter().find(undeliverable) {
            let error = attachments::missing_blob(&blob.digest);
            self.fail_fetching(key, error, cx);
        } else if let Some(blob) = incoming.missing.front() {
            let waiter = Waiter {
                collection: self.collection,
                key,
            };
            let doc_id = incoming.revision.doc_id.as_str();
            fetcher.fetch(blob, waiter, self.wire, doc_id, cx);
        } else if let Some(incoming) = self.fetching.remove(&key) {
            self.insert_queue.push_back(incoming);
        }
    }

    /// A fetch that this puller's revision `key` waited for has ended.
    pub(super) fn handle_blob(
        &mut self,
        key: u64,
        result: Result<()>,
        fetcher: &mut BlobFetcher,
        cx: &mut Context,
    ) {
        match result {
            Ok(()) => {
                if let Some(incoming) = self.fetching.get_mut(&key) {
                    incoming.missing.pop_front();
                }
                self.fetch_next(key, fetcher, cx);
            }
            Err(error) => self.fail_fetching(key, error, cx),
        }
    }

    /// Hands what waits to the writer (design D13: whenever it is free, without a timer).
    pub(super) fn end_turn(&mut self, cx: &mut Context) {
        while !self.insert_queue.is_empty() && self.inserts_under_way < tuning::INSERTS_UNDER_WAY {
            let count = self.insert_queue.len().min(tuning::INSERT_BATCH);
            let mut batch: Vec<Incoming> = self.insert_queue.drain(..count).collect();
            let revisions = batch
                .iter_mut()
                .map(|incoming| {
                    let body = std::mem::take(&mut incoming.revision.body);
                    let history = std::mem::take(&mut incoming.revision.history);
                    IncomingRevision {
                        body,
                        history,
                        ..incoming.revision.clone()
                    }
                })
                .collect();
            self.inserts_under_way += 1;
            let policy = if self.config.active {
                ConflictPolicy::ResolveByDefault
            } else {
                ConflictPolicy::Refuse
            };
            cx.ask(
                DbRequest::InsertRevisions {
                    collection: self.collection,
                    revisions,
                    policy,
                },
                DbRoute::Pull(self.collection, PullStep::Insert(batch)),
            );
        }
    }

    fn handle_inserted(
        &mut self,
        batch: Vec<Incoming>,
        result: Result<Vec<InsertOutcome>>,
        cx: &mut Context,
    ) {
        self.inserts_under_way -= 1;
        let outcomes = match result {
            Ok(outcomes) => outcomes,
            Err(error) => return cx.fail(error, 1011),
        };
        for (incoming, outcome) in batch.into_iter().zip(outcomes) {
            let revision = &incoming.revision;
            let (error, push_again) = match outcome {
                InsertOutcome::Failed(error) => (Some(error), false),
                InsertOutcome::Inserted | InsertOutcome::AlreadyHad => (None, false),
                InsertOutcome::Resolved { local_won } => (None, local_won),
            };
            if error.is_none() {
                self.news.push(PullNews::Received(
                    revision.doc_id.clone(),
                    revision.rev_id.clone(),
                ));
                self.news.push(PullNews::Stored {
                    doc_id: revision.doc_id.clone(),
                    push_again,
                });
            }
            self.end_incoming(&incoming, error, cx);
        }
    }

    fn end_incoming(&mut self, incoming: &Incoming, error: Option<Error>, cx: &mut Context) {
        self.received -= 1;
        self.received_bytes -= incoming.size;
        let revision = &incoming.revision;
        match error {
            Some(error) => self.end_failed(
                incoming.to,
                &incoming.sequences,
                &revision.doc_id,
                revision.deleted,
                error,
                cx,
            ),
            None => {
                answer(incoming.to, Ok(()), cx);
                self.end_sequences(&incoming.sequences);
                self.report(&revision.doc_id, revision.deleted, None, cx);
            }
        }
    }

    fn end_failed(
        &mut self,
        to: Option<ReplyTo>,
        sequences: &[RemoteSequenceId],
        doc_id: &DocId,
        deleted: bool,
        error: Error,
        cx: &mut Context,
    ) {
        answer(to, Err(&error), cx);
        if is_permanent(&error) {
            self.end_sequences(sequences);
        } else {
            self.completed += 1;
        }
        self.report(doc_id, deleted, Some(error), cx);
    }

    fn end_sequences(&mut self, sequences: &[RemoteSequenceId]) {
        self.completed += 1;
        for sequence in sequences {
            self.sequences.complete(*sequence);
        }
    }

    pub(super) fn handle_no_rev(&mut self, to: Option<ReplyTo>, no_rev: &NoRev, cx: &mut Context) {
        answer(to, Ok(()), cx);
        if let Ok(ids) = parse_ids(&no_rev.id, &no_rev.rev)
            && let Some(sequences) = self.expected.remove(&ids)
        {
            self.end_sequences(&sequences);
            self.advance(cx);
        }
    }

    fn report(&self, doc_id: &DocId, deleted: bool, error: Option<Error>, cx: &mut Context) {
        cx.ended.push(DocumentEnded {
            collection: self.collection,
            is_push: false,
            doc_id: doc_id.clone(),
            deleted,
            access_removed: false,
            error,
        });
    }

    fn report_access_lost(&self, doc_id: DocId, cx: &mut Context) {
        cx.ended.push(DocumentEnded {
            collection: self.collection,
            is_push: false,
            doc_id,
            deleted: false,
            access_removed: true,
            error: None,
        });
    }

    pub(super) fn handle_answer(
        &mut self,
        step: PullStep,
        answer: DbAnswer,
        fetcher: &mut BlobFetcher,
        cx: &mut Context,
    ) {
        match (step, answer) {
            (PullStep::JudgeChanges(list), DbAnswer::ChangeVerdicts(result)) => {
                self.handle_verdicts(list, result, cx);
            }
            (PullStep::JudgeProposals(list), DbAnswer::ProposalVerdicts(result)) => {
                self.handle_proposal_verdicts(list, result, cx);
            }
            (PullStep::FindBlobs(key), DbAnswer::BlobsFound(result)) => {
                self.handle_found(key, result, fetcher, cx);
            }
            (PullStep::Insert(batch), DbAnswer::Inserted(result)) => {
                self.handle_inserted(batch, result, cx);
            }
            (PullStep::Purge(lost), DbAnswer::Done(result)) => {
                self.purges -= 1;
                match result {
                    Ok(()) => {
                        for (doc_id, sequence) in lost {
                            self.report_access_lost(doc_id, cx);
                            self.sequences.complete(sequence);
                        }
                    }
                    Err(error) => cx.fail(error, 1011),
                }
            }
            _ => {}
        }
        self.advance(cx);
    }
}

fn parse_ids(doc_id: &str, rev_id: &str) -> Result<(DocId, RevId)> {
    let doc_id = DocId::parse(doc_id)
        .map_err(|error| Error::http(400, format!("received invalid docID: {error}")))?;
    let rev_id = RevId::parse(rev_id)
        .map_err(|error| Error::http(400, format!("received invalid version ID: {error}")))?;
    Ok((doc_id, rev_id))
}

fn bad_row(doc_id: &str, number: usize) -> Error {
    let shown: String = doc_id.chars().take(80).collect();
    Error::lite(
        Code::RemoteError,
        format!("Invalid docID/revID '{shown}' #{number} in incoming change list"),
    )
}

type ReadRev = std::result::Result<(IncomingRevision, CleanBody), (DocId, bool, Error)>;

fn read_rev((doc_id, rev_id): (DocId, RevId), rev: Rev) -> ReadRev {
    let deleted = rev.deleted;
    let fail = |error| Err((doc_id.clone(), deleted, error));
    if rev.error.is_some() {
        return fail(Error::http(502, "peer failed to send the revision"));
    }
    if rev.delta_src.is_some() {
        return fail(Error::http(422, "Deltas are disabled for this peer"));
    }
    let history = match rev.ids() {
        Ok(ids) => ids.history,
        Err(error) => return fail(error),
    };
    match attachments::clean_received(rev.body) {
        Ok(clean) if clean.removed => fail(Error::http(404, "removed from channel")),
        Ok(clean) => Ok((
            IncomingRevision {
                doc_id,
                rev_id,
                history,
                deleted,
                body: clean.body.clone(),
            },
            clean,
        )),
        Err(error) => fail(error),
    }
}

/// Whether the revision will be refused for ever, so that the checkpoint may pass it.
fn is_permanent(error: &Error) -> bool {
    let local_trouble = matches!(
        error,
        Error::Sqlite { .. }
            | Error::Posix { .. }
            | Error::Network { .. }
            | Error::WebSocketClosed { .. }
            | Error::Lite {
                code: Code::Busy
                    | Code::IoError
                    | Code::MemoryError
                    | Code::NotOpen
                    | Code::NotWriteable
                    | Code::CorruptData
                    | Code::UnexpectedError,
                ..
            }
    );
    !local_trouble && !error.is_transient()
}

fn answer(to: Option<ReplyTo>, result: Result<(), &Error>, cx: &mut Context) {
    match (to, result) {
        (Some(to), Ok(())) => cx.blip.reply(to, Message::default()),
        (Some(to), Err(error)) => cx.blip.reply_error(to, error),
        (None, _) => {}
    }
}
