//! TLS configurations: 1.2 and 1.3, `http/1.1` as the only ALPN protocol (trust §3.2).

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig};

use super::verifier::ServerVerifier;
use super::{ServerTrust, TlsIdentity, provider};
use crate::error::{Code, Error, Result};

const ALPN: &[u8] = b"http/1.1";

/// The listener's side: presents `identity`, asks for no client certificate, resumes no session.
///
/// # Errors
/// `Crypto` when the key does not fit the certificate or is of a kind that TLS cannot use.
pub fn server_config(identity: &TlsIdentity) -> Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(identity.rustls_chain(), identity.rustls_key())
        })
        .map_err(|error| Error::lite(Code::Crypto, format!("TLS identity: {error}")))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A replication connects once and stays: tickets would only cost memory and two records.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The active side: accepts the certificates that `trust` describes, offers none itself.
///
/// # Errors
/// `InvalidParameter` for a pinned or root certificate that is none; Network errors when the
/// system's roots cannot be read.
pub fn client_config(trust: &ServerTrust) -> Result<Arc<ClientConfig>> {
    let provider = provider();
    let verifier = ServerVerifier::new(trust, Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| super::from_rustls(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session would skip the certificate check.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
