//! Full-text search over FTS4 tables (query spec §9, §14.7).
//!
//! | function | answers |
//! |---|---|
//! | `sp1_fts(value, 'language', ignore accents)` | the words of a value, as FTS4 is to hold them |
//! | `sp1_fts_query(text, 'language', ignore accents, 'column', …)` | query text as FTS4 is to read it; NULL when there is nothing to search for |
//! | `sp1_rank(matchinfo(table, 'pcx'))` | the rank of a hit |
//!
//! An empty language means neither stop words nor stemming.

use std::sync::Arc;

use super::State;
use super::call::{self, Call, Raw, Traits};
use crate::error::Result;
use crate::query::text_analysis::{Analyzer, rank as rank_of};
use crate::query::value::Value;

pub(super) fn register(connection: &rusqlite::Connection, state: &Arc<State>) -> Result<()> {
    let add = |name: &str, arguments, function: fn(&Call<'_>, &State)| {
        let traits = Traits {
            arguments,
            deterministic: true,
            sets_subtype: false,
        };
        call::register(connection, state, name, traits, function)
    };
    add("sp1_fts", 3, words)?;
    add("sp1_fts_query", -1, query)?;
    add("sp1_rank", 1, rank)
}

/// Analyzers of a connection, each made once.
#[derive(Debug, Default)]
pub(super) struct Analyzers(Vec<(String, bool, Analyzer)>);

/// Analyzers that are kept.
const MAX_ANALYZERS: usize = 16;

impl Analyzers {
    fn get(&mut self, language: &str, ignore_accents: bool) -> Option<&Analyzer> {
        let found = self
            .0
            .iter()
            .position(|(of, ignores, _)| of == language && *ignores == ignore_accents);
        let index = found.unwrap_or_else(|| {
            if self.0.len() >= MAX_ANALYZERS {
                self.0.clear();
            }
            let analyzer =
                Analyzer::new(Some(language).filter(|of| !of.is_empty()), ignore_accents);
            self.0.push((language.to_owned(), ignore_accents, analyzer));
            self.0.len() - 1
        });
        self.0.get(index).map(|(_, _, analyzer)| analyzer)
    }
}

fn ignores_accents(call: &Call<'_>) -> bool {
    matches!(call.arg(2), Raw::Integer(flag) if flag != 0)
}

fn words(call: &Call<'_>, state: &State) {
    let value = call.value(0);
    if value.is_missing() {
        return;
    }
    let mut analyzers = state.analyzers();
    if let Some(analyzer) = analyzers.get(call.text_arg(1), ignores_accents(call)) {
        let mut words = String::new();
        analyzer.tokens(&value, &mut words);
        call.text(words.as_bytes());
    }
}

fn query(call: &Call<'_>, state: &State) {
    let Ok(Some(text)) = text_to_search(&call.value(0)) else {
        return;
    };
    let columns: Vec<&str> = (3..call.len()).map(|index| call.text_arg(index)).collect();
    let mut analyzers = state.analyzers();
    if let Some(analyzer) = analyzers.get(call.text_arg(1), ignores_accents(call)) {
        let rewritten = analyzer.rewrite_query(&text, &columns);
        if !rewritten.is_empty() {
            call.text(rewritten.as_bytes());
        }
    }
}

/// MISSING and null find nothing.
fn text_to_search(value: &Value<'_>) -> Result<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    Ok(value.to_text()?.map(std::borrow::Cow::into_owned))
}

fn rank(call: &Call<'_>, _: &State) {
    let Raw::Blob(info) = call.arg(0) else { return };
    let numbers: Vec<u32> = info
        .chunks_exact(4)
        .filter_map(|chunk| chunk.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes)))
        .collect();
    call.real(rank_of(&numbers));
}
