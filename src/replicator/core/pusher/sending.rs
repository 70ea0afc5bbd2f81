//! Sends the revisions that the peer wants (wire §3.9), within the windows of design D13.

use bytes::Bytes;

use super::super::context::{Context, DbRoute, ReplyRoute};
use super::super::effects::DbRequest;
use super::super::pusher::{PushStep, Pusher};
use super::{Form, Item};
use crate::blip::{Message, RequestId};
use crate::error::{Error, Result};
use crate::model::Sequence;
use crate::model::replication::{Change, OutgoingRevision, RevisionRequest};
use crate::protocol::{NoRev, Request, Rev, attachments, delta};
use crate::replicator::tuning;

impl Pusher {
    pub(super) fn read_bodies(&mut self, cx: &mut Context) {
        while !self.wanted.is_empty() && self.ready.len() + self.being_read < tuning::READ_BATCH {
            let count = self.wanted.len().min(tuning::READ_BATCH / 2);
            let items: Vec<Item> = self.wanted.drain(..count).collect();
            self.being_read += items.len();
            let revisions = items
                .iter()
                .map(|item| RevisionRequest {
                    doc_id: item.change.doc_id.clone(),
                    rev_id: item.sent().clone(),
                    known: item.known.clone(),
                    max_history: self.max_history,
                    delta: self.deltas_understood && item.form == Form::Any,
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

    pub(super) fn handle_revisions(
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
                None if self.config.replacements && item.replacement.is_none() => {
                    self.find_replacement(item, cx);
                }
                None => self.send_norev(&item, cx),
            }
        }
    }

    /// Replaced meanwhile; a later row announces the newer revision (wire §3.9).
    fn send_norev(&mut self, item: &Item, cx: &mut Context) {
        cx.send_unanswered(self.norev(item));
        self.finish(&item.change);
        self.stale = true;
        self.exhausted = false;
    }

    fn find_replacement(&mut self, item: Item, cx: &mut Context) {
        self.being_read += 1;
        cx.ask(
            DbRequest::Changes {
                collection: self.collection,
                after: Sequence(0),
                limit: 1,
                doc_ids: Some(vec![item.change.doc_id.clone()]),
            },
            DbRoute::Push(self.collection, PushStep::FindReplacement(item)),
        );
    }

    pub(super) fn handle_replacement(
        &mut self,
        mut item: Item,
        result: Result<(Vec<Change>, Sequence)>,
        cx: &mut Context,
    ) {
        self.being_read -= 1;
        match result {
            Ok((rows, _)) => match rows.into_iter().next() {
                Some(current) => {
                    item.replacement = Some(current.rev_id);
                    self.wanted.push_back(item);
                }
                None => self.send_norev(&item, cx),
            },
            Err(error) => cx.fail(error, 1011),
        }
    }

    pub(super) fn norev(&self, item: &Item) -> Request {
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

    pub(super) fn send_revisions(&mut self, cx: &mut Context) {
        while self.unwritten.len() < tuning::UNWRITTEN_REVISIONS
            && self.unanswered_bytes < tuning::UNANSWERED_BYTES
        {
            let Some((mut item, revision)) = self.ready.pop_front() else {
                return;
            };
            let (body, delta_src) = match self.body_for_peer(&item, &revision) {
                Ok(body) => body,
                Err(error) => {
                    self.fail_item(item, error, cx);
                    continue;
                }
            };
            let size = body.len();
            if delta_src.is_some() {
                item.form = Form::Delta;
            }
            let rev = Rev {
                collection: self.wire,
                id: item.change.doc_id.as_str().into(),
                rev: item.sent().as_str().into(),
                sequence: Some(item.change.sequence.0.to_string()),
                replaced_rev: item
                    .replacement
                    .as_ref()
                    .map(|_| item.change.rev_id.as_str().into()),
                deleted: revision.deleted,
                history: revision.history.iter().map(|r| r.as_str().into()).collect(),
                no_conflicts: self.config.active,
                delta_src,
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

    /// The body as the peer wants it, and the revision that it is relative to if it is a delta.
    pub(super) fn body_for_peer(
        &self,
        item: &Item,
        revision: &OutgoingRevision,
    ) -> Result<(Bytes, Option<String>)> {
        let in_full = |body: &Bytes| {
            if revision.has_blobs && !self.blobs_understood {
                let generation = item.sent().generation();
                attachments::add_attachments(body, Some(generation)).map(Bytes::from)
            } else {
                Ok(body.clone())
            }
        };
        let body = in_full(&revision.body)?;
        if let Some((base_id, base)) = &revision.base
            && let Some(delta) = delta::generate(&in_full(base)?, &body)
        {
            return Ok((delta, Some(base_id.as_str().to_owned())));
        }
        Ok((body, None))
    }

    /// The last frame of a `rev` was handed out.
    pub(in crate::replicator::core) fn handle_written(&mut self, id: RequestId, cx: &mut Context) {
        if self.unwritten.remove(&id) {
            self.send_revisions(cx);
        }
    }

    pub(super) fn handle_revision_reply(
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
            Err(error) if item.form == Form::Delta && is_about_deltas(&error) => {
                if matches!(error, Error::Http { status: 400, .. }) {
                    self.deltas_understood = false;
                }
                item.form = Form::Full;
                self.wanted.push_back(item);
            }
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
}

/// Whether a delta may have been refused for being one, so that the full body is worth a try
/// (wire §6.1): 422; 409 by LiteCore when it has no base and takes no conflicts; 400 by a Sync
/// Gateway that has switched deltas off.
fn is_about_deltas(error: &Error) -> bool {
    match error {
        Error::Http { status, message } => {
            matches!(status, 409 | 422)
                || (*status == 400 && message.contains("Deltas are disabled"))
        }
        _ => false,
    }
}
