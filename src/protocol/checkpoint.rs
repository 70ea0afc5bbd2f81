//! `getCheckpoint` and `setCheckpoint` (wire §3.3, §3.4).

use bytes::Bytes;

use super::json;
use super::lenient::bad_request;
use crate::blip::{Message, Properties};
use crate::error::{Code, Error, Result};

/// The reply to `getCheckpoint`; without a body also that to `setCheckpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointReply {
    /// Revision of the checkpoint, opaque to the client.
    pub rev: String,
    /// The checkpoint's JSON object as it was stored; empty in the reply to `setCheckpoint`.
    pub body: Bytes,
}

impl CheckpointReply {
    /// The message.
    pub fn encode(self) -> Message {
        Message {
            properties: Properties::new().with("rev", self.rev),
            body: self.body,
            ..Message::default()
        }
    }

    /// Reads either reply. The revision may be the property `rev` or a key `_rev` of the body,
    /// which is taken out.
    ///
    /// # Errors
    /// `RemoteError` when there is neither, or the body is no JSON object.
    pub fn decode(message: &Message) -> Result<Self> {
        let (inner, body) = if message.body.is_empty() {
            (None, Bytes::new())
        } else {
            json::take_string_keys(&message.body, &["_rev"])
                .map_err(|_| Error::lite(Code::RemoteError, "peer's checkpoint is not JSON"))?
        };
        let rev = message.get("rev").map(str::to_owned).or(inner);
        Ok(Self {
            rev: rev.ok_or_else(|| {
                Error::lite(Code::RemoteError, "peer's checkpoint has no revision")
            })?,
            body,
        })
    }
}

/// The checkpoint id of either request.
///
/// # Errors
/// `BLIP` 400 when it is missing.
pub(super) fn client(message: &Message) -> Result<String> {
    match message.get("client") {
        Some(client) if !client.is_empty() => Ok(client.to_owned()),
        _ => Err(bad_request("missing checkpoint ID")),
    }
}
