//! Paths that come as `file://` URLs.

use std::borrow::Cow;

/// The path that a `file://` URL means; any other text is a path already.
///
/// `file:///C:/data` gives `C:/data`. Percent escapes are decoded; text that has broken ones, or
/// ones that are not UTF-8, is taken as it is.
pub fn path_of(text: &str) -> Cow<'_, str> {
    let Some(rest) = text.strip_prefix("file://") else {
        return Cow::Borrowed(text);
    };
    let path = match rest.strip_prefix("localhost") {
        Some(local) if local.starts_with('/') => local,
        _ => rest,
    };
    let decoded = decode(path).map_or(Cow::Borrowed(path), Cow::Owned);
    let drive =
        matches!(decoded.as_bytes(), [b'/', letter, b':', ..] if letter.is_ascii_alphabetic());
    match decoded {
        Cow::Borrowed(path) => Cow::Borrowed(&path[usize::from(drive)..]),
        Cow::Owned(path) if drive => Cow::Owned(path[1..].to_owned()),
        owned @ Cow::Owned(_) => owned,
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_paths_and_paths_stay() {
        for (text, path) in [
            ("/a b/c%20d", "/a b/c%20d"),
            ("", ""),
            ("file:///a/b", "/a/b"),
            ("file://localhost/a", "/a"),
            ("file://localhosts/a", "localhosts/a"),
            ("file:///a%20b/%C3%A9%2525", "/a b/é%25"),
            ("file:///C:/data", "C:/data"),
            ("file:///c:%5Cdata", "c:\\data"),
            ("file:///100%/x", "/100%/x"),
            ("file:///x%2", "/x%2"),
            ("file:///x%zz", "/x%zz"),
            ("file:///x%ff", "/x%ff"),
            ("file://", ""),
        ] {
            assert_eq!(path_of(text), path, "{text}");
        }
    }
}
