//! Limits, buffers and delays of the transport, each with its reason.

use std::time::Duration;

const KIB: usize = 1024;

/// Largest WebSocket message taken from a peer; a larger one ends the connection with 1009
/// (design D9, the same as LiteCore's).
pub(crate) const MAX_WS_MESSAGE_IN: usize = 1024 * KIB;

/// Largest WebSocket message ever sent: Sync Gateway closes with 1009 above it (wire §1.10). Frames
/// of BLIP are 16 KiB at most.
pub(crate) const MAX_WS_MESSAGE_OUT: usize = 32 * KIB;

/// Read buffer of one connection. A listener holds thousands: the default of 128 KiB would be most
/// of their memory.
pub(super) const READ_BUFFER: usize = 8 * KIB;

/// Bytes that are gathered before they are handed to TLS without a flush: four full TLS records,
/// which leave in one system call.
pub(super) const WRITE_BUFFER: usize = 64 * KIB;

/// A write buffer that has grown larger than this is given back when it is empty.
pub(super) const WRITE_BUFFER_KEPT: usize = 4 * KIB;

/// Bound of the codec's own buffer. It holds one frame and a PONG at most, because nothing is
/// accepted while the write buffer is full.
pub(super) const CODEC_BUFFER_MAX: usize = 256 * KIB;

/// How long a connection that is refused for breaking the rules is still read, so that the CLOSE
/// frame reaches the peer instead of a reset.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// Start of the next address while the one before has not answered (RFC 8305 §5).
pub(super) const NEXT_ADDRESS_DELAY: Duration = Duration::from_millis(250);

/// Redirects followed (wire §1.7).
pub(super) const MAX_REDIRECTS: usize = 10;

/// Largest head of an upgrade response.
pub(super) const MAX_RESPONSE_HEAD: usize = 64 * KIB;

/// Most header fields of an upgrade response.
pub(super) const MAX_RESPONSE_HEADERS: usize = 100;

/// Bytes read of the body of a failed upgrade: enough for any error text.
pub(super) const MAX_ERROR_BODY: usize = 16 * KIB;
