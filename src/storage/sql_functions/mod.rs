//! The SQL functions, aggregates and collations that compiled queries and indexes call. Every
//! connection has all of them: an index on `sp1_value(…)` cannot even be checked without.
//!
//! | file | what it holds |
//! |---|---|
//! | [`call`] | SQLite's function interface |
//! | [`accessor`] | finding a property in a body |
//! | [`encoding`] | values as SQLite holds them |
//! | [`operators`] | accessors, literals and operators: what is no function of the language |
//! | [`language`] | the functions of the language and its aggregates |
//! | [`collations`] | collations, when they are first needed |
//! | [`full_text`] | words of texts, ranks |
//!
//! The version is part of every name, `sp1_`. Whoever changes what an indexed function answers raises
//! [`CONTENT_VERSION`], and indexes are built anew (query spec §14.5).

mod accessor;
mod call;
mod collations;
mod encoding;
mod full_text;
mod language;
mod operators;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::query::functions::EvalContext;
use full_text::Analyzers;

pub(crate) use encoding::Bound;
pub(in crate::storage) use encoding::{ARRAY, OBJECT, RESULT_FALSE, RESULT_NULL, RESULT_TRUE};

/// Raised when an indexed function answers otherwise than before: indexes are then built anew.
const CONTENT_VERSION: u32 = 1;

/// The data of collations, which a release of ICU may change. A test compares it with the
/// dependency.
const COLLATION_DATA: &str = "2.4.0";

/// What the content of an index over these SQL expressions depends on beside the documents.
pub(crate) fn content_version<'a>(expressions: impl IntoIterator<Item = &'a String>) -> String {
    let collated = expressions
        .into_iter()
        .any(|expression| expression.contains(UNICODE_COLLATION));
    if collated {
        format!("{CONTENT_VERSION}, collations {COLLATION_DATA}")
    } else {
        CONTENT_VERSION.to_string()
    }
}

/// How the names of collations that use such data begin.
const UNICODE_COLLATION: &str = "sp1_u_";

/// What the functions of one connection share.
#[derive(Debug, Default)]
struct State {
    context: Mutex<EvalContext>,
    analyzers: Mutex<Analyzers>,
}

impl State {
    /// The caches of functions. A connection runs on one thread at a time, so nobody waits.
    fn context(&self) -> MutexGuard<'_, EvalContext> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The analyzers of texts.
    fn analyzers(&self) -> MutexGuard<'_, Analyzers> {
        self.analyzers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes everything known to a connection that was just opened.
pub(super) fn register(connection: &rusqlite::Connection) -> Result<()> {
    let state = Arc::new(State::default());
    operators::register(connection, &state)?;
    language::register(connection, &state)?;
    full_text::register(connection, &state)?;
    collations::register(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_collation_data_is_that_of_the_dependency() {
        let lock = include_str!("../../../Cargo.lock");
        let (_, after) = lock.split_once("name = \"icu_collator_data\"\n").unwrap();
        let version = after.lines().next().unwrap();
        assert_eq!(version, format!("version = \"{COLLATION_DATA}\""));
    }

    #[test]
    fn only_indexes_with_a_collation_of_unicode_depend_on_its_data() {
        let version = |sql: &str| content_version(&[sql.to_owned()]);
        assert_eq!(version("sp1_value(body, 'n')"), "1");
        assert_eq!(version("sp1_value(body, 'n') COLLATE NOCASE"), "1");
        let collated = version("sp1_value(body, 'n') COLLATE sp1_u_und_ci");
        assert!(collated.contains(COLLATION_DATA));
    }
}
