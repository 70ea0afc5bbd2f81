//! Tests of the order, the equality and the encodings.

use proptest::prelude::*;

use super::*;
use crate::model::body::encode_body;

/// The value of a JSON text; `M` is MISSING.
pub(crate) fn json(text: &str) -> Value<'static> {
    if text == "M" {
        return Value::Missing;
    }
    let body = encode_body(format!("{{\"v\":{text}}}").as_bytes()).expect("JSON");
    let (_, stored) = Container::from_canonical(&body.jsonb)
        .members()
        .next()
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .expect("a member");
    match &stored {
        Value::Array(container) | Value::Object(container) => {
            Value::from_stored(container.as_bytes())
                .expect("well-formed")
                .into_owned()
        }
        _ => stored,
    }
}

/// The JSON text of a value; `M` for MISSING.
pub(crate) fn text(value: &Value<'_>) -> String {
    if value.is_missing() {
        return "M".to_owned();
    }
    let mut out = Vec::new();
    value.write_json(&mut out).expect("well-formed");
    String::from_utf8(out).expect("UTF-8")
}

/// Any value, MISSING included.
pub(crate) fn any_value() -> impl Strategy<Value = Value<'static>> {
    let scalar = prop_oneof![
        Just(Value::Missing),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        (-3_i64..4).prop_map(Value::Integer),
        any::<f64>()
            .prop_filter("no value is NaN", |value| !value.is_nan())
            .prop_map(Value::Double),
        (-9_i32..9).prop_map(|halves| Value::Double(f64::from(halves) / 2.0)),
        "\\PC{0,6}".prop_map(Value::string),
        "[ -~\u{0}-\u{1f}é😀]{0,20}".prop_map(Value::string),
        "-?[0-9]{1,3}(\\.[0-9])?(e[0-9])?[a-z]?".prop_map(Value::string),
        "[12][0-9]{3}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|\\+0[0-9]00)?)?"
            .prop_map(Value::string),
        Just(Value::str("month")),
    ];
    scalar.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|elements| {
                let mut array = ArrayBuilder::new();
                elements.iter().for_each(|element| array.push(element));
                Value::Array(array.finish())
            }),
            prop::collection::vec(("[a-c]{0,2}", inner), 0..5).prop_map(|members| {
                let mut object = ObjectBuilder::new();
                for (key, value) in &members {
                    object.insert(key, value);
                }
                Value::Object(object.finish())
            }),
        ]
    })
}

#[test]
fn kinds_are_ordered_missing_number_string_null_array_object() {
    let ascending = [
        "M",
        "-1.5",
        "false",
        "0.5",
        "1",
        "2",
        "\"\"",
        "\"10\"",
        "\"9\"",
        "\"B\"",
        "\"a\"",
        "\"ab\"",
        "\"é\"",
        "null",
        "[]",
        "[1]",
        "{}",
        "{\"a\":1}",
    ];
    for (i, a) in ascending.iter().enumerate() {
        for (j, b) in ascending.iter().enumerate() {
            assert_eq!(json(a).compare(&json(b)), i.cmp(&j), "{a} {b}");
        }
    }
}

#[test]
fn equal_is_what_has_the_same_value() {
    for (a, b, equal) in [
        ("1", "1.0", true),
        ("1", "true", true),
        ("0", "false", true),
        ("2", "true", false),
        ("\"1\"", "1", false),
        ("null", "null", true),
        ("null", "0", false),
        ("[1]", "[1.0]", true),
        ("[1,\"b\"]", "[1,\"b\"]", true),
        ("[1]", "[2]", false),
        ("{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":1e0}", true),
        ("[0]", "[-0.0]", true),
        ("[-0]", "[0]", true),
        ("[0.10]", "[1e-1]", true),
        ("\"é\"", "\"e\u{301}\"", false),
    ] {
        assert_eq!(json(a).equals(&json(b)), equal, "{a} {b}");
    }
}

#[test]
fn truth_is_a_number_other_than_zero() {
    for (value, truth) in [
        ("M", None),
        ("null", Some(false)),
        ("true", Some(true)),
        ("0.0", Some(false)),
        ("-7", Some(true)),
        ("\"ab\"", Some(false)),
        ("\"5.5\"", Some(true)),
        ("\"\"", Some(false)),
        ("[1]", Some(false)),
        ("{\"k\":1}", Some(false)),
    ] {
        assert_eq!(json(value).truth(), truth, "{value}");
    }
}

#[test]
fn numbers_of_a_body_keep_their_kind_and_are_normalised_inside_containers() {
    assert_eq!(json("5.0"), Value::Double(5.0));
    assert_eq!(json("5"), Value::Integer(5));
    assert_eq!(
        json("18446744073709551615"),
        Value::Double(18446744073709551615.0)
    );
    assert_eq!(
        text(&json("[5.0,1e2,0.10,9223372036854775807]")),
        "[5,100,0.1,9223372036854775807]"
    );
    assert_eq!(
        text(&json("[1e20,18446744073709551616,-0.0]")),
        "[1e+20,1.8446744073709552e+19,0]"
    );
    assert_eq!(
        text(&json("{\"b\":[{\"c\":2.0}],\"a\":\"\\u0000\\\"\"}")),
        "{\"a\":\"\\u0000\\\"\",\"b\":[{\"c\":2}]}"
    );
}

#[test]
fn a_container_without_foreign_numbers_is_not_copied() {
    let body = encode_body(br#"{"a":[1,2.5,"x",{"b":null}]}"#).expect("JSON");
    let Some(Value::Object(object)) = Value::from_stored(&body.jsonb) else {
        panic!("an object");
    };
    assert_eq!(object.as_bytes().as_ptr(), body.jsonb.as_ptr());
}

#[test]
fn of_equal_keys_the_last_counts_and_missing_is_dropped() {
    let mut object = ObjectBuilder::new();
    object.insert("b", &Value::Integer(1));
    object.insert("a", &Value::Missing);
    object.insert("b", &Value::str("last"));
    object.insert("aa", &Value::Null);
    assert_eq!(
        text(&Value::Object(object.finish())),
        r#"{"aa":null,"b":"last"}"#
    );
    let mut array = ArrayBuilder::new();
    array.push(&Value::Missing);
    array.push(&Value::Double(f64::INFINITY));
    assert_eq!(text(&Value::Array(array.finish())), "[null]");
    assert_eq!(text(&Value::Array(Container::empty_array())), "[]");
    assert_eq!(text(&Value::Object(Container::empty_object())), "{}");
}

#[test]
fn texts_are_those_of_concatenation() {
    for (value, expected) in [
        ("1", "1"),
        ("1.0", "1.0"),
        ("1e20", "1e+20"),
        ("true", "true"),
        ("null", "null"),
        ("\"a\\\"b\"", "a\"b"),
        ("[1, 2.0]", "[1,2]"),
        ("{\"k\": 1}", "{\"k\":1}"),
    ] {
        let value = json(value);
        assert_eq!(
            value.to_text().expect("well-formed").as_deref(),
            Some(expected)
        );
    }
    assert_eq!(Value::Missing.to_text().expect("nothing to fail"), None);
}

#[test]
fn damaged_bytes_are_no_value_and_end_an_iteration() {
    for damaged in [
        &[][..],
        &[0x1f],
        &[0x3b, 0x13],
        &[0x13, b'x'],
        &[0x1a, 0xff],
        &[0x0f],
        &[0x00, 0x00],
    ] {
        assert_eq!(Value::from_stored(damaged), None, "{damaged:?}");
    }
    let container = Container::from_canonical(&[0x2b, 0x00, 0x5f]);
    assert_eq!(container.elements().count(), 1);
    assert_eq!(container.members().count(), 0);
    assert_eq!(Value::from_blob(b"Zx"), Value::Missing);
    assert_eq!(Value::from_blob(b""), Value::Null);
    let mut out = Vec::new();
    assert!(Value::from_blob(b"A\xff").write_json(&mut out).is_err());
}

proptest! {
    #[test]
    fn the_order_is_total(a in any_value(), b in any_value(), c in any_value()) {
        prop_assert_eq!(a.compare(&a), Ordering::Equal);
        prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
        let mut sorted = [&a, &b, &c];
        sorted.sort_by(|x, y| x.compare(y));
        prop_assert!(sorted[0].compare(sorted[1]) != Ordering::Greater);
        prop_assert!(sorted[1].compare(sorted[2]) != Ordering::Greater);
        prop_assert!(sorted[0].compare(sorted[2]) != Ordering::Greater);
        if a.equals(&b) {
            prop_assert_eq!(a.compare(&c), b.compare(&c));
        }
    }

    #[test]
    fn json_and_back_is_an_equal_value(value in any_value()) {
        let again = json(&text(&value));
        // An infinity has no JSON.
        if !matches!(&value, Value::Double(double) if double.is_infinite()) {
            prop_assert!(again.equals(&value), "{:?} {:?}", again, value);
        }
    }

    #[test]
    fn jsonb_and_blobs_and_back_are_the_same(value in any_value()) {
        let mut jsonb = Vec::new();
        value.write_jsonb(&mut jsonb);
        if !value.is_missing() {
            let again = Value::from_stored(&jsonb).expect("well-formed");
            prop_assert!(again.equals(&value) || matches!(value, Value::Double(d) if d.is_infinite()));
        }
        if let Value::Array(container) | Value::Object(container) = &value {
            let blob = container.to_blob();
            prop_assert_eq!(&Value::from_blob(&blob), &value);
            prop_assert_eq!(container.len(), container.elements().count());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Some(value) = Value::from_stored(&bytes) {
            let _ = value.to_text();
        }
        let value = Value::from_blob(&bytes);
        let _ = value.to_text();
        if let Value::Array(container) | Value::Object(container) = &value {
            let _ = (container.len(), container.elements().count(), container.members().count());
        }
    }
}
