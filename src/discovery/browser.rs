//! Listens for instances that come and go.

use std::collections::HashMap;
use std::sync::Arc;

use mdns_sd::{Receiver, ResolvedService, ServiceDaemon, ServiceEvent};

use super::advert::Heard;
use super::{FoundPeer, SERVICE, failed, service_of};
use crate::error::{Error, Result};

/// Most instances that are remembered at a time; more are not told of.
const MAX_PEERS: usize = 1_000;

/// What a browser hears.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryEvent {
    /// An instance came, or changed: the same name with other addresses, for example.
    Found(FoundPeer),
    /// An instance of this name went. That it does not answer any more may show much earlier.
    Lost(String),
}

/// Browses until it is dropped.
pub struct Browser {
    daemon: ServiceDaemon,
}

impl Browser {
    /// Starts to browse for all listeners, or for those of a group. `tell` is called on a thread
    /// of the browser's own.
    ///
    /// # Errors
    /// `InvalidParameter` for a bad group; `IoError` when the system gives no sockets or thread.
    pub fn start(
        group: Option<&str>,
        tell: Arc<dyn Fn(DiscoveryEvent) + Send + Sync>,
    ) -> Result<Self> {
        // The type, not the group's subtype: instances answer a question for the type with what a
        // browser needs at once, but one for a subtype only with the next announcement (seen with
        // mdns-sd 0.21). Whether one is of the group, its TXT record says.
        service_of(group)?;
        let daemon = ServiceDaemon::new().map_err(|error| failed("starting", &error))?;
        let events = daemon
            .browse(SERVICE)
            .map_err(|error| failed("browsing", &error))?;
        let own_group = group.map(str::to_owned);
        std::thread::Builder::new()
            .name("settee-dns-sd".into())
            .spawn(move || follow(&events, own_group.as_deref(), &*tell))
            .map_err(Error::from)?;
        tracing::info!(target: "discovery", group, "browsing");
        Ok(Self { daemon })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the channel, and with it the thread.
        if let Err(error) = self.daemon.stop_browse(SERVICE) {
            tracing::debug!(target: "discovery", %error, "was over already");
        }
        let _ = self.daemon.shutdown();
        tracing::info!(target: "discovery", "no longer browsing");
    }
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}

fn follow(
    events: &Receiver<ServiceEvent>,
    group: Option<&str>,
    tell: &(dyn Fn(DiscoveryEvent) + Send + Sync),
) {
    let mut known: HashMap<String, FoundPeer> = HashMap::new();
    while let Ok(event) = events.recv() {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                let Some(peer) = peer_of(&service, group) else {
                    continue;
                };
                let last = known.get(&peer.name);
                if last == Some(&peer) || (last.is_none() && known.len() >= MAX_PEERS) {
                    continue;
                }
                known.insert(peer.name.clone(), peer.clone());
                tell(DiscoveryEvent::Found(peer));
            }
            ServiceEvent::ServiceRemoved(_, full_name) => {
                if let Some((name, _)) = known.remove_entry(instance_of(&full_name)) {
                    tell(DiscoveryEvent::Lost(name));
                }
            }
            ServiceEvent::SearchStopped(_) => return,
            _ => {}
        }
    }
}

fn peer_of(service: &ResolvedService, group: Option<&str>) -> Option<FoundPeer> {
    let addresses = service.get_addresses().iter();
    FoundPeer::read(
        &Heard {
            name: instance_of(service.get_fullname()),
            port: service.get_port(),
            addresses: addresses.map(|address| address.to_ip_addr()).collect(),
            get: &|key| service.get_property_val_str(key).map(str::to_owned),
        },
        group,
    )
}

/// The instance's own label of its full name.
fn instance_of(full_name: &str) -> &str {
    full_name
        .strip_suffix(SERVICE)
        .map_or(full_name, |name| name.trim_end_matches('.'))
}
