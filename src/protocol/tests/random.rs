//! Random messages survive encoding and decoding; random bodies survive `_attachments`.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::attachments::{add_attachments, clean_received, collect_blobs};
use super::super::*;
use crate::model::BlobDigest;

fn doc_id() -> impl Strategy<Value = String> {
    "[^\0]{1,60}"
}

fn rev_id() -> impl Strategy<Value = String> {
    (1_u32.., vec(any::<u8>(), 1..21))
        .prop_map(|(generation, digest)| crate::model::RevId::new(generation, &digest).to_string())
}

fn sequence() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<u64>().prop_map(|number| number.to_string()),
        "[0-9:]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ]
}

fn change_row() -> impl Strategy<Value = ChangeRow> {
    (sequence(), doc_id(), rev_id(), 0_u32..8, 0_u64..10_000).prop_map(
        |(sequence, doc_id, rev_id, flags, body_size)| ChangeRow {
            sequence,
            doc_id,
            rev_id,
            flags,
            body_size,
        },
    )
}

fn proposed_row() -> impl Strategy<Value = ProposedRow> {
    let parent = option::of(rev_id()).prop_map(Option::unwrap_or_default);
    (doc_id(), rev_id(), parent, 0_u64..10_000).prop_map(|(doc_id, rev_id, parent, body_size)| {
        ProposedRow {
            doc_id,
            rev_id,
            parent,
            body_size,
        }
    })
}

fn rev() -> impl Strategy<Value = Rev> {
    let ids = (
        doc_id(),
        rev_id(),
        option::of(sequence()),
        option::of(rev_id()),
    );
    let rest = (
        any::<(bool, bool, bool)>(),
        vec(rev_id(), 0..5),
        vec(any::<u8>(), 0..50),
        option::of(0_u32..9),
    );
    (ids, rest).prop_map(
        |(
            (id, rev, sequence, replaced_rev),
            ((deleted, no_conflicts, no_reply), history, body, collection),
        )| {
            Rev {
                collection,
                id,
                rev,
                sequence,
                replaced_rev,
                deleted,
                history,
                no_conflicts,
                delta_src: None,
                error: None,
                body: body.into(),
                no_reply,
            }
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let collection = option::of(any::<u32>());
    let text = "[^\0]{1,20}";
    prop_oneof![
        rev().prop_map(Request::Rev),
        (collection.clone(), vec(change_row(), 0..20), any::<bool>()).prop_map(
            |(collection, rows, no_reply)| Request::Changes {
                collection,
                rows,
                no_reply
            }
        ),
        (
            collection.clone(),
            any::<bool>(),
            vec(proposed_row(), 0..20),
            any::<bool>()
        )
            .prop_map(|(collection, conflict_includes_rev, rows, no_reply)| {
                Request::ProposeChanges {
                    collection,
                    conflict_includes_rev,
                    rows,
                    no_reply,
                }
            }),
        (
            collection.clone(),
            text,
            "[^\0]{0,9}",
            vec(any::<u8>(), 0..30)
        )
            .prop_map(|(collection, client, rev, body)| Request::SetCheckpoint {
                collection,
                client,
                rev,
                body: body.into()
            }),
        (
            collection.clone(),
            option::of(sequence()),
            any::<(bool, bool, bool, bool)>(),
            1_u32..1_000,
            (option::of(text), option::of(text), option::of(text)),
            vec(("x[a-z]{1,8}", text), 0..3),
            option::of(vec(doc_id(), 0..5)),
        )
            .prop_map(
                |(
                    collection,
                    since,
                    flags,
                    batch,
                    (versioning, filter, channels),
                    params,
                    doc_ids,
                )| {
                    Request::SubChanges(SubChanges {
                        collection,
                        since,
                        continuous: flags.0,
                        batch,
                        active_only: flags.1,
                        revocations: flags.2,
                        send_replacement_revs: flags.3,
                        versioning,
                        filter_params: if filter.is_some() { params } else { Vec::new() },
                        filter,
                        channels,
                        doc_ids,
                    })
                }
            ),
        (collection, text, option::of(doc_id()), any::<bool>()).prop_map(
            |(collection, digest, doc_id, compress)| Request::GetAttachment {
                collection,
                digest,
                doc_id,
                compress
            }
        ),
    ]
}

fn changes_entry() -> impl Strategy<Value = ChangesEntry> {
    prop_oneof![
        vec(rev_id(), 0..10).prop_map(ChangesEntry::Want),
        Just(ChangesEntry::Skip),
        Just(ChangesEntry::Conflict),
        (500_i32..600).prop_map(ChangesEntry::Error),
    ]
}

fn propose_entry() -> impl Strategy<Value = ProposeEntry> {
    prop_oneof![
        Just(ProposeEntry::Accept),
        Just(ProposeEntry::Have),
        option::of(rev_id()).prop_map(ProposeEntry::Conflict),
        (500_i32..600).prop_map(ProposeEntry::Reject),
    ]
}

/// A document with blobs at random places.
fn document() -> impl Strategy<Value = Value> {
    let key = "[a-zA-Zé\"\\\\ ]{0,6}";
    let leaf = prop_oneof![
        3 => any::<i64>().prop_map(Value::from),
        3 => "[a-z_@\"\\\\é\u{1}]{0,12}".prop_map(Value::from),
        1 => Just(Value::Null),
        2 => (0_u8..4, 0_u64..9_999).prop_map(|(content, length)| json!({
            "@type": "blob",
            "digest": BlobDigest::of(&[content]).to_string(),
            "length": length,
            "content_type": "text/plain",
        })),
    ];
    let value = leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(key, value, 0..6)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn requests_come_back(request in request()) {
        prop_assert_eq!(Request::decode(request.clone().encode()).unwrap(), request);
    }

    #[test]
    fn replies_come_back(
        changes in vec(changes_entry(), 0..20),
        proposals in vec(propose_entry(), 0..20),
        max_history in option::of(any::<u32>()),
        (blobs, deltas) in any::<(bool, bool)>(),
    ) {
        let reply = ChangesReply { max_history, blobs, deltas, entries: changes };
        let decoded = ChangesReply::decode(&reply.encode(), reply.entries.len()).unwrap();
        prop_assert_eq!(decoded, reply);
        let reply = ProposeReply { max_history, blobs, deltas, entries: proposals };
        let decoded = ProposeReply::decode(&reply.encode(), reply.entries.len()).unwrap();
        prop_assert_eq!(decoded, reply);
    }

    #[test]
    fn attachments_added_are_taken_out_again(document in document(), spaces in any::<bool>()) {
        let body = if spaces {
            serde_json::to_vec_pretty(&document).unwrap()
        } else {
            serde_json::to_vec(&document).unwrap()
        };
        let added = add_attachments(&body, Some(2)).unwrap();
        let sent: Value = serde_json::from_slice(&added).unwrap();
        let blobs = collect_blobs(&body).unwrap();
        let entries = sent.get("_attachments").and_then(Value::as_object);
        prop_assert_eq!(entries.is_some(), !blobs.is_empty());
        for (_, entry) in entries.into_iter().flatten() {
            prop_assert!(entry["stub"] == true && entry["revpos"] == 2);
            prop_assert!(entry.get("@type").is_none());
        }
        let clean = clean_received(Bytes::from(added)).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&clean.body).unwrap(), document);
        prop_assert_eq!(clean.blobs, blobs);
        prop_assert!(clean.unlisted.is_empty());
    }

    #[test]
    fn texts_near_json_never_panic(text in "[{}\\[\\]\",:_@a\\\\u0 ]{0,40}") {
        let _ = clean_received(Bytes::from(text.clone().into_bytes()));
        let _ = add_attachments(text.as_bytes(), None);
        let _ = collect_blobs(text.as_bytes());
    }
}
