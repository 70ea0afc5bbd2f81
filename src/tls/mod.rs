//! Identities, certificate verifiers, and TLS configurations for both sides.
//!
//! Follows trust spec §3 (what is accepted), §8.1 (how identities are made) and §8.3 (where keys
//! lie). Knows no socket: `transport` and `listener` run the handshakes.
//!
//! One crypto library does everything: aws-lc, passed explicitly and never taken from a process
//! default, because another library in the same process may have set its own.

mod attributes;
mod certificate;
mod client_verifier;
mod config;
mod der;
mod facts;
mod identity;
mod identity_options;
mod identity_store;
mod key_keeper;
mod key_store;
mod owner_only;
mod path;
mod pem;
mod pkcs12;
mod sealed;
mod seen;
mod tls_error;
mod verifier;

#[cfg(test)]
mod tests;

pub use client_verifier::{CertificateJudge, ClientTrust};
pub use config::{ClientTls, client_config, server_config};
pub use facts::{CertificateFacts, key_fingerprint, verified_depth};
pub use identity::{SelfSignedOptions, TlsIdentity, Usage};
pub use identity_options::IdentityOptions;
pub use identity_store::{ANONYMOUS_LABEL, IdentityStore};
pub use key_keeper::Protection;
pub use pem::{certificate_to_pem, certificates_from_text};
pub use seen::SeenCertificates;
pub(crate) use tls_error::{from_rustls, server_text};

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;

/// Which server certificates an active peer accepts (trust §3.3). Dates are checked in every mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ServerTrust {
    /// Chains to the roots of the operating system, host name checked.
    #[default]
    PlatformRoots,
    /// Exactly one certificate, signed by its own key; host name not checked. A certificate from an
    /// authority is refused, however good.
    OnlySelfSigned,
    /// A chain that contains exactly this certificate (DER); host name not checked. One that is not
    /// the leaf counts only if verified signatures lead from the leaf to it.
    Pinned(Vec<u8>),
    /// Chains to these roots (DER) instead of the system's, host name checked.
    Roots(Vec<Vec<u8>>),
}

/// The crypto library that every configuration here uses.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())))
}
