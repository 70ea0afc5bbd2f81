//! The connection breaks after every possible number of messages; what is left is done by the next
//! run, and nothing is lost or doubled.

use super::pair::{BOTH, Link, PULL, PUSH, Peer, replicate};
use crate::replicator::core::ActiveConfig;
use crate::transport::LoopbackOptions;

fn fill(peer: &Peer, prefix: &str) {
    for n in 0..12 {
        peer.save(0, &format!("{prefix}{n}"), &format!(r#"{{"n":{n}}}"#));
    }
    let content: Vec<u8> = (0..90_000_u32).map(|n| (n % 251) as u8).collect();
    let (digest, length) = peer.put_blob(&content);
    let blob = ("photo".to_owned(), digest, length, "image/png".to_owned());
    peer.save_with_blobs(0, &format!("{prefix}-photo"), "{}", vec![blob]);
    peer.delete(0, &format!("{prefix}3"));
}

async fn cut_at_every_message(config: ActiveConfig) {
    let mut cut = 1;
    loop {
        let (a, b) = (Peer::new(&["_default"]), Peer::new(&["_default"]));
        // Not empty, so that the first pull asks for tombstones too (wire §3.5, `activeOnly`).
        a.save(0, "here", "{}");
        if config.push {
            fill(&a, "a");
        }
        if config.pull {
            fill(&b, "b");
        }
        let options = LoopbackOptions {
            cut_after_messages: Some(cut),
            ..LoopbackOptions::default()
        };
        let first = Link::new(&a, &b, config, options).end().await;
        if let Err(error) = &first {
            assert!(error.is_transient(), "cut after {cut}: {error:?}");
        }
        replicate(&a, &b, config).await;
        let (mut here, there) = (a.contents(), b.contents());
        if !config.push {
            here.retain(|line| !line.contains(" here "));
        }
        assert_eq!(here, there, "cut after {cut} messages");
        if first.is_ok() {
            assert!(cut > 10, "the link was never cut");
            return;
        }
        cut += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_cut_at_every_message_ends_equal() {
    cut_at_every_message(PUSH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_cut_at_every_message_ends_equal() {
    cut_at_every_message(PULL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replication_both_ways_cut_at_every_message_ends_equal() {
    cut_at_every_message(BOTH).await;
}
