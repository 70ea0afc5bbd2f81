//! Blobs in document bodies, and the legacy `_attachments` that stands for them (wire §7).
//!
//! ```text
//! sending to a peer without blobs=true        receiving
//! add_attachments(body, revpos)               clean_received(body) → body to store, blobs to fetch
//!   {"photo":{"@type":"blob",…}}                {"photo":{"@type":"blob",…},
//!   → … ,"_attachments":{"blob_/photo":{…}}      "_attachments":{"blob_/photo":{…}}}
//! ```
//!
//! All of it works on the JSON text and leaves what it does not have to change as it was written.

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;

use super::json::{self, FoundBlob, Member, ObjectWriter};
use crate::error::{Code, Error, Result};
use crate::model::BlobDigest;
use crate::model::replication::BlobRef;

/// Prefix of the entries of `_attachments` that mirror a blob of the document.
const MIRROR: &str = "blob_";
const ATTACHMENTS: &str = "_attachments";

/// A received body, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanBody {
    /// The body without mirrors in `_attachments` and without other top-level keys that start
    /// with `_`.
    pub body: Bytes,
    /// All blobs that it refers to, in the document or in `_attachments`; each digest once.
    pub blobs: Vec<BlobRef>,
    /// Blobs of the document that its `_attachments` does not list, although it has one: the
    /// sender cannot deliver them (wire §7.4).
    pub unlisted: Vec<BlobDigest>,
    /// The body said `"_removed":true`: the user lost access to the document.
    pub removed: bool,
}

/// Whether the text can hold a blob reference or a reserved key at all. A string may hide either
/// behind `\u` escapes, so those count too.
fn is_plain(body: &[u8]) -> bool {
    let has = |byte, word: &[u8]| {
        body.contains(&byte) && body.windows(word.len()).any(|window| window == word)
    };
    !has(b'_', b"\"_") && !has(b'@', b"\"@type") && !has(b'\\', b"\\u")
}

/// Cleans a body that came from a peer: takes out of `_attachments` the entries that mirror blobs
/// of the document (where one differs, it wins), then `_attachments` if it is empty, then all
/// other top-level keys that start with `_`.
///
/// A body without any of that is given back untouched, and is not checked here.
///
/// # Errors
/// `CorruptRevisionData` when the text is no JSON object; `InvalidParameter` when it is nested too
/// deep.
pub fn clean_received(body: Bytes) -> Result<CleanBody> {
    if is_plain(&body) {
        return Ok(CleanBody {
            body,
            blobs: Vec::new(),
            unlisted: Vec::new(),
            removed: false,
        });
    }
    let text = &body[..];
    let document = Document::read(text)?;
    let mut blobs = Blobs::default();
    let mut unlisted = Vec::new();
    let mut edits: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    let mut kept = ObjectWriter::new(64);

    let attachments = match document.attachments(text) {
        Some(member) => json::members(text, member.value.clone())?,
        None => Vec::new(),
    };
    // Found in order of their place, so the edits are too.
    for found in &document.blobs {
        let mirror = attachments
            .iter()
            .find(|entry| entry.key.strip_prefix(MIRROR) == Some(found.path.as_str()));
        let edited = match mirror {
            Some(entry) => edit_blob(text, found, entry)?,
            None => None,
        };
        let object = edited.as_deref().unwrap_or(&text[found.span.clone()]);
        blobs.add(read_blob(object)?);
        if let Some(edited) = edited {
            edits.push((found.span.clone(), edited));
        }
    }
    let mut listed = HashSet::new();
    for entry in &attachments {
        let value = &text[entry.value.clone()];
        let blob = read_blob(value).unwrap_or_default();
        listed.extend(blob.as_ref().map(|blob| blob.digest));
        if !is_mirror(&entry.key, &document.blobs) {
            blobs.add(blob);
            kept.copy(text, entry);
        }
    }
    if document.attachments(text).is_some() {
        let all = blobs.found.iter().map(|blob| blob.digest);
        unlisted.extend(all.filter(|digest| !listed.contains(digest)));
    }

    let mut out = ObjectWriter::new(text.len());
    let mut edits = edits.into_iter().peekable();
    let mut attachments_left = (!kept.is_empty()).then(|| kept.finish());
    for member in &document.members {
        if !member.key.starts_with('_') {
            let value = out.raw_key(text, member);
            let mut at = member.value.start;
            while let Some((span, new)) = edits.next_if(|(span, _)| span.end <= member.value.end) {
                value.extend_from_slice(&text[at..span.start]);
                value.extend_from_slice(&new);
                at = span.end;
            }
            value.extend_from_slice(&text[at..member.value.end]);
        } else if member.key == ATTACHMENTS
            && let Some(rest) = attachments_left.take()
        {
            out.raw_key(text, member).extend_from_slice(&rest);
        }
    }
    Ok(CleanBody {
        removed: document.is_removed(text),
        body: out.finish().into(),
        blobs: blobs.found,
        unlisted,
    })
}

/// Adds to a stored body the `_attachments` that a peer without `blobs=true` needs: an entry for
/// each blob of the document, with `revpos` (the revision's generation) if given. Entries of
/// former blobs are dropped, others kept.
///
/// # Errors
/// As [`clean_received`].
pub fn add_attachments(body: &[u8], revpos: Option<u32>) -> Result<Vec<u8>> {
    if is_plain(body) {
        return Ok(body.to_vec());
    }
    let document = Document::read(body)?;
    let mut entries = ObjectWriter::new(64);
    if let Some(member) = document.attachments(body) {
        for entry in json::members(body, member.value.clone())? {
            if !entry.key.starts_with(MIRROR) {
                entries.copy(body, &entry);
            }
        }
    }
    for blob in &document.blobs {
        let value = entries.key(&format!("{MIRROR}{}", blob.path));
        let mut entry = ObjectWriter::new(blob.span.len() + 32);
        for member in json::members(body, blob.span.clone())? {
            if !matches!(&*member.key, "@type" | "stub" | "revpos") {
                entry.copy(body, &member);
            }
        }
        entry.key("stub").extend_from_slice(b"true");
        if let Some(generation) = revpos {
            json::write_number(u64::from(generation), entry.key("revpos"));
        }
        value.extend_from_slice(&entry.finish());
    }
    let mut out = ObjectWriter::new(body.len() + 256);
    for member in (document.members.iter()).filter(|member| member.key != ATTACHMENTS) {
        out.copy(body, member);
    }
    if !entries.is_empty() {
        out.key(ATTACHMENTS).extend_from_slice(&entries.finish());
    }
    Ok(out.finish())
}

/// All blobs that a body refers to, in the document or in `_attachments`; each digest once.
///
/// # Errors
/// As [`clean_received`].
pub fn collect_blobs(body: &[u8]) -> Result<Vec<BlobRef>> {
    if is_plain(body) {
        return Ok(Vec::new());
    }
    let document = Document::read(body)?;
    let mut blobs = Blobs::default();
    for found in &document.blobs {
        blobs.add(read_blob(&body[found.span.clone()])?);
    }
    if let Some(member) = document.attachments(body) {
        for entry in json::members(body, member.value.clone())? {
            blobs.add(read_blob(&body[entry.value]).unwrap_or_default());
        }
    }
    Ok(blobs.found)
}

/// A body's top level and the blob references outside of its reserved keys.
struct Document<'a> {
    members: Vec<Member<'a>>,
    blobs: Vec<FoundBlob>,
}

impl<'a> Document<'a> {
    fn read(text: &'a [u8]) -> Result<Self> {
        let members = json::members(text, 0..text.len())?;
        let mut blobs = Vec::new();
        for member in members.iter().filter(|member| !member.key.starts_with('_')) {
            let mut path = format!("/{}", member.key);
            blobs.extend(json::find_blobs(text, member.value.clone(), &mut path)?);
        }
        Ok(Self { members, blobs })
    }

    /// The first `_attachments`, if it looks like an object.
    fn attachments(&self, text: &[u8]) -> Option<&Member<'a>> {
        (self.members.iter())
            .find(|member| member.key == ATTACHMENTS)
            .filter(|member| text.get(member.value.start) == Some(&b'{'))
    }

    fn is_removed(&self, text: &[u8]) -> bool {
        (self.members.iter())
            .any(|member| member.key == "_removed" && &text[member.value.clone()] == b"true")
    }
}

#[derive(Default)]
struct Blobs {
    found: Vec<BlobRef>,
    seen: HashSet<BlobDigest>,
}

impl Blobs {
    fn add(&mut self, blob: Option<BlobRef>) {
        if let Some(blob) = blob
            && self.seen.insert(blob.digest)
        {
            self.found.push(blob);
        }
    }
}

/// Whether an entry of `_attachments` stands for a blob of the document: `blob_/path/of/it`, or
/// `blob_N` as Couchbase Lite 2.0 wrote.
fn is_mirror(key: &str, blobs: &[FoundBlob]) -> bool {
    key.strip_prefix(MIRROR).is_some_and(|name| {
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        is_number || blobs.iter().any(|blob| blob.path == name)
    })
}

/// Reads a blob reference or an entry of `_attachments`. `None` when it has no valid digest.
fn read_blob(object: &[u8]) -> Result<Option<BlobRef>> {
    let members = json::members(object, 0..object.len())?;
    let raw = |key: &str| {
        let member = members.iter().find(|member| member.key == key)?;
        Some(&object[member.value.clone()])
    };
    let text = |key| raw(key).and_then(json::as_string);
    let Some(digest) = text("digest").and_then(|text| BlobDigest::parse(&text).ok()) else {
        return Ok(None);
    };
    Ok(Some(BlobRef {
        digest,
        length: (raw("length"))
            .and_then(|raw| std::str::from_utf8(raw).ok())
            .and_then(|text| text.parse().ok()),
        content_type: text("content_type").map(Into::into),
        encoding: text("encoding").map(Into::into),
    }))
}

/// The blob reference with what its mirror says otherwise, or `None` if that says the same.
fn edit_blob(text: &[u8], blob: &FoundBlob, mirror: &Member<'_>) -> Result<Option<Vec<u8>>> {
    const EDITED: [&str; 3] = ["digest", "length", "content_type"];
    if text.get(mirror.value.start) != Some(&b'{') {
        return Ok(None);
    }
    let theirs = json::members(text, mirror.value.clone())?;
    let ours = json::members(text, blob.span.clone())?;
    let value = |members: &[Member<'_>], key: &str| {
        let member = members.iter().find(|member| member.key == key)?;
        Some(text[member.value.clone()].to_vec())
    };
    // Without a digest the entry is no attachment, and nothing can be taken from it.
    if value(&theirs, "digest").is_none_or(|digest| !digest.starts_with(b"\"")) {
        return Ok(None);
    }
    let differs = |key: &str| {
        let theirs = value(&theirs, key);
        theirs.is_some() && theirs != value(&ours, key)
    };
    if !EDITED.iter().any(|key| differs(key)) {
        return Ok(None);
    }
    let mut out = ObjectWriter::new(blob.span.len() + 64);
    for member in &ours {
        match value(&theirs, &member.key).filter(|_| EDITED.contains(&&*member.key)) {
            Some(new) => out.raw_key(text, member).extend_from_slice(&new),
            None => out.copy(text, member),
        }
    }
    for key in EDITED {
        if let (None, Some(new)) = (value(&ours, key), value(&theirs, key)) {
            out.key(key).extend_from_slice(&new);
        }
    }
    Ok(Some(out.finish()))
}

/// The error for a blob that a received revision refers to and its sender cannot deliver.
pub fn missing_blob(digest: &BlobDigest) -> Error {
    Error::lite(Code::NotFound, format!("blob {digest} is missing"))
}
