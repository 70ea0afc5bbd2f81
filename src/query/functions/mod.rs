//! The functions of SQL++ as pure functions from values to a value (query spec §7).
//!
//! One table, [`all`], says what there is: the compiler takes names, argument counts and static
//! types from it, the SQLite binding registers every entry as `sp1_<name>`. A change of what a
//! function answers makes indexes over it stale, which is why that prefix carries a version.

mod aggregates;
mod arrays;
mod conditionals;
mod context;
mod dates;
mod numbers;
mod operators;
mod patterns;
mod strings;
mod table;
mod types;

use super::value::Value;

pub use aggregates::{Aggregate, ArrayAgg, Avg, Sum};
pub use arrays::{array_contains, count_of_path};
pub use context::EvalContext;
pub use operators::{array_literal, concat, in_list, like, object_literal};

/// What kind of value an expression gives whenever it gives neither MISSING nor null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaticType {
    /// Not known before it runs.
    Any,
    /// true or false.
    Boolean,
    /// An integer or a double.
    Number,
    /// An integer.
    Integer,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Why a function gave no value. It fails the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The result would be longer than [`MAX_TEXT_LEN`].
    #[error("result of a function is longer than {MAX_TEXT_LEN} bytes")]
    TooLong,
    /// Matching would take too much work.
    #[error("pattern is too complex for so long a text")]
    TooComplex,
    /// A container that is no well-formed JSONB.
    #[error("stored value is damaged")]
    Damaged,
}

/// Longest string or container that a function builds, in bytes.
pub const MAX_TEXT_LEN: usize = 64 * 1024 * 1024;

/// What a function is called with and answers.
///
/// The number of arguments is within the bounds of its [`FunctionSpec`]; functions that take a
/// collation get its SQL name (or an empty string for the default) as one more argument, which
/// may be left out.
pub type Eval = for<'a> fn(&mut EvalContext, &[Value<'a>]) -> Result<Value<'a>, EvalError>;

/// One function of the language.
#[derive(Debug)]
pub struct FunctionSpec {
    /// Name in lower case; aliases are resolved by [`find`].
    pub name: &'static str,
    /// Fewest arguments.
    pub min_args: u8,
    /// Most arguments; `None` without limit.
    pub max_args: Option<u8>,
    /// Kind of the result.
    pub result: StaticType,
    /// False when the answer depends on more than the arguments: the local time zone.
    pub deterministic: bool,
    /// Whether the collation in force is passed as one more, last argument in SQL.
    pub takes_collation: bool,
    /// The function itself.
    pub eval: Eval,
}

impl FunctionSpec {
    const fn new(
        name: &'static str,
        args: (u8, Option<u8>),
        result: StaticType,
        eval: Eval,
    ) -> Self {
        Self {
            name,
            min_args: args.0,
            max_args: args.1,
            result,
            deterministic: true,
            takes_collation: false,
            eval,
        }
    }

    const fn collated(self) -> Self {
        Self {
            takes_collation: true,
            ..self
        }
    }

    const fn local_time(self) -> Self {
        Self {
            deterministic: false,
            ..self
        }
    }
}

/// Finds a function by its name in any letter case, aliases like `IS_ARRAY` included.
///
/// Aggregates, META, MATCH and RANK are no functions of this table.
pub fn find(name: &str) -> Option<&'static FunctionSpec> {
    let mut lower = name.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("is_") {
        lower = format!("is{rest}");
    }
    let wanted = match lower.as_str() {
        "typename" => "type",
        other => other,
    };
    all().iter().find(|function| function.name == wanted)
}

/// All functions, in the order of query spec §7.
pub fn all() -> &'static [FunctionSpec] {
    table::TABLE
}

#[cfg(test)]
mod tests;
