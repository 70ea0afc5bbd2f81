//! Statements: clauses, columns (query spec §1.2, §2, §4, §5).

use super::super::ast::{Expr, Literal, Order, ResultItem, Select, Step, UnaryOp};
use super::super::columns::{self, ColumnName};
use super::super::names::{MetaField, SourceKind, Target};
use super::unnest::{Asked, searches};
use super::{Lowering, Place, QueryError, Result, Statement};

/// Most columns of a result: what SQLite takes.
pub(super) const MAX_COLUMNS: usize = 2000;

/// A column of the result.
struct Column<'q> {
    name: ColumnName,
    sql: String,
    /// The item that it comes from, for `ORDER BY 2`.
    item: &'q ResultItem,
    index: usize,
}

impl<'q> Lowering<'q> {
    /// A statement as SQL, and the keys of its rows.
    pub(super) fn statement(&mut self, select: &'q Select) -> Result<(String, Vec<String>)> {
        let (scope, tables) = self.scope(select)?;
        let outer = std::mem::replace(&mut self.statement, Statement::new(scope));
        let lowered = self.clauses(select, &tables);
        self.statement = outer;
        lowered
    }

    pub(super) fn exists(&mut self, select: &'q Select) -> Result<()> {
        self.not_in_index("EXISTS")?;
        let mut sql = String::new();
        // Its text is counted in what is written, and it is as deep as where it stands.
        let written = self.out.len();
        self.written += written;
        let out = std::mem::take(&mut self.out);
        let lowered = self.statement(select).map(|(text, _)| sql = text);
        self.out = out;
        self.written -= written;
        lowered?;
        self.push("EXISTS (");
        self.push(&sql);
        self.push(")");
        Ok(())
    }

    fn clauses(
        &mut self,
        select: &'q Select,
        tables: &[Option<String>],
    ) -> Result<(String, Vec<String>)> {
        // First what the other clauses depend on: RANK on MATCH, all of them on who sees deleted
        // documents.
        let mut conditions = Vec::new();
        let mut terms = Vec::new();
        if let Some(condition) = &select.condition {
            flatten(condition, &mut terms);
            // RANK may stand before its MATCH.
            terms.sort_by_key(|term| !matches!(term, Expr::Match { .. }));
            self.in_place(Place::Where, |lowering| {
                for term in &terms {
                    conditions.push(lowering.condition(term)?);
                }
                Ok(())
            })?;
        }
        let columns = self.columns(select)?;
        self.statement.aggregated |= !select.group_by.is_empty();
        let mut group_by = Vec::new();
        for key in &select.group_by {
            group_by.push(self.in_place(Place::GroupBy, |lowering| lowering.key(key, &columns))?);
        }
        let having = match &select.having {
            Some(having) => Some(self.in_place(Place::Having, |lowering| lowering.piece(having))?),
            None => None,
        };
        let mut order_by = Vec::new();
        for Order { expr, descending } in &select.order_by {
            let key = self.in_place(Place::OrderBy, |lowering| lowering.key(expr, &columns))?;
            order_by.push(key + if *descending { " DESC" } else { "" });
        }
        let limit = self.limit(select.limit.as_ref())?;
        let offset = self.limit(select.offset.as_ref())?;
        let mut joined = self.joined(select)?;
        let searched = conditions.iter().zip(&terms);
        let asked = Asked {
            terms: searched
                .filter_map(|(sql, term)| Some((sql.as_str(), searches(term)?)))
                .collect(),
            first_key: order_by
                .first()
                .filter(|_| limit.is_some() && !self.statement.aggregated)
                .map(|key| key.strip_suffix(" DESC").unwrap_or(key)),
        };
        self.leave_unasked(&mut joined, &asked);

        let mut sql = String::from("SELECT ");
        if select.distinct {
            sql.push_str("DISTINCT ");
        }
        let results: Vec<&str> = columns.iter().map(|column| column.sql.as_str()).collect();
        sql.push_str(&results.join(", "));
        self.push_from(&mut sql, select, tables, &joined, &mut conditions);
        for (before, between, parts) in [
            (" WHERE ", " AND ", &conditions),
            (" GROUP BY ", ", ", &group_by),
            (" HAVING ", "", &having.into_iter().collect()),
            (" ORDER BY ", ", ", &order_by),
        ] {
            if !parts.is_empty() {
                sql.push_str(before);
                sql.push_str(&parts.join(between));
            }
        }
        if limit.is_some() || offset.is_some() {
            sql.push_str(" LIMIT ");
            sql.push_str(limit.as_deref().unwrap_or("-1"));
        }
        if let Some(offset) = offset {
            sql.push_str(" OFFSET ");
            sql.push_str(&offset);
        }
        self.check_len(sql.len())?;
        let names: Vec<ColumnName> = columns.into_iter().map(|column| column.name).collect();
        Ok((sql, columns::keys(&names)))
    }

    /// A term of `WHERE`, which may be a `MATCH`.
    fn condition(&mut self, term: &'q Expr) -> Result<String> {
        match term {
            Expr::Match { index, text } => self.piece_of(|lowering| lowering.matched(index, text)),
            term => self.piece(term),
        }
    }

    fn columns(&mut self, select: &'q Select) -> Result<Vec<Column<'q>>> {
        let mut columns: Vec<Column<'q>> = Vec::new();
        for (index, item) in select.results.iter().enumerate() {
            if columns.len() > MAX_COLUMNS {
                break;
            }
            self.statement.hidden.push(index);
            let mut add = |name, sql| {
                columns.push(Column {
                    name,
                    sql,
                    item,
                    index,
                });
            };
            if let Expr::Star(name, at) = &item.expr {
                let sources = match name {
                    Some(name) => {
                        let path = [Step::Name(name.clone())];
                        match self.resolve(&path, *at)? {
                            (Target::Document(source) | Target::Element(source), []) => {
                                source..source + 1
                            }
                            _ => {
                                let message = format!("no source is called {name}");
                                return self.wrong(*at, message);
                            }
                        }
                    }
                    None => 0..self.statement.scope.sources.len(),
                };
                if sources.is_empty() {
                    return self.wrong(*at, "* needs FROM");
                }
                let only = sources.len() == 1;
                for source in sources {
                    let name = match &item.alias {
                        Some(alias) if only => ColumnName::Alias(alias.clone()),
                        _ => ColumnName::Own(self.statement.scope.sources[source].column.clone()),
                    };
                    add(name, self.whole(source, select.distinct));
                }
            } else {
                let sql = self.result(&item.expr, select)?;
                let name = match &item.alias {
                    Some(alias) => ColumnName::Alias(alias.clone()),
                    None => self.own_name(&item.expr),
                };
                add(name, sql);
            }
            self.statement.hidden.pop();
        }
        if columns.len() > MAX_COLUMNS {
            return Err(too_many_columns());
        }
        Ok(columns)
    }

    /// A column that is all of a source. A body needs no wrapping, but for DISTINCT it has to be
    /// in its one canonical form.
    fn whole(&self, source: usize, distinct: bool) -> String {
        let source = &self.statement.scope.sources[source];
        let prefix = &source.prefix;
        match &source.kind {
            SourceKind::Documents { .. } if distinct => format!("sp1_root({prefix}body)"),
            SourceKind::Documents { .. } => format!("{prefix}body"),
            SourceKind::Elements => format!("sp1_result(sp1_elem({prefix}value, {prefix}type))"),
        }
    }

    fn result(&mut self, expr: &'q Expr, select: &'q Select) -> Result<String> {
        if self.is_plain_column(expr) {
            return self.piece(expr);
        }
        if let Expr::Property(path, at) = expr
            && let (Target::Document(source), rest) = self.resolve(path, *at)?
        {
            if rest.is_empty() {
                return Ok(self.whole(source, select.distinct));
            }
            // What a group has in common is known to SQLite only as GROUP BY writes it.
            if select.group_by.is_empty() {
                return self.piece_of(|lowering| {
                    lowering.body_property("sp1_column(", source, rest);
                    Ok(())
                });
            }
        }
        self.piece_of(|lowering| {
            lowering.wrapped("sp1_result(", |lowering| lowering.passed_on(expr))
        })
    }

    /// Whether it is a column of a table that holds texts and numbers only: a field of metadata.
    fn is_plain_column(&self, expr: &Expr) -> bool {
        self.named_meta_field(expr, &[])
            .is_some_and(|field| field != MetaField::Deleted)
    }

    /// How an item without alias is called.
    fn own_name(&self, expr: &Expr) -> ColumnName {
        let last = |path: &[Step]| match path.last() {
            Some(Step::Name(name)) => ColumnName::Own(name.clone()),
            _ => ColumnName::None,
        };
        let source =
            |source: usize| ColumnName::Own(self.statement.scope.sources[source].column.clone());
        let field = |field: MetaField| ColumnName::Own(field.name().to_owned());
        match expr {
            Expr::Property(path, _) => match self.resolve_hiding(path, &[]) {
                Some((Target::Document(index) | Target::Element(index), [])) => source(index),
                Some((Target::Meta(_, meta), [])) => field(meta),
                _ => last(path),
            },
            Expr::Meta(name, at) => match self.meta_source(name, *at) {
                Ok(index) => source(index),
                Err(_) => ColumnName::None,
            },
            Expr::Access(base, path, _) if matches!(**base, Expr::Meta(..)) => {
                match path.as_slice() {
                    [Step::Name(name)] => MetaField::find(name).map_or(ColumnName::None, field),
                    path => last(path),
                }
            }
            _ => ColumnName::None,
        }
    }

    /// A key of `GROUP BY` or `ORDER BY`. An integer is the number of a column.
    fn key(&mut self, expr: &'q Expr, columns: &[Column<'q>]) -> Result<String> {
        if let Expr::Literal(Literal::Integer(number)) = expr {
            let column = usize::try_from(*number)
                .ok()
                .and_then(|number| number.checked_sub(1));
            let Some(column) = column.and_then(|column| columns.get(column)) else {
                let place = self.statement.place.name();
                let message = format!("{place} {number}: there are {} columns", columns.len());
                return Err(QueryError::whole(message));
            };
            if matches!(column.item.expr, Expr::Star(..)) {
                return Ok(column.sql.clone());
            }
            self.statement.hidden.push(column.index);
            let key = self.plain_key(&column.item.expr);
            self.statement.hidden.pop();
            return key;
        }
        self.plain_key(expr)
    }

    /// A key that SQLite cannot take for the number of a column. It does so with integers under
    /// signs and collations, and with conditions that it finds to be constant.
    fn plain_key(&mut self, expr: &'q Expr) -> Result<String> {
        let key = self.piece(expr)?;
        let (behind, _) = self.behind(expr);
        let number = matches!(
            behind,
            Expr::Literal(Literal::Integer(_)) | Expr::Unary(UnaryOp::Negate, ..)
        );
        match number || self.is_sql_boolean(expr) {
            true => Ok(format!("({key} + 0)")),
            false => Ok(key),
        }
    }

    fn limit(&mut self, limit: Option<&'q Expr>) -> Result<Option<String>> {
        let Some(limit) = limit else {
            return Ok(None);
        };
        match limit {
            Expr::Literal(Literal::Integer(number)) => Ok(Some((*number).max(0).to_string())),
            Expr::Literal(_) | Expr::Array(_) | Expr::Object(_) => {
                Err(QueryError::whole("LIMIT and OFFSET must be integers"))
            }
            Expr::Unary(UnaryOp::Negate, operand, at)
                if matches!(
                    **operand,
                    Expr::Literal(Literal::Double(_) | Literal::String(_))
                ) =>
            {
                self.wrong(*at, "LIMIT and OFFSET must be integers")
            }
            limit => self.in_place(Place::Limit, |lowering| {
                let limit = lowering.piece(limit)?;
                Ok(Some(format!("max(sp1_int({limit}), 0)")))
            }),
        }
    }
}

pub(super) fn too_many_columns() -> QueryError {
    QueryError::whole(format!("more than {MAX_COLUMNS} columns"))
}

/// The terms of an `AND`, those of `AND`s inside of it too.
pub(super) fn flatten<'q>(condition: &'q Expr, terms: &mut Vec<&'q Expr>) {
    match condition {
        Expr::And(all) => all.iter().for_each(|term| flatten(term, terms)),
        term => terms.push(term),
    }
}
