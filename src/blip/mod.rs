//! BLIP 3, sans-IO: requests and replies, cut into frames, interleaved on one WebSocket.
//!
//! ```text
//!            request, reply, reply_stream                    poll_event
//!                       │                                        ▲
//!                  ┌────▼────┐                              ┌────┴────┐
//!                  │ outbox  │ ◄── ACKs to send ─────────── │  inbox  │
//!                  │ (order) │ ◄── ACKs of the peer ──┐     │ (limits)│
//!                  └────┬────┘                        │     └────▲────┘
//!               codec::Encoder                        │   codec::Decoder
//!            (checksum, deflate)                      │  (checksum, inflate)
//!                       │                             └──────────┤ frame
//!                 poll_transmit                          handle_ws_message
//! ```
//!
//! [`Connection`] has the loop in which it is driven. This room knows nothing of replication, of
//! sockets or of time. Source: wire specification §2; `docs/protocol.md` says how each rule of it
//! is met, with the places in the code.

mod codec;
mod compressors;
mod config;
mod connection;
mod frame;
mod inbox;
mod message;
mod outbox;
mod properties;
#[cfg(test)]
mod tests;
mod varint;
mod violation;

pub use compressors::Compressors;
pub use config::Config;
pub use connection::Connection;
pub use frame::FrameKind;
pub use message::{Event, Message, ReplyMode, ReplyTo, RequestId, StreamId};
pub use properties::{BadProperties, Pairs, Properties};
pub use violation::Violation;
