//! Blobs: written and read in a stream, named by their content (design D6).

use std::collections::HashMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};
use std::time::{Duration, Instant};

use sha1::{Digest as _, Sha1};

use super::transaction::WriteTx;
use super::{Database, ReadTx, lock};
use crate::error::{Code, Error, Result};
use crate::model::BlobDigest;
use crate::storage::blob_file::{BlobFile, BlobFileWriter};
use crate::storage::blob_store::{self, SMALL_BLOB_MAX};
use crate::storage::lock_file::not_writeable;
use crate::storage::whole_file::write_whole;

/// How long a blob that no document refers to is kept for the document that is on its way.
const PIN_TIME: Duration = Duration::from_secs(600);

/// Blobs that are about to get a document: compaction leaves them alone.
#[derive(Debug, Default)]
pub(super) struct Pins(HashMap<BlobDigest, (usize, Instant)>);

impl Pins {
    /// Keeps a blob until a document that refers to it is committed, or for [`PIN_TIME`].
    pub(super) fn pin(&mut self, digest: BlobDigest) {
        let pin = self.0.entry(digest).or_insert((0, now()));
        pin.0 += 1;
        pin.1 = now();
    }

    /// Documents with these blobs were committed.
    pub(super) fn release(&mut self, digests: &[BlobDigest]) {
        for digest in digests {
            if let Some(pin) = self.0.get_mut(digest) {
                pin.0 -= 1;
                if pin.0 == 0 {
                    self.0.remove(digest);
                }
            }
        }
    }

    /// Whether the blob must stay.
    pub(super) fn holds(&mut self, digest: &BlobDigest) -> bool {
        let now = now();
        self.0
            .retain(|_, (_, since)| now.duration_since(*since) < PIN_TIME);
        self.0.contains_key(digest)
    }
}

/// Bytes read, hashed and written at a time: little enough to stay in the processor's cache.
const PIECE: usize = 256 * 1024;

/// Pieces that may wait to be hashed.
const PIECES: usize = 16;

/// Bytes from which on a blob is hashed by a thread of its own.
const OVERLAP_FROM: u64 = 512 * 1024;

impl Database {
    /// Starts to write a blob. Blocks on the disk: for threads that may.
    ///
    /// # Errors
    /// `NotOpen`.
    pub fn blob_writer(&self) -> Result<BlobWriter> {
        self.check_open()?;
        Ok(BlobWriter {
            database: self.clone(),
            sha1: Sha1::new(),
            length: 0,
            small: Vec::new(),
            file: None,
        })
    }

    /// Keeps everything that `read` gives as a blob, as [`Database::blob_writer`] does, in little
    /// memory. `read` is as [`Read::read`]. Reading and writing go on while an earlier piece is
    /// hashed. Blocks.
    ///
    /// # Errors
    /// `NotOpen`, that of `read`, those of the disk.
    pub fn store_blob_from(
        &self,
        mut read: impl FnMut(&mut [u8]) -> Result<usize>,
    ) -> Result<(BlobDigest, u64)> {
        let mut writer = self.blob_writer()?;
        writer.write_overlapped(|used| {
            let mut piece = used.unwrap_or_else(|| vec![0; PIECE]);
            // Whole pieces, for the last read may have shortened it.
            piece.resize(PIECE, 0);
            let mut count = 0;
            while count < PIECE {
                match read(&mut piece[count..])? {
                    0 => break,
                    more => count += more,
                }
            }
            piece.truncate(count);
            Ok((count > 0).then_some(piece))
        })?;
        writer.finish(None, None)
    }

    /// Opens a blob for reading; `None` when it is not here. Blocks on the disk.
    ///
    /// # Errors
    /// `NotOpen`, `Crypto`, those of the disk.
    pub fn blob_reader(&self, digest: &BlobDigest) -> Result<Option<BlobReader>> {
        self.check_open()?;
        if let Some(file) = self.0.engine.blobs().open(digest)? {
            return Ok(Some(BlobReader(Source::File(file))));
        }
        let content = self.read(|tx| tx.small_blob(digest))?;
        Ok(content.map(|content| BlobReader(Source::Memory(Cursor::new(content)))))
    }

    /// Which of these blobs are here. Those that are will stay for the document that is on its
    /// way.
    ///
    /// # Errors
    /// `NotOpen`, those of the disk.
    pub fn has_blobs(&self, digests: &[BlobDigest]) -> Result<Vec<bool>> {
        {
            // Pinned before the look, so that none of them can go in between.
            let mut pins = lock(&self.0.engine.pins);
            for digest in digests {
                pins.pin(*digest);
            }
        }
        let found = self.read(|tx| {
            digests
                .iter()
                .map(|digest| tx.has_blob(digest))
                .collect::<Result<Vec<bool>>>()
        });
        let missing: Vec<BlobDigest> = match &found {
            Ok(found) => digests
                .iter()
                .zip(found)
                .filter(|(_, here)| !**here)
                .map(|(digest, _)| *digest)
                .collect(),
            Err(_) => digests.to_vec(),
        };
        lock(&self.0.engine.pins).release(&missing);
        found
    }
}

impl ReadTx<'_> {
    /// Whether a blob is here.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn has_blob(&self, digest: &BlobDigest) -> Result<bool> {
        Ok(blob_store::contains(self.connection, digest)? || self.engine.blobs().contains(digest))
    }

    fn small_blob(&self, digest: &BlobDigest) -> Result<Option<Vec<u8>>> {
        blob_store::get(self.connection, digest)
    }
}

impl WriteTx<'_> {
    /// Stores a blob of at most 64 KiB together with what else the call does.
    ///
    /// # Errors
    /// `InvalidParameter` when it is longer: [`Database::blob_writer`] takes those.
    pub fn put_small_blob(&mut self, content: &[u8]) -> Result<BlobDigest> {
        if content.len() > SMALL_BLOB_MAX {
            return Err(Error::invalid(format!(
                "blob is {} bytes, limit for one inside a transaction is {SMALL_BLOB_MAX}",
                content.len()
            )));
        }
        let digest = BlobDigest::of(content);
        lock(&self.engine.pins).pin(digest);
        if !self.engine.blobs().contains(&digest) {
            blob_store::put(self.connection, &digest, content)?;
        }
        Ok(digest)
    }
}

/// A blob that is being written. Up to 64 KiB stay in memory; more go to a temporary file.
/// Dropping it throws away what was written.
#[must_use]
pub struct BlobWriter {
    database: Database,
    sha1: Sha1,
    length: u64,
    small: Vec<u8>,
    file: Option<BlobFileWriter>,
}

impl BlobWriter {
    /// Appends bytes. Blocks on the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn write(&mut self, data: &[u8]) -> Result<()> {
        self.sha1.update(data);
        self.length += data.len() as u64;
        if let Some(file) = &mut self.file {
            return file.write(data);
        }
        if self.small.len() + data.len() <= SMALL_BLOB_MAX {
            self.small.extend_from_slice(data);
            return Ok(());
        }
        let mut file = self.database.0.engine.blobs().create()?;
        file.write(&std::mem::take(&mut self.small))?;
        file.write(data)?;
        self.file = Some(file);
        Ok(())
    }

    /// Appends the pieces that `next` gives; it gets back those that are done with. Once there are
    /// several, a thread of its own hashes them while this one writes and reads: hashing takes
    /// longest.
    fn write_overlapped(
        &mut self,
        mut next: impl FnMut(Option<Vec<u8>>) -> Result<Option<Vec<u8>>>,
    ) -> Result<()> {
        while self.length < OVERLAP_FROM {
            let Some(piece) = next(None)? else {
                return Ok(());
            };
            self.write(&piece)?;
        }
        let Some(file) = &mut self.file else {
            return Err(Error::lite(
                Code::AssertionFailed,
                "a long blob has no file",
            ));
        };
        let (mut sha1, length) = (self.sha1.clone(), &mut self.length);
        self.sha1 = std::thread::scope(|scope| {
            let (written, to_hash) = sync_channel::<Arc<Vec<u8>>>(PIECES);
            let (hashed, done) = channel::<Arc<Vec<u8>>>();
            let hashing = std::thread::Builder::new()
                .name("settee-blob".into())
                .spawn_scoped(scope, move || {
                    for piece in to_hash {
                        sha1.update(&*piece);
                        // Nobody takes it back at the end.
                        let _ = hashed.send(piece);
                    }
                    sha1
                })?;
            let mut write = || -> Result<()> {
                loop {
                    let used = done.try_recv().ok().and_then(Arc::into_inner);
                    let Some(piece) = next(used)?.map(Arc::new) else {
                        // The last pieces are being hashed yet.
                        return file.force();
                    };
                    if written.send(Arc::clone(&piece)).is_err() {
                        // The thread has panicked, which its end tells.
                        return Ok(());
                    }
                    *length += piece.len() as u64;
                    file.write(&piece)?;
                }
            };
            let outcome = write();
            drop(written);
            let sha1 = hashing
                .join()
                .map_err(|_| Error::lite(Code::AssertionFailed, "hashing a blob panicked"))?;
            outcome.map(|()| sha1)
        })?;
        Ok(())
    }

    /// Keeps the blob, safe on the disk, and answers with its digest and length. One that is here
    /// already is not stored twice.
    ///
    /// # Errors
    /// `CorruptData` when the content has not the expected digest or length; those of the disk.
    pub fn finish(
        self,
        expected: Option<&BlobDigest>,
        expected_length: Option<u64>,
    ) -> Result<(BlobDigest, u64)> {
        let Self {
            database,
            sha1,
            length,
            small,
            file,
        } = self;
        let digest = BlobDigest::from_bytes(sha1.finalize().into());
        if let Some(expected) = expected.filter(|expected| **expected != digest) {
            return Err(Error::lite(
                Code::CorruptData,
                format!("blob content has digest {digest}, expected {expected}"),
            ));
        }
        if let Some(expected) = expected_length.filter(|expected| *expected != length) {
            return Err(Error::lite(
                Code::CorruptData,
                format!("blob {digest} is {length} bytes, expected {expected}"),
            ));
        }
        let Some(file) = file else {
            database.write(|tx| tx.put_small_blob(&small))?;
            return Ok((digest, length));
        };
        database.check_open()?;
        // Compaction asks for the pin with the same lock held, then removes: the file is either
        // still there now, or gets its name after that.
        let mut pins = lock(&database.0.engine.pins);
        pins.pin(digest);
        let folder = database.0.engine.blobs();
        let here = folder.contains(&digest);
        drop(pins);
        if !here {
            file.finish(&folder, &digest)?;
        }
        Ok((digest, length))
    }
}

impl std::fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobWriter")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// A blob that is being read.
pub struct BlobReader(Source);

enum Source {
    Memory(Cursor<Vec<u8>>),
    File(BlobFile),
}

#[expect(clippy::len_without_is_empty, reason = "a blob is not a container")]
impl BlobReader {
    /// Bytes of content.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Source::Memory(content) => content.get_ref().len() as u64,
            Source::File(file) => file.len(),
        }
    }

    /// The whole content, wherever reading has come to.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn read_all(self) -> Result<Vec<u8>> {
        match self.0 {
            Source::Memory(content) => Ok(content.into_inner()),
            Source::File(mut file) => Ok(file.read_part(0, u64::MAX)?),
        }
    }

    /// Writes the whole content to a file, which replaces the one that is there. Nothing is forced
    /// to the disk.
    ///
    /// # Errors
    /// `InvalidParameter`, `NotWriteable`, `CantOpenFile`, those of the disk. What was there stays then.
    pub fn save_to(self, path: &Path) -> Result<()> {
        write_whole(path, |file| match self.0 {
            Source::Memory(content) => file
                .write_all(content.get_ref())
                .map_err(|error| not_writeable(&error, path)),
            Source::File(mut blob) => blob.copy_to(file, path),
        })
    }

    /// At most `count` bytes from `offset` on; none past the end. Reading goes on anywhere.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn read_part(&mut self, offset: u64, count: u64) -> Result<Vec<u8>> {
        match &mut self.0 {
            Source::Memory(content) => {
                let length = content.get_ref().len() as u64;
                let start = offset.min(length);
                let end = start + count.min(length - start);
                // Both are within the length of a vector.
                Ok(content.get_ref()[start as usize..end as usize].to_vec())
            }
            Source::File(file) => Ok(file.read_part(offset, count)?),
        }
    }
}

impl Read for BlobReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Source::Memory(content) => content.read(out),
            Source::File(file) => file.read(out),
        }
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Source::Memory(content) => content.seek(to),
            Source::File(file) => file.seek(to),
        }
    }
}

impl std::fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobReader")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long an orphan blob is kept is a matter of wall time, not of decisions"
)]
fn now() -> Instant {
    Instant::now()
}
