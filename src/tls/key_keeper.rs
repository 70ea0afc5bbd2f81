//! Who keeps the master key of a folder of identities (trust §8.3).
//!
//! The system's key store, if it takes the key and gives it back without asking the user; else a
//! file that only the owner may read. That is decided when the key is made, and one of two files
//! tells of it later:
//!
//! ```text
//! master.key    the key itself
//! master.name   the name under which the system's key store has it, 32 hexadecimal digits
//! ```
//!
//! The name is random: folders do not share keys. It is written before the key is handed over, so
//! that an interrupted start leaves a name without a key and never a key without a name.

use std::fmt::Display;

use zeroize::Zeroizing;

use super::key_store::{KeyStore, SYSTEM_STORE, SystemStore};
use super::owner_only::OwnerOnlyDir;
use super::sealed::{KEY_LEN, MasterKey};
use crate::error::{Code, Error, Result};

const MASTER_KEY: &str = "master.key";
const MASTER_NAME: &str = "master.name";
const NAME_LEN: usize = 32;

/// Who keeps the master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protection {
    /// A file beside the identities that only its owner may read: it keeps other users out, not
    /// other programs of the same user.
    OwnerOnlyFile,
    /// The operating system's key store: the user's files alone do not open the identities. To
    /// which programs of the user it gives the key is the store's decision.
    SystemStore,
}

impl Protection {
    /// `weak`: whoever reads the user's files reads the keys. `strong`: they are not enough.
    pub fn class(self) -> &'static str {
        match self {
            Self::OwnerOnlyFile => "weak",
            Self::SystemStore => "strong",
        }
    }

    /// Name of the keeper.
    pub fn keeper(self) -> &'static str {
        match self {
            Self::OwnerOnlyFile => "owner-only file",
            Self::SystemStore => SYSTEM_STORE,
        }
    }
}

/// The keeper of one folder. Whoever changes something holds the folder's lock.
#[derive(Clone, Debug)]
pub(super) struct KeyKeeper {
    folder: OwnerOnlyDir,
    system: SystemStore,
}

impl KeyKeeper {
    pub(super) fn new(folder: OwnerOnlyDir, system: SystemStore) -> Self {
        Self { folder, system }
    }

    /// Who keeps the key, or would if it were made now.
    ///
    /// # Errors
    /// Those of reading the folder.
    pub(super) fn protection(&self) -> Result<Protection> {
        if self.key_in_file()?.is_some() {
            return Ok(Protection::OwnerOnlyFile);
        }
        let is_in_system = match (&self.system, self.name()?) {
            (_, Some(_)) => true,
            (Ok(store), None) => store.get(&random_name()?).is_ok(),
            (Err(_), None) => false,
        };
        Ok(if is_in_system {
            Protection::SystemStore
        } else {
            Protection::OwnerOnlyFile
        })
    }

    /// The key, if it was made.
    ///
    /// # Errors
    /// `CantOpenFile` when the system's store does not answer, `CorruptData` when it has the key no
    /// longer; those of reading the folder.
    pub(super) fn key(&self) -> Result<Option<MasterKey>> {
        if let Some(key) = self.key_in_file()? {
            return Ok(Some(key));
        }
        match self.name()? {
            Some(name) => self.key_named(&name).map(Some),
            None => Ok(None),
        }
    }

    /// The key, made if it was not. `is_unused` when there is nothing that it opens: then one that
    /// cannot be had is replaced.
    ///
    /// # Errors
    /// As [`KeyKeeper::key`].
    pub(super) fn key_or_new(&self, is_unused: bool) -> Result<MasterKey> {
        if let Some(key) = self.key_in_file()? {
            return Ok(key);
        }
        match self.name()?.map(|name| self.key_named(&name)) {
            None => self.make(),
            Some(Err(_)) if is_unused => self.make(),
            Some(key) => key,
        }
    }

    /// Removes the key wherever it is. A store that does not answer keeps a key that opens nothing.
    ///
    /// # Errors
    /// `Posix`.
    pub(super) fn forget(&self) -> Result<()> {
        if let Ok(Some(name)) = self.name() {
            let store = self.system.as_ref().map_err(|why| (*why).to_owned());
            if let Err(why) = store.and_then(|store| store.forget(&name)) {
                tracing::warn!(
                    target: "listener",
                    store = SYSTEM_STORE, name, why,
                    "a key that is no longer used stays in the key store"
                );
            }
        }
        self.folder.remove(MASTER_NAME)?;
        self.folder.remove(MASTER_KEY)?;
        Ok(())
    }

    fn make(&self) -> Result<MasterKey> {
        self.forget()?;
        let mut key = MasterKey::default();
        fill(&mut key[..])?;
        let is_kept = match &self.system {
            Ok(store) => self.hand_over(&**store, &key)?,
            Err(_) => false,
        };
        if !is_kept {
            self.folder.write(MASTER_KEY, &key[..])?;
        }
        Ok(key)
    }

    /// Gives the key to the system's store; false when it does not take it.
    fn hand_over(&self, store: &dyn KeyStore, key: &MasterKey) -> Result<bool> {
        let name = random_name()?;
        self.folder.write(MASTER_NAME, name.as_bytes())?;
        if let Err(why) = store.put(&name, key) {
            tracing::info!(
                target: "listener",
                store = SYSTEM_STORE, why,
                "the system's key store is not used for TLS identities"
            );
            self.folder.remove(MASTER_NAME)?;
            return Ok(false);
        }
        Ok(true)
    }

    fn key_in_file(&self) -> Result<Option<MasterKey>> {
        let Some(content) = self.folder.read(MASTER_KEY)?.map(Zeroizing::new) else {
            return Ok(None);
        };
        let key: [u8; KEY_LEN] = content[..].try_into().map_err(|_| {
            let length = content.len();
            self.corrupt(MASTER_KEY, format!("{length} bytes, must be {KEY_LEN}"))
        })?;
        Ok(Some(MasterKey::new(key)))
    }

    fn key_named(&self, name: &str) -> Result<MasterKey> {
        let folder = self.folder.path_of("");
        let stored = format!(
            "the key of the TLS identities in {} is in the system's key store ({SYSTEM_STORE}), \
             under the name {name}",
            folder.display()
        );
        let store = self.system.as_ref().map_err(|why| (*why).to_owned());
        match store.and_then(|store| store.get(name)) {
            Ok(Some(key)) => Ok(key),
            Ok(None) => Err(self.corrupt(
                MASTER_NAME,
                format!(
                    "{stored}, but it was deleted there: bring it back, or delete the identities"
                ),
            )),
            Err(why) => Err(Error::lite(
                Code::CantOpenFile,
                format!(
                    "{stored}, which cannot be asked now: {why}. Unlock or start it, or delete \
                     the identities"
                ),
            )),
        }
    }

    /// Under which name the system's store has the key, if it has.
    fn name(&self) -> Result<Option<String>> {
        let Some(content) = self.folder.read(MASTER_NAME)? else {
            return Ok(None);
        };
        let is_name = content.len() == NAME_LEN && content.iter().all(u8::is_ascii_hexdigit);
        match String::from_utf8(content) {
            Ok(name) if is_name => Ok(Some(name)),
            _ => Err(self.corrupt(
                MASTER_NAME,
                format!("must be {NAME_LEN} hexadecimal digits"),
            )),
        }
    }

    fn corrupt(&self, file: &str, why: impl Display) -> Error {
        let path = self.folder.path_of(file);
        Error::lite(Code::CorruptData, format!("{}: {why}", path.display()))
    }
}

fn random_name() -> Result<String> {
    let mut name = [0; NAME_LEN / 2];
    fill(&mut name)?;
    Ok(format!("{:032x}", u128::from_le_bytes(name)))
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::lite(Code::Crypto, format!("no random bytes: {error}")))
}
