//! Revisions, feeds and verdicts, as a replicator uses them (wire spec §3.7, §3.8, §5.3, §8.5).

use bytes::Bytes;
use settee::database::Database;
use settee::error::Code;
use settee::model::replication::{
    ChangeVerdict, ConflictPolicy, IncomingRevision, InsertOutcome, ProposalVerdict, RemoteId,
    RevisionRequest,
};
use settee::model::{RevId, Sequence};

use super::support::{Fixture, default, doc_id, rev};

const REMOTE: RemoteId = RemoteId(1);

fn incoming(id: &str, revisions: &[&str], deleted: bool, body: &str) -> IncomingRevision {
    IncomingRevision {
        doc_id: doc_id(id),
        rev_id: rev(revisions[0]),
        history: revisions[1..].iter().map(|text| rev(text)).collect(),
        deleted,
        body: Bytes::from(body.to_owned()),
    }
}

fn insert(
    database: &Database,
    revision: IncomingRevision,
    policy: ConflictPolicy,
) -> InsertOutcome {
    let mut outcomes = database
        .write(|tx| tx.insert_revisions(&default(), vec![revision], policy, Some(REMOTE)))
        .unwrap();
    outcomes.remove(0)
}

fn history(database: &Database, id: &str, rev_id: &RevId) -> Vec<RevId> {
    let request = RevisionRequest {
        doc_id: doc_id(id),
        rev_id: rev_id.clone(),
        known: Vec::new(),
        max_history: 20,
        delta: false,
    };
    database
        .read(|tx| tx.read_revisions(&default(), &[request]))
        .unwrap()
        .remove(0)
        .unwrap()
        .history
}

#[test]
fn a_pulled_revision_keeps_its_history_and_its_remote() {
    let fixture = Fixture::new();
    let pulled = incoming("a", &["3-cc", "2-bb", "1-aa"], false, r#"{"n":3}"#);
    let db = &fixture.database;
    let policy = ConflictPolicy::ResolveByDefault;
    assert_eq!(insert(db, pulled.clone(), policy), InsertOutcome::Inserted);
    assert_eq!(insert(db, pulled, policy), InsertOutcome::AlreadyHad);
    assert_eq!(fixture.get("a").unwrap().rev_id, rev("3-cc"));
    assert_eq!(history(db, "a", &rev("3-cc")), [rev("2-bb"), rev("1-aa")]);
    let (changes, last) = db
        .read(|tx| tx.changes(&default(), Sequence(0), 10, None, Some(REMOTE)))
        .unwrap();
    assert_eq!((changes.len(), last), (1, Sequence(1)));
    assert_eq!(changes[0].remote_ancestor, Some(rev("3-cc")));

    let saved = fixture.save("a", r#"{"n":4}"#);
    let (changes, _) = db
        .read(|tx| tx.changes(&default(), Sequence(1), 10, None, Some(REMOTE)))
        .unwrap();
    assert_eq!(changes[0].rev_id, saved.rev_id);
    assert_eq!(changes[0].remote_ancestor, Some(rev("3-cc")));
    db.write(|tx| {
        tx.mark_remote_ancestor(&default(), REMOTE, &[(doc_id("a"), saved.rev_id.clone())])
    })
    .unwrap();
    let (changes, _) = db
        .read(|tx| tx.changes(&default(), Sequence(1), 10, None, Some(REMOTE)))
        .unwrap();
    assert_eq!(changes[0].remote_ancestor, Some(saved.rev_id));
}

#[test]
fn a_bad_revision_fails_alone() {
    let fixture = Fixture::new();
    let revisions = vec![
        incoming("a", &["1-aa"], false, "{}"),
        incoming("b", &["3-aa", "1-bb"], false, "{}"),
        incoming("c", &["1-aa"], false, "[]"),
        incoming("d", &["1-aa"], true, "{}"),
    ];
    let outcomes = fixture
        .database
        .write(|tx| {
            tx.insert_revisions(&default(), revisions, ConflictPolicy::Refuse, Some(REMOTE))
        })
        .unwrap();
    assert_eq!(outcomes[0], InsertOutcome::Inserted);
    assert!(matches!(&outcomes[1], InsertOutcome::Failed(e) if e.is(Code::BadRevisionId)));
    assert!(matches!(&outcomes[2], InsertOutcome::Failed(e) if e.is(Code::InvalidParameter)));
    assert_eq!(outcomes[3], InsertOutcome::Inserted);
    let last = fixture
        .database
        .read(|tx| tx.last_sequence(&default()))
        .unwrap();
    assert_eq!(last, Sequence(2));
}

#[test]
fn a_passive_side_refuses_conflicts() {
    let fixture = Fixture::new();
    let saved = fixture.save("a", r#"{"n":1}"#);
    let db = &fixture.database;
    let refused = insert(
        db,
        incoming("a", &["2-bb", "1-aa"], false, "{}"),
        ConflictPolicy::Refuse,
    );
    assert!(matches!(refused, InsertOutcome::Failed(e) if e.code() == 10_409));
    let child = incoming("a", &["2-bb", saved.rev_id.as_str()], false, r#"{"n":2}"#);
    assert_eq!(
        insert(db, child, ConflictPolicy::Refuse),
        InsertOutcome::Inserted
    );
    // Over a tombstone a new root is welcome (wire §3.8).
    db.write(|tx| tx.delete(&default(), &doc_id("a"))).unwrap();
    let revived = incoming("a", &["1-dd"], false, r#"{"n":9}"#);
    assert_eq!(
        insert(db, revived, ConflictPolicy::Refuse),
        InsertOutcome::Inserted
    );
    assert_eq!(fixture.body("a").unwrap(), r#"{"n":9}"#);
}

#[test]
fn the_remote_wins_with_the_higher_generation_or_the_greater_id() {
    for (remote, history) in [("3-00", &["2-00", "1-00"][..]), ("1-ff", &[])] {
        let fixture = Fixture::new();
        // The digest of this content starts with something below ff.
        let local = fixture.save("a", r#"{"side":"local"}"#);
        assert!(local.rev_id < rev(remote));
        let revisions: Vec<&str> = std::iter::once(remote)
            .chain(history.iter().copied())
            .collect();
        let outcome = insert(
            &fixture.database,
            incoming("a", &revisions, false, r#"{"side":"remote"}"#),
            ConflictPolicy::ResolveByDefault,
        );
        assert_eq!(outcome, InsertOutcome::Resolved { local_won: false });
        let document = fixture.get("a").unwrap();
        assert_eq!(document.rev_id, rev(remote));
        assert_eq!(document.body, br#"{"side":"remote"}"#);
        assert_eq!(document.sequence, Sequence(2));
        // The losing branch is gone: nothing to push.
        let (changes, _) = fixture
            .database
            .read(|tx| tx.changes(&default(), Sequence(0), 10, None, Some(REMOTE)))
            .unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].remote_ancestor, Some(rev(remote)));
    }
}

#[test]
fn when_the_local_side_wins_its_content_becomes_a_child_of_the_remote_revision() {
    let fixture = Fixture::new();
    fixture.save("a", r#"{"n":1}"#);
    fixture.save("a", r#"{"side":"local","n":2.0}"#);
    let outcome = insert(
        &fixture.database,
        incoming("a", &["1-00"], false, r#"{"side":"remote"}"#),
        ConflictPolicy::ResolveByDefault,
    );
    assert_eq!(outcome, InsertOutcome::Resolved { local_won: true });
    let document = fixture.get("a").unwrap();
    assert_eq!(document.body, br#"{"n":2.0,"side":"local"}"#);
    assert_eq!(document.rev_id.generation(), 2);
    assert_eq!(
        history(&fixture.database, "a", &document.rev_id),
        [rev("1-00")]
    );
    let (changes, _) = fixture
        .database
        .read(|tx| tx.changes(&default(), Sequence(0), 10, None, Some(REMOTE)))
        .unwrap();
    assert_eq!(changes[0].remote_ancestor, Some(rev("1-00")));
}

#[test]
fn a_deleted_side_wins_a_conflict() {
    let fixture = Fixture::new();
    let db = &fixture.database;
    let policy = ConflictPolicy::ResolveByDefault;
    for n in 0..5 {
        fixture.save("a", &format!(r#"{{"n":{n}}}"#));
        fixture.save("b", &format!(r#"{{"n":{n}}}"#));
    }
    let outcome = insert(db, incoming("a", &["1-00"], true, "{}"), policy);
    assert_eq!(outcome, InsertOutcome::Resolved { local_won: false });
    assert!(fixture.get("a").is_none());

    let local = db.write(|tx| tx.delete(&default(), &doc_id("b"))).unwrap();
    let outcome = insert(
        db,
        incoming("b", &["9-00", "8-00", "1-00"], false, "{}"),
        policy,
    );
    assert!(
        matches!(outcome, InsertOutcome::Failed(_)),
        "gap in history"
    );
    let remote = incoming("b", &["2-ff", local_first(db).as_str()], false, "{}");
    let outcome = insert(db, remote, policy);
    assert_eq!(outcome, InsertOutcome::Resolved { local_won: true });
    assert!(fixture.get("b").is_none());
    let (changes, _) = db
        .read(|tx| tx.changes(&default(), local.sequence, 10, None, Some(REMOTE)))
        .unwrap();
    let change = changes.iter().find(|c| c.doc_id == doc_id("b")).unwrap();
    assert!(change.deleted);
    // It has the longer history: no revision of its own, but a new place in the feed (ADR 007).
    assert_eq!(change.rev_id, local.rev_id);
    assert!(change.sequence > local.sequence);
}

/// The first revision of "b" above.
fn local_first(database: &Database) -> RevId {
    let (changes, _) = database
        .read(|tx| tx.changes(&default(), Sequence(0), 10, Some(&[doc_id("b")]), None))
        .unwrap();
    history(database, "b", &changes[0].rev_id).pop().unwrap()
}

#[test]
fn announced_revisions_are_judged_by_wire_3_7() {
    let fixture = Fixture::new();
    let one = fixture.save("a", r#"{"n":1}"#).rev_id;
    let two = fixture.save("a", r#"{"n":2}"#).rev_id;
    let rows = [
        (doc_id("new"), rev("1-aa")),
        (doc_id("a"), two.clone()),
        (doc_id("a"), one.clone()),
        (doc_id("a"), rev("5-aa")),
        (doc_id("a"), rev("2-aa")),
    ];
    let verdicts = fixture
        .database
        .read(|tx| tx.judge_changes(&default(), &rows, false))
        .unwrap();
    assert_eq!(
        verdicts,
        [
            ChangeVerdict::Want { ancestors: vec![] },
            ChangeVerdict::Have,
            ChangeVerdict::Have,
            ChangeVerdict::Want {
                ancestors: vec![two, one.clone()]
            },
            ChangeVerdict::Conflict {
                ancestors: vec![one]
            },
        ]
    );
}

#[test]
fn proposals_are_judged_by_wire_3_8() {
    let fixture = Fixture::new();
    let one = fixture.save("a", r#"{"n":1}"#).rev_id;
    fixture.save("dead", "{}");
    let dead = fixture
        .database
        .write(|tx| tx.delete(&default(), &doc_id("dead")))
        .unwrap();
    let rows = [
        (doc_id("new"), rev("1-aa"), None),
        (doc_id("a"), one.clone(), None),
        (doc_id("a"), rev("2-aa"), Some(one.clone())),
        (doc_id("a"), rev("2-aa"), Some(rev("1-bb"))),
        (doc_id("a"), rev("1-aa"), None),
        (doc_id("dead"), rev("1-aa"), None),
        (doc_id("dead"), rev("3-aa"), Some(dead.rev_id)),
    ];
    let verdicts = fixture
        .database
        .read(|tx| tx.judge_proposals(&default(), &rows))
        .unwrap();
    let conflict = ProposalVerdict::Conflict { current: Some(one) };
    assert_eq!(
        verdicts,
        [
            ProposalVerdict::Accept,
            ProposalVerdict::Have,
            ProposalVerdict::Accept,
            conflict.clone(),
            conflict,
            ProposalVerdict::Accept,
            ProposalVerdict::Accept,
        ]
    );
}

#[test]
fn the_feed_is_ordered_limited_and_filtered() {
    let fixture = Fixture::new();
    for id in ["a", "b", "c", "a"] {
        fixture.save(id, "{}");
    }
    let feed = |after: u64, limit: usize, ids: Option<&[&str]>| {
        let ids: Option<Vec<_>> = ids.map(|ids| ids.iter().map(|id| doc_id(id)).collect());
        let (changes, last) = fixture
            .database
            .read(|tx| tx.changes(&default(), Sequence(after), limit, ids.as_deref(), None))
            .unwrap();
        assert_eq!(last, Sequence(4));
        changes
            .into_iter()
            .map(|change| (change.sequence.0, change.doc_id.as_str().to_owned()))
            .collect::<Vec<_>>()
    };
    let row = |sequence: u64, id: &str| (sequence, id.to_owned());
    assert_eq!(feed(0, 10, None), [row(2, "b"), row(3, "c"), row(4, "a")]);
    assert_eq!(feed(2, 1, None), [row(3, "c")]);
    assert_eq!(
        feed(0, 10, Some(&["a", "b", "a", "x"])),
        [row(2, "b"), row(4, "a")]
    );
}

#[test]
fn the_body_of_a_revision_that_is_not_current_is_gone() {
    let fixture = Fixture::new();
    let one = fixture.save("a", r#"{"n":1}"#);
    fixture.save("a", r#"{"n":2}"#);
    let request = |rev_id: RevId| RevisionRequest {
        doc_id: doc_id("a"),
        rev_id,
        known: Vec::new(),
        max_history: 20,
        delta: false,
    };
    let read = fixture
        .database
        .read(|tx| {
            tx.read_revisions(
                &default(),
                &[request(one.rev_id.clone()), request(rev("7-aa"))],
            )
        })
        .unwrap();
    assert_eq!(read, [None, None]);
}

#[test]
fn checkpoints_are_compared_and_set() {
    let fixture = Fixture::new();
    let db = &fixture.database;
    let set = |rev: &str| db.write(|tx| tx.set_peer_checkpoint("cp-x", rev, b"{}"));
    assert_eq!(db.read(|tx| tx.peer_checkpoint("cp-x")).unwrap(), None);
    assert_eq!(set("1-cc").unwrap_err().code(), 10_409);
    assert_eq!(set("").unwrap(), "1-cc");
    assert_eq!(set("").unwrap_err().code(), 10_409);
    assert_eq!(set("1-cc").unwrap(), "2-cc");
    db.write(|tx| tx.save_local_checkpoint("cp-x", b"{\"local\":1}"))
        .unwrap();
    let (local, peer) = db
        .read(|tx| Ok((tx.local_checkpoint("cp-x")?, tx.peer_checkpoint("cp-x")?)))
        .unwrap();
    assert_eq!(local.unwrap(), b"{\"local\":1}");
    assert_eq!(peer.unwrap(), ("2-cc".to_owned(), b"{}".to_vec()));
}

#[test]
fn remotes_keep_their_numbers() {
    let mut fixture = Fixture::new();
    let number = |fixture: &Fixture, key: &str| fixture.database.remote_id(key).unwrap();
    let (a, b) = (
        number(&fixture, "wss://a/db"),
        number(&fixture, "wss://b/db"),
    );
    assert_ne!(a, b);
    assert_eq!(number(&fixture, "wss://a/db"), a);
    fixture.reopen();
    assert_eq!(number(&fixture, "wss://b/db"), b);
}

#[test]
fn a_collection_is_empty_until_it_had_a_document() {
    let fixture = Fixture::new();
    let empty = || {
        fixture
            .database
            .read(|tx| tx.is_collection_empty(&default()))
            .unwrap()
    };
    assert!(empty());
    fixture.save("a", "{}");
    fixture
        .database
        .write(|tx| tx.purge(&default(), &doc_id("a")))
        .unwrap();
    assert!(!empty());
}

#[test]
fn a_conflict_can_be_kept_as_a_branch_and_resolved_later() {
    use settee::database::Resolution;
    let merged = br#"{"side":"merged"}"#;
    let cases = [
        (Resolution::Local, Some(r#"{"n":1}"#), 3),
        (Resolution::Remote, Some(r#"{"side":"remote"}"#), 2),
        (Resolution::Merged(merged), Some(r#"{"side":"merged"}"#), 3),
        (Resolution::Deleted, None, 3),
    ];
    for (resolution, body, generation) in cases {
        let fixture = Fixture::new();
        let local = fixture.save("a", r#"{"n":1}"#);
        let db = &fixture.database;
        let branch = |revision: IncomingRevision| {
            db.write(|tx| tx.insert_or_branch(&default(), &revision, Some(REMOTE)))
                .unwrap()
        };
        assert!(branch(incoming("a", &["1-00"], false, r#"{"side":"old"}"#)));
        assert!(branch(incoming(
            "a",
            &["2-00", "1-00"],
            false,
            r#"{"side":"remote"}"#
        )));
        assert!(!branch(incoming("b", &["1-00"], false, "{}")));
        assert_eq!(fixture.get("a").unwrap().rev_id, local.rev_id);
        let conflicts = db
            .read(|tx| tx.conflicts(&default(), &doc_id("a")))
            .unwrap();
        assert_eq!(conflicts.len(), 1);
        assert_eq!(conflicts[0].rev_id, rev("2-00"));
        assert_eq!(conflicts[0].body, br#"{"side":"remote"}"#);
        assert_eq!(history(db, "a", &rev("2-00")), [rev("1-00")]);
        let resolve = |other: &str| {
            db.write(|tx| tx.resolve_conflict(&default(), &doc_id("a"), &rev(other), resolution))
        };
        assert!(resolve("1-00").unwrap_err().is(Code::NotFound));
        resolve("2-00").unwrap();
        assert_eq!(fixture.body("a").as_deref(), body);
        assert!(
            db.read(|tx| tx.conflicts(&default(), &doc_id("a")))
                .unwrap()
                .is_empty()
        );
        let (changes, _) = db
            .read(|tx| {
                tx.changes(
                    &default(),
                    Sequence(0),
                    10,
                    Some(&[doc_id("a")]),
                    Some(REMOTE),
                )
            })
            .unwrap();
        assert_eq!(changes[0].rev_id.generation(), generation);
        assert_eq!(changes[0].remote_ancestor, Some(rev("2-00")));
    }
}
