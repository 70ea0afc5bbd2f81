//! A conflict resolver that asks JavaScript (design D1).

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::questions;
use super::runtime::Runtime;
use super::tokens::Token;
use crate::error::{Code, Error, Result};
use crate::replicator::{Conflict, ConflictResolver, ConflictSide, Resolved};

/// Asks the callback of a token.
pub(super) struct AskingResolver {
    pub(super) runtime: &'static Runtime,
    pub(super) token: Arc<Token>,
}

impl fmt::Debug for AskingResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.name();
        f.debug_tuple("AskingResolver").field(&token).finish()
    }
}

impl ConflictResolver for AskingResolver {
    fn resolve(&self, conflict: Conflict) -> BoxFuture<'static, Result<Resolved>> {
        let (runtime, token) = (self.runtime, self.token.clone());
        async move {
            let data = question(&conflict)?;
            let put = |question: &str| {
                let name = json!(token.name());
                let question = json!(question);
                let asked = format!(r#"{{"token":{name},"question":{question},"data":{data}}}"#);
                token.send(&asked);
            };
            let answer = runtime
                .questions
                .ask(questions::LIMIT, token.ended(), put)
                .await;
            let failed = |why: &dyn fmt::Display| {
                let message = format!("conflict of document {} is open: {why}", conflict.doc_id);
                Error::lite(Code::UnexpectedError, message)
            };
            match answer {
                Ok(answer) => resolved(&answer).ok_or_else(|| failed(&"the answer is none")),
                Err(reason) => Err(failed(&reason)),
            }
        }
        .boxed()
    }
}

/// `{documentId, scopeName, collectionName, local, remote}`, the sides as `{document, revisionId,
/// sequence}` or null for a tombstone. Bodies are pasted as they are.
fn question(conflict: &Conflict) -> Result<String> {
    let side = |side: &ConflictSide| -> Result<String> {
        if side.deleted {
            return Ok("null".to_owned());
        }
        let body: &RawValue = serde_json::from_slice(&side.body)
            .map_err(|error| Error::lite(Code::CorruptData, error.to_string()))?;
        let sequence = json!(side.sequence.map(|sequence| sequence.0));
        let rev_id = json!(side.rev_id.as_str());
        Ok(format!(
            r#"{{"revisionId":{rev_id},"sequence":{sequence},"document":{body}}}"#
        ))
    };
    let (id, scope, name) = (
        json!(conflict.doc_id.as_str()),
        json!(conflict.collection.scope()),
        json!(conflict.collection.name()),
    );
    let (local, remote) = (side(&conflict.local)?, side(&conflict.remote)?);
    Ok(format!(
        r#"{{"documentId":{id},"scopeName":{scope},"collectionName":{name},"local":{local},"remote":{remote}}}"#
    ))
}

/// `'local'`, `'remote'`, `'deleted'`, or `{document}` with JSON text.
fn resolved(answer: &Value) -> Option<Resolved> {
    match answer {
        Value::String(side) => match side.as_str() {
            "local" => Some(Resolved::Local),
            "remote" => Some(Resolved::Remote),
            "deleted" => Some(Resolved::Deleted),
            _ => None,
        },
        other => {
            let text = other.get("document")?.as_str()?;
            Some(Resolved::Merged(text.as_bytes().to_vec()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CollectionSpec, DocId, RevId, Sequence};

    #[test]
    fn a_question_holds_both_bodies_as_they_are_and_null_for_a_tombstone() {
        let conflict = Conflict {
            collection: CollectionSpec::default_collection(),
            doc_id: DocId::parse("a\"b").unwrap(),
            local: ConflictSide {
                rev_id: RevId::parse("2-ab").unwrap(),
                sequence: Some(Sequence(7)),
                deleted: false,
                body: br#"{"n":2.50}"#.to_vec(),
            },
            remote: ConflictSide {
                rev_id: RevId::parse("2-cd").unwrap(),
                sequence: None,
                deleted: true,
                body: b"{}".to_vec(),
            },
        };
        assert_eq!(
            question(&conflict).unwrap(),
            r#"{"documentId":"a\"b","scopeName":"_default","collectionName":"_default","local":{"revisionId":"2-ab","sequence":7,"document":{"n":2.50}},"remote":null}"#
        );
    }

    #[test]
    fn an_answer_is_one_of_four() {
        assert_eq!(resolved(&json!("local")), Some(Resolved::Local));
        assert_eq!(resolved(&json!("remote")), Some(Resolved::Remote));
        assert_eq!(resolved(&json!("deleted")), Some(Resolved::Deleted));
        assert_eq!(
            resolved(&json!({"document": "{}"})),
            Some(Resolved::Merged(b"{}".to_vec()))
        );
        for wrong in [
            json!("else"),
            json!(null),
            json!({"document": {}}),
            json!(true),
        ] {
            assert_eq!(resolved(&wrong), None);
        }
    }
}
