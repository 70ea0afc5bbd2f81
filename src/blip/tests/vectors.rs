//! The vectors of wire Appendix A, byte for byte.

use bytes::Bytes;

use super::super::codec::{Decoded, Decoder};
use super::super::frame::Frame;
use super::super::*;
use super::pair::{events, frames, unhex};

/// Appendix A.1: frame, contents, checksum after it (none for an ACK).
const A1: [(&str, &str, &str); 8] = [
    (
        "01002550726f66696c6500676574436865636b706f696e7400636c69656e740063702d64656d6f0022a9e670",
        "2550726f66696c6500676574436865636b706f696e7400636c69656e740063702d64656d6f00",
        "22a9e670",
    ),
    (
        "0218120828ca4fcbcc496548ce48cc4b4f2d66888e36d4514ac94f3654d25132d44d4c4a4e518a8d0500a92f67ea",
        "1050726f66696c65006368616e676573005b5b312c22646f6331222c22312d61626364225d5d",
        "a92f67ea",
    ),
    (
        "0348d282a92a4a2d63c84c6100c983d9601500006b8c51e2",
        "2a50726f66696c650072657600696400646f63310072657600312d616263",
        "6b8c51e2",
    ),
    ("0701009c6de088", "00", "9c6de088"),
    ("0634a78d03", "", ""),
    (
        "03084a61284e2d2c4dcd4b4e653064a8564a54b25272c402800626295919d50200f54e88e3",
        "640073657175656e63650031007b2261223a224141414141414141414141414141414141414141222c2262223a327d",
        "f54e88e3",
    ),
    (
        "04201050726f66696c65006368616e676573005b5d597e0b29",
        "1050726f66696c65006368616e676573005b5d",
        "597e0b29",
    ),
    (
        "0802214572726f722d446f6d61696e0048545450004572726f722d436f646500343034006d697373696e6779cc8566",
        "214572726f722d446f6d61696e0048545450004572726f722d436f646500343034006d697373696e67",
        "79cc8566",
    ),
];

const A2_CLIENT: [&str; 5] = [
    "01003d50726f66696c6500676574436865636b706f696e7400636c69656e740063702d712f416d2f394f37372f706653766c39482f6a4f324a4b506956493d0081322740",
    "02181ccbb10e8320100050be85d92607282773a76e4d57e370c05d6b62c488f6fbdbb0bf07cfa3c8b2b2da8fb297caf70f6d6fae2a954dd6259d8f2dad57e6fae2af3a8f8bd534e95c12e84e9b1b0e10c926721ec57b8960c4dadec591033a11c268790ccefdb1ee8c9fbb764dbb800690297bf23c843e800b24def64426076461270043c3edce3f00ad7d7bad",
    "03088a81b9b408e894cc1406902bc06ce2ddc1509c5a589a9a979cca60c890970ff362319057ad94ad64a55406f2569e9295412d00d99408cf",
    "0408c2629921d432621d8eb0cc08bb658610cb0c6b0100a17af678",
    "05004250726f66696c6500736574436865636b706f696e7400636c69656e740063702d712f416d2f394f37372f706653766c39482f6a4f324a4b506956493d0072657600007b2274696d65223a313739353332333131392c226c6f63616c223a327dcc2da8ae",
];

const A2_SERVER: [&str; 5] = [
    "0102214572726f722d446f6d61696e0048545450004572726f722d436f646500343034006d697373696e679210debc",
    "0201005b302c305d00a22ad1",
    "03010023d6afe5",
    "04010002412fd5",
    "05010872657600302d310060c02c2f",
];

#[test]
fn frames_of_a_1_decode_to_their_contents_and_checksums() {
    let mut decoder = Decoder::new(1 << 20);
    for (hex, contents, sum) in A1 {
        let data = unhex(hex);
        let frame = Frame::parse(&data).unwrap();
        if sum.is_empty() {
            assert_eq!((frame.kind, frame.number), (FrameKind::AckRequest, 6));
            continue;
        }
        assert!(hex.ends_with(sum));
        let decoded = decoder.decode(&frame, 1 << 20).unwrap();
        assert_eq!(decoded, Decoded::Bytes(&unhex(contents)), "{hex}");
    }
}

#[test]
fn messages_of_a_1_arrive_although_they_are_interleaved() {
    let mut connection = Connection::new(Config::default());
    // The peer answers our requests 7 and 8.
    for _ in 0..8 {
        connection.request(Message::default(), ReplyMode::Whole);
    }
    frames(&mut connection);
    for (hex, ..) in A1 {
        connection.handle_ws_message(&unhex(hex)).unwrap();
    }
    let mut told = Vec::new();
    for event in events(&mut connection) {
        told.push(match event {
            Event::Request { to, message } => format!(
                "{} {:?} {} {}",
                message.profile().unwrap(),
                to.map(|to| to.number),
                u8::from(message.urgent),
                String::from_utf8_lossy(&message.body)
            ),
            Event::Reply { result, .. } => format!("{result:?}"),
            Event::Sent { .. } => continue,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(told[0], "getCheckpoint Some(1) 0 ");
    assert_eq!(
        told[1],
        r#"changes Some(2) 1 [["1"#.replace('"', "") + r#","doc1","1-abcd"]]"#
    );
    assert!(
        told[2].starts_with("Ok(Message { properties: {}"),
        "{}",
        told[2]
    );
    assert_eq!(
        told[3],
        r#"rev Some(3) 0 {"a":"AAAAAAAAAAAAAAAAAAAA","b":2}"#
    );
    assert_eq!(told[4], "changes None 0 []");
    assert_eq!(told[5], r#"Err(Http { status: 404, message: "missing" })"#);
}

fn message(properties: &[(&str, &str)], body: &'static str) -> Message {
    Message {
        properties: properties.iter().copied().collect(),
        body: Bytes::from_static(body.as_bytes()),
        ..Message::default()
    }
}

#[test]
fn uncompressed_messages_are_written_byte_for_byte_as_in_a_2() {
    let mut client = Connection::new(Config::default());
    let id = "cp-q/Am/9O77/pfSvl9H/jO2JKPiVI=";
    let get = message(&[("Profile", "getCheckpoint"), ("client", id)], "");
    client.request(get, ReplyMode::Whole);
    assert_eq!(frames(&mut client), [unhex(A2_CLIENT[0])]);

    let mut server = Connection::new(Config::default());
    let mut to = Vec::new();
    for hex in A2_CLIENT {
        server.handle_ws_message(&unhex(hex)).unwrap();
    }
    for event in events(&mut server) {
        if let Event::Request {
            to: Some(t),
            mut message,
        } = event
        {
            message.urgent = false;
            to.push(ReplyTo { urgent: false, ..t });
        }
    }
    server.reply_error(to[0], &crate::Error::http(404, "missing"));
    server.reply(to[1], message(&[], "[0,0]"));
    server.reply(to[2], message(&[], ""));
    server.reply(to[3], message(&[], ""));
    server.reply(to[4], message(&[("rev", "0-1")], ""));
    assert_eq!(frames(&mut server), A2_SERVER.map(unhex));
}

#[test]
fn the_stream_of_a_real_client_in_a_2_is_understood() {
    let mut server = Connection::new(Config::default());
    for hex in A2_CLIENT {
        server.handle_ws_message(&unhex(hex)).unwrap();
    }
    let told: Vec<String> = events(&mut server)
        .into_iter()
        .map(|event| match event {
            Event::Request { message, .. } => {
                let pairs: Vec<String> = (message.properties.iter())
                    .map(|(key, value)| format!("{key}·{value}·"))
                    .collect();
                pairs.concat() + &String::from_utf8_lossy(&message.body)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        "Profile·getCheckpoint·client·cp-q/Am/9O77/pfSvl9H/jO2JKPiVI=·",
        r#"Profile·proposeChanges·conflictIncludesRev·true·[["doc0","1-750ba2ca367f66fb01f2243b8e973ffa7b2e8933","",16],["doc1","1-07107ead6a6e5949039af624aa1d97efe3f005c1","",16]]"#,
        r#"Profile·rev·id·doc0·rev·1-750ba2ca367f66fb01f2243b8e973ffa7b2e8933·sequence·1·noconflicts·1·{"k":"v0","n":0}"#,
        r#"Profile·rev·id·doc1·rev·1-07107ead6a6e5949039af624aa1d97efe3f005c1·sequence·2·noconflicts·1·{"k":"v1","n":1}"#,
        r#"Profile·setCheckpoint·client·cp-q/Am/9O77/pfSvl9H/jO2JKPiVI=·rev··{"time":1795323119,"local":2}"#,
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_replies_of_a_2_are_understood() {
    let mut client = Connection::new(Config::default());
    for _ in 0..5 {
        client.request(Message::default(), ReplyMode::Whole);
    }
    frames(&mut client);
    for hex in A2_SERVER {
        client.handle_ws_message(&unhex(hex)).unwrap();
    }
    let replies: Vec<_> = events(&mut client)
        .into_iter()
        .filter_map(|event| match event {
            Event::Reply { id, result } => Some((id.0, result)),
            _ => None,
        })
        .collect();
    assert_eq!(replies[0], (1, Err(crate::Error::http(404, "missing"))));
    assert_eq!(replies[1].1.as_ref().unwrap().body, "[0,0]");
    assert_eq!(replies[4].1.as_ref().unwrap().get("rev"), Some("0-1"));
}

#[test]
fn stored_blocks_of_go_blip_in_a_3_inflate() {
    let mut connection = Connection::new(Config::default());
    for hex in [
        "0128001500eaff1050726f66696c65006368616e676573006e756c6c0068881396",
        "0228000300fcff005b5d00c8c6fe6e",
    ] {
        connection.handle_ws_message(&unhex(hex)).unwrap();
    }
    let told = events(&mut connection);
    let bodies: Vec<_> = (told.iter())
        .map(|event| match event {
            Event::Request { message, .. } => &message.body[..],
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bodies, [&b"null"[..], b"[]"]);
}
