//! Sets of characters.

/// A set of code points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CharSet {
    /// One bit for every ASCII character.
    ascii: u128,
    /// All of it, sorted, disjoint, not touching.
    ranges: Vec<(u32, u32)>,
}

/// `\d`
pub(super) const DIGITS: &[(u32, u32)] = &[(0x30, 0x39)];

/// `\w`
pub(super) const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];

/// `\s`: white space and line terminators.
pub(super) const SPACE: &[(u32, u32)] = &[
    (0x09, 0x0d),
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x2028, 0x2029),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
    (0xfeff, 0xfeff),
];

/// What `.` does not match.
pub(super) const LINE_BREAKS: &[(u32, u32)] = &[(0x0a, 0x0a), (0x0d, 0x0d), (0x2028, 0x2029)];

const LAST: u32 = char::MAX as u32;

impl CharSet {
    /// From ranges in any order, which may overlap.
    pub(super) fn new(ranges: &[(u32, u32)]) -> Self {
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (start, end) in sorted {
            match merged.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        let mut ascii = 0;
        for &(start, end) in &merged {
            for code in start..=end.min(127) {
                ascii |= 1 << code;
            }
        }
        Self {
            ascii,
            ranges: merged,
        }
    }

    /// Everything that is not in these ranges.
    pub(super) fn not(ranges: &[(u32, u32)]) -> Self {
        let set = Self::new(ranges);
        let mut rest = Vec::with_capacity(set.ranges.len() + 1);
        let mut next = 0;
        for (start, end) in set.ranges {
            if start > next {
                rest.push((next, start - 1));
            }
            next = end + 1;
        }
        if next <= LAST {
            rest.push((next, LAST));
        }
        Self::new(&rest)
    }

    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    #[inline]
    pub(super) fn contains(&self, c: char) -> bool {
        let code = u32::from(c);
        if code < 128 {
            return self.ascii >> code & 1 == 1;
        }
        let after = self.ranges.partition_point(|&(start, _)| start <= code);
        after > 0 && self.ranges[after - 1].1 >= code
    }
}

/// Whether `\w` matches it.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
