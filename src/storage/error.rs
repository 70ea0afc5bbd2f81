//! SQLite's result codes as [`Error`]s.

use rusqlite::ffi;

use crate::error::{Code, Error};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, text) = &error else {
            // A row whose columns have unexpected types: the file was written by something else.
            return Self::lite(Code::CorruptData, format!("database: {error}"));
        };
        let text = text.clone().unwrap_or_else(|| failure.to_string());
        match failure.extended_code & 0xff {
            // A collection that was deleted between its look-up and the read of its table.
            ffi::SQLITE_ERROR if text.starts_with("no such table: docs_") => {
                Self::not_found("collection not found, it was deleted just now")
            }
            ffi::SQLITE_ERROR if text.starts_with("no such table: fts_") => Self::lite(
                Code::MissingIndex,
                "full-text index not found, it was deleted just now",
            ),
            ffi::SQLITE_ERROR if text.starts_with("no such table: array_") => Self::lite(
                Code::MissingIndex,
                "array index not found, it was deleted just now",
            ),
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Self::lite(Code::Busy, text),
            ffi::SQLITE_CORRUPT => Self::lite(Code::CorruptData, text),
            ffi::SQLITE_NOTADB => Self::lite(Code::NotADatabaseFile, text),
            ffi::SQLITE_READONLY | ffi::SQLITE_PERM => Self::lite(Code::NotWriteable, text),
            ffi::SQLITE_CANTOPEN => Self::lite(Code::CantOpenFile, text),
            ffi::SQLITE_IOERR => Self::lite(Code::IoError, text),
            ffi::SQLITE_NOMEM => Self::lite(Code::MemoryError, text),
            _ => Self::Sqlite {
                code: failure.extended_code,
                message: text,
            },
        }
    }
}

/// Puts `context` in front of an error's text and keeps its code.
pub(crate) fn with_context(error: Error, context: &str) -> Error {
    let text = format!("{context}: {}", error.message());
    match error {
        Error::Lite { code, .. } => Error::lite(code, text),
        Error::Sqlite { code, .. } => Error::Sqlite {
            code,
            message: text,
        },
        Error::Posix { errno, .. } => Error::Posix {
            errno,
            message: text,
        },
        other => other,
    }
}
