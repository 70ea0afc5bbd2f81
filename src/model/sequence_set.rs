//! Sets of sequences, kept as ranges.

use super::Sequence;

/// A set of sequences that is mostly contiguous: sorted, disjoint, non-adjacent half-open ranges.
///
/// Holds 0 from the start ("before the first"), so that a set without holes is one range; this is
/// the form in which checkpoints tell what was pushed (wire §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet {
    ranges: Vec<(u64, u64)>,
}

impl Default for SequenceSet {
    fn default() -> Self {
        Self {
            ranges: vec![(0, 1)],
        }
    }
}

impl SequenceSet {
    /// The set of everything up to `last`, inclusive.
    pub fn up_to(last: Sequence) -> Self {
        Self {
            ranges: vec![(0, last.0.saturating_add(1))],
        }
    }

    /// Reads pairs of start and length (wire §4.2, `localCompleted`); `None` when they are not
    /// pairs, not ascending, or overflow.
    pub fn from_pairs(pairs: &[u64]) -> Option<Self> {
        if !pairs.len().is_multiple_of(2) {
            return None;
        }
        let mut set = Self::default();
        for pair in pairs.chunks_exact(2) {
            let end = pair[0].checked_add(pair[1])?;
            set.insert_range(Sequence(pair[0]), Sequence(end));
        }
        Some(set)
    }

    /// Pairs of start and length, ascending.
    pub fn to_pairs(&self) -> Vec<u64> {
        self.ranges
            .iter()
            .flat_map(|&(start, end)| [start, end - start])
            .collect()
    }

    /// Adds one sequence.
    pub fn insert(&mut self, sequence: Sequence) {
        self.insert_range(sequence, Sequence(sequence.0.saturating_add(1)));
    }

    /// Adds `start..end`.
    pub fn insert_range(&mut self, start: Sequence, end: Sequence) {
        let (mut start, mut end) = (start.0, end.0);
        if start >= end {
            return;
        }
        // Everything that touches [start, end] melts into it.
        let first = self.ranges.partition_point(|&(_, e)| e < start);
        let last = self.ranges.partition_point(|&(s, _)| s <= end);
        if first < last {
            start = start.min(self.ranges[first].0);
            end = end.max(self.ranges[last - 1].1);
        }
        self.ranges.splice(first..last, [(start, end)]);
    }

    /// Whether `sequence` is in the set.
    pub fn contains(&self, sequence: Sequence) -> bool {
        let next = self.ranges.partition_point(|&(s, _)| s <= sequence.0);
        next > 0 && sequence.0 < self.ranges[next - 1].1
    }

    /// The greatest N such that every sequence up to N is in the set.
    pub fn contiguous_end(&self) -> Sequence {
        Sequence(
            self.ranges
                .first()
                .filter(|r| r.0 == 0)
                .map_or(0, |r| r.1 - 1),
        )
    }

    /// Whether there is no hole.
    pub fn is_contiguous(&self) -> bool {
        self.ranges.len() <= 1
    }

    /// What is in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut i, mut j) = (0, 0);
        let mut ranges = Vec::new();
        while let (Some(a), Some(b)) = (self.ranges.get(i), other.ranges.get(j)) {
            let (start, end) = (a.0.max(b.0), a.1.min(b.1));
            if start < end {
                ranges.push((start, end));
            }
            if a.1 < b.1 {
                i += 1;
            } else {
                j += 1;
            }
        }
        Self { ranges }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pairs_read_as_in_wire_4_2() {
        let set = SequenceSet::from_pairs(&[0, 6, 8, 1]).unwrap();
        assert_eq!(set.contiguous_end(), Sequence(5));
        assert!(set.contains(Sequence(8)) && !set.contains(Sequence(7)));
        assert_eq!(set.to_pairs(), [0, 6, 8, 1]);
        assert!(SequenceSet::from_pairs(&[1]).is_none());
        assert!(SequenceSet::from_pairs(&[u64::MAX, 2]).is_none());
    }

    proptest! {
        #[test]
        fn agrees_with_a_tree_of_numbers(
            a in proptest::collection::vec((0_u64..60, 0_u64..9), 0..30),
            b in proptest::collection::vec((0_u64..60, 0_u64..9), 0..30),
        ) {
            let build = |list: &[(u64, u64)]| {
                let mut set = SequenceSet::default();
                let mut model = BTreeSet::from([0]);
                for &(start, length) in list {
                    set.insert_range(Sequence(start), Sequence(start + length));
                    model.extend(start..start + length);
                }
                (set, model)
            };
            let ((set_a, model_a), (set_b, model_b)) = (build(&a), build(&b));
            let both = set_a.intersection(&set_b);
            for n in 0..80 {
                prop_assert_eq!(set_a.contains(Sequence(n)), model_a.contains(&n));
                let in_both = model_a.contains(&n) && model_b.contains(&n);
                prop_assert_eq!(both.contains(Sequence(n)), in_both);
            }
            let end = (0..).take_while(|n| model_a.contains(n)).last().unwrap_or(0);
            prop_assert_eq!(set_a.contiguous_end(), Sequence(end));
            prop_assert_eq!(SequenceSet::from_pairs(&set_a.to_pairs()), Some(set_a));
        }
    }
}
