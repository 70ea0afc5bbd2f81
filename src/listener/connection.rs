//! One accepted connection, from its first byte to its last.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::authenticator::Admission;
use super::connections::Newcomer;
use super::counted::Counted;
use super::limits::Slot;
use super::principal::Principal;
use super::server::{Accepted, Shared};
use super::tuning;
use super::upgrade::{Refusal, Rules, Verdict};
use crate::error::Result;
use crate::tls;
use crate::transport::{self, NetStream};

/// First byte of a TLS handshake record (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 0x16;
/// How long a client that speaks the wrong language is listened to while it is told so.
const FAREWELL: Duration = Duration::from_secs(1);

/// An upgraded stream: what is left of the handshake.
struct Upgraded {
    stream: NetStream,
    leftover: Bytes,
    chosen: Chosen,
}

/// What a request brought about that is upgraded.
struct Chosen {
    protocol: &'static str,
    principal: Principal,
}

/// Runs a connection until the client leaves or `stop` is cancelled. Its place is given back at the
/// end.
pub(super) async fn run(
    shared: Arc<Shared>,
    tcp: TcpStream,
    address: SocketAddr,
    slot: Slot,
    stop: CancellationToken,
) {
    let peer = SocketAddr::new(address.ip().to_canonical(), address.port()).to_string();
    let revocations = shared.connections.revocations();
    let upgraded = tokio::select! {
        () = stop.cancelled() => return,
        result = timeout(
            shared.patience.handshake,
            handshake(&shared, tcp, address.ip(), &slot, &peer),
        ) => result,
    };
    let upgraded = match upgraded {
        Ok(Ok(Some(upgraded))) => upgraded,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            tracing::warn!(target: "listener", peer, %error, "handshake failed");
            return;
        }
        Err(_) => {
            tracing::warn!(
                target: "listener",
                peer,
                limit = ?shared.patience.handshake,
                "no upgrade in time, connection dropped"
            );
            return;
        }
    };
    let Chosen {
        protocol,
        principal,
    } = upgraded.chosen;
    tracing::info!(target: "listener", peer, protocol, %principal, "client connected");
    #[expect(
        clippy::disallowed_methods,
        reason = "the listener is where time comes from"
    )]
    let started = SystemTime::now();
    let authorizer = shared.authorizer.clone();
    let newcomer = Newcomer {
        principal,
        address: peer.clone(),
        revocations,
    };
    let entry = shared
        .connections
        .enter(newcomer, started, stop, authorizer);
    let transport = transport::server(upgraded.stream, upgraded.leftover).await;
    let traffic = Arc::clone(&entry.connection.traffic);
    let accepted = Accepted {
        transport: Box::new(Counted::new(transport, traffic)),
        protocol: protocol.to_owned(),
        peer,
        connection: Arc::clone(&entry.connection),
    };
    shared.service.serve(accepted).await;
}

/// TLS, then HTTP until a request is upgraded. `None`: the client left without.
async fn handshake(
    shared: &Arc<Shared>,
    tcp: TcpStream,
    address: IpAddr,
    slot: &Slot,
    peer: &str,
) -> Result<Option<Upgraded>> {
    let failed = |error: io::Error| transport::from_io(&error, peer);
    tcp.set_nodelay(true).map_err(failed)?;
    let mut first = [0];
    if tcp.peek(&mut first).await.map_err(failed)? == 0 {
        return Ok(None);
    }
    let speaks_tls = first == [TLS_HANDSHAKE];
    let stream = match shared.tls() {
        Some(config) if speaks_tls => match accept_tls(config, tcp).await {
            Ok(stream) => stream,
            Err(error) => {
                let tls_error = error.get_ref().and_then(|e| e.downcast_ref());
                let Some(tls_error) = tls_error.map(tls::server_text) else {
                    return Err(failed(error));
                };
                tracing::warn!(target: "listener", peer, "TLS handshake failed: {tls_error}");
                return Ok(None);
            }
        },
        None if !speaks_tls => NetStream::Plain(tcp),
        wants_tls => {
            refuse_language(tcp, wants_tls.is_some(), peer).await;
            return Ok(None);
        }
    };
    let key = match stream.peer_certificate() {
        Some(der) => Some(Principal::Key(tls::key_fingerprint(&der)?)),
        None => None,
    };
    let client = Client {
        address,
        key,
        is_over: slot.is_over,
        peer,
    };
    serve_http(shared, stream, &client).await
}

/// What is known of a client before its first request.
struct Client<'a> {
    address: IpAddr,
    /// Whose certificate was accepted.
    key: Option<Principal>,
    is_over: bool,
    peer: &'a str,
}

async fn accept_tls(config: Arc<ServerConfig>, tcp: TcpStream) -> io::Result<NetStream> {
    match TlsAcceptor::from(config)
        .accept(NetStream::Plain(tcp))
        .into_fallible()
        .await
    {
        Ok(stream) => Ok(NetStream::Tls(Box::new(stream.into()))),
        Err((error, tcp)) => {
            // The alert has been sent. With TLS 1.3 a client that was refused has sent its request
            // already: closing now would answer it with a reset, which eats the alert, and clients
            // would try again for ever.
            let _ = timeout(FAREWELL, drain(tcp)).await;
            Err(error)
        }
    }
}

/// Ends our direction and reads until the other side ends its own.
async fn drain(mut tcp: NetStream) -> io::Result<()> {
    tcp.shutdown().await?;
    let mut scratch = [0; 4096];
    while tcp.read(&mut scratch).await? > 0 {}
    Ok(())
}

/// Tells a client that speaks plain HTTP on a TLS port, or the reverse, in the one language it may
/// log; a silent end would be taken for a passing failure and tried again for ever.
async fn refuse_language(mut tcp: TcpStream, wants_tls: bool, peer: &str) {
    let text = if wants_tls {
        "this port speaks TLS; use wss: instead of ws:"
    } else {
        "this port does not speak TLS; use ws: instead of wss:"
    };
    tracing::warn!(target: "listener", peer, "refused a client: {text}");
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    let farewell = async {
        // What has been sent must be read, or the answer is lost in a reset.
        let mut scratch = [0; 4096];
        let _ = tcp.read(&mut scratch).await?;
        tcp.write_all(answer.as_bytes()).await?;
        drain(NetStream::Plain(tcp)).await
    };
    // The client is told as well as can be; it may have gone.
    let _ = timeout(FAREWELL, farewell).await;
}

async fn serve_http(
    shared: &Arc<Shared>,
    stream: NetStream,
    client: &Client<'_>,
) -> Result<Option<Upgraded>> {
    let peer = client.peer;
    let chosen: Mutex<Option<(OnUpgrade, Chosen)>> = Mutex::new(None);
    let service = service_fn(|mut request: Request<Incoming>| {
        let chosen = &chosen;
        async move {
            let (admission, principal) = admit(shared, client, request.headers()).await;
            let response = match shared.rules.judge(&request, admission) {
                Verdict::Upgrade { protocol, accept } => {
                    let upgrade = hyper::upgrade::on(&mut request);
                    let choice = Chosen {
                        protocol,
                        principal,
                    };
                    *chosen.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some((upgrade, choice));
                    switching(protocol, &accept)
                }
                Verdict::Refuse(refusal) => {
                    let status = refusal.status.as_u16();
                    tracing::info!(target: "listener", peer, status, "refused a request");
                    refusing(refusal)
                }
            };
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .max_buf_size(tuning::MAX_REQUEST_HEAD)
        .max_headers(tuning::MAX_REQUEST_HEADERS)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        // The peer sent no HTTP (hyper has answered 400), or left in the middle.
        tracing::debug!(target: "listener", peer, %error, "HTTP ended");
        return Ok(None);
    }
    let chosen = chosen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Some((upgrade, chosen)) = chosen else {
        return Ok(None);
    };
    let Ok(upgraded) = upgrade.await else {
        return Ok(None);
    };
    // It can be nothing else than what hyper was given above.
    let Ok(parts) = upgraded.downcast::<TokioIo<NetStream>>() else {
        return Ok(None);
    };
    Ok(Some(Upgraded {
        stream: parts.io.into_inner(),
        leftover: parts.read_buf,
        chosen,
    }))
}

/// Whether the sender of a request may come in, and who it is then.
#[expect(
    clippy::disallowed_methods,
    reason = "the listener is where time comes from"
)]
async fn admit(
    shared: &Shared,
    client: &Client<'_>,
    headers: &HeaderMap,
) -> (Admission, Principal) {
    let credentials = match shared.rules.authenticator {
        Some(_) => Rules::credentials(headers),
        None => None,
    };
    let Some(credentials) = credentials.filter(|_| !client.is_over) else {
        let principal = client.key.clone().unwrap_or(Principal::Anonymous);
        let admission = shared.rules.admission(headers, client.is_over);
        return (admission.await, principal);
    };
    let principal = Principal::User(credentials.username());
    if let Some(wait) = shared.throttle.wait(client.address, Instant::now()) {
        return (Admission::Throttled(wait), principal);
    }
    let admission = shared.rules.admission(headers, false).await;
    if admission == Admission::Denied {
        shared.throttle.failed(client.address, Instant::now());
    }
    (admission, principal)
}

/// The 101. LiteCore compares `Connection` and `Upgrade` as whole values (wire §1.4).
fn switching(protocol: &'static str, accept: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    // Base64, always a legal value.
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(protocol),
    );
    response
}

fn refusing(refusal: Refusal) -> Response<Full<Bytes>> {
    let text = refusal.text.unwrap_or_else(|| {
        let phrase = refusal.status.canonical_reason();
        phrase.unwrap_or_default().to_owned()
    });
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    for (name, value) in refusal.headers {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
