//! Our active side in the place of the recorded client.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::super::pair::{Log, Peer, drive};
use super::super::player::Player;
use super::super::tap::What;
use super::Freedom;
use super::listener::insert;
use super::recording::{Key, Recording, attachment, keys};
use crate::blip::{self, Message, ReplyTo, RequestId};
use crate::database::DeltaBases;
use crate::error::{Error, Result};
use crate::model::body::encode_body;
use crate::model::{DocId, RevId};
use crate::protocol::{
    ChangesEntry, ChangesReply, CheckpointReply, CollectionReply, ProposeEntry, ProposeReply,
    Request, Rev, SubChanges, attachments,
};
use crate::replicator::core::{ActiveConfig, CoreCollection, CoreConfig, Role};
use crate::transport::{LoopbackOptions, loopback};

/// Time in which our side has said all that it will say.
const SILENCE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays the recorded server to an active side that holds what the recorded client held.
pub(super) async fn play(recording: &Recording, freedom: &mut Freedom) {
    let mut replay = Replay::new(recording, freedom);
    replay.fill();
    let (near, far) = loopback(LoopbackOptions::default());
    let (task, stop) = drive(&replay.peer, replay.core_config(), near, Log::default());
    replay.player = Some(Player::new(far));
    let continuous = replay.subscriptions.values().any(|sub| sub.continuous);
    loop {
        let ends_by_itself = !continuous && !recording.is_silent();
        let patience = if ends_by_itself { PATIENCE } else { SILENCE };
        let came = replay.player().turn(patience).await;
        replay.take_requests();
        replay.feed();
        if replay.player().closed {
            break;
        }
        if !came {
            assert!(!ends_by_itself, "{}: goes silent", recording.name);
            stop.cancel();
            let mut player = replay.player.take().unwrap();
            while !player.closed && player.turn(PATIENCE).await {
                replay.player = Some(player);
                replay.take_requests();
                player = replay.player.take().unwrap();
            }
            replay.player = Some(player);
            break;
        }
    }
    let outcome = task.await.unwrap();
    replay.end(outcome);
}

struct Replay<'a> {
    recording: &'a Recording,
    freedom: &'a mut Freedom,
    peer: Peer,
    player: Option<Player>,
    subscriptions: BTreeMap<Option<u32>, SubChanges>,
    /// What the recorded server asks, in its order.
    feed: VecDeque<(Message, Request)>,
    /// Ours that wait for the recorded server's question about an attachment.
    held: Vec<(ReplyTo, Rev)>,
    asked: HashMap<RequestId, Request>,
    subscribed: HashSet<Option<u32>>,
    proposed: BTreeSet<(Option<u32>, String, String, String)>,
    lists: usize,
    revs: Vec<Key>,
    wanted: HashSet<Key>,
    attachments: Vec<(Option<u32>, String)>,
    checkpoint_revs: HashMap<String, String>,
    saved: HashMap<String, Vec<Bytes>>,
    opened: bool,
}

impl<'a> Replay<'a> {
    fn new(recording: &'a Recording, freedom: &'a mut Freedom) -> Self {
        let mut paths: Vec<&str> = recording.collections.iter().map(String::as_str).collect();
        if paths.is_empty() {
            paths.push("_default");
        }
        let subscriptions = (recording.requests(true))
            .filter_map(|(_, _, request)| match request {
                Request::SubChanges(sub) => Some((sub.collection, sub)),
                _ => None,
            })
            .collect();
        let feed = recording
            .requests(false)
            .map(|(_, message, request)| (message.clone(), request));
        Self {
            recording,
            freedom,
            peer: Peer::new(&paths),
            player: None,
            subscriptions,
            feed: feed.collect(),
            held: Vec::new(),
            asked: HashMap::new(),
            subscribed: HashSet::new(),
            proposed: BTreeSet::new(),
            lists: 0,
            revs: Vec::new(),
            wanted: HashSet::new(),
            attachments: Vec::new(),
            checkpoint_revs: HashMap::new(),
            saved: HashMap::new(),
            opened: false,
        }
    }

    fn player(&mut self) -> &mut Player {
        self.player.as_mut().unwrap()
    }

    fn wire(&self, index: usize) -> Option<u32> {
        (!self.recording.collections.is_empty()).then(|| u32::try_from(index).unwrap())
    }

    fn core_config(&self) -> CoreConfig {
        let continuous = self.subscriptions.values().any(|sub| sub.continuous);
        let revocations = self.subscriptions.values().all(|sub| sub.revocations);
        let collections = (self.peer.collections.iter().enumerate()).map(|(index, spec)| {
            let sub = self.subscriptions.get(&self.wire(index));
            let doc_ids = sub.and_then(|sub| sub.doc_ids.clone());
            let channels = sub.and_then(|sub| sub.channels.clone());
            CoreCollection {
                spec: spec.clone(),
                client_id: self.recording.checkpoint_ids[index].clone(),
                doc_ids: doc_ids.map(|ids| {
                    ids.into_iter()
                        .map(|id| DocId::parse(id).unwrap())
                        .collect()
                }),
                channels: channels.map(|list| list.split(',').map(str::to_owned).collect()),
                keep_conflicts: false,
                push_filter: false,
                pull_filter: false,
            }
        });
        CoreConfig {
            role: Role::Active(ActiveConfig {
                push: !self.recording.proposed.is_empty(),
                pull: !self.subscriptions.is_empty(),
                continuous,
                auto_purge: revocations,
            }),
            collections: collections.collect(),
            deltas: true,
            blip: blip::Config::default(),
            unix_time: Duration::from_secs(1_795_323_119),
        }
    }

    /// Gives the database what the recorded client had.
    fn fill(&mut self) {
        let recording = self.recording;
        let bases = DeltaBases::OfRemotes;
        let database = &self.peer.database;
        database.write(|tx| tx.keep_delta_bases(bases)).unwrap();
        let stored: Vec<(String, String, Bytes)> = self.stored_checkpoints();
        for (index, client) in recording.checkpoint_ids.iter().enumerate() {
            let Some((_, rev, body)) = stored.iter().find(|(of, ..)| of == client) else {
                continue;
            };
            self.checkpoint_revs.insert(client.clone(), rev.clone());
            let database = &self.peer.database;
            database
                .write(|tx| tx.save_local_checkpoint(client, body))
                .unwrap();
            for n in 0..number(body, "local") {
                insert(&self.peer, index, &format!("earlier-{n}"), "1-00", None);
                self.mark(index, &format!("earlier-{n}"), "1-00");
            }
        }
        let mut known: HashSet<(Option<u32>, String)> = HashSet::new();
        for (collection, row, _) in &recording.proposed {
            if !known.insert((*collection, row.doc_id.clone())) {
                continue;
            }
            let index = recording.index(*collection);
            let sent = (recording.client_revs.iter()).find(|(of, rev)| {
                of == collection && rev.id == row.doc_id && rev.rev == row.rev_id
            });
            let mut rev = sent.map(|(_, rev)| rev.clone()).unwrap_or(Rev {
                body: Bytes::from_static(b"{}"),
                ..Rev::default()
            });
            if rev.history.is_empty() && !row.parent.is_empty() {
                rev.history.push(row.parent.clone());
            }
            if !row.parent.is_empty() {
                // What both sides had before, in full: the recorded client could take deltas.
                let before = Rev {
                    body: format!(r#"{{"before":"{}"}}"#, "x".repeat(200)).into(),
                    ..Rev::default()
                };
                insert(&self.peer, index, &row.doc_id, &row.parent, Some(&before));
                self.mark(index, &row.doc_id, &row.parent);
            }
            insert(&self.peer, index, &row.doc_id, &row.rev_id, Some(&rev));
        }
        for (collection, row, entry) in &recording.announced {
            let key = (*collection, row.doc_id.clone(), row.rev_id.clone());
            let rev = match entry {
                Some(ChangesEntry::Want(ancestors)) if !ancestors.is_empty() => &ancestors[0],
                Some(ChangesEntry::Skip) if !recording.is_echo(&key) => &row.rev_id,
                _ => continue,
            };
            if known.insert((*collection, row.doc_id.clone())) {
                let index = recording.index(*collection);
                insert(&self.peer, index, &row.doc_id, rev, None);
                self.mark(index, &row.doc_id, rev);
            }
        }
    }

    /// Checkpoint id, revision and body that the recorded server had.
    fn stored_checkpoints(&self) -> Vec<(String, String, Bytes)> {
        let mut stored = Vec::new();
        for (seen, _, request) in self.recording.requests(true) {
            if let (Request::GetCheckpoint { client, .. }, Some(What::Reply(reply))) =
                (request, self.recording.reply_to(true, seen.number))
            {
                let reply = CheckpointReply::decode(reply).unwrap();
                stored.push((client, reply.rev, reply.body));
            }
        }
        for (client, opened) in self
            .recording
            .checkpoint_ids
            .iter()
            .zip(&self.recording.opened)
        {
            if let CollectionReply::Exists {
                checkpoint: Some((rev, body)),
            } = opened
            {
                stored.push((client.clone(), rev.clone(), body.clone()));
            }
        }
        stored
    }

    fn mark(&self, index: usize, id: &str, rev: &str) {
        let spec = &self.peer.collections[index];
        let revision = (DocId::parse(id).unwrap(), RevId::parse(rev).unwrap());
        let remote = self.peer.remote();
        let database = &self.peer.database;
        database
            .write(|tx| tx.mark_remote_ancestor(spec, remote, &[revision]))
            .unwrap();
    }

    /// The recorded client's request that ours must be like.
    fn counterpart(&self, what: &str, fits: impl Fn(&Request) -> bool) -> (u64, Message, Request) {
        let found = (self.recording.requests(true)).find(|(_, _, request)| fits(request));
        let (seen, message, request) =
            found.unwrap_or_else(|| panic!("{}: never sent {what}", self.recording.name));
        (seen.number, message.clone(), request)
    }

    fn compare_marks(&mut self, ours: &Message, theirs: &Message) {
        let name = format!("{}: {:?}", self.recording.name, theirs.properties);
        let flags = |message: &Message| (message.urgent, message.compressed, message.no_reply);
        assert_eq!(flags(ours), flags(theirs), "{name}");
        let mut expected = keys(theirs);
        let mut here = keys(ours);
        let mark = |key: &String| key == "sendReplacementRevs";
        let differs = expected.iter().any(mark) != here.iter().any(mark);
        self.freedom.allow_if(differs, "sendReplacementRevs");
        expected.retain(|key| !mark(key));
        here.retain(|key| !mark(key));
        let uuids = expected.iter().any(|key| key == "uuid");
        self.freedom.allow_if(uuids, "uuid");
        expected.retain(|key| key != "uuid");
        assert_eq!(here, expected, "{name}");
    }

    fn take_requests(&mut self) {
        while let Some((to, message)) = self.player().requests.pop_front() {
            self.answer(to, &message);
        }
        let asked: Vec<RequestId> = self.asked.keys().copied().collect();
        for id in asked {
            if let Some(reply) = self.player().take_reply(id) {
                let request = self.asked.remove(&id).unwrap();
                self.compare_reply(&request, reply);
            }
        }
    }

    fn answer(&mut self, to: Option<ReplyTo>, message: &Message) {
        let request = Request::decode(message.clone()).unwrap();
        let opening = matches!(
            request,
            Request::GetCheckpoint { .. } | Request::GetCollections { .. }
        );
        assert_eq!(
            opening,
            !std::mem::replace(&mut self.opened, true),
            "{}",
            self.recording.name
        );
        match request {
            Request::GetCollections { .. } | Request::GetCheckpoint { .. } => {
                let (number, theirs, recorded) =
                    self.counterpart("it", |theirs| *theirs == request);
                assert_eq!(recorded, request);
                self.compare_marks(message, &theirs);
                match self.recording.reply_to(true, number).cloned() {
                    Some(What::Reply(reply)) => self.player().blip.reply(to.unwrap(), reply),
                    Some(What::Error(error)) => self.player().blip.reply_error(to.unwrap(), &error),
                    _ => self.freedom.allow("no answer"),
                }
            }
            Request::SubChanges(ours) => {
                let (_, theirs, recorded) = self.counterpart("subChanges", |theirs| {
                    matches!(theirs, Request::SubChanges(sub) if sub.collection == ours.collection)
                });
                self.compare_marks(message, &theirs);
                let Request::SubChanges(mut recorded) = recorded else {
                    unreachable!()
                };
                recorded.send_replacement_revs = ours.send_replacement_revs;
                assert_eq!(ours, recorded, "{}", self.recording.name);
                assert_eq!(message.body, theirs.body);
                self.subscribed.insert(ours.collection);
                self.player().blip.reply(to.unwrap(), Message::default());
            }
            Request::ProposeChanges {
                collection, rows, ..
            } => {
                let (_, theirs, _) = self.counterpart("proposeChanges", |theirs| {
                    matches!(theirs, Request::ProposeChanges { rows, .. } if !rows.is_empty())
                });
                self.compare_marks(message, &theirs);
                self.lists += 1;
                let entries = rows.iter().map(|row| {
                    let key = (
                        collection,
                        row.doc_id.clone(),
                        row.rev_id.clone(),
                        row.parent.clone(),
                    );
                    let found = (self.recording.proposed.iter()).find(|(of, recorded, _)| {
                        *of == collection
                            && (&recorded.doc_id, &recorded.rev_id, &recorded.parent)
                                == (&row.doc_id, &row.rev_id, &row.parent)
                    });
                    let (_, recorded, entry) = found.unwrap_or_else(|| {
                        panic!("{}: never proposed {key:?}", self.recording.name)
                    });
                    self.freedom
                        .allow_if(recorded.body_size != row.body_size, "body size");
                    self.proposed.insert(key);
                    entry.clone().unwrap_or(ProposeEntry::Accept)
                });
                let reply = ProposeReply {
                    entries: entries.collect(),
                    ..ProposeReply::default()
                };
                self.player().blip.reply(to.unwrap(), reply.encode());
            }
            Request::Rev(ours) => self.take_rev(to.unwrap(), message, ours),
            Request::GetAttachment {
                collection,
                digest,
                doc_id,
                ..
            } => {
                let (_, theirs, _) = self.counterpart("getAttachment", |theirs| {
                    matches!(theirs, Request::GetAttachment { collection: of, digest: other, .. }
                        if *of == collection && *other == digest)
                });
                self.compare_marks(message, &theirs);
                assert!(doc_id.is_some());
                let body = attachment(&digest);
                self.attachments.push((collection, digest));
                self.player().blip.reply(
                    to.unwrap(),
                    Message {
                        body,
                        ..Message::default()
                    },
                );
            }
            Request::SetCheckpoint {
                client, rev, body, ..
            } => {
                let (_, theirs, _) = self.counterpart("setCheckpoint", |theirs| {
                    matches!(theirs, Request::SetCheckpoint { client: of, .. } if *of == client)
                });
                self.compare_marks(message, &theirs);
                let current = self
                    .checkpoint_revs
                    .get(&client)
                    .cloned()
                    .unwrap_or_default();
                assert_eq!(rev, current, "{}", self.recording.name);
                let count = self.saved.entry(client.clone()).or_default();
                count.push(body);
                let next = format!("0-{}", 100 + count.len());
                self.checkpoint_revs.insert(client, next.clone());
                let reply = CheckpointReply {
                    rev: next,
                    body: Bytes::new(),
                };
                self.player().blip.reply(to.unwrap(), reply.encode());
            }
            other => panic!("{}: {other:?}", self.recording.name),
        }
    }

    fn take_rev(&mut self, to: ReplyTo, message: &Message, ours: Rev) {
        let name = format!("{}: rev {}", self.recording.name, ours.id);
        let key = (ours.collection, ours.id.clone(), ours.rev.clone());
        let (number, theirs, recorded) = self.counterpart("rev", |theirs| {
            matches!(theirs, Request::Rev(rev)
                if (rev.collection, &rev.id, &rev.rev) == (key.0, &key.1, &key.2))
        });
        self.compare_marks(message, &theirs);
        let Request::Rev(recorded) = recorded else {
            unreachable!()
        };
        let canonical = |rev: &Rev| encode_body(&rev.body).unwrap().canonical;
        assert_eq!(canonical(&ours), canonical(&recorded), "{name}");
        self.freedom
            .allow_if(ours.sequence != recorded.sequence, "local sequences");
        let rest = |rev: &Rev| Rev {
            body: Bytes::new(),
            sequence: None,
            ..rev.clone()
        };
        assert_eq!(rest(&ours), rest(&recorded), "{name}");
        self.revs.push(key);
        if self.attachment_asked_of(&ours).is_some() {
            return self.held.push((to, ours));
        }
        match self.recording.reply_to(true, number).cloned() {
            Some(What::Error(error)) => self.player().blip.reply_error(to, &error),
            Some(What::Reply(reply)) => self.player().blip.reply(to, reply),
            _ => panic!("{name}: was never answered"),
        }
    }

    /// Place in the feed of the recorded server's next question about an attachment of this revision.
    fn attachment_asked_of(&self, rev: &Rev) -> Option<usize> {
        let text = std::str::from_utf8(&rev.body).unwrap();
        self.feed.iter().position(|(_, request)| {
            matches!(request, Request::GetAttachment { digest, .. } if text.contains(digest.as_str()))
        })
    }

    /// Asks what the recorded server asked, in its order, once ours has come so far.
    fn feed(&mut self) {
        while let Some((message, request)) = self.feed.front().cloned() {
            match &request {
                Request::Changes {
                    collection, rows, ..
                } => {
                    let sent = |key: &Key| !self.recording.is_echo(key) || self.revs.contains(key);
                    let ready = self.subscribed.contains(collection)
                        && (rows.iter()).all(|row| {
                            sent(&(*collection, row.doc_id.clone(), row.rev_id.clone()))
                        });
                    if !ready {
                        return;
                    }
                }
                Request::Rev(rev) => {
                    let key = (rev.collection, rev.id.clone(), rev.rev.clone());
                    if !self.wanted.contains(&key) {
                        return;
                    }
                }
                Request::GetAttachment { digest, .. } => {
                    let holds = |(_, rev): &(ReplyTo, Rev)| {
                        std::str::from_utf8(&rev.body)
                            .unwrap()
                            .contains(digest.as_str())
                    };
                    if !self.held.iter().any(holds) {
                        return;
                    }
                }
                other => panic!("{}: {other:?}", self.recording.name),
            }
            self.feed.pop_front();
            let id = self.player().send(message);
            self.asked.insert(id, request);
        }
    }

    fn compare_reply(&mut self, request: &Request, reply: Result<Message>) {
        let name = format!("{}: {request:?}", self.recording.name);
        let ours = reply.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        match request {
            Request::Changes {
                collection, rows, ..
            } => {
                let (number, ..) = (self.recording.requests(false))
                    .find(|(_, _, recorded)| recorded == request)
                    .map(|(seen, message, _)| (seen.number, message))
                    .unwrap();
                let Some(What::Reply(theirs)) = self.recording.reply_to(false, number) else {
                    panic!("{name}: no reply");
                };
                let others = |message: &Message| {
                    let mut keys = keys(message);
                    keys.retain(|key| key != "sendReplacementRevs");
                    keys
                };
                assert_eq!(others(&ours), others(theirs), "{name}");
                let differs = ours.get("maxHistory") != theirs.get("maxHistory");
                self.freedom.allow_if(differs, "maxHistory");
                assert_eq!(
                    (ours.compressed, ours.urgent),
                    (theirs.compressed, theirs.urgent),
                    "{name}"
                );
                assert_eq!(ours.body, theirs.body, "{name}");
                let entries = ChangesReply::decode(&ours, rows.len()).unwrap().entries;
                for (row, entry) in rows.iter().zip(entries) {
                    if matches!(entry, ChangesEntry::Want(_)) {
                        self.wanted
                            .insert((*collection, row.doc_id.clone(), row.rev_id.clone()));
                    }
                }
            }
            Request::GetAttachment { digest, .. } => {
                assert_eq!(ours.body, attachment(digest), "{name}");
                for (to, rev) in std::mem::take(&mut self.held) {
                    if self.attachment_asked_of(&rev).is_some() {
                        self.held.push((to, rev));
                    } else {
                        self.player().blip.reply(to, Message::default());
                    }
                }
            }
            _ => assert!(ours.body.is_empty() && keys(&ours).is_empty(), "{name}"),
        }
    }

    /// All that the recorded client did was done.
    fn end(self, outcome: Result<()>) {
        let stored = self.stored_checkpoints();
        let Self {
            recording, freedom, ..
        } = self;
        let name = &recording.name;
        if recording.opened.contains(&CollectionReply::Missing) {
            assert!(
                matches!(outcome, Err(Error::Http { status: 404, .. })),
                "{name}: {outcome:?}"
            );
            return;
        }
        assert_eq!(outcome, Ok(()), "{name}");
        if recording.is_silent() {
            let more = recording.requests(true).count() > 1;
            freedom.allow_if(more, "waits for the checkpoint");
            return;
        }
        assert!(self.feed.is_empty(), "{name}: {:?}", self.feed);
        assert_eq!(self.subscribed.len(), self.subscriptions.len(), "{name}");
        let recorded: BTreeSet<_> = (recording.proposed.iter())
            .map(|(of, row, _)| {
                (
                    *of,
                    row.doc_id.clone(),
                    row.rev_id.clone(),
                    row.parent.clone(),
                )
            })
            .collect();
        assert_eq!(self.proposed, recorded, "{name}");
        let lists = |empty: bool| {
            let is = move |request: &Request| matches!(request, Request::ProposeChanges { rows, .. } if rows.is_empty() == empty);
            recording
                .requests(true)
                .filter(move |(_, _, request)| is(request))
                .count()
        };
        freedom.allow_if(lists(true) > 0, "empty proposeChanges");
        assert_eq!(self.lists, lists(false), "{name}");
        let recorded: Vec<Key> = (recording.client_revs.iter())
            .map(|(of, rev)| (*of, rev.id.clone(), rev.rev.clone()))
            .collect();
        freedom.allow_if(recorded != self.revs, "order of revs");
        let set = |keys: &[Key]| keys.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(set(&recorded), set(&self.revs), "{name}");
        let recorded: Vec<_> = (recording.requests(true))
            .filter_map(|(_, _, request)| match request {
                Request::GetAttachment {
                    collection, digest, ..
                } => Some((collection, digest)),
                _ => None,
            })
            .collect();
        let differs = recorded.len() != self.attachments.len();
        freedom.allow_if(differs, "repeated getAttachment");
        let set = |list: &[(Option<u32>, String)]| list.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(set(&recorded), set(&self.attachments), "{name}");
        for (collection, id, rev) in &self.wanted {
            let key = (*collection, id.clone(), rev.clone());
            let theirs = &recording.server_revs[&key];
            let index = recording.index(*collection);
            if theirs.deleted {
                assert_eq!(self.peer.body(index, id), None, "{name}: {id}");
                continue;
            }
            let clean = attachments::clean_received(theirs.body.clone())
                .unwrap()
                .body;
            let canonical = encode_body(&clean).unwrap().canonical;
            assert_eq!(
                self.peer.body(index, id).unwrap().as_bytes(),
                canonical,
                "{name}: {id}"
            );
            assert_eq!(
                self.peer.rev_id(index, id).as_ref(),
                Some(rev),
                "{name}: {id}"
            );
        }
        compare_checkpoints(recording, &stored, &self.saved, freedom);
    }
}

fn compare_checkpoints(
    recording: &Recording,
    stored: &[(String, String, Bytes)],
    saved: &HashMap<String, Vec<Bytes>>,
    freedom: &mut Freedom,
) {
    let continuous = (recording.requests(true))
        .any(|(_, _, request)| matches!(request, Request::SubChanges(sub) if sub.continuous));
    for client in &recording.checkpoint_ids {
        let theirs: Vec<_> = (recording.requests(true))
            .filter_map(|(seen, _, request)| match request {
                Request::SetCheckpoint {
                    client: of, body, ..
                } if of == *client => Some((recording.reply_to(true, seen.number), body)),
                _ => None,
            })
            .collect();
        let refused = theirs
            .iter()
            .any(|(reply, _)| matches!(reply, Some(What::Error(_))));
        freedom.allow_if(refused, "checkpoint retry");
        let ours = saved.get(client).map(Vec::as_slice).unwrap_or_default();
        freedom.allow_if(ours.len() != theirs.len(), "checkpoints between");
        let before = (stored.iter()).find_map(|(of, _, body)| (of == client).then_some(body));
        let Some((_, theirs)) = theirs.last() else {
            assert!(ours.is_empty(), "{}", recording.name);
            continue;
        };
        // Nothing is saved when nothing has changed.
        let Some(ours) = ours.last().or(before) else {
            panic!("{}: no checkpoint", recording.name);
        };
        // A continuous client may have been stopped before it saved what it had.
        let (here, there) = (number(ours, "remote"), number(theirs, "remote"));
        let more = continuous && here > there;
        assert!(here == there || more, "{}: {here}, {there}", recording.name);
        freedom.allow_if(more, "checkpoints between");
        let differs = number(ours, "local") != number(theirs, "local");
        freedom.allow_if(differs, "local sequences");
        assert!(number(ours, "time") > 0);
    }
}

/// A number of a checkpoint, 0 if it is not there.
fn number(body: &[u8], key: &str) -> u64 {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    body.get(key).map_or(0, |value| value.as_u64().unwrap())
}
