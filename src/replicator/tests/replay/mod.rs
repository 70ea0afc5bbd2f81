//! Every recording of a real peer (`tests/data/blip/README.md`) played again: our listener in the place
//! of the recorded server ([`listener`]), our active side in the place of the recorded client
//! ([`client`]).
//!
//! Compared are profiles, order as far as the protocol binds it, flags, property keys, and bodies after
//! mapping sequences, times and checkpoint revisions. What may differ is in [`FREE`], with the reason; an
//! entry that no recording needs fails the test. Recordings that cannot be played are in [`NOT_PLAYED`].

mod client;
mod listener;
mod recording;

use std::collections::BTreeSet;
use std::sync::Arc;

use recording::{Recording, Side, recordings};

/// What the protocol leaves free and where we differ from the recorded peer.
const FREE: &[(&str, &str)] = &[
    // Of the server: Sync Gateway where ours is a Couchbase Lite listener.
    (
        "content-type",
        "Sync Gateway marks JSON bodies; nobody reads it (wire §2.2)",
    ),
    (
        "reply properties",
        "Sync Gateway says nothing of maxHistory, blobs and deltas; Couchbase Lite does (§3.8)",
    ),
    (
        "_rev",
        "Sync Gateway calls a checkpoint's revision `_rev` in the reply to getCollections (§3.2)",
    ),
    (
        "checkpoint revision",
        "opaque (§3.4): `0-1` there, `1-cc` here",
    ),
    (
        "null for []",
        "Sync Gateway's empty list is `null`, and compressed (§3.7)",
    ),
    (
        "urgent changes",
        "Sync Gateway does not mark `changes` urgent, Couchbase Lite does (§3.7)",
    ),
    (
        "rev without reply",
        "Sync Gateway wants no reply to most `rev`s (§3.9)",
    ),
    (
        "compressed reply",
        "what is compressed is the sender's choice (§2.4)",
    ),
    (
        "echo",
        "Sync Gateway announces to a client what that client has just pushed; we do not (§8.3)",
    ),
    (
        "repeated getAttachment",
        "an attachment that two documents share is asked for once; LiteCore asks twice, or once if the first came in time (§3.10)",
    ),
    (
        "clean body",
        "a peer that said blobs=true gets no mirrors in `_attachments` (§7.3); Sync Gateway sends them all the same",
    ),
    (
        "filters",
        "a Couchbase Lite listener answers `Filtering not supported` (§3.5)",
    ),
    ("error text", "texts of errors are for people"),
    ("no answer", "the recorded server answered nothing at all"),
    // Of the client: LiteCore where ours is our own.
    (
        "sendReplacementRevs",
        "optional (§3.9): asked for here and by LiteCore 3.2 and later, not by earlier ones",
    ),
    ("uuid", "LiteCore 4 tells its own in getCollections (§3.2)"),
    (
        "maxHistory",
        "how much history is kept (§3.7): 20 here and in 3.0, 50 in 3.2 and later",
    ),
    (
        "waits for the checkpoint",
        "without a local checkpoint LiteCore does not wait for the answer (§3.3)",
    ),
    (
        "empty proposeChanges",
        "LiteCore says that a push has caught up; servers ignore it (§3.8)",
    ),
    (
        "checkpoints between",
        "when a checkpoint is saved is free, the last one counts (§4.3)",
    ),
    (
        "checkpoint retry",
        "LiteCore does not read `_rev`, saves, is refused and asks (§3.2)",
    ),
    ("body size", "an estimate for progress (§3.8)"),
    (
        "order of revs",
        "the receiver takes them in any order (§8.4)",
    ),
    (
        "local sequences",
        "LiteCore gives a resolved or pulled document a sequence of its own, and counts on (§4.2)",
    ),
];

/// Of those, what depends on which thread is faster, so that a run may do without.
const BY_CHANCE: &[&str] = &["order of revs"];

/// Recordings that are not played, by the end of their path.
const NOT_PLAYED: &[(&str, Side, &str)] = &[
    (
        "litecore-4.0.3-vv/*",
        Side::Both,
        "CBMobile_4: version vectors are not supported; a client that offers nothing else is refused (upgrade tests)",
    ),
    (
        "litecore-3.2.4/pull-default.txt",
        Side::Both,
        "a frame of the server was cut in the recording",
    ),
    (
        "litecore-3.2.4/pushpull-default.txt",
        Side::Both,
        "a frame of the server was cut in the recording",
    ),
    (
        "litecore-4.0.3-revtree/pull-default.txt",
        Side::Both,
        "a frame of the server was cut in the recording",
    ),
    (
        "litecore-4.0.3-revtree/pushpull-default.txt",
        Side::Both,
        "a frame of the server was cut in the recording",
    ),
    (
        "litecore-4.0.3-revtree/*-default*",
        Side::Client,
        "LiteCore 4 has no legacy mode: it asks for `_default` with getCollections; we speak as 3.x does (§3.1)",
    ),
    (
        "litecore-4.0.3-revtree/basic-auth.txt",
        Side::Client,
        "as above",
    ),
];

/// Collects which entries of [`FREE`] were needed.
#[derive(Default)]
struct Freedom(BTreeSet<&'static str>);

impl Freedom {
    /// Notes that this difference was met.
    fn allow(&mut self, key: &'static str) {
        assert!(
            FREE.iter().any(|(known, _)| *known == key),
            "{key}: not in the table"
        );
        self.0.insert(key);
    }

    /// Notes it if it is one.
    fn allow_if(&mut self, differs: bool, key: &'static str) -> bool {
        if differs {
            self.allow(key);
        }
        differs
    }
}

fn played(recording: &Recording, side: Side) -> bool {
    !NOT_PLAYED.iter().any(|(pattern, not, reason)| {
        assert!(!reason.is_empty());
        let mut rest = recording.name.as_str();
        let fits = pattern.split('*').all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        });
        fits && (*not == Side::Both || *not == side)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_peers_are_met_as_they_were() {
    let all = Arc::new(recordings());
    let mut needed = BTreeSet::new();
    let mut failed = Vec::new();
    let (mut servers, mut clients) = (0, 0);
    for side in [Side::Server, Side::Client] {
        for index in 0..all.len() {
            if !played(&all[index], side) {
                continue;
            }
            // In a task, so that one that fails does not hide the others.
            let recordings = Arc::clone(&all);
            let task = async move {
                let mut freedom = Freedom::default();
                match side {
                    Side::Server => listener::play(&recordings[index], &mut freedom).await,
                    _ => client::play(&recordings[index], &mut freedom).await,
                }
                freedom.0
            };
            match tokio::runtime::Handle::current().spawn(task).await {
                Ok(free) => needed.extend(free),
                Err(_) => failed.push((&all[index].name, side)),
            }
            match side {
                Side::Server => servers += 1,
                _ => clients += 1,
            }
        }
    }
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    assert!(
        servers > 60 && clients > 50,
        "{servers} and {clients} of {}",
        all.len()
    );
    let unused: Vec<_> = (FREE.iter().map(|(key, _)| *key))
        .filter(|key| !needed.contains(key) && !BY_CHANCE.contains(key))
        .collect();
    assert!(unused.is_empty(), "in the table without need: {unused:?}");
}
