//! Tests of tokens, query rewriting and rank.

use proptest::prelude::*;

use super::*;
use crate::query::value::tests::{any_value, json};

fn tokens(analyzer: &Analyzer, value: &str) -> String {
    let mut out = String::new();
    analyzer.tokens(&json(value), &mut out);
    out
}

#[test]
fn text_is_split_at_everything_but_letters_digits_and_marks() {
    let plain = Analyzer::new(None, false);
    for (value, expected) in [
        (r#""The quick  brown-fox.""#, "the quick brown fox"),
        (
            r#""C++ and C# are languages; node.js too. 3.14""#,
            "c and c are languages node js too 3 14",
        ),
        (r#""x_y don't""#, "x y don t"),
        (r#""Résumé of a café NAÏVE""#, "résumé of a café naïve"),
        (r#""日本語テキスト""#, "日本語テキスト"),
        ("\"e\u{301}t\"", "e\u{301}t"),
        (r#""ΣΑΣ ſ""#, "σασ s"),
        (r#""""#, ""),
        ("5", "5"),
        ("3.14", "3 14"),
        ("true", "t"),
        ("false", "f"),
        ("null", ""),
        ("M", ""),
        (
            r#"["array","of words",5,null,[true]]"#,
            "array of words 5 t",
        ),
        (r#"{"x":"inner","y":["deep word"]}"#, "inner deep word"),
    ] {
        assert_eq!(tokens(&plain, value), expected, "{value}");
    }
}

#[test]
fn a_language_drops_stop_words_and_stems() {
    let english = Analyzer::new(Some("en"), false);
    for (value, expected) in [
        (r#""The quick brown foxes""#, "quick brown fox"),
        (r#""running runs RUN""#, "run run run"),
        (r#""languages language""#, "languag languag"),
        (r#""only here""#, ""),
        (r#""café""#, "café"),
    ] {
        assert_eq!(tokens(&english, value), expected, "{value}");
    }
    for same in ["EN", "english", "en_US", "en-GB"] {
        assert_eq!(
            tokens(&Analyzer::new(Some(same), false), "\"the foxes\""),
            "fox"
        );
    }
    for unknown in ["xx", "", "klingon"] {
        assert_eq!(
            tokens(&Analyzer::new(Some(unknown), false), "\"the foxes\""),
            "the foxes"
        );
    }
    assert_eq!(
        tokens(&Analyzer::new(Some("fr"), false), "\"les chevaux\""),
        "cheval"
    );
    assert_eq!(
        tokens(&Analyzer::new(Some("de"), false), "\"die Häuser\""),
        "die haus"
    );
    for (code, name, _) in LANGUAGES {
        assert!(Analyzer::new(Some(code), false).stemmer.is_some());
        assert!(Analyzer::new(Some(name), false).stemmer.is_some());
    }
}

#[test]
fn accents_are_dropped_when_ignored() {
    let analyzer = Analyzer::new(Some("en"), true);
    assert_eq!(
        tokens(&analyzer, "\"Résumé of a café NAÏVE École\""),
        "resum cafe naiv ecol"
    );
    assert_eq!(tokens(&analyzer, "\"e\u{301}cole \u{301}\""), "ecol");
    assert_eq!(
        tokens(&Analyzer::new(None, true), "\"한국어 हिन्दी\""),
        "한국어 हिन्दी"
    );
}

#[test]
fn operators_of_a_query_stay_and_terms_are_analysed() {
    let plain = Analyzer::new(None, false);
    let english = Analyzer::new(Some("en"), false);
    for (analyzer, text, expected) in [
        (&plain, "quick Fox", "quick fox"),
        (&plain, "quick AND dog", "quick AND dog"),
        (&plain, "quick OR hole", "quick OR hole"),
        (&plain, "quick NOT dog", "quick NOT dog"),
        (&plain, "quick or dog", "quick or dog"),
        (&plain, "\"Quick  brown\"", "\"quick brown\""),
        (&plain, "qui*", "qui*"),
        (&plain, "t:fox", "c0:fox"),
        (&plain, "T:Fox", "c0:fox"),
        (&plain, "o.p:fox", "c1:fox"),
        (&plain, "zzz:fox", "zzz fox"),
        (&plain, "quick NEAR/2 dog", "quick NEAR/2 dog"),
        (&plain, "quick NEAR dog", "quick NEAR dog"),
        (&plain, "(quick OR fox) AND dog", "( quick OR fox ) AND dog"),
        (
            &plain,
            "(quick OR fox)AND(dog)",
            "( quick OR fox ) AND ( dog )",
        ),
        (&plain, "^quick", "^quick"),
        (&plain, "-fox", "fox"),
        (&plain, "node.js", "node js"),
        (&plain, "3.14", "3 14"),
        (&plain, "fox, hole", "fox hole"),
        (&plain, "ANDROID", "android"),
        (&plain, "", ""),
        (&plain, " +-/ ", ""),
        (&plain, "\"", "\""),
        (&plain, "fox \"", "fox \""),
        (&plain, "NOT dog", "NOT dog"),
        (&plain, "(fox", "( fox"),
        (&english, "the", ""),
        (&english, "the*", "the*"),
        (&english, "foxes running*", "fox run*"),
        (&english, "quick the", "quick"),
        (&english, "the quick", "quick"),
        (&english, "\"hello there foxes\"", "\"hello fox\""),
        (&english, "\"the fo*\"", "\"fo*\""),
        (&english, "\"the\"", ""),
        (&english, "the AND foxes", "fox"),
        (&english, "foxes OR the", "fox"),
        (&english, "foxes NOT (the OR here)", "fox"),
        (&english, "(the) OR fox", "fox"),
        (&english, "((the) here) (fox)", "( fox )"),
        (&english, "t: foxes", "c0:fox"),
        (&english, "NOT the", ""),
    ] {
        assert_eq!(
            analyzer.rewrite_query(text, &["t", "o.p"]),
            expected,
            "{text}"
        );
    }
}

#[test]
fn rank_sums_the_shares_of_hits() {
    // One phrase, two columns: one of three hits, none of none.
    assert_eq!(rank(&[1, 2, 1, 3, 2, 0, 0, 0]), 1.0 / 3.0);
    assert_eq!(rank(&[2, 1, 1, 2, 2, 1, 1, 1]), 1.5);
    assert_eq!(rank(&[]), 0.0);
    assert_eq!(rank(&[u32::MAX, u32::MAX, 1, 1]), 0.0);
}

proptest! {
    #[test]
    fn tokens_hold_nothing_but_words(value in any_value(), accents in any::<bool>(), language in 0_usize..15) {
        let analyzer = Analyzer::new(Some(LANGUAGES[language].0), accents);
        let mut out = String::new();
        analyzer.tokens(&value, &mut out);
        prop_assert!(out.chars().all(|c| c == ' ' || is_word_char(c)), "{:?}", out);
        prop_assert!(!out.starts_with(' ') && !out.ends_with(' ') && !out.contains("  "));
    }

    #[test]
    fn a_rewritten_query_is_rewritten_to_itself(text in "[ac0(){}\"*^: .éANDORT/2-]{0,24}") {
        let analyzer = Analyzer::new(None, false);
        let once = analyzer.rewrite_query(&text, &["c0"]);
        prop_assert_eq!(&analyzer.rewrite_query(&once, &["c0"]), &once);
    }

    #[test]
    fn no_query_makes_it_panic(text in "\\PC{0,30}") {
        let _ = Analyzer::new(Some("fr"), true).rewrite_query(&text, &["é", ""]);
    }
}
