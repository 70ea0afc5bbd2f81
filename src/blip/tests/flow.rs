//! Order, frame sizes, acknowledgements, streams.

use bytes::Bytes;

use super::super::frame::Frame;
use super::super::*;
use super::pair::{Forger, Pair, events, frames};
use crate::Error;

/// Bytes that deflate cannot shrink.
fn noise(len: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

fn named(name: &str, body: Bytes) -> Message {
    Message {
        properties: Properties::new().with("Profile", name),
        body,
        ..Message::default()
    }
}

fn urgent(message: Message) -> Message {
    Message {
        urgent: true,
        ..message
    }
}

/// Numbers of frames, in the order sent.
fn numbers(frames: &[Vec<u8>]) -> Vec<u64> {
    frames
        .iter()
        .map(|data| Frame::parse(data).unwrap().number)
        .collect()
}

#[test]
fn numbers_are_given_in_the_order_of_first_frames() {
    let mut connection = Connection::new(Config::default());
    // A request that is new may not pass another new one, urgent or not.
    for index in 0..4 {
        let message = named("m", noise(20_000));
        let message = if index % 2 == 1 {
            urgent(message)
        } else {
            message
        };
        connection.request(message, ReplyMode::Whole);
    }
    let sent = numbers(&frames(&mut connection));
    let firsts: Vec<u64> = (1..=4)
        .map(|number| sent.iter().position(|&n| n == number).unwrap() as u64)
        .collect();
    assert!(firsts.is_sorted(), "{sent:?}");
}

#[test]
fn urgent_messages_take_turns_with_normal_ones() {
    let mut connection = Connection::new(Config::default());
    for _ in 0..3 {
        connection.request(named("normal", noise(100_000)), ReplyMode::Whole);
    }
    let mut out = Vec::new();
    for _ in 0..3 {
        connection.poll_transmit(&mut out);
    }
    connection.request(urgent(named("urgent", noise(40_000))), ReplyMode::Whole);
    let sent = frames(&mut connection);
    let order = numbers(&sent);
    assert_eq!(order[..6], [1, 4, 2, 4, 3, 4], "{order:?}");
    let normal_before_urgent = &sent[2];
    assert!(normal_before_urgent.len() <= 4_096);
    assert!(sent[1].len() > 4_096, "urgent frames are big");
    assert!(sent[8].len() > 4_096, "nothing urgent waits any more");
}

#[test]
fn a_message_alone_uses_big_frames() {
    let mut connection = Connection::new(Config::default());
    connection.request(named("m", noise(100_000)), ReplyMode::Whole);
    let sent = frames(&mut connection);
    assert_eq!(sent.len(), 7);
    assert_eq!(sent[0].len(), 16_384);
}

#[test]
fn compressible_messages_fill_their_frames() {
    let text: Bytes = (0..40_000)
        .flat_map(|n| format!("{{\"n\":{n}}},").into_bytes())
        .collect();
    let mut connection = Connection::new(Config::default());
    let message = Message {
        compressed: true,
        ..named("m", text.clone())
    };
    connection.request(message, ReplyMode::Whole);
    let sent = frames(&mut connection);
    let bytes: usize = sent.iter().map(Vec::len).sum();
    assert!(bytes < text.len() / 2, "{bytes} of {}", text.len());
    let full = sent.iter().filter(|frame| frame.len() > 15_000).count();
    assert!(full + 1 >= sent.len(), "{full} of {}", sent.len());
}

#[test]
fn a_long_message_freezes_at_128_000_bytes_until_it_is_acknowledged() {
    let mut sender = Connection::new(Config::default());
    let id = sender.request(named("big", noise(380_000)), ReplyMode::Whole);
    let first = frames(&mut sender);
    let bytes: usize = first.iter().map(|frame| frame.len() - 2).sum();
    assert!((128_000..128_000 + 16_384).contains(&bytes), "{bytes}");
    // Others go on.
    sender.request(named("small", Bytes::new()), ReplyMode::Whole);
    assert_eq!(numbers(&frames(&mut sender)), [2]);
    // One that acknowledges too little changes nothing, nor one for somebody else.
    sender.handle_ws_message(&[1, 0x34, 1]).unwrap();
    sender
        .handle_ws_message(&[2, 0x34, 0xff, 0xff, 0x7f])
        .unwrap();
    sender
        .handle_ws_message(&[1, 0x35, 0xff, 0xff, 0x7f])
        .unwrap();
    assert!(frames(&mut sender).is_empty());
    assert!(sender.queued_bytes() > 240_000);
    // Beyond all reason counts as all that was sent.
    sender
        .handle_ws_message(&[1, 4, 0xff, 0xff, 0xff, 0xff, 0x7f])
        .unwrap();
    assert!(frames(&mut sender).len() >= 8);
    sender
        .handle_ws_message(&[1, 4, 0xff, 0xff, 0xff, 0xff, 0x7f])
        .unwrap();
    frames(&mut sender);
    assert_eq!(sender.queued_bytes(), 0);
    assert!(events(&mut sender).contains(&Event::Sent { id }));
}

#[test]
fn long_messages_are_acknowledged_every_50_000_bytes_as_transmitted() {
    let (mut forger, mut receiver) = (Forger::new(), Connection::new(Config::default()));
    let mut acks = Vec::new();
    let mut total = 0;
    for _ in 0..12 {
        let frame = forger.plain(1, 0x40, &[0; 16_000]);
        total += frame.len() - 2;
        receiver.handle_ws_message(&frame).unwrap();
        for ack in frames(&mut receiver) {
            let frame = Frame::parse(&ack).unwrap();
            assert_eq!((frame.kind, frame.flags), (FrameKind::AckRequest, 0x34));
            let (told, _) = varint::read(frame.rest).unwrap().unwrap();
            assert_eq!(told, total as u64);
            acks.push(told);
        }
    }
    assert_eq!(acks.len(), 3);
    // The last frame needs none.
    receiver
        .handle_ws_message(&forger.plain(1, 0, &[0; 60_000]))
        .unwrap();
    assert!(frames(&mut receiver).is_empty());
}

#[test]
fn a_crowded_inbox_acknowledges_only_the_oldest_message() {
    let config = Config {
        max_open_bytes: 1_000_000,
        ..Config::default()
    };
    let (mut forger, mut receiver) = (Forger::new(), Connection::new(config));
    let mut send = |number, flags, len: usize| {
        let frame = forger.plain(number, flags, &vec![0; len]);
        receiver.handle_ws_message(&frame).unwrap();
        numbers(&frames(&mut receiver))
    };
    assert_eq!(send(1, 0x40, 240_000), [1]);
    assert!(
        send(2, 0x40, 60_000).is_empty(),
        "more than a quarter is held"
    );
    assert_eq!(send(1, 0x40, 60_000), [1]);
    assert!(send(2, 0x40, 10_000).is_empty());
    assert_eq!(send(1, 0, 10), [2], "now the other one may go on");
}

#[test]
fn requests_replies_and_errors_find_each_other() {
    let mut pair = Pair::new(Config::default());
    let mut ids = Vec::new();
    for index in 0..4 {
        let message = Message {
            compressed: index % 2 == 0,
            urgent: index == 2,
            ..named(&format!("m{index}"), noise(index * 30_000))
        };
        ids.push(pair.client.request(message, ReplyMode::Whole));
    }
    pair.drive(|server, event| {
        let Event::Request {
            to: Some(to),
            message,
        } = event
        else {
            return;
        };
        match message.profile() {
            Some("m3") => server.reply_error(*to, &Error::http(409, "conflict")),
            _ => server.reply(*to, message.clone()),
        }
        server.reply(*to, Message::default());
    });
    for (index, id) in ids.into_iter().enumerate() {
        let result = pair.client_told.iter().find_map(|event| match event {
            Event::Reply { id: i, result } if *i == id => Some(result),
            _ => None,
        });
        match result.unwrap() {
            Ok(message) => {
                assert_eq!(message.body, noise(index * 30_000));
                assert_eq!(message.urgent, index == 2);
            }
            Err(error) => assert_eq!((index, error), (3, &Error::http(409, "conflict"))),
        }
        assert!(pair.client_told.contains(&Event::Sent { id }));
    }
    assert_eq!(pair.client_told.len(), 8);
    assert_eq!(pair.client.awaited_replies(), 0);
    assert_eq!(pair.server.unanswered_requests(), 0);
    assert_eq!(pair.client.queued_bytes() + pair.server.queued_bytes(), 0);
}

#[test]
fn a_no_reply_request_cannot_be_answered_and_waits_for_nothing() {
    let mut pair = Pair::new(Config::default());
    let message = Message {
        no_reply: true,
        ..named("m", Bytes::new())
    };
    let id = pair.client.request(message, ReplyMode::Whole);
    pair.drive(|_, _| {});
    assert_eq!(pair.client_told, [Event::Sent { id }]);
    assert!(matches!(
        &pair.server_told[..],
        [Event::Request { to: None, .. }]
    ));
    assert_eq!(pair.client.awaited_replies(), 0);
}

#[test]
fn a_streamed_reply_flows_in_pieces_with_little_queued() {
    let mut pair = Pair::new(Config::default());
    let total = 3_000_000;
    let content = noise(total);
    let mut left = content.clone();
    let id = pair
        .client
        .request(named("getAttachment", Bytes::new()), ReplyMode::Streamed);
    let mut most = 0;
    pair.drive(|server, event| {
        match event {
            Event::Request { to: Some(to), .. } => {
                server.reply_stream(*to, Properties::new().with("a", "b"), true);
            }
            Event::StreamLow { stream } => {
                let piece = left.split_to(left.len().min(50_000));
                if piece.is_empty() {
                    server.stream_finish(*stream);
                } else {
                    server.stream_push(*stream, piece);
                }
            }
            _ => {}
        }
        most = most.max(server.queued_bytes());
    });
    assert!(most < 130_000, "{most}");
    let mut body = Vec::new();
    let mut told = pair.client_told.iter();
    assert!(matches!(told.next(), Some(Event::Sent { .. })));
    let Some(Event::ReplyStart { properties, .. }) = told.next() else {
        panic!("no start");
    };
    assert_eq!(properties.get("a"), Some("b"));
    for event in told {
        match event {
            Event::ReplyData { data, .. } => {
                assert!(!data.is_empty() && data.len() <= 16_384);
                body.extend_from_slice(data);
            }
            Event::ReplyEnd { id: i, result } => assert_eq!((*i, result), (id, &Ok(()))),
            other => panic!("{other:?}"),
        }
    }
    assert!(body == content);
}

#[test]
fn streams_of_hardly_any_bytes_arrive_and_have_no_empty_frame() {
    for pieces in [&[][..], &["a"], &["a", "b"], &["", "ab", ""]] {
        let mut client = Connection::new(Config::default());
        let mut server = Connection::new(Config::default());
        let id = client.request(named("m", Bytes::new()), ReplyMode::Streamed);
        for frame in frames(&mut client) {
            server.handle_ws_message(&frame).unwrap();
        }
        let told = events(&mut server);
        let Event::Request { to: Some(to), .. } = &told[0] else {
            panic!("{told:?}");
        };
        let stream = server.reply_stream(*to, Properties::new(), true);
        let mut sent = Vec::new();
        for piece in pieces {
            server.stream_push(stream, Bytes::from_static(piece.as_bytes()));
            sent.extend(frames(&mut server));
        }
        server.stream_finish(stream);
        server.stream_push(stream, Bytes::from_static(b"too late"));
        sent.extend(frames(&mut server));
        for frame in sent {
            assert!(frame.len() > 6);
            client.handle_ws_message(&frame).unwrap();
        }
        let mut body = String::new();
        let mut last = None;
        for event in events(&mut client) {
            match event {
                Event::ReplyData { data, .. } => body += std::str::from_utf8(&data).unwrap(),
                event => last = Some(event),
            }
        }
        assert_eq!(last, Some(Event::ReplyEnd { id, result: Ok(()) }));
        assert_eq!(body, pieces.concat());
        assert_eq!(server.queued_bytes(), 0);
    }
}

#[test]
fn a_stream_that_fails_early_becomes_an_error_and_later_ends_short() {
    for early in [true, false] {
        let mut pair = Pair::new(Config::default());
        let id = pair
            .client
            .request(named("m", Bytes::new()), ReplyMode::Streamed);
        let mut low = 0;
        pair.drive(|server, event| match event {
            Event::Request { to: Some(to), .. } => {
                let stream = server.reply_stream(*to, Properties::new(), false);
                server.stream_push(stream, noise(30_000));
                if early {
                    server.stream_abort(stream, &Error::not_found("gone"));
                }
            }
            Event::StreamLow { stream } => {
                low += 1;
                if low == 3 {
                    server.stream_abort(*stream, &Error::not_found("gone"));
                }
                if low == 2 {
                    server.stream_push(*stream, noise(1));
                }
            }
            _ => {}
        });
        let expected = if early {
            Err(Error::not_found("gone"))
        } else {
            Ok(())
        };
        let end = Event::ReplyEnd {
            id,
            result: expected,
        };
        assert_eq!(pair.client_told.last(), Some(&end));
        assert_eq!(pair.server.queued_bytes(), 0);
    }
}

#[test]
fn an_error_reply_to_a_streamed_request_comes_without_a_start() {
    let mut pair = Pair::new(Config::default());
    let id = pair
        .client
        .request(named("m", Bytes::new()), ReplyMode::Streamed);
    pair.drive(|server, event| {
        if let Event::Request { to: Some(to), .. } = event {
            server.reply_error(*to, &Error::lite(crate::error::Code::NotFound, "no blob"));
        }
    });
    let result = Err(Error::lite(crate::error::Code::NotFound, "no blob"));
    assert_eq!(
        pair.client_told,
        [Event::Sent { id }, Event::ReplyEnd { id, result }]
    );
}

#[test]
fn the_deflater_may_be_dropped_at_any_time() {
    let mut pair = Pair::new(Config::default());
    for round in 0..5 {
        for _ in 0..3 {
            let message = Message {
                compressed: true,
                ..named(
                    "m",
                    Bytes::from(format!("{{\"round\":{round}}}").repeat(100)),
                )
            };
            pair.client.request(message, ReplyMode::Whole);
        }
        pair.drive(|server, event| {
            if let Event::Request {
                to: Some(to),
                message,
            } = event
            {
                server.reply(*to, message.clone());
            }
        });
        pair.client.drop_deflater();
        pair.server.drop_deflater();
    }
    let replies = (pair.client_told.iter()).filter(|event| matches!(event, Event::Reply { .. }));
    assert_eq!(replies.count(), 15);
}

#[test]
fn errors_keep_their_domain_and_code_on_the_way() {
    for error in [
        Error::http(503, "over capacity"),
        Error::lite(crate::error::Code::BadRevisionId, "bad revision ID"),
        Error::Posix {
            errno: 28,
            message: "disk full".into(),
        },
        Error::Remote {
            domain: "BLIP".into(),
            code: 404,
            message: "no handler".into(),
        },
    ] {
        let mut pair = Pair::new(Config::default());
        let id = pair.client.request(Message::default(), ReplyMode::Whole);
        pair.drive(|server, event| {
            if let Event::Request { to: Some(to), .. } = event {
                server.reply_error(*to, &error);
            }
        });
        let result = Err(error);
        assert_eq!(pair.client_told.last(), Some(&Event::Reply { id, result }));
    }
}

#[test]
fn an_error_without_domain_and_code_is_a_remote_error() {
    let (mut forger, mut connection) = (Forger::new(), Connection::new(Config::default()));
    connection.request(Message::default(), ReplyMode::Whole);
    frames(&mut connection);
    events(&mut connection);
    connection
        .handle_ws_message(&forger.plain(1, 2, b"\0oops"))
        .unwrap();
    let told = events(&mut connection);
    let Event::Reply {
        result: Err(error), ..
    } = &told[0]
    else {
        panic!("{told:?}");
    };
    assert_eq!((error.code(), error.message()), (26, "oops"));
}
