//! DNS-SD: advertising listeners and browsing for them (discovery §6.2).

use super::args::Args;
use super::message::Outcome;
use super::port::Completer;
use crate::error::Result;

#[cfg(feature = "dns-sd")]
mod on {
    use std::net::IpAddr;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::discovery::{Advert, Advertisement, Browser, DiscoveryEvent, FoundPeer};
    use crate::error::Error;
    use crate::listener::UrlEndpointListener;
    use crate::node::tokens::Source;
    use crate::tls::key_fingerprint;

    pub(in super::super) type Advertised = Advertisement;
    pub(in super::super) type Browsing = Browser;

    /// Starts to advertise a listener.
    ///
    /// # Errors
    /// `InvalidParameter` when it does not run, and those of [`Advertisement::start`].
    pub(in super::super) fn advertise(
        listener: &UrlEndpointListener,
        args: &Args<'_>,
    ) -> Result<Advertisement> {
        let urls = listener.urls();
        if urls.is_empty() {
            return Err(Error::invalid(
                "a listener is advertised only while it runs; start it first",
            ));
        }
        let is_tls = urls.iter().any(|url| url.starts_with("wss:"));
        let mut advert = Advert::new(listener.port(), listener.database().name(), is_tls);
        if !listener.is_on_all_interfaces() {
            advert.addresses = urls.iter().filter_map(|url| address_of(url)).collect();
        }
        advert.group = args.optional_text("group")?.map(str::to_owned);
        let is_private = matches!(args.field("privacy"), Value::Bool(true));
        if let Some(identity) = listener.identity().filter(|_| !is_private) {
            advert.id = Some(key_fingerprint(identity.certificate_der())?);
        }
        advert.deltas = listener.takes_deltas();
        advert.read_only = listener.is_read_only();
        Advertisement::start(&advert)
    }

    /// `dnssd_Browse {group?, changeListenerToken}`: events `{found: peer}` and `{lost: name}`.
    pub(in super::super) fn browse(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
        let group = args.optional_text("group")?;
        let tokens = &args.runtime.tokens;
        let token = tokens.reserve(args.text("changeListenerToken")?, completer.port())?;
        let told = Arc::clone(&token);
        let tell = move |event: DiscoveryEvent| {
            let payload = match event {
                DiscoveryEvent::Found(peer) => json!({"found": described(&peer)}),
                DiscoveryEvent::Lost(name) => json!({"lost": name}),
            };
            told.send(&payload.to_string());
        };
        match Browser::start(group, Arc::new(tell)) {
            Ok(browser) => tokens.bind(&token, Source::Browser(Box::new(browser))),
            Err(error) => {
                let _ = tokens.remove(token.name());
                return Err(error);
            }
        }
        Ok(Outcome::Nothing)
    }

    fn described(peer: &FoundPeer) -> Value {
        json!({
            "name": peer.name,
            "urls": peer.urls,
            "id": peer.id,
            "protocols": peer.protocols,
            "deltas": peer.deltas,
            "readOnly": peer.read_only,
        })
    }

    fn address_of(url: &str) -> Option<IpAddr> {
        match url::Url::parse(url).ok()?.host()? {
            // `ws:` hosts are parsed as domains or addresses alike.
            url::Host::Domain(name) => name.parse().ok(),
            url::Host::Ipv4(address) => Some(address.into()),
            url::Host::Ipv6(address) => Some(address.into()),
        }
    }
}

#[cfg(not(feature = "dns-sd"))]
mod off {
    use super::*;
    use crate::error::{Code, Error};
    use crate::listener::UrlEndpointListener;

    pub(in super::super) type Advertised = std::convert::Infallible;
    pub(in super::super) type Browsing = std::convert::Infallible;

    pub(in super::super) fn advertise(_: &UrlEndpointListener, _: &Args<'_>) -> Result<Advertised> {
        Err(absent())
    }

    pub(in super::super) fn browse(_: &Args<'_>, _: &Completer) -> Result<Outcome> {
        Err(absent())
    }

    fn absent() -> Error {
        Error::lite(Code::Unsupported, "settee was built without DNS-SD")
    }
}

#[cfg(not(feature = "dns-sd"))]
pub(super) use off::{Advertised, Browsing, advertise, browse};
#[cfg(feature = "dns-sd")]
pub(super) use on::{Advertised, Browsing, advertise, browse};
