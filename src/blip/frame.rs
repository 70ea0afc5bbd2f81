//! The header of a frame (wire §2.1).
//!
//! ```text
//! frame := varint message_number
//!          varint flags
//!          payload                 (compressed or not)
//!          4-byte checksum, big-endian (absent in ACK frames)
//! ```

use std::fmt;

use super::varint;
use super::violation::Violation;

/// Bytes of the checksum that ends every frame but ACKs.
pub(super) const CHECKSUM_LEN: usize = 4;
/// Largest whole frame of a normal message while an urgent one is next (wire §2.5).
pub(super) const SMALL_FRAME: usize = 4_096;
/// Largest whole frame ever sent (wire §1.10, §2.5).
pub(super) const BIG_FRAME: usize = 16_384;

/// Bits of the flags byte.
pub(super) mod flags {
    /// Mask of the frame type.
    pub(crate) const KIND: u64 = 0x07;
    /// The payload is deflated.
    pub(crate) const COMPRESSED: u64 = 0x08;
    /// The message may pass normal ones.
    pub(crate) const URGENT: u64 = 0x10;
    /// The request wants no reply.
    pub(crate) const NO_REPLY: u64 = 0x20;
    /// Not the last frame of its message.
    pub(crate) const MORE_COMING: u64 = 0x40;
}

/// Type of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameKind {
    /// `MSG`, a request.
    Request,
    /// `RPY`, a reply.
    Reply,
    /// `ERR`, an error reply.
    Error,
    /// `ACKMSG`: bytes of our request that the peer has received.
    AckRequest,
    /// `ACKRPY`: bytes of our reply that the peer has received.
    AckReply,
    /// 3, 6 or 7: ignored.
    Unknown,
}

impl FrameKind {
    fn from_bits(bits: u64) -> Self {
        match bits & flags::KIND {
            0 => Self::Request,
            1 => Self::Reply,
            2 => Self::Error,
            4 => Self::AckRequest,
            5 => Self::AckReply,
            _ => Self::Unknown,
        }
    }

    /// The type's bits in the flags byte.
    pub(super) fn bits(self) -> u64 {
        match self {
            Self::Request => 0,
            Self::Reply => 1,
            Self::Error => 2,
            Self::AckRequest => 4,
            Self::AckReply => 5,
            Self::Unknown => 7,
        }
    }
}

impl fmt::Display for FrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "MSG",
            Self::Reply => "RPY",
            Self::Error => "ERR",
            Self::AckRequest => "ACKMSG",
            Self::AckReply => "ACKRPY",
            Self::Unknown => "unknown",
        })
    }
}

/// A frame taken apart; its payload is still as transmitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Type.
    pub(super) kind: FrameKind,
    /// Message number.
    pub(super) number: u64,
    /// The whole flags byte.
    pub(super) flags: u64,
    /// Everything after the header, checksum included.
    pub(super) rest: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Violation::BadVarint`].
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, Violation> {
        let bad = |what| move |_| Violation::BadVarint { what };
        let take = |data: &'a [u8], what| match varint::read(data).map_err(bad(what))? {
            Some((value, used)) => Ok((value, &data[used..])),
            None => Err(Violation::BadVarint { what }),
        };
        let (number, rest) = take(data, "message number")?;
        let (flags, rest) = take(rest, "frame flags")?;
        Ok(Self {
            kind: FrameKind::from_bits(flags),
            number,
            flags,
            rest,
        })
    }

    /// Whether `flag` is set.
    pub(super) fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    /// Payload and checksum.
    ///
    /// # Errors
    /// [`Violation::ShortFrame`].
    pub(super) fn split_checksum(&self) -> Result<(&'a [u8], u32), Violation> {
        match self.rest.split_last_chunk::<CHECKSUM_LEN>() {
            Some((payload, sum)) => Ok((payload, u32::from_be_bytes(*sum))),
            None => Err(Violation::ShortFrame {
                kind: self.kind,
                number: self.number,
                size: self.rest.len(),
            }),
        }
    }
}

/// Writes an ACK: `received` is the total of frame bytes received for that message (wire §2.6).
pub(super) fn write_ack(kind: FrameKind, number: u64, received: u64, out: &mut Vec<u8>) {
    varint::write(number, out);
    varint::write(kind.bits() | flags::URGENT | flags::NO_REPLY, out);
    varint::write(received, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ack_of_wire_2_6_is_written_and_read() {
        let mut out = Vec::new();
        write_ack(FrameKind::AckRequest, 6, 50_855, &mut out);
        assert_eq!(out, [0x06, 0x34, 0xa7, 0x8d, 0x03]);
        let frame = Frame::parse(&out).unwrap();
        assert_eq!((frame.kind, frame.number), (FrameKind::AckRequest, 6));
        assert_eq!(varint::read(frame.rest), Ok(Some((50_855, 3))));
    }

    #[test]
    fn a_header_that_is_cut_off_is_a_violation() {
        for data in [&[][..], &[0x80], &[0x01], &[0x01, 0x80], &[0xff; 12]] {
            assert!(matches!(
                Frame::parse(data),
                Err(Violation::BadVarint { .. })
            ));
        }
        let frame = Frame::parse(&[1, 0, 1, 2, 3]).unwrap();
        assert!(matches!(
            frame.split_checksum(),
            Err(Violation::ShortFrame { size: 3, .. })
        ));
    }
}
