//! What a certificate says, for applications that show or judge it (trust §4.3).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::CertificateError;
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::public_key::PublicKey;

use super::certificate::Certificate;
use super::pem::certificate_to_pem;
use super::provider;
use crate::error::{Code, Error, Result};

/// A certificate and what can be read in it. Dates are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CertificateFacts {
    /// Base64 of the DER.
    pub der: String,
    /// PEM, with line feeds.
    pub pem: String,
    /// Subject as text, for showing; anybody can write anything there.
    pub subject: String,
    /// Issuer as text.
    pub issuer: String,
    /// First common name of the subject.
    pub common_name: Option<String>,
    /// Alternative names: host names, addresses, e-mail addresses, URIs.
    pub subject_alternative_names: Vec<String>,
    /// First moment of its life.
    pub not_before: i64,
    /// Last moment of its life.
    pub not_after: i64,
    /// Base64url of the SHA-256 of the public key (SPKI), without padding: who it is.
    pub fingerprint: String,
    /// Base64 of the public key (SPKI).
    pub public_key: String,
    /// `rsa`, `ec`, `ed25519` or `other`.
    pub key_type: &'static str,
    /// Length of the key, bits.
    pub key_bits: usize,
    /// Subject is issuer, and its own key signed it.
    pub self_signed: bool,
}

impl CertificateFacts {
    /// Reads a certificate (DER).
    ///
    /// # Errors
    /// `Crypto` when it is none.
    pub fn read(der: &[u8]) -> Result<Self> {
        let certificate = Certificate::parse(der).map_err(unreadable)?;
        let x509 = certificate.x509();
        let (not_before, not_after) = certificate.validity();
        let (key_type, key_bits) = match x509.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => ("rsa", key.key_size()),
            Ok(PublicKey::EC(point)) => ("ec", point.key_size()),
            _ if certificate.is_ed25519() => ("ed25519", 256),
            _ => ("other", 0),
        };
        let common_name = x509
            .subject()
            .iter_common_name()
            .find_map(|name| name.as_str().ok())
            .map(str::to_owned);
        let names = match x509.subject_alternative_name() {
            Ok(Some(names)) => names.value.general_names.iter().filter_map(shown).collect(),
            _ => Vec::new(),
        };
        let algorithms = &provider().signature_verification_algorithms;
        Ok(Self {
            der: STANDARD.encode(der),
            pem: certificate_to_pem(der),
            subject: x509.subject().to_string(),
            issuer: x509.issuer().to_string(),
            common_name,
            subject_alternative_names: names,
            not_before: not_before.saturating_mul(1000),
            not_after: not_after.saturating_mul(1000),
            fingerprint: URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.spki())),
            public_key: STANDARD.encode(certificate.spki()),
            key_type,
            key_bits,
            self_signed: certificate.is_self_issued()
                && certificate.is_signed_by(&certificate, algorithms),
        })
    }
}

/// Base64url of the SHA-256 of a certificate's public key, without padding: 43 characters.
///
/// # Errors
/// `Crypto` when it is no certificate.
pub fn key_fingerprint(der: &[u8]) -> Result<String> {
    let certificate = Certificate::parse(der).map_err(unreadable)?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.spki())))
}

/// How many links of a chain (DER, leaf first) hold: each certificate signed by the next, which
/// may sign. 0: nothing is known of more than the leaf. What lies beyond proves nothing.
pub fn verified_depth(chain: &[Vec<u8>]) -> usize {
    let Ok(chain) = chain
        .iter()
        .map(|der| Certificate::parse(der))
        .collect::<Result<Vec<_>, _>>()
    else {
        return 0;
    };
    let algorithms = &provider().signature_verification_algorithms;
    chain
        .windows(2)
        .enumerate()
        .take_while(|(below, pair)| {
            pair[1].is_authority(*below) && pair[0].is_signed_by(&pair[1], algorithms)
        })
        .count()
}

fn unreadable(_: CertificateError) -> Error {
    Error::lite(Code::Crypto, "not a readable X.509 certificate")
}

fn shown(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            Some((*text).to_owned())
        }
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|b| std::net::Ipv4Addr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|b| std::net::Ipv6Addr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ED25519};

    use super::*;
    use crate::tls::{SelfSignedOptions, TlsIdentity};

    #[test]
    fn facts_are_what_the_certificate_says() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mut options = SelfSignedOptions::new("desk.example", now);
        options.attributes.push(("O".into(), "Settee".into()));
        options
            .attributes
            .push(("iPAddress".into(), "10.0.0.1".into()));
        let identity = TlsIdentity::self_signed(&options).unwrap();
        let facts = CertificateFacts::read(identity.certificate_der()).unwrap();
        assert_eq!(facts.common_name.as_deref(), Some("desk.example"));
        assert_eq!(facts.subject, "CN=desk.example, O=Settee");
        assert_eq!(
            facts.subject_alternative_names,
            ["10.0.0.1", "desk.example"]
        );
        assert_eq!((facts.key_type, facts.key_bits), ("rsa", 2048));
        assert!(facts.self_signed);
        assert_eq!(facts.fingerprint.len(), 43);
        assert_eq!(facts.not_before, 1_799_999_700_000);
        assert_eq!(
            key_fingerprint(identity.certificate_der()).unwrap(),
            facts.fingerprint
        );
        assert!(CertificateFacts::read(b"x").is_err());
    }

    #[test]
    fn other_kinds_of_keys_are_named() {
        let params = CertificateParams::default();
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let facts = CertificateFacts::read(params.self_signed(&key).unwrap().der()).unwrap();
        assert_eq!((facts.key_type, facts.key_bits), ("ed25519", 256));
        let key = KeyPair::generate().unwrap();
        let facts = CertificateFacts::read(params.self_signed(&key).unwrap().der()).unwrap();
        assert_eq!((facts.key_type, facts.key_bits), ("ec", 256));
    }

    #[test]
    fn only_links_whose_signatures_hold_count() {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(authority.clone(), key()).unwrap();
        let leaf = CertificateParams::default()
            .signed_by(&key(), &root)
            .unwrap();
        let stranger = CertifiedIssuer::self_signed(authority, key()).unwrap();
        let chain = |list: &[&[u8]]| list.iter().map(|der| der.to_vec()).collect::<Vec<_>>();
        assert_eq!(verified_depth(&chain(&[leaf.der()])), 0);
        assert_eq!(verified_depth(&chain(&[leaf.der(), root.der()])), 1);
        assert_eq!(verified_depth(&chain(&[leaf.der(), stranger.der()])), 0);
        assert_eq!(verified_depth(&chain(&[leaf.der(), b"x"])), 0);
    }
}
