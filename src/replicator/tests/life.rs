//! The long life of continuous replications, on a clock of its own.

use std::time::Duration;

use super::pair::{BOTH, LIVE, PULL, PUSH};
use super::world::World;
use crate::replicator::core::ActiveConfig;
use crate::replicator::tuning;

const LIVE_PUSH: ActiveConfig = ActiveConfig {
    continuous: true,
    ..PUSH
};
const LIVE_PULL: ActiveConfig = ActiveConfig {
    continuous: true,
    ..PULL
};

/// Frames of a document's change that crosses one link: list, reply, `rev`, reply, checkpoint twice
/// and its replies, with room for what is told besides.
const FRAMES_OF_A_CHANGE: usize = 16;

fn fill(world: &World, node: usize, count: usize) {
    for n in 0..count {
        world.nodes[node].save(0, &format!("n{node}-{n}"), &format!(r#"{{"n":{n}}}"#));
    }
}

/// All converge, go quiet, and an edit anywhere costs each link no more than it must.
fn converge_and_go_quiet(world: &mut World, links: usize) {
    for node in 0..world.nodes.len() {
        fill(world, node, 30);
    }
    world.run_until_quiet();
    world.assert_equal();
    for node in 0..world.nodes.len() {
        world.nodes[node].save(0, "n0-1", &format!(r#"{{"edited by":{node}}}"#));
        world.nodes[node].delete(0, &format!("n0-{}", node + 2));
        let frames = world.run_until_quiet();
        world.assert_equal();
        assert!(frames <= links * 2 * FRAMES_OF_A_CHANGE, "{frames} frames");
    }
    assert_eq!(world.run_until_quiet(), 0);
}

#[test]
fn a_chain_of_three_converges_and_goes_quiet() {
    let mut world = World::new(3);
    world.connect(0, 1, LIVE);
    world.connect(1, 2, LIVE);
    converge_and_go_quiet(&mut world, 2);
}

#[test]
fn a_ring_of_three_converges_and_goes_quiet() {
    let mut world = World::new(3);
    for node in 0..3 {
        world.connect(node, (node + 1) % 3, LIVE);
    }
    converge_and_go_quiet(&mut world, 3);
}

#[test]
fn two_peers_that_dial_each_other_converge_and_go_quiet() {
    let mut world = World::new(2);
    world.connect(0, 1, LIVE);
    world.connect(1, 0, LIVE);
    converge_and_go_quiet(&mut world, 2);
}

#[test]
fn a_star_of_five_around_one_listener_converges_and_goes_quiet() {
    let mut world = World::new(6);
    for node in 1..6 {
        world.connect(node, 0, LIVE);
    }
    converge_and_go_quiet(&mut world, 5);
}

#[test]
fn conflicts_all_around_a_ring_end_and_go_quiet() {
    for seed in 0..=20 {
        let mut world = World::new(3);
        world.seed = seed;
        for node in 0..3 {
            world.connect(node, (node + 1) % 3, LIVE);
        }
        world.nodes[0].save(0, "x", "{}");
        world.run_until_quiet();
        for round in 0..10 {
            for node in 0..3 {
                let body = format!(r#"{{"by":{node},"round":{round}}}"#);
                world.nodes[node].save(0, "x", &body);
            }
            world.run_frames(round);
        }
        let frames = world.run_until_quiet();
        assert!(frames < 300, "seed {seed}: {frames} frames");
        world.assert_equal();
    }
}

#[test]
fn one_way_replications_in_a_circle_converge_and_go_quiet() {
    for config in [LIVE_PUSH, LIVE_PULL] {
        let mut world = World::new(3);
        for node in 0..3 {
            world.connect(node, (node + 1) % 3, config);
        }
        for node in 0..3 {
            fill(&world, node, 10);
        }
        world.run_until_quiet();
        world.assert_equal();
        assert_eq!(world.run_until_quiet(), 0);
    }
}

#[test]
fn a_document_that_is_edited_a_thousand_times_in_flight_arrives_as_it_is_last() {
    for config in [LIVE_PUSH, LIVE_PULL, LIVE] {
        let mut world = World::new(2);
        let link = world.connect(0, 1, config);
        world.run_until_quiet();
        let editor = if config.push { 0 } else { 1 };
        for n in 0..1_000 {
            world.nodes[editor].save(0, "x", &format!(r#"{{"n":{n}}}"#));
            world.run_frames(n % 4);
        }
        world.run_until_quiet();
        world.assert_equal();
        let there = world.nodes[1 - editor].body(0, "x");
        assert_eq!(there.as_deref(), Some(r#"{"n":999}"#));
        let documents = world.take_documents(link);
        assert!(documents.iter().all(|document| document.error.is_none()));
        assert!(documents.len() <= 1_000, "{}", documents.len());
    }
}

#[test]
fn a_document_that_is_edited_deleted_and_made_again_in_flight_ends_equal() {
    let mut world = World::new(2);
    world.connect(0, 1, LIVE);
    world.run_until_quiet();
    for n in 0..60 {
        let peer = &world.nodes[n % 2];
        match n % 5 {
            4 if peer.body(0, "x").is_some() => peer.delete(0, "x"),
            _ => drop(peer.save(0, "x", &format!(r#"{{"n":{n}}}"#))),
        }
        world.run_frames(n % 7);
    }
    world.run_until_quiet();
    world.assert_equal();
}

#[test]
fn a_document_that_is_purged_in_flight_hurts_nobody() {
    for config in [LIVE_PUSH, LIVE_PULL] {
        for frames in 0..12 {
            let mut world = World::new(2);
            let link = world.connect(0, 1, config);
            world.run_until_quiet();
            let from = if config.push { 0 } else { 1 };
            world.nodes[from].save(0, "gone", r#"{"v":1}"#);
            world.nodes[from].save(0, "kept", r#"{"v":1}"#);
            world.run_frames(frames);
            world.nodes[from].purge(0, "gone");
            world.run_until_quiet();
            assert!(world.nodes[1 - from].body(0, "kept").is_some());
            assert!(world.outcome(link).is_none(), "the link lives");
            world.nodes[from].save(0, "gone", r#"{"v":2}"#);
            world.run_until_quiet();
            let there = world.nodes[1 - from].body(0, "gone");
            assert!(there.is_some(), "after {frames} frames");
        }
    }
}

#[test]
fn a_checkpoint_is_saved_every_five_seconds_while_busy_and_at_once_when_idle() {
    let mut world = World::new(2);
    // So slow that a transfer takes minutes.
    world.latency = Duration::from_millis(900);
    fill(&world, 0, 12_000);
    let link = world.connect(0, 1, PUSH);
    let checkpoints = |world: &World| {
        let read =
            |tx: &crate::database::ReadTx<'_>| tx.peer_checkpoint("cp-0-1-_default._default");
        let stored = world.nodes[1].database.read(read).unwrap();
        stored.map_or(0, |(rev, _)| {
            rev.split('-').next().unwrap().parse().unwrap()
        })
    };
    let start = world.now;
    while world.outcome(link).is_none() && world.run_frames_counted(1) {}
    let seconds = world.now.duration_since(start).as_secs();
    let saved: u64 = checkpoints(&world);
    let most = seconds / tuning::CHECKPOINT_INTERVAL.as_secs() + 2;
    assert!((2..=most).contains(&saved), "{saved} in {seconds} s");
    world.assert_equal();
}

#[test]
fn a_replication_that_breaks_goes_on_where_it_was() {
    for config in [PUSH, PULL] {
        let mut world = World::new(2);
        world.latency = Duration::from_millis(300);
        let from = if config.push { 0 } else { 1 };
        world.nodes[1 - from].save(0, "here", "{}");
        fill(&world, from, 2_000);
        let link = world.connect(0, 1, config);
        world.run_for(Duration::from_secs(2));
        let first = world.take_documents(link).len();
        assert!((200..2_000).contains(&first), "{first}");
        world.cut(link);
        world.reconnect(link);
        world.run_until_quiet();
        let second = world.take_documents(link).len();
        assert!(world.outcome(link).unwrap().is_ok());
        // What was under way since the last checkpoint is announced again, not sent again.
        assert!(first + second <= 2_000, "{first} and {second}");
        let missing = world.nodes[1 - from].contents().len();
        assert_eq!(missing, 2_001);
    }
}

#[test]
fn a_stop_saves_what_is_done_and_the_next_start_sends_the_rest() {
    let mut world = World::new(2);
    world.latency = Duration::from_millis(100);
    fill(&world, 0, 1_000);
    let link = world.connect(0, 1, LIVE);
    world.run_for(Duration::from_millis(700));
    world.stop(link);
    world.run_until_quiet();
    assert!(world.outcome(link).unwrap().is_ok());
    let first = world.take_documents(link).len();
    world.reconnect(link);
    world.run_until_quiet();
    let second = world.take_documents(link).len();
    assert!(first > 0 && first + second <= 1_000, "{first} and {second}");
    world.assert_equal();
    assert!(!world.status(link).busy);
}

#[test]
fn a_live_link_that_breaks_again_and_again_loses_nothing() {
    let mut world = World::new(2);
    let link = world.connect(0, 1, LIVE);
    for round in 0..40 {
        for (node, peer) in world.nodes.iter().enumerate() {
            peer.save(0, &format!("own{node}"), &format!(r#"{{"n":{round}}}"#));
            peer.save(0, "shared", &format!(r#"{{"by":{node},"n":{round}}}"#));
        }
        world.run_frames(round);
        world.cut(link);
        world.reconnect(link);
    }
    world.run_until_quiet();
    world.assert_equal();
}

#[test]
fn a_document_that_expires_is_not_pushed_and_what_was_pushed_stays_there() {
    let mut world = World::new(2);
    world.nodes[0].save(0, "early", "{}");
    world.nodes[0].save(0, "late", "{}");
    let past = 1;
    world.nodes[0].expire(0, "early", past);
    let link = world.connect(0, 1, BOTH);
    world.run_until_quiet();
    assert!(world.outcome(link).unwrap().is_ok());
    assert!(world.nodes[1].body(0, "early").is_none());
    world.nodes[0].expire(0, "late", past);
    world.reconnect(link);
    world.run_until_quiet();
    assert!(
        world.nodes[1].body(0, "late").is_some(),
        "a purge is not replicated"
    );
}
