//! Base and delta to body.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::json::{self, Scanner};
use super::{corrupt, text};
use crate::error::{Code, Error, Result};
use crate::model::body::{MAX_BODY_LEN, MAX_NESTING};

/// Most entries of one delta. A real one has no more than its documents have keys and elements.
const MAX_ENTRIES: usize = 1_000_000;

/// Carries out a delta on the JSON text of an object. The result is an object; what was copied from the
/// delta is not checked as strictly as storing it will.
///
/// The base is read once, front to back, and copied; only the delta is held apart. A delta can add no
/// more than its own length.
///
/// # Errors
/// `CorruptDelta` when it does not fit the base, is no delta, or its result is no object, nested too
/// deep, or longer than [`MAX_BODY_LEN`].
pub fn apply(base: &[u8], delta: &[u8]) -> Result<Bytes> {
    let as_corrupt = |error: Error| match error {
        Error::Lite {
            code: Code::CorruptDelta,
            ..
        } => error,
        other => corrupt(&format!("is not well-formed: {}", other.message())),
    };
    let delta = Parser::parse(delta).map_err(as_corrupt)?;
    let mut writer = Applier {
        base: Scanner::new(base, 0),
        out: Vec::with_capacity(base.len() + 256),
    };
    let outcome = writer.value(&delta, 1).map_err(as_corrupt)?;
    if outcome == Outcome::Deleted || !writer.out.starts_with(b"{") {
        return Err(corrupt("makes the document no object"));
    }
    Ok(writer.out.into())
}

/// A delta, or a part of one.
#[derive(Debug)]
enum Node<'a> {
    /// Changes within an object or array, sorted by key, each key once.
    Within(Vec<(Cow<'a, str>, Self)>),
    /// A JSON array: what it means depends on what it is applied to.
    List(&'a [u8]),
    /// The JSON text of a new value.
    Scalar(&'a [u8]),
}

/// What a JSON array says as a delta.
enum ListDelta<'a> {
    Delete,
    Replace(&'a [u8]),
    Patch(Cow<'a, str>),
}

impl<'a> ListDelta<'a> {
    fn read(list: &'a [u8]) -> Result<Self> {
        let mut items: Vec<&[u8]> = Vec::with_capacity(3);
        let mut scanner = Scanner::new(list, 0);
        scanner.expect(b'[')?;
        let mut first = true;
        while scanner.next_item(b']', &mut first)? {
            if items.len() == 3 {
                return Err(corrupt("has a list of more than three items"));
            }
            items.push(&list[scanner.skip_value(2)?]);
        }
        match items[..] {
            [] | [_, b"0", b"0"] => Ok(Self::Delete),
            [new] | [_, new] => Ok(Self::Replace(new)),
            [patch, b"0", b"2"] => json::as_string(patch)
                .map(Self::Patch)
                .ok_or_else(|| corrupt("has a text patch that is no text")),
            _ => Err(corrupt("has a list that means nothing")),
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    scanner: Scanner<'a>,
    entries: usize,
}

impl<'a> Parser<'a> {
    fn parse(text: &'a [u8]) -> Result<Node<'a>> {
        let mut parser = Self {
            text,
            scanner: Scanner::new(text, 0),
            entries: 0,
        };
        parser.scanner.skip_space();
        let node = parser.node(1)?;
        parser.scanner.skip_space();
        if parser.scanner.peek().is_some() {
            return Err(corrupt("has something after its end"));
        }
        Ok(node)
    }

    fn node(&mut self, depth: usize) -> Result<Node<'a>> {
        if self.scanner.peek() != Some(b'{') {
            let text = &self.text[self.scanner.skip_value(depth)?];
            return Ok(if text.starts_with(b"[") {
                Node::List(text)
            } else {
                Node::Scalar(text)
            });
        }
        if depth > MAX_NESTING {
            return Err(corrupt("is nested too deep"));
        }
        self.scanner.expect(b'{')?;
        let mut entries = Vec::new();
        let mut first = true;
        while self.scanner.next_item(b'}', &mut first)? {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(corrupt("has too many entries"));
            }
            let key = self.scanner.string()?;
            let key = json::unquote(&self.text[key])?;
            self.scanner.skip_space();
            self.scanner.expect(b':')?;
            self.scanner.skip_space();
            entries.push((key, self.node(depth + 1)?));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(corrupt("has a key twice"));
        }
        Ok(Node::Within(entries))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    Deleted,
}

struct Applier<'a> {
    base: Scanner<'a>,
    out: Vec<u8>,
}

impl Applier<'_> {
    fn push(&mut self, text: &[u8]) -> Result<()> {
        if self.out.len() + text.len() > MAX_BODY_LEN {
            return Err(corrupt(&format!(
                "makes the document longer than {MAX_BODY_LEN} bytes"
            )));
        }
        self.out.extend_from_slice(text);
        Ok(())
    }

    /// Takes the base's next value, and writes what the delta makes of it.
    fn value(&mut self, delta: &Node<'_>, depth: usize) -> Result<Outcome> {
        self.base.skip_space();
        match delta {
            Node::Scalar(new) => {
                self.base.skip_value(depth)?;
                self.push(new)?;
            }
            Node::List(list) => {
                let old = self.base.skip_value(depth)?;
                match ListDelta::read(list)? {
                    ListDelta::Delete => return Ok(Outcome::Deleted),
                    ListDelta::Replace(new) => self.push(new)?,
                    ListDelta::Patch(patch) => {
                        let old = json::as_string(&self.base.text()[old])
                            .ok_or_else(|| corrupt("patches a value that is no text"))?;
                        let new = text::apply(&old, &patch)?;
                        let mut quoted = Vec::with_capacity(new.len() + 2);
                        json::write_string(&new, &mut quoted);
                        self.push(&quoted)?;
                    }
                }
            }
            Node::Within(_) if depth > MAX_NESTING => {
                return Err(corrupt("goes deeper than a document may"));
            }
            Node::Within(entries) => match self.base.peek() {
                Some(b'{') => self.object(entries, depth)?,
                Some(b'[') => self.list(entries, depth)?,
                _ => return Err(corrupt("changes the inside of a plain value")),
            },
        }
        Ok(Outcome::Written)
    }

    fn object(&mut self, entries: &[(Cow<'_, str>, Node<'_>)], depth: usize) -> Result<()> {
        let mut used = vec![false; entries.len()];
        self.base.expect(b'{')?;
        self.push(b"{")?;
        let mut first = true;
        let mut empty = true;
        while self.base.next_item(b'}', &mut first)? {
            let key = self.base.string()?;
            self.base.skip_space();
            self.base.expect(b':')?;
            self.base.skip_space();
            let before = self.out.len();
            if !empty {
                self.push(b",")?;
            }
            let text = self.base.text();
            self.push(&text[key.clone()])?;
            self.push(b":")?;
            let name = json::unquote(&text[key])?;
            let outcome = match entries.binary_search_by(|entry| entry.0.cmp(&name)) {
                Ok(place) => {
                    used[place] = true;
                    self.value(&entries[place].1, depth + 1)?
                }
                Err(_) => {
                    let value = self.base.skip_value(depth + 1)?;
                    self.push(&text[value])?;
                    Outcome::Written
                }
            };
            match outcome {
                Outcome::Written => empty = false,
                Outcome::Deleted => self.out.truncate(before),
            }
        }
        for ((key, node), _) in entries.iter().zip(used).filter(|(_, used)| !used) {
            if !std::mem::take(&mut empty) {
                self.push(b",")?;
            }
            let mut quoted = Vec::with_capacity(key.len() + 3);
            json::write_string(key, &mut quoted);
            quoted.push(b':');
            self.push(&quoted)?;
            match node {
                Node::Scalar(new) => self.push(new)?,
                Node::List(list) => match ListDelta::read(list)? {
                    ListDelta::Replace(new) => self.push(new)?,
                    ListDelta::Delete => return Err(corrupt("deletes a key that is not there")),
                    ListDelta::Patch(_) => return Err(corrupt("patches a text that is not there")),
                },
                Node::Within(_) => return Err(corrupt("changes a value that is not there")),
            }
        }
        self.push(b"}")
    }

    fn list(&mut self, entries: &[(Cow<'_, str>, Node<'_>)], depth: usize) -> Result<()> {
        let (changes, tail) = list_entries(entries)?;
        let mut changes = changes.into_iter().peekable();
        self.base.expect(b'[')?;
        self.push(b"[")?;
        let mut first = true;
        let mut index = 0;
        while self.base.next_item(b']', &mut first)? {
            if tail.is_some_and(|(start, _)| index >= start) {
                self.base.skip_value(depth + 1)?;
                continue;
            }
            if index > 0 {
                self.push(b",")?;
            }
            match changes.next_if(|(at, _)| *at == index) {
                Some((_, change)) => {
                    if self.value(change, depth + 1)? == Outcome::Deleted {
                        return Err(corrupt("deletes one element of a list"));
                    }
                }
                None => {
                    let text = self.base.text();
                    let value = self.base.skip_value(depth + 1)?;
                    self.push(&text[value])?;
                }
            }
            index += 1;
        }
        if let Some((start, items)) = tail {
            if start > index {
                return Err(corrupt("continues a list after its end"));
            }
            let items = items.trim_ascii();
            if index > 0 && !items.is_empty() {
                self.push(b",")?;
            }
            self.push(items)?;
        }
        self.push(b"]")
    }
}

/// Changed elements in order of their place, and from where on the list is replaced by what (the
/// text between the brackets).
type ListEntries<'a, 'n> = (Vec<(usize, &'n Node<'a>)>, Option<(usize, &'a [u8])>);

fn list_entries<'a, 'n>(entries: &'n [(Cow<'a, str>, Node<'a>)]) -> Result<ListEntries<'a, 'n>> {
    let mut changes = Vec::with_capacity(entries.len());
    let mut tail = None;
    for (key, node) in entries {
        let number = key.strip_suffix('-').unwrap_or(key);
        let canonical = number.bytes().all(|byte| byte.is_ascii_digit())
            && (number == "0" || !number.starts_with('0'));
        let index: usize = (number.parse().ok())
            .filter(|_| canonical)
            .ok_or_else(|| corrupt("has a list index that is no number"))?;
        if number.len() == key.len() {
            changes.push((index, node));
        } else {
            let items = match node {
                Node::List(list) => list.strip_prefix(b"[").and_then(|l| l.strip_suffix(b"]")),
                _ => None,
            };
            let items = items.ok_or_else(|| corrupt("has a tail of a list that is no list"))?;
            if tail.replace((index, items)).is_some() {
                return Err(corrupt("replaces the tail of a list twice"));
            }
        }
    }
    changes.sort_unstable_by_key(|(index, _)| *index);
    Ok((changes, tail))
}
