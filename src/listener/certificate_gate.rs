//! Asks an authenticator about a client's certificate in the middle of the handshake (trust §4.2).

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::authenticator::{Admission, CertificateAuthenticator};
use super::tuning;
use crate::tls::CertificateJudge;

/// The listener's judge. A handshake that waits for an answer holds a thread, so only so many may.
#[derive(Debug)]
pub(super) struct CertificateGate {
    authenticator: Arc<dyn CertificateAuthenticator>,
    runtime: Handle,
    stop: CancellationToken,
    limit: Duration,
    places: Semaphore,
}

impl CertificateGate {
    /// A gate that answers no when `stop` is cancelled.
    pub(super) fn new(
        authenticator: Arc<dyn CertificateAuthenticator>,
        runtime: Handle,
        stop: CancellationToken,
        limit: Duration,
    ) -> Self {
        Self {
            authenticator,
            runtime,
            stop,
            limit,
            places: Semaphore::new(tuning::WAITING_HANDSHAKES),
        }
    }
}

impl CertificateJudge for CertificateGate {
    fn admits(&self, chain: &[Vec<u8>]) -> bool {
        let Ok(_place) = self.places.try_acquire() else {
            tracing::warn!(target: "listener", "too many handshakes wait for an answer");
            return false;
        };
        let ask = async {
            let answer = async { timeout(self.limit, self.authenticator.judge(chain)).await };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => false,
                answer = answer => answer == Ok(Admission::Admitted),
            }
        };
        match Handle::try_current().map(|current| current.runtime_flavor()) {
            Err(_) => self.runtime.block_on(ask),
            Ok(RuntimeFlavor::MultiThread) => {
                tokio::task::block_in_place(|| self.runtime.block_on(ask))
            }
            Ok(_) => {
                tracing::error!(target: "listener", "a single thread cannot wait for an answer");
                false
            }
        }
    }
}
