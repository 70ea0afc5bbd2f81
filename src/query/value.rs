//! The values of SQL++: eight kinds with one order, one equality, one truth (query spec §3).
//!
//! A value borrows where it can: strings from the row, containers from the stored body. Containers
//! are *canonical JSONB* (query spec §14.3): keys sorted and unique, strings raw, numbers
//! normalised, so that equal containers are equal bytes.

mod builder;
mod container;
mod jsonb;
mod number;

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::error::Result;
use crate::model::body::{decode_element, element, push_header};

pub use builder::{ArrayBuilder, ObjectBuilder};
pub use container::{Container, Elements, Members};
pub use number::{Number, format_double, numeric_prefix};

/// Deepest nesting of a container in a result: a body (100 levels) inside what a query text can
/// wrap around it.
pub const MAX_RESULT_NESTING: usize = 400;

/// A value of SQL++, or MISSING.
///
/// `==` of Rust compares representations; the equality of the language is [`Value::equals`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value at all: an absent property, an operation without result.
    Missing,
    /// JSON's null.
    Null,
    /// true or false; equal to and ordered like 1 and 0.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A double. NaN is possible inside of a computation only, infinities are.
    Double(f64),
    /// A string.
    String(Cow<'a, str>),
    /// An array.
    Array(Container<'a>),
    /// An object.
    Object(Container<'a>),
}

impl<'a> Value<'a> {
    /// A string that is borrowed.
    pub fn str(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }

    /// A string that is owned.
    pub fn string(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }

    /// Reads one JSONB element as document bodies store them: numbers as received, which makes
    /// `5.0` a double and `5` an integer; integers outside of 64 bits are doubles. Containers are
    /// normalised, and copied only if they hold a number that is not yet canonical.
    ///
    /// `None` when the bytes are not exactly one well-formed element.
    pub fn from_stored(jsonb: &'a [u8]) -> Option<Self> {
        match jsonb::read(jsonb)? {
            (Self::Array(container), []) => Some(Self::Array(container.into_canonical()?)),
            (Self::Object(container), []) => Some(Self::Object(container.into_canonical()?)),
            (value, []) => Some(value),
            _ => None,
        }
    }

    /// Reads a value from the BLOB that stands for it inside SQLite (query spec §14.3): empty is
    /// null, `A` or `O` and canonical JSONB is a container. Any other blob is no value of ours:
    /// MISSING.
    pub fn from_blob(blob: &'a [u8]) -> Self {
        match blob.split_first() {
            None => Self::Null,
            Some((b'A', jsonb)) => Self::Array(Container::from_canonical(jsonb)),
            Some((b'O', jsonb)) => Self::Object(Container::from_canonical(jsonb)),
            Some(_) => Self::Missing,
        }
    }

    /// The same value without borrows.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Integer(value) => Value::Integer(value),
            Self::Double(value) => Value::Double(value),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Array(container) => Value::Array(container.into_owned()),
            Self::Object(container) => Value::Object(container.into_owned()),
        }
    }

    /// Whether this is MISSING.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What TYPE answers: `boolean number string array object`; `None` for null and MISSING.
    pub fn type_name(&self) -> Option<&'static str> {
        match self {
            Self::Missing | Self::Null => None,
            Self::Boolean(_) => Some("boolean"),
            Self::Integer(_) | Self::Double(_) => Some("number"),
            Self::String(_) => Some("string"),
            Self::Array(_) => Some("array"),
            Self::Object(_) => Some("object"),
        }
    }

    /// The total order of query spec §3.1: MISSING, numbers with booleans as 0 and 1, strings by
    /// UTF-8 bytes, null, arrays, objects.
    ///
    /// Two arrays (objects) compare by their canonical bytes, which is what SQLite does with the
    /// blobs that stand for them; empty comes first, and equal ones are equal.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::String(a), Self::String(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Self::Array(a), Self::Array(b)) | (Self::Object(a), Self::Object(b)) => {
                a.as_bytes().cmp(b.as_bytes())
            }
            _ => match (self.as_number(), other.as_number()) {
                (Some(a), Some(b)) => a.compare(b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    /// Equality of the language: numbers and booleans by value, otherwise same kind and same
    /// content. MISSING equals MISSING here; operators treat it beforehand.
    pub fn equals(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::Boolean(_) | Self::Integer(_) | Self::Double(_) => 1,
            Self::String(_) => 2,
            Self::Null => 3,
            Self::Array(_) => 4,
            Self::Object(_) => 5,
        }
    }

    /// Numbers, and booleans as 0 and 1; `None` for every other kind.
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Self::Boolean(value) => Some(Number::Integer(i64::from(*value))),
            Self::Integer(value) => Some(Number::Integer(*value)),
            Self::Double(value) => Some(Number::Double(*value)),
            _ => None,
        }
    }

    /// The number that arithmetic sees: strings by their numeric prefix, null and containers 0,
    /// MISSING `None` (query spec §3.4).
    pub fn to_number(&self) -> Option<Number> {
        match self {
            Self::Missing => None,
            Self::String(text) => Some(numeric_prefix(text)),
            _ => Some(self.as_number().unwrap_or(Number::Integer(0))),
        }
    }

    /// Whether WHERE, AND, CASE … take it for true (query spec §3.3); `None` for MISSING.
    pub fn truth(&self) -> Option<bool> {
        self.to_number().map(Number::is_true)
    }

    /// The text of `||` and CONCAT (query spec §3.4): numbers in shortest form, `true`, `false`,
    /// `null`, containers as compact JSON; `None` for MISSING.
    ///
    /// # Errors
    /// `CorruptData` for a container that is not well-formed.
    pub fn to_text(&self) -> Result<Option<Cow<'_, str>>> {
        Ok(Some(match self {
            Self::Missing => return Ok(None),
            Self::Null => Cow::Borrowed("null"),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
            Self::String(text) => Cow::Borrowed(text),
            _ => {
                let mut out = Vec::new();
                self.write_text(&mut out)?;
                Cow::Owned(String::from_utf8(out).unwrap_or_default())
            }
        }))
    }

    /// Appends what [`Value::to_text`] gives; nothing for MISSING.
    ///
    /// # Errors
    /// As [`Value::to_text`].
    pub fn write_text(&self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Missing => {}
            Self::String(text) => out.extend_from_slice(text.as_bytes()),
            Self::Double(value) => format_double(*value, out),
            _ => return self.write_json(out),
        }
        Ok(())
    }

    /// Appends the compact JSON text. MISSING, NaN and infinities are written as null.
    ///
    /// # Errors
    /// `CorruptData` for a container that is not well-formed.
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Missing | Self::Null => out.extend_from_slice(b"null"),
            Self::Boolean(true) => out.extend_from_slice(b"true"),
            Self::Boolean(false) => out.extend_from_slice(b"false"),
            Self::Integer(value) => number::format_integer(*value, out),
            Self::Double(value) if value.is_finite() => format_double(*value, out),
            Self::Double(_) => out.extend_from_slice(b"null"),
            Self::String(text) => jsonb::write_json_string(text, out),
            Self::Array(container) | Self::Object(container) => {
                decode_element(container.as_bytes(), MAX_RESULT_NESTING, out)?;
            }
        }
        Ok(())
    }

    /// Appends the value as one element of canonical JSONB. MISSING appends nothing.
    pub fn write_jsonb(&self, out: &mut Vec<u8>) {
        match self {
            Self::Missing => {}
            Self::Null => out.push(element::NULL),
            Self::Boolean(true) => out.push(element::TRUE),
            Self::Boolean(false) => out.push(element::FALSE),
            Self::Integer(value) => jsonb::push_integer(*value, out),
            Self::Double(value) => jsonb::push_double(*value, out),
            Self::String(text) => {
                push_header(element::TEXT_RAW, text.len(), out);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Array(container) | Self::Object(container) => {
                out.extend_from_slice(container.as_bytes());
            }
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<Number> for Value<'_> {
    fn from(number: Number) -> Self {
        match number {
            Number::Integer(value) => Self::Integer(value),
            Number::Double(value) => Self::Double(value),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
