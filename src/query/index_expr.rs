//! What is indexed, as SQL over the columns of a collection's table, or of the table of an array's
//! elements (query spec §8.1, §9.1).
//!
//! Items come as SQL++ text or as the JSON trees that the builder classes of the API write (API
//! spec §8.2).

use serde_json::Value as Json;

use super::ast::{
    At, BinaryOp, Collation, Expr, InList, Literal, Path, ResultItem, Step, Test, UnaryOp,
};
use super::error::QueryError;
use super::lower::Lowering;
use super::lower::text::canonical_path;
use super::names::key_path;
use super::{depth, grammar};
use crate::error::Error;

/// Items of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexExpression<'a> {
    /// SQL++ expressions with commas between them: `name, LOWER(city)`.
    Sqlpp(&'a str),
    /// One item as JSON text: `[".name"]`, `".name"`, `["LOWER()",[".city"]]`.
    JsonItem(&'a str),
}

/// A definition as SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledIndex {
    /// An expression for each item.
    pub expressions: Vec<String>,
    /// Only rows for which this is true.
    pub condition: Option<String>,
    /// Paths of a full-text index, each with its expression; empty for others.
    pub columns: Vec<String>,
    /// Path of an array index in its one spelling.
    pub array: Option<String>,
}

/// What an index is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexTarget<'a> {
    /// Values of documents.
    Values,
    /// Words of documents.
    Words,
    /// Elements of the array at this path of documents.
    Elements(&'a str),
}

/// Most arrays that the path of an array index leads through, the last included.
const MAX_ARRAYS: usize = 8;

/// Longest path of an array index, in bytes.
const MAX_PATH_LEN: usize = 1024;

type Result<T> = std::result::Result<T, QueryError>;

/// Turns the definition of an index into SQL.
///
/// # Errors
/// `InvalidQuery`: the text is broken, or has what an index cannot: aliases, parameters,
/// aggregates, `ANY`, functions of the local time; in a full-text index anything but paths; in an
/// array index a condition, or a path that is none.
pub fn compile_index(
    items: &[IndexExpression<'_>],
    condition: Option<&str>,
    target: IndexTarget<'_>,
) -> std::result::Result<CompiledIndex, Error> {
    let (array, element) = match target {
        IndexTarget::Elements(text) => {
            let (path, element) = array_path(text)?;
            (Some(path), Some(element))
        }
        _ => (None, None),
    };
    let over = Over {
        full_text: target == IndexTarget::Words,
        element: element.as_deref(),
    };
    let mut compiled = CompiledIndex {
        expressions: Vec::new(),
        condition: None,
        columns: Vec::new(),
        array,
    };
    for item in items {
        match item {
            IndexExpression::Sqlpp(text) => {
                let exprs = list(text)?;
                add(&mut compiled, text, &exprs, over)?;
            }
            IndexExpression::JsonItem(text) => {
                let expr = json_item(text)?;
                add(&mut compiled, "", &[expr], over).map_err(|error| {
                    // It has no place in a text of SQL++.
                    QueryError::whole(format!("index item {text}: {}", error.message))
                })?;
            }
        }
    }
    if let (Some(name), true) = (over.element, items.is_empty()) {
        let element = Expr::Property(vec![Step::Name(name.to_owned())], At(0));
        add(&mut compiled, "", &[element], over)?;
    }
    if compiled.expressions.is_empty() {
        return Err(QueryError::whole("an index needs an expression").into());
    }
    if let Some(text) = condition {
        if over.element.is_some() {
            return Err(QueryError::whole("an array index has no condition").into());
        }
        let exprs = list(text)?;
        let [expr] = exprs.as_slice() else {
            return Err(QueryError::whole("the condition of an index is one expression").into());
        };
        compiled.condition = Some(Lowering::for_index(text).piece(expr)?);
    }
    Ok(compiled)
}

/// What the expressions of an index are about.
#[derive(Clone, Copy, Debug)]
struct Over<'a> {
    full_text: bool,
    /// How the element of an array is called.
    element: Option<&'a str>,
}

impl Over<'_> {
    fn lowering<'q>(&self, text: &'q str) -> Lowering<'q> {
        match self.element {
            Some(name) => Lowering::for_array_index(text, name),
            None => Lowering::for_index(text),
        }
    }
}

/// The path of an array index in its one spelling, and how the element is called: `UNNEST` without alias
/// calls it as the last part of the path. `[]` stands for all elements of an array on the way; in a name
/// there would be backslashes in it.
fn array_path(text: &str) -> Result<(String, String)> {
    if text.len() > MAX_PATH_LEN {
        return wrong(format!(
            "path of an array index is {} bytes, limit is {MAX_PATH_LEN}",
            text.len()
        ));
    }
    if text.contains('\0') {
        return wrong(format!("path {text:?} of an array index has a NUL in it"));
    }
    let mut arrays = Vec::new();
    let mut element = String::new();
    for part in text.split("[]") {
        if arrays.len() == MAX_ARRAYS {
            return wrong(format!(
                "path {text:?} of an array index leads through more than {MAX_ARRAYS} arrays"
            ));
        }
        let path = match key_path(part.strip_prefix('.').unwrap_or(part)) {
            Some(path) if matches!(path.first(), Some(Step::Name(_))) => path,
            _ => {
                return wrong(format!(
                    "path {text:?} of an array index is no property path"
                ));
            }
        };
        arrays.push(canonical_path(&path));
        element = match path.last() {
            Some(Step::Name(name)) => name.clone(),
            _ => canonical_path(&path),
        };
    }
    Ok((arrays.join("[]."), element))
}

fn add(compiled: &mut CompiledIndex, text: &str, exprs: &[Expr], over: Over<'_>) -> Result<()> {
    for expr in exprs {
        if over.full_text {
            let Expr::Property(path, _) = expr else {
                let message = "a full-text index has only property paths";
                return Err(QueryError::whole(message));
            };
            compiled.columns.push(canonical_path(path));
        }
        compiled.expressions.push(over.lowering(text).piece(expr)?);
    }
    Ok(())
}

fn list(text: &str) -> Result<Vec<Expr>> {
    let item = |item: ResultItem| match (item.expr, item.alias) {
        (_, Some(_)) => Err(QueryError::at(text, item.at.0, "an index has no aliases")),
        (Expr::Literal(Literal::String(path)), None) if key_path(&path).is_some() => {
            Ok(Expr::Property(key_path(&path).unwrap_or_default(), item.at))
        }
        (expr, None) => Ok(expr),
    };
    grammar::parse_list(text)?.into_iter().map(item).collect()
}

fn wrong<T>(message: impl Into<String>) -> Result<T> {
    Err(QueryError::whole(message))
}

fn json_item(text: &str) -> Result<Expr> {
    let item: Json = serde_json::from_str(text)
        .map_err(|error| QueryError::whole(format!("index item is no JSON: {error}")))?;
    let expr = match &item {
        Json::String(path) => Expr::Property(property_path(path)?, At(0)),
        item => expr(item)?,
    };
    depth::check_expr_depth(&expr)?;
    Ok(expr)
}

/// A path as it stands in JSON: with or without the dot before it.
fn property_path(text: &str) -> Result<Path> {
    let path = key_path(text.strip_prefix('.').unwrap_or(text));
    match path.filter(|path| !path.is_empty()) {
        Some(path) => Ok(path),
        None => wrong(format!("{text:?} is no property path")),
    }
}

/// An expression of the JSON query schema.
fn expr(json: &Json) -> Result<Expr> {
    Ok(match json {
        Json::Null => Expr::Literal(Literal::Null),
        Json::Bool(value) => Expr::Literal(Literal::Boolean(*value)),
        Json::Number(number) => Expr::Literal(match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Literal::Integer(number),
            (None, Some(number)) => Literal::Double(number),
            (None, None) => return wrong(format!("{number} is no number")),
        }),
        Json::String(text) => Expr::Literal(Literal::String(text.clone())),
        Json::Object(members) => {
            let member = |(key, value): (&String, &Json)| Ok((key.clone(), expr(value)?));
            Expr::Object(members.iter().map(member).collect::<Result<_>>()?)
        }
        Json::Array(items) => match items.split_first() {
            Some((Json::String(operator), args)) => operation(operator, args)?,
            _ => return wrong(format!("{json} does not start with an operator")),
        },
    })
}

fn exprs(args: &[Json]) -> Result<Vec<Expr>> {
    args.iter().map(expr).collect()
}

fn operation(operator: &str, args: &[Json]) -> Result<Expr> {
    if let Some(path) = operator.strip_prefix('.') {
        return property(operator, path, args);
    }
    if operator.starts_with('$') {
        return wrong(format!(
            "an index cannot depend on the parameter {operator}"
        ));
    }
    if operator.starts_with('?') {
        return wrong("an index cannot use variables");
    }
    let upper = operator.to_ascii_uppercase();
    if let Some(name) = upper.strip_suffix("()") {
        return function(name, args);
    }
    if let Some(op) = binary(&upper)
        && args.len() >= 2
    {
        return chain(op, args);
    }
    match (upper.as_str(), args) {
        ("MISSING", []) => Ok(Expr::Literal(Literal::Missing)),
        ("[]", items) => Ok(Expr::Array(exprs(items)?)),
        ("-", [operand]) => unary(UnaryOp::Negate, operand),
        ("NOT", [operand]) => unary(UnaryOp::Not, operand),
        ("AND" | "OR", [operand]) => expr(operand),
        ("AND", [_, ..]) => Ok(Expr::And(exprs(args)?)),
        ("OR", [_, ..]) => Ok(Expr::Or(exprs(args)?)),
        ("IS VALUED", [operand]) => Ok(Expr::Test(Box::new(expr(operand)?), Test::IsValued)),
        ("IN" | "NOT IN", [value, list]) => {
            let list = match expr(list)? {
                Expr::Array(items) => InList::Items(items),
                array => InList::Elements(Box::new(array)),
            };
            Ok(Expr::In {
                value: Box::new(expr(value)?),
                negated: upper == "NOT IN",
                list,
            })
        }
        ("LIKE" | "NOT LIKE", [value, pattern]) => Ok(Expr::Like {
            value: Box::new(expr(value)?),
            negated: upper == "NOT LIKE",
            pattern: Box::new(expr(pattern)?),
        }),
        ("BETWEEN" | "NOT BETWEEN", [value, low, high]) => Ok(Expr::Between {
            value: Box::new(expr(value)?),
            negated: upper == "NOT BETWEEN",
            low: Box::new(expr(low)?),
            high: Box::new(expr(high)?),
        }),
        ("CASE", [operand, branches @ ..]) => case(operand, branches),
        ("COLLATE", [Json::Object(own), operand]) => {
            let own = collation(own)?;
            Ok(Expr::Collate(Box::new(expr(operand)?), own, At(0)))
        }
        ("_.", [base, Json::String(path)]) => {
            let path = property_path(path)?;
            Ok(Expr::Access(Box::new(expr(base)?), path, At(0)))
        }
        _ => {
            let message = format!("{operator:?} with {} arguments is no operator", args.len());
            wrong(message)
        }
    }
}

/// `[".a.b"]`, or `[".", "a", "b"]`.
fn property(operator: &str, path: &str, args: &[Json]) -> Result<Expr> {
    if !path.is_empty() {
        return match args {
            [] => Ok(Expr::Property(property_path(path)?, At(0))),
            _ => wrong(format!("{operator:?} takes no arguments")),
        };
    }
    let step = |json: &Json| match json {
        Json::String(name) if !name.is_empty() => Ok(Step::Name(name.clone())),
        Json::Number(index) if index.is_i64() => Ok(Step::Index(index.as_i64().unwrap_or(0))),
        other => wrong(format!("{other} is no part of a path")),
    };
    let path: Path = args.iter().map(step).collect::<Result<_>>()?;
    match path.first() {
        Some(Step::Name(_)) => Ok(Expr::Property(path, At(0))),
        _ => wrong("a path starts with the name of a property"),
    }
}

fn function(name: &str, args: &[Json]) -> Result<Expr> {
    match (name, args) {
        ("META", []) => Ok(Expr::Meta(Vec::new(), At(0))),
        ("META" | "MATCH" | "RANK", _) => wrong(format!("an index cannot use {name}")),
        _ => Ok(Expr::Call {
            name: name.to_owned(),
            args: exprs(args)?,
            at: At(0),
            parenthesis: At(0),
        }),
    }
}

fn binary(operator: &str) -> Option<BinaryOp> {
    Some(match operator {
        "||" => BinaryOp::Concat,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Modulo,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessOrEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterOrEqual,
        "=" | "==" => BinaryOp::Equal,
        "!=" | "<>" => BinaryOp::NotEqual,
        "IS" => BinaryOp::Is,
        "IS NOT" => BinaryOp::IsNot,
        _ => return None,
    })
}

/// A chain; `IS` with null or MISSING is the test that the text `IS NULL` is.
fn chain(op: BinaryOp, args: &[Json]) -> Result<Expr> {
    let mut operands = exprs(args)?.into_iter();
    let first = Box::new(operands.next().unwrap_or(Expr::Literal(Literal::Missing)));
    let rest: Vec<(BinaryOp, Expr)> = operands.map(|operand| (op, operand)).collect();
    let test = match rest.as_slice() {
        [(BinaryOp::Is, Expr::Literal(Literal::Null))] => Test::IsNull,
        [(BinaryOp::IsNot, Expr::Literal(Literal::Null))] => Test::IsNotNull,
        [(BinaryOp::Is, Expr::Literal(Literal::Missing))] => Test::IsMissing,
        [(BinaryOp::IsNot, Expr::Literal(Literal::Missing))] => Test::IsNotMissing,
        _ => return Ok(Expr::Chain(first, rest, At(0))),
    };
    Ok(Expr::Test(first, test))
}

fn unary(op: UnaryOp, operand: &Json) -> Result<Expr> {
    Ok(Expr::Unary(op, Box::new(expr(operand)?), At(0)))
}

fn case(operand: &Json, branches: &[Json]) -> Result<Expr> {
    let (pairs, otherwise) = branches.as_chunks::<2>();
    if pairs.is_empty() {
        return wrong("CASE has no branches");
    }
    let operand = match operand {
        Json::Null => None,
        operand => Some(Box::new(expr(operand)?)),
    };
    let branch = |[when, then]: &[Json; 2]| Ok((expr(when)?, expr(then)?));
    Ok(Expr::Case {
        operand,
        branches: pairs.iter().map(branch).collect::<Result<_>>()?,
        otherwise: otherwise
            .first()
            .map(|otherwise| expr(otherwise).map(Box::new))
            .transpose()?,
    })
}

fn collation(options: &serde_json::Map<String, Json>) -> Result<Collation> {
    let mut collation = Collation::default();
    for (key, value) in options {
        match (key.to_ascii_uppercase().as_str(), value) {
            ("UNICODE", Json::Bool(unicode)) => collation.unicode = *unicode,
            ("CASE", Json::Bool(sensitive)) => collation.case_sensitive = *sensitive,
            ("DIAC", Json::Bool(sensitive)) => collation.accent_sensitive = *sensitive,
            ("LOCALE", Json::Null) => {}
            ("LOCALE", Json::String(locale)) if locale.is_empty() => {}
            ("LOCALE", Json::String(locale)) => {
                let locale = locale.replace('-', "_");
                let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                if !locale.bytes().all(known) {
                    return wrong(format!("{locale:?} is no locale"));
                }
                collation.locale = Some(locale);
            }
            _ => return wrong(format!("{key:?} is no option of a collation")),
        }
    }
    Ok(collation)
}

#[cfg(test)]
#[path = "index_expr_tests.rs"]
mod tests;
