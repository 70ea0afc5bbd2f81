//! Remembers how far a replication has come, on both sides (wire §4).
//!
//! One per collection of an active replicator. What was pushed is a set of local sequences; what
//! was pulled is the last remote sequence before the first one that is not stored yet, in order of
//! arrival. Saving goes to the peer first and, when the peer has it, to the local database.

use std::cmp::Ordering;
use std::time::Instant;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::context::{Context, DbRoute, ReplyRoute};
use super::effects::{CollectionIndex, DbAnswer, DbRequest};
use super::remote_sequence;
use crate::blip::Message;
use crate::error::{Error, Result};
use crate::model::{Sequence, SequenceSet};
use crate::protocol::{CheckpointReply, Request};
use crate::replicator::tuning;

/// What an answer or reply continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckpointStep {
    LoadLocal,
    FetchRemote,
    SaveRemote,
    /// `getCheckpoint` after a 409 of `setCheckpoint`.
    RefetchRevision,
    SaveLocal,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Checkpointer {
    collection: CollectionIndex,
    wire: Option<u32>,
    client_id: String,
    pushes: bool,
    pulls: bool,
    loaded: bool,
    had_local: bool,
    /// Whether both sides remembered the same; if not, recorded remote ancestors are not trusted.
    valid: bool,
    completed: SequenceSet,
    remote: Option<Box<str>>,
    peer_rev: String,
    dirty: bool,
    save_at: Option<Instant>,
    saving: Option<Bytes>,
    /// Times that the peer has told its revision since it last took one of ours.
    refetches: u32,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Body<'a> {
    local: Option<u64>,
    local_completed: Option<Vec<u64>>,
    #[serde(borrow)]
    remote: Option<&'a RawValue>,
}

impl Body<'_> {
    fn completed(&self) -> SequenceSet {
        self.local_completed
            .as_deref()
            .and_then(SequenceSet::from_pairs)
            .unwrap_or_else(|| SequenceSet::up_to(Sequence(self.local.unwrap_or(0))))
    }

    fn remote(&self) -> Option<Box<str>> {
        self.remote
            .map(|raw| raw.get())
            .filter(|text| *text != "null")
            .map(Into::into)
    }
}

/// What a stored checkpoint says was pushed; nothing when there is none.
pub(crate) fn stored_completed(body: Option<&[u8]>) -> SequenceSet {
    body.and_then(|body| serde_json::from_slice::<Body<'_>>(body).ok())
        .unwrap_or_default()
        .completed()
}

impl Checkpointer {
    pub(super) fn new(
        collection: CollectionIndex,
        wire: Option<u32>,
        client_id: String,
        directions: (bool, bool),
    ) -> Self {
        Self {
            collection,
            wire,
            client_id,
            pushes: directions.0,
            pulls: directions.1,
            loaded: false,
            had_local: false,
            valid: false,
            completed: SequenceSet::default(),
            remote: None,
            peer_rev: String::new(),
            dirty: false,
            save_at: None,
            saving: None,
            refetches: 0,
        }
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Asks the local database for its half.
    pub(super) fn load(&self, cx: &mut Context) {
        cx.ask(
            DbRequest::LoadLocalCheckpoint {
                client_id: self.client_id.clone(),
            },
            DbRoute::Checkpoint(self.collection, CheckpointStep::LoadLocal),
        );
    }

    /// Asks the peer for its half (legacy mode; otherwise it comes with `getCollections`).
    pub(super) fn fetch(&self, step: CheckpointStep, cx: &mut Context) {
        cx.send(
            Request::GetCheckpoint {
                collection: self.wire,
                client: self.client_id.clone(),
            },
            ReplyRoute::Checkpoint(self.collection, step),
        );
    }

    /// Whether the local half is here.
    pub(super) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Whether this replication has run before.
    pub(super) fn had_local(&self) -> bool {
        self.had_local
    }

    /// Whether the peer remembered the same as we do.
    pub(super) fn is_valid(&self) -> bool {
        self.valid
    }

    /// Where a pull starts: the JSON token for `since`.
    pub(super) fn since(&self) -> Option<String> {
        self.remote.as_deref().map(str::to_owned)
    }

    /// What was pushed already.
    pub(super) fn completed(&self) -> &SequenceSet {
        &self.completed
    }

    pub(super) fn handle_local(&mut self, body: Result<Option<Bytes>>, cx: &mut Context) {
        self.loaded = true;
        match body {
            Ok(Some(body)) => {
                if let Ok(parsed) = serde_json::from_slice::<Body<'_>>(&body) {
                    self.had_local = true;
                    self.completed = parsed.completed();
                    self.remote = parsed.remote();
                }
            }
            Ok(None) => {}
            Err(error) => cx.fail(error, 1011),
        }
    }

    /// Validates against the peer's half (wire §4.4).
    pub(super) fn handle_peer(&mut self, stored: Option<(String, Bytes)>) {
        let (rev, body) = stored.unwrap_or_default();
        self.peer_rev = rev;
        if !self.had_local {
            return;
        }
        let parsed = serde_json::from_slice::<Body<'_>>(&body).unwrap_or_default();
        let theirs = parsed.completed();
        self.valid = theirs == self.completed || !self.pushes;
        if !self.valid {
            self.completed = self.completed.intersection(&theirs);
        }
        let their_remote = parsed.remote();
        if self.pulls && their_remote != self.remote {
            let order = match (&their_remote, &self.remote) {
                (Some(theirs), Some(ours)) => remote_sequence::compare(theirs, ours),
                _ => None,
            };
            match order {
                Some(Ordering::Less) => self.remote = their_remote,
                Some(_) => {}
                None => self.remote = None,
            }
        }
    }

    /// Everything up to this remote sequence is stored.
    pub(super) fn advance_remote(&mut self, token: Box<str>) {
        self.remote = Some(token);
        self.dirty = true;
    }

    /// `start..end` of the local feed is pushed or needs no push.
    pub(super) fn complete_local(&mut self, start: Sequence, end: Sequence) {
        if start < end {
            self.completed.insert_range(start, end);
            self.dirty = true;
        }
    }

    /// Whether there is something to save and nothing being saved.
    pub(super) fn is_settled(&self) -> bool {
        !self.dirty && self.saving.is_none()
    }

    /// When the timer wants a save.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.save_at
    }

    /// Saves what has changed: at once when `now_or_never`, else after the interval (wire §4.3).
    pub(super) fn save_if_due(&mut self, now_or_never: bool, cx: &mut Context) {
        if !self.dirty || self.saving.is_some() {
            return;
        }
        let due = *self
            .save_at
            .get_or_insert(cx.now + tuning::CHECKPOINT_INTERVAL);
        if now_or_never || cx.now >= due {
            self.save_at = None;
            self.dirty = false;
            self.saving = Some(self.body(cx.unix_time()));
            self.send_set(cx);
        }
    }

    fn body(&self, unix_time: u64) -> Bytes {
        use std::fmt::Write as _;
        let mut text = format!("{{\"time\":{unix_time}");
        if self.pushes {
            let local = self.completed.contiguous_end().0;
            if local > 0 {
                let _ = write!(text, ",\"local\":{local}");
            }
            if !self.completed.is_contiguous() {
                let pairs = self.completed.to_pairs();
                let _ = write!(text, ",\"localCompleted\":{pairs:?}");
                text.retain(|c| c != ' ');
            }
        }
        if let Some(remote) = self.remote.as_deref().filter(|_| self.pulls) {
            let _ = write!(text, ",\"remote\":{remote}");
        }
        text.push('}');
        text.into()
    }

    fn send_set(&self, cx: &mut Context) {
        if let Some(body) = &self.saving {
            cx.send(
                Request::SetCheckpoint {
                    collection: self.wire,
                    client: self.client_id.clone(),
                    rev: self.peer_rev.clone(),
                    body: body.clone(),
                },
                ReplyRoute::Checkpoint(self.collection, CheckpointStep::SaveRemote),
            );
        }
    }

    pub(super) fn handle_reply(
        &mut self,
        step: CheckpointStep,
        result: Result<Message>,
        cx: &mut Context,
    ) {
        match (step, result) {
            (CheckpointStep::FetchRemote, Ok(message)) => match CheckpointReply::decode(&message) {
                Ok(reply) => self.handle_peer(Some((reply.rev, reply.body))),
                Err(error) => cx.fail(error, 4002),
            },
            (CheckpointStep::FetchRemote, Err(Error::Http { status: 404, .. })) => {
                self.handle_peer(None);
            }
            (CheckpointStep::SaveRemote, Ok(message)) => {
                if !self.adopt_revision(&message, cx) {
                    return;
                }
                self.refetches = 0;
                if let Some(body) = self.saving.clone() {
                    cx.ask(
                        DbRequest::SaveLocalCheckpoint {
                            client_id: self.client_id.clone(),
                            body,
                        },
                        DbRoute::Checkpoint(self.collection, CheckpointStep::SaveLocal),
                    );
                }
            }
            (CheckpointStep::SaveRemote, Err(Error::Http { status: 409, .. }))
                if self.refetches < tuning::CHECKPOINT_REFETCHES =>
            {
                self.refetches += 1;
                self.fetch(CheckpointStep::RefetchRevision, cx);
            }
            (CheckpointStep::RefetchRevision, Ok(message)) => {
                if self.adopt_revision(&message, cx) {
                    self.send_set(cx);
                }
            }
            (CheckpointStep::RefetchRevision, Err(Error::Http { status: 404, .. })) => {
                self.peer_rev.clear();
                self.send_set(cx);
            }
            (CheckpointStep::FetchRemote, Err(error)) => cx.fail(error, 4002),
            (_, Err(error)) => {
                // The run goes on; the next change tries again.
                tracing::warn!(target: "replicator", %error, "checkpoint not saved");
                self.saving = None;
                cx.fail_if_fatal(&error);
            }
            (CheckpointStep::LoadLocal | CheckpointStep::SaveLocal, Ok(_)) => {}
        }
    }

    fn adopt_revision(&mut self, message: &Message, cx: &mut Context) -> bool {
        match CheckpointReply::decode(message) {
            Ok(reply) => {
                self.peer_rev = reply.rev;
                true
            }
            Err(error) => {
                cx.fail(error, 4002);
                false
            }
        }
    }

    pub(super) fn handle_answer(
        &mut self,
        step: CheckpointStep,
        answer: DbAnswer,
        cx: &mut Context,
    ) {
        match (step, answer) {
            (CheckpointStep::LoadLocal, DbAnswer::LocalCheckpoint(body)) => {
                self.handle_local(body, cx);
            }
            (CheckpointStep::SaveLocal, DbAnswer::Done(result)) => {
                self.saving = None;
                if let Err(error) = result {
                    cx.fail(error, 1011);
                }
            }
            _ => {}
        }
    }
}
