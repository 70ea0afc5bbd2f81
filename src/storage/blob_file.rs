//! Large blobs: one file each in `Attachments/`, written once (design D6).
//!
//! A plain database has plain files `<hex of the digest>`. An encrypted one has `<hex>.aead`:
//!
//! ```text
//! "setteeB1"  8 bytes
//! salt       16 bytes, random: the file's key is HKDF-SHA256(database's blob key, salt)
//! chunk      up to 64 KiB of content, sealed with AES-256-GCM (+16 bytes)      × n
//!            nonce: chunk number (8 bytes big-endian), 3 zero bytes, 1 in the last chunk else 0
//! ```
//!
//! The blob key is random and lives inside the (encrypted) database, so that a new passphrase
//! touches no blob. Cutting, swapping or repeating chunks is noticed.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use super::error::with_context;
use super::hints::{large_buffer, start_writing};
use super::lock_file::not_writeable;
use crate::error::{Code, Error, Result};
use crate::model::BlobDigest;

/// Name of the folder of large blobs inside the database's folder.
pub(crate) const ATTACHMENTS: &str = "Attachments";

const MAGIC: &[u8; 8] = b"setteeB1";
const SALT_LEN: usize = 16;
const HEADER_LEN: u64 = (MAGIC.len() + SALT_LEN) as u64;
const CHUNK_LEN: usize = 64 * 1024;
const TAG_LEN: usize = 16;
const SEALED_LEN: u64 = (CHUNK_LEN + TAG_LEN) as u64;
/// Bytes after which the disk begins with a file that is being written.
const START_WRITING: u64 = 4 * 1024 * 1024;
const TEMPORARY: &str = "tmp-";
const SEALED_SUFFIX: &str = ".aead";

/// Random key that all blob files of one database are sealed under.
#[derive(Clone)]
pub(crate) struct BlobKey(Zeroizing<[u8; 32]>);

impl BlobKey {
    /// A new random key.
    pub(crate) fn generate() -> Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(key.as_mut())?;
        Ok(Self(key))
    }

    /// Takes a stored key.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes: [u8; 32] = bytes
            .try_into()
            .map_err(|_| Error::lite(Code::CorruptData, "database has a bad blob key"))?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The 32 bytes to store.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn of_file(&self, salt: &[u8; SALT_LEN]) -> Result<LessSafeKey> {
        let crypto = |_| Error::lite(Code::Crypto, "deriving the key of a blob failed");
        let mut key = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(self.as_bytes())
            .expand(&[b"settee blob"], &AES_256_GCM)
            .and_then(|output| output.fill(key.as_mut()))
            .map_err(crypto)?;
        Ok(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(crypto)?,
        ))
    }
}

impl std::fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BlobKey(…)")
    }
}

/// The folder of large blobs.
#[derive(Clone, Debug)]
pub(crate) struct BlobFolder {
    folder: PathBuf,
    key: Option<BlobKey>,
    seal: bool,
}

impl BlobFolder {
    /// The folder inside `database_folder`. `key` opens sealed files; `seal` says whether new
    /// files are sealed with it.
    pub(crate) fn new(database_folder: &Path, key: Option<BlobKey>, seal: bool) -> Self {
        Self {
            folder: database_folder.join(ATTACHMENTS),
            key,
            seal,
        }
    }

    /// Removes what a killed process left half-written.
    pub(crate) fn remove_temporary_files(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY)
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::warn!(target: "database", %error, "removing a stale temporary file failed");
            }
        }
    }

    /// Whether the file of this blob is there.
    pub(crate) fn contains(&self, digest: &BlobDigest) -> bool {
        self.plain_path(digest).is_file() || self.sealed_path(digest).is_file()
    }

    /// Opens the file of this blob, if it is there.
    pub(crate) fn open(&self, digest: &BlobDigest) -> Result<Option<BlobFile>> {
        if let Some(file) = existing(&self.plain_path(digest))? {
            let length = file.metadata()?.len();
            return Ok(Some(BlobFile {
                length,
                content: Content::Plain(file),
            }));
        }
        let Some(file) = existing(&self.sealed_path(digest))? else {
            return Ok(None);
        };
        let key = self.key.as_ref().ok_or_else(|| {
            Error::lite(Code::Crypto, format!("no key for the sealed blob {digest}"))
        })?;
        SealedFile::open(file, key)
            .map(Some)
            .map_err(|error| with_context(error, &format!("blob {digest}")))
    }

    /// Starts a file that gets its name when its content is known.
    pub(crate) fn create(&self) -> Result<BlobFileWriter> {
        let shown = |error: io::Error| not_writeable(&error, &self.folder);
        fs::create_dir_all(&self.folder).map_err(shown)?;
        let path = self
            .folder
            .join(format!("{TEMPORARY}{}", uuid::Uuid::new_v4()));
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(shown)?;
        let mut writer = BlobFileWriter {
            path,
            file: Some(file),
            written: 0,
            started: 0,
            forced: 0,
            seal: None,
        };
        if self.seal
            && let Some(key) = &self.key
        {
            let mut salt = [0; SALT_LEN];
            fill_random(&mut salt)?;
            writer.write_raw(&[MAGIC.as_slice(), &salt].concat())?;
            writer.seal = Some(Seal {
                key: key.of_file(&salt)?,
                chunk: Vec::with_capacity(CHUNK_LEN + TAG_LEN),
                number: 0,
            });
        }
        Ok(writer)
    }

    /// Removes the file of this blob.
    pub(crate) fn remove(&self, digest: &BlobDigest) -> Result<()> {
        for path in [self.plain_path(digest), self.sealed_path(digest)] {
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(not_writeable(&error, &path)),
            }
        }
        Ok(())
    }

    /// All blobs that have a file, and whether it is sealed.
    pub(crate) fn list(&self) -> Result<Vec<(BlobDigest, bool)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            let (hex, sealed) = match name.strip_suffix(SEALED_SUFFIX) {
                Some(hex) => (hex, true),
                None => (name, false),
            };
            if let Some(digest) = digest_from_hex(hex) {
                found.push((digest, sealed));
            }
        }
        Ok(found)
    }

    fn plain_path(&self, digest: &BlobDigest) -> PathBuf {
        self.folder.join(digest.to_hex())
    }

    fn sealed_path(&self, digest: &BlobDigest) -> PathBuf {
        self.folder
            .join(format!("{}{SEALED_SUFFIX}", digest.to_hex()))
    }

    /// Paths of all blob files.
    pub(crate) fn paths(&self) -> Result<Vec<PathBuf>> {
        let path = |(digest, sealed): (BlobDigest, bool)| {
            if sealed {
                self.sealed_path(&digest)
            } else {
                self.plain_path(&digest)
            }
        };
        Ok(self.list()?.into_iter().map(path).collect())
    }

    /// Makes a sealed file for each plain one that has none. Needs `seal`.
    pub(crate) fn seal_plain_files(&self) -> Result<()> {
        for (digest, sealed) in self.list()? {
            if sealed || self.sealed_path(&digest).is_file() {
                continue;
            }
            let mut plain = File::open(self.plain_path(&digest))?;
            let mut writer = self.create()?;
            let mut buffer = vec![0; CHUNK_LEN];
            loop {
                let count = plain.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                writer.write(&buffer[..count])?;
            }
            writer.finish(self, &digest)?;
        }
        Ok(())
    }

    /// Removes each plain file that has a sealed twin.
    pub(crate) fn remove_sealed_twins(&self) -> Result<()> {
        for (digest, sealed) in self.list()? {
            let path = self.plain_path(&digest);
            if sealed && path.is_file() {
                fs::remove_file(&path).map_err(|error| not_writeable(&error, &path))?;
            }
        }
        Ok(())
    }
}

fn existing(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn digest_from_hex(hex: &str) -> Option<BlobDigest> {
    if hex.len() != 40 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; 20];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(BlobDigest::from_bytes(bytes))
}

fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::lite(Code::Crypto, format!("no random numbers: {error}")))
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

struct Seal {
    key: LessSafeKey,
    chunk: Vec<u8>,
    number: u64,
}

impl Seal {
    /// Seals the gathered chunk in place.
    fn close_chunk(&mut self, last: bool) -> Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(self.number, last), Aad::empty(), &mut self.chunk)
            .map_err(|_| Error::lite(Code::Crypto, "sealing a blob failed"))?;
        self.number += 1;
        Ok(())
    }
}

/// A blob file that is being written; dropping it removes the file.
pub(crate) struct BlobFileWriter {
    path: PathBuf,
    file: Option<File>,
    /// Bytes in the file.
    written: u64,
    /// Bytes that the disk was told of.
    started: u64,
    /// Bytes that are safe on the disk.
    forced: u64,
    seal: Option<Seal>,
}

impl BlobFileWriter {
    /// Appends content.
    pub(crate) fn write(&mut self, mut data: &[u8]) -> Result<()> {
        let Some(mut seal) = self.seal.take() else {
            return self.write_raw(data);
        };
        while !data.is_empty() {
            // A full chunk waits until more comes, for the last one is sealed differently.
            if seal.chunk.len() == CHUNK_LEN {
                seal.close_chunk(false)?;
                self.write_raw(&seal.chunk)?;
                seal.chunk.clear();
            }
            let (now, later) = data.split_at(data.len().min(CHUNK_LEN - seal.chunk.len()));
            seal.chunk.extend_from_slice(now);
            data = later;
        }
        self.seal = Some(seal);
        Ok(())
    }

    /// Forces what was written so far to the disk, so that the end has less to wait for.
    pub(crate) fn force(&mut self) -> Result<()> {
        if let Some(file) = &self.file
            && self.forced < self.written
        {
            file.sync_all()
                .map_err(|error| not_writeable(&error, &self.path))?;
            self.forced = self.written;
        }
        Ok(())
    }

    /// Forces the content to the disk and gives the file its name.
    pub(crate) fn finish(mut self, folder: &BlobFolder, digest: &BlobDigest) -> Result<()> {
        let target = match self.seal.take() {
            Some(mut seal) => {
                seal.close_chunk(true)?;
                self.write_raw(&seal.chunk)?;
                folder.sealed_path(digest)
            }
            None => folder.plain_path(digest),
        };
        self.force()?;
        self.file = None;
        let shown = |error: io::Error| not_writeable(&error, &target);
        fs::rename(&self.path, &target).map_err(shown)?;
        #[cfg(unix)]
        File::open(&folder.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(shown)?;
        self.path = PathBuf::new();
        Ok(())
    }

    fn write_raw(&mut self, data: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else {
            return Err(Error::lite(Code::NotOpen, "blob file is closed"));
        };
        file.write_all(data)
            .map_err(|error| not_writeable(&error, &self.path))?;
        self.written += data.len() as u64;
        if self.written - self.started >= START_WRITING {
            start_writing(file, self.started, self.written);
            self.started = self.written;
        }
        Ok(())
    }
}

impl Drop for BlobFileWriter {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        self.file = None;
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(target: "database", %error, "removing a half-written blob failed");
        }
    }
}

/// A large blob being read.
pub(crate) struct BlobFile {
    length: u64,
    content: Content,
}

enum Content {
    Plain(File),
    Sealed(Box<SealedFile>),
}

impl BlobFile {
    /// Bytes of content.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// The content from `offset` on, at most `count` bytes of it.
    pub(crate) fn read_part(&mut self, offset: u64, count: u64) -> io::Result<Vec<u8>> {
        let count = count.min(self.length.saturating_sub(offset));
        let mut content = large_buffer(usize::try_from(count).unwrap_or(0));
        self.seek(SeekFrom::Start(offset))?;
        match &mut self.content {
            // The file's own way knows how to leave out filling with zeros first.
            Content::Plain(file) => file.take(count).read_to_end(&mut content)?,
            Content::Sealed(_) => self.take(count).read_to_end(&mut content)?,
        };
        Ok(content)
    }

    /// Writes the whole content to the beginning of another file.
    pub(crate) fn copy_to(&mut self, target: &mut File, path: &Path) -> Result<()> {
        self.seek(SeekFrom::Start(0))?;
        if let Content::Plain(file) = &mut self.content {
            // Within the system, where it can.
            io::copy(file, target).map_err(|error| not_writeable(&error, path))?;
            return Ok(());
        }
        let mut buffer = vec![0; CHUNK_LEN];
        loop {
            let count = self.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let written = target.write_all(&buffer[..count]);
            written.map_err(|error| not_writeable(&error, path))?;
        }
    }
}

impl Read for BlobFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match &mut self.content {
            Content::Plain(file) => file.read(out),
            Content::Sealed(file) => file.read(out, self.length),
        }
    }
}

impl Seek for BlobFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.content {
            Content::Plain(file) => file.seek(to),
            Content::Sealed(file) => {
                let target = match to {
                    SeekFrom::Start(position) => Some(position),
                    SeekFrom::End(offset) => self.length.checked_add_signed(offset),
                    SeekFrom::Current(offset) => file.position.checked_add_signed(offset),
                };
                file.position = target.ok_or(io::ErrorKind::InvalidInput)?;
                Ok(file.position)
            }
        }
    }
}

struct SealedFile {
    file: File,
    key: LessSafeKey,
    chunks: u64,
    position: u64,
    chunk: Vec<u8>,
    chunk_number: Option<u64>,
}

impl SealedFile {
    fn open(mut file: File, key: &BlobKey) -> Result<BlobFile> {
        let corrupt = || Error::lite(Code::CorruptData, "sealed file is damaged");
        let mut header = [0; HEADER_LEN as usize];
        file.read_exact(&mut header).map_err(|_| corrupt())?;
        let (magic, salt) = header.split_at(MAGIC.len());
        let salt: &[u8; SALT_LEN] = salt.try_into().map_err(|_| corrupt())?;
        if magic != MAGIC {
            return Err(corrupt());
        }
        let sealed = file.metadata()?.len() - HEADER_LEN;
        let chunks = sealed.div_ceil(SEALED_LEN);
        let length = sealed
            .checked_sub(chunks * TAG_LEN as u64)
            .filter(|_| chunks > 0)
            .ok_or_else(corrupt)?;
        Ok(BlobFile {
            length,
            content: Content::Sealed(Box::new(Self {
                key: key.of_file(salt)?,
                file,
                chunks,
                position: 0,
                chunk: Vec::new(),
                chunk_number: None,
            })),
        })
    }

    fn read(&mut self, out: &mut [u8], length: u64) -> io::Result<usize> {
        if self.position >= length || out.is_empty() {
            return Ok(0);
        }
        let number = self.position / CHUNK_LEN as u64;
        if self.chunk_number != Some(number) {
            self.load(number)?;
        }
        let offset = (self.position % CHUNK_LEN as u64) as usize;
        let available = self.chunk.get(offset..).unwrap_or_default();
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }

    fn load(&mut self, number: u64) -> io::Result<()> {
        self.chunk_number = None;
        self.file
            .seek(SeekFrom::Start(HEADER_LEN + number * SEALED_LEN))?;
        self.chunk.clear();
        (&mut self.file)
            .take(SEALED_LEN)
            .read_to_end(&mut self.chunk)?;
        let opened = self
            .key
            .open_in_place(
                nonce(number, number + 1 == self.chunks),
                Aad::empty(),
                &mut self.chunk,
            )
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "sealed blob is damaged"))?
            .len();
        self.chunk.truncate(opened);
        self.chunk_number = Some(number);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &BlobFolder, content: &[u8]) -> BlobDigest {
        let digest = BlobDigest::of(content);
        let mut writer = folder.create().unwrap();
        for piece in content.chunks(10_007) {
            writer.write(piece).unwrap();
        }
        writer.finish(folder, &digest).unwrap();
        digest
    }

    fn read(folder: &BlobFolder, digest: &BlobDigest) -> io::Result<Vec<u8>> {
        let mut file = folder.open(digest).unwrap().unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        assert_eq!(content.len() as u64, file.len());
        Ok(content)
    }

    #[test]
    fn sealed_files_give_back_what_was_written_at_every_chunk_edge() {
        let directory = tempfile::tempdir().unwrap();
        let folder = BlobFolder::new(directory.path(), Some(BlobKey::generate().unwrap()), true);
        for length in [1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN] {
            let content: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
            let digest = write(&folder, &content);
            assert_eq!(read(&folder, &digest).unwrap(), content, "{length}");
            let mut file = folder.open(&digest).unwrap().unwrap();
            let middle = length as u64 / 2;
            file.seek(SeekFrom::Start(middle)).unwrap();
            let mut rest = Vec::new();
            file.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, content[length / 2..]);
        }
    }

    #[test]
    fn a_sealed_file_that_was_cut_or_changed_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let folder = BlobFolder::new(directory.path(), Some(BlobKey::generate().unwrap()), true);
        let digest = write(&folder, &vec![7; 3 * CHUNK_LEN]);
        let path = folder.sealed_path(&digest);
        let good = fs::read(&path).unwrap();
        assert!(!good.windows(32).any(|w| w == [7; 32]), "content shows");

        let cut = good[..good.len() - SEALED_LEN as usize].to_vec();
        let mut changed = good;
        changed[1000] ^= 1;
        for bad in [cut, changed] {
            fs::write(&path, bad).unwrap();
            assert!(read(&folder, &digest).is_err());
        }
    }

    #[test]
    fn dropping_a_writer_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let folder = BlobFolder::new(directory.path(), None, false);
        let mut writer = folder.create().unwrap();
        writer.write(b"half").unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(&folder.folder).unwrap().count(), 0);
    }
}
