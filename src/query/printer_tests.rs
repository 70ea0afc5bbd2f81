use proptest::prelude::*;

use super::super::ast::*;
use super::super::grammar::parse;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z_][a-zA-Z0-9_$]{0,6}",
        1 => "[^\0]{1,6}",
        1 => Just("select".to_owned()),
        1 => Just("some".to_owned()),
    ]
}

fn variable() -> impl Strategy<Value = String> {
    "v[a-zA-Z0-9_$]{0,3}"
}

fn path() -> impl Strategy<Value = Path> {
    let step = prop_oneof![
        name().prop_map(Step::Name),
        any::<i64>().prop_map(Step::Index)
    ];
    (name(), prop::collection::vec(step, 0..3)).prop_map(|(first, rest)| {
        let mut path = vec![Step::Name(first)];
        path.extend(rest);
        path
    })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Missing),
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Boolean),
        any::<i64>().prop_map(Literal::Integer),
        any::<f64>()
            .prop_filter("no NaN in the language", |number| !number.is_nan())
            .prop_map(Literal::Double),
        any::<String>().prop_map(Literal::String),
    ]
}

fn collation() -> impl Strategy<Value = Collation> {
    (
        prop::option::of(prop::option::of("[a-z]{2}(_[A-Z]{2})?")),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(unicode, case_sensitive, accent_sensitive)| Collation {
            unicode: unicode.is_some(),
            locale: unicode.flatten(),
            case_sensitive,
            accent_sensitive,
        })
}

fn index_name() -> impl Strategy<Value = IndexName> {
    (prop::option::of(name()), name()).prop_map(|(source, name)| IndexName {
        source,
        name,
        at: At(0),
    })
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        Just(Test::IsNull),
        Just(Test::IsNotNull),
        Just(Test::IsMissing),
        Just(Test::IsNotMissing),
        Just(Test::IsValued),
        Just(Test::IsNotValued),
    ]
}

fn operators() -> impl Strategy<Value = Vec<BinaryOp>> {
    use BinaryOp::*;
    let levels: [&'static [BinaryOp]; 6] = [
        &[Concat],
        &[Multiply, Divide, Modulo],
        &[Add, Subtract],
        &[ShiftLeft, ShiftRight, BitAnd, BitOr],
        &[Less, LessOrEqual, Greater, GreaterOrEqual],
        &[Equal, NotEqual, Is, IsNot],
    ];
    prop::sample::select(levels.to_vec())
        .prop_flat_map(|level| prop::collection::vec(prop::sample::select(level.to_vec()), 1..4))
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        literal().prop_map(Expr::Literal),
        path().prop_map(|path| Expr::Property(path, At(0))),
        prop::option::of(name()).prop_map(|name| Expr::Star(name, At(0))),
        "[a-zA-Z0-9_]{1,5}".prop_map(Expr::Parameter),
        prop::collection::vec(name(), 0..3).prop_map(|names| Expr::Meta(names, At(0))),
        index_name().prop_map(Expr::Rank),
    ]
}

/// `IS NULL` is one test and never the operator `IS` and a constant.
fn is_test(op: BinaryOp, operand: &Expr) -> bool {
    matches!(op, BinaryOp::Is | BinaryOp::IsNot)
        && matches!(operand, Expr::Literal(Literal::Null | Literal::Missing))
        || op == BinaryOp::Is && matches!(operand, Expr::Unary(UnaryOp::Not, ..))
}

fn expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let many = prop::collection::vec(inner.clone(), 0..3);
        let terms = prop::collection::vec(inner.clone(), 2..4);
        let unary = prop::sample::select(vec![UnaryOp::Negate, UnaryOp::Plus, UnaryOp::Not]);
        let quantifier = prop::sample::select(vec![
            Quantifier::Any,
            Quantifier::Every,
            Quantifier::AnyAndEvery,
        ]);
        let members = prop::collection::vec((any::<String>(), inner.clone()), 0..3);
        let branches = prop::collection::vec((inner.clone(), inner.clone()), 1..3);
        let in_list = prop_oneof![
            many.clone().prop_map(InList::Items),
            path().prop_map(|path| InList::Elements(Box::new(Expr::Property(path, At(0))))),
            path().prop_map(|path| {
                let base = Box::new(Expr::Parameter("p".to_owned()));
                InList::Elements(Box::new(Expr::Access(base, path, At(0))))
            }),
        ];
        let chain = (
            boxed.clone(),
            operators(),
            prop::collection::vec(inner.clone(), 3),
        )
            .prop_map(|(first, ops, operands)| {
                let rest = ops.into_iter().zip(operands);
                let rest = rest.map(|(op, operand)| match is_test(op, &operand) {
                    true => (op, Expr::Literal(Literal::Integer(1))),
                    false => (op, operand),
                });
                Expr::Chain(first, rest.collect(), At(0))
            });
        prop_oneof![
            many.clone().prop_map(Expr::Array),
            members.prop_map(Expr::Object),
            (boxed.clone(), path()).prop_map(|(base, path)| Expr::Access(base, path, At(0))),
            (unary, boxed.clone()).prop_map(|(op, operand)| Expr::Unary(op, operand, At(0))),
            chain,
            terms.clone().prop_map(Expr::And),
            terms.prop_map(Expr::Or),
            (boxed.clone(), test()).prop_map(|(operand, test)| Expr::Test(operand, test)),
            (boxed.clone(), any::<bool>(), in_list).prop_map(|(value, negated, list)| Expr::In {
                value,
                negated,
                list
            }),
            (boxed.clone(), any::<bool>(), boxed.clone()).prop_map(|(value, negated, pattern)| {
                Expr::Like {
                    value,
                    negated,
                    pattern,
                }
            }),
            (boxed.clone(), any::<bool>(), boxed.clone(), boxed.clone()).prop_map(
                |(value, negated, low, high)| Expr::Between {
                    value,
                    negated,
                    low,
                    high
                }
            ),
            (
                prop::option::of(boxed.clone()),
                branches,
                prop::option::of(boxed.clone())
            )
                .prop_map(|(operand, branches, otherwise)| Expr::Case {
                    operand,
                    branches,
                    otherwise
                }),
            (quantifier, variable(), boxed.clone(), boxed.clone()).prop_map(
                |(quantifier, variable, array, predicate)| Expr::Quantified {
                    quantifier,
                    variable,
                    array,
                    predicate
                }
            ),
            ("f[a-z_]{1,5}", many).prop_map(|(name, args)| Expr::Call {
                name,
                args,
                at: At(0),
                parenthesis: At(0)
            }),
            (index_name(), boxed.clone()).prop_map(|(index, text)| Expr::Match { index, text }),
            (boxed, collation()).prop_map(|(operand, collation)| Expr::Collate(
                operand,
                collation,
                At(0)
            )),
            (inner.clone(), prop::option::of(inner)).prop_map(|(expr, condition)| {
                let item = ResultItem {
                    expr,
                    alias: None,
                    at: At(0),
                };
                let mut select = plain(vec![item]);
                select.condition = condition;
                Expr::Exists(Box::new(select))
            }),
        ]
    })
}

fn plain(results: Vec<ResultItem>) -> Select {
    Select {
        distinct: false,
        results,
        from: None,
        condition: None,
        group_by: Vec::new(),
        having: None,
        order_by: Vec::new(),
        limit: None,
        offset: None,
    }
}

fn source() -> impl Strategy<Value = Source> {
    (prop::option::of(name()), name(), prop::option::of(name())).prop_map(|(scope, name, alias)| {
        Source {
            scope,
            name,
            alias,
            at: At(0),
        }
    })
}

fn from_item() -> impl Strategy<Value = FromItem> {
    let kinds = vec![JoinKind::Inner, JoinKind::Left, JoinKind::Cross];
    prop_oneof![
        (prop::sample::select(kinds), source(), expr()).prop_map(|(kind, source, on)| {
            FromItem::Join {
                kind,
                source,
                on: (kind != JoinKind::Cross).then_some(on),
            }
        }),
        (expr(), prop::option::of(name())).prop_map(|(array, alias)| FromItem::Unnest {
            array,
            alias,
            at: At(0)
        }),
    ]
}

fn select() -> impl Strategy<Value = Select> {
    let item = (expr(), prop::option::of(name())).prop_map(|(expr, alias)| ResultItem {
        expr,
        alias,
        at: At(0),
    });
    let order = (expr(), any::<bool>()).prop_map(|(expr, descending)| Order { expr, descending });
    let from = (source(), prop::collection::vec(from_item(), 0..2))
        .prop_map(|(first, rest)| From { first, rest });
    (
        (any::<bool>(), prop::collection::vec(item, 1..3), from),
        prop::option::of(expr()),
        prop::collection::vec(expr(), 0..2),
        prop::option::of(expr()),
        prop::collection::vec(order, 0..2),
        prop::option::of(expr()),
        prop::option::of(expr()),
    )
        .prop_map(
            |((distinct, results, from), condition, group_by, having, order_by, limit, offset)| {
                let mut select = plain(results);
                select.distinct = distinct;
                select.from = Some(from);
                select.condition = condition;
                select.having = having.filter(|_| !group_by.is_empty());
                select.group_by = group_by;
                select.order_by = order_by;
                select.limit = limit;
                select.offset = offset;
                select
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_printed_tree_reads_back_as_the_same_tree(select in select()) {
        let text = select.to_string();
        prop_assert_eq!(parse(&text), Ok(select), "{}", text);
    }
}
