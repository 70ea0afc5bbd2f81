//! Random documents and edits: a query answers the same with array indexes and without.

use proptest::prelude::*;
use serde_json::{Value, json};
use settee::database::{Database, Maintenance};
use settee::error::Code;

use super::array_indexes::{create, plan, rows};
use super::support::{Fixture, default, doc_id, save};

fn element() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        (-2_i64..3).prop_map(|n| json!(n as f64 / 2.0)),
        "[abA]{0,2}".prop_map(Value::from),
    ];
    scalar.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[kn]", inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

#[derive(Clone, Debug)]
enum Edit {
    Save(u8, Option<Value>),
    Delete(u8),
    Purge(u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let array = prop_oneof![
        6 => prop::collection::vec(element(), 0..5).prop_map(|all| Some(Value::from(all))),
        2 => element().prop_map(Some),
        1 => Just(None),
    ];
    prop_oneof![
        6 => (0_u8..6, array).prop_map(|(id, array)| Edit::Save(id, array)),
        1 => (0_u8..6).prop_map(Edit::Delete),
        1 => (0_u8..6).prop_map(Edit::Purge),
    ]
}

fn apply(database: &Database, edit: &Edit) {
    let id = |n: &u8| doc_id(&format!("d{n}"));
    let done = database.write(|tx| match edit {
        Edit::Save(n, array) => {
            let mut body = json!({"n": n});
            if let Some(array) = array {
                body["a"] = array.clone();
            }
            save(tx, &id(n), &body.to_string()).map(|_| ())
        }
        Edit::Delete(n) => tx.delete(&default(), &id(n)).map(|_| ()),
        Edit::Purge(n) => tx.purge(&default(), &id(n)).map(|_| ()),
    });
    // What is not there cannot be removed.
    assert!(done.is_ok() || done.is_err_and(|error| error.is(Code::NotFound)));
}

fn uses_index(plan: &str) -> bool {
    let names = ["element", "k", "lower", "nested", "deep"];
    names.iter().any(|name| {
        let ends = [" ", "\n", ""].map(|end| format!("ING INDEX {name}{end}"));
        plan.contains(&ends[0]) || plan.contains(&ends[1]) || plan.ends_with(&ends[2])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn queries_answer_the_same_with_and_without_indexes(
        edits in prop::collection::vec(edit(), 1..25),
        made_after in 0_usize..25,
    ) {
        let (plain, indexed) = (Fixture::new(), Fixture::new());
        let make = |name: &str, items| create(&indexed.database, name, "a", items).unwrap();
        for (step, edit) in edits.iter().enumerate() {
            if step == made_after.min(edits.len() - 1) {
                make("element", None);
                make("k", Some("k, n"));
                make("lower", Some("LOWER(a)"));
                create(&indexed.database, "nested", "a[].k", None).unwrap();
                create(&indexed.database, "deep", "a[].k[].n", None).unwrap();
            }
            apply(&plain.database, edit);
            apply(&indexed.database, edit);
        }
        for condition in [
            "a = 1", "a = true", "a = 'a'", "a IS NULL", "a > 0", "a <= 'a'", "a IN (0, '', false)",
            "a.k = 1", "a.k IS NULL AND a.n = 0", "a.k IS MISSING", "LOWER(a) = 'a'",
            "a = [] OR a = {}", "a BETWEEN -1 AND 'b'", "a = 0 AND d.n < 3",
            "a >= 'a' AND META(d).deleted IS NOT NULL",
        ] {
            let text = format!(
                "SELECT META(d).id, d.n, a, a.k FROM _ d UNNEST d.a a WHERE {condition}"
            );
            prop_assert!(uses_index(&plan(&indexed.database, &text)), "{}", text);
            let sorted = |fixture: &Fixture| {
                let mut found = rows(&fixture.database, &text);
                found.sort_by_key(Value::to_string);
                found
            };
            prop_assert_eq!(sorted(&plain), sorted(&indexed), "{}", text);
            let ordered = format!("{text} ORDER BY a, META(d).id, a.k LIMIT 4");
            prop_assert_eq!(rows(&plain.database, &ordered), rows(&indexed.database, &ordered));
        }
        for (unnest, condition) in [
            ("UNNEST a.k b", "b = 1"),
            ("UNNEST a.k b", "b >= 'a' AND a.n IS MISSING"),
            ("UNNEST a.k b", "b IS NULL OR b < 1"),
            ("UNNEST a.k b", "a > [] AND b <= 1"),
            ("UNNEST a.k b UNNEST b.n c", "c > 0"),
            ("UNNEST a.k b UNNEST b.n c", "b >= [] AND c IS NULL"),
        ] {
            let text = format!(
                "SELECT META(d).id, a, b, d.n FROM _ d UNNEST d.a a {unnest} WHERE {condition}"
            );
            let plan = plan(&indexed.database, &text);
            prop_assert!(uses_index(&plan), "{}\n{}", text, plan);
            let sorted = |fixture: &Fixture| {
                let mut found = rows(&fixture.database, &text);
                found.sort_by_key(Value::to_string);
                found
            };
            prop_assert_eq!(sorted(&plain), sorted(&indexed), "{}", text);
        }
        let maintained = indexed.database.perform_maintenance(Maintenance::IntegrityCheck);
        prop_assert!(maintained.is_ok());
    }
}
