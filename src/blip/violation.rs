//! What a peer can do wrong, beyond repair.

use super::frame::FrameKind;
use super::properties::BadProperties;
use crate::error::Error;

/// A breach of BLIP by the peer, after which the state shared with it (checksum, deflate stream,
/// numbers) is lost: the connection must be closed with [`Self::close_code`] (wire §2.9).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The WebSocket message is larger than any frame may be.
    #[error("peer sent a frame of {size} bytes, limit is {limit}")]
    FrameTooLarge {
        /// Bytes of the WebSocket message.
        size: usize,
        /// Configured limit.
        limit: usize,
    },
    /// A varint is cut off or has more than 64 bits.
    #[error("peer sent a bad varint as {what}")]
    BadVarint {
        /// Which number could not be read.
        what: &'static str,
    },
    /// A frame ends before its checksum.
    #[error("peer sent frame of {kind} #{number} with {size} bytes after its header, needs 4")]
    ShortFrame {
        /// Type of the frame.
        kind: FrameKind,
        /// Message number in the frame.
        number: u64,
        /// Bytes after the header.
        size: usize,
    },
    /// A request has neither the next number nor that of an unfinished request.
    #[error("peer sent request #{number}, which is finished or not due; next is #{expected}")]
    BadRequestNumber {
        /// Number in the frame.
        number: u64,
        /// The only number a new request may have.
        expected: u64,
    },
    /// A reply to a request that was never sent.
    #[error("peer replied to request #{number}, but only {sent} were sent")]
    UnknownReply {
        /// Number in the frame.
        number: u64,
        /// Number of the last request sent.
        sent: u64,
    },
    /// The running checksum differs.
    #[error("peer sent {kind} #{number} with checksum {told:08x}, computed {computed:08x}")]
    BadChecksum {
        /// Type of the frame.
        kind: FrameKind,
        /// Message number in the frame.
        number: u64,
        /// What the frame said.
        told: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// The deflate stream is corrupt or has ended.
    #[error("peer sent {kind} #{number} whose bytes do not inflate: {reason}")]
    BadDeflate {
        /// Type of the frame.
        kind: FrameKind,
        /// Message number in the frame.
        number: u64,
        /// The inflater's complaint.
        reason: String,
    },
    /// One frame inflates to more than any message may be.
    #[error("peer sent a frame of {kind} #{number} that inflates beyond {limit} bytes")]
    ZipBomb {
        /// Type of the frame.
        kind: FrameKind,
        /// Message number in the frame.
        number: u64,
        /// Configured limit.
        limit: usize,
    },
    /// A message's properties cannot be read.
    #[error("peer sent {kind} #{number} with bad properties: {problem}")]
    BadProperties {
        /// Type of the message.
        kind: FrameKind,
        /// Its number.
        number: u64,
        /// What is wrong with them.
        problem: BadProperties,
    },
    /// Too many requests were begun and not finished.
    #[error("peer began a request while {limit} others are unfinished")]
    TooManyOpenMessages {
        /// Configured limit.
        limit: usize,
    },
    /// All unfinished messages together hold too much.
    #[error("peer's unfinished messages hold more than {limit} bytes")]
    TooManyOpenBytes {
        /// Configured limit.
        limit: usize,
    },
    /// A message went far past the limit that had already cost it its content.
    #[error("peer sent {kind} #{number} that does not end within {limit} bytes")]
    NeverEnds {
        /// Type of the message.
        kind: FrameKind,
        /// Its number.
        number: u64,
        /// Bytes after which the connection is given up.
        limit: u64,
    },
    /// Our own deflater failed: the stream to the peer is lost.
    #[error("the deflater failed: {reason}")]
    DeflaterFailed {
        /// Its complaint.
        reason: String,
    },
}

impl Violation {
    /// WebSocket close code to end the connection with: 1011, as LiteCore's codec errors.
    pub fn close_code(&self) -> u16 {
        1011
    }
}

impl From<Violation> for Error {
    /// The error that a replication reports when it ends by this violation.
    fn from(violation: Violation) -> Self {
        Self::WebSocketClosed {
            code: violation.close_code(),
            message: violation.to_string(),
        }
    }
}
