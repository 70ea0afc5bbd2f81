//! Looking after a database: compaction, indexes, integrity, statistics (API spec §4.1, §13.2).

use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use sha1::{Digest as _, Sha1};

use super::documents::decode_tree;
use super::{Database, ReadTx, indexes, lock};
use crate::error::{Code, Error, Result};
use crate::model::BlobDigest;
use crate::model::body::{decode_body, encode_body};
use crate::storage::{blob_store, maintenance};

/// What [`Database::perform_maintenance`] does, with Couchbase Lite's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Maintenance {
    /// Removes blobs that no document refers to, and gives free pages back.
    Compact = 0,
    /// Builds all indexes anew.
    Reindex = 1,
    /// Checks every page, document and blob.
    IntegrityCheck = 2,
    /// Gathers statistics where they are out of date.
    Optimize = 3,
    /// Gathers all statistics.
    FullOptimize = 4,
}

impl Maintenance {
    /// The kind with this number.
    ///
    /// # Errors
    /// `InvalidParameter` naming the number.
    pub fn from_number(number: i64) -> Result<Self> {
        Ok(match number {
            0 => Self::Compact,
            1 => Self::Reindex,
            2 => Self::IntegrityCheck,
            3 => Self::Optimize,
            4 => Self::FullOptimize,
            _ => {
                return Err(Error::invalid(format!(
                    "maintenance type is {number}, must be 0 to 4"
                )));
            }
        })
    }
}

/// Most findings that an integrity check lists.
const FINDINGS_MAX: usize = 10;

impl Database {
    /// Does one kind of maintenance. Blocks until it is done: for threads that may.
    ///
    /// # Errors
    /// `CorruptData` listing what an integrity check has found; `NotOpen`; those of the disk.
    pub fn perform_maintenance(&self, kind: Maintenance) -> Result<()> {
        match kind {
            Maintenance::Compact => self.compact(),
            Maintenance::IntegrityCheck => self.check_integrity(),
            Maintenance::Reindex => {
                self.alone(|writer| maintenance::reindex(writer.connection()?))?;
                self.write(|tx| indexes::rebuild_tables(tx))
            }
            Maintenance::Optimize => {
                self.alone(|writer| maintenance::optimize(writer.connection()?))
            }
            Maintenance::FullOptimize => {
                self.alone(|writer| maintenance::analyze(writer.connection()?))
            }
        }
    }

    /// Removes blobs that no document refers to, and gives free pages back to the system. Blobs
    /// that were stored just now and wait for their document are left alone.
    ///
    /// # Errors
    /// `NotOpen`, those of the disk.
    pub fn compact(&self) -> Result<()> {
        self.collect_blobs()?;
        self.alone(|writer| maintenance::release_pages(writer.connection()?))
    }

    fn collect_blobs(&self) -> Result<()> {
        let mut candidates: Vec<BlobDigest> = self.read(|tx| blob_store::list(tx.connection))?;
        let files = self.0.engine.blobs().list()?;
        candidates.extend(files.iter().map(|(digest, _)| *digest));
        if candidates.is_empty() {
            return Ok(());
        }
        // Most of the work on a snapshot, beside everybody else; then, alone, what came since.
        let mut seen = SeenUpTo::default();
        let mut referenced = HashSet::new();
        self.read(|tx| tx.referenced_blobs(&mut seen, &mut referenced))?;
        self.write(|tx| {
            tx.referenced_blobs(&mut seen, &mut referenced)?;
            let folder = self.0.engine.blobs();
            // Held to the end: who wants one of these blobs finds it pinned or finds it gone.
            let mut pins = lock(&self.0.engine.pins);
            for digest in &candidates {
                if !referenced.contains(digest) && !pins.holds(digest) {
                    blob_store::remove(tx.connection, digest)?;
                    folder.remove(digest)?;
                }
            }
            Ok(())
        })
    }

    fn check_integrity(&self) -> Result<()> {
        let mut findings =
            self.alone(|writer| maintenance::check(writer.connection()?, FINDINGS_MAX))?;
        if findings.is_empty() {
            findings = self.read(|tx| tx.check_documents())?;
            findings.extend(self.check_blob_files()?);
        }
        if findings.is_empty() {
            return Ok(());
        }
        findings.truncate(FINDINGS_MAX);
        Err(Error::lite(
            Code::CorruptData,
            format!("database is damaged: {}", findings.join("; ")),
        ))
    }

    fn check_blob_files(&self) -> Result<Vec<String>> {
        let folder = self.0.engine.blobs();
        let mut findings = Vec::new();
        for (digest, _) in folder.list()? {
            let Some(mut file) = folder.open(&digest)? else {
                continue;
            };
            let mut sha1 = Sha1::new();
            let mut buffer = vec![0; 256 * 1024];
            let outcome = loop {
                match file.read(&mut buffer) {
                    Ok(0) => break Ok(()),
                    Ok(count) => sha1.update(&buffer[..count]),
                    Err(error) => break Err(error),
                }
            };
            let intact = outcome.is_ok() && *digest.as_bytes() == <[u8; 20]>::from(sha1.finalize());
            if !intact {
                findings.push(format!("blob {digest} is damaged"));
            }
        }
        Ok(findings)
    }
}

/// Per collection number, the sequence up to which its documents were looked at.
#[derive(Default)]
struct SeenUpTo(HashMap<i64, u64>);

impl ReadTx<'_> {
    /// Adds the blobs of all documents that came after `seen`.
    fn referenced_blobs(
        &self,
        seen: &mut SeenUpTo,
        referenced: &mut HashSet<BlobDigest>,
    ) -> Result<()> {
        let mut add = |jsonb: &[u8]| -> Result<()> {
            let mut json = Vec::new();
            decode_body(jsonb, &mut json)?;
            referenced.extend(encode_body(&json)?.blobs.iter().map(|blob| blob.digest));
            Ok(())
        };
        for collection in self.collections.iter() {
            let table = &collection.table;
            let after = seen.0.get(&table.id()).copied().unwrap_or(0);
            table.bodies_with_blobs(self.connection, after, &mut add)?;
            seen.0
                .insert(table.id(), table.last_sequence(self.connection)?);
        }
        maintenance::branch_bodies(self.connection, &mut add)
    }

    /// What SQLite cannot know: whether the contents of the rows make sense.
    fn check_documents(&self) -> Result<Vec<String>> {
        let mut findings = Vec::new();
        let mut json = Vec::new();
        for collection in self.collections.iter() {
            let spec = &collection.spec;
            collection.table.all(self.connection, |id, row| {
                let intact = row.and_then(|(head, jsonb)| {
                    json.clear();
                    decode_body(jsonb, &mut json)?;
                    decode_tree(&head).map(|_| ())
                });
                if let Err(error) = intact
                    && findings.len() < FINDINGS_MAX
                {
                    findings.push(format!("document {id:?} of {spec}: {error}"));
                }
            })?;
        }
        for digest in blob_store::list(self.connection)? {
            let content = blob_store::get(self.connection, &digest)?.unwrap_or_default();
            if BlobDigest::of(&content) != digest && findings.len() < FINDINGS_MAX {
                findings.push(format!("blob {digest} is damaged"));
            }
        }
        Ok(findings)
    }
}
