//! An array or an object as canonical JSONB, read lazily.

use std::borrow::Cow;

use super::{MAX_RESULT_NESTING, Value, jsonb};
use crate::model::body::{element, split_element};

/// Canonical JSONB (query spec §14.3) of one array or object, its header included.
///
/// Iteration ends early at damaged bytes; it never fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container<'a>(Cow<'a, [u8]>);

impl<'a> Container<'a> {
    /// Takes bytes that are canonical JSONB of one array or object.
    pub fn from_canonical(jsonb: &'a [u8]) -> Self {
        Self(Cow::Borrowed(jsonb))
    }

    pub(super) fn from_owned(jsonb: Vec<u8>) -> Self {
        Self(Cow::Owned(jsonb))
    }

    /// The empty array.
    pub fn empty_array() -> Self {
        Self(Cow::Borrowed(&[element::ARRAY]))
    }

    /// The empty object.
    pub fn empty_object() -> Self {
        Self(Cow::Borrowed(&[element::OBJECT]))
    }

    /// Normalises its numbers.
    pub(super) fn into_canonical(self) -> Option<Self> {
        jsonb::canonical(self.0, MAX_RESULT_NESTING).map(Self)
    }

    /// The bytes, header included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same without borrow.
    pub fn into_owned(self) -> Container<'static> {
        Container(Cow::Owned(self.0.into_owned()))
    }

    /// The BLOB that stands for this container inside SQLite: `A` or `O`, then the bytes.
    pub fn to_blob(&self) -> Vec<u8> {
        let is_array = self
            .0
            .first()
            .is_some_and(|first| first & 15 == element::ARRAY);
        let mut blob = Vec::with_capacity(self.0.len() + 1);
        blob.push(if is_array { b'A' } else { b'O' });
        blob.extend_from_slice(&self.0);
        blob
    }

    /// The elements of an array, in order. Of an object: keys and values in turn.
    pub fn elements(&self) -> Elements<'_> {
        Elements(split_element(&self.0).map_or(&[], |(_, payload, _)| payload))
    }

    /// The members of an object, keys ascending.
    pub fn members(&self) -> Members<'_> {
        Members(self.elements())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.elements().0.is_empty()
    }

    /// How many elements an array has. Counts without reading them.
    pub fn len(&self) -> usize {
        let mut left = self.elements().0;
        let mut count = 0;
        while let Ok((_, _, rest)) = split_element(left)
            && !left.is_empty()
        {
            count += 1;
            left = rest;
        }
        count
    }

    /// How many members an object has.
    pub fn member_count(&self) -> usize {
        self.len() / 2
    }
}

/// Elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let (value, rest) = jsonb::read(self.0)?;
        self.0 = rest;
        Some(value)
    }
}

/// Members of an object.
#[derive(Clone, Debug)]
pub struct Members<'a>(Elements<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match (self.0.next()?, self.0.next()?) {
            (Value::String(key), value) => Some((key, value)),
            _ => None,
        }
    }
}
