//! Not a test: figures of the store alone, to be looked at while it is being changed.
//! `cargo test --release --test api -- --ignored --nocapture speed`

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use settee::database::Database;
use settee::model::replication::{ConflictPolicy, IncomingRevision, RemoteId};
use settee::model::{DocId, RevId};

use super::support::{Fixture, default, doc_id, save};

/// About 300 bytes of nested JSON.
fn body(n: usize) -> String {
    format!(
        r#"{{"type":"hotel","name":"Hotel number {n}","address":{{"street":"{n} Sea Road","city":"Brighton","country":"United Kingdom"}},"geo":{{"lat":50.{n},"lon":-0.{n},"accuracy":"ROOFTOP"}},"rating":4.5,"vacancy":true,"tags":["sea","view","quiet","family"],"description":"A small house by the sea."}}"#
    )
}

fn report(what: &str, count: usize, took: Duration) {
    println!(
        "{what:32} {count:7} in {:7.1} ms  {:9.0}/s  {:6.2} µs each",
        took.as_secs_f64() * 1e3,
        count as f64 / took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / count as f64
    );
}

fn submit_all(database: &Database, ids: &[DocId], bodies: &[String]) {
    let (sender, receiver) = channel();
    for (id, body) in ids.iter().zip(bodies) {
        let (id, body, sender) = (id.clone(), body.clone(), sender.clone());
        database.submit_write(
            body.len(),
            move |tx| save(tx, &id, &body),
            move |result| sender.send(result.is_ok()).unwrap(),
        );
    }
    drop(sender);
    assert!(receiver.iter().all(|ok| ok));
}

#[test]
#[ignore = "a measurement, for release builds"]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn speed() {
    let count = 100_000;
    let ids: Vec<_> = (0..count).map(|n| doc_id(&format!("hotel-{n}"))).collect();
    let bodies: Vec<_> = (0..count).map(body).collect();
    println!("body: {} bytes", bodies[5000].len());
    let fixture = Fixture::new();
    let db = &fixture.database;

    let start = Instant::now();
    submit_all(db, &ids[..10_000], &bodies[..10_000]);
    report("save 10k queued", 10_000, start.elapsed());

    let start = Instant::now();
    submit_all(db, &ids[10_000..], &bodies[10_000..]);
    report("save 90k queued", 90_000, start.elapsed());

    let start = Instant::now();
    submit_all(db, &ids[..50_000], &bodies[..50_000]);
    report("update 50k queued", 50_000, start.elapsed());

    let start = Instant::now();
    for (n, body) in bodies.iter().enumerate().take(10_000) {
        let id = doc_id(&format!("one-{n}"));
        db.write(|tx| save(tx, &id, body)).unwrap();
    }
    report("save inline, one by one", 10_000, start.elapsed());

    let start = Instant::now();
    for n in 0..50_000 {
        let id = &ids[n * 7919 % count];
        db.read(|tx| tx.document(&default(), id)).unwrap().unwrap();
    }
    report("get inline", 50_000, start.elapsed());

    let start = Instant::now();
    for n in 0..50_000 {
        let id = &ids[n % 1000];
        db.read(|tx| tx.document(&default(), id)).unwrap().unwrap();
    }
    report("get inline, few documents", 50_000, start.elapsed());

    let start = Instant::now();
    for _ in 0..50_000 {
        db.read(|_| Ok(())).unwrap();
    }
    report("empty read inline", 50_000, start.elapsed());

    let start = Instant::now();
    db.read(|tx| {
        for n in 0..50_000 {
            let id = &ids[n * 7919 % count];
            tx.document(&default(), id).unwrap().unwrap();
        }
        Ok(())
    })
    .unwrap();
    report("get in one read", 50_000, start.elapsed());

    let start = Instant::now();
    let (sender, receiver) = channel();
    for n in 0..50_000 {
        let (id, sender) = (ids[n * 7919 % count].clone(), sender.clone());
        db.submit_read(
            move |tx| tx.document(&default(), &id),
            move |found| sender.send(found.is_ok()).unwrap(),
        );
    }
    drop(sender);
    assert!(receiver.iter().all(|ok| ok));
    report("get queued", 50_000, start.elapsed());

    let second = Fixture::new();
    let start = Instant::now();
    for (ids, bodies) in ids.chunks(500).zip(bodies.chunks(500)) {
        let revisions: Vec<_> = ids
            .iter()
            .zip(bodies)
            .map(|(id, body)| IncomingRevision {
                doc_id: id.clone(),
                rev_id: RevId::parse("1-962b5f03e5740df7393e7ce1513e7e2c8c2f0167").unwrap(),
                history: Vec::new(),
                deleted: false,
                body: body.clone().into(),
            })
            .collect();
        second
            .database
            .write(|tx| {
                tx.insert_revisions(
                    &default(),
                    revisions,
                    ConflictPolicy::ResolveByDefault,
                    Some(RemoteId(1)),
                )
            })
            .unwrap();
    }
    report("insert revisions, 500 a call", count, start.elapsed());

    let start = Instant::now();
    let mut marked = 0;
    for ids in ids.chunks(200) {
        let revisions: Vec<_> = ids
            .iter()
            .map(|id| {
                let rev = RevId::parse("1-962b5f03e5740df7393e7ce1513e7e2c8c2f0167").unwrap();
                (id.clone(), rev)
            })
            .collect();
        marked += revisions.len();
        second
            .database
            .write(|tx| tx.mark_remote_ancestor(&default(), RemoteId(2), &revisions))
            .unwrap();
    }
    report("mark pushed, 200 a call", marked, start.elapsed());

    let start = Instant::now();
    assert_eq!(db.read(|tx| tx.count(&default())).unwrap(), 110_000);
    report("count", 1, start.elapsed());
}
