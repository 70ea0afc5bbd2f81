//! How many connections a listener holds, in all and for one address (design D9).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The numbers; tests shrink them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// Connections in all, handshakes included.
    pub(super) total: usize,
    /// Connections from one address.
    pub(super) per_address: usize,
    /// Connections above these that are still let in to be told 503, which clients retry. Beyond
    /// them connections are closed without a word.
    pub(super) overflow: usize,
}

/// Counts connections.
#[derive(Debug)]
pub(super) struct Limits {
    caps: Caps,
    total: Arc<Semaphore>,
    overflow: Arc<Semaphore>,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place; free again when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    limits: Arc<Limits>,
    address: IpAddr,
    /// The connection is one too many: it may only be told so.
    pub(super) is_over: bool,
    _permit: OwnedSemaphorePermit,
}

impl Limits {
    pub(super) fn new(caps: Caps) -> Arc<Self> {
        Arc::new(Self {
            caps,
            total: Arc::new(Semaphore::new(caps.total)),
            overflow: Arc::new(Semaphore::new(caps.overflow)),
            addresses: Mutex::default(),
        })
    }

    /// A place for a connection from `address`, if there is one.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let address = address.to_canonical();
        // The lock is never held across a panic that matters: the map stays a map.
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = addresses.get(&address).copied().unwrap_or_default();
        let regular = if count < self.caps.per_address {
            Arc::clone(&self.total).try_acquire_owned().ok()
        } else {
            None
        };
        let (permit, is_over) = match regular {
            Some(permit) => (permit, false),
            None => (Arc::clone(&self.overflow).try_acquire_owned().ok()?, true),
        };
        addresses.insert(address, count + 1);
        Some(Slot {
            limits: Arc::clone(self),
            address,
            is_over,
            _permit: permit,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let addresses = &self.limits.addresses;
        let mut addresses = addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn one_address_cannot_take_all_places_and_places_come_back() {
        let limits = Limits::new(Caps {
            total: 3,
            per_address: 2,
            overflow: 1,
        });
        let held = [limits.admit(A).unwrap(), limits.admit(A).unwrap()];
        let over = limits.admit(A).unwrap();
        assert!(over.is_over && held.iter().all(|slot| !slot.is_over));
        assert!(limits.admit(A).is_none(), "overflow is bounded too");
        let other = limits.admit(B).unwrap();
        assert!(!other.is_over);
        assert!(
            limits.admit(B).is_none(),
            "total is full and so is the overflow"
        );
        drop((held, over, other));
        assert!(!limits.admit(A).unwrap().is_over);
        assert!(limits.addresses.lock().unwrap().is_empty());
    }

    #[test]
    fn an_ipv4_address_is_the_same_through_a_dual_stack_socket() {
        let limits = Limits::new(Caps {
            total: 9,
            per_address: 1,
            overflow: 9,
        });
        let _held = limits.admit(A).unwrap();
        let mapped = IpAddr::V6(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped());
        assert!(limits.admit(mapped).unwrap().is_over);
    }
}
