//! Clients that break the rules lose their connection and nobody else's (design D9).

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::error::Error;
use crate::transport::connect;

const REQUEST: &str = "GET /my%20db/_blipsync HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Protocol: BLIP_3+CBMobile_3\r\n\r\n";

async fn raw(server: &Server) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.started().port))
        .await
        .unwrap()
}

/// Everything until the server ends the connection, which it must do.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut all).await;
    all
}

/// Upgrades a raw connection.
async fn upgraded(server: &Server) -> TcpStream {
    let mut stream = raw(server).await;
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    stream
}

/// Code of the CLOSE frame that the server sends at last.
async fn close_code(stream: &mut TcpStream) -> u16 {
    // Else the server listens on for a while, to be sure that its CLOSE arrives.
    let _ = stream.shutdown().await;
    let all = rest(stream).await;
    match all[..] {
        [0x88, length, high, low, ..] if length >= 2 => u16::from_be_bytes([high, low]),
        _ => panic!("no CLOSE in {all:02x?}"),
    }
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]); // a mask that changes nothing
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test]
async fn who_does_not_get_upgraded_in_time_is_dropped() {
    for tls in [false, true] {
        let server = Setup {
            tls,
            patience: Patience {
                handshake: Duration::from_millis(100),
                ..tuning::PATIENCE
            },
            ..Setup::default()
        }
        .start();
        let mut silent = raw(&server).await;
        let mut slow = raw(&server).await;
        let start: &[u8] = if tls {
            &[0x16, 3, 1, 2, 0, 1]
        } else {
            b"GET /my%20db/_blipsync HT"
        };
        slow.write_all(start).await.unwrap();
        assert_eq!(rest(&mut silent).await, b"");
        assert_eq!(rest(&mut slow).await, b"");
        // Others are not disturbed.
        connect(&options_of(&server)).await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_connection_that_is_kept_alive_has_no_longer_than_the_handshake() {
    let server = Setup {
        patience: Patience {
            handshake: Duration::from_millis(200),
            ..tuning::PATIENCE
        },
        ..Setup::default()
    }
    .start();
    let mut stream = raw(&server).await;
    let request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    stream.write_all(&request.repeat(2)).await.unwrap();
    let text = String::from_utf8(rest(&mut stream).await).unwrap();
    assert_eq!(
        text.matches("HTTP/1.1 404 Not Found\r\n").count(),
        2,
        "{text}"
    );
}

#[tokio::test]
async fn one_address_gets_503_above_its_cap_and_silence_above_that() {
    let server = Setup {
        caps: Caps {
            total: 10,
            per_address: 2,
            overflow: 1,
        },
        ..Setup::default()
    }
    .start();
    let first = connect(&options_of(&server)).await.unwrap();
    let _second = connect(&options_of(&server)).await.unwrap();
    let over = connect(&options_of(&server)).await.err().unwrap();
    assert_eq!(over, Error::http(503, "too many connections"));
    assert!(over.is_transient());

    let mut in_overflow = raw(&server).await;
    in_overflow.write_all(b"GET").await.unwrap();
    // Accepting is in order, so the next one is beyond the overflow.
    let dropped = connect(&options_of(&server)).await.err().unwrap();
    assert!(dropped.is_transient(), "{dropped:?}");
    drop(in_overflow);
    drop(first);
    for _ in 0..1000 {
        if connect(&options_of(&server)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place did not come back");
}

#[tokio::test]
async fn a_message_over_the_limit_costs_its_sender_the_connection_with_1009() {
    let server = Setup::default().start();
    let mut other = connect(&options_of(&server)).await.unwrap().transport;
    let limit = 1024 * 1024;
    // One frame; a header alone; fragments that add up.
    let mut whole = upgraded(&server).await;
    let _ = whole.write_all(&masked(0x82, &vec![0; limit + 1])).await;
    assert_eq!(close_code(&mut whole).await, 1009);
    let mut announced = upgraded(&server).await;
    announced
        .write_all(&masked(0x82, &[0; 200])[..2])
        .await
        .unwrap();
    announced.write_all(&u64::MAX.to_be_bytes()).await.unwrap();
    announced.write_all(&[0; 4]).await.unwrap();
    assert_eq!(close_code(&mut announced).await, 1009);
    let mut pieces = upgraded(&server).await;
    let mut sent = 0;
    while sent <= limit {
        let first = if sent == 0 { 0x02 } else { 0x00 };
        let _ = pieces.write_all(&masked(first, &[0; 100_000])).await;
        sent += 100_000;
    }
    assert_eq!(close_code(&mut pieces).await, 1009);

    other
        .send(Outgoing::Message(Bytes::from_static(b"x")))
        .await
        .unwrap();
    let echoed = other.next().await.unwrap().unwrap();
    assert_eq!(echoed, Received::Message(Bytes::from_static(b"x")));
}

#[tokio::test]
async fn the_largest_message_allowed_is_taken() {
    let server = Setup::default().start();
    let mut stream = upgraded(&server).await;
    // Echo cannot send it back (32 KiB), so the connection ends, but not with 1009.
    stream
        .write_all(&masked(0x82, &vec![0; 1024 * 1024]))
        .await
        .unwrap();
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn frames_that_break_the_websocket_rules_end_the_connection_with_the_fitting_code() {
    let server = Setup::default().start();
    for (frame, code) in [
        (masked(0x81, b"text"), 1003),
        (masked(0x81, b"\xff\xfe"), 1007),
        (masked(0xc2, b"compressed"), 1002),
        (masked(0x83, b"unknown opcode"), 1002),
        (masked(0x80, b"continues nothing"), 1002),
        (masked(0x09, b"fragmented ping"), 1002),
        (vec![0x82, 1, 0], 1002), // not masked
    ] {
        let mut stream = upgraded(&server).await;
        stream.write_all(&frame).await.unwrap();
        assert_eq!(close_code(&mut stream).await, code, "{frame:02x?}");
    }
}

#[tokio::test]
async fn garbage_instead_of_http_or_tls_ends_quietly() {
    for tls in [false, true] {
        let server = Setup {
            tls,
            ..Setup::default()
        }
        .start();
        for garbage in [
            &b"\0\0\0\0\r\n\r\n"[..],
            b"\x16\x03\x01\x00\x02xx",
            &[0xff; 100],
        ] {
            let mut stream = raw(&server).await;
            stream.write_all(garbage).await.unwrap();
            stream.shutdown().await.unwrap();
            rest(&mut stream).await;
        }
        let mut large = raw(&server).await;
        let header = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
        let _ = large.write_all(header.as_bytes()).await;
        rest(&mut large).await;
        connect(&options_of(&server)).await.unwrap();
    }
}
