//! Two transports joined in memory, with a latency and a cut.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures_util::{Sink, Stream};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{BoxTransport, Outgoing, Received};
use crate::error::{Error, NetworkReason, Result};

/// How a [`loopback`] behaves.
#[derive(Clone, Debug)]
pub struct LoopbackOptions {
    /// Time from sending to arrival. Zero needs no tokio timer; otherwise tokio's clock is used,
    /// so a paused clock works.
    pub latency: Duration,
    /// Breaks the connection once this many messages were sent, counted over both directions.
    /// Those arrive; then both ends see the end of the stream without a CLOSE, and sending fails
    /// with `ConnectionReset`.
    pub cut_after_messages: Option<u64>,
    /// Messages that may be under way in one direction before sending waits. At least 1.
    pub capacity: usize,
}

impl Default for LoopbackOptions {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            cut_after_messages: None,
            capacity: 256,
        }
    }
}

/// Makes the two ends of a connection in memory. It behaves as a WebSocket does: PING is answered,
/// CLOSE is answered and ends the stream, dropping one end ends the other.
pub fn loopback(options: LoopbackOptions) -> (BoxTransport, BoxTransport) {
    let link = Arc::new(Link {
        latency: options.latency,
        capacity: options.capacity.max(1),
        state: Mutex::new(State {
            lanes: [Lane::default(), Lane::default()],
            messages_left: options.cut_after_messages,
        }),
    });
    let end = |side| {
        Box::new(End {
            link: Arc::clone(&link),
            side,
            timer: None,
            closing: false,
            ended: false,
        })
    };
    (end(0), end(1))
}

struct Link {
    latency: Duration,
    capacity: usize,
    state: Mutex<State>,
}

struct State {
    /// `lanes[side]` holds what is on its way *to* that side.
    lanes: [Lane; 2],
    messages_left: Option<u64>,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<(Option<Instant>, Received)>,
    /// The side that reads this lane is gone.
    deaf: bool,
    /// The side that writes this lane is gone.
    dry: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in one end must not hide the test's own failure behind a poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrival(&self, trips: u32) -> Option<Instant> {
        (!self.latency.is_zero()).then(|| Instant::now() + self.latency * trips)
    }
}

impl State {
    fn is_cut(&self) -> bool {
        self.messages_left == Some(0)
    }

    fn push(&mut self, side: usize, due: Option<Instant>, received: Received) {
        self.lanes[side].queue.push_back((due, received));
        wake(&mut self.lanes[side].reader);
    }

    fn wake_all(&mut self) {
        for lane in &mut self.lanes {
            wake(&mut lane.reader);
            wake(&mut lane.writer);
        }
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

struct End {
    link: Arc<Link>,
    side: usize,
    timer: Option<Pin<Box<Sleep>>>,
    /// A CLOSE went out.
    closing: bool,
    /// The stream is over.
    ended: bool,
}

impl End {
    fn peer(&self) -> usize {
        1 - self.side
    }

    fn reset() -> Error {
        Error::network(NetworkReason::ConnectionReset, "connection reset by peer")
    }
}

impl Stream for End {
    type Item = Result<Received>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        let received = loop {
            if let Some(timer) = &mut this.timer {
                ready!(timer.as_mut().poll(cx));
                this.timer = None;
            }
            let mut state = this.link.lock();
            let is_cut = state.is_cut();
            let lane = &mut state.lanes[this.side];
            match lane.queue.front() {
                Some((Some(due), _)) if *due > Instant::now() => {
                    this.timer = Some(Box::pin(sleep_until(*due)));
                }
                Some(_) => {
                    wake(&mut lane.writer);
                    break lane.queue.pop_front().map(|(_, received)| received);
                }
                None if lane.dry || is_cut => break None,
                None => {
                    lane.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        };
        if let Some(Received::Close { .. }) | None = &received {
            this.ended = true;
        }
        if let Some(close @ Received::Close { .. }) = &received
            && !this.closing
        {
            this.closing = true;
            let due = this.link.arrival(1);
            let peer = this.peer();
            this.link.lock().push(peer, due, close.clone());
        }
        Poll::Ready(received.map(Ok))
    }
}

impl Sink<Outgoing> for End {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = self.link.lock();
        let is_cut = state.is_cut();
        let lane = &mut state.lanes[self.peer()];
        if is_cut || lane.deaf {
            Poll::Ready(Err(Self::reset()))
        } else if lane.queue.len() >= self.link.capacity {
            lane.writer = Some(cx.waker().clone());
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<()> {
        let this = &mut *self;
        let (side, peer) = (this.side, this.peer());
        let mut state = this.link.lock();
        if state.is_cut() || state.lanes[peer].deaf {
            return Err(Self::reset());
        }
        match item {
            Outgoing::Close { .. } if this.closing => {}
            _ if this.closing => return Err(super::net_error::closing()),
            Outgoing::Ping => {
                let due = this.link.arrival(2);
                state.push(side, due, Received::Pong);
            }
            Outgoing::Close { code, reason } => {
                this.closing = true;
                let due = this.link.arrival(1);
                state.push(peer, due, Received::Close { code, reason });
            }
            Outgoing::Message(message) => {
                let due = this.link.arrival(1);
                state.push(peer, due, Received::Message(message));
                if let Some(left) = &mut state.messages_left {
                    *left -= 1;
                    if *left == 0 {
                        state.wake_all();
                    }
                }
            }
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        let close = Outgoing::Close {
            code: 1000,
            reason: String::new(),
        };
        // An end that is cut off is as closed as it can be.
        let _ = self.as_mut().start_send(close);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let (side, peer) = (self.side, self.peer());
        let mut state = self.link.lock();
        state.lanes[side].deaf = true;
        state.lanes[peer].dry = true;
        state.wake_all();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{SinkExt, StreamExt};

    use super::*;

    fn message(text: &'static str) -> Outgoing {
        Outgoing::Message(Bytes::from_static(text.as_bytes()))
    }

    fn text(received: Option<Result<Received>>) -> Option<String> {
        match received?.unwrap() {
            Received::Message(bytes) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
            other => Some(format!("{other:?}")),
        }
    }

    #[tokio::test]
    async fn messages_arrive_in_order_and_dropping_an_end_ends_the_other() {
        let (mut a, mut b) = loopback(LoopbackOptions::default());
        a.feed(message("1")).await.unwrap();
        a.send(message("2")).await.unwrap();
        assert_eq!(text(b.next().await).as_deref(), Some("1"));
        assert_eq!(text(b.next().await).as_deref(), Some("2"));
        drop(a);
        assert!(b.next().await.is_none());
        assert!(b.send(message("3")).await.is_err());
    }

    #[tokio::test]
    async fn nothing_arrives_before_the_latency_has_passed() {
        let latency = Duration::from_millis(20);
        let (mut a, mut b) = loopback(LoopbackOptions {
            latency,
            ..LoopbackOptions::default()
        });
        let start = Instant::now();
        a.send(message("slow")).await.unwrap();
        assert_eq!(text(b.next().await).as_deref(), Some("slow"));
        assert!(start.elapsed() >= latency);
        a.send(Outgoing::Ping).await.unwrap();
        assert_eq!(a.next().await, Some(Ok(Received::Pong)));
        assert!(start.elapsed() >= latency * 3);
    }

    #[tokio::test]
    async fn cut_counts_both_directions_and_lets_what_was_sent_arrive() {
        let (mut a, mut b) = loopback(LoopbackOptions {
            cut_after_messages: Some(3),
            ..LoopbackOptions::default()
        });
        a.send(message("1")).await.unwrap();
        b.send(message("2")).await.unwrap();
        a.send(message("3")).await.unwrap();
        assert!(a.send(message("4")).await.unwrap_err().is_transient());
        assert_eq!(text(b.next().await).as_deref(), Some("1"));
        assert_eq!(text(b.next().await).as_deref(), Some("3"));
        assert!(b.next().await.is_none());
        assert_eq!(text(a.next().await).as_deref(), Some("2"));
        assert!(a.next().await.is_none());
    }

    #[tokio::test]
    async fn close_is_answered_once_and_ends_both_streams() {
        let (mut a, mut b) = loopback(LoopbackOptions::default());
        let close = Received::Close {
            code: 4001,
            reason: "bye".into(),
        };
        a.send(Outgoing::Close {
            code: 4001,
            reason: "bye".into(),
        })
        .await
        .unwrap();
        assert_eq!(b.next().await, Some(Ok(close.clone())));
        assert!(b.next().await.is_none());
        assert_eq!(a.next().await, Some(Ok(close)));
        assert!(a.next().await.is_none());
    }

    #[tokio::test]
    async fn a_full_lane_makes_the_sender_wait() {
        let (mut a, mut b) = loopback(LoopbackOptions {
            capacity: 1,
            ..LoopbackOptions::default()
        });
        a.send(message("1")).await.unwrap();
        let (sent, read) = tokio::join!(a.send(message("2")), b.next());
        sent.unwrap();
        assert_eq!(text(read).as_deref(), Some("1"));
    }
}
