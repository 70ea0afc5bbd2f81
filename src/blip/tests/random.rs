//! Random messages through two connections arrive as they were.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::*;
use super::pair::events;

#[derive(Clone, Debug)]
struct Plan {
    message: Message,
    mode: ReplyMode,
    /// `None`: streamed in pieces of this size; else whole.
    piece: Option<usize>,
    error: bool,
}

fn body() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..400),
        2 => (0_usize..200_000, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => (0_usize..260_000, any::<u64>()).prop_map(|(len, seed)| {
            let mut state = seed | 1;
            (0..len)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state as u8
                })
                .collect()
        }),
    ]
    .prop_map(Bytes::from)
}

fn plan() -> impl Strategy<Value = Plan> {
    let pairs = proptest::collection::vec(("[a-zA-Z]{0,8}", "[^\0]{0,300}"), 0..6);
    let flags = any::<(bool, bool, bool, bool, bool)>();
    (pairs, body(), flags, proptest::option::of(1_usize..90_000)).prop_map(
        |(pairs, body, (urgent, compressed, no_reply, streamed, error), piece)| Plan {
            message: Message {
                properties: pairs.into_iter().collect(),
                body,
                urgent,
                compressed,
                no_reply,
            },
            mode: if streamed {
                ReplyMode::Streamed
            } else {
                ReplyMode::Whole
            },
            piece,
            error: error && !streamed,
        },
    )
}

/// What the other end makes of a message without content.
fn as_received(message: &Message) -> Message {
    let has_content = !message.properties.is_empty() || !message.body.is_empty();
    Message {
        compressed: message.compressed && has_content,
        ..message.clone()
    }
}

/// Echoes each request, as its plan says.
struct Echo {
    streams: Vec<(StreamId, Bytes, usize)>,
}

impl Echo {
    fn answer(&mut self, end: &mut Connection, event: &Event, plans: &[Plan], at: usize) {
        match event {
            Event::Request {
                to: Some(to),
                message,
            } => {
                let plan = &plans[at];
                if plan.error {
                    end.reply_error(*to, &crate::Error::http(500, "no"));
                } else if let Some(piece) = plan.piece {
                    let stream =
                        end.reply_stream(*to, message.properties.clone(), message.compressed);
                    self.streams.push((stream, message.body.clone(), piece));
                } else {
                    end.reply(
                        *to,
                        Message {
                            urgent: false,
                            ..message.clone()
                        },
                    );
                }
            }
            Event::StreamLow { stream } => {
                let (_, left, piece) = self
                    .streams
                    .iter_mut()
                    .find(|(id, ..)| id == stream)
                    .unwrap();
                let next = left.split_to(left.len().min(*piece));
                if !next.is_empty() {
                    end.stream_push(*stream, next);
                }
                if left.is_empty() {
                    end.stream_finish(*stream);
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_one_end_sends_the_other_is_told(
        plans in proptest::collection::vec(plan(), 1..12),
        turns in proptest::collection::vec(0_usize..8, 1..40),
        level in 1_u32..9,
    ) {
        let config = Config { compression_level: level, ..Config::default() };
        let mut client = Connection::new(config.clone());
        let mut server = Connection::new(config);
        let mut echo = Echo { streams: Vec::new() };
        let mut waiting = plans.iter();
        let mut turns = turns.iter().cycle();
        let mut ids = Vec::new();
        let mut received = Vec::new();
        let mut told = Vec::new();
        let mut frame = Vec::new();
        // Both ends send any number of frames in turn, and the client queues in between.
        let mut quiet = 0;
        while quiet < 20 {
            quiet += 1;
            for _ in 0..turns.next().unwrap() / 2 + quiet / 4 {
                if let Some(plan) = waiting.next() {
                    ids.push(client.request(plan.message.clone(), plan.mode));
                    quiet = 0;
                }
            }
            for _ in 0..*turns.next().unwrap() + quiet / 4 {
                if client.poll_transmit(&mut frame) {
                    prop_assert!(frame.len() <= 16_384);
                    server.handle_ws_message(&frame).unwrap();
                    quiet = 0;
                }
            }
            loop {
                let batch = events(&mut server);
                if batch.is_empty() {
                    break;
                }
                for event in batch {
                    if let Event::Request { message, .. } = &event {
                        let wanted = |plan: &Plan| as_received(&plan.message) == *message;
                        let at = (0..plans.len())
                            .find(|at| !received.contains(at) && wanted(&plans[*at]));
                        prop_assert!(at.is_some(), "unknown message");
                        received.extend(at);
                    }
                    echo.answer(&mut server, &event, &plans, received.last().copied().unwrap_or(0));
                }
            }
            for _ in 0..*turns.next().unwrap() + quiet / 4 {
                if server.poll_transmit(&mut frame) {
                    prop_assert!(frame.len() <= 16_384);
                    client.handle_ws_message(&frame).unwrap();
                    quiet = 0;
                }
            }
            told.extend(events(&mut client));
        }
        prop_assert_eq!(received.len(), plans.len());
        prop_assert_eq!(client.queued_bytes() + server.queued_bytes(), 0);
        prop_assert_eq!(client.awaited_replies() + server.unanswered_requests(), 0);
        for (plan, id) in plans.iter().zip(ids) {
            let of_id = |event: &&Event| match event {
                Event::Reply { id: i, .. }
                | Event::ReplyStart { id: i, .. }
                | Event::ReplyData { id: i, .. }
                | Event::ReplyEnd { id: i, .. } => *i == id,
                _ => false,
            };
            let mut properties = None;
            let mut body = Vec::new();
            let mut ends = 0;
            for event in told.iter().filter(of_id) {
                match event {
                    Event::Reply { result: Ok(message), .. } => {
                        properties = Some(message.properties.clone());
                        body.extend_from_slice(&message.body);
                        ends += 1;
                    }
                    Event::Reply { result: Err(_), .. } => {
                        prop_assert!(plan.error);
                        ends += 1;
                    }
                    Event::ReplyStart { properties: p, .. } => properties = Some(p.clone()),
                    Event::ReplyData { data, .. } => body.extend_from_slice(data),
                    Event::ReplyEnd { result, .. } => {
                        prop_assert_eq!(result, &Ok(()));
                        ends += 1;
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(ends, usize::from(!plan.message.no_reply));
            if !plan.message.no_reply && !plan.error {
                prop_assert_eq!(properties.as_ref(), Some(&plan.message.properties));
                prop_assert!(body == plan.message.body);
            }
        }
    }
}
