//! Documents to which the user loses access, as a Sync Gateway tells it (wire §3.7, §8.8), and
//! revisions that take the place of others (wire §3.9).

use bytes::Bytes;

use super::pair::{BOTH, Log, PULL, Peer, replicate};
use super::scripted_peer::ScriptedPeer;
use crate::protocol::{ChangeRow, ChangesEntry, ChangesReply, Request, Rev, SubChanges};
use crate::replicator::Filters;
use crate::replicator::core::ActiveConfig;

const REVOKED: u32 = 2;
const REMOVED: u32 = 4;
const REMOVED_AND_DELETED: u32 = 5;

fn row(sequence: &str, id: &str, rev: &str, flags: u32) -> ChangeRow {
    ChangeRow {
        sequence: sequence.into(),
        doc_id: id.into(),
        rev_id: rev.into(),
        flags,
        body_size: 0,
    }
}

fn changes(rows: Vec<ChangeRow>) -> Request {
    let no_reply = rows.is_empty();
    Request::Changes {
        collection: None,
        rows,
        no_reply,
    }
}

fn rev(id: &str, rev: &str, sequence: &str, body: &str) -> Request {
    Request::Rev(Rev {
        id: id.into(),
        rev: rev.into(),
        sequence: Some(sequence.into()),
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Rev::default()
    })
}

/// Two documents that the gateway has sent before.
fn peer_with_documents() -> Peer {
    let peer = Peer::new(&["_default"]);
    peer.save(0, "gone", r#"{"v":1}"#);
    peer.save(0, "kept", r#"{"v":1}"#);
    peer
}

/// One pull in which the gateway announces `rows` and sends what is wanted of them.
async fn pull(peer: &Peer, config: ActiveConfig, rows: Vec<ChangeRow>) -> (SubChanges, Log) {
    let (mut gateway, log, outcome) = ScriptedPeer::serve(peer, config);
    let sub = gateway.accept_pull().await;
    let reply = gateway.ask(changes(rows.clone())).await.unwrap();
    let reply = ChangesReply::decode(&reply, rows.len()).unwrap();
    for (row, entry) in rows.iter().zip(reply.entries) {
        if matches!(entry, ChangesEntry::Want(_)) {
            let request = rev(&row.doc_id, &row.rev_id, &row.sequence, "{}");
            gateway.ask(request).await.unwrap();
        }
    }
    gateway.send(changes(vec![])).await;
    assert_eq!(gateway.see_off().await, 1000);
    outcome.await.unwrap().unwrap();
    (sub, log)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_to_which_access_is_lost_are_purged_and_reported() {
    for flags in [REVOKED, REMOVED, REVOKED | 1, REVOKED | REMOVED] {
        let peer = peer_with_documents();
        let (sub, log) = pull(&peer, PULL, vec![row("7", "gone", "2-ab", flags)]).await;
        assert!(sub.revocations, "wire §3.5");
        assert_eq!(peer.body(0, "gone"), None, "{flags}");
        assert!(peer.body(0, "kept").is_some());
        assert_eq!(peer.contents().len(), 1, "purged, not deleted");
        let documents = log.documents();
        assert_eq!(documents.len(), 1);
        assert!(documents[0].access_removed && documents[0].error.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_with_a_deletion_is_an_ordinary_tombstone() {
    let peer = peer_with_documents();
    let rows = vec![row("7", "other", "2-ab", REMOVED_AND_DELETED)];
    let (_, log) = pull(&peer, PULL, rows).await;
    assert!(!log.documents()[0].access_removed);
    assert_eq!(peer.contents().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_auto_purge_a_lost_access_is_only_reported() {
    let peer = peer_with_documents();
    let config = ActiveConfig {
        auto_purge: false,
        ..PULL
    };
    let (sub, log) = pull(&peer, config, vec![row("7", "gone", "2-ab", REVOKED)]).await;
    assert!(!sub.revocations);
    assert!(peer.body(0, "gone").is_some());
    assert!(log.documents()[0].access_removed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pull_filter_may_keep_a_document_to_which_access_is_lost() {
    let mut peer = peer_with_documents();
    peer.filters = Filters {
        push: None,
        pull: Some(
            "(doc, flags) => doc.id !== 'kept' && flags.includes('ACCESS_REMOVED')
                && Object.keys(doc).length === 1"
                .into(),
        ),
    };
    let rows = vec![
        row("7", "gone", "2-ab", REVOKED),
        row("8", "kept", "2-ab", REVOKED),
    ];
    let (_, log) = pull(&peer, PULL, rows).await;
    assert_eq!(peer.body(0, "gone"), None);
    assert!(peer.body(0, "kept").is_some());
    assert_eq!(log.documents().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_says_removed_purges_as_well() {
    let peer = peer_with_documents();
    let (mut gateway, log, outcome) = ScriptedPeer::serve(&peer, PULL);
    gateway.accept_pull().await;
    let rows = vec![row("7", "gone", "2-ab", 0)];
    gateway.ask(changes(rows)).await.unwrap();
    let removed = rev("gone", "2-ab", "7", r#"{"_removed":true}"#);
    gateway.ask(removed).await.unwrap();
    gateway.send(changes(vec![])).await;
    gateway.see_off().await;
    outcome.await.unwrap().unwrap();
    assert_eq!(peer.body(0, "gone"), None);
    assert!(log.documents()[0].access_removed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_announced_before_access_was_lost_does_not_come_back_after() {
    let peer = peer_with_documents();
    let (mut gateway, log, outcome) = ScriptedPeer::serve(&peer, PULL);
    gateway.accept_pull().await;
    let wanted = vec![row("6", "gone", "2-aa", 0)];
    gateway.ask(changes(wanted)).await.unwrap();
    let lost = vec![row("7", "gone", "2-ab", REVOKED)];
    gateway.ask(changes(lost)).await.unwrap();
    gateway.ask(rev("gone", "2-aa", "6", "{}")).await.unwrap();
    // Access comes back: the same revision as new (wire §8.8).
    let again = vec![row("8", "kept", "2-cc", 0), row("9", "back", "1-aa", 0)];
    gateway.ask(changes(again)).await.unwrap();
    gateway.ask(rev("kept", "2-cc", "8", "{}")).await.unwrap();
    gateway.ask(rev("back", "1-aa", "9", "{}")).await.unwrap();
    gateway.send(changes(vec![])).await;
    gateway.see_off().await;
    outcome.await.unwrap().unwrap();
    assert_eq!(peer.body(0, "gone"), None);
    assert!(peer.body(0, "back").is_some());
    assert!(log.documents().iter().all(|d| d.error.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_is_gone_is_replaced_for_a_peer_that_asks_for_it() {
    for asks in [true, false] {
        let server = Peer::new(&["_default"]);
        let first = server.save(0, "x", r#"{"v":1}"#);
        let mut client = ScriptedPeer::connect(&server);
        let sub = SubChanges {
            batch: 200,
            send_replacement_revs: asks,
            ..SubChanges::default()
        };
        client.ask(Request::SubChanges(sub)).await.unwrap();
        let (to, request) = client.next_request().await;
        let Request::Changes { rows, .. } = request else {
            panic!("{request:?}")
        };
        assert_eq!(rows[0].rev_id, first);
        let second = server.save(0, "x", r#"{"v":2}"#);
        let reply = ChangesReply {
            entries: vec![ChangesEntry::Want(vec![])],
            ..ChangesReply::default()
        };
        client.blip.reply(to.unwrap(), reply.encode());
        let (_, request) = loop {
            let next = client.next_request().await;
            // The client may hear "caught up" before.
            if !matches!(next.1, Request::Changes { .. }) {
                break next;
            }
        };
        match request {
            Request::Rev(rev) if asks => {
                assert_eq!(rev.rev, second);
                assert_eq!(rev.replaced_rev.as_deref(), Some(first.as_str()));
                assert_eq!(rev.sequence.as_deref(), Some("1"));
                assert_eq!(&rev.body[..], br#"{"v":2}"#);
            }
            Request::NoRev(no_rev) if !asks => assert_eq!(no_rev.rev, first),
            other => panic!("{other:?}"),
        }
        client.vanish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_are_asked_for_and_a_listener_refuses_them() {
    let mut peer = Peer::new(&["_default"]);
    peer.channels = Some(vec!["news".into(), "sport".into()]);
    let (sub, _) = pull(&peer, PULL, vec![row("1", "a", "1-ab", 0)]).await;
    assert_eq!(sub.filter.as_deref(), Some("sync_gateway/bychannel"));
    assert_eq!(sub.channels.as_deref(), Some("news,sport"));
    assert!(sub.active_only, "an empty collection wants no tombstones");
    let listener = Peer::new(&["_default"]);
    let link = super::pair::Link::new(&peer, &listener, BOTH, Default::default());
    let error = link.end().await.unwrap_err();
    assert_eq!(error.code(), 19, "{error:?}");
    peer.channels = None;
    replicate(&peer, &listener, BOTH).await;
}
