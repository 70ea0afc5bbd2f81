//! Base and body to delta.

use std::ops::Range;

use bytes::Bytes;

use super::super::json::{self, Member, Scanner};
use super::{corrupt, text};
use crate::error::Result;

/// Bodies shorter than this, in bytes of JSON, are not worth a delta (wire §6.1).
pub const MIN_BODY_LEN: usize = 200;
/// Shortest new text, in bytes, that is patched rather than replaced (wire §6.2).
const MIN_PATCHED_TEXT: usize = 60;
/// What a text patch costs besides its operations: `["` and `",0,2]` less the quotes (wire §6.2).
const PATCH_OVERHEAD: usize = 6;
/// Most keys of one object that are compared.
const MAX_MEMBERS: usize = 100_000;
/// How often, on average, a byte of the two bodies is looked at before it is given up.
const MAX_PASSES: usize = 16;

/// The delta that makes `old` to `new`, both compact JSON text of objects with unique keys; `None`
/// when it is better to send `new` in full.
///
/// LiteCore allows a delta 1.2 times the size of the body in its own encoding, which is more
/// compact than JSON; here it may be as long as the JSON text.
pub fn generate(old: &[u8], new: &[u8]) -> Option<Bytes> {
    if new.len() < MIN_BODY_LEN || old == b"{}" {
        return None;
    }
    diff(old, new).ok().map(Bytes::from)
}

/// The delta without regard to whether it pays for so small a body.
pub(super) fn diff(old: &[u8], new: &[u8]) -> Result<Vec<u8>> {
    let mut differ = Differ {
        old,
        new,
        out: Vec::with_capacity(256),
        limit: new.len().max(MIN_BODY_LEN),
        looks_left: (old.len() + new.len()).saturating_mul(MAX_PASSES),
    };
    if old == new {
        return Ok(b"{}".to_vec());
    }
    differ.value(0..old.len(), 0..new.len())?;
    differ.check()?;
    Ok(differ.out)
}

struct Differ<'a> {
    old: &'a [u8],
    new: &'a [u8],
    out: Vec<u8>,
    /// Longest delta that pays.
    limit: usize,
    looks_left: usize,
}

impl<'a> Differ<'a> {
    fn check(&self) -> Result<()> {
        if self.out.len() > self.limit {
            return Err(corrupt("does not pay"));
        }
        Ok(())
    }

    fn look(&mut self, old: &Range<usize>, new: &Range<usize>) -> Result<()> {
        let left = self.looks_left.checked_sub(old.len() + new.len());
        self.looks_left = left.ok_or_else(|| corrupt("is too laborious"))?;
        self.check()
    }

    /// Writes the delta of two values that differ.
    fn value(&mut self, old: Range<usize>, new: Range<usize>) -> Result<()> {
        match (self.old.get(old.start), self.new.get(new.start)) {
            (Some(b'{'), Some(b'{')) => self.objects(old, new),
            (Some(b'['), Some(b'[')) => self.lists(old, new),
            (Some(b'"'), Some(b'"')) => self.texts(old, new),
            _ => {
                self.replacement(new);
                Ok(())
            }
        }
    }

    /// Writes a new value: containers in brackets, others as they are.
    fn replacement(&mut self, new: Range<usize>) {
        let value = &self.new[new];
        if value.starts_with(b"{") || value.starts_with(b"[") {
            self.out.push(b'[');
            self.out.extend_from_slice(value);
            self.out.push(b']');
        } else {
            self.out.extend_from_slice(value);
        }
    }

    fn objects(&mut self, old: Range<usize>, new: Range<usize>) -> Result<()> {
        self.look(&old, &new)?;
        let old_members = sorted_members(self.old, old)?;
        let new_members = sorted_members(self.new, new)?;
        let mut old_members = old_members.into_iter().peekable();
        self.out.push(b'{');
        let mut empty = true;
        for member in new_members {
            while let Some(gone) = old_members.next_if(|old| old.key < member.key) {
                self.deletion(&gone, &mut empty);
            }
            match old_members.next_if(|old| old.key == member.key) {
                Some(before) => {
                    if self.old[before.value.clone()] != self.new[member.value.clone()] {
                        self.key(self.new, &member, &mut empty);
                        self.value(before.value, member.value)?;
                    }
                }
                None => {
                    self.key(self.new, &member, &mut empty);
                    self.replacement(member.value);
                }
            }
            self.check()?;
        }
        for gone in old_members {
            self.deletion(&gone, &mut empty);
        }
        self.out.push(b'}');
        Ok(())
    }

    fn key(&mut self, text: &[u8], member: &Member<'_>, empty: &mut bool) {
        if !std::mem::take(empty) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(&text[member.key_span.clone()]);
        self.out.push(b':');
    }

    fn deletion(&mut self, gone: &Member<'_>, empty: &mut bool) {
        self.key(self.old, gone, empty);
        self.out.extend_from_slice(b"[]");
    }

    fn lists(&mut self, old: Range<usize>, new: Range<usize>) -> Result<()> {
        if &self.old[old.clone()] == b"[]" || &self.new[new.clone()] == b"[]" {
            self.replacement(new);
            return Ok(());
        }
        self.look(&old, &new)?;
        let mut old_items = Items::new(&self.old[..old.end], old.start)?;
        let mut new_items = Items::new(&self.new[..new.end], new.start)?;
        self.out.push(b'{');
        let mut empty = true;
        for index in 0_u64.. {
            let (before, after) = (old_items.next()?, new_items.next()?);
            if before.is_none() && after.is_none() {
                break;
            }
            if let (Some(before), Some(after)) = (&before, &after)
                && self.old[before.clone()] == self.new[after.clone()]
            {
                continue;
            }
            if !std::mem::take(&mut empty) {
                self.out.push(b',');
            }
            self.out.push(b'"');
            json::write_number(index, &mut self.out);
            match (before, after) {
                (Some(before), Some(after)) => {
                    self.out.extend_from_slice(b"\":");
                    self.value(before, after)?;
                    self.check()?;
                }
                (_, after) => {
                    // The rest of one list has nothing on the other side.
                    let rest = after.map_or(&b"]"[..], |after| &self.new[after.start..new.end]);
                    self.out.extend_from_slice(b"-\":[");
                    self.out.extend_from_slice(rest);
                    break;
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn texts(&mut self, old: Range<usize>, new: Range<usize>) -> Result<()> {
        if new.len() >= MIN_PATCHED_TEXT {
            self.look(&old, &new)?;
            let before = json::unquote(&self.old[old])?;
            let after = json::unquote(&self.new[new.clone()])?;
            if after.len() >= MIN_PATCHED_TEXT {
                let patch = text::generate(&before, &after);
                if patch.len() + PATCH_OVERHEAD < after.len() {
                    self.out.push(b'[');
                    json::write_string(&patch, &mut self.out);
                    self.out.extend_from_slice(b",0,2]");
                    return Ok(());
                }
            }
        }
        self.replacement(new);
        Ok(())
    }
}

fn sorted_members(text: &[u8], span: Range<usize>) -> Result<Vec<Member<'_>>> {
    let mut members = json::members(text, span)?;
    if members.len() > MAX_MEMBERS {
        return Err(corrupt("has too many keys"));
    }
    if !members.is_sorted_by(|a, b| a.key <= b.key) {
        members.sort_by(|a, b| a.key.cmp(&b.key));
    }
    Ok(members)
}

/// The spans of a list's elements.
struct Items<'a> {
    scanner: Scanner<'a>,
    first: bool,
    ended: bool,
}

impl<'a> Items<'a> {
    fn new(text: &'a [u8], start: usize) -> Result<Self> {
        let mut scanner = Scanner::new(text, start);
        scanner.expect(b'[')?;
        Ok(Self {
            scanner,
            first: true,
            ended: false,
        })
    }

    fn next(&mut self) -> Result<Option<Range<usize>>> {
        if self.ended || !self.scanner.next_item(b']', &mut self.first)? {
            self.ended = true;
            return Ok(None);
        }
        self.scanner.skip_value(2).map(Some)
    }
}
