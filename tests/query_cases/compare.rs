//! Comparing rows: JSON types strictly, numbers by value.

use serde_json::Value;

/// Relative difference that numbers may have.
const TOLERANCE: f64 = 1e-12;

/// Whether the rows are as expected.
pub(crate) fn same_rows(expected: &[Value], actual: &[Value], ordered: bool) -> bool {
    if expected.len() != actual.len() {
        return false;
    }
    if ordered {
        return expected.iter().zip(actual).all(|(a, b)| same(a, b));
    }
    let mut left: Vec<&Value> = actual.iter().collect();
    expected.iter().all(|row| {
        let found = left.iter().position(|candidate| same(row, candidate));
        found.map(|index| left.swap_remove(index)).is_some()
    })
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
                return a == b;
            }
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            a == b || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

#[test]
fn types_are_compared_strictly_and_numbers_by_value() {
    use serde_json::json;
    assert!(same(
        &json!({"a": [1, 0.1]}),
        &json!({"a": [1.0, 0.100_000_000_000_01]})
    ));
    assert!(!same(&json!(1), &json!(true)));
    assert!(!same(&json!({"a": null}), &json!({})));
    assert!(!same(
        &json!(9_007_199_254_740_993_i64),
        &json!(9_007_199_254_740_992_i64)
    ));
    assert!(same_rows(
        &[json!(1), json!(2)],
        &[json!(2), json!(1)],
        false
    ));
    assert!(!same_rows(
        &[json!(1), json!(2)],
        &[json!(2), json!(1)],
        true
    ));
    assert!(!same_rows(
        &[json!(1), json!(1)],
        &[json!(1), json!(2)],
        false
    ));
}
