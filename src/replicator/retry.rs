//! When a failed replication is tried again (wire §8.6, API §9.7). No clock: it answers delays.

use std::time::Duration;

use crate::error::Error;

/// Counts the attempts of one run of a replicator.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    continuous: bool,
    /// Most attempts in a row, the first included; `None` without end.
    max_attempts: Option<u32>,
    max_wait: Duration,
    failures: u32,
}

impl Retry {
    pub(super) fn new(continuous: bool, max_attempts: Option<u32>, max_wait: Duration) -> Self {
        Self {
            continuous,
            max_attempts,
            max_wait,
            failures: 0,
        }
    }

    /// A connection was made, or the network is another one now: the count starts anew.
    pub(super) fn start_anew(&mut self) {
        self.failures = 0;
    }

    /// How long to wait before the next attempt; `None` when there is to be none.
    ///
    /// `chance`, 0 to 1, shortens the wait by up to a quarter, so that the many clients of a server
    /// that has failed do not come back all at once.
    pub(super) fn after(&mut self, error: &Error, chance: f64) -> Option<Duration> {
        let worth_it = error.is_transient() || (self.continuous && error.is_network_dependent());
        if !worth_it {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        if self.max_attempts.is_some_and(|most| self.failures >= most) {
            return None;
        }
        let seconds = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let wait = Duration::from_secs(seconds).min(self.max_wait);
        Some(wait.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 4.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::NetworkReason;

    const MINUTES: Duration = Duration::from_secs(300);

    #[test]
    fn waits_double_up_to_the_limit() {
        let mut retry = Retry::new(true, None, Duration::from_secs(10));
        let lost = Error::network(NetworkReason::ConnectionReset, "");
        let waits: Vec<_> = (0..5)
            .map(|_| retry.after(&lost, 0.0).unwrap().as_secs())
            .collect();
        assert_eq!(waits, [2, 4, 8, 10, 10]);
        retry.start_anew();
        assert_eq!(retry.after(&lost, 0.0), Some(Duration::from_secs(2)));
        for _ in 0..200 {
            assert!(retry.after(&lost, 0.0).is_some());
        }
    }

    #[test]
    fn chance_shortens_a_wait_by_a_quarter_at_most() {
        let lost = Error::network(NetworkReason::ConnectionReset, "");
        let after = |chance| {
            Retry::new(true, None, MINUTES)
                .after(&lost, chance)
                .unwrap()
        };
        assert_eq!(after(0.0), Duration::from_secs(2));
        assert_eq!(after(0.5), Duration::from_millis(1_750));
        assert_eq!(after(1.0), Duration::from_millis(1_500));
        assert_eq!(after(7.0), Duration::from_millis(1_500));
        assert_eq!(after(-7.0), Duration::from_secs(2));
    }

    #[test]
    fn attempts_count_the_first_one() {
        let refused = Error::network(NetworkReason::ConnectionRefused, "");
        let mut retry = Retry::new(false, Some(3), MINUTES);
        assert!(retry.after(&refused, 0.0).is_some());
        assert!(retry.after(&refused, 0.0).is_some());
        assert_eq!(retry.after(&refused, 0.0), None);
        assert_eq!(
            Retry::new(false, Some(1), MINUTES).after(&refused, 0.0),
            None
        );
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let mut once = Retry::new(false, None, MINUTES);
        let mut always = Retry::new(true, None, MINUTES);
        for permanent in [
            Error::http(401, ""),
            Error::http(404, ""),
            Error::http(500, ""),
            Error::network(NetworkReason::TlsCertUntrusted, ""),
        ] {
            assert_eq!(once.after(&permanent, 0.0), None);
            assert_eq!(always.after(&permanent, 0.0), None);
        }
        let down = Error::network(NetworkReason::NetworkUnreachable, "");
        assert_eq!(once.after(&down, 0.0), None);
        assert!(always.after(&down, 0.0).is_some());
        assert!(once.after(&Error::http(503, ""), 0.0).is_some());
    }
}
