//! The properties block of a message (wire §2.2).

use std::fmt;

use super::varint;

/// Why a properties block cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadProperties {
    /// Longer than allowed.
    #[error("{len} bytes, limit is {limit}")]
    TooLong {
        /// Announced length in bytes.
        len: u64,
        /// Configured limit.
        limit: usize,
    },
    /// The block does not end in NUL.
    #[error("not terminated by NUL")]
    NotTerminated,
    /// A key without a value.
    #[error("odd number of strings")]
    Odd,
    /// Not text.
    #[error("not UTF-8")]
    NotUtf8,
    /// The message ends before its properties do.
    #[error("message ends inside them")]
    Incomplete,
    /// The length cannot be read.
    #[error("bad varint as length")]
    BadLength,
}

/// Ordered `key NUL value NUL …` pairs, kept as they go over the wire.
///
/// Keys are case-sensitive. If a key is there twice, the first one counts, as in LiteCore.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(String);

impl Properties {
    /// No properties.
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// No properties yet, with room for `bytes` of keys, values and their NULs.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Appends one pair. NUL cannot be carried and becomes U+FFFD.
    pub fn push(&mut self, key: &str, value: impl AsRef<str>) {
        for text in [key, value.as_ref()] {
            if text.as_bytes().contains(&0) {
                self.0.push_str(&text.replace('\0', "\u{fffd}"));
            } else {
                self.0.push_str(text);
            }
            self.0.push('\0');
        }
    }

    /// Appends one pair whose value is a number in decimal.
    pub fn push_number(&mut self, key: &str, value: u64) {
        use fmt::Write as _;
        let _ = write!(self.0, "{key}\0{value}\0");
    }

    /// Appends one pair, and gives `self` back for chaining.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.push(key, value);
        self
    }

    /// The first value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(k, v)| (k == key).then_some(v))
    }

    /// All pairs in order.
    pub fn iter(&self) -> Pairs<'_> {
        Pairs(&self.0)
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length of the block in bytes, without the varint before it.
    pub fn encoded_len(&self) -> usize {
        self.0.len()
    }

    /// Checks and takes over a block (without its length).
    ///
    /// # Errors
    /// Any [`BadProperties`] but those about the length.
    pub fn decode(block: &[u8]) -> Result<Self, BadProperties> {
        match block.last() {
            None => return Ok(Self::new()),
            Some(0) => {}
            Some(_) => return Err(BadProperties::NotTerminated),
        }
        let nuls = block.iter().filter(|&&byte| byte == 0).count();
        if nuls % 2 != 0 {
            return Err(BadProperties::Odd);
        }
        let text = std::str::from_utf8(block).map_err(|_| BadProperties::NotUtf8)?;
        Ok(Self(text.to_owned()))
    }

    /// Reads length and block from the start of a message's contents. `None`: `data` ends before
    /// the block does. Else the properties and how many bytes they took.
    ///
    /// # Errors
    /// Any [`BadProperties`]; [`BadProperties::TooLong`] as soon as the length can be read.
    pub fn decode_prefix(
        data: &[u8],
        limit: usize,
    ) -> Result<Option<(Self, usize)>, BadProperties> {
        let read = varint::read(data).map_err(|_| BadProperties::BadLength)?;
        let Some((len, used)) = read else {
            return Ok(None);
        };
        let end = usize::try_from(len)
            .ok()
            .filter(|&len| len <= limit)
            .map(|len| used + len)
            .ok_or(BadProperties::TooLong { len, limit })?;
        match data.get(used..end) {
            Some(block) => Ok(Some((Self::decode(block)?, end))),
            None => Ok(None),
        }
    }

    /// The block as it goes over the wire, without its length.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Properties {
    type Item = (&'a str, &'a str);
    type IntoIter = Pairs<'a>;

    fn into_iter(self) -> Pairs<'a> {
        self.iter()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut properties = Self::new();
        for (key, value) in pairs {
            properties.push(key.as_ref(), value);
        }
        properties
    }
}

/// Iterator over the pairs of [`Properties`].
#[derive(Clone, Debug)]
pub struct Pairs<'a>(&'a str);

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = self.0.split_once('\0')?;
        let (value, rest) = rest.split_once('\0')?;
        self.0 = rest;
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_of_equal_keys_counts_and_empty_values_are_kept() {
        let properties = Properties::decode(b"rev\0\0a\x001\0a\x002\0").unwrap();
        assert_eq!(properties.get("rev"), Some(""));
        assert_eq!(properties.get("a"), Some("1"));
        assert_eq!(properties.get("A"), None);
        assert_eq!(properties.iter().count(), 3);
    }

    #[test]
    fn blocks_that_break_the_rules_are_refused() {
        for (block, problem) in [
            (&b"a\0b"[..], BadProperties::NotTerminated),
            (b"a\0", BadProperties::Odd),
            (b"a\0b\0c\0", BadProperties::Odd),
            (b"a\0\xff\0", BadProperties::NotUtf8),
        ] {
            assert_eq!(Properties::decode(block), Err(problem));
        }
    }

    #[test]
    fn two_hundred_megabytes_of_properties_fail_when_they_are_announced() {
        let mut data = Vec::new();
        varint::write(200_000_000, &mut data);
        assert_eq!(
            Properties::decode_prefix(&data, 102_400),
            Err(BadProperties::TooLong {
                len: 200_000_000,
                limit: 102_400
            })
        );
        data.clear();
        varint::write(102_400, &mut data);
        assert_eq!(Properties::decode_prefix(&data, 102_400), Ok(None));
    }

    #[test]
    fn nul_in_a_value_cannot_forge_another_property() {
        let properties = Properties::new().with("id", "x\0rev\0y");
        assert_eq!(properties.iter().count(), 1);
        assert_eq!(properties.get("rev"), None);
    }

    proptest! {
        #[test]
        fn pairs_come_back_in_order(
            pairs in proptest::collection::vec(("[^\0]{0,12}", "[^\0]{0,40}"), 0..12),
            body in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let properties: Properties = pairs.iter().map(|(k, v)| (k, v)).collect();
            let mut data = Vec::new();
            varint::write(properties.encoded_len() as u64, &mut data);
            data.extend(properties.as_bytes());
            let end = data.len();
            data.extend(body);
            let (again, used) = Properties::decode_prefix(&data, 102_400).unwrap().unwrap();
            prop_assert_eq!(used, end);
            prop_assert_eq!(&again, &properties);
            let read: Vec<_> = again.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            prop_assert_eq!(read, pairs);
            for cut in 0..end {
                prop_assert_eq!(Properties::decode_prefix(&data[..cut], 102_400), Ok(None));
            }
        }
    }
}
