//! Fetches attachments that received revisions need (wire §3.10, §7.4).
//!
//! One per connection. A blob that several revisions need is fetched once. Bytes go to the
//! database as they come; the reply may not be longer than the document announced (design D9).

use std::collections::{HashMap, VecDeque};

use super::context::{Context, DbRoute, ReplyRoute};
use super::effects::{BlobHandle, CollectionIndex, DbAnswer, DbRequest};
use crate::error::{Error, Result};
use crate::model::BlobDigest;
use crate::model::replication::BlobRef;
use crate::protocol::{Request, should_compress};
use crate::replicator::tuning;

/// Names one fetch of this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FetchId(u64);

/// A revision that needs the blob: its collection and the puller's key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) collection: CollectionIndex,
    pub(super) key: u64,
}

#[derive(Debug)]
struct Fetch {
    digest: BlobDigest,
    length: Option<u64>,
    request: Option<Request>,
    handle: Option<BlobHandle>,
    waiters: Vec<Waiter>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct BlobFetcher {
    fetches: HashMap<FetchId, Fetch>,
    by_digest: HashMap<BlobDigest, FetchId>,
    queue: VecDeque<FetchId>,
    under_way: usize,
    next_id: u64,
    finished: Vec<(Waiter, Result<()>)>,
}

impl BlobFetcher {
    /// Makes sure that `blob` is stored; the outcome comes from [`BlobFetcher::take_finished`].
    pub(super) fn fetch(
        &mut self,
        blob: &BlobRef,
        waiter: Waiter,
        wire: Option<u32>,
        doc_id: &str,
        cx: &mut Context,
    ) {
        if let Some(id) = self.by_digest.get(&blob.digest)
            && let Some(fetch) = self.fetches.get_mut(id)
        {
            fetch.waiters.push(waiter);
            return;
        }
        self.next_id += 1;
        let id = FetchId(self.next_id);
        self.by_digest.insert(blob.digest, id);
        self.fetches.insert(
            id,
            Fetch {
                digest: blob.digest,
                length: blob.length,
                request: Some(Request::GetAttachment {
                    collection: wire,
                    digest: blob.digest.to_string(),
                    doc_id: Some(doc_id.to_owned()),
                    compress: should_compress(blob),
                }),
                handle: None,
                waiters: vec![waiter],
            },
        );
        self.queue.push_back(id);
        self.start_queued(cx);
    }

    /// Revisions whose blob has arrived or failed since the last call.
    pub(super) fn take_finished(&mut self) -> Vec<(Waiter, Result<()>)> {
        std::mem::take(&mut self.finished)
    }

    fn start_queued(&mut self, cx: &mut Context) {
        while self.under_way < tuning::BLOB_FETCHES {
            let Some(id) = self.queue.pop_front() else {
                return;
            };
            let Some(fetch) = self.fetches.get_mut(&id) else {
                continue;
            };
            if let Some(request) = fetch.request.take() {
                self.under_way += 1;
                let request_id = cx.send_streamed(request, ReplyRoute::Fetch(id));
                let most = fetch.length.unwrap_or(tuning::UNANNOUNCED_BLOB_LIMIT);
                cx.blip.limit_reply(request_id, most);
            }
        }
    }

    /// Bytes of the attachment; the first ones open the writer.
    pub(super) fn handle_data(&mut self, id: FetchId, data: bytes::Bytes, cx: &mut Context) {
        if let Some(fetch) = self.fetches.get_mut(&id) {
            let handle = fetch.writer(cx);
            if !data.is_empty() {
                cx.tell(DbRequest::WriteBlob { handle, data });
            }
        }
    }

    /// The reply is complete.
    pub(super) fn handle_end(&mut self, id: FetchId, result: Result<()>, cx: &mut Context) {
        let Some(fetch) = self.fetches.get_mut(&id) else {
            return;
        };
        match result {
            Ok(()) => {
                let handle = fetch.writer(cx);
                let length = fetch.length;
                cx.ask(DbRequest::FinishBlob { handle, length }, DbRoute::Fetch(id));
            }
            Err(error) => {
                if let Some(handle) = fetch.handle {
                    cx.tell(DbRequest::AbortBlob(handle));
                }
                self.finish(id, Err(error), cx);
            }
        }
    }

    pub(super) fn handle_answer(&mut self, id: FetchId, answer: DbAnswer, cx: &mut Context) {
        if let DbAnswer::Done(result) = answer {
            self.finish(id, result, cx);
        }
    }

    fn finish(&mut self, id: FetchId, result: Result<()>, cx: &mut Context) {
        if let Some(fetch) = self.fetches.remove(&id) {
            self.by_digest.remove(&fetch.digest);
            self.under_way -= 1;
            let result = result.map_err(|error| blame_blob(fetch.digest, &error));
            for waiter in fetch.waiters {
                self.finished.push((waiter, result.clone()));
            }
            self.start_queued(cx);
        }
    }
}

impl Fetch {
    fn writer(&mut self, cx: &mut Context) -> BlobHandle {
        *self.handle.get_or_insert_with(|| {
            let handle = cx.new_blob_handle();
            let digest = self.digest;
            cx.tell(DbRequest::CreateBlob { handle, digest });
            handle
        })
    }
}

/// Names the blob in an error of the peer that does not.
fn blame_blob(digest: BlobDigest, error: &Error) -> Error {
    match error {
        Error::Lite { code, message } => Error::lite(*code, format!("blob {digest}: {message}")),
        Error::Http { status, message } => {
            Error::http(*status, format!("blob {digest}: {message}"))
        }
        other => other.clone(),
    }
}
