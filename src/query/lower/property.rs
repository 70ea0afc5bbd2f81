//! Paths, and the metadata of documents.

use super::super::ast::{At, Expr, Step};
use super::super::names::{MetaField, SourceKind, Target};
use super::{Lowering, Place, QueryError, Result, text};

impl<'q> Lowering<'q> {
    /// What a path means.
    pub(super) fn resolve<'p>(&self, path: &'p [Step], at: At) -> Result<(Target, &'p [Step])> {
        if self.statement.place == Place::Limit {
            return self.wrong(at, "LIMIT and OFFSET cannot use properties");
        }
        let statement = &self.statement;
        let (target, rest) = statement
            .scope
            .resolve(path, &statement.variables, &statement.hidden)
            .or_else(|message| self.wrong(at, message))?;
        if let Target::Document(source) | Target::Element(source) | Target::Meta(source, _) = target
        {
            self.check_visible(source, at)?;
        }
        Ok((target, rest))
    }

    fn check_visible(&self, source: usize, at: At) -> Result<()> {
        if source < self.statement.visible {
            return Ok(());
        }
        let name = &self.statement.scope.sources[source].column;
        self.wrong(at, format!("{name} is joined only after this ON"))
    }

    /// As [`Self::resolve`], with more aliases hidden and without telling why it fails.
    pub(super) fn resolve_hiding<'p>(
        &self,
        path: &'p [Step],
        hidden: &[usize],
    ) -> Option<(Target, &'p [Step])> {
        let statement = &self.statement;
        let hidden = [&statement.hidden, hidden].concat();
        let variables = &statement.variables;
        statement.scope.resolve(path, variables, &hidden).ok()
    }

    /// A column of a source's table.
    pub(super) fn column(&mut self, source: usize, column: &str) {
        self.out
            .push_str(&self.statement.scope.sources[source].prefix);
        self.out.push_str(column);
    }

    /// The value at a path.
    pub(super) fn property(&mut self, path: &[Step], at: At) -> Result<()> {
        let (target, rest) = self.resolve(path, at)?;
        match target {
            Target::Document(source) if rest.is_empty() => {
                self.push("sp1_root(");
                self.column(source, "body)");
                Ok(())
            }
            Target::Document(source) => {
                self.body_property("sp1_value(", source, rest);
                Ok(())
            }
            Target::Element(source) => {
                let prefix = self.statement.scope.sources[source].prefix.clone();
                self.element(&prefix, rest);
                Ok(())
            }
            Target::Variable(variable) => {
                let prefix = self.statement.variables[variable].prefix.clone();
                self.element(&prefix, rest);
                Ok(())
            }
            Target::Alias(alias) => self.alias(alias, rest),
            Target::Meta(source, field) => {
                self.before_path(rest);
                self.meta_field(source, field);
                self.after_path(rest);
                Ok(())
            }
        }
    }

    /// What is inside a document, by `sp1_value` or a sister of it.
    pub(super) fn body_property(&mut self, function: &str, source: usize, path: &[Step]) {
        self.push(function);
        self.column(source, "body, ");
        self.end_path(path);
    }

    /// A path and the parenthesis that closes the call.
    fn end_path(&mut self, path: &[Step]) {
        text::push_string(&mut self.out, &text::canonical_path(path));
        self.push(")");
    }

    fn before_path(&mut self, path: &[Step]) {
        if !path.is_empty() {
            self.push("sp1_path(");
        }
    }

    fn after_path(&mut self, path: &[Step]) {
        if !path.is_empty() {
            self.push(", ");
            self.end_path(path);
        }
    }

    /// What is inside a row of `jsonb_each`.
    fn element(&mut self, prefix: &str, path: &[Step]) {
        self.push("sp1_elem(");
        self.push(prefix);
        self.push("value, ");
        self.push(prefix);
        self.push("type");
        if path.is_empty() {
            self.push(")");
        } else {
            self.after_path(path);
        }
    }

    /// What is inside an alias: inside what it stands for, as it is meant where it is defined.
    fn alias(&mut self, alias: usize, path: &[Step]) -> Result<()> {
        let alias = self.statement.scope.aliases[alias];
        let variables = std::mem::take(&mut self.statement.variables);
        let collation = self.statement.collation.take();
        self.statement.hidden.push(alias.item);
        let lowered = self.inside(alias.expr, path);
        self.statement.hidden.pop();
        self.statement.collation = collation;
        self.statement.variables = variables;
        lowered
    }

    /// What is at a path inside an expression.
    fn inside(&mut self, expr: &'q Expr, path: &[Step]) -> Result<()> {
        match expr {
            _ if path.is_empty() => self.expr(expr),
            Expr::Property(start, at) => {
                let path = [start, path].concat();
                self.deeper(|lowering| lowering.property(&path, *at))
            }
            Expr::Access(base, start, at) => {
                let path = [start, path].concat();
                self.deeper(|lowering| lowering.access(base, &path, *at))
            }
            Expr::Meta(source, at) => self.meta(source, path, *at),
            _ => {
                self.push("sp1_path(");
                self.passed_on(expr)?;
                self.after_path(path);
                Ok(())
            }
        }
    }

    /// `(base).path`.
    pub(super) fn access(&mut self, base: &'q Expr, path: &[Step], _: At) -> Result<()> {
        self.inside(base, path)
    }

    /// The source that `META(name)` is about.
    pub(super) fn meta_source(&self, name: &[String], at: At) -> Result<usize> {
        if self.statement.place == Place::Limit {
            return self.wrong(at, "LIMIT and OFFSET cannot use META()");
        }
        let scope = &self.statement.scope;
        if name.is_empty() {
            return match scope.sources.is_empty() {
                true => self.wrong(at, "META() needs FROM"),
                false => Ok(0),
            };
        }
        let Some(found) = scope.source(name) else {
            return self.wrong(at, format!("no source is called {}", name.join(".")));
        };
        self.check_visible(found, at)?;
        Ok(found)
    }

    /// `META(source).field`.
    fn meta(&mut self, source: &[String], path: &[Step], at: At) -> Result<()> {
        let source = self.meta_source(source, at)?;
        let known = match path.first() {
            Some(Step::Name(name)) => MetaField::find(name),
            _ => None,
        };
        let Some(field) = known else {
            return self.wrong(
                at,
                "META() has only id, sequence, deleted, expiration, revisionID",
            );
        };
        self.before_path(&path[1..]);
        self.meta_field(source, field);
        self.after_path(&path[1..]);
        Ok(())
    }

    /// `META(source)`.
    pub(super) fn meta_object(&mut self, source: &[String], at: At) -> Result<()> {
        let source = self.meta_source(source, at)?;
        self.push("sp1_object(");
        for (index, field) in MetaField::ALL.into_iter().enumerate() {
            self.push(if index > 0 { ", '" } else { "'" });
            self.push(field.name());
            self.push("', ");
            if field == MetaField::Deleted {
                self.push("sp1_bool(");
                self.meta_field(source, field);
                self.push(")");
            } else {
                self.meta_field(source, field);
            }
        }
        self.push(")");
        Ok(())
    }

    /// A field of a document's metadata. `deleted` is 0 or 1.
    pub(super) fn meta_field(&mut self, source: usize, field: MetaField) {
        if self.statement.scope.sources[source].kind == SourceKind::Elements {
            self.push("NULL");
            return;
        }
        match field {
            MetaField::Id => self.column(source, "id"),
            MetaField::Sequence => self.column(source, "sequence"),
            MetaField::Expiration => self.column(source, "expiration"),
            MetaField::RevisionId => self.column(source, "rev_id"),
            MetaField::Deleted => {
                self.statement.sees_deleted[source] = true;
                self.push("(");
                self.column(source, "flags & 1)");
            }
        }
    }

    /// What collations and aliases stand before, and the items whose aliases those were. An alias
    /// means nothing inside of itself, so this ends.
    pub(super) fn behind(&self, mut expr: &'q Expr) -> (&'q Expr, Vec<usize>) {
        let mut hidden = Vec::new();
        loop {
            expr = match expr {
                Expr::Collate(operand, ..) => operand,
                Expr::Property(path, _) => match self.resolve_hiding(path, &hidden) {
                    Some((Target::Alias(alias), [])) => {
                        let alias = self.statement.scope.aliases[alias];
                        hidden.push(alias.item);
                        alias.expr
                    }
                    _ => return (expr, hidden),
                },
                _ => return (expr, hidden),
            };
        }
    }

    /// The field of metadata that an expression is, if it is one, also behind collations and aliases.
    pub(super) fn meta_field_of(&self, expr: &'q Expr) -> Option<MetaField> {
        let (expr, hidden) = self.behind(expr);
        self.named_meta_field(expr, &hidden)
    }

    /// The field of metadata that an expression names, with these aliases hidden.
    pub(super) fn named_meta_field(&self, expr: &Expr, hidden: &[usize]) -> Option<MetaField> {
        match expr {
            Expr::Property(path, _) => match self.resolve_hiding(path, hidden)? {
                (Target::Meta(_, field), []) => Some(field),
                _ => None,
            },
            Expr::Access(base, path, _) => match (&**base, path.as_slice()) {
                (Expr::Meta(..), [Step::Name(name)]) => MetaField::find(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// A message for what an index cannot hold.
    pub(super) fn not_in_index(&self, what: &str) -> Result<()> {
        match self.statement.place {
            Place::Index => Err(QueryError::whole(format!("an index cannot use {what}"))),
            _ => Ok(()),
        }
    }
}
