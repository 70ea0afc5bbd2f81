use super::pair::{BOTH, LIVE, Link, PUSH, Peer, replicate};
use crate::transport::LoopbackOptions;

/// Both sides hold `x` in the same first revision.
async fn shared() -> (Peer, Peer) {
    let (a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    a.save(0, "x", r#"{"v":0}"#);
    replicate(&a, &b, BOTH).await;
    (a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longer_history_wins_and_the_outcome_is_pushed_in_the_same_run() {
    let (a, b) = shared().await;
    a.save(0, "x", r#"{"v":1}"#);
    a.save(0, "x", r#"{"v":2}"#);
    b.save(0, "x", r#"{"v":"there"}"#);
    replicate(&a, &b, BOTH).await;
    assert_eq!(a.body(0, "x").as_deref(), Some(r#"{"v":2}"#));
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_remote_wins_with_the_longer_history() {
    let (a, b) = shared().await;
    a.save(0, "x", r#"{"v":1}"#);
    b.save(0, "x", r#"{"v":"there"}"#);
    b.save(0, "x", r#"{"v":"there again"}"#);
    replicate(&a, &b, BOTH).await;
    assert_eq!(a.body(0, "x").as_deref(), Some(r#"{"v":"there again"}"#));
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_wins_whichever_side_it_is_on() {
    for here in [true, false] {
        let (a, b) = shared().await;
        let (deleting, editing) = if here { (&a, &b) } else { (&b, &a) };
        deleting.delete(0, "x");
        editing.save(0, "x", r#"{"v":1}"#);
        editing.save(0, "x", r#"{"v":2}"#);
        replicate(&a, &b, BOTH).await;
        assert_eq!(a.body(0, "x"), None, "deleted here: {here}");
        assert_eq!(a.contents(), b.contents(), "deleted here: {here}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_created_apart_under_one_id_are_resolved() {
    let (a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    a.save(0, "x", r#"{"side":"a"}"#);
    b.save(0, "x", r#"{"side":"b"}"#);
    replicate(&a, &b, BOTH).await;
    assert_eq!(a.contents(), b.contents());
    assert!(a.body(0, "x").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_in_a_pure_push_is_told_and_the_server_keeps_its_own() {
    let (a, b) = shared().await;
    a.save(0, "x", r#"{"v":1}"#);
    b.save(0, "x", r#"{"v":"there"}"#);
    let log = replicate(&a, &b, PUSH).await;
    let errors: Vec<_> = log
        .documents()
        .into_iter()
        .filter_map(|d| d.error)
        .collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].code(), 10_409);
    assert_eq!(b.body(0, "x").as_deref(), Some(r#"{"v":"there"}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_conflicts_in_live_replication_end_equal() {
    let (a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    for n in 0..50 {
        a.save(0, &format!("d{n}"), r#"{"v":0}"#);
    }
    let link = Link::new(&a, &b, LIVE, LoopbackOptions::default());
    link.until_idle().await;
    for round in 0..20 {
        for n in 0..50 {
            let id = format!("d{n}");
            a.save(0, &id, &format!(r#"{{"a":{round}}}"#));
            b.save(0, &id, &format!(r#"{{"b":{round}}}"#));
        }
    }
    link.until("equal", || a.contents() == b.contents()).await;
    link.until_idle().await;
    link.stop_active.cancel();
    link.end().await.unwrap();
    assert_eq!(a.contents(), b.contents());
}
