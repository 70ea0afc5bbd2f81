//! Limits and delays of the listener (design D9), each with its reason.

use std::time::Duration;

use super::limits::Caps;
use super::server::Patience;
use super::throttle::Pace;

/// Connections of one listener.
pub(super) const CAPS: Caps = Caps {
    total: 2_000,
    per_address: 1_000,
    overflow: 64,
};

/// From accepting to the upgrade, TLS included (a connection kept alive by refused requests has no
/// longer); and for open connections to say farewell when the listener stops.
pub(super) const PATIENCE: Patience = Patience {
    handshake: Duration::from_secs(10),
    stop: Duration::from_secs(5),
};

/// Failed logins of an address. A person mistypes a few times; a program that guesses gets 43,000
/// guesses a day, which is nothing against a good password.
pub(super) const PACE: Pace = Pace {
    burst: 30,
    refill: Duration::from_secs(2),
    addresses: 10_000,
};

/// Pause between two looks whether the anonymous identity is due for renewal, which it is for weeks.
pub(super) const RENEWAL_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Handshakes that wait for JavaScript's word about a certificate; each holds a thread.
pub(super) const WAITING_HANDSHAKES: usize = 64;

/// How long an application may take to judge a certificate. Couchbase Lite clients give a handshake
/// 15 s.
pub(super) const CERTIFICATE_PATIENCE: Duration = Duration::from_secs(6);

/// Largest request head; also hyper's buffer while a connection is being upgraded.
pub(super) const MAX_REQUEST_HEAD: usize = 16 * 1024;

/// Most header fields of a request.
pub(super) const MAX_REQUEST_HEADERS: usize = 64;

/// Pause after a failed `accept`: usually the process has no file descriptor left.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that the system may hold for us before they are accepted.
pub(super) const BACKLOG: i32 = 1_024;

/// Attempts to find a port that is free on all addresses of an interface.
pub(super) const SAME_PORT_ATTEMPTS: u32 = 16;
