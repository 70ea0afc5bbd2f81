//! The little of DER that the certificate parser does not hand out: raw slices of a structure.

/// Tag of SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
/// Tag of BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;

/// Takes one element with the given tag off `input`: its contents, and what follows it.
///
/// `None` for another tag, an indefinite or overlong length, or a length past the end.
pub(super) fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().fold(0, |n, b| (n << 8) | usize::from(*b));
            (length, rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

/// Contents of a BIT STRING without unused bits that fills `input`.
pub(super) fn bit_string(input: &[u8]) -> Option<&[u8]> {
    let (contents, rest) = element(input, BIT_STRING)?;
    match contents.split_first()? {
        (0, bits) if rest.is_empty() => Some(bits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_split_off_and_bad_lengths_are_refused() {
        assert_eq!(
            element(&[0x30, 2, 1, 2, 9], SEQUENCE),
            Some((&[1, 2][..], &[9][..]))
        );
        assert_eq!(
            element(&[0x30, 0x81, 1, 7], SEQUENCE),
            Some((&[7][..], &[][..]))
        );
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 2, 1],
            &[0x31, 0],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x84, 0, 0, 0, 1, 1],
            &[0x30, 0x82, 1],
            &[0x30, 0x83, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(element(bad, SEQUENCE), None, "{bad:x?}");
        }
        assert_eq!(bit_string(&[3, 2, 0, 5]), Some(&[5][..]));
        assert_eq!(bit_string(&[3, 2, 1, 4]), None);
        assert_eq!(bit_string(&[3, 0]), None);
        assert_eq!(bit_string(&[3, 2, 0, 5, 0]), None);
    }
}
