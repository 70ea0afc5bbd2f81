//! Scopes and collections.

use settee::error::Code;
use settee::model::{CollectionSpec, Sequence};

use super::support::{Fixture, default, doc_id};

fn spec(scope: &str, name: &str) -> CollectionSpec {
    CollectionSpec::new(scope, name).unwrap()
}

#[test]
fn collections_and_scopes_come_and_go() {
    let mut fixture = Fixture::new();
    let hotels = spec("inventory", "hotels");
    let names = |fixture: &Fixture| {
        fixture
            .database
            .read(|tx| Ok((tx.scopes(), tx.collections("inventory"))))
            .unwrap()
    };
    assert_eq!(names(&fixture), (vec!["_default".into()], vec![]));
    let create = |fixture: &Fixture| {
        fixture
            .database
            .write(|tx| tx.create_collection(&hotels))
            .unwrap()
    };
    assert!(create(&fixture));
    assert!(!create(&fixture));
    fixture.reopen();
    assert_eq!(
        names(&fixture),
        (
            vec!["_default".into(), "inventory".into()],
            vec![hotels.clone()]
        )
    );
    fixture
        .database
        .write(|tx| tx.delete_collection(&hotels))
        .unwrap();
    assert_eq!(names(&fixture), (vec!["_default".into()], vec![]));
    fixture
        .database
        .write(|tx| tx.delete_collection(&hotels))
        .unwrap();
    assert!(
        fixture
            .database
            .write(|tx| tx.delete_collection(&default()))
            .is_err()
    );
}

#[test]
fn each_collection_has_its_own_documents_and_sequences() {
    let fixture = Fixture::new();
    let other = spec("s", "other");
    fixture.save("a", "{}");
    fixture
        .database
        .write(|tx| {
            tx.create_collection(&other)?;
            let saved = tx.save(
                &other,
                Some(doc_id("a")),
                br#"{"x":1}"#,
                Vec::new(),
                Default::default(),
            )?;
            assert_eq!(saved.sequence, Sequence(1));
            Ok(())
        })
        .unwrap();
    assert_eq!(fixture.body("a").unwrap(), "{}");
}

#[test]
fn an_unknown_collection_is_named() {
    let fixture = Fixture::new();
    let error = fixture
        .database
        .read(|tx| tx.count(&spec("no", "where")))
        .unwrap_err();
    assert!(error.is(Code::NotFound));
    assert!(error.message().contains("no.where"));
}

#[test]
fn a_failed_call_takes_its_new_collection_with_it() {
    let fixture = Fixture::new();
    let other = spec("s", "other");
    let failed = fixture.database.write(|tx| {
        tx.create_collection(&other)?;
        tx.save(&other, None, b"not json", Vec::new(), Default::default())
    });
    assert!(failed.is_err());
    assert!(
        !fixture
            .database
            .read(|tx| Ok(tx.has_collection(&other)))
            .unwrap()
    );
    // The same in a transaction shared with others.
    let (done, failed) = super::support::completion();
    let (done2, saved) = super::support::completion();
    let spec2 = other.clone();
    fixture.database.submit_write(
        0,
        move |tx| {
            tx.create_collection(&spec2)?;
            tx.save(&spec2, None, b"not json", Vec::new(), Default::default())
        },
        done,
    );
    fixture
        .database
        .submit_write(0, |tx| super::support::save(tx, &doc_id("x"), "{}"), done2);
    assert!(failed.recv().unwrap().is_err());
    assert!(saved.recv().unwrap().is_ok());
    assert!(
        !fixture
            .database
            .read(|tx| Ok(tx.has_collection(&other)))
            .unwrap()
    );
}
