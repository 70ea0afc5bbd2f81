//! What a listener presents: where its identity comes from, and how the anonymous one stays fresh.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use super::bind::{self, Bound};
use super::options::ListenerOptions;
use super::server::Server;
use super::tuning;
use crate::database::Database;
use crate::error::Result;
use crate::tls::{self, ClientTrust, IdentityStore, TlsIdentity};

/// Folder of the identity store inside the default database folder.
const IDENTITIES: &str = "identities";

/// Whether a listener presents the anonymous identity: it has TLS and was given no other.
pub(super) fn is_anonymous(options: &ListenerOptions) -> bool {
    !options.is_plain() && options.tls_identity.is_none() && options.identity.is_none()
}

/// Binds, and loads the anonymous identity if there is to be one and none is given; blocks on both.
pub(super) fn bind_and_load(
    options: &ListenerOptions,
    given: Option<TlsIdentity>,
) -> Result<(Bound, Option<TlsIdentity>)> {
    let identity = if options.is_plain() {
        None
    } else if is_anonymous(options) {
        // Looked at with each start, because it may be due for renewal; unless it was replaced.
        let anonymous = identity_store(options)?.anonymous(now())?;
        let is_other = |given: &TlsIdentity| !given.has_same_key(&anonymous);
        given.filter(is_other).or(Some(anonymous))
    } else {
        given
    };
    let port = options.port.unwrap_or_default();
    let bound = bind::bind(options.network_interface.as_deref(), port)?;
    Ok((bound, identity))
}

/// Makes or fetches the identity that the options describe; `None` when that is the anonymous one.
pub(super) fn make(options: &ListenerOptions) -> Result<Option<TlsIdentity>> {
    match options.identity_options()? {
        Some(wanted) => identity_store(options)?.make(&wanted, now()).map(Some),
        None => Ok(None),
    }
}

fn identity_store(options: &ListenerOptions) -> Result<IdentityStore> {
    let folder = match &options.identity_folder {
        Some(folder) => folder.clone(),
        None => default_identity_folder()?,
    };
    IdentityStore::open(&folder)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the listener is where time comes from"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Where identities are stored unless a listener's options say otherwise.
///
/// # Errors
/// `Posix` when there is no folder for the user's data.
pub fn default_identity_folder() -> Result<PathBuf> {
    Ok(Database::default_directory()?.join(IDENTITIES))
}

/// Looks now and then whether the anonymous identity of a running listener is due for renewal: a
/// listener may run for longer than its certificate lives.
pub(super) struct Renewal {
    pub(super) options: ListenerOptions,
    pub(super) identity: Arc<Mutex<Option<TlsIdentity>>>,
    pub(super) clients: Option<ClientTrust>,
    pub(super) server: Weak<Server>,
}

impl Renewal {
    /// Runs until `stop` is cancelled or the server is gone.
    pub(super) async fn run(self, stop: CancellationToken) {
        let this = Arc::new(self);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                // Not until the day: this clock stands still while a computer sleeps.
                () = tokio::time::sleep(tuning::RENEWAL_PAUSE) => {}
            }
            let looking = Arc::clone(&this);
            let looked = tokio::task::spawn_blocking(move || looking.look(now())).await;
            match looked {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(target: "listener", %error, "cannot renew the TLS identity");
                }
                Err(error) => {
                    tracing::error!(target: "listener", %error, "renewing the TLS identity failed");
                }
            }
        }
    }

    /// Renews the identity if it is time; false when nothing is left to renew. Blocks on the disk.
    fn look(&self, now: SystemTime) -> Result<bool> {
        let Some(server) = self.server.upgrade() else {
            return Ok(false);
        };
        let anonymous = identity_store(&self.options)?.anonymous(now)?;
        let mut identity = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        match &*identity {
            // The application has set another one.
            Some(current) if !current.has_same_key(&anonymous) => return Ok(false),
            Some(current) if *current == anonymous => return Ok(true),
            _ => {}
        }
        server.set_tls(tls::server_config(&anonymous, self.clients.as_ref())?);
        *identity = Some(anonymous);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::runtime::Handle;

    use super::*;
    use crate::database::DatabaseOptions;
    use crate::listener::UrlEndpointListener;
    use crate::model::CollectionSpec;
    use crate::tls::SelfSignedOptions;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_running_listener_renews_its_anonymous_identity_with_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open("db", &DatabaseOptions::in_directory(folder.path())).unwrap();
        let options = ListenerOptions {
            collections: vec![CollectionSpec::default_collection()],
            network_interface: Some("127.0.0.1".into()),
            identity_folder: Some(folder.path().join("identities")),
            ..ListenerOptions::default()
        };
        let listener =
            UrlEndpointListener::new(database.clone(), options, Handle::current()).unwrap();
        listener.start().await.unwrap();
        let first = listener.identity().unwrap();
        let renewal = listener.renewal().unwrap();
        assert!(renewal.look(now()).unwrap());
        assert_eq!(listener.identity().unwrap(), first, "not due yet");
        assert!(renewal.look(now() + 340 * DAY).unwrap());
        let second = listener.identity().unwrap();
        assert_ne!(second, first);
        assert!(second.has_same_key(&first));

        // One that the application has set is left alone.
        let other = TlsIdentity::self_signed(&SelfSignedOptions::new("other", now())).unwrap();
        listener.set_identity(other.clone()).unwrap();
        assert!(!renewal.look(now() + 5000 * DAY).unwrap());
        assert_eq!(listener.identity().unwrap(), other);
        listener.stop().await;
        drop(listener);
        assert!(!renewal.look(now()).unwrap());
        database.close().unwrap();
    }
}
