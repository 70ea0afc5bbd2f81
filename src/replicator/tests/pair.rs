//! Two databases on disk and a link in memory between them: the whole replicator but its socket.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use super::tap::{Recording, tap};
use crate::blip;
use crate::database::{Concurrency, Database, DatabaseOptions};
use crate::error::Result;
use crate::model::replication::RemoteId;
use crate::model::{BlobDigest, CollectionSpec, DocId};
use crate::replicator::core::effects::DocumentEnded;
use crate::replicator::core::{ActiveConfig, CoreCollection, CoreConfig, CoreStatus, Role};
use crate::replicator::db_access::DbAccess;
use crate::replicator::driver::{Driver, DriverObserver};
use crate::replicator::{ConflictResolver, Filters, PassiveConfig, serve};
use crate::transport::{BoxTransport, LoopbackOptions, loopback};

/// A database in a folder of its own.
pub(super) struct Peer {
    pub(super) database: Database,
    pub(super) collections: Vec<CollectionSpec>,
    /// As active side, replicate only these documents.
    pub(super) only: Option<Vec<DocId>>,
    /// Send and take deltas.
    pub(super) deltas: bool,
    /// As active side, these for every collection.
    pub(super) filters: Filters,
    /// As active side, pull these channels.
    pub(super) channels: Option<Vec<String>>,
    /// As active side, it decides conflicts.
    pub(super) resolver: Option<Arc<dyn ConflictResolver>>,
    _folder: TempDir,
}

pub(super) fn spec(path: &str) -> CollectionSpec {
    CollectionSpec::parse_path(path).unwrap()
}

impl Peer {
    pub(super) fn new(collections: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let options = DatabaseOptions {
            directory: Some(folder.path().into()),
            ..DatabaseOptions::default()
        };
        let database = Database::open("db", &options).unwrap();
        let collections: Vec<_> = collections.iter().map(|path| spec(path)).collect();
        for collection in &collections {
            database
                .write(|tx| tx.create_collection(collection).map(drop))
                .unwrap();
        }
        Self {
            database,
            collections,
            only: None,
            deltas: true,
            filters: Filters::default(),
            channels: None,
            resolver: None,
            _folder: folder,
        }
    }

    pub(super) fn save(&self, collection: usize, id: &str, body: &str) -> String {
        self.save_with_blobs(collection, id, body, vec![])
    }

    pub(super) fn save_with_blobs(
        &self,
        collection: usize,
        id: &str,
        body: &str,
        blobs: Vec<(String, BlobDigest, u64, String)>,
    ) -> String {
        let id = DocId::parse(id).unwrap();
        let saved = self.database.write(|tx| {
            tx.save(
                &self.collections[collection],
                Some(id),
                body.as_bytes(),
                blobs,
                Concurrency::LastWriteWins,
            )
        });
        saved.unwrap().rev_id.as_str().to_owned()
    }

    pub(super) fn put_blob(&self, content: &[u8]) -> (BlobDigest, u64) {
        let mut writer = self.database.blob_writer().unwrap();
        writer.write(content).unwrap();
        writer.finish(None, None).unwrap()
    }

    pub(super) fn delete(&self, collection: usize, id: &str) {
        let id = DocId::parse(id).unwrap();
        let collection = &self.collections[collection];
        self.database
            .write(|tx| tx.delete(collection, &id))
            .unwrap();
    }

    pub(super) fn purge(&self, collection: usize, id: &str) {
        let id = DocId::parse(id).unwrap();
        let collection = &self.collections[collection];
        self.database.write(|tx| tx.purge(collection, &id)).unwrap();
    }

    pub(super) fn expire(&self, collection: usize, id: &str, at: i64) {
        let id = DocId::parse(id).unwrap();
        let collection = &self.collections[collection];
        self.database
            .write(|tx| tx.set_expiration(collection, &id, Some(at)))
            .unwrap();
    }

    pub(super) fn body(&self, collection: usize, id: &str) -> Option<String> {
        let id = DocId::parse(id).unwrap();
        let found = self
            .database
            .read(|tx| tx.document(&self.collections[collection], &id))
            .unwrap();
        found.map(|document| String::from_utf8(document.body).unwrap())
    }

    /// An active side's core.
    pub(super) fn core(&self, config: ActiveConfig) -> CoreConfig {
        CoreConfig {
            role: Role::Active(config),
            collections: (self.collections.iter())
                .map(|spec| CoreCollection {
                    spec: spec.clone(),
                    client_id: format!("cp-{spec}"),
                    doc_ids: self.only.clone(),
                    channels: self.channels.clone(),
                    keep_conflicts: self.resolver.is_some(),
                    push_filter: self.filters.push.is_some(),
                    pull_filter: self.filters.pull.is_some(),
                })
                .collect(),
            deltas: self.deltas,
            blip: blip::Config::default(),
            unix_time: Duration::from_secs(1_795_323_119),
        }
    }

    /// The number of the one remote that tests know.
    pub(super) fn remote(&self) -> RemoteId {
        self.database.remote_id("ws://peer/db").unwrap()
    }

    pub(super) fn rev_id(&self, collection: usize, id: &str) -> Option<String> {
        let id = DocId::parse(id).unwrap();
        let found = self
            .database
            .read(|tx| tx.document(&self.collections[collection], &id));
        found.unwrap().map(|found| found.rev_id.as_str().to_owned())
    }

    /// How many bodies of former revisions are kept.
    pub(super) fn kept_bodies(&self) -> usize {
        self.database.read(|tx| tx.count_kept_bodies()).unwrap()
    }

    /// Everything that must be equal on both sides: collection, id, revision, deleted, body.
    pub(super) fn contents(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for collection in &self.collections {
            let rows = self.database.read(|tx| {
                let mut after = crate::model::Sequence(0);
                let mut all = Vec::new();
                loop {
                    let (rows, _) = tx.changes(collection, after, 500, None, None)?;
                    let Some(last) = rows.last() else { break };
                    after = last.sequence;
                    for row in rows {
                        let body = tx.document(collection, &row.doc_id)?;
                        let body = body.map(|d| String::from_utf8(d.body).unwrap());
                        all.push(format!(
                            "{collection} {} {} {} {body:?}",
                            row.doc_id, row.rev_id, row.deleted
                        ));
                    }
                }
                Ok(all)
            });
            lines.extend(rows.unwrap());
        }
        lines.sort();
        lines
    }
}

/// What an active side reported.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<(Vec<CoreStatus>, Vec<DocumentEnded>)>>);

impl Log {
    pub(super) fn documents(&self) -> Vec<DocumentEnded> {
        self.0.lock().unwrap().1.clone()
    }

    pub(super) fn has_status(&self) -> bool {
        !self.0.lock().unwrap().0.is_empty()
    }

    fn is_idle(&self) -> bool {
        let log = self.0.lock().unwrap();
        log.0.last().is_some_and(|status| !status.busy)
    }
}

impl DriverObserver for Log {
    fn status(&mut self, status: CoreStatus) {
        self.0.lock().unwrap().0.push(status);
    }

    fn documents(&mut self, ended: Vec<DocumentEnded>) {
        self.0.lock().unwrap().1.extend(ended);
    }
}

pub(super) const PUSH: ActiveConfig = config(true, false, false);
pub(super) const PULL: ActiveConfig = config(false, true, false);
pub(super) const BOTH: ActiveConfig = config(true, true, false);
pub(super) const LIVE: ActiveConfig = config(true, true, true);

const fn config(push: bool, pull: bool, continuous: bool) -> ActiveConfig {
    ActiveConfig {
        push,
        pull,
        continuous,
        auto_purge: true,
    }
}

/// A connection under way.
pub(super) struct Link {
    pub(super) log: Log,
    pub(super) stop_active: CancellationToken,
    pub(super) stop_passive: CancellationToken,
    active: tokio::task::JoinHandle<Result<()>>,
    passive: tokio::task::JoinHandle<()>,
}

impl Link {
    pub(super) fn new(
        active: &Peer,
        passive: &Peer,
        config: ActiveConfig,
        options: LoopbackOptions,
    ) -> Self {
        Self::over(active, passive, config, loopback(options))
    }

    /// A connection over these two ends, the active one first.
    pub(super) fn over(
        active: &Peer,
        passive: &Peer,
        config: ActiveConfig,
        (near, far): (BoxTransport, BoxTransport),
    ) -> Self {
        let (log, stop_active, running) = drive_active(active, config, near);
        let stop_passive = CancellationToken::new();
        let served = PassiveConfig {
            database: passive.database.clone(),
            collections: passive.collections.clone(),
            deltas: passive.deltas,
            protocol: "BLIP_3+CBMobile_3".into(),
            peer: "loopback".into(),
            read_only: false,
            watch: None,
        };
        let busy = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Handle::current();
        Self {
            log,
            active: running,
            passive: runtime.spawn(serve(far, served, stop_passive.clone(), busy)),
            stop_active,
            stop_passive,
        }
    }

    /// Waits for the end; fails the test when it does not come.
    pub(super) async fn end(self) -> Result<()> {
        let patience = Duration::from_secs(60);
        let outcome = tokio::time::timeout(patience, self.active)
            .await
            .expect("the replication hangs")
            .unwrap();
        tokio::time::timeout(patience, self.passive)
            .await
            .expect("the passive side hangs")
            .unwrap();
        outcome
    }

    /// Waits until `condition` holds while the link lives.
    pub(super) async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        for _ in 0..6_000 {
            if condition() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited in vain until {what}");
    }

    pub(super) async fn until_idle(&self) {
        self.until("idle", || self.log.is_idle()).await;
    }
}

/// Starts the active side of a connection.
pub(super) fn drive_active(
    active: &Peer,
    config: ActiveConfig,
    transport: BoxTransport,
) -> (Log, CancellationToken, tokio::task::JoinHandle<Result<()>>) {
    let log = Log::default();
    let core = active.core(config);
    let (running, stop) = drive(active, core, transport, log.clone());
    (log, stop, running)
}

/// Starts an active side that is set up like this.
pub(super) fn drive(
    active: &Peer,
    core: CoreConfig,
    transport: BoxTransport,
    log: Log,
) -> (tokio::task::JoinHandle<Result<()>>, CancellationToken) {
    let (sender, inputs) = unbounded_channel();
    let access = DbAccess::new(
        active.database.clone(),
        active.collections.clone(),
        Some(active.remote()),
        sender,
    )
    .and_then(|access| {
        access
            .with_resolvers(vec![active.resolver.clone(); active.collections.len()])
            .with_filters(vec![active.filters.clone(); active.collections.len()])
    })
    .unwrap();
    let heartbeat = Duration::from_secs(300);
    let driver = Driver::new(core, transport, access, inputs, log, heartbeat);
    let stop = CancellationToken::new();
    let running = tokio::runtime::Handle::current().spawn(driver.run(stop.clone()));
    (running, stop)
}

/// One run from start to end on a perfect link.
pub(super) async fn replicate(active: &Peer, passive: &Peer, config: ActiveConfig) -> Log {
    let link = Link::new(active, passive, config, LoopbackOptions::default());
    let log = link.log.clone();
    link.end().await.expect("the replication failed");
    log
}

/// As [`replicate`], with a tap on the active end.
pub(super) async fn replicate_tapped(
    active: &Peer,
    passive: &Peer,
    config: ActiveConfig,
) -> Recording {
    let (near, far) = loopback(LoopbackOptions::default());
    let (near, recording) = tap(near);
    let link = Link::over(active, passive, config, (near, far));
    link.end().await.expect("the replication failed");
    recording
}
