//! Blobs on their way in and out (API §15.4, §15.5).

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::args::Args;
use super::loan::Lent;
use super::message::Outcome;
use crate::database::{BlobReader, Database, WriteTx};
use crate::error::{Code, Error, Result};
use crate::model::{BlobDigest, DocId};

/// A blob up to this size is stored in the transaction of its document (design D6).
pub(super) const SMALL: usize = 64 * 1024;

/// Most bytes that one `database_ReadBlob` gives.
const READ_MAX: u64 = 4 * 1024 * 1024;

/// A new blob as a save names it.
pub(super) struct BlobArg {
    /// Top-level key of the body.
    pub(super) key: String,
    /// MIME type.
    pub(super) content_type: String,
    /// Its content.
    pub(super) source: BlobSource,
}

/// Where a new blob's content is.
pub(super) enum BlobSource {
    /// Here; few enough to be stored with the document.
    Bytes(Vec<u8>),
    /// In JavaScript's memory yet.
    Lent(Lent),
    /// In a file.
    File(PathBuf),
}

/// A new blob that is stored, or small enough to be stored with its document.
pub(super) struct StagedBlob {
    key: String,
    content_type: String,
    content: Content,
}

enum Content {
    Small(Vec<u8>),
    Stored(BlobDigest, u64),
}

impl StagedBlob {
    /// Bytes that still have to be written.
    pub(super) fn bytes_held(&self) -> usize {
        match &self.content {
            Content::Small(bytes) => bytes.len(),
            Content::Stored(..) => 0,
        }
    }
}

/// Whether [`stage`] would block on the disk.
pub(super) fn must_be_staged(blobs: &[BlobArg]) -> bool {
    blobs
        .iter()
        .any(|blob| !matches!(blob.source, BlobSource::Bytes(_)))
}

/// Writes files and large blobs to the store, a chunk at a time.
pub(super) fn stage(database: &Database, blobs: Vec<BlobArg>) -> Result<Vec<StagedBlob>> {
    let stage = |blob: BlobArg| {
        let content = match blob.source {
            BlobSource::Bytes(bytes) => Content::Small(bytes),
            BlobSource::Lent(mut lent) => {
                let expected = lent.len();
                let stored = database.store_blob_from(|buffer| Ok(lent.read(buffer)?))?;
                if stored.1 != expected {
                    return Err(Error::lite(
                        Code::UnexpectedError,
                        "a blob came in part only",
                    ));
                }
                Content::Stored(stored.0, stored.1)
            }
            BlobSource::File(path) => copy_file(database, &path)?,
        };
        Ok(StagedBlob {
            key: blob.key,
            content_type: blob.content_type,
            content,
        })
    };
    blobs.into_iter().map(stage).collect()
}

fn copy_file(database: &Database, path: &Path) -> Result<Content> {
    let named = |error: std::io::Error| match Error::from(error) {
        Error::Posix { errno, message } => Error::Posix {
            errno,
            message: format!("blob file {}: {message}", path.display()),
        },
        other => other,
    };
    let mut file = File::open(path).map_err(named)?;
    if !file.metadata().map_err(named)?.is_file() {
        return Err(Error::invalid(format!(
            "blob file {} is not a file",
            path.display()
        )));
    }
    let (digest, length) = database.store_blob_from(|buffer| {
        loop {
            match file.read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return read.map_err(named),
            }
        }
    })?;
    Ok(Content::Stored(digest, length))
}

/// Stores the small ones; answers with what a save wants to know.
pub(super) fn put(
    tx: &mut WriteTx<'_>,
    blobs: Vec<StagedBlob>,
) -> Result<Vec<(String, BlobDigest, u64, String)>> {
    let mut put = |blob: StagedBlob| {
        let (digest, length) = match blob.content {
            Content::Small(bytes) => (tx.put_small_blob(&bytes)?, bytes.len() as u64),
            Content::Stored(digest, length) => (digest, length),
        };
        Ok((blob.key, digest, length, blob.content_type))
    };
    blobs.into_iter().map(&mut put).collect()
}

/// `collection_GetBlobContent {…, documentId, key}` → `{data}`. A key that the document does not
/// have is taken for a path to a nested value, such as `pages[0].photo`. Blocks, so that a close that
/// was called later waits for it.
pub(super) fn content(args: &Args<'_>) -> Result<Outcome> {
    let (open, collection) = args.collection()?;
    let doc_id = DocId::parse(args.text("documentId")?)?;
    let key = args.text("key")?;
    let document = open
        .database
        .read(|tx| tx.document(&collection, &doc_id))?
        .ok_or_else(|| Error::not_found(format!("Document not found with id: {doc_id}")))?;
    let body: Value = serde_json::from_slice(&document.body)
        .map_err(|error| Error::lite(Code::CorruptData, format!("stored body: {error}")))?;
    let value = body.get(key).or_else(|| at_path(&body, key));
    let blob = value.filter(|value| value["@type"] == "blob");
    let Some(digest) = blob.and_then(|blob| blob["digest"].as_str()) else {
        return Ok(Outcome::Bytes {
            data: Vec::new(),
            length: 0,
        });
    };
    let data = read_whole(&open.database, digest)?;
    let length = data.len() as u64;
    Ok(Outcome::Bytes { data, length })
}

/// The value at a path of property names, separated by points, and indexes in brackets, from 0.
fn at_path<'a>(body: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(body, |value, part| {
        let (name, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        let value = value.get(name)?;
        let Some(indexes) = indexes.strip_prefix('[') else {
            return Some(value);
        };
        let indexes = indexes.strip_suffix(']')?;
        indexes.split("][").try_fold(value, |value, index| {
            // Digits alone: `parse` would take a sign as well.
            let digits = index.bytes().all(|byte| byte.is_ascii_digit());
            value.get(index.parse::<usize>().ok().filter(|_| digits)?)
        })
    })
}

/// `database_ReadBlob {name, digest, offset, length}` → `{data, length}`, where `length` is that
/// of the whole blob. Past the end there are no bytes.
pub(super) fn read(args: &Args<'_>) -> Result<Outcome> {
    let open = args.database()?;
    let offset = args.number("offset", 1 << 53)?;
    let wanted = args.number("length", READ_MAX)?;
    let mut reader = reader(&open.database, args.text("digest")?)?;
    let length = reader.len();
    let data = reader.read_part(offset, wanted)?;
    Ok(Outcome::Bytes { data, length })
}

/// `database_SaveBlob {name, digest, path}`: writes a blob to a file.
pub(super) fn save(args: &Args<'_>) -> Result<Outcome> {
    let open = args.database()?;
    let path = Path::new(args.text("path")?);
    reader(&open.database, args.text("digest")?)?.save_to(path)?;
    Ok(Outcome::Nothing)
}

/// All bytes of a blob, at once: for the reference's `getBlob` of 0.2.6, which is synchronous.
pub(super) fn read_whole(database: &Database, digest: &str) -> Result<Vec<u8>> {
    reader(database, digest)?.read_all()
}

fn reader(database: &Database, digest: &str) -> Result<BlobReader> {
    let digest = BlobDigest::parse(digest)?;
    database
        .blob_reader(&digest)?
        .ok_or_else(|| Error::not_found(format!("blob {digest} is not in the database")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_through_properties_and_arrays() {
        let body = json!({"a": {"b": [[1, {"c": 2}]]}, "d": [3], "": {"": 4}});
        let at = |path| at_path(&body, path).cloned();
        assert_eq!(at("a.b[0][1].c"), Some(json!(2)));
        assert_eq!(at("a.b[0][0]"), Some(json!(1)));
        assert_eq!(at("d[0]"), Some(json!(3)));
        assert_eq!(at("."), Some(json!(4)));
        for wrong in [
            "b",
            "a.",
            "a.b.c",
            "a.b[0",
            "a.b[]",
            "a.b[+0]",
            "a.b[-1]",
            "a.b[9]",
            "a.b[0]x",
            "a[0]",
            "d[0].e",
            "d[99999999999999999999]",
            "[0]",
            "a..b",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
