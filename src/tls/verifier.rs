//! The server certificate check of an active peer, one for each [`ServerTrust`] (trust §3.3).
//!
//! The stock verifier refuses what real Couchbase Lite listeners present (no SAN, CA:TRUE on the
//! leaf, version 1), so only *chain to roots* is left to it.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use super::certificate::{Certificate, Purpose};
use super::{SeenCertificates, ServerTrust, path};
use crate::error::{Error, Result};

/// Certificates that a peer may present; more are refused before any signature is checked.
pub(super) const MAX_CHAIN: usize = 10;

#[derive(Debug)]
pub(super) struct ServerVerifier {
    mode: Mode,
    seen: SeenCertificates,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Mode {
    /// Chain to roots, by the stock verifier; the roots that were given, if they were.
    Roots(Arc<dyn ServerCertVerifier>, Vec<Vec<u8>>),
    OnlySelfSigned,
    Pinned(Vec<u8>),
}

/// Why a certificate is refused, beyond what TLS has words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is not self-signed")]
    NotSelfSigned,
    #[error("it is not the pinned certificate")]
    NotPinned,
    #[error("the chain is longer than 10 certificates")]
    ChainTooLong,
}

impl From<Refusal> for CertificateError {
    fn from(refusal: Refusal) -> Self {
        Self::Other(OtherError(Arc::new(refusal)))
    }
}

impl ServerVerifier {
    /// # Errors
    /// `InvalidParameter` for a pinned or root certificate that is none.
    pub(super) fn new(
        trust: &ServerTrust,
        seen: SeenCertificates,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self> {
        let mode = match trust {
            ServerTrust::PlatformRoots => {
                let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider))
                    .map_err(|error| super::from_rustls(&error))?;
                Mode::Roots(Arc::new(verifier), Vec::new())
            }
            ServerTrust::Roots(roots) => {
                Mode::Roots(chain_to(roots, Arc::clone(&provider))?, roots.clone())
            }
            ServerTrust::OnlySelfSigned => Mode::OnlySelfSigned,
            ServerTrust::Pinned(der) => {
                Certificate::parse(der).map_err(|_| {
                    Error::invalid(format!(
                        "pinned server certificate of {} bytes is not an X.509 certificate in DER",
                        der.len()
                    ))
                })?;
                Mode::Pinned(der.clone())
            }
        };
        Ok(Self {
            mode,
            seen,
            provider,
        })
    }

    fn check_pinned(
        &self,
        pin: &[u8],
        leaf: &Certificate<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        leaf.check_dates(now)?;
        leaf.check_purpose(Purpose::Server)?;
        if leaf.der() == pin {
            return Ok(());
        }
        let others = others
            .iter()
            .map(|der| Certificate::parse(der))
            .collect::<Result<Vec<_>, _>>()?;
        path::check(
            &path::Search {
                signers: &others,
                is_anchor: &|signer| signer.der() == pin,
                none: Refusal::NotPinned.into(),
                algorithms: &self.provider.signature_verification_algorithms,
                now,
            },
            leaf,
        )
    }

    fn check_self_signed(
        &self,
        leaf: &Certificate<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        if !others.is_empty() || !leaf.is_self_issued() {
            return Err(Refusal::NotSelfSigned.into());
        }
        if !leaf.is_signed_by(leaf, &self.provider.signature_verification_algorithms) {
            return Err(CertificateError::BadSignature);
        }
        leaf.check_dates(now)?;
        leaf.check_purpose(Purpose::Server)
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if intermediates.len() < MAX_CHAIN {
            // Also what is refused below: an application may want to show it, and pin it.
            self.seen.set(end_entity, intermediates);
        } else {
            return Err(CertificateError::from(Refusal::ChainTooLong).into());
        }
        let leaf = Certificate::parse(end_entity)?;
        match &self.mode {
            Mode::Roots(verifier, roots) => {
                if roots.iter().any(|root| root == leaf.der()) {
                    // A root that serves itself: the stock verifier takes no CA:TRUE leaf.
                    leaf.check_dates(now)?;
                    leaf.check_purpose(Purpose::Server)?;
                    let parsed = rustls::server::ParsedCertificate::try_from(end_entity)?;
                    rustls::client::verify_server_name(&parsed, server_name)?;
                } else {
                    return verifier
                        .verify_server_cert(
                            end_entity,
                            intermediates,
                            server_name,
                            ocsp_response,
                            now,
                        )
                        .map_err(|error| explain(error, &leaf, intermediates));
                }
            }
            Mode::OnlySelfSigned => self.check_self_signed(&leaf, intermediates, now)?,
            Mode::Pinned(pin) => self.check_pinned(pin, &leaf, intermediates, now)?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Certificate::parse(cert)?.verify_tls12_signature(message, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Certificate::parse(cert)?.verify_tls13_signature(message, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn chain_to(
    roots: &[Vec<u8>],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let mut store = RootCertStore::empty();
    for (index, root) in roots.iter().enumerate() {
        store
            .add(CertificateDer::from(root.as_slice()))
            .map_err(|error| {
                Error::invalid(format!(
                    "trusted root certificate {index} ({} bytes) cannot be used: {error}",
                    root.len()
                ))
            })?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|error| Error::invalid(format!("trusted root certificates: {error}")))?;
    Ok(verifier)
}

/// The stock verifier has several words for a lone self-signed certificate; Couchbase Lite has one,
/// "unknown root" (API §15.9).
fn explain(
    error: rustls::Error,
    leaf: &Certificate<'_>,
    intermediates: &[CertificateDer<'_>],
) -> rustls::Error {
    use CertificateError as C;
    match &error {
        rustls::Error::InvalidCertificate(
            C::Expired
            | C::ExpiredContext { .. }
            | C::NotValidYet
            | C::NotValidYetContext { .. }
            | C::Revoked,
        ) => error,
        rustls::Error::InvalidCertificate(_)
            if intermediates.is_empty() && leaf.is_self_issued() =>
        {
            C::UnknownIssuer.into()
        }
        _ => error,
    }
}
