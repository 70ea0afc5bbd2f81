//! Identities kept on disk under a label (trust §8.3).
//!
//! ```text
//! <folder>/             0700
//!   master.key          0600   32 random bytes
//!   <label>.id          0600   sealed with the master key
//!   .lock               0600   held while anything changes
//! ```
//!
//! **The protection is weak**: the master key lies beside what it protects, so whoever can read
//! the user's files can read the identities. It keeps other users out, and it is the shape into
//! which a stronger keeper of the master key (an OS keyring) fits later.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::owner_only::OwnerOnlyDir;
use super::sealed::{self, KEY_LEN, MasterKey};
use super::{IdentityOptions, SelfSignedOptions, TlsIdentity};
use crate::error::{Code, Error, Result};

/// Label of the identity that listeners use when they are given none.
pub const ANONYMOUS_LABEL: &str = "settee-anonymous";
/// Its common name tells nothing about the user or the machine.
const ANONYMOUS_NAME: &str = "peer";
/// Renewed when less than one part in this many of its life is left.
const RENEWAL_SHARE: u32 = 10;

const MASTER_KEY: &str = "master.key";
const LOCK: &str = ".lock";
const ENDING: &str = ".id";
const MAX_LABEL: usize = 64;

/// Attempts to get the lock, and the pause between two: 10 s in all.
const LOCK_ATTEMPTS: u32 = 1000;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Who keeps the master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protection {
    /// A file beside the identities that only its owner may read: it keeps other users out, not
    /// other programs of the same user.
    OwnerOnlyFile,
}

impl Protection {
    /// `weak`: whoever reads the user's files reads the keys.
    pub fn class(self) -> &'static str {
        match self {
            Self::OwnerOnlyFile => "weak",
        }
    }

    /// Name of the keeper.
    pub fn keeper(self) -> &'static str {
        match self {
            Self::OwnerOnlyFile => "owner-only file",
        }
    }
}

/// A folder of identities, shared by all processes of one user. Every method blocks on the disk;
/// making an identity takes CPU as well.
#[derive(Clone, Debug)]
pub struct IdentityStore {
    folder: OwnerOnlyDir,
}

impl IdentityStore {
    /// Opens the store in `folder`, which is made when it is not there.
    ///
    /// # Errors
    /// `Posix`; `CantOpenFile` when the folder is not the user's alone.
    pub fn open(folder: &Path) -> Result<Self> {
        OwnerOnlyDir::open(folder).map(|folder| Self { folder })
    }

    /// The identity of listeners that were given none: made once, then reused, and renewed *with
    /// the same key* when less than a tenth of its year is left or the clock stands outside it.
    ///
    /// # Errors
    /// As [`IdentityStore::get`]. A file that cannot be opened is never replaced silently, because
    /// peers may have pinned what is in it.
    pub fn anonymous(&self, now: SystemTime) -> Result<TlsIdentity> {
        let _lock = self.lock()?;
        let old = self.read(ANONYMOUS_LABEL)?;
        if let Some(identity) = &old
            && !needs_renewal(identity, now)?
        {
            return Ok(identity.clone());
        }
        let mut options = SelfSignedOptions::new(ANONYMOUS_NAME, now);
        if let Some(identity) = &old {
            options = options.with_key_of(identity);
        }
        let identity = TlsIdentity::self_signed(&options)?;
        self.write(ANONYMOUS_LABEL, &identity)?;
        if old.is_none() {
            tracing::info!(
                target: "listener",
                protection = "weak",
                "made an anonymous TLS identity; its key is kept in an owner-only file"
            );
        } else {
            tracing::info!(target: "listener", "renewed the anonymous TLS identity, same key");
        }
        Ok(identity)
    }

    /// The identity under `label`, if there is one.
    ///
    /// # Errors
    /// `InvalidParameter` for a bad label; `CorruptData` or `CantOpenFile` naming the file.
    pub fn get(&self, label: &str) -> Result<Option<TlsIdentity>> {
        check_label(label)?;
        self.read(label)
    }

    /// Stores an identity under a label that is free.
    ///
    /// # Errors
    /// `InvalidParameter` for a bad label or one in use.
    pub fn put(&self, label: &str, identity: &TlsIdentity) -> Result<()> {
        check_label(label)?;
        let _lock = self.lock()?;
        self.check_free(label)?;
        self.write(label, identity)
    }

    /// The identity that `options` describe: made or read and then stored, if they have a label, or
    /// fetched. Takes CPU.
    ///
    /// # Errors
    /// As [`TlsIdentity::self_signed`], [`TlsIdentity::from_pkcs12`] and [`IdentityStore::put`];
    /// `NotFound` for a stored identity that is not there, `InvalidParameter` for one whose time
    /// is over or has not come.
    pub fn make(&self, options: &IdentityOptions, now: SystemTime) -> Result<TlsIdentity> {
        if let IdentityOptions::Stored { label } = options {
            let identity = self.get(label)?.ok_or_else(|| {
                Error::not_found(format!("there is no TLS identity with the label {label:?}"))
            })?;
            identity.check_dates(now)?;
            return Ok(identity);
        }
        let label = options.label();
        if let Some(label) = label {
            // Before the work; `put` looks again.
            self.check_free(label)?;
        }
        let identity = options.make(now)?;
        if let Some(label) = label {
            self.put(label, &identity)?;
        }
        Ok(identity)
    }

    /// The labels in use, sorted.
    ///
    /// # Errors
    /// `Posix`.
    pub fn labels(&self) -> Result<Vec<String>> {
        let mut labels = self.folder.names_with(ENDING)?;
        labels.retain(|label| check_label(label).is_ok());
        labels.sort();
        Ok(labels)
    }

    /// How well the private keys are kept.
    pub fn protection(&self) -> Protection {
        Protection::OwnerOnlyFile
    }

    /// Frees a label; false when nothing was there. Listeners made with the identity keep it. With
    /// the last identity goes the master key.
    ///
    /// # Errors
    /// `InvalidParameter` for a bad label; `Posix`.
    pub fn delete(&self, label: &str) -> Result<bool> {
        check_label(label)?;
        let _lock = self.lock()?;
        let existed = self.folder.remove(&file_of(label))?;
        if self.folder.names_with(ENDING)?.is_empty() {
            self.folder.remove(MASTER_KEY)?;
        }
        Ok(existed)
    }

    fn check_free(&self, label: &str) -> Result<()> {
        if self.get(label)?.is_some() {
            return Err(Error::invalid(format!(
                "Certificate already exists with the label {label:?}"
            )));
        }
        Ok(())
    }

    fn read(&self, label: &str) -> Result<Option<TlsIdentity>> {
        let file = file_of(label);
        let Some(content) = self.folder.read(&file)? else {
            return Ok(None);
        };
        let named = |code, why: &str| {
            let path = self.folder.path_of(&file);
            Error::lite(code, format!("{}: {why}", path.display()))
        };
        let Some(master) = self.master_key()? else {
            return Err(named(Code::CorruptData, "the master key is missing"));
        };
        match sealed::open(&content, label, &master) {
            Ok(identity) => Ok(Some(identity)),
            Err(Error::Lite { code, message }) => Err(named(code, &message)),
            Err(other) => Err(other),
        }
    }

    fn write(&self, label: &str, identity: &TlsIdentity) -> Result<()> {
        let master = match self.master_key()? {
            Some(master) => master,
            None => {
                let mut master = MasterKey::default();
                getrandom::fill(&mut master[..]).map_err(|error| {
                    Error::lite(Code::Crypto, format!("no random bytes: {error}"))
                })?;
                self.folder.write(MASTER_KEY, &master[..])?;
                master
            }
        };
        let sealed = sealed::seal(identity, label, &master)?;
        self.folder.write(&file_of(label), &sealed)
    }

    fn master_key(&self) -> Result<Option<MasterKey>> {
        let Some(content) = self.folder.read(MASTER_KEY)?.map(zeroize::Zeroizing::new) else {
            return Ok(None);
        };
        let key: [u8; KEY_LEN] = content[..].try_into().map_err(|_| {
            Error::lite(
                Code::CorruptData,
                format!(
                    "{}: {} bytes, must be {KEY_LEN}",
                    self.folder.path_of(MASTER_KEY).display(),
                    content.len()
                ),
            )
        })?;
        Ok(Some(MasterKey::new(key)))
    }

    /// Keeps other processes and threads from changing the store while the file is open.
    fn lock(&self) -> Result<File> {
        let file = self.folder.open_lock(LOCK)?;
        for _ in 0..LOCK_ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
        Err(Error::lite(
            Code::Busy,
            format!(
                "{}: another process holds the lock for more than 10 s",
                self.folder.path_of(LOCK).display()
            ),
        ))
    }
}

fn needs_renewal(identity: &TlsIdentity, now: SystemTime) -> Result<bool> {
    let (not_before, not_after) = identity.validity()?;
    let life = not_after.duration_since(not_before).unwrap_or_default();
    let left = not_after.duration_since(now).unwrap_or_default();
    // A clock that was wrong at creation may have made one that starts in the future.
    Ok(now < not_before || left < life / RENEWAL_SHARE)
}

fn check_label(label: &str) -> Result<()> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(legal) && !label.starts_with('.')
    {
        return Ok(());
    }
    let shown: String = label.chars().take(MAX_LABEL).collect();
    Err(Error::invalid(format!(
        "identity label {shown:?} must be 1 to {MAX_LABEL} of A-Z a-z 0-9 . _ - and not start with ."
    )))
}

fn file_of(label: &str) -> String {
    format!("{label}{ENDING}")
}
