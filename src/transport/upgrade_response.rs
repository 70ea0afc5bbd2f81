//! The server's answer to an upgrade request (wire §1.3, §1.4, §1.7).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::tuning::{MAX_ERROR_BODY, MAX_RESPONSE_HEAD, MAX_RESPONSE_HEADERS};
use super::upgrade::{Request, Target};
use super::{ConnectOptions, NetStream, net_error};
use crate::error::{Error, NetworkReason, Result};

/// Interim (1xx) responses that are skipped before the real one.
const MAX_INTERIM: usize = 8;
/// Time that the body of a refusal has; without it there is still the status.
const BODY_PATIENCE: Duration = Duration::from_secs(1);
/// Characters of a body that become an error's text.
const MAX_REASON: usize = 300;

/// Status line, headers, and what was read behind them.
pub(super) struct Head {
    status: u16,
    reason: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    rest: BytesMut,
}

/// What the answer means.
pub(super) enum Outcome {
    Upgraded(Accepted),
    /// The `Location`.
    Redirect(String),
}

/// A good 101.
pub(super) struct Accepted {
    pub(super) protocol: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) leftover: Bytes,
}

/// Sends the request and reads the head of the answer.
pub(super) async fn exchange(
    stream: &mut NetStream,
    request: &[u8],
    target: &Target,
) -> Result<Head> {
    let failed = |error| net_error::from_io(&error, &target.authority());
    stream.write_all(request).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let mut buffer = BytesMut::new();
    for _ in 0..MAX_INTERIM {
        let head = loop {
            if let Some(head) = Head::parse(&mut buffer)? {
                break head;
            }
            if buffer.len() > MAX_RESPONSE_HEAD {
                return Err(protocol_error(format!(
                    "the server's HTTP header is over {MAX_RESPONSE_HEAD} bytes"
                )));
            }
            if stream.read_buf(&mut buffer).await.map_err(failed)? == 0 {
                return Err(Error::network(
                    NetworkReason::ConnectionReset,
                    format!(
                        "connection closed before the server answered ({})",
                        target.authority()
                    ),
                ));
            }
        };
        match head.status {
            100 | 102..200 => buffer = head.rest,
            _ => return Ok(head),
        }
    }
    Err(protocol_error("the server sends only interim responses"))
}

/// Decides what the answer means; reads the body of a refusal for its text.
///
/// # Errors
/// `Http` with the status; `WebSocketClosed` 1002 for a 101 that breaks the rules.
pub(super) async fn judge(
    stream: &mut NetStream,
    head: Head,
    request: &Request,
    options: &ConnectOptions,
) -> Result<Outcome> {
    match head.status {
        101 => head
            .accept(request, &options.protocols)
            .map(Outcome::Upgraded),
        301 | 302 | 307 => match head.header("location") {
            Some(location) => Ok(Outcome::Redirect(location.to_owned())),
            None => Err(Error::network(
                NetworkReason::InvalidRedirect,
                format!("HTTP {} without Location", head.status),
            )),
        },
        status @ 300.. => {
            let text = head.refusal_text(stream).await;
            Err(Error::http(status, text))
        }
        status => Err(protocol_error(format!(
            "the server answered {status} {} instead of upgrading",
            head.reason
        ))),
    }
}

impl Head {
    /// Takes a whole head off `buffer`, if it is there.
    fn parse(buffer: &mut BytesMut) -> Result<Option<Self>> {
        // A TLS record: alert or handshake, version 3.x.
        if let [0x15 | 0x16, 0x03, ..] = buffer[..] {
            return Err(Error::network(
                NetworkReason::TlsHandshakeFailed,
                "the server speaks TLS on this port; use wss: instead of ws:",
            ));
        }
        let mut fields = [httparse::EMPTY_HEADER; MAX_RESPONSE_HEADERS];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(buffer) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => {
                return Err(protocol_error(format!(
                    "the server did not answer with HTTP: {error}"
                )));
            }
        };
        let (status, reason) = (
            response.code.unwrap_or_default(),
            response.reason.unwrap_or_default().to_owned(),
        );
        let headers = response
            .headers
            .iter()
            .map(|field| {
                (
                    field.name.to_ascii_lowercase(),
                    String::from_utf8_lossy(field.value).trim().to_owned(),
                )
            })
            .collect();
        let rest = buffer.split_off(length);
        Ok(Some(Self {
            status,
            reason,
            headers,
            rest,
        }))
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// Whether nothing was read behind it.
    pub(super) fn is_all(&self) -> bool {
        self.rest.is_empty()
    }

    /// The values of a header that may come several times.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    fn accept(self, request: &Request, offered: &[String]) -> Result<Accepted> {
        let has_token = |name: &str, token: &str| {
            self.header(name).is_some_and(|value| {
                value
                    .split(',')
                    .any(|item| item.trim().eq_ignore_ascii_case(token))
            })
        };
        if !has_token("connection", "upgrade") || !has_token("upgrade", "websocket") {
            return Err(protocol_error("the server upgraded to something else"));
        }
        if self.header("sec-websocket-accept") != Some(request.accept.as_str()) {
            return Err(protocol_error(
                "wrong 'Sec-WebSocket-Accept' response header",
            ));
        }
        if self.header("sec-websocket-extensions").is_some() {
            return Err(protocol_error(
                "the server uses a WebSocket extension that was not offered",
            ));
        }
        let protocol = match self.header("sec-websocket-protocol") {
            None => {
                return Err(protocol_error(
                    "Incompatible replication protocol (missing 'Sec-WebSocket-Protocol' \
                     response header)",
                ));
            }
            Some(chosen) => match offered.iter().find(|offer| *offer == chosen) {
                Some(offer) => offer.clone(),
                None => return Err(Error::http(403, "Server did not accept protocol")),
            },
        };
        Ok(Accepted {
            protocol,
            headers: self.headers,
            leftover: self.rest.freeze(),
        })
    }

    /// The body's `reason` or text, else the reason phrase (wire §1.4).
    pub(super) async fn refusal_text(mut self, stream: &mut NetStream) -> String {
        let status = self.status;
        let is_chunked = self
            .header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
        let announced = self
            .header("content-length")
            .and_then(|value| value.parse::<usize>().ok());
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        let mut body = std::mem::take(&mut self.rest);
        let read_rest = async {
            let wanted = announced.unwrap_or(MAX_ERROR_BODY).min(MAX_ERROR_BODY);
            while body.len() < wanted && !(is_chunked && body.ends_with(b"\r\n0\r\n\r\n")) {
                match stream.read_buf(&mut body).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
        };
        // Whatever came in time will do.
        let _ = tokio::time::timeout(BODY_PATIENCE, read_rest).await;
        let body = if is_chunked {
            without_chunks(&body)
        } else {
            body.to_vec()
        };
        text_of_body(&kind, &body)
            .or_else(|| Some(self.reason).filter(|reason| !reason.is_empty()))
            .or_else(|| {
                let code = http::StatusCode::from_u16(status).ok()?;
                Some(code.canonical_reason()?.to_owned())
            })
            .unwrap_or_else(|| format!("HTTP status {status}"))
    }
}

fn text_of_body(kind: &str, body: &[u8]) -> Option<String> {
    let text = if kind.contains("json") {
        let value: serde_json::Value = serde_json::from_slice(body).ok()?;
        value.get("reason")?.as_str()?.to_owned()
    } else if kind.starts_with("text/plain") {
        String::from_utf8_lossy(body).into_owned()
    } else {
        return None;
    };
    let line = text.trim().lines().next()?;
    let printable: String = line
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_REASON)
        .collect();
    (!printable.is_empty()).then_some(printable)
}

/// Joins the chunks that are whole; what is malformed is left away.
fn without_chunks(mut body: &[u8]) -> Vec<u8> {
    let mut joined = Vec::new();
    while let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(body) {
        let Ok(length) = usize::try_from(length) else {
            break;
        };
        let Some(end) = start.checked_add(length).filter(|_| length > 0) else {
            break;
        };
        let Some(chunk) = body.get(start..end) else {
            break;
        };
        joined.extend_from_slice(chunk);
        body = body.get(end + 2..).unwrap_or_default();
    }
    joined
}

fn protocol_error(message: impl Into<String>) -> Error {
    Error::WebSocketClosed {
        code: 1002,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<Head>> {
        Head::parse(&mut BytesMut::from(text))
    }

    fn accept(headers: &str) -> Result<Accepted> {
        let head = head(&format!(
            "HTTP/1.1 101 Switching Protocols\r\n{headers}\r\nrest"
        ))
        .unwrap()
        .unwrap();
        let request = Request {
            text: Vec::new(),
            accept: "good=".into(),
        };
        head.accept(&request, &["BLIP_3+CBMobile_3".into(), "other".into()])
    }

    const GOOD: &str = "Connection: keep-alive, UPGRADE\r\nUpgrade: WebSocket\r\n\
                        Sec-WebSocket-Accept: good=\r\n";

    #[test]
    fn a_good_101_gives_protocol_headers_and_what_was_read_behind_it() {
        let accepted = accept(&format!(
            "{GOOD}Sec-WebSocket-Protocol: BLIP_3+CBMobile_3\r\nSet-Cookie: a=b\r\n"
        ))
        .unwrap();
        assert_eq!(accepted.protocol, "BLIP_3+CBMobile_3");
        assert_eq!(&accepted.leftover[..], b"rest");
        assert!(
            accepted
                .headers
                .contains(&("set-cookie".into(), "a=b".into()))
        );
    }

    #[test]
    fn a_101_without_our_protocol_is_refused_as_couchbase_lite_does() {
        let missing = accept(GOOD).err().unwrap();
        assert_eq!(missing.code(), 11_002);
        assert!(
            missing
                .message()
                .starts_with("Incompatible replication protocol")
        );
        for wrong in ["BLIP_3", "BLIP_3+CBMobile_4", "BLIP_3+CBMobile_3,other"] {
            let error = accept(&format!("{GOOD}Sec-WebSocket-Protocol: {wrong}\r\n"));
            assert_eq!(
                error.err().unwrap(),
                Error::http(403, "Server did not accept protocol")
            );
        }
    }

    #[test]
    fn a_101_that_breaks_the_websocket_rules_is_refused() {
        for headers in [
            "",
            "Connection: close\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: good=\r\n",
            "Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: good=\r\n",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: bad=\r\n",
            &format!("{GOOD}Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        ] {
            assert_eq!(accept(headers).err().unwrap().code(), 11_002, "{headers}");
        }
    }

    #[test]
    fn tls_and_garbage_are_told_from_http() {
        let tls = Head::parse(&mut BytesMut::from(&[0x15, 3, 3, 0, 2][..]))
            .err()
            .unwrap();
        assert_eq!(tls.code(), 5006);
        assert!(tls.message().contains("use wss:"));
        assert_eq!(head("SSH-2.0-x\r\n").err().unwrap().code(), 11_002);
        assert!(head("HTTP/1.1 101 Sw").unwrap().is_none());
    }

    #[test]
    fn error_text_is_the_json_reason_or_the_plain_text() {
        let text = |kind, body: &str| text_of_body(kind, body.as_bytes());
        assert_eq!(
            text("application/json", r#"{"error":"x","reason":"no such db"}"#).as_deref(),
            Some("no such db")
        );
        assert_eq!(text("application/json", "{").as_deref(), None);
        assert_eq!(
            text("text/plain; charset=utf-8", "I only speak X\nmore").as_deref(),
            Some("I only speak X")
        );
        assert_eq!(text("text/html", "<h1>no</h1>"), None);
        assert_eq!(text("text/plain", "\u{1b}[2J"), Some("[2J".into()));
        assert_eq!(
            without_chunks(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
            b"abcde"
        );
        assert_eq!(
            without_chunks(b"3\r\nabc\r\nffffffffffffffff\r\nde"),
            b"abc"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_answer_whatever_makes_the_reader_panic_or_lose_bytes(
            text in "(HTTP/1.1 [0-9]{3} [A-Z ]{0,5}\r\n)?([A-Za-z-]{1,9}: \\PC{0,9}\r\n){0,3}(\r\n)?",
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80),
        ) {
            let mut buffer = BytesMut::from(&[text.as_bytes(), &bytes].concat()[..]);
            let whole = buffer.len();
            if let Ok(Some(head)) = Head::parse(&mut buffer) {
                proptest::prop_assert_eq!(buffer.len() + head.rest.len(), whole);
            }
            proptest::prop_assert!(without_chunks(&bytes).len() <= bytes.len());
            let _ = text_of_body("application/json", &bytes);
        }
    }
}
