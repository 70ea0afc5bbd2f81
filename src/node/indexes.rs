//! Indexes of collections (API §8.1, §13.1).

use serde_json::json;

use super::args::Args;
use super::collections::{reading, writing};
use super::functions::Job;
use super::message::Outcome;
use crate::database::IndexDefinition;
use crate::error::Result;

/// `collection_CreateIndex {…, indexName, index}`.
pub(super) fn create(args: &Args<'_>) -> Result<Job> {
    let name = args.text("indexName")?.to_owned();
    let definition = IndexDefinition::from_json(args.field("index"))?;
    writing(args, move |tx, _, collection| {
        tx.create_index(collection, &name, &definition)?;
        Ok(Outcome::Nothing)
    })
}

/// `collection_DeleteIndex {…, indexName}`: an unknown one is no error.
pub(super) fn delete(args: &Args<'_>) -> Result<Job> {
    let name = args.text("indexName")?.to_owned();
    writing(args, move |tx, _, collection| {
        tx.delete_index(collection, &name)?;
        Ok(Outcome::Nothing)
    })
}

/// `collection_GetIndexes` → `{indexes}`.
pub(super) fn list(args: &Args<'_>) -> Result<Job> {
    reading(args, |tx, _, collection| {
        let indexes = tx.indexes(collection)?;
        Ok(Outcome::Json(json!({"indexes": indexes}).to_string()))
    })
}
