//! Which of the announced revisions are wanted (wire §3.7, §3.8).
//!
//! Lists wait here unanswered while the receiving windows are full (design D13): that is what holds
//! a fast peer back.

use super::super::context::{Context, DbRoute};
use super::super::effects::DbRequest;
use super::super::puller::{PullStep, Puller};
use super::super::remote_sequence::RemoteSequenceId;
use super::{Lost, parse_ids};
use crate::blip::{Message, ReplyTo};
use crate::error::{Code, Error, Result};
use crate::model::replication::{ChangeVerdict, ProposalVerdict};
use crate::model::{DocId, RevId};
use crate::protocol::{
    ChangeRow, ChangesEntry, ChangesReply, ProposeEntry, ProposeReply, ProposedRow,
};
use crate::replicator::tuning;

/// A list of changes that waits for its reply.
#[derive(Debug)]
pub(in crate::replicator::core) struct List {
    to: ReplyTo,
    kind: ListKind,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListKind {
    Changes,
    /// `proposeChanges`. Couchbase Lite 2 takes a conflict only as the bare 409 (wire §9.3).
    Proposals {
        conflict_includes_rev: bool,
    },
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

impl Puller {
    pub(in crate::replicator::core) fn handle_changes(
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
                lost.push(Lost {
                    doc_id: doc_id.clone(),
                    deleted: row.flags & 1 != 0,
                    sequences: vec![sequence],
                });
            }
            list.push(Row {
                doc_id,
                rev_id,
                parent: None,
                sequence,
                lost: access_lost && self.config.active,
            });
        }
        self.lose_access(lost, cx);
        self.queue_list(to, ListKind::Changes, list, cx);
    }

    fn queue_list(&mut self, to: ReplyTo, kind: ListKind, rows: Vec<Row>, cx: &mut Context) {
        if self.waiting.len() >= tuning::WAITING_LISTS {
            let message = format!("more than {} unanswered lists", tuning::WAITING_LISTS);
            return cx.fail(Error::http(429, message), 1008);
        }
        self.waiting.push_back(List { to, kind, rows });
        self.advance(cx);
    }

    pub(in crate::replicator::core) fn handle_proposals(
        &mut self,
        to: Option<ReplyTo>,
        rows: Vec<ProposedRow>,
        conflict_includes_rev: bool,
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
        let kind = ListKind::Proposals {
            conflict_includes_rev,
        };
        self.queue_list(to, kind, list, cx);
    }

    /// Judges lists while the windows have room, and inserts what has all its blobs.
    pub(super) fn advance(&mut self, cx: &mut Context) {
        while self.has_room() {
            let Some(list) = self.waiting.pop_front() else {
                break;
            };
            self.judging_rows += list.rows.len();
            let collection = self.collection;
            if list.kind != ListKind::Changes {
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
                let bodies_only = self.config.deltas;
                cx.ask(
                    DbRequest::JudgeChanges {
                        collection,
                        rows,
                        bodies_only,
                    },
                    DbRoute::Pull(collection, PullStep::JudgeChanges(list)),
                );
            }
        }
    }

    fn has_room(&self) -> bool {
        self.expected.len() + self.received + self.judging_rows < tuning::RECEIVING_REVISIONS
            && self.received_bytes < tuning::RECEIVING_BYTES
    }

    pub(super) fn handle_verdicts(
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
            deltas: self.tells_deltas(),
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

    pub(super) fn handle_proposal_verdicts(
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
        let tells_rev = list.kind
            == ListKind::Proposals {
                conflict_includes_rev: true,
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
                    let told = current.filter(|_| tells_rev);
                    ProposeEntry::Conflict(told.map(|rev| rev.as_str().into()))
                }
            });
        }
        let reply = ProposeReply {
            max_history: Some(tuning::OUR_MAX_HISTORY),
            blobs: true,
            deltas: self.tells_deltas(),
            entries,
        };
        cx.blip.reply(list.to, reply.encode());
    }

    /// Whether this reply says `deltas`: the first one does, as LiteCore's.
    fn tells_deltas(&mut self) -> bool {
        self.config.deltas && !std::mem::replace(&mut self.deltas_told, true)
    }

    pub(super) fn expect(
        &mut self,
        doc_id: DocId,
        rev_id: RevId,
        sequence: Option<RemoteSequenceId>,
    ) {
        self.total += 1;
        self.expected
            .entry((doc_id, rev_id))
            .or_default()
            .extend(sequence);
    }
}

fn bad_row(doc_id: &str, number: usize) -> Error {
    let shown: String = doc_id.chars().take(80).collect();
    Error::lite(
        Code::RemoteError,
        format!("Invalid docID/revID '{shown}' #{number} in incoming change list"),
    )
}
