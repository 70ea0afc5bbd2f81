//! Messages and the names by which a [`Connection`](super::Connection) and its user speak of them.

use bytes::Bytes;

use super::properties::Properties;
use crate::error::Error;

/// A whole request or reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Ordered properties.
    pub properties: Properties,
    /// Everything after the properties.
    pub body: Bytes,
    /// May pass normal messages. A reply also inherits it from its request.
    pub urgent: bool,
    /// Whether it was, or is to be, deflated. A message without any content never is.
    pub compressed: bool,
    /// A request that wants no reply. Meaningless in replies.
    pub no_reply: bool,
}

impl Message {
    /// A message with nothing but properties.
    pub fn with_properties(properties: Properties) -> Self {
        Self {
            properties,
            ..Self::default()
        }
    }

    /// The property `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.properties.get(key)
    }

    /// The property `Profile`, which names the kind of a request.
    pub fn profile(&self) -> Option<&str> {
        self.get("Profile")
    }
}

/// Local name of a request that we made. Its number on the wire is assigned when its first frame
/// goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Names a peer's request that waits for our reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyTo {
    pub(super) number: u64,
    pub(super) urgent: bool,
}

/// Names a reply whose body we deliver in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// How the reply to a request is to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyMode {
    /// In one [`Event::Reply`], within the limit of a message.
    Whole,
    /// In pieces as they come: [`Event::ReplyStart`], any number of [`Event::ReplyData`],
    /// [`Event::ReplyEnd`]. For attachments; without a limit unless
    /// [`Connection::limit_reply`](super::Connection::limit_reply) sets one.
    Streamed,
}

/// What a connection has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer's request is complete. `to` is `None` if it wants no reply.
    Request {
        /// Where to send the reply.
        to: Option<ReplyTo>,
        /// The request.
        message: Message,
    },
    /// The reply to our request is complete, or the peer refused the request.
    Reply {
        /// Which request.
        id: RequestId,
        /// The reply, or the peer's ERR, or our own limit.
        result: Result<Message, Error>,
    },
    /// A streamed reply has begun.
    ReplyStart {
        /// Which request.
        id: RequestId,
        /// Properties of the reply.
        properties: Properties,
    },
    /// The next bytes of a streamed reply's body; never empty.
    ReplyData {
        /// Which request.
        id: RequestId,
        /// The bytes.
        data: Bytes,
    },
    /// A streamed reply is over. An ERR arrives here, without [`Event::ReplyStart`] before it.
    ReplyEnd {
        /// Which request.
        id: RequestId,
        /// Whether all of it came.
        result: Result<(), Error>,
    },
    /// The last frame of our request was handed out by
    /// [`Connection::poll_transmit`](super::Connection::poll_transmit).
    Sent {
        /// Which request.
        id: RequestId,
    },
    /// Less than 64 KiB of this outgoing stream are queued: push one more piece, or finish. Told
    /// once when the stream is made, and then at most once a push.
    StreamLow {
        /// Which stream.
        stream: StreamId,
    },
}
