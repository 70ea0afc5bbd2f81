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
    object(payload, out, MAX_NESTING)?;
    // Once over the whole is enough: what a broken sequence would need is never a quote.
    match std::str::from_utf8(&out[start..]) {
        Ok(_) => Ok(()),
        Err(_) => Err(corrupt("text is not UTF-8")),
    }
}

/// Appends the compact JSON text of one stored element of any type to `out`, as
/// [`decode_body`] does.
///
/// # Errors
/// As [`decode_body`]; the nesting limit is `nesting`, for query results may wrap bodies.
pub(crate) fn decode_element(jsonb: &[u8], nesting: usize, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    if !value(jsonb, out, nesting)?.is_empty() {
        return Err(corrupt("more than one element"));
    }
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
///
/// # Errors
/// `CorruptData` when it is cut short.
pub(crate) fn split_element(bytes: &[u8]) -> Result<(u8, &[u8], &[u8])> {
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

fn object(mut bytes: &[u8], out: &mut Vec<u8>, levels: usize) -> Result<()> {
    let levels = deeper(levels)?;
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
        bytes = value(rest, out, levels)?;
    }
    out.push(b'}');
    Ok(())
}

fn array(mut bytes: &[u8], out: &mut Vec<u8>, levels: usize) -> Result<()> {
    let levels = deeper(levels)?;
    out.push(b'[');
    let mut first = true;
    while !bytes.is_empty() {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        bytes = value(bytes, out, levels)?;
    }
    out.push(b']');
    Ok(())
}

/// One of so many levels that may still open; what is left inside of it.
fn deeper(levels: usize) -> Result<usize> {
    levels
        .checked_sub(1)
        .ok_or_else(|| corrupt("nested too deep"))
}

/// Writes the first value of `bytes`, inside which so many levels may open; returns what follows
/// it.
fn value<'a>(bytes: &'a [u8], out: &mut Vec<u8>, levels: usize) -> Result<&'a [u8]> {
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
        element::OBJECT => object(payload, out, levels)?,
        element::ARRAY => array(payload, out, levels)?,
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
