//! A random workload agrees with a plain model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use settee::database::Concurrency;

use super::support::{Fixture, default, doc_id};

#[derive(Clone, Debug)]
enum Operation {
    Save { id: u8, value: u16, careful: bool },
    Delete { id: u8 },
    Purge { id: u8 },
    Reopen,
    Check { id: u8 },
}

fn operation() -> impl Strategy<Value = Operation> {
    let id = 0..12_u8;
    prop_oneof![
        8 => (id.clone(), any::<u16>(), any::<bool>())
            .prop_map(|(id, value, careful)| Operation::Save { id, value, careful }),
        3 => id.clone().prop_map(|id| Operation::Delete { id }),
        2 => id.clone().prop_map(|id| Operation::Purge { id }),
        1 => Just(Operation::Reopen),
        3 => id.prop_map(|id| Operation::Check { id }),
    ]
}

/// What the model knows of a document: its value, or that it is a tombstone, and its generation.
type Model = BTreeMap<u8, (Option<u16>, u32)>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_random_workload_agrees_with_a_map(operations in prop::collection::vec(operation(), 1..120)) {
        let mut fixture = Fixture::new();
        let mut model = Model::new();
        let mut sequence = 0;
        for operation in operations {
            match operation {
                Operation::Save { id, value, careful } => {
                    let known = model.get(&id).copied();
                    let conflict = careful && matches!(known, Some((Some(_), _)));
                    let concurrency = if careful {
                        Concurrency::FailOnConflict
                    } else {
                        Concurrency::LastWriteWins
                    };
                    let saved = fixture.database.write(|tx| {
                        tx.save(
                            &default(),
                            Some(doc_id(&format!("d{id}"))),
                            format!(r#"{{"v":{value}}}"#).as_bytes(),
                            Vec::new(),
                            concurrency,
                        )
                    }).unwrap();
                    prop_assert_eq!(saved.conflict, conflict);
                    if !conflict {
                        sequence += 1;
                        let generation = known.map_or(1, |(_, generation)| generation + 1);
                        prop_assert_eq!(saved.sequence.0, sequence);
                        prop_assert_eq!(saved.rev_id.generation(), generation);
                        model.insert(id, (Some(value), generation));
                    }
                }
                Operation::Delete { id } => {
                    let deleted = fixture
                        .database
                        .write(|tx| tx.delete(&default(), &doc_id(&format!("d{id}"))));
                    if let Some((value @ Some(_), generation)) = model.get_mut(&id) {
                        sequence += 1;
                        *value = None;
                        *generation += 1;
                        prop_assert_eq!(deleted.unwrap().sequence.0, sequence);
                    } else {
                        prop_assert!(deleted.is_err());
                    }
                }
                Operation::Purge { id } => {
                    let purged = fixture
                        .database
                        .write(|tx| tx.purge(&default(), &doc_id(&format!("d{id}"))));
                    prop_assert_eq!(purged.is_ok(), model.remove(&id).is_some());
                }
                Operation::Reopen => fixture.reopen(),
                Operation::Check { id } => {
                    let expected = model
                        .get(&id)
                        .and_then(|(value, _)| *value)
                        .map(|value| format!(r#"{{"v":{value}}}"#));
                    prop_assert_eq!(fixture.body(&format!("d{id}")), expected);
                }
            }
        }
        let live = model.values().filter(|(value, _)| value.is_some()).count() as u64;
        prop_assert_eq!(fixture.database.read(|tx| tx.count(&default())).unwrap(), live);
        let (changes, last) = fixture
            .database
            .read(|tx| tx.changes(&default(), settee::model::Sequence(0), 1000, None, None))
            .unwrap();
        prop_assert_eq!(last.0, sequence);
        prop_assert_eq!(changes.len(), model.len());
        prop_assert!(changes.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    }
}
