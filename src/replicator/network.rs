//! Tells when this machine's network has become another one, or the machine has slept: a moment to
//! look whether the peer is still there, and to try again at once.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

/// How often the machine's addresses are looked at.
const INTERVAL: Duration = Duration::from_secs(5);
/// A clock on the wall that has gone on so much longer than time was counted tells of a sleep.
const SLEEP: Duration = Duration::from_secs(30);

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Snapshot {
    addresses: BTreeSet<IpAddr>,
    counted: Instant,
    wall: SystemTime,
}

/// Watches the network of one replicator.
#[derive(Debug)]
pub(super) struct NetworkWatch {
    last: Snapshot,
}

impl NetworkWatch {
    pub(super) fn new() -> Self {
        Self {
            last: Snapshot::take(),
        }
    }

    /// Resolves when something has changed. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = Snapshot::take();
            let changed = now.differs_from(&self.last);
            self.last = now;
            if changed {
                tracing::info!(target: "network", "the network has changed, or the machine has slept");
                return;
            }
        }
    }
}

impl Snapshot {
    #[expect(
        clippy::disallowed_methods,
        reason = "the two clocks are what this is about"
    )]
    fn take() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let addresses = interfaces
            .into_iter()
            .filter(|interface| !interface.is_loopback())
            .map(|interface| interface.ip());
        Self {
            addresses: addresses.collect(),
            counted: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    fn differs_from(&self, earlier: &Self) -> bool {
        let counted = self.counted.saturating_duration_since(earlier.counted);
        // A wall clock that was set back tells nothing.
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.addresses != earlier.addresses || wall > counted + SLEEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_addresses_and_a_sleep_are_changes_and_a_set_clock_is_not() {
        let start = Snapshot::take();
        let later = |counted: u64, wall: u64| Snapshot {
            counted: start.counted + Duration::from_secs(counted),
            wall: start.wall + Duration::from_secs(wall),
            ..start.clone()
        };
        assert!(!later(5, 5).differs_from(&start));
        assert!(!later(5, 30).differs_from(&start));
        assert!(later(5, 3_600).differs_from(&start));
        let mut back = later(5, 0);
        back.wall -= Duration::from_secs(3_600);
        assert!(!back.differs_from(&start));
        let mut moved = later(5, 5);
        moved.addresses.insert("192.0.2.7".parse().unwrap());
        assert!(moved.differs_from(&start));
    }
}
