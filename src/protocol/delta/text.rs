//! Patches of strings: `5=` keep 5 bytes, `3-` skip 3, `2+ab|` insert `ab` (wire §6.2).

use std::fmt::Write as _;

use super::corrupt;
use crate::error::Result;

/// Most edits within a string that are looked for; with more, its changed part is replaced whole.
const MAX_EDITS: usize = 256;
/// Longest changed part, in characters of the old and the new text, that is looked at closely.
const MAX_CHARS: usize = 32 * 1024;
/// Bytes that a kept run between two edits must have to pay for its own operation.
const MIN_KEPT: usize = 5;

/// Carries out a patch.
///
/// # Errors
/// `CorruptDelta` when it does not fit the text exactly.
pub(super) fn apply(old: &str, patch: &str) -> Result<String> {
    let mut out = String::new();
    let (mut old, mut patch) = (old, patch);
    while !patch.is_empty() {
        let digits = patch.bytes().take_while(u8::is_ascii_digit).count();
        let count: usize = patch[..digits]
            .parse()
            .map_err(|_| corrupt("has a text patch without a number"))?;
        let mut rest = patch[digits..].chars();
        let operation = rest.next();
        patch = rest.as_str();
        let misfit = || corrupt("has a text patch that does not fit the text");
        if operation == Some('+') {
            let (text, rest) = patch.split_at_checked(count).ok_or_else(misfit)?;
            out.push_str(text);
            patch = rest.strip_prefix('|').ok_or_else(misfit)?;
            continue;
        }
        let (taken, rest) = old.split_at_checked(count).ok_or_else(misfit)?;
        old = rest;
        match operation {
            Some('=') => out.push_str(taken),
            Some('-') => {}
            _ => return Err(corrupt("has a text patch with an unknown operation")),
        }
    }
    if old.is_empty() {
        Ok(out)
    } else {
        Err(corrupt("has a text patch that ends before the text"))
    }
}

/// A patch that makes `old` to `new`.
pub(super) fn generate(old: &str, new: &str) -> String {
    let mut prefix = common(old.bytes(), new.bytes());
    while !(old.is_char_boundary(prefix) && new.is_char_boundary(prefix)) {
        prefix -= 1;
    }
    let (old_rest, new_rest) = (&old[prefix..], &new[prefix..]);
    let mut suffix = common(old_rest.bytes().rev(), new_rest.bytes().rev());
    while !(old_rest.is_char_boundary(old_rest.len() - suffix)
        && new_rest.is_char_boundary(new_rest.len() - suffix))
    {
        suffix -= 1;
    }
    let mut patch = Patch::default();
    patch.keep(prefix);
    patch.edit_all(
        &old_rest[..old_rest.len() - suffix],
        &new_rest[..new_rest.len() - suffix],
    );
    patch.keep(suffix);
    patch.finish()
}

fn common(old: impl Iterator<Item = u8>, new: impl Iterator<Item = u8>) -> usize {
    old.zip(new).take_while(|(old, new)| old == new).count()
}

/// Operations being written; edits that touch are joined.
#[derive(Default)]
struct Patch<'a> {
    out: String,
    kept: usize,
    skipped: usize,
    inserted: Vec<&'a str>,
}

impl<'a> Patch<'a> {
    fn edit_all(&mut self, old: &'a str, new: &'a str) {
        let (mut old_at, mut new_at) = (0, 0);
        for run in kept_runs(old, new) {
            self.edit(&old[old_at..run.old], &new[new_at..run.new]);
            self.keep(run.len);
            (old_at, new_at) = (run.old + run.len, run.new + run.len);
        }
        self.edit(&old[old_at..], &new[new_at..]);
    }

    fn keep(&mut self, bytes: usize) {
        if bytes > 0 {
            self.flush_edit();
            self.kept += bytes;
        }
    }

    fn edit(&mut self, old: &str, new: &'a str) {
        if old.is_empty() && new.is_empty() {
            return;
        }
        self.flush_kept();
        self.skipped += old.len();
        self.inserted.push(new);
    }

    fn flush_kept(&mut self) {
        if self.kept > 0 {
            // Writing to a string cannot fail.
            let _ = write!(self.out, "{}=", std::mem::take(&mut self.kept));
        }
    }

    fn flush_edit(&mut self) {
        if self.skipped > 0 {
            let _ = write!(self.out, "{}-", std::mem::take(&mut self.skipped));
        }
        let text = std::mem::take(&mut self.inserted).concat();
        if !text.is_empty() {
            let _ = write!(self.out, "{}+{text}|", text.len());
        }
    }

    fn finish(mut self) -> String {
        self.flush_edit();
        self.flush_kept();
        self.out
    }
}

/// A run of bytes that both texts have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    old: usize,
    new: usize,
    len: usize,
}

/// The runs to keep, in order, each long enough to pay.
fn kept_runs(old: &str, new: &str) -> Vec<Run> {
    if old.is_empty() || new.is_empty() {
        return Vec::new();
    }
    let old_chars: Vec<(usize, char)> = old.char_indices().take(MAX_CHARS + 1).collect();
    let new_chars: Vec<(usize, char)> = new.char_indices().take(MAX_CHARS + 1).collect();
    if old_chars.len() > MAX_CHARS || new_chars.len() > MAX_CHARS {
        return Vec::new();
    }
    let mut runs: Vec<Run> = Vec::new();
    for (old_index, new_index) in matches(&old_chars, &new_chars) {
        let (old_at, char) = old_chars[old_index];
        let new_at = new_chars[new_index].0;
        let len = char.len_utf8();
        match runs.last_mut() {
            Some(run) if run.old + run.len == old_at && run.new + run.len == new_at => {
                run.len += len;
            }
            _ => runs.push(Run {
                old: old_at,
                new: new_at,
                len,
            }),
        }
    }
    runs.retain(|run| run.len >= MIN_KEPT);
    runs
}

/// Pairs of equal characters along a shortest edit script, in order (Myers 1986, "An O(ND)
/// Difference Algorithm", greedy). None when the script has more than [`MAX_EDITS`].
fn matches(old: &[(usize, char)], new: &[(usize, char)]) -> Vec<(usize, usize)> {
    let (old_len, new_len) = (old.len(), new.len());
    let limit = MAX_EDITS.min(old_len + new_len);
    // furthest[k + limit + 1]: how far in `old` diagonal k (old index − new index) was reached.
    let width = 2 * limit + 3;
    let mut furthest = vec![0_usize; width];
    let mut trace: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=limit {
        trace.push(furthest.clone());
        for slot in (limit + 1 - edits..=limit + 1 + edits).step_by(2) {
            let down = slot == limit + 1 - edits
                || (slot != limit + 1 + edits && furthest[slot - 1] < furthest[slot + 1]);
            let mut x = if down {
                furthest[slot + 1]
            } else {
                furthest[slot - 1] + 1
            };
            let Some(mut y) = (x + limit + 1).checked_sub(slot) else {
                continue;
            };
            while x < old_len && y < new_len && old[x].1 == new[y].1 {
                (x, y) = (x + 1, y + 1);
            }
            furthest[slot] = x;
            if x >= old_len && y >= new_len {
                return walk_back(&trace, limit, (old_len, new_len));
            }
        }
    }
    Vec::new()
}

fn walk_back(
    trace: &[Vec<usize>],
    limit: usize,
    (mut x, mut y): (usize, usize),
) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (edits, furthest) in trace.iter().enumerate().rev() {
        let slot = x + limit + 1 - y;
        let down = slot == limit + 1 - edits
            || (slot != limit + 1 + edits && furthest[slot - 1] < furthest[slot + 1]);
        let before = if down { slot + 1 } else { slot - 1 };
        let before_x = if edits == 0 { 0 } else { furthest[before] };
        let start_x = match (edits, down) {
            (0, _) | (_, true) => before_x,
            (_, false) => before_x + 1,
        };
        while x > start_x {
            (x, y) = (x - 1, y - 1);
            pairs.push((x, y));
        }
        if edits > 0 {
            x = before_x;
            y = x + limit + 1 - before;
        }
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_must_fit_its_text_exactly() {
        assert_eq!(apply("hello", "2=1-2+xy|2=").unwrap(), "hexylo");
        assert_eq!(apply("", "").unwrap(), "");
        for bad in [
            "2=",
            "6=",
            "5=1-",
            "=",
            "5",
            "5*",
            "2=1-2+x|2=",
            "5=3+ab|",
            "5=1+ab|",
            "-5=",
            "5=+",
            "99999999999999999999999=",
            "5=2+xy",
        ] {
            assert!(apply("hello", bad).is_err(), "{bad}");
        }
        assert!(apply("é", "1=1-").is_err());
        assert!(apply("é", "2=1+é|").is_err());
    }

    #[test]
    fn unlike_texts_are_replaced_in_bounded_time() {
        let old: String = (0..200_000_u32)
            .map(|n| char::from(b'a' + (n % 1_009 * (n % 997) % 23) as u8))
            .collect();
        let new: String = (0..200_000_u32)
            .map(|n| char::from(b'a' + (n * 7 % 26) as u8))
            .collect();
        let patch = generate(&old, &new);
        assert_eq!(apply(&old, &patch).unwrap(), new);
        let (old, new) = (&old[..20_000], &new[..20_000]);
        assert_eq!(apply(old, &generate(old, new)).unwrap(), new);
    }
}
