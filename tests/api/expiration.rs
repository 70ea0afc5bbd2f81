//! Documents that go by themselves (API spec §13.1).

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use settee::error::Code;
use settee::model::Sequence;

use super::support::{Fixture, default, doc_id};

#[expect(
    clippy::disallowed_methods,
    reason = "expiration is about the wall clock"
)]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn expire(fixture: &Fixture, id: &str, at: Option<i64>) -> settee::Result<()> {
    fixture
        .database
        .write(|tx| tx.set_expiration(&default(), &doc_id(id), at))
}

fn expiration(fixture: &Fixture, id: &str) -> Option<i64> {
    fixture
        .database
        .read(|tx| tx.expiration(&default(), &doc_id(id)))
        .unwrap()
}

/// Waits for a purge of this document.
fn wait_for_purge(fixture: &Fixture, id: &str, then: impl FnOnce()) {
    let (sender, receiver) = channel();
    let wanted = doc_id(id);
    fixture
        .database
        .observe(
            &default(),
            Arc::new(move |change| {
                for saved in &change.saved {
                    if saved.doc_id == wanted && saved.rev_id.is_none() {
                        let _ = sender.send(());
                    }
                }
            }),
        )
        .unwrap();
    then();
    if fixture.get(id).is_some() {
        receiver.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}

#[test]
fn a_document_goes_when_its_time_comes_and_leaves_no_sequence() {
    let fixture = Fixture::new();
    for id in ["soon", "later", "kept"] {
        fixture.save(id, "{}");
    }
    let at = now() + 100;
    wait_for_purge(&fixture, "soon", || {
        expire(&fixture, "later", Some(at + 3_600_000)).unwrap();
        expire(&fixture, "soon", Some(at)).unwrap();
        assert_eq!(expiration(&fixture, "later"), Some(at + 3_600_000));
    });
    assert!(now() >= at);
    assert!(fixture.get("soon").is_none());
    assert!(fixture.get("later").is_some() && fixture.get("kept").is_some());
    let (changes, last) = fixture
        .database
        .read(|tx| tx.changes(&default(), Sequence(0), 10, None, None))
        .unwrap();
    assert_eq!((changes.len(), last), (2, Sequence(3)));
}

#[test]
fn an_expiration_survives_a_restart_and_can_be_cleared() {
    let mut fixture = Fixture::new();
    for id in ["a", "b"] {
        fixture.save(id, "{}");
        expire(&fixture, id, Some(now() + 300)).unwrap();
    }
    expire(&fixture, "b", None).unwrap();
    assert_eq!(expiration(&fixture, "b"), None);
    fixture.reopen();
    wait_for_purge(&fixture, "a", || {});
    assert!(fixture.get("a").is_none());
    assert!(fixture.get("b").is_some());
}

#[test]
fn a_time_in_the_past_purges_at_once_and_a_save_keeps_the_time() {
    let fixture = Fixture::new();
    fixture.save("a", "{}");
    expire(&fixture, "a", Some(now() + 3_600_000)).unwrap();
    fixture.save("a", r#"{"n":1}"#);
    assert!(expiration(&fixture, "a").is_some());
    wait_for_purge(&fixture, "a", || expire(&fixture, "a", Some(1)).unwrap());
    assert!(fixture.get("a").is_none());
}

#[test]
fn what_is_not_there_does_not_expire() {
    let fixture = Fixture::new();
    assert!(
        expire(&fixture, "a", Some(1))
            .unwrap_err()
            .is(Code::NotFound)
    );
    assert_eq!(expiration(&fixture, "a"), None);
    fixture.save("a", "{}");
    expire(&fixture, "a", Some(now() + 3_600_000)).unwrap();
    fixture
        .database
        .write(|tx| tx.delete(&default(), &doc_id("a")))
        .unwrap();
    // A tombstone has yet to be replicated.
    assert_eq!(expiration(&fixture, "a"), None);
    assert!(expire(&fixture, "a", Some(1)).is_err());
}
