//! The strict JSON reader: text to a flat tape of values with their JSONB sizes.

use super::MAX_NESTING;
use super::scan::find_special;
use crate::error::{Error, Result};

/// A piece of the input or, for strings that had escapes, of the unescaped bytes.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u32,
    len: u32,
    unescaped: bool,
}

impl Span {
    pub(super) fn len(self) -> usize {
        self.len as usize
    }

    /// Whether the JSON form may differ from the raw bytes.
    pub(super) fn may_need_escapes(self) -> bool {
        self.unescaped
    }
}

/// One value. Sizes are those of its JSONB payload without header.
#[derive(Clone, Copy)]
pub(super) enum Node {
    Null,
    True,
    False,
    Int(Span),
    Float(Span),
    Text(Span),
    /// Items follow in the tape; `end` is the index after the last of them.
    Array {
        size: u32,
        end: u32,
    },
    /// `members` is a range of [`Tape::members`], sorted and unique; `end` as in `Array`.
    Object {
        size: u32,
        first: u32,
        count: u32,
        end: u32,
    },
}

/// A key and the tape index of its value.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) key: Span,
    pub(super) value: u32,
}

/// A body that was read. Index 0 is the top-level object.
pub(super) struct Tape<'a> {
    text: &'a [u8],
    unescaped: Vec<u8>,
    nodes: Vec<Node>,
    members: Vec<Member>,
    /// Whether some key is `@type`: only then can there be blobs.
    has_type_key: bool,
}

/// Bytes of the shortest JSONB header for a payload of this size.
pub(super) fn header_len(payload: usize) -> usize {
    match payload {
        0..=11 => 1,
        12..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

impl<'a> Tape<'a> {
    /// Reads `text`, which is at most [`super::MAX_BODY_LEN`] bytes, so that `u32` offsets do.
    pub(super) fn read(text: &'a str) -> Result<Self> {
        let mut reader = Reader {
            tape: Self {
                text: text.as_bytes(),
                unescaped: Vec::new(),
                nodes: Vec::with_capacity(text.len() / 12 + 4),
                members: Vec::with_capacity(text.len() / 20 + 4),
                has_type_key: false,
            },
            at: 0,
            pending: Vec::with_capacity(16),
        };
        reader.skip_space();
        if reader.peek() != Some(b'{') {
            // What it is instead is told only if it is JSON at all.
            reader.value(1)?;
            return Err(Error::invalid("document body is not a JSON object"));
        }
        reader.value(1)?;
        reader.skip_space();
        match reader.peek() {
            None => Ok(reader.tape),
            Some(_) => Err(reader.unexpected("the end")),
        }
    }

    pub(super) fn node(&self, index: u32) -> Node {
        self.nodes[index as usize]
    }

    pub(super) fn members(&self, first: u32, count: u32) -> &[Member] {
        &self.members[first as usize..(first + count) as usize]
    }

    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        let source = if span.unescaped {
            &self.unescaped
        } else {
            self.text
        };
        &source[span.start as usize..(span.start + span.len) as usize]
    }

    pub(super) fn text_len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn has_type_key(&self) -> bool {
        self.has_type_key
    }

    /// Index of the value after the one at `index`.
    pub(super) fn next(&self, index: u32) -> u32 {
        match self.node(index) {
            Node::Array { end, .. } | Node::Object { end, .. } => end,
            _ => index + 1,
        }
    }

    /// Size of a value with its header.
    fn total_size(&self, index: u32) -> usize {
        let payload = match self.node(index) {
            Node::Null | Node::True | Node::False => 0,
            Node::Int(span) | Node::Float(span) | Node::Text(span) => span.len(),
            Node::Array { size, .. } | Node::Object { size, .. } => size as usize,
        };
        header_len(payload) + payload
    }
}

/// A number of so many characters and without exponent is below 1.8e308.
const SURELY_FINITE: usize = 308;

struct Reader<'a> {
    tape: Tape<'a>,
    at: usize,
    /// Members of the objects that are still open, innermost last.
    pending: Vec<Member>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.tape.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[cold]
    fn unexpected(&self, wanted: &str) -> Error {
        let found = std::str::from_utf8(&self.tape.text[self.at.min(self.tape.text.len())..])
            .ok()
            .and_then(|rest| rest.chars().next());
        match found {
            Some(found) => self.bad(format_args!("expected {wanted}, found {found:?}")),
            None => self.bad(format_args!("expected {wanted}, found the end")),
        }
    }

    #[cold]
    fn bad(&self, what: std::fmt::Arguments<'_>) -> Error {
        Error::invalid(format!(
            "document body is not valid JSON: {what} at byte {}",
            self.at
        ))
    }

    /// Reads one value; `depth` is the nesting level that a container here would have. Leaves the
    /// position right after it. Returns its tape index.
    fn value(&mut self, depth: usize) -> Result<u32> {
        let index = self.tape.nodes.len() as u32;
        let node = match self.peek() {
            Some(b'"') => Node::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'{') => {
                self.object(index, depth)?;
                return Ok(index);
            }
            Some(b'[') => {
                self.array(index, depth)?;
                return Ok(index);
            }
            Some(b't') => self.literal(b"true", Node::True)?,
            Some(b'f') => self.literal(b"false", Node::False)?,
            Some(b'n') => self.literal(b"null", Node::Null)?,
            _ => return Err(self.unexpected("a value")),
        };
        self.tape.nodes.push(node);
        Ok(index)
    }

    fn literal(&mut self, word: &[u8], node: Node) -> Result<Node> {
        if self.tape.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(node)
        } else {
            Err(self.unexpected("a value"))
        }
    }

    fn check_depth(&self, depth: usize) -> Result<()> {
        if depth > MAX_NESTING {
            return Err(Error::invalid(format!(
                "document body is nested more than {MAX_NESTING} levels deep at byte {}",
                self.at
            )));
        }
        Ok(())
    }

    fn array(&mut self, index: u32, depth: usize) -> Result<()> {
        self.check_depth(depth)?;
        self.tape.nodes.push(Node::Null);
        self.at += 1;
        let mut size = 0;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.skip_space();
                let item = self.value(depth + 1)?;
                size += self.tape.total_size(item);
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => {
                        self.at += 1;
                        break;
                    }
                    _ => return Err(self.unexpected("',' or ']'")),
                }
            }
        }
        self.tape.nodes[index as usize] = Node::Array {
            size: size as u32,
            end: self.tape.nodes.len() as u32,
        };
        Ok(())
    }

    fn object(&mut self, index: u32, depth: usize) -> Result<()> {
        self.check_depth(depth)?;
        self.tape.nodes.push(Node::Null);
        self.at += 1;
        let base = self.pending.len();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                self.skip_space();
                if self.peek() != Some(b'"') {
                    return Err(self.unexpected("a key"));
                }
                let key = self.string()?;
                self.skip_space();
                if self.peek() != Some(b':') {
                    return Err(self.unexpected("':'"));
                }
                self.at += 1;
                self.skip_space();
                let value = self.value(depth + 1)?;
                self.pending.push(Member { key, value });
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => {
                        self.at += 1;
                        break;
                    }
                    _ => return Err(self.unexpected("',' or '}'")),
                }
            }
        }
        self.close_object(index, base);
        Ok(())
    }

    /// Moves the members from `base` on to their final place, sorted, the last of equals kept.
    fn close_object(&mut self, index: u32, base: usize) {
        let tape = &mut self.tape;
        let open = &mut self.pending[base..];
        let first = tape.members.len();
        let (text, unescaped) = (tape.text, tape.unescaped.as_slice());
        let bytes = |span: Span| {
            let source = if span.unescaped { unescaped } else { text };
            &source[span.start as usize..(span.start + span.len) as usize]
        };
        if !open.is_sorted_by(|a, b| bytes(a.key) < bytes(b.key)) {
            // Stable, so that the last of equals stays last.
            open.sort_by(|a, b| bytes(a.key).cmp(bytes(b.key)));
        }
        let mut size = 0;
        for (position, member) in open.iter().enumerate() {
            let key = bytes(member.key);
            if open
                .get(position + 1)
                .is_some_and(|next| bytes(next.key) == key)
            {
                continue;
            }
            tape.has_type_key |= key == b"@type";
            size += header_len(key.len()) + key.len();
            tape.members.push(*member);
        }
        for position in first..tape.members.len() {
            size += tape.total_size(tape.members[position].value);
        }
        tape.nodes[index as usize] = Node::Object {
            size: size as u32,
            first: first as u32,
            count: (tape.members.len() - first) as u32,
            end: tape.nodes.len() as u32,
        };
        self.pending.truncate(base);
    }

    fn number(&mut self) -> Result<Node> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.unexpected("a digit")),
        }
        let (mut float, mut scaled) = (false, false);
        if self.peek() == Some(b'.') {
            float = true;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            (float, scaled) = (true, true);
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        if scaled || self.at - start > SURELY_FINITE {
            self.check_finite(start)?;
        }
        let span = Span {
            start: start as u32,
            len: (self.at - start) as u32,
            unescaped: false,
        };
        Ok(if float {
            Node::Float(span)
        } else {
            Node::Int(span)
        })
    }

    /// Refuses what no double can hold: every other program would read it as infinity.
    fn check_finite(&self, start: usize) -> Result<()> {
        let text = std::str::from_utf8(&self.tape.text[start..self.at]).unwrap_or_default();
        if text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Ok(());
        }
        let shown: String = text.chars().take(40).collect();
        Err(Error::invalid(format!(
            "document body: number {shown} at byte {start} is beyond the limit of 1.8e308"
        )))
    }

    /// One digit at least.
    fn digits(&mut self) -> Result<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.unexpected("a digit"));
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    /// Reads a string; the position is at its opening quote.
    fn string(&mut self) -> Result<Span> {
        let start = self.at + 1;
        self.at = find_special(self.tape.text, start);
        if self.peek() == Some(b'"') {
            let len = self.at - start;
            self.at += 1;
            return Ok(Span {
                start: start as u32,
                len: len as u32,
                unescaped: false,
            });
        }
        self.string_with_escapes(start)
    }

    fn string_with_escapes(&mut self, start: usize) -> Result<Span> {
        let begin = self.tape.unescaped.len();
        let mut copied = start;
        loop {
            let chunk = &self.tape.text[copied..self.at];
            self.tape.unescaped.extend_from_slice(chunk);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Span {
                        start: begin as u32,
                        len: (self.tape.unescaped.len() - begin) as u32,
                        unescaped: true,
                    });
                }
                Some(b'\\') => self.escape()?,
                Some(control) => {
                    return Err(self.bad(format_args!(
                        "control character U+{control:04X} in a string"
                    )));
                }
                None => return Err(self.unexpected("'\"'")),
            }
            copied = self.at;
            self.at = find_special(self.tape.text, copied);
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        let byte = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let escaped = self.unicode_escape()?;
                let mut utf8 = [0; 4];
                let encoded = escaped.encode_utf8(&mut utf8).as_bytes();
                self.tape.unescaped.extend_from_slice(encoded);
                return Ok(());
            }
            _ => return Err(self.unexpected("an escape")),
        };
        self.at += 1;
        self.tape.unescaped.push(byte);
        Ok(())
    }

    /// `\uXXXX`, or two of them for a surrogate pair; the position is at the first `u`.
    fn unicode_escape(&mut self) -> Result<char> {
        let mut code = self.hex4()?;
        if let 0xd800..=0xdbff = code {
            let has_next = self.tape.text[self.at..].starts_with(b"\\u");
            let low = if has_next {
                self.at += 1;
                self.hex4()?
            } else {
                0
            };
            if !matches!(low, 0xdc00..=0xdfff) {
                return Err(self.bad(format_args!("lone surrogate U+{code:04X}")));
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or_else(|| self.bad(format_args!("lone surrogate U+{code:04X}")))
    }

    fn hex4(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            self.at += 1;
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected("a hexadecimal digit"));
            };
            code = code << 4 | digit;
        }
        self.at += 1;
        Ok(code)
    }
}
