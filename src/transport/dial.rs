//! Name look-up, TCP to the first address that answers, TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::upgrade::Target;
use super::{NetStream, Proxy, net_error, tuning};
use crate::error::{Error, NetworkReason, Result};
use crate::tls::{self, ClientTls, ServerTrust};

/// Connects to `target`, through a proxy if one is given, with TLS if a configuration is given.
pub(super) async fn open(
    target: &Target,
    tls: Option<Arc<ClientConfig>>,
    proxy: Option<&Proxy>,
) -> Result<NetStream> {
    let stream = match proxy {
        Some(proxy) => Box::pin(proxy.tunnel(target)).await?,
        None => plain(target).await?,
    };
    encrypt(stream, target, tls).await
}

/// Connects to a proxy, with TLS that the platform's authorities vouch for if it is an `https:` one.
pub(super) async fn open_proxy(target: &Target) -> Result<NetStream> {
    let tls = if target.is_tls {
        Some(tls::client_config(
            &ServerTrust::PlatformRoots,
            &ClientTls::default(),
        )?)
    } else {
        None
    };
    encrypt(plain(target).await?, target, tls).await
}

async fn plain(target: &Target) -> Result<NetStream> {
    let tcp = connect_tcp(target).await?;
    // Frames are gathered above; waiting for more would only add latency.
    tcp.set_nodelay(true)
        .map_err(|error| net_error::from_io(&error, &target.authority()))?;
    Ok(NetStream::Plain(tcp))
}

async fn encrypt(
    stream: NetStream,
    target: &Target,
    tls: Option<Arc<ClientConfig>>,
) -> Result<NetStream> {
    let Some(config) = tls else {
        return Ok(stream);
    };
    let name = ServerName::try_from(target.bare_host().to_owned()).map_err(|_| {
        Error::network(
            NetworkReason::InvalidUrl,
            format!("host {:?} cannot be a TLS server name", target.host),
        )
    })?;
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| match error.kind() {
            // A listener that refuses us as it must sends an alert; a silent end tells nothing.
            io::ErrorKind::UnexpectedEof => Error::network(
                NetworkReason::ConnectionReset,
                format!(
                    "connection closed during the TLS handshake ({})",
                    target.authority()
                ),
            ),
            _ => net_error::from_io(&error, &target.authority()),
        })?;
    Ok(NetStream::Tls(Box::new(stream.into())))
}

/// Tries the addresses of the host one after the other, the next as soon as one fails or has not
/// answered for 250 ms, families taking turns (RFC 8305). The first to connect wins.
async fn connect_tcp(target: &Target) -> Result<TcpStream> {
    let host = target.bare_host();
    let found = tokio::net::lookup_host((host, target.port))
        .await
        .map_err(|error| net_error::from_lookup(&error, host))?;
    let mut waiting = take_turns(found.collect()).into_iter();
    let mut trying = FuturesUnordered::new();
    let mut first_error = None;
    loop {
        match waiting.next() {
            Some(address) => trying.push(async move {
                let connected = TcpStream::connect(address).await;
                connected.map_err(|error| net_error::from_io(&error, &address.to_string()))
            }),
            None if trying.is_empty() => break,
            None => {}
        }
        let delay = async {
            if waiting.len() == 0 {
                std::future::pending::<()>().await;
            }
            sleep(tuning::NEXT_ADDRESS_DELAY).await;
        };
        tokio::select! {
            biased;
            result = trying.next() => match result {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => { first_error.get_or_insert(error); }
                None => {}
            },
            () = delay => {}
        }
    }
    Err(first_error.unwrap_or_else(|| {
        Error::network(
            NetworkReason::UnknownHost,
            format!("unknown hostname {host:?}: it has no address"),
        )
    }))
}

/// Sorts addresses so that families alternate, starting with the resolver's first.
fn take_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else {
        return addresses;
    };
    let (mine, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|a| a.is_ipv6() == first);
    let mut others = others.into_iter();
    let mut sorted = Vec::new();
    for address in mine {
        sorted.push(address);
        sorted.extend(others.next());
    }
    sorted.extend(others);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_families_take_turns_starting_with_the_resolvers_first() {
        let list = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(
            take_turns(list(&["[::1]:1", "[::2]:1", "10.0.0.1:1", "[::3]:1"])),
            list(&["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(
            take_turns(list(&["10.0.0.1:1", "[::1]:1"])),
            list(&["10.0.0.1:1", "[::1]:1"])
        );
        assert_eq!(take_turns(Vec::new()), Vec::new());
    }
}
