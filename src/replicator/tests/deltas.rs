//! Deltas in both directions and roles (wire §6).

use bytes::Bytes;

use super::pair::{BOTH, LIVE, Link, PULL, PUSH, Peer, replicate, replicate_tapped};
use super::scripted_peer::ScriptedPeer;
use super::tap::{Recording, tap};
use crate::blip::Message;
use crate::model::BlobDigest;
use crate::protocol::{
    ChangeRow, ChangesReply, ProposeReply, ProposedRow, Request, Rev, SubChanges,
};
use crate::transport::{LoopbackOptions, loopback};

/// About 10 KiB in 100 fields.
fn large(changed: &str) -> String {
    let fields: Vec<String> = (0..100)
        .map(|n| {
            let digest = BlobDigest::of(format!("{n}").as_bytes());
            format!(r#""field{n}":"{digest} {digest} {digest}""#)
        })
        .collect();
    format!(r#"{{"changed":"{changed}",{}}}"#, fields.join(","))
}

/// Both sides have `x`, and have spoken of deltas.
async fn shared() -> (Peer, Peer) {
    let (a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    a.save(0, "x", &large("0"));
    a.save(0, "y", &large("0"));
    replicate(&a, &b, BOTH).await;
    (a, b)
}

/// The `rev`s of a recording: `deltaSrc` and length of the body.
fn revs(recording: &Recording) -> Vec<(Option<String>, usize)> {
    let revs = recording.requests("rev").into_iter();
    revs.map(|(_, rev)| (rev.get("deltaSrc").map(str::to_owned), rev.body.len()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_field_costs_a_twentieth_of_the_document_at_most_in_both_directions() {
    let (a, b) = shared().await;
    let base = a.rev_id(0, "x").unwrap();
    a.save(0, "x", &large("1"));
    let pushed = replicate_tapped(&a, &b, PUSH).await;
    assert_eq!(revs(&pushed), [(Some(base), br#"{"changed":"1"}"#.len())]);
    assert!(
        pushed.sent_bytes() * 20 <= large("1").len(),
        "{}",
        pushed.sent_bytes()
    );
    assert_eq!(a.contents(), b.contents());

    let base = b.rev_id(0, "x").unwrap();
    b.save(0, "x", &large("2"));
    let pulled = replicate_tapped(&a, &b, PULL).await;
    assert_eq!(revs(&pulled), [(Some(base), br#"{"changed":"2"}"#.len())]);
    let received: usize = (pulled.frames().iter())
        .filter(|(sent, _)| !sent)
        .map(|(_, data)| data.len())
        .sum();
    assert!(received * 20 <= large("2").len(), "{received}");
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deltas_are_spoken_of_when_either_side_has_them_off() {
    for (here, there) in [(true, false), (false, true), (false, false)] {
        let (mut a, mut b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
        (a.deltas, b.deltas) = (here, there);
        a.save(0, "x", &large("0"));
        replicate(&a, &b, BOTH).await;
        a.save(0, "x", &large("1"));
        let pushed = replicate_tapped(&a, &b, PUSH).await;
        b.save(0, "x", &large("2"));
        let pulled = replicate_tapped(&a, &b, PULL).await;
        for recording in [pushed, pulled] {
            assert!(revs(&recording).iter().all(|(base, _)| base.is_none()));
            for seen in recording.messages() {
                if let super::tap::What::Reply(reply) = seen.what {
                    let on = if seen.sent { here } else { there };
                    assert!(on || reply.get("deltas").is_none());
                }
            }
        }
        assert_eq!(a.contents(), b.contents());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_gets_a_delta_against_what_another_client_sent() {
    let (a, b) = shared().await;
    let c = Peer::new(&["_default"]);
    replicate(&c, &b, PULL).await;
    let base = c.rev_id(0, "x").unwrap();
    a.save(0, "x", &large("1"));
    replicate(&a, &b, PUSH).await;
    let pulled = replicate_tapped(&c, &b, PULL).await;
    assert_eq!(revs(&pulled), [(Some(base), br#"{"changed":"1"}"#.len())]);
    assert_eq!(c.body(0, "x").as_deref(), b.body(0, "x").as_deref());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_edited_twice_goes_as_one_delta_against_what_the_peer_has() {
    let (a, b) = shared().await;
    let base = a.rev_id(0, "x").unwrap();
    a.save(0, "x", &large("1"));
    a.save(0, "x", &large("2"));
    a.save(0, "x", &large("3"));
    let pushed = replicate_tapped(&a, &b, PUSH).await;
    assert_eq!(revs(&pushed)[0].0.as_deref(), Some(&*base));
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bases_are_dropped_once_the_peer_has_the_new_revision() {
    let (a, b) = shared().await;
    assert_eq!(a.kept_bodies(), 0);
    a.save(0, "x", &large("1"));
    a.save(0, "x", &large("2"));
    assert_eq!(a.kept_bodies(), 1);
    replicate(&a, &b, PUSH).await;
    assert_eq!(a.kept_bodies(), 0);
    // The other side keeps one for its other clients, and never more.
    assert_eq!(b.kept_bodies(), 1);
    for n in 0..5 {
        b.save(0, "x", &large(&format!("b{n}")));
    }
    assert_eq!(b.kept_bodies(), 1);
    let id = crate::model::DocId::parse("x").unwrap();
    b.database
        .write(|tx| tx.purge(&b.collections[0], &id))
        .unwrap();
    assert_eq!(b.kept_bodies(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_never_spoke_of_deltas_keeps_nothing() {
    let (mut a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    a.deltas = false;
    a.save(0, "x", &large("0"));
    replicate(&a, &b, PUSH).await;
    a.save(0, "x", &large("1"));
    assert_eq!(a.kept_bodies(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tombstones_and_small_or_new_documents_go_in_full() {
    let (a, b) = shared().await;
    a.save(0, "small", r#"{"n":1}"#);
    replicate(&a, &b, PUSH).await;
    a.save(0, "small", r#"{"n":2}"#);
    a.save(0, "new", &large("n"));
    a.delete(0, "x");
    let pushed = replicate_tapped(&a, &b, PUSH).await;
    let revs = revs(&pushed);
    assert_eq!(revs.len(), 3);
    assert!(revs.iter().all(|(base, _)| base.is_none()));
    // From a tombstone there is no delta either.
    a.save(0, "x", &large("again"));
    let pushed = replicate_tapped(&a, &b, PUSH).await;
    assert_eq!(self::revs(&pushed)[0].0, None);
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attachments_come_and_go_inside_deltas() {
    let (a, b) = shared().await;
    let (first, length) = a.put_blob(b"the first picture");
    let blob = |digest, length| {
        vec![(
            "picture".to_owned(),
            digest,
            length,
            "text/plain".to_owned(),
        )]
    };
    a.save_with_blobs(0, "x", &large("1"), blob(first, length));
    let pushed = replicate_tapped(&a, &b, PUSH).await;
    assert!(revs(&pushed)[0].0.is_some());
    assert_eq!(pushed.requests("getAttachment").len(), 1);
    let (second, length) = b.put_blob(b"the second picture");
    b.save_with_blobs(0, "x", &large("1"), blob(second, length));
    let pulled = replicate_tapped(&a, &b, PULL).await;
    assert!(revs(&pulled)[0].0.is_some());
    assert_eq!(a.contents(), b.contents());
    assert_eq!(
        a.database.has_blobs(&[first, second]).unwrap(),
        [true, true]
    );
    a.save(0, "x", &large("without"));
    let pushed = replicate_tapped(&a, &b, PUSH).await;
    assert!(revs(&pushed)[0].0.is_some());
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_edits_of_large_documents_go_as_deltas_and_end_equal() {
    let (a, b) = shared().await;
    let (near, far) = loopback(LoopbackOptions::default());
    let (near, recording) = tap(near);
    let link = Link::over(&a, &b, LIVE, (near, far));
    link.until_idle().await;
    for round in 0..20 {
        a.save(0, "x", &large(&format!("a{round}")));
        b.save(0, "y", &large(&format!("b{round}")));
        link.until("equal", || a.contents() == b.contents()).await;
        link.until_idle().await;
    }
    link.stop_active.cancel();
    link.end().await.unwrap();
    let revs = revs(&recording);
    let deltas = revs.iter().filter(|(base, _)| base.is_some()).count();
    // An edit that comes before the earlier one is noted as pushed goes in full.
    assert!(deltas * 2 > revs.len(), "{deltas} of {}", revs.len());
}

fn proposal(id: &str, rev: &str, parent: &str) -> Request {
    Request::ProposeChanges {
        collection: None,
        conflict_includes_rev: true,
        rows: vec![ProposedRow {
            doc_id: id.into(),
            rev_id: rev.into(),
            parent: parent.into(),
            body_size: 0,
        }],
        no_reply: false,
    }
}

fn delta_rev(id: &str, rev: &str, base: &str, body: impl Into<Bytes>) -> Request {
    Request::Rev(Rev {
        id: id.into(),
        rev: rev.into(),
        history: vec![base.into()],
        delta_src: Some(base.into()),
        body: body.into(),
        ..Rev::default()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_deltas_are_answered_422_until_the_full_body_comes() {
    let server = Peer::new(&["_default"]);
    let base = server.save(0, "x", &large("0"));
    let mut peer = ScriptedPeer::connect(&server);
    let reply = peer.ask(proposal("x", "2-ab", &base)).await.unwrap();
    assert!(ProposeReply::decode(&reply, 1).unwrap().deltas);
    let deep = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    for bad in [
        "",
        "null",
        "[]",
        "[1]",
        "7",
        "{",
        r#"{"nowhere":[]}"#,
        r#"{"changed":{"x":1}}"#,
        r#"{"changed":["9999999999=",0,2]}"#,
        r#"{"changed":1,"changed":2}"#,
        &deep,
    ] {
        let rev = delta_rev("x", "2-ab", &base, bad.to_owned());
        let error = peer.ask(rev).await.unwrap_err();
        assert_eq!(error.code(), 10_422, "{bad}: {error:?}");
    }
    for base in ["1-00", "", "*", "2-ab"] {
        let rev = delta_rev("x", "2-ab", base, r#"{"changed":"1"}"#);
        assert_eq!(peer.ask(rev).await.unwrap_err().code(), 10_422, "{base}");
    }
    let rev = delta_rev("x", "2-ab", &base, r#"{"changed":"1"}"#);
    peer.ask(rev.clone()).await.unwrap();
    // It was stored: nothing is expected any more.
    assert!(peer.ask(rev).await.is_err());
    peer.vanish().await;
    assert!(server.body(0, "x").unwrap().contains(r#""changed":"1""#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delta_to_a_listener_without_them_is_refused_and_the_full_body_taken() {
    let mut server = Peer::new(&["_default"]);
    server.deltas = false;
    let base = server.save(0, "x", &large("0"));
    let mut peer = ScriptedPeer::connect(&server);
    let reply = peer.ask(proposal("x", "2-ab", &base)).await.unwrap();
    assert!(!ProposeReply::decode(&reply, 1).unwrap().deltas);
    let delta = delta_rev("x", "2-ab", &base, r#"{"changed":"1"}"#);
    assert_eq!(peer.ask(delta.clone()).await.unwrap_err().code(), 10_422);
    let Request::Rev(mut full) = delta else {
        unreachable!()
    };
    full.delta_src = None;
    peer.ask(Request::Rev(full)).await.unwrap();
    peer.vanish().await;
    assert_eq!(server.body(0, "x").as_deref(), Some(r#"{"changed":"1"}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_deltas_of_large_documents_are_taken_in_within_the_window() {
    let server = Peer::new(&["_default"]);
    let body = format!(r#"{{"n":0,"pad":"{}"}}"#, "x".repeat(3 << 20));
    let mut peer = ScriptedPeer::connect(&server);
    let mut bases = Vec::new();
    for n in 0..20 {
        bases.push(server.save(0, &format!("d{n}"), &body));
    }
    let mut sent = Vec::new();
    for (n, base) in bases.iter().enumerate() {
        peer.ask(proposal(&format!("d{n}"), "2-ab", base))
            .await
            .unwrap();
    }
    for (n, base) in bases.iter().enumerate() {
        let rev = delta_rev(&format!("d{n}"), "2-ab", base, r#"{"n":1}"#);
        sent.push(peer.send(rev).await);
    }
    for id in sent {
        peer.reply_to(id).await.unwrap();
    }
    peer.vanish().await;
    for n in 0..20 {
        assert!(
            server
                .body(0, &format!("d{n}"))
                .unwrap()
                .starts_with(r#"{"n":1,"#)
        );
    }
}

/// Subscribes and takes the first list, asking for all of it.
async fn ask_for_all(peer: &mut ScriptedPeer, reply: impl Fn(&[ChangeRow]) -> Message) {
    peer.ask(Request::SubChanges(SubChanges::default()))
        .await
        .unwrap();
    let (to, request) = peer.next_request().await;
    let Request::Changes { rows, .. } = request else {
        panic!("{request:?}");
    };
    peer.blip.reply(to.unwrap(), reply(&rows));
}

async fn next_rev(peer: &mut ScriptedPeer) -> (crate::blip::ReplyTo, Rev) {
    loop {
        if let (Some(to), Request::Rev(rev)) = peer.next_request().await {
            return (to, rev);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_wants_legacy_attachments_gets_deltas_between_bodies_with_them() {
    let server = Peer::new(&["_default"]);
    server
        .database
        .write(|tx| tx.keep_delta_bases(crate::database::DeltaBases::Last))
        .unwrap();
    let (digest, length) = server.put_blob(b"a picture");
    let blob = || {
        vec![(
            "picture".to_owned(),
            digest,
            length,
            "text/plain".to_owned(),
        )]
    };
    server.save_with_blobs(0, "x", &large("0"), blob());
    let base = server.rev_id(0, "x").unwrap();
    server.save_with_blobs(0, "x", &large("1"), blob());
    for blobs in [false, true] {
        let mut peer = ScriptedPeer::connect(&server);
        let known = base.clone();
        ask_for_all(&mut peer, move |_| {
            ChangesReply {
                blobs,
                deltas: true,
                entries: vec![crate::protocol::ChangesEntry::Want(vec![known.clone()])],
                ..ChangesReply::default()
            }
            .encode()
        })
        .await;
        let (to, rev) = next_rev(&mut peer).await;
        assert_eq!(rev.delta_src.as_deref(), Some(&*base));
        // With the same revpos on both sides, nothing but the change is left (wire §6.1).
        assert_eq!(&rev.body[..], br#"{"changed":"1"}"#, "{blobs}");
        peer.blip
            .reply_error(to, &crate::Error::http(422, "no such base"));
        let (to, rev) = next_rev(&mut peer).await;
        assert_eq!(rev.delta_src, None);
        let text = std::str::from_utf8(&rev.body).unwrap();
        assert_eq!(text.contains(r#""_attachments":{"blob_/picture""#), !blobs);
        peer.blip.reply(to, Message::default());
        peer.flush().await;
        peer.vanish().await;
    }
}
