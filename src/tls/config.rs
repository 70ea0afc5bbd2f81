//! TLS configurations: 1.2 and 1.3, `http/1.1` as the only ALPN protocol (trust §3.2).

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, NoServerSessionStorage};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig};

use super::client_verifier::ClientVerifier;
use super::verifier::ServerVerifier;
use super::{ClientTrust, SeenCertificates, ServerTrust, TlsIdentity, provider};
use crate::error::{Code, Error, Result};

const ALPN: &[u8] = b"http/1.1";

/// The listener's side: presents `identity`, resumes no session. With `clients` every client must
/// present a certificate that they accept; without, none is asked for one.
///
/// # Errors
/// `Crypto` when the key does not fit the certificate or is of a kind that TLS cannot use;
/// `InvalidParameter` for a root certificate that is none.
pub fn server_config(
    identity: &TlsIdentity,
    clients: Option<&ClientTrust>,
) -> Result<Arc<ServerConfig>> {
    let clients: Arc<dyn ClientCertVerifier> = match clients {
        Some(trust) => Arc::new(ClientVerifier::new(trust, provider())?),
        None => Arc::new(NoClientAuth),
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .and_then(|builder| {
            builder
                .with_client_cert_verifier(clients)
                .with_single_cert(identity.rustls_chain(), identity.rustls_key())
        })
        .map_err(|error| Error::lite(Code::Crypto, format!("TLS identity: {error}")))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A replication connects once and stays: tickets would only cost memory and two records.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// What an active side brings to a TLS handshake beside its trust.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
    /// Presented to a server that asks for a certificate, once the server's own was accepted.
    pub identity: Option<TlsIdentity>,
    /// Where the server's certificates are noted, accepted or not.
    pub seen: SeenCertificates,
}

/// The active side: accepts the certificates that `trust` describes, and offers its own to a server
/// that asks.
///
/// # Errors
/// `InvalidParameter` for a pinned or root certificate that is none; `Crypto` when the identity's
/// key does not fit its certificate; Network errors when the system's roots cannot be read.
pub fn client_config(trust: &ServerTrust, own: &ClientTls) -> Result<Arc<ClientConfig>> {
    let provider = provider();
    let verifier = ServerVerifier::new(trust, own.seen.clone(), Arc::clone(&provider))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| super::from_rustls(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &own.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.rustls_chain(), identity.rustls_key())
            .map_err(|error| Error::lite(Code::Crypto, format!("TLS identity: {error}")))?,
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session would skip the certificate check.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
