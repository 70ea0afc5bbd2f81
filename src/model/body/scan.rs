//! Finding and escaping the few bytes that JSON strings cannot hold as they are.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Offset of the first `"`, `\` or byte below 0x20 at or after `from`; the length when none.
pub(super) fn find_special(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let zero_where = |x: u64| x.wrapping_sub(ONES) & !x;
        let quote = zero_where(word ^ (ONES * 0x22));
        let backslash = zero_where(word ^ (ONES * 0x5c));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        // Borrows only disturb bytes above the lowest hit, so the lowest hit is exact.
        let hits = (quote | backslash | control) & HIGH;
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            break;
        }
        at += 1;
    }
    at
}

/// Appends `raw` as the inside of a JSON string, escaping only what must be.
pub(crate) fn escape_into(raw: &[u8], out: &mut Vec<u8>) {
    let mut done = 0;
    loop {
        let at = find_special(raw, done);
        out.extend_from_slice(&raw[done..at]);
        let Some(&byte) = raw.get(at) else { return };
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            _ => 0,
        };
        if short == 0 {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
        done = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_at_every_offset_and_no_other_byte_is_special() {
        for special in 0..=255_u8 {
            for offset in 0..20 {
                let mut bytes = vec![b'a'; 20];
                bytes[offset] = special;
                bytes.push(b'"');
                let expected = if special < 0x20 || special == b'"' || special == b'\\' {
                    offset
                } else {
                    20
                };
                assert_eq!(
                    find_special(&bytes, 0),
                    expected,
                    "{special:#x} at {offset}"
                );
            }
        }
        assert_eq!(find_special(b"abc", 0), 3);
        assert_eq!(find_special(b"\"abcdefghijkl", 1), 13);
    }
}
