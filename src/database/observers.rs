//! Who is told about commits.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::lock;
use crate::model::replication::RemoteId;
use crate::model::{CollectionSpec, DocId, RevId, Sequence};

/// What a commit changed in one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectionChange {
    /// Which collection.
    pub collection: CollectionSpec,
    /// The documents that changed, each once, in the order of their first change.
    pub doc_ids: Vec<DocId>,
    /// The collection's last sequence after the last of these changes.
    pub last_sequence: Sequence,
    /// Every revision that was saved, deleted or purged, in order.
    pub saved: Vec<DocumentSaved>,
    /// The remote that the changes came from; `None` for local ones.
    pub origin: Option<RemoteId>,
}

/// One change of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentSaved {
    /// Which document.
    pub doc_id: DocId,
    /// Its current revision now; `None` when it was purged.
    pub rev_id: Option<RevId>,
    /// Where that revision stands in the change feed; of a purged one, where it stood.
    pub sequence: Sequence,
    /// Whether that revision is a tombstone.
    pub deleted: bool,
}

/// Names an observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObserverId(u64);

/// A function that is told about changes; see [`super::Database::observe`].
pub type Observer = Arc<dyn Fn(&CollectionChange) + Send + Sync>;

/// A change that waits for its commit.
#[derive(Debug)]
pub(super) struct PendingChange {
    pub(super) collection: CollectionSpec,
    pub(super) saved: DocumentSaved,
    pub(super) last_sequence: u64,
    pub(super) origin: Option<RemoteId>,
}

struct Registered {
    id: ObserverId,
    handle: u64,
    collection: CollectionSpec,
    observer: Observer,
}

/// The observers of one database, over all its handles.
#[derive(Default)]
pub(super) struct Observers {
    registered: Mutex<Vec<Registered>>,
    count: AtomicUsize,
    next: AtomicU64,
}

impl Observers {
    pub(super) fn add(
        &self,
        handle: u64,
        collection: &CollectionSpec,
        observer: Observer,
    ) -> ObserverId {
        let id = ObserverId(self.next.fetch_add(1, Ordering::Relaxed));
        let mut registered = lock(&self.registered);
        registered.push(Registered {
            id,
            handle,
            collection: collection.clone(),
            observer,
        });
        self.count.store(registered.len(), Ordering::Release);
        id
    }

    pub(super) fn remove(&self, id: ObserverId) {
        self.retain(|registered| registered.id != id);
    }

    /// Forgets the observers that a closed handle had added.
    pub(super) fn remove_of_handle(&self, handle: u64) {
        self.retain(|registered| registered.handle != handle);
    }

    fn retain(&self, keep: impl FnMut(&Registered) -> bool) {
        let mut registered = lock(&self.registered);
        registered.retain(keep);
        self.count.store(registered.len(), Ordering::Release);
    }

    /// Whether anybody wants to know; if not, changes need not be remembered.
    pub(super) fn any(&self, collection: &CollectionSpec) -> bool {
        self.count.load(Ordering::Acquire) > 0
            && lock(&self.registered)
                .iter()
                .any(|registered| registered.collection == *collection)
    }

    /// Tells what one commit changed, in order.
    pub(super) fn tell(&self, changes: Vec<PendingChange>) {
        for change in gather(changes) {
            let interested: Vec<Observer> = lock(&self.registered)
                .iter()
                .filter(|registered| registered.collection == change.collection)
                .map(|registered| Arc::clone(&registered.observer))
                .collect();
            for observer in interested {
                if catch_unwind(AssertUnwindSafe(|| observer(&change))).is_err() {
                    tracing::error!(target: "database", "an observer panicked");
                }
            }
        }
    }
}

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observers")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// Joins neighbours of one collection and one origin.
fn gather(changes: Vec<PendingChange>) -> Vec<CollectionChange> {
    let mut gathered: Vec<CollectionChange> = Vec::new();
    let mut seen: HashSet<DocId> = HashSet::new();
    for change in changes {
        let joins = gathered.last().is_some_and(|last| {
            last.collection == change.collection && last.origin == change.origin
        });
        if !joins {
            seen.clear();
            gathered.push(CollectionChange {
                collection: change.collection,
                doc_ids: Vec::new(),
                last_sequence: Sequence(0),
                saved: Vec::new(),
                origin: change.origin,
            });
        }
        let Some(last) = gathered.last_mut() else {
            continue;
        };
        if seen.insert(change.saved.doc_id.clone()) {
            last.doc_ids.push(change.saved.doc_id.clone());
        }
        last.last_sequence = Sequence(change.last_sequence);
        last.saved.push(change.saved);
    }
    gathered
}
