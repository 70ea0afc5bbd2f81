//! Regular expressions of the ECMAScript dialect, matched with bounded work (query spec §7.2).
//!
//! Characters are code points, there are no flags, `.` does not match a line break. Look-ahead,
//! look-behind and back-references are there, so matching backtracks. Three things keep it within
//! bounds: a state (place in the pattern, place in the text) that has failed once is not tried
//! again, which makes patterns linear in the text if they have no back-references and no loop over
//! what may be empty; every step is taken from an allowance; and the stack is limited. Of the engines in the registry none counts all of
//! its work, which is why this room has its own.

mod class;
mod compile;
mod matcher;
mod parse;

use std::ops::Range;

pub use matcher::Scratch;

/// Longest pattern, in bytes.
pub const MAX_PATTERN_LEN: usize = 16 * 1024;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern(compile::Program);

/// Matching was given up: it would take too many steps or too much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GaveUp;

/// Where a pattern was found. Offsets are bytes, at character boundaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match(Vec<usize>);

/// A group that took no part.
const UNSET: usize = usize::MAX;

impl Pattern {
    /// Compiles; `None` when the text is no valid pattern, or one that is too large: longer than
    /// [`MAX_PATTERN_LEN`], groups nested over 100 deep, counts that multiply to huge programs.
    pub fn compile(text: &str) -> Option<Self> {
        if text.len() > MAX_PATTERN_LEN {
            return None;
        }
        let parsed = parse::parse(text)?;
        compile::compile(&parsed).map(Self)
    }

    /// The first match at or after the byte offset `from`.
    ///
    /// # Errors
    /// [`GaveUp`] after 4 million steps and 128 more for every byte of text.
    pub fn find(
        &self,
        text: &str,
        from: usize,
        scratch: &mut Scratch,
    ) -> Result<Option<Match>, GaveUp> {
        scratch.allow(text.len());
        self.find_more(text, from, scratch)
    }

    /// As [`Pattern::find`], with what is left of the allowance of the last [`Scratch::allow`].
    ///
    /// # Errors
    /// [`GaveUp`] when it is used up.
    pub fn find_more(
        &self,
        text: &str,
        from: usize,
        scratch: &mut Scratch,
    ) -> Result<Option<Match>, GaveUp> {
        let found = matcher::find(&self.0, text, from, scratch)?;
        Ok(found.then(|| Match(scratch.slots().to_vec())))
    }
}

impl Match {
    /// Where it starts.
    pub fn start(&self) -> usize {
        self.0[0]
    }

    /// Where it ends.
    pub fn end(&self) -> usize {
        self.0[1]
    }

    /// How many groups the pattern has.
    pub fn groups(&self) -> usize {
        self.0.len() / 2 - 1
    }

    /// Where a group matched, counted from 1; `None` when it took no part.
    pub fn group(&self, index: usize) -> Option<Range<usize>> {
        match self.0.get(2 * index..2 * index + 2) {
            Some(&[start, end]) if start != UNSET && end != UNSET => Some(start..end),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
