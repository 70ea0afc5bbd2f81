//! The client half: from a URL to a [`BoxTransport`].

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use url::Url;

use super::cookies::Site;
use super::upgrade::Target;
use super::upgrade_response::{Head, Outcome};
use super::{
    BoxTransport, CookieJar, ProxyChoice, dial, tuning, upgrade, upgrade_response, websocket,
};
use crate::error::{Error, NetworkReason, Result};
use crate::tls::{self, ClientTls, ServerTrust};

/// Where and how to connect.
#[derive(Clone)]
pub struct ConnectOptions {
    /// `ws:` or `wss:`, with the database name as last path component and *without* `/_blipsync`,
    /// which is appended.
    pub url: Url,
    /// Subprotocols offered, most preferred first, e.g. `BLIP_3+CBMobile_3`.
    pub protocols: Vec<String>,
    /// Extra HTTP headers. Those of the handshake itself are refused; `Cookie` is joined with
    /// the session's; `Authorization` counts only without `basic`; `User-Agent` replaces ours.
    pub headers: Vec<(String, String)>,
    /// User name and password, sent with the first request (HTTP Basic).
    pub basic: Option<(String, String)>,
    /// Name and value of the session cookie.
    pub session_cookie: Option<(String, String)>,
    /// What servers set, and what is sent to them again (wire §1.6). Answers are taken in, also
    /// those of redirects and refusals.
    pub cookies: Arc<Mutex<CookieJar>>,
    /// Whether a cookie may be for a domain above the host's.
    pub accept_parent_domain_cookies: bool,
    /// Whether a proxy is on the way.
    pub proxy: ProxyChoice,
    /// Which server certificates are accepted; unused with `ws:`.
    pub trust: ServerTrust,
    /// Our own certificate, and where the server's are noted; unused with `ws:`.
    pub client_tls: ClientTls,
    /// Time for everything up to the upgraded connection, redirects included. Couchbase Lite's: 15 s.
    pub handshake_timeout: Duration,
}

impl ConnectOptions {
    /// Time that Couchbase Lite clients give the handshake (wire §1.9).
    pub const DEFAULT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
}

impl ConnectOptions {
    /// Names and values of the cookies that belong to a request.
    fn cookies_for(&self, target: &Target) -> Vec<(String, String)> {
        let jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let found = jar.matching(site(target), unix_time());
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        found.into_iter().map(owned).collect()
    }

    fn take_cookies(&self, head: &Head, target: &Target) {
        let mut jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for header in head.all("set-cookie") {
            let accept_parent = self.accept_parent_domain_cookies;
            jar.store(header, site(target), accept_parent, unix_time());
        }
    }
}

fn site(target: &Target) -> Site<'_> {
    Site {
        host: target.bare_host(),
        path: target.path(),
        is_tls: target.is_tls,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "cookies end at a time of day, and this is a driver"
)]
fn unix_time() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}

impl fmt::Debug for ConnectOptions {
    /// Leaves out everything that may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("url", &self.url.as_str())
            .field("protocols", &self.protocols)
            .field(
                "headers",
                &self.headers.iter().map(|(n, _)| n).collect::<Vec<_>>(),
            )
            .field("basic", &self.basic.as_ref().map(|_| "…"))
            .field("session_cookie", &self.session_cookie.as_ref().map(|_| "…"))
            .field("proxy", &self.proxy)
            .field("handshake_timeout", &self.handshake_timeout)
            .finish_non_exhaustive()
    }
}

/// An upgraded connection.
pub struct Connected {
    /// The pipe.
    pub transport: BoxTransport,
    /// The subprotocol that the server chose, one of those offered.
    pub protocol: String,
    /// The server's certificate; none with `ws:`.
    pub peer_certificate_der: Option<Vec<u8>>,
    /// Names (lower case) and values of the upgrade response.
    pub response_headers: Vec<(String, String)>,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected")
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// Opens a connection: name look-up, TCP over whichever of IPv6 and IPv4 answers first, TLS, HTTP
/// upgrade. Follows redirects. Dropping the future abandons the connection.
///
/// # Errors
/// `InvalidParameter` for options that cannot be sent; Network for anything below HTTP, among them
/// all TLS failures and the time-out; `Http` with the response's status when the server refuses;
/// `WebSocketClosed` 1002 for a 101 that breaks RFC 6455 or names no subprotocol (wire §1.3, §1.11).
pub async fn connect(options: &ConnectOptions) -> Result<Connected> {
    match tokio::time::timeout(options.handshake_timeout, follow(options)).await {
        Ok(result) => result,
        Err(_) => Err(Error::network(
            NetworkReason::Timeout,
            format!(
                "connection timed out ({}, after {:?})",
                options.url.authority(),
                options.handshake_timeout
            ),
        )),
    }
}

async fn follow(options: &ConnectOptions) -> Result<Connected> {
    let mut target = Target::new(&options.url)?;
    let mut credentials = true;
    for _ in 0..=tuning::MAX_REDIRECTS {
        let cookies = options.cookies_for(&target);
        let request = upgrade::Request::new(&target, options, credentials, &cookies)?;
        let tls = if target.is_tls {
            Some(tls::client_config(&options.trust, &options.client_tls)?)
        } else {
            None
        };
        let proxy = options.proxy.on_the_way_to(&target)?;
        let mut stream = dial::open(&target, tls, proxy.as_ref()).await?;
        let head = upgrade_response::exchange(&mut stream, &request.text, &target).await?;
        options.take_cookies(&head, &target);
        match upgrade_response::judge(&mut stream, head, &request, options).await? {
            Outcome::Redirect(location) => {
                let next = target.redirect(&location)?;
                credentials &= next.authority() == target.authority();
                tracing::debug!(target: "network", to = %next.authority(), "following a redirect");
                target = next;
            }
            Outcome::Upgraded(accepted) => {
                let (to, protocol) = (target.authority(), &accepted.protocol);
                tracing::info!(target: "network", %to, protocol, "connected");
                return Ok(Connected {
                    protocol: accepted.protocol,
                    peer_certificate_der: stream.peer_certificate(),
                    response_headers: accepted.headers,
                    transport: websocket::client(stream, accepted.leftover).await,
                });
            }
        }
    }
    Err(Error::network(
        NetworkReason::TooManyRedirects,
        format!(
            "{} redirected more than {} times",
            options.url.authority(),
            tuning::MAX_REDIRECTS
        ),
    ))
}
