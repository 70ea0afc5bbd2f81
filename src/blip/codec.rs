//! What runs through all frames of one direction: the checksum (wire §2.3) and the deflate stream
//! (wire §2.4).

use flate2::{Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::compressors::{Compressors, Lease};
use super::frame::{CHECKSUM_LEN, Frame, flags};
use super::violation::Violation;

/// What a sync flush ends with, cut off by the sender and put back by the receiver.
const FLUSH_TRAILER: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// Room that is always left for the flush marker, block headers and the cut-off trailer.
const FLUSH_SLACK: usize = 32;
/// A deflated frame is filled up with further pieces while at least so much room is left.
const REFILL_ROOM: usize = 512;
/// Most uncompressed bytes that go into one deflated frame, so that a well compressible message
/// does not become a frame that takes its receiver long.
const MAX_FRAME_CONTENT: usize = 128 << 10;
/// Step in which the inflated size may grow before more is known about it.
const INFLATE_STEP: usize = 16 << 10;

/// Where an [`Encoder`] takes the contents of a message from.
pub(super) trait Source {
    /// Appends the next bytes, at most `max`, to `out`.
    fn read(&mut self, max: usize, out: &mut Vec<u8>);
    /// How many bytes [`Self::read`] could still give now.
    fn available(&self) -> usize;
}

/// Sender's half of one direction.
#[derive(Debug)]
pub(super) struct Encoder {
    checksum: crc32fast::Hasher,
    level: Compression,
    /// Made when first needed. A fresh one continues a stream, just without back-references.
    deflater: Option<Lease>,
    compressors: Compressors,
    scratch: Vec<u8>,
}

impl Encoder {
    /// An encoder at the start of a connection.
    pub(super) fn new(level: u32, compressors: Compressors) -> Self {
        Self {
            checksum: crc32fast::Hasher::new(),
            level: Compression::new(level.clamp(1, 9)),
            deflater: None,
            compressors,
            scratch: Vec::new(),
        }
    }

    /// Gives the deflater back if others need it more: there is a pause.
    pub(super) fn rest(&mut self) {
        self.deflater.take_if(|lease| lease.is_wanted_elsewhere());
    }

    /// Frees the deflater and buffers.
    pub(super) fn release(&mut self) {
        self.deflater = None;
        self.scratch = Vec::new();
    }

    /// Appends as much of `source` as fits into `room` bytes, checksum included, and the
    /// checksum. The frame's header is already in `out`.
    ///
    /// # Errors
    /// [`Violation::DeflaterFailed`].
    pub(super) fn encode(
        &mut self,
        source: &mut impl Source,
        room: usize,
        compressed: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        let room = room.saturating_sub(CHECKSUM_LEN);
        if compressed {
            self.deflate(source, room, out)?;
        } else {
            let start = out.len();
            source.read(room, out);
            self.checksum.update(&out[start..]);
        }
        let sum = self.checksum.clone().finalize();
        out.extend_from_slice(&sum.to_be_bytes());
        Ok(())
    }

    /// Fills the frame with pieces that are sure to fit, each flushed; usually one is all.
    fn deflate(
        &mut self,
        source: &mut impl Source,
        room: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        let failed = |reason: &dyn ToString| Violation::DeflaterFailed {
            reason: reason.to_string(),
        };
        let level = self.level;
        let deflater = self
            .deflater
            .get_or_insert_with(|| self.compressors.take(level))
            .get();
        let end = out.len() + room;
        let mut content_left = MAX_FRAME_CONTENT;
        loop {
            // Level 1 writes 9 bits for a byte above 143, nothing else expands more.
            let fits = (end - out.len()).saturating_sub(FLUSH_SLACK) / 9 * 8;
            self.scratch.clear();
            source.read(fits.min(content_left), &mut self.scratch);
            content_left -= self.scratch.len();
            self.checksum.update(&self.scratch);
            // With room for the worst case, zlib flushes once and in one call; with less it may
            // write a second flush marker.
            out.reserve(self.scratch.len() / 8 * 9 + 2 * FLUSH_SLACK);
            let mut input = &self.scratch[..];
            loop {
                let before = deflater.total_in();
                deflater
                    .compress_vec(input, out, FlushCompress::Sync)
                    .map_err(|error| failed(&error))?;
                input = &input[(deflater.total_in() - before) as usize..];
                if input.is_empty() && out.len() < out.capacity() {
                    break;
                }
                out.reserve(FLUSH_SLACK + input.len());
            }
            let filled = end.saturating_sub(out.len()) < REFILL_ROOM || content_left == 0;
            if filled || source.available() == 0 {
                break;
            }
        }
        if !out.ends_with(&FLUSH_TRAILER) {
            return Err(failed(&"no flush marker"));
        }
        out.truncate(out.len() - FLUSH_TRAILER.len());
        Ok(())
    }
}

/// The contents of one frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// It was longer than the receiver wants to keep; its length.
    TooLong(u64),
}

/// Receiver's half of one direction.
#[derive(Debug)]
pub(super) struct Decoder {
    checksum: crc32fast::Hasher,
    /// Made when the first compressed frame comes.
    inflater: Option<Decompress>,
    scratch: Vec<u8>,
    max_inflated: usize,
}

impl Decoder {
    /// A decoder at the start of a connection; `max_inflated` bounds the contents of one frame.
    pub(super) fn new(max_inflated: usize) -> Self {
        Self {
            checksum: crc32fast::Hasher::new(),
            inflater: None,
            scratch: Vec::new(),
            max_inflated,
        }
    }

    /// Frees buffers. The inflater's window is part of the stream and stays.
    pub(super) fn release(&mut self) {
        self.scratch = Vec::new();
    }

    /// Takes the contents out of a frame that has a checksum, and checks that. Of contents longer
    /// than `keep` only the length is told, and no more than [`INFLATE_STEP`] beyond `keep` was
    /// held in memory at a time.
    ///
    /// # Errors
    /// [`Violation::ShortFrame`], [`Violation::BadChecksum`], [`Violation::BadDeflate`],
    /// [`Violation::ZipBomb`].
    pub(super) fn decode<'a>(
        &'a mut self,
        frame: &Frame<'a>,
        keep: usize,
    ) -> Result<Decoded<'a>, Violation> {
        let (payload, told) = frame.split_checksum()?;
        let keep = keep.min(self.max_inflated);
        let too_long = if frame.has(flags::COMPRESSED) {
            self.inflate(frame, payload, keep)?
        } else {
            self.checksum.update(payload);
            (payload.len() > keep).then_some(payload.len() as u64)
        };
        let computed = self.checksum.clone().finalize();
        if computed != told {
            return Err(Violation::BadChecksum {
                kind: frame.kind,
                number: frame.number,
                told,
                computed,
            });
        }
        Ok(match too_long {
            Some(len) => Decoded::TooLong(len),
            None if frame.has(flags::COMPRESSED) => Decoded::Bytes(&self.scratch),
            None => Decoded::Bytes(payload),
        })
    }

    /// Inflates into `scratch`; `Some` is the length of contents that are longer than `keep`.
    fn inflate(
        &mut self,
        frame: &Frame<'_>,
        payload: &[u8],
        keep: usize,
    ) -> Result<Option<u64>, Violation> {
        let bad = |reason: &dyn ToString| Violation::BadDeflate {
            kind: frame.kind,
            number: frame.number,
            reason: reason.to_string(),
        };
        let inflater = self.inflater.get_or_insert_with(|| Decompress::new(false));
        let out = &mut self.scratch;
        out.clear();
        out.shrink_to(4 * INFLATE_STEP);
        let mut total = 0_u64;
        let mut kept = true;
        for mut input in [payload, &FLUSH_TRAILER] {
            loop {
                if out.len() == out.capacity() {
                    if kept && out.len() <= keep {
                        let step = out.len().max(INFLATE_STEP);
                        out.reserve_exact(step.min(keep - out.len() + 1));
                    } else {
                        self.checksum.update(out);
                        out.clear();
                    }
                }
                let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
                let status = inflater
                    .decompress_vec(input, out, FlushDecompress::Sync)
                    .map_err(|error| bad(&error))?;
                let consumed = (inflater.total_in() - before_in) as usize;
                let produced = inflater.total_out() - before_out;
                input = &input[consumed..];
                total += produced;
                if total > self.max_inflated as u64 {
                    return Err(Violation::ZipBomb {
                        kind: frame.kind,
                        number: frame.number,
                        limit: self.max_inflated,
                    });
                }
                kept &= out.len() <= keep;
                if status == Status::StreamEnd {
                    return Err(bad(&"the stream has ended"));
                }
                if out.len() < out.capacity() {
                    if input.is_empty() {
                        break;
                    }
                    if consumed == 0 && produced == 0 {
                        return Err(bad(&"no progress"));
                    }
                }
            }
        }
        self.checksum.update(out);
        Ok((!kept).then_some(total))
    }
}
