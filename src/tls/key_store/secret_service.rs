//! The Secret Service of Linux desktops (GNOME Keyring, KDE Wallet, KeePassXC), over D-Bus.
//!
//! The ready-made stores for keyring-core unlock what is locked, which asks the user for a
//! password. This one takes "locked" for an answer. Each question has a connection of its own, so
//! that a service which admits one connection only shows that at once.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error, Result};
use secret_service::{Collection, EncryptionType, Error as ServiceError, Item, SecretService};

use super::keyring::PATIENCE;

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
    async fn find<'a>(&self, service: &'a SecretService<'_>) -> Result<Item<'a>> {
        // Some services find nothing while they are locked: that would look as if it were gone.
        unlocked_collection(service).await?;
        let found = service.search_items(self.as_map()).await.map_err(failed)?;
        match found.unlocked.into_iter().next() {
            Some(item) => Ok(item),
            None if found.locked.is_empty() => Err(Error::NoEntry),
            None => Err(failed(ServiceError::Locked)),
        }
    }
}

impl CredentialApi for Attributes {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        talk(async |service| {
            let collection = unlocked_collection(service).await?;
            collection
                .create_item(LABEL, self.as_map(), secret, true, "text/plain")
                .await
                .map(drop)
                .map_err(failed)
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        talk(async |service| {
            let item = self.find(service).await?;
            item.get_secret().await.map_err(failed)
        })
    }

    fn delete_credential(&self) -> Result<()> {
        talk(async |service| self.find(service).await?.delete().await.map_err(failed))
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

async fn unlocked_collection<'a>(service: &'a SecretService<'_>) -> Result<Collection<'a>> {
    let collection = match service.get_default_collection().await {
        Err(ServiceError::NoResult) => return Err(refused("it has no default collection")),
        other => other.map_err(failed)?,
    };
    collection.ensure_unlocked().await.map_err(failed)?;
    Ok(collection)
}

/// Connects and talks, on this thread alone; all of it ends with the call, be it by time.
fn talk<T>(conversation: impl AsyncFnOnce(&SecretService<'_>) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::PlatformFailure(Box::new(error)))?;
    let talk = async {
        // Encrypted, so that who listens on the bus does not hear the key.
        let service = SecretService::connect(EncryptionType::Dh).await;
        conversation(&service.map_err(failed)?).await
    };
    runtime.block_on(async {
        match tokio::time::timeout(PATIENCE, talk).await {
            Ok(answer) => answer,
            Err(_) => Err(refused("it does not answer")),
        }
    })
}

fn failed(error: ServiceError) -> Error {
    match error {
        ServiceError::Locked => refused("it is locked"),
        ServiceError::NoResult => Error::NoEntry,
        other => Error::PlatformFailure(Box::new(other)),
    }
}

fn refused(why: &'static str) -> Error {
    Error::NoStorageAccess(why.into())
}
