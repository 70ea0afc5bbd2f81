use super::pair::{BOTH, LIVE, Link, PULL, PUSH, Peer, replicate};
use super::scripted_peer::ScriptedPeer;
use super::simulation::Dice;
use crate::error::Error;
use crate::model::DocId;
use crate::protocol::Request;
use crate::transport::LoopbackOptions;

const NAMED: [&str; 2] = ["inventory.hotels", "inventory.airports"];

fn fill(peer: &Peer, prefix: &str, count: usize) {
    for collection in 0..peer.collections.len() {
        for n in 0..count {
            let body = format!(r#"{{"n":{n},"text":"{prefix}{n}","deep":{{"a":[1,2.50,null]}}}}"#);
            peer.save(collection, &format!("{prefix}{n}"), &body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn push_moves_every_document_in_legacy_and_in_collection_mode() {
    for collections in [&["_default"][..], &NAMED] {
        let (a, b) = (Peer::new(collections), Peer::new(collections));
        fill(&a, "a", 450);
        a.delete(0, "a7");
        replicate(&a, &b, PUSH).await;
        assert_eq!(a.contents(), b.contents());
        assert_eq!(b.contents().len(), 450 * collections.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pull_moves_every_document_in_legacy_and_in_collection_mode() {
    for collections in [&["_default"][..], &NAMED] {
        let (a, b) = (Peer::new(collections), Peer::new(collections));
        a.save(0, "local", "{}");
        fill(&b, "b", 450);
        b.delete(0, "b7");
        replicate(&a, &b, PULL).await;
        assert_eq!(b.contents().len() + 1, a.contents().len());
        let pulled = a.contents();
        assert!(b.contents().iter().all(|line| pulled.contains(line)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_directions_make_both_sides_equal_and_the_second_run_moves_nothing() {
    let (a, b) = (Peer::new(&NAMED), Peer::new(&NAMED));
    fill(&a, "a", 300);
    fill(&b, "b", 300);
    replicate(&a, &b, BOTH).await;
    assert_eq!(a.contents(), b.contents());
    assert_eq!(a.contents().len(), 1_200);
    let log = replicate(&a, &b, BOTH).await;
    assert_eq!(log.documents(), []);
    a.save(0, "a1", r#"{"changed":true}"#);
    b.save(1, "a2", r#"{"changed":"there"}"#);
    let log = replicate(&a, &b, BOTH).await;
    assert_eq!(a.contents(), b.contents());
    assert_eq!(log.documents().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn document_ids_restrict_both_directions() {
    let (mut a, b) = (Peer::new(&NAMED), Peer::new(&NAMED));
    fill(&a, "a", 30);
    fill(&b, "b", 30);
    a.only = Some(
        ["a3", "b5", "none"]
            .map(|id| DocId::parse(id).unwrap())
            .into(),
    );
    replicate(&a, &b, BOTH).await;
    assert_eq!(a.contents().len(), 2 * 31);
    assert_eq!(b.contents().len(), 2 * 31);
    assert!(a.body(1, "b5").is_some() && b.body(0, "a3").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn continuous_replication_carries_live_edits_both_ways() {
    let (a, b) = (Peer::new(&NAMED), Peer::new(&NAMED));
    fill(&a, "a", 20);
    let link = Link::new(&a, &b, LIVE, LoopbackOptions::default());
    link.until_idle().await;
    for round in 0..10 {
        let body = format!(r#"{{"round":{round}}}"#);
        a.save(0, "a1", &body);
        a.save(0, "a1", &format!(r#"{{"round":{round},"again":true}}"#));
        b.save(1, &format!("new{round}"), &body);
        link.until("equal", || a.contents() == b.contents()).await;
    }
    b.delete(0, "a3");
    link.until("deleted", || a.body(0, "a3").is_none()).await;
    link.stop_active.cancel();
    link.end().await.unwrap();
    assert_eq!(a.contents(), b.contents());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_listener_sends_continuous_clients_into_a_retry() {
    let (a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    let link = Link::new(&a, &b, LIVE, LoopbackOptions::default());
    link.until_idle().await;
    link.stop_passive.cancel();
    let error = link.end().await.unwrap_err();
    assert!(
        matches!(error, Error::WebSocketClosed { code: 4001, .. }),
        "{error:?}"
    );
    assert!(error.is_transient());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_that_the_listener_does_not_serve_ends_with_404() {
    let (a, b) = (Peer::new(&NAMED), Peer::new(&["inventory.hotels"]));
    let link = Link::new(&a, &b, BOTH, LoopbackOptions::default());
    let error = link.end().await.unwrap_err();
    assert_eq!(error.code(), 10_404);
    assert!(error.message().contains("inventory.airports"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attachments_of_every_size_travel_both_ways() {
    let (a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    let sizes = [0_usize, 1, 10_000, 65_536, 65_537, 3_000_000];
    for (peer, prefix) in [(&a, "a"), (&b, "b")] {
        for size in sizes {
            let content: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
            let (digest, length) = peer.put_blob(&content);
            let blob = ("photo".to_owned(), digest, length, "text/plain".to_owned());
            peer.save_with_blobs(0, &format!("{prefix}{size}"), r#"{"k":1}"#, vec![blob]);
        }
    }
    replicate(&a, &b, BOTH).await;
    assert_eq!(a.contents(), b.contents());
    for peer in [&a, &b] {
        for size in sizes {
            let content: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
            let digest = crate::model::BlobDigest::of(&content);
            let mut reader = peer.database.blob_reader(&digest).unwrap().unwrap();
            let mut read = Vec::new();
            std::io::Read::read_to_end(&mut reader, &mut read).unwrap();
            assert_eq!(read, content);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_blob_fails_its_document_and_no_other() {
    let (a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    let digest = crate::model::BlobDigest::of(b"nowhere");
    let body = format!(r#"{{"photo":{{"@type":"blob","digest":"{digest}","length":7}}}}"#);
    a.save(0, "broken", &body);
    a.save(0, "whole", "{}");
    let log = replicate(&a, &b, PUSH).await;
    assert_eq!(b.body(0, "whole").as_deref(), Some("{}"));
    assert_eq!(b.body(0, "broken"), None);
    let failed: Vec<_> = log
        .documents()
        .into_iter()
        .filter(|document| document.error.is_some())
        .map(|document| document.doc_id.as_str().to_owned())
        .collect();
    assert_eq!(failed, ["broken"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attachments_are_compressed_when_asked_and_when_it_helps() {
    let text = "all work and no play ".repeat(10_000).into_bytes();
    let mut dice = Dice::new(7);
    let random: Vec<u8> = (0..300_000).map(|_| dice.below(256) as u8).collect();
    let server = Peer::new(&["_default"]);
    let mut client = ScriptedPeer::connect(&server);
    for (content, asked, compressed) in [
        (&text, true, true),
        (&text, false, false),
        (&random, true, false),
        (&Vec::new(), true, true),
    ] {
        let (digest, _) = server.put_blob(content);
        let get = Request::GetAttachment {
            collection: None,
            digest: digest.to_string(),
            doc_id: None,
            compress: asked,
        };
        let reply = client.ask(get).await.unwrap();
        assert!(reply.body == *content);
        assert_eq!(reply.compressed, compressed);
    }
    client.vanish().await;
}
