//! Legacy `_attachments`: what peers that do not know blobs send and want (wire §7.2 to §7.4).
//!
//! A Sync Gateway fetches a blob only if the top-level object `_attachments` names it. On the way
//! out an entry `blob_/path` is added for each blob; on the way in such mirrors are taken away
//! again, and with them every reserved top-level key.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{members, write_members, write_string};
use crate::error::Result;
use crate::model::BlobDigest;
use crate::model::body::{MAX_NESTING, encode_body};
use crate::model::replication::BlobRef;

const ATTACHMENTS: &str = "_attachments";
const MIRROR: &str = "blob_";

/// A received body, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanBody {
    /// JSON object without reserved top-level keys; `_attachments` stays as far as it is more
    /// than a mirror of the blobs.
    pub body: Bytes,
    /// The blobs that the document needs, each digest once.
    pub blobs: Vec<BlobRef>,
    /// `_removed: true`: the user lost access to the document (CBMobile_2).
    pub removed: bool,
}

#[derive(Deserialize, Default)]
struct Stub {
    digest: Option<String>,
    length: Option<u64>,
    content_type: Option<String>,
}

/// Cleans a received body (wire §7.4).
///
/// # Errors
/// `InvalidParameter` when it is no JSON object, or breaks another rule of bodies.
pub fn strip_on_receipt(body: &Bytes) -> Result<CleanBody> {
    // Both marks may hide in escapes: then the text has a backslash.
    let suspicious = |word: &[u8]| find(body, word) || find(body, b"\\u");
    if !suspicious(b"\"_") {
        let blobs = if suspicious(b"\"@type\"") {
            encode_body(body)?.blobs
        } else {
            Vec::new()
        };
        return Ok(CleanBody {
            body: body.clone(),
            blobs: unique(blobs),
            removed: false,
        });
    }
    clean(body)
}

fn clean(body: &Bytes) -> Result<CleanBody> {
    let top = members(body)?;
    if !top.iter().any(|(key, _)| key.starts_with('_')) {
        return Ok(CleanBody {
            body: body.clone(),
            blobs: unique(encode_body(body)?.blobs),
            removed: false,
        });
    }
    let removed = top
        .iter()
        .any(|(key, value)| key == "_removed" && value.get() == "true");
    let attachments = top
        .iter()
        .find(|(key, _)| key == ATTACHMENTS)
        .map(|(_, value)| members(value.get().as_bytes()))
        .transpose()?
        .unwrap_or_default();
    let mut edits: HashMap<&str, &RawValue> = HashMap::new();
    let mut kept = Vec::new();
    for (name, stub) in &attachments {
        match name.strip_prefix(MIRROR) {
            Some(pointer) if pointer.starts_with('/') => {
                edits.insert(pointer, stub);
            }
            Some(number) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {}
            _ => kept.push((name.as_ref(), *stub)),
        }
    }
    let mut out = Vec::with_capacity(body.len());
    out.push(b'{');
    let mut blobs = Vec::new();
    for (key, value) in &top {
        if !key.starts_with('_') {
            separate(&mut out);
            write_string(key, &mut out);
            out.push(b':');
            let pointer = format!("/{}", escape(key));
            write_edited(value, &pointer, &edits, 1, &mut out)?;
        }
    }
    if !kept.is_empty() {
        separate(&mut out);
        out.extend_from_slice(b"\"_attachments\":");
        write_members(
            kept.iter().map(|(name, stub)| (*name, stub.get())),
            &mut out,
        );
        for (_, stub) in &kept {
            blobs.extend(blob_of(stub.get()));
        }
    }
    out.push(b'}');
    blobs.splice(..0, encode_body(&out)?.blobs);
    Ok(CleanBody {
        body: out.into(),
        blobs: unique(blobs),
        removed,
    })
}

/// Writes a value; a blob whose mirror tells another digest, length or type takes over the mirror's
/// (it was changed through a Sync Gateway's REST API).
fn write_edited(
    value: &RawValue,
    pointer: &str,
    edits: &HashMap<&str, &RawValue>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    let text = value.get();
    let beyond = depth >= MAX_NESTING || !edits.keys().any(|path| path.starts_with(pointer));
    match text.as_bytes().first() {
        Some(b'{') if !beyond => {
            let inner = members(text.as_bytes())?;
            let edit = edits.get(pointer).filter(|_| is_blob(text));
            if let Some(edit) = edit {
                return write_blob(&inner, edit.get(), out);
            }
            out.push(b'{');
            for (key, value) in &inner {
                separate(out);
                write_string(key, out);
                out.push(b':');
                let pointer = format!("{pointer}/{}", escape(key));
                write_edited(value, &pointer, edits, depth + 1, out)?;
            }
            out.push(b'}');
        }
        Some(b'[') if !beyond => {
            let inner: Vec<&RawValue> = serde_json::from_str(text)
                .map_err(|error| crate::Error::invalid(format!("not JSON: {error}")))?;
            out.push(b'[');
            for (index, value) in inner.into_iter().enumerate() {
                separate(out);
                let pointer = format!("{pointer}/{index}");
                write_edited(value, &pointer, edits, depth + 1, out)?;
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(text.as_bytes()),
    }
    Ok(())
}

fn write_blob(
    blob: &[(std::borrow::Cow<'_, str>, &RawValue)],
    mirror: &str,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mirror = members(mirror.as_bytes())?;
    let edited = ["digest", "length", "content_type"];
    let from_mirror = |key: &str| {
        mirror
            .iter()
            .find(|(name, _)| name == key && edited.contains(&key))
            .map(|(_, value)| value.get())
    };
    write_members(
        blob.iter()
            .map(|(key, value)| (key.as_ref(), from_mirror(key).unwrap_or(value.get()))),
        out,
    );
    Ok(())
}

/// Adds the `_attachments` entries that a peer without `blobs=true` needs (wire §7.3).
///
/// `revpos` is the generation of the revision; absent with version vectors.
///
/// # Errors
/// `InvalidParameter` when `body` is no JSON object.
pub fn add_attachments(body: &[u8], revpos: Option<u32>) -> Result<Vec<u8>> {
    let top = members(body)?;
    let mut entries: Vec<(String, String)> = Vec::new();
    let old = top.iter().find(|(key, _)| key == ATTACHMENTS);
    if let Some((_, old)) = old {
        for (name, stub) in members(old.get().as_bytes())? {
            if !name.starts_with(MIRROR) {
                entries.push((name.into_owned(), stub.get().to_owned()));
            }
        }
    }
    for (key, value) in &top {
        if key != ATTACHMENTS {
            let pointer = format!("/{}", escape(key));
            mirror_blobs(value, &pointer, revpos, 1, &mut entries)?;
        }
    }
    let mut attachments = Vec::new();
    write_members(
        entries.iter().map(|(name, stub)| (&**name, &**stub)),
        &mut attachments,
    );
    let attachments = String::from_utf8_lossy(&attachments);
    let rest = top.iter().filter(|(key, _)| key != ATTACHMENTS);
    let rest = rest.map(|(key, value)| (key.as_ref(), value.get()));
    let mut out = Vec::with_capacity(body.len() + attachments.len() + 20);
    let added = (!entries.is_empty()).then_some((ATTACHMENTS, &*attachments));
    write_members(rest.chain(added), &mut out);
    Ok(out)
}

fn mirror_blobs(
    value: &RawValue,
    pointer: &str,
    revpos: Option<u32>,
    depth: usize,
    entries: &mut Vec<(String, String)>,
) -> Result<()> {
    let text = value.get();
    if depth > MAX_NESTING || !find(text.as_bytes(), b"blob") && !find(text.as_bytes(), b"\\u") {
        return Ok(());
    }
    match text.as_bytes().first() {
        Some(b'{') if is_blob(text) => {
            let revpos = revpos.map(|revpos| revpos.to_string());
            let mut stub = Vec::new();
            let inner = members(text.as_bytes())?;
            let own = inner
                .iter()
                .filter(|(key, _)| !matches!(key.as_ref(), "@type" | "stub" | "revpos"))
                .map(|(key, value)| (key.as_ref(), value.get()));
            let more = revpos.iter().map(|revpos| ("revpos", revpos.as_str()));
            write_members(own.chain([("stub", "true")]).chain(more), &mut stub);
            let stub = String::from_utf8_lossy(&stub).into_owned();
            entries.push((format!("{MIRROR}{pointer}"), stub));
        }
        Some(b'{') => {
            for (key, value) in members(text.as_bytes())? {
                let pointer = format!("{pointer}/{}", escape(&key));
                mirror_blobs(value, &pointer, revpos, depth + 1, entries)?;
            }
        }
        Some(b'[') => {
            let inner: Vec<&RawValue> = serde_json::from_str(text)
                .map_err(|error| crate::Error::invalid(format!("not JSON: {error}")))?;
            for (index, value) in inner.into_iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                mirror_blobs(value, &pointer, revpos, depth + 1, entries)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn is_blob(text: &str) -> bool {
    members(text.as_bytes()).is_ok_and(|members| {
        members
            .iter()
            .any(|(key, value)| key == "@type" && value.get() == "\"blob\"")
    })
}

fn blob_of(stub: &str) -> Option<BlobRef> {
    let stub: Stub = serde_json::from_str::<Value>(stub)
        .and_then(Stub::deserialize)
        .ok()?;
    Some(BlobRef {
        digest: BlobDigest::parse(&stub.digest?).ok()?,
        length: stub.length,
        content_type: stub.content_type,
        encoding: None,
    })
}

fn unique(mut blobs: Vec<BlobRef>) -> Vec<BlobRef> {
    let mut seen = std::collections::HashSet::new();
    blobs.retain(|blob| seen.insert(blob.digest));
    blobs
}

/// A step of a JSON pointer (RFC 6901 §3).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn separate(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[')) {
        out.push(b',');
    }
}

fn find(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha1-c2XTGPrFT86b4bdd8Xo4E/Zpuww=";

    fn clean_text(json: &str) -> (String, usize, bool) {
        let clean = strip_on_receipt(&Bytes::copy_from_slice(json.as_bytes())).unwrap();
        let body = String::from_utf8(clean.body.to_vec()).unwrap();
        (body, clean.blobs.len(), clean.removed)
    }

    #[test]
    fn a_body_without_marks_stays_untouched() {
        let json = r#"{"a":1.50,"b":["x"]}"#;
        assert_eq!(clean_text(json), (json.into(), 0, false));
    }

    #[test]
    fn mirrors_go_and_real_attachments_stay() {
        let blob = format!(r#"{{"@type":"blob","digest":"{DIGEST}","length":10}}"#);
        let stub = format!(r#"{{"digest":"{DIGEST}","length":10,"stub":true,"revpos":1}}"#);
        let json = format!(
            r#"{{"photo":{blob},"_attachments":{{"blob_/photo":{stub},"blob_0":{stub}}}}}"#
        );
        assert_eq!(
            clean_text(&json),
            (format!(r#"{{"photo":{blob}}}"#), 1, false)
        );
        let json = format!(r#"{{"x":1,"_attachments":{{"a.txt":{stub}}},"_rev":"1-ab"}}"#);
        let kept = format!(r#"{{"x":1,"_attachments":{{"a.txt":{stub}}}}}"#);
        assert_eq!(clean_text(&json), (kept, 1, false));
        assert_eq!(clean_text(r#"{"_removed":true}"#), ("{}".into(), 0, true));
    }

    #[test]
    fn an_edit_made_in_the_mirror_wins() {
        let json = format!(
            r#"{{"a":[{{"@type":"blob","digest":"sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=","length":1}}],"_attachments":{{"blob_/a/0":{{"digest":"{DIGEST}","length":10}}}}}}"#
        );
        let expected = format!(r#"{{"a":[{{"@type":"blob","digest":"{DIGEST}","length":10}}]}}"#);
        assert_eq!(clean_text(&json).0, expected);
    }

    #[test]
    fn blobs_are_mirrored_as_wire_7_3_shows() {
        let json = r#"{"photo":{"length":3000,"content_type":"text/plain","digest":"sha1-8hLw","@type":"blob"}}"#;
        let sent = add_attachments(json.as_bytes(), Some(1)).unwrap();
        let expected = r#"{"photo":{"length":3000,"content_type":"text/plain","digest":"sha1-8hLw","@type":"blob"},"_attachments":{"blob_/photo":{"length":3000,"content_type":"text/plain","digest":"sha1-8hLw","stub":true,"revpos":1}}}"#;
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }
}
