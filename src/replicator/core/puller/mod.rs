//! Receives changes of one collection: decides which are wanted, takes the revisions in, answers.
//!
//! ```text
//! changes / proposeChanges ─judge (have? want? conflict?)→ reply
//! rev ─check→ blobs here? ─fetch the missing→ insert queue ─≤500, one transaction→ reply, sequence done
//!  └ a delta ─read its base, apply→ as above; 422 when it does not fit
//! ```
//! Lists wait unanswered while the receiving windows are full (design D13): that is what holds a
//! fast peer back.

mod access;
mod conflicts;
mod incoming_delta;
mod incoming_rev;
mod rev_finder;

use access::Lost;
use conflicts::Conflicts;
use incoming_delta::IncomingDelta;
use incoming_rev::Incoming;
use rev_finder::List;

use crate::blip::Message;
use crate::blip::ReplyTo;
use crate::error::Error;
use crate::error::Result;
use crate::model::DocId;
use crate::model::RevId;
use crate::protocol::Request;
use crate::protocol::SubChanges;
use crate::replicator::core::blob_fetcher::BlobFetcher;
use crate::replicator::core::context::Context;
use crate::replicator::core::context::ReplyRoute;
use crate::replicator::core::effects::CollectionIndex;
use crate::replicator::core::effects::DbAnswer;
use crate::replicator::core::effects::DocumentEnded;
use crate::replicator::core::remote_sequence::RemoteSequenceId;
use crate::replicator::core::remote_sequence::RemoteSequences;
use crate::replicator::tuning;
use std::collections::HashMap;
use std::collections::VecDeque;

/// What an answer continues.
#[derive(Debug)]
pub(super) enum PullStep {
    JudgeChanges(List),
    JudgeProposals(List),
    ReadBases(Vec<IncomingDelta>),
    FindBlobs(u64),
    Insert(Vec<Incoming>),
    FindConflicts,
    Resolve(DocId, bool),
    Filter(Vec<Incoming>),
    FilterLost(Vec<Lost>),
    Purge(Vec<Lost>),
}

/// How a puller was set up.
#[derive(Clone, Debug)]
pub(super) struct PullConfig {
    pub(super) active: bool,
    /// Takes deltas.
    pub(super) deltas: bool,
    pub(super) continuous: bool,
    pub(super) doc_ids: Option<Vec<DocId>>,
    pub(super) channels: Option<Vec<String>>,
    pub(super) auto_purge: bool,
    /// Whether the application's pull filter must be asked.
    pub(super) filtered: bool,
    /// Whether conflicts are kept for the application's resolver.
    pub(super) keep_conflicts: bool,
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
    /// Whether the peer was told that we take deltas (wire §6.1): once is enough.
    deltas_told: bool,
    /// Received deltas that wait for their bases.
    deltas: VecDeque<IncomingDelta>,
    reading_bases: bool,
    fetching: HashMap<u64, Incoming>,
    next_key: u64,
    filter_queue: Vec<Incoming>,
    insert_queue: VecDeque<Incoming>,
    inserts_under_way: usize,
    purges: usize,
    conflicts: Conflicts,
    /// When access to documents was lost; forgotten when nothing is under way.
    lost_at: HashMap<DocId, RemoteSequenceId>,
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
            deltas_told: false,
            deltas: VecDeque::new(),
            reading_bases: false,
            fetching: HashMap::new(),
            next_key: 0,
            filter_queue: Vec::new(),
            insert_queue: VecDeque::new(),
            inserts_under_way: 0,
            purges: 0,
            conflicts: Conflicts::default(),
            lost_at: HashMap::new(),
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
                send_replacement_revs: true,
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
            && self.conflicts.are_over()
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
            (PullStep::ReadBases(deltas), DbAnswer::Bodies(result)) => {
                self.handle_bases(deltas, result, cx);
            }
            (PullStep::FindBlobs(key), DbAnswer::BlobsFound(result)) => {
                self.handle_found(key, result, fetcher, cx);
            }
            (PullStep::Insert(batch), DbAnswer::Inserted(result)) => {
                self.handle_inserted(batch, result, cx);
            }
            (PullStep::Purge(lost), DbAnswer::Done(result)) => {
                self.handle_purged(lost, result, cx);
            }
            (PullStep::FindConflicts, DbAnswer::Conflicts(result)) => {
                self.handle_conflicts_found(result, cx);
            }
            (PullStep::Resolve(doc_id, deleted), DbAnswer::ConflictEnded(result)) => {
                self.handle_conflict_ended(doc_id, deleted, result, cx);
            }
            (PullStep::Filter(batch), DbAnswer::Filtered(verdicts)) => {
                self.handle_filtered(batch, verdicts, cx);
            }
            (PullStep::FilterLost(lost), DbAnswer::Filtered(verdicts)) => {
                self.handle_lost_verdicts(lost, verdicts, cx);
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

fn answer(to: Option<ReplyTo>, result: Result<(), &Error>, cx: &mut Context) {
    match (to, result) {
        (Some(to), Ok(())) => cx.blip.reply(to, Message::default()),
        (Some(to), Err(error)) => cx.blip.reply_error(to, error),
        (None, _) => {}
    }
}
