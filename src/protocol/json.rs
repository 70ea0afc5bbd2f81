//! JSON text by its spans: what must be found or cut out is, and the rest stays as it was written
//! (numbers above all). Nesting is bounded, so that recursion is.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use crate::error::{Code, Error, Result};

/// Deepest nesting of a body (design D9).
const MAX_DEPTH: usize = 100;

/// Appends `text` as a JSON string with the fewest escapes.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[start..index]);
        start = index + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let low = usize::from(byte & 15);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), HEX[low]]);
            }
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// Appends `texts` as a JSON list of strings.
pub(super) fn write_strings(texts: &[String], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(text, out);
    }
    out.push(b']');
}

/// Appends `number` in decimal.
pub(super) fn write_number(number: u64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to a vector cannot fail.
    let _ = write!(out, "{number}");
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    /// The key without quotes and escapes.
    pub(super) key: Cow<'a, str>,
    /// Where the key stands, with its quotes.
    pub(super) key_span: Range<usize>,
    /// Where the value stands.
    pub(super) value: Range<usize>,
}

/// A blob reference (`"@type":"blob"` with a digest) and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundBlob {
    /// `/key/0/key`, from the top of the document.
    pub(super) path: String,
    /// The whole object.
    pub(super) span: Range<usize>,
}

/// The members of the object that is the whole of `text[span]`.
///
/// # Errors
/// `CorruptRevisionData` when it is no object or is not well-formed as far as that can be seen.
pub(super) fn members(text: &[u8], span: Range<usize>) -> Result<Vec<Member<'_>>> {
    let mut scanner = Scanner::new(text.get(..span.end).unwrap_or_default(), span.start);
    let mut members = Vec::new();
    scanner.skip_space();
    scanner.expect(b'{')?;
    let mut first = true;
    while scanner.next_item(b'}', &mut first)? {
        let key_span = scanner.string()?;
        scanner.skip_space();
        scanner.expect(b':')?;
        scanner.skip_space();
        let start = scanner.at;
        scanner.value(2, &mut String::new())?;
        members.push(Member {
            key: unquote(&text[key_span.clone()])?,
            key_span,
            value: start..scanner.at,
        });
    }
    scanner.skip_space();
    if scanner.at < scanner.text.len() {
        return Err(scanner.corrupt("has something after its end"));
    }
    Ok(members)
}

/// All blob references in the value `text[span]`, in order. What is inside a reference is not
/// looked at.
///
/// # Errors
/// `CorruptRevisionData`.
pub(super) fn find_blobs(
    text: &[u8],
    span: Range<usize>,
    path: &mut String,
) -> Result<Vec<FoundBlob>> {
    let mut scanner = Scanner {
        text: text.get(..span.end).unwrap_or_default(),
        at: span.start,
        blobs: Some(Vec::new()),
    };
    scanner.value(2, path)?;
    Ok(scanner.blobs.unwrap_or_default())
}

/// The string that `raw` is, or `None` if it is no string.
pub(super) fn as_string(raw: &[u8]) -> Option<Cow<'_, str>> {
    unquote(raw).ok()
}

/// Takes the members with these keys out of an object: the first of their values that is a
/// string, and the object without them (the very bytes, if there are none).
///
/// # Errors
/// `CorruptRevisionData` when `text` is no object.
pub(super) fn take_string_keys(text: &[u8], keys: &[&str]) -> Result<(Option<String>, Bytes)> {
    let members = members(text, 0..text.len())?;
    let taken = |member: &&Member<'_>| keys.contains(&member.key.as_ref());
    let value = (members.iter().filter(taken))
        .find_map(|member| as_string(&text[member.value.clone()]))
        .map(Cow::into_owned);
    if !members.iter().any(|member| taken(&member)) {
        return Ok((value, Bytes::copy_from_slice(text.trim_ascii())));
    }
    let mut rest = ObjectWriter::new(text.len());
    for member in members.iter().filter(|member| !taken(member)) {
        rest.copy(text, member);
    }
    Ok((value, rest.finish().into()))
}

/// Puts an object together from parts of another one.
#[derive(Debug)]
pub(super) struct ObjectWriter {
    out: Vec<u8>,
    is_empty: bool,
}

impl ObjectWriter {
    pub(super) fn new(capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity + 2);
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    fn separate(&mut self) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
    }

    /// Starts a member whose value is then appended to the result.
    pub(super) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.separate();
        write_string(key, &mut self.out);
        self.out.push(b':');
        &mut self.out
    }

    /// Starts a member with the key as it is written in `text`.
    pub(super) fn raw_key(&mut self, text: &[u8], member: &Member<'_>) -> &mut Vec<u8> {
        self.separate();
        self.out.extend_from_slice(&text[member.key_span.clone()]);
        self.out.push(b':');
        &mut self.out
    }

    /// Appends a member as it is.
    pub(super) fn copy(&mut self, text: &[u8], member: &Member<'_>) {
        let value = &text[member.value.clone()];
        self.raw_key(text, member).extend_from_slice(value);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

/// The string that `raw` is.
///
/// # Errors
/// `CorruptRevisionData` when it is none.
pub(super) fn unquote(raw: &[u8]) -> Result<Cow<'_, str>> {
    let bad = || {
        Error::lite(
            Code::CorruptRevisionData,
            "body has a string that is not JSON",
        )
    };
    let inner = raw
        .strip_prefix(b"\"")
        .and_then(|raw| raw.strip_suffix(b"\""))
        .ok_or_else(bad)?;
    if inner.contains(&b'\\') {
        let text: String = serde_json::from_slice(raw).map_err(|_| bad())?;
        Ok(Cow::Owned(text))
    } else {
        std::str::from_utf8(inner)
            .map(Cow::Borrowed)
            .map_err(|_| bad())
    }
}

/// Walks over JSON text. It checks brackets, quotes, commas and depth, not literals: the body is
/// checked strictly when it is stored.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// Where blob references are collected, if they are.
    blobs: Option<Vec<FoundBlob>>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8], at: usize) -> Self {
        Self {
            text,
            at,
            blobs: None,
        }
    }

    /// What is walked over.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Takes any value, which stands `depth` deep; gives its span.
    pub(super) fn skip_value(&mut self, depth: usize) -> Result<Range<usize>> {
        let start = self.at;
        self.value(depth, &mut String::new())?;
        Ok(start..self.at)
    }

    fn corrupt(&self, what: &str) -> Error {
        Error::lite(
            Code::CorruptRevisionData,
            format!("body {what} at byte {}", self.at),
        )
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.corrupt("is not well-formed JSON"));
        }
        self.at += 1;
        Ok(())
    }

    /// Moves to the next item of an object or list; `false` at its end, which is taken.
    pub(super) fn next_item(&mut self, end: u8, first: &mut bool) -> Result<bool> {
        self.skip_space();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(b',')?;
            self.skip_space();
        }
        Ok(true)
    }

    /// Takes a string; its span includes the quotes.
    pub(super) fn string(&mut self) -> Result<Range<usize>> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            match self.peek() {
                None => return Err(self.corrupt("ends inside a string")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
    }

    /// Takes any value. `path` leads to it.
    fn value(&mut self, depth: usize, path: &mut String) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::invalid(format!(
                "body is nested more than {MAX_DEPTH} deep"
            )));
        }
        match self.peek() {
            Some(b'{') => self.object(depth, path),
            Some(b'[') => self.list(depth, path),
            Some(b'"') => self.string().map(|_| ()),
            _ => {
                let start = self.at;
                while matches!(
                    self.peek(),
                    Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.')
                ) {
                    self.at += 1;
                }
                if self.at == start {
                    return Err(self.corrupt("is not well-formed JSON"));
                }
                Ok(())
            }
        }
    }

    fn object(&mut self, depth: usize, path: &mut String) -> Result<()> {
        let start = self.at;
        let path_len = path.len();
        let blobs_before = self.blobs.as_ref().map_or(0, Vec::len);
        let (mut is_blob, mut has_digest) = (false, false);
        self.at += 1;
        let mut first = true;
        while self.next_item(b'}', &mut first)? {
            let key = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let value_start = self.at;
            if self.blobs.is_none() {
                self.value(depth + 1, path)?;
                continue;
            }
            let text = self.text;
            let key = unquote(&text[key])?;
            path.push('/');
            path.push_str(&key);
            self.value(depth + 1, path)?;
            path.truncate(path_len);
            let value = &text[value_start..self.at];
            match &*key {
                "@type" => is_blob = as_string(value).is_some_and(|kind| kind == "blob"),
                "digest" => has_digest = value.starts_with(b"\""),
                _ => {}
            }
        }
        if let Some(blobs) = self.blobs.as_mut().filter(|_| is_blob && has_digest) {
            blobs.truncate(blobs_before);
            blobs.push(FoundBlob {
                path: path.clone(),
                span: start..self.at,
            });
        }
        Ok(())
    }

    fn list(&mut self, depth: usize, path: &mut String) -> Result<()> {
        use std::fmt::Write as _;
        let path_len = path.len();
        self.at += 1;
        let mut first = true;
        let mut index = 0;
        while self.next_item(b']', &mut first)? {
            if self.blobs.is_some() {
                let _ = write!(path, "/{index}");
            }
            self.value(depth + 1, path)?;
            path.truncate(path_len);
            index += 1;
        }
        Ok(())
    }
}
