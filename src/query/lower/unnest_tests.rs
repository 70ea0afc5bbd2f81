use super::compiled;

#[test]
fn elements_come_from_an_index_that_can_find_them() {
    let from = |rest: &str| {
        let sql = compiled(&format!("SELECT d.n FROM _ AS d {rest}")).sql;
        let (_, from) = sql.split_once(" FROM \"docs_1\" AS \"d\" ").expect(&sql);
        from.to_owned()
    };
    let table = "JOIN \"array_9\" AS \"x\" ON \"x\".document = \"d\".sequence";
    assert_eq!(
        from("UNNEST d.t x WHERE x = 1"),
        format!("{table} WHERE \"d\".flags & 1 = 0 AND (sp1_elem(\"x\".value, \"x\".type) = 1)")
    );
    for served in [
        "UNNEST d.t x WHERE d.n = 5 AND x.c > 1",
        "UNNEST d.o.p x WHERE x = 1",
        "UNNEST d.t x WHERE $p = x",
        "UNNEST d.t x WHERE x IN (1, 2)",
        "UNNEST d.t x WHERE NOT x.q AND x.c IS NULL",
        "UNNEST d.t x WHERE x = 1 OR x BETWEEN 5 AND 6",
        "UNNEST d.t x WHERE x.n + 1 = 5",
        "UNNEST d.t x WHERE (x = 1 AND d.n = 2) OR x.c = 1",
        "UNNEST d.t x JOIN s.k e ON e.n = x.c",
        "UNNEST d.t x ORDER BY x DESC LIMIT 1",
    ] {
        assert!(from(served).contains(table), "{served}: {}", from(served));
    }
    let each = "JOIN jsonb_each(";
    for left in [
        "UNNEST d.t x",
        "UNNEST d.other x WHERE x = 1",
        "UNNEST d.t x WHERE x != 1",
        "UNNEST d.t x WHERE NOT x = 1",
        "UNNEST d.t x WHERE x.q = 1",
        "UNNEST d.t x WHERE x.n = 1",
        "UNNEST d.t x WHERE LOWER(x) = 'a'",
        "UNNEST d.t x WHERE x + 1 = 2",
        "UNNEST d.t x WHERE x = 'a' COLLATE NOCASE",
        "UNNEST d.t x WHERE x = 1 OR d.n = 1",
        "UNNEST d.t x WHERE d.n = 1 ORDER BY x",
        "UNNEST d.t x JOIN s.k e ON e.n != x.c",
        "UNNEST d.k y UNNEST y.u x WHERE x = 1",
        "UNNEST d.k y UNNEST y.t.t x WHERE x = 1",
        "UNNEST d.k y UNNEST y z UNNEST z.t x WHERE x = 1",
    ] {
        assert!(from(left).contains(each), "{left}: {}", from(left));
        assert!(!from(left).contains("array_9"), "{left}: {}", from(left));
    }
    let sql = compiled("SELECT d.n FROM s.k AS d UNNEST d.t x WHERE x = 1").sql;
    assert!(sql.contains(each), "{sql}");
    let table = format!("{table} AND \"x\".outer_1 = ");
    let nested = from("UNNEST d.k y UNNEST y.t x WHERE x = 1");
    assert!(
        nested.contains(&format!("{table}ifnull(\"y\".key, 0) WHERE")),
        "{nested}"
    );
    // An alias of the projection is meant as it is everywhere else.
    let sql = compiled("SELECT d.k AS q FROM _ AS d UNNEST q.t x WHERE x = 1");
    assert!(!sql.sql.contains("array_9"), "{}", sql.sql);
}
