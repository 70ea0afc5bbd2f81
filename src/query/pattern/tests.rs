//! Tests of the pattern language and its bounds.

use proptest::prelude::*;

use super::*;

/// The text of the first match, and of its groups.
fn found(pattern: &str, text: &str) -> Option<Vec<Option<String>>> {
    let pattern = Pattern::compile(pattern).unwrap_or_else(|| panic!("valid: {pattern}"));
    let found = pattern
        .find(text, 0, &mut Scratch::default())
        .expect("bounded")?;
    let groups = (1..=found.groups()).map(|index| found.group(index));
    Some(
        std::iter::once(Some(found.start()..found.end()))
            .chain(groups)
            .map(|range| range.map(|range| text[range].to_owned()))
            .collect(),
    )
}

fn first(pattern: &str, text: &str) -> Option<String> {
    found(pattern, text).and_then(|groups| groups[0].clone())
}

#[test]
fn patterns_find_what_ecmascript_finds() {
    for (pattern, text, expected) in [
        ("b", "abc", Some("b")),
        ("", "abc", Some("")),
        ("^a.c$", "abc", Some("abc")),
        (".", "\n\r\u{2028}\u{2029}", None),
        (".", "😀", Some("😀")),
        ("a|ab", "ab", Some("a")),
        ("(?:a|ab)c", "abc", Some("abc")),
        ("a*", "aaa", Some("aaa")),
        ("a*?b", "aab", Some("aab")),
        ("a+?", "aaa", Some("a")),
        ("a{2}", "aaa", Some("aa")),
        ("a{2,}", "aaaa", Some("aaaa")),
        ("a{1,2}?", "aaa", Some("a")),
        ("a{,2}", "a{,2}", Some("a{,2}")),
        ("a{", "a{", Some("a{")),
        ("}]", "}]", Some("}]")),
        ("\\d+", "a12b", Some("12")),
        ("\\D+", "12ab3", Some("ab")),
        ("\\w+", "é_a1-", Some("_a1")),
        ("\\W", "aé", Some("é")),
        ("\\s", "a\u{a0}", Some("\u{a0}")),
        ("\\s", "a\u{85}\u{200b}", None),
        ("\\S+", " \u{feff}x ", Some("x")),
        ("[^]", "\n", Some("\n")),
        ("[]", "a", None),
        ("[a-c]+", "xabcd", Some("abc")),
        ("[^a-c]", "abcd", Some("d")),
        ("[\\d-x]+", "5-x", Some("5-x")),
        ("[a\\]b]+", "a]b", Some("a]b")),
        ("[-a]+", "a-", Some("a-")),
        ("[\\b]", "\u{8}", Some("\u{8}")),
        ("[é-ü]", "ö", Some("ö")),
        ("\\bcole", "école", Some("cole")),
        ("\\bfoo\\b", "a foo b", Some("foo")),
        ("\\bfoo\\b", "afoo", None),
        ("\\Boo", "foo", Some("oo")),
        ("a(?=b)", "acab", Some("a")),
        ("a(?!b)", "abac", Some("a")),
        ("(?<=\\$)\\d+", "1 $42", Some("42")),
        ("(?<!\\$)\\b\\d+", "$1 42", Some("42")),
        ("(?<=a.)c", "abc", Some("c")),
        ("(?<=(\\d+)(\\d+))$", "1053", Some("")),
        ("\\x41\\u0042\\u{43}", "ABC", Some("ABC")),
        ("\\uD83D\\uDE00", "😀", Some("😀")),
        ("\\uD83D", "😀", None),
        ("\\0", "\0", Some("\0")),
        ("\\cJ", "\n", Some("\n")),
        (
            "\\t\\n\\v\\f\\r",
            "\t\n\u{b}\u{c}\r",
            Some("\t\n\u{b}\u{c}\r"),
        ),
        ("\\.\\*\\/\\-", ".*/-", Some(".*/-")),
        ("\\p{L}", "p{L}", Some("p{L}")),
        ("(a)(b)\\2\\1", "abba", Some("abba")),
        ("(?<q>['\"]).*?\\k<q>", "x 'a\"b' y", Some("'a\"b'")),
        ("\\1(a)", "a", Some("a")),
        ("(?:(a)|b)\\1", "b", Some("b")),
        ("(?<=\\1(a))b", "aab", Some("b")),
        ("^(?:^)", "a", Some("")),
        ("x*", "aaa", Some("")),
        ("(?:)*", "a", Some("")),
        ("(?:a?)*?b", "aab", Some("aab")),
        ("(?:(?:.)*?)*", "aa", Some("aa")),
        ("(?=(a+))a*b\\1", "baaabac", Some("aba")),
        ("(z)((a+)?(b+)?(c))*", "zaacbbbcac", Some("zaacbbbcac")),
        ("(?:(?=a))*a", "a", Some("a")),
        ("(?:(?=.*x).)+y", "aaxy", Some("aaxy")),
        ("(?:(?=.*x).)+y", "aaxxa", None),
        ("(?:(?=.*y).)+y", "aaxy", Some("aaxy")),
        ("(?:(?!b).)*", "aab", Some("aa")),
    ] {
        assert_eq!(
            first(pattern, text).as_deref(),
            expected,
            "{pattern} {text:?}"
        );
    }
}

#[test]
fn groups_hold_the_last_round_only() {
    let some = |texts: &[Option<&str>]| {
        Some(
            texts
                .iter()
                .map(|text| text.map(str::to_owned))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        found("(z)((a+)?(b+)?(c))*", "zaacbbbcac"),
        some(&[
            Some("zaacbbbcac"),
            Some("z"),
            Some("ac"),
            Some("a"),
            None,
            Some("c")
        ])
    );
    assert_eq!(found("(a*)*", "b"), some(&[Some(""), None]));
    assert_eq!(found("(?=(a+))", "baaabac"), some(&[Some(""), Some("aaa")]));
    assert_eq!(found("(?!(a))b|c", "b"), some(&[Some("b"), None]));
    assert_eq!(
        found("(?<=(\\d+)(\\d+))$", "1053"),
        some(&[Some(""), Some("1"), Some("053")])
    );
    assert_eq!(found("(a)|(b)", "b"), some(&[Some("b"), None, Some("b")]));
}

/// Each line: pattern, text, and what V8's `new RegExp(pattern).exec(text)` answered: null, `"bad"`
/// or index and groups.
#[test]
fn an_ecmascript_engine_answers_the_same() {
    let lines = include_str!("../../../tests/data/query/ecmascript-patterns.jsonl");
    for line in lines.lines() {
        let case: (String, String, serde_json::Value) = serde_json::from_str(line).expect("JSON");
        let (pattern, text, expected) = case;
        let answer = match Pattern::compile(&pattern) {
            None => serde_json::json!("bad"),
            Some(compiled) => compiled
                .find(&text, 0, &mut Scratch::default())
                .expect("bounded")
                .map_or(serde_json::Value::Null, |found| {
                    let index = text[..found.start()].chars().count();
                    let groups = (1..=found.groups()).map(|group| found.group(group));
                    let texts: Vec<Option<&str>> =
                        std::iter::once(Some(found.start()..found.end()))
                            .chain(groups)
                            .map(|range| range.map(|range| &text[range]))
                            .collect();
                    serde_json::json!({ "i": index, "g": texts })
                }),
        };
        assert_eq!(answer, expected, "{pattern} {text:?}");
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    for pattern in [
        "(",
        ")",
        "a)",
        "[",
        "[a",
        "*",
        "+a",
        "?",
        "a**",
        "a+*",
        "a{2}{3}",
        "{1}",
        "a{2,1}",
        "[b-a]",
        "\\",
        "(?",
        "(?a)",
        "(?i)a",
        "(?<>a)",
        "(?<a>x)(?<a>y)",
        "\\1",
        "(a)\\2",
        "(?<a>x)\\k<b>",
        "^*",
        "\\b+",
        "(?<=a)*",
        "\\c1",
        "[\\1]",
        "(?P<a>x)",
        "\\01",
    ] {
        assert!(Pattern::compile(pattern).is_none(), "{pattern}");
    }
}

#[test]
fn patterns_have_a_largest_size() {
    let fits = "a".repeat(MAX_PATTERN_LEN);
    assert!(Pattern::compile(&fits).is_some());
    assert!(Pattern::compile(&format!("{fits}a")).is_none());
    let nested = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Pattern::compile(&nested(100)).is_some());
    assert!(Pattern::compile(&nested(101)).is_none());
    assert!(Pattern::compile("(?:a{1000}){40}").is_some());
    assert!(Pattern::compile("((a{1000}){1000}){1000}").is_none());
    assert!(Pattern::compile("a{4000000000}").is_none());
    assert!(Pattern::compile("(?:){4000000000}a").is_some());
    assert!(Pattern::compile("(){4000000000}").is_none());
}

#[test]
fn patterns_that_are_catastrophic_elsewhere_are_linear() {
    let text = "a".repeat(20_000);
    for pattern in [
        "(a+)+$b",
        "(a|aa)+$b",
        "(.*a){10}b",
        "(?:a?){100}b",
        "^(?=(a+)+b)",
        "(x+x+)+y|(a|a)*b",
        "a.*b.*c",
    ] {
        assert_eq!(first(pattern, &text), None, "{pattern}");
    }
    assert_eq!(first("(a+)+$", &text).map(|text| text.len()), Some(20_000));
    assert_eq!(
        first("(a|aa)+$", &text).map(|text| text.len()),
        Some(20_000)
    );
}

#[test]
fn what_cannot_be_linear_is_given_up() {
    let text = "a".repeat(5_000);
    for pattern in [
        "(a*)*b",
        "(a+)+\\1b",
        "(a*)*\\1b",
        "(?=((a+)+))\\1b",
        "(?:(?=.*(a)).)*b\\1",
    ] {
        let pattern = Pattern::compile(pattern).expect("valid");
        let found = pattern.find(&text, 0, &mut Scratch::default());
        assert_eq!(found, Err(GaveUp), "{pattern:?}");
    }
    // More frames than there may be.
    let text = "a".repeat(1_500_000);
    let pattern = Pattern::compile("(a)*b").expect("valid");
    assert_eq!(pattern.find(&text, 0, &mut Scratch::default()), Err(GaveUp));
}

#[test]
fn scratch_that_was_used_is_as_good_as_new() {
    let mut scratch = Scratch::default();
    let text = "ab".repeat(100_000);
    for pattern in ["(?:a|b)*c", "(?=(?:a|b)*c)", "(?:(?!c)(?:a|b))*$", "b"] {
        let pattern = Pattern::compile(pattern).expect("valid");
        let again = pattern.find(&text, 0, &mut scratch);
        assert_eq!(again, pattern.find(&text, 0, &mut Scratch::default()));
        assert!(scratch.seen_is_clear());
    }
}

#[test]
fn a_search_goes_on_where_it_is_told() {
    let pattern = Pattern::compile("^a|b").expect("valid");
    let scratch = &mut Scratch::default();
    let start = |from, scratch: &mut Scratch| {
        let found = pattern.find("abab", from, scratch).expect("bounded");
        found.map(|found| found.start())
    };
    assert_eq!(start(0, scratch), Some(0));
    assert_eq!(start(1, scratch), Some(1));
    assert_eq!(start(2, scratch), Some(3));
    assert_eq!(start(4, scratch), None);
    let anchored = Pattern::compile("^(?:a|b)").expect("valid");
    assert_eq!(anchored.find("ab", 1, scratch), Ok(None));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(pattern in "\\PC{0,20}", text in "\\PC{0,20}") {
        if let Some(pattern) = Pattern::compile(&pattern) {
            let _ = pattern.find(&text, 0, &mut Scratch::default());
        }
    }

    #[test]
    fn no_combination_of_operators_makes_it_panic(pattern in "[ab()|*+?\\\\1.\\[\\]^$={}!<:2-]{0,16}", text in "[ab]{0,12}") {
        if let Some(pattern) = Pattern::compile(&pattern)
            && let Ok(Some(found)) = pattern.find(&text, 0, &mut Scratch::default())
        {
            prop_assert!(found.start() <= found.end());
        }
    }

    /// Memory must not change what is found: a pattern with a reference to nothing has none.
    #[test]
    fn memory_changes_nothing(pattern in pattern_text(3), text in "[ab]{0,10}") {
        let with = Pattern::compile(&pattern).expect("valid");
        let without = Pattern::compile(&format!("{pattern}(?:|()\\{})", count_groups(&pattern) + 1)).expect("valid");
        let with = with.find(&text, 0, &mut Scratch::default()).expect("bounded");
        if let Ok(without) = without.find(&text, 0, &mut Scratch::default()) {
            let range = |found: &Match| (found.start(), found.end());
            prop_assert_eq!(with.as_ref().map(range), without.as_ref().map(range), "{}", pattern);
        }
    }
}

fn count_groups(pattern: &str) -> usize {
    pattern.matches('(').count() - pattern.matches("(?").count()
}

/// Patterns without references.
fn pattern_text(depth: u32) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just(".".to_owned()),
        Just("[^a]".to_owned()),
        Just("\\b".to_owned()),
        Just("(?:)".to_owned()),
    ];
    leaf.prop_recursive(depth, 16, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}{b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(?:{a}|{b})")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("(?:{a})*")),
            inner.clone().prop_map(|a| format!("(?:{a})*?")),
            inner.clone().prop_map(|a| format!("(?:{a}){{1,2}}")),
            inner.clone().prop_map(|a| format!("(?={a})")),
            inner.clone().prop_map(|a| format!("(?!{a})")),
            inner.clone().prop_map(|a| format!("(?<={a})")),
            inner.prop_map(|a| format!("(?<!{a})")),
        ]
    })
}
