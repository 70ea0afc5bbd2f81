//! Comparisons, `IN`, `LIKE`, `BETWEEN`, and the collations that govern them.
//!
//! Columns of a table have a type, and SQLite converts what it compares them with: `id = 5` would
//! find the id `'5'`. Where that could be, the column is compared as `+id`, which has no type; for
//! what an index can answer, `id = x` is asked beside it, which is true whenever the other is.

use std::rc::Rc;

use super::super::ast::{BinaryOp, Collation, Expr, InList, Literal};
use super::super::functions;
use super::super::names::MetaField;
use super::{Lowering, Result, text};

impl<'q> Lowering<'q> {
    /// A chain of comparisons of one level.
    pub(super) fn comparisons(
        &mut self,
        first: &'q Expr,
        rest: &'q [(BinaryOp, Expr)],
    ) -> Result<()> {
        if let [(op, second)] = rest {
            return self.comparison(first, *op, second);
        }
        for _ in rest {
            self.push("(");
        }
        self.plain_operand(first)?;
        let mut collated = is_collated(first);
        for (op, operand) in rest {
            if !collated && !is_collated(operand) {
                self.push_collation();
            }
            collated = false;
            self.push_operator(*op);
            self.plain_operand(operand)?;
            self.push(")");
        }
        Ok(())
    }

    fn comparison(&mut self, left: &'q Expr, op: BinaryOp, right: &'q Expr) -> Result<()> {
        let by_index = match (self.column_type(left), self.column_type(right)) {
            (None, None) => Typed::No,
            (Some(column), None) => column.beside(op, right),
            (None, Some(column)) => column.beside(mirrored(op), left),
            (Some(left), Some(right)) if left == right => Typed::Fits,
            _ => Typed::Converts,
        };
        // An index is in the order of bytes.
        let by_index = match by_index {
            Typed::Index if self.statement.collation.is_some() => Typed::Converts,
            other => other,
        };
        self.push("(");
        match by_index {
            Typed::No | Typed::Fits => {
                self.compared(left, op, right, Self::expr)?;
            }
            Typed::Converts => self.compared(left, op, right, Self::plain_operand)?,
            Typed::Index => {
                self.compared(left, op, right, Self::plain_operand)?;
                self.push(" AND ");
                self.compared(left, op, right, Self::expr)?;
            }
        }
        self.push(")");
        Ok(())
    }

    fn compared(
        &mut self,
        left: &'q Expr,
        op: BinaryOp,
        right: &'q Expr,
        lower: fn(&mut Self, &'q Expr) -> Result<()>,
    ) -> Result<()> {
        lower(self, left)?;
        if !is_collated(left) && !is_collated(right) {
            self.push_collation();
        }
        self.push_operator(op);
        lower(self, right)
    }

    fn push_operator(&mut self, op: BinaryOp) {
        self.push(" ");
        self.push(op.text());
        self.push(" ");
    }

    fn push_collation(&mut self) {
        if let Some(name) = self.statement.collation.clone() {
            self.push(" COLLATE ");
            text::push_name(&mut self.out, &name);
        }
    }

    /// An operand without the type of its column.
    pub(super) fn plain_operand(&mut self, operand: &'q Expr) -> Result<()> {
        if self.column_type(operand).is_some() {
            self.push("+");
        }
        self.expr(operand)
    }

    /// The type of the column that an operand is.
    fn column_type(&self, operand: &'q Expr) -> Option<ColumnType> {
        match self.meta_field_of(operand)? {
            MetaField::Id | MetaField::RevisionId => Some(ColumnType::Text),
            MetaField::Sequence | MetaField::Expiration => Some(ColumnType::Integer),
            MetaField::Deleted => None,
        }
    }

    pub(super) fn in_list(
        &mut self,
        value: &'q Expr,
        negated: bool,
        list: &'q InList,
    ) -> Result<()> {
        let items = match list {
            InList::Items(items) => items,
            InList::Elements(array) => {
                self.push(if negated { "(NOT sp1_in(" } else { "sp1_in(" });
                self.passed_on(value)?;
                self.push(", ");
                self.passed_on(array)?;
                self.push(if negated { "))" } else { ")" });
                return Ok(());
            }
        };
        let typed = self.column_type(value).map_or(Typed::No, |column| {
            let fits = items.iter().all(|item| column.fits(item));
            let indexed = items.iter().all(is_simple);
            match (fits, indexed) {
                (true, _) => Typed::Fits,
                (_, true) if self.statement.collation.is_none() => Typed::Index,
                _ => Typed::Converts,
            }
        });
        let one = |lowering: &mut Self, plain: bool| {
            match plain {
                true => lowering.plain_operand(value)?,
                false => lowering.expr(value)?,
            }
            if !is_collated(value) {
                lowering.push_collation();
            }
            lowering.push(" IN (");
            lowering.list(items, Self::plain_operand)?;
            lowering.push(")");
            Ok(())
        };
        self.push(if negated { "(NOT (" } else { "(" });
        one(self, !matches!(typed, Typed::No | Typed::Fits))?;
        if typed == Typed::Index {
            self.push(" AND ");
            one(self, false)?;
        }
        self.push(if negated { "))" } else { ")" });
        Ok(())
    }

    pub(super) fn between(
        &mut self,
        value: &'q Expr,
        negated: bool,
        low: &'q Expr,
        high: &'q Expr,
    ) -> Result<()> {
        let fits = self
            .column_type(value)
            .is_some_and(|column| column.fits(low) && column.fits(high));
        self.push("(");
        match fits {
            true => self.expr(value)?,
            false => self.plain_operand(value)?,
        }
        if !is_collated(value) {
            self.push_collation();
        }
        self.push(if negated {
            " NOT BETWEEN "
        } else {
            " BETWEEN "
        });
        self.plain_operand(low)?;
        self.push(" AND ");
        self.plain_operand(high)?;
        self.push(")");
        Ok(())
    }

    pub(super) fn like(&mut self, value: &'q Expr, negated: bool, pattern: &'q Expr) -> Result<()> {
        let own = [value, pattern]
            .into_iter()
            .find_map(|operand| match operand {
                Expr::Collate(_, collation, _) => Some(text::collation_name(collation)),
                _ => None,
            });
        let collation = match own {
            Some(own) => own.map(Rc::from),
            None => self.statement.collation.clone(),
        };
        self.push(if negated {
            "(NOT sp1_like("
        } else {
            "sp1_like("
        });
        self.passed_on(value)?;
        self.push(", ");
        self.passed_on(pattern)?;
        self.collation_argument(collation.as_deref());
        self.push(if negated { "))" } else { ")" });
        Ok(())
    }

    /// The collation in force as one more argument.
    pub(super) fn collation_argument(&mut self, collation: Option<&str>) {
        if let Some(name) = collation {
            self.push(", ");
            text::push_string(&mut self.out, name);
        }
    }

    /// Everything below is compared by a collation, or the value itself is.
    pub(super) fn collate(&mut self, operand: &'q Expr, collation: &Collation) -> Result<()> {
        let name = text::collation_name(collation);
        if compares(operand) {
            let own = name.map(Rc::from);
            let outer = std::mem::replace(&mut self.statement.collation, own);
            let lowered = self.expr(operand);
            self.statement.collation = outer;
            return lowered;
        }
        let Some(name) = name else {
            return self.expr(operand);
        };
        self.push("(");
        self.expr(operand)?;
        self.push(" COLLATE ");
        text::push_name(&mut self.out, &name);
        self.push(")");
        Ok(())
    }
}

/// The type that a column of a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnType {
    Text,
    Integer,
}

/// What SQLite does with a column and what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
    /// There is no column.
    No,
    /// It converts nothing.
    Fits,
    /// It may convert, which must not be.
    Converts,
    /// As before, but the converted comparison is true whenever the other is.
    Index,
}

impl ColumnType {
    /// Whether a constant has this type.
    fn fits(self, operand: &Expr) -> bool {
        match operand {
            Expr::Literal(Literal::String(_)) => self == Self::Text,
            Expr::Literal(Literal::Integer(_) | Literal::Double(_)) => self == Self::Integer,
            _ => false,
        }
    }

    fn beside(self, op: BinaryOp, operand: &Expr) -> Typed {
        use BinaryOp::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let implied = match self {
            // Every number is less than every text, and a converted one may not be.
            Self::Text => matches!(op, Equal | Less | LessOrEqual),
            Self::Integer => matches!(op, Equal | Greater | GreaterOrEqual),
        };
        match operand {
            _ if self.fits(operand) => Typed::Fits,
            _ if implied && is_simple(operand) => Typed::Index,
            _ => Typed::Converts,
        }
    }
}

/// The operator with its operands exchanged.
fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
        op => op,
    }
}

/// Whether an operand is cheap to evaluate twice.
fn is_simple(operand: &Expr) -> bool {
    match operand {
        Expr::Literal(_) | Expr::Property(..) | Expr::Parameter(_) => true,
        Expr::Access(base, ..) => matches!(**base, Expr::Parameter(_) | Expr::Meta(..)),
        _ => false,
    }
}

fn is_collated(operand: &Expr) -> bool {
    matches!(operand, Expr::Collate(..))
}

/// Whether a collation means something to this or to what is inside; what has a collation of its
/// own is not looked into.
fn compares(expr: &Expr) -> bool {
    let here = match expr {
        Expr::Chain(_, rest, _) => rest.iter().any(|(op, _)| op.compares()),
        Expr::In { .. } | Expr::Like { .. } | Expr::Between { .. } => true,
        Expr::Call { name, .. } => functions::find(name).is_some_and(|spec| spec.takes_collation),
        Expr::Collate(..) | Expr::Exists(_) => return false,
        _ => false,
    };
    let mut found = here;
    if !found {
        expr.for_each_child(&mut |child, _| found = found || compares(child));
    }
    found
}
