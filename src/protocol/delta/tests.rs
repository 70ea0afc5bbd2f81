use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::generate::diff;
use super::{MIN_BODY_LEN, apply, generate};
use crate::error::Code;
use crate::model::body::{MAX_BODY_LEN, encode_body};

/// Old, new, delta: what the real Fleece library makes of them (wire §6.3).
const VECTORS: [(&str, &str, &str); 20] = [
    (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":3}"#, r#"{"b":3}"#),
    (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, r#"{"b":[]}"#),
    (r#"{"a":1}"#, r#"{"a":1,"c":[1,2]}"#, r#"{"c":[[1,2]]}"#),
    (r#"{"a":1}"#, r#"{"a":1,"c":{"x":1}}"#, r#"{"c":[{"x":1}]}"#),
    (
        r#"{"a":{"x":1,"y":2}}"#,
        r#"{"a":{"x":1,"y":5,"z":null}}"#,
        r#"{"a":{"y":5,"z":null}}"#,
    ),
    (r#"{"a":{"x":1}}"#, r#"{"a":{}}"#, r#"{"a":{"x":[]}}"#),
    (r#"{"a":1}"#, r#"{"a":{}}"#, r#"{"a":[{}]}"#),
    (r#"{"a":"s"}"#, r#"{"a":["s"]}"#, r#"{"a":[["s"]]}"#),
    (r#"{"a":[1,2]}"#, r#"{"a":{"x":1}}"#, r#"{"a":[{"x":1}]}"#),
    (r#"{"a":[1,2,3]}"#, r#"{"a":[1,9,3]}"#, r#"{"a":{"1":9}}"#),
    (
        r#"{"a":[1,2,3]}"#,
        r#"{"a":[1,2,3,4,5]}"#,
        r#"{"a":{"3-":[4,5]}}"#,
    ),
    (r#"{"a":[1,2,3]}"#, r#"{"a":[1]}"#, r#"{"a":{"1-":[]}}"#),
    (
        r#"{"a":[1,2,3,4]}"#,
        r#"{"a":[9]}"#,
        r#"{"a":{"0":9,"1-":[]}}"#,
    ),
    (
        r#"{"a":[1,2,3,4]}"#,
        r#"{"a":[9,8,7,6,5]}"#,
        r#"{"a":{"0":9,"1":8,"2":7,"3":6,"4-":[5]}}"#,
    ),
    (r#"{"a":[1,2,3]}"#, r#"{"a":[]}"#, r#"{"a":[[]]}"#),
    (r#"{"a":[]}"#, r#"{"a":[1]}"#, r#"{"a":[[1]]}"#),
    (
        r#"{"a":[{"k":1,"m":2},{"k":2}]}"#,
        r#"{"a":[{"k":1,"m":2},{"k":3}]}"#,
        r#"{"a":{"1":{"k":3}}}"#,
    ),
    (r#"{"a":1}"#, r#"{"a":1}"#, "{}"),
    (
        r#"{"t":"The quick brown fox jumps over the lazy dog and then runs far away from it"}"#,
        r#"{"t":"The quick brown fox leaps over the lazy dog and then runs far away from it all"}"#,
        r#"{"t":["20=3-3+lea|51=4+ all|",0,2]}"#,
    ),
    (
        r#"{"t":"Zoë's quick brown fox jumps over the lazy dog and then runs far away from it"}"#,
        r#"{"t":"Zoé's quick brown fox jumps over the lazy dog and then runs far away from it"}"#,
        r#"{"t":["2=2-2+é|73=",0,2]}"#,
    ),
];

fn applied(base: &str, delta: &str) -> Result<String, String> {
    match apply(base.as_bytes(), delta.as_bytes()) {
        Ok(body) => Ok(String::from_utf8(body.to_vec()).unwrap()),
        Err(error) => {
            assert!(error.is(Code::CorruptDelta), "{error:?}");
            Err(error.message().to_owned())
        }
    }
}

#[test]
fn the_vectors_of_wire_6_3_hold_in_both_directions() {
    for (old, new, delta) in VECTORS {
        let made = diff(old.as_bytes(), new.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(made).unwrap(), delta, "{old} -> {new}");
        assert_eq!(applied(old, delta).as_deref(), Ok(new), "{old} + {delta}");
    }
}

#[test]
fn deltas_that_others_may_write_are_applied() {
    for (old, delta, new) in [
        (r#"{"a":1}"#, r#"{"a":[1,2]}"#, r#"{"a":2}"#),
        (r#"{"a":"xy"}"#, r#"{"a":["xy",0,0]}"#, "{}"),
        (
            r#"{"a":"hello"}"#,
            r#"{"a":["2=1-2+xy|2=",0,2]}"#,
            r#"{"a":"hexylo"}"#,
        ),
        (r#"{"a":1}"#, r#"[{"b":2}]"#, r#"{"b":2}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"5":[1]}}"#, r#"{"a":[1,2]}"#),
        // Seen on the wire: a document changed in two of its keys.
        (
            r#"{"k":"v","n":1,"pad3":"yy"}"#,
            r#"{"k":"changed again","pad3":"x"}"#,
            r#"{"k":"changed again","n":1,"pad3":"x"}"#,
        ),
        (
            r#"{"a":[1,2,3]}"#,
            r#" { "a" : { "3-" : [ 4 ] , "0" : 7 } } "#,
            r#"{"a":[7,2,3,4]}"#,
        ),
        (r#"{"a":[1,2]}"#, r#"{"a":{"0-":[]}}"#, r#"{"a":[]}"#),
        (r#"{"a":[1]}"#, r#"{"a":{"0":["x"]}}"#, r#"{"a":["x"]}"#),
        (r#"{"é":1}"#, r#"{"\u00e9":2}"#, r#"{"é":2}"#),
    ] {
        assert_eq!(applied(old, delta).as_deref(), Ok(new), "{old} + {delta}");
    }
}

#[test]
fn deltas_that_do_not_fit_are_refused() {
    for (old, delta) in [
        (r#"{"a":1}"#, r#"{"b":[]}"#),
        (r#"{"a":1}"#, r#"{"b":["x",0,0]}"#),
        (r#"{"a":1}"#, r#"{"a":{"x":1}}"#),
        (r#"{"a":1}"#, r#"{"b":{"x":1}}"#),
        (r#"{"a":1}"#, r#"{"b":{}}"#),
        (r#"{"a":1}"#, r#"{"b":["1+x|",0,2]}"#),
        (r#"{"a":1}"#, r#"{"a":["1=",0,2]}"#),
        (r#"{"a":"x"}"#, r#"{"a":["2=",0,2]}"#),
        (r#"{"a":"x"}"#, r#"{"a":[5,0,2]}"#),
        (r#"{"a":"x"}"#, r#"{"a":[1,2,3]}"#),
        (r#"{"a":"x"}"#, r#"{"a":[1,2,3,4]}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"0":[]}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"x":1}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"01":1}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"+1":1}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"":1}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"-":[]}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"3-":[1]}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"1-":1}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"1-":[],"0-":[]}}"#),
        (
            r#"{"a":[1,2]}"#,
            r#"{"a":{"99999999999999999999999999":1}}"#,
        ),
        (r#"{"a":1}"#, r#"{"a":1,"a":2}"#),
        (r#"{"a":1}"#, "[]"),
        (r#"{"a":1}"#, "null"),
        (r#"{"a":1}"#, "7"),
        (r#"{"a":1}"#, "[[1]]"),
        (r#"{"a":1}"#, ""),
        (r#"{"a":1}"#, "{"),
        (r#"{"a":1}"#, r#"{"a":2}}"#),
        (r#"{"a":1}"#, r#"{"a":2} {}"#),
        (r#"{"a":1}"#, r#"{"a":[1}"#),
        (r#"{"a":1}"#, r#"{"a":"x}"#),
        (r#"{"a":1}"#, r#"{"\ud800":1}"#),
    ] {
        assert!(applied(old, delta).is_err(), "{old} + {delta}");
    }
}

#[test]
fn a_delta_cannot_grow_a_document_past_the_limit() {
    let base = format!(r#"{{"t":"{}"}}"#, "x".repeat(MAX_BODY_LEN - 100));
    let delta = format!(r#"{{"more":"{}"}}"#, "y".repeat(200));
    assert!(applied(&base, &delta).unwrap_err().contains("longer than"));
    let patch = format!(
        r#"{{"t":["{}=200+{}|",0,2]}}"#,
        MAX_BODY_LEN - 100,
        "y".repeat(200)
    );
    assert!(applied(&base, &patch).unwrap_err().contains("longer than"));
}

#[test]
fn nesting_and_the_number_of_entries_are_bounded() {
    let deep = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert!(applied(&deep(99), &deep(99)).is_ok());
    assert!(applied(&deep(99), &deep(10_000)).is_err());
    assert!(applied(&deep(10_000), r#"{"a":1}"#).is_err());
    let entries: Vec<String> = (0..1_000_001).map(|n| format!(r#""{n}":0"#)).collect();
    let many = format!(r#"{{"a":{{{}}}}}"#, entries.join(","));
    assert!(applied(r#"{"a":[1]}"#, &many).unwrap_err().contains("many"));
}

#[test]
fn a_delta_is_made_only_where_it_pays() {
    let body = |text: &str| format!(r#"{{"n":1,"t":"{text}"}}"#);
    let small = body("x");
    assert!(small.len() < MIN_BODY_LEN);
    assert_eq!(generate(b"{}", small.as_bytes()), None);
    assert_eq!(generate(small.as_bytes(), small.as_bytes()), None);
    let long = body(&"word ".repeat(60));
    assert_eq!(generate(b"{}", long.as_bytes()), None);
    let changed = long.replace("\"n\":1", "\"n\":2");
    assert_eq!(
        generate(long.as_bytes(), changed.as_bytes()).as_deref(),
        Some(&br#"{"n":2}"#[..])
    );
    // Nothing in common: the deletions make the delta longer than the body.
    let keys = |prefix: char| {
        let members: Vec<String> = (0..40).map(|n| format!(r#""{prefix}{n}":{n}"#)).collect();
        format!("{{{}}}", members.join(","))
    };
    let (old, new) = (keys('a'), keys('b'));
    assert!(new.len() > MIN_BODY_LEN);
    assert_eq!(generate(old.as_bytes(), new.as_bytes()), None);
}

#[test]
fn laborious_pairs_are_given_up() {
    let nested = |inner: &str| {
        let pad = "x".repeat(20_000);
        let mut body = format!(r#"{{"v":{inner}}}"#);
        for _ in 0..60 {
            body = format!(r#"{{"a":{body}}}"#);
        }
        body.replace(
            &format!(r#"{{"v":{inner}}}"#),
            &format!(r#"{{"p":"{pad}","v":{inner}}}"#),
        )
    };
    assert_eq!(
        generate(nested("1").as_bytes(), nested("2").as_bytes()),
        None
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[a-cé𝄞\"\\\\\n]{0,8}".prop_map(Value::from),
        "[ab é]{60,90}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-d_é\"-]{0,2}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-f]{1,2}", any_value(), 0..8)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// Changes about one in three values.
fn mutate(value: &Value, seed: &mut impl Iterator<Item = u8>, fresh: &Value) -> Value {
    let dice = seed.next().unwrap_or(0) % 9;
    match (value, dice) {
        (_, 0) => fresh.clone(),
        (Value::String(text), 1..=4) => {
            let half = text.chars().count() / 2;
            let mut new: String = text.chars().take(half).collect();
            new.push_str("…inserted…");
            new.extend(text.chars().skip(half + usize::from(dice > 2)));
            Value::from(new)
        }
        (Value::Array(items), _) => {
            let kept = items.len().saturating_sub(usize::from(dice == 1));
            let mut new: Vec<Value> = items[..kept]
                .iter()
                .map(|item| mutate(item, seed, fresh))
                .collect();
            if dice == 2 {
                new.push(fresh.clone());
            }
            Value::from(new)
        }
        (Value::Object(members), _) => {
            let mut new = Map::new();
            for (key, member) in members {
                if !seed.next().unwrap_or(0).is_multiple_of(9) {
                    new.insert(key.clone(), mutate(member, seed, fresh));
                }
            }
            if dice == 3 {
                new.insert("new".into(), fresh.clone());
            }
            Value::Object(new)
        }
        (other, _) => other.clone(),
    }
}

fn canonical(value: &Value) -> Vec<u8> {
    encode_body(value.to_string().as_bytes()).unwrap().canonical
}

fn check(old: &Value, new: &Value) {
    let (old, new) = (canonical(old), canonical(new));
    let Ok(delta) = diff(&old, &new) else { return };
    let made = apply(&old, &delta).unwrap_or_else(|error| {
        let delta = String::from_utf8_lossy(&delta);
        panic!("{} + {delta}: {error}", String::from_utf8_lossy(&old))
    });
    assert_eq!(encode_body(&made).unwrap().canonical, new);
}

proptest! {
    #[test]
    fn a_delta_applied_to_its_base_gives_the_target(old in any_object(), new in any_object()) {
        check(&old, &new);
    }

    #[test]
    fn a_delta_of_a_changed_document_gives_the_changed_document(
        old in any_object(),
        fresh in any_value(),
        seed in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut new = mutate(&old, &mut seed.into_iter(), &fresh);
        if !new.is_object() {
            new = json!({ "instead": new });
        }
        check(&old, &new);
    }

    #[test]
    fn anything_applied_to_anything_is_refused_or_bounded(
        base in any_object(),
        delta in prop_oneof![
            any_value().prop_map(|value| value.to_string()),
            "[\\[\\]{}\":,0-9a-c=+|\\- ]{0,40}",
        ],
    ) {
        let base = canonical(&base);
        if let Ok(made) = apply(&base, delta.as_bytes()) {
            prop_assert!(made.len() <= base.len() + 2 * delta.len() + 2);
        }
    }
}
