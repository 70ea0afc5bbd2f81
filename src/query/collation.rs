//! Collations: bytes, ASCII without case, Unicode by locale (query spec §3.6, §14.6).

use std::cmp::Ordering;

use icu_collator::options::{CaseLevel, CollatorOptions, Strength};
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_locale_core::Locale;

/// What COLLATE asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Collation {
    /// By bytes, the default of comparisons.
    Binary,
    /// By bytes, ASCII letters without case: `NOCASE` without `UNICODE`.
    NoCase,
    /// `UNICODE`, by the Unicode Collation Algorithm.
    Unicode {
        /// Locale as written (`de`, `sv_SE`), `und` for none.
        locale: String,
        /// `NOCASE`.
        ignore_case: bool,
        /// `NODIAC`.
        ignore_accents: bool,
    },
}

/// What the names of Unicode collations in SQL begin with.
const PREFIX: &str = "sp1_u_";

impl Collation {
    /// The name under which SQLite knows it: `BINARY`, `NOCASE` or `sp1_u_<locale>_<flags>` with
    /// the flags nothing, `ci`, `ai` or `ciai`.
    pub fn sql_name(&self) -> String {
        match self {
            Self::Binary => "BINARY".to_owned(),
            Self::NoCase => "NOCASE".to_owned(),
            Self::Unicode {
                locale,
                ignore_case,
                ignore_accents,
            } => format!(
                "{PREFIX}{}_{}{}",
                locale.to_ascii_lowercase(),
                if *ignore_case { "ci" } else { "" },
                if *ignore_accents { "ai" } else { "" },
            ),
        }
    }

    /// Reads what [`Collation::sql_name`] writes, in any letter case; `None` for another name.
    pub fn parse_sql_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "binary" => return Some(Self::Binary),
            "nocase" => return Some(Self::NoCase),
            _ => {}
        }
        let (locale, flags) = name.strip_prefix(PREFIX)?.rsplit_once('_')?;
        let (ignore_case, ignore_accents) = match flags {
            "" => (false, false),
            "ci" => (true, false),
            "ai" => (false, true),
            "ciai" => (true, true),
            _ => return None,
        };
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (!locale.is_empty() && locale.chars().all(word)).then(|| Self::Unicode {
            locale: locale.to_owned(),
            ignore_case,
            ignore_accents,
        })
    }
}

/// A collation ready to compare.
#[derive(Debug)]
pub struct Collator {
    sql_name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Binary,
    NoCase,
    Unicode(Box<Unicode>),
}

#[derive(Debug)]
struct Unicode {
    collator: CollatorBorrowed<'static>,
    ignore_case: bool,
    /// Whether ASCII text is ordered as in the root collation, for which there is a table.
    root_ascii: bool,
    locale_known: bool,
}

impl Collator {
    /// Prepares a collation. A locale that is none is taken for the root.
    pub fn new(collation: &Collation) -> Self {
        let kind = match collation {
            Collation::Binary => Kind::Binary,
            Collation::NoCase => Kind::NoCase,
            Collation::Unicode {
                locale,
                ignore_case,
                ignore_accents,
            } => Unicode::new(locale, *ignore_case, *ignore_accents)
                .map_or(Kind::Binary, |unicode| Kind::Unicode(Box::new(unicode))),
        };
        Self {
            sql_name: collation.sql_name(),
            kind,
        }
    }

    /// Prepares the collation of this SQL name; `None` when it is none.
    pub fn from_sql_name(name: &str) -> Option<Self> {
        Some(Self::new(&Collation::parse_sql_name(name)?))
    }

    /// The name under which SQLite knows it.
    pub fn sql_name(&self) -> &str {
        &self.sql_name
    }

    /// False when the locale is no well-formed locale, so that the root stands in: worth a log
    /// line.
    pub fn locale_known(&self) -> bool {
        match &self.kind {
            Kind::Unicode(unicode) => unicode.locale_known,
            _ => true,
        }
    }

    /// Whether ASCII strings are equal only if they are the same.
    pub fn is_exact_for_ascii(&self) -> bool {
        match &self.kind {
            Kind::Binary => true,
            Kind::NoCase => false,
            Kind::Unicode(unicode) => !unicode.ignore_case,
        }
    }

    /// Orders two strings.
    pub fn compare(&self, a: &str, b: &str) -> Ordering {
        match &self.kind {
            Kind::Binary => a.as_bytes().cmp(b.as_bytes()),
            Kind::NoCase => {
                let lower = |byte: &u8| byte.to_ascii_lowercase();
                a.as_bytes()
                    .iter()
                    .map(lower)
                    .cmp(b.as_bytes().iter().map(lower))
            }
            Kind::Unicode(unicode) => unicode.compare(a, b),
        }
    }

    /// Whether two characters are equal, each by itself, as LIKE and CONTAINS compare them.
    #[inline]
    pub fn same_char(&self, a: char, b: char) -> bool {
        if a == b {
            return true;
        }
        match &self.kind {
            Kind::Binary => false,
            Kind::NoCase => a.eq_ignore_ascii_case(&b),
            Kind::Unicode(unicode) if a.is_ascii() && b.is_ascii() => {
                unicode.ignore_case && a.eq_ignore_ascii_case(&b)
            }
            Kind::Unicode(unicode) => {
                let (mut a_utf8, mut b_utf8) = ([0; 4], [0; 4]);
                let (a, b) = (a.encode_utf8(&mut a_utf8), b.encode_utf8(&mut b_utf8));
                unicode.collator.compare(a, b) == Ordering::Equal
            }
        }
    }
}

impl Unicode {
    fn new(locale: &str, ignore_case: bool, ignore_accents: bool) -> Option<Self> {
        let mut options = CollatorOptions::default();
        let (strength, case_level) = match (ignore_case, ignore_accents) {
            (false, false) => (Strength::Tertiary, CaseLevel::Off),
            (true, false) => (Strength::Secondary, CaseLevel::Off),
            (false, true) => (Strength::Primary, CaseLevel::On),
            (true, true) => (Strength::Primary, CaseLevel::Off),
        };
        options.strength = Some(strength);
        options.case_level = Some(case_level);
        let parsed = Locale::try_from_str(&locale.replace('_', "-"));
        let locale_known = parsed.is_ok();
        let locale = parsed.unwrap_or(Locale::UNKNOWN);
        let name = locale.to_string();
        // The data is compiled in: what fails for a locale works for the root.
        let collator = CollatorBorrowed::try_new(CollatorPreferences::from(&locale), options)
            .or_else(|_| CollatorBorrowed::try_new(CollatorPreferences::default(), options))
            .ok()?;
        Some(Self {
            collator,
            ignore_case,
            root_ascii: matches!(name.as_str(), "und" | "en" | "en-US" | "en-GB"),
            locale_known,
        })
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        if self.root_ascii
            && let Some(order) = self.compare_ascii(a.as_bytes(), b.as_bytes())
        {
            return order;
        }
        self.collator.compare(a, b)
    }

    /// The order of two strings of printable ASCII in the root collation; `None` for others.
    fn compare_ascii(&self, a: &[u8], b: &[u8]) -> Option<Ordering> {
        let mut case = Ordering::Equal;
        let common = a.len().min(b.len());
        for index in 0..common {
            let (left, right) = (a[index], b[index]);
            if left == right && ASCII_ORDER[usize::from(left)] != 0 {
                continue;
            }
            let (first, second) = (
                ASCII_ORDER[usize::from(left)],
                ASCII_ORDER[usize::from(right)],
            );
            if first == 0 || second == 0 {
                return None;
            }
            if first != second {
                // A combining mark after them could still change a weight.
                let plain = |rest: &[u8]| {
                    rest.first()
                        .is_none_or(|&b| ASCII_ORDER[usize::from(b)] != 0)
                };
                return (plain(&a[index + 1..]) && plain(&b[index + 1..]))
                    .then(|| first.cmp(&second));
            }
            // The same letter in another case: lower comes first, if nothing else decides.
            if case == Ordering::Equal && !self.ignore_case {
                case = right.cmp(&left);
            }
        }
        let plain = |rest: &[u8]| rest.iter().all(|&b| ASCII_ORDER[usize::from(b)] != 0);
        if !plain(&a[common..]) || !plain(&b[common..]) {
            return None;
        }
        Some(a.len().cmp(&b.len()).then(case))
    }
}

/// Printable ASCII in the order of the root collation; both cases of a letter share a place.
const ORDERED: &[u8] = b" _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";

/// Primary weight of an ASCII character; 0 for what is left to the full algorithm.
static ASCII_ORDER: [u8; 256] = {
    let mut order = [0_u8; 256];
    let mut index = 0;
    while index < ORDERED.len() {
        order[ORDERED[index] as usize] = index as u8 + 1;
        order[ORDERED[index].to_ascii_uppercase() as usize] = index as u8 + 1;
        index += 1;
    }
    order
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn collator(name: &str) -> Collator {
        Collator::from_sql_name(name).expect("a name")
    }

    fn full(name: &str) -> Collator {
        let mut collator = collator(name);
        if let Kind::Unicode(unicode) = &mut collator.kind {
            unicode.root_ascii = false;
        }
        collator
    }

    const STRENGTHS: [&str; 4] = [
        "sp1_u_und_",
        "sp1_u_und_ci",
        "sp1_u_und_ai",
        "sp1_u_und_ciai",
    ];

    #[test]
    fn names_are_written_and_read_in_any_case() {
        for name in [
            "BINARY",
            "NOCASE",
            "sp1_u_und_",
            "sp1_u_de_ci",
            "sp1_u_sv_se_ciai",
        ] {
            let collation = Collation::parse_sql_name(name).expect("a name");
            assert_eq!(collation.sql_name(), name);
            assert_eq!(
                Collation::parse_sql_name(&name.to_ascii_uppercase()),
                Some(collation)
            );
        }
        for name in ["", "sp1_u_", "sp1_u__", "sp1_u_de_x", "sp1_u_d'e_", "other"] {
            assert_eq!(Collation::parse_sql_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn unicode_collations_know_case_accents_and_locale() {
        use Ordering::{Equal, Greater, Less};
        for (name, a, b, expected) in [
            ("NOCASE", "a", "A", Equal),
            ("NOCASE", "É", "é", Less),
            ("sp1_u_und_", "é", "e", Greater),
            ("sp1_u_und_", "a", "B", Less),
            ("sp1_u_und_", "a", "A", Less),
            ("sp1_u_und_", "z", "é", Greater),
            ("sp1_u_und_", "e\u{301}cole", "école", Equal),
            ("sp1_u_und_", "straße", "strasse", Greater),
            ("sp1_u_und_ci", "É", "é", Equal),
            ("sp1_u_und_ai", "é", "e", Equal),
            ("sp1_u_und_ai", "É", "e", Greater),
            ("sp1_u_und_ciai", "É", "e", Equal),
            ("sp1_u_und_ciai", "straße", "strasse", Equal),
            ("sp1_u_sv_", "ä", "z", Greater),
            ("sp1_u_SV_se_", "ä", "z", Greater),
            ("sp1_u_de_", "ä", "z", Less),
        ] {
            assert_eq!(collator(name).compare(a, b), expected, "{name} {a} {b}");
        }
    }

    #[test]
    fn a_locale_that_is_none_falls_back_to_the_root() {
        let unknown = collator("sp1_u_nosuchlocale_");
        assert!(!unknown.locale_known());
        assert_eq!(unknown.compare("a", "B"), Ordering::Less);
        assert!(collator("sp1_u_sv_").locale_known());
    }

    #[test]
    fn the_fast_path_agrees_with_the_algorithm_on_all_pairs_of_ascii() {
        for name in STRENGTHS {
            let (fast, full) = (collator(name), full(name));
            for a in 0..128_u8 {
                for b in 0..128_u8 {
                    let (a, b) = (char::from(a).to_string(), char::from(b).to_string());
                    assert_eq!(
                        fast.compare(&a, &b),
                        full.compare(&a, &b),
                        "{name} {a:?} {b:?}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_algorithm(a in "[a-cA-C _.\\-\u{301}é0]{0,6}", b in "[a-cA-C _.\\-\u{301}é0]{0,6}") {
            for name in STRENGTHS {
                prop_assert_eq!(collator(name).compare(&a, &b), full(name).compare(&a, &b), "{}", name);
            }
        }

        #[test]
        fn every_collation_is_a_total_order(a in "\\PC{0,5}", b in "\\PC{0,5}", c in "\\PC{0,5}") {
            for name in ["BINARY", "NOCASE", "sp1_u_und_", "sp1_u_sv_ciai"] {
                let order = collator(name);
                prop_assert_eq!(order.compare(&a, &b), order.compare(&b, &a).reverse());
                let mut sorted = [&a, &b, &c];
                sorted.sort_by(|x, y| order.compare(x, y));
                prop_assert!(order.compare(sorted[0], sorted[2]) != Ordering::Greater);
            }
        }
    }
}
