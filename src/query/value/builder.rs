//! Building arrays and objects value by value.

use std::ops::Range;

use super::{Container, Value};
use crate::model::body::{element, push_header};

/// Builds an array.
#[derive(Debug, Default)]
pub struct ArrayBuilder {
    payload: Vec<u8>,
}

impl ArrayBuilder {
    /// An empty array.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an element; MISSING is dropped.
    pub fn push(&mut self, value: &Value<'_>) {
        value.write_jsonb(&mut self.payload);
    }

    /// Size of the elements so far, in bytes.
    pub fn byte_len(&self) -> usize {
        self.payload.len()
    }

    /// The array.
    pub fn finish(self) -> Container<'static> {
        close(element::ARRAY, &[&self.payload])
    }
}

/// Builds an object. Keys may come in any order; of equal ones the last counts.
#[derive(Debug, Default)]
pub struct ObjectBuilder {
    members: Vec<u8>,
    /// Key text, and the whole member, in `members`.
    places: Vec<(Range<usize>, Range<usize>)>,
}

impl ObjectBuilder {
    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member; one whose value is MISSING is dropped.
    pub fn insert(&mut self, key: &str, value: &Value<'_>) {
        if value.is_missing() {
            return;
        }
        let start = self.members.len();
        push_header(element::TEXT_RAW, key.len(), &mut self.members);
        let key_start = self.members.len();
        self.members.extend_from_slice(key.as_bytes());
        let key_end = self.members.len();
        value.write_jsonb(&mut self.members);
        self.places
            .push((key_start..key_end, start..self.members.len()));
    }

    /// The object.
    pub fn finish(self) -> Container<'static> {
        let Self {
            members,
            mut places,
        } = self;
        let key = |place: &(Range<usize>, Range<usize>)| &members[place.0.clone()];
        // Stable, so equal keys stay in the order in which they came.
        places.sort_by(|a, b| key(a).cmp(key(b)));
        let parts: Vec<&[u8]> = places
            .iter()
            .enumerate()
            .filter(|(index, place)| {
                places
                    .get(index + 1)
                    .is_none_or(|next| key(next) != key(place))
            })
            .map(|(_, place)| &members[place.1.clone()])
            .collect();
        close(element::OBJECT, &parts)
    }
}

fn close(kind: u8, parts: &[&[u8]]) -> Container<'static> {
    let size = parts.iter().map(|part| part.len()).sum();
    let mut jsonb = Vec::with_capacity(size + 5);
    push_header(kind, size, &mut jsonb);
    for part in parts {
        jsonb.extend_from_slice(part);
    }
    Container::from_owned(jsonb)
}
