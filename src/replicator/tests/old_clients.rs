//! Couchbase Lite 2: `CBMobile_2` (wire §9.3). The same messages with less in them, and answers that
//! must not say more than was asked.

use super::pair::Peer;
use super::scripted_peer::ScriptedPeer;
use crate::blip::Message;
use crate::model::BlobDigest;
use crate::protocol::{
    ChangesEntry, ChangesReply, ProposeEntry, ProposeReply, ProposedRow, Request, Rev, SubChanges,
};

fn propose(rows: &[(&str, &str, &str)]) -> Request {
    Request::ProposeChanges {
        collection: None,
        conflict_includes_rev: false,
        rows: (rows.iter())
            .map(|(id, rev, parent)| ProposedRow {
                doc_id: (*id).into(),
                rev_id: (*rev).into(),
                parent: (*parent).into(),
                body_size: 0,
            })
            .collect(),
        no_reply: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_told_as_a_bare_409() {
    let server = Peer::new(&["_default"]);
    server.save(0, "x", r#"{"here":1}"#);
    let mut client = ScriptedPeer::connect_with(&server, "BLIP_3+CBMobile_2");
    let reply = client
        .ask(propose(&[("x", "1-ab", ""), ("y", "1-ab", "")]))
        .await
        .unwrap();
    assert_eq!(&reply.body[..], b"[409]");
    let entries = ProposeReply::decode(&reply, 2).unwrap().entries;
    assert_eq!(
        entries,
        [ProposeEntry::Conflict(None), ProposeEntry::Accept]
    );
    client.vanish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_with_a_blob_and_a_pull_go_through() {
    let server = Peer::new(&["_default"]);
    server.save(0, "theirs", r#"{"n":1}"#);
    server.save(0, "gone", "{}");
    server.delete(0, "gone");
    let mut client = ScriptedPeer::connect_with(&server, "BLIP_3+CBMobile_2");
    let checkpoint = Request::GetCheckpoint {
        collection: None,
        client: "cp-2".into(),
    };
    assert_eq!(client.ask(checkpoint).await.unwrap_err().code(), 10_404);

    client.ask(propose(&[("ours", "1-ab", "")])).await.unwrap();
    let digest = BlobDigest::of(b"hello blob");
    let body = format!(
        r#"{{"photo":{{"@type":"blob","digest":"{digest}","length":10}},"_attachments":{{"blob_/photo":{{"digest":"{digest}","length":10,"stub":true,"revpos":1}}}}}}"#
    );
    let rev = Rev {
        id: "ours".into(),
        rev: "1-ab".into(),
        sequence: Some("1".into()),
        no_conflicts: true,
        body: body.into(),
        ..Rev::default()
    };
    let pushed = client.send(Request::Rev(rev)).await;
    let (to, request) = client.next_request().await;
    let Request::GetAttachment { collection, .. } = request else {
        panic!("{request:?}");
    };
    assert_eq!(collection, None);
    let content = Message {
        body: (&b"hello blob"[..]).into(),
        ..Message::default()
    };
    client.blip.reply(to.unwrap(), content);
    client.reply_to(pushed).await.unwrap();
    let stored = server.body(0, "ours").unwrap();
    assert!(!stored.contains("_attachments"), "{stored}");

    let subscription = SubChanges {
        batch: 200,
        ..SubChanges::default()
    };
    client.ask(Request::SubChanges(subscription)).await.unwrap();
    let (to, request) = client.next_request().await;
    let Request::Changes { rows, .. } = request else {
        panic!("{request:?}");
    };
    let told: Vec<_> = (rows.iter())
        .map(|row| (row.doc_id.as_str(), row.flags))
        .collect();
    assert_eq!(told[..2], [("theirs", 0), ("gone", 1)]);
    let reply = ChangesReply {
        max_history: Some(20),
        blobs: true,
        entries: vec![ChangesEntry::Want(vec![]); 2],
        ..ChangesReply::default()
    };
    client.blip.reply(to.unwrap(), reply.encode());
    let mut got = Vec::new();
    while got.len() < 2 {
        match client.next_request().await {
            (Some(to), Request::Rev(rev)) => {
                assert_eq!(rev.collection, None);
                client.blip.reply(to, Message::default());
                got.push((rev.id, rev.deleted));
            }
            (None, Request::Changes { rows, .. }) => assert!(rows.is_empty()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, [("theirs".into(), false), ("gone".into(), true)]);
    let get = Request::GetAttachment {
        collection: None,
        digest: digest.to_string(),
        doc_id: None,
        compress: false,
    };
    assert_eq!(&client.ask(get).await.unwrap().body[..], b"hello blob");
    client.vanish().await;
}
