//! Text into tokens (query spec §1.1).
//!
//! Keywords are told from names here, and the spec's rules about what may touch what: a token
//! knows whether white space stands before it.

use std::borrow::Cow;

use super::error::QueryError;

/// Longest text of a query, in bytes.
pub(crate) const MAX_TEXT: usize = 1 << 20;

/// Words that cannot be a bare name.
const RESERVED: [&str; 44] = [
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "COLLATE",
    "CROSS",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "EVERY",
    "FALSE",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MISSING",
    "NATURAL",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "RIGHT",
    "SATISFIES",
    "SELECT",
    "THEN",
    "TRUE",
    "UNNEST",
    "USING",
    "VALUED",
    "WHEN",
    "WHERE",
];

/// Symbols, longer ones first.
const SYMBOLS: [&str; 28] = [
    "||", "==", "!=", "<>", "<=", ">=", "<<", ">>", "(", ")", "[", "]", "{", "}", ",", ".", ":",
    ";", "*", "+", "-", "/", "%", "=", "<", ">", "&", "|",
];

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind<'a> {
    /// A reserved word, in upper case.
    Keyword(&'static str),
    /// A bare name.
    Word(&'a str),
    /// What stands between backquotes.
    Quoted(&'a str),
    /// What stands between quotes of this kind.
    String(&'a str, char),
    /// Digits.
    Integer(&'a str),
    /// A number with a point or an exponent.
    Double(f64),
    /// The name of a parameter.
    Parameter(&'a str),
    /// Anything else.
    Symbol(&'static str),
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token<'a> {
    /// What it is.
    pub(crate) kind: Kind<'a>,
    /// The text itself.
    pub(crate) text: &'a str,
    /// Where it starts, in bytes.
    pub(crate) start: usize,
    /// Whether white space stands before it.
    pub(crate) spaced: bool,
}

impl Token<'_> {
    /// Whether it is this keyword, in upper case.
    pub(crate) fn is_keyword(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Keyword(keyword) if keyword == word)
    }

    /// Whether it is this symbol.
    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.kind, Kind::Symbol(own) if own == symbol)
    }

    /// Whether it is this word, which is not reserved.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word(own) if own.eq_ignore_ascii_case(word))
    }
}

/// `text` where the delimiter doubled stands for itself.
pub(crate) fn unquote(text: &str, delimiter: char) -> String {
    let one: &str = match delimiter {
        '`' => "`",
        '"' => "\"",
        _ => "'",
    };
    let two: Cow<'_, str> = one.repeat(2).into();
    text.replace(&*two, one)
}

/// Whether a bare name may start with this.
pub(crate) fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Whether a bare name may go on with this.
pub(crate) fn continues_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

/// Whether a word is reserved, in any letter case.
pub(crate) fn reserved(word: &str) -> Option<&'static str> {
    RESERVED
        .into_iter()
        .find(|keyword| keyword.eq_ignore_ascii_case(word))
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// The tokens of a text.
///
/// # Errors
/// Text that is too long, and what is no token.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, QueryError> {
    if text.len() > MAX_TEXT {
        let message = format!("the text is {} bytes, limit is {MAX_TEXT}", text.len());
        return Err(QueryError::whole(message));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    loop {
        let space = lexer.run(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        let start = lexer.at;
        if start == text.len() {
            return Ok(tokens);
        }
        let kind = lexer.token()?;
        tokens.push(Token {
            kind,
            text: &text[start..lexer.at],
            start,
            spaced: !space.is_empty(),
        });
    }
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes the bytes, all ASCII, that `wanted` wants.
    fn run(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn token(&mut self) -> Result<Kind<'a>, QueryError> {
        let rest = &self.text.as_bytes()[self.at..];
        match *rest {
            [b'`', ..] => self.quoted_name(),
            [quote @ (b'\'' | b'"'), ..] => {
                let quote = char::from(quote);
                Ok(Kind::String(self.delimited(quote)?, quote))
            }
            [b'$', ..] => self.parameter(),
            [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => self.number(),
            [byte, ..] if starts_name(byte) => {
                let word = self.run(continues_name);
                Ok(reserved(word).map_or(Kind::Word(word), Kind::Keyword))
            }
            _ => {
                let rest = &self.text[self.at..];
                let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
                let symbol = symbol.ok_or_else(|| {
                    let found: String = rest.chars().take(1).collect();
                    QueryError::syntax(self.text, self.at, format!("unexpected {found:?}"))
                })?;
                self.at += symbol.len();
                Ok(Kind::Symbol(symbol))
            }
        }
    }

    /// What stands between two delimiters; doubled ones are inside.
    fn delimited(&mut self, delimiter: char) -> Result<&'a str, QueryError> {
        let start = self.at;
        let mut end = start + 1;
        loop {
            let Some(found) = self.text[end..].find(delimiter) else {
                let message = format!("expected {delimiter} at the end of what starts here");
                return Err(QueryError::syntax(self.text, start, message));
            };
            end += found + 1;
            if !self.text[end..].starts_with(delimiter) {
                break;
            }
            end += 1;
        }
        self.at = end;
        Ok(&self.text[start + 1..end - 1])
    }

    fn quoted_name(&mut self) -> Result<Kind<'a>, QueryError> {
        let start = self.at;
        let name = self.delimited('`')?;
        if name.is_empty() {
            return Err(QueryError::syntax(self.text, start, "expected a name"));
        }
        Ok(Kind::Quoted(name))
    }

    fn parameter(&mut self) -> Result<Kind<'a>, QueryError> {
        let start = self.at;
        self.at += 1;
        let wrong = |at, message| Err(QueryError::syntax(self.text, at, message));
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match self.peek() {
            Some(b'`') => {
                let Kind::Quoted(name) = self.quoted_name()? else {
                    return wrong(start, "expected a name");
                };
                if name.bytes().all(in_name) {
                    return Ok(Kind::Parameter(name));
                }
                let message = "the name of a parameter has only letters, digits and _";
                Err(QueryError::syntax(self.text, start, message))
            }
            Some(byte) if starts_name(byte) => {
                let name = self.run(in_name);
                if reserved(name).is_some() {
                    let message = format!("expected a name; write $`{name}`");
                    return Err(QueryError::syntax(self.text, start + 1, message));
                }
                Ok(Kind::Parameter(name))
            }
            _ => wrong(start + 1, "expected the name of a parameter"),
        }
    }

    fn number(&mut self) -> Result<Kind<'a>, QueryError> {
        let start = self.at;
        self.run(|byte| byte.is_ascii_digit());
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.run(|byte| byte.is_ascii_digit());
        }
        if let Some(b'e' | b'E') = self.peek() {
            let before = self.at;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.run(|byte| byte.is_ascii_digit()).is_empty() {
                self.at = before;
            } else {
                whole = false;
            }
        }
        if self
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            let message = "a number must not be followed by a letter or a digit";
            return Err(QueryError::syntax(self.text, self.at, message));
        }
        let digits = &self.text[start..self.at];
        if whole {
            return Ok(Kind::Integer(digits));
        }
        match digits.parse() {
            Ok(number) => Ok(Kind::Double(number)),
            Err(_) => Err(QueryError::syntax(self.text, start, "expected a number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        tokens(text)
            .unwrap()
            .into_iter()
            .map(|token| token.kind)
            .collect()
    }

    #[test]
    fn keywords_are_found_in_any_letter_case() {
        let wanted = [
            Kind::Keyword("SELECT"),
            Kind::Word("selects"),
            Kind::Word("some"),
        ];
        assert_eq!(kinds("sElEcT selects some"), wanted);
    }

    #[test]
    fn numbers_end_before_letters() {
        assert_eq!(
            kinds("1 .5 5. 1e3 007"),
            [
                Kind::Integer("1"),
                Kind::Double(0.5),
                Kind::Double(5.0),
                Kind::Double(1000.0),
                Kind::Integer("007"),
            ]
        );
        for wrong in ["5AND", "0x10", "1_", "1e", "5.a"] {
            assert!(tokens(wrong).unwrap_err().syntax, "{wrong}");
        }
    }

    #[test]
    fn doubled_delimiters_stand_for_themselves() {
        assert_eq!(kinds("'it''s'"), [Kind::String("it''s", '\'')]);
        assert_eq!(unquote("it''s", '\''), "it's");
        assert_eq!(unquote("a``b", '`'), "a`b");
        assert_eq!(tokens("'abc").unwrap_err().position, 1);
        assert_eq!(tokens("a ``").unwrap_err().position, 3);
    }

    #[test]
    fn parameters_that_are_reserved_words_need_backquotes() {
        assert_eq!(
            kinds("$a $`limit`"),
            [Kind::Parameter("a"), Kind::Parameter("limit")]
        );
        for wrong in ["$limit", "$", "$ a", "$1", "$`a b`", "$é"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn there_are_no_comments_and_no_other_characters() {
        assert_eq!(kinds("--"), [Kind::Symbol("-"), Kind::Symbol("-")]);
        for wrong in ["#", "\u{a0}", "é", "@", "\\", "!", "~", "?"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_text_of_more_than_a_mebibyte_is_refused() {
        assert!(tokens(&" ".repeat(MAX_TEXT)).is_ok());
        assert!(tokens(&" ".repeat(MAX_TEXT + 1)).is_err());
    }
}
