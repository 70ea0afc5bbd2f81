//! Listens in on a connection: every frame of both directions, and the messages that they make.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};

use crate::blip::{Config, Connection, Event, Message, ReplyMode};
use crate::error::{Error, Result};
use crate::transport::{BoxTransport, Outgoing, Received};

/// One frame: whether this end sent it, and its bytes.
pub(super) type Frame = (bool, Bytes);

/// What went over a tapped end, in order.
#[derive(Clone, Default)]
pub(super) struct Recording(Arc<Mutex<Vec<Frame>>>);

struct Tap {
    inner: BoxTransport,
    recording: Recording,
}

/// Puts a tap on one end.
pub(super) fn tap(inner: BoxTransport) -> (BoxTransport, Recording) {
    let recording = Recording::default();
    let tap = Tap {
        inner,
        recording: recording.clone(),
    };
    (Box::new(tap), recording)
}

impl Stream for Tap {
    type Item = Result<Received>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.inner.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(Received::Message(data)))) = &next {
            self.recording.push(false, data);
        }
        next
    }
}

impl Sink<Outgoing> for Tap {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<()> {
        if let Outgoing::Message(data) = &item {
            self.recording.push(true, data);
        }
        self.inner.start_send_unpin(item)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_close_unpin(cx)
    }
}

impl Recording {
    fn push(&self, sent: bool, data: &Bytes) {
        self.0.lock().unwrap().push((sent, data.clone()));
    }

    pub(super) fn frames(&self) -> Vec<Frame> {
        self.0.lock().unwrap().clone()
    }

    /// Bytes of all frames that this end sent.
    pub(super) fn sent_bytes(&self) -> usize {
        let frames = self.frames();
        let sent = frames.iter().filter(|(sent, _)| *sent);
        sent.map(|(_, data)| data.len()).sum()
    }

    pub(super) fn messages(&self) -> Vec<Seen> {
        messages(&self.frames())
    }

    /// Requests of one profile, in order: whether this end sent them, and the messages.
    pub(super) fn requests(&self, profile: &str) -> Vec<(bool, Message)> {
        self.messages()
            .into_iter()
            .filter_map(|seen| match seen.what {
                What::Request(message) if message.profile() == Some(profile) => {
                    Some((seen.sent, message))
                }
                _ => None,
            })
            .collect()
    }
}

/// A complete message, at the place of its last frame.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) sent: bool,
    pub(super) number: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Request(Message),
    Reply(Message),
    Error(Error),
}

/// Number and flags of a frame.
pub(super) fn header(frame: &[u8]) -> (u64, u8) {
    let mut number = 0;
    for (index, byte) in frame.iter().enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return (number, frame[index + 1]);
        }
    }
    panic!("a frame without a header");
}

/// A reader of one direction, which believes to have asked what the sender answers.
struct Reader {
    connection: Connection,
    asked: HashSet<u64>,
}

/// Reads the frames of both directions of one connection from its start.
pub(super) fn messages(frames: &[Frame]) -> Vec<Seen> {
    let reader = || Reader {
        connection: Connection::new(Config::default()),
        asked: HashSet::new(),
    };
    let mut readers = HashMap::from([(true, reader()), (false, reader())]);
    let mut seen = Vec::new();
    for (sent, data) in frames {
        let (number, flags) = header(data);
        let asker = readers.get_mut(&!sent).unwrap();
        if flags & 7 == 0 && asker.asked.insert(number) {
            let request = Message {
                no_reply: flags & 0x20 != 0,
                ..Message::default()
            };
            asker.connection.request(request, ReplyMode::Whole);
            while asker.connection.poll_transmit(&mut Vec::new()) {}
            while asker.connection.poll_event().is_some() {}
        }
        let reader = readers.get_mut(sent).unwrap();
        reader.connection.handle_ws_message(data).unwrap();
        while let Some(event) = reader.connection.poll_event() {
            let what = match event {
                Event::Request { message, .. } => What::Request(message),
                Event::Reply {
                    result: Ok(message),
                    ..
                } => What::Reply(message),
                Event::Reply {
                    result: Err(error), ..
                } => What::Error(error),
                _ => continue,
            };
            seen.push(Seen {
                sent: *sent,
                number,
                what,
            });
        }
    }
    seen
}
