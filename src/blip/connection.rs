//! One end of a BLIP connection.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;

use super::codec::{Decoder, Encoder};
use super::config::Config;
use super::frame::{Frame, FrameKind};
use super::inbox::{Answer, Inbox};
use super::message::{Event, Message, ReplyMode, ReplyTo, RequestId, StreamId};
use super::outbox::{Outbox, SendNote};
use super::properties::Properties;
use super::varint;
use super::violation::Violation;
use crate::error::Error;

/// One end of a BLIP connection: takes in and gives out WebSocket messages, one frame each.
///
/// Methods come in three families: `handle_ws_message` for what arrives; plain verbs for what the
/// user wants sent; `poll_*` for what comes out. After any of the first two, drain both polls:
///
/// 1. `poll_event` until `None`, acting on each (which may queue messages);
/// 2. `poll_transmit` until `false`, writing each to the socket; it can make events
///    (`Sent`, `StreamLow`), so go back to 1 if it gave anything;
/// 3. wait for the socket.
///
/// Nothing is sent or told by itself, nothing blocks, no clock is read. Memory is bounded by
/// [`Config`] on the receiving side; on the sending side by what the user queues
/// ([`Self::queued_bytes`], [`Event::StreamLow`]).
#[derive(Debug)]
pub struct Connection {
    config: Config,
    encoder: Encoder,
    decoder: Decoder,
    outbox: Outbox,
    inbox: Inbox,
    events: VecDeque<Event>,
    /// Numbers of the peer's requests that have had no reply yet.
    unanswered: HashSet<u64>,
    violation: Option<Violation>,
}

impl Connection {
    /// An end of a connection on which nothing was sent yet. Client and server do not differ.
    pub fn new(config: Config) -> Self {
        Self {
            encoder: Encoder::new(config.compression_level, config.compressors.clone()),
            decoder: Decoder::new(config.max_message),
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            events: VecDeque::new(),
            unanswered: HashSet::new(),
            violation: None,
            config,
        }
    }

    /// Takes in one binary WebSocket message.
    ///
    /// # Errors
    /// The peer broke the protocol. The connection is dead: this returns the same error for ever,
    /// nothing more comes out of `poll_transmit`; close with [`Violation::close_code`]. Events
    /// that were queued before are still there.
    pub fn handle_ws_message(&mut self, data: &[u8]) -> Result<(), Violation> {
        if let Some(violation) = &self.violation {
            return Err(violation.clone());
        }
        self.handle_frame(data).inspect_err(|violation| {
            self.violation = Some(violation.clone());
        })
    }

    fn handle_frame(&mut self, data: &[u8]) -> Result<(), Violation> {
        if data.len() > self.config.max_frame {
            return Err(Violation::FrameTooLarge {
                size: data.len(),
                limit: self.config.max_frame,
            });
        }
        let frame = Frame::parse(data)?;
        match frame.kind {
            FrameKind::Unknown => return Ok(()),
            FrameKind::AckRequest | FrameKind::AckReply => {
                let what = "acknowledged bytes";
                let (received, _) = varint::read(frame.rest)
                    .ok()
                    .flatten()
                    .ok_or(Violation::BadVarint { what })?;
                self.outbox.handle_ack(frame.kind, frame.number, received);
                return Ok(());
            }
            FrameKind::Request | FrameKind::Reply | FrameKind::Error => {}
        }
        let last_sent = self.outbox.last_number();
        let room = self.inbox.room_for(&frame, last_sent, &self.config)?;
        let contents = self.decoder.decode(&frame, room)?;
        let Self {
            inbox,
            outbox,
            config,
            events,
            unanswered,
            ..
        } = self;
        let event = |event| {
            if let Event::Request { to: Some(to), .. } = &event {
                unanswered.insert(to.number);
            }
            events.push_back(event);
        };
        inbox.handle_frame(&frame, contents, config, event, |answer| match answer {
            Answer::Acknowledge(kind, number, received) => {
                outbox.acknowledge(kind, number, received);
            }
            Answer::Refuse(to, error) => {
                let (properties, text) = error_message(&error);
                outbox.reply_error(to, properties, text);
            }
        })
    }

    /// Queues a request; `mode` says how its reply is to be told. With `no_reply` none will be.
    pub fn request(&mut self, message: Message, mode: ReplyMode) -> RequestId {
        self.outbox.request(message, mode)
    }

    /// Queues the reply to a request. A second one to the same request is dropped.
    pub fn reply(&mut self, to: ReplyTo, message: Message) {
        if self.unanswered.remove(&to.number) {
            self.outbox.reply(to, message);
        }
    }

    /// Queues an error as the reply to a request, see [`Error::to_blip`]. A second reply to the
    /// same request is dropped.
    pub fn reply_error(&mut self, to: ReplyTo, error: &Error) {
        if self.unanswered.remove(&to.number) {
            let (properties, text) = error_message(error);
            self.outbox.reply_error(to, properties, text);
        }
    }

    /// Starts a reply whose body is pushed piece by piece. Its first frame goes out with the first
    /// piece. [`Event::StreamLow`] asks for data, for the first time at once.
    ///
    /// If the request had its reply already, nothing will be sent or asked for.
    pub fn reply_stream(
        &mut self,
        to: ReplyTo,
        properties: Properties,
        compressed: bool,
    ) -> StreamId {
        if self.unanswered.remove(&to.number) {
            let stream = self.outbox.reply_stream(to, properties, compressed);
            self.events.push_back(Event::StreamLow { stream });
            stream
        } else {
            StreamId(0)
        }
    }

    /// Appends to a streamed reply. After [`Self::stream_finish`] it is dropped.
    pub fn stream_push(&mut self, stream: StreamId, data: Bytes) {
        if self.outbox.stream_push(stream, data) {
            self.events.push_back(Event::StreamLow { stream });
        }
    }

    /// Ends a streamed reply after what was pushed.
    pub fn stream_finish(&mut self, stream: StreamId) {
        self.outbox.stream_finish(stream);
    }

    /// Gives a streamed reply up. If nothing of it went out yet, the reply becomes `error`; else
    /// its body ends after what was pushed, which its receiver must notice by length or digest.
    pub fn stream_abort(&mut self, stream: StreamId, error: &Error) {
        let (properties, text) = error_message(error);
        self.outbox.stream_abort(stream, properties, text);
    }

    /// Bounds the body of the reply to `id`, which may be announced elsewhere. A longer one ends
    /// in HTTP 413 and its rest is thrown away. Without this a streamed reply has no limit.
    pub fn limit_reply(&mut self, id: RequestId, max_bytes: u64) {
        self.inbox.limit_reply(id, max_bytes);
    }

    /// The next thing to tell, in the order in which it happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Puts the next frame to send into `out`, which it clears first; `false` when there is
    /// nothing to send now. Each frame is one binary WebSocket message of at most 16 KiB.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        out.clear();
        if self.violation.is_some() {
            return false;
        }
        let Self {
            outbox,
            inbox,
            encoder,
            events,
            ..
        } = self;
        let written = outbox.poll_frame(encoder, out, |note| match note {
            SendNote::Started { number, id, reply } => {
                if let Some(mode) = reply {
                    inbox.expect_reply(number, id, mode);
                }
            }
            SendNote::Sent(id) => events.push_back(Event::Sent { id }),
            SendNote::StreamLow(stream) => events.push_back(Event::StreamLow { stream }),
        });
        written.unwrap_or_else(|violation| {
            out.clear();
            self.violation = Some(violation);
            false
        })
    }

    /// Uncompressed bytes of messages and streams that `poll_transmit` has not given out yet,
    /// without ACKs.
    pub fn queued_bytes(&self) -> usize {
        self.outbox.queued_bytes()
    }

    /// How many of our requests, of those whose first frame went out, have no whole reply yet.
    pub fn awaited_replies(&self) -> usize {
        self.inbox.awaited()
    }

    /// How many of the peer's requests wait for our reply.
    pub fn unanswered_requests(&self) -> usize {
        self.unanswered.len()
    }

    /// What the peer did wrong, if the connection is dead.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// There is nothing to send for now: gives the deflater back if other connections need it more.
    pub fn rest(&mut self) {
        self.encoder.rest();
    }

    /// Frees the deflater (about 300 KiB) and spare buffers of a connection that is idle. The next
    /// compressed frame makes a fresh one, which is legal: it just has no back-references.
    pub fn drop_deflater(&mut self) {
        self.encoder.release();
        self.decoder.release();
        self.outbox.release();
        self.inbox.release();
        self.events.shrink_to_fit();
        self.unanswered.shrink_to_fit();
    }
}

/// Properties and body of an ERR message (wire §2.8).
fn error_message(error: &Error) -> (Properties, Bytes) {
    let (domain, code) = error.to_blip();
    let properties = Properties::new()
        .with("Error-Domain", domain)
        .with("Error-Code", code.to_string());
    let text = Bytes::copy_from_slice(error.message().as_bytes());
    (properties, text)
}
