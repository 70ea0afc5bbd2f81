//! Indexes on the elements of arrays: they change how long a query takes, and nothing else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use settee::Result;
use settee::database::{Database, IndexDefinition, Maintenance, QueryParameters};
use settee::error::Code;
use settee::model::CollectionSpec;

use super::support::{Fixture, default, doc_id, options, save};

pub(crate) fn rows(database: &Database, text: &str) -> Vec<Value> {
    let found = database.query(text, &QueryParameters::new());
    let found = found.unwrap_or_else(|error| panic!("{text}: {error}"));
    serde_json::from_str(&found.json).unwrap()
}

/// The plan of a query, without the SQL before it and the tree behind it.
pub(crate) fn plan(database: &Database, text: &str) -> String {
    let explained = database.read(|tx| tx.explain(text)).unwrap();
    explained.split("\n\n").nth(1).unwrap().to_owned()
}

pub(crate) fn create(
    database: &Database,
    name: &str,
    path: &str,
    items: Option<&str>,
) -> Result<bool> {
    let definition = IndexDefinition::array(path, items);
    database.write(|tx| tx.create_index(&default(), name, &definition))
}

/// Forty documents with two tags and three contacts each.
fn filled() -> Fixture {
    let fixture = Fixture::new();
    fixture
        .database
        .write(|tx| {
            for n in 0..40 {
                let contacts: Vec<Value> = (0..3)
                    .map(|k| json!({"city": format!("c{}", (n + k) % 10), "n": k, "main": k == 0}))
                    .collect();
                let tags = [format!("t{}", n % 8), format!("T{}", n % 5)];
                let body = json!({"n": n, "tags": tags, "contacts": contacts});
                save(tx, &doc_id(&format!("d{n:02}")), &body.to_string())?;
            }
            Ok(())
        })
        .unwrap();
    fixture
}

#[test]
fn an_index_serves_an_unnest_of_its_path_that_asks_for_its_expression() {
    for (path, items, query) in [
        (
            "tags",
            None,
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE t = 't1'",
        ),
        (
            "tags",
            None,
            "SELECT _.n FROM _ UNNEST _.tags WHERE tags = 't1'",
        ),
        (
            "tags",
            None,
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE t = $p",
        ),
        (
            "tags",
            None,
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE t IN ('t1', 't2')",
        ),
        (
            "tags",
            None,
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE t > 't6' AND d.n > 3",
        ),
        (
            "tags",
            None,
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE t BETWEEN 't1' AND 't2'",
        ),
        (
            "tags",
            None,
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE t = 't1' OR t = 't2'",
        ),
        (
            "tags",
            None,
            "SELECT d.n, t AS x FROM _ d UNNEST d.tags t WHERE x = 't1'",
        ),
        (
            "tags",
            Some("LOWER(tags)"),
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE LOWER(t) = 't1'",
        ),
        (
            "tags",
            Some("tags COLLATE NOCASE"),
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE t = 't1' COLLATE NOCASE",
        ),
        (
            "tags",
            None,
            "SELECT t FROM _ d UNNEST d.tags t ORDER BY t LIMIT 3",
        ),
        (
            "contacts",
            Some("city"),
            "SELECT d.n FROM _ d UNNEST d.contacts c WHERE c.city = 'c1'",
        ),
        (
            "contacts",
            Some("city, n"),
            "SELECT c FROM _ d UNNEST d.contacts c WHERE c.city = 'c1' AND c.n > 1",
        ),
        (
            "contacts",
            Some("main"),
            "SELECT d.n FROM _ d UNNEST d.contacts c WHERE c.main = true",
        ),
        (
            "contacts",
            Some("n + 1"),
            "SELECT d.n FROM _ d UNNEST d.contacts c WHERE c.n + 1 = 2",
        ),
        (
            "contacts[].city",
            None,
            "SELECT d.n, c.n AS k FROM _ d UNNEST d.contacts c UNNEST c.city t WHERE t = 'c1'",
        ),
        (
            "contacts",
            Some("city"),
            "SELECT x.n FROM _ x WHERE EXISTS (SELECT 1 FROM _ d UNNEST d.contacts c WHERE c.city = 'none')",
        ),
    ] {
        let fixture = filled();
        let mut before = rows(&fixture.database, query);
        assert!(create(&fixture.database, "mine", path, items).unwrap());
        let plan = plan(&fixture.database, query);
        assert!(plan.contains("INDEX mine"), "{query}\n{plan}");
        let mut after = rows(&fixture.database, query);
        before.sort_by_key(Value::to_string);
        after.sort_by_key(Value::to_string);
        assert_eq!(before, after, "{query}");
    }
}

#[test]
fn an_index_leaves_other_queries_alone() {
    let fixture = filled();
    create(&fixture.database, "mine", "tags", None).unwrap();
    for query in [
        "SELECT d.n, t FROM _ d UNNEST d.tags t",
        "SELECT d.n FROM _ d UNNEST d.tags t WHERE t != 't1'",
        "SELECT d.n FROM _ d UNNEST d.tags t WHERE LOWER(t) = 't1'",
        "SELECT d.n FROM _ d UNNEST d.tags t WHERE t || 'x' = 't1x'",
        "SELECT d.n FROM _ d UNNEST d.tags t WHERE t = 't1' COLLATE NOCASE",
        "SELECT d.n FROM _ d UNNEST d.tags t WHERE d.n = 4",
        "SELECT d.n FROM _ d UNNEST d.contacts t WHERE t = 't1'",
        "SELECT d.n FROM _ d UNNEST d.contacts c UNNEST c.tags t WHERE t = 't1'",
        "SELECT n FROM _ WHERE tags[0] = 't1'",
    ] {
        let plan = plan(&fixture.database, query);
        assert!(!plan.contains("mine"), "{query}\n{plan}");
        assert!(!plan.contains("array_"), "{query}\n{plan}");
    }
}

#[test]
fn every_kind_of_element_is_found_as_what_it_is() {
    let fixture = Fixture::new();
    let save = |id: &str, body: &str| fixture.save(id, body);
    save("a", r#"{"v":[1,true,null,"x",1.0,[1],{"k":2},false,0]}"#);
    save("b", r#"{"v":{"z":1,"a":"x","k":{"k":2}}}"#);
    save("c", r#"{"v":"x"}"#);
    save("d", r#"{"v":null}"#);
    save("e", r#"{"v":[]}"#);
    save("f", "{}");
    save("g", r#"{"v":[9007199254740993,"1",1e300,"",[[]],{}]}"#);
    let queries: Vec<String> = [
        "v = 1", "v = true", "v = 0", "v IS NULL", "v = 'x'", "v = '1'", "v = [1]",
        "v = {'k': 2}", "v > 0", "v < 'a'", "v IN (1, 'x')", "v.k = 2", "v.k IS MISSING",
        "v >= [0]", "v = 9007199254740993", "v BETWEEN 0 AND 1",
    ]
    .iter()
    .map(|condition| {
        format!("SELECT META(d).id, v, v.k, v || '' AS s FROM _ d UNNEST d.v v WHERE {condition} ORDER BY META(d).id")
    })
    .collect();
    let all = || -> Vec<Vec<Value>> {
        queries
            .iter()
            .map(|query| rows(&fixture.database, query))
            .collect()
    };
    let before = all();
    create(&fixture.database, "element", "v", None).unwrap();
    create(&fixture.database, "k", "v", Some("k")).unwrap();
    for ((query, before), after) in queries.iter().zip(before).zip(all()) {
        let plan = plan(&fixture.database, query);
        assert!(
            plan.contains("INDEX element") || plan.contains("INDEX k"),
            "{query}\n{plan}"
        );
        let sorted = |mut rows: Vec<Value>| {
            rows.sort_by_key(Value::to_string);
            rows
        };
        assert_eq!(sorted(before), sorted(after), "{query}");
    }
}

#[test]
fn the_same_index_is_left_alone_and_another_replaces_it() {
    let fixture = filled();
    let database = &fixture.database;
    assert!(create(database, "i", "tags", None).unwrap());
    assert!(!create(database, "i", "tags", None).unwrap());
    assert!(
        !create(database, "i", ".tags", Some("tags")).unwrap(),
        "in another form"
    );
    let json = json!({"type": "array", "path": "tags"});
    let same = IndexDefinition::from_json(&json).unwrap();
    assert!(
        !database
            .write(|tx| tx.create_index(&default(), "i", &same))
            .unwrap()
    );
    assert!(create(database, "i", "contacts", Some("city")).unwrap());
    assert!(create(database, "i", "contacts", Some("city, n")).unwrap());
    let value = IndexDefinition::value("tags");
    assert!(
        database
            .write(|tx| tx.create_index(&default(), "i", &value))
            .unwrap()
    );
    assert!(create(database, "i", "tags", None).unwrap());
    assert_eq!(database.read(|tx| tx.indexes(&default())).unwrap(), ["i"]);
    assert_eq!(tables(&fixture), 1);
    database
        .write(|tx| tx.delete_index(&default(), "i"))
        .unwrap();
    assert_eq!(tables(&fixture), 0);
}

/// How many tables of elements the file has.
fn tables(fixture: &Fixture) -> i64 {
    let file = fixture.directory.path().join("db.cblite2/settee.sqlite3");
    let sqlite = rusqlite::Connection::open(file).unwrap();
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'array_*' AND type = 'table'";
    sqlite.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn indexes_of_one_path_share_their_table_until_the_last_goes() {
    let fixture = filled();
    let database = &fixture.database;
    create(database, "city", "contacts", Some("city")).unwrap();
    create(database, "n", "contacts", Some("n")).unwrap();
    assert_eq!(tables(&fixture), 1);
    let query = "SELECT d.n FROM _ d UNNEST d.contacts c WHERE c.n = 2";
    assert!(plan(database, query).contains("INDEX n"));
    database
        .write(|tx| tx.delete_index(&default(), "city"))
        .unwrap();
    fixture.save("new", r#"{"n":99,"contacts":[{"n":2}]}"#);
    assert!(plan(database, query).contains("INDEX n"));
    assert_eq!(rows(database, query).len(), 41);
    database
        .write(|tx| tx.delete_index(&default(), "n"))
        .unwrap();
    assert_eq!(tables(&fixture), 0);
    assert_eq!(rows(database, query).len(), 41);
    assert!(!plan(database, query).contains("array_"));
}

#[test]
fn a_collection_takes_its_tables_with_it() {
    let fixture = Fixture::new();
    let database = &fixture.database;
    let spec = CollectionSpec::new("s", "k").unwrap();
    let index = IndexDefinition::array("tags", None);
    database
        .write(|tx| {
            tx.create_collection(&spec)?;
            tx.create_index(&spec, "i", &index).map(|_| ())
        })
        .unwrap();
    assert_eq!(tables(&fixture), 1);
    database.write(|tx| tx.delete_collection(&spec)).unwrap();
    assert_eq!(tables(&fixture), 0);
}

#[test]
fn a_call_that_fails_undoes_its_index_and_its_elements() {
    let fixture = filled();
    let failed: Result<()> = fixture.database.write(|tx| {
        tx.create_index(&default(), "i", &IndexDefinition::array("tags", None))?;
        Err(settee::Error::invalid("for the test"))
    });
    assert!(failed.is_err());
    assert_eq!(tables(&fixture), 0);
    create(&fixture.database, "i", "tags", None).unwrap();
    let failed: Result<()> = fixture.database.write(|tx| {
        save(tx, &doc_id("d00"), r#"{"tags":["lost"]}"#)?;
        Err(settee::Error::invalid("for the test"))
    });
    assert!(failed.is_err());
    let found = |tag: &str| {
        let text = format!("SELECT d.n FROM _ d UNNEST d.tags t WHERE t = '{tag}'");
        rows(&fixture.database, &text).len()
    };
    assert_eq!((found("lost"), found("t0")), (0, 5));
}

#[test]
fn an_index_survives_reopening_copies_and_keys() {
    let mut fixture = filled();
    let hostile = r#"it's \[\] a "path`; DROP TABLE docs_1--"#;
    fixture.save(
        "h",
        &json!({"it's [] a \"path`; DROP TABLE docs_1--": ["x"]}).to_string(),
    );
    create(&fixture.database, "mine", "tags", None).unwrap();
    create(&fixture.database, "hostile", hostile, None).unwrap();
    let mine = "SELECT d.n FROM _ d UNNEST d.tags t WHERE t = 't1' ORDER BY d.n";
    let odd = "SELECT META(d).id FROM _ d UNNEST d.`it's [] a \"path``; DROP TABLE docs_1--` AS t WHERE t = 'x'";
    let check = |database: &Database| {
        assert!(plan(database, mine).contains("INDEX mine"));
        assert!(
            plan(database, odd).contains("INDEX hostile"),
            "{}",
            plan(database, odd)
        );
        let numbers: Vec<Value> = [1, 9, 17, 25, 33].map(|n| json!({"n": n})).into();
        assert_eq!(rows(database, mine), numbers);
        assert_eq!(rows(database, odd), [json!({"id": "h"})]);
        database
            .perform_maintenance(Maintenance::IntegrityCheck)
            .unwrap();
    };
    check(&fixture.database);
    fixture.reopen();
    check(&fixture.database);
    let options = options(&fixture.directory);
    fixture
        .database
        .change_encryption_key(Some("sesame"))
        .unwrap();
    check(&fixture.database);
    fixture.database.close().unwrap();
    let encrypted = Database::open("db", &options.clone().with_encryption_key("sesame")).unwrap();
    check(&encrypted);
    encrypted.change_encryption_key(None).unwrap();
    encrypted.close().unwrap();
    let folder = fixture.directory.path().join("db.cblite2");
    Database::copy(&folder, "copy", &options).unwrap();
    let copy = Database::open("copy", &options).unwrap();
    check(&copy);
}

#[test]
fn reindexing_and_a_new_version_build_the_elements_anew() {
    let mut fixture = filled();
    create(&fixture.database, "city", "contacts", Some("city")).unwrap();
    create(&fixture.database, "n", "contacts", Some("n")).unwrap();
    let by_city = "SELECT d.n FROM _ d UNNEST d.contacts c WHERE c.city = 'c1'";
    let by_n = "SELECT d.n FROM _ d UNNEST d.contacts c WHERE c.n = 1";
    let file = fixture.directory.path().join("db.cblite2/settee.sqlite3");
    let damage = |fixture: &mut Fixture, version: &str| {
        fixture.database.close().unwrap();
        let sqlite = rusqlite::Connection::open(&file).unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE name GLOB 'array_*' AND type = 'table'";
        let table: String = sqlite.query_row(sql, [], |row| row.get(0)).unwrap();
        // Without the functions, their indexes cannot be kept up.
        let sql = "SELECT group_concat('DROP INDEX ' || name, ';') FROM sqlite_schema \
                   WHERE name GLOB 'index_*'";
        let drop_indexes: String = sqlite.query_row(sql, [], |row| row.get(0)).unwrap();
        sqlite.execute_batch(&drop_indexes).unwrap();
        sqlite.execute(&format!("DELETE FROM {table}"), []).unwrap();
        let version = format!("UPDATE indexes SET version = '{version}' WHERE '{version}' != ''");
        sqlite.execute(&version, []).unwrap();
        drop(sqlite);
        fixture.reopen();
    };
    let count =
        |fixture: &Fixture| [by_city, by_n].map(|query| rows(&fixture.database, query).len());
    assert_eq!(count(&fixture), [12, 40]);
    damage(&mut fixture, "");
    assert_eq!(count(&fixture), [0, 0]);
    fixture
        .database
        .perform_maintenance(Maintenance::Reindex)
        .unwrap();
    assert_eq!(count(&fixture), [12, 40]);
    damage(&mut fixture, "older");
    assert_eq!(count(&fixture), [12, 40]);
    assert!(plan(&fixture.database, by_city).contains("INDEX city"));
    fixture
        .database
        .perform_maintenance(Maintenance::IntegrityCheck)
        .unwrap();
}

#[test]
fn deletion_purge_and_tombstones_are_followed() {
    let fixture = filled();
    let database = &fixture.database;
    create(database, "mine", "tags", None).unwrap();
    let found = "SELECT d.n FROM _ d UNNEST d.tags t WHERE t = 't1'";
    assert_eq!(rows(database, found).len(), 5);
    database
        .write(|tx| {
            tx.delete(&default(), &doc_id("d01"))?;
            tx.purge(&default(), &doc_id("d09"))?;
            save(tx, &doc_id("d17"), r#"{"tags":"t1","n":17}"#)?;
            save(tx, &doc_id("d25"), r#"{"tags":[],"n":25}"#).map(|_| ())
        })
        .unwrap();
    let left = rows(database, &format!("{found} ORDER BY d.n"));
    assert_eq!(left, [json!({"n": 17}), json!({"n": 33})]);
    let gone =
        "SELECT META(d).id FROM _ d UNNEST d.tags t WHERE t = 't1' AND META(d).deleted = true";
    assert_eq!(rows(database, gone).len(), 0);
}

#[test]
fn match_and_joins_work_beside_an_index() {
    let fixture = filled();
    let database = &fixture.database;
    create(database, "mine", "tags", None).unwrap();
    create(database, "city", "contacts", Some("city")).unwrap();
    let words = IndexDefinition::full_text("contacts[0].city", None, false);
    database
        .write(|tx| tx.create_index(&default(), "f", &words))
        .unwrap();
    for (query, expected) in [
        (
            "SELECT d.n FROM _ d UNNEST d.tags t WHERE t = 't1' AND MATCH(f, 'c1')",
            1,
        ),
        (
            "SELECT d.n FROM _ d UNNEST d.tags t UNNEST d.contacts c WHERE t = 't1' AND c.city = 'c1'",
            2,
        ),
        (
            "SELECT a.n FROM _ a JOIN _ b ON a.n = b.n UNNEST b.tags t WHERE t = 't1'",
            5,
        ),
        (
            "SELECT a.n FROM _ a LEFT JOIN _ b ON b.n = a.n + 1 UNNEST b.tags t WHERE t = 't1'",
            5,
        ),
        (
            "SELECT a.n FROM _ a UNNEST a.tags t JOIN _ b ON 't' || TOSTRING(b.n) = t WHERE b.n = 1",
            5,
        ),
        (
            "SELECT a.n FROM _ a UNNEST a.tags t JOIN _ b ON b.tags[0] = t AND b.n = a.n",
            40,
        ),
        (
            "SELECT t, COUNT(*) AS c FROM _ d UNNEST d.tags t WHERE t IN ('t1', 't2') GROUP BY t",
            2,
        ),
        (
            "SELECT DISTINCT t FROM _ d UNNEST d.tags t WHERE t >= 't' ORDER BY t",
            8,
        ),
    ] {
        assert_eq!(
            rows(database, query).len(),
            expected,
            "{query}\n{}",
            plan(database, query)
        );
    }
}

#[test]
fn definitions_that_make_no_sense_are_refused() {
    let fixture = Fixture::new();
    let many = json!({"type": "array", "path": "a", "items": [[".b"]], "expressions": "b"});
    for wrong in [
        json!({"type": "array"}),
        json!({"type": "array", "items": [[".a"]]}),
        json!({"type": "value", "path": "a", "items": [[".a"]]}),
        many,
    ] {
        let error = IndexDefinition::from_json(&wrong).unwrap_err();
        assert!(error.is(Code::InvalidParameter), "{wrong}: {error}");
    }
    for (path, items) in [
        ("", None),
        ("a[]", None),
        ("a", Some("$p")),
        ("a", Some("COUNT(b)")),
        ("a", Some("")),
    ] {
        let error = create(&fixture.database, "i", path, items).unwrap_err();
        assert!(error.is(Code::InvalidQuery), "{path} {items:?}: {error}");
    }
    let conditional = IndexDefinition::array("a", None).only_where("n > 5");
    let created = fixture
        .database
        .write(|tx| tx.create_index(&default(), "i", &conditional));
    assert!(created.unwrap_err().is(Code::InvalidQuery));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn arrays_of_a_hundred_thousand_elements_are_saved_and_searched_in_bounded_time() {
    let fixture = Fixture::new();
    let database = &fixture.database;
    create(database, "mine", "a", None).unwrap();
    let body = |from: u32| {
        let elements: Vec<String> = (from..from + 100_000).map(|n| n.to_string()).collect();
        format!(r#"{{"n":7,"a":[{}]}}"#, elements.join(","))
    };
    let started = Instant::now();
    fixture.save("big", &body(0));
    fixture.save("big", &body(1));
    let query = "SELECT d.n, a FROM _ d UNNEST d.a a WHERE a >= 50000";
    assert_eq!(rows(database, query).len(), 50_001);
    assert_eq!(
        rows(database, "SELECT a FROM _ d UNNEST d.a a WHERE a = 100000").len(),
        1
    );
    let taken = started.elapsed();
    println!("saved twice and searched: {taken:?}");
    assert!(taken < Duration::from_secs(10), "{taken:?}");
}
