//! The client certificate check of a listener (trust §4).

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::certificate::{Certificate, Purpose};
use super::path;
use super::verifier::{MAX_CHAIN, Refusal};
use crate::error::{Error, Result};

/// Whose certificates a listener accepts.
#[derive(Clone, Debug)]
pub enum ClientTrust {
    /// Chains to one of these (DER). A self-signed client is accepted by its own certificate.
    Roots(Vec<Vec<u8>>),
    /// Whatever the judge says: nothing but the proof of the leaf's key is checked beside it.
    Judge(Arc<dyn CertificateJudge>),
}

/// Decides about client certificates in the middle of a handshake.
pub trait CertificateJudge: fmt::Debug + Send + Sync + 'static {
    /// Whether whoever presents `chain` (DER, leaf first, exactly as sent, each readable) may come
    /// in. Called on a runtime's thread; may block it in the runtime's own way.
    fn admits(&self, chain: &[Vec<u8>]) -> bool;
}

#[derive(Debug)]
pub(super) struct ClientVerifier {
    trust: ClientTrust,
    provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    /// # Errors
    /// `InvalidParameter` for an empty list of roots, and for one that is no certificate.
    pub(super) fn new(trust: &ClientTrust, provider: Arc<CryptoProvider>) -> Result<Self> {
        if let ClientTrust::Roots(roots) = trust {
            if roots.is_empty() {
                return Err(Error::invalid(
                    "a certificate authenticator needs at least one root certificate",
                ));
            }
            for (index, root) in roots.iter().enumerate() {
                Certificate::parse(root).map_err(|_| {
                    Error::invalid(format!(
                        "root certificate {index} ({} bytes) is not an X.509 certificate in DER",
                        root.len()
                    ))
                })?;
            }
        }
        Ok(Self {
            trust: trust.clone(),
            provider,
        })
    }

    fn check_roots(
        &self,
        roots: &[Vec<u8>],
        leaf: &Certificate<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        leaf.check_dates(now)?;
        leaf.check_purpose(Purpose::Client)?;
        let is_root =
            |certificate: &Certificate<'_>| roots.iter().any(|root| root == certificate.der());
        if is_root(leaf) {
            return Ok(());
        }
        let signers = others
            .iter()
            .map(|der| Certificate::parse(der))
            .chain(roots.iter().map(|der| Certificate::parse(der)))
            .collect::<Result<Vec<_>, _>>()?;
        path::check(
            &path::Search {
                signers: &signers,
                is_anchor: &is_root,
                none: CertificateError::UnknownIssuer,
                algorithms: &self.provider.signature_verification_algorithms,
                now,
            },
            leaf,
        )
    }
}

impl ClientCertVerifier for ClientVerifier {
    /// None: with hints some clients silently withhold self-signed certificates (trust §3.2).
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if intermediates.len() >= MAX_CHAIN {
            return Err(CertificateError::from(Refusal::ChainTooLong).into());
        }
        let leaf = Certificate::parse(end_entity)?;
        match &self.trust {
            ClientTrust::Roots(roots) => self.check_roots(roots, &leaf, intermediates, now)?,
            ClientTrust::Judge(judge) => {
                for other in intermediates {
                    Certificate::parse(other)?;
                }
                let all = std::iter::once(end_entity).chain(intermediates);
                let chain: Vec<_> = all.map(|der| der.to_vec()).collect();
                if !judge.admits(&chain) {
                    return Err(CertificateError::ApplicationVerificationFailure.into());
                }
            }
        }
        Ok(ClientCertVerified::assertion())
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
