//! Identities kept on disk under a label (trust §8.3).
//!
//! ```text
//! <folder>/             0700
//!   master.name         0600   where the system's key store has the master key, or
//!   master.key          0600   the master key itself: see `key_keeper`
//!   <label>.id          0600   sealed with the master key
//!   .lock               0600   held while anything changes
//! ```
//!
//! **With `master.key` the protection is weak**: it lies beside what it protects, so whoever can
//! read the user's files can read the identities. It keeps other users out.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::key_keeper::{KeyKeeper, Protection};
use super::key_store::{SystemStore, system_store};
use super::owner_only::OwnerOnlyDir;
use super::sealed;
use super::{IdentityOptions, SelfSignedOptions, TlsIdentity};
use crate::error::{Code, Error, Result};

/// Label of the identity that listeners use when they are given none.
pub const ANONYMOUS_LABEL: &str = "settee-anonymous";
/// Its common name tells nothing about the user or the machine.
const ANONYMOUS_NAME: &str = "peer";
/// Renewed when less than one part in this many of its life is left.
const RENEWAL_SHARE: u32 = 10;

const LOCK: &str = ".lock";
const ENDING: &str = ".id";
const MAX_LABEL: usize = 64;

/// Attempts to get the lock, and the pause between two: 10 s in all.
const LOCK_ATTEMPTS: u32 = 1000;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A folder of identities, shared by all processes of one user. Every method blocks on the disk and
/// perhaps on the system's key store; making an identity takes CPU as well.
#[derive(Clone, Debug)]
pub struct IdentityStore {
    folder: OwnerOnlyDir,
    keeper: KeyKeeper,
}

impl IdentityStore {
    /// Opens the store in `folder`, which is made when it is not there.
    ///
    /// # Errors
    /// `Posix`; `CantOpenFile` when the folder is not the user's alone; `InvalidParameter` for an
    /// unknown `SETTEE_KEY_STORE`.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with(folder, system_store()?)
    }

    /// As [`IdentityStore::open`], with a key store of the caller's.
    pub(super) fn open_with(folder: &Path, system: SystemStore) -> Result<Self> {
        let folder = OwnerOnlyDir::open(folder)?;
        let keeper = KeyKeeper::new(folder.clone(), system);
        Ok(Self { folder, keeper })
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
            let protection = self.keeper.protection()?;
            tracing::info!(
                target: "listener",
                protection = protection.class(),
                keeper = protection.keeper(),
                "made an anonymous TLS identity"
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

    /// How well the private keys are kept; when there are none yet, how they would be. Takes up to
    /// two seconds then.
    ///
    /// # Errors
    /// `CantOpenFile` or `CorruptData` naming the file.
    pub fn protection(&self) -> Result<Protection> {
        self.keeper.protection()
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
            self.keeper.forget()?;
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
        let Some(master) = self.keeper.key()? else {
            return Err(named(Code::CorruptData, "the master key is missing"));
        };
        match sealed::open(&content, label, &master) {
            Ok(identity) => Ok(Some(identity)),
            Err(Error::Lite { code, message }) => Err(named(code, &message)),
            Err(other) => Err(other),
        }
    }

    fn write(&self, label: &str, identity: &TlsIdentity) -> Result<()> {
        let is_unused = self.folder.names_with(ENDING)?.is_empty();
        let master = self.keeper.key_or_new(is_unused)?;
        let sealed = sealed::seal(identity, label, &master)?;
        self.folder.write(&file_of(label), &sealed)
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
