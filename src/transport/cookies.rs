//! Cookies that servers set, kept and sent again (wire §1.6; RFC 6265 §5). No clock, no storage:
//! time is an argument, and what should outlive the process is given out as JSON text.

use std::net::IpAddr;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Most cookies kept; the oldest goes first.
const MAX_COOKIES: usize = 100;
/// Longest `Set-Cookie` that is looked at, in bytes.
const MAX_LENGTH: usize = 4_096;

/// A request, as cookies see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    /// Host without port; IPv6 without brackets.
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) is_tls: bool,
}

/// One cookie.
#[derive(Clone, Deserialize, Serialize)]
struct Cookie {
    name: String,
    value: String,
    /// Lower case, without a leading dot.
    domain: String,
    /// Whether only that very host gets it.
    host_only: bool,
    path: String,
    /// Seconds since 1970.
    created: i64,
    /// Seconds since 1970; without it the cookie ends with the jar.
    expires: Option<i64>,
    secure: bool,
}

/// The cookies of one client. Its `Debug` shows no values.
#[derive(Default)]
pub struct CookieJar {
    cookies: Vec<Cookie>,
    changed: bool,
}

impl std::fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.cookies.iter().map(|cookie| &cookie.name))
            .finish()
    }
}

impl CookieJar {
    /// Takes in what [`CookieJar::take_persistent`] gave; cookies that are here already stay.
    /// Unreadable text is passed over.
    pub fn load(&mut self, json: &[u8]) {
        let stored: Vec<Cookie> = serde_json::from_slice(json).unwrap_or_default();
        for cookie in stored {
            if !self.cookies.iter().any(|known| known.is_same(&cookie)) {
                self.cookies.push(cookie);
            }
        }
        self.keep_bound();
    }

    /// The cookies that have an expiry date, as JSON text, if anything has changed since the last
    /// call.
    pub fn take_persistent(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let persistent: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.expires.is_some())
            .collect();
        serde_json::to_vec(&persistent).ok()
    }

    /// Takes in a `Set-Cookie` header of an answer from `site` at `now`, seconds since 1970. One that
    /// breaks the rules is ignored.
    pub(super) fn store(
        &mut self,
        header: &str,
        site: Site<'_>,
        accept_parent_domain: bool,
        now: i64,
    ) {
        let Some(cookie) = Cookie::parse(header, site, accept_parent_domain, now) else {
            tracing::debug!(target: "network", host = site.host, "a cookie was refused");
            return;
        };
        self.cookies.retain(|known| !known.is_same(&cookie));
        if !cookie.is_expired(now) {
            self.cookies.push(cookie);
        }
        self.cookies.retain(|cookie| !cookie.is_expired(now));
        self.keep_bound();
        self.changed = true;
    }

    /// Names and values to send to `site`: longer paths first, older ones first.
    pub(super) fn matching(&self, site: Site<'_>, now: i64) -> Vec<(&str, &str)> {
        let mut found: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| !cookie.is_expired(now) && cookie.belongs_to(site))
            .collect();
        found.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.created));
        found
            .into_iter()
            .map(|cookie| (cookie.name.as_str(), cookie.value.as_str()))
            .collect()
    }

    fn keep_bound(&mut self) {
        while self.cookies.len() > MAX_COOKIES {
            self.cookies.remove(0);
        }
    }
}

impl Cookie {
    fn parse(header: &str, site: Site<'_>, accept_parent: bool, now: i64) -> Option<Self> {
        if header.len() > MAX_LENGTH || header.chars().any(char::is_control) {
            return None;
        }
        let mut parts = header.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() {
            return None;
        }
        let host = site.host.to_ascii_lowercase();
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: host.clone(),
            host_only: true,
            path: default_path(site.path).to_owned(),
            created: now,
            expires: None,
            secure: false,
        };
        let mut max_age = None;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" if !value.is_empty() => {
                    cookie.domain = allowed_domain(value, &host, accept_parent)?;
                    cookie.host_only = false;
                }
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "expires" => cookie.expires = parse_date(value).or(cookie.expires),
                "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
                "secure" => cookie.secure = true,
                _ => {}
            }
        }
        if let Some(seconds) = max_age {
            cookie.expires = Some(now.saturating_add(seconds.max(0)));
        }
        if cookie.secure && !site.is_tls {
            return None;
        }
        Some(cookie)
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.domain, &self.path) == (&other.name, &other.domain, &other.path)
    }

    fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    fn belongs_to(&self, site: Site<'_>) -> bool {
        let host = site.host.to_ascii_lowercase();
        let host_fits = host == self.domain || (!self.host_only && is_below(&host, &self.domain));
        host_fits && path_fits(site.path, &self.path) && (site.is_tls || !self.secure)
    }
}

/// Whether `host` is a subdomain of `domain`; addresses have none.
fn is_below(host: &str, domain: &str) -> bool {
    host.parse::<IpAddr>().is_err()
        && host
            .strip_suffix(domain)
            .is_some_and(|front| front.ends_with('.'))
}

/// What a `Domain` attribute may say: the host itself, or, if allowed, a domain above it that is not
/// a top-level one.
fn allowed_domain(value: &str, host: &str, accept_parent: bool) -> Option<String> {
    let domain = value.trim_start_matches('.').to_ascii_lowercase();
    let is_parent = is_below(host, &domain) && domain.contains('.');
    (domain == host || (is_parent && accept_parent)).then_some(domain)
}

/// RFC 6265 §5.1.4.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

fn path_fits(path: &str, allowed: &str) -> bool {
    path.strip_prefix(allowed)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || allowed.ends_with('/'))
}

/// The three date forms of HTTP, and the one with dashes that old servers write.
fn parse_date(text: &str) -> Option<i64> {
    [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%a, %d-%b-%Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a, %d-%b-%y %H:%M:%S GMT",
        "%a %b %d %H:%M:%S %Y",
    ]
    .iter()
    .find_map(|format| {
        let date = strtime::parse(format, text).ok()?.to_datetime().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_323_119;

    fn site(host: &str) -> Site<'_> {
        Site {
            host,
            path: "/db/_blipsync",
            is_tls: true,
        }
    }

    fn jar(header: &str, accept_parent: bool) -> CookieJar {
        let mut jar = CookieJar::default();
        jar.store(header, site("sync.example.com"), accept_parent, NOW);
        jar
    }

    fn sent(jar: &CookieJar, host: &str) -> String {
        let found = jar.matching(site(host), NOW);
        let texts: Vec<_> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
        texts.join("; ")
    }

    #[test]
    fn a_cookie_goes_back_to_its_host_only() {
        let jar = jar("SyncGatewaySession=abc; Path=/db; HttpOnly", false);
        assert_eq!(sent(&jar, "sync.example.com"), "SyncGatewaySession=abc");
        assert_eq!(sent(&jar, "SYNC.example.com"), "SyncGatewaySession=abc");
        for other in ["example.com", "a.sync.example.com", "notsync.example.com"] {
            assert_eq!(sent(&jar, other), "", "{other}");
        }
    }

    #[test]
    fn a_parent_domain_counts_only_when_it_is_accepted() {
        for domain in ["example.com", ".Example.com"] {
            let header = format!("a=b; Domain={domain}; Path=/");
            assert_eq!(sent(&jar(&header, false), "sync.example.com"), "");
            let jar = jar(&header, true);
            for host in ["sync.example.com", "example.com", "other.example.com"] {
                assert_eq!(sent(&jar, host), "a=b", "{host}");
            }
            assert_eq!(sent(&jar, "evilexample.com"), "");
        }
        assert_eq!(
            sent(
                &jar("a=b; Domain=sync.example.com", false),
                "x.sync.example.com"
            ),
            "a=b"
        );
        for strange in ["com", "other.com", "x.sync.example.com", "."] {
            let header = format!("a=b; Domain={strange}");
            assert_eq!(
                sent(&jar(&header, true), "sync.example.com"),
                "",
                "{strange}"
            );
        }
    }

    #[test]
    fn an_address_has_no_parent_domain() {
        let mut jar = CookieJar::default();
        jar.store("a=b; Domain=0.0.1", site("10.0.0.1"), true, NOW);
        assert_eq!(sent(&jar, "10.0.0.1"), "");
        jar.store("a=b; Domain=10.0.0.1", site("10.0.0.1"), true, NOW);
        assert_eq!(sent(&jar, "10.0.0.1"), "a=b");
    }

    #[test]
    fn paths_are_cut_at_slashes_and_the_default_is_that_of_the_request() {
        let paths = |allowed: &str, path: &str| path_fits(path, allowed);
        assert!(paths("/", "/db/_blipsync") && paths("/db", "/db/_blipsync"));
        assert!(paths("/db/", "/db/x") && paths("/db", "/db"));
        assert!(!paths("/db", "/dbx") && !paths("/other", "/db"));
        assert_eq!(default_path("/db/_blipsync"), "/db");
        assert_eq!(default_path("/db"), "/");
        assert_eq!(default_path(""), "/");
        assert_eq!(
            sent(&jar("a=b; Path=/other", false), "sync.example.com"),
            ""
        );
    }

    #[test]
    fn what_has_expired_is_forgotten_and_what_comes_again_is_replaced() {
        let mut jar = jar("a=1; Max-Age=60", false);
        jar.store(
            "b=2; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
            site("sync.example.com"),
            false,
            NOW,
        );
        assert_eq!(sent(&jar, "sync.example.com"), "a=1");
        assert!(jar.matching(site("sync.example.com"), NOW + 61).is_empty());
        jar.store("a=3; Max-Age=60", site("sync.example.com"), false, NOW);
        assert_eq!(sent(&jar, "sync.example.com"), "a=3");
        jar.store("a=; Max-Age=0", site("sync.example.com"), false, NOW);
        assert_eq!(sent(&jar, "sync.example.com"), "");
    }

    #[test]
    fn dates_are_read_in_every_form() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse_date(text), Some(784_111_777), "{text}");
        }
        assert_eq!(parse_date("tomorrow"), None);
    }

    #[test]
    fn a_secure_cookie_needs_tls_both_ways() {
        let plain = Site {
            is_tls: false,
            ..site("sync.example.com")
        };
        let mut jar = jar("a=b; Secure", false);
        assert!(jar.matching(plain, NOW).is_empty());
        jar.store("c=d; Secure", plain, false, NOW);
        assert_eq!(sent(&jar, "sync.example.com"), "a=b");
    }

    #[test]
    fn only_cookies_with_an_expiry_are_persistent_and_only_after_a_change() {
        let mut jar = jar("keep=1; Max-Age=60", false);
        jar.store("session=2", site("sync.example.com"), false, NOW);
        let json = jar.take_persistent().unwrap();
        assert_eq!(jar.take_persistent(), None);
        let mut next = CookieJar::default();
        next.load(&json);
        assert_eq!(sent(&next, "sync.example.com"), "keep=1");
        assert_eq!(next.take_persistent(), None);
        next.load(b"nonsense");
        assert!(!format!("{jar:?}").contains('1'));
    }

    #[test]
    fn garbage_and_too_much_are_refused() {
        let long = format!("a={}", "x".repeat(5_000));
        for header in ["", "a", "=b", "a=b\r\nX: y", long.as_str()] {
            assert_eq!(sent(&jar(header, true), "sync.example.com"), "");
        }
        let mut many = CookieJar::default();
        for n in 0..1_000 {
            many.store(&format!("c{n}=1"), site("sync.example.com"), true, NOW);
        }
        assert_eq!(many.cookies.len(), MAX_COOKIES);
        assert_eq!(many.cookies[0].name, "c900");
    }
}
