//! The decisions of one connection, sans-IO: no socket, no SQL, no clock.
//!
//! A driver owns a [`Core`] and repeats:
//!
//! 1. feed what happened: [`Core::handle_ws_message`], [`Core::handle_answer`],
//!    [`Core::handle_local_change`], [`Core::handle_timeout`], [`Core::handle_disconnect`],
//!    [`Core::stop`]; several in a row are fine;
//! 2. call [`Core::poll_output`] until it answers [`Output::Timeout`], carrying each effect out;
//! 3. call [`Core::poll_transmit`] while the socket takes frames, and go to 2 if it gave any;
//! 4. wait for the next event or the time-out.
//!
//! **Invariant**: the core moves only in step 1 and 3, and what it wants done is complete after
//! step 2. Active and passive sides are the same core with another [`Role`].

mod active;
mod blob_fetcher;
mod blob_sender;
mod checkpointer;
mod collection;
mod context;
pub mod effects;
mod gate;
mod passive;
mod puller;
mod pusher;
mod remote_sequence;

use std::time::{Duration, Instant};

use blob_fetcher::BlobFetcher;
use blob_sender::BlobSender;
pub(crate) use checkpointer::stored_completed;
use checkpointer::{CheckpointStep, Checkpointer};
use collection::Collection;
pub use collection::CoreCollection;
use context::{Context, DbRoute, ReplyRoute};
use effects::{
    CloseReason, CollectionIndex, DbAnswer, DbRequest, Direction, DocumentEnded, RequestToken,
};
pub use gate::Access;
use gate::Gate;
use passive::PassiveSession;

use crate::blip::{self, Connection, Event, Message, ReplyTo, RequestId};
use crate::error::{Error, Result};
use crate::protocol::Request;
use crate::replicator::tuning;

/// Which side of the connection this is.
#[derive(Clone, Debug)]
pub enum Role {
    /// Opened the connection and drives it.
    Active(ActiveConfig),
    /// Accepted the connection and answers.
    Passive,
}

/// What an active side wants.
#[derive(Clone, Copy, Debug)]
pub struct ActiveConfig {
    /// Send local changes.
    pub push: bool,
    /// Receive remote changes.
    pub pull: bool,
    /// Go on when caught up.
    pub continuous: bool,
    /// Remove documents to which the user lost access.
    pub auto_purge: bool,
}

/// How a core is set up.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// Which side.
    pub role: Role,
    /// Collections, in the order of their [`CollectionIndex`].
    pub collections: Vec<CoreCollection>,
    /// Whether deltas are sent to a peer that takes them, and taken (wire §6).
    pub deltas: bool,
    /// Limits of the BLIP connection.
    pub blip: blip::Config,
    /// Time since 1970 at the moment of [`Core::new`].
    pub unix_time: Duration,
}

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoreStatus {
    /// Whether anything is being transferred (else caught up).
    pub busy: bool,
    /// Changes done.
    pub completed: u64,
    /// Changes known of.
    pub total: u64,
}

/// What the driver must do.
#[derive(Debug)]
pub enum Output {
    /// Carry this to the database and bring the answer back with the token.
    Database(RequestToken, DbRequest),
    /// The status changed.
    Status(CoreStatus),
    /// Documents whose fate is decided.
    Documents(Vec<DocumentEnded>),
    /// The client of a passive side has said which collections it replicates. Given once.
    Opened(Vec<CollectionIndex>),
    /// Ask the application whether the client may replicate this way and bring the answer to
    /// [`Core::handle_permission`]. Given once a direction, and only if [`Access::asks`].
    Ask(Direction),
    /// Send what is queued, then this CLOSE. Given once.
    Close(CloseReason),
    /// Nothing more now; call [`Core::handle_timeout`] at this time.
    Timeout(Option<Instant>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    /// Saves checkpoints until this time at the latest.
    Stopping(Instant),
    /// CLOSE is to be given out.
    Closing,
    Closed,
}

/// See the module.
pub struct Core {
    cx: Context,
    role: Role,
    collections: Vec<Collection>,
    passive: PassiveSession,
    gate: Gate,
    fetcher: BlobFetcher,
    sender: BlobSender,
    phase: Phase,
    deltas: bool,
    close: Option<CloseReason>,
    outcome: Result<()>,
    told: CoreStatus,
    /// When the compressor is given back if nothing is sent before.
    compressor_idle_at: Option<Instant>,
}

impl Core {
    /// A core for a connection that is open.
    pub fn new(config: CoreConfig, now: Instant) -> Self {
        let legacy = matches!(&config.collections[..], [only] if only.spec.is_default());
        let active = match &config.role {
            Role::Active(active) => Some(*active),
            Role::Passive => None,
        };
        let collections = config
            .collections
            .into_iter()
            .zip(0..)
            .map(|(collection, number)| {
                let index = CollectionIndex(number);
                // Couchbase Lite speaks legacy mode for the default collection alone (wire §3.1).
                let wire = (!legacy).then_some(number);
                let client_id = collection.client_id.clone();
                let mut collection = Collection::new(index, collection, wire);
                collection.checkpointer = active.map(|active| {
                    let directions = (active.push, active.pull);
                    Checkpointer::new(index, wire, client_id, directions)
                });
                collection
            })
            .collect();
        let mut core = Self {
            cx: Context::new(Connection::new(config.blip), now, config.unix_time),
            role: config.role,
            collections,
            passive: PassiveSession::default(),
            gate: Gate::default(),
            fetcher: BlobFetcher::default(),
            sender: BlobSender::default(),
            phase: Phase::Starting,
            deltas: config.deltas,
            close: None,
            outcome: Ok(()),
            told: CoreStatus::default(),
            compressor_idle_at: None,
        };
        core.start();
        core
    }

    fn start(&mut self) {
        match self.role {
            Role::Passive => {
                self.phase = Phase::Running;
                if self.deltas {
                    self.cx.keep_delta_bases(true);
                }
            }
            Role::Active(_) => {
                for checkpointer in self
                    .collections
                    .iter()
                    .filter_map(|c| c.checkpointer.as_ref())
                {
                    checkpointer.load(&mut self.cx);
                }
            }
        }
    }

    /// Sets what a client may do (passive side). Before the first message.
    pub fn set_access(&mut self, access: Access) {
        self.gate.set_access(access);
    }

    /// A WebSocket message arrived.
    pub fn handle_ws_message(&mut self, data: &[u8], now: Instant) {
        self.cx.now = now;
        if matches!(self.phase, Phase::Closing | Phase::Closed) {
            return;
        }
        if let Err(violation) = self.cx.blip.handle_ws_message(data) {
            tracing::warn!(target: "replicator", %violation, "peer broke the BLIP protocol");
            let code = violation.close_code();
            let error = Error::WebSocketClosed {
                code,
                message: violation.to_string(),
            };
            self.cx.fail(error, code);
        }
        self.drain_events();
    }

    fn drain_events(&mut self) {
        while let Some(event) = self.cx.blip.poll_event() {
            if self.cx.fatal.is_some() {
                return;
            }
            self.handle_event(event);
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Request { to, message } => self.handle_request(to, message),
            Event::Reply { id, result } => {
                if let Some(route) = self.cx.take_reply_route(id) {
                    self.handle_reply(route, result);
                }
            }
            Event::ReplyStart { .. } => {}
            Event::ReplyData { id, data } => {
                if let Some(ReplyRoute::Fetch(fetch)) = self.cx.reply_route(id) {
                    let fetch = *fetch;
                    self.fetcher.handle_data(fetch, data, &mut self.cx);
                }
            }
            Event::ReplyEnd { id, result } => {
                if let Some(ReplyRoute::Fetch(fetch)) = self.cx.take_reply_route(id) {
                    self.fetcher.handle_end(fetch, result, &mut self.cx);
                    self.pass_on_blobs();
                }
            }
            Event::Sent { id } => self.handle_sent(id),
            Event::StreamLow { stream } => self.sender.handle_low(stream, &mut self.cx),
        }
    }

    fn handle_sent(&mut self, id: RequestId) {
        if self.is_stopping() {
            return;
        }
        if let Some(ReplyRoute::Push(index, _)) = self.cx.reply_route(id)
            && let Some(pusher) = &mut self.collections[index.0 as usize].pusher
        {
            pusher.handle_written(id, &mut self.cx);
        }
    }

    fn handle_request(&mut self, to: Option<ReplyTo>, message: Message) {
        if self.is_stopping() {
            return;
        }
        let result = Request::decode(message).and_then(|request| match self.role {
            Role::Active(_) => self.handle_request_as_active(to, request),
            Role::Passive => self.handle_request_as_passive(to, request),
        });
        if let Err(error) = result {
            tracing::debug!(target: "replicator", %error, "request refused");
            if let Some(to) = to {
                self.cx.blip.reply_error(to, &error);
            }
        }
    }

    fn handle_reply(&mut self, route: ReplyRoute, result: Result<Message>) {
        let stopping = self.is_stopping();
        let cx = &mut self.cx;
        match route {
            ReplyRoute::GetCollections => self.handle_collections_reply(result),
            ReplyRoute::Checkpoint(index, step) => {
                if let Some(checkpointer) = &mut self.collections[index.0 as usize].checkpointer {
                    checkpointer.handle_reply(step, result, cx);
                }
                if step == CheckpointStep::FetchRemote && self.cx.fatal.is_none() {
                    self.run();
                }
            }
            ReplyRoute::SubChanges => {
                if let Err(error) = result {
                    cx.fail(error, 4002);
                }
            }
            ReplyRoute::Push(index, step) if !stopping => {
                if let Some(pusher) = &mut self.collections[index.0 as usize].pusher {
                    pusher.handle_reply(step, result, cx);
                }
            }
            ReplyRoute::Push(..) | ReplyRoute::Fetch(_) => {}
        }
    }

    /// A database request was answered.
    pub fn handle_answer(&mut self, token: RequestToken, answer: DbAnswer, now: Instant) {
        self.cx.now = now;
        if self.cx.fatal.is_some() || self.phase == Phase::Closed {
            return;
        }
        let stopping = self.is_stopping();
        let cx = &mut self.cx;
        match cx.take_db_route(token) {
            Some(DbRoute::Checkpoint(index, step)) => {
                if let Some(checkpointer) = &mut self.collections[index.0 as usize].checkpointer {
                    checkpointer.handle_answer(step, answer, cx);
                }
                if step == CheckpointStep::LoadLocal {
                    self.fetch_checkpoints_once_loaded();
                }
            }
            Some(DbRoute::Emptiness(index)) => {
                let empty = matches!(answer, DbAnswer::Empty(Ok(true)));
                let collection = &self.collections[index.0 as usize];
                if let Some(puller) = &collection.puller {
                    puller.subscribe(None, empty, cx);
                }
            }
            Some(DbRoute::Push(index, step)) if !stopping => {
                if let Some(pusher) = &mut self.collections[index.0 as usize].pusher {
                    pusher.handle_answer(step, answer, cx);
                }
            }
            Some(DbRoute::Pull(index, step)) => {
                if let Some(puller) = &mut self.collections[index.0 as usize].puller {
                    puller.handle_answer(step, answer, &mut self.fetcher, cx);
                }
            }
            Some(DbRoute::Fetch(fetch)) => {
                self.fetcher.handle_answer(fetch, answer, cx);
                self.pass_on_blobs();
            }
            Some(DbRoute::Send(send)) => self.sender.handle_answer(send, answer, cx),
            Some(DbRoute::PeerCheckpoint(to)) => {
                passive::answer_checkpoint(to, answer, cx);
            }
            Some(DbRoute::PeerCheckpoints(place)) => {
                self.passive.handle_checkpoint(place, answer, cx);
            }
            Some(DbRoute::Push(..) | DbRoute::Nobody) | None => {
                if let DbAnswer::Done(Err(error)) = answer {
                    tracing::warn!(target: "replicator", %error, "database request failed");
                }
            }
        }
        // A connection may have become able to send meanwhile.
        self.drain_events();
    }

    /// The collection has a commit that this connection did not make, or did.
    pub fn handle_local_change(&mut self, index: CollectionIndex, now: Instant) {
        self.cx.now = now;
        if self.phase == Phase::Running
            && let Some(pusher) = &mut self.collections[index.0 as usize].pusher
        {
            pusher.handle_local_change(&mut self.cx);
        }
    }

    /// The time that [`Output::Timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.cx.now = now;
        if self.compressor_idle_at.is_some_and(|at| at <= now) {
            self.compressor_idle_at = None;
            self.cx.blip.drop_deflater();
        }
    }

    /// The peer closed the connection: with a CLOSE, or without one (`None`).
    pub fn handle_disconnect(&mut self, close: Option<CloseReason>) {
        let ours = matches!(self.phase, Phase::Closing | Phase::Closed);
        self.phase = Phase::Closed;
        if ours || matches!(self.role, Role::Passive) {
            return;
        }
        // Wire §1.11: a peer that ends a replication unasked is gone for good, however politely.
        let (code, message) = match close {
            Some(close) if matches!(close.code, 1000 | 1001) => {
                (1001, "connection closed by peer".to_owned())
            }
            Some(close) => (close.code, close.reason),
            None => (1006, "connection closed abnormally".to_owned()),
        };
        if self.outcome.is_ok() {
            self.outcome = Err(Error::WebSocketClosed { code, message });
        }
    }

    /// The connection broke with an error of its own.
    pub fn handle_transport_error(&mut self, error: Error) {
        let ours = matches!(self.phase, Phase::Closing | Phase::Closed);
        self.phase = Phase::Closed;
        if !ours && self.outcome.is_ok() {
            self.outcome = Err(error);
        }
    }

    /// Ends the work: an active side saves its checkpoints first, a passive one closes with 4001
    /// so that continuous clients come back (wire §1.11).
    pub fn stop(&mut self, now: Instant) {
        self.cx.now = now;
        match (&self.role, self.phase) {
            (Role::Passive, Phase::Starting | Phase::Running) => {
                self.begin_close(4001, "listener stopped");
            }
            (Role::Active(_), Phase::Starting) => self.begin_close(1000, ""),
            (Role::Active(_), Phase::Running) => {
                self.phase = Phase::Stopping(now + tuning::STOP_PATIENCE);
            }
            _ => {}
        }
    }

    /// Ends a client's connection for good: its right was withdrawn (trust §6.2). It is told with
    /// 1008, after which no client comes back by itself.
    pub fn revoke(&mut self, now: Instant) {
        self.cx.now = now;
        if matches!(self.phase, Phase::Starting | Phase::Running) {
            self.begin_close(1008, "access withdrawn");
        }
    }

    /// What became of the connection; meaningful once it is closed.
    pub fn outcome(&self) -> Result<()> {
        self.outcome.clone()
    }

    /// Whether the peer should not be listened to now: it asks for more than it takes.
    pub fn is_congested(&self) -> bool {
        self.cx.is_congested()
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// One WebSocket message to send, into `out` (cleared first); false when there is none.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>, now: Instant) -> bool {
        self.cx.now = now;
        if self.phase == Phase::Closed {
            return false;
        }
        if !self.cx.blip.poll_transmit(out) {
            self.cx.blip.rest();
            return false;
        }
        self.compressor_idle_at = Some(now + tuning::COMPRESSOR_IDLE);
        self.drain_events();
        true
    }

    /// The next thing to do; see the module.
    pub fn poll_output(&mut self) -> Output {
        if let Some((token, request)) = self.cx.requests.pop_front() {
            return Output::Database(token, request);
        }
        self.end_turn();
        if let Some((token, request)) = self.cx.requests.pop_front() {
            return Output::Database(token, request);
        }
        if !self.cx.ended.is_empty() {
            return Output::Documents(std::mem::take(&mut self.cx.ended));
        }
        let status = self.status();
        if status != self.told {
            self.told = status;
            return Output::Status(status);
        }
        if let Some(collections) = self.gate.take_opened() {
            return Output::Opened(collections);
        }
        if let Some(direction) = self.gate.take_question() {
            return Output::Ask(direction);
        }
        if let Some(close) = self.close.take() {
            return Output::Close(close);
        }
        Output::Timeout(self.deadline())
    }

    fn end_turn(&mut self) {
        if let Some((error, close)) = self.cx.fatal.take() {
            if !matches!(self.phase, Phase::Closing | Phase::Closed) {
                self.outcome = Err(error);
                self.begin_close(close.code, &close.reason);
            }
            return;
        }
        if matches!(self.phase, Phase::Closing | Phase::Closed) {
            return;
        }
        for collection in &mut self.collections {
            collection.end_turn(&mut self.cx);
        }
        self.pass_on_blobs();
        let Role::Active(active) = self.role else {
            return;
        };
        match self.phase {
            Phase::Running => {
                let idle = self.is_idle();
                if idle && !active.continuous {
                    self.give_up_conflicts();
                }
                self.save_checkpoints(idle);
                if idle && !active.continuous && self.is_idle() && self.is_settled() {
                    self.begin_close(1000, "");
                }
            }
            Phase::Stopping(deadline) => {
                self.save_checkpoints(true);
                if self.is_settled() || self.cx.now >= deadline {
                    self.begin_close(1000, "");
                }
            }
            Phase::Starting | Phase::Closing | Phase::Closed => {}
        }
    }

    fn begin_close(&mut self, code: u16, reason: &str) {
        self.phase = Phase::Closing;
        self.close = Some(CloseReason {
            code,
            reason: reason.to_owned(),
        });
    }

    fn is_stopping(&self) -> bool {
        !matches!(self.phase, Phase::Starting | Phase::Running)
    }

    fn is_idle(&self) -> bool {
        self.collections.iter().all(Collection::is_idle)
    }

    fn is_settled(&self) -> bool {
        self.collections
            .iter()
            .filter_map(|collection| collection.checkpointer.as_ref())
            .all(Checkpointer::is_settled)
    }

    fn status(&self) -> CoreStatus {
        let busy = match self.phase {
            Phase::Running => !self.is_idle() || !self.is_settled(),
            _ => true,
        };
        let (completed, total) = self
            .collections
            .iter()
            .map(Collection::progress)
            .fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
        CoreStatus {
            busy,
            completed: completed.min(total),
            total,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let stop = match self.phase {
            Phase::Stopping(deadline) => Some(deadline),
            _ => None,
        };
        self.collections
            .iter()
            .filter_map(|collection| collection.checkpointer.as_ref()?.deadline())
            .chain(stop)
            .chain(self.compressor_idle_at)
            .min()
    }

    fn pass_on_blobs(&mut self) {
        for (waiter, result) in self.fetcher.take_finished() {
            let collection = &mut self.collections[waiter.collection.0 as usize];
            if let Some(puller) = &mut collection.puller {
                puller.handle_blob(waiter.key, result, &mut self.fetcher, &mut self.cx);
            }
        }
    }
}
