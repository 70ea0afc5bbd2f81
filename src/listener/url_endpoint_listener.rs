//! The listener as applications have it: a database and its collections, served to peers.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_util::sync::CancellationToken;

use super::bind;
use super::certificate_gate::CertificateGate;
use super::connections::ConnectionInfo;
use super::identity::{self, Renewal};
use super::options::{AuthenticatorOptions, ListenerOptions};
use super::principal::Principal;
use super::server::{Accepted, ListenerStatus, Server, Service, Setup, Shared, Started};
use super::tuning;
use super::upgrade::Rules;
use crate::database::{Database, DeltaBases, HookId, WriteTx};
use crate::error::{Code, Error, Result};
use crate::model::CollectionSpec;
use crate::replicator::{self, ClientWatch, PassiveConfig};
use crate::tls::{self, ClientTrust, IdentityStore, TlsIdentity};

/// What a listener that stops may take longer than its connections' own time.
const STOP_MARGIN: Duration = Duration::from_secs(1);

/// Lets peers replicate a database: `wss://host:port/<database name>`.
///
/// Dropping it stops it without waiting; closing its database stops it and waits.
pub struct UrlEndpointListener {
    database: Database,
    options: ListenerOptions,
    runtime: Handle,
    /// What is or was last presented; the anonymous identity is known from the first start on.
    identity: Arc<Mutex<Option<TlsIdentity>>>,
    /// Held by whoever starts or stops, so that these happen one after the other.
    turn: tokio::sync::Mutex<()>,
    running: Mutex<Option<Running>>,
}

#[derive(Clone)]
struct Running {
    server: Arc<Server>,
    hook: HookId,
}

impl UrlEndpointListener {
    /// A stopped listener. Its tasks will run on `runtime`, which must have I/O and time. Makes or
    /// fetches the TLS identity that the options describe, and so may take CPU and block on the
    /// disk.
    ///
    /// # Errors
    /// `InvalidParameter` for bad options or a collection that is not there; `NotOpen`; those of
    /// [`IdentityStore::make`].
    pub fn new(database: Database, options: ListenerOptions, runtime: Handle) -> Result<Self> {
        options.check()?;
        let missing = database.read(|tx| {
            let is_missing = |collection: &&CollectionSpec| !tx.has_collection(collection);
            Ok(options.collections.iter().find(is_missing).cloned())
        })?;
        if let Some(missing) = missing {
            return Err(Error::invalid(format!(
                "Invalid collection parameters: there is no collection {missing} in database '{}'",
                database.name()
            )));
        }
        let identity = match &options.identity {
            Some(identity) if !options.is_plain() => Some(identity.clone()),
            _ => identity::make(&options)?,
        };
        if options.is_plain() && options.authenticator.is_some() {
            tracing::warn!(target: "listener", "passwords will travel in the clear: TLS is disabled");
        }
        Ok(Self {
            database,
            options,
            runtime,
            identity: Arc::new(Mutex::new(identity)),
            turn: tokio::sync::Mutex::default(),
            running: Mutex::default(),
        })
    }

    /// Starts, or tells where it is reached if it runs already. Makes the anonymous TLS identity
    /// if there is none yet. Cancel-safe: a start that is given up leaves the listener stopped.
    ///
    /// # Errors
    /// `Posix` with EADDRINUSE, naming the port, when it is taken; Network `UnknownInterface` or
    /// `AddressNotAvailable`; `NotOpen` when the database was closed; those of [`IdentityStore`].
    pub async fn start(&self) -> Result<Started> {
        let _turn = self.turn.lock().await;
        if let Some(running) = self.take_unless_running().await? {
            return Ok(running);
        }
        let options = self.options.clone();
        let identity = lock(&self.identity).clone();
        let prepared = self
            .runtime
            .spawn_blocking(move || identity::bind_and_load(&options, identity))
            .await;
        let (bound, identity) = prepared
            .map_err(|error| Error::lite(Code::UnexpectedError, format!("listener: {error}")))??;
        let rules = Rules {
            database: self.database.name().to_owned(),
            authenticator: self.options.passwords()?,
            host_name: bind::host_name(),
        };
        let deltas = self.options.enable_delta_sync.unwrap_or_default();
        if deltas {
            // From the first client on, what changes here can go as a delta.
            let keep = |tx: &mut WriteTx<'_>| tx.keep_delta_bases(DeltaBases::Last);
            self.database.submit_write(0, keep, |result| {
                if let Err(error) = result {
                    tracing::warn!(target: "listener", %error, "deltas will not be sent");
                }
            });
        }
        let service = Box::new(Replication {
            database: self.database.clone(),
            collections: self.options.collections.clone(),
            deltas,
            read_only: self.options.read_only.unwrap_or_default(),
        });
        let stop = CancellationToken::new();
        let clients = self.client_trust(&stop);
        let tls = match &identity {
            Some(identity) => Some(tls::server_config(identity, clients.as_ref())?),
            None => None,
        };
        let shared = Shared::new(Setup {
            service,
            rules,
            tls,
            authorizer: self.options.authorizer.clone(),
            caps: tuning::CAPS,
            patience: tuning::PATIENCE,
            pace: tuning::PACE,
        });
        *lock(&self.identity) = identity;
        let server = Arc::new(Server::start(shared, bound, stop.clone(), &self.runtime)?);
        if identity::is_anonymous(&self.options) {
            let renewal = self.renewal_of(&server, clients);
            self.runtime.spawn(renewal.run(stop));
        }
        let started = server.started().clone();
        let (stop, stopped) = server.tokens();
        let runtime = self.runtime.clone();
        let hook = self.database.on_close(Box::new(move || {
            stop.cancel();
            wait_for(&stopped, &runtime);
        }));
        *self.lock() = Some(Running { server, hook });
        Ok(started)
    }

    /// Stops: closes every connection with 4001, from which continuous clients come back, and frees
    /// the port before it resolves. Takes 5 s at most; does nothing when it is not running.
    pub async fn stop(&self) {
        let _turn = self.turn.lock().await;
        // Left in place while waiting, so that a stop that is given up can be repeated.
        let running = self.lock().clone();
        if let Some(running) = running {
            running.server.stop().await;
            self.database.remove_close_hook(running.hook);
            self.lock().take();
        }
    }

    /// What it presents to clients; `None` without TLS, and before the first start of a listener
    /// with the anonymous identity.
    pub fn identity(&self) -> Option<TlsIdentity> {
        lock(&self.identity).clone()
    }

    /// Presents another identity. A running listener does so from the next handshake on; open
    /// connections stay.
    ///
    /// # Errors
    /// `InvalidParameter` without TLS; `Crypto` when the key does not fit the certificate.
    pub fn set_identity(&self, identity: TlsIdentity) -> Result<()> {
        if self.options.is_plain() {
            return Err(Error::invalid(
                "a listener with disableTLS presents no TLS identity",
            ));
        }
        let running = self.lock();
        match running.as_ref() {
            Some(running) => {
                let clients = self.client_trust(&running.server.tokens().0);
                let config = tls::server_config(&identity, clients.as_ref())?;
                *lock(&self.identity) = Some(identity);
                running.server.set_tls(config);
            }
            None => {
                tls::server_config(&identity, None)?;
                *lock(&self.identity) = Some(identity);
            }
        }
        Ok(())
    }

    /// The open connections, the oldest first.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        let running = self.lock();
        running
            .as_ref()
            .map(|running| running.server.connections().list())
            .unwrap_or_default()
    }

    /// Ends the connections of a principal, and no other's, with WebSocket code 1008, after which
    /// clients do not come back by themselves. Whether they would be let in again is up to the
    /// authenticator. Answers how many there were; returns before they are gone.
    pub fn disconnect(&self, principal: &Principal) -> usize {
        let running = self.lock();
        running
            .as_ref()
            .map(|running| running.server.connections().revoke(principal))
            .unwrap_or_default()
    }

    /// How many peers are connected now.
    pub fn status(&self) -> ListenerStatus {
        let running = self.lock();
        running
            .as_ref()
            .map(|running| running.server.status())
            .unwrap_or_default()
    }

    /// The real port while it runs, else the configured one.
    pub fn port(&self) -> u16 {
        match &*self.lock() {
            Some(running) if !running.server.is_stopping() => running.server.started().port,
            _ => self.options.port.unwrap_or_default(),
        }
    }

    /// Where it is reached while it runs.
    pub fn urls(&self) -> Vec<String> {
        match &*self.lock() {
            Some(running) if !running.server.is_stopping() => running.server.started().urls.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether it listens on every address that this machine has and gets.
    pub fn is_on_all_interfaces(&self) -> bool {
        bind::is_all(self.options.network_interface.as_deref())
    }

    /// Whether peers may send and get deltas.
    pub fn takes_deltas(&self) -> bool {
        self.options.enable_delta_sync.unwrap_or_default()
    }

    /// Whether peers may only pull.
    pub fn is_read_only(&self) -> bool {
        self.options.read_only.unwrap_or_default()
    }

    /// The database that it serves.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Frees an identity's label in the store; one that is not there is no error. `folder`:
    /// `None` for the default one. Blocks on the disk.
    ///
    /// # Errors
    /// `InvalidParameter` for a bad label; `Posix`.
    pub fn delete_identity(label: &str, folder: Option<&Path>) -> Result<()> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => identity::default_identity_folder()?,
        };
        IdentityStore::open(&folder)?.delete(label)?;
        Ok(())
    }

    /// Where it is reached, if it runs; else makes sure that nothing is left of the last run and
    /// that the database is open.
    async fn take_unless_running(&self) -> Result<Option<Started>> {
        let last = self.lock().clone();
        if let Some(last) = last {
            if !last.server.is_stopping() {
                return Ok(Some(last.server.started().clone()));
            }
            last.server.stop().await;
            self.database.remove_close_hook(last.hook);
            self.lock().take();
        }
        if !self.database.is_open() {
            return Err(Error::lite(
                Code::NotOpen,
                format!("database '{}' is not open", self.database.name()),
            ));
        }
        Ok(None)
    }

    fn renewal_of(&self, server: &Arc<Server>, clients: Option<ClientTrust>) -> Renewal {
        Renewal {
            options: self.options.clone(),
            identity: Arc::clone(&self.identity),
            clients,
            server: Arc::downgrade(server),
        }
    }

    /// What keeps the identity of the running listener fresh.
    #[cfg(test)]
    pub(super) fn renewal(&self) -> Option<Renewal> {
        let running = self.lock();
        let server = &running.as_ref()?.server;
        Some(self.renewal_of(server, self.client_trust(&server.tokens().0)))
    }

    /// Whose certificates are accepted; `None` when none are asked for.
    fn client_trust(&self, stop: &CancellationToken) -> Option<ClientTrust> {
        match &self.options.authenticator {
            Some(AuthenticatorOptions::CertificateRoots(roots)) => {
                Some(ClientTrust::Roots(roots.clone()))
            }
            Some(AuthenticatorOptions::AskingCertificate(Some(authenticator))) => {
                Some(ClientTrust::Judge(Arc::new(CertificateGate::new(
                    Arc::clone(authenticator),
                    self.runtime.clone(),
                    stop.clone(),
                    tuning::CERTIFICATE_PATIENCE,
                ))))
            }
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        lock(&self.running)
    }
}

/// Whatever a panicking holder left is whole: each critical section is a few moves.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for UrlEndpointListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UrlEndpointListener")
            .field("database", &self.database.name())
            .field("port", &self.port())
            .finish_non_exhaustive()
    }
}

impl Drop for UrlEndpointListener {
    fn drop(&mut self) {
        if let Some(running) = self.lock().take() {
            self.database.remove_close_hook(running.hook);
        }
    }
}

/// Blocks until `stopped` is cancelled, if this thread may block: closing a database from inside
/// the only thread of a runtime would wait for itself.
fn wait_for(stopped: &CancellationToken, runtime: &Handle) {
    let limit = tuning::PATIENCE.stop + STOP_MARGIN;
    let wait = || {
        // The timer must be made inside the runtime.
        let waiting = async { tokio::time::timeout(limit, stopped.cancelled()).await };
        if runtime.block_on(waiting).is_err() {
            tracing::warn!(target: "listener", "still stopping while its database closes");
        }
    };
    match Handle::try_current() {
        Err(_) => wait(),
        Ok(current) if current.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(wait);
        }
        Ok(_) => tracing::debug!(target: "listener", "database closed from a runtime's own thread"),
    }
}

/// Serves connections with passive replicators.
struct Replication {
    database: Database,
    collections: Vec<CollectionSpec>,
    deltas: bool,
    read_only: bool,
}

impl Service for Replication {
    fn serve(&self, accepted: Accepted) -> BoxFuture<'static, ()> {
        let config = PassiveConfig {
            database: self.database.clone(),
            collections: self.collections.clone(),
            deltas: self.deltas,
            protocol: accepted.protocol,
            peer: accepted.peer,
            read_only: self.read_only,
            watch: Some(Arc::clone(&accepted.connection) as Arc<dyn ClientWatch>),
        };
        let stop = accepted.connection.stop.clone();
        let active = Arc::clone(&accepted.connection.active);
        replicator::serve(accepted.transport, config, stop, active).boxed()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use url::Url;

    use super::*;
    use crate::database::DatabaseOptions;
    use crate::tls::ServerTrust;
    use crate::transport::{ConnectOptions, ProxyChoice, Received, connect};

    struct Desk {
        folder: tempfile::TempDir,
        database: Database,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let options = DatabaseOptions::in_directory(folder.path());
            let database = Database::open("my db", &options).unwrap();
            Self { folder, database }
        }

        fn options(&self) -> ListenerOptions {
            ListenerOptions {
                collections: vec![CollectionSpec::default_collection()],
                network_interface: Some("127.0.0.1".into()),
                identity_folder: Some(self.folder.path().join("identities")),
                ..ListenerOptions::default()
            }
        }

        fn listener(&self, options: ListenerOptions) -> UrlEndpointListener {
            UrlEndpointListener::new(self.database.clone(), options, Handle::current()).unwrap()
        }
    }

    fn client(url: &str) -> ConnectOptions {
        ConnectOptions {
            url: Url::parse(url).unwrap(),
            protocols: vec!["BLIP_3+CBMobile_3".into()],
            headers: Vec::new(),
            basic: None,
            session_cookie: None,
            cookies: Arc::default(),
            accept_parent_domain_cookies: false,
            proxy: ProxyChoice::Direct,
            trust: ServerTrust::OnlySelfSigned,
            client_tls: tls::ClientTls::default(),
            handshake_timeout: ConnectOptions::DEFAULT_HANDSHAKE_TIMEOUT,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_starts_stops_and_starts_again_with_the_same_identity() {
        let desk = Desk::new();
        let listener = desk.listener(desk.options());
        listener.stop().await;
        assert_eq!((listener.port(), listener.urls()), (0, Vec::new()));
        let started = listener.start().await.unwrap();
        assert_eq!(started.port, listener.port());
        assert_eq!(
            started.urls,
            [format!("wss://127.0.0.1:{}/my%20db", started.port)]
        );
        assert_eq!(listener.start().await.unwrap(), started);
        let first = connect(&client(&started.urls[0])).await.unwrap();
        let mut transport = first.transport;
        let (_, closed) = tokio::join!(listener.stop(), transport.next());
        assert!(
            matches!(closed, Some(Ok(Received::Close { code: 4001, .. }))),
            "{closed:?}"
        );
        assert_eq!(
            (listener.port(), listener.status()),
            (0, ListenerStatus::default())
        );

        let started = listener.start().await.unwrap();
        let second = connect(&client(&started.urls[0])).await.unwrap();
        assert_eq!(first.peer_certificate_der, second.peer_certificate_der);
        drop(second);
        listener.stop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_listeners_on_one_port_are_a_clear_error() {
        let desk = Desk::new();
        let first = desk.listener(desk.options());
        let port = first.start().await.unwrap().port;
        let second = desk.listener(ListenerOptions {
            port: Some(port),
            ..desk.options()
        });
        let error = second.start().await.unwrap_err();
        assert!(matches!(error, Error::Posix { .. }));
        let wanted = format!("port {port} is already in use");
        assert!(error.message().starts_with(&wanted), "{error}");
        first.stop().await;
        assert_eq!(second.start().await.unwrap().port, port);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn closing_the_database_stops_its_listeners() {
        let desk = Desk::new();
        let listeners = [desk.listener(desk.options()), desk.listener(desk.options())];
        let mut clients = Vec::new();
        for listener in &listeners {
            let started = listener.start().await.unwrap();
            let mut transport = connect(&client(&started.urls[0])).await.unwrap().transport;
            let reading = Handle::current().spawn(async move { transport.next().await });
            clients.push((started.port, reading));
        }
        // From a thread of its own, as an application does.
        let database = desk.database.clone();
        std::thread::spawn(move || database.close().unwrap())
            .join()
            .unwrap();
        for (port, reading) in clients {
            let closed = reading.await.unwrap();
            assert!(
                matches!(closed, Some(Ok(Received::Close { code: 4001, .. }))),
                "{closed:?}"
            );
            assert!(bind::bind(Some("127.0.0.1"), port).is_ok());
        }
        for listener in &listeners {
            assert_eq!(listener.status().connections, 0);
            assert!(listener.start().await.unwrap_err().is(Code::NotOpen));
        }
    }

    #[tokio::test]
    async fn unknown_collections_and_closed_databases_are_refused() {
        let desk = Desk::new();
        let mut options = desk.options();
        options.collections = vec![CollectionSpec::new("s", "nope").unwrap()];
        let new =
            |options| UrlEndpointListener::new(desk.database.clone(), options, Handle::current());
        let error = new(options).unwrap_err();
        assert!(
            error.message().starts_with("Invalid collection parameters"),
            "{error}"
        );
        assert!(error.message().contains("s.nope"), "{error}");
        desk.database.close().unwrap();
        assert!(new(desk.options()).unwrap_err().is(Code::NotOpen));
    }
}
