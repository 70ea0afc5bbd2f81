//! Encryption at rest, re-keying and copying (design D7).

use std::fs;
use std::io::Read;
use std::path::Path;

use settee::database::{Database, DatabaseOptions, Maintenance};
use settee::error::Code;
use settee::model::BlobDigest;
use tempfile::TempDir;

use super::support::{default, doc_id, options, save};

const MARKER: &str = "PLAINTEXT-MARKER-9182736450";

fn keyed(directory: &TempDir, key: &str) -> DatabaseOptions {
    options(directory).with_encryption_key(key)
}

/// A document and a blob of each kind, all with the marker.
fn fill(database: &Database) -> [BlobDigest; 2] {
    database
        .write(|tx| save(tx, &doc_id("a"), &format!(r#"{{"x":"{MARKER}"}}"#)))
        .unwrap();
    [100, 200_000].map(|length| {
        let mut writer = database.blob_writer().unwrap();
        writer.write(MARKER.as_bytes()).unwrap();
        writer.write(&vec![b'.'; length]).unwrap();
        writer.finish(None, None).unwrap().0
    })
}

fn check(database: &Database, blobs: &[BlobDigest]) {
    let found = database
        .read(|tx| tx.document(&default(), &doc_id("a")))
        .unwrap()
        .unwrap();
    assert_eq!(found.body, format!(r#"{{"x":"{MARKER}"}}"#).as_bytes());
    for digest in blobs {
        let mut content = Vec::new();
        let mut reader = database.blob_reader(digest).unwrap().unwrap();
        reader.read_to_end(&mut content).unwrap();
        assert_eq!(BlobDigest::of(&content), *digest);
    }
}

/// Whether the marker is in any file, also of a database that is open.
fn marker_shows(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return marker_shows(&path);
        }
        let content = fs::read(path).unwrap();
        content
            .windows(MARKER.len())
            .any(|window| window == MARKER.as_bytes())
    })
}

#[test]
fn an_encrypted_database_opens_with_its_key_only_and_shows_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open("db", &keyed(&directory, "open sesame")).unwrap();
    let blobs = fill(&database);
    check(&database, &blobs);
    assert!(!marker_shows(directory.path()), "while open, with its log");
    let second = Database::open("db", &keyed(&directory, "open sesame")).unwrap();
    let wrong = Database::open("db", &keyed(&directory, "wrong")).unwrap_err();
    assert!(wrong.is(Code::NotADatabaseFile));
    second.close().unwrap();
    database.close().unwrap();
    assert!(!marker_shows(directory.path()));

    for wrong in [keyed(&directory, "wrong"), options(&directory)] {
        let error = Database::open("db", &wrong).unwrap_err();
        assert!(error.is(Code::NotADatabaseFile), "{error}");
        assert!(error.message().contains("db.cblite2"), "{error}");
        assert!(!error.message().contains("sesame"));
    }
    let database = Database::open("db", &keyed(&directory, "open sesame")).unwrap();
    check(&database, &blobs);
    database
        .perform_maintenance(Maintenance::IntegrityCheck)
        .unwrap();
}

#[test]
fn a_key_for_a_plain_database_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    Database::open("db", &options(&directory))
        .unwrap()
        .close()
        .unwrap();
    let error = Database::open("db", &keyed(&directory, "k")).unwrap_err();
    assert!(error.is(Code::NotADatabaseFile), "{error}");
    assert!(error.message().contains("not encrypted"), "{error}");
}

#[test]
fn a_database_goes_from_plain_to_encrypted_to_another_key_and_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open("db", &options(&directory)).unwrap();
    let blobs = fill(&database);
    assert!(marker_shows(directory.path()), "the test can see it at all");
    for (key, other) in [
        (Some("one"), None),
        (Some("two"), Some("one")),
        (None, Some("two")),
    ] {
        let second = Database::open("db", &with(&directory, other)).unwrap();
        let busy = database.change_encryption_key(key).unwrap_err();
        assert!(busy.is(Code::Busy), "{busy}");
        second.close().unwrap();

        database.change_encryption_key(key).unwrap();
        check(&database, &blobs);
        assert_eq!(marker_shows(directory.path()), key.is_none(), "{key:?}");
        database
            .write(|tx| save(tx, &doc_id("b"), &format!(r#"{{"y":"{MARKER}"}}"#)))
            .unwrap();
        assert_eq!(marker_shows(directory.path()), key.is_none(), "{key:?}");
        database.close().unwrap();
        assert!(Database::open("db", &with(&directory, other)).is_err());
        database = Database::open("db", &with(&directory, key)).unwrap();
        check(&database, &blobs);
        database
            .perform_maintenance(Maintenance::IntegrityCheck)
            .unwrap();
    }
}

fn with(directory: &TempDir, key: Option<&str>) -> DatabaseOptions {
    match key {
        Some(key) => keyed(directory, key),
        None => options(directory),
    }
}

#[test]
fn calls_that_wait_while_the_key_changes_are_done_after() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open("db", &options(&directory)).unwrap();
    let blobs = fill(&database);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..100 {
                let id = doc_id(&format!("w{n}"));
                database.write(|tx| save(tx, &id, "{}")).unwrap();
                database
                    .read(|tx| tx.document(&default(), &id))
                    .unwrap()
                    .unwrap();
            }
        });
        database.change_encryption_key(Some("key")).unwrap();
        writer.join().unwrap();
    });
    check(&database, &blobs);
    assert_eq!(database.read(|tx| tx.count(&default())).unwrap(), 101);
}

#[test]
fn an_interrupted_change_of_the_key_leaves_the_old_database() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open("db", &keyed(&directory, "k")).unwrap();
    let blobs = fill(&database);
    let folder = database.path().to_owned();
    database.close().unwrap();
    let stale = folder.join("settee.sqlite3.new");
    fs::write(&stale, b"half").unwrap();
    // A plain file whose sealing was not finished.
    let attachments = folder.join("Attachments");
    let mut content = MARKER.as_bytes().to_vec();
    content.resize(MARKER.len() + 200_000, b'.');
    fs::write(attachments.join(blobs[1].to_hex()), &content).unwrap();
    let database = Database::open("db", &keyed(&directory, "k")).unwrap();
    assert!(!stale.exists());
    assert!(!marker_shows(directory.path()));
    check(&database, &blobs);
}

#[test]
fn a_copy_has_the_documents_and_blobs_but_not_the_identity() {
    for key in [None, Some("secret")] {
        let directory = tempfile::tempdir().unwrap();
        let options = with(&directory, key);
        let database = Database::open("db", &options).unwrap();
        let blobs = fill(&database);
        database
            .write(|tx| {
                tx.save_local_checkpoint("cp", b"{}")?;
                tx.set_peer_checkpoint("cp", "", b"{}")
            })
            .unwrap();
        // From an open database, then from a closed one.
        Database::copy(database.path(), "open", &options).unwrap();
        let uuids = database.uuids();
        let path = database.path().to_owned();
        database.close().unwrap();
        Database::copy(&path, "closed", &options).unwrap();
        for name in ["open", "closed"] {
            let copy = Database::open(name, &options).unwrap();
            check(&copy, &blobs);
            assert_ne!(copy.uuids().0, uuids.0);
            assert_ne!(copy.uuids().1, uuids.1);
            copy.read(|tx| {
                assert!(tx.local_checkpoint("cp")?.is_none());
                assert!(tx.peer_checkpoint("cp")?.is_none());
                Ok(())
            })
            .unwrap();
            copy.write(|tx| save(tx, &doc_id("own"), "{}")).unwrap();
        }
        assert_eq!(marker_shows(directory.path()), key.is_none());
        let again = Database::copy(&path, "closed", &options).unwrap_err();
        assert!(again.is(Code::InvalidParameter), "{again}");
        let nothing = directory.path().join("no.cblite2");
        assert!(
            Database::copy(&nothing, "x", &options)
                .unwrap_err()
                .is(Code::NotFound)
        );
        assert!(!nothing.exists());
        assert!(Database::copy(&path, "x", &keyed(&directory, "wrong")).is_err());
        let left: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .filter(|entry| {
                let name = entry.as_ref().unwrap().file_name();
                name.to_string_lossy().starts_with('.')
            })
            .collect();
        assert!(left.is_empty());
    }
}
