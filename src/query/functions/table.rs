//! The table of all functions.

use super::StaticType::{Any, Array, Boolean, Integer, Number, Object, String as Text};
use super::{
    FunctionSpec, arrays, conditionals, dates, numbers, operators, patterns, strings, types,
};

/// In the order of query spec §7.
pub(super) static TABLE: &[FunctionSpec] = &[
    // 7.1
    FunctionSpec::new("length", exactly(1), Integer, strings::length),
    FunctionSpec::new("lower", exactly(1), Text, strings::lower),
    FunctionSpec::new("upper", exactly(1), Text, strings::upper),
    FunctionSpec::new("trim", exactly(1), Any, strings::trim),
    FunctionSpec::new("ltrim", exactly(1), Any, strings::ltrim),
    FunctionSpec::new("rtrim", exactly(1), Any, strings::rtrim),
    FunctionSpec::new("contains", exactly(2), Boolean, strings::contains).collated(),
    FunctionSpec::new("concat", at_least(2), Text, operators::concat_function),
    // 7.2
    FunctionSpec::new("regexp_like", exactly(2), Boolean, patterns::regexp_like),
    FunctionSpec::new(
        "regexp_contains",
        exactly(2),
        Boolean,
        patterns::regexp_like,
    ),
    FunctionSpec::new(
        "regexp_position",
        exactly(2),
        Integer,
        patterns::regexp_position,
    ),
    FunctionSpec::new(
        "regexp_replace",
        between(3, 4),
        Text,
        patterns::regexp_replace,
    ),
    // 7.3
    FunctionSpec::new("abs", exactly(1), Number, numbers::abs),
    FunctionSpec::new("acos", exactly(1), Number, numbers::acos),
    FunctionSpec::new("asin", exactly(1), Number, numbers::asin),
    FunctionSpec::new("atan", exactly(1), Number, numbers::atan),
    FunctionSpec::new("atan2", exactly(2), Number, numbers::atan2),
    FunctionSpec::new("ceil", exactly(1), Number, numbers::ceil),
    FunctionSpec::new("cos", exactly(1), Number, numbers::cos),
    FunctionSpec::new("degrees", exactly(1), Number, numbers::degrees),
    FunctionSpec::new("div", exactly(2), Number, numbers::div),
    FunctionSpec::new("e", exactly(0), Number, numbers::e),
    FunctionSpec::new("exp", exactly(1), Number, numbers::exp),
    FunctionSpec::new("floor", exactly(1), Number, numbers::floor),
    FunctionSpec::new("greatest", at_least(2), Any, numbers::greatest),
    FunctionSpec::new("idiv", exactly(2), Integer, numbers::idiv),
    FunctionSpec::new("least", at_least(2), Any, numbers::least),
    FunctionSpec::new("ln", exactly(1), Number, numbers::ln),
    FunctionSpec::new("log", exactly(1), Number, numbers::log),
    FunctionSpec::new("pi", exactly(0), Number, numbers::pi),
    FunctionSpec::new("power", exactly(2), Number, numbers::power),
    FunctionSpec::new("radians", exactly(1), Number, numbers::radians),
    FunctionSpec::new("round", between(1, 2), Number, numbers::round),
    FunctionSpec::new("round_even", between(1, 2), Number, numbers::round_even),
    FunctionSpec::new("sign", exactly(1), Integer, numbers::sign),
    FunctionSpec::new("sin", exactly(1), Number, numbers::sin),
    FunctionSpec::new("sqrt", exactly(1), Number, numbers::sqrt),
    FunctionSpec::new("tan", exactly(1), Number, numbers::tan),
    FunctionSpec::new("trunc", between(1, 2), Number, numbers::trunc),
    // 7.4
    FunctionSpec::new("array_avg", exactly(1), Number, arrays::array_avg),
    FunctionSpec::new(
        "array_contains",
        exactly(2),
        Boolean,
        arrays::array_contains_function,
    ),
    FunctionSpec::new("array_count", exactly(1), Integer, arrays::array_count),
    FunctionSpec::new("array_ifnull", exactly(1), Any, arrays::array_ifnull),
    FunctionSpec::new("array_length", exactly(1), Integer, arrays::array_length),
    FunctionSpec::new("array_max", exactly(1), Number, arrays::array_max),
    FunctionSpec::new("array_min", exactly(1), Number, arrays::array_min),
    FunctionSpec::new("array_of", at_least(0), Array, operators::array_of),
    FunctionSpec::new("array_sum", exactly(1), Number, arrays::array_sum),
    // 7.5
    FunctionSpec::new("type", exactly(1), Text, types::type_of),
    FunctionSpec::new("isarray", exactly(1), Boolean, types::is_array),
    FunctionSpec::new("isatom", exactly(1), Boolean, types::is_atom),
    FunctionSpec::new("isboolean", exactly(1), Boolean, types::is_boolean),
    FunctionSpec::new("isnumber", exactly(1), Boolean, types::is_number),
    FunctionSpec::new("isobject", exactly(1), Boolean, types::is_object),
    FunctionSpec::new("isstring", exactly(1), Boolean, types::is_string),
    FunctionSpec::new("toarray", exactly(1), Array, types::to_array),
    FunctionSpec::new("toatom", exactly(1), Any, types::to_atom),
    FunctionSpec::new("toboolean", exactly(1), Boolean, types::to_boolean),
    FunctionSpec::new("tonumber", exactly(1), Number, types::to_number),
    FunctionSpec::new("toobject", exactly(1), Object, types::to_object),
    FunctionSpec::new("tostring", exactly(1), Text, types::to_string),
    // 7.6
    FunctionSpec::new("ifmissing", at_least(2), Any, conditionals::if_missing),
    FunctionSpec::new(
        "ifmissingornull",
        at_least(2),
        Any,
        conditionals::if_missing_or_null,
    ),
    FunctionSpec::new("ifnull", at_least(2), Any, conditionals::if_null),
    FunctionSpec::new("missingif", exactly(2), Any, conditionals::missing_if),
    FunctionSpec::new("nullif", exactly(2), Any, conditionals::null_if),
    // 7.7
    FunctionSpec::new("str_to_millis", exactly(1), Integer, dates::str_to_millis).local_time(),
    FunctionSpec::new("str_to_utc", between(1, 2), Text, dates::str_to_utc).local_time(),
    FunctionSpec::new("str_to_tz", between(2, 3), Text, dates::str_to_tz).local_time(),
    FunctionSpec::new("millis_to_str", between(1, 2), Text, dates::millis_to_str).local_time(),
    FunctionSpec::new("millis_to_utc", between(1, 2), Text, dates::millis_to_utc),
    FunctionSpec::new("millis_to_tz", between(2, 3), Text, dates::millis_to_tz),
    FunctionSpec::new("date_add_str", between(3, 4), Text, dates::date_add_str),
    FunctionSpec::new(
        "date_add_millis",
        exactly(3),
        Integer,
        dates::date_add_millis,
    ),
    FunctionSpec::new("date_diff_str", exactly(3), Integer, dates::date_diff_str),
    FunctionSpec::new(
        "date_diff_millis",
        exactly(3),
        Integer,
        dates::date_diff_millis,
    ),
];

/// Exactly so many arguments.
const fn exactly(count: u8) -> (u8, Option<u8>) {
    (count, Some(count))
}

/// From so many to so many arguments.
const fn between(min: u8, max: u8) -> (u8, Option<u8>) {
    (min, Some(max))
}

/// So many arguments or more.
const fn at_least(min: u8) -> (u8, Option<u8>) {
    (min, None)
}
