//! The collections that a database has at one moment.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::indexes::{self, Index};
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

/// All collections by name, and their indexes. Never changed in place: whoever reads keeps the map
/// that fits its snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct CollectionMap {
    by_spec: HashMap<CollectionSpec, Arc<Collection>>,
    /// By the number of the collection, in order of name.
    indexes: HashMap<i64, Vec<Arc<Index>>>,
    generation: Generation,
}

/// A number that no two different maps share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl Generation {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Generation {
    fn default() -> Self {
        Self::next()
    }
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
        let mut map = Self {
            by_spec,
            ..Self::default()
        };
        for index in indexes::load(connection)? {
            map.indexes
                .entry(index.collection)
                .or_default()
                .push(Arc::new(index));
        }
        for indexes in map.indexes.values_mut() {
            indexes.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(map)
    }

    /// Tells maps apart.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// The indexes of collection number `id`, in order of name.
    pub(super) fn indexes(&self, id: i64) -> &[Arc<Index>] {
        self.indexes.get(&id).map_or(&[], Vec::as_slice)
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

    /// Whether any collection has an index.
    pub(super) fn has_indexes(&self) -> bool {
        self.indexes.values().any(|indexes| !indexes.is_empty())
    }

    fn changed(&self) -> Self {
        Self {
            generation: Generation::next(),
            ..self.clone()
        }
    }

    /// With one more index, or without the one of this name.
    pub(super) fn with_index(&self, collection: i64, name: &str, index: Option<Index>) -> Self {
        let mut map = self.changed();
        let indexes = map.indexes.entry(collection).or_default();
        indexes.retain(|index| index.name != name);
        indexes.extend(index.map(Arc::new));
        indexes.sort_by(|a, b| a.name.cmp(&b.name));
        map
    }

    pub(super) fn with(&self, collection: Collection) -> Self {
        let mut map = self.changed();
        map.by_spec
            .insert(collection.spec.clone(), Arc::new(collection));
        map
    }

    pub(super) fn without(&self, spec: &CollectionSpec) -> Self {
        let mut map = self.changed();
        if let Some(removed) = map.by_spec.remove(spec) {
            map.indexes.remove(&removed.table.id());
        }
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
