//! Our active side and servers that break the rules: each gets the protocol's own answer, the
//! replication fails with the right code or goes on, and the database has nothing that it should not.

use std::time::Duration;

use bytes::Bytes;

use super::pair::{BOTH, LIVE, Log, PULL, PUSH, Peer, drive};
use super::player::Player;
use crate::blip::{Message, ReplyTo};
use crate::error::{Code, Error, Result};
use crate::model::BlobDigest;
use crate::protocol::{
    ChangeRow, CheckpointReply, NoRev, ProposeEntry, ProposeReply, Request, Rev,
};
use crate::replicator::core::ActiveConfig;
use crate::transport::{LoopbackOptions, loopback};

const PATIENCE: Duration = Duration::from_secs(20);

/// What a server does with a request: all by itself, or as a good one would.
#[derive(PartialEq, Eq)]
enum Do {
    Nothing,
    TheRight,
}

/// How a replication with a bad server ended.
struct End {
    outcome: Result<()>,
    log: Log,
    /// The code with which our side closed.
    code: Option<u16>,
    /// Checkpoints that it saved.
    saved: Vec<String>,
}

impl End {
    fn document_codes(&self) -> Vec<i32> {
        let ended = self.log.documents();
        ended
            .iter()
            .map(|document| document.error.as_ref().map_or(0, Error::code))
            .collect()
    }
}

/// Replicates with a server that follows `script` where that says so. With `stop`, our side is stopped
/// once nothing has happened for a moment.
async fn replicate_with(
    peer: &Peer,
    config: ActiveConfig,
    stop: bool,
    mut script: impl FnMut(&mut Player, Option<ReplyTo>, &Request) -> Do,
) -> End {
    let (near, far) = loopback(LoopbackOptions::default());
    let log = Log::default();
    let (task, stopping) = drive(peer, peer.core(config), near, log.clone());
    let mut player = Player::new(far);
    let mut checkpoints = 0;
    while !player.closed {
        let patience = if stop && !stopping.is_cancelled() {
            Duration::from_millis(100)
        } else {
            PATIENCE
        };
        if !player.turn(patience).await && !player.closed {
            assert!(stop && !stopping.is_cancelled(), "our side hangs");
            stopping.cancel();
        }
        while let Some((to, message)) = player.requests.pop_front() {
            let request = Request::decode(message).unwrap();
            if script(&mut player, to, &request) == Do::TheRight {
                do_right(&mut player, to, request, &mut checkpoints);
            }
        }
    }
    let outcome = tokio::time::timeout(PATIENCE, task)
        .await
        .expect("our side hangs")
        .unwrap();
    End {
        outcome,
        log,
        code: player.close_code,
        saved: Vec::new(),
    }
}

fn do_right(player: &mut Player, to: Option<ReplyTo>, request: Request, checkpoints: &mut u32) {
    let Some(to) = to else { return };
    match request {
        Request::GetCheckpoint { .. } => {
            player.blip.reply_error(to, &Error::http(404, "missing"));
        }
        Request::GetCollections { collections, .. } => {
            let body = format!("[{}]", vec!["{}"; collections.len()].join(","));
            player.blip.reply(
                to,
                Message {
                    body: body.into(),
                    ..Message::default()
                },
            );
        }
        Request::SetCheckpoint { .. } => {
            *checkpoints += 1;
            let reply = CheckpointReply {
                rev: format!("{checkpoints}-cc"),
                body: Bytes::new(),
            };
            player.blip.reply(to, reply.encode());
        }
        Request::SubChanges(sub) => {
            player.blip.reply(to, Message::default());
            player.send(changes(sub.collection, vec![]));
        }
        _ => player.blip.reply(to, Message::default()),
    }
}

fn changes(collection: Option<u32>, rows: Vec<ChangeRow>) -> Message {
    let no_reply = rows.is_empty();
    Request::Changes {
        collection,
        rows,
        no_reply,
    }
    .encode()
}

fn row(sequence: &str, id: &str, rev: &str) -> ChangeRow {
    ChangeRow {
        sequence: sequence.into(),
        doc_id: id.into(),
        rev_id: rev.into(),
        ..ChangeRow::default()
    }
}

fn rev(id: &str, rev: &str, body: &str) -> Message {
    Request::Rev(Rev {
        id: id.into(),
        rev: rev.into(),
        sequence: Some("1".into()),
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Rev::default()
    })
    .encode()
}

fn one() -> Peer {
    let peer = Peer::new(&["_default"]);
    peer.save(0, "x", r#"{"n":1}"#);
    peer
}

fn blip_error(domain: &str, code: i32) -> Error {
    Error::from_blip(domain, code, "scripted")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_answers_to_get_collections_end_the_replication() {
    for (body, code, close) in [
        ("[{},null]", 10_404, 1000),
        ("[{}]", 26, 4002),
        ("[{},{},{}]", 26, 4002),
        ("{}", 26, 4002),
        ("[1,2]", 26, 4002),
        ("nonsense", 26, 4002),
    ] {
        let peer = Peer::new(&["a.b", "a.c"]);
        peer.save(0, "x", "{}");
        let end = replicate_with(&peer, BOTH, false, |player, to, request| match request {
            Request::GetCollections { .. } => {
                let body = Bytes::copy_from_slice(body.as_bytes());
                player.blip.reply(
                    to.unwrap(),
                    Message {
                        body,
                        ..Message::default()
                    },
                );
                Do::Nothing
            }
            other => panic!("{body}: {other:?}"),
        })
        .await;
        assert_eq!(end.outcome.unwrap_err().code(), code, "{body}");
        assert_eq!(end.code, Some(close), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_that_concern_the_whole_connection_end_it_with_their_close_code() {
    type Is = fn(&Request) -> bool;
    let get_collections: Is = |request| matches!(request, Request::GetCollections { .. });
    let subscribe: Is = |request| matches!(request, Request::SubChanges(_));
    let propose: Is = |request| matches!(request, Request::ProposeChanges { .. });
    for (is, domain, number, code, close) in [
        (get_collections, "BLIP", 404, 26, 4002),
        (get_collections, "BLIP", 400, 26, 4002),
        (get_collections, "HTTP", 503, 10_503, 4002),
        // Wire §3.5: fatal for the puller.
        (subscribe, "HTTP", 400, 10_400, 4002),
        (subscribe, "HTTP", 403, 10_403, 4002),
        (subscribe, "HTTP", 500, 10_500, 4002),
        (subscribe, "LiteCore", 19, 19, 4002),
        (subscribe, "LiteCore", 501, 26, 4002),
        // Wire §1.11.
        (propose, "HTTP", 503, 10_503, 4001),
        (propose, "LiteCore", 10, 10, 4002),
        (propose, "LiteCore", 26, 26, 4002),
        (propose, "POSIX", 28, 28, 4002),
    ] {
        let peer = Peer::new(&["a.b"]);
        peer.save(0, "x", "{}");
        let end = replicate_with(&peer, BOTH, false, |player, to, request| {
            if !is(request) {
                return Do::TheRight;
            }
            player
                .blip
                .reply_error(to.unwrap(), &blip_error(domain, number));
            Do::Nothing
        })
        .await;
        let error = end.outcome.unwrap_err();
        assert_eq!(
            (error.code(), end.code),
            (code, Some(close)),
            "{domain} {number}: {error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rev_that_is_refused_is_a_document_error_and_the_checkpoint_passes_it_unless_it_may_pass()
{
    // Domain and code of the answer, code of the document error, times sent, whether it is done with.
    for (domain, number, code, times, done) in [
        ("HTTP", 409, 10_409, 1, true),
        ("HTTP", 403, 10_403, 2, true),
        ("HTTP", 422, 10_422, 1, true),
        ("HTTP", 404, 10_404, 1, true),
        ("HTTP", 400, 10_400, 1, true),
        ("HTTP", 500, 10_500, 1, true),
        ("HTTP", 504, 10_504, 1, false),
        ("LiteCore", 4, 4, 1, true),
        ("LiteCore", 29, 29, 1, true),
        ("Martian", 7, 26, 1, true),
    ] {
        let peer = one();
        let mut sent = 0;
        let mut saved = String::new();
        let end = replicate_with(&peer, PUSH, false, |player, to, request| match request {
            Request::Rev(_) => {
                sent += 1;
                player
                    .blip
                    .reply_error(to.unwrap(), &blip_error(domain, number));
                Do::Nothing
            }
            Request::SetCheckpoint { body, .. } => {
                saved = String::from_utf8(body.to_vec()).unwrap();
                Do::TheRight
            }
            _ => Do::TheRight,
        })
        .await;
        assert_eq!(end.outcome, Ok(()), "{domain} {number}");
        assert_eq!(end.document_codes(), [code], "{domain} {number}");
        assert_eq!(sent, times, "{domain} {number}");
        assert_eq!(
            saved.contains(r#""local":1"#),
            done,
            "{domain} {number}: {saved}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_to_proposals_decide_row_by_row_and_nonsense_ends_the_connection() {
    let peer = Peer::new(&["_default"]);
    for n in 0..6 {
        peer.save(0, &format!("d{n}"), "{}");
    }
    let mut sent = Vec::new();
    let end = replicate_with(&peer, PUSH, false, |player, to, request| match request {
        Request::ProposeChanges { .. } => {
            let entries = vec![
                ProposeEntry::Reject(403),
                ProposeEntry::Reject(500),
                ProposeEntry::Have,
                ProposeEntry::Conflict(Some("9-ab".into())),
                ProposeEntry::Conflict(Some("no revision".into())),
            ];
            let reply = ProposeReply {
                entries,
                ..ProposeReply::default()
            };
            player.blip.reply(to.unwrap(), reply.encode());
            Do::Nothing
        }
        Request::Rev(rev) => {
            sent.push(rev.id.clone());
            Do::TheRight
        }
        _ => Do::TheRight,
    })
    .await;
    assert_eq!(end.outcome, Ok(()));
    assert_eq!(sent, ["d5"]);
    let mut codes = end.document_codes();
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 10_403, 10_409, 10_409, 10_500]);

    for body in ["{}", "7", "[[]]", "[\"x\"]", "[{\"rev\":1}]", "["] {
        let end = replicate_with(&one(), PUSH, false, |player, to, request| match request {
            Request::ProposeChanges { .. } => {
                let body = Bytes::copy_from_slice(body.as_bytes());
                player.blip.reply(
                    to.unwrap(),
                    Message {
                        body,
                        ..Message::default()
                    },
                );
                Do::Nothing
            }
            _ => Do::TheRight,
        })
        .await;
        assert!(end.outcome.unwrap_err().is(Code::RemoteError), "{body}");
        assert_eq!(end.code, Some(4002), "{body}");
    }
}

/// What our side must say to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// Anything but an error, or nothing when no reply is wanted.
    Yes,
    /// An error of this domain and code.
    Error(&'static str, i32),
    AnyError,
    /// Nothing: the connection ends.
    Never,
}

/// A pull in which the server sends scripted messages.
#[derive(Default)]
struct Pull {
    /// The answer to `getAttachment`.
    attachment: Option<Result<Bytes>>,
}

impl Pull {
    /// Sends the messages one after the other once subscribed to, each after the answer to the one before,
    /// then says "caught up". Gives the errors told besides the end.
    async fn run(self, messages: Vec<(Message, Said)>) -> (Peer, End, Vec<Error>) {
        let peer = Peer::new(&["_default"]);
        peer.save(0, "here", "{}");
        let (near, far) = loopback(LoopbackOptions::default());
        let log = Log::default();
        let (task, _stop) = drive(&peer, peer.core(PULL), near, log.clone());
        let mut player = Player::new(far);
        let (mut subscribed, mut ended, mut checkpoints) = (false, false, 0);
        let (mut saved, mut errors) = (Vec::new(), Vec::new());
        let mut asked = None;
        let mut waiting = messages.into_iter();
        while !player.closed {
            assert!(
                player.turn(PATIENCE).await || player.closed,
                "our side hangs"
            );
            while let Some((to, message)) = player.requests.pop_front() {
                match Request::decode(message).unwrap() {
                    Request::SubChanges(_) => {
                        subscribed = true;
                        player.blip.reply(to.unwrap(), Message::default());
                    }
                    Request::GetAttachment { .. } => match self.attachment.clone().unwrap() {
                        Ok(body) => {
                            player.blip.reply(
                                to.unwrap(),
                                Message {
                                    body,
                                    ..Message::default()
                                },
                            );
                        }
                        Err(error) => player.blip.reply_error(to.unwrap(), &error),
                    },
                    other => {
                        if let Request::SetCheckpoint { body, .. } = &other {
                            saved.push(String::from_utf8(body.to_vec()).unwrap());
                        }
                        do_right(&mut player, to, other, &mut checkpoints);
                    }
                }
            }
            if let Some((id, expected)) = asked.take() {
                match player.take_reply(id) {
                    None => asked = Some((id, expected)),
                    Some(reply) => {
                        let told = reply.as_ref().err().map(Error::to_blip);
                        match expected {
                            Said::Yes => assert_eq!(told, None, "{reply:?}"),
                            Said::Error(domain, code) => {
                                assert_eq!(told, Some((domain, code)), "{reply:?}")
                            }
                            Said::AnyError => assert!(told.is_some(), "{reply:?}"),
                            Said::Never => panic!("{reply:?}"),
                        }
                        errors.extend(reply.err());
                    }
                }
            }
            while subscribed && asked.is_none() && !ended {
                match waiting.next() {
                    Some((message, expected)) => {
                        let no_reply = message.no_reply;
                        let id = player.send(message);
                        asked = (!no_reply).then_some((id, expected));
                    }
                    None => {
                        ended = true;
                        player.send(changes(None, vec![]));
                    }
                }
            }
        }
        let outcome = task.await.unwrap();
        let code = player.close_code;
        (
            peer,
            End {
                outcome,
                log,
                code,
                saved,
            },
            errors,
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_lists_of_changes_are_refused_whole_and_the_pull_goes_on() {
    let raw = |body: &str| Message {
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..changes(None, vec![row("1", "a", "1-ab")])
    };
    let refused = Said::Error("LiteCore", 26);
    let bad_rows =
        |id: &str, rev: &str| changes(None, vec![row("1", "good", "1-ab"), row("2", id, rev)]);
    let unanswered = Message {
        no_reply: true,
        ..changes(None, vec![row("1", "a", "1-ab")])
    };
    let (peer, end, _) = Pull::default()
        .run(vec![
            (raw("{}"), Said::Error("BLIP", 400)),
            (raw("7"), Said::Error("BLIP", 400)),
            (raw("[[1]]"), Said::Error("BLIP", 400)),
            (bad_rows("", "1-ab"), refused.clone()),
            (bad_rows("_x", "1-ab"), refused.clone()),
            (bad_rows("x", "*"), refused.clone()),
            (bad_rows("x", "0-ab"), refused.clone()),
            (bad_rows("x", "1-XY"), refused.clone()),
            (
                bad_rows("x", "18ea4521d34f0001@de1Do5omSH6H4GaaBerLmA"),
                refused.clone(),
            ),
            (unanswered, Said::Yes),
            (changes(None, vec![row("5", "good", "1-ab")]), Said::Yes),
            (rev("good", "1-ab", "{}"), Said::Yes),
        ])
        .await;
    assert_eq!(end.outcome, Ok(()));
    assert_eq!(peer.body(0, "good").as_deref(), Some("{}"));
    assert_eq!(peer.contents().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revisions_that_were_not_asked_for_or_are_of_another_document_are_refused() {
    let (peer, end, _) = Pull::default()
        .run(vec![
            (rev("unasked", "1-ab", "{}"), Said::Error("BLIP", 400)),
            (changes(None, vec![row("1", "a", "2-ab")]), Said::Yes),
            (rev("b", "2-ab", "{}"), Said::Error("BLIP", 400)),
            (rev("a", "2-cd", "{}"), Said::Error("BLIP", 400)),
            (rev("", "2-ab", "{}"), Said::Error("HTTP", 400)),
            (rev("a", "2-ab@x", "{}"), Said::Error("HTTP", 400)),
            (rev("a", "2-ab", "{}"), Said::Yes),
            // Twice.
            (rev("a", "2-ab", "{}"), Said::Error("BLIP", 400)),
        ])
        .await;
    assert_eq!(end.outcome, Ok(()));
    assert_eq!(peer.rev_id(0, "a").as_deref(), Some("2-ab"));
    assert_eq!(peer.contents().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_that_loop_skip_or_are_too_long_are_refused() {
    let with = |history: Vec<String>| {
        Request::Rev(Rev {
            id: "a".into(),
            rev: "5-ab".into(),
            sequence: Some("1".into()),
            history,
            body: Bytes::from_static(b"{}"),
            ..Rev::default()
        })
        .encode()
    };
    let texts = |list: &[&str]| {
        list.iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let announced = || (changes(None, vec![row("1", "a", "5-ab")]), Said::Yes);
    let bad = Said::Error("LiteCore", 4);
    let mut messages = Vec::new();
    for history in [
        texts(&["5-ab", "4-ab"]),
        texts(&["4-ab", "4-cd"]),
        texts(&["4-ab", "5-ab", "4-ab"]),
        texts(&["4-ab", "2-ab"]),
        texts(&["6-ab"]),
        texts(&["4-ab", " 3-ab"]),
        texts(&["4-ab", "nonsense"]),
        texts(&["4-ab", "0-ab"]),
        (0..5_000).map(|n| format!("4-{n:04x}")).collect(),
    ] {
        messages.push(announced());
        messages.push((with(history), bad.clone()));
    }
    messages.push(announced());
    messages.push((with(texts(&["4-ab", "3-ab"])), Said::Yes));
    let (peer, end, _) = Pull::default().run(messages).await;
    assert_eq!(end.outcome, Ok(()));
    assert_eq!(peer.rev_id(0, "a").as_deref(), Some("5-ab"));
    let codes = end.document_codes();
    assert_eq!(
        codes.iter().filter(|code| **code == 4).count(),
        9,
        "{codes:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_of_a_hundred_thousand_costs_the_connection_before_it_is_read() {
    let history: Vec<String> = (1..100_000).rev().map(|n| format!("{n}-ab")).collect();
    let rev = Request::Rev(Rev {
        id: "a".into(),
        rev: "100000-ab".into(),
        history,
        sequence: Some("1".into()),
        body: Bytes::from_static(b"{}"),
        ..Rev::default()
    });
    let announced = changes(None, vec![row("1", "a", "100000-ab")]);
    let (peer, end, _) = Pull::default()
        .run(vec![(announced, Said::Yes), (rev.encode(), Said::Never)])
        .await;
    let error = end.outcome.unwrap_err();
    assert!(
        matches!(error, Error::WebSocketClosed { code: 1011, .. }),
        "{error:?}"
    );
    assert_eq!(peer.contents().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_sequences_are_done_in_order_of_arrival_whatever_they_say() {
    let sequences = ["10", "3", "\"7:2\"", "3", "-5", "1e3"];
    let rows =
        (sequences.iter().enumerate()).map(|(n, sequence)| row(sequence, &format!("d{n}"), "1-ab"));
    let mut messages = vec![(changes(None, rows.collect()), Said::Yes)];
    for n in (0..sequences.len()).rev() {
        messages.push((rev(&format!("d{n}"), "1-ab", "{}"), Said::Yes));
    }
    let (peer, end, _) = Pull::default().run(messages).await;
    assert_eq!(end.outcome, Ok(()));
    assert_eq!(peer.contents().len(), 7);
    assert!(
        end.saved.last().unwrap().contains(r#""remote":1e3"#),
        "{:?}",
        end.saved
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_of_another_database_are_not_believed() {
    for theirs in [
        r#"{"time":1,"local":1000,"remote":900}"#,
        r#"{"time":1,"local":0,"remote":"\"x:y\""}"#,
        r#"{"localCompleted":[0,99999999999999999999,5,1]}"#,
        r#"{"localCompleted":[5,1,0,1],"remote":null}"#,
        r#"{"local":-1}"#,
        r#"{"last_sequence":"5","config_hash":"ab"}"#,
        "{}",
        // A clock a year ahead says nothing.
        r#"{"time":1826859119,"local":1,"remote":7}"#,
    ] {
        let peer = one();
        let client = format!("cp-{}", peer.collections[0]);
        let body = br#"{"time":1795323119,"local":1,"remote":7}"#;
        peer.database
            .write(|tx| tx.save_local_checkpoint(&client, body))
            .unwrap();
        peer.save(0, "y", "{}");
        let (mut proposed, mut since) = (Vec::new(), None);
        let end = replicate_with(&peer, BOTH, false, |player, to, request| match request {
            Request::GetCheckpoint { .. } => {
                let body = Bytes::copy_from_slice(theirs.as_bytes());
                let reply = CheckpointReply {
                    rev: "3-cc".into(),
                    body,
                };
                player.blip.reply(to.unwrap(), reply.encode());
                Do::Nothing
            }
            Request::ProposeChanges { rows, .. } => {
                proposed.extend(rows.iter().map(|row| row.doc_id.clone()));
                Do::TheRight
            }
            Request::SubChanges(sub) => {
                since.clone_from(&sub.since);
                Do::TheRight
            }
            _ => Do::TheRight,
        })
        .await;
        assert_eq!(end.outcome, Ok(()), "{theirs}");
        let agrees = theirs.contains(r#""local":1,"remote":7"#);
        let ahead = theirs.contains("900");
        let ours: &[&str] = if agrees || ahead { &["y"] } else { &["x", "y"] };
        assert_eq!(proposed, ours, "{theirs}");
        let start = (agrees || ahead).then_some("7");
        assert_eq!(since.as_deref(), start, "{theirs}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_is_refused_is_tried_with_the_revision_that_is_there_but_not_for_ever() {
    for refusals in [1, 3, 1_000] {
        let (mut sets, mut gets, mut revs) = (0, 0, Vec::new());
        let end = replicate_with(&one(), PUSH, false, |player, to, request| match request {
            Request::GetCheckpoint { .. } if sets > 0 => {
                gets += 1;
                let reply = CheckpointReply {
                    rev: format!("{gets}-other"),
                    body: Bytes::from_static(b"{}"),
                };
                player.blip.reply(to.unwrap(), reply.encode());
                Do::Nothing
            }
            Request::SetCheckpoint { rev, .. } => {
                sets += 1;
                revs.push(rev.clone());
                if sets <= refusals {
                    player
                        .blip
                        .reply_error(to.unwrap(), &Error::http(409, "conflict"));
                    return Do::Nothing;
                }
                Do::TheRight
            }
            _ => Do::TheRight,
        })
        .await;
        assert_eq!(end.outcome, Ok(()), "{refusals}");
        assert_eq!(revs[1], "1-other");
        assert!(sets <= 7, "{refusals}: tried {sets} times");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_does_not_keep_us_from_stopping() {
    type Is = fn(&Request) -> bool;
    let silent_on: [(&str, Is); 6] = [
        ("everything", |_| true),
        ("subChanges", |request| {
            matches!(request, Request::SubChanges(_))
        }),
        ("proposeChanges", |request| {
            matches!(request, Request::ProposeChanges { .. })
        }),
        ("rev", |request| matches!(request, Request::Rev(_))),
        ("setCheckpoint", |request| {
            matches!(request, Request::SetCheckpoint { .. })
        }),
        ("getCheckpoint", |request| {
            matches!(request, Request::GetCheckpoint { .. })
        }),
    ];
    for (what, is) in silent_on {
        let end = replicate_with(&one(), LIVE, true, |_, _, request| {
            if is(request) {
                Do::Nothing
            } else {
                Do::TheRight
            }
        })
        .await;
        assert_eq!(end.outcome, Ok(()), "{what}");
        assert_eq!(end.code, Some(1000), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_come_twice_count_once_and_those_that_come_late_are_lost() {
    // Two replies to one request are a matter of frames: RPY 1, 2, 3 … again after each reply.
    let peer = one();
    let mut sent = 0;
    let end = replicate_with(&peer, PUSH, false, |player, to, request| {
        if let (Request::Rev(_), Some(to)) = (request, to) {
            sent += 1;
            player.blip.reply(to, Message::default());
            // The second is dropped by our own sender or ignored by the other side.
            player
                .blip
                .reply_error(to, &Error::http(409, "changed my mind"));
            return Do::Nothing;
        }
        Do::TheRight
    })
    .await;
    assert_eq!(end.outcome, Ok(()));
    assert_eq!((sent, end.document_codes()), (1, vec![0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attachment_that_is_another_or_missing_fails_its_document_alone() {
    let digest = BlobDigest::of(b"hello blob");
    let photo = format!(r#"{{"photo":{{"@type":"blob","digest":"{digest}","length":10}}}}"#);
    for (content, domain, code) in [
        (Ok("hello blub"), None, 0),
        (Ok("hello"), None, 0),
        (Ok("hello blob and more"), None, 0),
        (Ok(""), None, 0),
        (Err(blip_error("LiteCore", 7)), Some("LiteCore"), 7),
        (Err(blip_error("HTTP", 404)), Some("HTTP"), 404),
    ] {
        let script = Pull {
            attachment: Some(
                content
                    .clone()
                    .map(|text| Bytes::from_static(text.as_bytes())),
            ),
        };
        let (peer, end, failed) = script
            .run(vec![
                (
                    changes(
                        None,
                        vec![row("1", "photo", "1-ab"), row("2", "plain", "1-ab")],
                    ),
                    Said::Yes,
                ),
                (rev("photo", "1-ab", &photo), Said::AnyError),
                (rev("plain", "1-ab", "{}"), Said::Yes),
            ])
            .await;
        let (domain_told, code_told) = failed[0].to_blip();
        if let Some(domain) = domain {
            assert_eq!((domain_told, code_told), (domain, code));
        }
        assert_eq!(end.outcome, Ok(()), "{content:?}");
        assert_eq!(peer.body(0, "photo"), None, "{content:?}");
        assert_eq!(peer.body(0, "plain").as_deref(), Some("{}"), "{content:?}");
        assert_eq!(
            peer.database.has_blobs(&[digest]).unwrap(),
            [false],
            "{content:?}"
        );
        let errors = end.document_codes().into_iter().filter(|code| *code != 0);
        assert_eq!(errors.count(), 1, "{content:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_cannot_send_is_done_with_and_nothing_is_stored() {
    let norev = |id: &str| {
        Request::NoRev(NoRev {
            id: id.into(),
            rev: "1-ab".into(),
            sequence: Some("2".into()),
            error: 404,
            no_reply: true,
            ..NoRev::default()
        })
        .encode()
    };
    let failed = Request::Rev(Rev {
        id: "c".into(),
        rev: "1-ab".into(),
        sequence: Some("3".into()),
        error: Some("500".into()),
        ..Rev::default()
    });
    let rows = ["a", "b", "c"].map(|id| row("1", id, "1-ab"));
    let (peer, end, _) = Pull::default()
        .run(vec![
            (changes(None, rows.to_vec()), Said::Yes),
            (norev("b"), Said::Yes),
            (norev("b"), Said::Yes),
            (norev("never heard of"), Said::Yes),
            (failed.encode(), Said::AnyError),
            (rev("a", "1-ab", "{}"), Said::Yes),
        ])
        .await;
    assert_eq!(end.outcome, Ok(()));
    assert_eq!(peer.contents().len(), 2);
}
