//! A tree as text that reads back as the same tree. Operands that are more than one piece stand
//! in parentheses.

use std::fmt::{Display, Formatter, Result};

use super::ast::{
    Collation, Expr, From, FromItem, InList, IndexName, JoinKind, Literal, Order, Quantifier,
    ResultItem, Select, Source, Step, UnaryOp,
};
use super::lexer::{continues_name, reserved, starts_name};

/// A name, in backquotes where it needs them.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut bytes = self.0.bytes();
        let bare = bytes.next().is_some_and(starts_name) && bytes.all(continues_name);
        // Words that are keywords in some places are safer in backquotes.
        let special = ["all", "some", "exists"]
            .into_iter()
            .any(|word| word.eq_ignore_ascii_case(self.0));
        if bare && !special && reserved(self.0).is_none() {
            f.write_str(self.0)
        } else {
            write!(f, "`{}`", self.0.replace('`', "``"))
        }
    }
}

/// A string in quotes.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

/// An expression as an operand.
struct Operand<'a>(&'a Expr);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            Expr::Literal(_)
            | Expr::Array(_)
            | Expr::Object(_)
            | Expr::Property(..)
            | Expr::Parameter(_)
            | Expr::Meta(..)
            | Expr::Case { .. }
            | Expr::Quantified { .. }
            | Expr::Exists(_)
            | Expr::Call { .. }
            | Expr::Match { .. }
            | Expr::Rank(_) => self.0.fmt(f),
            _ => write!(f, "({})", self.0),
        }
    }
}

/// Items with something between them.
fn list<T: Display>(
    f: &mut Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    between: &str,
) -> Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

fn optional<T: Display>(f: &mut Formatter<'_>, before: &str, item: Option<T>) -> Result {
    match item {
        Some(item) => write!(f, " {before} {item}"),
        None => Ok(()),
    }
}

/// The steps of a path; the first is a name.
pub(super) fn path(f: &mut Formatter<'_>, path: &[Step]) -> Result {
    for (index, step) in path.iter().enumerate() {
        match step {
            Step::Name(name) if index == 0 => Name(name).fmt(f)?,
            Step::Name(name) => write!(f, ".{}", Name(name))?,
            Step::Index(index) => write!(f, "[{index}]")?,
        }
    }
    Ok(())
}

impl Display for Select {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.distinct {
            "SELECT DISTINCT "
        } else {
            "SELECT "
        })?;
        list(f, &self.results, ", ")?;
        if let Some(from) = &self.from {
            from.fmt(f)?;
        }
        optional(f, "WHERE", self.condition.as_ref())?;
        if !self.group_by.is_empty() {
            f.write_str(" GROUP BY ")?;
            list(f, &self.group_by, ", ")?;
            optional(f, "HAVING", self.having.as_ref())?;
        }
        if !self.order_by.is_empty() {
            f.write_str(" ORDER BY ")?;
            list(f, &self.order_by, ", ")?;
        }
        optional(f, "LIMIT", self.limit.as_ref())?;
        optional(f, "OFFSET", self.offset.as_ref())
    }
}

impl Display for ResultItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.expr.fmt(f)?;
        optional(f, "AS", self.alias.as_deref().map(Name))
    }
}

impl Display for From {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, " FROM {}", self.first)?;
        for item in &self.rest {
            match item {
                FromItem::Join { kind, source, on } => {
                    f.write_str(match kind {
                        JoinKind::Inner => " JOIN ",
                        JoinKind::Left => " LEFT JOIN ",
                        JoinKind::Cross => " CROSS JOIN ",
                    })?;
                    source.fmt(f)?;
                    optional(f, "ON", on.as_ref())?;
                }
                FromItem::Unnest { array, alias, .. } => {
                    write!(f, " UNNEST {array}")?;
                    optional(f, "AS", alias.as_deref().map(Name))?;
                }
            }
        }
        Ok(())
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(scope) = &self.scope {
            write!(f, "{}.", Name(scope))?;
        }
        Name(&self.name).fmt(f)?;
        optional(f, "AS", self.alias.as_deref().map(Name))
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.expr.fmt(f)?;
        f.write_str(if self.descending { " DESC" } else { "" })
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Missing => f.write_str("MISSING"),
            Self::Null => f.write_str("NULL"),
            Self::Boolean(true) => f.write_str("TRUE"),
            Self::Boolean(false) => f.write_str("FALSE"),
            Self::Integer(number) => number.fmt(f),
            Self::Double(number) if number.is_infinite() => {
                f.write_str(if *number > 0.0 { "1e999" } else { "-1e999" })
            }
            Self::Double(number) => write!(f, "{number:?}"),
            Self::String(text) => Text(text).fmt(f),
        }
    }
}

impl Display for IndexName {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(source) = &self.source {
            write!(f, "{}.", Name(source))?;
        }
        Name(&self.name).fmt(f)
    }
}

impl Display for Collation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("(")?;
        match &self.locale {
            _ if !self.unicode => f.write_str("NOUNICODE")?,
            Some(locale) => write!(f, "UNICODE:{locale}")?,
            None => f.write_str("UNICODE")?,
        }
        f.write_str(if self.case_sensitive { "" } else { " NOCASE" })?;
        f.write_str(if self.accent_sensitive {
            ")"
        } else {
            " NODIAC)"
        })
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Array(items) => {
                f.write_str("[")?;
                list(f, items, ", ")?;
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (key, value)) in members.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{}: {value}", Text(key))?;
                }
                f.write_str("}")
            }
            Self::Property(steps, _) => path(f, steps),
            Self::Star(None, _) => f.write_str("*"),
            Self::Star(Some(name), _) => write!(f, "{}.*", Name(name)),
            Self::Parameter(name) if reserved(name).is_none() && name.starts_with(bare) => {
                write!(f, "${name}")
            }
            Self::Parameter(name) => write!(f, "$`{name}`"),
            Self::Access(base, steps, _) => {
                match **base {
                    // Else it would be one longer path, or a number with a point.
                    Self::Property(..) | Self::Literal(_) => write!(f, "({base}).")?,
                    _ => write!(f, "{}.", Operand(base))?,
                }
                path(f, steps)
            }
            Self::Meta(source, _) => {
                f.write_str("META(")?;
                list(f, source.iter().map(String::as_str).map(Name), ".")?;
                f.write_str(")")
            }
            Self::Unary(op, operand, _) => {
                let op = match op {
                    UnaryOp::Negate => "-",
                    UnaryOp::Plus => "+",
                    UnaryOp::Not => "NOT ",
                };
                write!(f, "{op}({operand})")
            }
            Self::Chain(first, rest, _) => {
                Operand(first).fmt(f)?;
                for (op, operand) in rest {
                    write!(f, " {} {}", op.text(), Operand(operand))?;
                }
                Ok(())
            }
            Self::And(terms) => list(f, terms.iter().map(Operand), " AND "),
            Self::Or(terms) => list(f, terms.iter().map(Operand), " OR "),
            Self::Test(operand, test) => write!(f, "{} {}", Operand(operand), test.text()),
            Self::In {
                value,
                negated,
                list: items,
            } => {
                write!(f, "{}{} IN ", Operand(value), not(*negated))?;
                match items {
                    InList::Items(items) => {
                        f.write_str("(")?;
                        list(f, items, ", ")?;
                        f.write_str(")")
                    }
                    // Never one that starts with a bracket.
                    InList::Elements(array) => array.fmt(f),
                }
            }
            Self::Like {
                value,
                negated,
                pattern,
            } => {
                let (value, pattern) = (Operand(value), Operand(pattern));
                write!(f, "{value}{} LIKE {pattern}", not(*negated))
            }
            Self::Between {
                value,
                negated,
                low,
                high,
            } => {
                let (value, low, high) = (Operand(value), Operand(low), Operand(high));
                write!(f, "{value}{} BETWEEN {low} AND {high}", not(*negated))
            }
            Self::Case {
                operand,
                branches,
                otherwise,
            } => {
                f.write_str("CASE")?;
                if let Some(operand) = operand {
                    write!(f, " {operand}")?;
                }
                for (when, then) in branches {
                    write!(f, " WHEN {when} THEN {then}")?;
                }
                optional(f, "ELSE", otherwise.as_ref())?;
                f.write_str(" END")
            }
            Self::Quantified {
                quantifier,
                variable,
                array,
                predicate,
            } => {
                f.write_str(match quantifier {
                    Quantifier::Any => "ANY",
                    Quantifier::Every => "EVERY",
                    Quantifier::AnyAndEvery => "ANY AND EVERY",
                })?;
                write!(f, " {variable} IN {array} SATISFIES {predicate} END")
            }
            Self::Exists(select) => write!(f, "EXISTS ({select})"),
            Self::Call { name, args, .. } => {
                write!(f, "{name}(")?;
                list(f, args, ", ")?;
                f.write_str(")")
            }
            Self::Match { index, text } => write!(f, "MATCH({index}, {text})"),
            Self::Rank(index) => write!(f, "RANK({index})"),
            Self::Collate(operand, collation, _) => {
                write!(f, "{} COLLATE {collation}", Operand(operand))
            }
        }
    }
}

fn bare(first: char) -> bool {
    u8::try_from(first).is_ok_and(starts_name)
}

fn not(negated: bool) -> &'static str {
    if negated { " NOT" } else { "" }
}

#[cfg(test)]
#[path = "printer_tests.rs"]
mod tests;
