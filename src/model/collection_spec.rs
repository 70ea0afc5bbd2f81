//! Names of collections.

use std::fmt;

use crate::error::{Error, Result};

/// Name of the default scope and of the default collection.
pub const DEFAULT_NAME: &str = "_default";

/// A valid scope name and collection name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionSpec {
    scope: Box<str>,
    name: Box<str>,
}

impl CollectionSpec {
    /// Longest scope or collection name, in characters.
    pub const MAX_LEN: usize = 251;

    /// Checks both names: 1 to 251 of `A-Z a-z 0-9 _ - %`, not starting with `_` or `%`; `_default`
    /// is the one exception (API spec §13.1).
    ///
    /// # Errors
    /// `InvalidParameter` naming the bad name.
    pub fn new(scope: impl Into<Box<str>>, name: impl Into<Box<str>>) -> Result<Self> {
        let (scope, name) = (scope.into(), name.into());
        Self::check("scope", &scope)?;
        Self::check("collection", &name)?;
        if &*name == DEFAULT_NAME && &*scope != DEFAULT_NAME {
            return Err(Error::invalid(format!(
                "collection name '_default' belongs to the default scope, not to {scope:?}"
            )));
        }
        Ok(Self { scope, name })
    }

    /// `_default._default`.
    pub fn default_collection() -> Self {
        Self {
            scope: DEFAULT_NAME.into(),
            name: DEFAULT_NAME.into(),
        }
    }

    /// Reads a collection path of the wire: `name` (default scope) or `scope.name` (wire §3.2).
    ///
    /// # Errors
    /// As [`CollectionSpec::new`].
    pub fn parse_path(path: &str) -> Result<Self> {
        match path.split_once('.') {
            Some((scope, name)) => Self::new(scope, name),
            None => Self::new(DEFAULT_NAME, path),
        }
    }

    /// The path as written on the wire: `scope.name`, or `name` alone in the default scope.
    pub fn to_path(&self) -> String {
        if &*self.scope == DEFAULT_NAME {
            self.name.to_string()
        } else {
            self.to_string()
        }
    }

    fn check(kind: &str, name: &str) -> Result<()> {
        if name == DEFAULT_NAME {
            return Ok(());
        }
        let shown = || name.chars().take(80).collect::<String>();
        if name.is_empty() || name.len() > Self::MAX_LEN {
            return Err(Error::invalid(format!(
                "{kind} name {:?} is {} bytes, must be 1 to {}",
                shown(),
                name.len(),
                Self::MAX_LEN
            )));
        }
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'%');
        if !name.bytes().all(legal) || name.starts_with(['_', '%']) {
            return Err(Error::invalid(format!(
                "{kind} name {:?} may hold A-Z a-z 0-9 _ - % and may not start with _ or %",
                shown()
            )));
        }
        Ok(())
    }

    /// Scope name.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Collection name without its scope.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is `_default._default`.
    pub fn is_default(&self) -> bool {
        &*self.scope == DEFAULT_NAME && &*self.name == DEFAULT_NAME
    }
}

impl fmt::Display for CollectionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.scope, self.name)
    }
}

impl fmt::Debug for CollectionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_the_api() {
        assert!(CollectionSpec::new("inventory", "hotels").is_ok());
        assert!(CollectionSpec::new("_default", "hotels").is_ok());
        assert!(CollectionSpec::default_collection().is_default());
        let long = "a".repeat(252);
        for (scope, name) in [
            ("", "a"),
            ("a", ""),
            ("_a", "b"),
            ("a", "%b"),
            ("a", "b.c"),
            ("a", "é"),
            ("a", &long),
        ] {
            assert!(
                CollectionSpec::new(scope, name).is_err(),
                "{scope:?} {name:?}"
            );
        }
        assert!(CollectionSpec::new("s", "_default").is_err());
    }

    #[test]
    fn paths_of_the_wire_leave_the_default_scope_out() {
        let hotels = CollectionSpec::parse_path("inventory.hotels").unwrap();
        assert_eq!((hotels.scope(), hotels.name()), ("inventory", "hotels"));
        assert_eq!(hotels.to_path(), "inventory.hotels");
        assert_eq!(
            CollectionSpec::parse_path("_default").unwrap(),
            CollectionSpec::default_collection()
        );
        assert_eq!(
            CollectionSpec::parse_path("_default._default")
                .unwrap()
                .to_path(),
            "_default"
        );
    }
}
