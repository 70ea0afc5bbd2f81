//! Pieces of SQL text: names, literals, paths. Nothing of a query's text reaches the SQL but
//! through here.

use std::fmt::Write as _;

use super::super::ast::{Collation, Step};

/// Appends a name in double quotes. SQL text ends at a NUL, so there is none in it.
pub(super) fn push_name(out: &mut String, name: &str) {
    out.push('"');
    for c in name.chars() {
        match c {
            '"' => out.push_str("\"\""),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a string literal.
pub(super) fn push_string(out: &mut String, text: &str) {
    if text.contains('\0') {
        out.push_str("CAST(");
        push_blob(out, text.as_bytes());
        out.push_str(" AS TEXT)");
        return;
    }
    out.push('\'');
    for c in text.chars() {
        if c == '\'' {
            out.push('\'');
        }
        out.push(c);
    }
    out.push('\'');
}

/// Appends a blob literal.
pub(super) fn push_blob(out: &mut String, bytes: &[u8]) {
    out.push_str("x'");
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out.push('\'');
}

/// Appends an integer literal.
pub(super) fn push_integer(out: &mut String, number: i64) {
    let _ = match number < 0 {
        true => write!(out, "({number})"),
        false => write!(out, "{number}"),
    };
}

/// Appends a literal of a double.
pub(super) fn push_double(out: &mut String, number: f64) {
    let _ = match number {
        f64::INFINITY => write!(out, "9e999"),
        f64::NEG_INFINITY => write!(out, "(-9e999)"),
        // SQLite reads `-0.0` as minus applied to zero, which is the same.
        _ if number.is_sign_negative() => write!(out, "({number:?})"),
        _ => write!(out, "{number:?}"),
    };
}

/// A path in its one canonical spelling, so that the texts of indexes and queries agree: names
/// joined by dots, `[i]` for elements, a backslash before `.`, `[`, `]` and `\` in names.
pub(in crate::query) fn canonical_path(path: &[Step]) -> String {
    let mut text = String::new();
    for (index, step) in path.iter().enumerate() {
        match step {
            Step::Name(name) => {
                if index > 0 {
                    text.push('.');
                }
                for c in name.chars() {
                    if matches!(c, '.' | '[' | ']' | '\\') {
                        text.push('\\');
                    }
                    text.push(c);
                }
            }
            Step::Index(index) => {
                let _ = write!(text, "[{index}]");
            }
        }
    }
    text
}

/// The name of a collation in SQL, if it is another than that of bytes (query spec §14.6).
pub(in crate::query) fn collation_name(collation: &Collation) -> Option<String> {
    if !collation.unicode {
        return (!collation.case_sensitive).then(|| "NOCASE".to_owned());
    }
    let locale = collation.locale.as_deref().unwrap_or("und");
    let case = if collation.case_sensitive { "" } else { "ci" };
    let accents = if collation.accent_sensitive { "" } else { "ai" };
    Some(format!("sp1_u_{locale}_{case}{accents}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(push: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        push(&mut out);
        out
    }

    #[test]
    fn quotes_are_doubled_and_nul_never_reaches_sql() {
        assert_eq!(pushed(|out| push_name(out, "a\"b\0")), "\"a\"\"b\u{fffd}\"");
        assert_eq!(pushed(|out| push_string(out, "it's")), "'it''s'");
        assert_eq!(
            pushed(|out| push_string(out, "a\0'")),
            "CAST(x'610027' AS TEXT)"
        );
    }

    #[test]
    fn negative_numbers_never_touch_another_minus() {
        assert_eq!(
            pushed(|out| push_integer(out, i64::MIN)),
            "(-9223372036854775808)"
        );
        assert_eq!(pushed(|out| push_double(out, -1.5)), "(-1.5)");
        assert_eq!(pushed(|out| push_double(out, 1e300)), "1e300");
        assert_eq!(
            pushed(|out| push_double(out, f64::NEG_INFINITY)),
            "(-9e999)"
        );
    }

    #[test]
    fn paths_have_one_spelling() {
        let name = |name: &str| Step::Name(name.to_owned());
        assert_eq!(
            canonical_path(&[name("a"), name("b"), Step::Index(-1)]),
            "a.b[-1]"
        );
        assert_eq!(canonical_path(&[name("a.b[0]\\")]), "a\\.b\\[0\\]\\\\");
        assert_eq!(canonical_path(&[Step::Index(0), name("k")]), "[0].k");
    }
}
