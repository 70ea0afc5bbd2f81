//! One passive side and many clients.

use std::collections::HashSet;
use std::time::Duration;

use super::pair::{BOTH, LIVE, Link, PUSH, Peer, replicate};
use super::scripted_peer::ScriptedPeer;
use super::world::World;
use crate::protocol::{ChangeRow, ProposeReply, ProposedRow, Request, Rev, SubChanges};
use crate::transport::LoopbackOptions;

async fn subscribe(client: &mut ScriptedPeer) {
    let sub = SubChanges {
        continuous: true,
        batch: 200,
        ..SubChanges::default()
    };
    client.ask(Request::SubChanges(sub)).await.unwrap();
}

/// The rows of the next list that is not empty.
async fn announced(client: &mut ScriptedPeer) -> Vec<ChangeRow> {
    loop {
        match client.next_request().await.1 {
            Request::Changes { rows, .. } if rows.is_empty() => {}
            Request::Changes { rows, .. } => return rows,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_not_told_of_its_own_revisions_and_the_others_are() {
    let server = Peer::new(&["_default"]);
    let mut writer = ScriptedPeer::connect(&server);
    let mut reader = ScriptedPeer::connect(&server);
    subscribe(&mut writer).await;
    subscribe(&mut reader).await;
    let proposal = Request::ProposeChanges {
        collection: None,
        conflict_includes_rev: true,
        rows: vec![ProposedRow {
            doc_id: "mine".into(),
            rev_id: "1-ab".into(),
            parent: String::new(),
            body_size: 0,
        }],
        no_reply: false,
    };
    let reply = writer.ask(proposal).await.unwrap();
    ProposeReply::decode(&reply, 1).unwrap();
    let rev = Rev {
        id: "mine".into(),
        rev: "1-ab".into(),
        sequence: Some("1".into()),
        no_conflicts: true,
        body: bytes::Bytes::from_static(b"{}"),
        ..Rev::default()
    };
    writer.ask(Request::Rev(rev)).await.unwrap();
    assert_eq!(announced(&mut reader).await[0].doc_id, "mine");
    server.save(0, "ours", "{}");
    let rows = announced(&mut writer).await;
    let ids: Vec<_> = rows.iter().map(|row| row.doc_id.as_str()).collect();
    assert_eq!(ids, ["ours"], "no echo");
    writer.vanish().await;
    reader.vanish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_answers_and_a_slow_one_do_not_hold_up_the_others() {
    let server = Peer::new(&["_default"]);
    for n in 0..2_000 {
        server.save(
            0,
            &format!("d{n}"),
            &format!(r#"{{"n":{n},"pad":"{}"}}"#, "x".repeat(200)),
        );
    }
    let mut silent = ScriptedPeer::connect(&server);
    subscribe(&mut silent).await;
    let (slow, quick) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
    let crawl = LoopbackOptions {
        latency: Duration::from_millis(200),
        ..LoopbackOptions::default()
    };
    let crawling = Link::new(&slow, &server, LIVE, crawl);
    replicate(&quick, &server, BOTH).await;
    assert_eq!(quick.contents().len(), 2_000);
    assert!(slow.contents().len() < 2_000, "the slow one is still at it");
    crawling.stop_active.cancel();
    crawling.end().await.unwrap();
    silent.vanish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_writes_at_once_gets_everything_of_everybody() {
    let server = Peer::new(&["_default"]);
    let clients: Vec<Peer> = (0..8).map(|_| Peer::new(&["_default"])).collect();
    let links: Vec<Link> = clients
        .iter()
        .map(|client| Link::new(client, &server, LIVE, LoopbackOptions::default()))
        .collect();
    for round in 0..25 {
        for (number, client) in clients.iter().enumerate() {
            client.save(0, &format!("c{number}-{round}"), r#"{"n":1}"#);
        }
    }
    for (client, link) in clients.iter().zip(&links) {
        link.until("everything is here", || client.contents().len() == 200)
            .await;
    }
    for link in links {
        link.stop_active.cancel();
        link.end().await.unwrap();
    }
    let all: HashSet<_> = clients.iter().map(Peer::contents).collect();
    assert_eq!(all.len(), 1);
}

#[test]
fn an_edit_costs_each_idle_client_a_handful_of_frames_and_then_there_is_silence() {
    let mut world = World::new(21);
    for client in 1..21 {
        world.connect(client, 0, LIVE);
    }
    world.run_until_quiet();
    world.nodes[0].save(0, "news", r#"{"n":1}"#);
    let frames = world.run_until_quiet();
    // changes, its reply, rev, its reply, setCheckpoint, its reply; an empty list of the pusher.
    assert!(frames <= 20 * 8, "{frames}");
    world.nodes[7].save(0, "news", r#"{"n":2}"#);
    let frames = world.run_until_quiet();
    assert!(frames <= 21 * 10, "{frames}");
    world.assert_equal();
    world.connect(1, 0, PUSH);
    assert!(world.run_until_quiet() <= 6);
}
