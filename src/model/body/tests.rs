use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::error::Code;
use crate::model::BlobDigest;

fn encode(json: &str) -> EncodedBody {
    encode_body(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn decoded(jsonb: &[u8]) -> String {
    let mut out = Vec::new();
    decode_body(jsonb, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn canonical(json: &str) -> String {
    let encoded = encode(json);
    let text = String::from_utf8(encoded.canonical).unwrap();
    assert_eq!(decoded(&encoded.jsonb), text, "decode of {json}");
    text
}

fn refused(json: impl AsRef<[u8]>) -> String {
    let error = encode_body(json.as_ref()).unwrap_err();
    assert!(error.is(Code::InvalidParameter));
    error.to_string()
}

#[test]
fn keys_are_sorted_by_bytes_and_the_last_of_equals_counts() {
    assert_eq!(
        canonical(r#" { "b" : 1 , "a" : [ ] , "B" : { } , "é" : 2, "a" : null, "b": true } "#),
        r#"{"B":{},"a":null,"b":true,"é":2}"#
    );
    assert_eq!(
        canonical(r#"{"a":{"x":{"deep":1}},"\u0061":{"y":[[1]]}}"#),
        r#"{"a":{"y":[[1]]}}"#
    );
}

#[test]
fn numbers_keep_their_spelling() {
    let text = r#"{"n":[0,-0,5.0,1e5,1E+05,-1.50e-7,123456789012345678901234567890,1e308,1e-999]}"#;
    assert_eq!(canonical(text), text);
}

#[test]
fn numbers_that_no_double_holds_are_refused() {
    assert_eq!(
        refused(r#"{"a":-1e999}"#),
        "document body: number -1e999 at byte 5 is beyond the limit of 1.8e308"
    );
    let long = |digits: usize| format!("{{\"a\":{}}}", "9".repeat(digits));
    assert_eq!(canonical(&long(308)), long(308));
    refused(long(310));
}

#[test]
fn strings_are_stored_raw_and_written_with_the_fewest_escapes() {
    assert_eq!(
        canonical(r#"{"s":"\u0041\/\"\\\b\f\n\r\t\u0001\u001F\u007f\u00e9\ud83d\ude00€"}"#),
        "{\"s\":\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}é😀€\"}"
    );
    assert_eq!(
        canonical(r#"{"a\u0000b":"\u0000"}"#),
        "{\"a\\u0000b\":\"\\u0000\"}"
    );
    let encoded = encode(r#"{"k":"a\"b"}"#);
    assert_eq!(encoded.jsonb, b"\x6c\x1ak\x3aa\"b");
}

#[test]
fn what_is_not_strict_json_is_refused_with_its_place() {
    assert_eq!(
        refused(r#"{"a":'x'}"#),
        "document body is not valid JSON: expected a value, found '\\'' at byte 5"
    );
    assert_eq!(refused("[1]"), "document body is not a JSON object");
    for bad in [
        "",
        "{",
        "{}x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":NaN}",
        "{\"a\":tru}",
        "{\"a\":[1,]}",
        "{\"a\":[1}",
        "{\"a\":\"x}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800",
        "{\"a\":1}{",
        "null",
        "// c\n{}",
        "\u{feff}{}",
        "{\"a\":0x10}",
        "{\"a\":1/**/}",
        "{\"\\u\":1}",
    ] {
        refused(bad);
    }
    assert_eq!(
        refused(b"{\"a\":\"\xff\"}"),
        "document body is not valid UTF-8 at byte 6"
    );
}

#[test]
fn a_body_of_one_hundred_levels_is_accepted_and_one_more_is_not() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!("{{\"a\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
    };
    assert_eq!(canonical(&nested(100)), nested(100));
    assert!(refused(nested(101)).contains("more than 100 levels"));
    refused(nested(100_000));
}

#[test]
fn a_body_over_twenty_mebibytes_is_refused_by_its_size() {
    let filler = MAX_BODY_LEN - r#"{"a":""}"#.len();
    let body = |filler: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(filler));
    assert_eq!(encode(&body(filler)).canonical.len(), MAX_BODY_LEN);
    assert_eq!(
        refused(body(filler + 1)),
        "document body is 20971521 bytes, limit is 20971520"
    );
}

#[test]
fn blobs_are_found_at_any_depth_and_in_attachments() {
    let digest = "sha1-c2XTGPrFT86b4bdd8Xo4E/Zpuww=";
    let encoded = encode(&format!(
        r#"{{"z":[{{"b":{{"@type":"blob","digest":"{digest}","length":10,"content_type":"text/plain"}}}}],
            "not":{{"@type":"blob","digest":"nonsense"}}, "nor":{{"digest":"{digest}"}},
            "gone":{{"@type":"blob","digest":"{digest}"}}, "gone":1,
            "_attachments":{{"old":{{"digest":"{digest}","stub":true,"encoding":"gzip"}},"odd":3}}}}"#
    ));
    assert!(encoded.has_attachments);
    let blob = BlobRef {
        digest: BlobDigest::of(b"hello blob"),
        length: Some(10),
        content_type: Some("text/plain".into()),
        encoding: None,
    };
    let old = BlobRef {
        length: None,
        content_type: None,
        encoding: Some("gzip".into()),
        ..blob
    };
    assert_eq!(encoded.blobs, [blob, old]);
    let inner = encode(r#"{"x":{"_attachments":{}}}"#);
    assert!(!inner.has_attachments && inner.blobs.is_empty());
}

#[test]
fn revision_ids_follow_the_recipe_of_wire_5_2() {
    let first = revision_id(None, false, b"{}");
    // SHA-1 of 00 00 7b 7d.
    assert_eq!(first.as_str(), "1-a5bb2524156f3e56dcc4e5c52c73c46f82c2efb0");
    let second = revision_id(Some(&first), true, b"{}");
    assert_eq!(second.generation(), 2);
    assert_ne!(second, revision_id(Some(&first), false, b"{}"));
}

#[test]
fn a_damaged_body_is_corrupt_data_and_never_a_panic() {
    for bad in [
        &b""[..],
        b"\x0b",              // an array at the top
        b"\x0c\x0c",          // two objects
        b"\x1c\x1a",          // key cut short
        b"\x2c\x1ak",         // no value
        b"\x3c\x17k\x00",     // key of another type
        b"\x3c\x1ak\x08",     // TEXTJ
        b"\x4c\x1ak\x13x",    // number of letters
        b"\x4c\x1ak\x10x",    // null with payload
        b"\x4c\x1ak\x1a\xff", // no UTF-8
        b"\xfc\0\0\0\0\0\0\0\0",
        b"\xec\xff\xff\xff\xff",
    ] {
        let error = decode_body(bad, &mut Vec::new()).unwrap_err();
        assert!(error.is(Code::CorruptData), "{bad:?}");
    }
    let mut deep = vec![0x0b];
    for _ in 0..200 {
        let mut outer = vec![0xcb, deep.len() as u8];
        outer.append(&mut deep);
        deep = outer;
        if deep.len() > 250 {
            break;
        }
    }
    let mut body = vec![0xdc, 0, 0, 0x1a, b'k'];
    body.append(&mut deep);
    let size = (body.len() - 3) as u16;
    body[1..3].copy_from_slice(&size.to_be_bytes());
    assert!(decode_body(&body, &mut Vec::new()).is_err());
}

/// Canonical text of what serde_json reads, which sorts keys; its numbers are chosen to print as
/// they were.
fn reference(value: &serde_json::Value) -> String {
    value.to_string()
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn json_object() -> impl Strategy<Value = serde_json::Value> {
    prop::collection::btree_map(".{0,12}", json_value(), 0..8)
        .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
}

thread_local! {
    static SQLITE: Connection = Connection::open_in_memory().unwrap();
}

proptest! {
    #[test]
    fn every_object_comes_back_as_its_canonical_text(value in json_object()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(canonical(&pretty), reference(&value));
    }

    #[test]
    fn sqlite_reads_the_same_text_from_the_blob(value in json_object()) {
        let encoded = encode(&value.to_string());
        let (valid, text): (bool, String) = SQLITE.with(|sqlite| {
            sqlite
                .query_row("SELECT json_valid(?1, 8), json(?1)", [&encoded.jsonb], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .unwrap()
        });
        prop_assert!(valid);
        let strings_only = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        prop_assert_eq!(strings_only(&text), strings_only(&decoded(&encoded.jsonb)));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = encode_body(&bytes);
        let mut out = Vec::new();
        if decode_body(&bytes, &mut out).is_ok() {
            // A lone '-' inside a number apart, what is accepted is text.
            prop_assert!(String::from_utf8(out).is_ok());
        }
    }

    #[test]
    fn a_flipped_byte_never_panics(value in json_object(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut encoded = encode(&value.to_string());
        let at = at.index(encoded.jsonb.len());
        encoded.jsonb[at] = byte;
        let mut out = Vec::new();
        if decode_body(&encoded.jsonb, &mut out).is_ok() {
            prop_assert!(String::from_utf8(out).is_ok());
        }
    }
}
