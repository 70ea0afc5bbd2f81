use proptest::prelude::*;

use super::*;

fn id(text: &str) -> RevId {
    RevId::parse(text).unwrap()
}

fn ids(text: &str) -> Vec<RevId> {
    text.split_whitespace().map(id).collect()
}

fn texts(ids: &[RevId]) -> String {
    ids.iter().map(RevId::as_str).collect::<Vec<_>>().join(" ")
}

fn current(tree: &RevTree) -> &str {
    tree.current().unwrap().id.as_str()
}

/// A tree of local revisions `1-01` to `n-0n`.
fn linear(length: u32) -> RevTree {
    let mut tree = RevTree::new();
    for generation in 1..=length {
        tree.add_local(RevId::new(generation, &[generation as u8]), false);
    }
    tree
}

fn round_trip(tree: &RevTree) {
    let current = tree.current().unwrap();
    let bytes = tree.encode();
    assert_eq!(
        &RevTree::decode(&current.id, current.deleted, &bytes).unwrap(),
        tree
    );
}

#[test]
fn the_tree_of_a_new_document_takes_no_bytes_and_a_young_one_few() {
    let one = linear(1);
    assert_eq!(one.encode().capacity(), 0);
    round_trip(&one);
    let three = linear(3);
    assert_eq!(three.encode().len(), 1 + 1 + 3 + 3);
    round_trip(&three);
    let mut pushed = linear(1);
    assert!(pushed.set_remote_ancestor(RemoteId(1), &id("1-01")));
    assert_eq!(pushed.encode().len(), 4);
    round_trip(&pushed);
}

#[test]
fn a_local_revision_follows_the_current_one() {
    let mut tree = linear(3);
    assert_eq!(current(&tree), "3-03");
    assert!(tree.is_ancestor(&id("1-01"), &id("3-03")));
    assert!(!tree.is_ancestor(&id("3-03"), &id("3-03")));
    assert!(!tree.is_ancestor(&id("3-03"), &id("1-01")));
    tree.add_local(id("4-dd"), true);
    assert!(tree.current().unwrap().deleted);
    assert!(!tree.get(&id("3-03")).unwrap().has_body);
    tree.add_local(id("5-ee"), false);
    assert_eq!(current(&tree), "5-ee");
    assert_eq!(tree.leaves().count(), 1);
    round_trip(&tree);
}

#[test]
fn a_revision_with_history_joins_at_the_first_known_ancestor() {
    let mut tree = linear(2);
    let kind = tree.insert(&id("5-ee"), &ids("4-dd 3-cc 2-02 1-01"), false, None);
    assert_eq!(kind.unwrap(), InsertKind::Current);
    assert_eq!(
        texts(&tree.history(&id("5-ee"), &[], 20)),
        "4-dd 3-cc 2-02 1-01"
    );
    assert!(!tree.get(&id("4-dd")).unwrap().has_body);
    let kind = tree.insert(&id("5-ee"), &ids("4-dd"), false, Some(RemoteId(7)));
    assert_eq!(kind.unwrap(), InsertKind::AlreadyHad);
    assert_eq!(tree.remote_ancestor(RemoteId(7)), Some(&id("5-ee")));
    round_trip(&tree);
    let mut new = RevTree::new();
    let kind = new.insert(&id("5-ee"), &[], false, None);
    assert_eq!(
        kind.unwrap(),
        InsertKind::Current,
        "a history may be missing"
    );
}

#[test]
fn generations_must_count_down_but_for_a_gap_past_the_pruning_depth() {
    let mut tree = linear(1);
    for history in ["3-cc", "2-bb 2-ab", "2-bb 3-cc"] {
        let error = tree
            .insert(&id("3-ff"), &ids(history), false, None)
            .unwrap_err();
        assert!(error.is(Code::BadRevisionId));
    }
    // As Couchbase Lite Java 3.0.0 sends it: 18 in order, then the ancestor that we have.
    let mut history: Vec<RevId> = (12..30).rev().map(|n| RevId::new(n, &[n as u8])).collect();
    history.push(id("1-01"));
    let kind = tree.insert(&id("30-ff"), &history, false, None);
    assert_eq!(kind.unwrap(), InsertKind::Current);
    assert!(tree.is_ancestor(&id("1-01"), &id("30-ff")));
    history.remove(0);
    let error = tree
        .insert(&id("29-ff"), &history, false, None)
        .unwrap_err();
    assert!(error.is(Code::BadRevisionId));
}

#[test]
fn a_revision_beside_the_current_one_is_a_conflict_that_loses() {
    let mut tree = linear(3);
    assert!(
        tree.would_conflict(&id("4-ff"), &ids("3-ff 2-02"), false, None)
            .unwrap()
    );
    let kind = tree.insert(&id("4-ff"), &ids("3-ff 2-02"), false, Some(RemoteId(1)));
    assert_eq!(kind.unwrap(), InsertKind::Conflict);
    assert_eq!(current(&tree), "3-03");
    assert!(tree.has_conflict());
    round_trip(&tree);
    let kind = tree.insert(&id("5-ff"), &ids("4-ff"), false, Some(RemoteId(1)));
    assert_eq!(kind.unwrap(), InsertKind::Branch);
    round_trip(&tree);

    let mut remote_wins = tree.clone();
    remote_wins.resolve_conflict(&id("5-ff"), &id("3-03"));
    assert_eq!(current(&remote_wins), "5-ff");
    assert!(!remote_wins.has_conflict() && !remote_wins.contains(&id("3-03")));
    assert_eq!(remote_wins.remote_ancestor(RemoteId(1)), Some(&id("5-ff")));
    round_trip(&remote_wins);

    tree.add_child(&id("5-ff"), id("6-aa"), false).unwrap();
    tree.resolve_conflict(&id("6-aa"), &id("3-03"));
    assert_eq!(current(&tree), "6-aa");
    let history = tree.history(&id("6-aa"), &ids("5-ff"), 20);
    assert_eq!(texts(&history), "5-ff");
    round_trip(&tree);
}

#[test]
fn unrelated_histories_are_a_conflict_except_over_a_tombstone() {
    let mut tree = linear(1);
    let kind = tree.insert(&id("1-ff"), &[], false, None);
    assert_eq!(kind.unwrap(), InsertKind::Conflict);
    let mut dead = linear(1);
    dead.add_local(id("2-dd"), true);
    assert!(dead.would_conflict(&id("3-ee"), &[], true, None).unwrap());
    let kind = dead.insert(&id("1-ff"), &[], false, None);
    assert_eq!(kind.unwrap(), InsertKind::Current);
    assert_eq!(current(&dead), "1-ff");
    assert!(dead.contains(&id("2-dd")));
    round_trip(&dead);
}

#[test]
fn a_remote_that_switches_branches_takes_its_old_branch_along() {
    let mut tree = linear(1);
    let remote = Some(RemoteId(3));
    tree.insert(&id("2-aa"), &ids("1-01"), false, remote)
        .unwrap();
    let kind = tree.insert(&id("3-bb"), &ids("2-bb 1-01"), false, remote);
    assert_eq!(kind.unwrap(), InsertKind::Current);
    assert_eq!(current(&tree), "3-bb");
    assert!(!tree.contains(&id("2-aa")));
    round_trip(&tree);
    // With an edit of our own on top it is a conflict.
    tree.add_local(id("4-cc"), false);
    let kind = tree.insert(&id("3-dd"), &ids("2-bb"), false, remote);
    assert_eq!(kind.unwrap(), InsertKind::Conflict);
}

#[test]
fn pruning_keeps_the_newest_and_what_a_remote_has() {
    let mut tree = linear(30);
    tree.set_remote_ancestor(RemoteId(1), &id("4-04"));
    tree.prune(20);
    assert_eq!(tree.len(), 21);
    assert!(tree.contains(&id("11-0b")) && !tree.contains(&id("10-0a")));
    assert_eq!(tree.remote_ancestor(RemoteId(1)), Some(&id("4-04")));
    assert!(tree.is_ancestor(&id("4-04"), &id("30-1e")));
    round_trip(&tree);
}

#[test]
fn a_history_ends_at_the_first_ancestor_that_the_peer_has() {
    let tree = linear(9);
    let history = |known: &str, max| texts(&tree.history(&id("9-09"), &ids(known), max));
    assert_eq!(history("6-06", 20), "8-08 7-07 6-06");
    assert_eq!(history("6-06 2-02", 20), "8-08 7-07 6-06");
    assert_eq!(history("", 3), "8-08 7-07 6-06");
    assert_eq!(history("2-02", 3), "8-08 7-07 6-06 2-02");
    assert_eq!(history("7-ff", 2), "8-08 7-07");
    assert_eq!(history("", 0), "");
    assert_eq!(texts(&tree.history(&id("8-ff"), &[], 20)), "");
}

#[test]
fn pruned_generations_before_the_known_ancestor_are_faded() {
    let mut tree = linear(9);
    tree.set_remote_ancestor(RemoteId(1), &id("4-04"));
    tree.prune(3);
    let history = |known: &str, max| tree.history(&id("9-09"), &ids(known), max);
    assert_eq!(texts(&history("", 20)), "8-08 7-07");
    let faded = history("4-04", 20);
    assert_eq!(faded.len(), 5);
    assert!(faded[2].as_str().starts_with("6-faded000"), "{faded:?}");
    assert!(faded[3].as_str().starts_with("5-faded000"));
    assert_eq!(faded[4], id("4-04"));
    assert_eq!(texts(&history("4-04", 2)), "8-08 7-07 4-04");
    let mut peer = linear(4);
    let kind = peer.insert(&id("9-09"), &faded, false, None);
    assert_eq!(kind.unwrap(), InsertKind::Current);
}

#[test]
fn possible_ancestors_are_older_than_the_announced_revision() {
    let tree = linear(15);
    let reply = tree.ancestors_for_reply(&id("14-ff"), 10);
    assert_eq!(reply.len(), 10);
    assert_eq!(reply[0], id("13-0d"));
    assert!(tree.ancestors_for_reply(&id("1-ff"), 10).is_empty());
}

#[test]
fn a_damaged_tree_is_corrupt_data() {
    let bytes = linear(3).encode();
    for length in 1..bytes.len() {
        let error = RevTree::decode(&id("3-03"), false, &bytes[..length]).unwrap_err();
        assert!(error.is(Code::CorruptRevisionData), "{length} bytes");
    }
    // A circle: both are the parent of each other.
    assert!(RevTree::decode(&id("2-02"), false, &[2, 8, 16, 0, 1, 1, 1]).is_err());
}

/// A revision of a family tree in which the parent of `g-xy` is `(g-1)-x`.
fn family() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(0..3_u8, 1..6), 1..8)
}

fn path_ids(path: &[u8]) -> Vec<RevId> {
    (1..=path.len())
        .rev()
        .map(|generation| RevId::new(generation as u32, &path[..generation]))
        .collect()
}

proptest! {
    #[test]
    fn any_tree_survives_encoding(paths in family(), deleted: Vec<bool>, remote in 0..4_u32) {
        let mut tree = RevTree::new();
        for (index, path) in paths.iter().enumerate() {
            let ids = path_ids(path);
            let deleted = deleted.get(index).copied().unwrap_or(false);
            let remote = (index % 2 == 0).then_some(RemoteId(remote + index as u32));
            tree.insert(&ids[0], &ids[1..], deleted, remote).unwrap();
            round_trip(&tree);
        }
        tree.prune(3);
        round_trip(&tree);
    }

    #[test]
    fn insertion_commutes_and_is_idempotent(paths in family(), seed: u64) {
        let links = |paths: &[Vec<u8>]| {
            let mut tree = RevTree::new();
            for path in paths {
                let ids = path_ids(path);
                tree.insert(&ids[0], &ids[1..], false, None).unwrap();
                let again = tree.clone();
                let kind = tree.insert(&ids[0], &ids[1..], false, None).unwrap();
                prop_assert_eq!(kind, InsertKind::AlreadyHad);
                prop_assert_eq!(&tree, &again);
            }
            let mut links: Vec<(RevId, Option<RevId>, bool)> = tree.revisions.iter().map(|revision| {
                let parent = revision.parent.map(|index| tree.revisions[index].id.clone());
                (revision.id.clone(), parent, revision.leaf)
            }).collect();
            links.sort();
            Ok(links)
        };
        let mut shuffled = paths.clone();
        let len = shuffled.len();
        for index in (1..len).rev() {
            shuffled.swap(index, (seed.rotate_left(index as u32) % (index as u64 + 1)) as usize);
        }
        prop_assert_eq!(links(&paths)?, links(&shuffled)?);
    }

    #[test]
    fn garbage_never_panics(bytes: Vec<u8>) {
        if let Ok(mut tree) = RevTree::decode(&id("9-09"), false, &bytes) {
            tree.prune(2);
            let _ = tree.history(&id("9-09"), &[], 20);
            tree.add_local(id("10-0a"), false);
        }
    }
}

/// A tree with the branches `2-aa` (current) and `2-bb`, of which a remote had the first.
fn followed() -> RevTree {
    let mut tree = RevTree::new();
    let remote = Some(RemoteId(1));
    tree.insert(&id("1-01"), &[], false, remote).unwrap();
    let base = [id("1-01")];
    tree.insert(&id("2-aa"), &base, false, remote).unwrap();
    let kind = tree.insert(&id("2-bb"), &base, false, remote).unwrap();
    assert_eq!(
        kind,
        InsertKind::Current,
        "the remote went over, and so do we"
    );
    tree
}

#[test]
fn a_remote_is_followed_once_to_another_branch_but_never_back() {
    let mut tree = followed();
    assert!(!tree.contains(&id("2-aa")) && !tree.has_conflict());
    assert_eq!(tree.current().unwrap().id, id("2-bb"));
    let base = [id("1-01")];
    let kind = tree.insert(&id("2-aa"), &base, false, Some(RemoteId(1)));
    assert_eq!(kind.unwrap(), InsertKind::Conflict);
    assert!(tree.has_conflict());
}

#[test]
fn what_descends_from_an_abandoned_revision_is_followed() {
    let mut tree = followed();
    let history = [id("2-aa"), id("1-01")];
    let kind = tree.insert(&id("3-cc"), &history, false, Some(RemoteId(1)));
    assert_eq!(kind.unwrap(), InsertKind::Current);
    assert_eq!(tree.current().unwrap().id, id("3-cc"));
    assert!(!tree.has_conflict());
}

#[test]
fn abandoned_leaves_survive_the_stored_form_and_are_few() {
    let mut tree = followed();
    let base = [id("1-01")];
    for n in 0..40 {
        let rev = id(&format!("2-{:02x}", n + 0x40));
        tree.insert(&rev, &base, false, Some(RemoteId(1))).unwrap();
    }
    let current = tree.current().unwrap().id.clone();
    let mut read = RevTree::decode(&current, false, &tree.encode()).unwrap();
    assert_eq!(read, tree);
    assert!(read.len() <= 2 + MAX_ABANDONED, "{}", read.len());
    assert!(!read.has_conflict());
    read.prune(1);
    assert!(!read.has_conflict());
    assert_eq!(read.ancestors_for_reply(&id("9-aa"), 10).len(), 1);
}

#[test]
fn a_winner_with_the_longer_history_is_grafted_on_the_loser() {
    let mut tree = RevTree::new();
    for rev in ["1-01", "2-aa", "3-aa", "4-aa", "5-aa"] {
        tree.add_local(id(rev), false);
    }
    let kind = tree
        .insert(&id("2-bb"), &[id("1-01")], false, None)
        .unwrap();
    assert_eq!(kind, InsertKind::Conflict);
    tree.graft(&id("5-aa"), &id("2-bb"));
    assert!(!tree.has_conflict());
    assert_eq!(tree.current().unwrap().id, id("5-aa"));
    let history = tree.history(&id("5-aa"), &[id("2-bb")], 20);
    let generations: Vec<_> = history.iter().map(RevId::generation).collect();
    assert_eq!(generations, [4, 3, 2]);
    assert_eq!(history[2], id("2-bb"));
    assert!(!tree.contains(&id("4-aa")));
}
