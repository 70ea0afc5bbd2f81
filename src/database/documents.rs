//! Saving, reading, deleting and purging documents (API spec §6.4).

use std::sync::Arc;

use super::collection::Collection;
use super::transaction::{ReadTx, Undo, WriteTx};
use crate::error::{Error, Result};
use crate::model::body::{EncodedBody, decode_body, encode_body, revision_id};
use crate::model::rev_tree::{DEFAULT_PRUNE_DEPTH, RevTree};
use crate::model::{BlobDigest, CollectionSpec, DocId, RevId, Sequence};
use crate::storage::document_table::{Flags, Head, NewRow};

/// What to do when a document that is saved exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concurrency {
    /// Save it as the next revision.
    #[default]
    LastWriteWins,
    /// Leave a live one as it is.
    FailOnConflict,
}

/// A document as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// Its id.
    pub id: DocId,
    /// Its current revision.
    pub rev_id: RevId,
    /// Where that revision stands in the collection's change feed.
    pub sequence: Sequence,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Compact JSON text of an object.
    pub body: Vec<u8>,
}

/// What a save or a delete made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveResult {
    /// The document's id, also when it was made here.
    pub id: DocId,
    /// The new revision; after a conflict, the one that is current.
    pub rev_id: RevId,
    /// Its sequence.
    pub sequence: Sequence,
    /// Whether [`Concurrency::FailOnConflict`] kept the call from saving.
    pub conflict: bool,
}

/// Top-level keys that a body may not have.
const RESERVED_KEYS: [&str; 3] = ["_id", "_rev", "_sequence"];

/// The body of a tombstone, as JSONB.
const EMPTY_OBJECT: &[u8] = &[0x0c];

impl ReadTx<'_> {
    /// The document, if it is there and not deleted.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn document(&self, collection: &CollectionSpec, id: &DocId) -> Result<Option<Document>> {
        let found = self.collections.get(collection)?.table.document(
            self.connection,
            id,
            |sequence, flags, rev_id, jsonb| {
                if flags.is_deleted() {
                    return Ok(None);
                }
                let mut body = Vec::with_capacity(jsonb.len() + jsonb.len() / 4);
                decode_body(jsonb, &mut body)?;
                Ok(Some(Document {
                    id: id.clone(),
                    rev_id,
                    sequence: Sequence(sequence),
                    deleted: false,
                    body,
                }))
            },
        )?;
        Ok(found.flatten())
    }
}

impl WriteTx<'_> {
    /// Saves a document: `body` is JSON text of an object; `blobs` are put at top-level keys as
    /// (key, digest, length in bytes, content type). Without `id` a new UUID is taken.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection; `InvalidParameter` for a body that is no JSON object,
    /// too long, too deep, or has one of the keys `_id`, `_rev`, `_sequence`.
    pub fn save(
        &mut self,
        collection: &CollectionSpec,
        id: Option<DocId>,
        body: &[u8],
        blobs: Vec<(String, BlobDigest, u64, String)>,
        concurrency: Concurrency,
    ) -> Result<SaveResult> {
        let collection = self.collection(collection)?;
        let encoded = if blobs.is_empty() {
            encode_body(body)?
        } else {
            encode_body(&with_blobs(body, &blobs)?)?
        };
        check_reserved_keys(&encoded.canonical)?;
        let id = match id {
            Some(id) => id,
            None => DocId::parse(uuid::Uuid::new_v4().to_string())?,
        };
        let flags = body_flags(&encoded);

        // Most saved documents are new: try that without a look.
        let rev_id = revision_id(None, false, &encoded.canonical);
        let sequence = self.next_sequence(&collection);
        let row = NewRow {
            sequence,
            flags,
            rev_id: &rev_id,
            tree: None,
            body: &encoded.jsonb,
        };
        if collection.table.insert(self.connection, &id, row)? {
            self.refer_to(&encoded);
            self.changed(&collection, &id, Some(&rev_id), sequence, false, None);
            return Ok(SaveResult {
                id,
                rev_id,
                sequence: Sequence(sequence),
                conflict: false,
            });
        }
        self.unuse_sequence(&collection, sequence);

        let head = self.head_of(&collection, &id)?;
        if concurrency == Concurrency::FailOnConflict && !head.flags.is_deleted() {
            return Ok(SaveResult {
                id,
                rev_id: head.rev_id,
                sequence: Sequence(head.sequence),
                conflict: true,
            });
        }
        self.refer_to(&encoded);
        let rev_id = revision_id(Some(&head.rev_id), false, &encoded.canonical);
        self.whole(|tx| tx.add_revision(&collection, id, &head, rev_id, flags, &encoded.jsonb))
    }

    /// Runs several statements of a call that SQLite must undo together.
    fn whole<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.undo != Undo::Statement {
            return work(self);
        }
        self.connection.savepoint()?;
        let result = work(self);
        if self.connection.in_transaction() {
            match &result {
                Ok(_) => self.connection.release()?,
                Err(_) => self.connection.roll_back_to_savepoint()?,
            }
        }
        result
    }

    /// Deletes a document: its next revision is a tombstone.
    ///
    /// # Errors
    /// `NotFound` when it is not there or deleted already.
    pub fn delete(&mut self, collection: &CollectionSpec, id: &DocId) -> Result<SaveResult> {
        let collection = self.collection(collection)?;
        let head = self.head_of(&collection, id)?;
        if head.flags.is_deleted() {
            return Err(not_found(id));
        }
        let rev_id = revision_id(Some(&head.rev_id), true, b"{}");
        self.add_revision(
            &collection,
            id.clone(),
            &head,
            rev_id,
            Flags(Flags::DELETED),
            EMPTY_OBJECT,
        )
    }

    /// Removes a document without a trace: no tombstone, no sequence, nothing to replicate.
    ///
    /// # Errors
    /// `NotFound` when it is not there. A tombstone can be purged.
    pub fn purge(&mut self, collection: &CollectionSpec, id: &DocId) -> Result<()> {
        let collection = self.collection(collection)?;
        let head = self.head_of(&collection, id)?;
        let table = &collection.table;
        if head.sequence == collection.last_sequence() {
            table.keep_last_sequence(self.connection, head.sequence)?;
        }
        table.delete(self.connection, head.sequence)?;
        if head.flags.has_other_bodies() {
            table.delete_branch_bodies(self.connection, id)?;
        }
        self.changed(&collection, id, None, head.sequence, false, None);
        Ok(())
    }

    pub(super) fn head_of(&self, collection: &Collection, id: &DocId) -> Result<Head> {
        collection
            .table
            .head(self.connection, id)?
            .ok_or_else(|| not_found(id))
    }

    /// Stores a revision made here on top of the current one.
    fn add_revision(
        &mut self,
        collection: &Arc<Collection>,
        id: DocId,
        head: &Head,
        rev_id: RevId,
        mut flags: Flags,
        jsonb: &[u8],
    ) -> Result<SaveResult> {
        let deleted = flags.is_deleted();
        let mut tree = decode_tree(head)?;
        tree.add_local(rev_id.clone(), deleted);
        tree.prune(DEFAULT_PRUNE_DEPTH);
        if tree.has_conflict() {
            flags.0 |= Flags::CONFLICTED | (head.flags.0 & Flags::HAS_BLOBS);
        }
        let sequence = self.replace_row(collection, &id, head, &tree, (&rev_id, flags), jsonb)?;
        self.changed(collection, &id, Some(&rev_id), sequence, deleted, None);
        Ok(SaveResult {
            id,
            rev_id,
            sequence: Sequence(sequence),
            conflict: false,
        })
    }

    /// Gives a row its new current revision and the next sequence.
    pub(super) fn replace_row(
        &mut self,
        collection: &Arc<Collection>,
        doc_id: &DocId,
        head: &Head,
        tree: &RevTree,
        (rev_id, mut flags): (&RevId, Flags),
        jsonb: &[u8],
    ) -> Result<u64> {
        flags.0 |= self.keep_base(collection, doc_id, head, tree)?.0;
        let tree = tree.encode();
        let sequence = self.next_sequence(collection);
        collection.table.replace(
            self.connection,
            head.sequence,
            NewRow {
                sequence,
                flags,
                rev_id,
                tree: stored_tree(&tree),
                body: jsonb,
            },
        )?;
        Ok(sequence)
    }

    /// Remembers the blobs of a body, so that their pins end with the commit.
    pub(super) fn refer_to(&mut self, encoded: &EncodedBody) {
        self.log
            .referenced
            .extend(encoded.blobs.iter().map(|blob| blob.digest));
    }
}

/// The tree of a row.
pub(super) fn decode_tree(head: &Head) -> Result<RevTree> {
    RevTree::decode(
        &head.rev_id,
        head.flags.is_deleted(),
        head.tree.as_deref().unwrap_or_default(),
    )
}

/// What the column `tree` holds: nothing for a young document.
pub(super) fn stored_tree(encoded: &[u8]) -> Option<&[u8]> {
    (!encoded.is_empty()).then_some(encoded)
}

/// The flags that come from a body.
pub(super) fn body_flags(encoded: &EncodedBody) -> Flags {
    if encoded.blobs.is_empty() && !encoded.has_attachments {
        Flags::default()
    } else {
        Flags(Flags::HAS_BLOBS)
    }
}

pub(super) fn not_found(id: &DocId) -> Error {
    Error::not_found(format!("Document not found with id: {id}"))
}

/// Adds blob references to JSON text. A key that is there already is overruled: the last of equal
/// keys counts. Text that is no object stays none, so the encoder finds that out.
fn with_blobs(body: &[u8], blobs: &[(String, BlobDigest, u64, String)]) -> Result<Vec<u8>> {
    let open = body
        .trim_ascii()
        .strip_suffix(b"}")
        .ok_or_else(|| Error::invalid("document body is not a JSON object"))?;
    let mut text = open.to_vec();
    let mut first = open.trim_ascii_end() == b"{";
    for (key, digest, length, content_type) in blobs {
        let json = |text: &str| serde_json::Value::from(text).to_string();
        if !std::mem::take(&mut first) {
            text.push(b',');
        }
        text.extend_from_slice(
            format!(
                r#"{}:{{"@type":"blob","content_type":{},"digest":"{digest}","length":{length}}}"#,
                json(key),
                json(content_type),
            )
            .as_bytes(),
        );
    }
    text.push(b'}');
    Ok(text)
}

/// Refuses reserved keys. `canonical` has its keys sorted, but only the top level counts, so the
/// text is walked only when one of them is in it at all.
pub(super) fn check_reserved_keys(canonical: &[u8]) -> Result<()> {
    if !canonical.windows(2).any(|pair| pair == b"\"_") {
        return Ok(());
    }
    let mut depth = 0;
    let mut at = 0;
    while let Some(&byte) = canonical.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let start = at + 1;
                at = end_of_string(canonical, start);
                let text = &canonical[start..at.min(canonical.len())];
                if depth == 1
                    && canonical.get(at + 1) == Some(&b':')
                    && let Some(key) = RESERVED_KEYS.iter().find(|key| key.as_bytes() == text)
                {
                    return Err(Error::invalid(format!(
                        "document body has the reserved top-level key {key:?}"
                    )));
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Where the string that starts at `at` has its closing quote.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_keys_are_refused_at_the_top_only() {
        for key in RESERVED_KEYS {
            let json = format!(r#"{{"a":{{"b":[1]}},"{key}":1}}"#);
            assert!(check_reserved_keys(json.as_bytes()).is_err(), "{json}");
        }
        for good in [
            r#"{"a":{"_id":1}}"#,
            r#"{"a":"_id"}"#,
            r#"{"_idx":1,"_attachments":{}}"#,
            r#"{"a":"\"_id","b":["_rev"]}"#,
        ] {
            assert!(check_reserved_keys(good.as_bytes()).is_ok(), "{good}");
        }
    }

    #[test]
    fn blob_references_replace_what_was_at_their_key() {
        let digest = BlobDigest::of(b"hello blob");
        let blob = vec![("p\"".to_owned(), digest, 10, "text/plain".to_owned())];
        let text = with_blobs(br#" {"a":1,"p\"":2} "#, &blob).unwrap();
        let encoded = encode_body(&text).unwrap();
        assert_eq!(
            String::from_utf8(encoded.canonical).unwrap(),
            format!(
                r#"{{"a":1,"p\"":{{"@type":"blob","content_type":"text/plain","digest":"{digest}","length":10}}}}"#
            )
        );
        assert_eq!(encoded.blobs[0].digest, digest);
        assert!(encode_body(&with_blobs(b"{ }", &blob).unwrap()).is_ok());
        for bad in ["{,}", "{\"a\":1},{}", "[1}", "{\"a\":1,}", "{\"a\":{}", "}"] {
            let refused = with_blobs(bad.as_bytes(), &blob)
                .and_then(|text| encode_body(&text))
                .is_err();
            assert!(refused, "{bad}");
        }
    }
}
