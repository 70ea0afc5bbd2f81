//! Every request of the protocol as one type.

use bytes::Bytes;

use super::changes::{self, ChangeRow};
use super::lenient::{BLIP, bad_request, bool_property, collection, start, text_property};
use super::propose_changes::{self, ProposedRow};
use super::rev::{NoRev, Rev};
use super::sub_changes::SubChanges;
use super::{checkpoint, get_collections};
use crate::blip::Message;
use crate::error::{Error, Result};

/// A request, from or to a peer (wire §3).
///
/// `collection` is the index into the list of `getCollections`, absent in legacy mode (wire §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `getCollections`: which collections will be replicated, with their checkpoint ids.
    GetCollections {
        /// `cp-…`, aligned with `collections`.
        checkpoint_ids: Vec<String>,
        /// `scope.collection`, or just `collection` in the default scope.
        collections: Vec<String>,
    },
    /// `getCheckpoint`.
    GetCheckpoint {
        /// Which collection.
        collection: Option<u32>,
        /// Checkpoint id.
        client: String,
    },
    /// `setCheckpoint`.
    SetCheckpoint {
        /// Which collection.
        collection: Option<u32>,
        /// Checkpoint id.
        client: String,
        /// Revision last received, empty for none.
        rev: String,
        /// JSON object, kept by the peer as it is.
        body: Bytes,
    },
    /// `subChanges`: start to announce changes.
    SubChanges(SubChanges),
    /// `changes`: revisions that the pusher has. An empty list says "caught up".
    Changes {
        /// Which collection.
        collection: Option<u32>,
        /// At most [`MAX_ROWS`](super::MAX_ROWS).
        rows: Vec<ChangeRow>,
        /// Always set with an empty list by real peers, never with a full one.
        no_reply: bool,
    },
    /// `proposeChanges`: revisions that the active pusher wants to send.
    ProposeChanges {
        /// Which collection.
        collection: Option<u32>,
        /// Whether a conflict's answer may tell the current revision.
        conflict_includes_rev: bool,
        /// At most [`MAX_ROWS`](super::MAX_ROWS).
        rows: Vec<ProposedRow>,
        /// Always set with an empty list by real peers, never with a full one.
        no_reply: bool,
    },
    /// `rev`: one revision.
    Rev(Rev),
    /// `norev`: a revision that was asked for and cannot be sent.
    NoRev(NoRev),
    /// `getAttachment`: the bytes of a blob.
    GetAttachment {
        /// Which collection.
        collection: Option<u32>,
        /// `sha1-…`
        digest: String,
        /// The document that refers to it; Sync Gateway requires it.
        doc_id: Option<String>,
        /// Whether the reply may be deflated.
        compress: bool,
    },
    /// `proveAttachment`: proof of having a blob.
    ProveAttachment {
        /// Which collection.
        collection: Option<u32>,
        /// `sha1-…`
        digest: String,
        /// 1 to 255 bytes.
        nonce: Bytes,
    },
    /// `unsubChanges`: stop a continuous feed (Sync Gateway only).
    UnsubChanges {
        /// Which collection.
        collection: Option<u32>,
    },
    /// Any other profile; answer [`no_handler`].
    Unknown {
        /// What the peer wrote, empty if nothing.
        profile: String,
    },
}

/// The answer to an unknown profile: `BLIP` 404 with the text by which a Couchbase Lite client
/// learns that something is not supported (wire §2.8).
pub fn no_handler() -> Error {
    Error::Remote {
        domain: BLIP.to_owned(),
        code: 404,
        message: "no handler for message".to_owned(),
    }
}

impl Request {
    /// Reads a request.
    ///
    /// A `rev` is never refused here but for its `collection`, because its receiver must count it
    /// whatever is wrong with it; see [`Rev::ids`].
    ///
    /// # Errors
    /// What to answer the peer, in the domain and with the code that LiteCore answers.
    pub fn decode(message: Message) -> Result<Self> {
        let profile = message.profile().unwrap_or_default();
        let collection = collection(&message)?;
        Ok(match profile {
            "getCollections" => get_collections::decode(&message)?,
            "getCheckpoint" => Self::GetCheckpoint {
                collection,
                client: checkpoint::client(&message)?,
            },
            "setCheckpoint" => Self::SetCheckpoint {
                collection,
                client: checkpoint::client(&message)?,
                rev: text_property(&message, "rev").unwrap_or_default(),
                body: message.body,
            },
            "subChanges" => Self::SubChanges(SubChanges::decode(collection, &message)?),
            "changes" => Self::Changes {
                collection,
                rows: changes::decode_rows(&message.body)?,
                no_reply: message.no_reply,
            },
            "proposeChanges" => Self::ProposeChanges {
                collection,
                conflict_includes_rev: bool_property(&message, "conflictIncludesRev"),
                rows: propose_changes::decode_rows(&message.body)?,
                no_reply: message.no_reply,
            },
            "rev" => Self::Rev(Rev::decode(collection, message)),
            "norev" => Self::NoRev(NoRev::decode(collection, &message)),
            "getAttachment" => Self::GetAttachment {
                collection,
                digest: digest(&message)?,
                doc_id: text_property(&message, "docID"),
                compress: bool_property(&message, "compress"),
            },
            "proveAttachment" => Self::ProveAttachment {
                collection,
                digest: digest(&message)?,
                nonce: match message.body.len() {
                    0 => return Err(bad_request("Missing nonce")),
                    1..=255 => message.body,
                    len => {
                        return Err(bad_request(format!("nonce is {len} bytes, limit is 255")));
                    }
                },
            },
            "unsubChanges" => Self::UnsubChanges { collection },
            _ => Self::Unknown {
                profile: profile.to_owned(),
            },
        })
    }

    /// The collection that the request is about.
    pub fn collection(&self) -> Option<u32> {
        match self {
            Self::GetCollections { .. } | Self::Unknown { .. } => None,
            Self::SubChanges(request) => request.collection,
            Self::Rev(rev) => rev.collection,
            Self::NoRev(rev) => rev.collection,
            Self::GetCheckpoint { collection, .. }
            | Self::SetCheckpoint { collection, .. }
            | Self::Changes { collection, .. }
            | Self::ProposeChanges { collection, .. }
            | Self::GetAttachment { collection, .. }
            | Self::ProveAttachment { collection, .. }
            | Self::UnsubChanges { collection } => *collection,
        }
    }

    /// The message as LiteCore would write it.
    pub fn encode(self) -> Message {
        let plain = Message::with_properties;
        match self {
            Self::GetCollections {
                checkpoint_ids,
                collections,
            } => get_collections::encode(&checkpoint_ids, &collections),
            Self::GetCheckpoint { collection, client } => {
                plain(start("getCheckpoint", collection, client.len() + 8).with("client", client))
            }
            Self::SetCheckpoint {
                collection,
                client,
                rev,
                body,
            } => Message {
                properties: start("setCheckpoint", collection, client.len() + rev.len() + 16)
                    .with("client", client)
                    .with("rev", rev),
                body,
                ..Message::default()
            },
            Self::SubChanges(request) => request.encode(),
            Self::Changes {
                collection,
                rows,
                no_reply,
            } => changes::encode(collection, &rows, no_reply),
            Self::ProposeChanges {
                collection,
                conflict_includes_rev,
                rows,
                no_reply,
            } => propose_changes::encode(collection, conflict_includes_rev, &rows, no_reply),
            Self::Rev(rev) => rev.encode(),
            Self::NoRev(rev) => rev.encode(),
            Self::GetAttachment {
                collection,
                digest,
                doc_id,
                compress,
            } => {
                let mut properties = start("getAttachment", collection, digest.len() + 300);
                properties.push("digest", digest);
                if let Some(id) = doc_id {
                    properties.push("docID", id);
                }
                if compress {
                    properties.push("compress", "true");
                }
                plain(properties)
            }
            Self::ProveAttachment {
                collection,
                digest,
                nonce,
            } => Message {
                properties: start("proveAttachment", collection, digest.len() + 8)
                    .with("digest", digest),
                body: nonce,
                ..Message::default()
            },
            Self::UnsubChanges { collection } => plain(start("unsubChanges", collection, 0)),
            Self::Unknown { profile } => plain(start(&profile, None, profile.len())),
        }
    }
}

fn digest(message: &Message) -> Result<String> {
    text_property(message, "digest").ok_or_else(|| Error::invalid("missing blob digest"))
}
