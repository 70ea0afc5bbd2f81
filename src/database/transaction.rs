//! What a call may do inside its transaction: [`ReadTx`] and [`WriteTx`].
//!
//! The methods about documents, revisions, feeds and checkpoints are in the files of those names.

use std::ops::Deref;
use std::sync::Arc;

use super::collection::{Collection, CollectionMap};
use super::engine::Engine;
use super::observers::{DocumentSaved, PendingChange};
use crate::error::{Error, Result};
use crate::model::replication::RemoteId;
use crate::model::{BlobDigest, CollectionSpec, DocId, RevId, Sequence};
use crate::storage::{Connection, document_table};

/// A view of the database as it was at the call's place in the queue.
#[derive(Debug)]
pub struct ReadTx<'a> {
    pub(super) connection: &'a Connection,
    pub(super) collections: Arc<CollectionMap>,
    pub(super) engine: &'a Engine,
}

impl<'a> ReadTx<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        collections: Arc<CollectionMap>,
        engine: &'a Engine,
    ) -> Self {
        Self {
            connection,
            collections,
            engine,
        }
    }

    /// Names of the scopes that have a collection; the default scope always.
    pub fn scopes(&self) -> Vec<String> {
        self.collections.scopes()
    }

    /// Collections of a scope, in order of name; none for an unknown scope.
    pub fn collections(&self, scope: &str) -> Vec<CollectionSpec> {
        self.collections.in_scope(scope)
    }

    /// Whether the collection exists.
    pub fn has_collection(&self, collection: &CollectionSpec) -> bool {
        self.collections.find(collection).is_some()
    }

    /// Number of documents that are not deleted.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn count(&self, collection: &CollectionSpec) -> Result<u64> {
        self.collections
            .get(collection)?
            .table
            .count(self.connection)
    }

    /// The highest sequence ever given out in the collection, 0 if none.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn last_sequence(&self, collection: &CollectionSpec) -> Result<Sequence> {
        self.collections
            .get(collection)?
            .table
            .last_sequence(self.connection)
            .map(Sequence)
    }

    /// Whether the collection has no document and never had one.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection.
    pub fn is_collection_empty(&self, collection: &CollectionSpec) -> Result<bool> {
        Ok(self.last_sequence(collection)? == Sequence(0))
    }
}

/// What the writer must know about a transaction beyond SQLite.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    /// To be told after the commit.
    pub(super) changes: Vec<PendingChange>,
    /// Blobs that a document of this transaction refers to.
    pub(super) referenced: Vec<BlobDigest>,
    /// The earliest expiration that this transaction has set.
    pub(super) expiration: Option<i64>,
    /// Collections whose sequences the present call has used, with what they were before.
    touched: Vec<(Arc<Collection>, u64)>,
    /// The map of collections, when the present call has changed it.
    pub(super) collections: Option<Arc<CollectionMap>>,
}

/// Where a [`ChangeLog`] stood before a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogMark {
    changes: usize,
    referenced: usize,
}

impl ChangeLog {
    /// Starts a call.
    pub(super) fn mark(&mut self) -> LogMark {
        self.touched.clear();
        self.collections = None;
        LogMark {
            changes: self.changes.len(),
            referenced: self.referenced.len(),
        }
    }

    /// Forgets what the call that started at `mark` did.
    pub(super) fn undo(&mut self, mark: LogMark) {
        self.changes.truncate(mark.changes);
        self.referenced.truncate(mark.referenced);
        self.collections = None;
        for (collection, before) in self.touched.drain(..).rev() {
            collection.set_last_sequence(before);
        }
    }
}

/// What undoes a call that fails, in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// A savepoint that the call was given.
    Savepoint,
    /// The end of the transaction, which is the call's own.
    Transaction,
    /// SQLite itself, which undoes a statement that fails: the call changes nothing before its
    /// last statement, or makes a savepoint when it does.
    Statement,
}

/// A call's part of the writer's transaction. Whatever it does is undone when it answers with an
/// error, and nothing else is.
#[derive(Debug)]
pub struct WriteTx<'a> {
    read: ReadTx<'a>,
    pub(super) undo: Undo,
    pub(super) log: &'a mut ChangeLog,
}

impl<'a> Deref for WriteTx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &Self::Target {
        &self.read
    }
}

impl<'a> WriteTx<'a> {
    pub(super) fn new(read: ReadTx<'a>, undo: Undo, log: &'a mut ChangeLog) -> Self {
        Self { read, undo, log }
    }

    /// Makes a collection, and its scope; does nothing when it exists. True when it is new.
    ///
    /// # Errors
    /// Only those of the disk: names are checked by [`CollectionSpec::new`].
    pub fn create_collection(&mut self, collection: &CollectionSpec) -> Result<bool> {
        if self.has_collection(collection) {
            return Ok(false);
        }
        let id = document_table::create_collection(self.connection, collection)?;
        let map = self
            .collections
            .with(Collection::new(collection.clone(), id, 0));
        self.set_collections(map);
        Ok(true)
    }

    /// Removes a collection with its documents; does nothing when there is none.
    ///
    /// # Errors
    /// `InvalidParameter` for the default collection.
    pub fn delete_collection(&mut self, collection: &CollectionSpec) -> Result<()> {
        if collection.is_default() {
            return Err(Error::invalid(
                "the default collection '_default._default' cannot be deleted",
            ));
        }
        let Some(found) = self.collections.find(collection) else {
            return Ok(());
        };
        let id = found.table.id();
        self.drop_indexes(id)?;
        document_table::delete_collection(self.connection, id)?;
        let map = self.collections.without(collection);
        self.set_collections(map);
        Ok(())
    }

    pub(super) fn set_collections(&mut self, map: CollectionMap) {
        let map = Arc::new(map);
        self.read.collections = Arc::clone(&map);
        self.log.collections = Some(map);
    }

    /// The collection of this name, owned, so that the transaction stays free.
    pub(super) fn collection(&self, collection: &CollectionSpec) -> Result<Arc<Collection>> {
        self.collections.get(collection).cloned()
    }

    /// The next sequence of a collection.
    pub(super) fn next_sequence(&mut self, collection: &Arc<Collection>) -> u64 {
        let last = collection.last_sequence();
        let known = self
            .log
            .touched
            .iter()
            .any(|(touched, _)| Arc::ptr_eq(touched, collection));
        if !known {
            self.log.touched.push((Arc::clone(collection), last));
        }
        collection.set_last_sequence(last + 1);
        last + 1
    }

    /// Gives back a sequence that was not used after all.
    pub(super) fn unuse_sequence(&mut self, collection: &Collection, sequence: u64) {
        debug_assert_eq!(collection.last_sequence(), sequence);
        collection.set_last_sequence(sequence - 1);
    }

    /// Remembers a change for the observers.
    pub(super) fn changed(
        &mut self,
        collection: &Collection,
        doc_id: &DocId,
        rev_id: Option<&RevId>,
        sequence: u64,
        deleted: bool,
        origin: Option<RemoteId>,
    ) {
        if !self.engine.observers.any(&collection.spec) {
            return;
        }
        self.log.changes.push(PendingChange {
            collection: collection.spec.clone(),
            saved: DocumentSaved {
                doc_id: doc_id.clone(),
                rev_id: rev_id.cloned(),
                sequence: Sequence(sequence),
                deleted,
            },
            last_sequence: collection.last_sequence(),
            origin,
        });
    }
}
