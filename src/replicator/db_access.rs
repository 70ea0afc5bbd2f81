//! Where a replicator's task and a database meet: requests go into the database's queue with a
//! completion, answers come back through a channel (architecture, "Where async meets blocking").

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use super::blob_worker::BlobWorker;
use super::core::effects::{
    CollectionIndex, DbAnswer, DbRequest, FilterSubject, FilterVerdict, RequestToken,
};
use super::filter::{Direction, FilterHandle, FilterWorker, Filters};
use super::resolver::{ConflictResolver, end_conflict};
use crate::database::{CollectionChange, Database, DeltaBases, ObserverId, ReadTx, WriteTx};
use crate::error::Result;
use crate::model::replication::{RemoteId, RevisionRequest};
use crate::model::{CollectionSpec, DocId, RevId};

/// What reaches the driver from the database's threads.
///
/// The channel has no bound of its own: there is at most one message an outstanding request, one a
/// collection (changes are not counted, only noticed), one of the blob worker, and one each time the
/// network changes.
#[derive(Debug)]
pub(crate) enum DbInput {
    /// A request was answered.
    Answer(RequestToken, DbAnswer),
    /// The collection has commits that were not looked at.
    LocalChange(CollectionIndex),
    /// The blob worker has caught up with what was received.
    BlobBacklogLow,
    /// The network has changed: is the peer still there?
    CheckPeer,
}

/// See the module.
pub(crate) struct DbAccess {
    database: Database,
    collections: Vec<CollectionSpec>,
    remote: Option<RemoteId>,
    inputs: UnboundedSender<DbInput>,
    observers: Vec<ObserverId>,
    noticed: Vec<Arc<AtomicBool>>,
    blobs: BlobWorker,
    filters: Option<FilterWorker>,
    /// The application's resolver, for the collections that have one.
    resolvers: Vec<Option<Arc<dyn ConflictResolver>>>,
    resolutions: JoinSet<()>,
}

impl DbAccess {
    /// Watches the collections and stands ready for requests.
    ///
    /// `remote` is the number of the remote whose ancestors are recorded, `None` on the passive
    /// side, which records none.
    pub(crate) fn new(
        database: Database,
        collections: Vec<CollectionSpec>,
        remote: Option<RemoteId>,
        inputs: UnboundedSender<DbInput>,
    ) -> Result<Self> {
        let mut access = Self {
            blobs: BlobWorker::new(database.clone(), inputs.clone()),
            database,
            collections,
            remote,
            inputs,
            observers: Vec::new(),
            noticed: Vec::new(),
            filters: None,
            resolvers: Vec::new(),
            resolutions: JoinSet::new(),
        };
        access.watch()?;
        Ok(access)
    }

    /// Gives it the filters of its collections.
    ///
    /// # Errors
    /// When their thread cannot be started.
    pub(crate) fn with_filters(mut self, filters: Vec<Filters>) -> Result<Self> {
        self.filters = FilterWorker::start(filters, self.inputs.clone())?;
        Ok(self)
    }

    /// Gives it the conflict resolvers of its collections.
    pub(crate) fn with_resolvers(
        mut self,
        resolvers: Vec<Option<Arc<dyn ConflictResolver>>>,
    ) -> Self {
        self.resolvers = resolvers;
        self
    }

    fn watch(&mut self) -> Result<()> {
        for (number, spec) in (0..).zip(&self.collections) {
            let noticed = Arc::new(AtomicBool::new(false));
            let inputs = self.inputs.clone();
            let flag = noticed.clone();
            let observer = Arc::new(move |_: &CollectionChange| {
                if !flag.swap(true, Ordering::AcqRel) {
                    // The driver may be gone already.
                    let _ = inputs.send(DbInput::LocalChange(CollectionIndex(number)));
                }
            });
            self.observers.push(self.database.observe(spec, observer)?);
            self.noticed.push(noticed);
        }
        Ok(())
    }

    /// The driver is about to look at the collection's changes.
    pub(crate) fn acknowledge_change(&self, index: CollectionIndex) {
        if let Some(noticed) = self.noticed.get(index.0 as usize) {
            noticed.store(false, Ordering::Release);
        }
    }

    /// Received attachment bytes that wait for the disk.
    pub(crate) fn blob_backlog(&self) -> &AtomicUsize {
        self.blobs.backlog()
    }

    /// Carries a request out; the answer comes as [`DbInput::Answer`].
    pub(crate) fn submit(&mut self, token: RequestToken, request: DbRequest) {
        use DbRequest as R;
        let remote = self.remote;
        match request {
            R::LoadLocalCheckpoint { client_id } => self.read(
                token,
                move |tx| Ok(tx.local_checkpoint(&client_id)?.map(Bytes::from)),
                DbAnswer::LocalCheckpoint,
            ),
            R::SaveLocalCheckpoint { client_id, body } => self.write(
                token,
                body.len(),
                move |tx| tx.save_local_checkpoint(&client_id, &body),
                DbAnswer::Done,
            ),
            R::IsCollectionEmpty(index) => {
                let spec = self.spec(index);
                self.read(
                    token,
                    move |tx| tx.is_collection_empty(&spec),
                    DbAnswer::Empty,
                );
            }
            R::GetPeerCheckpoint { client_id } => self.read(
                token,
                move |tx| {
                    let stored = tx.peer_checkpoint(&client_id)?;
                    Ok(stored.map(|(rev, body)| (rev, Bytes::from(body))))
                },
                DbAnswer::PeerCheckpoint,
            ),
            R::SetPeerCheckpoint {
                client_id,
                rev,
                body,
            } => self.write(
                token,
                body.len(),
                move |tx| tx.set_peer_checkpoint(&client_id, &rev, &body),
                DbAnswer::PeerCheckpointSet,
            ),
            R::Changes {
                collection,
                after,
                limit,
                doc_ids,
            } => {
                let spec = self.spec(collection);
                self.read(
                    token,
                    move |tx| tx.changes(&spec, after, limit, doc_ids.as_deref(), remote),
                    DbAnswer::Changes,
                );
            }
            R::JudgeChanges {
                collection,
                rows,
                bodies_only,
            } => {
                let spec = self.spec(collection);
                self.read(
                    token,
                    move |tx| tx.judge_changes(&spec, &rows, bodies_only),
                    DbAnswer::ChangeVerdicts,
                );
            }
            R::JudgeProposals { collection, rows } => {
                let spec = self.spec(collection);
                self.read(
                    token,
                    move |tx| tx.judge_proposals(&spec, &rows),
                    DbAnswer::ProposalVerdicts,
                );
            }
            R::ReadRevisions {
                collection,
                revisions,
            } => {
                let spec = self.spec(collection);
                self.read(
                    token,
                    move |tx| tx.read_revisions(&spec, &revisions),
                    DbAnswer::Revisions,
                );
            }
            R::ReadBodies {
                collection,
                revisions,
                max_bytes,
            } => {
                let spec = self.spec(collection);
                self.read(
                    token,
                    move |tx| tx.read_bodies(&spec, &revisions, max_bytes),
                    DbAnswer::Bodies,
                );
            }
            R::KeepDeltaBases { for_anybody } => {
                let bases = if for_anybody {
                    DeltaBases::Last
                } else {
                    DeltaBases::OfRemotes
                };
                self.write(
                    token,
                    0,
                    move |tx| tx.keep_delta_bases(bases),
                    DbAnswer::Done,
                );
            }
            R::InsertRevisions {
                collection,
                revisions,
                policy,
            } => {
                let spec = self.spec(collection);
                let cost = revisions.iter().map(|revision| revision.body.len()).sum();
                self.write(
                    token,
                    cost,
                    move |tx| tx.insert_revisions(&spec, revisions, policy, remote),
                    DbAnswer::Inserted,
                );
            }
            R::MarkPushed {
                collection,
                revisions,
            } => {
                let spec = self.spec(collection);
                self.write(
                    token,
                    0,
                    move |tx| match remote {
                        Some(remote) => tx.mark_remote_ancestor(&spec, remote, &revisions),
                        None => Ok(()),
                    },
                    DbAnswer::Done,
                );
            }
            R::Purge {
                collection,
                doc_ids,
            } => {
                let spec = self.spec(collection);
                self.write(
                    token,
                    0,
                    move |tx| {
                        for doc_id in &doc_ids {
                            match tx.purge(&spec, doc_id) {
                                Err(error) if error.is(crate::error::Code::NotFound) => {}
                                other => other?,
                            }
                        }
                        Ok(())
                    },
                    DbAnswer::Done,
                );
            }
            R::FindConflicts(index) => {
                let spec = self.spec(index);
                self.read(
                    token,
                    move |tx| tx.all_conflicts(&spec),
                    DbAnswer::Conflicts,
                );
            }
            R::ResolveConflict {
                collection,
                doc_id,
                rev_id,
            } => self.resolve(token, collection, doc_id, rev_id),
            R::FilterChanges {
                collection,
                revisions,
            } => self.filter_changes(token, collection, revisions),
            R::FilterIncoming {
                collection,
                subjects,
            } => match self.filter(token, collection, Direction::Pull) {
                Some(filter) => filter.run(subjects),
                None => self.all_pass(token, subjects.len()),
            },
            blob => self.blobs.submit(token, blob),
        }
    }

    /// A task, because the application may think. It ends with the connection.
    fn resolve(
        &mut self,
        token: RequestToken,
        index: CollectionIndex,
        doc_id: DocId,
        rev_id: RevId,
    ) {
        while self.resolutions.try_join_next().is_some() {}
        let (database, inputs) = (self.database.clone(), self.inputs.clone());
        let spec = self.spec(index);
        let resolver = self.resolvers.get(index.0 as usize).cloned().flatten();
        self.resolutions.spawn(async move {
            let ended = end_conflict(&database, &spec, &doc_id, &rev_id, resolver).await;
            let _ = inputs.send(DbInput::Answer(token, DbAnswer::ConflictEnded(ended)));
        });
    }

    fn filter_changes(
        &self,
        token: RequestToken,
        index: CollectionIndex,
        revisions: Vec<(DocId, RevId, bool)>,
    ) {
        let Some(filter) = self.filter(token, index, Direction::Push) else {
            return self.all_pass(token, revisions.len());
        };
        let spec = self.spec(index);
        let requests: Vec<_> = revisions
            .iter()
            .map(|(doc_id, rev_id, _)| RevisionRequest {
                doc_id: doc_id.clone(),
                rev_id: rev_id.clone(),
                known: Vec::new(),
                max_history: 0,
                delta: false,
            })
            .collect();
        let inputs = self.inputs.clone();
        self.database.submit_read(
            move |tx| tx.read_revisions(&spec, &requests),
            move |result| match result {
                Ok(found) => filter.run(
                    revisions
                        .into_iter()
                        .zip(found)
                        .map(|((doc_id, _, deleted), revision)| FilterSubject {
                            doc_id,
                            deleted,
                            access_removed: false,
                            body: revision.map(|revision| revision.body),
                        })
                        .collect(),
                ),
                Err(error) => {
                    let verdicts = vec![FilterVerdict::Failed(error); revisions.len()];
                    let _ = inputs.send(DbInput::Answer(token, DbAnswer::Filtered(verdicts)));
                }
            },
        );
    }

    fn filter(
        &self,
        token: RequestToken,
        index: CollectionIndex,
        direction: Direction,
    ) -> Option<FilterHandle> {
        self.filters
            .as_ref()?
            .handle(token, index.0 as usize, direction)
    }

    fn all_pass(&self, token: RequestToken, count: usize) {
        let verdicts = vec![FilterVerdict::Pass; count];
        let answer = DbAnswer::Filtered(verdicts);
        let _ = self.inputs.send(DbInput::Answer(token, answer));
    }

    fn spec(&self, index: CollectionIndex) -> CollectionSpec {
        self.collections[index.0 as usize].clone()
    }

    fn read<T: Send + 'static>(
        &self,
        token: RequestToken,
        work: impl FnOnce(&ReadTx) -> Result<T> + Send + 'static,
        wrap: fn(Result<T>) -> DbAnswer,
    ) {
        let inputs = self.inputs.clone();
        self.database.submit_read(work, move |result| {
            let _ = inputs.send(DbInput::Answer(token, wrap(result)));
        });
    }

    fn write<T: Send + 'static>(
        &self,
        token: RequestToken,
        cost: usize,
        work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static,
        wrap: fn(Result<T>) -> DbAnswer,
    ) {
        let inputs = self.inputs.clone();
        self.database.submit_write(cost, work, move |result| {
            let _ = inputs.send(DbInput::Answer(token, wrap(result)));
        });
    }
}

impl Drop for DbAccess {
    fn drop(&mut self) {
        for observer in self.observers.drain(..) {
            self.database.remove_observer(observer);
        }
    }
}
