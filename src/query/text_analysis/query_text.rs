//! The text of a MATCH: terms go through the same pipeline as documents, the operators of FTS4's
//! enhanced syntax stay (query spec §9.2).

use super::{Analyzer, is_word_char, next_word};

/// A piece of a query.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// A term or phrase as FTS4 reads it, with its column, `^` and `*`.
    Term(String),
    /// A term or phrase of which nothing is left.
    Vanished,
    /// `AND`, `OR`, `NOT`, `NEAR`, `NEAR/n`.
    Operator(String),
    Open,
    Close,
    /// A quote without its partner and what follows it, which FTS4 refuses.
    Lone(String),
}

impl Analyzer {
    /// Rewrites query text for an FTS4 table whose tokens this analyzer made. The text calls the
    /// columns by these names, the table calls them `c0`, `c1` and so on. Empty when nothing is
    /// left to search for.
    ///
    /// What vanishes takes the operator beside it along; what is malformed stays malformed, so that
    /// FTS4 reports it.
    pub fn rewrite_query(&self, text: &str, columns: &[&str]) -> String {
        let pieces = without_vanished(self.pieces(text, columns));
        let mut out = String::with_capacity(text.len());
        for piece in pieces {
            if !out.is_empty() {
                out.push(' ');
            }
            match &piece {
                Piece::Term(text) | Piece::Operator(text) => out.push_str(text),
                Piece::Vanished => {}
                Piece::Open => out.push('('),
                Piece::Close => out.push(')'),
                Piece::Lone(rest) => {
                    out.push('"');
                    out.push_str(rest);
                }
            }
        }
        out
    }

    fn pieces(&self, text: &str, columns: &[&str]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = text.trim_start();
        while let Some(c) = rest.chars().next() {
            if let Some((operator, after)) = operator(rest) {
                pieces.push(Piece::Operator(operator.to_owned()));
                rest = after.trim_start();
                continue;
            }
            let column = column(rest, columns);
            let after_column = match column {
                Some(column) => rest[columns[column].len() + 1..].trim_start(),
                None => rest,
            };
            rest = match c {
                '(' => {
                    pieces.push(Piece::Open);
                    &rest[1..]
                }
                ')' => {
                    pieces.push(Piece::Close);
                    &rest[1..]
                }
                '"' => match rest[1..].split_once('"') {
                    Some((inside, after)) => {
                        pieces.push(self.phrase(inside));
                        after
                    }
                    None => {
                        pieces.push(Piece::Lone(rest[1..].to_owned()));
                        ""
                    }
                },
                _ => {
                    let (piece, after) = self.word(after_column, column);
                    pieces.extend(piece);
                    after
                }
            };
            rest = rest.trim_start();
        }
        pieces
    }

    /// The first word before a parenthesis, a quote or a space; what follows it.
    fn word<'t>(&self, text: &'t str, column: Option<usize>) -> (Option<Piece>, &'t str) {
        let end = text
            .find(|c: char| matches!(c, '(' | ')' | '"') || c.is_ascii_whitespace())
            .unwrap_or(text.len());
        let Some((word, _)) = next_word(&text[..end]) else {
            // Punctuation alone, at least one character of it.
            return (None, &text[end..]);
        };
        let (term, after) = self.marked(word, text);
        let piece = match term {
            Some(term) => Piece::Term(match column {
                Some(column) => format!("c{column}:{term}"),
                None => term,
            }),
            None => Piece::Vanished,
        };
        (Some(piece), after)
    }

    /// The token of the first word of `text` with the `^` before and the `*` behind it; what
    /// follows.
    fn marked<'t>(&self, word: &str, text: &'t str) -> (Option<String>, &'t str) {
        let start = text.find(is_word_char).unwrap_or(0);
        let (before, rest) = text.split_at(start);
        let rest = &rest[word.len()..];
        let (is_prefix, rest) = match rest.strip_prefix('*') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let term = self.term(word, is_prefix).map(|term| {
            let first = if before.ends_with('^') { "^" } else { "" };
            let prefix = if is_prefix { "*" } else { "" };
            format!("{first}{term}{prefix}")
        });
        (term, rest)
    }

    fn phrase(&self, inside: &str) -> Piece {
        let mut terms = Vec::new();
        let mut rest = inside;
        while let Some((word, _)) = next_word(rest) {
            let (term, after) = self.marked(word, rest);
            terms.extend(term);
            rest = after;
        }
        if terms.is_empty() {
            Piece::Vanished
        } else {
            Piece::Term(format!("\"{}\"", terms.join(" ")))
        }
    }
}

/// An operator at the start of the text: upper case, and followed by a space, a quote, a
/// parenthesis or the end.
fn operator(text: &str) -> Option<(&str, &str)> {
    let word = ["AND", "OR", "NOT", "NEAR"]
        .into_iter()
        .find(|word| text.starts_with(word))?;
    let mut len = word.len();
    if word == "NEAR"
        && let Some(distance) = text[len..].strip_prefix('/')
    {
        let digits = distance.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            len += 1 + digits;
        }
    }
    let (operator, after) = text.split_at(len);
    let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '(' | ')');
    after
        .chars()
        .next()
        .is_none_or(ends)
        .then_some((operator, after))
}

/// Which column the text begins with, followed by a colon.
fn column(text: &str, columns: &[&str]) -> Option<usize> {
    columns.iter().position(|column| {
        text.as_bytes().get(column.len()) == Some(&b':')
            && text
                .get(..column.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(column))
    })
}

/// Takes out what has vanished, with the operator after or else before it, and parentheses around
/// nothing.
fn without_vanished(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut kept: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (&piece, kept.last()) {
            // `the AND fox`: the operator goes.
            (Piece::Operator(_), Some(Piece::Vanished)) => {}
            // `fox AND the`: so does this one.
            (Piece::Vanished, Some(Piece::Operator(_))) => {
                kept.pop();
            }
            // `(the)`: nothing, which may have an operator before it in turn.
            (Piece::Close, Some(Piece::Vanished))
                if kept.len() >= 2 && kept[kept.len() - 2] == Piece::Open =>
            {
                kept.truncate(kept.len() - 2);
                match kept.last() {
                    Some(Piece::Operator(_)) => {
                        kept.pop();
                    }
                    Some(Piece::Term(_) | Piece::Close) => {}
                    _ => kept.push(Piece::Vanished),
                }
            }
            // `fox the`: only the word goes.
            (Piece::Vanished, Some(Piece::Term(_) | Piece::Close | Piece::Vanished)) => {}
            (_, Some(Piece::Vanished)) => {
                kept.pop();
                kept.push(piece);
            }
            _ => kept.push(piece),
        }
    }
    if kept.last() == Some(&Piece::Vanished) {
        kept.pop();
    }
    kept
}
