//! The one table from rustls errors to Network reasons and to the texts of API §9.7.

use rustls::{AlertDescription as Alert, CertificateError as C, Error as TlsError};

use super::verifier::Refusal;
use crate::error::{Error, NetworkReason as N};

/// Maps a failed handshake or a broken TLS connection. Certificate errors are about the *server's*
/// certificate, because only that one is checked. All are permanent (trust §3.3).
pub(crate) fn from_rustls(error: &TlsError) -> Error {
    match error {
        TlsError::InvalidCertificate(certificate) => from_certificate(certificate),
        TlsError::AlertReceived(alert) => from_alert(*alert),
        TlsError::InvalidMessage(_) => Error::network(
            N::TlsHandshakeFailed,
            "TLS handshake failed: the other side does not speak TLS",
        ),
        other => Error::network(
            N::TlsHandshakeFailed,
            format!("TLS handshake failed: {other}"),
        ),
    }
}

/// What went wrong in a handshake as the server sees it, for its log.
pub(crate) fn server_text(error: &TlsError) -> String {
    match error {
        TlsError::NoCertificatesPresented => "the client presented no certificate".into(),
        TlsError::InvalidCertificate(certificate) => {
            format!("the client's certificate is refused: {certificate}")
        }
        TlsError::AlertReceived(alert) => format!("the client gave up ({alert:?})"),
        TlsError::InvalidMessage(_) => "the client does not speak TLS".into(),
        other => other.to_string(),
    }
}

fn from_certificate(error: &C) -> Error {
    let (reason, detail) = match error {
        C::Expired | C::ExpiredContext { .. } => {
            return Error::network(N::TlsCertExpired, "server TLS certificate expired");
        }
        C::UnknownIssuer => {
            return Error::network(
                N::TlsCertUnknownRoot,
                "server TLS certificate is self-signed or has unknown root cert",
            );
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            return Error::network(
                N::TlsCertNameMismatch,
                "server TLS certificate name mismatch",
            );
        }
        C::Revoked => {
            return Error::network(N::TlsCertRevoked, "server TLS certificate revoked");
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            (N::TlsCertUntrusted, "not valid yet".into())
        }
        C::BadEncoding => (N::TlsCertUntrusted, "badly encoded".into()),
        C::BadSignature => (N::TlsCertUntrusted, "bad signature".into()),
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => {
            (N::TlsCertUntrusted, "not made for TLS servers".into())
        }
        C::Other(other) => match other.0.downcast_ref::<Refusal>() {
            Some(refusal) => (N::TlsCertUntrusted, refusal.to_string()),
            None => (N::TlsCertUntrusted, other.to_string()),
        },
        other => (N::TlsCertUntrusted, other.to_string()),
    };
    Error::network(
        reason,
        format!("server TLS certificate untrusted: {detail}"),
    )
}

fn from_alert(alert: Alert) -> Error {
    match alert {
        Alert::NoCertificate | Alert::CertificateRequired => Error::network(
            N::TlsClientCertRequired,
            "the server requires a TLS client certificate",
        ),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => Error::network(
            N::TlsClientCertRejected,
            format!("the server rejected the TLS client certificate ({alert:?})"),
        ),
        other => Error::network(
            N::TlsHandshakeFailed,
            format!("TLS handshake failed: the other side sent alert {other:?}"),
        ),
    }
}
