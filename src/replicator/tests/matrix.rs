//! Every direction, mode, kind of collections, with deltas and without, over every kind of link: both
//! sides end equal.

use std::hash::{BuildHasher as _, RandomState};

use super::pair::Peer;
use super::simulation::{LinkKind, Simulation};
use crate::replicator::core::ActiveConfig;

const LINKS: [LinkKind; 4] = [
    LinkKind::Clean,
    LinkKind::Slow,
    LinkKind::Cut,
    LinkKind::Reordered,
];

const COLLECTIONS: [&[&str]; 3] = [
    &["_default"],
    &["inventory.hotels"],
    &["inventory.hotels", "inventory.airports", "_default"],
];

/// About 6 KiB that do not compress to nothing.
fn large(n: usize, changed: &str) -> String {
    let text: String = (0..300)
        .map(|word| format!("{:x} ", (n + 7) * (word + 13) * 2_654_435_761))
        .collect();
    format!(r#"{{"changed":"{changed}","n":{n},"text":"{text}"}}"#)
}

fn fill(peer: &Peer, prefix: &str) {
    for collection in 0..peer.collections.len() {
        for n in 0..6 {
            peer.save(
                collection,
                &format!("{prefix}{n}"),
                &format!(r#"{{"n":{n}}}"#),
            );
        }
        peer.save(
            collection,
            &format!("{prefix}-large"),
            &large(collection, "no"),
        );
        let content: Vec<u8> = (0..30_000_u32).map(|n| (n * n % 251) as u8).collect();
        let (digest, length) = peer.put_blob(&content);
        let blob = ("photo".to_owned(), digest, length, "image/png".to_owned());
        peer.save_with_blobs(collection, &format!("{prefix}-photo"), "{}", vec![blob]);
    }
}

fn edit(peer: &Peer, prefix: &str, round: usize) {
    for collection in 0..peer.collections.len() {
        let id = |name: &str| format!("{prefix}{name}");
        peer.save(
            collection,
            &id("-large"),
            &large(collection, &format!("{round}")),
        );
        peer.save(collection, &id("1"), &format!(r#"{{"round":{round}}}"#));
        peer.save(
            collection,
            &id("1"),
            &format!(r#"{{"round":{round},"again":true}}"#),
        );
        peer.save(collection, &id(&format!("new{round}")), "{}");
        peer.delete(collection, &id(&format!("{}", round + 2)));
    }
}

/// The same document on both sides, differently.
fn disagree(a: &Peer, b: &Peer, round: usize) {
    for collection in 0..a.collections.len() {
        a.save(collection, "both", &format!(r#"{{"a":{round}}}"#));
        b.save(collection, "both", &format!(r#"{{"b":{round}}}"#));
    }
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    push: bool,
    pull: bool,
    continuous: bool,
    collections: &'static [&'static str],
    deltas: bool,
    link: LinkKind,
    seed: u64,
}

fn cells(seed: u64) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (push, pull) in [(true, false), (false, true), (true, true)] {
        for continuous in [false, true] {
            for collections in COLLECTIONS {
                for deltas in [false, true] {
                    for link in LINKS {
                        cells.push(Cell {
                            push,
                            pull,
                            continuous,
                            collections,
                            deltas,
                            link,
                            seed: seed.wrapping_add(cells.len() as u64),
                        });
                    }
                }
            }
        }
    }
    cells
}

/// Gives how often the link was cut.
fn play(cell: Cell) -> usize {
    let (mut a, mut b) = (Peer::new(cell.collections), Peer::new(cell.collections));
    (a.deltas, b.deltas) = (cell.deltas, cell.deltas);
    let (a, b) = (a, b);
    let config = ActiveConfig {
        push: cell.push,
        pull: cell.pull,
        continuous: cell.continuous,
        auto_purge: true,
    };
    let change = |round: usize| {
        if cell.push {
            edit(&a, "a", round);
        }
        if cell.pull {
            edit(&b, "b", round);
        }
        if cell.push && cell.pull {
            disagree(&a, &b, round);
        }
    };
    if cell.push {
        fill(&a, "a");
    }
    if cell.pull {
        fill(&b, "b");
    }
    let mut simulation = Simulation::new(&a, &b, config, cell.link, cell.seed);
    simulation.run(&[&|| change(0), &|| change(1), &|| ()]);
    assert_eq!(a.contents(), b.contents());
    let cuts = simulation.cuts;
    // Nothing is left to be said.
    let mut again = Simulation::new(
        &a,
        &b,
        ActiveConfig {
            continuous: false,
            ..config
        },
        LinkKind::Clean,
        1,
    );
    again.run(&[]);
    assert_eq!(a.contents(), b.contents());
    assert!(
        again.frames < 12 * cell.collections.len() + 12,
        "{} frames",
        again.frames
    );
    cuts
}

fn all(half: usize) {
    let seed = match std::env::var("SETTEE_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().hash_one(0) >> 16,
    };
    println!("SETTEE_SEED={seed}");
    let mut cuts = 0;
    for (number, cell) in cells(seed).into_iter().enumerate() {
        if number % 2 != half {
            continue;
        }
        println!("{number}: {cell:?}");
        cuts += play(cell);
    }
    // The first half has the links that are cut.
    assert_eq!(cuts > 36, half == 0, "cut {cuts} times");
}

// In two halves, for two cores.

#[test]
fn both_sides_end_equal_whatever_the_mode_and_the_link_first_half() {
    all(0);
}

#[test]
fn both_sides_end_equal_whatever_the_mode_and_the_link_second_half() {
    all(1);
}
