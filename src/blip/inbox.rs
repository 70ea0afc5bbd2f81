//! Messages on their way in: put together from frames, within limits (wire §2.6, §2.9).

use std::collections::HashMap;

use bytes::Bytes;

use super::codec::Decoded;
use super::config::Config;
use super::frame::{Frame, FrameKind, flags};
use super::message::{Event, Message, ReplyMode, ReplyTo, RequestId};
use super::properties::{BadProperties, Properties};
use super::violation::Violation;
use crate::error::Error;

/// Received and unacknowledged bytes of one message after which it is acknowledged.
const ACK_AFTER: u64 = 50_000;
/// Longest text of a peer's error that is kept, in bytes.
const MAX_ERROR_TEXT: usize = 4 << 10;

/// The contents of an unfinished message.
#[derive(Debug)]
struct Contents {
    kind: FrameKind,
    number: u64,
    /// Bytes up to the end of the properties, while they are incomplete.
    head: Vec<u8>,
    properties: Option<Properties>,
    body: Vec<u8>,
}

impl Contents {
    fn new(frame: &Frame<'_>) -> Self {
        Self {
            kind: frame.kind,
            number: frame.number,
            head: Vec::new(),
            properties: None,
            body: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        let head = match &self.properties {
            Some(properties) => properties.encoded_len(),
            None => self.head.len(),
        };
        head + self.body.len()
    }

    fn bad(&self, problem: BadProperties) -> Violation {
        Violation::BadProperties {
            kind: self.kind,
            number: self.number,
            problem,
        }
    }

    /// Appends the next bytes.
    fn push(&mut self, data: &[u8], max_properties: usize) -> Result<(), Violation> {
        if self.properties.is_some() {
            self.body.extend_from_slice(data);
            return Ok(());
        }
        self.head.extend_from_slice(data);
        if let Some((properties, used)) = Properties::decode_prefix(&self.head, max_properties)
            .map_err(|problem| self.bad(problem))?
        {
            self.properties = Some(properties);
            self.body.extend_from_slice(&self.head[used..]);
            self.head = Vec::new();
        }
        Ok(())
    }

    fn finish(self) -> Result<(Properties, Bytes), Violation> {
        match self.properties {
            Some(properties) => Ok((properties, self.body.into())),
            None => Err(self.bad(BadProperties::Incomplete)),
        }
    }
}

/// What is done with the frames of an unfinished message.
#[derive(Debug)]
enum State {
    /// Kept until it is whole.
    Collecting(Contents),
    /// Handed on; `body` bytes so far.
    Streaming { body: u64 },
    /// Thrown away; `bytes` so far.
    Discarding { bytes: u64 },
}

/// An unfinished message.
#[derive(Debug)]
struct Partial {
    state: State,
    /// Frame bytes after the header, as the sender counts them.
    received: u64,
    acked: u64,
    flags: MessageFlags,
}

/// What the first frame of a message tells of it.
#[derive(Clone, Copy, Debug)]
struct MessageFlags {
    urgent: bool,
    compressed: bool,
    no_reply: bool,
}

impl MessageFlags {
    fn of(frame: &Frame<'_>) -> Self {
        Self {
            urgent: frame.has(flags::URGENT),
            compressed: frame.has(flags::COMPRESSED),
            no_reply: frame.has(flags::NO_REPLY),
        }
    }

    /// Where the reply to the request goes, if one is wanted.
    fn reply_to(self, number: u64) -> Option<ReplyTo> {
        let Self { urgent, .. } = self;
        (!self.no_reply).then_some(ReplyTo { number, urgent })
    }

    fn message(self, (properties, body): (Properties, Bytes)) -> Message {
        Message {
            properties,
            body,
            urgent: self.urgent,
            compressed: self.compressed,
            no_reply: self.no_reply,
        }
    }
}

impl Partial {
    fn new(frame: &Frame<'_>) -> Self {
        Self {
            state: State::Collecting(Contents::new(frame)),
            received: 0,
            acked: 0,
            flags: MessageFlags::of(frame),
        }
    }

    /// Bytes held in memory.
    fn held(&self) -> usize {
        match &self.state {
            State::Collecting(contents) => contents.len(),
            _ => 0,
        }
    }
}

/// A request of ours that was sent, at least in part, and has no whole reply yet.
#[derive(Debug)]
struct Awaited {
    id: RequestId,
    mode: ReplyMode,
    partial: Option<Partial>,
}

/// What an incoming frame asks of the sending side.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Acknowledge so many bytes of the message.
    Acknowledge(FrameKind, u64, u64),
    /// Refuse the request.
    Refuse(ReplyTo, Error),
}

/// All unfinished messages of the peer.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    last_request: u64,
    requests: HashMap<u64, Partial>,
    replies: HashMap<u64, Awaited>,
    limits: HashMap<RequestId, u64>,
    /// Bytes held by all unfinished messages.
    held: usize,
}

impl Inbox {
    /// Expects a reply to the request that got this number.
    pub(super) fn expect_reply(&mut self, number: u64, id: RequestId, mode: ReplyMode) {
        let partial = None;
        self.replies.insert(number, Awaited { id, mode, partial });
    }

    /// Bounds the body of a reply.
    pub(super) fn limit_reply(&mut self, id: RequestId, max_bytes: u64) {
        self.limits.insert(id, max_bytes);
    }

    /// Number of requests whose replies are outstanding.
    pub(super) fn awaited(&self) -> usize {
        self.replies.len()
    }

    /// Frees room that an idle connection does not need.
    pub(super) fn release(&mut self) {
        self.requests.shrink_to_fit();
        self.replies.shrink_to_fit();
        self.limits.shrink_to_fit();
    }

    /// Most bytes of the next frame that are of use. Checks the frame's number.
    ///
    /// # Errors
    /// [`Violation::BadRequestNumber`], [`Violation::UnknownReply`],
    /// [`Violation::TooManyOpenMessages`].
    pub(super) fn room_for(
        &self,
        frame: &Frame<'_>,
        last_sent: u64,
        config: &Config,
    ) -> Result<usize, Violation> {
        let number = frame.number;
        let partial = if frame.kind == FrameKind::Request {
            let partial = self.requests.get(&number);
            if partial.is_none() && number != self.last_request + 1 {
                return Err(Violation::BadRequestNumber {
                    number,
                    expected: self.last_request + 1,
                });
            }
            if partial.is_none() && self.requests.len() >= config.max_open_messages {
                return Err(Violation::TooManyOpenMessages {
                    limit: config.max_open_messages,
                });
            }
            partial
        } else {
            if number == 0 || number > last_sent {
                return Err(Violation::UnknownReply {
                    number,
                    sent: last_sent,
                });
            }
            match self.replies.get(&number) {
                Some(awaited) => awaited.partial.as_ref(),
                // Answered already, or no answer was wanted: read for the running state only.
                None => return Ok(0),
            }
        };
        Ok(match partial.map(|partial| &partial.state) {
            None | Some(State::Streaming { .. }) => config.max_message,
            Some(State::Collecting(contents)) => config.max_message.saturating_sub(contents.len()),
            Some(State::Discarding { .. }) => 0,
        })
    }

    /// Takes in the contents of a frame that [`Self::room_for`] has let through.
    ///
    /// # Errors
    /// [`Violation::BadProperties`], [`Violation::NeverEnds`], [`Violation::TooManyOpenBytes`].
    pub(super) fn handle_frame(
        &mut self,
        frame: &Frame<'_>,
        contents: Decoded<'_>,
        config: &Config,
        mut event: impl FnMut(Event),
        mut answer: impl FnMut(Answer),
    ) -> Result<(), Violation> {
        if frame.kind == FrameKind::Request {
            self.handle_request(frame, contents, config, &mut event, &mut answer)?;
        } else {
            self.handle_reply(frame, contents, config, &mut event, &mut answer)?;
        }
        if self.held > config.max_open_bytes {
            return Err(Violation::TooManyOpenBytes {
                limit: config.max_open_bytes,
            });
        }
        Ok(())
    }

    fn handle_request(
        &mut self,
        frame: &Frame<'_>,
        contents: Decoded<'_>,
        config: &Config,
        event: &mut impl FnMut(Event),
        answer: &mut impl FnMut(Answer),
    ) -> Result<(), Violation> {
        let number = frame.number;
        let more = frame.has(flags::MORE_COMING);
        let known = self.requests.remove(&number);
        self.last_request = self.last_request.max(number);

        // The usual case: a message of one frame.
        if let (None, false, Decoded::Bytes(data)) = (&known, more, &contents) {
            let flags = MessageFlags::of(frame);
            event(Event::Request {
                to: flags.reply_to(number),
                message: flags.message(parse_whole(frame, data, config.max_properties)?),
            });
            return Ok(());
        }

        let mut partial = known.unwrap_or_else(|| Partial::new(frame));
        self.take_in(&mut partial, frame, &contents, config)?;
        if more {
            self.acknowledge(&mut partial, frame, config, answer);
            self.requests.insert(number, partial);
            return Ok(());
        }
        self.held -= partial.held();
        let to = partial.flags.reply_to(number);
        match partial.state {
            State::Collecting(contents) => event(Event::Request {
                to,
                message: partial.flags.message(contents.finish()?),
            }),
            State::Streaming { .. } | State::Discarding { .. } => {
                tracing::warn!(
                    target: "network",
                    number,
                    limit = config.max_message,
                    "dropped a request that is too long"
                );
                if let Some(to) = to {
                    answer(Answer::Refuse(to, too_long(config.max_message as u64)));
                }
            }
        }
        self.acknowledge_oldest(config, answer);
        Ok(())
    }

    fn handle_reply(
        &mut self,
        frame: &Frame<'_>,
        contents: Decoded<'_>,
        config: &Config,
        event: &mut impl FnMut(Event),
        answer: &mut impl FnMut(Answer),
    ) -> Result<(), Violation> {
        let number = frame.number;
        let more = frame.has(flags::MORE_COMING);
        let Some(mut awaited) = self.replies.remove(&number) else {
            return Ok(());
        };
        let (id, mode) = (awaited.id, awaited.mode);
        let mut partial = awaited
            .partial
            .take()
            .unwrap_or_else(|| Partial::new(frame));
        let was_discarding = matches!(partial.state, State::Discarding { .. });
        self.take_in(&mut partial, frame, &contents, config)?;

        if let (ReplyMode::Streamed, FrameKind::Reply) = (mode, frame.kind) {
            self.hand_on(&mut partial, id, contents, event);
        }
        let is_error = frame.kind == FrameKind::Error;
        let limit = self.limits.get(&id).copied();
        if let State::Collecting(contents) = &partial.state
            && !is_error
            && limit.is_some_and(|limit| contents.body.len() as u64 > limit)
        {
            self.discard(&mut partial);
        }
        if !was_discarding && matches!(partial.state, State::Discarding { .. }) {
            let limit = limit.unwrap_or(config.max_message as u64);
            event(failed(id, mode, too_long(limit)));
        }
        if more {
            self.acknowledge(&mut partial, frame, config, answer);
            awaited.partial = Some(partial);
            self.replies.insert(number, awaited);
            return Ok(());
        }

        self.held -= partial.held();
        self.limits.remove(&id);
        match partial.state {
            State::Discarding { .. } => {}
            State::Streaming { .. } => event(Event::ReplyEnd { id, result: Ok(()) }),
            State::Collecting(contents) => {
                let (properties, body) = contents.finish()?;
                if is_error {
                    event(failed(id, mode, error_of(&properties, &body)));
                } else {
                    let flags = MessageFlags {
                        no_reply: false,
                        ..partial.flags
                    };
                    let result = Ok(flags.message((properties, body)));
                    event(Event::Reply { id, result });
                }
            }
        }
        self.acknowledge_oldest(config, answer);
        Ok(())
    }

    /// Counts and keeps a frame's contents.
    fn take_in(
        &mut self,
        partial: &mut Partial,
        frame: &Frame<'_>,
        contents: &Decoded<'_>,
        config: &Config,
    ) -> Result<(), Violation> {
        partial.received += frame.rest.len() as u64;
        let before = partial.held();
        let added = match contents {
            Decoded::Bytes(data) => data.len() as u64,
            Decoded::TooLong(len) => *len,
        };
        match (&mut partial.state, contents) {
            (State::Collecting(kept), Decoded::Bytes(data)) => {
                kept.push(data, config.max_properties)?;
                self.held += kept.len() - before;
            }
            (State::Collecting(kept), Decoded::TooLong(_)) => {
                if kept.properties.is_none() && kept.head.len() > config.max_properties + 10 {
                    return Err(kept.bad(BadProperties::Incomplete));
                }
                let bytes = before as u64 + added;
                self.held -= before;
                partial.state = State::Discarding { bytes };
            }
            (State::Streaming { .. }, _) => {}
            (State::Discarding { bytes }, _) => *bytes += added,
        }
        match partial.state {
            State::Discarding { bytes } if bytes > config.max_given_up => {
                Err(Violation::NeverEnds {
                    kind: frame.kind,
                    number: frame.number,
                    limit: config.max_given_up,
                })
            }
            _ => Ok(()),
        }
    }

    /// Passes on what came of a streamed reply's body.
    fn hand_on(
        &mut self,
        partial: &mut Partial,
        id: RequestId,
        contents: Decoded<'_>,
        event: &mut impl FnMut(Event),
    ) {
        let data = match (&mut partial.state, contents) {
            (State::Collecting(kept), _) => {
                let held = kept.len();
                let Some(properties) = kept.properties.take() else {
                    return;
                };
                self.held -= held;
                let data = Bytes::from(std::mem::take(&mut kept.body));
                event(Event::ReplyStart { id, properties });
                partial.state = State::Streaming { body: 0 };
                data
            }
            (State::Streaming { .. }, Decoded::Bytes(data)) => Bytes::copy_from_slice(data),
            _ => return,
        };
        let State::Streaming { body } = &mut partial.state else {
            return;
        };
        *body += data.len() as u64;
        if (self.limits.get(&id)).is_some_and(|&limit| *body > limit) {
            self.discard(partial);
        } else if !data.is_empty() {
            event(Event::ReplyData { id, data });
        }
    }

    fn discard(&mut self, partial: &mut Partial) {
        self.held -= partial.held();
        partial.state = State::Discarding { bytes: 0 };
    }

    /// Acknowledges a message of which enough has come. While unfinished messages hold much, the
    /// others than the oldest are left to freeze in the sender.
    fn acknowledge(
        &self,
        partial: &mut Partial,
        frame: &Frame<'_>,
        config: &Config,
        answer: &mut impl FnMut(Answer),
    ) {
        if partial.received - partial.acked < ACK_AFTER {
            return;
        }
        let kind = match frame.kind {
            FrameKind::Request => FrameKind::AckRequest,
            _ => FrameKind::AckReply,
        };
        let crowded = self.held > config.max_open_bytes / 4;
        let is_request = frame.kind == FrameKind::Request;
        if crowded && is_request && self.requests.keys().any(|&number| number < frame.number) {
            return;
        }
        partial.acked = partial.received;
        answer(Answer::Acknowledge(kind, frame.number, partial.received));
    }

    /// After a message has ended: acknowledges what was left to freeze.
    fn acknowledge_oldest(&mut self, config: &Config, answer: &mut impl FnMut(Answer)) {
        let crowded = self.held > config.max_open_bytes / 4;
        let oldest = self.requests.keys().min().copied();
        for (&number, partial) in &mut self.requests {
            let due = partial.received - partial.acked >= ACK_AFTER;
            if due && (!crowded || Some(number) == oldest) {
                partial.acked = partial.received;
                answer(Answer::Acknowledge(
                    FrameKind::AckRequest,
                    number,
                    partial.received,
                ));
            }
        }
    }
}

fn parse_whole(
    frame: &Frame<'_>,
    data: &[u8],
    max_properties: usize,
) -> Result<(Properties, Bytes), Violation> {
    let bad = |problem| Violation::BadProperties {
        kind: frame.kind,
        number: frame.number,
        problem,
    };
    match Properties::decode_prefix(data, max_properties).map_err(bad)? {
        Some((properties, used)) => Ok((properties, Bytes::copy_from_slice(&data[used..]))),
        None => Err(bad(BadProperties::Incomplete)),
    }
}

fn too_long(limit: u64) -> Error {
    Error::http(413, format!("message is longer than {limit} bytes"))
}

fn failed(id: RequestId, mode: ReplyMode, error: Error) -> Event {
    match mode {
        ReplyMode::Whole => Event::Reply {
            id,
            result: Err(error),
        },
        ReplyMode::Streamed => Event::ReplyEnd {
            id,
            result: Err(error),
        },
    }
}

/// The error that an ERR message tells (wire §2.8). Without a domain or number it is `BLIP` 0.
fn error_of(properties: &Properties, body: &[u8]) -> Error {
    let domain = properties.get("Error-Domain").unwrap_or("BLIP");
    let code = (properties.get("Error-Code"))
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_ERROR_TEXT)]);
    Error::from_blip(domain, code, &text)
}
