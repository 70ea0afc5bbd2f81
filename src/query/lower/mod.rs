//! A checked tree as SQL (query spec §14.3, §14.4).
//!
//! | file | what it lowers |
//! |---|---|
//! | [`select`] | statements: clauses, columns |
//! | [`sources`] | `FROM`: names, tables, what limits them |
//! | [`unnest`] | elements of arrays, with an index or without |
//! | [`expr`] | operators, literals, `ANY` |
//! | [`compare`] | comparisons, `IN`, `LIKE`, collations |
//! | [`property`] | paths, `META()` |
//! | [`call`] | functions, aggregates, `MATCH`, `RANK` |
//! | [`text`] | names and literals as SQL text |
//!
//! What is lowered is always one operand: it needs no parentheses around it.

mod call;
mod compare;
mod expr;
mod property;
mod select;
mod sources;
pub(super) mod text;
mod unnest;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::ast::{At, Expr, Literal, Select};
use super::error::QueryError;
use super::names::{Alias, Scope, Source, SourceKind, Variable, key_path};
use super::{Catalog, Compiled, FullTextTable, explain_json, grammar};
use crate::error::Error;

/// Longest SQL made of a query, in bytes. Aliases that use one another can make much of little.
const MAX_SQL: usize = 4 << 20;

/// Most operands inside one another, aliases expanded.
const MAX_DEPTH: usize = 250;

/// Most parameters of a query: what SQLite takes.
const MAX_PARAMETERS: usize = 32_766;

type Result<T> = std::result::Result<T, QueryError>;

/// Turns a query into SQL.
///
/// # Errors
/// `InvalidQuery`, with line and column: the grammar is broken, or a name, an argument count, a
/// function's use is wrong.
pub fn compile(text: &str, catalog: &dyn Catalog) -> std::result::Result<Compiled, Error> {
    let mut select = grammar::parse(text)?;
    read_strings_as_paths(&mut select);
    Ok(compile_select(text, &select, catalog)?)
}

fn compile_select(text: &str, select: &Select, catalog: &dyn Catalog) -> Result<Compiled> {
    let mut lowering = Lowering::new(text, Some(catalog));
    let (sql, columns) = lowering.statement(select)?;
    let Lowering {
        parameters,
        collections,
        ..
    } = lowering;
    Ok(Compiled {
        sql,
        parameters: parameters.into_iter().map(str::to_owned).collect(),
        columns,
        collections: collections.into_iter().collect(),
        json: explain_json::tree(select),
    })
}

/// A string without alias in the projection is a path (query spec §2.3).
fn read_strings_as_paths(select: &mut Select) {
    for item in &mut select.results {
        if let (Expr::Literal(Literal::String(text)), None) = (&item.expr, &item.alias)
            && let Some(path) = key_path(text)
        {
            item.expr = Expr::Property(path, item.at);
        }
    }
}

/// The clause that is being lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Results,
    Where,
    On,
    Unnest,
    GroupBy,
    Having,
    OrderBy,
    Limit,
    /// The argument of an aggregate.
    Aggregate,
    /// Inside `ANY`.
    Any,
    /// The definition of an index.
    Index,
}

impl Place {
    fn allows_aggregates(self) -> bool {
        matches!(self, Self::Results | Self::Having | Self::OrderBy)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Results => "SELECT",
            Self::Where => "WHERE",
            Self::On => "ON",
            Self::Unnest => "UNNEST",
            Self::GroupBy => "GROUP BY",
            Self::Having => "HAVING",
            Self::OrderBy => "ORDER BY",
            Self::Limit => "LIMIT and OFFSET",
            Self::Aggregate => "an aggregate",
            Self::Any => "ANY and EVERY",
            Self::Index => "an index",
        }
    }
}

/// A `MATCH` of the statement.
#[derive(Clone, Debug)]
struct Matched {
    /// Index of the source.
    source: usize,
    /// Name of the full-text index.
    index: String,
    table: FullTextTable,
    /// Its table's name in SQL, quoted, with the dot.
    prefix: String,
}

/// What a statement knows while it is lowered.
#[derive(Debug)]
struct Statement<'q> {
    scope: Rc<Scope<'q>>,
    variables: Vec<Variable<'q>>,
    /// Items of the projection whose alias is being expanded, or which are being lowered.
    hidden: Vec<usize>,
    /// SQL name of the collation in force.
    collation: Option<Rc<str>>,
    place: Place,
    matched: Vec<Matched>,
    /// For each source: whether deleted documents are seen.
    sees_deleted: Vec<bool>,
    /// How many of the sources may be named: in the `ON` of a statement with `LEFT JOIN`, those
    /// that are joined later may not.
    visible: usize,
    /// Whether rows are gathered: there are keys of groups, or an aggregate in the projection.
    aggregated: bool,
}

impl<'q> Statement<'q> {
    fn new(scope: Scope<'q>) -> Self {
        Self {
            sees_deleted: vec![false; scope.sources.len()],
            visible: usize::MAX,
            scope: Rc::new(scope),
            variables: Vec::new(),
            hidden: Vec::new(),
            collation: None,
            place: Place::Results,
            matched: Vec::new(),
            aggregated: false,
        }
    }
}

/// The state of lowering one query.
pub(super) struct Lowering<'q> {
    /// The query's text, for places of errors.
    text: &'q str,
    /// None for an index, which has no `FROM`.
    catalog: Option<&'q dyn Catalog>,
    /// What is being written.
    out: String,
    /// Length of the finished pieces that are not in `out`.
    written: usize,
    parameters: Vec<&'q str>,
    parameter_numbers: HashMap<&'q str, usize>,
    collections: BTreeSet<(String, String)>,
    statement: Statement<'q>,
    depth: usize,
    /// Number of the last made-up name.
    names: usize,
}

impl<'q> Lowering<'q> {
    fn new(text: &'q str, catalog: Option<&'q dyn Catalog>) -> Self {
        Self {
            text,
            catalog,
            out: String::new(),
            written: 0,
            parameters: Vec::new(),
            parameter_numbers: HashMap::new(),
            collections: BTreeSet::new(),
            statement: Statement::new(Scope::default()),
            depth: 0,
            names: 0,
        }
    }

    /// For the definition of an index, over the columns of a table.
    pub(super) fn for_index(text: &'q str) -> Self {
        let documents = SourceKind::Documents {
            scope: String::new(),
            collection: String::new(),
        };
        Self::for_index_over(text, documents, Vec::new())
    }

    /// For the definition of an array index, over the columns of a table of elements, which are called
    /// `name`.
    pub(super) fn for_array_index(text: &'q str, name: &str) -> Self {
        let names = vec![vec![name.to_owned()]];
        Self::for_index_over(text, SourceKind::Elements, names)
    }

    fn for_index_over(text: &'q str, kind: SourceKind, names: Vec<Vec<String>>) -> Self {
        let scope = Scope {
            sources: vec![Source {
                alias: None,
                names,
                kind,
                prefix: String::new(),
                column: String::new(),
            }],
            aliases: Vec::<Alias<'_>>::new(),
        };
        let mut lowering = Self::new(text, None);
        lowering.statement = Statement::new(scope);
        lowering.statement.place = Place::Index;
        lowering
    }

    /// An expression as SQL text of its own.
    pub(super) fn piece(&mut self, expr: &'q Expr) -> Result<String> {
        self.piece_of(|lowering| lowering.expr(expr))
    }

    /// What `write` writes, as text of its own.
    fn piece_of(&mut self, write: impl FnOnce(&mut Self) -> Result<()>) -> Result<String> {
        let outer = std::mem::take(&mut self.out);
        self.written += outer.len();
        let written = write(self);
        self.written -= outer.len();
        let piece = std::mem::replace(&mut self.out, outer);
        written?;
        self.check_len(piece.len())?;
        Ok(piece)
    }

    /// Lowers in another clause.
    fn in_place<T>(
        &mut self,
        place: Place,
        lower: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = std::mem::replace(&mut self.statement.place, place);
        let lowered = lower(self);
        self.statement.place = outer;
        lowered
    }

    /// Lowers one level deeper.
    fn deeper(&mut self, lower: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.depth == MAX_DEPTH {
            let message =
                format!("expressions, aliases expanded, are over {MAX_DEPTH} levels deep");
            return Err(QueryError::whole(message));
        }
        self.check_len(0)?;
        self.depth += 1;
        let lowered = lower(self);
        self.depth -= 1;
        lowered
    }

    /// Checks the length of everything, with `more` bytes to come.
    fn check_len(&self, more: usize) -> Result<()> {
        if self.written + self.out.len() + more > MAX_SQL {
            let message = format!("the query's SQL is longer than {MAX_SQL} bytes");
            return Err(QueryError::whole(message));
        }
        Ok(())
    }

    /// An error of meaning.
    fn wrong<T>(&self, at: At, message: impl Into<String>) -> Result<T> {
        Err(QueryError::at(self.text, at.0, message))
    }

    /// A name that nothing else has: no name of a query starts so.
    fn made_up_name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}#{}", self.names)
    }

    fn push(&mut self, sql: &str) {
        self.out.push_str(sql);
    }

    /// Writes what `lower` does between `before` and `)`.
    fn wrapped(&mut self, before: &str, lower: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.push(before);
        lower(self)?;
        self.push(")");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
