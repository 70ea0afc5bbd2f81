//! A recording, read, and what can be told from it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;

use super::super::tap::{Frame, Seen, What, messages};
use crate::blip::Message;
use crate::model::BlobDigest;
use crate::protocol::{
    ChangeRow, ChangesEntry, ChangesReply, CollectionReply, ProposeEntry, ProposeReply,
    ProposedRow, Request, Rev,
};

/// Whose place is taken in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Server,
    Client,
    Both,
}

/// Collection, document, revision.
pub(super) type Key = (Option<u32>, String, String);

/// One connection of a recording. `sent` of its messages means: by the client.
pub(super) struct Recording {
    /// Folder and file.
    pub(super) name: String,
    pub(super) messages: Vec<Seen>,
    /// `collection` → path; empty in legacy mode.
    pub(super) collections: Vec<String>,
    pub(super) checkpoint_ids: Vec<String>,
    /// What the server said about each; aligned, or empty.
    pub(super) opened: Vec<CollectionReply>,
    /// Rows of the server's `changes`, with the client's answer if it gave one.
    pub(super) announced: Vec<(Option<u32>, ChangeRow, Option<ChangesEntry>)>,
    /// Rows of the client's `proposeChanges`, with the server's answer if it gave one.
    pub(super) proposed: Vec<(Option<u32>, ProposedRow, Option<ProposeEntry>)>,
    pub(super) server_revs: HashMap<Key, Rev>,
    pub(super) client_revs: Vec<(Option<u32>, Rev)>,
}

impl Recording {
    fn read(name: String, frames: &[Frame]) -> Self {
        let mut recording = Self {
            name,
            messages: messages(frames),
            collections: Vec::new(),
            checkpoint_ids: Vec::new(),
            opened: Vec::new(),
            announced: Vec::new(),
            proposed: Vec::new(),
            server_revs: HashMap::new(),
            client_revs: Vec::new(),
        };
        recording.look();
        recording
    }

    fn look(&mut self) {
        for seen in self.messages.clone() {
            let What::Request(message) = seen.what else {
                continue;
            };
            let reply = self.reply_to(seen.sent, seen.number);
            let reply = match reply {
                Some(What::Reply(reply)) => Some(reply.clone()),
                _ => None,
            };
            match (seen.sent, Request::decode(message).unwrap()) {
                (
                    true,
                    Request::GetCollections {
                        checkpoint_ids,
                        collections,
                    },
                ) => {
                    let opened =
                        reply.map(|reply| CollectionReply::decode_all(&reply, collections.len()));
                    self.opened = opened.transpose().unwrap().unwrap_or_default();
                    (self.collections, self.checkpoint_ids) = (collections, checkpoint_ids);
                }
                (
                    true,
                    Request::GetCheckpoint {
                        client,
                        collection: None,
                    },
                ) => {
                    self.checkpoint_ids = vec![client];
                }
                (
                    true,
                    Request::ProposeChanges {
                        collection, rows, ..
                    },
                ) => {
                    let entries =
                        reply.map(|reply| ProposeReply::decode(&reply, rows.len()).unwrap());
                    for (index, row) in rows.into_iter().enumerate() {
                        let entry = entries.as_ref().map(|reply| reply.entries[index].clone());
                        self.proposed.push((collection, row, entry));
                    }
                }
                (true, Request::Rev(rev)) => self.client_revs.push((rev.collection, rev)),
                (
                    false,
                    Request::Changes {
                        collection, rows, ..
                    },
                ) => {
                    let entries =
                        reply.map(|reply| ChangesReply::decode(&reply, rows.len()).unwrap());
                    for (index, row) in rows.into_iter().enumerate() {
                        let entry = entries.as_ref().map(|reply| reply.entries[index].clone());
                        self.announced.push((collection, row, entry));
                    }
                }
                (false, Request::Rev(rev)) => {
                    let key = (rev.collection, rev.id.clone(), rev.rev.clone());
                    self.server_revs.insert(key, rev);
                }
                _ => {}
            }
        }
    }

    /// The reply to a request of the client (`by_client`) or the server.
    pub(super) fn reply_to(&self, by_client: bool, number: u64) -> Option<&What> {
        self.messages.iter().find_map(|seen| {
            let replies = seen.sent != by_client && seen.number == number;
            (replies && !matches!(seen.what, What::Request(_))).then_some(&seen.what)
        })
    }

    /// Requests of one side, decoded, in order.
    pub(super) fn requests(
        &self,
        by_client: bool,
    ) -> impl Iterator<Item = (&Seen, &Message, Request)> {
        self.messages
            .iter()
            .filter_map(move |seen| match &seen.what {
                What::Request(message) if seen.sent == by_client => {
                    Some((seen, message, Request::decode(message.clone()).unwrap()))
                }
                _ => None,
            })
    }

    /// Whether the client itself sent this revision on the connection.
    pub(super) fn is_echo(&self, (collection, id, rev): &Key) -> bool {
        self.client_revs
            .iter()
            .any(|(of, sent)| of == collection && sent.id == *id && sent.rev == *rev)
    }

    /// Whether the server never said anything.
    pub(super) fn is_silent(&self) -> bool {
        self.messages.iter().all(|seen| seen.sent)
    }

    /// Index of our collection for a `collection` property.
    pub(super) fn index(&self, collection: Option<u32>) -> usize {
        collection.unwrap_or(0) as usize
    }
}

/// All connections of all recordings that have frames. A direction with a cut frame cannot be read on,
/// so such a recording keeps only its name.
pub(super) fn recordings() -> Vec<Recording> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/blip");
    let mut files = Vec::new();
    for folder in fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if folder.is_dir() {
            files.extend(
                fs::read_dir(folder)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let folder = file
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy();
        let name = format!("{folder}/{}", file.file_name().unwrap().to_string_lossy());
        let text = fs::read_to_string(&file).unwrap();
        let whole = !text.contains(" cut ") && !folder.ends_with("-vv");
        for connection in text.split("connection\n") {
            let frames: Vec<Frame> = (connection.lines())
                .filter_map(|line| {
                    let (side, hex) = line.split_once(' ')?;
                    matches!(side, "C" | "S").then(|| (side == "C", unhex(hex)))
                })
                .collect();
            if !frames.is_empty() {
                let frames: &[Frame] = if whole { &frames } else { &[] };
                found.push(Recording::read(name.clone(), frames));
            }
        }
    }
    found
}

fn unhex(hex: &str) -> Bytes {
    let hex = hex.split(' ').next().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// The content of an attachment, as any recording shows it.
pub(super) fn attachment(digest: &str) -> Bytes {
    let known = [
        Bytes::from_static(b"hello attachment"),
        Bytes::from("blob content 0 ".repeat(100)),
    ];
    (known.into_iter())
        .find(|content| BlobDigest::of(content).to_string() == digest)
        .unwrap_or_else(|| panic!("{digest}: no recording has it"))
}

/// Property keys in order of the alphabet, without those that only mark.
pub(super) fn keys(message: &Message) -> Vec<String> {
    let mut keys: Vec<_> = (message.properties.iter())
        .map(|(key, _)| key.to_owned())
        .collect();
    keys.sort();
    keys
}
