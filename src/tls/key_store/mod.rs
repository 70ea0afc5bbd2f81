//! The operating system's key store: keeps short secrets under names (trust §8.3).
//!
//! It is asked when a master key is made, read or forgotten, and at no other time: nothing of it
//! is loaded or started before. It never asks the user: a store that would is one that refuses.

use std::fmt::Debug;
use std::sync::Arc;

use super::sealed::MasterKey;
use crate::error::{Error, Result};

#[cfg(feature = "key-store")]
pub(super) mod keyring;
#[cfg(all(feature = "key-store", target_os = "linux"))]
mod secret_service;

/// Set to `file`, no key store of the system is used.
const VARIABLE: &str = "SETTEE_KEY_STORE";

/// Name of this system's key store.
pub(super) const SYSTEM_STORE: &str = if cfg!(target_os = "macos") {
    "macOS Keychain"
} else if cfg!(windows) {
    "Windows Credential Manager"
} else {
    "Secret Service"
};

/// Something that keeps keys under names. Its errors say why it does not, in words that follow a
/// colon.
pub(super) trait KeyStore: Debug + Send + Sync {
    /// Takes a key and makes sure that it gives it back.
    fn put(&self, name: &str, key: &MasterKey) -> Result<(), String>;

    /// The key of a name; `None` when the store answers that it has none.
    fn get(&self, name: &str) -> Result<Option<MasterKey>, String>;

    /// Removes a key; one that is not there is no error.
    fn forget(&self, name: &str) -> Result<(), String>;
}

/// The key store of this system, or why there is none.
pub(super) type SystemStore = Result<Arc<dyn KeyStore>, &'static str>;

/// Finds this system's store without asking it.
///
/// # Errors
/// `InvalidParameter` for an unknown value of `SETTEE_KEY_STORE`.
pub(super) fn system_store() -> Result<SystemStore> {
    let wanted = std::env::var_os(VARIABLE).unwrap_or_default();
    if wanted == "file" {
        return Ok(Err("SETTEE_KEY_STORE=file forbids its use"));
    }
    if !wanted.is_empty() {
        return Err(Error::invalid(format!(
            "{VARIABLE} is {wanted:?}, must be \"file\" or not be set"
        )));
    }
    Ok(possible_store())
}

#[cfg(feature = "key-store")]
fn possible_store() -> SystemStore {
    let bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").unwrap_or_default();
    if cfg!(target_os = "linux") && bus.is_empty() {
        return Err("there is no D-Bus session, DBUS_SESSION_BUS_ADDRESS is not set");
    }
    if !cfg!(any(target_os = "linux", target_os = "macos", windows)) {
        return Err("it is not known on this system");
    }
    Ok(Arc::new(keyring::Keyring::of_the_system()))
}

#[cfg(not(feature = "key-store"))]
fn possible_store() -> SystemStore {
    Err("this program was built without the feature key-store")
}
