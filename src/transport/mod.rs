//! Pipes of WebSocket messages: what connects two peers, with nothing known of what is inside.
//!
//! A [`Transport`] yields whole WebSocket messages and takes whole WebSocket messages. Three make
//! one: [`connect`] (client half), the listener (server half, through `websocket::server`), and
//! [`loopback`] (in memory, with a latency and a cut, for tests).
//!
//! ```text
//!            driver                                    driver
//!   Received ▲    │ Outgoing                  Received ▲    │ Outgoing
//!            │    ▼                                    │    ▼
//!          websocket ── write buffer ── TLS ── TCP ── … websocket
//! ```
//!
//! Pings are answered here and text messages are refused here. Messages that are fed one after the
//! other go out together with the next flush, in as few TLS records as they fit in.
//!
//! Follows wire spec §1 and RFC 6455. Never looks into a message, never retries.

mod connect;
mod cookies;
mod dial;
mod loopback;
mod net_error;
mod net_stream;
mod proxy;
mod tuning;
mod upgrade;
mod upgrade_response;
mod websocket;
mod write_buffer;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use futures_util::{Sink, Stream};

use crate::error::{Error, Result};

pub use connect::{ConnectOptions, Connected, connect};
pub use cookies::CookieJar;
pub use loopback::{LoopbackOptions, loopback};
pub(crate) use net_error::from_io;
pub(crate) use net_stream::NetStream;
pub use proxy::{Proxy, ProxyChoice};
pub(crate) use websocket::server;

/// What came from the peer. A PING never shows: it has been answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// One whole binary message, at most 1 MiB.
    Message(Bytes),
    /// The peer lives.
    Pong,
    /// The peer's CLOSE (its answer, if we closed first). Has been answered; the stream ends next.
    Close {
        /// Close code; 1005 if the frame had none.
        code: u16,
        /// Text of the frame, often empty.
        reason: String,
    },
}

/// What goes to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// One whole binary message, at most 16 KiB (32 KiB is refused: Sync Gateway takes no more).
    Message(Bytes),
    /// Asks the peer for a [`Received::Pong`].
    Ping,
    /// Starts the closing handshake, or is ignored if the peer has closed already.
    Close {
        /// Close code, 1000 to 4999.
        code: u16,
        /// Text of the frame; cut at 123 bytes.
        reason: String,
    },
}

/// A pipe of WebSocket messages to one peer.
///
/// The stream ends (`None`) after [`Received::Close`], and also when the connection ends without
/// one, which the driver takes as WebSocket 1006. It yields `Err` once, and then `None`, for TLS
/// and socket failures and for a peer that breaks the rules of RFC 6455 or of wire §1.10; in the
/// last case the peer has been sent a CLOSE with the fitting code.
///
/// Feeding many messages and flushing once is cheap; nothing is flushed per message.
pub trait Transport:
    Stream<Item = Result<Received>> + Sink<Outgoing, Error = Error> + Send + Unpin
{
}

impl<T> Transport for T where
    T: Stream<Item = Result<Received>> + Sink<Outgoing, Error = Error> + Send + Unpin
{
}

/// Any transport.
pub type BoxTransport = Box<dyn Transport>;
