//! What waits to be sent, and in which order frames of it go out (wire §2.5 to §2.7).

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::codec::{Encoder, Source};
use super::frame::{BIG_FRAME, FrameKind, SMALL_FRAME, flags, write_ack};
use super::message::{Message, ReplyMode, ReplyTo, RequestId, StreamId};
use super::properties::Properties;
use super::varint;
use super::violation::Violation;

/// Sent and unacknowledged bytes of one message at which no more of its frames go out.
const FREEZE_AT: u64 = 128_000;
/// Queued bytes of a stream below which more is asked for.
const STREAM_LOW: usize = 64 << 10;

/// Something that a sent frame caused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SendNote {
    /// The request's first frame went out; its number is known now.
    Started {
        /// Number on the wire.
        number: u64,
        /// Whose.
        id: RequestId,
        /// How its reply is wanted, if one is.
        reply: Option<ReplyMode>,
    },
    /// The request's last frame went out.
    Sent(RequestId),
    /// The stream wants more.
    StreamLow(StreamId),
}

#[derive(Debug)]
enum Kind {
    Request {
        id: RequestId,
        /// Known from the first frame on.
        number: Option<u64>,
        mode: ReplyMode,
    },
    Reply(u64),
    Error(u64),
}

#[derive(Debug)]
enum Body {
    Whole(Bytes),
    Stream(StreamId),
}

/// One message on its way out.
#[derive(Debug)]
struct Outgoing {
    kind: Kind,
    flags: u64,
    properties: Properties,
    /// Bytes of the properties block already sent; `None` before its length is.
    properties_sent: Option<usize>,
    body: Body,
    /// Frame bytes after the header, as the peer counts them.
    sent: u64,
    acked: u64,
}

impl Outgoing {
    fn is_urgent(&self) -> bool {
        self.flags & flags::URGENT != 0
    }

    fn is_unsent_request(&self) -> bool {
        matches!(self.kind, Kind::Request { number: None, .. })
    }

    /// Bytes of length and properties that are still to be sent.
    fn head_left(&self) -> usize {
        let len = self.properties.encoded_len();
        match self.properties_sent {
            None => varint::len(len as u64) + len,
            Some(sent) => len - sent,
        }
    }

    /// Whether an ACK of `kind` for `number` means this message.
    fn is_acked_by(&self, kind: FrameKind, acked: u64) -> bool {
        match self.kind {
            Kind::Request { number, .. } => kind == FrameKind::AckRequest && number == Some(acked),
            Kind::Reply(number) | Kind::Error(number) => {
                kind == FrameKind::AckReply && number == acked
            }
        }
    }
}

/// Pieces of a streamed reply that are not sent yet.
#[derive(Debug, Default)]
struct Stream {
    pieces: VecDeque<Bytes>,
    queued: usize,
    finished: bool,
    /// `StreamLow` was told and nothing pushed since.
    asked: bool,
}

impl Stream {
    /// Bytes that may be sent now. The last byte of an unfinished stream is held back, so that
    /// the last frame is never an empty one.
    fn available(&self) -> usize {
        if self.finished {
            self.queued
        } else {
            self.queued.saturating_sub(1)
        }
    }

    fn take(&mut self, mut max: usize, out: &mut Vec<u8>) {
        max = max.min(self.available());
        self.queued -= max;
        while max > 0 {
            let Some(piece) = self.pieces.front_mut() else {
                return;
            };
            if piece.len() > max {
                out.extend_from_slice(&piece.split_to(max));
                return;
            }
            max -= piece.len();
            out.extend_from_slice(piece);
            self.pieces.pop_front();
        }
    }

    fn ask(&mut self) -> bool {
        let ask = !self.asked && !self.finished && self.queued < STREAM_LOW;
        self.asked |= ask;
        ask
    }
}

/// The message that gives the next frame, with its stream if it has one.
struct Turn<'a> {
    message: &'a mut Outgoing,
    stream: Option<&'a mut Stream>,
}

impl Turn<'_> {
    /// Whether nothing will come after what was sent.
    fn is_over(&self) -> bool {
        self.message.head_left() == 0
            && match (&self.message.body, &self.stream) {
                (Body::Whole(body), _) => body.is_empty(),
                (Body::Stream(_), Some(stream)) => stream.finished && stream.queued == 0,
                (Body::Stream(_), None) => true,
            }
    }
}

impl Source for Turn<'_> {
    fn read(&mut self, max: usize, out: &mut Vec<u8>) {
        let end = out.len() + max;
        let block = self.message.properties.as_bytes();
        if self.message.properties_sent.is_none() {
            varint::write(block.len() as u64, out);
        }
        let sent = self.message.properties_sent.unwrap_or(0);
        let part = &block[sent..];
        let part = &part[..part.len().min(end.saturating_sub(out.len()))];
        out.extend_from_slice(part);
        self.message.properties_sent = Some(sent + part.len());
        let room = end.saturating_sub(out.len());
        match (&mut self.message.body, &mut self.stream) {
            (Body::Whole(body), _) if room >= body.len() => {
                out.extend_from_slice(body);
                *body = Bytes::new();
            }
            (Body::Whole(body), _) => out.extend_from_slice(&body.split_to(room)),
            (Body::Stream(_), Some(stream)) => stream.take(room, out),
            (Body::Stream(_), None) => {}
        }
    }

    fn available(&self) -> usize {
        self.message.head_left()
            + match (&self.message.body, &self.stream) {
                (Body::Whole(body), _) => body.len(),
                (Body::Stream(_), stream) => stream.as_ref().map_or(0, |s| s.available()),
            }
    }
}

/// All outgoing messages of a connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Outgoing>,
    /// Too much unacknowledged; waiting for the peer.
    frozen: Vec<Outgoing>,
    /// Nothing to send at the moment; waiting for our user.
    starved: HashMap<StreamId, Outgoing>,
    streams: HashMap<StreamId, Stream>,
    acks: VecDeque<(FrameKind, u64, u64)>,
    last_number: u64,
    last_request: u64,
    last_stream: u64,
    queued_bytes: usize,
}

impl Outbox {
    /// Number of the last request whose first frame went out.
    pub(super) fn last_number(&self) -> u64 {
        self.last_number
    }

    /// Uncompressed bytes not handed out yet.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Frees room that an idle connection does not need.
    pub(super) fn release(&mut self) {
        self.queue.shrink_to_fit();
        self.acks.shrink_to_fit();
        self.frozen.shrink_to_fit();
        self.streams.shrink_to_fit();
        self.starved.shrink_to_fit();
    }

    /// Queues a request.
    pub(super) fn request(&mut self, message: Message, mode: ReplyMode) -> RequestId {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let mut bits = content_flags(&message);
        if message.urgent {
            bits |= flags::URGENT;
        }
        if message.no_reply {
            bits |= flags::NO_REPLY;
        }
        let kind = Kind::Request {
            id,
            number: None,
            mode,
        };
        self.push(kind, bits, message.properties, Body::Whole(message.body));
        id
    }

    /// Queues a reply.
    pub(super) fn reply(&mut self, to: ReplyTo, message: Message) {
        let mut bits = content_flags(&message);
        if message.urgent || to.urgent {
            bits |= flags::URGENT;
        }
        let body = Body::Whole(message.body);
        self.push(Kind::Reply(to.number), bits, message.properties, body);
    }

    /// Queues an error reply.
    pub(super) fn reply_error(&mut self, to: ReplyTo, properties: Properties, text: Bytes) {
        let bits = if to.urgent { flags::URGENT } else { 0 };
        self.push(Kind::Error(to.number), bits, properties, Body::Whole(text));
    }

    /// Starts a reply whose body is pushed later.
    pub(super) fn reply_stream(
        &mut self,
        to: ReplyTo,
        properties: Properties,
        compressed: bool,
    ) -> StreamId {
        self.last_stream += 1;
        let id = StreamId(self.last_stream);
        self.streams.insert(
            id,
            Stream {
                asked: true,
                ..Stream::default()
            },
        );
        let mut bits = if to.urgent { flags::URGENT } else { 0 };
        if compressed {
            bits |= flags::COMPRESSED;
        }
        let message = Outgoing {
            kind: Kind::Reply(to.number),
            flags: bits,
            properties,
            properties_sent: None,
            body: Body::Stream(id),
            sent: 0,
            acked: 0,
        };
        self.queued_bytes += message.head_left();
        self.starved.insert(id, message);
        id
    }

    /// Appends to a stream; tells whether it wants still more. Data for a stream that is over is
    /// dropped.
    pub(super) fn stream_push(&mut self, id: StreamId, data: Bytes) -> bool {
        let Some(stream) = self.streams.get_mut(&id).filter(|s| !s.finished) else {
            return false;
        };
        if !data.is_empty() {
            self.queued_bytes += data.len();
            stream.queued += data.len();
            stream.pieces.push_back(data);
        }
        stream.asked = false;
        let more = stream.ask();
        self.feed(id);
        more
    }

    /// Ends a stream.
    pub(super) fn stream_finish(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.finished = true;
            self.feed(id);
        }
    }

    /// Gives a stream up. If nothing of it was sent, `error` goes out instead; else the body just
    /// ends short, which its receiver sees by its length.
    pub(super) fn stream_abort(&mut self, id: StreamId, properties: Properties, text: Bytes) {
        let unsent = |m: &Outgoing| matches!(m.body, Body::Stream(s) if s == id) && m.sent == 0;
        let message = match self.queue.iter().position(unsent) {
            Some(index) => self.queue.remove(index),
            None if self.starved.get(&id).is_some_and(unsent) => self.starved.remove(&id),
            None => None,
        };
        match message {
            Some(message) => {
                let queued = self.streams.remove(&id).map_or(0, |stream| stream.queued);
                self.queued_bytes -= message.head_left() + queued;
                if let Kind::Reply(number) = message.kind {
                    let urgent = message.is_urgent();
                    self.reply_error(ReplyTo { number, urgent }, properties, text);
                }
            }
            None => self.stream_finish(id),
        }
    }

    /// Queues a stream's message if it waits for data and has some.
    fn feed(&mut self, id: StreamId) {
        let ready = self
            .streams
            .get(&id)
            .is_some_and(|stream| stream.finished || stream.available() > 0);
        if let Some(message) = ready.then(|| self.starved.remove(&id)).flatten() {
            self.enqueue(message);
        }
    }

    /// Queues an acknowledgement of `received` bytes, ahead of all data.
    pub(super) fn acknowledge(&mut self, kind: FrameKind, number: u64, received: u64) {
        self.acks.push_back((kind, number, received));
    }

    /// Takes in the peer's acknowledgement. One for an unknown or finished message is ignored, as
    /// is a total that goes backwards or beyond what was sent.
    pub(super) fn handle_ack(&mut self, kind: FrameKind, number: u64, received: u64) {
        let matches = |message: &Outgoing| message.sent > 0 && message.is_acked_by(kind, number);
        if let Some(index) = self.frozen.iter().position(matches) {
            let message = &mut self.frozen[index];
            message.acked = message.acked.max(received.min(message.sent));
            if message.sent - message.acked < FREEZE_AT {
                let message = self.frozen.swap_remove(index);
                self.resume(message);
            }
        } else if let Some(message) = (self.queue.iter_mut())
            .chain(self.starved.values_mut())
            .find(|message| matches(message))
        {
            message.acked = message.acked.max(received.min(message.sent));
        }
    }

    fn push(&mut self, kind: Kind, flags: u64, properties: Properties, body: Body) {
        let message = Outgoing {
            kind,
            flags,
            properties,
            properties_sent: None,
            body,
            sent: 0,
            acked: 0,
        };
        if let Body::Whole(body) = &message.body {
            self.queued_bytes += body.len();
        }
        self.queued_bytes += message.head_left();
        self.enqueue(message);
    }

    /// Puts a message into the queue (wire §2.7).
    fn enqueue(&mut self, message: Outgoing) {
        let len = self.queue.len();
        if !message.is_urgent() || len <= 1 {
            self.queue.push_back(message);
            return;
        }
        // After the last urgent one, leaving one normal message between; but a request that has
        // no number yet may not pass another one.
        let is_new = message.is_unsent_request();
        let mut at = 1;
        for (index, other) in self.queue.iter().enumerate().rev() {
            if other.is_urgent() {
                at = (index + 2).min(len);
                break;
            }
            if is_new && other.is_unsent_request() {
                at = index + 1;
                break;
            }
        }
        self.queue.insert(at, message);
    }

    /// Puts a message that has sent a frame, and is not over, where it belongs.
    fn resume(&mut self, message: Outgoing) {
        if message.sent - message.acked >= FREEZE_AT {
            self.frozen.push(message);
            return;
        }
        if let Body::Stream(id) = message.body {
            let ready = (self.streams.get(&id)).is_some_and(|s| s.finished || s.available() > 0);
            if !ready {
                self.starved.insert(id, message);
                return;
            }
        }
        self.enqueue(message);
    }

    /// Writes the next frame into `out`, which is empty; `false` when there is none. `note` is
    /// told what the frame caused.
    ///
    /// # Errors
    /// [`Violation::DeflaterFailed`].
    pub(super) fn poll_frame(
        &mut self,
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
        mut note: impl FnMut(SendNote),
    ) -> Result<bool, Violation> {
        if let Some((kind, number, received)) = self.acks.pop_front() {
            write_ack(kind, number, received, out);
            return Ok(true);
        }
        let Some(mut message) = self.queue.pop_front() else {
            return Ok(false);
        };
        let next_is_urgent = self.queue.front().is_some_and(Outgoing::is_urgent);
        let limit = if next_is_urgent && !message.is_urgent() {
            SMALL_FRAME
        } else {
            BIG_FRAME
        };
        let (number, kind) = match &mut message.kind {
            Kind::Request { number, id, mode } => {
                let assigned = *number.get_or_insert_with(|| {
                    self.last_number += 1;
                    let wants_reply = message.flags & flags::NO_REPLY == 0;
                    note(SendNote::Started {
                        number: self.last_number,
                        id: *id,
                        reply: wants_reply.then_some(*mode),
                    });
                    self.last_number
                });
                (assigned, FrameKind::Request)
            }
            Kind::Reply(number) => (*number, FrameKind::Reply),
            Kind::Error(number) => (*number, FrameKind::Error),
        };
        varint::write(number, out);
        let flags_at = out.len();
        out.push((message.flags | kind.bits()) as u8);
        let header = out.len();

        let stream_id = match message.body {
            Body::Stream(id) => Some(id),
            Body::Whole(_) => None,
        };
        let mut turn = Turn {
            message: &mut message,
            stream: stream_id.and_then(|id| self.streams.get_mut(&id)),
        };
        let before = turn.available();
        let compressed = turn.message.flags & flags::COMPRESSED != 0;
        encoder.encode(&mut turn, limit - header, compressed, out)?;
        self.queued_bytes -= before - turn.available();
        let over = turn.is_over();
        let low = turn.stream.is_some_and(Stream::ask);
        message.sent += (out.len() - header) as u64;
        debug_assert!(out.len() <= limit, "{} > {limit}", out.len());

        if over {
            if let Kind::Request { id, .. } = message.kind {
                note(SendNote::Sent(id));
            }
            if let Some(id) = stream_id {
                self.streams.remove(&id);
            }
        } else {
            out[flags_at] |= flags::MORE_COMING as u8;
            if let (Some(id), true) = (stream_id, low) {
                note(SendNote::StreamLow(id));
            }
            self.resume(message);
        }
        Ok(true)
    }
}

/// A message without any content is never compressed: its receiver may expect the plain `00`.
fn content_flags(message: &Message) -> u64 {
    let has_content = !message.properties.is_empty() || !message.body.is_empty();
    if message.compressed && has_content {
        flags::COMPRESSED
    } else {
        0
    }
}
