//! How deep a text is nested, counted before it is parsed: the parser recurses, and a stack that
//! overflows cannot be caught.

use super::ast::{Expr, Select};
use super::error::QueryError;
use super::lexer::{Kind, Token};

/// Most brackets, `CASE`s, `ANY`s and prefixes inside one another.
pub(crate) const MAX_NESTING: usize = 100;

/// Most levels of a tree, as SQLite counts them: a chain of *n* operators is *n* deep.
const MAX_DEPTH: usize = 400;

/// Checks the nesting of a text.
///
/// # Errors
/// The token that goes too deep.
pub(crate) fn check_nesting(text: &str, tokens: &[Token<'_>]) -> Result<(), QueryError> {
    // A number for each open bracket: the prefixes before it. `run` counts those since then.
    let mut open: Vec<usize> = Vec::new();
    let mut prefixes = 0;
    let mut run = 0;
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        let opens = match token.kind {
            Kind::Symbol("(" | "[" | "{") | Kind::Keyword("CASE" | "EVERY") => true,
            Kind::Keyword("ANY") => !next.is_some_and(|next| next.is_keyword("AND")),
            // As a property it opens nothing.
            Kind::Word(_) if token.is_word("SOME") => {
                next.is_some_and(|next| matches!(next.kind, Kind::Word(_)))
            }
            _ => false,
        };
        match token.kind {
            _ if opens => {
                open.push(run);
                prefixes += run;
                run = 0;
            }
            Kind::Symbol(")" | "]" | "}") | Kind::Keyword("END") => {
                prefixes -= open.pop().unwrap_or(0);
                run = 0;
            }
            Kind::Symbol("-" | "+") | Kind::Keyword("NOT") => run += 1,
            // A statement takes more of the stack than other brackets.
            Kind::Word(_) if token.is_word("EXISTS") => run += 1,
            _ => run = 0,
        }
        if open.len() + prefixes + run > MAX_NESTING {
            let message = format!("nested too deeply, limit is {MAX_NESTING}");
            return Err(QueryError::syntax(text, token.start, message));
        }
    }
    Ok(())
}

/// Checks the depth of a parsed statement, without recursion.
///
/// # Errors
/// When it is too deep for SQLite, or for the functions that walk it.
pub(crate) fn check_depth(select: &Select) -> Result<(), QueryError> {
    let mut waiting = Vec::new();
    select.for_each_expr(&mut |expr| waiting.push((expr, 1)));
    check(waiting)
}

/// As [`check_depth`], for an expression.
pub(crate) fn check_expr_depth(expr: &Expr) -> Result<(), QueryError> {
    check(vec![(expr, 1)])
}

fn check(mut waiting: Vec<(&Expr, usize)>) -> Result<(), QueryError> {
    while let Some((expr, depth)) = waiting.pop() {
        if depth > MAX_DEPTH {
            let message = format!("an expression is more than {MAX_DEPTH} levels deep");
            return Err(QueryError::whole(message));
        }
        expr.for_each_child(&mut |child, deeper| waiting.push((child, depth + deeper)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    fn nesting(text: &str) -> Result<(), QueryError> {
        check_nesting(text, &tokens(text).unwrap())
    }

    #[test]
    fn each_way_to_nest_is_counted() {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{'a':", "}"),
            ("-", ""),
            ("- ", ""),
            ("NOT ", ""),
            ("CASE ", " END"),
            ("ANY v IN ", " END"),
            ("EVERY v IN ", " END"),
            ("some v IN ", " END"),
            ("ANY AND EVERY v IN ", " END"),
            ("x(", ")"),
        ] {
            let text = |n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
            assert_eq!(nesting(&text(MAX_NESTING)), Ok(()), "{open}");
            let error = nesting(&text(MAX_NESTING + 1)).unwrap_err();
            assert!(error.message.contains("limit is 100"), "{open}");
        }
        let exists = |n: usize| format!("{}1", "EXISTS (SELECT ".repeat(n));
        assert_eq!(nesting(&exists(MAX_NESTING / 2)), Ok(()));
        assert!(nesting(&exists(MAX_NESTING / 2 + 1)).is_err());
        let mixed = "-(- [".repeat(26);
        assert!(nesting(&mixed).is_err());
    }

    #[test]
    fn what_stands_side_by_side_is_not_nested() {
        for piece in [
            "(a) ",
            "NOT a AND ",
            "some, ",
            "a - -b + ",
            "CASE WHEN a THEN b END ",
        ] {
            assert_eq!(nesting(&piece.repeat(1000)), Ok(()), "{piece}");
        }
        assert_eq!(nesting(")))"), Ok(()));
        assert_eq!(nesting("'((((((' || \"(((\" "), Ok(()));
    }
}
