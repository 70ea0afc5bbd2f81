//! Accessors, literals and operators: what compiled queries call beside the functions of the
//! language.
//!
//! | function | answers |
//! |---|---|
//! | `sp1_value(body, 'path')` | the property, or MISSING |
//! | `sp1_root(body)` | the whole body |
//! | `sp1_path(value, 'path')` | what lies inside a value |
//! | `sp1_jsonb(body, 'path')`, `sp1_jsonb_of(value)` | JSONB for `jsonb_each` |
//! | `sp1_elem(value, type)` | the value of a row of `jsonb_each` |
//! | `sp1_elem(value, type, 'path')` | what lies inside such a value |
//! | `sp1_bool(number)` | the boolean |
//! | `sp1_param(?)` | a bound parameter as a value |
//! | `sp1_int(value)` | an integer as it is; anything else fails the query |
//! | `sp1_result(value)` | a column of the result, see [`super::encoding`] |
//! | `sp1_column(body, 'path')` | the same as `sp1_result(sp1_value(body, 'path'))` |

use std::sync::Arc;

use rusqlite::ffi;

use super::State;
use super::accessor::{self, Element};
use super::call::{Call, Raw, Traits, register as register_one};
use super::encoding::{ARRAY, OBJECT, RESULT_FALSE, RESULT_NULL, RESULT_TRUE};
use crate::error::Result;
use crate::model::body::element as kind;
use crate::query::value::Value;

pub(super) fn register(connection: &rusqlite::Connection, state: &Arc<State>) -> Result<()> {
    let plain = |arguments| Traits {
        arguments,
        deterministic: true,
        sets_subtype: false,
    };
    let subtyped = |arguments| Traits {
        sets_subtype: true,
        ..plain(arguments)
    };
    let add = |name: &str, traits: Traits, function: fn(&Call<'_>, &State)| {
        register_one(connection, state, name, traits, function)
    };
    register_one(connection, state, "sp1_value", subtyped(2), value)?;
    register_one(connection, state, "sp1_result", plain(1), result)?;
    register_one(connection, state, "sp1_column", plain(2), column)?;
    add("sp1_root", plain(1), root)?;
    add("sp1_path", subtyped(2), path)?;
    add("sp1_jsonb", plain(2), jsonb)?;
    add("sp1_jsonb_of", plain(1), jsonb_of)?;
    add("sp1_elem", subtyped(2), elem)?;
    add("sp1_elem", subtyped(3), inside_elem)?;
    add("sp1_bool", subtyped(1), bool)?;
    add("sp1_param", subtyped(1), param)?;
    add("sp1_int", plain(1), int)
}

/// The element at the path in the second argument inside the body in the first.
#[inline]
fn found<'a>(call: &Call<'a>) -> Option<Element<'a>> {
    let (Raw::Blob(body), Raw::Text(path)) = (call.arg(0), call.arg(1)) else {
        return None;
    };
    accessor::find(body, path)
}

#[inline]
fn value(call: &Call<'_>, _: &State) {
    if let Some(element) = found(call) {
        call.answer_element(&element);
    }
}

fn root(call: &Call<'_>, _: &State) {
    if let Raw::Blob(body) = call.arg(0)
        && let Some(element) = Element::whole(body)
    {
        call.answer_element(&element);
    }
}

fn path(call: &Call<'_>, _: &State) {
    if let (Raw::Blob([ARRAY | OBJECT, container @ ..]), Raw::Text(path)) =
        (call.arg(0), call.arg(1))
        && let Some(element) = accessor::find(container, path)
    {
        call.answer_element(&element);
    }
}

fn jsonb(call: &Call<'_>, _: &State) {
    if let Some(element) = found(call) {
        call.blob(element.whole);
    }
}

fn jsonb_of(call: &Call<'_>, _: &State) {
    match call.value(0) {
        Value::Missing => {}
        Value::Array(container) | Value::Object(container) => call.blob(container.as_bytes()),
        value => {
            let mut element = Vec::new();
            value.write_jsonb(&mut element);
            call.blob(&element);
        }
    }
}

fn elem(call: &Call<'_>, _: &State) {
    match call.arg(1) {
        Raw::Text(b"null") => call.blob(&[]),
        Raw::Text(b"true") => call.boolean(true),
        Raw::Text(b"false") => call.boolean(false),
        Raw::Text(b"array" | b"object") => {
            if let Raw::Blob(jsonb) = call.arg(0) {
                call.answer(&Value::from_stored(jsonb).unwrap_or(Value::Missing));
            }
        }
        Raw::Text(_) => call.same(0),
        _ => {}
    }
}

/// Only arrays and objects are blobs there, so the type tells nothing more.
fn inside_elem(call: &Call<'_>, _: &State) {
    if let (Raw::Blob(jsonb), Raw::Text(path)) = (call.arg(0), call.arg(2))
        && let Some(element) = accessor::find(jsonb, path)
    {
        call.answer_element(&element);
    }
}

fn bool(call: &Call<'_>, _: &State) {
    match call.arg(0) {
        Raw::Integer(number) => call.boolean(number != 0),
        _ => call.same(0),
    }
}

fn param(call: &Call<'_>, _: &State) {
    match call.arg(0) {
        Raw::Blob([RESULT_FALSE]) => call.boolean(false),
        Raw::Blob([RESULT_TRUE]) => call.boolean(true),
        _ => call.same(0),
    }
}

fn int(call: &Call<'_>, _: &State) {
    match call.arg(0) {
        Raw::Integer(number) => call.integer(number),
        _ => call.fail_with(ffi::SQLITE_MISMATCH, "LIMIT and OFFSET must be integers"),
    }
}

#[inline]
fn result(call: &Call<'_>, _: &State) {
    match call.arg(0) {
        Raw::Integer(0) if call.is_boolean(0) => call.blob(&[RESULT_FALSE]),
        Raw::Integer(_) if call.is_boolean(0) => call.blob(&[RESULT_TRUE]),
        Raw::Blob([]) => call.blob(&[RESULT_NULL]),
        _ => call.same(0),
    }
}

#[inline]
fn column(call: &Call<'_>, _: &State) {
    let Some(element) = found(call) else { return };
    match element.kind {
        kind::NULL => call.blob(&[RESULT_NULL]),
        kind::FALSE => call.blob(&[RESULT_FALSE]),
        kind::TRUE => call.blob(&[RESULT_TRUE]),
        _ => call.answer_element(&element),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::types::Value as Sql;

    use super::super::encoding::Bound;
    use super::super::register;
    use crate::model::body::encode_body;
    use crate::query::value::Value;

    fn connection(json: &str) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        connection
            .execute("CREATE TABLE t (body BLOB)", [])
            .unwrap();
        let body = encode_body(json.as_bytes()).unwrap().jsonb;
        connection
            .execute("INSERT INTO t VALUES (?1)", [body])
            .unwrap();
        connection
    }

    fn get(connection: &rusqlite::Connection, expression: &str) -> Sql {
        let sql = format!("SELECT {expression} FROM t");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_property_of_each_kind_is_what_it_is_inside_sqlite_and_in_a_result() {
        let connection = connection(
            r#"{"i":5,"d":5.0,"s":"x","t":true,"f":false,"n":null,"a":[1.0],"o":{"b":2}}"#,
        );
        let value = |path: &str| get(&connection, &format!("sp1_value(body, '{path}')"));
        let result = |path: &str| {
            get(
                &connection,
                &format!("sp1_result(sp1_value(body, '{path}'))"),
            )
        };
        for (path, inside, outside) in [
            ("i", Sql::Integer(5), Sql::Integer(5)),
            ("d", Sql::Real(5.0), Sql::Real(5.0)),
            ("s", Sql::Text("x".into()), Sql::Text("x".into())),
            ("t", Sql::Integer(1), Sql::Blob(vec![2])),
            ("f", Sql::Integer(0), Sql::Blob(vec![1])),
            ("n", Sql::Blob(vec![]), Sql::Blob(vec![0])),
            ("missing", Sql::Null, Sql::Null),
            ("i.x", Sql::Null, Sql::Null),
        ] {
            assert_eq!((value(path), result(path)), (inside, outside), "{path}");
        }
        for path in ["i", "d", "s", "t", "f", "n", "a", "o", "missing", "i.x"] {
            let column = get(&connection, &format!("sp1_column(body, '{path}')"));
            assert_eq!(column, result(path), "{path}");
        }
        // Canonical: an integral double inside a container is an integer.
        assert_eq!(value("a"), Sql::Blob(vec![b'A', 0x2b, 0x13, b'1']));
        assert_eq!(result("o"), value("o"));
        assert_eq!(
            get(&connection, "sp1_path(sp1_value(body, 'o'), 'b')"),
            Sql::Integer(2)
        );
    }

    #[test]
    fn an_index_does_not_turn_booleans_into_numbers() {
        let connection = connection(r#"{"b":true}"#);
        let sql = "CREATE INDEX i ON t (sp1_value(body, 'b'))";
        connection.execute_batch(sql).unwrap();
        let sql = "SELECT sp1_result(sp1_value(body, 'b')) FROM t WHERE sp1_value(body, 'b') = 1";
        let found: Sql = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(found, Sql::Blob(vec![2]));
        let plan: String = connection
            .query_row(&format!("EXPLAIN QUERY PLAN {sql}"), [], |row| row.get(3))
            .unwrap();
        assert!(plan.contains("USING INDEX i"), "{plan}");
    }

    #[test]
    fn a_bound_parameter_keeps_its_kind() {
        let connection = connection("{}");
        let mut array = crate::query::value::ArrayBuilder::new();
        array.push(&Value::Integer(1));
        for (value, expected) in [
            (Value::Missing, Sql::Null),
            (Value::Null, Sql::Null),
            (Value::Boolean(true), Sql::Blob(vec![2])),
            (Value::Boolean(false), Sql::Blob(vec![1])),
            (Value::Integer(7), Sql::Integer(7)),
            (Value::Double(0.5), Sql::Real(0.5)),
            (Value::str("x\0y"), Sql::Text("x\0y".into())),
            (
                Value::Array(array.finish()),
                Sql::Blob(vec![b'A', 0x2b, 0x13, b'1']),
            ),
        ] {
            let bound = Bound::parameter(&value);
            let found: Sql = connection
                .query_row("SELECT sp1_result(sp1_param(?1))", [bound], |row| {
                    row.get(0)
                })
                .unwrap();
            assert_eq!(found, expected, "{value:?}");
        }
    }

    #[test]
    fn elements_of_anything_are_those_of_jsonb_each() {
        let connection = connection(r#"{"a":[1,2.0,"x",null,true,[2.0],{"k":false}],"s":7}"#);
        let elements = |source: &str| -> Vec<Sql> {
            let sql = format!(
                "SELECT sp1_result(sp1_elem(v.value, v.type)) FROM t, jsonb_each({source}) v"
            );
            let mut statement = connection.prepare(&sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(|row| row.unwrap()).collect()
        };
        assert_eq!(
            elements("sp1_jsonb(body, 'a')"),
            [
                Sql::Integer(1),
                Sql::Real(2.0),
                Sql::Text("x".into()),
                Sql::Blob(vec![0]),
                Sql::Blob(vec![2]),
                Sql::Blob(vec![b'A', 0x2b, 0x13, b'2']),
                Sql::Blob(vec![b'O', 0x3c, 0x1a, b'k', 2]),
            ]
        );
        let inside = "SELECT sp1_result(sp1_elem(v.value, v.type, 'k'))
            FROM t, jsonb_each(sp1_jsonb(body, 'a')) v WHERE v.type != 'integer'";
        let mut statement = connection.prepare(inside).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, Sql>(0)).unwrap();
        let found: Vec<Sql> = rows.map(|row| row.unwrap()).collect();
        let mut expected = vec![Sql::Null; 5];
        expected.push(Sql::Blob(vec![1]));
        assert_eq!(found, expected);
        assert_eq!(elements("sp1_jsonb(body, 's')"), [Sql::Integer(7)]);
        assert_eq!(elements("sp1_jsonb(body, 'none')"), []);
        assert_eq!(elements("sp1_jsonb_of('x')"), [Sql::Text("x".into())]);
        assert_eq!(elements("sp1_jsonb_of(x'')"), [Sql::Blob(vec![0])]);
    }

    #[test]
    fn only_an_integer_limits() {
        let connection = connection("{}");
        assert_eq!(get(&connection, "sp1_int(-3)"), Sql::Integer(-3));
        for other in ["1.5", "'1'", "NULL", "x''"] {
            let error = connection
                .query_row(&format!("SELECT sp1_int({other})"), [], |_| Ok(()))
                .unwrap_err();
            assert_eq!(crate::Error::from(error).code(), 20, "{other}");
        }
    }

    #[test]
    fn damaged_bodies_have_no_properties() {
        let connection = connection("{}");
        for body in ["x'ff'", "x'4c'", "x'0b0b'", "x''", "'text'", "7"] {
            let sql = format!("SELECT sp1_value({body}, 'a'), sp1_root({body})");
            let found: (Sql, Sql) = connection
                .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            assert_eq!(found.0, Sql::Null, "{body}");
        }
    }
}
