//! A peer written by hand on one end of a link, with our passive or active side on the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::pair::{Log, Peer, drive_active};
use crate::blip::{Config, Connection, Event, Message, Properties, ReplyMode, ReplyTo, RequestId};
use crate::error::Result;
use crate::protocol::Request;
use crate::replicator::core::ActiveConfig;
use crate::replicator::{PassiveConfig, serve};
use crate::transport::{BoxTransport, LoopbackOptions, Outgoing, Received, loopback};

pub(super) struct ScriptedPeer {
    pub(super) blip: Connection,
    transport: BoxTransport,
    requests: VecDeque<(Option<ReplyTo>, Request)>,
    replies: Vec<(RequestId, Result<Message>)>,
    /// The close code that the passive side gave, once it has.
    pub(super) closed: Option<u16>,
    server: tokio::task::JoinHandle<()>,
}

impl ScriptedPeer {
    pub(super) fn connect(server: &Peer) -> Self {
        Self::connect_with(server, "BLIP_3+CBMobile_3")
    }

    /// A client that agreed on this subprotocol.
    pub(super) fn connect_with(server: &Peer, protocol: &str) -> Self {
        let (near, far) = loopback(LoopbackOptions::default());
        let config = PassiveConfig {
            database: server.database.clone(),
            collections: server.collections.clone(),
            deltas: server.deltas,
            protocol: protocol.into(),
            peer: "script".into(),
            read_only: false,
            watch: None,
        };
        let stop = CancellationToken::new();
        let active = Arc::new(AtomicBool::new(false));
        let server = tokio::runtime::Handle::current().spawn(serve(far, config, stop, active));
        Self {
            blip: Connection::new(Config::default()),
            transport: near,
            requests: VecDeque::new(),
            replies: Vec::new(),
            closed: None,
            server,
        }
    }

    /// A server that `active` replicates with; what it reports and how it ends.
    pub(super) fn serve(
        active: &Peer,
        config: ActiveConfig,
    ) -> (Self, Log, tokio::sync::oneshot::Receiver<Result<()>>) {
        let (near, far) = loopback(LoopbackOptions::default());
        let (log, _, running) = drive_active(active, config, far);
        let (sender, outcome) = tokio::sync::oneshot::channel();
        let server = tokio::runtime::Handle::current().spawn(async move {
            let _ = sender.send(running.await.unwrap());
        });
        let peer = Self {
            blip: Connection::new(Config::default()),
            transport: near,
            requests: VecDeque::new(),
            replies: Vec::new(),
            closed: None,
            server,
        };
        (peer, log, outcome)
    }

    /// Answers the active side's opening, up to and including `subChanges`.
    pub(super) async fn accept_pull(&mut self) -> crate::protocol::SubChanges {
        loop {
            let (to, request) = self.next_request().await;
            match request {
                Request::GetCheckpoint { .. } => {
                    let missing = crate::error::Error::http(404, "missing");
                    self.blip.reply_error(to.unwrap(), &missing);
                }
                Request::SubChanges(sub) => {
                    self.blip.reply(to.unwrap(), Message::default());
                    return sub;
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// Accepts checkpoints and waits for the close.
    pub(super) async fn see_off(mut self) -> u16 {
        while self.closed.is_none() {
            while let Some((to, request)) = self.requests.pop_front() {
                if let (Some(to), Request::SetCheckpoint { .. }) = (to, request) {
                    let reply = Message::with_properties(Properties::new().with("rev", "0-1"));
                    self.blip.reply(to, reply);
                }
            }
            self.turn().await;
        }
        self.end().await
    }

    /// Sends raw bytes as one WebSocket message.
    pub(super) async fn send_raw(&mut self, data: &[u8]) {
        let message = Outgoing::Message(Bytes::copy_from_slice(data));
        self.transport.send(message).await.unwrap();
    }

    /// Sends a message as it is and gives its reply.
    pub(super) async fn ask_message(&mut self, message: Message) -> Result<Message> {
        let id = self.blip.request(message, ReplyMode::Whole);
        loop {
            if let Some(place) = self.replies.iter().position(|(reply, _)| *reply == id) {
                return self.replies.remove(place).1;
            }
            self.turn().await;
            assert_eq!(self.closed, None, "closed instead of a reply");
        }
    }

    /// Sends a request and gives its reply.
    pub(super) async fn ask(&mut self, request: Request) -> Result<Message> {
        self.ask_message(request.encode()).await
    }

    /// Sends a request without waiting for the reply.
    pub(super) async fn send(&mut self, request: Request) -> RequestId {
        let id = self.blip.request(request.encode(), ReplyMode::Whole);
        self.flush().await;
        id
    }

    /// The reply to a request sent before.
    pub(super) async fn reply_to(&mut self, id: RequestId) -> Result<Message> {
        loop {
            if let Some(place) = self.replies.iter().position(|(reply, _)| *reply == id) {
                return self.replies.remove(place).1;
            }
            self.turn().await;
        }
    }

    /// The passive side's next request.
    pub(super) async fn next_request(&mut self) -> (Option<ReplyTo>, Request) {
        loop {
            if let Some(request) = self.requests.pop_front() {
                return request;
            }
            self.turn().await;
            assert_eq!(self.closed, None, "closed instead of a request");
        }
    }

    /// Closes the connection.
    pub(super) async fn close(self, code: u16, reason: &str) {
        let Self {
            mut transport,
            server,
            ..
        } = self;
        let reason = reason.to_owned();
        transport
            .send(Outgoing::Close { code, reason })
            .await
            .unwrap();
        let ended = async { while let Some(Ok(_)) = transport.next().await {} };
        tokio::time::timeout(Duration::from_secs(20), ended)
            .await
            .expect("the other side does not answer the close");
        Self::join(server).await;
    }

    /// Reads until the passive side closes; its close code.
    pub(super) async fn until_closed(mut self) -> u16 {
        while self.closed.is_none() {
            self.turn().await;
        }
        self.end().await
    }

    /// Vanishes without a word.
    pub(super) async fn vanish(self) {
        drop(self.transport);
        Self::join(self.server).await;
    }

    async fn end(self) -> u16 {
        drop(self.transport);
        Self::join(self.server).await;
        self.closed.unwrap()
    }

    async fn join(server: tokio::task::JoinHandle<()>) {
        tokio::time::timeout(Duration::from_secs(20), server)
            .await
            .expect("the passive side hangs")
            .expect("the passive side panicked");
    }

    pub(super) async fn flush(&mut self) {
        let mut frame = Vec::new();
        while self.blip.poll_transmit(&mut frame) {
            let message = Outgoing::Message(std::mem::take(&mut frame).into());
            self.transport.feed(message).await.unwrap();
        }
        self.transport.flush().await.unwrap();
    }

    async fn turn(&mut self) {
        self.flush().await;
        let received = tokio::time::timeout(Duration::from_secs(20), self.transport.next())
            .await
            .expect("the passive side is silent");
        match received {
            Some(Ok(Received::Message(data))) => self.blip.handle_ws_message(&data).unwrap(),
            Some(Ok(Received::Close { code, .. })) => self.closed = Some(code),
            Some(Ok(Received::Pong)) => {}
            Some(Err(error)) => panic!("{error}"),
            None => self.closed = self.closed.or(Some(1006)),
        }
        while let Some(event) = self.blip.poll_event() {
            match event {
                Event::Request { to, message } => {
                    self.requests
                        .push_back((to, Request::decode(message).unwrap()));
                }
                Event::Reply { id, result } => self.replies.push((id, result)),
                _ => {}
            }
        }
    }
}
