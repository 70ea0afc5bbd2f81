//! Starts, runs and stops the accepting of connections, whatever is served on them.

use std::net::TcpListener as StdTcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::bind::Bound;
use super::connections::{Connection, Connections, RequestAuthorizer};
use super::limits::{Caps, Limits};
use super::throttle::{Pace, Throttle};
use super::upgrade::Rules;
use super::{connection, tuning};
use crate::error::Result;
use crate::transport::BoxTransport;

/// An upgraded connection, for whoever serves it.
pub(super) struct Accepted {
    pub(super) transport: BoxTransport,
    /// The subprotocol agreed on.
    pub(super) protocol: String,
    /// Address and port of the client.
    pub(super) peer: String,
    /// What is known of it, and when to end.
    pub(super) connection: Arc<Connection>,
}

/// Serves upgraded connections.
pub(super) trait Service: Send + Sync + 'static {
    /// Serves one until it ends. Dropping the future drops the connection.
    fn serve(&self, accepted: Accepted) -> BoxFuture<'static, ()>;
}

/// Where a started listener is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The real port.
    pub port: u16,
    /// `ws[s]://host:port/database`, one for each address; the host name's is the last.
    pub urls: Vec<String>,
}

/// How busy a listener is; zeros when it is not running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerStatus {
    /// Open replication connections.
    pub connections: usize,
    /// Those that are transferring now.
    pub active: usize,
}

/// How long a listener waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For a connection to be upgraded.
    pub(super) handshake: Duration,
    /// For connections to end when the listener stops.
    pub(super) stop: Duration,
}

/// How a server is set up.
pub(super) struct Setup {
    pub(super) service: Box<dyn Service>,
    pub(super) rules: Rules,
    /// `None`: plain `ws:`.
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) authorizer: Option<Arc<dyn RequestAuthorizer>>,
    pub(super) caps: Caps,
    pub(super) patience: Patience,
    pub(super) pace: Pace,
}

/// What all connections of a listener share.
pub(super) struct Shared {
    pub(super) service: Box<dyn Service>,
    pub(super) rules: Rules,
    pub(super) patience: Patience,
    pub(super) throttle: Throttle,
    pub(super) authorizer: Option<Arc<dyn RequestAuthorizer>>,
    pub(super) connections: Arc<Connections>,
    tls: Mutex<Option<Arc<ServerConfig>>>,
    limits: Arc<Limits>,
}

impl Shared {
    pub(super) fn new(setup: Setup) -> Arc<Self> {
        Arc::new(Self {
            service: setup.service,
            rules: setup.rules,
            patience: setup.patience,
            throttle: Throttle::new(setup.pace),
            authorizer: setup.authorizer,
            connections: Arc::default(),
            tls: Mutex::new(setup.tls),
            limits: Limits::new(setup.caps),
        })
    }

    /// What the next handshake uses; `None`: plain `ws:`.
    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A listener that is accepting. Dropping it stops it without waiting.
pub(super) struct Server {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// Cancelled when the last connection is over and the port is free.
    stopped: CancellationToken,
    started: Started,
}

impl Server {
    /// Starts accepting on sockets that are bound already, until `stop` is cancelled.
    ///
    /// # Errors
    /// `Posix` when the runtime cannot take the sockets.
    pub(super) fn start(
        shared: Arc<Shared>,
        bound: Bound,
        stop: CancellationToken,
        runtime: &Handle,
    ) -> Result<Self> {
        let is_tls = shared.tls().is_some();
        let urls = bound.urls(is_tls, &shared.rules.database);
        let started = Started {
            port: bound.port,
            urls,
        };
        let stopped = CancellationToken::new();
        let mut loops = JoinSet::new();
        for socket in bound.sockets {
            let socket = register(socket, runtime)?;
            let accepting = accept(Arc::clone(&shared), socket, stop.clone(), runtime.clone());
            loops.spawn_on(accepting, runtime);
        }
        let guard = stopped.clone().drop_guard();
        runtime.spawn(async move {
            while loops.join_next().await.is_some() {}
            drop(guard);
        });
        tracing::info!(
            target: "listener",
            port = started.port,
            tls = is_tls,
            database = shared.rules.database,
            "listening"
        );
        Ok(Self {
            shared,
            stop,
            stopped,
            started,
        })
    }

    pub(super) fn started(&self) -> &Started {
        &self.started
    }

    pub(super) fn status(&self) -> ListenerStatus {
        self.shared.connections.status()
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.shared.connections
    }

    /// Presents another identity from the next handshake on; open connections stay.
    pub(super) fn set_tls(&self, config: Arc<ServerConfig>) {
        let mut tls = self
            .shared
            .tls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *tls = Some(config);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Two tokens: one to cancel, one that is cancelled when all is over.
    pub(super) fn tokens(&self) -> (CancellationToken, CancellationToken) {
        (self.stop.clone(), self.stopped.clone())
    }

    /// Frees the port, closes every connection with 4001 and waits for them, 5 s at most.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.stopped.cancelled().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn register(socket: StdTcpListener, runtime: &Handle) -> Result<TcpListener> {
    let _context = runtime.enter();
    Ok(TcpListener::from_std(socket)?)
}

/// Accepts until stopped, then waits for the connections.
async fn accept(
    shared: Arc<Shared>,
    socket: TcpListener,
    stop: CancellationToken,
    runtime: Handle,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => report(ended),
            accepted = socket.accept() => match accepted {
                Ok((tcp, address)) => match shared.limits.admit(address.ip()) {
                    Some(slot) => {
                        let run = connection::run(
                            Arc::clone(&shared),
                            tcp,
                            address,
                            slot,
                            stop.child_token(),
                        );
                        connections.spawn_on(run, &runtime);
                    }
                    None => {
                        let peer = address.ip().to_canonical();
                        tracing::warn!(target: "listener", %peer, "too many connections");
                    }
                },
                Err(error) => {
                    tracing::warn!(target: "listener", %error, "cannot accept");
                    sleep(tuning::ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(socket);
    let all = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if timeout(shared.patience.stop, all).await.is_err() {
        tracing::warn!(target: "listener", left = connections.len(), "connections cut off");
        connections.shutdown().await;
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(target: "listener", %error, "a connection's task failed");
    }
}
