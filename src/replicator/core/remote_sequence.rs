//! Remote sequences: which are done, and their order (wire §4.5).

use std::cmp::Ordering;
use std::collections::VecDeque;

/// Names an announced remote sequence until it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RemoteSequenceId(u64);

/// Announced remote sequences in order of arrival (wire §4.5): everything before the first one
/// that is not done is done.
#[derive(Debug, Default)]
pub(super) struct RemoteSequences {
    arrivals: VecDeque<(Box<str>, bool)>,
    first: u64,
    done: Option<Box<str>>,
}

impl RemoteSequences {
    /// Takes in a JSON token.
    pub(super) fn add(&mut self, token: &str) -> RemoteSequenceId {
        self.arrivals.push_back((token.into(), false));
        RemoteSequenceId(self.first + self.arrivals.len() as u64 - 1)
    }

    /// The revision is stored, or need not be.
    pub(super) fn complete(&mut self, id: RemoteSequenceId) {
        let index = id.0.checked_sub(self.first);
        let entry = index.and_then(|index| self.arrivals.get_mut(usize::try_from(index).ok()?));
        if let Some(entry) = entry {
            entry.1 = true;
        }
        while let Some((token, true)) = self.arrivals.front_mut() {
            self.done = Some(std::mem::take(token));
            self.arrivals.pop_front();
            self.first += 1;
        }
    }

    /// The last token before the first hole, if it is another than at the last call.
    pub(super) fn take_done(&mut self) -> Option<Box<str>> {
        self.done.take()
    }
}

/// A parsed remote sequence: `S`, `"T:S"`, `"L:T:S"` or `"L::S"`.
#[derive(Clone, Copy, Debug)]
struct RemoteSequence {
    low: Option<u64>,
    triggered_by: Option<u64>,
    sequence: u64,
}

impl RemoteSequence {
    fn parse(token: &str) -> Option<Self> {
        let text = token
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(token);
        let parts: Vec<&str> = text.split(':').collect();
        let (low, triggered_by, sequence) = match parts[..] {
            [s] => (None, None, s),
            [t, s] => (None, Some(t), s),
            [l, "", s] => (Some(l), None, s),
            [l, t, s] => (Some(l), Some(t), s),
            _ => return None,
        };
        let number = |part: Option<&str>| part.map(str::parse).transpose().ok();
        Some(Self {
            low: number(low)?,
            triggered_by: number(triggered_by)?,
            sequence: sequence.parse().ok()?,
        })
    }

    fn is_before(&self, other: &Self) -> bool {
        match (self.low, other.low) {
            (Some(a), Some(b)) if a == b => {
                let rest = |s: &Self| Self { low: None, ..*s };
                rest(self).is_before(&rest(other))
            }
            (Some(a), Some(b)) => a < b,
            (Some(a), None) => a < other.triggered_by.unwrap_or(other.sequence),
            (None, Some(b)) => self.triggered_by.unwrap_or(self.sequence) <= b,
            (None, None) => match (self.triggered_by, other.triggered_by) {
                (None, None) => self.sequence < other.sequence,
                (None, Some(t)) => self.sequence < t,
                (Some(t), None) => t <= other.sequence,
                (Some(a), Some(b)) => (a, self.sequence) < (b, other.sequence),
            },
        }
    }
}

/// Compares two JSON tokens; `None` when one cannot be read.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    if a == b {
        return Some(Ordering::Equal);
    }
    let (a, b) = (RemoteSequence::parse(a)?, RemoteSequence::parse(b)?);
    Some(if a.is_before(&b) {
        Ordering::Less
    } else if b.is_before(&a) {
        Ordering::Greater
    } else {
        Ordering::Equal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_counts_once_all_before_it_are_done() {
        let mut sequences = RemoteSequences::default();
        let ids: Vec<_> = ["7", "\"9:3\"", "8"].map(|t| sequences.add(t)).into();
        sequences.complete(ids[1]);
        assert_eq!(sequences.take_done(), None);
        sequences.complete(ids[0]);
        assert_eq!(sequences.take_done().as_deref(), Some("\"9:3\""));
        sequences.complete(ids[0]);
        assert_eq!(sequences.take_done(), None);
        sequences.complete(ids[2]);
        assert_eq!(sequences.take_done().as_deref(), Some("8"));
    }

    #[test]
    fn order_follows_the_table_of_wire_4_5() {
        use Ordering::*;
        for (a, b, order) in [
            ("1", "2", Less),
            ("10", "9", Greater),
            ("5", "\"6:2\"", Less),
            ("6", "\"6:2\"", Greater),
            ("\"6:2\"", "6", Less),
            ("\"6:2\"", "\"6:3\"", Less),
            ("\"3::9\"", "\"3::10\"", Less),
            ("\"3::9\"", "4", Less),
            ("3", "\"3::9\"", Less),
        ] {
            assert_eq!(compare(a, b), Some(order), "{a} {b}");
            assert_eq!(compare(b, a), Some(order.reverse()), "{b} {a}");
        }
        assert_eq!(compare("1", "\"x\""), None);
        assert_eq!(compare("{}", "1"), None);
    }
}
