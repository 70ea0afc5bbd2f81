//! Our listener in the place of the recorded server.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::super::pair::Peer;
use super::super::player::Player;
use super::super::tap::What;
use super::Freedom;
use super::recording::{Key, Recording, attachment, keys};
use crate::blip::{Message, Properties, ReplyTo, RequestId};
use crate::error::{Error, Result};
use crate::model::body::encode_body;
use crate::model::replication::{ConflictPolicy, IncomingRevision};
use crate::model::{DocId, RevId};
use crate::protocol::{
    ChangesEntry, ChangesReply, CheckpointReply, CollectionReply, ProposeEntry, ProposeReply,
    Request, Rev, attachments,
};
use crate::replicator::{PassiveConfig, serve};
use crate::transport::{LoopbackOptions, loopback};

const PATIENCE: Duration = Duration::from_secs(10);

/// Plays the recorded client against a listener that holds what the recorded server held.
pub(super) async fn play(recording: &Recording, freedom: &mut Freedom) {
    let mut replay = Replay::new(recording, freedom);
    for seen in &recording.messages {
        match (seen.sent, &seen.what) {
            (true, What::Request(message)) => replay.client_asks(seen.number, message).await,
            (true, _) => {}
            (false, What::Request(message)) => replay.server_asked(message).await,
            (false, what) => replay.server_answered(seen.number, what).await,
        }
    }
    if recording.is_silent() {
        replay.freedom.allow("no answer");
    }
    replay.end().await;
}

/// A document's revision, inserted as if it had come from somebody.
pub(super) fn insert(peer: &Peer, collection: usize, id: &str, rev: &str, from: Option<&Rev>) {
    let body = from.map_or(Bytes::from_static(b"{}"), |rev| rev.body.clone());
    let clean = attachments::clean_received(body).unwrap();
    for blob in &clean.blobs {
        peer.put_blob(&attachment(&blob.digest.to_string()));
    }
    let history = from.map(|rev| rev.history.as_slice()).unwrap_or_default();
    let revision = IncomingRevision {
        doc_id: DocId::parse(id).unwrap(),
        rev_id: RevId::parse(rev).unwrap(),
        history: history
            .iter()
            .map(|rev| RevId::parse(rev.as_str()).unwrap())
            .collect(),
        deleted: from.is_some_and(|rev| rev.deleted),
        body: clean.body,
    };
    let spec = &peer.collections[collection];
    let policy = ConflictPolicy::Refuse;
    let stored = peer
        .database
        .write(|tx| tx.insert_revisions(spec, vec![revision], policy, None));
    stored.unwrap();
}

/// What our listener asked.
#[derive(Default)]
struct Asked {
    rows: HashSet<Key>,
    caught_up: HashSet<Option<u32>>,
    revs: HashMap<Key, Rev>,
    attachments: HashSet<String>,
}

struct Replay<'a> {
    recording: &'a Recording,
    freedom: &'a mut Freedom,
    server: Peer,
    player: Player,
    task: tokio::task::JoinHandle<()>,
    sent: HashMap<u64, (RequestId, Request)>,
    /// Recorded checkpoint revision → ours.
    checkpoints: HashMap<String, String>,
    /// Where the feed of each collection stood before what the recording announces.
    since: Vec<u64>,
    refused: bool,
    asked: Asked,
}

impl<'a> Replay<'a> {
    fn new(recording: &'a Recording, freedom: &'a mut Freedom) -> Self {
        let mut served: Vec<&str> = recording.collections.iter().map(String::as_str).collect();
        if served.is_empty() {
            served.push("_default");
        }
        let exists = |index: usize| recording.opened.get(index) != Some(&CollectionReply::Missing);
        let present: Vec<&str> = (served.iter().enumerate())
            .filter(|(index, _)| exists(*index))
            .map(|(_, path)| *path)
            .collect();
        let server = Peer::new(if present.is_empty() {
            &["other.one"]
        } else {
            &present
        });
        let (near, far) = loopback(LoopbackOptions::default());
        let config = PassiveConfig {
            database: server.database.clone(),
            collections: server.collections.clone(),
            deltas: false,
            protocol: "BLIP_3+CBMobile_3".into(),
            peer: recording.name.clone(),
            read_only: false,
            watch: None,
        };
        let busy = Arc::new(AtomicBool::new(false));
        let mut replay = Self {
            recording,
            freedom,
            server,
            player: Player::new(near),
            task: tokio::runtime::Handle::current().spawn(async {}),
            sent: HashMap::new(),
            checkpoints: HashMap::new(),
            since: Vec::new(),
            refused: false,
            asked: Asked::default(),
        };
        replay.fill();
        let served = serve(far, config, CancellationToken::new(), busy);
        replay.task = tokio::runtime::Handle::current().spawn(served);
        replay
    }

    /// Gives the database what the recorded server had.
    fn fill(&mut self) {
        let recording = self.recording;
        let announced = |collection: Option<u32>, id: &str| {
            (recording.announced.iter()).any(|(of, row, _)| *of == collection && row.doc_id == id)
        };
        for (collection, row, entry) in &recording.proposed {
            let rev = match entry {
                Some(ProposeEntry::Accept) if !row.parent.is_empty() => row.parent.clone(),
                Some(ProposeEntry::Have) => row.rev_id.clone(),
                Some(ProposeEntry::Conflict(Some(current))) => current.clone(),
                _ => continue,
            };
            if !announced(*collection, &row.doc_id) {
                insert(
                    &self.server,
                    recording.index(*collection),
                    &row.doc_id,
                    &rev,
                    None,
                );
            }
        }
        self.since = (self.server.collections.iter())
            .map(|spec| {
                self.server
                    .database
                    .read(|tx| tx.last_sequence(spec))
                    .unwrap()
                    .0
            })
            .collect();
        for (collection, row, _) in &recording.announced {
            let key = (*collection, row.doc_id.clone(), row.rev_id.clone());
            if recording.is_echo(&key) {
                self.freedom.allow("echo");
                continue;
            }
            let rev = recording.server_revs.get(&key).cloned().unwrap_or(Rev {
                deleted: row.flags & 1 != 0,
                body: Bytes::from_static(b"{}"),
                ..Rev::default()
            });
            let index = recording.index(*collection);
            insert(&self.server, index, &row.doc_id, &row.rev_id, Some(&rev));
        }
        for (seen, _, request) in recording.requests(true) {
            if let (Request::GetCheckpoint { client, .. }, Some(What::Reply(reply))) =
                (request, recording.reply_to(true, seen.number))
            {
                let stored = CheckpointReply::decode(reply).unwrap();
                self.store_checkpoint(&client, &stored.rev, &stored.body);
            }
        }
        for (client, opened) in recording.checkpoint_ids.iter().zip(&recording.opened) {
            if let CollectionReply::Exists {
                checkpoint: Some((rev, body)),
            } = opened
            {
                self.store_checkpoint(client, rev, body);
            }
        }
    }

    fn store_checkpoint(&mut self, client: &str, rev: &str, body: &[u8]) {
        let known = self
            .server
            .database
            .read(|tx| tx.peer_checkpoint(client))
            .unwrap();
        if known.is_none() {
            let database = &self.server.database;
            let ours = database
                .write(|tx| tx.set_peer_checkpoint(client, "", body))
                .unwrap();
            self.checkpoints.insert(format!("{client} {rev}"), ours);
        }
    }

    async fn client_asks(&mut self, number: u64, message: &Message) {
        let request = Request::decode(message.clone()).unwrap();
        let mut message = message.clone();
        let mut replace = |key: &str, value: String| {
            let mut properties = Properties::new();
            for (name, old) in &message.properties {
                properties.push(name, if name == key { value.as_str() } else { old });
            }
            message.properties = properties;
        };
        match &request {
            Request::SetCheckpoint { client, rev, .. } if !rev.is_empty() => {
                let ours = self.checkpoints.get(&format!("{client} {rev}")).cloned();
                replace("rev", ours.unwrap_or_else(|| rev.clone()));
            }
            Request::SubChanges(sub) if sub.since.is_some() => {
                replace(
                    "since",
                    self.since[self.recording.index(sub.collection)].to_string(),
                );
            }
            _ => {}
        }
        let id = self.player.send(message);
        self.sent.insert(number, (id, request));
        self.player.turn(Duration::ZERO).await;
        self.take_requests();
    }

    async fn server_answered(&mut self, number: u64, what: &What) {
        let (id, request) = self.sent[&number].clone();
        let name = &self.recording.name;
        let ours = loop {
            if let Some(reply) = self.player.take_reply(id) {
                break reply;
            }
            let came = self.player.turn(PATIENCE).await;
            self.take_requests();
            assert!(came, "{name}: no reply to #{number}");
        };
        self.compare_reply(&request, what, ours);
    }

    fn compare_reply(&mut self, request: &Request, what: &What, ours: Result<Message>) {
        let name = format!("{}: {request:?}", self.recording.name);
        let (theirs, ours) = match (what, ours) {
            (What::Error(theirs), Err(ours)) => {
                assert_eq!(ours.to_blip(), theirs.to_blip(), "{name}");
                self.freedom
                    .allow_if(ours.message() != theirs.message(), "error text");
                return;
            }
            (What::Reply(_), Err(Error::Lite { message, .. }))
                if message == "Filtering not supported" =>
            {
                self.freedom.allow("filters");
                self.refused = true;
                return;
            }
            (What::Reply(theirs), Ok(ours)) => (theirs, ours),
            (theirs, ours) => panic!("{name}: {theirs:?} there, {ours:?} here"),
        };
        self.freedom
            .allow_if(theirs.compressed != ours.compressed, "compressed reply");
        let mut their_keys = keys(theirs);
        let mut our_keys = keys(&ours);
        let marks = |key: &String| key == "Content-Type";
        self.freedom
            .allow_if(their_keys.iter().any(marks), "content-type");
        their_keys.retain(|key| key != "Content-Type");
        if matches!(request, Request::ProposeChanges { .. }) {
            let ours_alone = ["maxHistory", "blobs", "deltas"];
            let before = our_keys.len();
            our_keys.retain(|key| !ours_alone.contains(&key.as_str()));
            self.freedom
                .allow_if(our_keys.len() < before, "reply properties");
        }
        assert_eq!(our_keys, their_keys, "{name}");
        match request {
            Request::ProposeChanges { rows, .. } => {
                let entries =
                    |message: &Message| ProposeReply::decode(message, rows.len()).unwrap().entries;
                assert_eq!(entries(&ours), entries(theirs), "{name}");
                assert_eq!(ours.body, theirs.body, "{name}");
            }
            Request::GetCheckpoint { client, .. } | Request::SetCheckpoint { client, .. } => {
                let read = |message: &Message| CheckpointReply::decode(message).unwrap();
                let (theirs, ours) = (read(theirs), read(&ours));
                self.freedom
                    .allow_if(theirs.rev != ours.rev, "checkpoint revision");
                let known = self
                    .checkpoints
                    .insert(format!("{client} {}", theirs.rev), ours.rev.clone());
                assert!(known.is_none_or(|known| known == ours.rev), "{name}");
                assert_eq!(ours.body, theirs.body, "{name}");
            }
            Request::GetCollections {
                collections,
                checkpoint_ids,
            } => {
                let read = |message: &Message| {
                    CollectionReply::decode_all(message, collections.len()).unwrap()
                };
                let underscored = theirs.body.windows(6).any(|word| word == b"\"_rev\"");
                self.freedom.allow_if(underscored, "_rev");
                let (theirs, ours) = (read(theirs), read(&ours));
                for ((theirs, ours), client) in theirs.into_iter().zip(ours).zip(checkpoint_ids) {
                    match (theirs, ours) {
                        (
                            CollectionReply::Exists {
                                checkpoint: Some((their_rev, theirs)),
                            },
                            CollectionReply::Exists {
                                checkpoint: Some((our_rev, ours)),
                            },
                        ) => {
                            assert_eq!(ours, theirs, "{name}");
                            self.checkpoints
                                .insert(format!("{client} {their_rev}"), our_rev);
                        }
                        (theirs, ours) => assert_eq!(ours, theirs, "{name}"),
                    }
                }
            }
            _ => assert_eq!(ours.body, theirs.body, "{name}"),
        }
    }

    /// Our listener must ask what the recorded one did.
    async fn server_asked(&mut self, message: &Message) {
        let request = Request::decode(message.clone()).unwrap();
        if self.refused && !matches!(request, Request::GetAttachment { .. }) {
            return;
        }
        self.freedom
            .allow_if(message.get("Content-Type").is_some(), "content-type");
        let wanted: Vec<Wanted> = match &request {
            Request::Changes {
                collection, rows, ..
            } if rows.is_empty() => {
                self.freedom
                    .allow_if(&message.body[..] == b"null", "null for []");
                vec![Wanted::CaughtUp(*collection)]
            }
            Request::Changes {
                collection, rows, ..
            } => {
                self.freedom.allow_if(!message.urgent, "urgent changes");
                (rows.iter())
                    .map(|row| (*collection, row.doc_id.clone(), row.rev_id.clone()))
                    .filter(|key| !self.recording.is_echo(key))
                    .map(Wanted::Row)
                    .collect()
            }
            Request::Rev(rev) => {
                self.freedom.allow_if(rev.no_reply, "rev without reply");
                vec![Wanted::Rev((
                    rev.collection,
                    rev.id.clone(),
                    rev.rev.clone(),
                ))]
            }
            Request::GetAttachment { digest, .. } => vec![Wanted::Attachment(digest.clone())],
            other => panic!("{}: {other:?}", self.recording.name),
        };
        for wanted in wanted {
            while !self.asked.has(&wanted) {
                let came = self.player.turn(PATIENCE).await;
                self.take_requests();
                assert!(
                    came,
                    "{}: waits in vain for {wanted:?}",
                    self.recording.name
                );
            }
        }
        if let Request::Rev(theirs) = request {
            self.compare_rev(message, theirs);
        }
    }

    fn compare_rev(&mut self, message: &Message, theirs: Rev) {
        let name = format!("{}: rev {}", self.recording.name, theirs.id);
        let key = (theirs.collection, theirs.id.clone(), theirs.rev.clone());
        let ours = self.asked.revs[&key].clone();
        let clean = attachments::clean_received(theirs.body.clone())
            .unwrap()
            .body;
        self.freedom.allow_if(clean != theirs.body, "clean body");
        let canonical = |body: &[u8]| encode_body(body).unwrap().canonical;
        assert_eq!(canonical(&ours.body), canonical(&clean), "{name}");
        assert!(
            ours.sequence.is_some() && theirs.sequence.is_some(),
            "{name}"
        );
        let rest = |rev: Rev| Rev {
            body: Bytes::new(),
            sequence: None,
            no_reply: false,
            ..rev
        };
        let mut their_keys = keys(message);
        their_keys.retain(|key| key != "Content-Type");
        let again = Request::Rev(ours.clone()).encode();
        assert_eq!(keys(&again), their_keys, "{name}");
        assert_eq!(
            (again.urgent, again.compressed),
            (message.urgent, message.compressed),
            "{name}"
        );
        assert_eq!(rest(ours), rest(theirs), "{name}");
    }

    /// Answers what our listener asks as the recorded client answered the same.
    fn take_requests(&mut self) {
        while let Some((to, message)) = self.player.requests.pop_front() {
            let request = Request::decode(message.clone()).unwrap();
            match request {
                Request::Changes {
                    collection, rows, ..
                } if rows.is_empty() => {
                    assert!(to.is_none() && &message.body[..] == b"[]" && !message.compressed);
                    self.asked.caught_up.insert(collection);
                }
                Request::Changes {
                    collection, rows, ..
                } => {
                    assert!(message.urgent && message.compressed);
                    let answered = rows
                        .iter()
                        .map(|row| self.answer_row(collection, row))
                        .collect();
                    let reply = ChangesReply {
                        max_history: Some(20),
                        blobs: true,
                        deltas: false,
                        entries: answered,
                    };
                    self.player.blip.reply(to.unwrap(), reply.encode());
                }
                Request::Rev(rev) => {
                    assert!(message.compressed && !message.urgent);
                    let key = (rev.collection, rev.id.clone(), rev.rev.clone());
                    assert!(self.recording.server_revs.contains_key(&key), "{key:?}");
                    self.asked.revs.insert(key, rev);
                    self.reply(to, Message::default());
                }
                Request::GetAttachment { digest, .. } => {
                    let body = attachment(&digest);
                    self.asked.attachments.insert(digest);
                    self.reply(
                        to,
                        Message {
                            body,
                            ..Message::default()
                        },
                    );
                }
                other => panic!("{}: {other:?}", self.recording.name),
            }
        }
    }

    fn reply(&mut self, to: Option<ReplyTo>, message: Message) {
        if let Some(to) = to {
            self.player.blip.reply(to, message);
        }
    }

    fn answer_row(
        &mut self,
        collection: Option<u32>,
        row: &crate::protocol::ChangeRow,
    ) -> ChangesEntry {
        let found = (self.recording.announced.iter()).find(|(of, recorded, _)| {
            *of == collection && recorded.doc_id == row.doc_id && recorded.rev_id == row.rev_id
        });
        let Some((_, recorded, entry)) = found else {
            let key = (collection, row.doc_id.clone(), row.rev_id.clone());
            // Announced here too when the push came before the subscription.
            let known = (self.recording.proposed.iter())
                .any(|(of, row, _)| *of == collection && row.doc_id == key.1);
            assert!(
                self.recording.is_echo(&key) || known,
                "{}: {key:?}",
                self.recording.name
            );
            return ChangesEntry::Skip;
        };
        assert_eq!(row.flags & 1, recorded.flags & 1);
        let key = (collection, row.doc_id.clone(), row.rev_id.clone());
        self.asked.rows.insert(key);
        entry.clone().unwrap_or(ChangesEntry::Skip)
    }

    /// The client leaves; what it pushed is stored.
    async fn end(mut self) {
        while self.player.turn(Duration::from_millis(1)).await {
            self.take_requests();
        }
        self.player.close().await;
        self.task.await.unwrap();
        for (collection, rev) in &self.recording.client_revs {
            let index = self.recording.index(*collection);
            let stored = self.server.body(index, &rev.id);
            if rev.deleted {
                assert_eq!(stored, None);
                continue;
            }
            let clean = attachments::clean_received(rev.body.clone()).unwrap().body;
            let canonical = encode_body(&clean).unwrap().canonical;
            assert_eq!(
                stored.unwrap().as_bytes(),
                canonical,
                "{}",
                self.recording.name
            );
            assert_eq!(self.server.rev_id(index, &rev.id).as_ref(), Some(&rev.rev));
        }
    }
}

#[derive(Debug)]
enum Wanted {
    Row(Key),
    CaughtUp(Option<u32>),
    Rev(Key),
    Attachment(String),
}

impl Asked {
    fn has(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Row(key) => self.rows.contains(key),
            Wanted::CaughtUp(collection) => self.caught_up.contains(collection),
            Wanted::Rev(key) => self.revs.contains_key(key),
            Wanted::Attachment(digest) => self.attachments.contains(digest),
        }
    }
}
