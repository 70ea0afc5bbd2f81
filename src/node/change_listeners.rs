//! Listeners on collections and documents (API §5.3, §15.7).

use std::sync::Arc;

use serde_json::json;

use super::args::Args;
use super::collections::describe;
use super::handles::OpenDatabase;
use super::message::Outcome;
use super::port::Completer;
use super::tokens::{Source, Token};
use crate::database::{CollectionChange, Observer};
use crate::error::Result;
use crate::model::{CollectionSpec, DocId};

/// `collection_AddChangeListener {…, changeListenerToken}`.
pub(super) fn add_collection(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    let (open, collection) = args.collection()?;
    let described = describe(&open, &collection);
    add(args, completer, &open, &collection, |token| {
        Arc::new(move |change: &CollectionChange| {
            let ids: Vec<&str> = change.doc_ids.iter().map(DocId::as_str).collect();
            token.send(&json!({"documentIDs": ids, "collection": described}).to_string());
        })
    })
}

/// `collection_AddDocumentChangeListener {…, changeListenerToken, documentId}`: one event for
/// every saved revision.
pub(super) fn add_document(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    let (open, collection) = args.collection()?;
    let doc_id = DocId::parse(args.text("documentId")?)?;
    let payload = json!({
        "documentId": doc_id.as_str(),
        "collectionName": collection.name(),
        "scopeName": collection.scope(),
        "databaseName": open.unique_name,
    })
    .to_string();
    add(args, completer, &open, &collection, |token| {
        Arc::new(move |change: &CollectionChange| {
            for saved in &change.saved {
                if saved.doc_id == doc_id {
                    token.send(&payload);
                }
            }
        })
    })
}

fn add(
    args: &Args<'_>,
    completer: &Completer,
    open: &Arc<OpenDatabase>,
    collection: &CollectionSpec,
    observer: impl FnOnce(Arc<Token>) -> Observer,
) -> Result<Outcome> {
    let tokens = &args.runtime.tokens;
    let name = args.text("changeListenerToken")?;
    let token = tokens.reserve(name, completer.port())?;
    // A read waits for the writes that were called earlier; their changes are not for this
    // listener.
    let added = open.database.read(|_| Ok(())).and_then(|()| {
        open.database
            .observe(collection, observer(Arc::clone(&token)))
    });
    match added {
        Ok(observer) => {
            let database = Arc::clone(open);
            tokens.bind(&token, Source::Changes { database, observer });
            Ok(Outcome::Nothing)
        }
        Err(error) => {
            let _ = tokens.remove(name);
            Err(error)
        }
    }
}

/// Removes a listener of any kind.
pub(super) fn remove(args: &Args<'_>) -> Result<Outcome> {
    args.runtime
        .tokens
        .remove(args.text("changeListenerToken")?)?;
    Ok(Outcome::Nothing)
}
