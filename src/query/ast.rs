//! What a query says, before any name is looked up (query spec §1).
//!
//! Trees are as the grammar reads them: chains of operators of one level are flat lists, so that
//! hundreds of terms need no deep tree. [`super::printer`] writes a tree as text that reads back
//! as the same tree.

/// Where something starts in the text, in bytes. Two trees are equal wherever they stand.
#[derive(Clone, Copy, Debug, Default, Eq)]
pub struct At(pub usize);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A `SELECT` statement, whole or inside `EXISTS`.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// `DISTINCT`.
    pub distinct: bool,
    /// The projection, at least one item.
    pub results: Vec<ResultItem>,
    /// `FROM`; only a subquery lacks it.
    pub from: Option<From>,
    /// `WHERE`.
    pub condition: Option<Expr>,
    /// `GROUP BY`.
    pub group_by: Vec<Expr>,
    /// `HAVING`, only beside a `GROUP BY`.
    pub having: Option<Expr>,
    /// `ORDER BY`.
    pub order_by: Vec<Order>,
    /// `LIMIT`.
    pub limit: Option<Expr>,
    /// `OFFSET`.
    pub offset: Option<Expr>,
}

/// One item of the projection.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultItem {
    /// What it shows.
    pub expr: Expr,
    /// Its alias, with or without `AS`.
    pub alias: Option<String>,
    /// Where it starts.
    pub at: At,
}

/// The `FROM` clause.
#[derive(Clone, Debug, PartialEq)]
pub struct From {
    /// The first source.
    pub first: Source,
    /// What is joined to it, in order.
    pub rest: Vec<FromItem>,
}

/// A collection that is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The part before the dot.
    pub scope: Option<String>,
    /// Collection or database name, as written.
    pub name: String,
    /// Its alias, with or without `AS`.
    pub alias: Option<String>,
    /// Where it starts.
    pub at: At,
}

/// What follows the first source.
#[derive(Clone, Debug, PartialEq)]
pub enum FromItem {
    /// A `JOIN`.
    Join {
        /// Its kind.
        kind: JoinKind,
        /// What is joined.
        source: Source,
        /// `ON`.
        on: Option<Expr>,
    },
    /// An `UNNEST`.
    Unnest {
        /// The array; only a path of properties is right.
        array: Expr,
        /// Name of the element.
        alias: Option<String>,
        /// Where the array starts.
        at: At,
    },
}

/// How two sources are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// `JOIN`, `INNER JOIN`.
    Inner,
    /// `LEFT JOIN`, `LEFT OUTER JOIN`.
    Left,
    /// `CROSS JOIN`.
    Cross,
}

/// One item of `ORDER BY`.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// What is compared.
    pub expr: Expr,
    /// `DESC`.
    pub descending: bool,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A property of an object, never empty.
    Name(String),
    /// An element of an array; negative counts from the end.
    Index(i64),
}

/// Steps from a value into its inside.
pub type Path = Vec<Step>;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A constant.
    Literal(Literal),
    /// `[a, b]`.
    Array(Vec<Self>),
    /// `{'a': b}`.
    Object(Vec<(String, Self)>),
    /// `a.b[0]`, which may begin with the name of a source, an alias or a variable.
    Property(Path, At),
    /// `*`, or `name.*`.
    Star(Option<String>, At),
    /// `$name`.
    Parameter(String),
    /// `(base).path`.
    Access(Box<Self>, Path, At),
    /// `META()`, or `META(source)` with the components of the source's name.
    Meta(Vec<String>, At),
    /// A prefix.
    Unary(UnaryOp, Box<Self>, At),
    /// Left-associative operators of one level, at least one.
    Chain(Box<Self>, Vec<(BinaryOp, Self)>, At),
    /// `AND`, at least two terms.
    And(Vec<Self>),
    /// `OR`, at least two terms.
    Or(Vec<Self>),
    /// `x IS NULL` and its kin.
    Test(Box<Self>, Test),
    /// `x [NOT] IN list`.
    In {
        /// What is looked for.
        value: Box<Self>,
        /// `NOT`.
        negated: bool,
        /// Where it is looked for.
        list: InList,
    },
    /// `x [NOT] LIKE pattern`.
    Like {
        /// The text.
        value: Box<Self>,
        /// `NOT`.
        negated: bool,
        /// The pattern.
        pattern: Box<Self>,
    },
    /// `x [NOT] BETWEEN low AND high`.
    Between {
        /// What is compared.
        value: Box<Self>,
        /// `NOT`.
        negated: bool,
        /// The least that is inside.
        low: Box<Self>,
        /// The greatest that is inside.
        high: Box<Self>,
    },
    /// `CASE … END`.
    Case {
        /// What the branches are compared with.
        operand: Option<Box<Self>>,
        /// `WHEN` and `THEN`, at least one.
        branches: Vec<(Self, Self)>,
        /// `ELSE`.
        otherwise: Option<Box<Self>>,
    },
    /// `ANY v IN … SATISFIES … END` and its kin.
    Quantified {
        /// Which elements must do.
        quantifier: Quantifier,
        /// Name of the element.
        variable: String,
        /// What is iterated.
        array: Box<Self>,
        /// `SATISFIES`.
        predicate: Box<Self>,
    },
    /// `EXISTS (SELECT …)`.
    Exists(Box<Select>),
    /// `name(…)`.
    Call {
        /// Name as written.
        name: String,
        /// Arguments.
        args: Vec<Self>,
        /// Where the name starts.
        at: At,
        /// Where the parenthesis stands.
        parenthesis: At,
    },
    /// `MATCH(source.index, text)`.
    Match {
        /// The index.
        index: IndexName,
        /// The words.
        text: Box<Self>,
    },
    /// `RANK(source.index)`.
    Rank(IndexName),
    /// `x COLLATE …`.
    Collate(Box<Self>, Collation, At),
}

/// Name of a full-text index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexName {
    /// The source whose index it is.
    pub source: Option<String>,
    /// The index.
    pub name: String,
    /// Where it stands.
    pub at: At,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `MISSING`.
    Missing,
    /// `NULL`.
    Null,
    /// `TRUE`, `FALSE`.
    Boolean(bool),
    /// `5`.
    Integer(i64),
    /// `5.0`, infinite when too large, never NaN.
    Double(f64),
    /// `'text'`.
    String(String),
}

/// The right side of `IN`.
#[derive(Clone, Debug, PartialEq)]
pub enum InList {
    /// `(a, b)` or `[a, b]`: each is compared.
    Items(Vec<Expr>),
    /// Anything else: an array whose elements are compared.
    Elements(Box<Expr>),
}

/// A prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`.
    Negate,
    /// `+`, which parses and is refused.
    Plus,
    /// `NOT`.
    Not,
}

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "`text` says what each is")]
pub enum BinaryOp {
    Concat,
    Multiply,
    Divide,
    Modulo,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    BitAnd,
    BitOr,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Is,
    IsNot,
}

impl BinaryOp {
    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Concat => "||",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Is => "IS",
            Self::IsNot => "IS NOT",
        }
    }

    /// Its level: operators of one level form chains; a higher one binds tighter.
    pub fn level(self) -> u8 {
        match self {
            Self::Concat => 6,
            Self::Multiply | Self::Divide | Self::Modulo => 5,
            Self::Add | Self::Subtract => 4,
            Self::ShiftLeft | Self::ShiftRight | Self::BitAnd | Self::BitOr => 3,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 2,
            Self::Equal | Self::NotEqual | Self::Is | Self::IsNot => 1,
        }
    }

    /// Whether it compares, so that a collation and booleans matter to it.
    pub fn compares(self) -> bool {
        self.level() <= 2
    }
}

/// A test that follows its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "`text` says what each is")]
pub enum Test {
    IsNull,
    IsNotNull,
    IsMissing,
    IsNotMissing,
    IsValued,
    IsNotValued,
}

impl Test {
    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
            Self::IsMissing => "IS MISSING",
            Self::IsNotMissing => "IS NOT MISSING",
            Self::IsValued => "IS VALUED",
            Self::IsNotValued => "IS NOT VALUED",
        }
    }
}

/// Which elements must satisfy the predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// `ANY`, `SOME`.
    Any,
    /// `EVERY`.
    Every,
    /// `ANY AND EVERY`, `SOME AND EVERY`.
    AnyAndEvery,
}

/// How strings are compared (query spec §3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collation {
    /// `UNICODE`.
    pub unicode: bool,
    /// The word after `UNICODE:`.
    pub locale: Option<String>,
    /// Not `NOCASE`.
    pub case_sensitive: bool,
    /// Not `NODIAC`.
    pub accent_sensitive: bool,
}

impl Default for Collation {
    fn default() -> Self {
        Self {
            unicode: false,
            locale: None,
            case_sensitive: true,
            accent_sensitive: true,
        }
    }
}

impl Expr {
    /// Gives each expression directly inside this one, with how much deeper it will stand in SQL.
    /// A subquery's expressions count as inside.
    pub fn for_each_child<'a>(&'a self, give: &mut dyn FnMut(&'a Self, usize)) {
        match self {
            Self::Literal(_)
            | Self::Property(..)
            | Self::Star(..)
            | Self::Parameter(_)
            | Self::Meta(..)
            | Self::Rank(_) => {}
            Self::Array(items) => items.iter().for_each(|item| give(item, 1)),
            Self::Object(members) => members.iter().for_each(|(_, item)| give(item, 1)),
            Self::Access(base, ..) => give(base, 1),
            Self::Unary(_, operand, _) | Self::Test(operand, _) | Self::Collate(operand, ..) => {
                give(operand, 2);
            }
            Self::Chain(first, rest, _) => {
                give(first, rest.len() + 1);
                for (index, (_, operand)) in rest.iter().enumerate() {
                    give(operand, rest.len() - index + 1);
                }
            }
            Self::And(terms) | Self::Or(terms) => {
                let depth = terms.len().ilog2() as usize + 2;
                terms.iter().for_each(|term| give(term, depth));
            }
            Self::In { value, list, .. } => {
                give(value, 2);
                match list {
                    InList::Items(items) => items.iter().for_each(|item| give(item, 2)),
                    InList::Elements(array) => give(array, 2),
                }
            }
            Self::Like { value, pattern, .. } => {
                give(value, 2);
                give(pattern, 2);
            }
            Self::Between {
                value, low, high, ..
            } => {
                give(value, 2);
                give(low, 2);
                give(high, 2);
            }
            Self::Case {
                operand,
                branches,
                otherwise,
            } => {
                operand.iter().for_each(|operand| give(operand, 2));
                for (when, then) in branches {
                    give(when, 2);
                    give(then, 2);
                }
                otherwise.iter().for_each(|otherwise| give(otherwise, 2));
            }
            Self::Quantified {
                array, predicate, ..
            } => {
                give(array, 3);
                give(predicate, 3);
            }
            Self::Exists(select) => select.for_each_expr(&mut |expr| give(expr, 3)),
            Self::Call { args, .. } => args.iter().for_each(|arg| give(arg, 2)),
            Self::Match { text, .. } => give(text, 2),
        }
    }
}

impl Select {
    /// Gives each expression of the statement, not those inside them.
    pub fn for_each_expr<'a>(&'a self, give: &mut dyn FnMut(&'a Expr)) {
        self.results.iter().for_each(|item| give(&item.expr));
        for item in self.from.iter().flat_map(|from| &from.rest) {
            match item {
                FromItem::Join { on, .. } => on.iter().for_each(&mut *give),
                FromItem::Unnest { array, .. } => give(array),
            }
        }
        self.condition.iter().for_each(&mut *give);
        self.group_by.iter().for_each(&mut *give);
        self.having.iter().for_each(&mut *give);
        self.order_by.iter().for_each(|order| give(&order.expr));
        self.limit.iter().for_each(&mut *give);
        self.offset.iter().for_each(give);
    }
}
