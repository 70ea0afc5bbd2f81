//! Unsigned LEB128, as BLIP writes every number (wire §2.1).

/// Longest encoding of a 64-bit number.
pub(super) const MAX_LEN: usize = 10;

/// A varint that has more than 64 bits or does not end within [`MAX_LEN`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadVarint;

/// Appends `value`, least significant seven bits first.
pub(super) fn write(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Number of bytes that [`write`] appends for `value`.
pub(super) fn len(value: u64) -> usize {
    (64 - value.max(1).leading_zeros() as usize).div_ceil(7)
}

/// Reads the number at the start of `data`: its value and how many bytes it took, or `None` when
/// `data` ends inside it.
///
/// # Errors
/// [`BadVarint`]. Encodings with needless zero groups are accepted, as the other codecs do.
pub(super) fn read(data: &[u8]) -> Result<Option<(u64, usize)>, BadVarint> {
    let mut value = 0_u64;
    for (index, &byte) in data.iter().take(MAX_LEN).enumerate() {
        let group = u64::from(byte & 0x7f);
        if index == MAX_LEN - 1 && byte > 1 {
            return Err(BadVarint);
        }
        value |= group << (7 * index);
        if byte < 0x80 {
            return Ok(Some((value, index + 1)));
        }
    }
    if data.len() >= MAX_LEN {
        Err(BadVarint)
    } else {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_wire_a_4_are_written_as_told() {
        for (value, bytes) in [
            (0_u64, &[0x00_u8][..]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (300, &[0xac, 0x02]),
            (50_855, &[0xa7, 0x8d, 0x03]),
            (128_000, &[0x80, 0xe8, 0x07]),
        ] {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(len(value), bytes.len());
            assert_eq!(read(bytes), Ok(Some((value, bytes.len()))));
        }
    }

    #[test]
    fn a_varint_of_more_than_64_bits_is_refused() {
        assert_eq!(read(&[0xff; 10]), Err(BadVarint));
        assert_eq!(read(&[0x80; 11]), Err(BadVarint));
        let mut most = [0xff; 10];
        most[9] = 1;
        assert_eq!(read(&most), Ok(Some((u64::MAX, 10))));
        most[9] = 2;
        assert_eq!(read(&most), Err(BadVarint));
    }

    #[test]
    fn a_varint_that_is_cut_off_is_incomplete() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[0x80; 9]), Ok(None));
    }

    proptest! {
        #[test]
        fn every_number_comes_back(value: u64, tail in proptest::collection::vec(any::<u8>(), 0..4)) {
            let mut out = Vec::new();
            write(value, &mut out);
            prop_assert_eq!(out.len(), len(value));
            for cut in 0..out.len() {
                prop_assert_eq!(read(&out[..cut]), Ok(None));
            }
            let used = out.len();
            out.extend(tail);
            prop_assert_eq!(read(&out), Ok(Some((value, used))));
        }
    }
}
