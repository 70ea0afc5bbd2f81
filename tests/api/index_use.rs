//! Which queries an index serves (query spec §8.2): people read it off `explain`.

use settee::database::{Database, IndexDefinition, QueryParameters};
use settee::model::CollectionSpec;

use super::support::{Fixture, default, doc_id, save};

/// Documents, and these value indexes.
fn indexed(indexes: &[(&str, &str)]) -> Fixture {
    let fixture = Fixture::new();
    let write = |number: usize| {
        let topic = number % 4;
        format!(
            r#"{{"n":{number},"t":"t{topic}","s":"S{number}","o":{{"p":{number}}},"a":[{number}]}}"#
        )
    };
    fixture
        .database
        .write(|tx| {
            tx.create_collection(&CollectionSpec::new("s", "k")?)?;
            for number in 0..40 {
                save(tx, &doc_id(&format!("d{number:02}")), &write(number))?;
            }
            for (name, expressions) in indexes {
                tx.create_index(&default(), name, &IndexDefinition::value(*expressions))?;
            }
            Ok(())
        })
        .unwrap();
    fixture
}

/// The plan of a query, without the SQL before it and the tree behind it.
fn plan(database: &Database, text: &str) -> String {
    let explained = database.read(|tx| tx.explain(text)).unwrap();
    let parts: Vec<&str> = explained.split("\n\n").collect();
    assert_eq!(parts.len(), 3, "{explained}");
    parts[1].to_owned()
}

#[test]
fn an_index_serves_queries_with_the_same_expression() {
    for (index, query) in [
        ("n", "SELECT s FROM _ WHERE n = 5"),
        ("n", "SELECT s FROM _ WHERE n = $p"),
        ("n", "SELECT s FROM _ d WHERE d.n = 5"),
        ("n", "SELECT s FROM _ WHERE n > 5 AND n < 9"),
        ("n", "SELECT s FROM _ WHERE n BETWEEN 5 AND 9"),
        ("n", "SELECT s FROM _ WHERE n IN (5, 6)"),
        ("n", "SELECT s FROM _ WHERE n IN [5, $p]"),
        ("n", "SELECT s FROM _ WHERE n = 5 OR n = 6"),
        ("n", "SELECT s FROM _ WHERE n IS MISSING"),
        ("n", "SELECT s FROM _ WHERE n IS NULL"),
        ("n", "SELECT n AS x FROM _ WHERE x = 5"),
        ("n", "SELECT s FROM _ ORDER BY n LIMIT 3"),
        ("n", "SELECT MIN(n) FROM _"),
        ("n", "SELECT MAX(n) FROM _"),
        (
            "t, n",
            "SELECT s FROM _ WHERE t = 't1' AND n > 5 ORDER BY n",
        ),
        ("t, n", "SELECT s FROM _ ORDER BY t, n LIMIT 3"),
        ("t", "SELECT t, COUNT(*) FROM _ GROUP BY t"),
        ("o.p", "SELECT s FROM _ WHERE o.p = 5"),
        ("a[0]", "SELECT s FROM _ WHERE a[0] = 5"),
        ("LOWER(s)", "SELECT n FROM _ WHERE LOWER(s) = 's1'"),
        (
            "s COLLATE NOCASE",
            "SELECT n FROM _ WHERE s = 's1' COLLATE NOCASE",
        ),
        (
            "s COLLATE (UNICODE:de NOCASE)",
            "SELECT n FROM _ WHERE s = 's1' COLLATE (UNICODE:de NOCASE)",
        ),
        ("o.p", "SELECT a.n FROM s.k a JOIN _ b ON a.n = b.o.p"),
        ("n + 1", "SELECT s FROM _ WHERE n + 1 = 5"),
    ] {
        let fixture = indexed(&[("mine", index)]);
        let plan = plan(&fixture.database, query);
        assert!(plan.contains("USING INDEX mine"), "{query}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{query}\n{plan}");
    }
}

#[test]
fn an_index_does_not_serve_other_expressions() {
    for (index, query) in [
        ("n", "SELECT s FROM _ WHERE n != 5"),
        ("n", "SELECT s FROM _ WHERE NOT (n = 5)"),
        ("n", "SELECT s FROM _ WHERE n + 1 = 5"),
        ("n", "SELECT s FROM _ WHERE n IS VALUED"),
        ("s", "SELECT n FROM _ WHERE LOWER(s) = 's1'"),
        ("s", "SELECT n FROM _ WHERE s = 's1' COLLATE NOCASE"),
        ("LOWER(s)", "SELECT n FROM _ WHERE s = 's1'"),
        ("s COLLATE NOCASE", "SELECT n FROM _ WHERE s = 's1'"),
    ] {
        let fixture = indexed(&[("mine", index)]);
        let plan = plan(&fixture.database, query);
        assert!(!plan.contains("SEARCH"), "{query}\n{plan}");
    }
}

#[test]
fn ids_and_sequences_are_always_indexed() {
    let fixture = indexed(&[]);
    for query in [
        "SELECT n FROM _ WHERE META().id = 'd05'",
        "SELECT n FROM _ WHERE META().id = $p",
        "SELECT n FROM _ WHERE META().id IN ('d05', 'd06')",
        "SELECT n FROM _ WHERE META().id IN ($p, 'd06')",
        "SELECT n FROM _ WHERE META().sequence > $p",
        "SELECT a.n FROM s.k a JOIN _ b ON a.n = META(b).id",
    ] {
        let plan = plan(&fixture.database, query);
        assert!(plan.contains("SEARCH"), "{query}\n{plan}");
    }
    let ordered = plan(&fixture.database, "SELECT n FROM _ ORDER BY META().id");
    assert!(!ordered.contains("TEMP B-TREE"), "{ordered}");
}

#[test]
fn what_is_compared_with_an_id_keeps_its_type() {
    let fixture = indexed(&[]);
    fixture.save("5", r#"{"five":true}"#);
    let rows = |text: &str| {
        let found = fixture.database.query(text, &QueryParameters::new());
        found.unwrap().rows
    };
    assert_eq!(rows("SELECT 1 FROM _ WHERE META().id = '5'"), 1);
    for wrong in [
        "META().id = 5",
        "META().id IN (5, 6)",
        "META().id BETWEEN 4 AND 6",
        "META().id < 6",
        "META().sequence = '41'",
        "META().sequence > '1'",
        "5 = META().id",
        "CASE META().id WHEN 5 THEN true END",
    ] {
        // The first two documents would do, were texts and numbers converted.
        let text = format!("SELECT 1 FROM _ WHERE {wrong} AND META().id IN ('5', 'd00')");
        assert_eq!(rows(&text), 0, "{wrong}");
    }
    assert_eq!(rows("SELECT 1 FROM _ WHERE META().id > 5"), 41);
    assert_eq!(rows("SELECT 1 FROM _ WHERE META().sequence < '1'"), 41);
    assert_eq!(rows("SELECT 1 FROM _ WHERE META().id NOT IN (5)"), 41);
}
