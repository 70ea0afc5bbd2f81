//! Any number of databases on disk, replicating over links in memory, on a clock that only this
//! file moves: minutes of a replication's life pass in a moment, and "quiet" is a fact.
//!
//! Everything is as in the driver, but each turn waits for the database before time goes on.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::pair::Peer;
use crate::blip;
use crate::error::Result;
use crate::replicator::core::effects::{CloseReason, DbRequest, DocumentEnded};
use crate::replicator::core::{
    ActiveConfig, Core, CoreCollection, CoreConfig, CoreStatus, Output, Role,
};
use crate::replicator::db_access::{DbAccess, DbInput};

/// The only clock there is.
pub(super) struct World {
    runtime: Runtime,
    pub(super) now: Instant,
    pub(super) nodes: Vec<Peer>,
    links: Vec<Link>,
    /// Delay of each frame on its way.
    pub(super) latency: Duration,
    /// Seed of the part of the delay that differs from frame to frame; 0 for none.
    pub(super) seed: u64,
    /// BLIP frames delivered so far.
    pub(super) frames: usize,
}

/// An active and a passive side.
struct Link {
    from: usize,
    to: usize,
    config: ActiveConfig,
    /// Active, passive; empty while there is no connection.
    ends: Vec<End>,
    documents: Vec<DocumentEnded>,
    outcome: Option<Result<()>>,
}

struct End {
    core: Core,
    database: DbAccess,
    inputs: UnboundedReceiver<DbInput>,
    unanswered: usize,
    arriving: VecDeque<(Instant, Arrival)>,
    deadline: Option<Instant>,
    status: CoreStatus,
}

#[derive(Clone)]
enum Arrival {
    Frame(Bytes),
    Close(CloseReason),
}

/// Names a link.
#[derive(Clone, Copy)]
pub(super) struct LinkId(usize);

impl World {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            runtime: Runtime::new().unwrap(),
            now: start_of_time(),
            nodes: (0..nodes).map(|_| Peer::new(&["_default"])).collect(),
            links: Vec::new(),
            latency: Duration::from_millis(5),
            seed: 0,
            frames: 0,
        }
    }

    /// Connects `from`, the active side, with `to`.
    pub(super) fn connect(&mut self, from: usize, to: usize, config: ActiveConfig) -> LinkId {
        self.links.push(Link {
            from,
            to,
            config,
            ends: Vec::new(),
            documents: Vec::new(),
            outcome: None,
        });
        let id = LinkId(self.links.len() - 1);
        self.reconnect(id);
        id
    }

    /// Connects again.
    pub(super) fn reconnect(&mut self, id: LinkId) {
        let link = &self.links[id.0];
        let _context = self.runtime.enter();
        let (active, passive) = (&self.nodes[link.from], &self.nodes[link.to]);
        let url = format!("ws://node{}/db", link.to);
        let remote = active.database.remote_id(&url).unwrap();
        let collections = active.collections.iter().map(|spec| CoreCollection {
            spec: spec.clone(),
            client_id: format!("cp-{}-{}-{spec}", link.from, link.to),
            doc_ids: None,
            channels: None,
            keep_conflicts: false,
            push_filter: false,
            pull_filter: false,
        });
        let unix_time = Duration::from_secs(1_795_323_119);
        let config = |role, collections| CoreConfig {
            role,
            collections,
            deltas: true,
            blip: blip::Config::default(),
            unix_time,
        };
        let near = config(Role::Active(link.config), collections.collect());
        let far = config(
            Role::Passive,
            passive
                .collections
                .iter()
                .cloned()
                .map(Core::served_collection)
                .collect(),
        );
        let now = self.now;
        let end = |node: &Peer, config, remote| {
            let (sender, inputs) = unbounded_channel();
            let specs = node.collections.clone();
            End {
                core: Core::new(config, now),
                database: DbAccess::new(node.database.clone(), specs, remote, sender).unwrap(),
                inputs,
                unanswered: 0,
                arriving: VecDeque::new(),
                deadline: Some(now),
                status: CoreStatus::default(),
            }
        };
        let ends = vec![end(active, near, Some(remote)), end(passive, far, None)];
        let link = &mut self.links[id.0];
        link.ends = ends;
        link.outcome = None;
    }

    /// The connection breaks without a word.
    pub(super) fn cut(&mut self, id: LinkId) {
        let link = &mut self.links[id.0];
        for end in &mut link.ends {
            end.core.handle_disconnect(None);
        }
        link.finish();
    }

    /// Asks the active side to stop.
    pub(super) fn stop(&mut self, id: LinkId) {
        let now = self.now;
        if let Some(end) = self.links[id.0].ends.first_mut() {
            end.core.stop(now);
        }
    }

    /// How the last connection ended; `None` while it lives.
    pub(super) fn outcome(&self, id: LinkId) -> Option<&Result<()>> {
        self.links[id.0].outcome.as_ref()
    }

    /// Documents that the active side has reported since the last call.
    pub(super) fn take_documents(&mut self, id: LinkId) -> Vec<DocumentEnded> {
        std::mem::take(&mut self.links[id.0].documents)
    }

    pub(super) fn status(&self, id: LinkId) -> CoreStatus {
        self.links[id.0].ends[0].status
    }

    /// Runs until nothing is on its way and nobody waits for a time; the number of frames that it
    /// took. Fails the test when there is no end of it.
    pub(super) fn run_until_quiet(&mut self) -> usize {
        let before = self.frames;
        while self.step() {
            assert!(
                self.frames - before < 100_000,
                "the peers never go quiet, seed {}",
                self.seed
            );
        }
        self.frames - before
    }

    /// Runs for so long, and no further.
    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.next_time().is_some_and(|next| next <= end) {
            self.step();
        }
        self.now = end;
    }

    /// As [`World::run_frames`]; false when nothing happens any more.
    pub(super) fn run_frames_counted(&mut self, frames: usize) -> bool {
        let before = self.frames;
        self.run_frames(frames);
        self.frames > before
    }

    /// Delivers this many frames, if there are that many.
    pub(super) fn run_frames(&mut self, frames: usize) {
        let end = self.frames + frames;
        while self.frames < end && self.step() {}
    }

    /// Whether all nodes hold the same.
    pub(super) fn assert_equal(&self) {
        let contents: Vec<_> = self.nodes.iter().map(Peer::contents).collect();
        for other in &contents[1..] {
            assert_eq!(&contents[0], other);
        }
    }

    /// Goes to the next thing that happens; false when nothing will.
    fn step(&mut self) -> bool {
        self.settle();
        let Some(next) = self.next_time() else {
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        for link in &mut self.links {
            for end in &mut link.ends {
                while end.arriving.front().is_some_and(|(at, _)| *at <= now) {
                    match end.arriving.pop_front() {
                        Some((_, Arrival::Frame(data))) => {
                            self.frames += 1;
                            end.core.handle_ws_message(&data, now);
                        }
                        Some((_, Arrival::Close(close))) => end.core.handle_disconnect(Some(close)),
                        None => {}
                    }
                }
                if end.deadline.is_some_and(|at| at <= now) {
                    end.core.handle_timeout(now);
                }
            }
        }
        self.settle();
        true
    }

    fn next_time(&self) -> Option<Instant> {
        let ends = self.links.iter().flat_map(|link| &link.ends);
        ends.flat_map(|end| {
            let arrival = end.arriving.front().map(|(at, _)| *at);
            arrival.into_iter().chain(end.deadline)
        })
        .min()
    }

    /// Carries out what the cores want, until the databases have answered everything.
    fn settle(&mut self) {
        let _entered = self.runtime.enter();
        let (now, latency) = (self.now, self.latency);
        loop {
            let mut moved = false;
            for link in &mut self.links {
                moved |= link.settle(now, || latency + jitter(&mut self.seed, latency));
            }
            if !moved {
                return;
            }
        }
    }
}

impl Link {
    fn settle(&mut self, now: Instant, mut latency: impl FnMut() -> Duration) -> bool {
        let mut moved = false;
        for side in 0..self.ends.len() {
            let (out, ended) = self.ends[side].turn(now, &mut moved);
            if side == 0 {
                self.documents.extend(ended);
            }
            let other = &mut self.ends[1 - side];
            for arrival in out {
                // One does not overtake another.
                let last = other.arriving.back().map(|(at, _)| *at);
                let at = (now + latency()).max(last.unwrap_or(now));
                other.arriving.push_back((at, arrival));
            }
        }
        let over = self.ends.iter().any(|end| end.core.is_closed());
        let nothing_on_its_way = self.ends.iter().all(|end| end.arriving.is_empty());
        if over && nothing_on_its_way {
            // Whoever closed first hears of the end only now.
            for end in &mut self.ends {
                end.core.handle_disconnect(None);
            }
            self.finish();
        }
        moved
    }

    fn finish(&mut self) {
        if let Some(active) = self.ends.first() {
            self.outcome = Some(active.core.outcome());
        }
        self.ends.clear();
    }
}

impl End {
    fn turn(&mut self, now: Instant, moved: &mut bool) -> (Vec<Arrival>, Vec<DocumentEnded>) {
        let (mut out, mut documents) = (Vec::new(), Vec::new());
        loop {
            let mut close = None;
            loop {
                match self.core.poll_output() {
                    Output::Database(token, request) => {
                        self.unanswered += usize::from(is_answered(&request));
                        self.database.submit(token, request);
                    }
                    Output::Status(status) => self.status = status,
                    Output::Documents(ended) => documents.extend(ended),
                    Output::Opened(_) => {}
                    Output::Ask(direction) => panic!("nobody is to be asked about {direction:?}"),
                    Output::Close(reason) => close = Some(reason),
                    Output::Timeout(deadline) => {
                        self.deadline = deadline;
                        break;
                    }
                }
            }
            let mut frame = Vec::new();
            let mut transmitted = false;
            while self.core.poll_transmit(&mut frame, now) {
                out.push(Arrival::Frame(std::mem::take(&mut frame).into()));
                transmitted = true;
            }
            out.extend(close.map(Arrival::Close));
            let mut heard = false;
            while let Some(input) = self.next_input() {
                heard = true;
                match input {
                    DbInput::Answer(token, answer) => {
                        self.unanswered -= 1;
                        self.core.handle_answer(token, answer, now);
                    }
                    DbInput::LocalChange(index) => {
                        self.database.acknowledge_change(index);
                        self.core.handle_local_change(index, now);
                    }
                    DbInput::BlobBacklogLow | DbInput::CheckPeer => {}
                }
            }
            *moved |= transmitted || heard;
            if !transmitted && !heard {
                return (out, documents);
            }
        }
    }

    fn next_input(&mut self) -> Option<DbInput> {
        if self.unanswered > 0 {
            return self.inputs.blocking_recv();
        }
        self.inputs.try_recv().ok()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is no other way to make an Instant; time does not pass from here on"
)]
fn start_of_time() -> Instant {
    Instant::now()
}

/// Up to as long again as the latency (xorshift64).
fn jitter(seed: &mut u64, latency: Duration) -> Duration {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    latency.mul_f64((*seed % 1_000) as f64 / 1_000.0)
}

fn is_answered(request: &DbRequest) -> bool {
    !matches!(
        request,
        DbRequest::CloseBlob(_)
            | DbRequest::CreateBlob { .. }
            | DbRequest::WriteBlob { .. }
            | DbRequest::AbortBlob(_)
    )
}
