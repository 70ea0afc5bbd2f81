//! The functions of the language, its aggregates, and the operators that SQL has otherwise.
//!
//! | function | answers |
//! |---|---|
//! | `sp1_<name>(…)` | the function of that name in [`functions::all`] |
//! | `sp1_concat(a, b, …)` | `a \|\| b` |
//! | `sp1_like(text, pattern[, 'collation'])` | `text LIKE pattern` |
//! | `sp1_array(…)`, `sp1_object('key', value, …)` | literals, without what is MISSING |
//! | `sp1_in(value, array)` | `value IN array` where the right side is no list |
//! | `sp1_count(value)` | `ARRAY_COUNT` of a path |
//! | `sp1_sum`, `sp1_avg`, `sp1_array_agg` | aggregates |

use std::sync::Arc;

use super::State;
use super::call::{self, Call, Scalar, Traits};
use crate::error::Result;
use crate::query::functions::{
    self, Aggregate, ArrayAgg, Avg, EvalError, FunctionSpec, StaticType, Sum,
};
use crate::query::value::Value;

pub(super) fn register(connection: &rusqlite::Connection, state: &Arc<State>) -> Result<()> {
    for spec in functions::all() {
        let fixed = spec.max_args == Some(spec.min_args) && !spec.takes_collation;
        let traits = Traits {
            arguments: if fixed { spec.min_args.into() } else { -1 },
            deterministic: spec.deterministic,
            sets_subtype: matches!(spec.result, StaticType::Boolean | StaticType::Any),
        };
        let name = format!("sp1_{}", spec.name);
        call::register(connection, state, &name, traits, Function(spec))?;
    }
    let add = |name: &str, arguments, sets_subtype, function: fn(&Call<'_>, &State)| {
        let traits = Traits {
            arguments,
            deterministic: true,
            sets_subtype,
        };
        call::register(connection, state, name, traits, function)
    };
    add("sp1_like", -1, true, like)?;
    add("sp1_array", -1, false, array)?;
    add("sp1_object", -1, false, object)?;
    add("sp1_in", 2, true, is_in)?;
    add("sp1_count", 1, false, count)?;
    call::register_aggregate::<OfRows<Sum>>(connection, "sp1_sum", 1)?;
    call::register_aggregate::<OfRows<Avg>>(connection, "sp1_avg", 1)?;
    call::register_aggregate::<OfRows<ArrayAgg>>(connection, "sp1_array_agg", 1)
}

struct Function(&'static FunctionSpec);

impl Scalar for Function {
    fn call(&self, call: &Call<'_>, state: &State) {
        let mut context = state.context();
        let eval = self.0.eval;
        // Without an allocation for the common numbers of arguments.
        let result = match call.len() {
            1 => eval(&mut context, &[call.value(0)]),
            2 => eval(&mut context, &[call.value(0), call.value(1)]),
            _ => eval(&mut context, &call.values()),
        };
        answer(call, result);
    }
}

fn answer(call: &Call<'_>, result: std::result::Result<Value<'_>, EvalError>) {
    match result {
        Ok(value) => call.answer(&value),
        Err(error) => call.fail(&error.to_string()),
    }
}

fn like(call: &Call<'_>, state: &State) {
    let (text, pattern) = (call.value(0), call.value(1));
    let collation = call.text_arg(2);
    let result = functions::like(&mut state.context(), &text, &pattern, collation);
    answer(call, result);
}

fn array(call: &Call<'_>, _: &State) {
    answer(call, functions::array_literal(&call.values()));
}

fn object(call: &Call<'_>, _: &State) {
    call.answer(&functions::object_literal(&call.values()));
}

fn is_in(call: &Call<'_>, _: &State) {
    call.answer(&functions::in_list(&call.value(0), &call.value(1)));
}

fn count(call: &Call<'_>, _: &State) {
    call.answer(&functions::count_of_path(&call.value(0)));
}

/// An aggregate of the language as SQLite calls it.
#[derive(Default)]
struct OfRows<A> {
    aggregate: A,
    failed: Option<EvalError>,
}

impl<A: Aggregate + Default> call::Aggregate for OfRows<A> {
    fn step(&mut self, call: &Call<'_>) {
        if self.failed.is_none() {
            self.failed = self.aggregate.step(&call.value(0)).err();
        }
    }

    fn finish(self, call: &Call<'_>) {
        match self.failed {
            Some(error) => call.fail(&error.to_string()),
            None => call.answer(&self.aggregate.finish()),
        }
    }
}
