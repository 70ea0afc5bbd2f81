//! Functions, aggregates, `MATCH` and `RANK`.

use super::super::ast::{At, Expr, IndexName, Step};
use super::super::functions::{self, FunctionSpec};
use super::super::names::{SourceKind, Target};
use super::{Lowering, Matched, Place, QueryError, Result, text};

/// Functions over all rows, and what they are in SQL.
const AGGREGATES: [(&str, &str); 6] = [
    ("count", "count("),
    ("sum", "sp1_sum("),
    ("avg", "sp1_avg("),
    ("min", "min("),
    ("max", "max("),
    ("array_agg", "sp1_array_agg("),
];

/// Functions that only the Enterprise Edition of the reference has.
const ENTERPRISE: [&str; 4] = [
    "euclidean_distance",
    "cosine_distance",
    "approx_vector_distance",
    "prediction",
];

impl<'q> Lowering<'q> {
    pub(super) fn call(
        &mut self,
        name: &'q str,
        args: &'q [Expr],
        at: At,
        parenthesis: At,
    ) -> Result<()> {
        let lower = name.to_ascii_lowercase();
        if let Some((_, sql)) = AGGREGATES.into_iter().find(|(known, _)| *known == lower) {
            return self.aggregate(name, sql, args, at);
        }
        if ENTERPRISE.contains(&lower.as_str()) {
            let message = format!("{name} needs models or vector indexes, which are not there");
            return self.wrong(at, message);
        }
        let Some(spec) = functions::find(name) else {
            let message = format!("{name} is no function");
            return Err(QueryError::syntax(self.text, parenthesis.0, message));
        };
        self.check_arguments(spec, name, args, at)?;
        if !spec.deterministic {
            self.not_in_index("a function that depends on the local time zone")?;
        }
        if spec.name == "array_count"
            && let [Expr::Property(path, at)] = args
            && !matches!(self.resolve(path, *at)?, (Target::Alias(_), []))
        {
            return self.wrapped("sp1_count(", |lowering| lowering.property(path, *at));
        }
        self.push("sp1_");
        self.push(spec.name);
        self.arguments("(", args)?;
        if spec.takes_collation
            && let Some(collation) = self.statement.collation.clone()
        {
            self.out.pop();
            self.collation_argument(Some(&collation));
            self.push(")");
        }
        Ok(())
    }

    fn check_arguments(
        &self,
        spec: &FunctionSpec,
        name: &str,
        args: &[Expr],
        at: At,
    ) -> Result<()> {
        let few = args.len() < usize::from(spec.min_args);
        let many = spec.max_args.is_some_and(|max| args.len() > max.into());
        if !few && !many {
            return Ok(());
        }
        let wanted = match (spec.min_args, spec.max_args) {
            (min, None) => format!("at least {min}"),
            (min, Some(max)) if min == max => format!("{min}"),
            (min, Some(max)) => format!("{min} to {max}"),
        };
        let message = format!(
            "wrong number of arguments to {name}: {}, expected {wanted}",
            args.len()
        );
        self.wrong(at, message)
    }

    fn aggregate(&mut self, name: &str, sql: &str, args: &'q [Expr], at: At) -> Result<()> {
        if !self.statement.place.allows_aggregates() {
            let place = self.statement.place.name();
            return self.wrong(at, format!("{name} cannot be used in {place}"));
        }
        if self.statement.place == Place::OrderBy && !self.statement.aggregated {
            let message = format!("{name} in ORDER BY needs GROUP BY, or an aggregate in SELECT");
            return self.wrong(at, message);
        }
        self.statement.aggregated = true;
        let counts = sql == "count(";
        let arg = match args {
            [] | [Expr::Star(None, _)] if counts => {
                self.push("count(*)");
                return Ok(());
            }
            [arg] => arg,
            _ => {
                let expected = if counts { "0 or 1" } else { "1" };
                let message = format!(
                    "wrong number of arguments to {name}: {}, expected {expected}",
                    args.len()
                );
                return self.wrong(at, message);
            }
        };
        self.in_place(Place::Aggregate, |lowering| {
            lowering.wrapped(sql, |lowering| match arg {
                Expr::Star(Some(source), at) if counts => {
                    let path = [Step::Name(source.clone())];
                    lowering.property(&path, *at)
                }
                arg => lowering.passed_on(arg),
            })
        })
    }

    /// Takes note of a `MATCH`, and writes it.
    pub(super) fn matched(&mut self, index: &'q IndexName, words: &'q Expr) -> Result<()> {
        let source = self.index_source(index)?;
        let known = |matched: &Matched| matched.source == source && matched.index == index.name;
        if self.statement.matched.iter().any(known) {
            let message = format!("only one MATCH of the index {} is possible", index.name);
            return self.wrong(index.at, message);
        }
        let SourceKind::Documents { scope, collection } =
            self.statement.scope.sources[source].kind.clone()
        else {
            return self.wrong(index.at, "MATCH needs a collection");
        };
        let table = self
            .catalog
            .and_then(|catalog| catalog.full_text_index(&scope, &collection, &index.name));
        let Some(table) = table else {
            let message = format!("there is no full-text index {}", index.name);
            return self.wrong(index.at, message);
        };
        let name = self.made_up_name("match");
        let mut prefix = String::new();
        text::push_name(&mut prefix, &name);
        prefix.push('.');
        self.push(&prefix);
        text::push_name(&mut self.out, &table.table);
        self.push(" MATCH sp1_fts_query(");
        self.passed_on(words)?;
        self.push(", ");
        text::push_string(&mut self.out, table.language.as_deref().unwrap_or(""));
        self.push(if table.ignore_accents { ", 1" } else { ", 0" });
        for column in &table.columns {
            self.push(", ");
            text::push_string(&mut self.out, column);
        }
        self.push(")");
        self.statement.matched.push(Matched {
            source,
            index: index.name.clone(),
            table,
            prefix,
        });
        Ok(())
    }

    /// The source that an index belongs to.
    fn index_source(&self, index: &IndexName) -> Result<usize> {
        let scope = &self.statement.scope;
        let Some(name) = &index.source else {
            let message = "the index needs the name of its source before it";
            let found = scope.only_collection();
            return found.map_or_else(|| self.wrong(index.at, message), Ok);
        };
        let collection = |wanted: &String| {
            let mut all = scope.sources.iter().enumerate().filter(|(_, source)| {
                matches!(&source.kind, SourceKind::Documents { scope, collection }
                    if collection == wanted || *wanted == format!("{scope}.{collection}"))
            });
            let found = all.next().map(|(index, _)| index);
            found.filter(|_| all.next().is_none())
        };
        let named = scope.source(std::slice::from_ref(name));
        let found = named.or_else(|| collection(name));
        found.map_or_else(
            || self.wrong(index.at, format!("no source is called {name}")),
            Ok,
        )
    }

    pub(super) fn rank(&mut self, index: &'q IndexName) -> Result<()> {
        if matches!(
            self.statement.place,
            Place::Aggregate | Place::Any | Place::Index
        ) {
            let place = self.statement.place.name();
            return self.wrong(index.at, format!("RANK cannot be used in {place}"));
        }
        let source = self.index_source(index)?;
        let known = |matched: &&Matched| matched.source == source && matched.index == index.name;
        let Some(matched) = self.statement.matched.iter().find(known).cloned() else {
            let message = format!("RANK({0}) needs a MATCH of {0} in WHERE", index.name);
            return self.wrong(index.at, message);
        };
        self.push("sp1_rank(matchinfo(");
        self.push(&matched.prefix);
        text::push_name(&mut self.out, &matched.table.table);
        self.push(", 'pcx'))");
        Ok(())
    }
}
