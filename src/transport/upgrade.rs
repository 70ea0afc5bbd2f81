//! The upgrade request, as real clients send it (wire §1.1, §1.2, §1.3, §1.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::{Host, Url};

use super::ConnectOptions;
use crate::error::{Error, NetworkReason, Result};

/// Headers that belong to the handshake; an extra header of that name is refused.
const RESERVED: [&str; 6] = [
    "host",
    "connection",
    "upgrade",
    "content-length",
    "transfer-encoding",
    "expect",
];
const RESERVED_PREFIX: &str = "sec-websocket-";

/// A host, a port and a path to ask for an upgrade.
#[derive(Clone, Debug)]
pub(super) struct Target {
    url: Url,
    pub(super) is_tls: bool,
    /// As in the URL, IPv6 in brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// The target of a replication: `url` with `/_blipsync` behind its path.
    ///
    /// # Errors
    /// Network `InvalidUrl`.
    pub(super) fn new(url: &Url) -> Result<Self> {
        let mut url = url.clone();
        let path = format!("{}/_blipsync", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Self::of(url, NetworkReason::InvalidUrl)
    }

    /// Where `Location` points to: an absolute URL, or a path on this host (wire §1.7).
    ///
    /// # Errors
    /// Network `InvalidRedirect`, also for one that would leave TLS.
    pub(super) fn redirect(&self, location: &str) -> Result<Self> {
        const REASON: NetworkReason = NetworkReason::InvalidRedirect;
        let refused = |why: &str| {
            let shown: String = location.chars().take(200).collect();
            Error::network(REASON, format!("redirect to {shown:?} {why}"))
        };
        let is_absolute = ["http://", "https://", "ws://", "wss://"]
            .iter()
            .any(|scheme| {
                location
                    .get(..scheme.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            });
        if !(is_absolute || location.starts_with('/')) {
            return Err(refused("is neither absolute nor a path"));
        }
        let url = self
            .url
            .join(location)
            .map_err(|error| refused(&format!("cannot be read: {error}")))?;
        let next = Self::of(url, REASON)?;
        if self.is_tls && !next.is_tls {
            return Err(refused("leaves TLS"));
        }
        Ok(next)
    }

    pub(super) fn of(mut url: Url, reason: NetworkReason) -> Result<Self> {
        let is_tls = match url.scheme() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            other => {
                return Err(Error::network(
                    reason,
                    format!("invalid scheme {other:?}, must be ws: or wss:"),
                ));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::network(
                reason,
                "URL must not hold a user name or password",
            ));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(Error::network(reason, "URL has no host"));
        };
        let (host, port) = (host.to_owned(), port);
        url.set_fragment(None);
        Ok(Self {
            url,
            is_tls,
            host,
            port,
        })
    }

    /// Host and port, for messages and to compare hosts.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host as resolvers and TLS take it: IPv6 without brackets.
    pub(super) fn bare_host(&self) -> &str {
        match self.url.host() {
            Some(Host::Ipv6(_)) => self.host.trim_start_matches('[').trim_end_matches(']'),
            _ => &self.host,
        }
    }

    fn host_header(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The path of the request, without its query.
    pub(super) fn path(&self) -> &str {
        self.url.path()
    }

    fn request_target(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }
}

/// One upgrade request. Has no `Debug`: its text may hold a password.
pub(super) struct Request {
    /// What is sent.
    pub(super) text: Vec<u8>,
    /// What `Sec-WebSocket-Accept` must say.
    pub(super) accept: String,
}

impl Request {
    /// Writes the request. Without `credentials` it carries no authorization and no cookie: the
    /// target is not the host that they were meant for.
    ///
    /// # Errors
    /// `InvalidParameter` for a header, user name or cookie that cannot be sent.
    pub(super) fn new(
        target: &Target,
        options: &ConnectOptions,
        credentials: bool,
        stored: &[(String, String)],
    ) -> Result<Self> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)
            .map_err(|error| Error::invalid(format!("no random bytes: {error}")))?;
        let key = BASE64.encode(nonce);
        let mut lines = Lines::new(&target.request_target());
        lines.add("Host", &target.host_header())?;
        let extra = Extra::sort(&options.headers)?;
        lines.add(
            "User-Agent",
            extra.user_agent.unwrap_or(concat!(
                "settee/",
                env!("CARGO_PKG_VERSION"),
                " (peer-to-peer document database)"
            )),
        )?;
        lines.add("Connection", "Upgrade")?;
        lines.add("Upgrade", "websocket")?;
        lines.add("Sec-WebSocket-Version", "13")?;
        lines.add("Sec-WebSocket-Key", &key)?;
        if !options.protocols.is_empty() {
            lines.add("Sec-WebSocket-Protocol", &options.protocols.join(","))?;
        }
        let mut cookies = Vec::new();
        if credentials {
            if let Some((user, password)) = &options.basic {
                lines.add("Authorization", &basic(user, password)?)?;
            } else if let Some(value) = extra.authorization {
                lines.add("Authorization", value)?;
            }
            cookies.extend(extra.cookies.iter().map(|given| (*given).to_owned()));
            cookies.extend(options.session_cookie.as_ref().map(cookie).transpose()?);
        }
        // What the caller gives counts more than what a server has set.
        let given = cookies.join(";");
        let is_given = |name: &str| {
            given.split(';').any(|one| {
                let known = one.split('=').next().unwrap_or_default().trim();
                known.eq_ignore_ascii_case(name)
            })
        };
        for (name, value) in stored.iter().filter(|(name, _)| !is_given(name)) {
            cookies.push(format!("{name}={value}"));
        }
        if !cookies.is_empty() {
            lines.add("Cookie", &cookies.join("; "))?;
        }
        for (name, value) in extra.rest {
            lines.add(name, value)?;
        }
        Ok(Self {
            text: lines.finish(),
            accept: derive_accept_key(key.as_bytes()),
        })
    }
}

/// The caller's headers, sorted by what is done with them.
#[derive(Default)]
struct Extra<'a> {
    user_agent: Option<&'a str>,
    authorization: Option<&'a str>,
    cookies: Vec<&'a str>,
    rest: Vec<(&'a str, &'a str)>,
}

impl<'a> Extra<'a> {
    fn sort(headers: &'a [(String, String)]) -> Result<Self> {
        let mut extra = Self::default();
        for (name, value) in headers {
            let lower = name.to_ascii_lowercase();
            match lower.as_str() {
                "user-agent" => extra.user_agent = Some(value),
                "authorization" => extra.authorization = Some(value),
                "cookie" => extra.cookies.push(value),
                _ if RESERVED.contains(&lower.as_str()) || lower.starts_with(RESERVED_PREFIX) => {
                    return Err(Error::invalid(format!(
                        "header {name:?} is set by the handshake and cannot be given"
                    )));
                }
                _ => extra.rest.push((name, value)),
            }
        }
        Ok(extra)
    }
}

fn basic(user: &str, password: &str) -> Result<String> {
    if user.contains(':') {
        return Err(Error::invalid(
            "user name for HTTP Basic authentication must not contain ':'",
        ));
    }
    Ok(format!(
        "Basic {}",
        BASE64.encode(format!("{user}:{password}"))
    ))
}

fn cookie((name, value): &(String, String)) -> Result<String> {
    let is_token = HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !is_token || value.contains([';', ',', ' ']) {
        return Err(Error::invalid(format!(
            "session cookie {name:?} has a name or value that cannot stand in a Cookie header"
        )));
    }
    Ok(format!("{name}={value}"))
}

/// Writes header lines, each checked: a line break in a value would be a header of its own.
struct Lines(Vec<u8>);

impl Lines {
    fn new(request_target: &str) -> Self {
        Self(format!("GET {request_target} HTTP/1.1\r\n").into_bytes())
    }

    fn add(&mut self, name: &str, value: &str) -> Result<()> {
        let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
        if !is_name || HeaderValue::from_str(value).is_err() {
            return Err(Error::invalid(format!(
                "header {name:?} has a name or value that HTTP does not allow"
            )));
        }
        for part in [name, ": ", value, "\r\n"] {
            self.0.extend_from_slice(part.as_bytes());
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"\r\n");
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::tls::ServerTrust;
    use crate::transport::ProxyChoice;

    fn options(url: &str) -> ConnectOptions {
        ConnectOptions {
            url: Url::parse(url).unwrap(),
            protocols: vec!["BLIP_3+CBMobile_3".into(), "BLIP_3+CBMobile_2".into()],
            headers: Vec::new(),
            basic: None,
            session_cookie: None,
            cookies: Arc::default(),
            accept_parent_domain_cookies: false,
            proxy: ProxyChoice::Direct,
            trust: ServerTrust::PlatformRoots,
            client_tls: crate::tls::ClientTls::default(),
            handshake_timeout: ConnectOptions::DEFAULT_HANDSHAKE_TIMEOUT,
        }
    }

    fn request(options: &ConnectOptions, credentials: bool) -> Result<String> {
        let target = Target::new(&options.url)?;
        let request = Request::new(&target, options, credentials, &[])?;
        Ok(String::from_utf8(request.text).unwrap())
    }

    #[test]
    fn request_is_what_real_clients_send() {
        let text = request(&options("ws://127.0.0.1:6201/open/"), true).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], "GET /open/_blipsync HTTP/1.1");
        assert_eq!(lines[1], "Host: 127.0.0.1:6201");
        assert!(lines[2].starts_with("User-Agent: settee/"));
        assert_eq!(lines[3], "Connection: Upgrade");
        assert_eq!(lines[4], "Upgrade: websocket");
        assert_eq!(lines[5], "Sec-WebSocket-Version: 13");
        assert!(lines[6].starts_with("Sec-WebSocket-Key: ") && lines[6].len() == 19 + 24);
        assert_eq!(
            lines[7],
            "Sec-WebSocket-Protocol: BLIP_3+CBMobile_3,BLIP_3+CBMobile_2"
        );
        assert_eq!(lines[8..], ["", ""]);
    }

    #[test]
    fn default_port_stays_out_of_host_and_ipv6_keeps_its_brackets_there() {
        let text = request(&options("wss://[::1]/a/db"), true).unwrap();
        assert!(text.starts_with("GET /a/db/_blipsync HTTP/1.1\r\nHost: [::1]\r\n"));
        let target = Target::new(&Url::parse("wss://[::1]/db").unwrap()).unwrap();
        assert_eq!((target.bare_host(), target.port), ("::1", 443));
    }

    #[test]
    fn credentials_and_cookies_go_out_with_the_first_request_or_not_at_all() {
        let mut options = options("ws://h/db");
        options.basic = Some(("jäger".into(), "a:b".into()));
        options.session_cookie = Some(("SyncGatewaySession".into(), "abc".into()));
        options.headers = vec![
            ("cookie".into(), "x=1".into()),
            ("Authorization".into(), "Bearer t".into()),
            ("X-Extra".into(), "yes".into()),
            ("User-Agent".into(), "mine".into()),
        ];
        let text = request(&options, true).unwrap();
        let auth = format!("Authorization: Basic {}\r\n", BASE64.encode("jäger:a:b"));
        assert!(text.contains(&auth));
        assert!(text.contains("Cookie: x=1; SyncGatewaySession=abc\r\n"));
        assert!(text.contains("X-Extra: yes\r\n"));
        assert!(text.contains("User-Agent: mine\r\n"));
        assert!(!text.contains("Bearer"));
        let bare = request(&options, false).unwrap();
        assert!(!bare.contains("Authorization") && !bare.contains("Cookie"));
        assert!(!format!("{options:?}").contains("a:b"));
    }

    #[test]
    fn headers_that_would_break_the_handshake_are_refused() {
        for (name, value) in [
            ("Host", "evil"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("Connection", "close"),
            ("X", "a\r\nHost: evil"),
            ("X Y", "a"),
        ] {
            let mut options = options("ws://h/db");
            options.headers = vec![(name.into(), value.into())];
            assert!(request(&options, true).is_err(), "{name}");
        }
        let mut bad_user = options("ws://h/db");
        bad_user.basic = Some(("a:b".into(), "c".into()));
        assert!(request(&bad_user, true).is_err());
        let mut bad_cookie = options("ws://h/db");
        bad_cookie.session_cookie = Some(("s".into(), "a; b=c".into()));
        assert!(request(&bad_cookie, true).is_err());
    }

    #[test]
    fn only_websocket_urls_without_credentials_are_targets() {
        for url in ["ftp://h/db", "ws://u:p@h/db", "mailto:x"] {
            let target = Target::new(&Url::parse(url).unwrap());
            assert_eq!(target.unwrap_err().code(), 5004, "{url}");
        }
    }

    #[test]
    fn redirects_stay_on_tls_and_are_absolute_or_a_path() {
        let from = Target::new(&Url::parse("wss://h:1/db").unwrap()).unwrap();
        let to = from.redirect("https://other/x/_blipsync").unwrap();
        assert_eq!(to.authority(), "other:443");
        assert_eq!(to.request_target(), "/x/_blipsync");
        assert_eq!(from.redirect("/y").unwrap().authority(), "h:1");
        for location in ["http://h:1/db", "y", "ftp://h/", "//h:99999/"] {
            assert!(from.redirect(location).is_err(), "{location}");
        }
    }
}
