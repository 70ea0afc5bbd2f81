//! The collections that a database has at one moment.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::model::{CollectionSpec, DEFAULT_NAME};
use crate::storage::Connection;
use crate::storage::document_table::{self, DocumentTable};

/// One collection: its table, and the writer's count of its sequences.
#[derive(Debug)]
pub(super) struct Collection {
    pub(super) spec: CollectionSpec,
    pub(super) table: DocumentTable,
    /// The highest sequence given out, committed or not. Only whoever writes looks at it.
    last_sequence: AtomicU64,
}

impl Collection {
    /// The collection number `id`, whose highest sequence is `last_sequence`.
    pub(super) fn new(spec: CollectionSpec, id: i64, last_sequence: u64) -> Self {
        Self {
            spec,
            table: DocumentTable::new(id),
            last_sequence: AtomicU64::new(last_sequence),
        }
    }

    pub(super) fn last_sequence(&self) -> u64 {
        self.last_sequence.load(Ordering::Relaxed)
    }

    pub(super) fn set_last_sequence(&self, sequence: u64) {
        self.last_sequence.store(sequence, Ordering::Relaxed);
    }
}

/// All collections by name. Never changed in place: whoever reads keeps the map that fits its
/// snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct CollectionMap {
    by_spec: HashMap<CollectionSpec, Arc<Collection>>,
}

impl CollectionMap {
    /// Reads the map from the database.
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let mut by_spec = HashMap::new();
        for (id, spec) in document_table::collections(connection)? {
            let collection = Collection::new(spec.clone(), id, 0);
            collection.set_last_sequence(collection.table.last_sequence(connection)?);
            by_spec.insert(spec, Arc::new(collection));
        }
        Ok(Self { by_spec })
    }

    /// The collection of this name.
    ///
    /// # Errors
    /// `NotFound` naming it.
    pub(super) fn get(&self, spec: &CollectionSpec) -> Result<&Arc<Collection>> {
        self.find(spec)
            .ok_or_else(|| Error::not_found(format!("collection '{spec}' not found")))
    }

    pub(super) fn find(&self, spec: &CollectionSpec) -> Option<&Arc<Collection>> {
        self.by_spec.get(spec)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Collection>> {
        self.by_spec.values()
    }

    pub(super) fn with(&self, collection: Collection) -> Self {
        let mut map = self.clone();
        map.by_spec
            .insert(collection.spec.clone(), Arc::new(collection));
        map
    }

    pub(super) fn without(&self, spec: &CollectionSpec) -> Self {
        let mut map = self.clone();
        map.by_spec.remove(spec);
        map
    }

    /// Scopes that have a collection, and always the default one, in order of name.
    pub(super) fn scopes(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self
            .by_spec
            .keys()
            .map(CollectionSpec::scope)
            .chain([DEFAULT_NAME])
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Collections of a scope, in order of name.
    pub(super) fn in_scope(&self, scope: &str) -> Vec<CollectionSpec> {
        let mut specs: Vec<CollectionSpec> = self
            .by_spec
            .keys()
            .filter(|spec| spec.scope() == scope)
            .cloned()
            .collect();
        specs.sort();
        specs
    }
}
