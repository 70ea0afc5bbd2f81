//! Each message of wire §3: written as LiteCore does, read leniently, refused with the right error.

use bytes::Bytes;

use super::super::*;
use crate::blip::{Message, Properties};
use crate::error::{Error, Result};

fn message(pairs: &[(&str, &str)], body: &str) -> Message {
    Message {
        properties: pairs.iter().copied().collect(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Message::default()
    }
}

fn decode(pairs: &[(&str, &str)], body: &str) -> Result<Request> {
    Request::decode(message(pairs, body))
}

/// Properties as `key=value` words, then flags, then the body.
fn shown(message: &Message) -> String {
    let mut words: Vec<String> = (message.properties.iter())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    for (flag, word) in [
        (message.compressed, "+Z"),
        (message.urgent, "+U"),
        (message.no_reply, "+N"),
    ] {
        if flag {
            words.push(word.to_owned());
        }
    }
    words.push(String::from_utf8_lossy(&message.body).into_owned());
    words.join(" ").trim_end().to_owned()
}

fn blip(error: &Error) -> (&str, i32, &str) {
    let (domain, code) = error.to_blip();
    (domain, code, error.message())
}

fn row(doc_id: &str, flags: u32, body_size: u64) -> ChangeRow {
    ChangeRow {
        sequence: "7".into(),
        doc_id: doc_id.into(),
        rev_id: "1-abcd".into(),
        flags,
        body_size,
    }
}

#[test]
fn requests_are_written_as_litecore_writes_them() {
    let collection = Some(0);
    let cases = [
        (
            Request::GetCollections {
                checkpoint_ids: vec!["cp-a".into(), "cp-b".into()],
                collections: vec!["inventory.hotels".into(), "_default".into()],
            },
            r#"Profile=getCollections {"checkpoint_ids":["cp-a","cp-b"],"collections":["inventory.hotels","_default"]}"#,
        ),
        (
            Request::GetCheckpoint {
                collection: None,
                client: "cp-a".into(),
            },
            "Profile=getCheckpoint client=cp-a",
        ),
        (
            Request::SetCheckpoint {
                collection,
                client: "cp-a".into(),
                rev: String::new(),
                body: r#"{"time":1,"local":2}"#.into(),
            },
            r#"Profile=setCheckpoint collection=0 client=cp-a rev= {"time":1,"local":2}"#,
        ),
        (
            Request::SubChanges(SubChanges {
                collection,
                since: Some("\"12:34\"".into()),
                continuous: true,
                batch: 0,
                active_only: true,
                revocations: true,
                send_replacement_revs: true,
                versioning: Some("rev-trees".into()),
                filter: Some(BY_CHANNEL.into()),
                channels: Some("a,b".into()),
                filter_params: vec![("x".into(), "y".into())],
                doc_ids: Some(vec!["d\"1".into(), "é".into()]),
            }),
            r#"Profile=subChanges collection=0 since="12:34" continuous=true batch=200 sendReplacementRevs=true versioning=rev-trees activeOnly=true revocations=true filter=sync_gateway/bychannel channels=a,b x=y {"docIDs":["d\"1","é"]}"#,
        ),
        (
            Request::Changes {
                collection,
                rows: vec![
                    row("a", 0, 0),
                    row("b", 1, 0),
                    row("c", 0, 9),
                    row("d", 1, 9),
                    row("e", 4, 0),
                ],
                no_reply: false,
            },
            r#"Profile=changes collection=0 +Z +U [[7,"a","1-abcd"],[7,"b","1-abcd",true],[7,"c","1-abcd",false,9],[7,"d","1-abcd",true,9],[7,"e","1-abcd",4]]"#,
        ),
        (
            Request::Changes {
                collection: None,
                rows: Vec::new(),
                no_reply: true,
            },
            "Profile=changes +N []",
        ),
        (
            Request::ProposeChanges {
                collection,
                conflict_includes_rev: true,
                rows: vec![
                    ProposedRow {
                        doc_id: "a".into(),
                        rev_id: "2-abcd".into(),
                        parent: "1-abcd".into(),
                        body_size: 16,
                    },
                    ProposedRow {
                        doc_id: "b".into(),
                        rev_id: "1-abcd".into(),
                        ..ProposedRow::default()
                    },
                ],
                no_reply: false,
            },
            r#"Profile=proposeChanges collection=0 conflictIncludesRev=true +Z +U [["a","2-abcd","1-abcd",16],["b","1-abcd",""]]"#,
        ),
        (
            Request::ProposeChanges {
                collection: None,
                conflict_includes_rev: true,
                rows: Vec::new(),
                no_reply: true,
            },
            "Profile=proposeChanges conflictIncludesRev=true +U +N []",
        ),
        (
            Request::Rev(Rev {
                collection,
                id: "d".into(),
                rev: "3-cc".into(),
                sequence: Some("9".into()),
                replaced_rev: Some("2-ab".into()),
                deleted: true,
                history: vec!["2-bb".into(), "1-aa".into()],
                no_conflicts: true,
                body: "{}".into(),
                ..Rev::default()
            }),
            "Profile=rev collection=0 id=d rev=3-cc replacedRev=2-ab sequence=9 deleted=1 history=2-bb,1-aa noconflicts=1 +Z {}",
        ),
        (
            Request::NoRev(NoRev {
                collection: None,
                id: "d".into(),
                rev: "1-aa".into(),
                sequence: Some("9".into()),
                error: 404,
                reason: None,
                no_reply: true,
            }),
            "Profile=norev id=d rev=1-aa sequence=9 error=404 +N",
        ),
        (
            Request::GetAttachment {
                collection,
                digest: "sha1-x".into(),
                doc_id: Some("d".into()),
                compress: true,
            },
            "Profile=getAttachment collection=0 digest=sha1-x docID=d compress=true",
        ),
        (
            Request::ProveAttachment {
                collection,
                digest: "sha1-x".into(),
                nonce: "abc".into(),
            },
            "Profile=proveAttachment collection=0 digest=sha1-x abc",
        ),
        (
            Request::UnsubChanges {
                collection: Some(3),
            },
            "Profile=unsubChanges collection=3",
        ),
    ];
    for (request, expected) in cases {
        let encoded = request.clone().encode();
        assert_eq!(shown(&encoded), expected);
        let mut again = request;
        if let Request::SubChanges(sub) = &mut again {
            sub.batch = DEFAULT_BATCH;
        }
        assert_eq!(
            again.collection(),
            Request::decode(encoded.clone()).unwrap().collection()
        );
        assert_eq!(Request::decode(encoded).unwrap(), again);
    }
}

#[test]
fn booleans_are_read_leniently() {
    for (text, expected) in [
        ("true", true),
        ("YES", true),
        ("1", true),
        ("-3", true),
        ("false", false),
        ("No", false),
        ("0", false),
        ("", false),
        ("x", false),
    ] {
        let request = decode(&[("Profile", "subChanges"), ("continuous", text)], "").unwrap();
        let Request::SubChanges(sub) = request else {
            panic!()
        };
        assert_eq!(sub.continuous, expected, "{text:?}");
    }
}

#[test]
fn an_empty_changes_list_may_be_null_or_nothing() {
    for body in ["", "null", " [] ", "[]"] {
        for profile in ["changes", "proposeChanges"] {
            match decode(&[("Profile", profile)], body).unwrap() {
                Request::Changes { rows, .. } => assert!(rows.is_empty()),
                Request::ProposeChanges { rows, .. } => assert!(rows.is_empty()),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn rows_of_changes_are_read_as_sync_gateway_and_litecore_write_them() {
    let body = r#"[[1,"a","1-aa"],["12:34","b","2-bb",true],[ "10::34" ,"c","3-cc",5, 7, "x"],[4.5,"d","1-dd",false,100],[null,"\u00e9\"","1-ee",null]]"#;
    let Request::Changes { rows, .. } = decode(&[("Profile", "changes")], body).unwrap() else {
        panic!()
    };
    let told: Vec<_> = (rows.iter())
        .map(|row| {
            (
                &*row.sequence,
                &*row.doc_id,
                &*row.rev_id,
                row.flags,
                row.body_size,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("1", "a", "1-aa", 0, 0),
            ("\"12:34\"", "b", "2-bb", 1, 0),
            ("\"10::34\"", "c", "3-cc", 5, 7),
            ("4.5", "d", "1-dd", 0, 100),
            ("null", "é\"", "1-ee", 0, 0),
        ]
    );
}

#[test]
fn lists_that_are_no_lists_of_rows_are_refused_with_blip_400() {
    for body in [
        "{}",
        "7",
        "[[1,\"a\"]]",
        "[1]",
        "[[1,2,3]]",
        "[[[1],\"a\",\"1-aa\"]]",
        "[[1,\"a\",\"1-aa\"]",
        "\u{0}",
    ] {
        let error = decode(&[("Profile", "changes")], body).unwrap_err();
        assert_eq!(blip(&error), ("BLIP", 400, "Invalid JSON body"), "{body}");
    }
    let many = format!(
        "[{}[1,\"a\",\"1-aa\"]]",
        "[1,\"a\",\"1-aa\"],".repeat(MAX_ROWS)
    );
    let error = decode(&[("Profile", "changes")], &many).unwrap_err();
    assert_eq!(blip(&error), ("BLIP", 400, "list has more than 50000 rows"));
}

#[test]
fn a_bad_id_in_any_row_refuses_the_whole_list() {
    let long = "x".repeat(256);
    for row in [
        "[2,\"\",\"1-aa\"]".to_owned(),
        format!("[2,\"{long}\",\"1-aa\"]"),
        "[2,\"b\",\"1-AA\"]".into(),
        "[2,\"b\",\"1@*\"]".into(),
    ] {
        let error = decode(
            &[("Profile", "changes")],
            &format!("[[1,\"a\",\"1-aa\"],{row}]"),
        )
        .unwrap_err();
        let (domain, code, text) = blip(&error);
        assert_eq!((domain, code), ("LiteCore", 26));
        assert!(text.starts_with("Invalid docID/revID '"), "{text}");
        assert!(text.len() < 300);
    }
    for row in ["[\"b\",\"\"]", "[\"b\",\"1-aa\",\"x\"]"] {
        let body = format!("[{row}]");
        let error = decode(&[("Profile", "proposeChanges")], &body).unwrap_err();
        assert_eq!(error.to_blip(), ("LiteCore", 26));
    }
}

#[test]
fn parents_of_proposals_may_be_left_out() {
    let body = r#"[["a","1-aa"],["b","2-bb",""],["c","2-bb","1-aa",9],["d","1-aa",null]]"#;
    let request = decode(
        &[("Profile", "proposeChanges"), ("conflictIncludesRev", "1")],
        body,
    );
    let Request::ProposeChanges {
        rows,
        conflict_includes_rev,
        ..
    } = request.unwrap()
    else {
        panic!()
    };
    assert!(conflict_includes_rev);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&*row.parent, row.body_size))
        .collect();
    assert_eq!(told, [("", 0), ("", 0), ("1-aa", 9), ("", 0)]);
}

#[test]
fn replies_to_changes_and_to_proposals_have_opposite_defaults() {
    let reply = message(&[("maxHistory", "20"), ("blobs", "true")], "[]");
    let changes = ChangesReply::decode(&reply, 2).unwrap();
    assert_eq!(changes.entries, [ChangesEntry::Skip, ChangesEntry::Skip]);
    assert_eq!(
        (changes.max_history, changes.blobs, changes.deltas),
        (Some(20), true, false)
    );
    let proposals = ProposeReply::decode(&reply, 2).unwrap();
    assert_eq!(
        proposals.entries,
        [ProposeEntry::Accept, ProposeEntry::Accept]
    );
    assert_eq!(changes.encode().body, "[]");
    assert_eq!(proposals.encode().body, "[]");
}

#[test]
fn replies_to_changes_are_written_and_read() {
    let reply = ChangesReply {
        max_history: Some(20),
        blobs: true,
        deltas: true,
        entries: vec![
            ChangesEntry::Want(Vec::new()),
            ChangesEntry::Skip,
            ChangesEntry::Want(vec!["2-bb".into(), "1-aa".into()]),
            ChangesEntry::Conflict,
            ChangesEntry::Error(500),
            ChangesEntry::Skip,
        ],
    };
    let encoded = reply.encode();
    assert_eq!(
        shown(&encoded),
        r#"maxHistory=20 blobs=true deltas=true +Z [[],0,["2-bb","1-aa"],409,500]"#
    );
    assert_eq!(ChangesReply::decode(&encoded, 6).unwrap(), reply);
    let nulls = ChangesReply::decode(&message(&[], "[null,304,[]]"), 2).unwrap();
    assert_eq!(nulls.entries, [ChangesEntry::Skip, ChangesEntry::Skip]);
}

#[test]
fn replies_to_proposals_are_written_and_read() {
    let reply = ProposeReply {
        max_history: None,
        blobs: false,
        deltas: false,
        entries: vec![
            ProposeEntry::Accept,
            ProposeEntry::Have,
            ProposeEntry::Conflict(None),
            ProposeEntry::Conflict(Some("2-bb".into())),
            ProposeEntry::Reject(403),
            ProposeEntry::Accept,
        ],
    };
    let encoded = reply.encode();
    assert_eq!(
        shown(&encoded),
        r#"+Z [0,304,409,{"status":409,"rev":"2-bb"},403]"#
    );
    assert_eq!(ProposeReply::decode(&encoded, 6).unwrap(), reply);
}

#[test]
fn replies_that_are_no_lists_of_answers_are_remote_errors() {
    for body in ["{}", "[{}]", "[\"x\"]", "[[1]]", "[true]", "[1.5]", "7"] {
        let error = ChangesReply::decode(&message(&[], body), 1).unwrap_err();
        assert_eq!(error.code(), 26, "{body}");
    }
    for body in ["{}", "[{}]", "[\"x\"]", "[[]]", "[true]"] {
        let error = ProposeReply::decode(&message(&[], body), 1).unwrap_err();
        assert_eq!(error.code(), 26, "{body}");
    }
    assert!(ChangesReply::decode(&message(&[], "null"), 1).is_ok());
    assert!(ProposeReply::decode(&message(&[], ""), 1).is_ok());
}

#[test]
fn bad_get_collections_are_refused_with_the_texts_of_litecore() {
    for (body, why) in [
        ("", "no root"),
        ("[]", "no checkpoint_ids"),
        ("{}", "no checkpoint_ids"),
        (r#"{"checkpoint_ids":["a"]}"#, "no collections"),
        (
            r#"{"checkpoint_ids":[],"collections":[]}"#,
            "no collections",
        ),
        (
            r#"{"checkpoint_ids":["a"],"collections":["a","b"]}"#,
            "mismatched checkpoint_ids and collections",
        ),
        (
            r#"{"checkpoint_ids":["a"],"collections":[""]}"#,
            "empty collection path",
        ),
        (
            r#"{"checkpoint_ids":["a","b"],"collections":["x","_default.x"]}"#,
            "duplicate collection path _default.x",
        ),
    ] {
        let error = decode(&[("Profile", "getCollections")], body).unwrap_err();
        let text = format!("Invalid getCollections message: {why}");
        if body != "[]" {
            assert_eq!(blip(&error), ("BLIP", 400, &*text), "{body}");
        }
        assert_eq!(error.to_blip(), ("BLIP", 400));
    }
}

#[test]
fn replies_to_get_collections_are_written_with_both_names_of_rev_and_read_with_either() {
    let entries = [
        CollectionReply::Missing,
        CollectionReply::Exists { checkpoint: None },
        CollectionReply::Exists {
            checkpoint: Some(("1-cc".into(), r#"{"time":1,"local":2}"#.into())),
        },
        CollectionReply::Exists {
            checkpoint: Some(("2-cc".into(), "{}".into())),
        },
    ];
    let encoded = CollectionReply::encode_all(&entries).unwrap();
    assert_eq!(
        encoded.body,
        concat!(
            r#"[null,{},{"rev":"1-cc","_rev":"1-cc","time":1,"local":2},"#,
            r#"{"rev":"2-cc","_rev":"2-cc"}]"#
        )
    );
    assert_eq!(CollectionReply::decode_all(&encoded, 4).unwrap(), entries);
    let gateway = message(&[], r#"[{"_rev":"0-1","local":3,"time":1795323412}]"#);
    assert_eq!(
        CollectionReply::decode_all(&gateway, 1).unwrap(),
        [CollectionReply::Exists {
            checkpoint: Some(("0-1".into(), r#"{"local":3,"time":1795323412}"#.into()))
        }]
    );
    for (body, count) in [
        ("[]", 1),
        ("{}", 0),
        ("[7]", 1),
        ("[null,null]", 1),
        ("", 1),
    ] {
        let error = CollectionReply::decode_all(&message(&[], body), count).unwrap_err();
        assert_eq!(error.code(), 26, "{body}");
    }
}

#[test]
fn checkpoint_replies_tell_the_revision_by_property_or_in_the_body() {
    let reply = CheckpointReply {
        rev: "1-cc".into(),
        body: r#"{"local":1.50}"#.into(),
    };
    let encoded = reply.clone().encode();
    assert_eq!(shown(&encoded), r#"rev=1-cc {"local":1.50}"#);
    assert_eq!(CheckpointReply::decode(&encoded).unwrap(), reply);
    let python = message(&[], r#"{"_rev":"0-1","local":1.50}"#);
    let decoded = CheckpointReply::decode(&python).unwrap();
    assert_eq!(
        (&*decoded.rev, &*decoded.body),
        ("0-1", &br#"{"local":1.50}"#[..])
    );
    assert!(
        CheckpointReply::decode(&message(&[("rev", "2-cc")], ""))
            .unwrap()
            .body
            .is_empty()
    );
    for body in ["", "[]", "{}", "{"] {
        assert_eq!(
            CheckpointReply::decode(&message(&[], body))
                .unwrap_err()
                .code(),
            26
        );
    }
}

#[test]
fn requests_without_what_they_need_are_refused() {
    for (pairs, expected) in [
        (
            &[("Profile", "getCheckpoint")][..],
            ("BLIP", 400, "missing checkpoint ID"),
        ),
        (
            &[("Profile", "setCheckpoint"), ("client", "")],
            ("BLIP", 400, "missing checkpoint ID"),
        ),
        (
            &[("Profile", "getAttachment")],
            ("LiteCore", 9, "missing blob digest"),
        ),
        (
            &[("Profile", "proveAttachment"), ("digest", "sha1-x")],
            ("BLIP", 400, "Missing nonce"),
        ),
        (
            &[("Profile", "rev"), ("collection", "x")],
            ("HTTP", 400, "bad value \"x\" of the collection property"),
        ),
    ] {
        assert_eq!(blip(&decode(pairs, "").unwrap_err()), expected);
    }
    let long = "n".repeat(256);
    let error = decode(&[("Profile", "proveAttachment"), ("digest", "d")], &long).unwrap_err();
    assert_eq!(
        blip(&error),
        ("BLIP", 400, "nonce is 256 bytes, limit is 255")
    );
    let error = decode(&[("Profile", "subChanges")], "{\"docIDs\":7}").unwrap_err();
    assert_eq!(blip(&error), ("HTTP", 400, "Invalid subChanges parameters"));
}

#[test]
fn an_unknown_profile_has_no_handler() {
    let request = decode(&[("Profile", "getRev")], "").unwrap();
    assert_eq!(
        request,
        Request::Unknown {
            profile: "getRev".into()
        }
    );
    assert_eq!(
        decode(&[], "").unwrap(),
        Request::Unknown {
            profile: String::new()
        }
    );
    assert_eq!(blip(&no_handler()), ("BLIP", 404, "no handler for message"));
}

fn rev(pairs: &[(&str, &str)]) -> Rev {
    let properties: Properties = [("Profile", "rev")].iter().chain(pairs).copied().collect();
    match Request::decode(Message::with_properties(properties)).unwrap() {
        Request::Rev(rev) => rev,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_rev_is_read_and_then_refused_as_litecore_refuses_it() {
    let good = rev(&[
        ("id", "d"),
        ("rev", "3-cc"),
        ("history", "2-bb,1-aa"),
        ("deleted", "true"),
    ]);
    let ids = good.ids().unwrap();
    assert_eq!(ids.history.len(), 2);
    assert!(good.deleted);
    for (pairs, expected) in [
        (
            &[("rev", "1-aa")][..],
            ("HTTP", 400, "received invalid docID ''"),
        ),
        (
            &[("id", "_x"), ("rev", "1-aa")],
            ("HTTP", 400, "received invalid docID '_x'"),
        ),
        (
            &[("id", "d")],
            ("HTTP", 400, "received invalid revision ID ''"),
        ),
        (
            &[("id", "d"), ("rev", "1@*")],
            ("HTTP", 400, "received invalid revision ID '1@*'"),
        ),
        (
            &[("id", "d"), ("rev", "3-cc"), ("history", "2-bb, 1-aa")],
            ("LiteCore", 4, "bad revision ID \" 1-aa\""),
        ),
    ] {
        assert_eq!(blip(&rev(pairs).ids().unwrap_err()), expected);
    }
}

#[test]
fn a_history_has_at_most_a_thousand_entries() {
    let history = |len: usize| vec!["1-aa"; len].join(",");
    let exact = rev(&[("id", "d"), ("rev", "3-cc"), ("history", &history(1_000))]);
    assert_eq!(exact.ids().unwrap().history.len(), 1_000);
    let more = rev(&[("id", "d"), ("rev", "3-cc"), ("history", &history(20_000))]);
    assert_eq!(more.history.len(), 1_001);
    assert_eq!(
        blip(&more.ids().unwrap_err()),
        ("LiteCore", 4, "history has more than 1000 revision IDs")
    );
}

#[test]
fn norev_of_sync_gateway_is_read() {
    let pairs = [
        ("reason", "gone"),
        ("seq", "\"12:5\""),
        ("error", "404"),
        ("rev", "1-aa"),
        ("id", "d"),
        ("Profile", "norev"),
    ];
    let Request::NoRev(no_rev) = decode(&pairs, "").unwrap() else {
        panic!()
    };
    assert_eq!(no_rev.sequence.as_deref(), Some("\"12:5\""));
    assert_eq!(
        (no_rev.error, no_rev.reason.as_deref()),
        (404, Some("gone"))
    );
}

#[test]
fn strings_are_written_with_the_escapes_that_json_needs() {
    let nasty = "q\" b\\ \n\r\t \u{1}\u{1f} é 😀 /";
    let mut out = Vec::new();
    json::write_string(nasty, &mut out);
    assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), nasty);
}
