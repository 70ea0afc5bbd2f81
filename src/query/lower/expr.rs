//! Operators, literals and quantifiers.

use std::fmt::Write as _;

use super::super::ast::{BinaryOp, Expr, InList, Literal, Quantifier, Step, Test, UnaryOp};
use super::super::names::{MetaField, Target, Variable};
use super::super::value::{ArrayBuilder, ObjectBuilder, Value};
use super::{Lowering, MAX_PARAMETERS, Place, QueryError, Result, text};

/// Most arguments of a function in SQL.
const MAX_ARGUMENTS: usize = 1000;

/// Longest chain that stays one; longer ones become trees.
const CHAIN: usize = 100;

impl<'q> Lowering<'q> {
    /// An expression as one operand.
    pub(super) fn expr(&mut self, expr: &'q Expr) -> Result<()> {
        self.deeper(|lowering| lowering.expr_here(expr))
    }

    /// An expression whose value is passed on: what SQL has as 0 and 1 becomes a boolean.
    pub(super) fn passed_on(&mut self, expr: &'q Expr) -> Result<()> {
        if self.is_sql_boolean(expr) {
            self.wrapped("sp1_bool(", |lowering| lowering.expr(expr))
        } else {
            self.expr(expr)
        }
    }

    fn expr_here(&mut self, expr: &'q Expr) -> Result<()> {
        match expr {
            Expr::Literal(literal) => {
                self.literal(literal);
                Ok(())
            }
            Expr::Array(items) => match constant(expr) {
                Some(value) => self.constant(&value),
                None => self.arguments("sp1_array(", items),
            },
            Expr::Object(members) => match constant(expr) {
                Some(value) => self.constant(&value),
                None => self.object(members),
            },
            Expr::Property(path, at) => self.property(path, *at),
            Expr::Star(name, at) => {
                let star = if name.is_some() { "name.*" } else { "*" };
                self.wrong(*at, format!("{star} may only stand in SELECT and COUNT"))
            }
            Expr::Parameter(name) => self.parameter(name),
            Expr::Access(base, path, at) => self.access(base, path, *at),
            Expr::Meta(source, at) => self.meta_object(source, *at),
            Expr::Unary(op, operand, at) => match op {
                UnaryOp::Negate => self.wrapped("(- ", |lowering| lowering.expr(operand)),
                UnaryOp::Not => self.wrapped("(NOT ", |lowering| lowering.expr(operand)),
                UnaryOp::Plus => self.wrong(*at, "+ has no value before it"),
            },
            Expr::Chain(first, rest, at) => {
                let level = rest.first().map_or(1, |(op, _)| op.level());
                match level {
                    _ if rest
                        .iter()
                        .any(|(op, _)| op.level() == BinaryOp::BitOr.level()) =>
                    {
                        let unknown = |(op, _): &&(BinaryOp, _)| op.level() == 3;
                        let op = rest.iter().find(unknown).map_or("", |(op, _)| op.text());
                        self.wrong(*at, format!("unknown operator {op}"))
                    }
                    _ if level == BinaryOp::Concat.level() => self.concat(first, rest),
                    1 | 2 => self.comparisons(first, rest),
                    _ => self.arithmetic(first, rest),
                }
            }
            Expr::And(terms) => self.logic(" AND ", terms),
            Expr::Or(terms) => self.logic(" OR ", terms),
            Expr::Test(operand, test) => self.test(operand, *test),
            Expr::In {
                value,
                negated,
                list,
            } => self.in_list(value, *negated, list),
            Expr::Like {
                value,
                negated,
                pattern,
            } => self.like(value, *negated, pattern),
            Expr::Between {
                value,
                negated,
                low,
                high,
            } => self.between(value, *negated, low, high),
            Expr::Case {
                operand,
                branches,
                otherwise,
            } => self.case(operand.as_deref(), branches, otherwise.as_deref()),
            Expr::Quantified {
                quantifier,
                variable,
                array,
                predicate,
            } => self.quantified(*quantifier, variable, array, predicate),
            Expr::Exists(select) => self.exists(select),
            Expr::Call {
                name,
                args,
                at,
                parenthesis,
            } => self.call(name, args, *at, *parenthesis),
            Expr::Match { index, .. } => self.wrong(
                index.at,
                "MATCH may only stand at the top level of WHERE, or under AND there",
            ),
            Expr::Rank(index) => self.rank(index),
            Expr::Collate(operand, collation, _) => self.collate(operand, collation),
        }
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Missing => self.push("NULL"),
            Literal::Null => self.push("x''"),
            Literal::Boolean(true) => self.push("1"),
            Literal::Boolean(false) => self.push("0"),
            Literal::Integer(number) => text::push_integer(&mut self.out, *number),
            Literal::Double(number) => text::push_double(&mut self.out, *number),
            Literal::String(string) => text::push_string(&mut self.out, string),
        }
    }

    /// A container that is the same in every row.
    fn constant(&mut self, value: &Value<'_>) -> Result<()> {
        if let Value::Array(container) | Value::Object(container) = value {
            let blob = container.to_blob();
            self.check_len(blob.len() * 2)?;
            text::push_blob(&mut self.out, &blob);
        }
        Ok(())
    }

    /// A call with arguments that are passed on; `before` ends with the parenthesis.
    pub(super) fn arguments(&mut self, before: &str, args: &'q [Expr]) -> Result<()> {
        if args.len() > MAX_ARGUMENTS {
            let message = format!(
                "{} values in one list, limit is {MAX_ARGUMENTS}",
                args.len()
            );
            return Err(QueryError::whole(message));
        }
        self.wrapped(before, |lowering| lowering.list(args, Self::passed_on))
    }

    /// Expressions with commas between them.
    pub(super) fn list(
        &mut self,
        items: &'q [Expr],
        lower: impl Fn(&mut Self, &'q Expr) -> Result<()>,
    ) -> Result<()> {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            lower(self, item)?;
        }
        Ok(())
    }

    fn object(&mut self, members: &'q [(String, Expr)]) -> Result<()> {
        if members.len() * 2 > MAX_ARGUMENTS {
            let limit = MAX_ARGUMENTS / 2;
            let message = format!("{} members in one object, limit is {limit}", members.len());
            return Err(QueryError::whole(message));
        }
        self.wrapped("sp1_object(", |lowering| {
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    lowering.push(", ");
                }
                text::push_string(&mut lowering.out, key);
                lowering.push(", ");
                lowering.passed_on(value)?;
            }
            Ok(())
        })
    }

    /// `sp1_param(?1)`: booleans are bound with a mark, as SQLite has none.
    pub(super) fn parameter(&mut self, name: &'q str) -> Result<()> {
        if self.statement.place == Place::Index {
            let message = format!("an index cannot depend on the parameter ${name}");
            return Err(QueryError::whole(message));
        }
        let number = match self.parameter_numbers.get(name) {
            Some(number) => *number,
            None if self.parameters.len() == MAX_PARAMETERS => {
                let message = format!("more than {MAX_PARAMETERS} parameters");
                return Err(QueryError::whole(message));
            }
            None => {
                self.parameters.push(name);
                let number = self.parameters.len();
                self.parameter_numbers.insert(name, number);
                number
            }
        };
        let _ = write!(self.out, "sp1_param(?{number})");
        Ok(())
    }

    fn concat(&mut self, first: &'q Expr, rest: &'q [(BinaryOp, Expr)]) -> Result<()> {
        let calls = rest.len().div_ceil(CHAIN);
        for _ in 0..calls {
            self.push("sp1_concat(");
        }
        self.passed_on(first)?;
        for operands in rest.chunks(CHAIN) {
            for (_, operand) in operands {
                self.push(", ");
                self.passed_on(operand)?;
            }
            self.push(")");
        }
        Ok(())
    }

    fn arithmetic(&mut self, first: &'q Expr, rest: &'q [(BinaryOp, Expr)]) -> Result<()> {
        self.wrapped("(", |lowering| {
            lowering.expr(first)?;
            for (op, operand) in rest {
                lowering.push(" ");
                lowering.push(op.text());
                lowering.push(" ");
                lowering.expr(operand)?;
            }
            Ok(())
        })
    }

    /// Terms joined by an operator, as a tree that is as flat as can be.
    fn logic(&mut self, op: &str, terms: &'q [Expr]) -> Result<()> {
        if let [term] = terms {
            return self.expr(term);
        }
        self.wrapped("(", |lowering| {
            if terms.len() > CHAIN {
                let (left, right) = terms.split_at(terms.len() / 2);
                lowering.logic(op, left)?;
                lowering.push(op);
                return lowering.logic(op, right);
            }
            for (index, term) in terms.iter().enumerate() {
                if index > 0 {
                    lowering.push(op);
                }
                lowering.expr(term)?;
            }
            Ok(())
        })
    }

    fn test(&mut self, operand: &'q Expr, test: Test) -> Result<()> {
        let (before, after) = match test {
            Test::IsNull => ("(", " = x'')"),
            Test::IsNotNull => ("(", " != x'')"),
            Test::IsMissing => ("(", " IS NULL)"),
            Test::IsNotMissing => ("(", " IS NOT NULL)"),
            Test::IsValued => ("ifnull(", " != x'', 0)"),
            Test::IsNotValued => ("ifnull(", " = x'', 1)"),
        };
        self.push(before);
        self.expr(operand)?;
        self.push(after);
        Ok(())
    }

    fn case(
        &mut self,
        operand: Option<&'q Expr>,
        branches: &'q [(Expr, Expr)],
        otherwise: Option<&'q Expr>,
    ) -> Result<()> {
        self.push("(CASE");
        if let Some(operand) = operand {
            self.push(" ");
            self.plain_operand(operand)?;
        }
        for (when, then) in branches {
            self.push(" WHEN ");
            match operand {
                Some(_) => self.plain_operand(when)?,
                None => self.expr(when)?,
            }
            self.push(" THEN ");
            self.passed_on(then)?;
        }
        self.push(" ELSE ");
        match otherwise {
            Some(otherwise) => self.passed_on(otherwise)?,
            None => self.push("x''"),
        }
        self.push(" END)");
        Ok(())
    }

    fn quantified(
        &mut self,
        quantifier: Quantifier,
        variable: &'q str,
        array: &'q Expr,
        predicate: &'q Expr,
    ) -> Result<()> {
        if self.statement.place == Place::Index {
            return Err(QueryError::whole("an index cannot use ANY or EVERY"));
        }
        let place = match self.statement.place {
            Place::Limit => Place::Limit,
            _ => Place::Any,
        };
        let jsonb =
            self.piece_of(|lowering| lowering.in_place(place, |lowering| lowering.jsonb(array)))?;
        let name = self.made_up_name(variable);
        let mut quoted = String::new();
        text::push_name(&mut quoted, &name);
        let each = format!("(SELECT 1 FROM jsonb_each({jsonb}) AS {quoted}");
        self.statement.variables.push(Variable {
            name: variable,
            prefix: format!("{quoted}."),
        });
        let predicate =
            self.piece_of(|lowering| lowering.in_place(place, |lowering| lowering.expr(predicate)));
        self.statement.variables.pop();
        let predicate = predicate?;
        self.check_len(3 * each.len() + predicate.len())?;
        let _ = match quantifier {
            Quantifier::Any => write!(self.out, "EXISTS {each} WHERE {predicate})"),
            Quantifier::Every => {
                write!(self.out, "(NOT EXISTS {each} WHERE NOT {predicate}))")
            }
            Quantifier::AnyAndEvery => write!(
                self.out,
                "(CASE WHEN {jsonb} IS NOT NULL \
                 THEN EXISTS {each}) AND NOT EXISTS {each} WHERE NOT {predicate}) END)"
            ),
        };
        Ok(())
    }

    /// The JSONB of a value, for `jsonb_each`.
    pub(super) fn jsonb(&mut self, array: &'q Expr) -> Result<()> {
        if let Expr::Property(path, at) = array
            && let (Target::Document(source), rest) = self.resolve(path, *at)?
            && !rest.is_empty()
        {
            self.push("sp1_jsonb(");
            self.column(source, "body");
            self.push(", ");
            text::push_string(&mut self.out, &text::canonical_path(rest));
            self.push(")");
            return Ok(());
        }
        self.wrapped("sp1_jsonb_of(", |lowering| lowering.passed_on(array))
    }

    /// Whether SQL has this as 0 or 1 without a mark that it is a boolean.
    pub(super) fn is_sql_boolean(&self, expr: &'q Expr) -> bool {
        self.is_boolean_hiding(expr, &mut Vec::new())
    }

    /// As [`Self::is_sql_boolean`], while the aliases of these items are being expanded.
    fn is_boolean_hiding(&self, expr: &'q Expr, hidden: &mut Vec<usize>) -> bool {
        match expr {
            Expr::Literal(Literal::Boolean(_))
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Unary(UnaryOp::Not, ..)
            | Expr::Test(..)
            | Expr::In {
                list: InList::Items(_),
                ..
            }
            | Expr::In { negated: true, .. }
            | Expr::Like { negated: true, .. }
            | Expr::Between { .. }
            | Expr::Quantified { .. }
            | Expr::Exists(_) => true,
            Expr::Chain(_, rest, _) => rest.first().is_some_and(|(op, _)| op.compares()),
            Expr::Collate(operand, ..) => self.is_boolean_hiding(operand, hidden),
            Expr::Property(path, _) => match self.resolve_hiding(path, hidden) {
                Some((Target::Meta(_, MetaField::Deleted), [])) => true,
                Some((Target::Alias(alias), [])) => {
                    let alias = self.statement.scope.aliases[alias];
                    hidden.push(alias.item);
                    self.is_boolean_hiding(alias.expr, hidden)
                }
                _ => false,
            },
            Expr::Access(base, path, _) => is_deleted_field(base, path),
            _ => false,
        }
    }
}

/// Whether this is `META(…).deleted`.
fn is_deleted_field(base: &Expr, path: &[Step]) -> bool {
    matches!(base, Expr::Meta(..))
        && matches!(path, [Step::Name(name)] if MetaField::find(name) == Some(MetaField::Deleted))
}

/// The value of an expression that needs no row, if it is one of literals.
fn constant(expr: &Expr) -> Option<Value<'_>> {
    Some(match expr {
        Expr::Literal(literal) => match literal {
            Literal::Missing => Value::Missing,
            Literal::Null => Value::Null,
            Literal::Boolean(value) => Value::Boolean(*value),
            Literal::Integer(number) => Value::Integer(*number),
            Literal::Double(number) if number.is_finite() => Value::Double(*number),
            Literal::Double(_) => return None,
            Literal::String(text) => Value::str(text),
        },
        Expr::Array(items) => {
            let mut array = ArrayBuilder::new();
            for item in items {
                array.push(&constant(item)?);
            }
            Value::Array(array.finish())
        }
        Expr::Object(members) => {
            let mut object = ObjectBuilder::new();
            for (key, value) in members {
                object.insert(key, &constant(value)?);
            }
            Value::Object(object.finish())
        }
        _ => return None,
    })
}
