//! Indexes of collections, and databases from before they existed.

use settee::Result;
use settee::database::{Database, DatabaseOptions, IndexDefinition, Maintenance, QueryParameters};
use settee::error::Code;
use settee::model::CollectionSpec;

use super::support::{Fixture, default, doc_id, save};

fn rows(database: &Database, text: &str) -> String {
    database.query(text, &QueryParameters::new()).unwrap().json
}

fn plan(database: &Database, text: &str) -> String {
    database.read(|tx| tx.explain(text)).unwrap()
}

fn create(fixture: &Fixture, name: &str, index: &IndexDefinition) -> Result<bool> {
    let database = &fixture.database;
    database.write(|tx| tx.create_index(&default(), name, index))
}

fn fill(fixture: &Fixture) {
    fixture
        .database
        .write(|tx| {
            for n in 0..40 {
                let body = format!(r#"{{"n":{n},"s":"word{n} fox","even":{}}}"#, n % 2 == 0);
                save(tx, &doc_id(&format!("d{n:02}")), &body)?;
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_database_of_schema_version_1_is_migrated_and_keeps_its_documents() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("old.cblite2");
    std::fs::create_dir(&folder).unwrap();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/db/v1/settee.sqlite3"
    );
    std::fs::copy(file, folder.join("settee.sqlite3")).unwrap();
    let options = DatabaseOptions::in_directory(directory.path());
    let hotels = CollectionSpec::new("travel", "hotels").unwrap();
    for _ in 0..2 {
        let database = Database::open("old", &options).unwrap();
        let found = rows(
            &database,
            "SELECT name FROM travel.hotels WHERE stars > 0 ORDER BY name",
        );
        assert_eq!(found, r#"[{"name":"Hotel 1"},{"name":"Hotel 2"}]"#);
        let index = IndexDefinition::value("stars");
        database
            .write(|tx| tx.create_index(&hotels, "byStars", &index))
            .unwrap();
        assert!(
            plan(&database, "SELECT name FROM travel.hotels WHERE stars = 1").contains("byStars")
        );
        database.close().unwrap();
    }
    let header = std::fs::read(folder.join("settee.sqlite3")).unwrap();
    assert_eq!(
        header[60..64],
        2_u32.to_be_bytes(),
        "user_version in the header"
    );
}

#[test]
fn an_index_with_the_same_content_is_left_alone_and_another_replaces_it() {
    let fixture = Fixture::new();
    fill(&fixture);
    let by_n = IndexDefinition::value("n");
    assert!(create(&fixture, "i", &by_n).unwrap());
    assert!(!create(&fixture, "i", &by_n).unwrap());
    let json = serde_json::json!({"type": "value", "items": [[".n"]]});
    let same = IndexDefinition::from_json(&json).unwrap();
    assert!(
        !create(&fixture, "i", &same).unwrap(),
        "the same in another form"
    );
    assert!(create(&fixture, "i", &IndexDefinition::value("n, s")).unwrap());
    assert!(create(&fixture, "i", &by_n.only_where("even")).unwrap());
    assert!(create(&fixture, "i", &IndexDefinition::full_text("s", None, false)).unwrap());
    assert!(!create(&fixture, "i", &IndexDefinition::full_text("s", None, false)).unwrap());
    assert!(
        create(
            &fixture,
            "i",
            &IndexDefinition::full_text("s", Some("en"), false)
        )
        .unwrap()
    );
    let names = fixture.database.read(|tx| tx.indexes(&default())).unwrap();
    assert_eq!(names, ["i"]);
}

#[test]
fn a_partial_index_serves_queries_that_repeat_its_condition() {
    let fixture = Fixture::new();
    fill(&fixture);
    create(
        &fixture,
        "evens",
        &IndexDefinition::value("n").only_where("even = true"),
    )
    .unwrap();
    let database = &fixture.database;
    let repeated = "SELECT n FROM _ WHERE even = true AND n > 36";
    assert!(plan(database, repeated).contains("USING INDEX evens"));
    assert_eq!(rows(database, repeated), r#"[{"n":38}]"#);
    assert!(!plan(database, "SELECT n FROM _ WHERE n > 36").contains("evens"));
}

#[test]
fn a_call_that_fails_undoes_its_index() {
    let fixture = Fixture::new();
    fill(&fixture);
    let failed: Result<()> = fixture.database.write(|tx| {
        tx.create_index(&default(), "i", &IndexDefinition::value("n"))?;
        tx.create_index(
            &default(),
            "f",
            &IndexDefinition::full_text("s", None, false),
        )?;
        Err(settee::Error::invalid("for the test"))
    });
    assert!(failed.is_err());
    let names = fixture.database.read(|tx| tx.indexes(&default())).unwrap();
    assert!(names.is_empty());
    assert!(plan(&fixture.database, "SELECT s FROM _ WHERE n = 1").contains("SCAN"));
    create(&fixture, "i", &IndexDefinition::value("n")).unwrap();
    assert!(plan(&fixture.database, "SELECT s FROM _ WHERE n = 1").contains("INDEX i"));
}

#[test]
fn a_batch_that_fails_takes_its_words_out_of_a_full_text_index() {
    let fixture = Fixture::new();
    fill(&fixture);
    create(&fixture, "f", &IndexDefinition::full_text("s", None, false)).unwrap();
    let failed: Result<()> = fixture.database.write(|tx| {
        save(tx, &doc_id("new"), r#"{"s":"lighthouse"}"#)?;
        save(tx, &doc_id("d00"), r#"{"s":"lighthouse"}"#)?;
        Err(settee::Error::invalid("for the test"))
    });
    assert!(failed.is_err());
    let database = &fixture.database;
    let count = |word: &str| {
        rows(
            database,
            &format!("SELECT n FROM _ WHERE MATCH(f, '{word}')"),
        )
    };
    assert_eq!(count("lighthouse"), "[]");
    assert_eq!(count("word0"), r#"[{"n":0}]"#);
    database
        .perform_maintenance(Maintenance::IntegrityCheck)
        .unwrap();
}

#[test]
fn indexes_are_built_anew_when_the_functions_have_changed() {
    let mut fixture = Fixture::new();
    fill(&fixture);
    create(&fixture, "i", &IndexDefinition::value("n")).unwrap();
    create(&fixture, "f", &IndexDefinition::full_text("s", None, false)).unwrap();
    fixture.database.close().unwrap();
    // What an older release would have left: other content, another version.
    let file = fixture.directory.path().join("db.cblite2/settee.sqlite3");
    let sqlite = rusqlite::Connection::open(&file).unwrap();
    sqlite
        .execute("UPDATE indexes SET version = 'older'", [])
        .unwrap();
    sqlite.execute("DELETE FROM fts_2_content", []).unwrap();
    sqlite.execute("DELETE FROM fts_2_segdir", []).unwrap();
    drop(sqlite);
    fixture.reopen();
    let database = &fixture.database;
    assert_eq!(
        rows(database, "SELECT n FROM _ WHERE MATCH(f, 'word7')"),
        r#"[{"n":7}]"#
    );
    assert!(plan(database, "SELECT s FROM _ WHERE n = 1").contains("INDEX i"));
    database
        .perform_maintenance(Maintenance::IntegrityCheck)
        .unwrap();
}

#[test]
fn names_and_numbers_of_indexes_have_limits() {
    let fixture = Fixture::new();
    let index = IndexDefinition::value("n");
    for name in ["", "a\"b", "a\0b", &"x".repeat(256)] {
        let error = create(&fixture, name, &index).unwrap_err();
        assert!(error.is(Code::InvalidParameter), "{name:?}: {error}");
    }
    fixture
        .database
        .write(|tx| {
            for n in 0..128 {
                tx.create_index(&default(), &format!("i{n}"), &index)?;
            }
            Ok(())
        })
        .unwrap();
    let error = create(&fixture, "one more", &index).unwrap_err();
    assert!(error.message().contains("128"), "{error}");
    let many: Vec<_> = (0..65)
        .map(|n| serde_json::json!([format!(".p{n}")]))
        .collect();
    let json = serde_json::json!({"type": "value", "items": many});
    assert!(IndexDefinition::from_json(&json).is_err());
}

#[test]
fn an_unknown_collection_has_no_indexes() {
    let fixture = Fixture::new();
    let spec = CollectionSpec::new("no", "where").unwrap();
    let index = IndexDefinition::value("n");
    let database = &fixture.database;
    let created = database.write(|tx| tx.create_index(&spec, "i", &index));
    assert!(created.unwrap_err().is(Code::NotFound));
    assert!(
        database
            .read(|tx| tx.indexes(&spec))
            .unwrap_err()
            .is(Code::NotFound)
    );
    let deleted = database.write(|tx| tx.delete_index(&spec, "i"));
    assert!(deleted.unwrap_err().is(Code::NotFound));
}
