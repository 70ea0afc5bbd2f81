//! `getCollections` (wire §3.2).

use std::collections::HashSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::json::{self, ObjectWriter};
use super::lenient::{bad_request, start};
use super::request::Request;
use crate::blip::{Message, Properties};
use crate::error::{Code, Error, Result};

#[derive(Deserialize)]
struct BodyIn {
    checkpoint_ids: Option<Vec<String>>,
    collections: Option<Vec<String>>,
}

#[derive(Serialize)]
struct BodyOut<'a> {
    checkpoint_ids: &'a [String],
    collections: &'a [String],
}

pub(super) fn decode(message: &Message) -> Result<Request> {
    let bad = |why: &str| bad_request(format!("Invalid getCollections message: {why}"));
    let body: BodyIn = serde_json::from_slice(&message.body).map_err(|_| bad("no root"))?;
    let checkpoint_ids = body
        .checkpoint_ids
        .ok_or_else(|| bad("no checkpoint_ids"))?;
    let collections = body.collections.ok_or_else(|| bad("no collections"))?;
    if collections.is_empty() {
        return Err(bad("no collections"));
    }
    if checkpoint_ids.len() != collections.len() {
        return Err(bad("mismatched checkpoint_ids and collections"));
    }
    let mut seen = HashSet::new();
    for path in &collections {
        if path.is_empty() {
            return Err(bad("empty collection path"));
        }
        let full = path.strip_prefix("_default.").unwrap_or(path);
        if !seen.insert(full) {
            let shown: String = path.chars().take(80).collect();
            return Err(bad(&format!("duplicate collection path {shown}")));
        }
    }
    Ok(Request::GetCollections {
        checkpoint_ids,
        collections,
    })
}

pub(super) fn encode(checkpoint_ids: &[String], collections: &[String]) -> Message {
    let body = BodyOut {
        checkpoint_ids,
        collections,
    };
    Message {
        properties: start("getCollections", None, 0),
        // Strings always serialize.
        body: serde_json::to_vec(&body).unwrap_or_default().into(),
        ..Message::default()
    }
}

/// What the passive side answers about one of the collections asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectionReply {
    /// It does not exist or is not served (`null`).
    Missing,
    /// It exists.
    Exists {
        /// Revision and JSON object (without the revision) of the checkpoint with the id asked
        /// for, if one is stored. The revision is empty if the peer told none.
        checkpoint: Option<(String, Bytes)>,
    },
}

impl CollectionReply {
    /// The reply, one entry a collection in the order asked. The revision is written as `rev`, as
    /// LiteCore does.
    ///
    /// # Errors
    /// `CorruptRevisionData` when a checkpoint's body is no JSON object.
    pub fn encode_all(entries: &[Self]) -> Result<Message> {
        let mut body = vec![b'['];
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            match entry {
                Self::Missing => body.extend(b"null"),
                Self::Exists { checkpoint: None } => body.extend(b"{}"),
                Self::Exists {
                    checkpoint: Some((rev, checkpoint)),
                } => {
                    let mut object = ObjectWriter::new(checkpoint.len() + 2 * rev.len() + 20);
                    json::write_string(rev, object.key("rev"));
                    // Couchbase Lite reads `rev`; clients made for a Sync Gateway read `_rev`.
                    json::write_string(rev, object.key("_rev"));
                    for member in json::members(checkpoint, 0..checkpoint.len())? {
                        if !matches!(&*member.key, "rev" | "_rev") {
                            object.copy(checkpoint, &member);
                        }
                    }
                    body.extend(object.finish());
                }
            }
        }
        body.push(b']');
        Ok(Message {
            properties: Properties::new(),
            body: body.into(),
            compressed: true,
            ..Message::default()
        })
    }

    /// Reads the reply to a request about `count` collections. The revision may be called `rev`
    /// (LiteCore) or `_rev` (Sync Gateway).
    ///
    /// # Errors
    /// `RemoteError` when it is not a list of as many objects or nulls.
    pub fn decode_all(message: &Message, count: usize) -> Result<Vec<Self>> {
        let bad = |why: &str| {
            Error::lite(
                Code::RemoteError,
                format!("peer's reply to getCollections {why}"),
            )
        };
        let entries: Vec<Option<&RawValue>> =
            serde_json::from_slice(&message.body).map_err(|_| bad("is no JSON list"))?;
        if entries.len() != count {
            let len = entries.len();
            return Err(bad(&format!("has {len} entries for {count} collections")));
        }
        let decode = |entry: Option<&RawValue>| {
            let Some(raw) = entry else {
                return Ok(Self::Missing);
            };
            let (rev, body) = json::take_string_keys(raw.get().as_bytes(), &["rev", "_rev"])
                .map_err(|_| bad("has an entry that is no object"))?;
            let checkpoint = match rev {
                None if &*body == b"{}" => None,
                rev => Some((rev.unwrap_or_default(), body)),
            };
            Ok(Self::Exists { checkpoint })
        };
        entries.into_iter().map(decode).collect()
    }
}
