//! A transport over an upgraded stream: the WebSocket codec, its limits, PINGs and farewells.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::tuning::{CODEC_BUFFER_MAX, LINGER, MAX_WS_MESSAGE_IN, MAX_WS_MESSAGE_OUT, READ_BUFFER};
use super::write_buffer::WriteBuffer;
use super::{BoxTransport, Outgoing, Received, net_error};
use crate::error::{Error, Result};

/// Close code of a frame that had none (RFC 6455 §7.4.1); never sent.
const NO_STATUS: u16 = 1005;
/// Bytes of a CLOSE frame's text at most (RFC 6455 §5.5: 125 with the code).
const MAX_CLOSE_REASON: usize = 123;

/// The server half over a stream whose upgrade response has been sent. `leftover` is what was read
/// behind the request.
pub(crate) async fn server<S>(stream: S, leftover: Bytes) -> BoxTransport
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    Box::new(WebSocket::new(stream, Role::Server, leftover).await)
}

/// The client half over a stream whose upgrade response has been read.
pub(super) async fn client<S>(stream: S, leftover: Bytes) -> BoxTransport
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    Box::new(WebSocket::new(stream, Role::Client, leftover).await)
}

struct WebSocket<S> {
    inner: WebSocketStream<WriteBuffer<S>>,
    farewell: Option<Farewell>,
    ended: bool,
}

/// A connection that is being refused: the CLOSE is on its way, what still comes is thrown away.
struct Farewell {
    error: Error,
    until: Pin<Box<Sleep>>,
}

impl<S> WebSocket<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    async fn new(stream: S, role: Role, leftover: Bytes) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0) // WriteBuffer gathers
            .max_write_buffer_size(CODEC_BUFFER_MAX)
            .max_message_size(Some(MAX_WS_MESSAGE_IN))
            .max_frame_size(Some(MAX_WS_MESSAGE_IN));
        let inner = WebSocketStream::from_partially_read(
            WriteBuffer::new(stream),
            leftover.to_vec(),
            role,
            Some(config),
        )
        .await;
        Self {
            inner,
            farewell: None,
            ended: false,
        }
    }

    /// Refuses the peer with the close code of `error`.
    fn refuse(&mut self, error: Error) {
        if let Error::WebSocketClosed { code, message } = &error {
            // If this fails the peer is gone, which the reading of the farewell finds out.
            let _ = Pin::new(&mut self.inner).start_send(close_message(*code, message));
        }
        self.farewell = Some(Farewell {
            error,
            until: Box::pin(sleep(LINGER)),
        });
    }

    /// Flushes the codec, and then what the codec leaves unflushed once the connection is closed.
    fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(cx)).map_err(net_error::from_ws)?;
        Pin::new(self.inner.get_mut())
            .poll_flush(cx)
            .map_err(|error| net_error::from_io(&error, "peer"))
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received>>> {
        let _ = self.poll_flush_all(cx);
        let Some(farewell) = &mut self.farewell else {
            return Poll::Ready(None);
        };
        let mut scratch = [0; 4096];
        while farewell.until.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(self.inner.get_mut()).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                Ok(()) | Err(_) => break,
            }
        }
        self.ended = true;
        let error = self.farewell.take().map(|farewell| farewell.error);
        Poll::Ready(error.map(Err))
    }

    /// Sorts a failed read: the end of the stream, a broken connection, or a peer to refuse.
    fn read_failed(&mut self, error: WsError) -> Option<Result<Received>> {
        match error {
            WsError::ConnectionClosed
            | WsError::AlreadyClosed
            | WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                self.ended = true;
                None
            }
            WsError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.ended = true;
                None
            }
            WsError::Io(error) => {
                self.ended = true;
                Some(Err(net_error::from_io(&error, "peer")))
            }
            other => {
                self.refuse(net_error::from_ws(other));
                None
            }
        }
    }
}

impl<S> Stream for WebSocket<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    type Item = Result<Received>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            if this.farewell.is_some() {
                return this.poll_farewell(cx);
            }
            let received = match ready!(Pin::new(&mut this.inner).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => Received::Message(bytes),
                Some(Ok(Message::Pong(_))) => Received::Pong,
                // The codec has queued the PONG and sends it on its next turn.
                Some(Ok(Message::Ping(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Text(_))) => {
                    this.refuse(Error::WebSocketClosed {
                        code: 1003,
                        message: "text messages are not part of the protocol".into(),
                    });
                    continue;
                }
                Some(Ok(Message::Close(frame))) => {
                    // Sends the answer and ends TLS, so that dropping the transport now is a clean
                    // end. Both are best effort: the peer has said farewell already.
                    if this.poll_flush_all(cx).is_ready() {
                        let _ = Pin::new(this.inner.get_mut()).poll_shutdown(cx);
                    }
                    this.ended = true;
                    let (code, reason) = frame.map_or((NO_STATUS, String::new()), |frame| {
                        (frame.code.into(), frame.reason.to_string())
                    });
                    Received::Close { code, reason }
                }
                Some(Err(error)) => match this.read_failed(error) {
                    Some(item) => return Poll::Ready(Some(item)),
                    None => continue,
                },
                None => {
                    this.ended = true;
                    continue;
                }
            };
            return Poll::Ready(Some(Ok(received)));
        }
    }
}

impl<S> Sink<Outgoing> for WebSocket<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner)
            .poll_ready(cx)
            .map_err(net_error::from_ws)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<()> {
        let message = match item {
            Outgoing::Message(bytes) if bytes.len() > MAX_WS_MESSAGE_OUT => {
                return Err(Error::WebSocketClosed {
                    code: 1009,
                    message: format!(
                        "websocket message to send is {} bytes, limit is {MAX_WS_MESSAGE_OUT}",
                        bytes.len()
                    ),
                });
            }
            Outgoing::Message(bytes) => Message::Binary(bytes),
            Outgoing::Ping => Message::Ping(Bytes::new()),
            Outgoing::Close { code, reason } => {
                return match Pin::new(&mut self.inner).start_send(close_message(code, &reason)) {
                    Err(
                        WsError::ConnectionClosed
                        | WsError::AlreadyClosed
                        | WsError::Protocol(ProtocolError::SendAfterClosing),
                    ) => Ok(()),
                    other => other.map_err(net_error::from_ws),
                };
            }
        };
        Pin::new(&mut self.inner)
            .start_send(message)
            .map_err(net_error::from_ws)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_flush_all(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner)
            .poll_close(cx)
            .map_err(net_error::from_ws)
    }
}

/// A CLOSE frame; codes that may not stand in one (RFC 6455 §7.4.1) become an empty frame.
fn close_message(code: u16, reason: &str) -> Message {
    if !(1000..5000).contains(&code) || matches!(code, 1004 | NO_STATUS | 1006 | 1015) {
        return Message::Close(None);
    }
    let mut end = reason.len().min(MAX_CLOSE_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    Message::Close(Some(CloseFrame {
        code: code.into(),
        reason: reason[..end].into(),
    }))
}
