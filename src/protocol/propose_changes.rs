//! `proposeChanges` and its reply (wire §3.8).

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};

use super::changes::{
    LenientNumber, check_ids, decode_entries, decode_list, encode_entries, read_reply_properties,
    reply_properties,
};
use super::json;
use super::lenient::start;
use crate::blip::Message;
use crate::error::Result;

/// One proposed revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProposedRow {
    /// Document id, 1 to 255 bytes.
    pub doc_id: String,
    /// A valid tree revision id.
    pub rev_id: String,
    /// The revision that the client believes is current on the server, or empty.
    pub parent: String,
    /// Approximate body size in bytes, 0 when the client does not say.
    pub body_size: u64,
}

/// Reads the body of `proposeChanges`. Empty, `null` and `[]` are the same.
///
/// # Errors
/// As for `changes`.
pub(super) fn decode_rows(body: &[u8]) -> Result<Vec<ProposedRow>> {
    let rows: Vec<ProposedRow> = decode_list(body)?;
    for row in &rows {
        check_ids(&row.doc_id, &row.rev_id)?;
        if !row.parent.is_empty() {
            check_ids(&row.doc_id, &row.parent)?;
        }
    }
    Ok(rows)
}

impl<'de> Deserialize<'de> for ProposedRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;
        impl<'de> Visitor<'de> for Row {
            type Value = ProposedRow;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row of proposeChanges")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ProposedRow, A::Error> {
                let missing = || A::Error::custom("row is too short");
                let doc_id = seq.next_element()?.ok_or_else(missing)?;
                let rev_id = seq.next_element()?.ok_or_else(missing)?;
                let parent: Option<Option<String>> = seq.next_element()?;
                let body_size: Option<LenientNumber> = match parent {
                    Some(_) => seq.next_element()?,
                    None => None,
                };
                if body_size.is_some() {
                    while seq.next_element::<IgnoredAny>()?.is_some() {}
                }
                Ok(ProposedRow {
                    doc_id,
                    rev_id,
                    parent: parent.flatten().unwrap_or_default(),
                    body_size: body_size.map_or(0, |number| number.0),
                })
            }
        }
        deserializer.deserialize_seq(Row)
    }
}

/// Urgent; compressed when there are rows. The parent is always written, as a string.
pub(super) fn encode(
    collection: Option<u32>,
    conflict_includes_rev: bool,
    rows: &[ProposedRow],
    no_reply: bool,
) -> Message {
    let mut properties = start("proposeChanges", collection, 32);
    if conflict_includes_rev {
        properties.push("conflictIncludesRev", "true");
    }
    let room = rows
        .iter()
        .map(|row| row.doc_id.len() + row.rev_id.len() + row.parent.len() + 32);
    let mut body = Vec::with_capacity(room.sum::<usize>() + 2);
    body.push(b'[');
    for (index, row) in rows.iter().enumerate() {
        body.extend_from_slice(if index == 0 { b"[" } else { b",[" });
        json::write_string(&row.doc_id, &mut body);
        body.push(b',');
        json::write_string(&row.rev_id, &mut body);
        body.push(b',');
        json::write_string(&row.parent, &mut body);
        if row.body_size > 0 {
            body.push(b',');
            json::write_number(row.body_size, &mut body);
        }
        body.push(b']');
    }
    body.push(b']');
    Message {
        properties,
        body: body.into(),
        urgent: true,
        compressed: !rows.is_empty(),
        no_reply,
    }
}

/// The answer to one row of `proposeChanges`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposeEntry {
    /// Send it.
    Accept,
    /// It is current there already (304).
    Have,
    /// It conflicts (409), with the server's current revision if it told that.
    Conflict(Option<String>),
    /// Another HTTP status.
    Reject(i32),
}

/// The reply to `proposeChanges`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProposeReply {
    /// How many ancestors a `rev` should tell.
    pub max_history: Option<u32>,
    /// The server knows blobs: no `_attachments` are needed.
    pub blobs: bool,
    /// The server can apply deltas.
    pub deltas: bool,
    /// Aligned with the rows.
    pub entries: Vec<ProposeEntry>,
}

#[derive(Deserialize)]
struct Status {
    status: i32,
    rev: Option<String>,
}

impl ProposeReply {
    /// The message. [`ProposeEntry::Accept`]s at the end are left out: `[]` accepts all, the
    /// opposite of what it means in reply to `changes`.
    pub fn encode(&self) -> Message {
        let body = encode_entries(
            &self.entries,
            &ProposeEntry::Accept,
            |entry, body| match entry {
                ProposeEntry::Accept => body.push(b'0'),
                ProposeEntry::Have => body.extend_from_slice(b"304"),
                ProposeEntry::Conflict(None) => body.extend_from_slice(b"409"),
                ProposeEntry::Conflict(Some(rev)) => {
                    body.extend_from_slice(b"{\"status\":409,\"rev\":");
                    json::write_string(rev, body);
                    body.push(b'}');
                }
                ProposeEntry::Reject(status) => {
                    body.extend_from_slice(status.to_string().as_bytes())
                }
            },
        );
        Message {
            properties: reply_properties(self.max_history, self.blobs, self.deltas),
            body,
            compressed: true,
            ..Message::default()
        }
    }

    /// Reads the reply to a list of `rows` rows. Rows without an entry are accepted.
    ///
    /// # Errors
    /// `RemoteError` when it is not a list of entries.
    pub fn decode(message: &Message, rows: usize) -> Result<Self> {
        let mut entries = decode_entries(message, "proposeChanges", |raw| {
            let (status, rev) = match raw.as_bytes().first()? {
                b'{' => {
                    let entry: Status = serde_json::from_str(raw).ok()?;
                    (entry.status, entry.rev)
                }
                b'n' => (0, None),
                _ => (raw.parse().ok()?, None),
            };
            Some(match status {
                0 => ProposeEntry::Accept,
                304 => ProposeEntry::Have,
                409 => ProposeEntry::Conflict(rev),
                status => ProposeEntry::Reject(status),
            })
        })?;
        entries.resize(rows, ProposeEntry::Accept);
        let (max_history, blobs, deltas) = read_reply_properties(message);
        Ok(Self {
            max_history,
            blobs,
            deltas,
            entries,
        })
    }
}
