//! One X.509 certificate as a verifier needs it, read leniently enough for real Couchbase Lite
//! peers: any version, no SAN, no EKU, serial number 1 (trust §3.3).

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::der::{self, SEQUENCE};

/// What a certificate is presented for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Server,
    Client,
}

/// A parsed certificate; borrows its DER.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    der: &'a [u8],
    x509: X509Certificate<'a>,
    /// Contents of the outer signature's AlgorithmIdentifier.
    signature_algorithm: &'a [u8],
    signature: &'a [u8],
    /// Contents of the key's AlgorithmIdentifier.
    key_algorithm: &'a [u8],
    /// The key, without its AlgorithmIdentifier.
    key: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads one certificate that fills `der` to the last byte.
    ///
    /// # Errors
    /// `BadEncoding`.
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, CertificateError> {
        Self::try_parse(der).ok_or(CertificateError::BadEncoding)
    }

    fn try_parse(der: &'a [u8]) -> Option<Self> {
        let (rest, x509) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() || x509.tbs_certificate.signature != x509.signature_algorithm {
            return None;
        }
        let (outer, _) = der::element(der, SEQUENCE)?;
        let (_, after_tbs) = der::element(outer, SEQUENCE)?;
        let (signature_algorithm, signature) = der::element(after_tbs, SEQUENCE)?;
        let (spki, _) = der::element(x509.tbs_certificate.subject_pki.raw, SEQUENCE)?;
        let (key_algorithm, key) = der::element(spki, SEQUENCE)?;
        Some(Self {
            der,
            signature_algorithm,
            signature: der::bit_string(signature)?,
            key_algorithm,
            key: der::bit_string(key)?,
            x509,
        })
    }

    /// The whole certificate.
    pub(super) fn der(&self) -> &'a [u8] {
        self.der
    }

    /// Subject public key info, DER.
    pub(super) fn spki(&self) -> &[u8] {
        self.x509.tbs_certificate.subject_pki.raw
    }

    /// Whether its key is an Ed25519 key (RFC 8410).
    pub(super) fn is_ed25519(&self) -> bool {
        self.key_algorithm == [0x06, 0x03, 0x2b, 0x65, 0x70]
    }

    /// First and last second of its life, Unix time.
    pub(super) fn validity(&self) -> (i64, i64) {
        let validity = self.x509.validity();
        (
            validity.not_before.timestamp(),
            validity.not_after.timestamp(),
        )
    }

    /// Whether subject and issuer are the same name.
    pub(super) fn is_self_issued(&self) -> bool {
        self.x509.subject().as_raw() == self.x509.issuer().as_raw()
    }

    /// Checks that `now` lies within the dates.
    pub(super) fn check_dates(&self, now: UnixTime) -> Result<(), CertificateError> {
        let (not_before, not_after) = self.validity();
        let time = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if time < not_before {
            Err(CertificateError::NotValidYet)
        } else if time > not_after {
            Err(CertificateError::Expired)
        } else {
            Ok(())
        }
    }

    /// Checks the extended key usage, if there is one.
    pub(super) fn check_purpose(&self, purpose: Purpose) -> Result<(), CertificateError> {
        match self.x509.extended_key_usage() {
            Ok(None) => Ok(()),
            Ok(Some(usage)) => {
                let fits = match purpose {
                    Purpose::Server => usage.value.server_auth,
                    Purpose::Client => usage.value.client_auth,
                };
                if usage.value.any || fits {
                    Ok(())
                } else {
                    Err(CertificateError::InvalidPurpose)
                }
            }
            Err(_) => Err(CertificateError::BadEncoding),
        }
    }

    /// Everything that was parsed.
    pub(super) fn x509(&self) -> &X509Certificate<'a> {
        &self.x509
    }

    /// Whether this certificate may sign others, `below` of which lie between it and the leaf.
    pub(super) fn is_authority(&self, below: usize) -> bool {
        let Ok(Some(constraints)) = self.x509.basic_constraints() else {
            return false;
        };
        let signs = match self.x509.key_usage() {
            Ok(usage) => usage.is_none_or(|usage| usage.value.key_cert_sign()),
            Err(_) => false,
        };
        let short_enough = constraints
            .value
            .path_len_constraint
            .is_none_or(|limit| below <= limit as usize);
        constraints.value.ca && signs && short_enough
    }

    /// Whether `issuer` has this certificate's issuer name and its key made the signature.
    pub(super) fn is_signed_by(
        &self,
        issuer: &Certificate<'_>,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> bool {
        self.x509.issuer().as_raw() == issuer.x509.subject().as_raw()
            && algorithms
                .all
                .iter()
                .filter(|algorithm| {
                    algorithm.signature_alg_id().as_ref() == self.signature_algorithm
                        && algorithm.public_key_alg_id().as_ref() == issuer.key_algorithm
                })
                .any(|algorithm| {
                    algorithm
                        .verify_signature(
                            issuer.key,
                            self.x509.tbs_certificate.as_ref(),
                            self.signature,
                        )
                        .is_ok()
                })
    }

    /// Checks a TLS 1.2 handshake signature made with this certificate's key.
    pub(super) fn verify_tls12_signature(
        &self,
        message: &[u8],
        dss: &DigitallySignedStruct,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let candidates = |wanted: SignatureScheme| {
            algorithms
                .mapping
                .iter()
                .filter(move |(scheme, _)| *scheme == wanted)
                .flat_map(|(_, algorithms)| algorithms.iter())
        };
        candidates(dss.scheme)
            .filter(|algorithm| algorithm.public_key_alg_id().as_ref() == self.key_algorithm)
            .any(|algorithm| {
                algorithm
                    .verify_signature(self.key, message, dss.signature())
                    .is_ok()
            })
            .then(HandshakeSignatureValid::assertion)
            .ok_or_else(|| CertificateError::BadSignature.into())
    }

    /// The same for TLS 1.3.
    pub(super) fn verify_tls13_signature(
        &self,
        message: &[u8],
        dss: &DigitallySignedStruct,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let key = SubjectPublicKeyInfoDer::from(self.spki());
        verify_tls13_signature_with_raw_key(message, &key, dss, algorithms)
    }
}
