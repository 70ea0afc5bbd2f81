//! Says on the network that there is a listener.

use std::time::Duration;

use mdns_sd::{IfKind, IfPredicate, ServiceDaemon, ServiceInfo};

use super::{Advert, failed, service_of};
use crate::error::{Error, Result};

/// How long leaving may take: the goodbye is one packet.
const GOODBYE: Duration = Duration::from_millis(500);

/// An advertised listener. Dropping it says goodbye and withdraws it.
pub struct Advertisement {
    daemon: ServiceDaemon,
    full_name: String,
    name: String,
}

impl Advertisement {
    /// Starts to advertise, on a thread of its own.
    ///
    /// # Errors
    /// `InvalidParameter` for a bad group; `IoError` when the system gives no sockets or thread.
    pub fn start(advert: &Advert) -> Result<Self> {
        let service = service_of(advert.group.as_deref())?;
        let name = random_name()?;
        let host = format!("{}.local.", random_name()?);
        let properties = advert.properties();
        let mut info = ServiceInfo::new(
            &service,
            &name,
            &host,
            &advert.addresses[..],
            advert.port,
            &properties[..],
        )
        .map_err(|error| failed("describing the listener", &error))?;
        if advert.addresses.is_empty() {
            let only_loopback = if_addrs::get_if_addrs()?
                .iter()
                .all(|found| found.is_loopback());
            let wanted = move |found: &if_addrs::Interface| only_loopback || !found.is_loopback();
            info.set_interfaces(vec![IfKind::Predicate(IfPredicate::new(wanted))]);
            info = info.enable_addr_auto();
        }
        // The name is random: it is nobody else's.
        info.set_requires_probe(false);
        let full_name = info.get_fullname().to_owned();
        let daemon = ServiceDaemon::new().map_err(|error| failed("starting", &error))?;
        daemon
            .register(info)
            .map_err(|error| failed("advertising", &error))?;
        tracing::info!(target: "discovery", name, service, port = advert.port, "advertising");
        Ok(Self {
            daemon,
            full_name,
            name,
        })
    }

    /// Name of the instance.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Advertisement {
    fn drop(&mut self) {
        if let Ok(done) = self.daemon.unregister(&self.full_name) {
            // Peers forget it later by themselves.
            let _ = done.recv_timeout(GOODBYE);
        }
        if let Err(error) = self.daemon.shutdown() {
            tracing::debug!(target: "discovery", %error, "was over already");
        }
        tracing::info!(target: "discovery", name = self.name, "no longer advertising");
    }
}

impl std::fmt::Debug for Advertisement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Advertisement")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Tells nothing of the user or the machine, and is another with each start.
fn random_name() -> Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|error| Error::invalid(format!("no random bytes: {error}")))?;
    Ok(format!("{:016x}", u64::from_le_bytes(random)))
}
