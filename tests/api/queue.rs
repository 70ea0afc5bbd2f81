//! The call queue: order, group commit, isolation (design D4).

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use settee::Error;
use settee::database::{Concurrency, Database, SaveList};
use settee::error::Code;

use super::support::{Fixture, completion, default, doc_id, options, save};

#[test]
fn a_read_sees_the_writes_queued_before_it_and_none_after() {
    let fixture = Fixture::new();
    let (sender, receiver) = channel();
    for n in 0..500_u32 {
        fixture.database.submit_write(
            100,
            move |tx| save(tx, &doc_id("a"), &format!(r#"{{"n":{n}}}"#)),
            |result| assert!(result.is_ok()),
        );
        if n % 7 == 0 {
            let sender = sender.clone();
            fixture.database.submit_read(
                |tx| tx.document(&default(), &doc_id("a")),
                move |found| {
                    let body = found.unwrap().unwrap().body;
                    sender.send((n, body)).unwrap();
                },
            );
        }
    }
    drop(sender);
    let mut reads = 0;
    for (n, body) in receiver {
        assert_eq!(String::from_utf8(body).unwrap(), format!(r#"{{"n":{n}}}"#));
        reads += 1;
    }
    assert_eq!(reads, 72);
}

#[test]
fn completions_of_writes_come_in_order() {
    let fixture = Fixture::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for n in 0..1000 {
        let seen = Arc::clone(&seen);
        fixture.database.submit_write(
            100,
            move |tx| save(tx, &doc_id(&format!("d{n}")), "{}"),
            move |_| seen.lock().unwrap().push(n),
        );
    }
    fixture.database.close().unwrap();
    assert_eq!(*seen.lock().unwrap(), (0..1000).collect::<Vec<_>>());
}

#[test]
fn a_call_that_fails_or_panics_fails_alone() {
    let fixture = Fixture::new();
    // Holds the queue, so that what follows shares one transaction.
    let (go, wait) = channel::<()>();
    let (done, _first) = completion();
    fixture.database.submit_write(
        0,
        move |_| {
            wait.recv().unwrap();
            Ok(())
        },
        done,
    );
    let mut outcomes = Vec::new();
    for n in 0..30 {
        let (done, outcome) = completion();
        outcomes.push(outcome);
        fixture.database.submit_write(
            10,
            move |tx| {
                save(tx, &doc_id(&format!("d{n}")), "{}")?;
                match n % 3 {
                    0 => Ok(n),
                    1 => Err(Error::invalid("on purpose")),
                    _ => panic!("on purpose"),
                }
            },
            done,
        );
    }
    go.send(()).unwrap();
    for (n, outcome) in outcomes.into_iter().enumerate() {
        let outcome = outcome.recv().unwrap();
        match n % 3 {
            0 => assert!(outcome.is_ok()),
            1 => assert!(outcome.unwrap_err().is(Code::InvalidParameter)),
            _ => assert!(outcome.unwrap_err().is(Code::AssertionFailed)),
        }
        assert_eq!(fixture.get(&format!("d{n}")).is_some(), n % 3 == 0);
    }
    // Sequences of undone saves were given again.
    let last = fixture
        .database
        .read(|tx| tx.last_sequence(&default()))
        .unwrap();
    assert_eq!(last.0, 10);
}

#[test]
fn plain_saves_fail_alone_and_give_their_sequences_back() {
    let fixture = Fixture::new();
    let (go, wait) = channel::<()>();
    let (done, _first) = completion();
    fixture.database.submit_write(
        0,
        move |_| {
            wait.recv().unwrap();
            Ok(())
        },
        done,
    );
    let mut outcomes = Vec::new();
    // New documents, updates of them, conflicts, and bodies that are none; lists of every length up
    // to ten.
    let mut n = 0;
    while n < 60 {
        let rule = match n {
            50.. => Concurrency::FailOnConflict,
            _ => Concurrency::LastWriteWins,
        };
        let mut list = SaveList::default();
        let end = (n + 1 + n % 10).min(if n < 50 { 50 } else { 60 });
        for n in n..end {
            let body = match n % 3 {
                2 => "no JSON".to_owned(),
                _ => format!(r#"{{"n":{n}}}"#),
            };
            list.push(Some(&format!("d{}", n / 2 % 10)), &body);
        }
        assert_eq!((list.len(), list.is_empty()), (end - n, false));
        let (done, results) = channel();
        let done = move |all: Vec<_>| done.send(all).unwrap();
        fixture.database.submit_saves(default(), list, rule, done);
        outcomes.push(results);
        n = end;
    }
    go.send(()).unwrap();
    let mut saved = 0;
    let results = outcomes.into_iter().flat_map(|all| all.recv().unwrap());
    for (n, outcome) in results.enumerate() {
        match outcome {
            Ok(result) => {
                assert_ne!(n % 3, 2);
                assert_eq!(result.conflict, n >= 50);
                saved += u64::from(!result.conflict);
            }
            Err(error) => {
                assert_eq!(n % 3, 2);
                assert!(error.is(Code::InvalidParameter), "{error:?}");
            }
        }
    }
    let last = fixture
        .database
        .read(|tx| tx.last_sequence(&default()))
        .unwrap();
    assert_eq!(last.0, saved);
    assert_eq!(fixture.get("d4").unwrap().body, br#"{"n":49}"#);
}

#[test]
fn a_long_read_holds_up_neither_writes_nor_other_reads() {
    let fixture = Fixture::new();
    fixture.save("a", r#"{"n":1}"#);
    let (started, wait_for_start) = channel();
    let (go, wait) = channel::<()>();
    let (done, long) = completion();
    fixture.database.submit_read(
        move |tx| {
            started.send(()).unwrap();
            wait.recv().unwrap();
            tx.document(&default(), &doc_id("a"))
        },
        done,
    );
    wait_for_start.recv().unwrap();
    fixture.save("a", r#"{"n":2}"#);
    let (done, short) = completion();
    fixture
        .database
        .submit_read(|tx| tx.document(&default(), &doc_id("a")), done);
    assert_eq!(short.recv().unwrap().unwrap().unwrap().body, br#"{"n":2}"#);
    go.send(()).unwrap();
    assert_eq!(long.recv().unwrap().unwrap().unwrap().body, br#"{"n":1}"#);
}

#[test]
fn many_threads_write_and_read_at_once() {
    let fixture = Fixture::new();
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (database, done) = (&fixture.database, &done);
            scope.spawn(move || {
                for n in 0..60 {
                    let id = doc_id(&format!("{thread}-{n}"));
                    database.write(|tx| save(tx, &id, "{}")).unwrap();
                    // What this thread has written it can read.
                    let found = database.read(|tx| tx.document(&default(), &id)).unwrap();
                    assert!(found.is_some());
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(done.into_inner(), 360);
    assert_eq!(
        fixture.database.read(|tx| tx.count(&default())).unwrap(),
        360
    );
}

#[test]
fn inline_calls_step_back_when_something_waits() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .database
            .try_write_inline(|tx| save(tx, &doc_id("a"), "{}"))
            .is_ok()
    );
    let (go, wait) = channel::<()>();
    let (done, held) = completion();
    fixture.database.submit_write(
        0,
        move |_| {
            wait.recv().unwrap();
            Ok(())
        },
        done,
    );
    let back = fixture
        .database
        .try_write_inline(|tx| save(tx, &doc_id("b"), "{}"));
    assert!(back.is_err(), "the work comes back");
    let back = fixture
        .database
        .try_read_inline(|tx| tx.document(&default(), &doc_id("a")));
    assert!(back.is_err());
    go.send(()).unwrap();
    held.recv().unwrap().unwrap();
}

#[test]
fn close_finishes_what_was_queued_and_refuses_what_comes_after() {
    let mut fixture = Fixture::new();
    let (sender, receiver) = channel();
    for n in 0..200 {
        let sender = sender.clone();
        fixture.database.submit_write(
            100,
            move |tx| save(tx, &doc_id(&format!("d{n}")), "{}"),
            move |result| sender.send(result.is_ok()).unwrap(),
        );
    }
    fixture.database.close().unwrap();
    fixture.database.close().unwrap();
    assert_eq!(receiver.try_iter().filter(|ok| *ok).count(), 200);
    let (done, late) = completion();
    fixture
        .database
        .submit_write(0, |tx| save(tx, &doc_id("late"), "{}"), done);
    assert!(late.recv().unwrap().unwrap_err().is(Code::NotOpen));
    assert!(
        fixture
            .try_save("late", "{}")
            .unwrap_err()
            .is(Code::NotOpen)
    );
    fixture.reopen();
    assert_eq!(
        fixture.database.read(|tx| tx.count(&default())).unwrap(),
        200
    );
}

#[test]
fn a_completion_may_hold_the_last_handle() {
    let fixture = Fixture::new();
    let Fixture {
        directory,
        database,
    } = fixture;
    let (done, saved) = completion();
    let held = database.clone();
    database.submit_write(
        0,
        |tx| save(tx, &doc_id("a"), "{}"),
        move |result| {
            let keep = held;
            done(result);
            // Still held when the other clones are gone.
            std::thread::sleep(std::time::Duration::from_millis(20));
            drop(keep);
        },
    );
    drop(database);
    saved.recv().unwrap().unwrap();
    // Free again once the handle is closed, on whatever thread that happens.
    let options = options(&directory);
    let mut deleted = Database::delete_at("db", Some(directory.path()));
    for _ in 0..500 {
        if deleted.is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        deleted = Database::delete_at("db", Some(directory.path()));
    }
    deleted.unwrap();
    drop(options);
}

#[test]
fn reads_between_writes_see_each_of_them_and_let_the_log_start_anew() {
    let fixture = Fixture::new();
    let second = Database::open("db", &options(&fixture.directory)).unwrap();
    let filler = "x".repeat(100_000);
    let log = fixture
        .directory
        .path()
        .join("db.cblite2/settee.sqlite3-wal");
    let mut longest = 0;
    for n in 0..3_500 {
        let body = format!(r#"{{"n":{n},"x":"{filler}"}}"#);
        fixture.save("a", &body);
        // Later reads go on in the transaction of the first.
        for database in [&fixture.database, &second, &second] {
            let read = database.try_read_inline(|tx| tx.document(&default(), &doc_id("a")));
            let found = read.ok().unwrap().unwrap().unwrap();
            assert!(found.body == body.as_bytes(), "{n}");
        }
        longest = longest.max(fs::metadata(&log).unwrap().len());
    }
    // 400 MB were written; the writer itself helps from 268 MB on.
    assert!(longest < 300_000_000, "the log has {longest} bytes");
}
