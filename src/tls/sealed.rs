//! The envelope of a stored identity: AES-256-GCM under the store's master key (trust §8.3).
//!
//! ```text
//! "SETI" │ version 1 │ nonce, 12 bytes │ ciphertext and tag
//! ```
//!
//! Magic, version and label are associated data, so that a file cannot be passed off as another's.
//! The plain text is `u32` count of certificates, then each certificate and last the key as `u32`
//! length and bytes, all little-endian.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::TlsIdentity;
use crate::error::{Code, Error, Result};

const HEADER: &[u8; 5] = b"SETI\x01";
/// More certificates than any chain has.
const MAX_CERTIFICATES: u32 = 32;

/// Length of the master key.
pub(super) const KEY_LEN: usize = 32;

/// Key that all identities of a store are sealed with.
pub(super) type MasterKey = Zeroizing<[u8; KEY_LEN]>;

/// Seals `identity` for the file of `label`.
pub(super) fn seal(identity: &TlsIdentity, label: &str, master: &MasterKey) -> Result<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::new());
    let mut put = |bytes: &[u8]| -> Result<()> {
        let length = u32::try_from(bytes.len()).map_err(|_| failed("too large"))?;
        plain.extend_from_slice(&length.to_le_bytes());
        plain.extend_from_slice(bytes);
        Ok(())
    };
    for certificate in identity.chain_der() {
        put(certificate)?;
    }
    put(identity.key_der())?;
    let count = u32::try_from(identity.chain_der().len()).map_err(|_| failed("too large"))?;
    let mut body = Zeroizing::new(count.to_le_bytes().to_vec());
    body.extend_from_slice(&plain);

    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|_| failed("no random bytes"))?;
    cipher(master)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated(label)),
            &mut *body,
        )
        .map_err(|_| failed("encryption failed"))?;
    let mut sealed = HEADER.to_vec();
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// `CorruptData` when it was made with another key or for another label, or was changed;
/// `DatabaseTooNew` for a later version.
pub(super) fn open(sealed: &[u8], label: &str, master: &MasterKey) -> Result<TlsIdentity> {
    let corrupt = || {
        Error::lite(
            Code::CorruptData,
            "it is damaged or was sealed with another master key",
        )
    };
    let (header, rest) = sealed.split_at_checked(HEADER.len()).ok_or_else(corrupt)?;
    if header[..4] == HEADER[..4] && header[4] > HEADER[4] {
        return Err(Error::lite(
            Code::DatabaseTooNew,
            format!("it has version {}, this program knows 1", header[4]),
        ));
    }
    if header != HEADER {
        return Err(corrupt());
    }
    let (nonce, cipher_text) = rest.split_at_checked(NONCE_LEN).ok_or_else(corrupt)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| corrupt())?;
    let mut body = Zeroizing::new(cipher_text.to_vec());
    let plain = cipher(master)?
        .open_in_place(nonce, Aad::from(associated(label)), &mut body)
        .map_err(|_| corrupt())?;

    let mut rest: &[u8] = plain;
    let count = take_u32(&mut rest).filter(|count| *count <= MAX_CERTIFICATES);
    let mut chain = Vec::new();
    for _ in 0..count.ok_or_else(corrupt)? {
        chain.push(take_bytes(&mut rest).ok_or_else(corrupt)?.to_vec());
    }
    let key = take_bytes(&mut rest).ok_or_else(corrupt)?;
    TlsIdentity::from_parts(chain, Zeroizing::new(key.to_vec()))
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*bytes))
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_u32(rest)?).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

fn associated(label: &str) -> Vec<u8> {
    [HEADER, label.as_bytes()].concat()
}

fn cipher(master: &MasterKey) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &master[..])
        .map(LessSafeKey::new)
        .map_err(|_| failed("bad master key"))
}

fn failed(why: &str) -> Error {
    Error::lite(Code::Crypto, format!("sealing a TLS identity: {why}"))
}
