//! Peers that break the rules: each gets the protocol's own error or loses its connection, and the
//! database stays as it was.

use bytes::Bytes;

use super::pair::Peer;
use super::scripted_peer::ScriptedPeer;
use crate::blip::{Message, Properties};
use crate::error::{Code, Error};
use crate::model::BlobDigest;
use crate::protocol::{ProposeReply, ProposedRow, Request, Rev};

const COLLECTIONS: [&str; 1] = ["_default"];

fn proposal(id: &str, rev: &str) -> Request {
    Request::ProposeChanges {
        collection: None,
        conflict_includes_rev: true,
        rows: vec![ProposedRow {
            doc_id: id.into(),
            rev_id: rev.into(),
            parent: String::new(),
            body_size: 0,
        }],
        no_reply: false,
    }
}

fn rev(id: &str, rev: &str, body: &str) -> Request {
    Request::Rev(Rev {
        id: id.into(),
        rev: rev.into(),
        sequence: Some("1".into()),
        no_conflicts: true,
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Rev::default()
    })
}

async fn propose(peer: &mut ScriptedPeer, id: &str, rev_id: &str) {
    let reply = peer.ask(proposal(id, rev_id)).await.unwrap();
    ProposeReply::decode(&reply, 1).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_a_wrong_checksum_cost_the_connection() {
    let server = Peer::new(&COLLECTIONS);
    for garbage in [
        &b""[..],
        &[0xff; 40],
        b"\x01\x00\x25Profile",
        // Frame 1 of wire A.1 with its last byte changed.
        &[
            0x01, 0x00, 0x25, 0x50, 0x72, 0x6f, 0x66, 0x69, 0x6c, 0x65, 0x00, 0x67, 0x65, 0x74,
            0x43, 0x68, 0x65, 0x63, 0x6b, 0x70, 0x6f, 0x69, 0x6e, 0x74, 0x00, 0x63, 0x6c, 0x69,
            0x65, 0x6e, 0x74, 0x00, 0x63, 0x70, 0x2d, 0x64, 0x65, 0x6d, 0x6f, 0x00, 0x22, 0xa9,
            0xe6, 0x71,
        ],
    ] {
        let mut peer = ScriptedPeer::connect(&server);
        peer.send_raw(garbage).await;
        assert_eq!(peer.until_closed().await, 1011, "{garbage:?}");
    }
    assert!(server.database.is_open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_profile_is_answered_404_and_the_connection_lives() {
    let server = Peer::new(&COLLECTIONS);
    let mut peer = ScriptedPeer::connect(&server);
    let unknown = Message::with_properties(Properties::new().with("Profile", "dance"));
    let error = peer.ask_message(unknown).await.unwrap_err();
    assert!(
        matches!(&error, Error::Remote { domain, code: 404, .. } if domain == "BLIP"),
        "{error:?}"
    );
    assert!(error.message().contains("no handler"));
    let missing = peer
        .ask(Request::GetCheckpoint {
            collection: None,
            client: "cp-x".into(),
        })
        .await
        .unwrap_err();
    assert_eq!(missing.code(), 10_404);
    peer.vanish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_collection_property_must_fit_the_conversation() {
    let server = Peer::new(&["inventory.hotels", "_default"]);
    let checkpoint = |collection| Request::GetCheckpoint {
        collection,
        client: "cp-x".into(),
    };
    let mut peer = ScriptedPeer::connect(&server);
    assert_eq!(
        peer.ask(checkpoint(Some(0))).await.unwrap_err().code(),
        10_400
    );
    peer.vanish().await;

    let mut peer = ScriptedPeer::connect(&server);
    let open = || Request::GetCollections {
        checkpoint_ids: vec!["cp-1".into(), "cp-2".into()],
        collections: vec!["inventory.hotels".into(), "no.such".into()],
    };
    let reply = peer.ask(open()).await.unwrap();
    assert_eq!(&reply.body[..], b"[{},null]");
    let wrong = [checkpoint(None), checkpoint(Some(1)), checkpoint(Some(7))];
    for request in wrong {
        assert_eq!(peer.ask(request).await.unwrap_err().code(), 10_400);
    }
    let again = peer.ask(open()).await.unwrap_err();
    assert!(again.message().contains("not the first message"), "{again}");
    peer.vanish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_was_not_asked_for_is_refused() {
    let server = Peer::new(&COLLECTIONS);
    let mut peer = ScriptedPeer::connect(&server);
    assert!(peer.ask(rev("x", "1-ab", "{}")).await.is_err());
    propose(&mut peer, "x", "1-ab").await;
    assert!(peer.ask(rev("x", "1-ab", "{}")).await.is_ok());
    assert!(peer.ask(rev("x", "1-ab", "{}")).await.is_err());
    peer.vanish().await;
    assert_eq!(server.contents().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_revisions_get_the_errors_of_wire_3_9_and_store_nothing() {
    let server = Peer::new(&COLLECTIONS);
    let mut peer = ScriptedPeer::connect(&server);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (number, body) in ["", "[]", "{\"a\":}", "{\"a\":\"\\ud800\"}", &deep]
        .into_iter()
        .enumerate()
    {
        let id = format!("bad{number}");
        propose(&mut peer, &id, "1-ab").await;
        assert!(peer.ask(rev(&id, "1-ab", body)).await.is_err(), "{number}");
    }
    propose(&mut peer, "gap", "3-ab").await;
    let Request::Rev(mut gap) = rev("gap", "3-ab", "{}") else {
        unreachable!()
    };
    gap.history = vec!["1-ab".into()];
    let error = peer.ask(Request::Rev(gap.clone())).await.unwrap_err();
    assert!(error.is(Code::BadRevisionId), "{error:?}");
    propose(&mut peer, "gap", "3-ab").await;
    gap.history = vec!["2-ab".into(); 1_001];
    let error = peer.ask(Request::Rev(gap)).await.unwrap_err();
    assert!(error.is(Code::BadRevisionId), "{error:?}");
    for (id, rev_id) in [("_x", "1-ab"), ("", "1-ab"), ("x", "1-AB"), ("x", "*")] {
        assert!(
            peer.ask(proposal(id, rev_id)).await.is_err(),
            "{id} {rev_id}"
        );
    }
    peer.vanish().await;
    assert_eq!(server.contents(), Vec::<String>::new());
}

fn photo(digest: BlobDigest, length: usize) -> String {
    format!(r#"{{"photo":{{"@type":"blob","digest":"{digest}","length":{length}}}}}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attachment_whose_bytes_do_not_fit_is_refused_with_its_document() {
    let server = Peer::new(&COLLECTIONS);
    for sent in [&b"hello blub"[..], b"hello", b"hello blob and more"] {
        let mut peer = ScriptedPeer::connect(&server);
        propose(&mut peer, "x", "1-ab").await;
        let digest = BlobDigest::of(b"hello blob");
        let body = photo(digest, 10);
        let id = peer.send(rev("x", "1-ab", &body)).await;
        let (to, request) = peer.next_request().await;
        assert!(
            matches!(request, Request::GetAttachment { .. }),
            "{request:?}"
        );
        let reply = Message {
            body: Bytes::copy_from_slice(sent),
            ..Message::default()
        };
        peer.blip.reply(to.unwrap(), reply);
        assert!(peer.reply_to(id).await.is_err(), "{sent:?}");
        peer.vanish().await;
        assert_eq!(server.contents(), Vec::<String>::new());
        assert_eq!(server.database.has_blobs(&[digest]).unwrap(), [false]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_vanishes_within_an_attachment_leaves_nothing_behind() {
    let server = Peer::new(&COLLECTIONS);
    let content = vec![7_u8; 4_000_000];
    let digest = BlobDigest::of(&content);
    let mut peer = ScriptedPeer::connect(&server);
    propose(&mut peer, "x", "1-ab").await;
    peer.send(rev("x", "1-ab", &photo(digest, content.len())))
        .await;
    let (to, _) = peer.next_request().await;
    let stream = peer
        .blip
        .reply_stream(to.unwrap(), Properties::new(), false);
    peer.blip
        .stream_push(stream, Bytes::copy_from_slice(&content[..100_000]));
    peer.flush().await;
    peer.vanish().await;
    assert_eq!(server.contents(), Vec::<String>::new());
    assert_eq!(server.database.has_blobs(&[digest]).unwrap(), [false]);
    let folder = server.database.path().join("Attachments");
    let left = || std::fs::read_dir(&folder).map_or(0, Iterator::count);
    // The thread that wrote the attachment ends a moment after the connection.
    for _ in 0..500 {
        if left() == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(left(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_is_stored_only_over_the_revision_that_is_there() {
    let server = Peer::new(&COLLECTIONS);
    let mut peer = ScriptedPeer::connect(&server);
    let set = |rev: &str| Request::SetCheckpoint {
        collection: None,
        client: "cp-1".into(),
        rev: rev.into(),
        body: Bytes::from_static(b"{\"local\":1}"),
    };
    let first = peer.ask(set("")).await.unwrap();
    let rev_id = first.get("rev").unwrap().to_owned();
    assert_eq!(peer.ask(set("")).await.unwrap_err().code(), 10_409);
    let second = peer.ask(set(&rev_id)).await.unwrap();
    assert_ne!(second.get("rev"), Some(rev_id.as_str()));
    let stored = peer
        .ask(Request::GetCheckpoint {
            collection: None,
            client: "cp-1".into(),
        })
        .await
        .unwrap();
    assert_eq!(&stored.body[..], b"{\"local\":1}");
    peer.vanish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_lists_than_anybody_sends_cost_the_connection() {
    let server = Peer::new(&COLLECTIONS);
    let mut peer = ScriptedPeer::connect(&server);
    // Accepted and never sent: the receiving window stays full.
    for batch in 0..10 {
        let rows = (0..200).map(|n| ProposedRow {
            doc_id: format!("d{batch}-{n}"),
            rev_id: "1-ab".into(),
            parent: String::new(),
            body_size: 0,
        });
        let request = Request::ProposeChanges {
            collection: None,
            conflict_includes_rev: true,
            rows: rows.collect(),
            no_reply: false,
        };
        peer.ask(request).await.unwrap();
    }
    for n in 0..70 {
        peer.send(proposal(&format!("more{n}"), "1-ab")).await;
    }
    assert_eq!(peer.until_closed().await, 1008);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_asks_and_never_reads_is_not_listened_to() {
    let server = Peer::new(&COLLECTIONS);
    let mut peer = ScriptedPeer::connect(&server);
    let body = format!("{{\"pad\":\"{}\"}}", "x".repeat(90_000));
    let stored = Request::SetCheckpoint {
        collection: None,
        client: "cp-1".into(),
        rev: String::new(),
        body: body.into(),
    };
    peer.ask(stored).await.unwrap();
    let mut sent = 0;
    while sent < 5_000 {
        let request = Request::GetCheckpoint {
            collection: None,
            client: "cp-1".into(),
        };
        let patience = std::time::Duration::from_secs(3);
        if tokio::time::timeout(patience, peer.send(request))
            .await
            .is_err()
        {
            break;
        }
        sent += 1;
    }
    assert!(sent < 5_000, "450 MB of answers were queued");
    peer.vanish().await;
}
