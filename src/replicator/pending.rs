//! Which documents have changes that were not pushed yet (API §9.7).

use super::config::ReplicatorConfig;
use super::core::stored_completed;
use super::tuning;
use crate::database::Database;
use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;

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
    database.read(move |tx| {
        let completed = stored_completed(tx.local_checkpoint(&client_id)?.as_deref());
        let mut after = completed.contiguous_end();
        let mut ids = Vec::new();
        loop {
            let limit = tuning::CHANGES_BATCH;
            let doc_ids = replicated.doc_ids.as_deref();
            let (rows, _) = tx.changes(collection, after, limit, doc_ids, Some(remote))?;
            let Some(last) = rows.last() else {
                return Ok(ids);
            };
            after = last.sequence;
            ids.extend(
                rows.into_iter()
                    .filter(|change| {
                        !completed.contains(change.sequence)
                            && change.remote_ancestor.as_ref() != Some(&change.rev_id)
                    })
                    .map(|change| change.doc_id.as_str().to_owned()),
            );
        }
    })
}
