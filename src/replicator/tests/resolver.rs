//! Conflicts that the application decides.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::pair::{BOTH, LIVE, Link, PULL, Peer, replicate};
use crate::database::{Concurrency, Database};
use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;
use crate::replicator::{Conflict, ConflictResolver, Resolved};
use crate::transport::LoopbackOptions;

type Answer = dyn Fn(&Conflict) -> Result<Resolved> + Send + Sync;

/// Answers at once, and remembers what it was asked.
struct Scripted {
    asked: Mutex<Vec<Conflict>>,
    answer: Box<Answer>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl ConflictResolver for Scripted {
    fn resolve(&self, conflict: Conflict) -> BoxFuture<'static, Result<Resolved>> {
        let answer = (self.answer)(&conflict);
        self.asked.lock().unwrap().push(conflict);
        std::future::ready(answer).boxed()
    }
}

fn scripted(
    answer: impl Fn(&Conflict) -> Result<Resolved> + Send + Sync + 'static,
) -> Arc<Scripted> {
    Arc::new(Scripted {
        asked: Mutex::default(),
        answer: Box::new(answer),
    })
}

/// Both sides have changed `x` since they were equal.
async fn apart(resolver: Arc<dyn ConflictResolver>) -> (Peer, Peer) {
    let (mut a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    a.save(0, "x", r#"{"v":0}"#);
    replicate(&a, &b, BOTH).await;
    a.save(0, "x", r#"{"v":"here"}"#);
    b.save(0, "x", r#"{"v":"there"}"#);
    a.resolver = Some(resolver);
    (a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_becomes_the_content_of_both_sides_in_the_same_run() {
    let merged = br#"{"v":"both"}"#;
    for (answer, expected) in [
        (Resolved::Local, Some(r#"{"v":"here"}"#)),
        (Resolved::Remote, Some(r#"{"v":"there"}"#)),
        (Resolved::Merged(merged.to_vec()), Some(r#"{"v":"both"}"#)),
        (Resolved::Deleted, None),
    ] {
        let given = answer.clone();
        let resolver = scripted(move |_| Ok(given.clone()));
        let (a, b) = apart(resolver.clone()).await;
        let log = replicate(&a, &b, BOTH).await;
        assert_eq!(a.body(0, "x").as_deref(), expected, "{answer:?}");
        assert_eq!(a.contents(), b.contents(), "{answer:?}");
        assert!(log.documents().iter().all(|d| d.error.is_none()));
        let asked = resolver.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].doc_id.as_str(), "x");
        assert_eq!(asked[0].local.body, br#"{"v":"here"}"#);
        assert_eq!(asked[0].remote.body, br#"{"v":"there"}"#);
        assert!(asked[0].local.rev_id.generation() == 2 && !asked[0].local.deleted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_side_is_asked_about_and_two_deletions_are_not() {
    let resolver = scripted(|conflict| {
        assert!(conflict.local.deleted != conflict.remote.deleted);
        Ok(if conflict.local.deleted {
            Resolved::Remote
        } else {
            Resolved::Local
        })
    });
    for (here, there) in [(true, false), (false, true), (true, true)] {
        let (a, b) = apart(resolver.clone()).await;
        if here {
            a.delete(0, "x");
        }
        if there {
            b.delete(0, "x");
        }
        replicate(&a, &b, BOTH).await;
        assert_eq!(a.body(0, "x").is_some(), !(here && there));
        assert_eq!(a.contents(), b.contents());
    }
    assert_eq!(resolver.asked.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolver_that_fails_is_told_per_document_and_asked_again_by_the_next_run() {
    let failing = scripted(|conflict| {
        Err(Error::lite(
            Code::UnexpectedError,
            format!("no idea about {}", conflict.doc_id),
        ))
    });
    let (mut a, b) = apart(failing).await;
    b.save(0, "other", "{}");
    let log = replicate(&a, &b, BOTH).await;
    let errors: Vec<_> = log
        .documents()
        .into_iter()
        .filter(|document| !document.is_push && document.error.is_some())
        .collect();
    assert_eq!(errors.len(), 1);
    let error = errors[0].error.as_ref().unwrap();
    assert_eq!((error.domain(), error.code()), ("CouchbaseLite", 10));
    assert!(a.body(0, "other").is_some());
    assert_eq!(a.body(0, "x").as_deref(), Some(r#"{"v":"here"}"#));
    assert_eq!(b.body(0, "x").as_deref(), Some(r#"{"v":"there"}"#));
    // An edit meanwhile is not pushed over the other's.
    a.save(0, "x", r#"{"v":"here again"}"#);
    replicate(&a, &b, BOTH).await;
    assert_eq!(b.body(0, "x").as_deref(), Some(r#"{"v":"there"}"#));
    let wise = scripted(|_| Ok(Resolved::Local));
    a.resolver = Some(wise.clone());
    replicate(&a, &b, BOTH).await;
    assert_eq!(wise.asked.lock().unwrap().len(), 1);
    assert_eq!(a.body(0, "x").as_deref(), Some(r#"{"v":"here again"}"#));
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_resolver_the_default_rule_ends_what_is_left() {
    let failing = scripted(|_| Err(Error::invalid("no")));
    let (mut a, b) = apart(failing).await;
    replicate(&a, &b, PULL).await;
    a.resolver = None;
    replicate(&a, &b, BOTH).await;
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_cannot_be_stored_is_an_error_of_its_document() {
    for bad in [&b"[]"[..], b"{", br#"{"_id":1}"#] {
        let resolver = scripted(move |_| Ok(Resolved::Merged(bad.to_vec())));
        let (a, b) = apart(resolver).await;
        let log = replicate(&a, &b, PULL).await;
        let error = log.documents()[0].error.clone().unwrap();
        assert!(error.is(Code::InvalidParameter), "{error:?}");
        assert_eq!(a.body(0, "x").as_deref(), Some(r#"{"v":"here"}"#));
        drop(b);
    }
}

/// Saves the document that it is asked about, once or always.
#[derive(Debug)]
struct Saving {
    database: Database,
    times: usize,
    asked: AtomicUsize,
}

impl ConflictResolver for Saving {
    fn resolve(&self, conflict: Conflict) -> BoxFuture<'static, Result<Resolved>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked >= self.times {
            return std::future::ready(Ok(Resolved::Local)).boxed();
        }
        let database = self.database.clone();
        let body = format!(r#"{{"saved":{asked}}}"#);
        async move {
            let saving = tokio::task::spawn_blocking(move || {
                database.write(|tx| {
                    tx.save(
                        &CollectionSpec::default_collection(),
                        Some(conflict.doc_id),
                        body.as_bytes(),
                        vec![],
                        Concurrency::LastWriteWins,
                    )
                })
            });
            saving.await.unwrap()?;
            Ok(Resolved::Local)
        }
        .boxed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolver_that_saves_documents_is_asked_again_and_gives_up_after_ten_times() {
    for times in [1, usize::MAX] {
        let (mut a, b) = apart(scripted(|_| Ok(Resolved::Remote))).await;
        let resolver = Arc::new(Saving {
            database: a.database.clone(),
            times,
            asked: AtomicUsize::new(0),
        });
        a.resolver = Some(resolver.clone());
        let log = replicate(&a, &b, BOTH).await;
        let error = log.documents().into_iter().find_map(|d| d.error);
        let asked = resolver.asked.load(Ordering::Relaxed);
        if times == 1 {
            assert_eq!((error, asked), (None, 2));
            assert_eq!(b.body(0, "x").as_deref(), Some(r#"{"saved":0}"#));
            assert_eq!(a.contents(), b.contents());
        } else {
            assert!(error.is_some_and(|error| error.is(Code::Conflict)));
            assert_eq!(asked, 10);
        }
    }
}

/// Never answers.
#[derive(Debug)]
struct Silent;

impl ConflictResolver for Silent {
    fn resolve(&self, _: Conflict) -> BoxFuture<'static, Result<Resolved>> {
        std::future::pending().boxed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolver_that_thinks_holds_up_neither_other_documents_nor_the_end() {
    let (a, b) = apart(Arc::new(Silent)).await;
    let link = Link::new(&a, &b, LIVE, LoopbackOptions::default());
    b.save(0, "other", "{}");
    a.save(0, "mine", "{}");
    link.until("replicated", || {
        a.body(0, "other").is_some() && b.body(0, "mine").is_some()
    })
    .await;
    link.stop_active.cancel();
    link.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_conflicts_are_merged_while_both_sides_go_on_editing() {
    let merge = scripted(|conflict| {
        let value = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
        let (mine, theirs) = (value(&conflict.local.body), value(&conflict.remote.body));
        let greater = |key: &str| mine[key].as_i64().max(theirs[key].as_i64()).unwrap_or(-1);
        let merged = serde_json::json!({"a": greater("a"), "b": greater("b")});
        Ok(Resolved::Merged(merged.to_string().into_bytes()))
    });
    let (mut a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    a.resolver = Some(merge);
    for n in 0..20 {
        a.save(0, &format!("d{n}"), r#"{"a":0,"b":0}"#);
    }
    let link = Link::new(&a, &b, LIVE, LoopbackOptions::default());
    link.until_idle().await;
    for round in 1..=20 {
        for n in 0..20 {
            let id = format!("d{n}");
            a.save(0, &id, &format!(r#"{{"a":{round},"b":0}}"#));
            b.save(0, &id, &format!(r#"{{"a":0,"b":{round}}}"#));
        }
    }
    link.until("equal", || a.contents() == b.contents()).await;
    link.until_idle().await;
    link.stop_active.cancel();
    link.end().await.unwrap();
    assert_eq!(a.contents(), b.contents());
}
