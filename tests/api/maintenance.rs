//! Compaction, integrity, indexes, statistics.

use std::fs;

use settee::database::Maintenance;
use settee::error::Code;
use settee::model::BlobDigest;

use super::support::{Fixture, default, doc_id, save};

fn put(fixture: &Fixture, content: &[u8]) -> BlobDigest {
    let mut writer = fixture.database.blob_writer().unwrap();
    writer.write(content).unwrap();
    writer.finish(None, None).unwrap().0
}

fn with_blob(fixture: &Fixture, id: &str, digest: BlobDigest, length: usize) {
    fixture
        .database
        .write(|tx| {
            let blob = ("b".to_owned(), digest, length as u64, "x/y".to_owned());
            tx.save(
                &default(),
                Some(doc_id(id)),
                b"{}",
                vec![blob],
                Default::default(),
            )
        })
        .unwrap();
}

#[test]
fn compaction_removes_blobs_without_documents_and_gives_pages_back() {
    let fixture = Fixture::new();
    let small = vec![1; 60_000];
    let large = vec![2; 300_000];
    let (kept_small, kept_large) = (put(&fixture, &small[1..]), put(&fixture, &large[1..]));
    let (lost_small, lost_large) = (put(&fixture, &small), put(&fixture, &large));
    for (id, digest) in [("a", kept_small), ("b", kept_large)] {
        with_blob(&fixture, id, digest, 1);
    }
    for (id, digest) in [("c", lost_small), ("d", lost_large)] {
        with_blob(&fixture, id, digest, 1);
        fixture
            .database
            .write(|tx| tx.delete(&default(), &doc_id(id)))
            .unwrap();
    }
    // Not yet in a document: on its way.
    let pending = put(&fixture, &vec![3; 100_000]);
    let found = |digest| fixture.database.blob_reader(&digest).unwrap().is_some();
    fixture.database.compact().unwrap();
    assert!(found(kept_small) && found(kept_large) && found(pending));
    assert!(!found(lost_small) && !found(lost_large));

    for n in 0..2000 {
        fixture.save(
            &format!("filler{n}"),
            &format!(r#"{{"x":"{}"}}"#, "y".repeat(500)),
        );
    }
    let file = fixture.database.path().join("settee.sqlite3");
    fixture.database.compact().unwrap();
    let before = fs::metadata(&file).unwrap().len();
    fixture
        .database
        .write(|tx| {
            (0..2000).try_for_each(|n| tx.purge(&default(), &doc_id(&format!("filler{n}"))))
        })
        .unwrap();
    fixture
        .database
        .perform_maintenance(Maintenance::Compact)
        .unwrap();
    let after = fs::metadata(&file).unwrap().len();
    assert!(after * 4 < before, "{before} → {after}");
}

#[test]
fn a_reference_deep_in_a_document_keeps_a_blob() {
    let fixture = Fixture::new();
    let digest = put(&fixture, &vec![1; 70_000]);
    fixture.save(
        "a",
        &format!(r#"{{"a":[{{"b":{{"@type":"blob","digest":"{digest}","length":70000}}}}]}}"#),
    );
    let legacy = put(&fixture, b"legacy");
    fixture.save(
        "b",
        &format!(r#"{{"_attachments":{{"x":{{"digest":"{legacy}","stub":true}}}}}}"#),
    );
    fixture.database.compact().unwrap();
    let found = fixture.database.has_blobs(&[digest, legacy]).unwrap();
    assert_eq!(found, [true, true]);
}

#[test]
fn every_kind_of_maintenance_passes_on_a_sound_database() {
    let fixture = Fixture::new();
    for n in 0..200 {
        fixture.save(&format!("d{n}"), r#"{"n":1}"#);
    }
    put(&fixture, &vec![1; 100_000]);
    for number in 0..=4 {
        let kind = Maintenance::from_number(number).unwrap();
        fixture.database.perform_maintenance(kind).unwrap();
    }
    assert!(Maintenance::from_number(5).is_err());
    fixture.save("after", "{}");
}

#[test]
fn an_integrity_check_finds_a_damaged_page_and_a_damaged_blob() {
    for damage in ["page", "blob"] {
        let mut fixture = Fixture::new();
        for n in 0..500 {
            fixture.save(
                &format!("d{n}"),
                &format!(r#"{{"n":{n},"x":"some more text"}}"#),
            );
        }
        let digest = put(&fixture, &vec![1; 100_000]);
        let folder = fixture.database.path().to_owned();
        fixture.database.close().unwrap();
        let (path, at) = match damage {
            // In the middle of the documents.
            "page" => (folder.join("settee.sqlite3"), 25 * 4096 + 100),
            _ => (folder.join("Attachments").join(digest.to_hex()), 5_000),
        };
        let mut bytes = fs::read(&path).unwrap();
        bytes[at..at + 3000].fill(0xee);
        fs::write(&path, bytes).unwrap();
        fixture.reopen();
        let error = fixture
            .database
            .perform_maintenance(Maintenance::IntegrityCheck)
            .unwrap_err();
        assert!(error.is(Code::CorruptData), "{damage}: {error}");
        assert!(
            error.message().starts_with("database is damaged"),
            "{error}"
        );
    }
}

#[test]
fn a_batch_is_kept_whole_or_not_at_all() {
    let fixture = Fixture::new();
    for fails in [false, true] {
        let mut batch = settee::database::WriteBatch::new();
        let mut outcomes = Vec::new();
        for n in 0..5 {
            let (done, outcome) = super::support::completion();
            outcomes.push(outcome);
            batch.push(
                10,
                move |tx| {
                    if fails && n == 3 {
                        return Err(settee::Error::invalid("on purpose"));
                    }
                    save(tx, &doc_id(&format!("{fails}-{n}")), "{}")
                },
                done,
            );
        }
        fixture.database.submit_batch(batch);
        let outcomes: Vec<_> = outcomes.iter().map(|o| o.recv().unwrap()).collect();
        let count = fixture.database.read(|tx| tx.count(&default())).unwrap();
        assert_eq!(count, 5, "only the first batch");
        for (n, outcome) in outcomes.into_iter().enumerate() {
            match (fails, n) {
                (false, _) => assert!(outcome.is_ok()),
                (true, 3) => assert!(outcome.unwrap_err().is(Code::InvalidParameter)),
                (true, _) => assert!(outcome.unwrap_err().is(Code::TransactionNotClosed)),
            }
        }
    }
}
