use super::super::ast::Expr;
use super::*;

/// The first item of the projection, printed.
fn first(expr: &str) -> String {
    let select = parse(&format!("SELECT {expr} FROM _")).unwrap();
    select.results[0].expr.to_string()
}

fn error(text: &str) -> QueryError {
    let error = parse(text).unwrap_err();
    assert!(error.syntax, "{error}");
    error
}

#[test]
fn operators_bind_as_tightly_as_the_table_says() {
    for (text, wanted) in [
        ("1 || 2 * 3", "(1 || 2) * 3"),
        ("'x' || 1 + 2", "('x' || 1) + 2"),
        ("a + b * c - d / e", "a + (b * c) - (d / e)"),
        ("3 > 2 > 1", "3 > 2 > 1"),
        ("1 < 2 = true", "(1 < 2) = TRUE"),
        ("a = b AND c OR d", "((a = b) AND c) OR d"),
        ("NOT a = b", "NOT (a = b)"),
        ("NOT a AND b", "(NOT (a)) AND b"),
        ("NOT x IN (1)", "NOT (x IN (1))"),
        ("NOT s LIKE 'a%'", "NOT (s LIKE 'a%')"),
        ("NOT META().deleted", "NOT (META().deleted)"),
        ("-META().sequence", "-(META().sequence)"),
        ("NOT $p.a", "NOT ($p.a)"),
        ("a BETWEEN 1 AND 2 AND b", "(a BETWEEN 1 AND 2) AND b"),
        ("a | b << c", "a | b << c"),
        (
            "a = 'x' COLLATE NOCASE",
            "(a = 'x') COLLATE (NOUNICODE NOCASE)",
        ),
        ("a IS NOT NULL", "a IS NOT NULL"),
        ("a NOT NULL", "a IS NOT NULL"),
        ("a = b IS NULL", "a = b IS NULL"),
        ("a IS NOT b", "a IS NOT b"),
        ("a -1", "a - 1"),
        ("a-1", "a - 1"),
        ("1--1", "1 - -1"),
        ("- 2", "-(2)"),
        ("-2", "-2"),
        ("--2", "-(-2)"),
        ("x IN a", "x IN a"),
        ("x IN $p.a", "x IN $p.a"),
        ("x IN [1, 2]", "x IN (1, 2)"),
        ("some", "`some`"),
        ("SOME v IN a SATISFIES v END", "ANY v IN a SATISFIES v END"),
        ("META( ) .id", "META().id"),
        ("{'x':1}.x[0]", "{'x': 1}.x[0]"),
        ("a . b [ 0 ]", "a.b[0]"),
    ] {
        assert_eq!(first(text), wanted, "{text}");
    }
}

#[test]
fn integers_past_64_bits_are_the_nearest() {
    assert_eq!(first("-9223372036854775808"), i64::MIN.to_string());
    assert_eq!(first("99999999999999999999"), i64::MAX.to_string());
    assert_eq!(first("-99999999999999999999"), i64::MIN.to_string());
}

#[test]
fn hundreds_of_terms_are_one_flat_list() {
    for operator in ["OR", "AND"] {
        let text = vec!["n = 1"; 5_000].join(&format!(" {operator} "));
        let select = parse(&format!("SELECT n FROM _ WHERE {text}")).unwrap();
        match select.condition.unwrap() {
            Expr::Or(terms) | Expr::And(terms) => assert_eq!(terms.len(), 5_000),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn what_is_not_in_the_language_is_refused() {
    for text in [
        "",
        ";",
        "SELECT 1",
        "SELECT FROM _",
        "SELECT n FROM _;;",
        "SELECT n FROM _ WHERE",
        "SELECT n /* c */ FROM _",
        "SELECT n FROM _ -- c",
        "SELECT select FROM _",
        "SELECT end FROM _",
        "SELECT arr[n] FROM _",
        "SELECT arr[*] FROM _",
        "SELECT arr[1:2] FROM _",
        "SELECT [1,2][0] FROM _",
        "SELECT $p[0] FROM _",
        "SELECT META(). id FROM _",
        "SELECT {a:1} FROM _",
        "SELECT n, FROM _",
        "SELECT n FROM _ LIMIT 1 ORDER BY n",
        "SELECT n FROM _ HAVING n = 1",
        "SELECT n FROM _ UNION SELECT n FROM _",
        "SELECT (SELECT n FROM _) FROM _",
        "SELECT n FROM (SELECT n FROM _) x",
        "SELECT n FROM _ WHERE n IN (SELECT n FROM _)",
        "SELECT n FROM _ ORDER BY n NULLS LAST",
        "SELECT COUNT(DISTINCT n) FROM _",
        "SELECT CAST(n AS TEXT) FROM _",
        "SELECT n::text FROM _",
        "SELECT 'a' LIKE 'b' ESCAPE '!' FROM _",
        "INSERT INTO _ VALUES (1)",
        "EXPLAIN SELECT n FROM _",
        "WITH x AS (1) SELECT n FROM _",
        "SELECT n FROM _ LET x = 1",
        "SELECT a.n FROM a, b",
        "SELECT a.n FROM a RIGHT JOIN b ON a.n = b.n",
        "SELECT a.n FROM a NATURAL JOIN b",
        "SELECT a.n FROM a JOIN b USING (n)",
        "SELECT a.n FROM a JOIN b ON KEYS n",
        "SELECT a.n FROM a USE KEYS 'x'",
        "SELECT a.n FROM a JOIN b",
        "SELECT a.n FROM a CROSS JOIN b ON a.n = b.n",
        "SELECT a.n FROM a LEFT UNNEST a.x y",
        "SELECT a.n FROM a NEST b ON a.n = b.n",
        "SELECT ARRAY v FOR v IN arr END FROM _",
        "SELECT ANY v IN arr, w IN s SATISFIES v = 1 END FROM _",
        "SELECT ANY `v` IN arr SATISFIES v = 1 END FROM _",
        "SELECT ANY v WITHIN arr SATISFIES v = 1 END FROM _",
        "SELECT a IS NULL = false FROM _",
        "SELECT CASE one END FROM _",
        "SELECT MATCH('f', 'fox') FROM _",
        "SELECT 'a' = 'b' COLLATE FRENCH FROM _",
        "SELECT 'a' = 'b' COLLATE (UNICODE NODIACRITICS) FROM _",
        "SELECT 'a' = 'A' COLLATE NOCASE AND true FROM _",
        "SELECT 'a' COLLATE UNICODE: de FROM _",
        "SELECT 'a' COLLATE (UNICODE, NOCASE) FROM _",
        "SELECT n FROM a.b.c",
        "SELECT 5AND 6 FROM _",
        "SELECT ROW_NUMBER() OVER (ORDER BY n) FROM _",
    ] {
        error(text);
    }
}

#[test]
fn errors_say_where_and_what_was_expected() {
    let found = error("SELECT n\nFROM _ WHERE\n  n = = 2");
    assert_eq!((found.position, found.line, found.column), (29, 3, 7));
    assert!(found.message.contains("an expression"), "{found}");
    assert!(found.message.ends_with("found ="), "{found}");
    let found = error("SELECT n");
    assert!(found.message.contains("FROM"), "{found}");
    assert!(found.message.ends_with("found the end"), "{found}");
    let found = error("SELECT a.n FROM a JOIN b");
    assert!(found.message.contains("ON"), "{found}");
    let found = error("SELECT n FROM _ LIMIT 1 ORDER BY n");
    assert_eq!(found.position, 25);
}

#[test]
fn locales_may_be_words_of_the_language() {
    for locale in ["is", "as", "or", "sv_SE", "zh_Hant_TW"] {
        let text = first(&format!("a COLLATE UNICODE:{locale}"));
        assert_eq!(text, format!("a COLLATE (UNICODE:{locale})"));
    }
}

#[test]
fn the_deepest_nesting_allowed_fits_a_small_stack() {
    let parse_deep = || {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{'a':", "}"),
            ("-", ""),
            ("NOT ", ""),
            ("f(", ")"),
            ("CASE WHEN ", " THEN 1 END"),
            ("CASE WHEN 1 THEN ", " END"),
            ("ANY v IN a SATISFIES ", " END"),
            ("1 = 1 < 1 + 1 * 1 || (", ")"),
            ("EXISTS (SELECT ", ")"),
        ] {
            let nested = |n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
            let levels = match open.starts_with("EXISTS") {
                true => depth::MAX_NESTING / 2,
                false => depth::MAX_NESTING,
            };
            let text = format!("SELECT {} FROM _", nested(levels));
            let select = parse(&text);
            if let Err(error) = select {
                assert!(!error.syntax, "{open}: {error}");
            }
            error(&format!("SELECT {} FROM _", nested(20_000)));
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(parse_deep).unwrap().join().unwrap();
}

#[test]
fn long_chains_are_too_deep_for_sqlite() {
    let chain = |n| format!("SELECT {} FROM _", vec!["1"; n].join(" + "));
    assert!(parse(&chain(300)).is_ok());
    assert!(
        parse(&chain(500))
            .unwrap_err()
            .message
            .contains("levels deep")
    );
    assert!(parse(&chain(100_000)).is_err());
}
