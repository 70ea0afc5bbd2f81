//! Every row of wire §2.9 against a whole connection, ours being the passive and the active side: the
//! connection is closed with 1011, or the frame is ignored; others on the same database go on.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pair::{LIVE, Log, Peer, drive};
use super::player::Player;
use super::scripted_peer::ScriptedPeer;
use crate::error::Error;
use crate::protocol::Request;
use crate::replicator::{PassiveConfig, serve};
use crate::transport::{LoopbackOptions, loopback};

const MSG: u8 = 0;
const RPY: u8 = 1;
const ACKMSG: u8 = 4;
const ACKRPY: u8 = 5;
const COMPRESSED: u8 = 0x08;
const MORE: u8 = 0x40;

/// Frames of one direction, with their running checksum.
#[derive(Default)]
struct Frames {
    checksum: crc32fast::Hasher,
    frames: Vec<Vec<u8>>,
}

impl Frames {
    fn push(mut self, number: u8, flags: u8, payload: &[u8]) -> Self {
        self.checksum.update(payload);
        let checksum = self.checksum.clone().finalize().to_be_bytes();
        self.frames
            .push([&[number, flags], payload, &checksum].concat());
        self
    }

    /// A frame without a checksum, or with one of its own.
    fn raw(mut self, frame: &[u8]) -> Self {
        self.frames.push(frame.to_vec());
        self
    }
}

const HELLO: &[u8] = b"\x25Profile\0getCheckpoint\0client\0cp-demo\0";

/// Problem, the frames that make it, whether it costs the connection.
fn rows() -> Vec<(&'static str, Frames, bool)> {
    let new = Frames::default;
    let mut rows = vec![
        ("a number without an end", new().raw(&[0xff; 12]), true),
        ("a number over 64 bits", new().raw(&[0x80; 11]), true),
        ("an empty frame", new().raw(&[]), true),
        (
            "shorter than header and checksum",
            new().raw(&[1, 0, 0, 0]),
            true,
        ),
        (
            "a request that is not the next",
            new().push(2, MSG, HELLO),
            true,
        ),
        ("request number 0", new().push(0, MSG, HELLO), true),
        (
            "a finished request goes on",
            new().push(1, MSG, HELLO).push(1, MSG, HELLO),
            true,
        ),
        ("a response to nothing", new().push(99, RPY, &[0]), true),
        (
            "a wrong checksum",
            new().raw(&[&[1, 0][..], HELLO, &[0; 4]].concat()),
            true,
        ),
        (
            "bytes that do not inflate",
            new().push(1, MSG | COMPRESSED, &[0xff; 40]),
            true,
        ),
        (
            "properties without NUL",
            new().push(1, MSG, b"\x03abc"),
            true,
        ),
        (
            "an odd number of properties",
            new().push(1, MSG, b"\x08Profile\0"),
            true,
        ),
        (
            "properties cut off",
            new().push(1, MSG, b"\x7fProfile\0x\0"),
            true,
        ),
        (
            "properties over the limit",
            new().push(1, MSG | MORE, b"\xff\xff\xff\x7fProfile\0x\0"),
            true,
        ),
    ];
    for kind in [3, 6, 7] {
        rows.push(("an unknown type", new().push(1, kind, b"\0"), false));
    }
    for (number, kind) in [(1, ACKMSG), (77, ACKMSG), (1, ACKRPY), (77, ACKRPY)] {
        rows.push((
            "an ACK for nothing",
            new().raw(&[number, kind | 0x30, 0x80, 0x7f]),
            false,
        ));
    }
    rows
}

fn served(server: &Peer) -> PassiveConfig {
    PassiveConfig {
        database: server.database.clone(),
        collections: server.collections.clone(),
        deltas: false,
        protocol: "BLIP_3+CBMobile_3".into(),
        peer: "bad".into(),
        read_only: false,
        watch: None,
    }
}

fn checkpoint() -> Request {
    Request::GetCheckpoint {
        collection: None,
        client: "cp-good".into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_breaks_the_framing_is_closed_and_others_go_on() {
    let server = Peer::new(&["_default"]);
    let mut other = ScriptedPeer::connect(&server);
    for (problem, frames, fatal) in rows() {
        let (near, far) = loopback(LoopbackOptions::default());
        let busy = Arc::new(AtomicBool::new(false));
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Handle::current();
        let task = runtime.spawn(serve(far, served(&server), stop.clone(), busy));
        let mut bad = Player::new(near);
        for frame in &frames.frames {
            bad.send_raw(frame).await;
        }
        if !fatal {
            stop.cancel();
        }
        while !bad.closed {
            // Answers to what was well-formed may come first; nobody reads them.
            assert!(
                bad.turn_deaf(Duration::from_secs(20)).await,
                "{problem}: not closed"
            );
        }
        let expected = if fatal { 1011 } else { 4001 };
        assert_eq!(bad.close_code, Some(expected), "{problem}");
        drop(bad);
        tokio::time::timeout(Duration::from_secs(20), task)
            .await
            .unwrap()
            .unwrap();
        let missing = other.ask(checkpoint()).await.unwrap_err();
        assert_eq!(missing.code(), 10_404, "{problem}");
    }
    other.vanish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_breaks_the_framing_is_left_with_1011() {
    let peer = Peer::new(&["_default"]);
    for (problem, frames, fatal) in rows() {
        let (near, far) = loopback(LoopbackOptions::default());
        let core = peer.core(LIVE);
        let (task, stop) = drive(&peer, core, near, Log::default());
        let mut bad = Player::new(far);
        for frame in &frames.frames {
            bad.send_raw(frame).await;
        }
        if !fatal {
            stop.cancel();
        }
        while !bad.closed {
            assert!(
                bad.turn_deaf(Duration::from_secs(20)).await,
                "{problem}: not closed"
            );
        }
        let expected = if fatal { 1011 } else { 1000 };
        assert_eq!(bad.close_code, Some(expected), "{problem}");
        drop(bad);
        let outcome = task.await.unwrap();
        match outcome {
            Ok(()) => assert!(!fatal, "{problem}"),
            Err(Error::WebSocketClosed { code, .. }) => {
                assert!(fatal && code == 1011, "{problem}");
            }
            Err(error) => panic!("{problem}: {error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_answer_is_ignored() {
    let server = Peer::new(&["_default"]);
    server.save(0, "x", "{}");
    let (near, far) = loopback(LoopbackOptions::default());
    let busy = Arc::new(AtomicBool::new(false));
    let stop = CancellationToken::new();
    let runtime = tokio::runtime::Handle::current();
    let task = runtime.spawn(serve(far, served(&server), stop.clone(), busy));
    let mut client = Player::new(near);
    let subscribe = b"\x13Profile\0subChanges\0";
    let frames = Frames::default().push(1, MSG, subscribe);
    client.send_raw(&frames.frames[0]).await;
    // The reply, and the list.
    client.turn_deaf(Duration::from_secs(20)).await;
    client.turn_deaf(Duration::from_secs(20)).await;
    let frames = frames
        .push(1, RPY, b"\0[]")
        .push(1, RPY, b"\0[[]]")
        .push(1, RPY, b"\0nonsense")
        .push(2, MSG, HELLO);
    for frame in &frames.frames[1..] {
        client.send_raw(frame).await;
    }
    // "Caught up", and the answer to the checkpoint: the connection lives.
    client.turn_deaf(Duration::from_secs(20)).await;
    client.turn_deaf(Duration::from_secs(20)).await;
    assert!(!client.closed);
    stop.cancel();
    while !client.closed {
        assert!(client.turn_deaf(Duration::from_secs(20)).await);
    }
    assert_eq!(client.close_code, Some(4001));
    drop(client);
    task.await.unwrap();
}
