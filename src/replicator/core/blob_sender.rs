//! Serves attachments to the peer: `getAttachment` and `proveAttachment` (wire §3.10, §3.11).
//!
//! A blob is read in pieces, when BLIP has little of it queued, so that memory stays bounded
//! whatever its size.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::context::{Context, DbRoute};
use super::effects::{BlobHandle, DbAnswer, DbRequest};
use crate::blip::{Message, Properties, ReplyTo, StreamId};
use crate::error::{Code, Error, Result};
use crate::model::BlobDigest;
use crate::protocol::{Proof, looks_random};
use crate::replicator::tuning;

/// Names one blob being served on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SendId(u64);

#[derive(Debug)]
enum Purpose {
    Send { compress: bool },
    Prove(Box<Proof>),
}

#[derive(Debug)]
struct Send {
    to: ReplyTo,
    digest: BlobDigest,
    purpose: Purpose,
    handle: Option<BlobHandle>,
    stream: Option<StreamId>,
    reading: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct BlobSender {
    sends: HashMap<SendId, Send>,
    by_stream: HashMap<StreamId, SendId>,
    queue: VecDeque<SendId>,
    under_way: usize,
    next_id: u64,
}

impl BlobSender {
    pub(super) fn handle_get(
        &mut self,
        to: Option<ReplyTo>,
        digest: &str,
        compress: bool,
        cx: &mut Context,
    ) {
        self.accept(to, digest, Purpose::Send { compress }, cx);
    }

    pub(super) fn handle_prove(
        &mut self,
        to: Option<ReplyTo>,
        digest: &str,
        nonce: &Bytes,
        cx: &mut Context,
    ) {
        let proof = Box::new(Proof::new(nonce));
        self.accept(to, digest, Purpose::Prove(proof), cx);
    }

    fn accept(&mut self, to: Option<ReplyTo>, digest: &str, purpose: Purpose, cx: &mut Context) {
        let Some(to) = to else { return };
        if self.queue.len() >= tuning::QUEUED_BLOB_SENDS {
            let message = format!(
                "more than {} attachments asked for at once",
                tuning::QUEUED_BLOB_SENDS
            );
            return cx.fail(Error::http(429, message), 1008);
        }
        match BlobDigest::parse(digest) {
            Ok(digest) => {
                self.next_id += 1;
                let id = SendId(self.next_id);
                let send = Send {
                    to,
                    digest,
                    purpose,
                    handle: None,
                    stream: None,
                    reading: false,
                };
                self.sends.insert(id, send);
                self.queue.push_back(id);
                self.start_queued(cx);
            }
            Err(error) => cx.blip.reply_error(to, &error),
        }
    }

    fn start_queued(&mut self, cx: &mut Context) {
        while self.under_way < tuning::BLOB_SENDS {
            let Some(id) = self.queue.pop_front() else {
                return;
            };
            if let Some(send) = self.sends.get_mut(&id) {
                self.under_way += 1;
                let handle = cx.new_blob_handle();
                send.handle = Some(handle);
                let digest = send.digest;
                cx.ask(DbRequest::OpenBlob { handle, digest }, DbRoute::Send(id));
            }
        }
    }

    /// BLIP has little left of this reply.
    pub(super) fn handle_low(&mut self, stream: StreamId, cx: &mut Context) {
        if let Some(id) = self.by_stream.get(&stream).copied() {
            self.read_more(id, cx);
        }
    }

    fn read_more(&mut self, id: SendId, cx: &mut Context) {
        if let Some(send) = self.sends.get_mut(&id)
            && let Some(handle) = send.handle
            && !send.reading
        {
            send.reading = true;
            let max = tuning::BLOB_CHUNK;
            cx.ask(DbRequest::ReadBlob { handle, max }, DbRoute::Send(id));
        }
    }

    pub(super) fn handle_answer(&mut self, id: SendId, answer: DbAnswer, cx: &mut Context) {
        match answer {
            DbAnswer::BlobOpened(result) => self.handle_opened(id, result, cx),
            DbAnswer::BlobData(result) => self.handle_data(id, result, cx),
            _ => {}
        }
    }

    fn handle_opened(&mut self, id: SendId, result: Result<u64>, cx: &mut Context) {
        let Some(send) = self.sends.get_mut(&id) else {
            return;
        };
        match result {
            Ok(_) => self.read_more(id, cx),
            Err(error) => {
                // Sync Gateway falls back to getAttachment on 404 (wire §3.11).
                let error = match send.purpose {
                    Purpose::Prove(_) if error.is(Code::NotFound) => {
                        Error::http(404, error.message())
                    }
                    _ => error,
                };
                cx.blip.reply_error(send.to, &error);
                self.end(id, cx);
            }
        }
    }

    fn handle_data(&mut self, id: SendId, result: Result<Bytes>, cx: &mut Context) {
        let Some(send) = self.sends.get_mut(&id) else {
            return;
        };
        send.reading = false;
        match (result, &mut send.purpose) {
            (Ok(data), Purpose::Send { compress }) => {
                let stream = *send.stream.get_or_insert_with(|| {
                    // Asked for means allowed (wire §2.4).
                    let compressed = *compress && !looks_random(&data);
                    let properties = Properties::default();
                    let stream = cx.blip.reply_stream(send.to, properties, compressed);
                    self.by_stream.insert(stream, id);
                    stream
                });
                if data.is_empty() {
                    cx.blip.stream_finish(stream);
                    self.end(id, cx);
                } else {
                    // BLIP asks for more by itself once this is nearly sent.
                    cx.blip.stream_push(stream, data);
                }
            }
            (Ok(data), Purpose::Prove(proof)) if !data.is_empty() => {
                proof.update(&data);
                self.read_more(id, cx);
            }
            (Ok(_), Purpose::Prove(proof)) => {
                let message = Message {
                    body: proof.clone().finish().into(),
                    ..Message::default()
                };
                cx.blip.reply(send.to, message);
                self.end(id, cx);
            }
            // Part of the reply is out: it cannot become an error any more.
            (Err(error), _) => cx.fail(error, 1011),
        }
    }

    fn end(&mut self, id: SendId, cx: &mut Context) {
        if let Some(send) = self.sends.remove(&id) {
            if let Some(stream) = send.stream {
                self.by_stream.remove(&stream);
            }
            if let Some(handle) = send.handle {
                cx.tell(DbRequest::CloseBlob(handle));
            }
            self.under_way -= 1;
            self.start_queued(cx);
        }
    }
}
