//! A received revision's way into the database: check, fetch its blobs, insert, answer (wire §3.9).

use std::collections::VecDeque;

use super::super::blob_fetcher::{BlobFetcher, Waiter};
use super::super::context::{Context, DbRoute};
use super::super::effects::{DbRequest, FilterSubject, FilterVerdict};
use super::super::puller::{PullNews, PullStep, Puller};
use super::super::remote_sequence::RemoteSequenceId;
use super::{Lost, answer, parse_ids};
use crate::blip::ReplyTo;
use crate::error::{Code, Error, Result};
use crate::model::replication::{BlobRef, ConflictPolicy, IncomingRevision, InsertOutcome};
use crate::model::{BlobDigest, DocId, RevId};
use crate::protocol::attachments::CleanBody;
use crate::protocol::{NoRev, Rev, attachments};
use crate::replicator::tuning;

/// A received revision on its way into the database.
#[derive(Debug)]
pub(in crate::replicator::core) struct Incoming {
    pub(super) to: Option<ReplyTo>,
    pub(super) sequences: Vec<RemoteSequenceId>,
    pub(super) revision: IncomingRevision,
    size: usize,
    missing: VecDeque<BlobRef>,
    /// Blobs that the sender cannot deliver (wire §7.4).
    unlisted: Vec<BlobDigest>,
}

impl Puller {
    pub(in crate::replicator::core) fn handle_rev(
        &mut self,
        to: Option<ReplyTo>,
        rev: Rev,
        cx: &mut Context,
    ) {
        let ids = match parse_ids(&rev.id, &rev.rev) {
            Ok(ids) => ids,
            Err(error) => return answer(to, Err(&error), cx),
        };
        // A replacement stands for the revision that was announced (wire §3.9).
        let announced = match &rev.replaced_rev {
            Some(text) => RevId::parse(text.as_str()).unwrap_or_else(|_| ids.1.clone()),
            None => ids.1.clone(),
        };
        let asked = (ids.0.clone(), announced);
        let Some(sequences) = self.expected.remove(&asked) else {
            let error = Error::from_blip("BLIP", 400, "'rev' that was not asked for");
            return answer(to, Err(&error), cx);
        };
        if rev.delta_src.is_some() && rev.error.is_none() {
            self.take_delta(to, sequences, asked, ids.1, rev, cx);
        } else {
            self.take_whole(to, sequences, ids, rev, cx);
        }
        self.advance(cx);
    }

    /// Takes in a revision that has its whole body.
    pub(super) fn take_whole(
        &mut self,
        to: Option<ReplyTo>,
        sequences: Vec<RemoteSequenceId>,
        ids: (DocId, RevId),
        rev: Rev,
        cx: &mut Context,
    ) {
        match read_rev(ids, rev) {
            Ok(ReadRev::Removed(doc_id)) => self.take_removal(to, doc_id, sequences, cx),
            Ok(ReadRev::Revision(revision, clean)) => {
                let size = revision.body.len();
                let incoming = Incoming {
                    to,
                    sequences,
                    revision,
                    size,
                    missing: clean.blobs.into(),
                    unlisted: clean.unlisted,
                };
                self.received += 1;
                self.received_bytes += size;
                if self.config.filtered {
                    self.filter_queue.push(incoming);
                } else {
                    self.take_in(incoming, cx);
                }
            }
            Err((doc_id, deleted, error)) => {
                self.end_failed(to, &sequences, &doc_id, deleted, error, cx);
            }
        }
    }

    /// Wire §3.9: a body that says `_removed` stands for a lost access. A client that pushes one has
    /// none to lose.
    fn take_removal(
        &mut self,
        to: Option<ReplyTo>,
        doc_id: DocId,
        sequences: Vec<RemoteSequenceId>,
        cx: &mut Context,
    ) {
        if !self.config.active {
            let error = Error::http(404, "removed from channel");
            return self.end_failed(to, &sequences, &doc_id, false, error, cx);
        }
        answer(to, Ok(()), cx);
        self.completed += 1;
        let lost = Lost {
            doc_id,
            deleted: false,
            sequences,
        };
        self.lose_access(vec![lost], cx);
    }

    /// Asks the pull filter about what the turn brought.
    fn filter(&mut self, cx: &mut Context) {
        if self.filter_queue.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.filter_queue);
        let subjects = batch
            .iter()
            .map(|incoming| FilterSubject {
                doc_id: incoming.revision.doc_id.clone(),
                deleted: incoming.revision.deleted,
                access_removed: false,
                body: Some(incoming.revision.body.clone()),
            })
            .collect();
        cx.ask(
            DbRequest::FilterIncoming {
                collection: self.collection,
                subjects,
            },
            DbRoute::Pull(self.collection, PullStep::Filter(batch)),
        );
    }

    pub(super) fn handle_filtered(
        &mut self,
        batch: Vec<Incoming>,
        verdicts: Vec<FilterVerdict>,
        cx: &mut Context,
    ) {
        for (incoming, verdict) in batch.into_iter().zip(verdicts) {
            match verdict {
                FilterVerdict::Pass => self.take_in(incoming, cx),
                FilterVerdict::Reject | FilterVerdict::Gone => {
                    self.reject(&incoming, cx);
                }
                FilterVerdict::Failed(error) => {
                    // Trying again would not help: the checkpoint may pass it.
                    self.reject(&incoming, cx);
                    let revision = &incoming.revision;
                    self.report(&revision.doc_id, revision.deleted, Some(error), cx);
                }
            }
        }
    }

    fn reject(&mut self, incoming: &Incoming, cx: &mut Context) {
        let error = Error::http(403, "rejected by validation function");
        answer(incoming.to, Err(&error), cx);
        self.drop_incoming(incoming);
    }

    /// Ends a revision that is not to be stored, without a word to the application.
    fn drop_incoming(&mut self, incoming: &Incoming) {
        self.let_go(incoming);
        self.end_sequences(&incoming.sequences);
    }

    pub(super) fn let_go(&mut self, incoming: &Incoming) {
        self.received -= 1;
        self.received_bytes -= incoming.size;
    }

    pub(super) fn take_in(&mut self, incoming: Incoming, cx: &mut Context) {
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

    pub(super) fn handle_found(
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

    pub(super) fn fail_fetching(&mut self, key: u64, error: Error, cx: &mut Context) {
        if let Some(incoming) = self.fetching.remove(&key) {
            self.end_incoming(&incoming, Some(error), cx);
        }
    }

    /// Fetches the next missing blob of a revision, one at a time (wire §7.4), or queues the
    /// revision when none is missing.
    pub(super) fn fetch_next(&mut self, key: u64, fetcher: &mut BlobFetcher, cx: &mut Context) {
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
    pub(in crate::replicator::core) fn handle_blob(
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
    pub(in crate::replicator::core) fn end_turn(&mut self, cx: &mut Context) {
        self.read_bases(cx);
        if self.received == 0 && self.expected.is_empty() {
            self.lost_at.clear();
        }
        self.filter(cx);
        while !self.insert_queue.is_empty() && self.inserts_under_way < tuning::INSERTS_UNDER_WAY {
            let count = self.insert_queue.len().min(tuning::INSERT_BATCH);
            let mut batch: Vec<Incoming> = self.insert_queue.drain(..count).collect();
            self.drop_overtaken(&mut batch, cx);
            if batch.is_empty() {
                continue;
            }
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
            let policy = if self.config.keep_conflicts {
                ConflictPolicy::Keep
            } else if self.config.active {
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

    fn drop_overtaken(&mut self, batch: &mut Vec<Incoming>, cx: &mut Context) {
        if self.lost_at.is_empty() {
            return;
        }
        let overtaken: Vec<Incoming> = batch
            .extract_if(.., |incoming| self.is_overtaken(incoming))
            .collect();
        for incoming in &overtaken {
            answer(incoming.to, Ok(()), cx);
            self.drop_incoming(incoming);
        }
    }

    pub(super) fn handle_inserted(
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
            if outcome == InsertOutcome::Conflicted {
                self.keep_conflict(&incoming, cx);
                continue;
            }
            let (error, push_again) = match outcome {
                InsertOutcome::Failed(error) => (Some(error), false),
                InsertOutcome::Inserted | InsertOutcome::AlreadyHad | InsertOutcome::Conflicted => {
                    (None, false)
                }
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

    pub(super) fn end_incoming(
        &mut self,
        incoming: &Incoming,
        error: Option<Error>,
        cx: &mut Context,
    ) {
        self.let_go(incoming);
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

    pub(super) fn end_failed(
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

    pub(super) fn end_sequences(&mut self, sequences: &[RemoteSequenceId]) {
        self.completed += 1;
        for sequence in sequences {
            self.sequences.complete(*sequence);
        }
    }

    pub(in crate::replicator::core) fn handle_no_rev(
        &mut self,
        to: Option<ReplyTo>,
        no_rev: &NoRev,
        cx: &mut Context,
    ) {
        answer(to, Ok(()), cx);
        if let Ok(ids) = parse_ids(&no_rev.id, &no_rev.rev)
            && let Some(sequences) = self.expected.remove(&ids)
        {
            self.end_sequences(&sequences);
            self.advance(cx);
        }
    }
}

fn read_rev(
    (doc_id, rev_id): (DocId, RevId),
    rev: Rev,
) -> std::result::Result<ReadRev, (DocId, bool, Error)> {
    let deleted = rev.deleted;
    let fail = |error| Err((doc_id.clone(), deleted, error));
    if rev.error.is_some() {
        return fail(Error::http(502, "peer failed to send the revision"));
    }
    let history = match rev.ids() {
        Ok(ids) => ids.history,
        Err(error) => return fail(error),
    };
    match attachments::clean_received(rev.body) {
        Ok(clean) if clean.removed => Ok(ReadRev::Removed(doc_id)),
        Ok(clean) => Ok(ReadRev::Revision(
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

/// What a `rev` says.
enum ReadRev {
    Revision(IncomingRevision, CleanBody),
    /// The user may not see the document any more.
    Removed(DocId),
}
