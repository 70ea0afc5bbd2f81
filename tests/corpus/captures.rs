//! Feeds the frames of real peers (`tests/data/blip/README.md`) through a client and a server,
//! and what they are told through the protocol's types.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use settee::blip::{Config, Connection, Event, Message, Properties, ReplyMode};
use settee::protocol::{ChangesReply, CollectionReply, ProposeReply, Request};

/// One end, which is fed what the real one received.
struct End {
    connection: Connection,
    /// What the real one asked, by number, to understand the answers.
    asked: HashMap<u64, Option<Request>>,
    /// Frames were cut in the recording; nothing more can be read.
    lost: bool,
}

impl End {
    fn new() -> Self {
        Self {
            connection: Connection::new(Config::default()),
            asked: HashMap::new(),
            lost: false,
        }
    }
}

#[derive(Default)]
struct Counts {
    messages: usize,
    requests: usize,
    replies: usize,
    lists: usize,
}

fn recordings() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/blip");
    let mut files = Vec::new();
    for folder in fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        if folder.is_dir() {
            files.extend(
                fs::read_dir(folder)
                    .unwrap()
                    .map(|file| file.unwrap().path()),
            );
        }
    }
    files.sort();
    files
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Number and flags of a frame. No recording has numbers of more than two bytes.
fn header(frame: &[u8]) -> (u64, u8) {
    if frame[0] < 0x80 {
        (frame[0].into(), frame[1])
    } else {
        (
            u64::from(frame[0] & 0x7f) | u64::from(frame[1]) << 7,
            frame[2],
        )
    }
}

/// The properties as the proxy printed them.
fn printed(properties: &Properties) -> String {
    let pairs: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{}:{}", serde_json::json!(key), serde_json::json!(value)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

fn sorted(message: &Message) -> Vec<(String, String)> {
    let ours = |key: &str| key != "Content-Type" && key != "uuid";
    let mut pairs: Vec<_> = (message.properties.iter())
        .filter(|(key, _)| ours(key))
        .map(|(key, value)| match key {
            // LiteCore writes 1, which Sync Gateway does not honour.
            "sendReplacementRevs" => (key.to_owned(), "true".to_owned()),
            _ => (key.to_owned(), value.to_owned()),
        })
        .collect();
    pairs.sort();
    pairs
}

struct Replay<'a> {
    file: &'a Path,
    vectors: bool,
    /// Frames of `C` go to `server`, those of `S` to `client`.
    client: End,
    server: End,
    last: Option<(Message, bool)>,
    counts: &'a mut Counts,
}

impl Replay<'_> {
    fn frame(&mut self, from_client: bool, frame: &[u8]) {
        let (sender, receiver) = if from_client {
            (&mut self.client, &mut self.server)
        } else {
            (&mut self.server, &mut self.client)
        };
        let (number, flags) = header(frame);
        if flags & 7 == 0 && !sender.asked.contains_key(&number) {
            // So that the sender's end knows what replies it may get.
            let request = Message {
                no_reply: flags & 0x20 != 0,
                ..Message::default()
            };
            sender.connection.request(request, ReplyMode::Whole);
            while sender.connection.poll_transmit(&mut Vec::new()) {}
            while sender.connection.poll_event().is_some() {}
            sender.asked.insert(number, None);
        }
        if receiver.lost {
            return;
        }
        receiver
            .connection
            .handle_ws_message(frame)
            .unwrap_or_else(|violation| panic!("{}: {violation}", self.file.display()));
        let mut told = Vec::new();
        while let Some(event) = receiver.connection.poll_event() {
            told.push(event);
        }
        for event in told {
            match event {
                Event::Request { message, .. } => {
                    self.request(from_client, number, &message);
                    self.last = Some((message, false));
                }
                Event::Reply {
                    result: Ok(message),
                    ..
                } => {
                    self.reply(from_client, number, &message);
                    self.last = Some((message, false));
                }
                Event::Reply {
                    result: Err(error), ..
                } => {
                    let (domain, code) = error.to_blip();
                    let properties = Properties::new()
                        .with("Error-Domain", domain)
                        .with("Error-Code", code.to_string());
                    let message = Message {
                        properties,
                        body: error.message().to_owned().into(),
                        ..Message::default()
                    };
                    self.last = Some((message, true));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// A request is understood; one of LiteCore is written again as it was.
    fn request(&mut self, from_client: bool, number: u64, message: &Message) {
        let file = self.file.display();
        let profile = message.profile().unwrap();
        let decoded = Request::decode(message.clone());
        let is_list = ["changes", "proposeChanges"].contains(&profile);
        if self.vectors && is_list && message.body.len() > 4 {
            let error = decoded.unwrap_err();
            assert_eq!(error.to_blip(), ("LiteCore", 26), "{file}: {error}");
            return;
        }
        let request = decoded.unwrap_or_else(|error| panic!("{file}: {profile}: {error}"));
        assert!(
            !matches!(request, Request::Unknown { .. }),
            "{file}: {profile}"
        );
        if let (Request::Rev(rev), false) = (&request, self.vectors) {
            rev.ids().unwrap();
        }
        self.counts.requests += 1;
        if from_client {
            let again = request.clone().encode();
            assert_eq!(sorted(&again), sorted(message), "{file}");
            assert_eq!(again.body, message.body, "{file}");
            let flags = |m: &Message| (m.urgent, m.compressed, m.no_reply);
            assert_eq!(flags(&again), flags(message), "{file}: {profile}");
        }
        let sender = if from_client {
            &mut self.client
        } else {
            &mut self.server
        };
        sender.asked.insert(number, Some(request));
    }

    /// A reply to a list is understood; one of LiteCore is written again as it was.
    fn reply(&mut self, from_client: bool, number: u64, message: &Message) {
        let asker = if from_client {
            &self.server
        } else {
            &self.client
        };
        self.counts.replies += 1;
        let file = self.file.display();
        let again = match &asker.asked[&number] {
            Some(Request::Changes { rows, .. }) if !rows.is_empty() => {
                let reply = ChangesReply::decode(message, rows.len()).unwrap();
                assert_eq!(reply.entries.len(), rows.len());
                reply.encode()
            }
            Some(Request::ProposeChanges { rows, .. }) => {
                let reply = ProposeReply::decode(message, rows.len()).unwrap();
                assert_eq!(reply.entries.len(), rows.len());
                reply.encode()
            }
            Some(Request::GetCollections { collections, .. }) => {
                CollectionReply::decode_all(message, collections.len()).unwrap();
                return;
            }
            _ => return,
        };
        self.counts.lists += 1;
        if from_client {
            let mut expected = sorted(message);
            expected.retain(|(key, _)| key != "sendReplacementRevs");
            assert_eq!(sorted(&again), expected, "{file}");
            assert_eq!(again.body, message.body, "{file}");
        }
    }

    fn check_properties(&mut self, line: &str) {
        let (_, rest) = line.split_once(' ').unwrap();
        let (_checksum, properties) = rest.split_once(' ').unwrap();
        let (message, is_error) = self.last.as_ref().unwrap();
        let ours = printed(&message.properties);
        if *is_error {
            // An error has lost the order of its properties.
            let parse = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(parse(&ours), parse(properties));
        } else {
            assert_eq!(ours, properties, "{}", self.file.display());
        }
        self.counts.messages += 1;
    }

    fn check_body(&self, line: &str) {
        let (size, shown) = line.split_once(' ').unwrap();
        let (message, is_error) = self.last.as_ref().unwrap();
        if !is_error {
            assert_eq!(message.body.len(), size.parse::<usize>().unwrap());
        }
        let text = String::from_utf8_lossy(&message.body);
        let shown = shown.trim_end_matches('…').trim_end_matches("...");
        assert!(
            text.starts_with(shown),
            "{}: {shown:?}",
            self.file.display()
        );
    }
}

#[test]
fn recorded_traffic_of_real_peers_is_understood() {
    let mut counts = Counts::default();
    for file in recordings() {
        let mut replay = Replay {
            file: &file,
            vectors: file.parent().unwrap().ends_with("litecore-4.0.3-vv"),
            client: End::new(),
            server: End::new(),
            last: None,
            counts: &mut counts,
        };
        for line in fs::read_to_string(&file).unwrap().lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("connection", _) => {
                    replay.client = End::new();
                    replay.server = End::new();
                }
                (side @ ("C" | "S"), rest) => {
                    replay.last = None;
                    if let Some((_, cut)) = rest.split_once(" cut ") {
                        assert!(cut.parse::<usize>().unwrap() > 512);
                        let receiver = if side == "C" {
                            &mut replay.server
                        } else {
                            &mut replay.client
                        };
                        receiver.lost = true;
                    }
                    let hex = rest.split(' ').next().unwrap();
                    replay.frame(side == "C", &unhex(hex));
                }
                ("=", rest) if replay.last.is_some() => replay.check_properties(rest),
                ("B", rest) if replay.last.is_some() => replay.check_body(rest),
                ("=" | "B", _) => assert!(replay.client.lost || replay.server.lost),
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(counts.messages > 1_400, "{}", counts.messages);
    assert!(counts.requests > 850, "{}", counts.requests);
    assert!(counts.replies > 500 && counts.lists > 70);
}
