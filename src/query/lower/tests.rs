use std::fmt::Debug;

use super::super::{ArrayTable, CollectionTable};
use super::*;

#[path = "unnest_tests.rs"]
mod unnest;

/// The default collection and `s.k`; each with the full-text index `f`.
#[derive(Debug)]
struct Fixed;

impl Catalog for Fixed {
    fn database_name(&self) -> &str {
        "travel"
    }

    fn collection(&self, scope: &str, name: &str) -> Option<CollectionTable> {
        let number = match (scope, name) {
            ("_default", "_default") => 1,
            ("s", "k") => 2,
            ("t", "k") => 3,
            _ => return None,
        };
        let table = format!("docs_{number}");
        Some(CollectionTable { number, table })
    }

    fn full_text_index(&self, _: &str, _: &str, index: &str) -> Option<FullTextTable> {
        (index == "f").then(|| FullTextTable {
            table: "fts_9".to_owned(),
            columns: vec!["t".to_owned(), "o.p".to_owned()],
            language: Some("en".to_owned()),
            ignore_accents: false,
        })
    }

    fn array(&self, scope: &str, _: &str, path: &str) -> Option<ArrayTable> {
        (scope == "_default" && ["t", "o.p", "k[].t"].contains(&path)).then(|| ArrayTable {
            table: "array_9".to_owned(),
            indexed: vec![
                "sp1_elem(value, type)".to_owned(),
                "sp1_elem(value, type, 'c')".to_owned(),
                "(sp1_elem(value, type, 'n') + 1)".to_owned(),
            ],
        })
    }
}

fn compiled(text: &str) -> Compiled {
    compile(text, &Fixed).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> String {
    match compile(text, &Fixed) {
        Ok(compiled) => panic!("{text}: {}", compiled.sql),
        Err(error) => {
            assert_eq!(error.code(), 23);
            error.message().to_owned()
        }
    }
}

/// The SQL of an expression over the default collection, in WHERE.
fn condition(expr: &str) -> String {
    let sql = compiled(&format!("SELECT 1 FROM _ WHERE {expr}")).sql;
    let before = "SELECT sp1_result(1) FROM \"docs_1\" AS \"_\" WHERE \"_\".flags & 1 = 0 AND ";
    sql.strip_prefix(before).expect(&sql).to_owned()
}

/// The SQL of a column.
fn column(expr: &str) -> String {
    let sql = compiled(&format!("SELECT {expr} FROM _")).sql;
    let sql = sql.strip_prefix("SELECT ").expect("a statement");
    sql.split(" FROM ").next().expect("a column").to_owned()
}

fn all_equal<T: PartialEq + Debug>(cases: &[(&str, T)], lower: impl Fn(&str) -> T) {
    for (text, wanted) in cases {
        assert_eq!(&lower(text), wanted, "{text}");
    }
}

#[test]
fn operators_become_sql() {
    all_equal(
        &[
            ("n = 5", "(sp1_value(\"_\".body, 'n') = 5)"),
            ("a.b[0] > -5", "(sp1_value(\"_\".body, 'a.b[0]') > (-5))"),
            ("n IS NULL", "(sp1_value(\"_\".body, 'n') = x'')"),
            ("n IS NOT MISSING", "(sp1_value(\"_\".body, 'n') IS NOT NULL)"),
            ("n IS VALUED", "ifnull(sp1_value(\"_\".body, 'n') != x'', 0)"),
            ("n = true", "(sp1_value(\"_\".body, 'n') = 1)"),
            ("n IN (1, 2)", "(sp1_value(\"_\".body, 'n') IN (1, 2))"),
            ("n IN ()", "(sp1_value(\"_\".body, 'n') IN ())"),
            ("1 IN n", "sp1_in(1, sp1_value(\"_\".body, 'n'))"),
            ("n LIKE 'a%'", "sp1_like(sp1_value(\"_\".body, 'n'), 'a%')"),
            (
                "n BETWEEN 1 AND $x",
                "(sp1_value(\"_\".body, 'n') BETWEEN 1 AND sp1_param(?1))",
            ),
            ("-n", "(- sp1_value(\"_\".body, 'n'))"),
            ("1 - -1", "(1 - (-1))"),
            ("NOT n", "(NOT sp1_value(\"_\".body, 'n'))"),
            ("1 + 2 * 3", "(1 + (2 * 3))"),
            ("1 < 2 < 3", "((1 < 2) < 3)"),
            ("'a' || 1 || 'b'", "sp1_concat('a', 1, 'b')"),
            ("a OR b OR c", "(sp1_value(\"_\".body, 'a') OR sp1_value(\"_\".body, 'b') OR sp1_value(\"_\".body, 'c'))"),
        ]
        .map(|(text, sql)| (text, sql.to_owned())),
        condition,
    );
}

#[test]
fn booleans_keep_their_type_where_they_are_passed_on() {
    all_equal(
        &[
            ("1 = 1 AS r", "sp1_result(sp1_bool((1 = 1)))"),
            ("[1 = 1] AS r", "sp1_result(sp1_array(sp1_bool((1 = 1))))"),
            ("TYPE(true) AS r", "sp1_result(sp1_type(sp1_bool(1)))"),
            (
                "CASE WHEN n = 1 THEN n = 1 END AS r",
                "sp1_result((CASE WHEN (sp1_value(\"_\".body, 'n') = 1) THEN \
                 sp1_bool((sp1_value(\"_\".body, 'n') = 1)) ELSE x'' END))",
            ),
            (
                "META().deleted AS r",
                "sp1_result(sp1_bool((\"_\".flags & 1)))",
            ),
            ("_deleted AS r", "sp1_result(sp1_bool((\"_\".flags & 1)))"),
            (
                "n LIKE 'a' AS r",
                "sp1_result(sp1_like(sp1_value(\"_\".body, 'n'), 'a'))",
            ),
        ]
        .map(|(text, sql)| (text, sql.to_owned())),
        column,
    );
    let sql = compiled("SELECT n = 1 AS q, TYPE(q) AS t FROM _").sql;
    assert!(
        sql.contains("sp1_type(sp1_bool((sp1_value(\"_\".body, 'n') = 1)))"),
        "{sql}"
    );
}

#[test]
fn columns_are_wrapped_only_where_their_type_has_to_be_told() {
    all_equal(
        &[
            ("n", "sp1_column(\"_\".body, 'n')"),
            ("_.a.b[0]", "sp1_column(\"_\".body, 'a.b[0]')"),
            ("META().id", "\"_\".id"),
            ("META(_).sequence", "\"_\".sequence"),
            ("_id", "\"_\".id"),
            ("n + 1", "sp1_result((sp1_value(\"_\".body, 'n') + 1))"),
            ("META().id.x", "sp1_result(sp1_path(\"_\".id, 'x'))"),
        ]
        .map(|(text, sql)| (text, sql.to_owned())),
        column,
    );
    let sql = compiled("SELECT n, COUNT(*) AS c FROM _ GROUP BY n").sql;
    let column = "SELECT sp1_result(sp1_value(\"_\".body, 'n')), ";
    assert!(sql.starts_with(column), "{sql}");
}

#[test]
fn containers_of_literals_are_made_once() {
    assert_eq!(
        column("[1, 'a', MISSING] AS r"),
        "sp1_result(x'414b13311a61')"
    );
    assert_eq!(column("{'a': 1} AS r"), "sp1_result(x'4f4c1a611331')");
    assert_eq!(
        column("[n] AS r"),
        "sp1_result(sp1_array(sp1_value(\"_\".body, 'n')))"
    );
}

#[test]
fn collations_reach_every_comparison_below() {
    all_equal(
        &[
            (
                "n = 'a' COLLATE NOCASE",
                "(sp1_value(\"_\".body, 'n') COLLATE \"NOCASE\" = 'a')",
            ),
            (
                "('x' = 'X' AND 'y' = 'Y') COLLATE (UNICODE NOCASE)",
                "(('x' COLLATE \"sp1_u_und_ci\" = 'X') AND ('y' COLLATE \"sp1_u_und_ci\" = 'Y'))",
            ),
            (
                "('b' BETWEEN 'A' AND 'C') COLLATE UNICODE:sv_SE",
                "('b' COLLATE \"sp1_u_sv_SE_\" BETWEEN 'A' AND 'C')",
            ),
            (
                "(n COLLATE (UNICODE NOCASE NODIAC)) LIKE 'a%'",
                "sp1_like((sp1_value(\"_\".body, 'n') COLLATE \"sp1_u_und_ciai\"), 'a%', \
                 'sp1_u_und_ciai')",
            ),
            (
                "CONTAINS(n, 'A') COLLATE NOCASE",
                "sp1_contains(sp1_value(\"_\".body, 'n'), 'A', 'NOCASE')",
            ),
            ("('a' = 'A') COLLATE (CASE)", "('a' = 'A')"),
            (
                "('a' = 'b' = 'c') COLLATE NOCASE",
                "(('a' COLLATE \"NOCASE\" = 'b') COLLATE \"NOCASE\" = 'c')",
            ),
            (
                "((n COLLATE UNICODE) = 'a') COLLATE NOCASE",
                "((sp1_value(\"_\".body, 'n') COLLATE \"sp1_u_und_\") = 'a')",
            ),
        ]
        .map(|(text, sql)| (text, sql.to_owned())),
        condition,
    );
    let sql = compiled("SELECT n FROM _ ORDER BY n COLLATE NOCASE DESC").sql;
    let order = " ORDER BY (sp1_value(\"_\".body, 'n') COLLATE \"NOCASE\") DESC";
    assert!(sql.ends_with(order), "{sql}");
}

#[test]
fn columns_of_the_table_are_compared_without_their_type() {
    all_equal(
        &[
            ("META().id = 'a'", "(\"_\".id = 'a')"),
            ("META().id IN ('a', 'b')", "(\"_\".id IN ('a', 'b'))"),
            ("META().id = 5", "(+\"_\".id = 5 AND \"_\".id = 5)"),
            (
                "META().id = $p",
                "(+\"_\".id = sp1_param(?1) AND \"_\".id = sp1_param(?1))",
            ),
            ("META().id > $p", "(+\"_\".id > sp1_param(?1))"),
            ("META().sequence > 5", "(\"_\".sequence > 5)"),
            (
                "$p < META().sequence",
                "(sp1_param(?1) < +\"_\".sequence AND sp1_param(?1) < \"_\".sequence)",
            ),
            ("META().sequence < $p", "(+\"_\".sequence < sp1_param(?1))"),
            ("META().id = LOWER('A')", "(+\"_\".id = sp1_lower('A'))"),
        ]
        .map(|(text, sql)| (text, sql.to_owned())),
        condition,
    );
}

#[test]
fn any_and_every_look_at_the_elements() {
    let each = "(SELECT 1 FROM jsonb_each(sp1_jsonb(\"_\".body, 'a')) AS \"v#1\"";
    let value = "sp1_elem(\"v#1\".value, \"v#1\".type)";
    all_equal(
        &[
            (
                "ANY v IN a SATISFIES v = 1 END",
                format!("EXISTS {each} WHERE ({value} = 1))"),
            ),
            (
                "EVERY v IN a SATISFIES v.b[0] = 1 END",
                format!(
                    "(NOT EXISTS {each} WHERE NOT ({}, 'b[0]') = 1)))",
                    value.trim_end_matches(')')
                ),
            ),
            (
                "ANY AND EVERY v IN a SATISFIES v END",
                format!(
                    "(CASE WHEN sp1_jsonb(\"_\".body, 'a') IS NOT NULL THEN EXISTS {each}) \
                     AND NOT EXISTS {each} WHERE NOT {value}) END)"
                ),
            ),
        ],
        condition,
    );
    let sql = condition("ANY v IN $p SATISFIES ANY v IN v.x SATISFIES v END END");
    assert!(
        sql.contains("jsonb_each(sp1_jsonb_of(sp1_param(?1))) AS \"v#1\""),
        "{sql}"
    );
    assert!(
        sql.contains("sp1_jsonb_of(sp1_elem(\"v#1\".value, \"v#1\".type, "),
        "{sql}"
    );
}

#[test]
fn only_live_documents_are_seen_unless_deleted_is_mentioned() {
    let live = "flags & 1 = 0";
    for text in [
        "META().deleted",
        "META() AS m",
        "META(d).deleted",
        "_deleted",
        "d._deleted",
    ] {
        let sql = compiled(&format!("SELECT {text} FROM _ d")).sql;
        assert!(!sql.contains(live), "{sql}");
    }
    for text in [
        "SELECT META().id FROM _ d",
        "SELECT 1 FROM _ d WHERE EXISTS (SELECT META().deleted FROM _)",
        "SELECT META(e).deleted FROM s.k e JOIN _ d ON true",
    ] {
        let sql = compiled(text).sql;
        assert!(sql.contains(&format!("\"d\".{live}")), "{sql}");
    }
    let sql = compiled("SELECT n FROM _ d ORDER BY META().deleted").sql;
    assert!(!sql.contains(live), "{sql}");
}

#[test]
fn sources_are_joined() {
    let sql = compiled("SELECT e.n FROM _ e LEFT JOIN s.k d ON e.x = META(d).id UNNEST e.t t").sql;
    assert_eq!(
        sql,
        "SELECT sp1_column(\"e\".body, 'n') FROM \"docs_1\" AS \"e\" \
         LEFT JOIN \"docs_2\" AS \"d\" ON \"d\".flags & 1 = 0 AND \
         (sp1_value(\"e\".body, 'x') = +\"d\".id AND sp1_value(\"e\".body, 'x') = \"d\".id) \
         JOIN jsonb_each(sp1_jsonb(\"e\".body, 't')) AS \"t\" WHERE \"e\".flags & 1 = 0"
    );
    compiled("SELECT a.n FROM _ a JOIN s.k b ON b.n = META(c).id JOIN t.k c ON true");
    let twice = compiled("SELECT k.n AS a, s.k.n AS b FROM s.k JOIN t.k x ON true").sql;
    assert!(twice.contains("sp1_column(\"k\".body, 'n')"), "{twice}");
    let same = compiled("SELECT s.k.n AS a, t.k.n AS b FROM s.k JOIN t.k ON true").sql;
    assert!(
        same.contains("AS \"k\" JOIN \"docs_3\" AS \"k#1\""),
        "{same}"
    );
}

#[test]
fn rows_have_the_keys_that_the_spec_says() {
    all_equal(
        &[
            (
                "SELECT n+1, n, o.p.q, 7, arr[0] FROM _",
                vec!["$1", "n", "q", "$2", "$3"],
            ),
            ("SELECT * FROM _", vec!["_"]),
            ("SELECT * FROM travel", vec!["travel"]),
            ("SELECT * FROM s.k", vec!["k"]),
            ("SELECT *, n FROM s.k AS d", vec!["d", "n"]),
            ("SELECT d.*, d, d.n FROM s.k AS d", vec!["d", "d #2", "n"]),
            (
                "SELECT META().id, id, META() FROM _",
                vec!["id", "id #2", "_"],
            ),
            ("SELECT _sequence FROM _", vec!["sequence"]),
            (
                "SELECT 'n', \"o.p.q\", 'x' AS y FROM _",
                vec!["n", "q", "y"],
            ),
            ("SELECT * FROM s.k JOIN t.k ON true", vec!["s.k", "t.k"]),
            ("SELECT e.x, ph.n FROM _ e UNNEST e.ph", vec!["x", "n"]),
            ("SELECT {'a':1}.a, `a.b` FROM _", vec!["$1", "a.b"]),
        ]
        .map(|(text, keys)| {
            (
                text,
                keys.into_iter().map(str::to_owned).collect::<Vec<_>>(),
            )
        }),
        |text| compiled(text).columns,
    );
}

#[test]
fn aliases_are_expanded_and_may_use_one_another() {
    let sql = compiled("SELECT v + 100 AS v FROM _ WHERE v > 104 ORDER BY V").sql;
    let sum = "(sp1_value(\"_\".body, 'v') + 100)";
    assert!(
        sql.contains(&format!("({sum} > 104) ORDER BY {sum}")),
        "{sql}"
    );
    let sql = compiled("SELECT a + 1 AS b, b + 1 AS a FROM _").sql;
    assert!(
        sql.contains("((sp1_value(\"_\".body, 'b') + 1) + 1)"),
        "{sql}"
    );
    let sql = compiled("SELECT name AS who FROM _ WHERE who.last = 'Lee'").sql;
    assert!(
        sql.contains("sp1_value(\"_\".body, 'name.last') = 'Lee'"),
        "{sql}"
    );
    let sql = compiled("SELECT {'a': n} AS o FROM _ WHERE o.a = 1").sql;
    assert!(
        sql.contains("sp1_path(sp1_object('a', sp1_value(\"_\".body, 'n')), 'a')"),
        "{sql}"
    );
    // An alias inside of itself is a property, behind a collation too.
    let sql = compiled("SELECT x COLLATE NOCASE AS x FROM _ WHERE x = 1 ORDER BY x").sql;
    assert!(
        sql.contains("((sp1_value(\"_\".body, 'x') COLLATE \"NOCASE\") = 1)"),
        "{sql}"
    );
    let sql =
        compiled("SELECT y COLLATE NOCASE AS x, x COLLATE NOCASE AS y FROM _ WHERE x = y").sql;
    assert!(sql.contains(" = "), "{sql}");
    // A variable of the same name is none of the alias's own.
    let sql = compiled("SELECT v AS w, ANY v IN a SATISFIES w = v END AS x FROM _").sql;
    assert!(
        sql.contains("(sp1_value(\"_\".body, 'v') = sp1_elem("),
        "{sql}"
    );
}

#[test]
fn aliases_that_double_are_stopped() {
    let items: Vec<String> = (1..60)
        .map(|n| format!("a{} + a{} AS a{n}", n - 1, n - 1))
        .collect();
    let text = format!("SELECT {} FROM _", items.join(", "));
    assert!(error(&text).contains("longer than"), "{text}");
    let items: Vec<String> = (1..400).map(|n| format!("a{} AS a{n}", n - 1)).collect();
    let text = format!("SELECT {} FROM _", items.join(", "));
    assert!(error(&text).contains("levels deep"), "{text}");
}

#[test]
fn numbers_in_order_by_are_columns_and_constants_are_not() {
    let sql = compiled("SELECT g, v AS w FROM _ ORDER BY 2 DESC").sql;
    assert!(
        sql.ends_with(" ORDER BY sp1_value(\"_\".body, 'v') DESC"),
        "{sql}"
    );
    let sql = compiled("SELECT 2 AS x FROM _ ORDER BY x").sql;
    assert!(sql.ends_with(" ORDER BY (2 + 0)"), "{sql}");
    for (key, wanted) in [
        ("x COLLATE NOCASE", "((2 COLLATE \"NOCASE\") + 0)"),
        ("-(1)", "((- 1) + 0)"),
        ("2 IS NULL", "((2 = x'') + 0)"),
        ("2 IS MISSING", "((2 IS NULL) + 0)"),
        (
            "n NOT IN ()",
            "((NOT (sp1_value(\"_\".body, 'n') IN ())) + 0)",
        ),
        ("n AND false", "((sp1_value(\"_\".body, 'n') AND 0) + 0)"),
        ("true", "(1 + 0)"),
    ] {
        for clause in ["ORDER BY", "GROUP BY"] {
            let sql = compiled(&format!("SELECT 2 AS x FROM _ {clause} {key}")).sql;
            assert!(sql.ends_with(&format!(" {clause} {wanted}")), "{sql}");
        }
    }
    assert!(error("SELECT n FROM _ ORDER BY 2").contains("ORDER BY 2"));
    assert!(error("SELECT n FROM _ ORDER BY 0").contains("1 columns"));
}

#[test]
fn limits_are_integers_that_are_not_negative() {
    for (text, wanted) in [
        ("LIMIT 5", " LIMIT 5"),
        ("LIMIT -1", " LIMIT 0"),
        ("OFFSET 4", " LIMIT -1 OFFSET 4"),
        ("OFFSET 1 LIMIT 2", " LIMIT 2 OFFSET 1"),
        ("LIMIT 1 + 1", " LIMIT max(sp1_int((1 + 1)), 0)"),
        ("LIMIT $l", " LIMIT max(sp1_int(sp1_param(?1)), 0)"),
    ] {
        let sql = compiled(&format!("SELECT n FROM _ {text}")).sql;
        assert!(sql.ends_with(wanted), "{sql}");
    }
    for text in ["1.5", "'x'", "NULL", "-'1'", "n", "META().id", "COUNT(*)"] {
        error(&format!("SELECT n FROM _ LIMIT {text}"));
    }
}

#[test]
fn matches_join_the_table_of_their_index() {
    let sql = compiled("SELECT RANK(f) AS r FROM _ WHERE MATCH(f, $q) AND n = 1").sql;
    assert_eq!(
        sql,
        "SELECT sp1_result(sp1_rank(matchinfo(\"match#1\".\"fts_9\", 'pcx'))) \
         FROM \"docs_1\" AS \"_\" JOIN \"fts_9\" AS \"match#1\" \
         ON \"match#1\".docid = \"_\".sequence WHERE \"_\".flags & 1 = 0 \
         AND \"match#1\".\"fts_9\" MATCH sp1_fts_query(sp1_param(?1), 'en', 0, 't', 'o.p') \
         AND (sp1_value(\"_\".body, 'n') = 1)"
    );
    for text in [
        "SELECT 1 FROM _ WHERE MATCH(d.f, 'a')",
        "SELECT 1 FROM _ WHERE MATCH(g, 'a')",
        "SELECT 1 FROM _ WHERE MATCH(f, 'a') OR n = 1",
        "SELECT 1 FROM _ WHERE NOT MATCH(f, 'a')",
        "SELECT 1 FROM _ WHERE MATCH(f, 'a') AND MATCH(f, 'b')",
        "SELECT MATCH(f, 'a') FROM _",
        "SELECT RANK(f) FROM _",
        "SELECT MAX(RANK(f)) FROM _ WHERE MATCH(f, 'a')",
        "SELECT 1 FROM _ a JOIN s.k b ON true WHERE MATCH(f, 'a')",
    ] {
        error(text);
    }
    compiled("SELECT 1 FROM _ WHERE RANK(f) > 1 AND (n AND MATCH(f, 'a'))");
    for name in ["_.f", "_default.f", "`_default._default`.f"] {
        compiled(&format!("SELECT 1 FROM _ WHERE MATCH({name}, 'a')"));
    }
    for name in ["D.f", "k.f", "`s.k`.f"] {
        compiled(&format!(
            "SELECT 1 FROM s.k d JOIN _ x ON true WHERE MATCH({name}, 'a')"
        ));
    }
}

#[test]
fn parameters_are_numbered_as_they_first_come_up_in_sql() {
    let compiled = compiled("SELECT $b, $a FROM _ WHERE n > $a AND n < $a + $c");
    assert_eq!(compiled.parameters, ["a", "c", "b"]);
    assert!(
        compiled
            .sql
            .starts_with("SELECT sp1_result(sp1_param(?3)), sp1_result(sp1_param(?1))")
    );
}

#[test]
fn collections_are_found_as_from_names_them() {
    let reads = |text: &str| compiled(text).collections;
    let default = ("_default".to_owned(), "_default".to_owned());
    let other = ("s".to_owned(), "k".to_owned());
    for name in [
        "_",
        "_default",
        "_default._default",
        "_._",
        "travel",
        "`_default`",
    ] {
        assert_eq!(
            reads(&format!("SELECT n FROM {name}")),
            std::slice::from_ref(&default),
            "{name}"
        );
    }
    let text = "SELECT a.n FROM s.k a JOIN s.k b ON true WHERE EXISTS (SELECT 1 FROM _)";
    assert_eq!(reads(text), [default, other]);
    for name in ["k", "S.K", "nosuch", "`s.k`", "_.travel", "s._"] {
        assert!(error(&format!("SELECT n FROM {name}")).contains("no collection"));
    }
}

#[test]
fn wrong_uses_are_told_with_their_place() {
    for (text, part) in [
        ("SELECT foo(n) FROM _", "foo is no function"),
        (
            "SELECT LENGTH('a', 'b') FROM _",
            "wrong number of arguments to LENGTH: 2, expected 1",
        ),
        ("SELECT +1 FROM _", "+ has no value"),
        ("SELECT 1 & 3 FROM _", "unknown operator &"),
        (
            "SELECT n FROM _ WHERE COUNT(*) > 1",
            "COUNT cannot be used in WHERE",
        ),
        (
            "SELECT COUNT(*) AS c FROM _ WHERE c > 1",
            "COUNT cannot be used in WHERE",
        ),
        (
            "SELECT SUM(COUNT(*)) FROM _",
            "COUNT cannot be used in an aggregate",
        ),
        (
            "SELECT ANY v IN a SATISFIES SUM(v) END FROM _",
            "SUM cannot be used in ANY",
        ),
        (
            "SELECT n FROM _ ORDER BY COUNT(*)",
            "COUNT in ORDER BY needs GROUP BY",
        ),
        (
            "SELECT n FROM _ LIMIT ANY v IN a SATISFIES v END",
            "LIMIT and OFFSET cannot use properties",
        ),
        (
            "SELECT a.n FROM _ a LEFT JOIN s.k b ON b.n = c.n JOIN t.k c ON true",
            "c is joined only after this ON",
        ),
        ("SELECT MAX(*) FROM _", "* may only stand"),
        (
            "SELECT MAX(a, b) FROM _",
            "wrong number of arguments to MAX",
        ),
        ("SELECT META().cas FROM _", "META() has only"),
        ("SELECT META(y).id FROM _ x", "no source is called y"),
        (
            "SELECT n AS x, N AS X FROM _",
            "the alias 'X' is there twice",
        ),
        ("SELECT n AS d FROM _ AS D", "the alias 'd' is there twice"),
        (
            "SELECT a.n FROM _ a JOIN _ A ON true",
            "the alias 'A' is there twice",
        ),
        (
            "SELECT n FROM _ a JOIN _ b ON true",
            "property 'n' does not begin",
        ),
        ("SELECT t FROM _ e UNNEST [1, 2] t", "UNNEST needs a path"),
        ("SELECT PREDICTION(a, b) FROM _", "PREDICTION needs models"),
        ("SELECT EXISTS (SELECT n) FROM _", "does not begin"),
        ("SELECT n * * FROM _", "* may only stand"),
    ] {
        let message = error(text);
        assert!(message.contains(part), "{text}: {message}");
    }
    assert!(error("SELECT n,\n foo(n) FROM _").contains("(line 2, column 5)"));
    assert!(error("SELECT n FROM _ WHERE\n\n LENGTH() = 1").ends_with("(line 3, column 2)"));
}

#[test]
fn nothing_of_a_text_is_sql() {
    let text = "SELECT `a\"; DROP TABLE docs_1; --` AS `x\"y` FROM _ AS `q\"; --` \
                WHERE `q\"; --`.`it's` = 'it''s' || \"\\\"";
    let sql = compiled(text).sql;
    assert_eq!(
        sql,
        "SELECT sp1_column(\"q\"\"; --\".body, 'a\"; DROP TABLE docs_1; --') \
         FROM \"docs_1\" AS \"q\"\"; --\" WHERE \"q\"\"; --\".flags & 1 = 0 \
         AND (sp1_value(\"q\"\"; --\".body, 'it''s') = sp1_concat('it''s', '\\'))"
    );
    let nul = compiled("SELECT 'a\0b' AS x, `a\0b` FROM _ AS `c\0d`").sql;
    assert!(!nul.contains('\0'), "{nul}");
}

#[test]
fn the_tree_is_there_as_json() {
    let json = compiled(
        "SELECT DISTINCT n AS x, COUNT(*) FROM s.k d LEFT JOIN _ e ON d.a = META(e).id \
         UNNEST d.t u WHERE n > 5 AND NOT d.s LIKE 'a%' GROUP BY n HAVING n = $p \
         ORDER BY n DESC, d.s COLLATE NOCASE LIMIT 1"
            .replace(" n", " d.n")
            .as_str(),
    )
    .json;
    let tree: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        tree,
        serde_json::json!({
            "DISTINCT": true,
            "WHAT": [["AS", [".d.n"], "x"], ["count()", ["."]]],
            "FROM": [
                {"SCOPE": "s", "COLLECTION": "k", "AS": "d"},
                {"COLLECTION": "_", "AS": "e", "JOIN": "LEFT OUTER",
                 "ON": ["=", [".d.a"], [".e._id"]]},
                {"UNNEST": [".d.t"], "AS": "u"},
            ],
            "WHERE": ["AND", [">", [".d.n"], 5], ["NOT", ["LIKE", [".d.s"], "a%"]]],
            "GROUP_BY": [[".d.n"]],
            "HAVING": ["=", [".d.n"], ["$p"]],
            "ORDER_BY": [["DESC", [".d.n"]], ["COLLATE",
                {"UNICODE": false, "LOCALE": null, "CASE": false, "DIAC": true}, [".d.s"]]],
            "LIMIT": 1,
        })
    );
    assert!(!json.contains('\n'));
}

#[test]
fn hundreds_of_terms_stay_shallow() {
    let text = format!(
        "SELECT 1 FROM _ WHERE {}",
        vec!["n = 1"; 2_000].join(" OR ")
    );
    let sql = compiled(&text).sql;
    let mut depth = 0_usize;
    let mut deepest = 0;
    for byte in sql.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    assert!(deepest < 12, "{deepest}");
}

#[test]
fn bounds_are_kept() {
    let columns = |n: usize| format!("SELECT {} FROM _", vec!["n"; n].join(", "));
    assert_eq!(compiled(&columns(2_000)).columns.len(), 2_000);
    assert!(error(&columns(2_001)).contains("2000 columns"));
    let stars = format!(
        "SELECT {} FROM _ JOIN s.k ON true",
        vec!["*"; 1_001].join(", ")
    );
    assert!(error(&stars).contains("2000 columns"));
    let parameters = |n: usize| {
        let names: Vec<String> = (0..n).map(|n| format!("$p{n}")).collect();
        format!("SELECT 1 FROM _ WHERE n IN ({})", names.join(", "))
    };
    assert_eq!(
        compiled(&parameters(MAX_PARAMETERS)).parameters.len(),
        MAX_PARAMETERS
    );
    assert!(error(&parameters(MAX_PARAMETERS + 1)).contains("parameters"));
    let joins = |n: usize| format!("SELECT 1 FROM _{}", " JOIN _ ON true".repeat(n));
    assert!(compile(&joins(59), &Fixed).is_ok());
    assert!(error(&joins(60)).contains("more than 60 sources"));
    let array = |n: usize| format!("SELECT [{}] AS r FROM _", vec!["n"; n].join(", "));
    assert!(compile(&array(1000), &Fixed).is_ok());
    assert!(error(&array(1001)).contains("limit is 1000"));
    let literals = format!("SELECT [{}] AS r FROM _", vec!["1"; 10_000].join(", "));
    assert!(compile(&literals, &Fixed).is_ok());
    let concat = format!("SELECT {} FROM _", vec!["n"; 350].join(" || "));
    assert!(compile(&concat, &Fixed).is_ok());
}
