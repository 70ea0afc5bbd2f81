//! Every window, batch size and delay of replication, with its unit and its reason.
//!
//! Sources: wire §8.1 (Couchbase Lite's own values), design D9 (bounds against strangers) and D13
//! (windows that do not cap speed).

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Rows of one `changes` or `proposeChanges` list, and of one read of the change feed (wire §8.1).
pub(crate) const CHANGES_BATCH: usize = 200;
/// Revisions announced and not yet sent, in lists of half as many, while a list is answered within
/// twice [`LOOKAHEAD_DELAY`]: small documents within the deflater's window of 32 KiB.
pub(crate) const MIN_LOOKAHEAD: usize = 48;
/// The same before the first list is answered: two full lists, as nothing is known of the line yet
/// (and pythonblip, which reads one list alone, gets a full one).
pub(crate) const FIRST_LOOKAHEAD: usize = 2 * CHANGES_BATCH;
/// The same at most, on a line with a long delay: all lists that may be unanswered.
pub(crate) const MAX_LOOKAHEAD: usize = 1_000;
/// Each time that a list takes so long to be answered adds [`MIN_LOOKAHEAD`] to what is announced ahead.
pub(crate) const LOOKAHEAD_DELAY: Duration = Duration::from_millis(5);
/// Lists sent and not answered while catching up (wire §8.1).
pub(crate) const UNANSWERED_LISTS: usize = 5;
/// Revisions that the peer wants and that are not sent yet; above it no list is sent (wire §8.1).
pub(crate) const QUEUED_REVISIONS: usize = 600;
/// `rev` messages handed to BLIP whose last frame is not written yet (wire §8.1, design D13).
pub(crate) const UNWRITTEN_REVISIONS: usize = 10;
/// Bytes of `rev` bodies sent and not answered (wire §8.1).
pub(crate) const UNANSWERED_BYTES: usize = 2 * MIB;
/// Revisions read from the database in one request, and most that wait, read, to be sent.
pub(crate) const READ_BATCH: usize = 100;

/// Revisions that we asked for and that are not stored yet; above it replies to `changes` are
/// withheld (design D13).
pub(crate) const RECEIVING_REVISIONS: usize = 2_000;
/// Bytes of received bodies that are not stored yet; as above (design D13).
pub(crate) const RECEIVING_BYTES: usize = 8 * MIB;
/// Lists of changes that a peer may have waiting; more is a breach, since real peers stop at five.
pub(crate) const WAITING_LISTS: usize = 64;
/// Bytes of bodies read at once for deltas to be applied to; one may be longer.
pub(crate) const DELTA_BASES_BYTES: usize = 4 * MIB;
/// Revisions of one insert request (design D13: what waits whenever the writer is free).
pub(crate) const INSERT_BATCH: usize = 500;
/// Insert requests under way at once: one is written while the next waits in the queue.
pub(crate) const INSERTS_UNDER_WAY: usize = 2;

/// Conflicts that the application is asked about at once, for each collection.
pub(crate) const RESOLUTIONS_UNDER_WAY: usize = 10;

/// Attachments being fetched at once on one connection.
pub(crate) const BLOB_FETCHES: usize = 8;
/// Attachments being sent at once on one connection.
pub(crate) const BLOB_SENDS: usize = 8;
/// Attachments that a peer may ask for before the earlier ones are sent; more is a breach.
pub(crate) const QUEUED_BLOB_SENDS: usize = 1_000;
/// Most bytes of an attachment whose document does not announce its length (design D9).
pub(crate) const UNANNOUNCED_BLOB_LIMIT: u64 = 1024 * MIB as u64;
/// Bytes of an attachment read at once.
pub(crate) const BLOB_CHUNK: usize = 128 * KIB;
/// Received attachment bytes that wait for the disk; above it the socket is not read.
pub(crate) const BLOB_BACKLOG: usize = MIB;

/// Bytes that wait for the socket; above it the peer is not listened to until it takes some. Far
/// above what our own windows let wait, so that two busy peers never wait for each other.
pub(crate) const OUTPUT_BACKLOG: usize = 16 * MIB;
/// Questions that wait for the database; above it the peer is not listened to.
pub(crate) const DATABASE_BACKLOG: usize = 10_000;

/// Ancestors sent with a revision when the peer does not say how many it keeps (wire §5.3).
pub(crate) const DEFAULT_MAX_HISTORY: u32 = 20;
/// Ancestors that we ask for and keep (wire §3.7).
pub(crate) const OUR_MAX_HISTORY: u32 = 20;

/// Delay between a change of the checkpoint and its saving while busy (wire §4.3).
pub(crate) const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// Times that a checkpoint refused with 409 is tried again with the revision that the peer tells.
pub(crate) const CHECKPOINT_REFETCHES: u32 = 5;
/// How long a stop waits for the last checkpoint before it closes all the same.
pub(crate) const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// How long a closing handshake may take (wire §1.9).
pub(crate) const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// Least time between two status notifications that differ in progress only (wire §8.1).
pub(crate) const STATUS_INTERVAL: Duration = Duration::from_millis(200);
/// Connections of the process that keep their compressors between two messages; of more, each gives
/// its own back at every pause (design §4, fan-in: 300 KiB each).
pub(crate) const COMPRESSORS_KEPT: usize = 8;
/// Idle time after which the compressor of a connection is given back (design §4, fan-in).
pub(crate) const COMPRESSOR_IDLE: Duration = Duration::from_secs(5);
/// Longest silence of a peer that never answers a PING (design D9).
pub(crate) const PEER_SILENCE: Duration = Duration::from_secs(330);
/// Time a PONG may take (wire §1.9).
pub(crate) const PONG_PATIENCE: Duration = Duration::from_secs(20);

/// `heartbeat` default (API §9.2).
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(300);
/// `maxAttempts` default of a one-shot replicator (API §9.2).
pub(crate) const MAX_ATTEMPTS_ONE_SHOT: u32 = 10;
/// `maxAttemptWaitTime` default (API §9.2).
pub(crate) const MAX_ATTEMPT_WAIT: Duration = Duration::from_secs(300);
/// Connecting and handshaking as a client (wire §1.9).
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Frames read from the socket before the core's effects are carried out.
pub(crate) const FRAMES_PER_TURN: usize = 256;
/// Bytes read from the socket before the core's effects are carried out.
pub(crate) const BYTES_PER_TURN: usize = 512 * KIB;
