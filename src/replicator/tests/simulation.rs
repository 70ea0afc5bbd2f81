//! Two cores, two databases on disk, a link and a clock that are made up: every event happens in the order
//! that a seed says, and an hour of protocol passes in no time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::pair::Peer;
use crate::error::{Error, Result};
use crate::replicator::core::effects::{
    CloseReason, CollectionIndex, DbAnswer, DbRequest, RequestToken,
};
use crate::replicator::core::{ActiveConfig, Core, CoreConfig, CoreStatus, Output, Role};
use crate::replicator::db_access::{DbAccess, DbInput};

/// Frames that may be under way in one direction.
const LANE: usize = 64;
/// Connections after which a replication that is cut again and again must be done.
const CONNECTIONS: u32 = 400;

/// A small generator of numbers that look random (xorshift).
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// What the link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkKind {
    Clean,
    /// 80 ms each way, 50 frames a second.
    Slow,
    /// Breaks after some frames, again and again; what is under way is lost.
    Cut,
    /// Databases answer in any order, so that replies overtake each other.
    Reordered,
}

#[derive(Debug)]
enum Parcel {
    Frame(Bytes),
    Close(CloseReason),
}

struct End {
    core: Core,
    access: DbAccess,
    inputs: UnboundedReceiver<DbInput>,
    /// Questions that the database has not answered.
    outstanding: usize,
    answers: VecDeque<(RequestToken, DbAnswer)>,
    changes: Vec<CollectionIndex>,
    status: CoreStatus,
    timeout: Option<Instant>,
    close: Option<CloseReason>,
    /// A CLOSE went out.
    closing: bool,
    /// On its way *to* this end.
    lane: VecDeque<(Instant, Parcel)>,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    Cut,
    Closed(Result<()>),
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Progress,
    Idle,
}

/// See the module.
pub(super) struct Simulation<'a> {
    active: &'a Peer,
    passive: &'a Peer,
    config: ActiveConfig,
    link: LinkKind,
    dice: Dice,
    now: Instant,
    /// Frames until the link breaks.
    frames_left: usize,
    patience: usize,
    ends: Vec<End>,
    /// Frames of all connections.
    pub(super) frames: usize,
    /// Bytes of all connections, with the head of the WebSocket message that each frame is.
    pub(super) bytes: usize,
    /// Connections that were cut.
    pub(super) cuts: usize,
}

impl<'a> Simulation<'a> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the made-up clock has to start somewhere"
    )]
    pub(super) fn new(
        active: &'a Peer,
        passive: &'a Peer,
        config: ActiveConfig,
        link: LinkKind,
        seed: u64,
    ) -> Self {
        let mut dice = Dice::new(seed);
        let patience = 12 + dice.below(20);
        Self {
            active,
            passive,
            config,
            link,
            dice,
            now: Instant::now(),
            frames_left: 0,
            patience,
            ends: Vec::new(),
            frames: 0,
            bytes: 0,
            cuts: 0,
        }
    }

    /// Replicates until all is done, connecting as often as needed. Each of `edits` happens once what
    /// was before it has been replicated: in the same connection if it is continuous.
    pub(super) fn run(&mut self, edits: &[&dyn Fn()]) {
        let mut edits = edits.iter();
        for _ in 0..CONNECTIONS {
            self.connect();
            match self.session(&mut edits) {
                Ended::Closed(outcome) => {
                    assert_eq!(outcome, Ok(()));
                    match edits.next().filter(|_| !self.config.continuous) {
                        Some(edit) => edit(),
                        None => return,
                    }
                }
                Ended::Cut => {
                    self.patience += 1;
                    self.cuts += 1;
                }
            }
        }
        panic!("not done after {CONNECTIONS} connections");
    }

    fn session<'e>(&mut self, edits: &mut impl Iterator<Item = &'e &'e dyn Fn()>) -> Ended {
        loop {
            if self.step() == Step::Idle {
                assert!(self.config.continuous, "a one-shot replication hangs");
                match edits.next() {
                    Some(edit) => edit(),
                    None => self.ends[0].core.stop(self.now),
                }
            }
            if self.link == LinkKind::Cut && self.frames_left == 0 {
                return self.cut();
            }
            if self.ends.iter().all(|end| end.core.is_closed()) {
                return Ended::Closed(self.ends[0].core.outcome());
            }
        }
    }

    fn cut(&mut self) -> Ended {
        for end in &mut self.ends {
            end.core.handle_disconnect(None);
        }
        let outcome = self.ends[0].core.outcome();
        if let Err(error) = &outcome {
            assert!(error.is_transient(), "{error:?}");
            return Ended::Cut;
        }
        // It had said goodbye already.
        Ended::Closed(outcome)
    }

    fn connect(&mut self) {
        let roles = [
            (
                self.active,
                Role::Active(self.config),
                Some(self.active.remote()),
            ),
            (self.passive, Role::Passive, None),
        ];
        // Whatever was left of the connection before is gone first.
        self.ends.clear();
        self.frames_left = self.patience;
        self.ends = roles
            .into_iter()
            .map(|(peer, role, remote)| {
                let (sender, inputs) = unbounded_channel();
                let specs = peer.collections.clone();
                let access = DbAccess::new(peer.database.clone(), specs, remote, sender).unwrap();
                let config = CoreConfig {
                    role,
                    ..peer.core(self.config)
                };
                End {
                    core: Core::new(config, self.now),
                    access,
                    inputs,
                    outstanding: 0,
                    answers: VecDeque::new(),
                    changes: Vec::new(),
                    status: CoreStatus {
                        busy: true,
                        ..CoreStatus::default()
                    },
                    timeout: None,
                    close: None,
                    closing: false,
                    lane: VecDeque::new(),
                }
            })
            .collect();
    }

    /// Does all that can be done now, or else moves the clock.
    fn step(&mut self) -> Step {
        let mut moved = false;
        for side in 0..2 {
            self.ends[side].carry_out();
            moved |= self.transmit(side);
            self.ends[side].collect();
            moved |= self.deliver_answers(side);
            moved |= self.deliver_frames(side);
        }
        if moved {
            return Step::Progress;
        }
        let due = |end: &End| end.lane.front().map(|(due, _)| *due);
        let arrivals = self.ends.iter().filter_map(due);
        let timers = (self.ends.iter())
            .filter(|end| !end.core.is_closed())
            .filter_map(|end| end.timeout);
        let quiet = self.ends.iter().all(|end| end.lane.is_empty());
        if quiet && !self.ends[0].status.busy && !self.ends[0].core.is_closed() {
            return Step::Idle;
        }
        let next = arrivals.chain(timers).min();
        let next =
            next.unwrap_or_else(|| panic!("nothing will ever happen: {:?}", self.ends[0].status));
        self.now = self.now.max(next);
        for end in &mut self.ends {
            if end.timeout.is_some_and(|at| at <= self.now) {
                end.core.handle_timeout(self.now);
            }
        }
        Step::Progress
    }

    fn transmit(&mut self, side: usize) -> bool {
        let mut moved = false;
        let other = 1 - side;
        let mut frame = Vec::new();
        while self.ends[other].lane.len() < LANE
            && self.ends[side].core.poll_transmit(&mut frame, self.now)
        {
            if self.link == LinkKind::Cut {
                if self.frames_left == 0 {
                    return true;
                }
                self.frames_left -= 1;
            }
            self.frames += 1;
            // RFC 6455 §5.2; the client masks.
            let head = if frame.len() < 126 { 2 } else { 4 };
            self.bytes += frame.len() + head + if side == 0 { 4 } else { 0 };
            let frame = Bytes::from(std::mem::take(&mut frame));
            self.send(other, Parcel::Frame(frame));
            moved = true;
        }
        if let Some(close) = self.ends[side].close_to_send() {
            self.send(other, Parcel::Close(close));
            moved = true;
        }
        moved
    }

    fn send(&mut self, to: usize, parcel: Parcel) {
        let due = match self.link {
            LinkKind::Slow => {
                let last = self.ends[to].lane.back().map_or(self.now, |(due, _)| *due);
                (last + Duration::from_millis(20)).max(self.now + Duration::from_millis(80))
            }
            _ => self.now,
        };
        self.ends[to].lane.push_back((due, parcel));
    }

    fn deliver_answers(&mut self, side: usize) -> bool {
        let end = &mut self.ends[side];
        let mut moved = false;
        if !end.core.is_closed() {
            for index in std::mem::take(&mut end.changes) {
                end.access.acknowledge_change(index);
                end.core.handle_local_change(index, self.now);
                moved = true;
            }
        }
        let mut deliver = end.answers.len();
        if self.link == LinkKind::Reordered && deliver > 0 {
            // Some now, in any order, the others later.
            deliver = 1 + self.dice.below(deliver);
            for _ in 0..deliver {
                let chosen = self.dice.below(end.answers.len());
                let of_blob = |answer: &DbAnswer| {
                    matches!(answer, DbAnswer::BlobOpened(_) | DbAnswer::BlobData(_))
                };
                // Bytes of an attachment come in order.
                let first = match end.answers.get(chosen) {
                    Some((_, answer)) if of_blob(answer) => {
                        end.answers.iter().position(|(_, answer)| of_blob(answer))
                    }
                    _ => Some(chosen),
                };
                if let Some((token, answer)) = first.and_then(|at| end.answers.remove(at)) {
                    end.core.handle_answer(token, answer, self.now);
                }
            }
            return true;
        }
        for (token, answer) in end.answers.drain(..) {
            end.core.handle_answer(token, answer, self.now);
            moved = true;
        }
        moved
    }

    fn deliver_frames(&mut self, side: usize) -> bool {
        let mut moved = false;
        while self.ends[side]
            .lane
            .front()
            .is_some_and(|(due, _)| *due <= self.now)
        {
            let Some((_, parcel)) = self.ends[side].lane.pop_front() else {
                break;
            };
            moved = true;
            match parcel {
                Parcel::Frame(frame) => self.ends[side].core.handle_ws_message(&frame, self.now),
                Parcel::Close(close) => {
                    let answers = !std::mem::replace(&mut self.ends[side].closing, true);
                    self.ends[side].core.handle_disconnect(Some(close.clone()));
                    if answers {
                        self.send(1 - side, Parcel::Close(close));
                    }
                }
            }
        }
        moved
    }
}

impl End {
    /// Carries out the core's effects, but for the CLOSE.
    fn carry_out(&mut self) {
        loop {
            match self.core.poll_output() {
                Output::Database(token, request) => {
                    let answered = !matches!(
                        request,
                        DbRequest::CloseBlob(_)
                            | DbRequest::CreateBlob { .. }
                            | DbRequest::WriteBlob { .. }
                            | DbRequest::AbortBlob(_)
                    );
                    self.outstanding += usize::from(answered);
                    self.access.submit(token, request);
                }
                Output::Status(status) => self.status = status,
                Output::Documents(ended) => {
                    for document in ended {
                        let conflict =
                            matches!(document.error, Some(Error::Http { status: 409, .. }));
                        assert!(document.error.is_none() || conflict, "{document:?}");
                    }
                }
                Output::Close(close) => self.close = Some(close),
                Output::Opened(_) => {}
                Output::Ask(question) => panic!("nobody is there to be asked {question:?}"),
                Output::Timeout(at) => {
                    self.timeout = at;
                    return;
                }
            }
        }
    }

    fn close_to_send(&mut self) -> Option<CloseReason> {
        let close = self.close.take()?;
        (!std::mem::replace(&mut self.closing, true)).then_some(close)
    }

    /// Waits for what the database was asked.
    fn collect(&mut self) {
        loop {
            let input = if self.outstanding > 0 {
                self.inputs.blocking_recv()
            } else {
                self.inputs.try_recv().ok()
            };
            match input {
                Some(DbInput::Answer(token, answer)) => {
                    self.outstanding -= 1;
                    self.answers.push_back((token, answer));
                }
                Some(DbInput::LocalChange(index)) => self.changes.push(index),
                Some(DbInput::BlobBacklogLow | DbInput::CheckPeer) => {}
                None => return,
            }
        }
    }
}
