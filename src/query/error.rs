//! Errors of a query, with their place in the text (query spec §11).

use crate::error::{Code, Error};

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Whether the grammar is broken; else a name, an argument or the use of a word is wrong.
    pub syntax: bool,
    /// The character where it goes wrong, counted from 1. 0: the whole text.
    pub position: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What was expected and what was found, or what is wrong.
    pub message: String,
}

impl QueryError {
    /// An error of the grammar at a byte of the text.
    pub(crate) fn syntax(text: &str, at: usize, message: impl Into<String>) -> Self {
        Self {
            syntax: true,
            ..Self::at(text, at, message)
        }
    }

    /// An error of meaning at a byte of the text.
    pub(crate) fn at(text: &str, at: usize, message: impl Into<String>) -> Self {
        let mut before = at.min(text.len());
        while !text.is_char_boundary(before) {
            before -= 1;
        }
        let before = &text[..before];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            syntax: false,
            position: before.chars().count() + 1,
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }

    /// An error of meaning that has no single place.
    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self {
            syntax: false,
            position: 0,
            line: 0,
            column: 0,
            message: message.into(),
        }
    }
}

impl std::fmt::Display for QueryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            position,
            line,
            column,
            message,
            ..
        } = self;
        if self.syntax {
            write!(f, "N1QL syntax error near character {position} ")?;
            write!(f, "(line {line}, column {column}): {message}")
        } else if *position == 0 {
            write!(f, "{message}")
        } else {
            write!(f, "{message} (line {line}, column {column})")
        }
    }
}

impl std::error::Error for QueryError {}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        Self::lite(Code::InvalidQuery, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        let error = QueryError::syntax("é\nöx y", 6, "expected z");
        assert_eq!((error.position, error.line, error.column), (5, 2, 3));
        let error = QueryError::at("é", 1, "inside a character");
        assert_eq!((error.position, error.line, error.column), (1, 1, 1));
        let error = Error::from(QueryError::syntax("a", 9, "expected z"));
        assert_eq!(error.code(), 23);
        assert_eq!(
            error.message(),
            "N1QL syntax error near character 2 (line 1, column 2): expected z"
        );
    }
}
