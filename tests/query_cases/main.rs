//! The cases of `tests/data/query`: what Couchbase Lite answers, settee must answer, with and
//! without indexes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod case;
mod compare;

use std::process::Command;

use case::{Case, Indexing};

/// Cases that run at a time.
const THREADS: usize = 4;

/// The indexes that every case runs with, one after the other.
const INDEXINGS: [Indexing; 3] = [
    Indexing::AsTheCaseSays,
    Indexing::EveryProperty,
    Indexing::EveryArray,
];

const CHILD: &str = "SETTEE_TEST_QUERY_CASES_ZONE";

/// Not a test of its own: runs the cases of one time zone, when the variable is set. Set
/// `SETTEE_TEST_QUERY_CASE` to a part of a name to see only those cases.
#[test]
fn child_in_a_time_zone() {
    let Ok(zone) = std::env::var(CHILD) else {
        return;
    };
    let wanted = std::env::var("SETTEE_TEST_QUERY_CASE").unwrap_or_default();
    let cases: Vec<Case> = case::load()
        .into_iter()
        .filter(|case| case.zone() == zone && case.name().contains(&wanted))
        .collect();
    let run = |case: &Case| -> Vec<String> {
        INDEXINGS
            .into_iter()
            .filter_map(|indexing| {
                let why = case.run(indexing).err()?;
                Some(format!("{} ({indexing:?})\n    {why}", case.name()))
            })
            .collect()
    };
    // Most of the time of a case goes into making its database.
    let part = cases.len().div_ceil(THREADS).max(1);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = cases
            .chunks(part)
            .map(|cases| scope.spawn(move || cases.iter().flat_map(run).collect::<Vec<String>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    println!("{} cases in {zone}", cases.len());
    assert!(
        failures.is_empty(),
        "{} of {} runs failed:\n{}",
        failures.len(),
        cases.len() * INDEXINGS.len(),
        failures.join("\n")
    );
}

fn run_in(zone: &str) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_in_a_time_zone", "--nocapture"])
        .env(CHILD, zone)
        .env("TZ", zone)
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr)
    );
}

#[test]
fn every_case_gives_the_expected_rows_with_and_without_indexes() {
    run_in("UTC");
}

#[test]
fn cases_about_local_time_give_the_expected_rows_in_their_zone() {
    let mut zones: Vec<String> = case::load()
        .iter()
        .map(|case| case.zone().to_owned())
        .filter(|zone| zone != "UTC")
        .collect();
    zones.sort();
    zones.dedup();
    assert!(!zones.is_empty());
    for zone in zones {
        run_in(&zone);
    }
}

#[test]
fn no_case_was_lost() {
    let cases = case::load();
    assert_eq!(cases.len(), 806);
    assert_eq!(cases.iter().filter(|case| case.is_verified()).count(), 764);
}
