//! The query as a JSON tree: the third part of `explain` (query spec §8.3).

use serde_json::{Map, Value, json};

use super::ast::{
    Collation, Expr, FromItem, InList, IndexName, JoinKind, Literal, Quantifier, ResultItem,
    Select, Source, Step, Test, UnaryOp,
};

/// The tree as one line of text.
pub(super) fn tree(select: &Select) -> String {
    statement(select).to_string()
}

fn statement(select: &Select) -> Value {
    let mut tree = Map::new();
    if select.distinct {
        tree.insert("DISTINCT".into(), true.into());
    }
    tree.insert("WHAT".into(), select.results.iter().map(item).collect());
    if let Some(from) = &select.from {
        let mut sources = vec![source(&from.first, None, None)];
        sources.extend(from.rest.iter().map(|item| match item {
            FromItem::Join {
                kind,
                source: joined,
                on,
            } => source(joined, Some(*kind), on.as_ref()),
            FromItem::Unnest { array, alias, .. } => {
                let mut unnest = Map::new();
                unnest.insert("UNNEST".into(), expression(array));
                if let Some(alias) = alias {
                    unnest.insert("AS".into(), alias.clone().into());
                }
                Value::Object(unnest)
            }
        }));
        tree.insert("FROM".into(), sources.into());
    }
    let mut clause = |name: &str, expr: Option<&Expr>| {
        if let Some(expr) = expr {
            tree.insert(name.into(), expression(expr));
        }
    };
    clause("WHERE", select.condition.as_ref());
    clause("HAVING", select.having.as_ref());
    clause("LIMIT", select.limit.as_ref());
    clause("OFFSET", select.offset.as_ref());
    if !select.group_by.is_empty() {
        let keys = select.group_by.iter().map(expression);
        tree.insert("GROUP_BY".into(), keys.collect());
    }
    if !select.order_by.is_empty() {
        let orders = select.order_by.iter().map(|order| match order.descending {
            true => json!(["DESC", expression(&order.expr)]),
            false => expression(&order.expr),
        });
        tree.insert("ORDER_BY".into(), orders.collect());
    }
    Value::Object(tree)
}

fn item(item: &ResultItem) -> Value {
    match &item.alias {
        Some(alias) => json!(["AS", expression(&item.expr), alias]),
        None => expression(&item.expr),
    }
}

fn source(source: &Source, join: Option<JoinKind>, on: Option<&Expr>) -> Value {
    let mut tree = Map::new();
    if let Some(scope) = &source.scope {
        tree.insert("SCOPE".into(), scope.clone().into());
    }
    tree.insert("COLLECTION".into(), source.name.clone().into());
    if let Some(alias) = &source.alias {
        tree.insert("AS".into(), alias.clone().into());
    }
    if let Some(kind) = join {
        let name = match kind {
            JoinKind::Inner => "INNER",
            JoinKind::Left => "LEFT OUTER",
            JoinKind::Cross => "CROSS",
        };
        tree.insert("JOIN".into(), name.into());
    }
    if let Some(on) = on {
        tree.insert("ON".into(), expression(on));
    }
    Value::Object(tree)
}

fn call(name: &str, args: impl IntoIterator<Item = Value>) -> Value {
    let name = Value::from(name);
    Value::Array(std::iter::once(name).chain(args).collect())
}

fn path(before: &str, path: &[Step]) -> String {
    let path = super::lower::text::canonical_path(path);
    let dot = if path.starts_with('[') { "" } else { "." };
    format!("{before}{dot}{path}")
}

fn index_name(index: &IndexName) -> Value {
    match &index.source {
        Some(source) => format!("{source}.{}", index.name).into(),
        None => index.name.clone().into(),
    }
}

fn collation(collation: &Collation) -> Value {
    json!({
        "UNICODE": collation.unicode,
        "LOCALE": collation.locale,
        "CASE": collation.case_sensitive,
        "DIAC": collation.accent_sensitive,
    })
}

fn negated(negated: bool, tree: Value) -> Value {
    match negated {
        true => call("NOT", [tree]),
        false => tree,
    }
}

fn expression(expr: &Expr) -> Value {
    match expr {
        Expr::Literal(literal) => match literal {
            Literal::Missing => call("MISSING", []),
            Literal::Null => Value::Null,
            Literal::Boolean(value) => (*value).into(),
            Literal::Integer(number) => (*number).into(),
            Literal::Double(number) => (*number).into(),
            Literal::String(text) => text.clone().into(),
        },
        Expr::Array(items) => call("[]", items.iter().map(expression)),
        Expr::Object(members) => {
            let member = |(key, value): &(String, Expr)| (key.clone(), expression(value));
            Value::Object(members.iter().map(member).collect())
        }
        Expr::Property(steps, _) => call(&path("", steps), []),
        Expr::Star(None, _) => call(".", []),
        Expr::Star(Some(name), _) => call(&format!(".{name}."), []),
        Expr::Parameter(name) => call(&format!("${name}"), []),
        Expr::Access(base, steps, _) => match &**base {
            Expr::Meta(source, _) => {
                let source: Vec<Step> = source.iter().cloned().map(Step::Name).collect();
                let mut steps = [source, steps.clone()].concat();
                if let Some(Step::Name(field)) = steps.get_mut(source_len(base)) {
                    field.insert(0, '_');
                }
                call(&path("", &steps), [])
            }
            base => call("_.", [expression(base), path("", steps).into()]),
        },
        Expr::Meta(source, _) => call("meta()", source.iter().cloned().map(Value::from)),
        Expr::Unary(op, operand, _) => {
            let name = match op {
                UnaryOp::Negate => "-",
                UnaryOp::Plus => "+",
                UnaryOp::Not => "NOT",
            };
            call(name, [expression(operand)])
        }
        Expr::Chain(first, rest, _) => rest.iter().fold(expression(first), |left, (op, right)| {
            call(op.text(), [left, expression(right)])
        }),
        Expr::And(terms) => call("AND", terms.iter().map(expression)),
        Expr::Or(terms) => call("OR", terms.iter().map(expression)),
        Expr::Test(operand, test) => {
            let missing = || call("MISSING", []);
            let operand = expression(operand);
            match test {
                Test::IsNull => call("IS", [operand, Value::Null]),
                Test::IsNotNull => call("IS NOT", [operand, Value::Null]),
                Test::IsMissing => call("IS", [operand, missing()]),
                Test::IsNotMissing => call("IS NOT", [operand, missing()]),
                Test::IsValued => call("IS VALUED", [operand]),
                Test::IsNotValued => call("NOT", [call("IS VALUED", [operand])]),
            }
        }
        Expr::In {
            value,
            negated: not,
            list,
        } => {
            let list = match list {
                InList::Items(items) => call("[]", items.iter().map(expression)),
                InList::Elements(array) => expression(array),
            };
            call(
                if *not { "NOT IN" } else { "IN" },
                [expression(value), list],
            )
        }
        Expr::Like {
            value,
            negated: not,
            pattern,
        } => negated(*not, call("LIKE", [expression(value), expression(pattern)])),
        Expr::Between {
            value,
            negated: not,
            low,
            high,
        } => {
            let operands = [value, low, high].map(|operand| expression(operand));
            negated(*not, call("BETWEEN", operands))
        }
        Expr::Case {
            operand,
            branches,
            otherwise,
        } => {
            let mut args = vec![operand.as_deref().map_or(Value::Null, expression)];
            for (when, then) in branches {
                args.push(expression(when));
                args.push(expression(then));
            }
            args.extend(otherwise.as_deref().map(expression));
            call("CASE", args)
        }
        Expr::Quantified {
            quantifier,
            variable,
            array,
            predicate,
        } => {
            let name = match quantifier {
                Quantifier::Any => "ANY",
                Quantifier::Every => "EVERY",
                Quantifier::AnyAndEvery => "ANY AND EVERY",
            };
            let (array, predicate) = (expression(array), expression(predicate));
            call(name, [variable.clone().into(), array, predicate])
        }
        Expr::Exists(select) => call("EXISTS", [call("SELECT", [statement(select)])]),
        Expr::Call { name, args, .. } => call(
            &format!("{}()", name.to_lowercase()),
            args.iter().map(expression),
        ),
        Expr::Match { index, text } => call("MATCH()", [index_name(index), expression(text)]),
        Expr::Rank(index) => call("RANK()", [index_name(index)]),
        Expr::Collate(operand, own, _) => call("COLLATE", [collation(own), expression(operand)]),
    }
}

fn source_len(base: &Expr) -> usize {
    match base {
        Expr::Meta(source, _) => source.len(),
        _ => 0,
    }
}
