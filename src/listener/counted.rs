//! A transport that counts the bytes of its messages.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures_util::{Sink, SinkExt, Stream, StreamExt};

use super::connections::Traffic;
use crate::error::{Error, Result};
use crate::transport::{BoxTransport, Outgoing, Received};

/// Passes everything on and counts.
pub(super) struct Counted {
    inner: BoxTransport,
    traffic: Arc<Traffic>,
}

impl Counted {
    pub(super) fn new(inner: BoxTransport, traffic: Arc<Traffic>) -> Self {
        Self { inner, traffic }
    }
}

impl Stream for Counted {
    type Item = Result<Received>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.inner.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(Received::Message(message)))) = &next {
            let length = message.len() as u64;
            self.traffic.received.fetch_add(length, Ordering::Relaxed);
        }
        next
    }
}

impl Sink<Outgoing> for Counted {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<()> {
        if let Outgoing::Message(message) = &item {
            let length = message.len() as u64;
            self.traffic.sent.fetch_add(length, Ordering::Relaxed);
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
