//! Values of SQL++ as SQLite holds them (query spec §14.3).
//!
//! | value | in SQLite |
//! |---|---|
//! | MISSING | NULL |
//! | true, false | 1, 0 with subtype 66 |
//! | integer, double, string | INTEGER, REAL, TEXT |
//! | null | empty BLOB |
//! | array, object | BLOB: `A` or `O`, then canonical JSONB |
//!
//! A column of a result goes through `sp1_result`, which has no subtypes left: `00` null, `01`
//! false, `02` true. A whole body may be a column as it is: it starts with the header of an object,
//! which is none of these.

use std::borrow::Cow;

use super::accessor::Element;
use super::call::{Call, Raw};
use crate::model::body::element as kind;
use crate::query::value::{Number, Value};

/// `sp1_result` of null.
pub(in crate::storage) const RESULT_NULL: u8 = 0;
/// `sp1_result` of false; a bound parameter that is false.
pub(in crate::storage) const RESULT_FALSE: u8 = 1;
/// `sp1_result` of true; a bound parameter that is true.
pub(in crate::storage) const RESULT_TRUE: u8 = 2;
/// Tag of an array.
pub(in crate::storage) const ARRAY: u8 = b'A';
/// Tag of an object.
pub(in crate::storage) const OBJECT: u8 = b'O';

impl<'a> Call<'a> {
    /// An argument as a value.
    pub(super) fn value(&self, index: usize) -> Value<'a> {
        match self.arg(index) {
            Raw::Null => Value::Missing,
            Raw::Integer(number) if self.is_boolean(index) => Value::Boolean(number != 0),
            Raw::Integer(number) => Value::Integer(number),
            Raw::Real(number) => Value::Double(number),
            Raw::Text(text) => Value::String(String::from_utf8_lossy(text)),
            Raw::Blob(blob) => Value::from_blob(blob),
        }
    }

    /// All arguments as values.
    pub(super) fn values(&self) -> Vec<Value<'a>> {
        (0..self.len()).map(|index| self.value(index)).collect()
    }

    /// Answers with a value.
    pub(super) fn answer(&self, value: &Value<'_>) {
        match value {
            Value::Missing => {}
            Value::Null => self.blob(&[]),
            Value::Boolean(value) => self.boolean(*value),
            Value::Integer(value) => self.integer(*value),
            // SQLite makes NULL of NaN, which is right: MISSING.
            Value::Double(value) => self.real(*value),
            Value::String(text) => self.text(text.as_bytes()),
            Value::Array(container) => self.tagged(ARRAY, container.as_bytes()),
            Value::Object(container) => self.tagged(OBJECT, container.as_bytes()),
        }
    }

    /// Answers with an element of a body.
    #[inline]
    pub(super) fn answer_element(&self, element: &Element<'_>) {
        match element.kind {
            kind::TEXT_RAW => self.text(element.payload),
            kind::INT | kind::FLOAT => match element.number() {
                Some(Number::Integer(value)) => self.integer(value),
                Some(Number::Double(value)) => self.real(value),
                None => {}
            },
            kind::TRUE => self.boolean(true),
            kind::FALSE => self.boolean(false),
            kind::NULL => self.blob(&[]),
            _ => self.answer(&Value::from_stored(element.whole).unwrap_or(Value::Missing)),
        }
    }
}

/// A value to bind, or to read: what `sp1_param` expects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound<'a> {
    /// MISSING.
    Null,
    /// An integer.
    Integer(i64),
    /// A double.
    Real(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// A boolean's tag, or a container.
    Blob(Vec<u8>),
}

impl<'a> Bound<'a> {
    /// A parameter as it is bound; null is MISSING (query spec §6).
    pub(crate) fn parameter(value: &'a Value<'_>) -> Self {
        match value {
            Value::Missing | Value::Null => Self::Null,
            Value::Boolean(false) => Self::Blob(vec![RESULT_FALSE]),
            Value::Boolean(true) => Self::Blob(vec![RESULT_TRUE]),
            Value::Integer(value) => Self::Integer(*value),
            Value::Double(value) => Self::Real(*value),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(container) | Value::Object(container) => Self::Blob(container.to_blob()),
        }
    }
}

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}
