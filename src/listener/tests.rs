//! A listener that echoes, on real sockets: reached by our own client, by strangers and by abusers.

mod abuse;
mod asking;
mod certificates;
mod clients;
mod replication;
mod strangers;

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use rustls::ServerConfig;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::authenticator::{Authenticator, BasicAuthenticator};
use super::limits::Caps;
use super::server::{self, Accepted, Patience, Server, Service, Shared};
use super::throttle::Pace;
use super::upgrade::Rules;
use super::{bind, tuning};
use crate::tls::{self, SelfSignedOptions, ServerTrust, TlsIdentity};
use crate::transport::{ConnectOptions, Outgoing, ProxyChoice, Received};

/// Sends every message back, twice the first of each connection being enough to be seen as busy.
struct Echo;

impl Service for Echo {
    fn serve(&self, accepted: Accepted) -> BoxFuture<'static, ()> {
        let Accepted {
            mut transport,
            connection,
            ..
        } = accepted;
        let (stop, active) = (connection.stop.clone(), Arc::clone(&connection.active));
        async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => {
                        let close = Outgoing::Close { code: 4001, reason: "stopping".into() };
                        let _ = transport.send(close).await;
                        while let Some(Ok(_)) = transport.next().await {}
                        return;
                    }
                    received = transport.next() => match received {
                        Some(Ok(Received::Message(message))) => {
                            active.store(&message[..] == b"busy", Ordering::Relaxed);
                            if transport.send(Outgoing::Message(message)).await.is_err() {
                                return;
                            }
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return,
                    }
                }
            }
        }
        .boxed()
    }
}

/// How a test's listener differs from the usual one.
struct Setup {
    tls: bool,
    interface: Option<&'static str>,
    port: u16,
    authenticator: Option<Arc<dyn Authenticator>>,
    caps: Caps,
    patience: Patience,
    pace: Pace,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            tls: false,
            interface: Some("127.0.0.1"),
            port: 0,
            authenticator: None,
            caps: tuning::CAPS,
            patience: tuning::PATIENCE,
            pace: tuning::PACE,
        }
    }
}

impl Setup {
    fn tls() -> Self {
        Self {
            tls: true,
            ..Self::default()
        }
    }

    fn start(self) -> Server {
        let rules = Rules {
            database: "my db".into(),
            authenticator: self.authenticator,
            host_name: bind::host_name(),
        };
        let shared = Shared::new(server::Setup {
            service: Box::new(Echo),
            rules,
            tls: self.tls.then(tls_config),
            authorizer: None,
            caps: self.caps,
            patience: self.patience,
            pace: self.pace,
        });
        let bound = bind::bind(self.interface, self.port).unwrap();
        let stop = CancellationToken::new();
        Server::start(shared, bound, stop, &Handle::current()).unwrap()
    }
}

fn anna() -> Option<Arc<dyn Authenticator>> {
    Some(Arc::new(BasicAuthenticator::new("anna", "geheim")))
}

fn identity() -> &'static TlsIdentity {
    static IDENTITY: OnceLock<TlsIdentity> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "real handshakes look at the real clock"
    )]
    IDENTITY.get_or_init(|| {
        TlsIdentity::self_signed(&SelfSignedOptions::new("peer", SystemTime::now())).unwrap()
    })
}

fn tls_config() -> Arc<ServerConfig> {
    tls::server_config(identity(), None).unwrap()
}

fn options(url: &str) -> ConnectOptions {
    ConnectOptions {
        url: Url::parse(url).unwrap(),
        protocols: vec!["BLIP_3+CBMobile_3".into(), "BLIP_3+CBMobile_2".into()],
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

/// Where the first URL of `server` leads.
fn options_of(server: &Server) -> ConnectOptions {
    options(&server.started().urls[0])
}
