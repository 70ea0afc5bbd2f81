//! The certificates that a server presented, kept for whoever wants to look at them.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;

/// Where a verifier notes what a server presented, accepted or not. Clones share one place.
#[derive(Clone, Debug, Default)]
pub struct SeenCertificates(Arc<Mutex<Vec<Vec<u8>>>>);

impl SeenCertificates {
    /// DER, leaf first; empty when no server was met, or one without TLS.
    pub fn chain(&self) -> Vec<Vec<u8>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) {
        let chain = std::iter::once(leaf).chain(others);
        let chain = chain.map(|der| der.to_vec()).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = chain;
    }
}
