//! Turns failures of sockets, DNS, TLS and WebSocket into [`Error`]s with the texts of API §9.7.

use std::io;

use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};

use crate::error::{Error, NetworkReason};
use crate::tls;

/// Maps a socket or TLS failure. `peer` names the other side in the message.
pub(crate) fn from_io(error: &io::Error, peer: &str) -> Error {
    use NetworkReason as N;
    if let Some(tls_error) = error.get_ref().and_then(|e| e.downcast_ref()) {
        return tls::from_rustls(tls_error);
    }
    let (reason, text) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (N::ConnectionRefused, "connection refused"),
        io::ErrorKind::ConnectionReset => (N::ConnectionReset, "connection reset"),
        io::ErrorKind::ConnectionAborted => (N::ConnectionAborted, "connection aborted"),
        io::ErrorKind::UnexpectedEof => (N::ConnectionReset, "connection closed"),
        io::ErrorKind::TimedOut => (N::Timeout, "connection timed out"),
        io::ErrorKind::BrokenPipe => (N::BrokenPipe, "broken connection"),
        io::ErrorKind::NotConnected => (N::NotConnected, "not connected"),
        io::ErrorKind::HostUnreachable => (N::HostUnreachable, "host unreachable"),
        io::ErrorKind::NetworkUnreachable => (N::NetworkUnreachable, "network unreachable"),
        io::ErrorKind::NetworkDown => (N::NetworkDown, "network down"),
        io::ErrorKind::AddrNotAvailable => (N::AddressNotAvailable, "address not available"),
        _ => return plain(error, peer),
    };
    Error::network(reason, format!("{text} ({peer})"))
}

/// Maps a failed name look-up. A resolver that may answer later is told from a name that is not
/// there: the first is worth a retry (wire §1.11).
pub(super) fn from_lookup(error: &io::Error, host: &str) -> Error {
    /// Windows: `WSATRY_AGAIN`.
    const TRY_AGAIN: i32 = 11_002;
    let text = error.to_string();
    if error.raw_os_error() == Some(TRY_AGAIN) || text.contains("emporary") {
        Error::network(
            NetworkReason::DnsFailure,
            format!("unknown hostname {host:?}: the name server does not answer"),
        )
    } else {
        Error::network(
            NetworkReason::UnknownHost,
            format!("unknown hostname {host:?}"),
        )
    }
}

/// The answer to anything sent after a CLOSE.
pub(super) fn closing() -> Error {
    Error::network(NetworkReason::NotConnected, "the connection is closing")
}

/// Maps a failure of the WebSocket codec while sending.
pub(super) fn from_ws(error: WsError) -> Error {
    match error {
        WsError::Io(error) => from_io(&error, "peer"),
        WsError::ConnectionClosed | WsError::AlreadyClosed => closing(),
        WsError::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::SendAfterClosing,
        ) => closing(),
        WsError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            Error::WebSocketClosed {
                code: 1009,
                message: format!("websocket message is {size} bytes, limit is {max_size}"),
            }
        }
        WsError::Utf8(_) => Error::WebSocketClosed {
            code: 1007,
            message: "websocket text is not UTF-8".into(),
        },
        other => Error::WebSocketClosed {
            code: 1002,
            message: format!("websocket protocol error: {other}"),
        },
    }
}

fn plain(error: &io::Error, peer: &str) -> Error {
    let message = format!("{error} ({peer})");
    match error.raw_os_error() {
        Some(errno) => Error::Posix { errno, message },
        None => Error::network(NetworkReason::Unknown, message),
    }
}
