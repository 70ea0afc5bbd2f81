//! What the parts of the core share: the BLIP connection, the outbox, and the routes by which
//! answers find the part that asked.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::blob_fetcher::FetchId;
use super::blob_sender::SendId;
use super::checkpointer::CheckpointStep;
use super::effects::{
    BlobHandle, CloseReason, CollectionIndex, DbRequest, DocumentEnded, RequestToken,
};
use super::puller::PullStep;
use super::pusher::PushStep;
use crate::blip::{Connection, ReplyMode, RequestId};
use crate::error::Error;
use crate::protocol::Request;
use crate::replicator::tuning;

/// Who waits for a database answer.
#[derive(Debug)]
pub(super) enum DbRoute {
    Checkpoint(CollectionIndex, CheckpointStep),
    /// The collection's emptiness decides whether its first pull asks for live documents only.
    Emptiness(CollectionIndex),
    Push(CollectionIndex, PushStep),
    Pull(CollectionIndex, PullStep),
    Fetch(FetchId),
    Send(SendId),
    /// A client's checkpoint is read or stored for the request with this reply token.
    PeerCheckpoint(crate::blip::ReplyTo),
    /// One of the checkpoints that `getCollections` asked for; the number is its place.
    PeerCheckpoints(usize),
    /// Nobody: the request tells only of failures that the next request meets too.
    Nobody,
}

/// Who waits for a peer's reply.
#[derive(Debug)]
pub(super) enum ReplyRoute {
    GetCollections,
    Checkpoint(CollectionIndex, CheckpointStep),
    SubChanges,
    Push(CollectionIndex, PushStep),
    Fetch(FetchId),
}

/// See the module.
pub(super) struct Context {
    pub(super) blip: Connection,
    /// The time of the event being handled.
    pub(super) now: Instant,
    started: Instant,
    started_unix: Duration,
    pub(super) requests: VecDeque<(RequestToken, DbRequest)>,
    pub(super) ended: Vec<DocumentEnded>,
    /// Why the connection must end, with how to tell the peer; the first failure stays.
    pub(super) fatal: Option<(Error, CloseReason)>,
    db_routes: HashMap<RequestToken, DbRoute>,
    reply_routes: HashMap<RequestId, ReplyRoute>,
    next_token: u64,
    next_blob: u64,
    bases_kept: bool,
}

impl Context {
    pub(super) fn new(blip: Connection, now: Instant, unix_time: Duration) -> Self {
        Self {
            blip,
            now,
            started: now,
            started_unix: unix_time,
            requests: VecDeque::new(),
            ended: Vec::new(),
            fatal: None,
            db_routes: HashMap::new(),
            reply_routes: HashMap::new(),
            next_token: 0,
            next_blob: 0,
            bases_kept: false,
        }
    }

    /// Puts a question to the database.
    pub(super) fn ask(&mut self, request: DbRequest, route: DbRoute) {
        self.next_token += 1;
        let token = RequestToken(self.next_token);
        self.db_routes.insert(token, route);
        self.requests.push_back((token, request));
    }

    /// Tells the database something that is not answered.
    pub(super) fn tell(&mut self, request: DbRequest) {
        self.next_token += 1;
        self.requests
            .push_back((RequestToken(self.next_token), request));
    }

    /// Deltas are spoken with this peer: the database is to keep what they need.
    pub(super) fn keep_delta_bases(&mut self, for_anybody: bool) {
        if !std::mem::replace(&mut self.bases_kept, true) {
            let request = DbRequest::KeepDeltaBases { for_anybody };
            self.ask(request, DbRoute::Nobody);
        }
    }

    /// Whether so much waits for the database or the socket that the peer must wait too.
    pub(super) fn is_congested(&self) -> bool {
        self.blip.queued_bytes() > tuning::OUTPUT_BACKLOG
            || self.db_routes.len() > tuning::DATABASE_BACKLOG
    }

    /// Who asked, once the answer is here.
    pub(super) fn take_db_route(&mut self, token: RequestToken) -> Option<DbRoute> {
        self.db_routes.remove(&token)
    }

    /// Sends a request whose reply goes to `route`.
    pub(super) fn send(&mut self, request: Request, route: ReplyRoute) -> RequestId {
        let id = self.blip.request(request.encode(), ReplyMode::Whole);
        self.reply_routes.insert(id, route);
        id
    }

    /// Sends a request whose reply comes in pieces.
    pub(super) fn send_streamed(&mut self, request: Request, route: ReplyRoute) -> RequestId {
        let id = self.blip.request(request.encode(), ReplyMode::Streamed);
        self.reply_routes.insert(id, route);
        id
    }

    /// Sends a request that gets no reply.
    pub(super) fn send_unanswered(&mut self, request: Request) {
        self.blip.request(request.encode(), ReplyMode::Whole);
    }

    /// Who waits for the reply to `id`; stays until [`Context::take_reply_route`].
    pub(super) fn reply_route(&self, id: RequestId) -> Option<&ReplyRoute> {
        self.reply_routes.get(&id)
    }

    /// Who waits for the reply to `id`, now that it is complete.
    pub(super) fn take_reply_route(&mut self, id: RequestId) -> Option<ReplyRoute> {
        self.reply_routes.remove(&id)
    }

    /// A name for a blob that is about to be read or written.
    pub(super) fn new_blob_handle(&mut self) -> BlobHandle {
        self.next_blob += 1;
        BlobHandle(self.next_blob)
    }

    /// Ends the connection with `error`, telling the peer `close_code`.
    pub(super) fn fail(&mut self, error: Error, close_code: u16) {
        if self.fatal.is_none() {
            let mut reason = error.message().to_owned();
            // A CLOSE frame has room for 123 bytes of text (RFC 6455 §5.5).
            while reason.len() > 123 {
                reason.pop();
            }
            let close = CloseReason {
                code: close_code,
                reason,
            };
            self.fatal = Some((error, close));
        }
    }

    /// Ends the connection when `error` is one of those that concern it as a whole (wire §1.11).
    pub(super) fn fail_if_fatal(&mut self, error: &Error) {
        if let Some(code) = fatal_close_code(error) {
            self.fail(error.clone(), code);
        }
    }

    /// Seconds since 1970.
    pub(super) fn unix_time(&self) -> u64 {
        (self.started_unix + self.now.duration_since(self.started)).as_secs()
    }
}

/// The close code of an error in a reply that ends the whole connection, `None` when it does not
/// (wire §1.11: 4001 for what may pass, 4002 for what will not).
fn fatal_close_code(error: &Error) -> Option<u16> {
    use crate::error::Code;
    match error {
        Error::Http {
            status: 400,
            message,
        } if message.contains("Unrecognized collection") => Some(4002),
        Error::Http { status: 503, .. } => Some(4001),
        Error::Lite {
            code: Code::UnexpectedError | Code::RemoteError,
            ..
        } => Some(4002),
        // ENOSPC
        Error::Posix { errno: 28, .. } => Some(4002),
        _ => None,
    }
}
