//! Judges an upgrade request: a pure function of the request, of what the authenticator says of its
//! sender, and of the listener's rules (wire §1.1–§1.5).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Request, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::authenticator::{Admission, Authenticator, CHALLENGE, Credentials};

/// Subprotocols spoken, best first.
const PROTOCOLS: [&str; 2] = ["BLIP_3+CBMobile_3", "BLIP_3+CBMobile_2"];
/// Characters of a key at least, as LiteCore's listener demands.
const MIN_KEY: usize = 10;

/// What a request is held against.
#[derive(Debug)]
pub(super) struct Rules {
    /// Name of the database; the only one that is found.
    pub(super) database: String,
    /// `None`: everybody may come in.
    pub(super) authenticator: Option<Arc<dyn Authenticator>>,
    /// This machine's name, if it is known.
    pub(super) host_name: Option<String>,
}

/// What the client gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Upgrade {
        protocol: &'static str,
        /// Value of `Sec-WebSocket-Accept`.
        accept: String,
    },
    Refuse(Refusal),
}

/// A refusal: status, text (the reason phrase if none), and headers that explain it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: Option<String>,
    pub(super) headers: Vec<(HeaderName, &'static str)>,
}

impl Rules {
    /// Whether the sender of a request with `headers` may come in. `is_over`: there are too many
    /// connections already, and nobody is asked.
    pub(super) fn admission(&self, headers: &HeaderMap, is_over: bool) -> BoxFuture<'_, Admission> {
        let known = |admission| ready(admission).boxed();
        if is_over {
            return known(Admission::Overloaded);
        }
        match (&self.authenticator, Self::credentials(headers)) {
            (None, _) => known(Admission::Admitted),
            (Some(authenticator), Some(credentials)) => authenticator.judge(credentials),
            (Some(_), None) => known(Admission::Denied),
        }
    }

    /// Who the sender says that it is.
    pub(super) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
        let header = headers.get(header::AUTHORIZATION)?;
        Credentials::from_header(header)
    }

    /// Judges `request`. Who is not known learns nothing, not even which databases there are.
    pub(super) fn judge<B>(&self, request: &Request<B>, admission: Admission) -> Verdict {
        match self.check(request, admission) {
            Ok((protocol, accept)) => Verdict::Upgrade { protocol, accept },
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }

    fn check<B>(
        &self,
        request: &Request<B>,
        admission: Admission,
    ) -> Result<(&'static str, String), Refusal> {
        let headers = request.headers();
        match admission {
            Admission::Admitted => {}
            Admission::Denied => {
                return Err(Refusal::new(StatusCode::UNAUTHORIZED)
                    .with_header(header::WWW_AUTHENTICATE, CHALLENGE));
            }
            Admission::Throttled(wait) => {
                return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS)
                    .with_text("too many failed logins")
                    .with_header(header::RETRY_AFTER, retry_after(wait)));
            }
            Admission::Overloaded => {
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE)
                    .with_text("too many connections")
                    .with_header(header::RETRY_AFTER, "10"));
            }
        }
        if database_of(request.uri().path()).as_deref() != Some(&self.database) {
            return Err(Refusal::new(StatusCode::NOT_FOUND));
        }
        if request.method() != Method::GET {
            return Err(
                Refusal::new(StatusCode::METHOD_NOT_ALLOWED).with_header(header::ALLOW, "GET")
            );
        }
        let is_upgrade = request.version() == Version::HTTP_11
            && has_token(headers, &header::CONNECTION, "upgrade")
            && has_token(headers, &header::UPGRADE, "websocket");
        if !is_upgrade {
            return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED)
                .with_header(header::UPGRADE, "websocket")
                .with_header(header::CONNECTION, "Upgrade"));
        }
        if !self.is_own_origin(headers) {
            return Err(Refusal::new(StatusCode::FORBIDDEN)
                .with_text("connections from web pages are not allowed"));
        }
        let version = text(headers, &header::SEC_WEBSOCKET_VERSION).and_then(|v| v.parse().ok());
        if version.is_none_or(|version: u32| version < 13) {
            return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED)
                .with_header(header::SEC_WEBSOCKET_VERSION, "13"));
        }
        let key = text(headers, &header::SEC_WEBSOCKET_KEY).unwrap_or_default();
        if key.len() < MIN_KEY {
            return Err(
                Refusal::new(StatusCode::BAD_REQUEST).with_text("bad Sec-WebSocket-Key header")
            );
        }
        let Some(protocol) = choose(headers) else {
            return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR)
                .with_text(format!("I only speak {} protocols", PROTOCOLS.join(","))));
        };
        Ok((protocol, derive_accept_key(key.as_bytes())))
    }

    /// Replicators send no `Origin`; browsers always do. A web page that the user happens to visit
    /// must not reach a listener on this machine: its origin would have to be the very host it
    /// connects to, and no page lives on ours. Some WebSocket libraries write their target there,
    /// which is let pass when it is an address or this machine's name; any other name could be
    /// a page's own, pointed here by its DNS.
    fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        if !headers.contains_key(header::ORIGIN) {
            return true;
        }
        let (Some(origin), Some(host)) =
            (text(headers, &header::ORIGIN), text(headers, &header::HOST))
        else {
            return false;
        };
        let authority = origin.split_once("://").map_or("", |(_, rest)| rest);
        if !authority.eq_ignore_ascii_case(host) {
            return false;
        }
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self
                .host_name
                .as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

impl Refusal {
    fn new(status: StatusCode) -> Self {
        Self {
            status,
            text: None,
            headers: Vec::new(),
        }
    }

    fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Rounded up to one of a few values; clients have their own back-off anyway.
fn retry_after(wait: Duration) -> &'static str {
    match wait.as_secs() {
        0..10 => "10",
        10..60 => "60",
        _ => "600",
    }
}

/// The database name of `/{name}/_blipsync`, percent-decoded; `None` for any other path.
fn database_of(path: &str) -> Option<String> {
    let name = path.strip_prefix('/')?.strip_suffix("/_blipsync")?;
    if name.contains('/') {
        return None;
    }
    let mut decoded = Vec::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        decoded.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(decoded).ok()
}

/// The first item of the client's list that is spoken here; unknown items are passed over.
fn choose(headers: &HeaderMap) -> Option<&'static str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|item| {
            PROTOCOLS
                .into_iter()
                .find(|protocol| *protocol == item.trim())
        })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::super::authenticator::BasicAuthenticator;
    use super::*;

    fn rules() -> Rules {
        Rules {
            database: "my db".into(),
            authenticator: None,
            host_name: Some("desk".into()),
        }
    }

    fn request(path: &str, changes: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::get(path)
            .header("Host", "127.0.0.1:4984")
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header(
                "Sec-WebSocket-Protocol",
                "BLIP_3+CBMobile_3,BLIP_3+CBMobile_2",
            )
            .body(())
            .unwrap();
        for (name, value) in changes {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            if value.is_empty() {
                request.headers_mut().remove(name);
            } else {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        request
    }

    fn status(rules: &Rules, request: &Request<()>) -> u16 {
        let admission = rules.admission(request.headers(), false).now_or_never();
        match rules.judge(request, admission.unwrap()) {
            Verdict::Upgrade { .. } => 101,
            Verdict::Refuse(refusal) => refusal.status.as_u16(),
        }
    }

    #[test]
    fn a_good_request_is_upgraded_with_the_rfcs_own_key() {
        let request = request("/my%20db/_blipsync?client=sgr2", &[]);
        let verdict = rules().judge(&request, Admission::Admitted);
        assert_eq!(
            verdict,
            Verdict::Upgrade {
                protocol: "BLIP_3+CBMobile_3",
                accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".into()
            }
        );
    }

    #[test]
    fn the_clients_order_decides_and_unknown_items_are_passed_over() {
        for (offer, chosen) in [
            ("BLIP_3+CBMobile_2,BLIP_3+CBMobile_3", "BLIP_3+CBMobile_2"),
            ("BLIP_3+CBMobile_4,BLIP_3+CBMobile_3", "BLIP_3+CBMobile_3"),
            (
                "SyncGatewaySession_1 , BLIP_3+CBMobile_3 ",
                "BLIP_3+CBMobile_3",
            ),
        ] {
            let request = request("/my%20db/_blipsync", &[("sec-websocket-protocol", offer)]);
            match rules().judge(&request, Admission::Admitted) {
                Verdict::Upgrade { protocol, .. } => assert_eq!(protocol, chosen),
                other => panic!("{offer}: {other:?}"),
            }
        }
    }

    #[test]
    fn only_the_exact_path_is_found() {
        for path in [
            "/other/_blipsync",
            "/My%20db/_blipsync",
            "//my%20db/_blipsync",
            "/my%20db/_blipsync/",
            "/my%20db/x/_blipsync",
            "/my%20db%2F/_blipsync",
            "/x/..%2Fmy%20db/_blipsync",
            "/my%2gdb/_blipsync",
            "/my%2/_blipsync",
            "/my%+2db/_blipsync",
            "/my%ffdb/_blipsync",
            "/_blipsync",
            "/",
        ] {
            assert_eq!(status(&rules(), &request(path, &[])), 404, "{path}");
        }
        assert_eq!(status(&rules(), &request("/%6Dy%20db/_blipsync", &[])), 101);
    }

    #[test]
    fn requests_that_are_no_proper_upgrade_get_the_fitting_status() {
        for (name, value, wanted) in [
            ("connection", "keep-alive", 426),
            ("connection", "keep-alive, upgrade", 101),
            ("upgrade", "h2c", 426),
            ("upgrade", "WebSocket", 101),
            ("sec-websocket-version", "8", 426),
            ("sec-websocket-version", "", 426),
            ("sec-websocket-key", "short", 400),
            ("sec-websocket-key", "", 400),
            ("sec-websocket-protocol", "BLIP_3+CBMobile_4", 500),
            ("sec-websocket-protocol", "", 500),
        ] {
            let request = request("/my%20db/_blipsync", &[(name, value)]);
            assert_eq!(status(&rules(), &request), wanted, "{name}: {value}");
        }
        let mut post = request("/my%20db/_blipsync", &[]);
        *post.method_mut() = Method::POST;
        assert_eq!(status(&rules(), &post), 405);
    }

    #[test]
    fn web_pages_are_kept_out_but_libraries_that_name_their_target_are_not() {
        for (origin, host, wanted) in [
            ("https://evil.example", "127.0.0.1:4984", 403),
            ("http://evil.example:4984", "evil.example:4984", 403),
            ("null", "127.0.0.1:4984", 403),
            ("http://127.0.0.1:4984", "127.0.0.1:4984", 101),
            ("http://[::1]:4984", "[::1]:4984", 101),
            ("https://localhost", "localhost", 101),
            ("http://desk:4984", "DESK:4984", 101),
        ] {
            let request = request("/my%20db/_blipsync", &[("origin", origin), ("host", host)]);
            assert_eq!(status(&rules(), &request), wanted, "{origin} to {host}");
        }
    }

    #[test]
    fn who_is_not_known_learns_nothing_about_databases() {
        let mut rules = rules();
        rules.authenticator = Some(Arc::new(BasicAuthenticator::new("u", "p")));
        for path in ["/my%20db/_blipsync", "/other/_blipsync"] {
            assert_eq!(status(&rules, &request(path, &[])), 401);
            let known = request(path, &[("authorization", "Basic dTpw")]);
            assert_ne!(status(&rules, &known), 401);
        }
        match rules.judge(&request("/x", &[]), Admission::Denied) {
            Verdict::Refuse(refusal) => assert_eq!(
                refusal.headers,
                [(
                    header::WWW_AUTHENTICATE,
                    r#"Basic realm="settee", charset="UTF-8""#
                )]
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_connection_too_many_is_told_503_and_nobody_is_asked() {
        let mut rules = rules();
        rules.authenticator = Some(Arc::new(BasicAuthenticator::new("u", "p")));
        let request = request("/my%20db/_blipsync", &[]);
        let admission = rules.admission(request.headers(), true).now_or_never();
        match rules.judge(&request, admission.unwrap()) {
            Verdict::Refuse(refusal) => assert_eq!(refusal.status.as_u16(), 503),
            other => panic!("{other:?}"),
        }
    }

    proptest::proptest! {
        #[test]
        fn every_database_name_is_found_by_its_url_and_any_path_is_survived(
            name in "[^/]{1,40}",
            path in "\\PC{0,60}",
        ) {
            let mut url = url::Url::parse("ws://h/").unwrap();
            // `.` and `..` are no path segments of their own.
            if !matches!(name.as_str(), "." | "..") {
                url.path_segments_mut().unwrap().pop_if_empty().push(&name).push("_blipsync");
                let found = database_of(url.path());
                // Tabs and line breaks cannot stand in a URL.
                let kept: String = name.chars().filter(|c| !"\t\n\r".contains(*c)).collect();
                proptest::prop_assert!(found.as_deref() == Some(&name) || name != kept);
            }
            let _ = database_of(&path);
        }
    }
}
