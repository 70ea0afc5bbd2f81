//! Push and pull filters, and documents to which access is lost.

use super::pair::{BOTH, LIVE, Link, PULL, PUSH, Peer, replicate};
use crate::replicator::Filters;
use crate::transport::LoopbackOptions;

fn filters(push: Option<&str>, pull: Option<&str>) -> Filters {
    Filters {
        push: push.map(Into::into),
        pull: pull.map(Into::into),
    }
}

fn fill(peer: &Peer, prefix: &str, count: usize) {
    for n in 0..count {
        let mine = n % 3 == 0;
        peer.save(
            0,
            &format!("{prefix}{n}"),
            &format!(r#"{{"n":{n},"mine":{mine}}}"#),
        );
    }
}

fn ids(peer: &Peer, prefix: &str) -> usize {
    let start = format!("_default._default {prefix}");
    let lines = peer.contents();
    lines.iter().filter(|line| line.starts_with(&start)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_decide_in_each_direction_and_what_they_reject_is_not_reported() {
    let (mut a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    fill(&a, "a", 450);
    fill(&b, "b", 450);
    a.filters = filters(
        Some("(doc, flags) => doc.mine && doc.id.startsWith('a') && flags.length === 0"),
        Some("doc => doc.n < 10"),
    );
    let log = replicate(&a, &b, BOTH).await;
    assert_eq!((ids(&a, "a"), ids(&a, "b")), (450, 10));
    assert_eq!((ids(&b, "a"), ids(&b, "b")), (150, 450));
    assert_eq!(log.documents().len(), 160);
    assert!(log.documents().iter().all(|d| d.error.is_none()));
    // What was rejected is done with: the next run has nothing to ask about.
    let log = replicate(&a, &b, BOTH).await;
    assert_eq!(log.documents(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_sees_deletions_by_their_flag() {
    for config in [PUSH, PULL] {
        let (mut a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
        let (from, to) = if config.push { (&a, &b) } else { (&b, &a) };
        fill(from, "x", 6);
        to.save(0, "here", "{}");
        replicate(&a, &b, config).await;
        for n in 0..4 {
            let from = if config.push { &a } else { &b };
            from.delete(0, &format!("x{n}"));
        }
        let text = "(doc, flags) => !flags.includes('DELETED') || doc.id === 'x1'";
        a.filters = filters(Some(text), Some(text));
        let log = replicate(&a, &b, config).await;
        let to = if config.push { &b } else { &a };
        assert_eq!(to.body(0, "x1"), None);
        assert!(to.body(0, "x0").is_some() && to.body(0, "x2").is_some());
        assert_eq!(log.documents().len(), 1);
        assert!(log.documents()[0].deleted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_filter_throws_counts_as_no_and_what_exceeds_a_limit_is_told() {
    for config in [PUSH, PULL] {
        let (mut a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
        let from = if config.push { &a } else { &b };
        for id in ["fine", "loop", "throw", "later"] {
            from.save(0, id, &format!(r#"{{"do":"{id}"}}"#));
        }
        let text = "doc => { if (doc.do === 'throw') throw new Error('no');
                         while (doc.do === 'loop'); return true }";
        a.filters = filters(Some(text), Some(text));
        let log = replicate(&a, &b, config).await;
        let to = if config.push { &b } else { &a };
        assert!(to.body(0, "fine").is_some() && to.body(0, "later").is_some());
        assert!(to.body(0, "loop").is_none() && to.body(0, "throw").is_none());
        let documents = log.documents();
        let failed: Vec<_> = documents.iter().filter(|d| d.error.is_some()).collect();
        assert_eq!(failed.len(), 1, "{documents:?}");
        assert_eq!(failed[0].doc_id.as_str(), "loop");
        let error = failed[0].error.as_ref().unwrap();
        assert_eq!((error.domain(), error.code()), ("CouchbaseLite", 10));
        assert!(error.message().contains("took too long"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_replication_asks_the_filter_about_each_edit() {
    let (mut a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    a.filters = filters(Some("doc => doc.go"), Some("doc => doc.come"));
    let link = Link::new(&a, &b, LIVE, LoopbackOptions::default());
    link.until_idle().await;
    a.save(0, "x", r#"{"go":false}"#);
    a.save(0, "y", r#"{"go":true}"#);
    b.save(0, "z", r#"{"come":true}"#);
    b.save(0, "w", r#"{"come":false}"#);
    link.until("there", || {
        b.body(0, "y").is_some() && a.body(0, "z").is_some()
    })
    .await;
    a.save(0, "x", r#"{"go":true,"n":2}"#);
    link.until("changed", || b.body(0, "x").is_some()).await;
    link.stop_active.cancel();
    link.end().await.unwrap();
    assert!(a.body(0, "w").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_never_answers_does_not_hold_up_the_end() {
    let (mut a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    for n in 0..1_000 {
        a.save(0, &format!("a{n}"), "{}");
    }
    a.filters = filters(Some("() => { for (;;); }"), None);
    let link = Link::new(&a, &b, LIVE, LoopbackOptions::default());
    link.until("started", || link.log.has_status()).await;
    link.stop_active.cancel();
    link.end().await.unwrap();
}
