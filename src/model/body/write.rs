//! The writer: a tape to JSONB, canonical JSON and blob references.

use super::scan::escape_into;
use super::tape::{Member, Node, Span, Tape, header_len};
use super::{EncodedBody, element};
use crate::model::BlobDigest;
use crate::model::replication::BlobRef;

/// Key of the old-style attachment dictionary (wire §7.2).
const ATTACHMENTS: &[u8] = b"_attachments";

/// Writes what the tape holds.
pub(super) fn write(tape: &Tape<'_>) -> EncodedBody {
    let size = match tape.node(0) {
        Node::Object { size, .. } => size as usize,
        _ => 0,
    };
    let mut writer = Writer {
        tape,
        jsonb: Vec::with_capacity(header_len(size) + size),
        // Canonical text is never longer than what was read.
        canonical: Vec::with_capacity(tape.text_len()),
        blobs: Vec::new(),
    };
    writer.value(0);
    let has_attachments = writer.attachments();
    EncodedBody {
        jsonb: writer.jsonb,
        canonical: writer.canonical,
        blobs: writer.blobs,
        has_attachments,
    }
}

/// Appends the shortest JSONB header for a payload of this size, which is below 4 GiB.
pub(crate) fn push_header(element: u8, payload: usize, out: &mut Vec<u8>) {
    match payload {
        0..=11 => out.push(element | (payload as u8) << 4),
        12..=0xff => out.extend_from_slice(&[element | 0xc0, payload as u8]),
        0x100..=0xffff => {
            let [high, low] = (payload as u16).to_be_bytes();
            out.extend_from_slice(&[element | 0xd0, high, low]);
        }
        _ => {
            out.push(element | 0xe0);
            out.extend_from_slice(&(payload as u32).to_be_bytes());
        }
    }
}

struct Writer<'a, 'b> {
    tape: &'a Tape<'b>,
    jsonb: Vec<u8>,
    canonical: Vec<u8>,
    blobs: Vec<BlobRef>,
}

impl Writer<'_, '_> {
    fn header(&mut self, element: u8, payload: usize) {
        push_header(element, payload, &mut self.jsonb);
    }

    fn literal(&mut self, element: u8, text: &[u8]) {
        self.jsonb.push(element);
        self.canonical.extend_from_slice(text);
    }

    fn number(&mut self, element: u8, span: Span) {
        let tape = self.tape;
        let text = tape.bytes(span);
        self.header(element, text.len());
        self.jsonb.extend_from_slice(text);
        self.canonical.extend_from_slice(text);
    }

    fn text(&mut self, span: Span) {
        let tape = self.tape;
        let raw = tape.bytes(span);
        self.header(element::TEXT_RAW, raw.len());
        self.jsonb.extend_from_slice(raw);
        self.canonical.push(b'"');
        if span.may_need_escapes() {
            escape_into(raw, &mut self.canonical);
        } else {
            self.canonical.extend_from_slice(raw);
        }
        self.canonical.push(b'"');
    }

    /// Recursion is bounded by the reader's nesting limit.
    fn value(&mut self, index: u32) {
        match self.tape.node(index) {
            Node::Null => self.literal(element::NULL, b"null"),
            Node::True => self.literal(element::TRUE, b"true"),
            Node::False => self.literal(element::FALSE, b"false"),
            Node::Int(span) => self.number(element::INT, span),
            Node::Float(span) => self.number(element::FLOAT, span),
            Node::Text(span) => self.text(span),
            Node::Array { size, end } => {
                self.header(element::ARRAY, size as usize);
                self.canonical.push(b'[');
                let mut item = index + 1;
                while item < end {
                    if item > index + 1 {
                        self.canonical.push(b',');
                    }
                    self.value(item);
                    item = self.tape.next(item);
                }
                self.canonical.push(b']');
            }
            Node::Object {
                size, first, count, ..
            } => {
                let tape = self.tape;
                let members = tape.members(first, count);
                if tape.has_type_key() {
                    self.blob(members);
                }
                self.header(element::OBJECT, size as usize);
                self.canonical.push(b'{');
                for (position, member) in members.iter().enumerate() {
                    if position > 0 {
                        self.canonical.push(b',');
                    }
                    self.text(member.key);
                    self.canonical.push(b':');
                    self.value(member.value);
                }
                self.canonical.push(b'}');
            }
        }
    }

    /// Remembers an object that is a blob reference (wire §7.1).
    fn blob(&mut self, members: &[Member]) {
        if self.string_of(members, b"@type") == Some("blob") {
            self.blobs.extend(self.blob_ref(members));
        }
    }

    /// Remembers the entries of a top-level `_attachments` (wire §7.2); tells whether it is there.
    fn attachments(&mut self) -> bool {
        let tape = self.tape;
        let Node::Object { first, count, .. } = tape.node(0) else {
            return false;
        };
        let Some(attachments) = self.find(tape.members(first, count), ATTACHMENTS) else {
            return false;
        };
        if let Node::Object { first, count, .. } = attachments {
            for entry in tape.members(first, count) {
                let Node::Object { first, count, .. } = tape.node(entry.value) else {
                    continue;
                };
                let members = tape.members(first, count);
                // One with `@type` was seen on the way.
                if self.string_of(members, b"@type") != Some("blob") {
                    self.blobs.extend(self.blob_ref(members));
                }
            }
        }
        true
    }

    fn blob_ref(&self, members: &[Member]) -> Option<BlobRef> {
        let digest = BlobDigest::parse(self.string_of(members, b"digest")?).ok()?;
        let length = match self.find(members, b"length") {
            Some(Node::Int(span)) => std::str::from_utf8(self.tape.bytes(span))
                .ok()
                .and_then(|text| text.parse().ok()),
            _ => None,
        };
        Some(BlobRef {
            digest,
            length,
            content_type: self.string_of(members, b"content_type").map(str::to_owned),
            encoding: self.string_of(members, b"encoding").map(str::to_owned),
        })
    }

    fn find(&self, members: &[Member], key: &[u8]) -> Option<Node> {
        members
            .binary_search_by(|member| self.tape.bytes(member.key).cmp(key))
            .ok()
            .map(|position| self.tape.node(members[position].value))
    }

    fn string_of(&self, members: &[Member], key: &[u8]) -> Option<&str> {
        match self.find(members, key)? {
            Node::Text(span) => std::str::from_utf8(self.tape.bytes(span)).ok(),
            _ => None,
        }
    }
}
