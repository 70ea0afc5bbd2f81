//! Received deltas on their way to being whole revisions (wire §6.1).
//!
//! A small delta can stand for a large body, so bases are read, and deltas applied, only while the
//! receiving window has room.

use super::super::context::{Context, DbRoute};
use super::super::effects::DbRequest;
use super::super::puller::{PullStep, Puller};
use super::super::remote_sequence::RemoteSequenceId;
use super::answer;
use crate::blip::ReplyTo;
use crate::error::{Code, Error, Result};
use crate::model::{DocId, RevId};
use crate::protocol::{Rev, delta};
use crate::replicator::tuning;

/// A received delta whose base is not read yet.
#[derive(Debug)]
pub(in crate::replicator::core) struct IncomingDelta {
    to: Option<ReplyTo>,
    sequences: Vec<RemoteSequenceId>,
    /// Document and announced revision.
    asked: (DocId, RevId),
    rev_id: RevId,
    base: RevId,
    rev: Rev,
}

impl Puller {
    /// Takes in a revision whose body is a delta.
    pub(super) fn take_delta(
        &mut self,
        to: Option<ReplyTo>,
        sequences: Vec<RemoteSequenceId>,
        asked: (DocId, RevId),
        rev_id: RevId,
        rev: Rev,
        cx: &mut Context,
    ) {
        if !self.config.deltas {
            let error = Error::http(422, "Deltas are disabled for this peer");
            return self.refuse_delta(to, asked, sequences, &error, cx);
        }
        cx.keep_delta_bases(!self.config.active);
        let base = rev.delta_src.as_deref().unwrap_or_default();
        match RevId::parse(base) {
            Ok(base) => {
                self.received += 1;
                self.received_bytes += rev.body.len();
                self.deltas.push_back(IncomingDelta {
                    to,
                    sequences,
                    asked,
                    rev_id,
                    base,
                    rev,
                });
            }
            Err(_) => {
                let error = Error::lite(Code::CorruptDelta, "deltaSrc is no revision ID");
                self.refuse_delta(to, asked, sequences, &error, cx);
            }
        }
    }

    /// Reads bases while there is room for what will come of them.
    pub(super) fn read_bases(&mut self, cx: &mut Context) {
        let waiting: usize = self.deltas.iter().map(|delta| delta.rev.body.len()).sum();
        let has_room = self.received_bytes - waiting < tuning::RECEIVING_BYTES;
        if self.deltas.is_empty() || self.reading_bases || !has_room {
            return;
        }
        self.reading_bases = true;
        let count = self.deltas.len().min(tuning::READ_BATCH);
        let deltas: Vec<IncomingDelta> = self.deltas.drain(..count).collect();
        cx.ask(
            DbRequest::ReadBodies {
                collection: self.collection,
                revisions: deltas
                    .iter()
                    .map(|delta| (delta.asked.0.clone(), delta.base.clone()))
                    .collect(),
                max_bytes: tuning::DELTA_BASES_BYTES,
            },
            DbRoute::Pull(self.collection, PullStep::ReadBases(deltas)),
        );
    }

    pub(super) fn handle_bases(
        &mut self,
        mut deltas: Vec<IncomingDelta>,
        result: Result<Vec<Option<bytes::Bytes>>>,
        cx: &mut Context,
    ) {
        self.reading_bases = false;
        let bases = match result {
            Ok(bases) => bases,
            Err(error) => return cx.fail(error, 1011),
        };
        // The answer ends early when the bodies are large; the rest goes first the next time.
        for rest in deltas.drain(bases.len().min(deltas.len())..).rev() {
            self.deltas.push_front(rest);
        }
        for (incoming, base) in deltas.into_iter().zip(bases) {
            self.received -= 1;
            self.received_bytes -= incoming.rev.body.len();
            let applied = match base {
                Some(base) => delta::apply(&base, &incoming.rev.body),
                None => Err(Error::lite(
                    Code::DeltaBaseUnknown,
                    format!("revision {} is not here", incoming.base),
                )),
            };
            let IncomingDelta {
                to,
                sequences,
                asked,
                rev_id,
                mut rev,
                ..
            } = incoming;
            match applied {
                Ok(body) => {
                    rev.body = body;
                    self.take_whole(to, sequences, (asked.0, rev_id), rev, cx);
                }
                Err(error) => self.refuse_delta(to, asked, sequences, &error, cx),
            }
        }
    }

    /// Asks for the full body instead: the revision is still expected.
    fn refuse_delta(
        &mut self,
        to: Option<ReplyTo>,
        asked: (DocId, RevId),
        sequences: Vec<RemoteSequenceId>,
        error: &Error,
        cx: &mut Context,
    ) {
        tracing::debug!(target: "replicator", doc_id = %asked.0, %error, "delta refused");
        if to.is_some() {
            answer(to, Err(error), cx);
            self.expected.insert(asked, sequences);
        } else {
            // Nobody will hear of it. The sequence stays a hole, so that the next run asks again.
            self.completed += 1;
            self.report(&asked.0, false, Some(error.clone()), cx);
        }
    }
}
