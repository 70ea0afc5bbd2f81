//! Finds peers on the local network with DNS-SD over multicast DNS (RFC 6762, RFC 6763).
//!
//! A listener is advertised as an instance of `_cblpeer._tcp` with a random name, under a random
//! host name and with a TXT record of what peers need to know; a browser tells of the instances that
//! come and go. Everything heard is a hint: anybody on the network can say anything, and only the
//! TLS handshake tells who it is. Follows discovery spec §6.2 and §6.3. Knows no listener and no
//! replicator.

mod advert;
mod advertisement;
mod browser;

pub use advert::{Advert, FoundPeer};
pub use advertisement::Advertisement;
pub use browser::{Browser, DiscoveryEvent};

use crate::error::{Error, Result};

/// The service type, and the domain of multicast DNS.
const SERVICE: &str = "_cblpeer._tcp.local.";
/// Longest name of a group: one DNS label.
const MAX_GROUP: usize = 63;

/// What is browsed or registered: the type, or a subtype of it for a group.
///
/// # Errors
/// `InvalidParameter` for a group that cannot be one label.
fn service_of(group: Option<&str>) -> Result<String> {
    let Some(group) = group else {
        return Ok(SERVICE.to_owned());
    };
    let is_legal = |c: char| !c.is_control() && !matches!(c, '.' | ',' | '\\');
    if group.is_empty() || group.len() > MAX_GROUP || !group.chars().all(is_legal) {
        let shown: String = group.chars().take(MAX_GROUP).collect();
        return Err(Error::invalid(format!(
            "group {shown:?} must be 1 to {MAX_GROUP} bytes without . , and \\"
        )));
    }
    Ok(format!("{group}._sub.{SERVICE}"))
}

fn failed(what: &str, error: &mdns_sd::Error) -> Error {
    Error::lite(
        crate::error::Code::IoError,
        format!("multicast DNS, {what}: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_subtypes_of_one_label() {
        assert_eq!(service_of(None).unwrap(), "_cblpeer._tcp.local.");
        let service = service_of(Some("orchard")).unwrap();
        assert_eq!(service, "orchard._sub._cblpeer._tcp.local.");
        let long = "x".repeat(64);
        for group in ["", "a.b", "a,b", "a\\b", "a\nb", &long] {
            assert!(service_of(Some(group)).is_err(), "{group:?}");
        }
    }
}
