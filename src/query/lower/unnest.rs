//! `UNNEST`: the elements of an array come from `jsonb_each`, or from the table that an array index
//! keeps of them (query spec §8.1, §14.4). The rows are the same, so that this is never more than a
//! question of speed.
//!
//! The table is read only when the statement asks for what an index of it can find or sort: who wants
//! all elements of few documents is better off with the documents. Whether an index serves is read off
//! the SQL; SQLite decides in the end.

use std::fmt::Write as _;

use super::super::ArrayTable;
use super::super::ast::{BinaryOp, Expr, InList, Test};
use super::super::names::{SourceKind, Target};
use super::select::flatten;
use super::{Lowering, Result, text};

/// How an item of `FROM` after the first is joined.
#[derive(Debug)]
pub(super) enum Joined {
    /// A collection.
    Table {
        /// `ON`.
        on: Option<String>,
        /// How many comparisons an index has to serve for that, if it may.
        searches: Option<usize>,
    },
    /// Elements of an array.
    Elements(Elements),
}

/// Where the elements of an array are.
#[derive(Debug)]
pub(super) struct Elements {
    /// The array.
    jsonb: String,
    /// Where the array is, if it is in a document.
    way: Option<Way>,
    /// The table of elements, if there is one.
    indexed: Option<ArrayTable>,
}

/// The way to an array.
#[derive(Clone, Debug)]
struct Way {
    /// The source with the document.
    document: usize,
    /// The sources with the elements that it is within, outermost first.
    outer: Vec<usize>,
    /// Its path, as that of an array index.
    path: String,
}

/// What a statement wants that an index can give.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// Terms of `WHERE`, and how many comparisons of each an index has to serve.
    pub(super) terms: Vec<(&'a str, usize)>,
    /// The first key of `ORDER BY`, if few of the rows are wanted.
    pub(super) first_key: Option<&'a str>,
}

impl<'q> Lowering<'q> {
    /// The elements of an array, after what is joined before it.
    pub(super) fn elements(&mut self, array: &'q Expr, before: &[Joined]) -> Result<Elements> {
        let jsonb = self.piece_of(|lowering| lowering.jsonb(array))?;
        let way = self.way(array, before);
        let indexed = way.as_ref().and_then(|way| self.array_table(way));
        Ok(Elements {
            jsonb,
            way,
            indexed,
        })
    }

    fn way(&self, array: &Expr, before: &[Joined]) -> Option<Way> {
        let Expr::Property(path, _) = array else {
            return None;
        };
        let (target, rest) = self.resolve_hiding(path, &[])?;
        let path = text::canonical_path(rest);
        match target {
            Target::Document(document) => Some(Way {
                document,
                outer: Vec::new(),
                path,
            }),
            Target::Element(source) => {
                let Joined::Elements(Elements { way: Some(way), .. }) =
                    before.get(source.checked_sub(1)?)?
                else {
                    return None;
                };
                let mut way = way.clone();
                way.outer.push(source);
                way.path = format!("{}[].{path}", way.path);
                Some(way)
            }
            _ => None,
        }
    }

    fn array_table(&self, way: &Way) -> Option<ArrayTable> {
        let source = &self.statement.scope.sources[way.document];
        match &source.kind {
            SourceKind::Documents { scope, collection } => {
                self.catalog?.array(scope, collection, &way.path)
            }
            SourceKind::Elements => None,
        }
    }

    /// Leaves alone the tables whose indexes are of no use.
    pub(super) fn leave_unasked(&self, joined: &mut [Joined], asked: &Asked<'_>) {
        let useful: Vec<bool> = joined
            .iter()
            .enumerate()
            .map(|(number, item)| self.is_asked(number + 1, item, joined, asked))
            .collect();
        for (item, useful) in joined.iter_mut().zip(useful) {
            if let (Joined::Elements(elements), false) = (item, useful) {
                elements.indexed = None;
            }
        }
    }

    fn is_asked(&self, source: usize, item: &Joined, joined: &[Joined], asked: &Asked<'_>) -> bool {
        let Joined::Elements(Elements {
            indexed: Some(table),
            ..
        }) = item
        else {
            return false;
        };
        let prefix = &self.statement.scope.sources[source].prefix;
        let own = |sql: &str| sql.replace(prefix, "");
        let ons = joined.iter().filter_map(|item| match item {
            Joined::Table {
                on: Some(on),
                searches: Some(needed),
            } => Some((on.as_str(), *needed)),
            _ => None,
        });
        let indexed = &table.indexed;
        let served = |(term, needed): (&str, usize)| {
            let term = own(term);
            let found = |indexed: &String| comparisons(&term, without_parentheses(indexed));
            indexed.iter().map(found).sum::<usize>() >= needed
        };
        let sorted = |key: &str| indexed.contains(&own(key));
        asked.terms.iter().copied().chain(ons).any(served) || asked.first_key.is_some_and(sorted)
    }

    /// Writes the join of elements.
    pub(super) fn push_elements(
        &self,
        sql: &mut String,
        elements: &Elements,
        joined: &[Joined],
        index: usize,
    ) {
        let prefix = |source: usize| self.statement.scope.sources[source].prefix.as_str();
        let own = prefix(index);
        let name = own.trim_end_matches('.');
        let (Some(way), Some(table)) = (&elements.way, &elements.indexed) else {
            let _ = write!(sql, " JOIN jsonb_each({}) AS {name}", elements.jsonb);
            return;
        };
        sql.push_str(" JOIN ");
        text::push_name(sql, &table.table);
        let document = prefix(way.document);
        let _ = write!(sql, " AS {name} ON {own}document = {document}sequence");
        for (level, &outer) in way.outer.iter().enumerate() {
            let _ = write!(sql, " AND {own}outer_{} = ", level + 1);
            let within = prefix(outer);
            let _ = match joined.get(outer - 1) {
                Some(Joined::Elements(Elements {
                    indexed: Some(_), ..
                })) => write!(sql, "{within}position"),
                _ => write!(sql, "ifnull({within}key, 0)"),
            };
        }
    }
}

/// An expression as it stands inside of a comparison.
fn without_parentheses(sql: &str) -> &str {
    sql.strip_prefix('(')
        .and_then(|sql| sql.strip_suffix(')'))
        .unwrap_or(sql)
}

/// How often a condition compares this very expression, and not what is made of it.
fn comparisons(condition: &str, expression: &str) -> usize {
    let compared = |(at, _): &(usize, &str)| {
        let (before, after) = (&condition[..*at], &condition[at + expression.len()..]);
        let starts = match before.strip_suffix('(') {
            Some(call) => !call.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'),
            None => ["= ", "< ", "> ", " IS "]
                .iter()
                .any(|operator| before.ends_with(operator)),
        };
        let followers = [")", " = ", " <", " >", " IS ", " IN ", " BETWEEN "];
        starts && followers.iter().any(|follower| after.starts_with(follower))
    };
    condition.match_indices(expression).filter(compared).count()
}

/// How many comparisons an index has to serve for SQLite to search it for this condition: each branch of
/// an `OR` needs one. `None` when it cannot.
pub(super) fn searches(condition: &Expr) -> Option<usize> {
    match condition {
        Expr::Chain(_, rest, _) => match rest.as_slice() {
            [(BinaryOp::NotEqual | BinaryOp::IsNot, _)] => None,
            [(op, _)] => op.compares().then_some(1),
            _ => None,
        },
        Expr::In {
            negated: false,
            list: InList::Items(_),
            ..
        }
        | Expr::Between { negated: false, .. }
        | Expr::Test(_, Test::IsNull | Test::IsMissing) => Some(1),
        Expr::And(_) => {
            let mut terms = Vec::new();
            flatten(condition, &mut terms);
            terms.into_iter().filter_map(searches).min()
        }
        Expr::Or(terms) => terms.iter().map(searches).sum(),
        Expr::Collate(operand, ..) => searches(operand),
        _ => None,
    }
}
