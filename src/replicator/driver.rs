//! The one task of a connection: carries frames, database answers, changes and time to the core,
//! and the core's effects to the socket and the database.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::core::effects::{CloseReason, CollectionIndex, Direction, DocumentEnded};
use super::core::{Access, Core, CoreConfig, CoreStatus, Output};
use super::db_access::{DbAccess, DbInput};
use super::tuning;
use crate::error::{Error, NetworkReason, Result};
use crate::transport::{BoxTransport, Outgoing, Received};

/// What the owner of a connection hears of it. Called from the connection's task; may not block.
pub(crate) trait DriverObserver: Send {
    /// Work began, went on, or ended for now.
    fn status(&mut self, status: CoreStatus);
    /// Documents whose fate is decided.
    fn documents(&mut self, ended: Vec<DocumentEnded>);
    /// The client says which collections it replicates (passive side).
    fn opened(&mut self, _collections: Vec<CollectionIndex>) {}
    /// Whether the client may replicate in a direction; asked only if [`Access::asks`].
    fn may(&mut self, _direction: Direction) -> BoxFuture<'static, bool> {
        ready(false).boxed()
    }
    /// Whether a stop is for good, because the client's right was withdrawn.
    fn is_revoked(&self) -> bool {
        false
    }
}

/// See the module.
pub(crate) struct Driver<O> {
    core: Core,
    transport: BoxTransport,
    database: DbAccess,
    inputs: UnboundedReceiver<DbInput>,
    observer: O,
    heartbeat: Duration,
    /// A frame that the socket had no room for yet.
    frame: Option<Bytes>,
    close: Option<CloseReason>,
    unflushed: bool,
    heard_at: Instant,
    pinged_at: Option<Instant>,
    close_by: Option<Instant>,
    received: VecDeque<Bytes>,
    /// Questions to the application that wait for its answer.
    questions: FuturesUnordered<BoxFuture<'static, (Direction, bool)>>,
}

enum Wake {
    /// Frames went out; the core may have more to say.
    Progress,
    Input(DbInput),
    /// Messages came, which wait in `received`; perhaps the end after them.
    Received(Option<End>),
    Broken(Error),
    Permission(Direction, bool),
    Stop,
    Timer,
}

/// How the peer's side of the connection ended.
enum End {
    Closed(CloseReason),
    Broken(Error),
    Gone,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the driver is where time comes from"
)]
fn now() -> Instant {
    Instant::now()
}

impl<O: DriverObserver> Driver<O> {
    /// A driver for an open connection.
    pub(crate) fn new(
        config: CoreConfig,
        transport: BoxTransport,
        database: DbAccess,
        inputs: UnboundedReceiver<DbInput>,
        observer: O,
        heartbeat: Duration,
    ) -> Self {
        let now = now();
        Self {
            core: Core::new(config, now),
            transport,
            database,
            inputs,
            observer,
            heartbeat,
            frame: None,
            close: None,
            unflushed: false,
            heard_at: now,
            pinged_at: None,
            close_by: None,
            received: VecDeque::new(),
            questions: FuturesUnordered::new(),
        }
    }

    /// Sets what the client may do (passive side).
    pub(crate) fn with_access(mut self, access: Access) -> Self {
        self.core.set_access(access);
        self
    }

    /// Runs the connection to its end.
    ///
    /// Cancelling `stop` ends it in good order. Dropping the future drops the socket.
    ///
    /// # Errors
    /// Why the replication on this connection failed.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<()> {
        let mut stopped = pin!(stop.cancelled());
        let mut stopping = false;
        let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            let deadline = self.carry_out_effects();
            if self.core.is_closed() {
                self.say_goodbye().await;
                return self.core.outcome();
            }
            timer.as_mut().reset(deadline.into());
            let wake = poll_fn(|cx| {
                if let Poll::Ready(wake) = self.poll(cx, timer.as_mut()) {
                    return Poll::Ready(wake);
                }
                if !stopping && stopped.as_mut().poll(cx).is_ready() {
                    stopping = true;
                    return Poll::Ready(Wake::Stop);
                }
                Poll::Pending
            })
            .await;
            self.handle(wake);
        }
    }

    /// Drains the core; answers when it wants to be woken at the latest.
    fn carry_out_effects(&mut self) -> Instant {
        loop {
            match self.core.poll_output() {
                Output::Database(token, request) => self.database.submit(token, request),
                Output::Status(status) => self.observer.status(status),
                Output::Documents(ended) => self.observer.documents(ended),
                Output::Opened(collections) => self.observer.opened(collections),
                Output::Ask(direction) => {
                    let answer = self.observer.may(direction);
                    let answer = answer.map(move |granted| (direction, granted));
                    self.questions.push(answer.boxed());
                }
                Output::Close(close) => {
                    self.close_by = Some(now() + tuning::CLOSE_PATIENCE);
                    self.close = Some(close);
                }
                Output::Timeout(deadline) => {
                    let silence = match self.pinged_at {
                        Some(at) => at + tuning::PONG_PATIENCE,
                        None => self.heard_at + self.heartbeat,
                    };
                    return [deadline, self.close_by]
                        .into_iter()
                        .flatten()
                        .fold(silence, Instant::min);
                }
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, timer: Pin<&mut Sleep>) -> Poll<Wake> {
        match self.poll_write(cx) {
            Ok(true) => return Poll::Ready(Wake::Progress),
            Ok(false) => {}
            Err(error) => return Poll::Ready(Wake::Broken(error)),
        }
        if let Poll::Ready(Some(input)) = self.inputs.poll_recv(cx) {
            return Poll::Ready(Wake::Input(input));
        }
        if !self.questions.is_empty()
            && let Poll::Ready(Some((direction, granted))) = self.questions.poll_next_unpin(cx)
        {
            return Poll::Ready(Wake::Permission(direction, granted));
        }
        // A slow disk, and a peer that takes no answers, must slow the peer.
        let backlog = self.database.blob_backlog().load(Ordering::Acquire);
        if backlog < tuning::BLOB_BACKLOG
            && !self.core.is_congested()
            && let Poll::Ready(received) = self.transport.poll_next_unpin(cx)
        {
            return Poll::Ready(Wake::Received(self.take_more(received, cx)));
        }
        if timer.poll(cx).is_ready() {
            return Poll::Ready(Wake::Timer);
        }
        Poll::Pending
    }

    /// Collects the messages that came together, so that the core's effects come together too.
    fn take_more(&mut self, first: Option<Result<Received>>, cx: &mut Context<'_>) -> Option<End> {
        let mut next = first;
        let mut bytes = 0;
        loop {
            match next {
                Some(Ok(Received::Message(data))) => {
                    bytes += data.len();
                    self.received.push_back(data);
                }
                Some(Ok(Received::Pong)) => {}
                Some(Ok(Received::Close { code, reason })) => {
                    return Some(End::Closed(CloseReason { code, reason }));
                }
                Some(Err(error)) => return Some(End::Broken(error)),
                None => return Some(End::Gone),
            }
            let full =
                self.received.len() >= tuning::FRAMES_PER_TURN || bytes >= tuning::BYTES_PER_TURN;
            if full {
                return None;
            }
            match self.transport.poll_next_unpin(cx) {
                Poll::Ready(received) => next = received,
                Poll::Pending => return None,
            }
        }
    }

    /// Hands frames to the socket while it takes them, then flushes once.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool> {
        let mut wrote = false;
        let now = now();
        let mut buffer = Vec::new();
        loop {
            if self.frame.is_none() {
                if !self.core.poll_transmit(&mut buffer, now) {
                    break;
                }
                wrote = true;
                self.frame = Some(std::mem::take(&mut buffer).into());
            }
            if self.transport.poll_ready_unpin(cx)?.is_pending() {
                break;
            }
            if let Some(frame) = self.frame.take() {
                self.transport.start_send_unpin(Outgoing::Message(frame))?;
                self.unflushed = true;
            }
        }
        if self.frame.is_none()
            && self.close.is_some()
            && self.transport.poll_ready_unpin(cx)?.is_ready()
            && let Some(CloseReason { code, reason }) = self.close.take()
        {
            self.transport
                .start_send_unpin(Outgoing::Close { code, reason })?;
            self.unflushed = true;
        }
        if self.unflushed && self.transport.poll_flush_unpin(cx)?.is_ready() {
            self.unflushed = false;
        }
        Ok(wrote)
    }

    fn handle(&mut self, wake: Wake) {
        let now = now();
        match wake {
            Wake::Progress => {}
            Wake::Input(first) => {
                self.handle_input(first, now);
                while let Ok(input) = self.inputs.try_recv() {
                    self.handle_input(input, now);
                }
            }
            Wake::Received(end) => {
                self.heard_at = now;
                self.pinged_at = None;
                for data in self.received.drain(..) {
                    self.core.handle_ws_message(&data, now);
                }
                match end {
                    None => {}
                    Some(End::Closed(close)) => self.core.handle_disconnect(Some(close)),
                    Some(End::Broken(error)) => self.core.handle_transport_error(error),
                    Some(End::Gone) => self.core.handle_disconnect(None),
                }
            }
            Wake::Broken(error) => self.core.handle_transport_error(error),
            Wake::Permission(direction, granted) => {
                self.core.handle_permission(direction, granted, now);
            }
            Wake::Stop if self.observer.is_revoked() => self.core.revoke(now),
            Wake::Stop => self.core.stop(now),
            Wake::Timer => self.handle_timer(now),
        }
    }

    fn handle_input(&mut self, input: DbInput, now: Instant) {
        match input {
            DbInput::Answer(token, answer) => self.core.handle_answer(token, answer, now),
            DbInput::LocalChange(index) => {
                self.database.acknowledge_change(index);
                self.core.handle_local_change(index, now);
            }
            DbInput::BlobBacklogLow => {}
            DbInput::CheckPeer if self.pinged_at.is_none() => self.ping(now),
            DbInput::CheckPeer => {}
        }
    }

    fn handle_timer(&mut self, now: Instant) {
        self.core.handle_timeout(now);
        if self.close_by.is_some_and(|at| at <= now) {
            // The peer does not answer the CLOSE: it is over all the same.
            return self.core.handle_disconnect(None);
        }
        match self.pinged_at {
            Some(at) if at + tuning::PONG_PATIENCE <= now => {
                let seconds = now.duration_since(self.heard_at).as_secs();
                let message = format!("peer has been silent for {seconds} s");
                let error = Error::network(NetworkReason::Timeout, message);
                self.core.handle_transport_error(error);
            }
            None if self.heard_at + self.heartbeat <= now => {
                self.ping(now);
            }
            _ => {}
        }
    }

    fn ping(&mut self, now: Instant) {
        self.pinged_at = Some(now);
        // With no room for a PING the peer's silence is its own answer.
        if self.transport.start_send_unpin(Outgoing::Ping).is_ok() {
            self.unflushed = true;
        }
    }

    /// Lets the last frames (an answer to the peer's CLOSE among them) leave.
    async fn say_goodbye(&mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.transport.close()).await;
    }
}
