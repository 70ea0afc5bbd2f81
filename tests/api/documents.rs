//! Saving, reading, deleting and purging (API spec §6.4).

use settee::database::Concurrency;
use settee::error::Code;
use settee::model::Sequence;

use super::support::{Fixture, default, doc_id};

#[test]
fn a_document_comes_back_as_it_was_saved() {
    let mut fixture = Fixture::new();
    let saved = fixture.save("a", r#"{"n": 1.50, "a": {"b": [true, null, "x\u0000y"]}}"#);
    assert_eq!(saved.sequence, Sequence(1));
    assert!(saved.rev_id.as_str().starts_with("1-"));
    let expected = r#"{"a":{"b":[true,null,"x\u0000y"]},"n":1.50}"#;
    assert_eq!(fixture.body("a").unwrap(), expected);
    fixture.reopen();
    assert_eq!(fixture.body("a").unwrap(), expected);
    assert_eq!(fixture.get("a").unwrap().rev_id, saved.rev_id);
}

#[test]
fn every_save_and_delete_takes_a_sequence_and_a_generation() {
    let fixture = Fixture::new();
    let one = fixture.save("a", r#"{"n":1}"#);
    let two = fixture.save("a", r#"{"n":2}"#);
    assert_eq!(two.rev_id.generation(), 2);
    let deleted = fixture
        .database
        .write(|tx| tx.delete(&default(), &doc_id("a")))
        .unwrap();
    assert_eq!((deleted.rev_id.generation(), deleted.sequence.0), (3, 3));
    assert!(fixture.get("a").is_none());
    let again = fixture.save("a", r#"{"n":4}"#);
    assert_eq!((again.rev_id.generation(), again.sequence.0), (4, 4));
    assert_ne!(one.rev_id, two.rev_id);
}

#[test]
fn an_id_is_made_when_none_is_given() {
    let fixture = Fixture::new();
    let saved = fixture
        .database
        .write(|tx| {
            tx.save(
                &default(),
                None,
                b"{}",
                Vec::new(),
                Concurrency::LastWriteWins,
            )
        })
        .unwrap();
    assert_eq!(saved.id.as_str().len(), 36);
    assert!(fixture.get(saved.id.as_str()).is_some());
}

#[test]
fn fail_on_conflict_leaves_a_live_document_alone() {
    let fixture = Fixture::new();
    let id = doc_id("a");
    let careful = |body: &'static str| {
        fixture
            .database
            .write(|tx| {
                tx.save(
                    &default(),
                    Some(id.clone()),
                    body.as_bytes(),
                    Vec::new(),
                    Concurrency::FailOnConflict,
                )
            })
            .unwrap()
    };
    let first = careful(r#"{"n":1}"#);
    assert!(!first.conflict);
    let refused = careful(r#"{"n":2}"#);
    assert!(refused.conflict);
    assert_eq!(
        (refused.rev_id, refused.sequence),
        (first.rev_id, first.sequence)
    );
    assert_eq!(fixture.body("a").unwrap(), r#"{"n":1}"#);
    fixture
        .database
        .write(|tx| tx.delete(&default(), &id))
        .unwrap();
    assert!(!careful(r#"{"n":3}"#).conflict);
}

#[test]
fn what_is_not_there_can_be_neither_deleted_nor_purged() {
    let fixture = Fixture::new();
    let id = doc_id("a");
    let delete = || fixture.database.write(|tx| tx.delete(&default(), &id));
    let purge = || fixture.database.write(|tx| tx.purge(&default(), &id));
    let error = delete().unwrap_err();
    assert!(error.is(Code::NotFound));
    assert_eq!(error.message(), "Document not found with id: a");
    assert!(purge().unwrap_err().is(Code::NotFound));
    fixture.save("a", "{}");
    delete().unwrap();
    assert!(delete().unwrap_err().is(Code::NotFound));
    purge().unwrap();
    assert!(purge().unwrap_err().is(Code::NotFound));
}

#[test]
fn a_purge_takes_no_sequence_and_none_is_given_twice() {
    let mut fixture = Fixture::new();
    fixture.save("a", "{}");
    fixture.save("b", "{}");
    fixture
        .database
        .write(|tx| tx.purge(&default(), &doc_id("b")))
        .unwrap();
    let last = |fixture: &Fixture| {
        fixture
            .database
            .read(|tx| tx.last_sequence(&default()))
            .unwrap()
    };
    assert_eq!(last(&fixture), Sequence(2));
    fixture.reopen();
    assert_eq!(last(&fixture), Sequence(2));
    assert_eq!(fixture.save("c", "{}").sequence, Sequence(3));
    // A purged document starts a new history.
    assert_eq!(fixture.save("b", "{}").rev_id.generation(), 1);
}

#[test]
fn count_leaves_out_the_deleted() {
    let fixture = Fixture::new();
    for id in ["a", "b", "c"] {
        fixture.save(id, "{}");
    }
    fixture
        .database
        .write(|tx| tx.delete(&default(), &doc_id("b")))
        .unwrap();
    let count = fixture.database.read(|tx| tx.count(&default())).unwrap();
    assert_eq!(count, 2);
}

#[test]
fn bodies_outside_the_rules_are_refused_and_nothing_is_written() {
    let fixture = Fixture::new();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let huge = format!(r#"{{"a":"{}"}}"#, "x".repeat(20 * 1024 * 1024));
    for bad in [
        "",
        "[]",
        "1",
        "{",
        "{\"a\":1}x",
        "{'a':1}",
        r#"{"a":"\ud800"}"#,
        r#"{"_id":"x"}"#,
        r#"{"_rev":"x"}"#,
        r#"{"_sequence":1}"#,
        &deep,
        &huge,
    ] {
        let error = fixture.try_save("a", bad).unwrap_err();
        let shown: String = bad.chars().take(40).collect();
        assert!(error.is(Code::InvalidParameter), "{shown}: {error}");
    }
    assert!(fixture.get("a").is_none());
    assert_eq!(
        fixture
            .database
            .read(|tx| tx.last_sequence(&default()))
            .unwrap(),
        Sequence(0)
    );
}

#[test]
fn odd_but_legal_content_is_kept() {
    let fixture = Fixture::new();
    let body = r#"{"":0,"__proto__":{"x":1},"big":12345678901234567890,"e":1e308,"z":-0.0}"#;
    for id in [
        "q\"uote",
        "sla/sh",
        "back\\slash",
        "'; DROP TABLE docs_1; --",
        "é",
    ] {
        fixture.save(id, body);
        assert_eq!(fixture.body(id).unwrap(), body);
    }
}

#[test]
fn old_revisions_are_pruned_to_twenty() {
    let fixture = Fixture::new();
    let mut revisions = Vec::new();
    for n in 0..30 {
        revisions.push(fixture.save("a", &format!(r#"{{"n":{n}}}"#)).rev_id);
    }
    let request = settee::model::replication::RevisionRequest {
        doc_id: doc_id("a"),
        rev_id: revisions[29].clone(),
        known: Vec::new(),
        max_history: 100,
        delta: false,
    };
    let read = fixture
        .database
        .read(|tx| tx.read_revisions(&default(), &[request]))
        .unwrap();
    let expected: Vec<_> = revisions[10..29].iter().rev().cloned().collect();
    assert_eq!(read[0].as_ref().unwrap().history, expected);
}
