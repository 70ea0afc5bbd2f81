//! Which documents have changes that were not pushed yet (API §9.7).

use std::sync::Arc;

use super::config::ReplicatorConfig;
use super::core::effects::{FilterSubject, FilterVerdict};
use super::core::stored_completed;
use super::filter::{Direction, Filter};
use super::tuning;
use crate::database::{Database, ReadTx};
use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;
use crate::model::replication::{Change, RevisionRequest};

/// Blocks on the database. Usable before the first start.
///
/// # Errors
/// `Unsupported` when nothing is pushed; `InvalidParameter` for a collection outside the
/// configuration.
pub(super) fn document_ids(
    database: &Database,
    config: &ReplicatorConfig,
    collection: &CollectionSpec,
) -> Result<Vec<String>> {
    if !config.push {
        let message = "Pending Document IDs are not supported on pull-only replicators.";
        return Err(Error::lite(Code::Unsupported, message));
    }
    let replicated = config
        .collections
        .iter()
        .find(|replicated| replicated.spec == *collection)
        .ok_or_else(|| Error::invalid("Collection not part of the replication"))?;
    let client_id = config.checkpoint_id(&database.uuids().0, replicated);
    let remote = database.remote_id(&config.remote_key())?;
    let filter = replicated.filters.push.as_ref();
    let filtered = filter.is_some();
    let mut filter = filter.map(|text| Filter::new(text, Direction::Push, Arc::default()));
    let mut after = None;
    let mut ids = Vec::new();
    loop {
        let (subjects, last) = database.read(|tx| {
            let completed = stored_completed(tx.local_checkpoint(&client_id)?.as_deref());
            let after = after.unwrap_or_else(|| completed.contiguous_end());
            let limit = tuning::CHANGES_BATCH;
            let doc_ids = replicated.doc_ids.as_deref();
            let (mut rows, _) = tx.changes(collection, after, limit, doc_ids, Some(remote))?;
            let last = rows.last().map(|change| change.sequence);
            rows.retain(|change| {
                !completed.contains(change.sequence)
                    && change.remote_ancestor.as_ref() != Some(&change.rev_id)
            });
            let subjects = subjects(tx, collection, rows, filtered)?;
            Ok((subjects, last))
        })?;
        let Some(last) = last else { return Ok(ids) };
        after = Some(last);
        for subject in subjects {
            // A filter that cannot decide leaves the document to be pushed.
            let rejected = filter
                .as_mut()
                .is_some_and(|filter| filter.judge(&subject) == FilterVerdict::Reject);
            if !rejected {
                ids.push(subject.doc_id.as_str().to_owned());
            }
        }
    }
}

/// The documents of these rows, with their bodies if a filter is to look at them.
fn subjects(
    tx: &ReadTx<'_>,
    collection: &CollectionSpec,
    rows: Vec<Change>,
    with_bodies: bool,
) -> Result<Vec<FilterSubject>> {
    let mut bodies = if with_bodies {
        let requests: Vec<_> = rows
            .iter()
            .map(|change| RevisionRequest {
                doc_id: change.doc_id.clone(),
                rev_id: change.rev_id.clone(),
                known: Vec::new(),
                max_history: 0,
                delta: false,
            })
            .collect();
        tx.read_revisions(collection, &requests)?
    } else {
        Vec::new()
    }
    .into_iter();
    let subject = |change: Change| FilterSubject {
        doc_id: change.doc_id,
        deleted: change.deleted,
        access_removed: false,
        body: bodies.next().flatten().map(|revision| revision.body),
    };
    Ok(rows.into_iter().map(subject).collect())
}
