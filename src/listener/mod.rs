//! `URLEndpointListener`: accepts connections, checks who comes, and hands each to a passive
//! replicator.
//!
//! ```text
//!  bind ──► accept loop ──► connection task                                                       ┐ 10 s
//!             limits          first byte ─► TLS ─► HTTP request ─► authenticator ─► judge ─► 101 ┘
//!                                                              may ask and wait     │        │
//!                                                                         401 403 404 503 …  └─► transport ─► passive replicator
//! ```
//!
//! Follows wire spec §1, trust spec §2 and §3, API spec §10. Decides nothing about replication;
//! never trusts anything before the upgrade: the request is judged by a pure function.

mod authenticator;
mod bind;
mod certificate_gate;
mod connection;
mod connections;
mod counted;
mod identity;
mod limits;
mod options;
mod principal;
mod server;
mod throttle;
mod tuning;
mod upgrade;
mod url_endpoint_listener;

#[cfg(test)]
mod tests;

pub use authenticator::{Admission, Authenticator, CertificateAuthenticator, Credentials};
pub use bind::{NetworkInterface, network_interfaces};
pub use connections::{ConnectionInfo, ReplicationRequest, RequestAuthorizer};
pub use identity::default_identity_folder;
pub use options::{AuthenticatorOptions, ListenerOptions};
pub use principal::Principal;
pub use server::{ListenerStatus, Started};
pub use url_endpoint_listener::UrlEndpointListener;
