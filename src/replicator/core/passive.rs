//! What only the passive side does: serve collections, checkpoints and subscriptions.

use std::time::Instant;

use bytes::Bytes;

use super::context::{Context, DbRoute};
use super::effects::{DbAnswer, DbRequest, Direction};
use super::gate::{self, Held};
use super::puller::{PullConfig, Puller};
use super::pusher::{PushConfig, Pusher};
use super::{Core, CoreCollection};
use crate::blip::{Message, ReplyTo};
use crate::error::{Code, Error, Result};
use crate::model::{CollectionSpec, DocId, Sequence, SequenceSet};
use crate::protocol::{CheckpointReply, CollectionReply, Request, SubChanges, no_handler};

/// How the client names collections (wire §3.1): its first message decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Undecided,
    /// No `collection` property; the default collection alone.
    Legacy,
    /// `getCollections` came first.
    Collections,
}

/// What a passive side remembers of its client.
#[derive(Debug, Default)]
pub(super) struct PassiveSession {
    mode: Mode,
    /// Place in the client's list → index of ours.
    served: Vec<Option<usize>>,
    opening: Option<Opening>,
}

/// A `getCollections` whose checkpoints are being read.
#[derive(Debug)]
struct Opening {
    to: ReplyTo,
    entries: Vec<CollectionReply>,
    missing: usize,
}

impl PassiveSession {
    pub(super) fn handle_checkpoint(&mut self, place: usize, answer: DbAnswer, cx: &mut Context) {
        let Some(opening) = &mut self.opening else {
            return;
        };
        match answer {
            DbAnswer::PeerCheckpoint(Ok(stored)) => {
                opening.entries[place] = CollectionReply::Exists { checkpoint: stored };
            }
            DbAnswer::PeerCheckpoint(Err(error)) => return cx.fail(error, 1011),
            _ => return,
        }
        opening.missing -= 1;
        self.reply_when_complete(cx);
    }

    fn reply_when_complete(&mut self, cx: &mut Context) {
        if self.opening.as_ref().is_some_and(|o| o.missing == 0)
            && let Some(opening) = self.opening.take()
        {
            match CollectionReply::encode_all(&opening.entries) {
                Ok(reply) => cx.blip.reply(opening.to, reply),
                Err(error) => cx.blip.reply_error(opening.to, &error),
            }
        }
    }
}

/// Answers a `getCheckpoint` or `setCheckpoint` (wire §3.3, §3.4).
pub(super) fn answer_checkpoint(to: ReplyTo, answer: DbAnswer, cx: &mut Context) {
    match answer {
        DbAnswer::PeerCheckpoint(Ok(Some((rev, body)))) => {
            cx.blip.reply(to, CheckpointReply { rev, body }.encode());
        }
        DbAnswer::PeerCheckpoint(Ok(None)) => {
            cx.blip.reply_error(to, &Error::http(404, "missing"));
        }
        DbAnswer::PeerCheckpointSet(Ok(rev)) => {
            let body = Bytes::new();
            cx.blip.reply(to, CheckpointReply { rev, body }.encode());
        }
        DbAnswer::PeerCheckpoint(Err(error)) | DbAnswer::PeerCheckpointSet(Err(error)) => {
            cx.blip.reply_error(to, &error);
        }
        _ => {}
    }
}

impl Core {
    pub(super) fn handle_request_as_passive(
        &mut self,
        to: Option<ReplyTo>,
        request: Request,
    ) -> Result<()> {
        if let Request::GetCollections {
            checkpoint_ids,
            collections,
        } = request
        {
            return self.open_collections(to, checkpoint_ids, &collections);
        }
        if let Request::Unknown { .. } = request {
            return Err(no_handler());
        }
        self.settle_mode()?;
        let collection = self.find_served(request.collection())?;
        let one = Held {
            to,
            request,
            collection,
        };
        match self.gate.admit(one)? {
            Some(one) => self.serve(one.to, one.request, one.collection),
            None => Ok(()),
        }
    }

    /// The application has decided whether the client may replicate in a direction.
    pub fn handle_permission(&mut self, direction: Direction, granted: bool, now: Instant) {
        self.cx.now = now;
        for one in self.gate.decide(direction, granted) {
            let result = if granted {
                self.serve(one.to, one.request, one.collection)
            } else {
                Err(gate::refused())
            };
            if let (Err(error), Some(to)) = (result, one.to) {
                self.cx.blip.reply_error(to, &error);
            }
        }
    }

    fn serve(&mut self, to: Option<ReplyTo>, request: Request, collection: usize) -> Result<()> {
        let cx = &mut self.cx;
        match request {
            Request::GetCheckpoint { client, .. } => {
                if let Some(to) = to {
                    let request = DbRequest::GetPeerCheckpoint { client_id: client };
                    cx.ask(request, DbRoute::PeerCheckpoint(to));
                }
            }
            Request::SetCheckpoint {
                client, rev, body, ..
            } => {
                if let Some(to) = to {
                    let request = DbRequest::SetPeerCheckpoint {
                        client_id: client,
                        rev,
                        body,
                    };
                    cx.ask(request, DbRoute::PeerCheckpoint(to));
                }
            }
            Request::SubChanges(sub) => self.subscribe_client(to, sub, collection)?,
            Request::Changes { rows, .. } => {
                self.puller(collection);
                if let Some(puller) = &mut self.collections[collection].puller {
                    puller.handle_changes(to, rows, &mut self.cx);
                }
            }
            Request::ProposeChanges {
                rows,
                conflict_includes_rev,
                ..
            } => {
                self.puller(collection);
                if let Some(puller) = &mut self.collections[collection].puller {
                    puller.handle_proposals(to, rows, conflict_includes_rev, &mut self.cx);
                }
            }
            Request::Rev(rev) => {
                self.puller(collection);
                if let Some(puller) = &mut self.collections[collection].puller {
                    puller.handle_rev(to, rev, &mut self.cx);
                }
            }
            Request::NoRev(no_rev) => {
                if let Some(puller) = &mut self.collections[collection].puller {
                    puller.handle_no_rev(to, &no_rev, cx);
                }
            }
            Request::GetAttachment {
                digest, compress, ..
            } => self.sender.handle_get(to, &digest, compress, cx),
            Request::ProveAttachment { digest, nonce, .. } => {
                self.sender.handle_prove(to, &digest, &nonce, cx);
            }
            Request::GetCollections { .. }
            | Request::UnsubChanges { .. }
            | Request::Unknown { .. } => return Err(no_handler()),
        }
        Ok(())
    }

    fn settle_mode(&mut self) -> Result<()> {
        if self.passive.mode == Mode::Undecided {
            let default = self
                .collections
                .iter()
                .position(|collection| collection.config.spec.is_default());
            let Some(default) = default else {
                let message = "This server is not configured for 3.0 client support";
                return Err(Error::from_blip("BLIP", 400, message));
            };
            self.passive.mode = Mode::Legacy;
            self.collections[default].wire = None;
            self.passive.served = vec![Some(default)];
            self.gate.note_opened(vec![self.collections[default].index]);
        }
        Ok(())
    }

    fn find_served(&self, wire: Option<u32>) -> Result<usize> {
        let refuse = |message| Err(Error::http(400, message));
        match (self.passive.mode, wire) {
            (Mode::Collections, Some(place)) => {
                let found = self.passive.served.get(place as usize).copied().flatten();
                found.map_or_else(|| refuse("the collection property is out of range"), Ok)
            }
            (Mode::Collections, None) => refuse("inappropriate use of the collection property"),
            (_, Some(_)) => refuse("Passing collection requires calling getCollections first"),
            (_, None) => match self.passive.served[..] {
                [Some(default)] => Ok(default),
                _ => refuse("inappropriate use of the collection property"),
            },
        }
    }

    /// Wire §3.2.
    fn open_collections(
        &mut self,
        to: Option<ReplyTo>,
        checkpoint_ids: Vec<String>,
        paths: &[String],
    ) -> Result<()> {
        let refuse = |why: &str| {
            let message = format!("Invalid getCollections message: {why}");
            Err(Error::from_blip("BLIP", 400, &message))
        };
        let Some(to) = to else { return Ok(()) };
        if self.passive.mode != Mode::Undecided {
            return refuse("not the first message");
        }
        if checkpoint_ids.len() != paths.len() {
            return refuse("mismatched checkpoint_ids and collections");
        }
        let mut served = Vec::with_capacity(paths.len());
        for path in paths {
            if path.is_empty() {
                return refuse("empty collection path");
            }
            let spec = CollectionSpec::parse_path(path).ok();
            let found = self
                .collections
                .iter()
                .position(|collection| Some(&collection.config.spec) == spec.as_ref());
            if found.is_some() && served.contains(&found) {
                return refuse(&format!("duplicate collection path {path}"));
            }
            served.push(found);
        }
        self.passive.mode = Mode::Collections;
        let mut missing = 0;
        for (place, (client_id, found)) in checkpoint_ids.into_iter().zip(&served).enumerate() {
            if let Some(index) = found {
                self.collections[*index].wire = u32::try_from(place).ok();
                missing += 1;
                let request = DbRequest::GetPeerCheckpoint { client_id };
                self.cx.ask(request, DbRoute::PeerCheckpoints(place));
            }
        }
        let opened = served.iter().flatten();
        let opened = opened.map(|index| self.collections[*index].index);
        self.gate.note_opened(opened.collect());
        self.passive.opening = Some(Opening {
            to,
            entries: served.iter().map(|_| CollectionReply::Missing).collect(),
            missing,
        });
        self.passive.served = served;
        self.passive.reply_when_complete(&mut self.cx);
        Ok(())
    }

    /// The collection's puller, made when the client first pushes.
    fn puller(&mut self, collection: usize) {
        let collection = &mut self.collections[collection];
        let (index, wire) = (collection.index, collection.wire);
        collection.puller.get_or_insert_with(|| {
            let config = PullConfig {
                deltas: self.deltas,
                active: false,
                continuous: true,
                doc_ids: None,
                channels: None,
                auto_purge: false,
                filtered: false,
                keep_conflicts: false,
            };
            Puller::new(index, wire, config)
        });
    }

    /// Wire §3.5, as a Couchbase Lite listener answers.
    fn subscribe_client(
        &mut self,
        to: Option<ReplyTo>,
        sub: SubChanges,
        collection: usize,
    ) -> Result<()> {
        if sub.filter.is_some() || sub.channels.is_some() {
            return Err(Error::lite(Code::Unsupported, "Filtering not supported"));
        }
        if sub.versioning.as_deref().is_some_and(|v| v != "rev-trees") {
            let message = "Incompatible document versioning.";
            return Err(Error::from_blip("LiteCore", 501, message));
        }
        let collection = &mut self.collections[collection];
        if collection.pusher.is_some() {
            let message = "collection already has an outstanding subChanges";
            return Err(Error::http(500, message));
        }
        if let Some(to) = to {
            self.cx.blip.reply(to, Message::default());
        }
        let config = PushConfig {
            deltas: self.deltas,
            active: false,
            continuous: sub.continuous,
            doc_ids: sub.doc_ids.map(|list| {
                list.into_iter()
                    .filter_map(|id| DocId::parse(id).ok())
                    .collect()
            }),
            live_only: sub.active_only,
            trust_ancestors: false,
            pulls_too: false,
            filtered: false,
            replacements: sub.send_replacement_revs,
        };
        let already = SequenceSet::up_to(since_sequence(sub.since.as_deref()));
        let mut pusher = Pusher::new(collection.index, collection.wire, config, already);
        pusher.advance(&mut self.cx);
        collection.pusher = Some(pusher);
        Ok(())
    }

    /// A collection as a passive side serves it: no filters of its own.
    pub(crate) fn served_collection(spec: CollectionSpec) -> CoreCollection {
        CoreCollection {
            spec,
            client_id: String::new(),
            doc_ids: None,
            channels: None,
            keep_conflicts: false,
            push_filter: false,
            pull_filter: false,
        }
    }
}

/// Reads `since` as a listener does: an integer, anything else is the start (wire §3.5).
fn since_sequence(since: Option<&str>) -> Sequence {
    Sequence(since.and_then(|text| text.parse().ok()).unwrap_or(0))
}
