//! What an instance says of its listener, and how it is read again, from whoever said it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sha2::{Digest, Sha256};
use url::Url;

/// Version of the TXT record.
const VERSION: &str = "1";
/// CBMobile versions that are spoken.
const PROTOCOLS: &str = "3";
/// Longest database name read, bytes.
const MAX_PATH: usize = 240;
/// Longest protocol list and flags read, bytes.
const MAX_SHORT: usize = 32;
/// Characters of a key's fingerprint.
const FINGERPRINT: usize = 43;
/// Most addresses of a peer that are looked at.
const MAX_ADDRESSES: usize = 16;

/// A listener to be advertised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advert {
    /// Its port.
    pub port: u16,
    /// Addresses at which it is reached. Empty: those of all interfaces but the loopback, also
    /// when they change; the loopback's if there are no others.
    pub addresses: Vec<IpAddr>,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Name of its database.
    pub database: String,
    /// Fingerprint of its key, by which peers know it again. `None` for one that is not to be
    /// recognised.
    pub id: Option<String>,
    /// Peers of a group find each other; the others do not look for them.
    pub group: Option<String>,
    /// Whether it sends and takes deltas.
    pub deltas: bool,
    /// Whether it refuses pushes.
    pub read_only: bool,
}

impl Advert {
    /// One that says as little as possible.
    pub fn new(port: u16, database: &str, tls: bool) -> Self {
        Self {
            port,
            addresses: Vec::new(),
            tls,
            database: database.to_owned(),
            id: None,
            group: None,
            deltas: false,
            read_only: false,
        }
    }

    /// The TXT record, in order.
    pub(super) fn properties(&self) -> Vec<(&'static str, String)> {
        let mut properties = vec![("txtvers", VERSION.to_owned())];
        if let Some(id) = &self.id {
            properties.push(("id", id.clone()));
        }
        properties.push(("p", PROTOCOLS.to_owned()));
        properties.push(("tls", u8::from(self.tls).to_string()));
        properties.push(("path", self.database.clone()));
        if let Some(group) = &self.group {
            properties.push(("grp", group_hash(group)));
        }
        let flags = [(self.deltas, 'd'), (self.read_only, 'r')];
        let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, c)| c).collect();
        if !flags.is_empty() {
            properties.push(("caps", flags));
        }
        properties
    }
}

/// A peer as its instance describes it: a hint, until a TLS handshake has proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundPeer {
    /// Name of the instance, random.
    pub name: String,
    /// Where it says that it is reached: `ws[s]://address:port/database`, IPv4 first.
    pub urls: Vec<String>,
    /// Fingerprint that it says its key has.
    pub id: Option<String>,
    /// CBMobile versions that it says it speaks.
    pub protocols: Vec<String>,
    /// Whether it says that it sends and takes deltas.
    pub deltas: bool,
    /// Whether it says that it refuses pushes.
    pub read_only: bool,
}

/// What was heard of an instance.
pub(super) struct Heard<'a> {
    pub(super) name: &'a str,
    pub(super) port: u16,
    pub(super) addresses: BTreeSet<IpAddr>,
    pub(super) get: &'a dyn Fn(&str) -> Option<String>,
}

impl FoundPeer {
    /// Reads an instance. `None` when it is of another version or group, or makes no sense.
    pub(super) fn read(heard: &Heard<'_>, group: Option<&str>) -> Option<Self> {
        let text = |key: &str, limit: usize| (heard.get)(key).filter(|value| value.len() <= limit);
        if text("txtvers", MAX_SHORT)? != VERSION || heard.port == 0 {
            return None;
        }
        if let Some(group) = group
            && text("grp", MAX_SHORT) != Some(group_hash(group))
        {
            return None;
        }
        let scheme = match text("tls", MAX_SHORT)?.as_str() {
            "1" => "wss",
            "0" => "ws",
            _ => return None,
        };
        let database = text("path", MAX_PATH).filter(|path| !path.is_empty())?;
        let url = |address: &IpAddr| {
            let host = match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            };
            let mut url = Url::parse(&format!("{scheme}://{host}:{}/", heard.port)).ok()?;
            url.path_segments_mut().ok()?.pop_if_empty().push(&database);
            Some(url.into())
        };
        let urls: Vec<String> = heard
            .addresses
            .iter()
            .filter(|address| is_dialable(**address))
            .take(MAX_ADDRESSES)
            .filter_map(url)
            .collect();
        let flags = text("caps", MAX_SHORT).unwrap_or_default();
        let protocols = text("p", MAX_SHORT).unwrap_or_default();
        let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
        (!urls.is_empty()).then(|| Self {
            name: heard.name.to_owned(),
            urls,
            id: text("id", FINGERPRINT).filter(|id| is_fingerprint(id)),
            protocols: protocols
                .split(',')
                .filter(is_word)
                .map(str::to_owned)
                .collect(),
            deltas: flags.contains('d'),
            read_only: flags.contains('r'),
        })
    }
}

/// A link-local IPv6 address needs a zone, which no URL can hold.
fn is_dialable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_unspecified() && !address.is_multicast(),
        IpAddr::V6(address) => {
            !address.is_unspecified() && !address.is_multicast() && !address.is_unicast_link_local()
        }
    }
}

fn is_fingerprint(id: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    id.len() == FINGERPRINT && id.bytes().all(legal)
}

/// First 8 bytes of the SHA-256 of a group's name, hexadecimal: labels may be cut or collide.
fn group_hash(group: &str) -> String {
    let digest = Sha256::digest(group);
    digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(
        properties: &[(&str, &str)],
        addresses: &[&str],
        group: Option<&str>,
    ) -> Option<FoundPeer> {
        let map: HashMap<String, String> = properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let heard = Heard {
            name: "x",
            port: 4984,
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            get: &|key| map.get(key).cloned(),
        };
        FoundPeer::read(&heard, group)
    }

    #[test]
    fn what_is_said_is_what_is_read() {
        let id = "a".repeat(43);
        let advert = Advert {
            id: Some(id.clone()),
            group: Some("orchard".into()),
            deltas: true,
            read_only: true,
            ..Advert::new(4984, "my db", true)
        };
        let properties = advert.properties();
        assert_eq!(properties[0].0, "txtvers");
        let length: usize = properties.iter().map(|(k, v)| k.len() + v.len() + 2).sum();
        assert!(length <= 400, "{length}");
        let texts: Vec<_> = properties.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let peer = read(&texts, &["2001:db8::1", "10.0.0.2"], Some("orchard")).unwrap();
        assert_eq!(
            peer,
            FoundPeer {
                name: "x".into(),
                urls: vec![
                    "wss://10.0.0.2:4984/my%20db".into(),
                    "wss://[2001:db8::1]:4984/my%20db".into()
                ],
                id: Some(id),
                protocols: vec!["3".into()],
                deltas: true,
                read_only: true,
            }
        );
        assert_eq!(read(&texts, &["10.0.0.2"], Some("meadow")), None);
        let quiet = Advert::new(1, "db", false).properties();
        assert!(
            !quiet
                .iter()
                .any(|(key, _)| matches!(*key, "id" | "grp" | "caps"))
        );
    }

    #[test]
    fn what_makes_no_sense_is_no_peer() {
        let good = [("txtvers", "1"), ("tls", "0"), ("path", "db")];
        let urls = read(
            &good,
            &["10.0.0.2", "fe80::1", "0.0.0.0", "224.0.0.1"],
            None,
        );
        assert_eq!(urls.unwrap().urls, ["ws://10.0.0.2:4984/db"]);
        let long = "x".repeat(241);
        for (key, value) in [
            ("txtvers", "2"),
            ("txtvers", ""),
            ("tls", "yes"),
            ("path", ""),
            ("path", &long),
        ] {
            let changed: Vec<_> = good
                .iter()
                .map(|(k, v)| (*k, if *k == key { value } else { v }))
                .collect();
            assert_eq!(read(&changed, &["10.0.0.2"], None), None, "{key}={value}");
        }
        assert_eq!(read(&good, &[], None), None);
        assert_eq!(read(&good[1..], &["10.0.0.2"], None), None);
        let tricky = [
            &good[..],
            &[("id", "../x"), ("p", "3,,x,4"), ("path", "../evil?#/")],
        ]
        .concat();
        let peer = read(&tricky, &["10.0.0.2"], None).unwrap();
        assert_eq!(peer.id, None);
        assert_eq!(peer.protocols, ["3", "4"]);
        assert_eq!(peer.urls, ["ws://10.0.0.2:4984/..%2Fevil%3F%23%2F"]);
    }

    #[test]
    fn only_so_many_addresses_are_looked_at() {
        let good = [("txtvers", "1"), ("tls", "0"), ("path", "db")];
        let many: Vec<String> = (1..100).map(|n| format!("10.0.0.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(read(&good, &many, None).unwrap().urls.len(), MAX_ADDRESSES);
    }
}
