//! Reads and writes the attachments of one connection, in the order asked, on a thread of its own
//! that starts with the first attachment.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use super::core::effects::{BlobHandle, DbAnswer, DbRequest, RequestToken};
use super::db_access::DbInput;
use super::tuning;
use crate::database::{BlobReader, BlobWriter, Database};
use crate::error::{Code, Error, Result};
use crate::model::BlobDigest;

/// See the module. Dropping it ends the thread and throws half-written blobs away.
pub(super) struct BlobWorker {
    database: Database,
    inputs: UnboundedSender<DbInput>,
    backlog: Arc<AtomicUsize>,
    jobs: Option<Sender<(RequestToken, DbRequest)>>,
}

impl BlobWorker {
    pub(super) fn new(database: Database, inputs: UnboundedSender<DbInput>) -> Self {
        Self {
            database,
            inputs,
            backlog: Arc::default(),
            jobs: None,
        }
    }

    /// Received bytes that wait for the disk.
    pub(super) fn backlog(&self) -> &AtomicUsize {
        &self.backlog
    }

    /// Takes one of the blob requests.
    pub(super) fn submit(&mut self, token: RequestToken, request: DbRequest) {
        if let DbRequest::WriteBlob { data, .. } = &request {
            self.backlog.fetch_add(data.len(), Ordering::AcqRel);
        }
        if self.jobs.is_none() {
            self.jobs = self.start();
        }
        let lost = match &self.jobs {
            Some(jobs) => jobs.send((token, request)).err().map(|error| error.0.1),
            None => Some(request),
        };
        if let Some(answer) = lost.as_ref().and_then(failed) {
            let _ = self.inputs.send(DbInput::Answer(token, answer));
        }
    }

    fn start(&self) -> Option<Sender<(RequestToken, DbRequest)>> {
        let (jobs, queue) = channel();
        let run = Run {
            database: self.database.clone(),
            inputs: self.inputs.clone(),
            backlog: self.backlog.clone(),
            readers: HashMap::new(),
            writers: HashMap::new(),
        };
        std::thread::Builder::new()
            .name("settee-blobs".into())
            .spawn(move || run.work(&queue))
            .map(|_| jobs)
            .map_err(|error| tracing::error!(target: "replicator", %error, "no blob thread"))
            .ok()
    }
}

/// The answer when there is no thread to carry the request out.
fn failed(request: &DbRequest) -> Option<DbAnswer> {
    let error = || Error::lite(Code::UnexpectedError, "the blob thread cannot run");
    Some(match request {
        DbRequest::FindBlobs(_) => DbAnswer::BlobsFound(Err(error())),
        DbRequest::OpenBlob { .. } => DbAnswer::BlobOpened(Err(error())),
        DbRequest::ReadBlob { .. } => DbAnswer::BlobData(Err(error())),
        DbRequest::FinishBlob { .. } => DbAnswer::Done(Err(error())),
        _ => return None,
    })
}

struct Run {
    database: Database,
    inputs: UnboundedSender<DbInput>,
    backlog: Arc<AtomicUsize>,
    readers: HashMap<BlobHandle, BlobReader>,
    writers: HashMap<BlobHandle, (BlobDigest, Result<BlobWriter>)>,
}

impl Run {
    fn work(mut self, queue: &Receiver<(RequestToken, DbRequest)>) {
        for (token, request) in queue {
            let written = match &request {
                DbRequest::WriteBlob { data, .. } => data.len(),
                _ => 0,
            };
            if let Some(answer) = self.carry_out(request)
                && self.inputs.send(DbInput::Answer(token, answer)).is_err()
            {
                return;
            }
            let before = self.backlog.fetch_sub(written, Ordering::AcqRel);
            let low = before - written < tuning::BLOB_BACKLOG && before >= tuning::BLOB_BACKLOG;
            if low && self.inputs.send(DbInput::BlobBacklogLow).is_err() {
                return;
            }
        }
    }

    fn carry_out(&mut self, request: DbRequest) -> Option<DbAnswer> {
        Some(match request {
            DbRequest::FindBlobs(digests) => {
                DbAnswer::BlobsFound(self.database.has_blobs(&digests))
            }
            DbRequest::OpenBlob { handle, digest } => {
                DbAnswer::BlobOpened(self.open(handle, &digest))
            }
            DbRequest::ReadBlob { handle, max } => DbAnswer::BlobData(self.read(handle, max)),
            DbRequest::CloseBlob(handle) => {
                self.readers.remove(&handle);
                return None;
            }
            DbRequest::CreateBlob { handle, digest } => {
                self.writers
                    .insert(handle, (digest, self.database.blob_writer()));
                return None;
            }
            DbRequest::WriteBlob { handle, data } => {
                self.write(handle, &data);
                return None;
            }
            DbRequest::FinishBlob { handle, length } => DbAnswer::Done(self.finish(handle, length)),
            DbRequest::AbortBlob(handle) => {
                self.writers.remove(&handle);
                return None;
            }
            _ => return None,
        })
    }

    fn open(&mut self, handle: BlobHandle, digest: &BlobDigest) -> Result<u64> {
        let reader = self
            .database
            .blob_reader(digest)?
            .ok_or_else(|| Error::not_found(format!("no blob {digest}")))?;
        let length = reader.len();
        self.readers.insert(handle, reader);
        Ok(length)
    }

    fn read(&mut self, handle: BlobHandle, max: usize) -> Result<Bytes> {
        let reader = self
            .readers
            .get_mut(&handle)
            .ok_or_else(|| Error::not_found("no such blob reader"))?;
        let mut data = Vec::with_capacity(max);
        reader.by_ref().take(max as u64).read_to_end(&mut data)?;
        Ok(data.into())
    }

    fn write(&mut self, handle: BlobHandle, data: &[u8]) {
        if let Some((_, writer)) = self.writers.get_mut(&handle)
            && let Ok(open) = writer
            && let Err(error) = open.write(data)
        {
            *writer = Err(error);
        }
    }

    fn finish(&mut self, handle: BlobHandle, length: Option<u64>) -> Result<()> {
        let (digest, writer) = self
            .writers
            .remove(&handle)
            .ok_or_else(|| Error::not_found("no such blob writer"))?;
        writer?.finish(Some(&digest), length)?;
        Ok(())
    }
}
