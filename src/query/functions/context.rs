//! What functions keep between calls on one connection.

use jiff::tz::TimeZone;

use crate::query::collation::Collator;
use crate::query::pattern::{Pattern, Scratch};

/// Most compiled patterns, and most collators, that a connection keeps.
const CACHE_SIZE: usize = 32;

/// Caches and settings of one connection: compiled patterns, collators, the local time zone.
///
/// A new one is cheap; everything is made when first needed.
#[derive(Debug, Default)]
pub struct EvalContext {
    /// Most recently used last. `None`: the text is no valid pattern.
    patterns: Vec<(String, Option<Pattern>)>,
    collators: Vec<Collator>,
    scratch: Scratch,
    time_zone: Option<TimeZone>,
}

impl EvalContext {
    /// With this time zone for local time instead of the machine's.
    #[must_use]
    pub fn with_time_zone(time_zone: TimeZone) -> Self {
        Self {
            time_zone: Some(time_zone),
            ..Self::default()
        }
    }

    /// The time zone of dates without one: the machine's, read when first asked for.
    pub(super) fn time_zone(&mut self) -> &TimeZone {
        self.time_zone.get_or_insert_with(TimeZone::system)
    }

    /// The compiled pattern, `None` when the text is not valid, and room to run it in.
    pub(super) fn pattern(&mut self, text: &str) -> (Option<&Pattern>, &mut Scratch) {
        let found = self.patterns.iter().rposition(|(known, _)| known == text);
        match found {
            Some(index) if index + 1 == self.patterns.len() => {}
            Some(index) => {
                let entry = self.patterns.remove(index);
                self.patterns.push(entry);
            }
            None => {
                if self.patterns.len() == CACHE_SIZE {
                    self.patterns.remove(0);
                }
                self.patterns
                    .push((text.to_owned(), Pattern::compile(text)));
            }
        }
        let pattern = self
            .patterns
            .last()
            .and_then(|(_, pattern)| pattern.as_ref());
        (pattern, &mut self.scratch)
    }

    #[cfg(test)]
    pub(super) fn collators_kept(&self) -> usize {
        self.collators.len()
    }

    /// The collator of this SQL name; `None` when there is no such collation.
    pub(super) fn collator(&mut self, sql_name: &str) -> Option<&Collator> {
        let found = self
            .collators
            .iter()
            .position(|known| known.sql_name().eq_ignore_ascii_case(sql_name));
        let index = match found {
            Some(index) => index,
            None => {
                let collator = Collator::from_sql_name(sql_name)?;
                if self.collators.len() == CACHE_SIZE {
                    self.collators.remove(0);
                }
                self.collators.push(collator);
                self.collators.len() - 1
            }
        };
        self.collators.get(index)
    }
}
