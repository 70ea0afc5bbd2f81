//! Observers: after the commit, from one place, in order.

use std::sync::{Arc, Mutex};

use settee::database::{CollectionChange, Database};
use settee::model::{CollectionSpec, Sequence};

use super::support::{Fixture, default, doc_id, options, save};

type Seen = Arc<Mutex<Vec<CollectionChange>>>;

fn watch(database: &Database) -> (Seen, settee::database::ObserverId) {
    let seen: Seen = Arc::default();
    let log = Arc::clone(&seen);
    let id = database
        .observe(
            &default(),
            Arc::new(move |change| log.lock().unwrap().push(change.clone())),
        )
        .unwrap();
    (seen, id)
}

#[test]
fn one_commit_is_one_change_with_each_document_once() {
    let fixture = Fixture::new();
    let (seen, id) = watch(&fixture.database);
    fixture
        .database
        .write(|tx| {
            save(tx, &doc_id("a"), "{}")?;
            save(tx, &doc_id("b"), "{}")?;
            save(tx, &doc_id("a"), r#"{"n":1}"#)?;
            tx.purge(&default(), &doc_id("b"))
        })
        .unwrap();
    let changes = seen.lock().unwrap().clone();
    assert_eq!(changes.len(), 1);
    let change = &changes[0];
    assert_eq!(change.doc_ids, [doc_id("a"), doc_id("b")]);
    assert_eq!(change.last_sequence, Sequence(3));
    assert_eq!(change.saved.len(), 4);
    assert!(change.saved[3].rev_id.is_none());
    assert_eq!(change.origin, None);
    fixture.database.remove_observer(id);
    fixture.save("c", "{}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn every_handle_is_told_about_every_other() {
    let fixture = Fixture::new();
    let other = Database::open("db", &options(&fixture.directory)).unwrap();
    let (seen, _) = watch(&other);
    fixture.save("a", "{}");
    assert_eq!(seen.lock().unwrap().len(), 1);
    other.close().unwrap();
    fixture.save("b", "{}");
    assert_eq!(seen.lock().unwrap().len(), 1, "closing ends its observers");
}

#[test]
fn a_failed_call_is_not_told() {
    let fixture = Fixture::new();
    let (seen, _) = watch(&fixture.database);
    let failed = fixture.database.write(|tx| {
        save(tx, &doc_id("a"), "{}")?;
        tx.delete(&default(), &doc_id("nothing"))
    });
    assert!(failed.is_err());
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn observers_are_told_before_the_completions() {
    let fixture = Fixture::new();
    let (seen, _) = watch(&fixture.database);
    let (sender, receiver) = std::sync::mpsc::channel();
    let log = Arc::clone(&seen);
    fixture.database.submit_write(
        0,
        |tx| save(tx, &doc_id("a"), "{}"),
        move |_| sender.send(log.lock().unwrap().len()).unwrap(),
    );
    assert_eq!(receiver.recv().unwrap(), 1);
}

#[test]
fn an_unknown_collection_cannot_be_observed() {
    let fixture = Fixture::new();
    let unknown = CollectionSpec::new("no", "where").unwrap();
    assert!(
        fixture
            .database
            .observe(&unknown, Arc::new(|_| {}))
            .is_err()
    );
}
