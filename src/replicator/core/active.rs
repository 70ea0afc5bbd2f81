//! What only the active side does: open the conversation, start both directions, save checkpoints
//! (wire §8.2).

use super::checkpointer::{CheckpointStep, Checkpointer};
use super::context::{DbRoute, ReplyRoute};
use super::effects::DbRequest;
use super::puller::{PullConfig, Puller};
use super::pusher::{PushConfig, Pusher};
use super::{Core, Phase, Role};
use crate::blip::{Message, ReplyTo};
use crate::error::{Error, Result};
use crate::protocol::{CollectionReply, Request, no_handler};

impl Core {
    pub(super) fn handle_request_as_active(
        &mut self,
        to: Option<ReplyTo>,
        request: Request,
    ) -> Result<()> {
        let cx = &mut self.cx;
        let wire = request.collection();
        let collection = self.collections.iter_mut().find(|c| c.wire == wire);
        let puller = collection
            .and_then(|collection| collection.puller.as_mut())
            .ok_or_else(|| Error::http(400, "this collection is not being pulled"));
        match request {
            Request::Changes { rows, .. } => puller?.handle_changes(to, rows, cx),
            Request::Rev(rev) => puller?.handle_rev(to, rev, cx),
            Request::NoRev(no_rev) => puller?.handle_no_rev(to, &no_rev, cx),
            Request::GetAttachment {
                digest, compress, ..
            } => self.sender.handle_get(to, &digest, compress, cx),
            Request::ProveAttachment { digest, nonce, .. } => {
                self.sender.handle_prove(to, &digest, &nonce, cx);
            }
            Request::Unknown { .. } => return Err(no_handler()),
            _ => return Err(Error::from_blip("LiteCore", 501, "Not implemented.")),
        }
        Ok(())
    }

    /// Wire §8.2, step 2.
    pub(super) fn fetch_checkpoints_once_loaded(&mut self) {
        let checkpointers = || {
            self.collections
                .iter()
                .filter_map(|collection| collection.checkpointer.as_ref())
        };
        if self.cx.fatal.is_some() || !checkpointers().all(Checkpointer::is_loaded) {
            return;
        }
        if let [only] = &self.collections[..]
            && only.wire.is_none()
        {
            if let Some(checkpointer) = &only.checkpointer {
                checkpointer.fetch(CheckpointStep::FetchRemote, &mut self.cx);
            }
            return;
        }
        let request = Request::GetCollections {
            checkpoint_ids: checkpointers().map(|c| c.client_id().to_owned()).collect(),
            collections: self
                .collections
                .iter()
                .map(|collection| collection.config.spec.to_path())
                .collect(),
        };
        self.cx.send(request, ReplyRoute::GetCollections);
    }

    pub(super) fn handle_collections_reply(&mut self, result: Result<Message>) {
        let entries = result
            .and_then(|message| CollectionReply::decode_all(&message, self.collections.len()));
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.cx.fail(error, 4002),
        };
        for (collection, entry) in self.collections.iter_mut().zip(entries) {
            match (entry, &mut collection.checkpointer) {
                (CollectionReply::Missing, _) => {
                    let message = format!(
                        "Collection '{}' is not found on the remote server",
                        collection.config.spec
                    );
                    return self.cx.fail(Error::http(404, message), 1000);
                }
                (CollectionReply::Exists { checkpoint }, Some(checkpointer)) => {
                    checkpointer.handle_peer(checkpoint);
                }
                (CollectionReply::Exists { .. }, None) => {}
            }
        }
        self.run();
    }

    /// Starts both directions of every collection (wire §8.2, step 4).
    pub(super) fn run(&mut self) {
        let Role::Active(active) = self.role else {
            return;
        };
        if self.phase != Phase::Starting {
            return;
        }
        self.phase = Phase::Running;
        for collection in &mut self.collections {
            let Some(checkpointer) = &collection.checkpointer else {
                continue;
            };
            let (index, wire) = (collection.index, collection.wire);
            let doc_ids = collection.config.doc_ids.clone();
            if active.pull {
                let config = PullConfig {
                    deltas: self.deltas,
                    active: true,
                    continuous: active.continuous,
                    doc_ids: doc_ids.clone(),
                    channels: collection.config.channels.clone(),
                    auto_purge: active.auto_purge,
                    filtered: collection.config.pull_filter,
                    keep_conflicts: collection.config.keep_conflicts,
                };
                let mut puller = Puller::new(index, wire, config);
                puller.look_for_conflicts(&mut self.cx);
                match checkpointer.since() {
                    None if !checkpointer.had_local() => self.cx.ask(
                        DbRequest::IsCollectionEmpty(index),
                        DbRoute::Emptiness(index),
                    ),
                    since => puller.subscribe(since, false, &mut self.cx),
                }
                collection.puller = Some(puller);
            }
            if active.push {
                let config = PushConfig {
                    deltas: self.deltas,
                    active: true,
                    continuous: active.continuous,
                    doc_ids,
                    live_only: false,
                    trust_ancestors: checkpointer.is_valid() || !checkpointer.had_local(),
                    pulls_too: active.pull,
                    filtered: collection.config.push_filter,
                    replacements: false,
                };
                let already = checkpointer.completed().clone();
                let mut pusher = Pusher::new(index, wire, config, already);
                pusher.advance(&mut self.cx);
                collection.pusher = Some(pusher);
            }
        }
    }

    pub(super) fn give_up_conflicts(&mut self) {
        for pusher in self
            .collections
            .iter_mut()
            .filter_map(|c| c.pusher.as_mut())
        {
            pusher.fail_parked(&mut self.cx);
        }
    }

    pub(super) fn save_checkpoints(&mut self, at_once: bool) {
        for checkpointer in self
            .collections
            .iter_mut()
            .filter_map(|c| c.checkpointer.as_mut())
        {
            checkpointer.save_if_due(at_once, &mut self.cx);
        }
    }
}
