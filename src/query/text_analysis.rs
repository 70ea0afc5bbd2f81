//! Text analysis of full-text indexes (query spec §9, §14.7): text to tokens, query text to the
//! same tokens, and the rank.
//!
//! The index itself is an FTS4 table with the `simple` tokenizer, which keeps what this room makes:
//! tokens joined by spaces.

mod query_text;
mod stop_words;

use std::fmt;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::value::Value;
use stop_words::stop_words;

/// Languages with a stemmer: code, English name, algorithm.
const LANGUAGES: [(&str, &str, Algorithm); 15] = [
    ("da", "danish", Algorithm::Danish),
    ("nl", "dutch", Algorithm::Dutch),
    ("en", "english", Algorithm::English),
    ("fi", "finnish", Algorithm::Finnish),
    ("fr", "french", Algorithm::French),
    ("de", "german", Algorithm::German),
    ("hu", "hungarian", Algorithm::Hungarian),
    ("it", "italian", Algorithm::Italian),
    ("no", "norwegian", Algorithm::Norwegian),
    ("pt", "portuguese", Algorithm::Portuguese),
    ("ro", "romanian", Algorithm::Romanian),
    ("ru", "russian", Algorithm::Russian),
    ("es", "spanish", Algorithm::Spanish),
    ("sv", "swedish", Algorithm::Swedish),
    ("tr", "turkish", Algorithm::Turkish),
];

/// Deepest nesting of arrays and objects whose text is taken.
const MAX_NESTING: usize = 400;

/// Makes tokens: splits, folds case, drops accents and stop words, stems.
pub struct Analyzer {
    ignore_accents: bool,
    /// Sorted by bytes.
    stop_words: Vec<&'static str>,
    stemmer: Option<Stemmer>,
}

impl fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Analyzer")
            .field("ignore_accents", &self.ignore_accents)
            .field("stop_words", &self.stop_words.len())
            .field("stems", &self.stemmer.is_some())
            .finish()
    }
}

impl Analyzer {
    /// For a language by code (`en`, `en_US`) or English name; `None` or an unknown one has neither
    /// stop words nor stemmer.
    pub fn new(language: Option<&str>, ignore_accents: bool) -> Self {
        let wanted = language.unwrap_or_default().to_ascii_lowercase();
        let code = wanted.split(['_', '-']).next().unwrap_or_default();
        let known = LANGUAGES
            .iter()
            .find(|(short, name, _)| code == *short || wanted == *name);
        Self {
            ignore_accents,
            stop_words: known.map_or_else(Vec::new, |(short, ..)| stop_words(short)),
            stemmer: known.map(|(.., algorithm)| Stemmer::create(*algorithm)),
        }
    }

    /// Appends the tokens of a value to `out`, joined by spaces: strings as they are, numbers as
    /// text, booleans as `T` and `F`, of arrays and objects all scalars inside.
    pub fn tokens(&self, value: &Value<'_>, out: &mut String) {
        self.value(value, MAX_NESTING, out);
    }

    fn value(&self, value: &Value<'_>, levels: usize, out: &mut String) {
        match value {
            Value::Missing | Value::Null => {}
            Value::Boolean(true) => self.text("T", out),
            Value::Boolean(false) => self.text("F", out),
            Value::String(text) => self.text(text, out),
            Value::Integer(_) | Value::Double(_) => {
                if let Ok(Some(text)) = value.to_text() {
                    self.text(&text, out);
                }
            }
            Value::Array(_) | Value::Object(_) if levels == 0 => {}
            Value::Array(array) => {
                for element in array.elements() {
                    self.value(&element, levels - 1, out);
                }
            }
            Value::Object(object) => {
                for (_, member) in object.members() {
                    self.value(&member, levels - 1, out);
                }
            }
        }
    }

    fn text(&self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some((word, after)) = next_word(rest) {
            if let Some(term) = self.term(word, false) {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(&term);
            }
            rest = after;
        }
    }

    /// The token of a word; `None` for a stop word, unless it is kept as a prefix, and when
    /// nothing is left of it.
    fn term(&self, word: &str, is_prefix: bool) -> Option<String> {
        let mut folded: String = word.chars().map(fold).collect();
        if !is_prefix && self.stop_words.binary_search(&folded.as_str()).is_ok() {
            return None;
        }
        if self.ignore_accents && !folded.is_ascii() {
            folded = folded.nfd().filter(|c| !is_accent(*c)).nfc().collect();
        }
        let term = match &self.stemmer {
            Some(stemmer) => stemmer.stem(&folded).into_owned(),
            None => folded,
        };
        (!term.is_empty()).then_some(term)
    }
}

/// Letters, digits and the marks on them.
fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && is_combining_mark(c))
}

/// The first maximal run of word characters, and what follows it.
fn next_word(text: &str) -> Option<(&str, &str)> {
    let start = text.find(is_word_char)?;
    let rest = &text[start..];
    let end = rest.find(|c| !is_word_char(c)).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

/// Simple case folding: one character for one.
fn fold(c: char) -> char {
    match c {
        'ς' => 'σ',
        'ſ' => 's',
        'µ' => 'μ',
        _ if c.is_ascii() => c.to_ascii_lowercase(),
        _ => {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(single), None) => single,
                _ => c,
            }
        }
    }
}

/// Combining marks that are accents; the vowel signs of Indic scripts are not.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Rank of a document from `matchinfo(table, 'pcx')`: over every phrase and every column, hits in
/// this document divided by hits in all documents, summed. Larger is better.
///
/// 0 when the numbers are not laid out as they should be.
pub fn rank(matchinfo_pcx: &[u32]) -> f64 {
    let [phrases, columns, hits @ ..] = matchinfo_pcx else {
        return 0.0;
    };
    let count = (*phrases as usize).saturating_mul(*columns as usize);
    let mut rank = 0.0;
    for hit in hits.chunks_exact(3).take(count) {
        if hit[1] > 0 {
            rank += f64::from(hit[0]) / f64::from(hit[1]);
        }
    }
    rank
}

#[cfg(test)]
mod tests;
