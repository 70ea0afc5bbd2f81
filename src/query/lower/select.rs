//! Statements: sources, clauses, columns (query spec §1.2, §2, §4, §5).

use super::super::ast::{
    At, Expr, From, FromItem, JoinKind, Literal, Order, ResultItem, Select, Source as Named, Step,
    UnaryOp,
};
use super::super::columns::{self, ColumnName};
use super::super::names::{Alias, MetaField, Scope, Source, SourceKind, Target};
use super::{Lowering, Place, QueryError, Result, Statement, text};

/// Scope and collection that are there in every database.
const DEFAULT: &str = "_default";

/// Most columns of a result: what SQLite takes.
const MAX_COLUMNS: usize = 2000;

/// Most sources, `UNNEST`s and `MATCH`es: SQLite joins no more than 64 tables.
const MAX_SOURCES: usize = 60;

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

    /// The names of a statement, and the table of each of its sources; `None` for `UNNEST`.
    fn scope(&mut self, select: &'q Select) -> Result<(Scope<'q>, Vec<Option<String>>)> {
        let mut scope = Scope::default();
        let mut tables = Vec::new();
        if let Some(From { first, rest }) = &select.from {
            tables.push(Some(self.add_source(&mut scope, first)?));
            for item in rest {
                match item {
                    FromItem::Join { source, .. } => {
                        tables.push(Some(self.add_source(&mut scope, source)?));
                    }
                    FromItem::Unnest { array, alias, at } => {
                        self.add_unnest(&mut scope, array, alias.as_deref(), *at)?;
                        tables.push(None);
                    }
                }
            }
        }
        // Before names are looked up among them.
        if select.results.len() > MAX_COLUMNS {
            return Err(too_many_columns());
        }
        // Of two sources with the same name, `*` shows the longer ones.
        let short: Vec<String> = scope
            .sources
            .iter()
            .map(|source| source.column.clone())
            .collect();
        for source in &mut scope.sources {
            let same = short.iter().filter(|name| **name == source.column).count();
            if let (None, SourceKind::Documents { scope, collection }, true) =
                (&source.alias, &source.kind, same > 1)
            {
                source.column = format!("{scope}.{collection}");
            }
        }
        let mut known: std::collections::HashSet<String> = scope
            .sources
            .iter()
            .filter_map(|source| Some(source.alias.as_deref()?.to_ascii_lowercase()))
            .collect();
        for (index, item) in select.results.iter().enumerate() {
            if let Some(name) = &item.alias {
                if !known.insert(name.to_ascii_lowercase()) {
                    return self.wrong(item.at, format!("the alias '{name}' is there twice"));
                }
                scope.aliases.push(Alias {
                    name,
                    expr: &item.expr,
                    item: index,
                });
            }
        }
        Ok((scope, tables))
    }

    /// Adds a source to the scope; answers with its table.
    fn add_source(&mut self, scope: &mut Scope<'q>, named: &'q Named) -> Result<String> {
        let Some(catalog) = self.catalog else {
            return self.wrong(named.at, "there are no collections here");
        };
        let default = |name: &str| if name == "_" { DEFAULT } else { name }.to_owned();
        let mut place = match &named.scope {
            Some(scope) => (default(scope), default(&named.name)),
            None => (DEFAULT.to_owned(), default(&named.name)),
        };
        let mut table = catalog.collection(&place.0, &place.1);
        if table.is_none() && named.scope.is_none() && named.name == catalog.database_name() {
            place.1 = DEFAULT.to_owned();
            table = catalog.collection(&place.0, &place.1);
        }
        let Some(table) = table else {
            let written = match &named.scope {
                Some(scope) => format!("{scope}.{}", named.name),
                None => named.name.clone(),
            };
            return self.wrong(named.at, format!("there is no collection \"{written}\""));
        };
        let mut names = Vec::new();
        if named.alias.is_none() {
            names.push(vec![named.name.clone()]);
            names.push(vec![place.1.clone()]);
            names.push(vec![place.0.clone(), place.1.clone()]);
            names.push(vec![format!("{}.{}", place.0, place.1)]);
            if let Some(scope) = &named.scope {
                names.push(vec![scope.clone(), named.name.clone()]);
                names.push(vec![format!("{scope}.{}", named.name)]);
            }
        }
        self.collections.insert(place.clone());
        self.add(
            scope,
            named.alias.as_deref(),
            &named.name,
            Source {
                alias: None,
                names,
                kind: SourceKind::Documents {
                    scope: place.0,
                    collection: place.1,
                },
                prefix: String::new(),
                column: String::new(),
            },
            named.at,
        )?;
        Ok(table.table)
    }

    fn add_unnest(
        &mut self,
        scope: &mut Scope<'q>,
        array: &'q Expr,
        alias: Option<&'q str>,
        at: At,
    ) -> Result<()> {
        let Expr::Property(path, _) = array else {
            return self.wrong(at, "UNNEST needs a path of properties");
        };
        // Without alias it is called as its path is, after the name of its source.
        let resolved = scope.resolve(path, &[], &[]);
        let (_, rest) = resolved.or_else(|message| self.wrong(at, message))?;
        let written = Expr::Property(rest.to_vec(), at).to_string();
        let name = match rest {
            [Step::Name(name)] => name.clone(),
            _ => written,
        };
        self.add(
            scope,
            alias,
            &name,
            Source {
                alias: None,
                names: vec![vec![name.clone()]],
                kind: SourceKind::Elements,
                prefix: String::new(),
                column: String::new(),
            },
            at,
        )
    }

    /// Adds a source under its alias or its own name.
    fn add(
        &mut self,
        scope: &mut Scope<'q>,
        alias: Option<&str>,
        name: &str,
        source: Source,
        at: At,
    ) -> Result<()> {
        if scope.sources.len() == MAX_SOURCES {
            return self.wrong(at, format!("more than {MAX_SOURCES} sources"));
        }
        let column = alias.unwrap_or(name).to_owned();
        let mut prefix = String::new();
        text::push_name(&mut prefix, &column);
        prefix.push('.');
        let same = |known: &Source| known.prefix.eq_ignore_ascii_case(&prefix);
        if scope.sources.iter().any(same) {
            let both = |known: &Source| known.alias.is_some() && same(known);
            if alias.is_some() && scope.sources.iter().any(both) {
                return self.wrong(at, format!("the alias '{column}' is there twice"));
            }
            let name = self.made_up_name(&column);
            prefix.clear();
            text::push_name(&mut prefix, &name);
            prefix.push('.');
        }
        scope.sources.push(Source {
            alias: alias.map(str::to_owned),
            prefix,
            column,
            ..source
        });
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
        if let Some(condition) = &select.condition {
            let mut terms = Vec::new();
            flatten(condition, &mut terms);
            // RANK may stand before its MATCH.
            terms.sort_by_key(|term| !matches!(term, Expr::Match { .. }));
            self.in_place(Place::Where, |lowering| {
                for term in terms {
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
        let ons = self.ons(select)?;

        let mut sql = String::from("SELECT ");
        if select.distinct {
            sql.push_str("DISTINCT ");
        }
        let results: Vec<&str> = columns.iter().map(|column| column.sql.as_str()).collect();
        sql.push_str(&results.join(", "));
        self.push_from(&mut sql, select, tables, &ons, &mut conditions);
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
                let sql = self.result(&item.expr, select.distinct)?;
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

    fn result(&mut self, expr: &'q Expr, distinct: bool) -> Result<String> {
        if let Expr::Property(path, at) = expr
            && let (Target::Document(source), []) = self.resolve(path, *at)?
        {
            return Ok(self.whole(source, distinct));
        }
        self.piece_of(|lowering| {
            lowering.wrapped("sp1_result(", |lowering| lowering.passed_on(expr))
        })
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
        let mut behind = expr;
        let mut hidden = Vec::new();
        loop {
            behind = match behind {
                Expr::Collate(operand, ..) => operand,
                Expr::Property(path, _) => match self.resolve_hiding(path, &hidden) {
                    Some((Target::Alias(alias), [])) => {
                        let alias = self.statement.scope.aliases[alias];
                        hidden.push(alias.item);
                        alias.expr
                    }
                    _ => break,
                },
                _ => break,
            };
        }
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

    /// For each item after the first source: what it is joined on, or the call that gives the
    /// elements.
    fn ons(&mut self, select: &'q Select) -> Result<Vec<Option<String>>> {
        let rest = || select.from.iter().flat_map(|from| &from.rest);
        // SQLite lets an ON look ahead only where all joins are inner ones.
        let left = |item: &FromItem| {
            matches!(
                item,
                FromItem::Join {
                    kind: JoinKind::Left,
                    ..
                }
            )
        };
        let in_order = rest().any(left);
        let mut ons = Vec::new();
        for (index, item) in rest().enumerate() {
            if in_order {
                self.statement.visible = index + 2;
            }
            ons.push(match item {
                FromItem::Join { on: None, .. } => None,
                FromItem::Join { on: Some(on), .. } => {
                    Some(self.in_place(Place::On, |lowering| lowering.piece(on))?)
                }
                FromItem::Unnest { array, .. } => {
                    Some(self.in_place(Place::Unnest, |lowering| {
                        lowering.piece_of(|lowering| lowering.jsonb(array))
                    })?)
                }
            });
        }
        self.statement.visible = usize::MAX;
        Ok(ons)
    }

    /// Writes `FROM`; what limits the sources goes before the other conditions.
    fn push_from(
        &self,
        sql: &mut String,
        select: &Select,
        tables: &[Option<String>],
        ons: &[Option<String>],
        conditions: &mut Vec<String>,
    ) {
        let Some(from) = &select.from else {
            return;
        };
        let statement = &self.statement;
        let mut first_conditions = Vec::new();
        let live = |index: usize| {
            let prefix = &statement.scope.sources[index].prefix;
            (!statement.sees_deleted[index]).then(|| format!("{prefix}flags & 1 = 0"))
        };
        let name = |index: usize| statement.scope.sources[index].prefix.trim_end_matches('.');
        let table = |sql: &mut String, index: usize| {
            let table = tables.get(index).and_then(Option::as_deref);
            text::push_name(sql, table.unwrap_or_default());
            sql.push_str(" AS ");
            sql.push_str(name(index));
        };
        sql.push_str(" FROM ");
        table(sql, 0);
        first_conditions.extend(live(0));
        for (item, (number, on)) in from.rest.iter().zip(ons.iter().enumerate()) {
            let index = number + 1;
            let on = on.as_deref();
            match item {
                FromItem::Join {
                    kind: JoinKind::Left,
                    ..
                } => {
                    sql.push_str(" LEFT JOIN ");
                    table(sql, index);
                    let all: Vec<String> = live(index)
                        .into_iter()
                        .chain(on.map(str::to_owned))
                        .collect();
                    sql.push_str(" ON ");
                    sql.push_str(&all.join(" AND "));
                }
                FromItem::Join { .. } => {
                    sql.push_str(" JOIN ");
                    table(sql, index);
                    if let Some(on) = on {
                        sql.push_str(" ON ");
                        sql.push_str(on);
                    }
                    first_conditions.extend(live(index));
                }
                FromItem::Unnest { .. } => {
                    sql.push_str(" JOIN jsonb_each(");
                    sql.push_str(on.unwrap_or("NULL"));
                    sql.push_str(") AS ");
                    sql.push_str(name(index));
                }
            }
        }
        for matched in &statement.matched {
            sql.push_str(" JOIN ");
            text::push_name(sql, &matched.table.table);
            sql.push_str(" AS ");
            sql.push_str(matched.prefix.trim_end_matches('.'));
            sql.push_str(" ON ");
            sql.push_str(&matched.prefix);
            sql.push_str("docid = ");
            sql.push_str(&statement.scope.sources[matched.source].prefix);
            sql.push_str("sequence");
        }
        first_conditions.append(conditions);
        *conditions = first_conditions;
    }
}

fn too_many_columns() -> QueryError {
    QueryError::whole(format!("more than {MAX_COLUMNS} columns"))
}

/// The terms of an `AND`, those of `AND`s inside of it too.
fn flatten<'q>(condition: &'q Expr, terms: &mut Vec<&'q Expr>) {
    match condition {
        Expr::And(all) => all.iter().for_each(|term| flatten(term, terms)),
        term => terms.push(term),
    }
}
