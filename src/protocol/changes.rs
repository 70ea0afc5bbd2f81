//! `changes` and its reply (wire §3.7).

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json;
use super::lenient::{bad_request, bool_property, is_nothing, shown, start};
use crate::blip::{Message, Properties};
use crate::error::{Code, Error, Result};
use crate::model::RevId;

/// Most rows of a `changes` or `proposeChanges` list that are accepted. Real peers send 200.
pub const MAX_ROWS: usize = 50_000;
/// Longest document id that a list may announce, in bytes; LiteCore lets as many through.
const MAX_DOC_ID: usize = 255;

/// One announced revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeRow {
    /// The pusher's sequence: a JSON scalar as it was written, opaque.
    pub sequence: String,
    /// Document id, 1 to 255 bytes.
    pub doc_id: String,
    /// A valid tree revision id.
    pub rev_id: String,
    /// 1 deleted, 2 access revoked, 4 removed from all the user's channels.
    pub flags: u32,
    /// Approximate body size in bytes, 0 when the pusher does not say.
    pub body_size: u64,
}

/// Reads the body of `changes`. Empty, `null` and `[]` are the same.
///
/// # Errors
/// `BLIP` 400 when it is not a list of rows; `LiteCore` 26 for a bad id in any row.
pub(super) fn decode_rows(body: &[u8]) -> Result<Vec<ChangeRow>> {
    let rows: Vec<ChangeRow> = decode_list(body)?;
    for row in &rows {
        check_ids(&row.doc_id, &row.rev_id)?;
    }
    Ok(rows)
}

/// A list of at most [`MAX_ROWS`] rows.
pub(super) fn decode_list<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<T>> {
    if is_nothing(body) {
        return Ok(Vec::new());
    }
    match serde_json::from_slice::<BoundedList<T>>(body) {
        Ok(BoundedList(rows)) => Ok(rows),
        Err(error) if error.to_string().starts_with(TOO_MANY) => {
            Err(bad_request(format!("list has more than {MAX_ROWS} rows")))
        }
        Err(_) => Err(bad_request("Invalid JSON body")),
    }
}

const TOO_MANY: &str = "too many rows";

struct BoundedList<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for BoundedList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = BoundedList<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = seq.next_element()? {
                    if rows.len() == MAX_ROWS {
                        return Err(A::Error::custom(TOO_MANY));
                    }
                    rows.push(row);
                }
                Ok(BoundedList(rows))
            }
        }
        deserializer.deserialize_seq(List(std::marker::PhantomData))
    }
}

/// Refuses a whole list for one bad row, as LiteCore does.
pub(super) fn check_ids(doc_id: &str, rev_id: &str) -> Result<()> {
    if (1..=MAX_DOC_ID).contains(&doc_id.len()) && RevId::parse(rev_id).is_ok() {
        return Ok(());
    }
    Err(Error::lite(
        Code::RemoteError,
        format!(
            "Invalid docID/revID '{}' #{} in incoming change list",
            shown(doc_id),
            shown(rev_id)
        ),
    ))
}

impl<'de> Deserialize<'de> for ChangeRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;
        impl<'de> Visitor<'de> for Row {
            type Value = ChangeRow;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row of changes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ChangeRow, A::Error> {
                let missing = || A::Error::custom("row is too short");
                let sequence: &RawValue = seq.next_element()?.ok_or_else(missing)?;
                if sequence.get().starts_with(['{', '[']) {
                    return Err(A::Error::custom("sequence is no scalar"));
                }
                let doc_id = seq.next_element()?.ok_or_else(missing)?;
                let rev_id = seq.next_element()?.ok_or_else(missing)?;
                let flags: Option<LenientNumber> = seq.next_element()?;
                let body_size: Option<LenientNumber> = match flags {
                    Some(_) => seq.next_element()?,
                    None => None,
                };
                if body_size.is_some() {
                    while seq.next_element::<IgnoredAny>()?.is_some() {}
                }
                let flags = flags.map_or(0, |number| number.0);
                Ok(ChangeRow {
                    sequence: sequence.get().to_owned(),
                    doc_id,
                    rev_id,
                    flags: u32::try_from(flags).unwrap_or(u32::MAX),
                    body_size: body_size.map_or(0, |number| number.0),
                })
            }
        }
        deserializer.deserialize_seq(Row)
    }
}

/// A number that may be written as a boolean, a fraction or `null`; negative is 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct LenientNumber(pub(super) u64);

impl<'de> Deserialize<'de> for LenientNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = LenientNumber;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or boolean")
            }
            fn visit_bool<E>(self, value: bool) -> Result<LenientNumber, E> {
                Ok(LenientNumber(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<LenientNumber, E> {
                Ok(LenientNumber(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<LenientNumber, E> {
                Ok(LenientNumber(value.max(0).unsigned_abs()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<LenientNumber, E> {
                Ok(LenientNumber(value as u64))
            }
            fn visit_unit<E>(self) -> Result<LenientNumber, E> {
                Ok(LenientNumber(0))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// Urgent and compressed when there are rows; plain when there are none. `true` and `false` stand
/// for the flags 1 and 0, as LiteCore writes them.
pub(super) fn encode(collection: Option<u32>, rows: &[ChangeRow], no_reply: bool) -> Message {
    let room = rows
        .iter()
        .map(|row| row.sequence.len() + row.doc_id.len() + row.rev_id.len() + 32);
    let mut body = Vec::with_capacity(room.sum::<usize>() + 2);
    body.push(b'[');
    for (index, row) in rows.iter().enumerate() {
        body.extend_from_slice(if index == 0 { b"[" } else { b",[" });
        body.extend_from_slice(row.sequence.as_bytes());
        body.push(b',');
        json::write_string(&row.doc_id, &mut body);
        body.push(b',');
        json::write_string(&row.rev_id, &mut body);
        match row.flags {
            0 if row.body_size == 0 => {}
            0 => body.extend_from_slice(b",false"),
            1 => body.extend_from_slice(b",true"),
            flags => {
                body.push(b',');
                json::write_number(u64::from(flags), &mut body);
            }
        }
        if row.body_size > 0 {
            body.push(b',');
            json::write_number(row.body_size, &mut body);
        }
        body.push(b']');
    }
    body.push(b']');
    Message {
        properties: start("changes", collection, 0),
        body: body.into(),
        urgent: !rows.is_empty(),
        compressed: !rows.is_empty(),
        no_reply,
    }
}

/// The answer to one row of `changes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesEntry {
    /// Send it; these revisions of the document are here already (at most 10, newest first).
    Want(Vec<String>),
    /// Not wanted.
    Skip,
    /// It would conflict (409).
    Conflict,
    /// Another HTTP status.
    Error(i32),
}

/// The reply to `changes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangesReply {
    /// How many ancestors a `rev` should tell.
    pub max_history: Option<u32>,
    /// The puller knows blobs: no `_attachments` are needed.
    pub blobs: bool,
    /// The puller can apply deltas.
    pub deltas: bool,
    /// Aligned with the rows.
    pub entries: Vec<ChangesEntry>,
}

impl ChangesReply {
    /// The message. [`ChangesEntry::Skip`]s at the end are left out: `[]` wants nothing.
    pub fn encode(&self) -> Message {
        let body = encode_entries(
            &self.entries,
            &ChangesEntry::Skip,
            |entry, body| match entry {
                ChangesEntry::Want(ancestors) => json::write_strings(ancestors, body),
                ChangesEntry::Skip => body.push(b'0'),
                ChangesEntry::Conflict => body.extend_from_slice(b"409"),
                ChangesEntry::Error(status) => {
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

    /// Reads the reply to a list of `rows` rows. Rows without an entry are not wanted.
    ///
    /// # Errors
    /// `RemoteError` when it is not a list of entries.
    pub fn decode(message: &Message, rows: usize) -> Result<Self> {
        let mut entries = decode_entries(message, "changes", |raw| {
            Some(match raw.as_bytes().first()? {
                b'[' => ChangesEntry::Want(serde_json::from_str(raw).ok()?),
                b'n' => ChangesEntry::Skip,
                _ => match raw.parse().ok()? {
                    0 | 304 => ChangesEntry::Skip,
                    409 => ChangesEntry::Conflict,
                    status => ChangesEntry::Error(status),
                },
            })
        })?;
        entries.resize(rows, ChangesEntry::Skip);
        let (max_history, blobs, deltas) = read_reply_properties(message);
        Ok(Self {
            max_history,
            blobs,
            deltas,
            entries,
        })
    }
}

/// Writes the list of a reply; entries at its end that say the same as none are left out.
pub(super) fn encode_entries<T: PartialEq>(
    entries: &[T],
    same_as_none: &T,
    write: impl Fn(&T, &mut Vec<u8>),
) -> Bytes {
    let said = entries.iter().rposition(|entry| entry != same_as_none);
    let kept = &entries[..said.map_or(0, |last| last + 1)];
    let mut body = Vec::with_capacity(kept.len() * 4 + 2);
    body.push(b'[');
    for (index, entry) in kept.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        write(entry, &mut body);
    }
    body.push(b']');
    body.into()
}

/// Reads the list of a reply; `read` gets the raw JSON of one entry.
pub(super) fn decode_entries<T>(
    message: &Message,
    profile: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>> {
    let bad = || {
        Error::lite(
            Code::RemoteError,
            format!("peer's reply to {profile} is no list of answers"),
        )
    };
    if is_nothing(&message.body) {
        return Ok(Vec::new());
    }
    let BoundedList::<&RawValue>(raw) = serde_json::from_slice(&message.body).map_err(|_| bad())?;
    raw.iter()
        .map(|entry| read(entry.get()).ok_or_else(bad))
        .collect()
}

pub(super) fn reply_properties(max_history: Option<u32>, blobs: bool, deltas: bool) -> Properties {
    let mut properties = Properties::new();
    if let Some(depth) = max_history {
        properties.push_number("maxHistory", u64::from(depth));
    }
    if blobs {
        properties.push("blobs", "true");
    }
    if deltas {
        properties.push("deltas", "true");
    }
    properties
}

pub(super) fn read_reply_properties(message: &Message) -> (Option<u32>, bool, bool) {
    (
        message.get("maxHistory").and_then(|text| text.parse().ok()),
        bool_property(message, "blobs"),
        bool_property(message, "deltas"),
    )
}
