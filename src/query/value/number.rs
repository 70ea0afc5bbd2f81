//! Numbers: 64-bit integers and doubles that compare exactly, and their texts.

use std::cmp::Ordering;
use std::io::Write as _;

/// A number of the language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A 64-bit integer.
    Integer(i64),
    /// A double.
    Double(f64),
}

impl Number {
    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Double(value) => value,
        }
    }

    /// The integer toward zero, saturating; NaN is 0.
    pub fn to_i64(self) -> i64 {
        match self {
            Self::Integer(value) => value,
            Self::Double(value) => value as i64,
        }
    }

    /// Whether it is neither 0 nor NaN.
    pub fn is_true(self) -> bool {
        match self {
            Self::Integer(value) => value != 0,
            Self::Double(value) => value != 0.0 && !value.is_nan(),
        }
    }

    /// Compares by exact value; NaN equals itself and comes before every number.
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(&b),
            (Self::Integer(a), Self::Double(b)) => compare_mixed(a, b),
            (Self::Double(a), Self::Integer(b)) => compare_mixed(b, a).reverse(),
            (Self::Double(a), Self::Double(b)) => a
                .partial_cmp(&b)
                .unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())),
        }
    }
}

fn compare_mixed(integer: i64, double: f64) -> Ordering {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() || double < -LIMIT {
        return Ordering::Greater;
    }
    if double >= LIMIT {
        return Ordering::Less;
    }
    // In range, so the cast is exact for the whole part.
    let whole = double as i64;
    integer.cmp(&whole).then_with(|| {
        let fraction = double - whole as f64;
        0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)
    })
}

/// The number that a string begins with, after white space; integer 0 when there is none.
///
/// Decimal digits with an optional sign, fraction and exponent; an integer when it has neither
/// fraction nor exponent and fits 64 bits (query spec §3.4, SQLite's rule).
pub fn numeric_prefix(text: &str) -> Number {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied();
    let digits = |mut index: usize| {
        while at(index).is_some_and(|byte| byte.is_ascii_digit()) {
            index += 1;
        }
        index
    };
    let mut start = 0;
    while matches!(at(start), Some(b' ' | 9..=13)) {
        start += 1;
    }
    let signed = start + usize::from(matches!(at(start), Some(b'+' | b'-')));
    let mut end = digits(signed);
    let mut whole = true;
    let mut any = end > signed;
    if at(end) == Some(b'.') {
        let fraction = digits(end + 1);
        if any || fraction > end + 1 {
            any = true;
            whole = false;
            end = fraction;
        }
    }
    if !any {
        return Number::Integer(0);
    }
    if matches!(at(end), Some(b'e' | b'E')) {
        let exponent = end + 1 + usize::from(matches!(at(end + 1), Some(b'+' | b'-')));
        let after = digits(exponent);
        if after > exponent {
            whole = false;
            end = after;
        }
    }
    // Digits, signs, points and exponents are ASCII, so these are character boundaries.
    let number = text.get(start..end).unwrap_or_default();
    if whole && let Ok(integer) = number.parse() {
        return Number::Integer(integer);
    }
    Number::Double(number.parse().unwrap_or(0.0))
}

/// Appends an integer in decimal.
pub(super) fn format_integer(value: i64, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value}");
}

/// Appends the shortest text that reads back as the same double: `1.0`, `0.1`, `1e+20`, `1e-05`.
///
/// Exponents appear above 2^53 and below 10^-4. NaN is `NaN`, infinities are `inf`, `-inf`.
pub fn format_double(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        let _ = write!(out, "{value}");
        return;
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-4..=9_007_199_254_740_992.0).contains(&magnitude) {
        // `Debug` has shortest digits and `.0`, and no exponent below 1e16 or from 1e-5.
        let _ = write!(out, "{value:?}");
        return;
    }
    let mut scratch = [0_u8; 32];
    let mut rest = &mut scratch[..];
    let _ = write!(rest, "{value:e}");
    let len = 32 - rest.len();
    let text = &scratch[..len];
    let split = text.iter().position(|&byte| byte == b'e').unwrap_or(len);
    out.extend_from_slice(&text[..split]);
    let mut exponent = text.get(split + 1..).unwrap_or_default();
    out.push(b'e');
    if let Some(negative) = exponent.strip_prefix(b"-") {
        out.push(b'-');
        exponent = negative;
    } else {
        out.push(b'+');
    }
    if exponent.len() == 1 {
        out.push(b'0');
    }
    out.extend_from_slice(exponent);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        format_double(value, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn doubles_are_written_in_their_shortest_form() {
        for (value, expected) in [
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (0.0, "0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "1e+20"),
            (-1.25e20, "-1.25e+20"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e-4, "0.0001"),
            (9_007_199_254_740_992.0, "9007199254740992.0"),
            (9_007_199_254_740_994.0, "9.007199254740994e+15"),
            (1e16, "1e+16"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn a_string_counts_by_its_numeric_prefix() {
        for (text, expected) in [
            ("5", Number::Integer(5)),
            ("5a", Number::Integer(5)),
            ("a", Number::Integer(0)),
            ("", Number::Integer(0)),
            (" \t12 ", Number::Integer(12)),
            ("-3", Number::Integer(-3)),
            ("+3", Number::Integer(3)),
            ("5.5", Number::Double(5.5)),
            ("5.", Number::Double(5.0)),
            (".5", Number::Double(0.5)),
            (".", Number::Integer(0)),
            ("-.x", Number::Integer(0)),
            ("1e3", Number::Double(1000.0)),
            ("1e", Number::Integer(1)),
            ("1e+", Number::Integer(1)),
            ("1e-2z", Number::Double(0.01)),
            ("0x10", Number::Integer(0)),
            ("inf", Number::Integer(0)),
            ("9223372036854775807", Number::Integer(i64::MAX)),
            (
                "9223372036854775808",
                Number::Double(9_223_372_036_854_775_808.0),
            ),
            ("é5", Number::Integer(0)),
            ("5é", Number::Integer(5)),
        ] {
            assert_eq!(numeric_prefix(text), expected, "{text:?}");
        }
    }

    #[test]
    fn integers_and_doubles_compare_exactly() {
        use Number::{Double, Integer};
        use Ordering::{Equal, Greater, Less};
        for (a, b, expected) in [
            (Integer(1), Double(1.0), Equal),
            (Integer(i64::MAX), Double(i64::MAX as f64), Less),
            (Integer(i64::MIN), Double(i64::MIN as f64), Equal),
            (
                Integer(9_007_199_254_740_993),
                Double(9_007_199_254_740_992.0),
                Greater,
            ),
            (Integer(-1), Double(-1.5), Greater),
            (Integer(-2), Double(-1.5), Less),
            (Integer(0), Double(-0.0), Equal),
            (Integer(5), Double(f64::INFINITY), Less),
            (Integer(5), Double(f64::NEG_INFINITY), Greater),
            (Integer(i64::MIN), Double(f64::NAN), Greater),
            (Double(f64::NAN), Double(f64::NEG_INFINITY), Less),
            (Double(f64::NAN), Double(f64::NAN), Equal),
        ] {
            assert_eq!(a.compare(b), expected, "{a:?} {b:?}");
            assert_eq!(b.compare(a), expected.reverse(), "{b:?} {a:?}");
        }
    }
}
