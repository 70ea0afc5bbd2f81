//! Replays the seeds of the fuzz targets, each as it is and with a few bytes changed.

use std::fs;
use std::path::Path;

use settee::fuzzing::{TARGETS, Target};

/// How many variants of each seed are tried.
const VARIANTS: u64 = 40;

fn replay((name, body): Target) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let mut seeds: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no seeds for {name}");
    for path in seeds {
        let seed = fs::read(&path).unwrap();
        body(&seed);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ seed.len() as u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % below.max(1)
        };
        for _ in 0..VARIANTS {
            let mut data = seed.clone();
            for _ in 0..=random(3) {
                let at = random(data.len());
                match random(4) {
                    0 => data.truncate(at),
                    1 => data.insert(at, random(256) as u8),
                    2 if !data.is_empty() => {
                        data.remove(at);
                    }
                    _ => {
                        if let Some(byte) = data.get_mut(at) {
                            *byte ^= 1 << random(8);
                        }
                    }
                }
            }
            body(&data);
        }
    }
}

#[test]
fn seeds_of_every_fuzz_target_hold_and_so_do_their_variants() {
    for target in TARGETS {
        replay(target);
    }
}

#[test]
fn every_fuzz_target_has_its_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let line = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            line.contains(&format!("settee::fuzzing::{name}(data)")),
            "{name}"
        );
    }
}
