//! Bodies of the fuzz targets: each takes any bytes and asserts a property of a decoder that
//! strangers feed. `fuzz/` holds a line a target for cargo-fuzz; `tests/corpus.rs` replays the
//! seeds on stable Rust.

use bytes::Bytes;

use crate::blip::{
    BadProperties, Config, Connection, Event, Message, Properties, ReplyMode, Violation,
};
use crate::error::Code;
use crate::model::body::encode_body;
use crate::protocol::attachments::{add_attachments, clean_received, collect_blobs};
use crate::protocol::delta;
use crate::protocol::{ChangesReply, CheckpointReply, CollectionReply, ProposeReply, Request};
use crate::query::{
    self, ArrayTable, Catalog, CollectionTable, FullTextTable, IndexExpression, IndexTarget,
};
use crate::storage::scratch::Scratch;
use crate::tls::{self, CertificateFacts};

/// A fuzz target: its name, which is also that of its folder of seeds, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 11] = [
    ("frames", frames),
    ("messages", messages),
    ("inflate", inflate),
    ("properties", properties),
    ("requests", requests),
    ("replies", replies),
    ("attachments", attachments),
    ("deltas", deltas),
    ("queries", queries),
    ("index_items", index_items),
    ("certificates", certificates),
];

/// Small limits, so that a fuzzer reaches them.
fn small_config() -> Config {
    Config {
        max_frame: 8 << 10,
        max_properties: 1 << 10,
        max_message: 16 << 10,
        max_given_up: 64 << 10,
        max_open_messages: 8,
        max_open_bytes: 48 << 10,
        compression_level: 1,
        compressors: Default::default(),
    }
}

/// A connection that waits for replies to twelve requests, four of them streamed.
fn waiting_connection(config: Config) -> Connection {
    let mut connection = Connection::new(config);
    for index in 0..12_u64 {
        let mode = if index % 3 == 0 {
            ReplyMode::Streamed
        } else {
            ReplyMode::Whole
        };
        let id = connection.request(Message::default(), mode);
        if index % 2 == 0 {
            connection.limit_reply(id, 1_000);
        }
    }
    while connection.poll_transmit(&mut Vec::new()) {}
    while connection.poll_event().is_some() {}
    connection
}

/// Gives one frame to a connection and checks what comes of it. `false` when it is dead.
fn feed(connection: &mut Connection, frame: &[u8], config: &Config) -> bool {
    let result = connection.handle_ws_message(frame);
    assert_eq!(result.as_ref().err(), connection.violation());
    while let Some(event) = connection.poll_event() {
        match event {
            Event::Request { to, message } => {
                assert!(message.body.len() <= config.max_message);
                assert!(message.properties.encoded_len() <= config.max_properties);
                assert_eq!(to.is_none(), message.no_reply);
                let request = Request::decode(message.clone());
                if let Some(to) = to {
                    match request {
                        Ok(_) => connection.reply(to, message),
                        Err(error) => connection.reply_error(to, &error),
                    }
                }
            }
            Event::Reply {
                result: Ok(message),
                ..
            } => assert!(message.body.len() <= config.max_message),
            Event::ReplyData { data, .. } => {
                assert!(!data.is_empty() && data.len() <= config.max_message);
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    while connection.poll_transmit(&mut out) {
        assert!(result.is_ok() && out.len() <= 16_384);
    }
    result.is_ok()
}

/// Pieces of `data`, each after its length as two little-endian bytes.
fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = data.split_first_chunk::<2>()?;
        let len = usize::from(u16::from_le_bytes(*len)).min(rest.len());
        let (piece, rest) = rest.split_at(len);
        data = rest;
        Some(piece)
    })
}

/// Frames as a peer may send them: whatever they are, limits hold and a dead connection is quiet.
pub fn frames(data: &[u8]) {
    let config = small_config();
    let mut connection = waiting_connection(config.clone());
    for frame in pieces(data) {
        if !feed(&mut connection, frame, &config) {
            return;
        }
    }
}

/// Frames with right checksums and deflate streams, so that the fuzzer gets past those. Each
/// piece is number, flags and uncompressed contents.
pub fn messages(data: &[u8]) {
    let config = small_config();
    let mut connection = waiting_connection(config.clone());
    let mut sum = crc32fast::Hasher::new();
    let mut deflater = flate2::Compress::new(flate2::Compression::new(1), false);
    for piece in pieces(data) {
        let [number, flags, contents @ ..] = piece else {
            continue;
        };
        let mut frame = vec![number & 0x7f, flags & 0x7f];
        if flags & 7 > 2 {
            frame.extend_from_slice(contents);
        } else {
            sum.update(contents);
            if flags & 8 != 0 && !contents.is_empty() {
                frame.reserve(contents.len() * 2 + 64);
                let _ = deflater.compress_vec(contents, &mut frame, flate2::FlushCompress::Sync);
                frame.truncate(frame.len() - 4);
            } else {
                frame[1] &= !8;
                frame.extend_from_slice(contents);
            }
            frame.extend_from_slice(&sum.clone().finalize().to_be_bytes());
        }
        if !feed(&mut connection, &frame, &config) {
            let wrong_codec = matches!(
                connection.violation(),
                Some(Violation::BadChecksum { .. } | Violation::BadDeflate { .. })
            );
            assert!(!wrong_codec, "{:?}", connection.violation());
            return;
        }
    }
}

/// A deflated payload: what our decoder takes is what flate2 alone makes of it, and never more
/// than the limit.
pub fn inflate(data: &[u8]) {
    let config = small_config();
    let mut input = data.to_vec();
    input.extend_from_slice(&[0, 0, 0xff, 0xff]);
    let mut expected = Vec::with_capacity(config.max_message + 1);
    let mut inflater = flate2::Decompress::new(false);
    let status = inflater.decompress_vec(&input, &mut expected, flate2::FlushDecompress::Sync);
    let whole = inflater.total_in() == input.len() as u64;
    let ended = matches!(status, Ok(flate2::Status::StreamEnd));
    let good = whole && !ended && status.is_ok() && expected.len() <= config.max_message;

    // The contents of a streamed reply: one byte of properties, then all of it is body.
    let mut connection = waiting_connection(config);
    let mut frame = vec![1, 0x49];
    frame.extend_from_slice(data);
    frame.extend_from_slice(&crc32fast::hash(&expected).to_be_bytes());
    match connection.handle_ws_message(&frame) {
        Ok(()) => assert!(good && frame.len() <= 8 << 10),
        Err(Violation::BadProperties { .. } | Violation::FrameTooLarge { .. }) => {}
        Err(violation) => assert!(!good, "{violation}"),
    }
    let mut body = Vec::new();
    while let Some(event) = connection.poll_event() {
        if let Event::ReplyData { data, .. } = event {
            body.extend_from_slice(&data);
        }
    }
    assert!(expected.ends_with(&body) && body.len() <= 1_000);
}

/// A properties block: what is read is written again as it was.
pub fn properties(data: &[u8]) {
    const LIMIT: usize = 4 << 10;
    match Properties::decode_prefix(data, LIMIT) {
        Ok(Some((properties, used))) => {
            let block = properties.as_bytes();
            assert!(block.len() <= LIMIT);
            assert_eq!(&data[used - block.len()..used], block);
            let again: Properties = properties.iter().collect();
            assert_eq!(again, properties);
            for (key, _) in &properties {
                assert!(properties.get(key).is_some());
            }
        }
        Ok(None) => assert!(data.len() < LIMIT + 10),
        Err(BadProperties::TooLong { len, limit }) => assert!(len > limit as u64),
        Err(_) => {}
    }
    if let Ok(whole) = Properties::decode(data) {
        assert_eq!(whole.as_bytes(), data);
    }
}

/// A message's contents: properties with their length, then the body.
fn message(data: &[u8]) -> Option<Message> {
    let (properties, used) = Properties::decode_prefix(data, 64 << 10).ok().flatten()?;
    Some(Message {
        properties,
        body: Bytes::copy_from_slice(&data[used..]),
        ..Message::default()
    })
}

/// A request: what is understood is still understood, as the same, when we have written it.
pub fn requests(data: &[u8]) {
    let Some(message) = message(data) else {
        return;
    };
    match Request::decode(message) {
        Ok(request) => {
            if let Request::Rev(rev) = &request
                && let Ok(ids) = rev.ids()
            {
                assert_eq!(ids.history.len(), rev.history.len());
            }
            let again = Request::decode(request.clone().encode());
            assert_eq!(again.as_ref(), Ok(&request));
        }
        Err(error) => {
            let (domain, code) = error.to_blip();
            assert!(["BLIP", "HTTP", "LiteCore"].contains(&domain) && code > 0);
        }
    }
}

/// A reply of any kind, to a request about `n` things where `n` is the first byte: as for
/// requests.
pub fn replies(data: &[u8]) {
    let Some((&count, rest)) = data.split_first() else {
        return;
    };
    let Some(message) = message(rest) else {
        return;
    };
    let count = usize::from(count);
    if let Ok(reply) = ChangesReply::decode(&message, count) {
        assert_eq!(reply.entries.len(), count);
        assert_eq!(ChangesReply::decode(&reply.encode(), count), Ok(reply));
    }
    if let Ok(reply) = ProposeReply::decode(&message, count) {
        assert_eq!(reply.entries.len(), count);
        assert_eq!(ProposeReply::decode(&reply.encode(), count), Ok(reply));
    }
    if let Ok(reply) = CheckpointReply::decode(&message) {
        let again = CheckpointReply::decode(&reply.clone().encode());
        assert_eq!(again.map(|again| again.rev), Ok(reply.rev));
    }
    if let Ok(entries) = CollectionReply::decode_all(&message, count) {
        assert_eq!(entries.len(), count);
        // Spaces may go when it is written for the first time, and nothing after that.
        let encoded = CollectionReply::encode_all(&entries);
        let once = encoded.and_then(|message| CollectionReply::decode_all(&message, count));
        if let Ok(once) = once {
            let encoded = CollectionReply::encode_all(&once);
            let twice = encoded.and_then(|message| CollectionReply::decode_all(&message, count));
            assert_eq!(twice, Ok(once));
        }
    }
}

/// A body: cleaning it twice is cleaning it once; JSON stays JSON; no reserved key is left.
pub fn attachments(data: &[u8]) {
    let is_json = serde_json::from_slice::<serde_json::Value>(data).is_ok();
    if let Ok(clean) = clean_received(Bytes::copy_from_slice(data)) {
        let again = clean_received(clean.body.clone()).map(|again| again.body);
        assert_eq!(again.as_ref(), Ok(&clean.body));
        let value = serde_json::from_slice::<serde_json::Value>(&clean.body);
        if is_json && let Some(object) = value.ok().as_ref().and_then(serde_json::Value::as_object)
        {
            let reserved = |key: &&String| key.starts_with('_') && *key != "_attachments";
            assert_eq!(object.keys().find(reserved), None);
        }
        for digest in &clean.unlisted {
            assert!(clean.blobs.iter().any(|blob| blob.digest == *digest));
        }
    }
    let added = add_attachments(data, Some(1));
    if let (true, Ok(added)) = (is_json, &added) {
        assert!(serde_json::from_slice::<serde_json::Value>(added).is_ok());
        let blobs = collect_blobs(data).map_or(0, |blobs| blobs.len());
        let after = collect_blobs(added).map_or(0, |blobs| blobs.len());
        assert!(after <= blobs, "{after} > {blobs}");
    }
}

/// A body, a zero byte, and a delta for it: the result is bounded, and JSON if both were. Two bodies: the
/// delta between them leads from one to the other.
pub fn deltas(data: &[u8]) {
    let Some(middle) = data.iter().position(|byte| *byte == 0) else {
        return;
    };
    let (base, second) = (&data[..middle], &data[middle + 1..]);
    let is_json = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).is_ok();
    if let Ok(made) = delta::apply(base, second) {
        // A text is quoted again: six bytes for one at the most.
        assert!(made.len() <= 6 * (base.len() + second.len()));
        if is_json(base) && is_json(second) {
            assert!(is_json(&made), "{}", String::from_utf8_lossy(&made));
        }
    }
    if let (Ok(old), Ok(new)) = (encode_body(base), encode_body(second))
        && let Some(delta) = delta::generate(&old.canonical, &new.canonical)
    {
        assert!(delta.len() <= new.canonical.len());
        let made = delta::apply(&old.canonical, &delta).map(|made| encode_body(&made));
        assert_eq!(
            made.map(|made| made.map(|made| made.canonical)),
            Ok(Ok(new.canonical))
        );
    }
}

/// What the queries of the fuzzer may read: the tables of [`Scratch`].
struct ScratchCatalog;

impl Catalog for ScratchCatalog {
    fn database_name(&self) -> &str {
        "db"
    }

    fn collection(&self, scope: &str, name: &str) -> Option<CollectionTable> {
        let number = match (scope, name) {
            ("_default", "_default") => 1,
            ("s", "k") => 2,
            _ => return None,
        };
        let table = format!("docs_{number}");
        Some(CollectionTable { number, table })
    }

    fn full_text_index(&self, scope: &str, _: &str, index: &str) -> Option<FullTextTable> {
        (scope == "_default" && index == "f").then(|| FullTextTable {
            table: "fts_1".to_owned(),
            columns: vec!["s".to_owned()],
            language: Some("en".to_owned()),
            ignore_accents: false,
        })
    }

    fn array(&self, scope: &str, _: &str, path: &str) -> Option<ArrayTable> {
        (scope == "_default" && path == "a").then(|| ArrayTable {
            table: "array_1".to_owned(),
            indexed: vec!["sp1_elem(value, type)".to_owned()],
        })
    }
}

thread_local! {
    static SCRATCH: Scratch = Scratch::new().expect("a database in memory");
}

/// What SQLite may say of SQL that we make: that a bound of its own is passed. Anything else, a
/// syntax error or an unknown column above all, is our mistake.
fn is_bound(message: &str) -> bool {
    [
        "Expression tree is too large",
        "too many",
        "at most 64 tables",
        "parser stack overflow",
        "string or blob too big",
        // MATCH in a join that SQLite cannot turn so that the index comes first.
        "unable to use function",
        "no query solution",
        "interrupted",
        "out of memory",
    ]
    .into_iter()
    .any(|bound| message.contains(bound))
}

/// Certificates as peers present them and applications pin them: what is read is told the same way
/// by every function, and its text is read back.
pub fn certificates(data: &[u8]) {
    let Ok(facts) = CertificateFacts::read(data) else {
        assert!(tls::key_fingerprint(data).is_err());
        let text = String::from_utf8_lossy(data);
        if let Ok(certificates) = tls::certificates_from_text(&text, "input") {
            for der in certificates {
                assert!(CertificateFacts::read(&der).is_ok());
            }
        }
        return;
    };
    assert_eq!(
        facts.fingerprint,
        tls::key_fingerprint(data).expect("was read")
    );
    for text in [&facts.pem, &facts.der] {
        let again = tls::certificates_from_text(text, "own text").expect("was written");
        assert_eq!(again, [data]);
    }
    let chain = [data.to_vec(), data.to_vec()];
    assert!(tls::verified_depth(&chain) <= 1);
}

/// A query's text: it is refused with a place in the text, or it becomes SQL that SQLite takes;
/// its tree reads back as the same from its own printing.
pub fn queries(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match query::parse(&text) {
        Ok(select) => {
            let printed = select.to_string();
            match query::parse(&printed) {
                Ok(again) => assert_eq!(again, select, "{printed}"),
                // Printing adds parentheses.
                Err(error) => assert!(error.message.contains("limit is"), "{printed}: {error}"),
            }
        }
        Err(error) => {
            assert!(error.position <= text.chars().count() + 1, "{error}");
            assert!(!error.message.is_empty());
        }
    }
    match query::compile(&text, &ScratchCatalog) {
        Ok(compiled) => {
            assert!(!compiled.sql.contains('\0'));
            for name in &compiled.parameters {
                assert!(text.contains(&**name), "{name}");
            }
            let mut columns = compiled.columns.clone();
            columns.sort();
            columns.dedup();
            assert_eq!(columns.len(), compiled.columns.len());
            let json = serde_json::from_str::<serde::de::IgnoredAny>(&compiled.json);
            assert!(
                json.is_ok() || compiled.json.len() > 1_000,
                "{}",
                compiled.json
            );
            let ran = SCRATCH.with(|scratch| scratch.run(&compiled.sql, columns.len()));
            if let Err(message) = ran {
                assert!(is_bound(&message), "{message}: {}", compiled.sql);
            }
        }
        Err(error) => assert!(error.is(Code::InvalidQuery), "{error}"),
    }
}

/// The items of an index as SQL++ and as JSON: refused, or SQL that SQLite makes an index of.
pub fn index_items(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for item in [
        IndexExpression::Sqlpp(&text),
        IndexExpression::JsonItem(&text),
    ] {
        for (target, table) in [
            (IndexTarget::Values, "docs_2"),
            (IndexTarget::Elements("a"), "array_1"),
        ] {
            match query::compile_index(&[item], None, target) {
                Ok(compiled) => {
                    let made = SCRATCH.with(|scratch| scratch.index(table, &compiled.expressions));
                    if let Err(message) = made {
                        assert!(is_bound(&message), "{message}: {:?}", compiled.expressions);
                    }
                }
                Err(error) => assert!(error.is(Code::InvalidQuery), "{error}"),
            }
        }
    }
    // A path's one spelling is read as the same path.
    if let Ok(compiled) = query::compile_index(&[], None, IndexTarget::Elements(&text)) {
        let path = compiled.array.as_deref().unwrap_or_default();
        let again = query::compile_index(&[], None, IndexTarget::Elements(path));
        if path.len() <= text.len() {
            assert_eq!(again, Ok(compiled));
        }
    }
}
