//! The JSONB reader: a stored body back to JSON text.

use super::scan::escape_into;
use super::{MAX_NESTING, element};
use crate::error::{Code, Error, Result};

/// Appends the compact JSON text of a stored body to `out`; key order and number spelling stay as
/// stored.
///
/// On an error `out` may have got a part of the text.
///
/// # Errors
/// `CorruptData` when `jsonb` is not what [`super::encode_body`] writes: one object of known
/// element types that fills its bytes exactly, nested at most [`MAX_NESTING`] deep, UTF-8.
pub fn decode_body(jsonb: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    out.reserve(jsonb.len() + jsonb.len() / 4 + 16);
    let (element, payload, rest) = split_element(jsonb)?;
    if element != element::OBJECT || !rest.is_empty() {
        return Err(corrupt("not one object"));
    }
    object(payload, out, 1)?;
    // Once over the whole is enough: what a broken sequence would need is never a quote.
    match std::str::from_utf8(&out[start..]) {
        Ok(_) => Ok(()),
        Err(_) => Err(corrupt("text is not UTF-8")),
    }
}

#[cold]
fn corrupt(what: &str) -> Error {
    Error::lite(
        Code::CorruptData,
        format!("stored document body is damaged: {what}"),
    )
}

/// Cuts the first element off: its type, its payload, what follows it.
fn split_element(bytes: &[u8]) -> Result<(u8, &[u8], &[u8])> {
    let cut = || corrupt("an element is cut short");
    let (&first, rest) = bytes.split_first().ok_or_else(cut)?;
    let (size, rest) = match first >> 4 {
        size @ 0..=11 => (usize::from(size), rest),
        12 => {
            let (&[size], rest) = rest.split_first_chunk::<1>().ok_or_else(cut)?;
            (usize::from(size), rest)
        }
        13 => {
            let (size, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            (usize::from(u16::from_be_bytes(*size)), rest)
        }
        14 => {
            let (size, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            (u32::from_be_bytes(*size) as usize, rest)
        }
        _ => return Err(corrupt("an element is longer than 4 GiB")),
    };
    let (payload, rest) = rest.split_at_checked(size).ok_or_else(cut)?;
    Ok((first & 15, payload, rest))
}

fn object(mut bytes: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<()> {
    check_depth(depth)?;
    out.push(b'{');
    let mut first = true;
    while !bytes.is_empty() {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        let (element, key, rest) = split_element(bytes)?;
        if element != element::TEXT_RAW {
            return Err(corrupt("a key is not a raw string"));
        }
        string(key, out);
        out.push(b':');
        bytes = value(rest, out, depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn array(mut bytes: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<()> {
    check_depth(depth)?;
    out.push(b'[');
    let mut first = true;
    while !bytes.is_empty() {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        bytes = value(bytes, out, depth)?;
    }
    out.push(b']');
    Ok(())
}

fn check_depth(depth: usize) -> Result<()> {
    if depth > MAX_NESTING {
        return Err(corrupt("nested too deep"));
    }
    Ok(())
}

/// Writes the first value of `bytes`, which lies inside a container of this depth; returns what
/// follows it.
fn value<'a>(bytes: &'a [u8], out: &mut Vec<u8>, depth: usize) -> Result<&'a [u8]> {
    let (element, payload, rest) = split_element(bytes)?;
    match element {
        element::TEXT_RAW => string(payload, out),
        element::INT | element::FLOAT => {
            let legal = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
            if !payload.last().is_some_and(u8::is_ascii_digit) || !payload.iter().all(legal) {
                return Err(corrupt("a number has foreign characters"));
            }
            out.extend_from_slice(payload);
        }
        element::OBJECT => object(payload, out, depth + 1)?,
        element::ARRAY => array(payload, out, depth + 1)?,
        element::NULL | element::TRUE | element::FALSE => {
            if !payload.is_empty() {
                return Err(corrupt("a literal has a payload"));
            }
            out.extend_from_slice(match element {
                element::NULL => b"null",
                element::TRUE => b"true",
                _ => b"false",
            });
        }
        _ => return Err(corrupt("an element has a foreign type")),
    }
    Ok(rest)
}

fn string(raw: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(raw, out);
    out.push(b'"');
}
