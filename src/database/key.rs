//! Passphrases and the keys that are derived from them, once per open (design D7).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use aws_lc_rs::hmac;

use crate::error::{Code, Error, Result};
use crate::storage::connection::{CipherKey, PLAIN_HEADER};

/// Recognises a passphrase without keeping it: HMAC under a key made for this purpose.
#[derive(Clone)]
pub(super) struct Passphrase {
    key: hmac::Key,
    tag: hmac::Tag,
}

impl Passphrase {
    pub(super) fn new(passphrase: &str) -> Result<Self> {
        let mut random = [0; 32];
        fill_random(&mut random)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random);
        let tag = hmac::sign(&key, passphrase.as_bytes());
        Ok(Self { key, tag })
    }

    /// Whether this is the passphrase; takes the same time either way.
    pub(super) fn is(&self, passphrase: &str) -> bool {
        hmac::verify(&self.key, passphrase.as_bytes(), self.tag.as_ref()).is_ok()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// The key for `file`, which may not be there yet.
///
/// # Errors
/// `NotADatabaseFile` when the file is plain and there is a passphrase. (A wrong passphrase, or
/// none for an encrypted file, is noticed when the file is read.)
pub(super) fn key_of_file(file: &Path, passphrase: Option<&str>) -> Result<Option<CipherKey>> {
    let Some(passphrase) = passphrase else {
        return Ok(None);
    };
    let mut salt = [0; 16];
    match File::open(file).and_then(|mut file| file.read_exact(&mut salt)) {
        Ok(()) if salt == *PLAIN_HEADER => {
            return Err(Error::lite(
                Code::NotADatabaseFile,
                "a key was given, but the database is not encrypted",
            ));
        }
        Ok(()) => {}
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::UnexpectedEof
            ) =>
        {
            fill_random(&mut salt)?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Some(CipherKey::derive(passphrase, salt)))
}

/// A key for a new file.
pub(super) fn new_key(passphrase: Option<&str>) -> Result<Option<CipherKey>> {
    let Some(passphrase) = passphrase else {
        return Ok(None);
    };
    let mut salt = [0; 16];
    fill_random(&mut salt)?;
    Ok(Some(CipherKey::derive(passphrase, salt)))
}

fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::lite(Code::Crypto, format!("no random numbers: {error}")))
}
