use super::*;

fn sql(text: &str) -> Vec<String> {
    let compiled = compile_index(&[IndexExpression::Sqlpp(text)], None, IndexTarget::Values);
    compiled.unwrap().expressions
}

fn json(item: &str) -> String {
    let compiled = compile_index(
        &[IndexExpression::JsonItem(item)],
        None,
        IndexTarget::Values,
    );
    compiled.unwrap().expressions.remove(0)
}

fn fails(item: IndexExpression<'_>) -> Error {
    let error = compile_index(&[item], None, IndexTarget::Values).unwrap_err();
    assert_eq!(error.code(), 23, "{error}");
    error
}

#[test]
fn a_list_is_an_expression_an_item() {
    assert_eq!(
        sql("t, o.p[0]"),
        ["sp1_value(body, 't')", "sp1_value(body, 'o.p[0]')"]
    );
    assert_eq!(sql("META().id"), ["id"]);
    assert_eq!(
        sql("s COLLATE NOCASE"),
        ["(sp1_value(body, 's') COLLATE \"NOCASE\")"]
    );
    assert_eq!(sql("LOWER(s)"), ["sp1_lower(sp1_value(body, 's'))"]);
    assert_eq!(sql("'o.p'"), ["sp1_value(body, 'o.p')"]);
    assert_eq!(sql("n > 5"), ["(sp1_value(body, 'n') > 5)"]);
}

#[test]
fn json_trees_are_the_same_as_text() {
    for (item, text) in [
        (r#"[".a.b"]"#, "a.b"),
        (r#"".n""#, "n"),
        (r#""n""#, "n"),
        (r#"[".a\\.b"]"#, "`a.b`"),
        (r#"[".","a",0,"b"]"#, "a[0].b"),
        (r#"[".a[0].b"]"#, "a[0].b"),
        (r#"["._id"]"#, "META().id"),
        (r#"["LOWER()",[".s"]]"#, "LOWER(s)"),
        (r#"["lower()",[".s"]]"#, "LOWER(s)"),
        (r#"["COLLATE",{"CASE":false},[".s"]]"#, "s COLLATE NOCASE"),
        (
            r#"["COLLATE",{"UNICODE":true,"LOCALE":"de","CASE":true,"DIAC":false},[".s"]]"#,
            "s COLLATE (UNICODE:de NODIAC)",
        ),
        (r#"["+",[".n"],1]"#, "n + 1"),
        (r#"["-",[".n"]]"#, "-n"),
        (r#"["||",[".n"],"'x"]"#, "n || '''x'"),
        (r#"["NOT",["=",[".n"],1.5]]"#, "NOT n = 1.5"),
        (
            r#"["OR",["IS",[".n"],null],["IS",[".n"],["MISSING"]]]"#,
            "n IS NULL OR n IS MISSING",
        ),
        (r#"["IS NOT",[".n"],null]"#, "n IS NOT NULL"),
        (r#"["IN",[".n"],["[]",1,2]]"#, "n IN (1, 2)"),
        (r#"["BETWEEN",[".n"],1,2]"#, "n BETWEEN 1 AND 2"),
        (r#"["LIKE",[".s"],"a%"]"#, "s LIKE 'a%'"),
        (r#"["regexp_like()",[".s"],"^a"]"#, "REGEXP_LIKE(s, '^a')"),
        (
            r#"["CASE",null,[".a"],1,2]"#,
            "CASE WHEN a THEN 1 ELSE 2 END",
        ),
        (r#"["AND",[".a"],true]"#, "a AND true"),
    ] {
        assert_eq!(json(item), sql(text)[0], "{item}");
    }
}

#[test]
fn what_an_index_cannot_hold_is_refused() {
    for text in [
        "",
        "n AS x",
        "n x",
        "n DESC",
        "$p",
        "COUNT(*)",
        "SUM(n)",
        "ANY v IN a SATISFIES v END",
        "EXISTS (SELECT 1 FROM _)",
        "MATCH(f, 'x')",
        "RANK(f)",
        "*",
        "d.*",
        "META(d).id",
        "MILLIS_TO_STR(n)",
        "foo(n)",
        "n FROM _",
    ] {
        fails(IndexExpression::Sqlpp(text));
    }
    for item in [
        "",
        "5",
        "[]",
        "[5]",
        r#"["$p"]"#,
        r#"["?v"]"#,
        r#"["DESC",[".n"]]"#,
        r#"["COUNT()",[".n"]]"#,
        r#"["ANY","v",[".a"],["?v"]]"#,
        r#"["SELECT",{}]"#,
        r#"[".*",1]"#,
        r#"[".",{}]"#,
        r#""""#,
        r#"["COLLATE",{"LOCALE":"x'; DROP"},[".n"]]"#,
        r#"["CASE",null]"#,
        r#"["=",1]"#,
    ] {
        if item != "5" {
            fails(IndexExpression::JsonItem(item));
        }
    }
    let error = fails(IndexExpression::Sqlpp("n, m AS x"));
    assert!(error.message().ends_with("(line 1, column 4)"), "{error}");
    let deep = format!("{}1{}", "[\"NOT\",".repeat(10_000), "]".repeat(10_000));
    fails(IndexExpression::JsonItem(&deep));
}

#[test]
fn hostile_names_stay_inside_their_literal() {
    assert_eq!(
        json(r#"[".a'); DROP TABLE docs_1; --"]"#),
        "sp1_value(body, 'a''); DROP TABLE docs_1; --')"
    );
    assert_eq!(sql("`a') --`"), ["sp1_value(body, 'a'') --')"]);
}

#[test]
fn a_full_text_index_has_paths_and_their_names() {
    let items = [
        IndexExpression::Sqlpp("t, o.p"),
        IndexExpression::JsonItem("[\".q\"]"),
    ];
    let compiled = compile_index(&items, Some("n > 5"), IndexTarget::Words).unwrap();
    assert_eq!(compiled.columns, ["t", "o.p", "q"]);
    assert_eq!(
        compiled.condition.as_deref(),
        Some("(sp1_value(body, 'n') > 5)")
    );
    assert!(
        compile_index(
            &[IndexExpression::Sqlpp("LOWER(t)")],
            None,
            IndexTarget::Words
        )
        .is_err()
    );
    assert!(
        compile_index(
            &[IndexExpression::Sqlpp("t")],
            Some("a, b"),
            IndexTarget::Values
        )
        .is_err()
    );
    assert!(compile_index(&[], None, IndexTarget::Values).is_err());
}

fn array(path: &str, items: &[IndexExpression<'_>]) -> CompiledIndex {
    compile_index(items, None, IndexTarget::Elements(path)).unwrap()
}

#[test]
fn an_array_index_is_over_the_element_or_what_is_in_it() {
    let sqlpp = |text| array("tags", &[IndexExpression::Sqlpp(text)]).expressions;
    let element = array("tags", &[]);
    assert_eq!(element.expressions, ["sp1_elem(value, type)"]);
    assert_eq!(element.array.as_deref(), Some("tags"));
    assert_eq!(sqlpp("tags"), element.expressions, "called as its path is");
    assert_eq!(
        sqlpp("city, LOWER(tags), a.b[0]"),
        [
            "sp1_elem(value, type, 'city')",
            "sp1_lower(sp1_elem(value, type))",
            "sp1_elem(value, type, 'a.b[0]')"
        ]
    );
    let item = array("tags", &[IndexExpression::JsonItem(r#"[".city"]"#)]);
    assert_eq!(item.expressions, sqlpp("city"));
    let inner = array(
        "shipping.parcels",
        &[IndexExpression::Sqlpp("LOWER(parcels)")],
    );
    assert_eq!(inner.expressions, ["sp1_lower(sp1_elem(value, type))"]);
}

#[test]
fn the_path_of_an_array_index_has_one_spelling() {
    for (path, canonical) in [
        ("tags", "tags"),
        (".tags", "tags"),
        ("a[0].b", "a[0].b"),
        (r"a\.b.it's", r"a\.b.it's"),
        (r"odd\[\]", r"odd\[\]"),
        ("first name", "first name"),
        ("contacts[].phones", "contacts[].phones"),
        (r"a\[\].b[]c[].d", r"a\[\].b[].c[].d"),
    ] {
        assert_eq!(array(path, &[]).array.as_deref(), Some(canonical), "{path}");
    }
    let long = "x".repeat(MAX_PATH_LEN + 1);
    for (wrong, what) in [
        ("", "no property path"),
        ("a..b", "no property path"),
        ("[0]", "no property path"),
        ("a[]", "no property path"),
        ("a[][]b", "no property path"),
        ("a[0].b[][1]", "no property path"),
        ("a[]..b", "no property path"),
        ("a[]b[]c[]d[]e[]f[]g[]h[]i", "more than 8 arrays"),
        ("a\0", "NUL"),
        (&long, "limit is 1024"),
    ] {
        let error = compile_index(&[], None, IndexTarget::Elements(wrong)).unwrap_err();
        assert!(error.message().contains(what), "{wrong:?}: {error}");
    }
    let conditional = compile_index(&[], Some("n > 5"), IndexTarget::Elements("tags"));
    assert!(conditional.is_err());
}
