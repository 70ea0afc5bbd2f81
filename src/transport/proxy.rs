//! HTTP proxies: which one, and the tunnel through it (wire §1.7; RFC 9110 §9.3.6).

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use url::Url;

use super::upgrade::Target;
use super::upgrade_response;
use super::{NetStream, dial};
use crate::error::{Error, NetworkReason, Result};

/// Whether connections go through a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// What the environment variables `https_proxy` (for `wss:`), `http_proxy` (for `ws:`),
    /// `all_proxy` and `no_proxy` say, in lower or upper case. Never for this machine itself and for
    /// names and addresses that exist only on the local link.
    #[default]
    Environment,
    /// None.
    Direct,
    /// This one, for everything.
    Through(Proxy),
}

/// A proxy that understands CONNECT.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    url: Url,
}

impl fmt::Debug for Proxy {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.authority()).finish()
    }
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]` or the same with `https:`; the port is 80 or 443
    /// when there is none.
    ///
    /// # Errors
    /// `InvalidParameter` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let bad =
            |why: &str| Error::invalid(format!("proxy URL {why}; http://host:port is needed"));
        let url = Url::parse(text).map_err(|error| bad(&format!("cannot be read: {error}")))?;
        match url.scheme() {
            "http" | "https" => {}
            other => return Err(bad(&format!("has the scheme {other:?}"))),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(bad("has no host"));
        }
        Ok(Self { url })
    }

    fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or_default();
        format!("{host}:{port}")
    }

    /// The value of `Proxy-Authorization`, if the URL has a user.
    fn authorization(&self) -> Option<String> {
        if self.url.username().is_empty() {
            return None;
        }
        let decode = |text: &str| percent_decoded(text);
        let user = decode(self.url.username());
        let password = decode(self.url.password().unwrap_or_default());
        let both = [user.as_slice(), b":", password.as_slice()].concat();
        Some(format!("Basic {}", BASE64.encode(both)))
    }

    /// Opens a tunnel to `target`.
    ///
    /// # Errors
    /// `Http` with the proxy's status when it refuses (407: it wants other credentials); Network for
    /// what goes wrong on the way to it.
    pub(super) async fn tunnel(&self, target: &Target) -> Result<NetStream> {
        let hop = Target::of_proxy(&self.url)?;
        let mut stream = dial::open_proxy(&hop)
            .await
            .map_err(|error| blame(&hop, error))?;
        let to = target.authority();
        let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
        if let Some(authorization) = self.authorization() {
            request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
        }
        request.push_str("\r\n");
        let head = upgrade_response::exchange(&mut stream, request.as_bytes(), &hop).await?;
        match head.status() {
            200..300 if head.is_all() => Ok(stream),
            200..300 => Err(Error::network(
                NetworkReason::Unknown,
                format!("proxy {} sends more than its answer", hop.authority()),
            )),
            status @ 300.. => {
                let text = head.refusal_text(&mut stream).await;
                Err(blame(&hop, Error::http(status, text)))
            }
            status => Err(Error::network(
                NetworkReason::Unknown,
                format!("proxy {} answered CONNECT with {status}", hop.authority()),
            )),
        }
    }
}

impl ProxyChoice {
    /// The proxy on the way to `target`.
    ///
    /// # Errors
    /// `InvalidParameter` when the environment names one that cannot be used.
    pub(super) fn on_the_way_to(&self, target: &Target) -> Result<Option<Proxy>> {
        match self {
            Self::Direct => Ok(None),
            Self::Through(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => {
                let variable = |name: &str| std::env::var(name).ok();
                from_environment(&variable, target)
            }
        }
    }
}

fn from_environment(
    variable: &dyn Fn(&str) -> Option<String>,
    target: &Target,
) -> Result<Option<Proxy>> {
    let either = |name: &str| {
        [name.to_owned(), name.to_ascii_uppercase()]
            .iter()
            .find_map(|name| variable(name).filter(|value| !value.trim().is_empty()))
    };
    let host = target.bare_host();
    if is_near(host) {
        return Ok(None);
    }
    let scheme = if target.is_tls {
        "https_proxy"
    } else {
        "http_proxy"
    };
    let Some(found) = either(scheme).or_else(|| either("all_proxy")) else {
        return Ok(None);
    };
    if either("no_proxy").is_some_and(|list| is_excepted(host, target.port, &list)) {
        return Ok(None);
    }
    let found = found.trim();
    let text = if found.contains("://") {
        found.to_owned()
    } else {
        format!("http://{found}")
    };
    Proxy::parse(&text).map(Some).map_err(|error| {
        Error::invalid(format!(
            "environment variable {scheme}: {}",
            error.message()
        ))
    })
}

/// This machine, and what a proxy elsewhere cannot reach.
fn is_near(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Err(_) => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost") || host.ends_with(".local")
        }
    }
}

/// Whether `no_proxy` names the host: `*`, a name with all below it, an address, a network
/// (`10.0.0.0/8`), each perhaps with a port.
fn is_excepted(host: &str, port: u16, list: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    list.split(',').map(str::trim).any(|entry| {
        if entry == "*" {
            return true;
        }
        let entry = entry.to_ascii_lowercase();
        let (name, only_port) = match entry.rsplit_once(':') {
            Some((name, digits)) if !name.contains(':') || name.ends_with(']') => {
                (name, digits.parse::<u16>().ok())
            }
            _ => (entry.as_str(), None),
        };
        if only_port.is_some_and(|only| only != port) {
            return false;
        }
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if let (Ok(address), Some((network, bits))) = (host.parse::<IpAddr>(), name.split_once('/'))
        {
            return is_within(address, network, bits);
        }
        let name = name.trim_start_matches("*.").trim_start_matches('.');
        !name.is_empty()
            && (host == name
                || host
                    .strip_suffix(name)
                    .is_some_and(|front| front.ends_with('.')))
    })
}

fn is_within(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            bits <= 32 && (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            bits <= 128 && (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        _ => false,
    }
}

/// Says that the proxy is at fault, not the server behind it.
fn blame(proxy: &Target, error: Error) -> Error {
    let message = format!("proxy {}: {}", proxy.authority(), error.message());
    match error {
        Error::Network { reason, .. } => Error::network(reason, message),
        Error::Http { status, .. } => Error::http(status, message),
        other => other,
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match hex {
            Some(value) if byte == b'%' => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

impl Target {
    fn of_proxy(url: &Url) -> Result<Self> {
        let mut bare = url.clone();
        // Both succeed on a URL that has a host, as this one has.
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
        Self::of(bare, NetworkReason::InvalidUrl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::new(&Url::parse(url).unwrap()).unwrap()
    }

    fn chosen(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        from_environment(&variable, &target(url))
            .unwrap()
            .map(|proxy| proxy.authority())
    }

    #[test]
    fn the_environment_names_a_proxy_for_each_scheme() {
        let variables = [("https_proxy", "http://a:1"), ("HTTP_PROXY", "b:2")];
        assert_eq!(
            chosen("wss://far.example/db", &variables),
            Some("a:1".into())
        );
        assert_eq!(
            chosen("ws://far.example/db", &variables),
            Some("b:2".into())
        );
        let all = [("ALL_PROXY", "http://c"), ("https_proxy", " ")];
        assert_eq!(chosen("wss://far.example/db", &all), Some("c:80".into()));
        assert_eq!(chosen("wss://far.example/db", &[]), None);
    }

    #[test]
    fn what_is_near_is_reached_directly() {
        let variables = [("http_proxy", "http://a:1")];
        for near in [
            "127.0.0.1",
            "[::1]",
            "localhost",
            "printer.local",
            "169.254.1.2",
            "[fe80::1]",
        ] {
            assert_eq!(
                chosen(&format!("ws://{near}:5000/db"), &variables),
                None,
                "{near}"
            );
        }
    }

    #[test]
    fn exceptions_are_names_addresses_networks_and_ports() {
        for (list, host, excepted) in [
            ("*", "a.example", true),
            ("example", "a.example", true),
            (".example", "a.example", true),
            ("*.example", "a.example", true),
            ("ample", "a.example", false),
            ("x, a.example ,y", "A.Example", true),
            ("a.example:4984", "a.example", true),
            ("a.example:80", "a.example", false),
            ("10.0.0.0/8", "10.2.3.4", true),
            ("10.0.0.0/8", "11.2.3.4", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("fd00::/8", "fd12::1", true),
            ("[fd12::1]:4984", "fd12::1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("nonsense/99, 10.0.0.0/99", "10.0.0.0", false),
            ("", "a.example", false),
        ] {
            assert_eq!(is_excepted(host, 4_984, list), excepted, "{list:?} {host}");
        }
    }

    #[test]
    fn a_proxy_url_is_checked_and_its_password_is_hidden() {
        let proxy = Proxy::parse("http://anna:ge%3Aheim@proxy.example:3128").unwrap();
        assert_eq!(
            proxy.authorization().unwrap(),
            format!("Basic {}", BASE64.encode("anna:ge:heim"))
        );
        assert!(!format!("{proxy:?}").contains("heim"));
        assert_eq!(Proxy::parse("https://p").unwrap().authority(), "p:443");
        for bad in ["socks5://h:1", "nonsense", "http://"] {
            assert!(Proxy::parse(bad).is_err(), "{bad}");
        }
        let variable = |name: &str| (name == "http_proxy").then(|| "socks5://h:1".to_owned());
        assert!(from_environment(&variable, &target("ws://far.example/db")).is_err());
    }

    #[test]
    fn percent_signs_that_mean_nothing_stay() {
        assert_eq!(percent_decoded("a%20b%zz%"), b"a b%zz%");
    }
}
