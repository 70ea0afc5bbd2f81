//! The client half against servers that are scripted byte by byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::Url;

use super::*;
use crate::error::{Error, NetworkReason};
use crate::tls::ServerTrust;

/// A server that answers one connection after the other with these texts (`{accept}` stands for the
/// right key) and then ends it. Returns its authority; the requests come out of the task.
async fn scripted(answers: Vec<Vec<u8>>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = socket.local_addr().unwrap().to_string();
    let task = Handle::current().spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = socket.accept().await.unwrap();
            let request = read_head(&mut stream).await;
            let key = request
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                .unwrap();
            stream.write_all(&fill_in(&answer, key)).await.unwrap();
            stream.shutdown().await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
            requests.push(request);
        }
        requests
    });
    (authority, task)
}

/// Puts the right accept key in its place.
fn fill_in(answer: &[u8], key: &str) -> Vec<u8> {
    const PLACE: &[u8] = b"{accept}";
    match answer
        .windows(PLACE.len())
        .position(|window| window == PLACE)
    {
        None => answer.to_vec(),
        Some(at) => [
            &answer[..at],
            derive_accept_key(key.as_bytes()).as_bytes(),
            &answer[at + PLACE.len()..],
        ]
        .concat(),
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: P\r\n\r\n";

fn options(authority: &str) -> ConnectOptions {
    ConnectOptions {
        url: Url::parse(&format!("ws://{authority}/db")).unwrap(),
        protocols: vec!["P".into()],
        headers: Vec::new(),
        basic: Some(("anna".into(), "geheim".into())),
        session_cookie: None,
        cookies: Arc::default(),
        accept_parent_domain_cookies: false,
        proxy: ProxyChoice::Direct,
        trust: ServerTrust::OnlySelfSigned,
        client_tls: crate::tls::ClientTls::default(),
        handshake_timeout: ConnectOptions::DEFAULT_HANDSHAKE_TIMEOUT,
    }
}

async fn refused(answer: &str) -> Error {
    let (authority, _server) = scripted(vec![answer.into()]).await;
    connect(&options(&authority)).await.err().unwrap()
}

#[tokio::test]
async fn refusals_become_http_errors_with_the_best_text_there_is() {
    for (answer, status, text) in [
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            401,
            "Unauthorized",
        ),
        ("HTTP/1.1 403 \r\n\r\n", 403, "Forbidden"),
        ("HTTP/1.1 799 \r\n\r\n", 799, "HTTP status 799"),
        (
            "HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\n\
             Content-Length: 33\r\n\r\n{\"error\":\"x\",\"reason\":\"come back\"}",
            503,
            "come back",
        ),
        (
            "HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n\
             7\r\nI only \r\n7\r\nspeak X\r\n0\r\n\r\n",
            500,
            "I only speak X",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n",
            404,
            "Not Found",
        ),
    ] {
        assert_eq!(refused(answer).await, Error::http(status, text));
    }
}

#[tokio::test]
async fn answers_that_are_no_refusal_and_no_upgrade_are_protocol_errors() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "220 mail.example ESMTP\r\n".to_owned(),
        GOOD.replace("{accept}", "AAAA"),
        GOOD.replace("Sec-WebSocket-Protocol: P\r\n", ""),
        format!("HTTP/1.1 101 X\r\nX: {}\r\n\r\n", "x".repeat(100_000)),
        "HTTP/1.1 100 Continue\r\n\r\n".repeat(20),
    ] {
        let error = refused(&answer).await;
        assert_eq!(error.code(), 11_002, "{error}");
        assert!(!error.is_transient());
    }
    assert_eq!(refused("\u{15}\u{3}\u{3}").await.code(), 5006);
    let silent = refused("").await;
    assert_eq!(silent.code(), 5018);
    assert!(silent.is_transient());
}

#[tokio::test]
async fn redirects_are_followed_and_credentials_stay_with_their_host() {
    let (target, there) = scripted(vec![GOOD.into()]).await;
    let (authority, here) = scripted(vec![
        "HTTP/1.1 302 Found\r\nLocation: /moved/_blipsync\r\n\r\n".into(),
        format!("HTTP/1.1 307 Temporary\r\nLocation: http://{target}/x/_blipsync?a=b\r\n\r\n")
            .into(),
    ])
    .await;
    connect(&options(&authority)).await.unwrap();
    let here = here.await.unwrap();
    assert!(here[0].starts_with("GET /db/_blipsync HTTP/1.1\r\n"));
    assert!(here[1].starts_with("GET /moved/_blipsync HTTP/1.1\r\n"));
    assert!(
        here.iter()
            .all(|request| request.contains("Authorization: Basic "))
    );
    let there = there.await.unwrap();
    assert!(there[0].starts_with("GET /x/_blipsync?a=b HTTP/1.1\r\n"));
    assert!(!there[0].contains("Authorization"), "{}", there[0]);
}

#[tokio::test]
async fn cookies_of_every_answer_are_kept_and_sent_with_the_next_request() {
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /other/_blipsync\r\n\
        Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/db\r\nContent-Length: 0\r\n\r\n";
    let refusal = "HTTP/1.1 503 Busy\r\nSet-Cookie: A=3; Path=/; Max-Age=60\r\n\r\n";
    let answers = [redirect, refusal, GOOD];
    let (authority, server) = scripted(answers.map(|text| text.as_bytes().to_vec()).into()).await;
    let mut options = options(&authority);
    options.headers = vec![("Cookie".into(), "own=0; B=own".into())];
    let error = connect(&options).await.unwrap_err();
    assert_eq!(error.code(), 10_503);
    let json = options.cookies.lock().unwrap().take_persistent().unwrap();
    assert!(String::from_utf8(json.clone()).unwrap().contains("\"A\""));
    options.cookies = Arc::default();
    options.cookies.lock().unwrap().load(&json);
    connect(&options).await.unwrap();
    let cookies: Vec<_> = server
        .await
        .unwrap()
        .iter()
        .map(|request| {
            let lines = request.lines();
            let mut found = lines.filter_map(|line| line.strip_prefix("Cookie: "));
            let cookie = found.next().unwrap_or_default().to_owned();
            assert_eq!(found.next(), None, "one header");
            cookie
        })
        .collect();
    // `b` is of another path; the second run knows only what has a date.
    assert_eq!(
        cookies,
        ["own=0; B=own", "own=0; B=own; a=1", "own=0; B=own; A=3"]
    );
}

/// A proxy that answers CONNECT with `answer` and, after a 200, is the server itself.
async fn proxy(answer: &str, then: &str) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = socket.local_addr().unwrap().to_string();
    let (answer, then) = (answer.to_owned(), then.to_owned());
    let task = Handle::current().spawn(async move {
        let (mut stream, _) = socket.accept().await.unwrap();
        let mut heads = vec![read_head(&mut stream).await];
        stream.write_all(answer.as_bytes()).await.unwrap();
        if answer.starts_with("HTTP/1.1 200") {
            let Ok(byte) = stream.read_u8().await else {
                return heads;
            };
            let request = format!("{}{}", char::from(byte), read_head(&mut stream).await);
            let key = request
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            let answer = fill_in(then.as_bytes(), key.unwrap());
            stream.write_all(&answer).await.unwrap();
            heads.push(request);
        }
        stream.shutdown().await.unwrap();
        heads
    });
    (authority, task)
}

fn through(authority: &str, user: &str) -> ConnectOptions {
    let mut options = options("far.example:4984");
    let proxy = Proxy::parse(&format!("http://{user}{authority}")).unwrap();
    options.proxy = ProxyChoice::Through(proxy);
    options
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_and_sees_no_credentials_but_its_own() {
    let (authority, seen) = proxy("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n", GOOD).await;
    connect(&through(&authority, "u:p@")).await.unwrap();
    let seen = seen.await.unwrap();
    assert_eq!(
        seen[0],
        "CONNECT far.example:4984 HTTP/1.1\r\nHost: far.example:4984\r\n\
         Proxy-Authorization: Basic dTpw\r\n\r\n"
    );
    assert!(seen[1].starts_with("GET /db/_blipsync HTTP/1.1\r\nHost: far.example:4984"));
    assert!(seen[1].contains("\r\nAuthorization: Basic "));
    assert!(!seen[1].contains("Proxy-Authorization"));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    for (answer, code) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", 10_407),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", 10_403),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 10_502),
        ("HTTP/1.1 200 OK\r\n\r\ntoo early", 5_013),
        ("SSH-2.0-x\r\n\r\n", 11_002),
    ] {
        let (authority, _seen) = proxy(answer, "").await;
        let error = connect(&through(&authority, "")).await.unwrap_err();
        assert_eq!(error.code(), code, "{answer}: {error:?}");
        assert_eq!(error.is_transient(), code == 10_502);
        if code != 11_002 {
            assert!(error.message().contains(&authority), "{error}");
        }
    }
    let error = connect(&through("127.0.0.1:1", "")).await.unwrap_err();
    assert_eq!(error.code(), 5_019);
    assert!(error.message().starts_with("proxy 127.0.0.1:1"), "{error}");
}

#[tokio::test]
async fn redirects_end_somewhere() {
    let again = "HTTP/1.1 301 Moved\r\nLocation: /db/_blipsync\r\n\r\n";
    let (authority, _server) = scripted(vec![again.into(); 12]).await;
    let error = connect(&options(&authority)).await.err().unwrap();
    assert_eq!(error.code(), 5005);
    for answer in [
        "HTTP/1.1 302 Found\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: ftp://h/\r\n\r\n",
    ] {
        assert_eq!(refused(answer).await.code(), 5012);
    }
}

#[tokio::test]
async fn failures_below_http_have_reasons_that_say_whether_to_retry() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = socket.local_addr().unwrap().to_string();
    let mut patient = options(&silent);
    patient.handshake_timeout = Duration::from_millis(50);
    for scheme in ["ws", "wss"] {
        patient.url = Url::parse(&format!("{scheme}://{silent}/db")).unwrap();
        let timeout = connect(&patient).await.err().unwrap();
        assert_eq!(timeout.code(), 5003);
        assert!(timeout.message().starts_with("connection timed out"));
        assert!(timeout.is_transient());
    }
    drop(socket);
    let nobody = connect(&options(&silent)).await.err().unwrap();
    assert_eq!(nobody.code(), 5019);
    assert_eq!(nobody.message(), format!("connection refused ({silent})"));
    assert!(nobody.is_transient());
    let unknown = connect(&options("no-such-host.invalid"))
        .await
        .err()
        .unwrap();
    assert!(
        unknown
            .message()
            .starts_with("unknown hostname \"no-such-host.invalid\"")
    );
    assert!(matches!(
        unknown,
        Error::Network {
            reason: NetworkReason::UnknownHost | NetworkReason::DnsFailure,
            ..
        }
    ));
}

/// A connection whose server's frames follow the upgrade at once, in the same packet.
async fn connected(frames: &[u8]) -> BoxTransport {
    let (authority, _server) = scripted(vec![[GOOD.as_bytes(), frames].concat()]).await;
    connect(&options(&authority)).await.unwrap().transport
}

#[tokio::test]
async fn frames_behind_the_response_are_not_lost_and_an_end_without_close_is_none() {
    // A message in two pieces with a PING between them, a PONG, the end.
    let mut transport = connected(&[2, 2, b'a', b'b', 0x89, 0, 0x80, 1, b'c', 0x8a, 0]).await;
    let message = Received::Message(Bytes::from_static(b"abc"));
    assert_eq!(transport.next().await, Some(Ok(message)));
    assert_eq!(transport.next().await, Some(Ok(Received::Pong)));
    assert!(transport.next().await.is_none());
    assert!(transport.next().await.is_none());
}

#[tokio::test]
async fn a_server_that_breaks_the_rules_is_an_error_once() {
    let large = [&[0x82, 127][..], &(2_u64 << 20).to_be_bytes()].concat();
    for (frames, wanted) in [
        (&[0x81, 1, b'x'][..], 1003),
        (&[0x82, 0x81, 0, 0, 0, 0, 1], 1002), // masked
        (&[0xc2, 0], 1002),
        (&large, 1009),
    ] {
        let mut transport = connected(frames).await;
        let Some(Err(Error::WebSocketClosed { code, .. })) = transport.next().await else {
            panic!("no error for {frames:02x?}");
        };
        assert_eq!(code, wanted);
        assert!(transport.next().await.is_none());
    }
}

/// A stream that counts what reaches it and takes everything.
struct Counting {
    writes: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(data.len(), Ordering::Relaxed);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn hundreds_of_messages_fed_and_flushed_once_leave_in_few_writes() {
    let (writes, bytes) = (Arc::default(), Arc::default());
    let stream = Counting {
        writes: Arc::clone(&writes),
        bytes: Arc::clone(&bytes),
    };
    let mut transport = server(stream, Bytes::new()).await;
    let message = Bytes::from(vec![7; 300]);
    for _ in 0..500 {
        transport
            .feed(Outgoing::Message(message.clone()))
            .await
            .unwrap();
    }
    transport.flush().await.unwrap();
    assert_eq!(bytes.load(Ordering::Relaxed), 500 * (300 + 4));
    assert!(writes.load(Ordering::Relaxed) <= 3);
    transport.send(Outgoing::Message(message)).await.unwrap();
    assert!(writes.load(Ordering::Relaxed) <= 4);
}

/// One end of a duplex pipe as a server's transport, and the raw other end.
async fn pipe(capacity: usize) -> (BoxTransport, tokio::io::DuplexStream) {
    let (near, far) = tokio::io::duplex(capacity);
    (server(near, Bytes::new()).await, far)
}

#[tokio::test]
async fn a_peer_that_does_not_read_makes_the_sender_wait_and_nothing_fails() {
    let (mut transport, mut far) = pipe(1024).await;
    let message = Bytes::from(vec![7; 16 * 1024]);
    let total = 100 * (message.len() + 4);
    let sending = async {
        for _ in 0..100 {
            transport
                .feed(Outgoing::Message(message.clone()))
                .await
                .unwrap();
        }
        transport.flush().await.unwrap();
        drop(transport);
    };
    let reading = async {
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), total);
    };
    tokio::join!(sending, reading);
}

#[tokio::test]
async fn pings_are_answered_while_messages_wait_to_be_sent() {
    let (mut transport, mut far) = pipe(64 * 1024).await;
    transport
        .feed(Outgoing::Message(Bytes::from_static(b"m")))
        .await
        .unwrap();
    far.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'p'])
        .await
        .unwrap();
    far.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(transport.next().await, Some(Ok(Received::Pong)));
    let mut sent = [0; 6];
    far.read_exact(&mut sent).await.unwrap();
    assert_eq!(sent, [0x82, 1, b'm', 0x8a, 1, b'p']);
}

#[tokio::test]
async fn nothing_can_be_sent_behind_a_close_and_a_second_close_is_nothing() {
    let (mut transport, mut far) = pipe(1024).await;
    let close = Outgoing::Close {
        code: 1000,
        reason: String::new(),
    };
    transport.send(close.clone()).await.unwrap();
    transport.send(close.clone()).await.unwrap();
    let message = Outgoing::Message(Bytes::new());
    let error = transport.send(message).await.unwrap_err();
    assert_eq!(error.message(), "the connection is closing");
    // The peer answers, then both are done.
    far.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xe8])
        .await
        .unwrap();
    let reason = String::new();
    assert_eq!(
        transport.next().await,
        Some(Ok(Received::Close { code: 1000, reason }))
    );
    assert!(transport.next().await.is_none());
    transport.send(close).await.unwrap();
    drop(transport);
    let mut all = Vec::new();
    far.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, [0x88, 2, 3, 0xe8]);
}

#[tokio::test]
async fn close_codes_that_may_not_be_sent_become_an_empty_close() {
    for code in [0, 999, 1005, 1006, 1015, 5000] {
        let (mut transport, mut far) = pipe(1024).await;
        let reason = "x".into();
        transport
            .send(Outgoing::Close { code, reason })
            .await
            .unwrap();
        let mut sent = [0; 2];
        far.read_exact(&mut sent).await.unwrap();
        assert_eq!(sent, [0x88, 0], "{code}");
    }
}
