//! The Secret Service of Linux desktops (GNOME Keyring, KDE Wallet, KeePassXC), over D-Bus.
//!
//! The ready-made stores for keyring-core unlock what is locked, which asks the user for a
//! password. This one takes "locked" for an answer. Each question has a connection of its own, so
//! that a service which admits one connection only shows that at once.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use dbus_secret_service::{Collection, EncryptionType, Error as ServiceError, Item, SecretService};
use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error, Result};

const LOCKED: &str = "it is locked";

/// What programs that show keys call ours.
const LABEL: &str = "Settee: key of TLS identities";

/// The default collection of the session's Secret Service.
#[derive(Debug)]
pub(super) struct SecretServiceStore;

impl CredentialStoreApi for SecretServiceStore {
    fn vendor(&self) -> String {
        "Secret Service".into()
    }

    fn id(&self) -> String {
        "default collection".into()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        _modifiers: Option<&HashMap<&str, &str>>,
    ) -> Result<Entry> {
        Ok(Entry::new_with_credential(Arc::new(Attributes {
            service: service.into(),
            user: user.into(),
        })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What an item is found by.
#[derive(Debug)]
struct Attributes {
    service: String,
    user: String,
}

impl Attributes {
    /// As keyring's own stores name them.
    fn as_map(&self) -> HashMap<&str, &str> {
        HashMap::from([("service", &*self.service), ("username", &*self.user)])
    }

    /// The item, if it can be read at once.
    fn find<'a>(&self, service: &'a SecretService) -> Result<Item<'a>> {
        // Some services find nothing while they are locked: that would look as if it were gone.
        unlocked_collection(service)?;
        let found = service.search_items(self.as_map()).map_err(failed)?;
        match found.unlocked.into_iter().next() {
            Some(item) => Ok(item),
            None if found.locked.is_empty() => Err(Error::NoEntry),
            None => Err(refused(LOCKED)),
        }
    }
}

impl CredentialApi for Attributes {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let service = connect()?;
        let collection = unlocked_collection(&service)?;
        collection
            .create_item(LABEL, self.as_map(), secret, true, "text/plain")
            .map(drop)
            .map_err(failed)
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.find(&connect()?)?.get_secret().map_err(failed)
    }

    fn delete_credential(&self) -> Result<()> {
        self.find(&connect()?)?.delete().map_err(failed)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn unlocked_collection(service: &SecretService) -> Result<Collection<'_>> {
    let collection = match service.get_default_collection() {
        Err(ServiceError::NoResult) => return Err(refused("it has no default collection")),
        other => other.map_err(failed)?,
    };
    if collection.is_locked().map_err(failed)? {
        return Err(refused(LOCKED));
    }
    Ok(collection)
}

/// A connection that never prompts, and encrypts, so that the key stays out of records of the bus.
fn connect() -> Result<SecretService> {
    SecretService::connect_with_max_prompt_timeout(EncryptionType::Dh, 0).map_err(failed)
}

fn failed(error: ServiceError) -> Error {
    match error {
        ServiceError::Locked | ServiceError::Prompt => refused(LOCKED),
        ServiceError::NoResult => Error::NoEntry,
        other => Error::PlatformFailure(Box::new(other)),
    }
}

fn refused(why: &'static str) -> Error {
    Error::NoStorageAccess(why.into())
}
