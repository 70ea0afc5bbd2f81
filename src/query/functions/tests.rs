//! Tests of the function table, line by line, and of what holds for all of it.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::query::value::tests::{any_value, json, text};

fn call(context: &mut EvalContext, name: &str, args: &[Value<'static>]) -> Value<'static> {
    let function = find(name).unwrap_or_else(|| panic!("no function {name}"));
    (function.eval)(context, args)
        .expect("no error")
        .into_owned()
}

/// Lines of the form `NAME argument ; argument => result`, all JSON, `M` for MISSING.
fn check(context: &mut EvalContext, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (left, expected) = line.split_once(" => ").expect("an arrow");
        let (name, args) = left.split_once(' ').unwrap_or((left, ""));
        let args: Vec<Value<'static>> = args
            .split(" ; ")
            .filter(|arg| !arg.is_empty())
            .map(json)
            .collect();
        assert_eq!(text(&call(context, name, &args)), expected, "{line}");
    }
}

#[test]
fn names_are_found_in_any_case_and_by_alias() {
    assert_eq!(find("Is_Array").map(|f| f.name), Some("isarray"));
    assert_eq!(find("TYPENAME").map(|f| f.name), Some("type"));
    assert_eq!(find("ARRAY_Length").map(|f| f.name), Some("array_length"));
    for absent in ["SUBSTR", "NOW_MILLIS", "COUNT", "MATCH", "is_", "TO_STRING"] {
        assert!(find(absent).is_none(), "{absent}");
    }
    let mut names: Vec<_> = all().iter().map(|function| function.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all().len());
}

#[test]
fn strings() {
    check(
        &mut EvalContext::default(),
        r#"
        LENGTH "héllo" => 5
        LENGTH "😀" => 1
        LENGTH "" => 0
        LENGTH 5 => null
        LENGTH M => M
        LOWER "ÀÉ" => "àé"
        UPPER "àé" => "ÀÉ"
        UPPER "ß" => "SS"
        UPPER 1 => null
        UPPER null => null
        TRIM "  a b  " => "a b"
        TRIM "\t\na\n" => "a"
        TRIM "\u2003a\u3000" => "a"
        TRIM "\u00a0a\u2007" => "\u00a0a\u2007"
        TRIM "   " => ""
        LTRIM "  a " => "a "
        RTRIM " a  " => " a"
        TRIM 5 => 5
        TRIM M => M
        CONTAINS "abc" ; "b" => true
        CONTAINS "abc" ; "B" => false
        CONTAINS "abc" ; 1 => false
        CONTAINS "abc" ; "" => false
        CONTAINS "abc" ; M => M
        CONTAINS null ; "a" => null
        CONTAINS null ; M => M
        CONTAINS "é" ; "é" => true
        CONTAINS "aaab" ; "aab" => true
        CONTAINS "ååab" ; "åab" => true
        CONTAINS "Hello World" ; "WORLD" ; "sp1_u_und_ci" => true
        CONTAINS "Hello World" ; "WORLD" ; "NOCASE" => true
        CONTAINS "École" ; "eco" ; "sp1_u_und_ciai" => true
        CONTAINS "École" ; "eco" ; "sp1_u_und_ai" => false
        CONTAINS "École" ; "Eco" ; "" => false
        CONCAT "a" ; "b" ; "c" => "abc"
        CONCAT "a" ; 1 ; true ; null => "a1truenull"
        CONCAT "a" ; 1.0 ; 1e20 => "a1.01e+20"
        CONCAT "a" ; M => M
        CONCAT "a" ; [1, 2] => "a[1,2]"
        CONCAT "a" ; {"k": 1} => "a{\"k\":1}"
        "#
        .replace("=> \"\\u00a0a\\u2007\"", "=> \"\u{a0}a\u{2007}\"")
        .as_str(),
    );
}

#[test]
fn a_collator_is_made_once_however_its_name_is_spelt() {
    let context = &mut EvalContext::default();
    for name in ["sp1_u_sv_SE_", "sp1_u_sv_se_", "SP1_U_SV_SE_"] {
        assert!(context.collator(name).is_some());
    }
    assert_eq!(context.collators_kept(), 1);
    for locale in 0..100 {
        assert!(context.collator(&format!("sp1_u_x{locale}_")).is_some());
    }
    assert_eq!(context.collators_kept(), 32);
}

#[test]
fn regular_expressions() {
    check(
        &mut EvalContext::default(),
        r#"
        REGEXP_LIKE "abc" ; "b" => true
        REGEXP_LIKE "abc" ; "^b" => false
        REGEXP_LIKE "abc" ; "^a.c$" => true
        REGEXP_CONTAINS "abc" ; "B" => false
        REGEXP_LIKE "a1" ; "\\d" => true
        REGEXP_LIKE "é" ; "^.$" => true
        REGEXP_POSITION "abcb" ; "b" => 1
        REGEXP_POSITION "abc" ; "z" => -1
        REGEXP_POSITION "éa" ; "a" => 1
        REGEXP_REPLACE "aXbXc" ; "X" ; "-" => "a-b-c"
        REGEXP_REPLACE "aXbXc" ; "X" ; "-" ; 1 => "a-bXc"
        REGEXP_REPLACE "aXbXc" ; "X" ; "-" ; 0 => "aXbXc"
        REGEXP_REPLACE "aXbXc" ; "X" ; "-" ; -3 => "aXbXc"
        REGEXP_REPLACE "aXbXc" ; "X" ; "-" ; M => M
        REGEXP_REPLACE "aXbXc" ; "X" ; 5 => null
        REGEXP_REPLACE "aXbXc" ; "(.)X" ; "$1." => "a.b.c"
        REGEXP_REPLACE "aXbXc" ; "q" ; "-" => "aXbXc"
        REGEXP_REPLACE "abc" ; "b" ; "[$&$$$`$'$0$1$]" => "a[b$ac$0$1$]c"
        REGEXP_REPLACE "ab" ; "(a)|(b)" ; "<$1$2>" => "<a><b>"
        REGEXP_REPLACE "éa" ; "" ; "-" => "-é-a-"
        REGEXP_REPLACE "aaa" ; "a*" ; "-" => "--"
        REGEXP_LIKE 1 ; "1" => null
        REGEXP_LIKE null ; "a" => null
        REGEXP_LIKE M ; "a" => M
        REGEXP_LIKE "a" ; "[" => null
        REGEXP_POSITION "a" ; "(" => null
        REGEXP_REPLACE "a" ; "*" ; "" => null
        "#,
    );
}

#[test]
fn numbers_and_their_rounding() {
    check(
        &mut EvalContext::default(),
        "
        ROUND 2.5 => 3.0
        ROUND -2.5 => -3.0
        ROUND 2.345 ; 2 => 2.35
        ROUND 1.85 ; 1 => 1.9
        ROUND 1.005 ; 2 => 1.0
        ROUND 1250 ; -2 => 1300.0
        ROUND 1.2345 ; 2.9 => 1.23
        ROUND 1.5 ; 400 => 1.5
        ROUND 1.5 ; -400 => 0.0
        ROUND null => null
        ROUND 1.5 ; M => M
        ROUND \"x\" => null
        ROUND_EVEN 2.5 => 2.0
        ROUND_EVEN 3.5 => 4.0
        ROUND_EVEN -2.5 => -2.0
        ROUND_EVEN 1.75 ; 1 => 1.8
        ROUND_EVEN 1350 ; -2 => 1400.0
        TRUNC -2.9 => -2.0
        TRUNC 1.789 ; 2 => 1.78
        CEIL -1.1 => -1.0
        FLOOR -1.1 => -2.0
        SIGN -0.5 => -1
        SIGN 0 => 0
        SIGN M => M
        ABS -3.5 => 3.5
        ABS true => 1.0
        ABS \"x\" => null
        ABS null => null
        ABS M => M
        SQRT 9 => 3.0
        SQRT -1 => null
        POWER 2 ; 10 => 1024.0
        POWER 2 ; -1 => 0.5
        POWER \"x\" ; 2 => null
        POWER 10 ; 400 => null
        EXP 0 => 1.0
        LN 0 => null
        LN 1 => 0.0
        LOG 100 => 2.0
        DEGREES 3.141592653589793 => 180.0
        RADIANS 180 => 3.141592653589793
        E => 2.718281828459045
        PI => 3.141592653589793
        ATAN2 1 ; 1 => 0.7853981633974483
        ATAN2 M ; null => M
        SIN 0 => 0.0
        ACOS 2 => null
        DIV 1 ; 0 => null
        DIV 7 ; 2 => 3.5
        DIV 5 ; 2 => 2.5
        IDIV 5.9 ; 2.9 => 2
        IDIV -5 ; 2 => -2
        IDIV 7 ; -2 => -3
        IDIV 1 ; 0 => null
        IDIV 1 ; 0.5 => null
        IDIV -9223372036854775808 ; -1 => 9.223372036854776e+18
        GREATEST 1 ; 3 ; 2 => 3
        GREATEST \"a\" ; 2 => \"a\"
        GREATEST 1 ; M => M
        GREATEST null ; 1 => null
        LEAST 3 ; 1 ; 2 => 1
        LEAST \"a\" ; 2 => 2
        LEAST null ; \"a\" => \"a\"
        ",
    );
}

#[test]
fn arrays_of_mixed_kinds() {
    let mixed = r#"[1,"b",null,true,2.5,[1],{"a":1}]"#;
    check(
        &mut EvalContext::default(),
        &r#"
        ARRAY_LENGTH ARR => 7
        ARRAY_LENGTH [] => 0
        ARRAY_LENGTH "str" => 0
        ARRAY_LENGTH M => 0
        ARRAY_LENGTH null => 0
        ARRAY_COUNT [1,null,2] => 2
        ARRAY_COUNT "str" => 0
        ARRAY_SUM ARR => 4.5
        ARRAY_SUM [1,2.5,"x"] => 3.5
        ARRAY_SUM "str" => 0.0
        ARRAY_SUM [] => 0.0
        ARRAY_AVG [1,2] => 1.5
        ARRAY_AVG [] => 0.0
        ARRAY_AVG M => 0.0
        ARRAY_MAX [1,5,3] => 5.0
        ARRAY_MAX [-5,-2] => -2.0
        ARRAY_MAX [] => null
        ARRAY_MAX "str" => null
        ARRAY_MIN [4,2] => 2.0
        ARRAY_IFNULL [null,2] => 2
        ARRAY_IFNULL [null] => null
        ARRAY_IFNULL 5 => null
        ARRAY_CONTAINS ARR ; "b" => true
        ARRAY_CONTAINS [1,2] ; 2.0 => true
        ARRAY_CONTAINS [1.5] ; 1 => false
        ARRAY_CONTAINS [true] ; 1 => true
        ARRAY_CONTAINS ["a"] ; "A" => false
        ARRAY_CONTAINS [[1],{"a":1}] ; {"a":1.0} => true
        ARRAY_CONTAINS [1] ; M => M
        ARRAY_CONTAINS M ; 1 => M
        ARRAY_CONTAINS 3 ; 3 => null
        ARRAY_CONTAINS [null] ; null => null
        ARRAY_OF 1 ; "a" ; M ; null => [1,"a",null]
        ARRAY_OF => []
        "#
        .replace("ARR ", &format!("{mixed} ")),
    );
    for (value, expected) in [
        (mixed, "6"),
        (r#"{"z":1,"y":2}"#, "2"),
        ("\"s\"", "M"),
        ("null", "M"),
        ("M", "M"),
    ] {
        assert_eq!(text(&count_of_path(&json(value))), expected, "{value}");
    }
}

#[test]
fn types_and_conversions() {
    check(
        &mut EvalContext::default(),
        r#"
        TYPE M => M
        TYPE null => null
        TYPE true => "boolean"
        TYPE 1 => "number"
        TYPE 2.5 => "number"
        TYPE "ab" => "string"
        TYPE [1] => "array"
        TYPENAME {"k":1} => "object"
        ISARRAY [1] => true
        ISARRAY null => null
        ISARRAY M => M
        ISATOM "ab" => true
        ISATOM [1] => false
        ISBOOLEAN true => true
        ISBOOLEAN 1 => false
        ISNUMBER 1 => true
        ISNUMBER true => false
        IS_OBJECT {} => true
        IS_STRING "ab" => true
        TOARRAY 1 => [1]
        TOARRAY [1,"b"] => [1,"b"]
        TOARRAY null => null
        TOARRAY M => M
        TOATOM [7] => 7
        TOATOM {"a":5} => 5
        TOATOM [[7]] => [7]
        TOATOM [1,"b"] => null
        TOATOM "ab" => "ab"
        TOATOM M => M
        TOBOOLEAN "false" => true
        TOBOOLEAN "" => false
        TOBOOLEAN 0 => false
        TOBOOLEAN 0.5 => true
        TOBOOLEAN [] => false
        TOBOOLEAN [0] => true
        TOBOOLEAN null => null
        TONUMBER "12" => 12
        TONUMBER "12.5" => 12.5
        TONUMBER " 12 " => 12
        TONUMBER "12abc" => 12
        TONUMBER "abc" => 0
        TONUMBER "" => 0
        TONUMBER "1e3" => 1000.0
        TONUMBER true => 1
        TONUMBER [1] => null
        TONUMBER null => null
        TONUMBER M => M
        TOOBJECT "ab" => {}
        TOOBJECT {"k":1} => {"k":1}
        TOOBJECT M => M
        TOSTRING 1 => "1"
        TOSTRING 2.5 => "2.5"
        TOSTRING 5.0 => "5.0"
        TOSTRING true => "true"
        TOSTRING null => null
        TOSTRING [1] => null
        TOSTRING M => M
        "#,
    );
}

#[test]
fn conditionals_pick_or_give_up() {
    check(
        &mut EvalContext::default(),
        r#"
        IFMISSING M ; null ; 1 => null
        IFMISSING M ; M => M
        IFNULL null ; 1 => 1
        IFNULL null ; M ; 1 => M
        IFNULL null ; null => null
        IFMISSINGORNULL null ; M ; 3 => 3
        IFMISSINGORNULL null ; M => null
        MISSINGIF 1 ; 1 => M
        MISSINGIF 1 ; 2 => 1
        MISSINGIF 1 ; 1.0 => M
        MISSINGIF M ; 1 => M
        MISSINGIF null ; 1 => null
        NULLIF 1 ; 1 => null
        NULLIF true ; 1 => null
        NULLIF "a" ; "b" => "a"
        NULLIF M ; 1 => M
        NULLIF 1 ; null => null
        "#,
    );
}

#[test]
fn dates_in_utc() {
    check(
        &mut EvalContext::with_time_zone(TimeZone::UTC),
        include_str!("tests/dates_utc.txt"),
    );
}

#[test]
fn dates_without_zone_are_local_time() {
    let new_york = TimeZone::get("America/New_York").expect("a time zone database");
    check(
        &mut EvalContext::with_time_zone(new_york),
        r#"
        STR_TO_MILLIS "2021-01-01" => 1609477200000
        STR_TO_MILLIS "2021-07-01T10:00:00" => 1625148000000
        STR_TO_MILLIS "2021-07-01T10:00:00Z" => 1625133600000
        STR_TO_UTC "2021-07-01T10:00" => "2021-07-01T14:00:00Z"
        STR_TO_TZ "2021-07-01T10:00" ; 0 => "2021-07-01T14:00:00Z"
        MILLIS_TO_STR 1609459200123 => "2020-12-31T19:00:00.123-0500"
        MILLIS_TO_STR 1625097600000 => "2021-06-30T20:00:00-0400"
        DATE_ADD_STR "2020-07-31T00:00:00" ; 1 ; "day" => "2020-08-01T00:00:00Z"
        DATE_DIFF_STR "2020-07-31" ; "2020-07-31T00:00:00Z" ; "hour" => 0
        "#,
    );
}

#[test]
fn only_functions_that_read_the_local_zone_are_not_deterministic() {
    let local: Vec<_> = all()
        .iter()
        .filter(|function| !function.deterministic)
        .map(|function| function.name)
        .collect();
    assert_eq!(
        local,
        ["str_to_millis", "str_to_utc", "str_to_tz", "millis_to_str"]
    );
}

#[test]
fn like_matches_characters_and_escapes() {
    let context = &mut EvalContext::default();
    for (subject, pattern, collation, expected) in [
        (r#""Hello World""#, "Hello%", "", "true"),
        (r#""Hello World""#, "hello%", "", "false"),
        (r#""Hello World""#, "%World", "", "true"),
        (r#""Hello World""#, "%lo W%", "", "true"),
        (r#""Hello World""#, "H_llo World", "", "true"),
        (r#""50%""#, "50\\%", "", "true"),
        (r#""505""#, "50\\%", "", "false"),
        (r#""a_b""#, "a\\_b", "", "true"),
        (r#""axb""#, "a\\_b", "", "false"),
        (r#""x\ny""#, "x%y", "", "true"),
        (r#""x\ny""#, "x_y", "", "true"),
        (r#""École""#, "_cole", "", "true"),
        ("\"e\u{301}cole\"", "_cole", "", "false"),
        ("\"e\u{301}cole\"", "__cole", "", "true"),
        (r#""😀""#, "_", "", "true"),
        (r#""""#, "%", "", "true"),
        (r#""""#, "", "", "true"),
        (r#""abc""#, "", "", "false"),
        (r#""abc""#, "%%", "", "true"),
        (r#""abc""#, "____", "", "false"),
        (r#""abc""#, "%c%", "", "true"),
        (r#""aXbXc""#, "a%Xc", "", "true"),
        (r#""abc\\""#, "abc\\", "", "false"),
        (r#""abc\\""#, "%\\", "", "false"),
        ("12", "1%", "", "true"),
        ("1.0", "1.0", "", "true"),
        ("true", "1", "", "true"),
        ("null", "%", "", "false"),
        ("[1]", "%", "", "false"),
        ("M", "a", "", "M"),
        (r#""Hello World""#, "hello%", "sp1_u_und_ci", "true"),
        (r#""Hello""#, "hel%", "NOCASE", "true"),
        (r#""École""#, "ecole", "sp1_u_und_ciai", "true"),
        (r#""École""#, "École", "BINARY", "true"),
        (r#""straße""#, "strasse", "sp1_u_und_ciai", "false"),
    ] {
        let found = like(context, &json(subject), &Value::str(pattern), collation);
        assert_eq!(
            text(&found.expect("bounded")),
            expected,
            "{subject} {pattern}"
        );
    }
    let missing_beside_null = like(context, &Value::Null, &Value::Missing, "");
    assert_eq!(missing_beside_null, Ok(Value::Boolean(false)));
    let missing = like(context, &Value::str("a"), &Value::Missing, "");
    assert_eq!(missing, Ok(Value::Missing));
}

#[test]
fn like_gives_up_rather_than_compare_for_ever() {
    let subject = Value::string("a".repeat(200_000));
    let pattern = Value::string(format!("%{}b", "a".repeat(20_000)));
    let answer = like(&mut EvalContext::default(), &subject, &pattern, "");
    assert_eq!(answer, Err(EvalError::TooComplex));
    let long = Value::string("a".repeat(2_000_000));
    let answer = like(&mut EvalContext::default(), &long, &Value::str("%a%b%"), "");
    assert_eq!(answer, Ok(Value::Boolean(false)));
}

#[test]
fn contains_is_linear_in_both_lengths() {
    let context = &mut EvalContext::default();
    let text = Value::string("é".repeat(100_000));
    let sub = Value::string(format!("{}x", "é".repeat(50_000)));
    assert_eq!(
        call(context, "CONTAINS", &[text, sub]),
        Value::Boolean(false)
    );
}

#[test]
fn in_without_a_list_is_array_contains() {
    for (value, list, expected) in [
        ("1", "[1,2]", "true"),
        ("3", "[1,2]", "false"),
        ("1", "[]", "false"),
        ("M", "[]", "false"),
        ("M", "[1]", "M"),
        ("1", "M", "M"),
        ("1", "null", "null"),
        ("null", "[null]", "true"),
        ("null", "[1]", "false"),
        ("1", "\"1\"", "null"),
    ] {
        assert_eq!(
            text(&in_list(&json(value), &json(list))),
            expected,
            "{value} {list}"
        );
    }
}

#[test]
fn an_object_literal_drops_missing_members() {
    let parts = [
        json("\"b\""),
        json("1"),
        json("\"a\""),
        json("M"),
        json("\"A\""),
        json("[true]"),
    ];
    assert_eq!(text(&object_literal(&parts)), r#"{"A":[true],"b":1}"#);
}

#[test]
fn results_have_a_largest_size() {
    let half = Value::string("x".repeat(MAX_TEXT_LEN / 2 + 1));
    assert_eq!(
        concat(&[half.clone(), half.clone()]),
        Err(EvalError::TooLong)
    );
    assert_eq!(
        array_literal(&[half.clone(), half]),
        Err(EvalError::TooLong)
    );
    let replace = find("regexp_replace").expect("a function");
    let args = [
        Value::string("x".repeat(10_000)),
        Value::str("x+"),
        Value::string("$&".repeat(10_000)),
    ];
    let answer = (replace.eval)(&mut EvalContext::default(), &args);
    assert_eq!(answer, Err(EvalError::TooLong));
}

fn aggregate(mut aggregate: impl Aggregate, values: &[&str]) -> String {
    for value in values {
        aggregate.step(&json(value)).expect("small");
    }
    text(&aggregate.finish())
}

#[test]
fn aggregates_skip_missing_and_count_the_rest() {
    for (values, sum, avg, list) in [
        (&[][..], "M", "M", "[]"),
        (&["M"], "M", "M", "[]"),
        (&["1", "M", "2"], "3", "1.5", "[1,2]"),
        (&["1", "2.5"], "3.5", "1.75", "[1,2.5]"),
        (
            &["1", "null", "\"x\""],
            "1",
            "0.3333333333333333",
            "[1,null,\"x\"]",
        ),
        (&["true", "\"5a\""], "6", "3.0", "[true,\"5a\"]"),
        (
            &["9223372036854775807", "5"],
            "9.223372036854776e+18",
            "4.611686018427388e+18",
            "[9223372036854775807,5]",
        ),
        (
            &["9223372036854775807", "5", "-5"],
            "9223372036854775807",
            "3.0744573456182584e+18",
            "[9223372036854775807,5,-5]",
        ),
        (
            &["true", "5000000000"],
            "5000000001",
            "2500000000.5",
            "[true,5000000000]",
        ),
    ] {
        assert_eq!(aggregate(Sum::default(), values), sum, "SUM {values:?}");
        assert_eq!(aggregate(Avg::default(), values), avg, "AVG {values:?}");
        assert_eq!(
            aggregate(ArrayAgg::default(), values),
            list,
            "ARRAY_AGG {values:?}"
        );
    }
}

proptest! {
    #[test]
    fn no_function_panics_on_any_values(args in prop::collection::vec(any_value(), 8), pick in any::<prop::sample::Index>(), count in 0_usize..5) {
        let context = &mut EvalContext::with_time_zone(TimeZone::UTC);
        let function = &all()[pick.index(all().len())];
        let most = function.max_args.map_or(8, usize::from);
        let count = (usize::from(function.min_args) + count).min(most);
        let args = &args[..count];
        let first = (function.eval)(context, args);
        prop_assert_eq!(&first, &(function.eval)(context, args), "the same answer again");
        if let Ok(value) = first {
            prop_assert!(fits(function.result, &value), "{} {:?}", function.name, value);
            prop_assert!(!matches!(value, Value::Double(double) if double.is_nan()));
        }
    }

    #[test]
    fn operators_never_panic(args in prop::collection::vec(any_value(), 4)) {
        let context = &mut EvalContext::default();
        let _ = concat(&args);
        let _ = object_literal(&args);
        let _ = array_literal(&args);
        let _ = in_list(&args[0], &args[1]);
        let _ = count_of_path(&args[0]);
        for collation in ["", "NOCASE", "sp1_u_und_ciai", "no such"] {
            let _ = like(context, &args[0], &args[1], collation);
        }
    }

    #[test]
    fn like_agrees_with_a_plain_definition(text in "[ab%é]{0,6}", pattern in "[ab%_é\\\\]{0,6}") {
        let text_chars: Vec<char> = text.chars().collect();
        let pattern_chars: Vec<char> = pattern.chars().collect();
        let answer = like(&mut EvalContext::default(), &Value::str(&text), &Value::str(&pattern), "");
        prop_assert_eq!(answer, Ok(Value::Boolean(plain_like(&text_chars, &pattern_chars))));
    }
}

fn plain_like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skip| plain_like(&text[skip..], rest)),
        ['_', rest @ ..] => !text.is_empty() && plain_like(&text[1..], rest),
        ['\\'] => false,
        ['\\', wanted, rest @ ..] | [wanted, rest @ ..] => {
            text.first() == Some(wanted) && plain_like(&text[1..], rest)
        }
    }
}

fn fits(kind: StaticType, value: &Value<'_>) -> bool {
    match value {
        Value::Missing | Value::Null => true,
        Value::Boolean(_) => matches!(kind, StaticType::Any | StaticType::Boolean),
        Value::Integer(_) => matches!(
            kind,
            StaticType::Any | StaticType::Number | StaticType::Integer
        ),
        // IDIV of the smallest integer by -1.
        Value::Double(double) => {
            matches!(kind, StaticType::Any | StaticType::Number) || double.abs() > 9e18
        }
        Value::String(_) => matches!(kind, StaticType::Any | StaticType::String),
        Value::Array(_) => matches!(kind, StaticType::Any | StaticType::Array),
        Value::Object(_) => matches!(kind, StaticType::Any | StaticType::Object),
    }
}
