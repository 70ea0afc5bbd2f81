//! Scopes and collections (API §13.1, §13.3).

use std::sync::Arc;

use serde_json::{Value, json};

use super::args::Args;
use super::batch;
use super::functions::Job;
use super::handles::OpenDatabase;
use super::message::Outcome;
use super::shown;
use crate::database::{ReadTx, WriteTx};
use crate::error::{Error, Result};
use crate::model::{CollectionSpec, DEFAULT_NAME, DocId};

/// A collection as engine functions describe it.
pub(super) fn describe(open: &OpenDatabase, collection: &CollectionSpec) -> Value {
    json!({
        "name": collection.name(),
        "scope": {"name": collection.scope(), "databaseName": open.unique_name},
    })
}

fn describe_scope(open: &OpenDatabase, scope: &str) -> Value {
    json!({"name": scope, "databaseName": open.unique_name})
}

fn outcome(value: &Value) -> Outcome {
    Outcome::Json(value.to_string())
}

/// A read on the call's collection.
pub(super) fn reading(
    args: &Args<'_>,
    work: impl FnOnce(&ReadTx<'_>, &OpenDatabase, &CollectionSpec) -> Result<Outcome> + Send + 'static,
) -> Result<Job> {
    let (open, collection) = args.collection()?;
    Ok(Box::new(move |completer| {
        let handle = Arc::clone(&open);
        batch::read(&open, move |tx| work(tx, &handle, &collection), completer);
    }))
}

/// A read on the call's database.
fn reading_database(
    args: &Args<'_>,
    work: impl FnOnce(&ReadTx<'_>, &OpenDatabase) -> Result<Outcome> + Send + 'static,
) -> Result<Job> {
    let open = args.database()?;
    Ok(Box::new(move |completer| {
        let handle = Arc::clone(&open);
        batch::read(&open, move |tx| work(tx, &handle), completer);
    }))
}

/// A write on the call's collection.
pub(super) fn writing(
    args: &Args<'_>,
    work: impl FnOnce(&mut WriteTx<'_>, &OpenDatabase, &CollectionSpec) -> Result<Outcome>
    + Send
    + 'static,
) -> Result<Job> {
    let (open, collection) = args.collection()?;
    Ok(Box::new(move |completer| {
        let handle = Arc::clone(&open);
        batch::write(
            &open,
            0,
            move |tx| work(tx, &handle, &collection),
            completer,
        );
    }))
}

/// `collection_CreateCollection`: an existing one is returned.
pub(super) fn create(args: &Args<'_>) -> Result<Job> {
    writing(args, |tx, open, collection| {
        tx.create_collection(collection)?;
        Ok(outcome(&describe(open, collection)))
    })
}

/// `collection_DeleteCollection`: an unknown one is no error.
pub(super) fn delete(args: &Args<'_>) -> Result<Job> {
    writing(args, |tx, _, collection| {
        if collection.is_default() || tx.has_collection(collection) {
            tx.delete_collection(collection)?;
        }
        Ok(Outcome::Nothing)
    })
}

/// `collection_GetCollection`.
pub(super) fn get(args: &Args<'_>) -> Result<Job> {
    reading(args, |tx, open, collection| {
        must_exist(tx, collection)?;
        Ok(outcome(&describe(open, collection)))
    })
}

/// `collection_GetDefault`.
pub(super) fn get_default(args: &Args<'_>) -> Result<Job> {
    reading_database(args, |_, open| {
        Ok(outcome(&describe(
            open,
            &CollectionSpec::default_collection(),
        )))
    })
}

/// `collection_GetCollections {name, scopeName}`: of an unknown scope there are none.
pub(super) fn list(args: &Args<'_>) -> Result<Job> {
    let scope = args.text("scopeName")?.to_owned();
    reading_database(args, move |tx, open| {
        let collections = tx.collections(&scope);
        let described: Vec<Value> = collections.iter().map(|one| describe(open, one)).collect();
        Ok(outcome(&json!({"collections": described})))
    })
}

/// `collection_GetCount`.
pub(super) fn count(args: &Args<'_>) -> Result<Job> {
    reading(args, |tx, _, collection| {
        Ok(outcome(&json!({"count": tx.count(collection)?})))
    })
}

/// `collection_GetFullName`.
pub(super) fn full_name(args: &Args<'_>) -> Result<Job> {
    reading(args, |tx, _, collection| {
        must_exist(tx, collection)?;
        Ok(outcome(&json!({"fullName": collection.to_string()})))
    })
}

fn must_exist(tx: &ReadTx<'_>, collection: &CollectionSpec) -> Result<()> {
    if tx.has_collection(collection) {
        return Ok(());
    }
    Err(Error::not_found(format!(
        "collection {collection} does not exist"
    )))
}

/// `collection_SetDocumentExpiration {…, docId, expiration}`: milliseconds since 1970, or `null`.
pub(super) fn set_expiration(args: &Args<'_>) -> Result<Job> {
    let doc_id = DocId::parse(args.text("docId")?)?;
    let expiration = match args.field("expiration") {
        Value::Null => None,
        value => Some(
            value
                .as_i64()
                .ok_or_else(|| Error::invalid("argument \"expiration\" must be a date or null"))?,
        ),
    };
    writing(args, move |tx, _, collection| {
        tx.set_expiration(collection, &doc_id, expiration)?;
        Ok(Outcome::Nothing)
    })
}

/// `collection_GetDocumentExpiration {…, docId}` → `{date}` in milliseconds, or nothing.
pub(super) fn expiration(args: &Args<'_>) -> Result<Job> {
    let doc_id = DocId::parse(args.text("docId")?)?;
    reading(args, move |tx, _, collection| {
        Ok(match tx.expiration(collection, &doc_id)? {
            Some(date) => outcome(&json!({"date": date})),
            None => Outcome::Nothing,
        })
    })
}

/// `scope_GetDefault`.
pub(super) fn default_scope(args: &Args<'_>) -> Result<Outcome> {
    let open = args.database()?;
    Ok(outcome(&describe_scope(&open, DEFAULT_NAME)))
}

/// `scope_GetScope {name, scopeName}`.
pub(super) fn scope(args: &Args<'_>) -> Result<Job> {
    let scope = args.text("scopeName")?.to_owned();
    reading_database(args, move |tx, open| {
        if scope == DEFAULT_NAME || tx.scopes().contains(&scope) {
            Ok(outcome(&describe_scope(open, &scope)))
        } else {
            Err(Error::not_found(format!(
                "scope {:?} does not exist",
                shown(&scope)
            )))
        }
    })
}

/// `scope_GetScopes`.
pub(super) fn scopes(args: &Args<'_>) -> Result<Job> {
    reading_database(args, |tx, open| {
        let scopes = tx.scopes();
        let described: Vec<Value> = scopes.iter().map(|one| describe_scope(open, one)).collect();
        Ok(outcome(&json!({"scopes": described})))
    })
}
