//! Queries and live queries through the Rust API.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use settee::database::{Database, IndexDefinition, LiveQueryId, QueryParameters};
use settee::error::Code;
use settee::query::value::Value;
use settee::{Error, Result};

use super::support::{Fixture, completion, default, doc_id, save};

const LONG: Duration = Duration::from_secs(30);

fn none() -> QueryParameters {
    QueryParameters::new()
}

fn listen(database: &Database, text: &str) -> (LiveQueryId, Receiver<Result<String>>) {
    let (sender, receiver) = channel();
    let listener = Arc::new(move |rows: Result<&str>| {
        let _ = sender.send(rows.map(str::to_owned));
    });
    (
        database.add_live_query(text, none(), listener).unwrap(),
        receiver,
    )
}

fn next(receiver: &Receiver<Result<String>>) -> String {
    receiver.recv_timeout(LONG).unwrap().unwrap()
}

#[test]
fn a_query_sees_what_was_queued_before_it_and_nothing_later() {
    let fixture = Fixture::new();
    let database = &fixture.database;
    let (mut receivers, mut expected) = (Vec::new(), Vec::new());
    for n in 0..200 {
        let id = doc_id(&format!("d{n}"));
        database.submit_write(
            0,
            move |tx| save(tx, &id, "{}"),
            |saved| drop(saved.unwrap()),
        );
        let (done, receiver) = completion();
        database.submit_query("SELECT COUNT(*) AS c FROM _", none(), done);
        receivers.push(receiver);
        expected.push(format!(r#"[{{"c":{}}}]"#, n + 1));
    }
    let found: Vec<String> = receivers
        .iter()
        .map(|receiver| receiver.recv_timeout(LONG).unwrap().unwrap().json)
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn rows_are_counted_and_come_as_json() {
    let fixture = Fixture::new();
    fixture.save(
        "a",
        r#"{"t":"é\"\\\n\u0001","f":1.5,"w":5.0,"big":9007199254740993}"#,
    );
    let result = fixture
        .database
        .query("SELECT t, f, w, big, [f, null, true] AS l FROM _", &none())
        .unwrap();
    assert_eq!(result.rows, 1);
    assert_eq!(
        result.json,
        r#"[{"t":"é\"\\\n\u0001","f":1.5,"w":5.0,"big":9007199254740993,"l":[1.5,null,true]}]"#
    );
}

#[test]
fn a_statement_is_compiled_for_the_present_collections_and_indexes() {
    let fixture = Fixture::new();
    let database = &fixture.database;
    fixture.save("a", r#"{"s":"fox"}"#);
    let text = "SELECT s FROM _ WHERE MATCH(f, 'fox')";
    for _ in 0..2 {
        let error = database.query(text, &none()).unwrap_err();
        assert!(error.is(Code::InvalidQuery), "{error}");
        let index = IndexDefinition::full_text("s", None, false);
        database
            .write(|tx| tx.create_index(&default(), "f", &index))
            .unwrap();
        assert_eq!(
            database.query(text, &none()).unwrap().json,
            r#"[{"s":"fox"}]"#
        );
        database
            .write(|tx| tx.delete_index(&default(), "f"))
            .unwrap();
    }
}

#[test]
fn parameters_are_bound_by_name() {
    let fixture = Fixture::new();
    fixture.save("a", r#"{"n":3}"#);
    let text = "SELECT n + $b AS n FROM _ WHERE n > $a";
    let mut parameters = none();
    parameters.set("a", Value::Integer(1));
    parameters.set("b", Value::Integer(1));
    parameters.set("b", Value::Integer(2));
    let rows = fixture.database.query(text, &parameters).unwrap();
    assert_eq!(rows.json, r#"[{"n":5}]"#);
    parameters.set("c", Value::Null);
    let error = fixture.database.query(text, &parameters).unwrap_err();
    assert!(error.is(Code::InvalidQueryParam), "{error}");
    for bad in ["", "1,2", "1}", "1,\"x\":2", "nope", "[1"] {
        assert!(none().set_json("p", bad).is_err(), "{bad}");
    }
    none().set_json("p", r#"{"a":[1,{"b":null}]}"#).unwrap();
}

#[test]
fn closing_the_handle_ends_a_running_query_and_only_its_own() {
    let fixture = Fixture::new();
    for n in 0..300 {
        fixture.save(&format!("d{n}"), &format!(r#"{{"n":{n}}}"#));
    }
    let text =
        "SELECT COUNT(*) AS rows FROM _ a CROSS JOIN _ b CROSS JOIN _ c WHERE a.n + b.n = c.n";
    let other = Database::open("db", &super::support::options(&fixture.directory)).unwrap();
    let (done, receiver) = completion();
    fixture.database.submit_query(text, none(), done);
    std::thread::sleep(Duration::from_millis(50));
    fixture.database.close().unwrap();
    let error = receiver.recv_timeout(LONG).unwrap().unwrap_err();
    assert!(error.is(Code::NotOpen), "{error}");
    let rows = other.query("SELECT COUNT(*) AS c FROM _", &none()).unwrap();
    assert_eq!(rows.json, r#"[{"c":300}]"#);
    other.close().unwrap();
}

#[test]
fn a_live_query_tells_rows_when_they_change_through_any_handle() {
    let fixture = Fixture::new();
    let other = Database::open("db", &super::support::options(&fixture.directory)).unwrap();
    let (id, receiver) = listen(&fixture.database, "SELECT n FROM _ WHERE n > 1 ORDER BY n");
    assert_eq!(next(&receiver), "[]");
    other
        .write(|tx| save(tx, &doc_id("a"), r#"{"n":5}"#))
        .unwrap();
    assert_eq!(next(&receiver), r#"[{"n":5}]"#);
    other
        .write(|tx| save(tx, &doc_id("b"), r#"{"n":0}"#))
        .unwrap();
    other
        .write(|tx| tx.purge(&default(), &doc_id("a")))
        .unwrap();
    assert_eq!(next(&receiver), "[]");
    fixture.database.remove_live_query(id);
    other
        .write(|tx| save(tx, &doc_id("a"), r#"{"n":5}"#))
        .unwrap();
    assert!(
        receiver.recv_timeout(Duration::from_millis(700)).is_err(),
        "it is removed"
    );
    other.close().unwrap();
}

#[test]
fn a_live_query_ends_with_its_handle() {
    let fixture = Fixture::new();
    let other = Database::open("db", &super::support::options(&fixture.directory)).unwrap();
    let (_, receiver) = listen(&fixture.database, "SELECT n FROM _");
    assert_eq!(next(&receiver), "[]");
    fixture.database.close().unwrap();
    other
        .write(|tx| save(tx, &doc_id("a"), r#"{"n":5}"#))
        .unwrap();
    assert!(
        receiver.recv_timeout(LONG).is_err(),
        "the listener is dropped"
    );
    other.close().unwrap();
}

#[test]
fn a_live_query_that_cannot_run_is_refused() {
    let fixture = Fixture::new();
    let refused = |text: &str, parameters| -> Error {
        let listener = Arc::new(|_: Result<&str>| ());
        fixture
            .database
            .add_live_query(text, parameters, listener)
            .unwrap_err()
    };
    assert!(refused("SELECT", none()).is(Code::InvalidQuery));
    assert!(refused("SELECT n FROM nowhere", none()).is(Code::InvalidQuery));
    let mut unknown = none();
    unknown.set("p", Value::Integer(1));
    assert!(refused("SELECT n FROM _", unknown).is(Code::InvalidQueryParam));
}
