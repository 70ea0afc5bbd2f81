//! A certificate chain with its private key, and how self-signed ones are made (trust §8.1).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    RsaKeySize, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::attributes;
use super::certificate::Certificate;
use crate::error::{Code, Error, Result};

/// Life of an identity when nothing else is asked for: 365 days.
const DEFAULT_LIFE: Duration = Duration::from_secs(365 * DAY);
/// Longest life that may be asked for: ten years.
const MAX_LIFE: Duration = Duration::from_secs(3653 * DAY);
/// How far before `now` a new certificate starts, for peers whose clock is late.
const CLOCK_SLACK: Duration = Duration::from_secs(5 * 60);
const DAY: u64 = 24 * 60 * 60;

/// What an identity may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// By listeners and by replicators.
    #[default]
    Both,
    /// By listeners.
    Server,
    /// By replicators.
    Client,
}

/// What a new self-signed identity should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct SelfSignedOptions<'a> {
    /// Subject attributes and alternative names: cblite-js names (`certAttrOrganization`) or X.509
    /// short names (`O`). `CN` is required.
    pub attributes: Vec<(String, String)>,
    /// Last moment of its life; at most ten years ahead. Default: a year.
    pub not_after: Option<SystemTime>,
    /// The present.
    pub now: SystemTime,
    /// An identity whose key is kept (renewal). Default: a new RSA key of 2048 bits.
    pub key_of: Option<&'a TlsIdentity>,
    /// What it is for. Default: both.
    pub usage: Usage,
}

impl<'a> SelfSignedOptions<'a> {
    /// An identity with nothing but a common name.
    pub fn new(common_name: &str, now: SystemTime) -> Self {
        Self {
            attributes: vec![("CN".into(), common_name.into())],
            not_after: None,
            now,
            key_of: None,
            usage: Usage::Both,
        }
    }

    /// Keeps the key of `identity`, so that pins by key survive.
    #[must_use]
    pub fn with_key_of(mut self, identity: &'a TlsIdentity) -> Self {
        self.key_of = Some(identity);
        self
    }
}

/// A certificate chain and the private key of its first certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// DER, leaf first; never empty.
    chain: Vec<Vec<u8>>,
    /// PKCS#8, DER.
    key: Zeroizing<Vec<u8>>,
}

impl TlsIdentity {
    /// Makes a self-signed identity: SHA-256, serial number of 16 random bytes, not an authority,
    /// for servers and clients. Takes a few hundred milliseconds of CPU for a new key.
    ///
    /// # Errors
    /// `InvalidParameter` for a bad attribute or date; `Crypto` when the key cannot be used.
    pub fn self_signed(options: &SelfSignedOptions<'_>) -> Result<Self> {
        let key = match options.key_of {
            Some(identity) => identity.key_pair()?,
            None => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
                .map_err(crypto_error)?,
        };
        let certificate = parameters(options)?
            .self_signed(&key)
            .map_err(crypto_error)?;
        Ok(Self {
            chain: vec![certificate.der().to_vec()],
            key: Zeroizing::new(key.serialize_der()),
        })
    }

    /// Puts together what was stored apart. The key is not compared with the certificate here;
    /// [`super::server_config`] does.
    ///
    /// # Errors
    /// `Crypto` for an empty chain, or for a certificate or key that cannot be read.
    pub(super) fn from_parts(chain: Vec<Vec<u8>>, key: Zeroizing<Vec<u8>>) -> Result<Self> {
        let identity = Self { chain, key };
        let Some(leaf) = identity.chain.first() else {
            return Err(Error::lite(Code::Crypto, "TLS identity has no certificate"));
        };
        Certificate::parse(leaf)
            .map_err(|_| Error::lite(Code::Crypto, "TLS identity has an unreadable certificate"))?;
        identity.key_pair()?;
        Ok(identity)
    }

    /// The chain, DER, leaf first.
    pub fn chain_der(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// Whether both have one private key, as an identity and its renewal.
    pub(crate) fn has_same_key(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// The leaf, DER: what a peer pins.
    pub fn certificate_der(&self) -> &[u8] {
        // Not empty by construction; an empty certificate verifies nowhere.
        self.chain.first().map_or(&[], Vec::as_slice)
    }

    /// First and last moment of the leaf's life.
    ///
    /// # Errors
    /// `Crypto` when the certificate cannot be read.
    pub fn validity(&self) -> Result<(SystemTime, SystemTime)> {
        let (not_before, not_after) = Certificate::parse(self.certificate_der())
            .map_err(|_| Error::lite(Code::Crypto, "TLS identity has an unreadable certificate"))?
            .validity();
        let time = |seconds: i64| {
            let distance = Duration::from_secs(seconds.unsigned_abs());
            if seconds < 0 {
                UNIX_EPOCH.checked_sub(distance)
            } else {
                UNIX_EPOCH.checked_add(distance)
            }
            .unwrap_or(UNIX_EPOCH)
        };
        Ok((time(not_before), time(not_after)))
    }

    /// The private key, PKCS#8.
    pub(super) fn key_der(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn rustls_chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain
            .iter()
            .cloned()
            .map(CertificateDer::from)
            .collect()
    }

    pub(super) fn rustls_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.to_vec()))
    }

    fn key_pair(&self) -> Result<KeyPair> {
        KeyPair::try_from(self.key_der()).map_err(crypto_error)
    }
}

impl fmt::Debug for TlsIdentity {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

fn parameters(options: &SelfSignedOptions<'_>) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    let subject = attributes::parse(&options.attributes)?;
    params.distinguished_name = subject.name;
    params.subject_alt_names = subject.alternative_names;

    let not_after = options.not_after.unwrap_or(options.now + DEFAULT_LIFE);
    if not_after <= options.now {
        return Err(Error::invalid(
            "certificate expiration is not in the future",
        ));
    }
    if not_after > options.now + MAX_LIFE {
        return Err(Error::invalid(
            "certificate expiration is more than ten years ahead",
        ));
    }
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_1970(options.now.checked_sub(CLOCK_SLACK))?;
    params.not_after = epoch + since_1970(Some(not_after))?;

    let mut serial = [0; 16];
    getrandom::fill(&mut serial)
        .map_err(|error| Error::lite(Code::Crypto, format!("no random bytes: {error}")))?;
    serial[0] &= 0x7f; // positive
    params.serial_number = Some(SerialNumber::from_slice(&serial));

    params.is_ca = IsCa::ExplicitNoCa; // also makes rcgen write the subject key identifier
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if options.usage != Usage::Client {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        params
            .extended_key_usages
            .push(ExtendedKeyUsagePurpose::ServerAuth);
    }
    if options.usage != Usage::Server {
        params
            .extended_key_usages
            .push(ExtendedKeyUsagePurpose::ClientAuth);
    }
    Ok(params)
}

/// Whole seconds since 1970, for rcgen's dates.
fn since_1970(time: Option<SystemTime>) -> Result<Duration> {
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map(|since| Duration::from_secs(since.as_secs()))
        .ok_or_else(|| Error::invalid("certificate date is before 1970"))
}

fn crypto_error(error: rcgen::Error) -> Error {
    Error::lite(Code::Crypto, format!("TLS identity: {error}"))
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::*;

    use super::*;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    #[test]
    fn new_identity_is_what_the_trust_spec_describes() {
        let identity = TlsIdentity::self_signed(&SelfSignedOptions::new("peer", now())).unwrap();
        let (rest, x509) = X509Certificate::from_der(identity.certificate_der()).unwrap();
        assert!(rest.is_empty());
        assert_eq!(x509.subject().to_string(), "CN=peer");
        assert_eq!(x509.subject().as_raw(), x509.issuer().as_raw());
        assert_eq!(x509.raw_serial().len(), 16);
        assert!(x509.raw_serial()[0] < 0x80);
        let constraints = x509.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && !constraints.value.ca);
        let usage = x509.extended_key_usage().unwrap().unwrap();
        assert!(usage.value.server_auth && usage.value.client_auth);
        let oids: Vec<String> = x509
            .extensions()
            .iter()
            .map(|e| e.oid.to_id_string())
            .collect();
        assert!(
            oids.contains(&"2.5.29.14".into()),
            "no subject key id: {oids:?}"
        );
        assert!(
            oids.contains(&"2.5.29.35".into()),
            "no authority key id: {oids:?}"
        );
        assert!(!oids.contains(&"2.5.29.17".into()), "peer is no host name");
        let (not_before, not_after) = identity.validity().unwrap();
        assert_eq!(not_before, now() - Duration::from_secs(300));
        assert_eq!(not_after, now() + Duration::from_secs(365 * DAY));
        match x509.public_key().parsed().unwrap() {
            public_key::PublicKey::RSA(rsa) => assert_eq!(rsa.key_size(), 2048),
            other => panic!("not RSA: {other:?}"),
        }
    }

    #[test]
    fn renewal_keeps_the_key_and_nothing_else() {
        let old = TlsIdentity::self_signed(&SelfSignedOptions::new("peer", now())).unwrap();
        let options = SelfSignedOptions::new("peer", now()).with_key_of(&old);
        let new = TlsIdentity::self_signed(&options).unwrap();
        assert_eq!(old.key_der(), new.key_der());
        assert_ne!(old.certificate_der(), new.certificate_der());
        let spki = |identity: &TlsIdentity| {
            Certificate::parse(identity.certificate_der())
                .unwrap()
                .spki()
                .to_vec()
        };
        assert_eq!(spki(&old), spki(&new));
        assert!(!format!("{new:?}").contains("key"));
    }

    #[test]
    fn dates_out_of_range_are_refused() {
        let mut options = SelfSignedOptions::new("peer", now());
        for not_after in [now(), now() - MAX_LIFE, now() + MAX_LIFE + CLOCK_SLACK] {
            options.not_after = Some(not_after);
            assert!(TlsIdentity::self_signed(&options).is_err());
        }
    }
}
