//! Malformed input (wire §2.9) and the limits of design D9.

use super::super::*;
use super::pair::{Forger, events, frames, raw_frame};
use crate::Error;

fn fresh() -> Connection {
    Connection::new(Config::default())
}

fn small() -> Connection {
    Connection::new(Config {
        max_message: 10_000,
        max_given_up: 40_000,
        max_open_messages: 3,
        max_open_bytes: 25_000,
        ..Config::default()
    })
}

fn refused(frame: &[u8]) -> Violation {
    fresh().handle_ws_message(frame).unwrap_err()
}

#[test]
fn garbage_is_a_violation_and_closes_with_1011() {
    assert!(matches!(refused(&[]), Violation::BadVarint { .. }));
    assert!(matches!(refused(&[0xff; 30]), Violation::BadVarint { .. }));
    assert!(matches!(
        refused(&[1, 0, 1, 2]),
        Violation::ShortFrame { size: 2, .. }
    ));
    assert!(matches!(refused(&[1, 0x34]), Violation::BadVarint { .. }));
    assert_eq!(refused(&[]).close_code(), 1011);
    assert_eq!(Error::from(refused(&[])).code(), 11_011);
}

#[test]
fn a_dead_connection_says_the_same_for_ever_and_sends_nothing() {
    let mut connection = fresh();
    connection.request(Message::default(), ReplyMode::Whole);
    let violation = connection.handle_ws_message(&[]).unwrap_err();
    assert!(frames(&mut connection).is_empty());
    assert_eq!(connection.violation(), Some(&violation));
    let good = Forger::new().plain(1, 0, &[0]);
    assert_eq!(connection.handle_ws_message(&good), Err(violation));
    assert!(events(&mut connection).is_empty());
}

#[test]
fn a_wrong_checksum_is_a_violation() {
    let frame = raw_frame(1, 0, &[0], 0xd202_ef8e);
    assert!(matches!(
        refused(&frame),
        Violation::BadChecksum {
            told: 0xd202_ef8e,
            computed: 0xd202_ef8d,
            ..
        }
    ));
    assert!(
        fresh()
            .handle_ws_message(&raw_frame(1, 0, &[0], 0xd202_ef8d))
            .is_ok()
    );
}

#[test]
fn request_numbers_must_follow_each_other() {
    let mut forger = Forger::new();
    assert!(matches!(
        refused(&forger.plain(2, 0, &[0])),
        Violation::BadRequestNumber {
            number: 2,
            expected: 1
        }
    ));
    let mut forger = Forger::new();
    let mut connection = fresh();
    connection
        .handle_ws_message(&forger.plain(1, 0, &[0]))
        .unwrap();
    assert!(matches!(
        connection.handle_ws_message(&forger.plain(1, 0, &[0])),
        Err(Violation::BadRequestNumber {
            number: 1,
            expected: 2
        })
    ));
}

#[test]
fn a_reply_nobody_asked_for_is_a_violation_and_a_second_one_is_ignored() {
    for number in [0, 1] {
        assert!(matches!(
            refused(&Forger::new().plain(number, 1, &[0])),
            Violation::UnknownReply { sent: 0, .. }
        ));
    }
    let mut forger = Forger::new();
    let mut connection = fresh();
    connection.request(Message::default(), ReplyMode::Whole);
    frames(&mut connection);
    events(&mut connection);
    connection
        .handle_ws_message(&forger.plain(1, 1, &[0]))
        .unwrap();
    assert_eq!(events(&mut connection).len(), 1);
    connection
        .handle_ws_message(&forger.plain(1, 1, &[0]))
        .unwrap();
    connection
        .handle_ws_message(&forger.deflated(1, 2, &[0]))
        .unwrap();
    connection
        .handle_ws_message(&forger.plain(1, 0, &[0]))
        .unwrap();
    assert_eq!(events(&mut connection).len(), 1, "only the peer's request");
}

#[test]
fn properties_that_break_the_rules_are_violations() {
    for (contents, problem) in [
        (&b"\x03a\0b"[..], BadProperties::NotTerminated),
        (b"\x05a\0b\0", BadProperties::Incomplete),
        (b"\x02a\0", BadProperties::Odd),
        (b"", BadProperties::Incomplete),
        (b"\x80", BadProperties::Incomplete),
        (&[0xff; 12], BadProperties::BadLength),
    ] {
        let expected = Violation::BadProperties {
            kind: FrameKind::Request,
            number: 1,
            problem,
        };
        assert_eq!(refused(&Forger::new().plain(1, 0, contents)), expected);
        // The same in two frames.
        let (mut forger, mut connection) = (Forger::new(), fresh());
        let (first, second) = contents.split_at(contents.len() / 2);
        let result = connection
            .handle_ws_message(&forger.plain(1, 0x40, first))
            .and_then(|()| connection.handle_ws_message(&forger.plain(1, 0, second)));
        assert_eq!(result, Err(expected));
    }
}

#[test]
fn two_hundred_megabytes_of_properties_fail_at_a_hundred_kibibytes() {
    let mut contents = Vec::new();
    varint::write(200_000_000, &mut contents);
    contents.resize(4_000, b'a');
    assert!(matches!(
        refused(&Forger::new().plain(1, 0x40, &contents)),
        Violation::BadProperties {
            problem: BadProperties::TooLong {
                len: 200_000_000,
                limit: 102_400
            },
            ..
        }
    ));
}

#[test]
fn a_frame_over_a_mebibyte_is_a_violation() {
    let frame = Forger::new().plain(1, 0, &vec![0; 1 << 20]);
    assert!(matches!(
        refused(&frame),
        Violation::FrameTooLarge {
            limit: 1_048_576,
            ..
        }
    ));
}

#[test]
fn corrupt_and_ended_deflate_streams_are_violations() {
    for payload in [&[0xff, 0xff, 0xff][..], &[0x03, 0x00], &[0x07, 0, 0, 0]] {
        assert!(matches!(
            refused(&raw_frame(1, 8, payload, 0)),
            Violation::BadDeflate { .. } | Violation::BadChecksum { .. }
        ));
    }
}

#[test]
fn a_zip_bomb_is_a_violation_and_is_never_inflated_whole() {
    let bomb = Forger::new().deflated(1, 0, &vec![0; 40_000_000]);
    assert!(bomb.len() < 64 << 10);
    let mut connection = fresh();
    assert!(matches!(
        connection.handle_ws_message(&bomb),
        Err(Violation::ZipBomb {
            limit: 25_165_824,
            ..
        })
    ));
    let mut connection = small();
    assert!(matches!(
        connection.handle_ws_message(&bomb),
        Err(Violation::ZipBomb { limit: 10_000, .. })
    ));
}

#[test]
fn a_request_over_the_limit_is_refused_with_413_and_the_next_one_works() {
    let (mut forger, mut connection) = (Forger::new(), small());
    for _ in 0..3 {
        let part = forger.deflated(1, 0x50, &[0; 5_000]);
        connection.handle_ws_message(&part).unwrap();
    }
    connection
        .handle_ws_message(&forger.deflated(1, 0x10, &[0; 5_000]))
        .unwrap();
    assert!(events(&mut connection).is_empty());
    let sent = frames(&mut connection);
    let text = String::from_utf8_lossy(&sent[0]).into_owned();
    assert!(
        text.contains("Error-Code\u{0}413\u{0}message is longer than 10000 bytes"),
        "{text}"
    );
    assert_eq!(sent[0][..2], [1, 0x12], "urgent like its request");
    connection
        .handle_ws_message(&forger.deflated(2, 0x20, b"\0x"))
        .unwrap();
    assert_eq!(events(&mut connection).len(), 1);
}

#[test]
fn a_no_reply_request_over_the_limit_is_dropped_in_silence() {
    let (mut forger, mut connection) = (Forger::new(), small());
    connection
        .handle_ws_message(&forger.plain(1, 0x60, &[0; 9_000]))
        .unwrap();
    connection
        .handle_ws_message(&forger.plain(1, 0x20, &[0; 9_000]))
        .unwrap();
    assert!(events(&mut connection).is_empty());
    assert!(frames(&mut connection).is_empty());
}

#[test]
fn a_message_that_never_ends_costs_the_connection() {
    let (mut forger, mut connection) = (Forger::new(), small());
    let mut sent = 0;
    let violation = loop {
        let frame = forger.deflated(1, 0x40, &[0; 9_000]);
        sent += 9_000;
        match connection.handle_ws_message(&frame) {
            Ok(()) => assert!(sent < 60_000),
            Err(violation) => break violation,
        }
    };
    assert!(matches!(
        violation,
        Violation::NeverEnds { limit: 40_000, .. }
    ));
}

#[test]
fn open_requests_are_bounded_in_number_and_in_bytes() {
    let (mut forger, mut connection) = (Forger::new(), small());
    for number in 1..=3 {
        connection
            .handle_ws_message(&forger.plain(number, 0x40, &[0]))
            .unwrap();
    }
    assert!(matches!(
        connection.handle_ws_message(&forger.plain(4, 0, &[0])),
        Err(Violation::TooManyOpenMessages { limit: 3 })
    ));
    let (mut forger, mut connection) = (Forger::new(), small());
    for number in 1..=2 {
        connection
            .handle_ws_message(&forger.plain(number, 0x40, &[0; 9_000]))
            .unwrap();
    }
    assert!(matches!(
        connection.handle_ws_message(&forger.plain(3, 0x40, &[0; 9_000])),
        Err(Violation::TooManyOpenBytes { limit: 25_000 })
    ));
}

#[test]
fn the_default_limits_are_those_of_the_design() {
    let config = Config::default();
    assert_eq!(config.max_frame, 1 << 20);
    assert_eq!(config.max_properties, 100 << 10);
    assert_eq!(config.max_message, 24 << 20);
    assert_eq!(config.max_open_messages, 1_000);
}

#[test]
fn unknown_frame_types_and_stray_acks_are_ignored() {
    let mut connection = fresh();
    for kind in [3, 6, 7] {
        connection.handle_ws_message(&[9, kind, 1, 2, 3]).unwrap();
    }
    connection.handle_ws_message(&[9, 0x34, 1]).unwrap();
    connection.handle_ws_message(&[9, 5, 1]).unwrap();
    connection
        .handle_ws_message(&Forger::new().plain(1, 0, &[0]))
        .unwrap();
    assert_eq!(events(&mut connection).len(), 1);
}

#[test]
fn a_reply_over_its_limit_ends_in_an_error_and_its_rest_is_thrown_away() {
    for mode in [ReplyMode::Whole, ReplyMode::Streamed] {
        let (mut forger, mut connection) = (Forger::new(), fresh());
        let id = connection.request(Message::default(), mode);
        connection.limit_reply(id, 5_000);
        frames(&mut connection);
        events(&mut connection);
        for flags in [0x41, 0x41, 0x41, 0x01] {
            let frame = forger.deflated(1, flags, &[0; 4_000]);
            connection.handle_ws_message(&frame).unwrap();
        }
        let told = events(&mut connection);
        let too_long = Error::http(413, "message is longer than 5000 bytes");
        let last = match mode {
            ReplyMode::Whole => Event::Reply {
                id,
                result: Err(too_long),
            },
            ReplyMode::Streamed => Event::ReplyEnd {
                id,
                result: Err(too_long),
            },
        };
        assert_eq!(told.last(), Some(&last));
        assert_eq!(told.len(), if mode == ReplyMode::Whole { 1 } else { 3 });
        assert_eq!(connection.awaited_replies(), 0);
    }
}

#[test]
fn a_reply_as_long_as_its_limit_arrives() {
    let (mut forger, mut connection) = (Forger::new(), fresh());
    let id = connection.request(Message::default(), ReplyMode::Streamed);
    connection.limit_reply(id, 9);
    frames(&mut connection);
    events(&mut connection);
    connection
        .handle_ws_message(&forger.plain(1, 1, &[0; 10]))
        .unwrap();
    let told = events(&mut connection);
    assert_eq!(told.len(), 3);
    assert_eq!(told[2], Event::ReplyEnd { id, result: Ok(()) });
}
