//! Slows down whoever guesses passwords (trust §10): each address may fail only so often.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The numbers; tests shrink them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Failed logins that an address has at first.
    pub(super) burst: u32,
    /// Time after which it has one more.
    pub(super) refill: Duration,
    /// Addresses remembered; the one that failed least is forgotten first.
    pub(super) addresses: usize,
}

/// Counts failed logins by address.
#[derive(Debug)]
pub(super) struct Throttle {
    pace: Pace,
    debts: Mutex<HashMap<IpAddr, Debt>>,
}

/// Failures that are not forgiven yet.
#[derive(Clone, Copy, Debug)]
struct Debt {
    failures: f64,
    at: Instant,
}

impl Throttle {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            debts: Mutex::default(),
        }
    }

    /// How long this address must wait before it may try again; `None` when it may now.
    pub(super) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let debts = self.lock();
        let failures = self.left(debts.get(&network(address))?, now);
        let over = failures - f64::from(self.pace.burst) + 1.0;
        (over > 0.0).then(|| self.pace.refill.mul_f64(over))
    }

    /// Notes a failed login. What was under way when the others failed counts as well.
    pub(super) fn failed(&self, address: IpAddr, now: Instant) {
        let mut debts = self.lock();
        let address = network(address);
        let failures = debts.get(&address).map_or(0.0, |debt| self.left(debt, now)) + 1.0;
        if debts.len() >= self.pace.addresses && !debts.contains_key(&address) {
            debts.retain(|_, debt| self.left(debt, now) > 0.0);
        }
        if debts.len() >= self.pace.addresses
            && !debts.contains_key(&address)
            && let Some(least) = debts
                .iter()
                .min_by(|(_, a), (_, b)| self.left(a, now).total_cmp(&self.left(b, now)))
                .map(|(address, _)| *address)
        {
            debts.remove(&least);
        }
        debts.insert(address, Debt { failures, at: now });
    }

    fn left(&self, debt: &Debt, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(debt.at).as_secs_f64();
        (debt.failures - passed / self.pace.refill.as_secs_f64()).max(0.0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Debt>> {
        self.debts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An IPv6 host has a whole /64 to choose from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(bits).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        burst: 3,
        refill: Duration::from_secs(2),
        addresses: 2,
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn an_address_that_failed_too_often_waits_and_others_do_not() {
        let throttle = Throttle::new(PACE);
        let (guesser, now) = (address("10.0.0.1"), start());
        for _ in 0..3 {
            assert_eq!(throttle.wait(guesser, now), None);
            throttle.failed(guesser, now);
        }
        assert_eq!(throttle.wait(guesser, now), Some(Duration::from_secs(2)));
        assert_eq!(throttle.wait(address("10.0.0.2"), now), None);
        let later = now + Duration::from_secs(2);
        assert_eq!(throttle.wait(guesser, later), None);
        throttle.failed(guesser, later);
        assert!(throttle.wait(guesser, later).is_some());
    }

    #[test]
    fn guesses_that_were_under_way_are_paid_for_too() {
        let throttle = Throttle::new(PACE);
        let (guesser, now) = (address("10.0.0.1"), start());
        for _ in 0..100 {
            throttle.failed(guesser, now);
        }
        let wait = throttle.wait(guesser, now).unwrap();
        assert_eq!(wait, Duration::from_secs(2 * 98));
        assert_eq!(throttle.wait(guesser, now + wait), None);
    }

    #[test]
    fn a_whole_ipv6_network_is_one_address_and_mapped_ipv4_is_ipv4() {
        let throttle = Throttle::new(PACE);
        let now = start();
        for last in 1..=3 {
            throttle.failed(address(&format!("2001:db8::{last}")), now);
        }
        assert!(throttle.wait(address("2001:db8::ffff"), now).is_some());
        assert_eq!(throttle.wait(address("2001:db8:0:1::1"), now), None);
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn only_so_many_addresses_are_remembered_the_worst_ones() {
        let throttle = Throttle::new(PACE);
        let now = start();
        for _ in 0..5 {
            throttle.failed(address("10.0.0.1"), now);
        }
        for last in 2..100 {
            throttle.failed(address(&format!("10.0.0.{last}")), now);
        }
        assert_eq!(throttle.lock().len(), 2);
        assert!(throttle.wait(address("10.0.0.1"), now).is_some());
    }
}
