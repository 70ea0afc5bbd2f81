//! The one error type, and the one table that turns it into Couchbase Lite's domains and codes
//! and into BLIP error properties.
//!
//! Sources: style table "Errors"; wire spec §1.11 (transient and permanent), §2.8 (BLIP domains).

use std::fmt;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Numbers of the `CouchbaseLite` (LiteCore) error domain, 1 to 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
#[allow(missing_docs, reason = "the names are the field's own and say it all")]
pub enum Code {
    AssertionFailed = 1,
    Unimplemented = 2,
    UnsupportedEncryption = 3,
    BadRevisionId = 4,
    CorruptRevisionData = 5,
    NotOpen = 6,
    NotFound = 7,
    Conflict = 8,
    InvalidParameter = 9,
    UnexpectedError = 10,
    CantOpenFile = 11,
    IoError = 12,
    MemoryError = 13,
    NotWriteable = 14,
    CorruptData = 15,
    Busy = 16,
    NotInTransaction = 17,
    TransactionNotClosed = 18,
    Unsupported = 19,
    NotADatabaseFile = 20,
    WrongFormat = 21,
    Crypto = 22,
    InvalidQuery = 23,
    MissingIndex = 24,
    InvalidQueryParam = 25,
    RemoteError = 26,
    DatabaseTooOld = 27,
    DatabaseTooNew = 28,
    BadDocId = 29,
    CantUpgradeDatabase = 30,
    DeltaBaseUnknown = 31,
    CorruptDelta = 32,
}

/// Why the network failed: numbers of the Network domain, 1 to 27.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
#[allow(missing_docs, reason = "the names are the field's own and say it all")]
pub enum NetworkReason {
    DnsFailure = 1,
    UnknownHost = 2,
    Timeout = 3,
    InvalidUrl = 4,
    TooManyRedirects = 5,
    TlsHandshakeFailed = 6,
    TlsCertExpired = 7,
    TlsCertUntrusted = 8,
    TlsClientCertRequired = 9,
    TlsClientCertRejected = 10,
    TlsCertUnknownRoot = 11,
    InvalidRedirect = 12,
    Unknown = 13,
    TlsCertRevoked = 14,
    TlsCertNameMismatch = 15,
    NetworkReset = 16,
    ConnectionAborted = 17,
    ConnectionReset = 18,
    ConnectionRefused = 19,
    NetworkDown = 20,
    NetworkUnreachable = 21,
    NotConnected = 22,
    HostDown = 23,
    HostUnreachable = 24,
    AddressNotAvailable = 25,
    BrokenPipe = 26,
    UnknownInterface = 27,
}

/// Everything that can go wrong, sorted by who can act on it.
///
/// Cheap to clone, because one failure may be told to several listeners.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error of the database engine itself (Couchbase Lite's own domain).
    #[error("{message}")]
    Lite {
        /// Number in the `CouchbaseLite` domain.
        code: Code,
        /// What happened, naming the thing, its value and the limit.
        message: String,
    },
    /// A socket, DNS or TLS failure.
    #[error("{message}")]
    Network {
        /// Number in the Network domain.
        reason: NetworkReason,
        /// What happened.
        message: String,
    },
    /// An HTTP status, from an upgrade response or from a BLIP reply of domain `HTTP`.
    #[error("{message}")]
    Http {
        /// 300 to 599.
        status: u16,
        /// Reason phrase or the peer's own text.
        message: String,
    },
    /// The WebSocket ended with this close code.
    #[error("{message}")]
    WebSocketClosed {
        /// 1000 to 4999.
        code: u16,
        /// Reason text of the CLOSE frame.
        message: String,
    },
    /// SQLite failed with a code that has no meaning of its own in Couchbase Lite.
    #[error("{message}")]
    Sqlite {
        /// SQLite's extended result code.
        code: i32,
        /// SQLite's own text.
        message: String,
    },
    /// The operating system failed.
    #[error("{message}")]
    Posix {
        /// `errno`.
        errno: i32,
        /// What was attempted and what the system said.
        message: String,
    },
    /// A peer answered with an error of a domain that has no local meaning (e.g. `BLIP`).
    #[error("{message}")]
    Remote {
        /// The peer's `Error-Domain`.
        domain: String,
        /// The peer's `Error-Code`.
        code: i32,
        /// The peer's text.
        message: String,
    },
}

impl Error {
    /// An error of the `CouchbaseLite` domain.
    pub fn lite(code: Code, message: impl Into<String>) -> Self {
        Self::Lite {
            code,
            message: message.into(),
        }
    }

    /// An error of the Network domain.
    pub fn network(reason: NetworkReason, message: impl Into<String>) -> Self {
        Self::Network {
            reason,
            message: message.into(),
        }
    }

    /// An HTTP status.
    pub fn http(status: u16, message: impl Into<String>) -> Self {
        Self::Http {
            status,
            message: message.into(),
        }
    }

    /// A bad argument: `InvalidParameter`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::lite(Code::InvalidParameter, message)
    }

    /// Something that is not there: `NotFound`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::lite(Code::NotFound, message)
    }

    /// Domain as JavaScript sees it in `CouchbaseLiteException.domain`.
    pub fn domain(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "CouchbaseLite.SQLite",
            Self::Posix { .. } => "POSIXErrorDomain",
            _ => "CouchbaseLite",
        }
    }

    /// Code as JavaScript sees it: LiteCore codes as they are, Network + 5000, HTTP and
    /// WebSocket + 10000.
    pub fn code(&self) -> i32 {
        match self {
            Self::Lite { code, .. } => *code as i32,
            Self::Network { reason, .. } => 5000 + *reason as i32,
            Self::Http { status, .. } => 10_000 + i32::from(*status),
            Self::WebSocketClosed { code, .. } => 10_000 + i32::from(*code),
            Self::Sqlite { code, .. } => *code,
            Self::Posix { errno, .. } => *errno,
            Self::Remote { .. } => Code::RemoteError as i32,
        }
    }

    /// The text without domain and code.
    pub fn message(&self) -> &str {
        match self {
            Self::Lite { message, .. }
            | Self::Network { message, .. }
            | Self::Http { message, .. }
            | Self::WebSocketClosed { message, .. }
            | Self::Sqlite { message, .. }
            | Self::Posix { message, .. }
            | Self::Remote { message, .. } => message,
        }
    }

    /// True when this is the LiteCore error `code`.
    pub fn is(&self, wanted: Code) -> bool {
        matches!(self, Self::Lite { code, .. } if *code == wanted)
    }

    /// Whether a retry after a delay may help (wire §1.11).
    pub fn is_transient(&self) -> bool {
        use NetworkReason as N;
        match self {
            Self::Network { reason, .. } => matches!(
                reason,
                N::DnsFailure
                    | N::Timeout
                    | N::NetworkReset
                    | N::ConnectionAborted
                    | N::ConnectionReset
                    | N::ConnectionRefused
            ),
            Self::Http { status, .. } => matches!(status, 408 | 429 | 502 | 503 | 504),
            Self::WebSocketClosed { code, .. } => matches!(code, 1006 | 4001),
            _ => false,
        }
    }

    /// Whether a continuous replication should wait for the network to come back (wire §1.11).
    pub fn is_network_dependent(&self) -> bool {
        use NetworkReason as N;
        matches!(
            self,
            Self::Network {
                reason: N::UnknownHost
                    | N::NetworkDown
                    | N::NetworkUnreachable
                    | N::NotConnected
                    | N::HostDown
                    | N::HostUnreachable
                    | N::AddressNotAvailable
                    | N::BrokenPipe
                    | N::UnknownInterface,
                ..
            }
        )
    }

    /// `Error-Domain` and `Error-Code` of the BLIP error reply that tells a peer (wire §2.8).
    pub fn to_blip(&self) -> (&str, i32) {
        match self {
            Self::Lite {
                code: Code::DeltaBaseUnknown | Code::CorruptDelta,
                ..
            } => ("HTTP", 422),
            Self::Lite { code, .. } => ("LiteCore", *code as i32),
            Self::Network { reason, .. } => ("Network", *reason as i32),
            Self::Http { status, .. } => ("HTTP", i32::from(*status)),
            Self::WebSocketClosed { code, .. } => ("WebSocket", i32::from(*code)),
            Self::Sqlite { code, .. } => ("SQLite", *code),
            Self::Posix { errno, .. } => ("POSIX", *errno),
            Self::Remote { domain, code, .. } => (domain, *code),
        }
    }

    /// The local meaning of a BLIP error reply (wire §2.8).
    pub fn from_blip(domain: &str, code: i32, message: &str) -> Self {
        let remote = || Self::Remote {
            domain: domain.to_owned(),
            code,
            message: message.to_owned(),
        };
        match domain {
            "HTTP" => u16::try_from(code).map_or_else(|_| remote(), |s| Self::http(s, message)),
            "WebSocket" => u16::try_from(code).map_or_else(
                |_| remote(),
                |code| Self::WebSocketClosed {
                    code,
                    message: message.to_owned(),
                },
            ),
            "LiteCore" => Code::from_number(code).map_or_else(remote, |c| Self::lite(c, message)),
            "POSIX" => Self::Posix {
                errno: code,
                message: message.to_owned(),
            },
            "SQLite" => Self::Sqlite {
                code,
                message: message.to_owned(),
            },
            _ => remote(),
        }
    }
}

impl Code {
    /// The code with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        use Code::*;
        const ALL: [Code; 32] = [
            AssertionFailed,
            Unimplemented,
            UnsupportedEncryption,
            BadRevisionId,
            CorruptRevisionData,
            NotOpen,
            NotFound,
            Conflict,
            InvalidParameter,
            UnexpectedError,
            CantOpenFile,
            IoError,
            MemoryError,
            NotWriteable,
            CorruptData,
            Busy,
            NotInTransaction,
            TransactionNotClosed,
            Unsupported,
            NotADatabaseFile,
            WrongFormat,
            Crypto,
            InvalidQuery,
            MissingIndex,
            InvalidQueryParam,
            RemoteError,
            DatabaseTooOld,
            DatabaseTooNew,
            BadDocId,
            CantUpgradeDatabase,
            DeltaBaseUnknown,
            CorruptDelta,
        ];
        usize::try_from(number)
            .ok()
            .and_then(|n| ALL.get(n.checked_sub(1)?).copied())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self::Posix {
                errno,
                message: error.to_string(),
            },
            None => Self::lite(Code::IoError, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lite_code_is_found_by_its_number() {
        for number in 1..=32 {
            assert_eq!(Code::from_number(number).map(|c| c as i32), Some(number));
        }
        assert_eq!(Code::from_number(0), None);
        assert_eq!(Code::from_number(33), None);
    }

    #[test]
    fn javascript_sees_http_and_websocket_codes_ten_thousand_higher() {
        assert_eq!(Error::http(401, "Unauthorized").code(), 10_401);
        assert_eq!(
            Error::WebSocketClosed {
                code: 1001,
                message: String::new()
            }
            .code(),
            11_001
        );
        assert_eq!(Error::network(NetworkReason::Timeout, "").code(), 5003);
    }

    #[test]
    fn delta_errors_travel_as_http_422() {
        assert_eq!(Error::lite(Code::CorruptDelta, "").to_blip(), ("HTTP", 422));
        assert_eq!(Error::lite(Code::BadDocId, "").to_blip(), ("LiteCore", 29));
    }
}
