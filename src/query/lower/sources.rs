//! `FROM`: what is known under which name, the tables, and what limits their rows (query spec §2, §4).

use super::super::ast::{At, Expr, From, FromItem, JoinKind, Select, Source as Named, Step};
use super::super::names::{Alias, Scope, Source, SourceKind};
use super::select::{MAX_COLUMNS, too_many_columns};
use super::unnest::{Joined, searches};
use super::{Lowering, Place, Result, text};

/// Scope and collection that are there in every database.
const DEFAULT: &str = "_default";

/// Most sources, `UNNEST`s and `MATCH`es: SQLite joins no more than 64 tables.
const MAX_SOURCES: usize = 60;

impl<'q> Lowering<'q> {
    /// The names of a statement, and the table of each of its sources; `None` for `UNNEST`.
    pub(super) fn scope(&mut self, select: &'q Select) -> Result<(Scope<'q>, Vec<Option<String>>)> {
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

    /// For each item after the first source: what it is joined on, or where the elements are.
    pub(super) fn joined(&mut self, select: &'q Select) -> Result<Vec<Joined>> {
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
        let mut joined = Vec::new();
        for (index, item) in rest().enumerate() {
            if in_order {
                self.statement.visible = index + 2;
            }
            joined.push(match item {
                FromItem::Join { on: None, .. } => Joined::Table {
                    on: None,
                    searches: None,
                },
                FromItem::Join { on: Some(on), .. } => Joined::Table {
                    on: Some(self.in_place(Place::On, |lowering| lowering.piece(on))?),
                    searches: searches(on),
                },
                FromItem::Unnest { array, .. } => Joined::Elements(
                    self.in_place(Place::Unnest, |lowering| lowering.elements(array, &joined))?,
                ),
            });
        }
        self.statement.visible = usize::MAX;
        Ok(joined)
    }

    /// Writes `FROM`; what limits the sources goes before the other conditions.
    pub(super) fn push_from(
        &self,
        sql: &mut String,
        select: &Select,
        tables: &[Option<String>],
        joined: &[Joined],
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
        for (item, (number, one)) in from.rest.iter().zip(joined.iter().enumerate()) {
            let index = number + 1;
            let on = match one {
                Joined::Table { on, .. } => on.as_deref(),
                Joined::Elements(elements) => {
                    self.push_elements(sql, elements, joined, index);
                    continue;
                }
            };
            if matches!(
                item,
                FromItem::Join {
                    kind: JoinKind::Left,
                    ..
                }
            ) {
                sql.push_str(" LEFT JOIN ");
                table(sql, index);
                let all: Vec<String> = live(index)
                    .into_iter()
                    .chain(on.map(str::to_owned))
                    .collect();
                sql.push_str(" ON ");
                sql.push_str(&all.join(" AND "));
            } else {
                sql.push_str(" JOIN ");
                table(sql, index);
                if let Some(on) = on {
                    sql.push_str(" ON ");
                    sql.push_str(on);
                }
                first_conditions.extend(live(index));
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
