//! What names mean: sources, aliases, paths (query spec §2).

use super::ast::{At, Expr, Path, Step};

/// What `FROM` made known under a name.
#[derive(Debug)]
pub(super) struct Source {
    /// Its alias, which hides every other name.
    pub(super) alias: Option<String>,
    /// Without alias: what it is called otherwise, by components.
    pub(super) names: Vec<Vec<String>>,
    /// What it is.
    pub(super) kind: SourceKind,
    /// Its name in SQL, quoted, with the dot that a column's name follows; empty in an index.
    pub(super) prefix: String,
    /// Key of a column that holds all of it.
    pub(super) column: String,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SourceKind {
    /// Documents of a collection.
    Documents {
        /// The collection's scope.
        scope: String,
        /// The collection.
        collection: String,
    },
    /// Elements of an array.
    Elements,
}

/// A field of `META()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetaField {
    Id,
    Sequence,
    Deleted,
    Expiration,
    RevisionId,
}

impl MetaField {
    /// All, in the order in which `META()` shows them.
    pub(super) const ALL: [Self; 5] = [
        Self::Id,
        Self::Sequence,
        Self::Deleted,
        Self::Expiration,
        Self::RevisionId,
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Sequence => "sequence",
            Self::Deleted => "deleted",
            Self::Expiration => "expiration",
            Self::RevisionId => "revisionID",
        }
    }

    /// The field of this name, in any letter case.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// The field that stands for `_id` and its kin.
    fn find_shortcut(step: &Step) -> Option<Self> {
        match step {
            Step::Name(name) => Self::find(name.strip_prefix('_')?),
            Step::Index(_) => None,
        }
    }
}

/// An element of an array that `ANY` looks at.
#[derive(Clone, Debug)]
pub(super) struct Variable<'q> {
    /// Its name.
    pub(super) name: &'q str,
    /// As [`Source::prefix`].
    pub(super) prefix: String,
}

/// Where a path starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// In the document of a source.
    Document(usize),
    /// In an element of an `UNNEST`.
    Element(usize),
    /// In a variable, counted from the outermost.
    Variable(usize),
    /// In what an alias of the projection stands for.
    Alias(usize),
    /// In a field of a document's metadata.
    Meta(usize, MetaField),
}

/// An alias of the projection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alias<'q> {
    /// Its name.
    pub(super) name: &'q str,
    /// What it stands for.
    pub(super) expr: &'q Expr,
    /// Index of its item.
    pub(super) item: usize,
}

/// All names of a statement.
#[derive(Debug, Default)]
pub(super) struct Scope<'q> {
    /// What `FROM` says, in order.
    pub(super) sources: Vec<Source>,
    /// Aliases of the projection.
    pub(super) aliases: Vec<Alias<'q>>,
}

impl<'q> Scope<'q> {
    /// What a path means, and its steps inside of that. `hidden` are aliases that mean nothing
    /// now, because they are being expanded. `Err` is the message.
    pub(super) fn resolve<'p>(
        &self,
        path: &'p [Step],
        variables: &[Variable<'q>],
        hidden: &[usize],
    ) -> Result<(Target, &'p [Step]), String> {
        let Some((Step::Name(first), rest)) = path.split_first() else {
            return match self.sources.len() {
                1 => Ok(self.inside(0, path)),
                _ => Err(undeclared(path)),
            };
        };
        if let Some(index) = variables.iter().rposition(|known| known.name == first) {
            return Ok((Target::Variable(index), rest));
        }
        if let Some(index) = self.source_by_alias(first) {
            return Ok(self.inside(index, rest));
        }
        let alias = self.aliases.iter().position(|alias| {
            alias.name.eq_ignore_ascii_case(first) && !hidden.contains(&alias.item)
        });
        if let Some(index) = alias {
            return Ok((Target::Alias(index), rest));
        }
        for components in [2, 1] {
            let name = path.get(..components).unwrap_or_default();
            let mut found = self.sources.iter().enumerate().filter(|(_, source)| {
                source.names.iter().any(|known| {
                    known.len() == name.len()
                        && known
                            .iter()
                            .zip(name)
                            .all(|(known, step)| matches!(step, Step::Name(name) if name == known))
                })
            });
            if let (Some((index, _)), None) = (found.next(), found.next()) {
                return Ok(self.inside(index, &path[components..]));
            }
        }
        match self.sources.len() {
            1 => Ok(self.inside(0, path)),
            _ => Err(undeclared(path)),
        }
    }

    /// The target of a path inside a source.
    fn inside<'p>(&self, index: usize, path: &'p [Step]) -> (Target, &'p [Step]) {
        if self.sources[index].kind == SourceKind::Elements {
            return (Target::Element(index), path);
        }
        match path.split_first() {
            Some((first, rest)) => match MetaField::find_shortcut(first) {
                Some(field) => (Target::Meta(index, field), rest),
                None => (Target::Document(index), path),
            },
            None => (Target::Document(index), path),
        }
    }

    fn source_by_alias(&self, name: &str) -> Option<usize> {
        self.sources.iter().position(|source| {
            source
                .alias
                .as_deref()
                .is_some_and(|alias| alias.eq_ignore_ascii_case(name))
        })
    }

    /// The source that has this name, by alias or otherwise, as in `META(name)` and `name.*`.
    pub(super) fn source(&self, name: &[String]) -> Option<usize> {
        if let [alias] = name
            && let Some(index) = self.source_by_alias(alias)
        {
            return Some(index);
        }
        let known = |source: &Source| source.names.iter().any(|known| known == name);
        let mut found = (0..self.sources.len()).filter(|&index| known(&self.sources[index]));
        found.next().filter(|_| found.next().is_none())
    }

    /// The one source of documents that an index without a source's name belongs to: all have
    /// to be of one collection.
    pub(super) fn only_collection(&self) -> Option<usize> {
        let documents = |source: &&Source| source.kind != SourceKind::Elements;
        let mut all = self.sources.iter().filter(documents);
        let first = all.next()?;
        let same = all.all(|other| other.kind == first.kind);
        let index = || self.sources.iter().position(|source| documents(&source));
        same.then(index).flatten()
    }
}

fn undeclared(path: &[Step]) -> String {
    let property = Expr::Property(path.to_vec(), At(0));
    format!("property '{property}' does not begin with a declared 'AS' alias")
}

/// Reads a key path: names joined by dots, `[i]`, and a backslash before a dot inside a name.
/// `None` when it is none.
pub(super) fn key_path(text: &str) -> Option<Path> {
    let mut path = Path::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(subscript) = rest.strip_prefix('[') {
            let (index, after) = subscript.split_once(']')?;
            path.push(Step::Index(index.parse().ok()?));
            rest = after;
        } else {
            if !path.is_empty() {
                rest = rest.strip_prefix('.')?;
            }
            let mut name = String::new();
            let mut chars = rest.char_indices();
            let mut end = rest.len();
            while let Some((at, c)) = chars.next() {
                match c {
                    '\\' => name.push(chars.next()?.1),
                    '.' | '[' => {
                        end = at;
                        break;
                    }
                    c => name.push(c),
                }
            }
            if name.is_empty() {
                return None;
            }
            path.push(Step::Name(name));
            rest = &rest[end..];
        }
        if rest == "." {
            return None;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str) -> Step {
        Step::Name(name.to_owned())
    }

    #[test]
    fn key_paths_are_split_at_dots_and_brackets() {
        assert_eq!(
            key_path("a.b[0].c"),
            Some(vec![step("a"), step("b"), Step::Index(0), step("c")])
        );
        assert_eq!(key_path("a\\.b"), Some(vec![step("a.b")]));
        assert_eq!(key_path("first name"), Some(vec![step("first name")]));
        assert_eq!(key_path("a[-1]"), Some(vec![step("a"), Step::Index(-1)]));
        assert_eq!(key_path(""), Some(vec![]));
        for wrong in ["a.", "a..b", ".a", "a[x]", "a[0", "a\\", "a[0]b"] {
            assert_eq!(key_path(wrong), None, "{wrong}");
        }
    }

    fn source(alias: Option<&str>, names: &[&[&str]]) -> Source {
        let owned = |names: &&[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Source {
            alias: alias.map(str::to_owned),
            names: names.iter().map(owned).collect(),
            kind: SourceKind::Documents {
                scope: "s".to_owned(),
                collection: "k".to_owned(),
            },
            prefix: String::new(),
            column: String::new(),
        }
    }

    #[test]
    fn a_path_starts_at_what_its_first_names_say() {
        let one = Scope {
            sources: vec![source(None, &[&["k"], &["s", "k"], &["s.k"]])],
            aliases: Vec::new(),
        };
        let resolve = |scope: &Scope<'_>, path: &str| {
            let path = key_path(path).unwrap();
            let resolved = scope.resolve(&path, &[], &[]);
            resolved.map(|(target, rest)| (target, rest.len()))
        };
        for (path, rest) in [
            ("k.n", 1),
            ("s.k.n", 1),
            ("s\\.k.n", 1),
            ("n", 1),
            ("s.n", 2),
        ] {
            assert_eq!(
                resolve(&one, path),
                Ok((Target::Document(0), rest)),
                "{path}"
            );
        }
        let id = Target::Meta(0, MetaField::Id);
        assert_eq!(resolve(&one, "_ID"), Ok((id.clone(), 0)));
        assert_eq!(resolve(&one, "k._id"), Ok((id, 0)));
        let two = Scope {
            sources: vec![source(Some("x"), &[]), source(None, &[&["k"], &["s", "k"]])],
            aliases: Vec::new(),
        };
        assert_eq!(resolve(&two, "X.n"), Ok((Target::Document(0), 1)));
        assert_eq!(resolve(&two, "s.k"), Ok((Target::Document(1), 0)));
        assert!(
            resolve(&two, "n")
                .unwrap_err()
                .contains("'n' does not begin")
        );
        assert!(resolve(&two, "K.n").is_err());
        let twins = Scope {
            sources: vec![
                source(None, &[&["k"], &["s", "k"]]),
                source(None, &[&["k"], &["t", "k"]]),
            ],
            aliases: Vec::new(),
        };
        assert!(resolve(&twins, "k.n").is_err());
        assert_eq!(resolve(&twins, "t.k.n"), Ok((Target::Document(1), 1)));
    }
}
