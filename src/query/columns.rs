//! Keys of a row (query spec §2.3).

/// How an item of the projection is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ColumnName {
    /// By its alias, which no other item may have.
    Alias(String),
    /// By what it is.
    Own(String),
    /// By a number.
    None,
}

/// The keys, each once: `n`, `n #2`, `$1`.
pub(super) fn keys(names: &[ColumnName]) -> Vec<String> {
    let mut taken: std::collections::HashSet<String> = names
        .iter()
        .filter_map(|name| match name {
            ColumnName::Alias(alias) => Some(alias.clone()),
            _ => None,
        })
        .collect();
    let mut numbers = 1_usize..;
    let mut copies: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    let mut keys = Vec::with_capacity(names.len());
    for name in names {
        keys.push(match name {
            ColumnName::Alias(alias) => alias.clone(),
            ColumnName::Own(own) if taken.insert(own.clone()) => own.clone(),
            ColumnName::Own(own) => {
                // Where the search of the last copy ended, or many copies take long.
                let copy = copies.entry(own).or_insert(2);
                loop {
                    let key = format!("{own} #{copy}");
                    *copy += 1;
                    if taken.insert(key.clone()) {
                        break key;
                    }
                }
            }
            ColumnName::None => loop {
                let key = format!("${}", numbers.next().unwrap_or_default());
                if taken.insert(key.clone()) {
                    break key;
                }
            },
        });
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::ColumnName::{Alias, None, Own};
    use super::*;

    #[test]
    fn every_column_has_a_key_of_its_own() {
        let own = |name: &str| Own(name.to_owned());
        let alias = |name: &str| Alias(name.to_owned());
        assert_eq!(keys(&[own("n"), own("n"), own("n")]), ["n", "n #2", "n #3"]);
        assert_eq!(keys(&[own("n"), alias("n")]), ["n #2", "n"]);
        assert_eq!(keys(&[None, own("n"), None]), ["$1", "n", "$2"]);
        assert_eq!(keys(&[None, alias("$1"), None]), ["$2", "$1", "$3"]);
        assert_eq!(keys(&[own("n"), own("N")]), ["n", "N"]);
        assert_eq!(
            keys(&[own("n"), own("n #2"), own("n")]),
            ["n", "n #2", "n #3"]
        );
    }
}
