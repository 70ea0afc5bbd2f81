//! Document bodies: strict JSON in, SQLite's JSONB layout and canonical JSON out, and back.
//!
//! A body is parsed exactly once, here, on its way to its row. The reader turns the text into a
//! flat tape that knows every size; the writer then fills both outputs front to back, without
//! moving anything. Bodies are stored with sorted unique keys, raw strings and numbers as received
//! (design D3, query spec §14.3), so that equal objects are equal bytes up to number spelling.

mod decode;
mod scan;
mod tape;
mod write;

use sha1::{Digest as _, Sha1};

use super::RevId;
use super::replication::BlobRef;
use crate::error::{Error, Result};

pub use decode::decode_body;
pub(crate) use decode::{decode_element, split_element};
pub(crate) use scan::escape_into;
pub(crate) use write::push_header;

/// Deepest nesting of a body; the top-level object counts as 1 (design D9).
pub const MAX_NESTING: usize = 100;

/// Longest JSON text of a body, 20 MiB (design D9).
pub const MAX_BODY_LEN: usize = 20 * 1024 * 1024;

/// A body that passed the reader, in the forms in which it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBody {
    /// SQLite's JSONB: an object, keys sorted by bytes and unique, strings of type 10, numbers of
    /// type 3 or 5 as received, every header as short as possible.
    pub jsonb: Vec<u8>,
    /// JSON text: sorted unique keys, no spaces, numbers as received, only `"`, `\` and characters
    /// below U+0020 escaped. What revision digests are made of.
    pub canonical: Vec<u8>,
    /// Every `{"@type":"blob"}` object at any depth and every entry of `_attachments` that has a
    /// well-formed digest, in the order of the canonical text. A digest may come more than once.
    pub blobs: Vec<BlobRef>,
    /// Whether there is a top-level `_attachments`.
    pub has_attachments: bool,
}

/// Encodes the JSON text of a document body.
///
/// The text must be strict RFC 8259 in UTF-8 with an object at the top. Of equal keys the last one
/// counts.
///
/// # Errors
/// `InvalidParameter`: not JSON (with the byte offset), a lone surrogate escape, not an object,
/// nested deeper than [`MAX_NESTING`], longer than [`MAX_BODY_LEN`].
pub fn encode_body(json: &[u8]) -> Result<EncodedBody> {
    if json.len() > MAX_BODY_LEN {
        return Err(Error::invalid(format!(
            "document body is {} bytes, limit is {MAX_BODY_LEN}",
            json.len()
        )));
    }
    let text = std::str::from_utf8(json).map_err(|error| {
        Error::invalid(format!(
            "document body is not valid UTF-8 at byte {}",
            error.valid_up_to()
        ))
    })?;
    Ok(write::write(&tape::Tape::read(text)?))
}

/// Id of the revision that follows `parent` with this content.
///
/// Digest: SHA-1 over one byte of length of the parent's text (0 without parent), the parent's
/// text, one byte deleted flag, the canonical JSON (wire spec §5.2, design D5).
pub fn revision_id(parent: Option<&RevId>, deleted: bool, canonical: &[u8]) -> RevId {
    let parent_text = parent.map_or("", RevId::as_str);
    let mut sha1 = Sha1::new();
    // At most RevId::MAX_LEN, which fits.
    sha1.update([parent_text.len() as u8]);
    sha1.update(parent_text);
    sha1.update([u8::from(deleted)]);
    sha1.update(canonical);
    let generation = parent.map_or(1, |parent| parent.generation().saturating_add(1));
    RevId::new(generation, &sha1.finalize())
}

/// Element types of JSONB that this room writes. The others (JSON5 numbers, strings with escapes
/// inside) are legal for SQLite but never stored.
pub(crate) mod element {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const TRUE: u8 = 1;
    pub(crate) const FALSE: u8 = 2;
    pub(crate) const INT: u8 = 3;
    pub(crate) const FLOAT: u8 = 5;
    pub(crate) const TEXT_RAW: u8 = 10;
    pub(crate) const ARRAY: u8 = 11;
    pub(crate) const OBJECT: u8 = 12;
}

#[cfg(test)]
mod tests;
