//! A key store that is reached through keyring-core: each system's, and those of tests.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring_core::{CredentialStore, Entry, Error as KeyringError};
use zeroize::Zeroizing;

use super::KeyStore;
use crate::tls::sealed::{KEY_LEN, MasterKey};

/// A store that has not answered by then is one that is not there (trust §8.3).
const PATIENCE: Duration = Duration::from_secs(2);

/// What all our entries are filed under, beside their own names.
const SERVICE: &str = "settee";

/// Stays on this computer, as the identities do.
#[cfg(windows)]
const MODIFIERS: &[(&str, &str)] = &[("persistence", "Local")];
#[cfg(not(windows))]
const MODIFIERS: &[(&str, &str)] = &[];

/// A store for the time of one question, and what keeps it from asking the user meanwhile.
pub(in crate::tls) struct Opened {
    store: Arc<CredentialStore>,
    _quiet: Box<dyn Any>,
}

impl Opened {
    pub(in crate::tls) fn new(store: Arc<CredentialStore>, quiet: impl Any) -> Self {
        Self {
            store,
            _quiet: Box::new(quiet),
        }
    }
}

type Open = dyn Fn() -> keyring_core::Result<Opened> + Send + Sync;

/// Asks on a thread of its own, and waits only so long.
pub(in crate::tls) struct Keyring {
    open: Arc<Open>,
    patience: Duration,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    /// The one that belongs to the operating system.
    pub(super) fn of_the_system() -> Self {
        Self::new(open_system, PATIENCE)
    }

    pub(in crate::tls) fn new(
        open: impl Fn() -> keyring_core::Result<Opened> + Send + Sync + 'static,
        patience: Duration,
    ) -> Self {
        Self {
            open: Arc::new(open),
            patience,
        }
    }

    /// Asks something about an entry. When the answer comes too late, `undo` runs after it.
    fn ask<T: Send + 'static>(
        &self,
        name: &str,
        question: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
        undo: impl FnOnce(&Entry) + Send + 'static,
    ) -> Result<T, String> {
        let (open, name) = (Arc::clone(&self.open), name.to_owned());
        // Without a place in between, an answer is either received or known to be too late.
        let (answer, answered) = mpsc::sync_channel(0);
        let ask = move || {
            let modifiers = MODIFIERS.iter().copied().collect::<HashMap<_, _>>();
            let opened = open().and_then(|opened| {
                let store = &opened.store;
                let entry = Entry::new_in_store_with_modifiers(store, SERVICE, &name, &modifiers)?;
                Ok((entry, opened))
            });
            match opened {
                Ok((entry, _opened)) => {
                    if answer.send(question(&entry)).is_err() {
                        undo(&entry);
                    }
                }
                // Nobody may be waiting any more.
                Err(error) => drop(answer.send(Err(error))),
            }
        };
        std::thread::Builder::new()
            .name("settee-key-store".into())
            .spawn(ask)
            .map_err(|error| format!("no thread to ask it: {error}"))?;
        match answered.recv_timeout(self.patience) {
            Ok(answer) => answer.map_err(told),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(format!(
                "it has not answered within {} ms",
                self.patience.as_millis()
            )),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err("it failed".into()),
        }
    }
}

impl KeyStore for Keyring {
    fn put(&self, name: &str, key: &MasterKey) -> Result<(), String> {
        // As text: KDE's wallet keeps no bytes.
        let text = Zeroizing::new(STANDARD.encode(&key[..]));
        let keep = move |entry: &Entry| {
            entry.set_secret(text.as_bytes())?;
            let back = entry.get_secret().map(Zeroizing::new);
            if back.as_ref().is_ok_and(|back| **back == *text.as_bytes()) {
                return Ok(());
            }
            delete(entry);
            let changed = || KeyringError::PlatformFailure("it gives back something else".into());
            Err(back.err().unwrap_or_else(changed))
        };
        self.ask(name, keep, delete)
    }

    fn get(&self, name: &str) -> Result<Option<MasterKey>, String> {
        let recall = |entry: &Entry| match entry.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(KeyringError::NoEntry) => Ok(None),
            Err(error) => Err(error),
        };
        let Some(text) = self.ask(name, recall, |_| ())? else {
            return Ok(None);
        };
        let bytes = STANDARD.decode(&*text).map(Zeroizing::new);
        match bytes.map(|bytes| <[u8; KEY_LEN]>::try_from(&bytes[..])) {
            Ok(Ok(key)) => Ok(Some(MasterKey::new(key))),
            _ => Err(format!("what it has there is no key of {KEY_LEN} bytes")),
        }
    }

    fn forget(&self, name: &str) -> Result<(), String> {
        let forget = |entry: &Entry| match entry.delete_credential() {
            Err(KeyringError::NoEntry) => Ok(()),
            other => other,
        };
        self.ask(name, forget, |_| ())
    }
}

/// Takes back what a store took but cannot be relied on to keep.
fn delete(entry: &Entry) {
    if let Err(error) = entry.delete_credential() {
        tracing::debug!(target: "listener", %error, "a key that is not used may stay in the key store");
    }
}

fn told(error: KeyringError) -> String {
    match error {
        KeyringError::NoStorageAccess(error) | KeyringError::PlatformFailure(error) => {
            error.to_string()
        }
        other => other.to_string(),
    }
}

#[cfg(target_os = "linux")]
fn open_system() -> keyring_core::Result<Opened> {
    let store = Arc::new(super::secret_service::SecretServiceStore);
    Ok(Opened::new(store, ()))
}

#[cfg(target_os = "macos")]
fn open_system() -> keyring_core::Result<Opened> {
    use security_framework::os::macos::keychain::SecKeychain;

    let quiet = SecKeychain::disable_user_interaction()
        .map_err(|error| KeyringError::PlatformFailure(Box::new(error)))?;
    let store = apple_native_keyring_store::keychain::Store::new()?;
    Ok(Opened::new(store, quiet))
}

#[cfg(windows)]
fn open_system() -> keyring_core::Result<Opened> {
    let store = windows_native_keyring_store::Store::new()?;
    Ok(Opened::new(store, ()))
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn open_system() -> keyring_core::Result<Opened> {
    Err(KeyringError::NoDefaultStore)
}
