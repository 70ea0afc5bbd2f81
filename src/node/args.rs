//! Reading the argument object of a call (API §14.2: what is missing or empty is named).

use std::sync::Arc;

use serde_json::Value;

use super::handles::OpenDatabase;
use super::runtime::Runtime;
use crate::error::{Error, Result};
use crate::model::CollectionSpec;

/// The argument object of one call, and the state that it refers to.
pub(super) struct Args<'a> {
    pub(super) runtime: &'static Runtime,
    value: &'a Value,
}

impl<'a> Args<'a> {
    /// Any JSON value; one that is no object has no fields.
    pub(super) fn new(runtime: &'static Runtime, value: &'a Value) -> Self {
        Self { runtime, value }
    }

    /// The whole object.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// A field; `null` when it is missing.
    pub(super) fn field(&self, name: &str) -> &'a Value {
        static NULL: Value = Value::Null;
        self.value.get(name).unwrap_or(&NULL)
    }

    /// A non-empty string.
    ///
    /// # Errors
    /// `InvalidParameter` naming the field; so with the functions below.
    pub(super) fn text(&self, name: &str) -> Result<&'a str> {
        match self.field(name) {
            Value::String(text) if !text.is_empty() => Ok(text),
            Value::String(_) => Err(Error::invalid(format!("argument \"{name}\" is empty"))),
            Value::Null => Err(Error::invalid(format!("argument \"{name}\" is missing"))),
            _ => Err(Error::invalid(format!(
                "argument \"{name}\" must be a string"
            ))),
        }
    }

    /// A string; missing, `null` and empty are the same.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.field(name) {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            _ => Err(Error::invalid(format!(
                "argument \"{name}\" must be a string"
            ))),
        }
    }

    /// A whole number from 0 to `max`.
    pub(super) fn number(&self, name: &str, max: u64) -> Result<u64> {
        let value = self.field(name);
        let whole = value.as_u64().or_else(|| {
            let number = value.as_f64()?;
            // Below 2^53 the conversion is exact.
            (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
        });
        whole.filter(|&number| number <= max).ok_or_else(|| {
            Error::invalid(format!(
                "argument \"{name}\" is {value}, must be a whole number from 0 to {max}"
            ))
        })
    }

    /// A boolean.
    pub(super) fn boolean(&self, name: &str) -> Result<bool> {
        self.field(name)
            .as_bool()
            .ok_or_else(|| Error::invalid(format!("argument \"{name}\" must be a boolean")))
    }

    /// The open database in `name`.
    pub(super) fn database(&self) -> Result<Arc<OpenDatabase>> {
        self.runtime.databases.get(self.text("name")?)
    }

    /// The open database in `name` and the collection in `scopeName` and `collectionName`.
    pub(super) fn collection(&self) -> Result<(Arc<OpenDatabase>, CollectionSpec)> {
        let database = self.database()?;
        let collection =
            CollectionSpec::new(self.text("scopeName")?, self.text("collectionName")?)?;
        Ok((database, collection))
    }
}
