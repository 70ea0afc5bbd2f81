//! One end of a connection, played by a test.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};

use crate::blip::{Config, Connection, Event, Message, ReplyMode, ReplyTo, RequestId};
use crate::error::Result;
use crate::transport::{BoxTransport, Outgoing, Received};

pub(super) struct Player {
    pub(super) blip: Connection,
    transport: BoxTransport,
    pub(super) requests: VecDeque<(Option<ReplyTo>, Message)>,
    replies: Vec<(RequestId, Result<Message>)>,
    pub(super) closed: bool,
    /// The code of the other side's CLOSE.
    pub(super) close_code: Option<u16>,
}

impl Player {
    pub(super) fn new(transport: BoxTransport) -> Self {
        Self {
            blip: Connection::new(Config::default()),
            transport,
            requests: VecDeque::new(),
            replies: Vec::new(),
            closed: false,
            close_code: None,
        }
    }

    pub(super) fn send(&mut self, message: Message) -> RequestId {
        self.blip.request(message, ReplyMode::Whole)
    }

    /// The reply to a request, once it is here.
    pub(super) fn take_reply(&mut self, id: RequestId) -> Option<Result<Message>> {
        let place = self.replies.iter().position(|(reply, _)| *reply == id)?;
        Some(self.replies.remove(place).1)
    }

    /// Sends what waits and reads what is there, waiting up to `patience` for the first message. False when
    /// nothing came.
    pub(super) async fn turn(&mut self, patience: Duration) -> bool {
        let mut frame = Vec::new();
        while self.blip.poll_transmit(&mut frame) {
            let message = Outgoing::Message(std::mem::take(&mut frame).into());
            if self.transport.feed(message).await.is_err() {
                self.closed = true;
                return false;
            }
        }
        let _ = self.transport.flush().await;
        match tokio::time::timeout(patience, self.transport.next()).await {
            Err(_) => return false,
            Ok(Some(Ok(Received::Message(data)))) => self.blip.handle_ws_message(&data).unwrap(),
            Ok(Some(Ok(Received::Pong))) => {}
            Ok(Some(Ok(Received::Close { code, .. }))) => {
                self.closed = true;
                self.close_code = Some(code);
            }
            Ok(None) => self.closed = true,
            Ok(Some(Err(error))) => panic!("{error}"),
        }
        while let Some(event) = self.blip.poll_event() {
            match event {
                Event::Request { to, message } => self.requests.push_back((to, message)),
                Event::Reply { id, result } => self.replies.push((id, result)),
                _ => {}
            }
        }
        true
    }

    /// Sends raw bytes as one WebSocket message.
    pub(super) async fn send_raw(&mut self, data: &[u8]) {
        let message = Outgoing::Message(bytes::Bytes::copy_from_slice(data));
        self.transport.send(message).await.unwrap();
    }

    /// Waits for the next message and does not look at it. False when none came in time.
    pub(super) async fn turn_deaf(&mut self, patience: Duration) -> bool {
        match tokio::time::timeout(patience, self.transport.next()).await {
            Err(_) => return false,
            Ok(Some(Ok(Received::Close { code, .. }))) => {
                self.closed = true;
                self.close_code = Some(code);
            }
            Ok(None | Some(Err(_))) => self.closed = true,
            Ok(Some(Ok(_))) => {}
        }
        true
    }

    /// Says that the work is done, as the recorded clients did.
    pub(super) async fn close(mut self) {
        let close = Outgoing::Close {
            code: 1000,
            reason: String::new(),
        };
        let _ = self.transport.send(close).await;
        while let Some(Ok(_)) = self.transport.next().await {}
    }
}
