//! Identities from PKCS#12 files, of old encryption and new (trust §8.2).

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, SystemTime};

use p12_keystore::Pkcs12Archive;
use rcgen::{KeyPair, PublicKeyData as _};
use x509_parser::public_key::PublicKey;
use zeroize::Zeroizing;

use super::certificate::Certificate;
use super::{TlsIdentity, provider};
use crate::error::{Code, Error, Result};

/// Largest file.
const MAX_FILE: usize = 1024 * 1024;
/// Most certificates; a chain has a few.
const MAX_CERTIFICATES: usize = 32;
/// Bits that an RSA key must have.
const MIN_RSA_BITS: usize = 2048;
/// Longest time for decryption: a file may ask for millions of rounds for each of its parts.
const LIMIT: Duration = Duration::from_secs(10);

impl TlsIdentity {
    /// Reads a PKCS#12 file: RC2 or 3DES with SHA-1 (macOS, Windows, OpenSSL 1) as well as AES
    /// with SHA-2 (OpenSSL 3, Java). The leaf is the certificate whose key is the private one,
    /// whatever the order; certificates that do not belong to its chain are dropped. Blocks for
    /// 10 s at most.
    ///
    /// # Errors
    /// `InvalidParameter` saying what is wrong: no PKCS#12, wrong password, no or several private
    /// keys, no certificate for the key, expired, not yet valid, or a key too small; `Busy` while
    /// an earlier import is still at work although its time ran out.
    pub fn from_pkcs12(file: &[u8], password: &str, now: SystemTime) -> Result<Self> {
        if file.len() > MAX_FILE {
            return Err(Error::invalid(format!(
                "PKCS#12 file is {} bytes, limit is {MAX_FILE}",
                file.len()
            )));
        }
        let archive = decrypt(file.to_vec(), Zeroizing::new(password.to_owned()))?;
        let key = match &archive.keys[..] {
            [only] => Zeroizing::new(only.key.as_der().to_vec()),
            [] => return Err(Error::invalid("PKCS#12 file has no private key")),
            several => {
                let names: Vec<_> = several
                    .iter()
                    .map(|bag| bag.friendly_name.as_deref().unwrap_or("unnamed"))
                    .collect();
                return Err(Error::invalid(format!(
                    "PKCS#12 file has {} private keys ({}), must have one",
                    several.len(),
                    names.join(", ")
                )));
            }
        };
        if archive.certs.len() > MAX_CERTIFICATES {
            return Err(Error::invalid(format!(
                "PKCS#12 file has {} certificates, limit is {MAX_CERTIFICATES}",
                archive.certs.len()
            )));
        }
        let pair = KeyPair::try_from(&key[..]).map_err(|error| {
            Error::invalid(format!(
                "private key of the PKCS#12 file cannot be used: {error}"
            ))
        })?;
        let certificates = archive
            .certs
            .iter()
            .map(|bag| Certificate::parse(bag.cert.as_der()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Error::invalid("PKCS#12 file has an unreadable certificate"))?;
        let spki = pair.subject_public_key_info();
        let Some(leaf) = certificates.iter().find(|found| found.spki() == spki) else {
            return Err(Error::invalid(
                "PKCS#12 file has no certificate for its private key",
            ));
        };
        if let Ok(PublicKey::RSA(rsa)) = leaf.x509().public_key().parsed()
            && rsa.key_size() < MIN_RSA_BITS
        {
            return Err(Error::invalid(format!(
                "RSA key of the PKCS#12 file has {} bits, must have {MIN_RSA_BITS}",
                rsa.key_size()
            )));
        }
        let identity = Self::from_parts(chain_of(leaf, &certificates), key)?;
        identity.check_dates(now)?;
        Ok(identity)
    }

    /// Checks that the leaf lives at `now`.
    ///
    /// # Errors
    /// `InvalidParameter` when it expired or is not valid yet.
    pub fn check_dates(&self, now: SystemTime) -> Result<()> {
        let (not_before, not_after) = self.validity()?;
        if now > not_after {
            return Err(Error::invalid(
                "certificate of the TLS identity has expired",
            ));
        }
        if now < not_before {
            return Err(Error::invalid(
                "certificate of the TLS identity is not valid yet",
            ));
        }
        Ok(())
    }
}

/// The leaf and, link by link, whoever signed the one before.
fn chain_of(leaf: &Certificate<'_>, all: &[Certificate<'_>]) -> Vec<Vec<u8>> {
    let algorithms = &provider().signature_verification_algorithms;
    let mut chain = vec![leaf.der().to_vec()];
    let mut last = leaf;
    while !last.is_self_issued()
        && let Some(signer) = all.iter().find(|other| {
            !chain.iter().any(|der| der == other.der()) && last.is_signed_by(other, algorithms)
        })
    {
        chain.push(signer.der().to_vec());
        last = signer;
    }
    chain
}

/// On a thread of its own, because neither its time nor its panics are ours to bound otherwise.
fn decrypt(file: Vec<u8>, password: Zeroizing<String>) -> Result<Pkcs12Archive> {
    static AT_WORK: Mutex<()> = Mutex::new(());
    let (sender, receiver) = sync_channel(1);
    let work = move || {
        let Some(_turn) = take_turn(&AT_WORK) else {
            let busy = Error::lite(Code::Busy, "another PKCS#12 file is being read");
            let _ = sender.send(Err(busy));
            return;
        };
        let archive = Pkcs12Archive::from_pkcs12(&file, &password).map_err(|error| explain(&error));
        // Whoever waited may have given up.
        let _ = sender.send(archive);
    };
    std::thread::Builder::new()
        .name("settee-pkcs12".into())
        .spawn(work)?;
    match receiver.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Error::invalid(format!(
            "PKCS#12 file could not be decrypted within {} s",
            LIMIT.as_secs()
        ))),
        Err(RecvTimeoutError::Disconnected) => Err(unreadable("it is malformed")),
    }
}

/// Waits for an earlier import, but not for ever.
fn take_turn(turn: &Mutex<()>) -> Option<MutexGuard<'_, ()>> {
    const PAUSE: Duration = Duration::from_millis(10);
    for _ in 0..LIMIT.as_millis() / PAUSE.as_millis() {
        match turn.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
    None
}

fn explain(error: &p12_keystore::error::Error) -> Error {
    use p12_keystore::error::Error as E;
    match error {
        E::MacError(_) | E::Pkcs5Error(_) | E::UnpadError => {
            Error::invalid("wrong password for the PKCS#12 file, or the file is damaged")
        }
        E::UnsupportedEncryptionScheme | E::UnsupportedMacAlgorithm => {
            unreadable("its encryption is not supported")
        }
        E::InvalidParameters => unreadable("it asks for too many rounds of key derivation"),
        other => unreadable(&other.to_string()),
    }
}

fn unreadable(why: &str) -> Error {
    Error::invalid(format!("PKCS#12 file cannot be read: {why}"))
}
