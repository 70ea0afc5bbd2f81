//! What a `rev` of about 300 bytes costs in BLIP and in the protocol room, in nanoseconds.
//!
//! One thread, no socket, no TLS, no database; the default deflate level. Run: `cargo bench --bench blip`.
//! The best of several rounds is printed, because other processes only ever make a round slower.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use settee::blip::{Config, Connection, Event, Message, Properties, ReplyMode};
use settee::protocol::{ChangeRow, Request, Rev};

const ROUNDS: usize = 9;
const MESSAGES: usize = 20_000;

fn rev(index: usize, no_reply: bool) -> Request {
    let body = format!(
        r#"{{"type":"hotel","name":"Hotel {index}","address":{{"street":"{} Main Street","city":"Springfield","country":"Nowhere"}},"rooms":{},"rating":4.{},"tags":["pool","bar","spa","sea view"],"owner":{{"id":{},"name":"Person {}"}},"updated":"2026-11-{:02}T12:00:00Z","open":true}}"#,
        index % 997,
        index % 300,
        index % 10,
        index * 7,
        index % 1_000,
        index % 28 + 1,
    );
    Request::Rev(Rev {
        collection: Some(0),
        id: format!("hotel-{index:06}"),
        rev: format!("2-{:040x}", index as u128 * 0x9e37_79b9_7f4a_7c15_f39c),
        sequence: Some(index.to_string()),
        history: vec![format!("1-{:040x}", index as u128 * 0xf39c_c060_5ced_c834)],
        body: body.into(),
        no_reply,
        ..Rev::default()
    })
}

/// Runs `work` several times and prints the best time for one of `count` things.
fn measure(name: &str, count: usize, mut work: impl FnMut() -> f64) {
    let best = (0..ROUNDS).map(|_| work()).fold(f64::MAX, f64::min);
    println!("{name:<44}{:>9.0} ns", best * 1e9 / count as f64);
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn drain(connection: &mut Connection) -> usize {
    let mut told = 0;
    while let Some(event) = connection.poll_event() {
        told += usize::from(matches!(event, Event::Request { .. } | Event::Reply { .. }));
    }
    told
}

fn main() {
    let requests: Vec<Request> = (0..MESSAGES).map(|index| rev(index, false)).collect();
    let messages: Vec<Message> = requests.iter().cloned().map(Request::encode).collect();
    let size: usize = (messages.iter())
        .map(|message| message.properties.encoded_len() + message.body.len())
        .sum();
    let mut frames = Vec::new();
    let mut bytes = 0;
    {
        let mut sender = Connection::new(Config::default());
        let mut out = Vec::new();
        for message in &messages {
            sender.request(message.clone(), ReplyMode::Whole);
            while sender.poll_transmit(&mut out) {
                bytes += out.len();
                frames.push(out.clone());
            }
            drain(&mut sender);
        }
    }
    println!(
        "{MESSAGES} revs of {} bytes, {} on the wire",
        size / MESSAGES,
        bytes / MESSAGES
    );

    measure("Rev → blip::Message", MESSAGES, || {
        let requests = requests.clone();
        timed(|| {
            for request in requests {
                black_box(request.encode());
            }
        })
    });
    measure("blip::Message → frame (deflate 1)", MESSAGES, || {
        let messages = messages.clone();
        let mut sender = Connection::new(Config::default());
        let mut out = Vec::new();
        timed(|| {
            for message in messages {
                sender.request(message, ReplyMode::Whole);
                while sender.poll_transmit(&mut out) {}
                drain(&mut sender);
            }
        })
    });
    measure("blip::Message → frame (uncompressed)", MESSAGES, || {
        let mut messages = messages.clone();
        for message in &mut messages {
            message.compressed = false;
        }
        let mut sender = Connection::new(Config::default());
        let mut out = Vec::new();
        timed(|| {
            for message in messages {
                sender.request(message, ReplyMode::Whole);
                while sender.poll_transmit(&mut out) {}
                drain(&mut sender);
            }
        })
    });
    measure("frame → blip::Message", MESSAGES, || {
        let mut receiver = Connection::new(Config::default());
        timed(|| {
            for frame in &frames {
                receiver.handle_ws_message(frame).expect("good frames");
                assert_eq!(drain(&mut receiver), 1);
            }
        })
    });
    measure("blip::Message → Rev, ids checked", MESSAGES, || {
        let messages = messages.clone();
        timed(|| {
            for message in messages {
                let Ok(Request::Rev(rev)) = Request::decode(message) else {
                    panic!("not a rev")
                };
                black_box(rev.ids().expect("good ids"));
            }
        })
    });
    measure("empty reply: written and read", MESSAGES, || {
        let mut client = Connection::new(Config::default());
        let mut server = Connection::new(Config::default());
        let mut out = Vec::new();
        for _ in 0..MESSAGES {
            client.request(Message::default(), ReplyMode::Whole);
        }
        while client.poll_transmit(&mut out) {
            server.handle_ws_message(&out).expect("good frames");
        }
        drain(&mut client);
        timed(|| {
            while let Some(event) = server.poll_event() {
                if let Event::Request { to: Some(to), .. } = event {
                    server.reply(to, Message::default());
                    while server.poll_transmit(&mut out) {
                        client.handle_ws_message(&out).expect("good frames");
                    }
                    assert_eq!(drain(&mut client), 1);
                }
            }
        })
    });

    let rows: Vec<ChangeRow> = (0..200)
        .map(|index| ChangeRow {
            sequence: index.to_string(),
            doc_id: format!("hotel-{index:06}"),
            rev_id: format!("2-{:040x}", index as u128 * 0x9e37_79b9_7f4a_7c15_f39c),
            flags: 0,
            body_size: 300,
        })
        .collect();
    let changes = Request::Changes {
        collection: Some(0),
        rows,
        no_reply: false,
    };
    let list = changes.clone().encode();
    measure("row of changes (200): decoded", 200 * 50, || {
        let lists = vec![list.clone(); 50];
        timed(|| {
            for list in lists {
                black_box(Request::decode(list).expect("a good list"));
            }
        })
    });
    measure("row of changes (200): encoded", 200 * 50, || {
        let lists = vec![changes.clone(); 50];
        timed(|| {
            for list in lists {
                black_box(list.encode());
            }
        })
    });

    let big = Message {
        properties: Properties::new(),
        body: vec![b'x'; 1 << 20].into(),
        ..Message::default()
    };
    measure("MiB of an uncompressed body: sent and read", 1, || {
        let mut client = Connection::new(Config::default());
        let mut server = Connection::new(Config::default());
        let mut out = Vec::new();
        client.request(big.clone(), ReplyMode::Whole);
        timed(|| {
            while client.poll_transmit(&mut out) {
                server.handle_ws_message(&out).expect("good frames");
                while server.poll_transmit(&mut out) {
                    client.handle_ws_message(&out).expect("good frames");
                }
            }
            assert_eq!(drain(&mut server), 1);
        })
    });
}
