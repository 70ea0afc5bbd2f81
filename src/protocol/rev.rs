//! `rev` and `norev` (wire §3.9).

use bytes::Bytes;

use super::lenient::{bool_property, shown, start, text_property};
use crate::blip::Message;
use crate::error::{Code, Error, Result};
use crate::model::{DocId, RevId};

/// Most ancestors that a `rev` may tell (design D9).
pub const MAX_HISTORY: usize = 1_000;

/// One revision. Its texts are as the sender wrote them; [`Self::ids`] checks them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rev {
    /// Which collection.
    pub collection: Option<u32>,
    /// Document id, empty if the sender left it out.
    pub id: String,
    /// Revision id, empty if the sender left it out.
    pub rev: String,
    /// The sequence of the announcing row, as its JSON token.
    pub sequence: Option<String>,
    /// The announced revision that `rev` stands for.
    pub replaced_rev: Option<String>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Ancestors, newest first, without `rev`. One more than [`MAX_HISTORY`] at most is read.
    pub history: Vec<String>,
    /// The sender wants HTTP 409 rather than a conflict branch.
    pub no_conflicts: bool,
    /// The body is a delta against this revision.
    pub delta_src: Option<String>,
    /// The sender could not deliver it; treat as a failed delivery.
    pub error: Option<String>,
    /// JSON object, `{}` at least.
    pub body: Bytes,
    /// Whether the sender wants no reply.
    pub no_reply: bool,
}

/// The checked ids of a [`Rev`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevIds {
    /// Document id.
    pub doc_id: DocId,
    /// Revision id.
    pub rev_id: RevId,
    /// Ancestors, newest first. That generations descend by one is not checked here.
    pub history: Vec<RevId>,
}

impl Rev {
    pub(super) fn decode(collection: Option<u32>, message: Message) -> Self {
        let mut rev = Self {
            collection,
            no_reply: message.no_reply,
            ..Self::default()
        };
        // One pass; of equal keys the first counts.
        let mut has_id = false;
        let mut has_rev = false;
        let set = |field: &mut Option<String>, value: &str| {
            field.get_or_insert_with(|| value.to_owned());
        };
        for (key, value) in &message.properties {
            match key {
                "id" if !has_id => {
                    has_id = true;
                    value.clone_into(&mut rev.id);
                }
                "rev" if !has_rev => {
                    has_rev = true;
                    value.clone_into(&mut rev.rev);
                }
                "sequence" => set(&mut rev.sequence, value),
                "replacedRev" => set(&mut rev.replaced_rev, value),
                "history" if rev.history.is_empty() && !value.is_empty() => {
                    let entries = value.split(',').take(MAX_HISTORY + 1);
                    rev.history = entries.map(str::to_owned).collect();
                }
                "deltaSrc" => set(&mut rev.delta_src, value),
                "error" => set(&mut rev.error, value),
                _ => {}
            }
        }
        rev.deleted = bool_property(&message, "deleted");
        rev.no_conflicts = bool_property(&message, "noconflicts");
        rev.body = message.body;
        rev
    }

    /// Checks document id, revision id and history.
    ///
    /// # Errors
    /// What LiteCore answers: `HTTP` 400 for the ids; `BadRevisionID` for an entry of the history
    /// (a space after a comma is enough) and for more than [`MAX_HISTORY`] of them.
    pub fn ids(&self) -> Result<RevIds> {
        let doc_id = DocId::parse(self.id.as_str()).map_err(|_| {
            Error::http(400, format!("received invalid docID '{}'", shown(&self.id)))
        })?;
        let rev_id = RevId::parse(self.rev.as_str()).map_err(|_| {
            let rev = shown(&self.rev);
            Error::http(400, format!("received invalid revision ID '{rev}'"))
        })?;
        if self.history.len() > MAX_HISTORY {
            return Err(Error::lite(
                Code::BadRevisionId,
                format!("history has more than {MAX_HISTORY} revision IDs"),
            ));
        }
        let parse = |text: &String| RevId::parse(text.as_str());
        Ok(RevIds {
            doc_id,
            rev_id,
            history: self.history.iter().map(parse).collect::<Result<_>>()?,
        })
    }

    pub(super) fn encode(self) -> Message {
        let history: usize = self.history.iter().map(|rev| rev.len() + 1).sum();
        let room = self.id.len() + self.rev.len() + history + 96;
        let mut properties = start("rev", self.collection, room);
        properties.push("id", self.id);
        properties.push("rev", self.rev);
        if let Some(replaced) = self.replaced_rev {
            properties.push("replacedRev", replaced);
        }
        if let Some(sequence) = self.sequence {
            properties.push("sequence", sequence);
        }
        if self.deleted {
            properties.push("deleted", "1");
        }
        if !self.history.is_empty() {
            properties.push("history", self.history.join(","));
        }
        if self.no_conflicts {
            properties.push("noconflicts", "1");
        }
        if let Some(source) = self.delta_src {
            properties.push("deltaSrc", source);
        }
        if let Some(error) = self.error {
            properties.push("error", error);
        }
        Message {
            properties,
            body: self.body,
            compressed: true,
            no_reply: self.no_reply,
            urgent: false,
        }
    }
}

/// Tells that a revision which was asked for cannot be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoRev {
    /// Which collection.
    pub collection: Option<u32>,
    /// Document id.
    pub id: String,
    /// Revision id.
    pub rev: String,
    /// The sequence of the announcing row, as its JSON token.
    pub sequence: Option<String>,
    /// HTTP status, 404 when the body is gone; 0 if the sender told none.
    pub error: u16,
    /// Text for people (Sync Gateway).
    pub reason: Option<String>,
    /// Set by real peers.
    pub no_reply: bool,
}

impl NoRev {
    pub(super) fn decode(collection: Option<u32>, message: &Message) -> Self {
        let text = |key| text_property(message, key);
        Self {
            collection,
            id: text("id").unwrap_or_default(),
            rev: text("rev").unwrap_or_default(),
            sequence: text("sequence").or_else(|| text("seq")),
            error: (message.get("error"))
                .and_then(|code| code.parse().ok())
                .unwrap_or(0),
            reason: text("reason"),
            no_reply: message.no_reply,
        }
    }

    pub(super) fn encode(self) -> Message {
        let mut properties = start("norev", self.collection, self.id.len() + 128);
        properties.push("id", self.id);
        properties.push("rev", self.rev);
        if let Some(sequence) = self.sequence {
            properties.push("sequence", sequence);
        }
        if self.error != 0 {
            properties.push_number("error", u64::from(self.error));
        }
        if let Some(reason) = self.reason {
            properties.push("reason", reason);
        }
        Message {
            properties,
            no_reply: self.no_reply,
            ..Message::default()
        }
    }
}
