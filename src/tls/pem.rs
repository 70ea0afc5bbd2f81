//! Certificates as text: PEM (RFC 7468) and plain base64.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::certificate::Certificate;
use crate::error::{Error, Result};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Characters of base64 on a line.
const LINE: usize = 64;
/// Longest text read; a chain is a few KiB.
const MAX_TEXT: usize = 1024 * 1024;

/// A certificate as PEM, with a line feed at its end.
pub fn certificate_to_pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut pem = String::with_capacity(encoded.len() + encoded.len() / LINE + 64);
    pem.push_str(BEGIN);
    for (index, c) in encoded.chars().enumerate() {
        if index % LINE == 0 {
            pem.push('\n');
        }
        pem.push(c);
    }
    pem.push('\n');
    pem.push_str(END);
    pem.push('\n');
    pem
}

/// Reads PEM with one or more certificates (anything around them is passed over), base64 of the
/// DER of one, or base64 of PEM. Gives DER. `what` names the thing in messages.
///
/// # Errors
/// `InvalidParameter` for anything else.
pub fn certificates_from_text(text: &str, what: &str) -> Result<Vec<Vec<u8>>> {
    if text.len() > MAX_TEXT {
        return Err(Error::invalid(format!(
            "{what} is {} bytes, limit is {MAX_TEXT}",
            text.len()
        )));
    }
    if text.contains(BEGIN) {
        return from_pem(text, what);
    }
    let bytes = from_base64(text)
        .ok_or_else(|| Error::invalid(format!("{what} is neither PEM nor base64")))?;
    match std::str::from_utf8(&bytes) {
        Ok(inner) if inner.contains(BEGIN) => from_pem(inner, what),
        _ => Ok(vec![checked(bytes, what)?]),
    }
}

fn from_pem(text: &str, what: &str) -> Result<Vec<Vec<u8>>> {
    let broken = || Error::invalid(format!("{what} is broken PEM"));
    let mut certificates = Vec::new();
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once(BEGIN) {
        let (body, after) = begun.split_once(END).ok_or_else(broken)?;
        certificates.push(checked(from_base64(body).ok_or_else(broken)?, what)?);
        rest = after;
    }
    Ok(certificates)
}

fn checked(der: Vec<u8>, what: &str) -> Result<Vec<u8>> {
    match Certificate::parse(&der) {
        Ok(_) => Ok(der),
        Err(_) => Err(Error::invalid(format!(
            "{what} is not one X.509 certificate"
        ))),
    }
}

/// Base64 with or without padding and white space.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD
        .decode(&compact)
        .or_else(|_| STANDARD_NO_PAD.decode(&compact))
        .ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::tls::{SelfSignedOptions, TlsIdentity};

    fn der() -> Vec<u8> {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let identity = TlsIdentity::self_signed(&SelfSignedOptions::new("peer", now)).unwrap();
        identity.certificate_der().to_vec()
    }

    #[test]
    fn every_textual_form_of_a_certificate_is_read() {
        let der = der();
        let pem = certificate_to_pem(&der);
        assert!(pem.lines().all(|line| line.len() <= 64));
        let windows = format!("subject=peer\r\n{}", pem.replace('\n', "\r\n"));
        for text in [
            pem.clone(),
            windows,
            STANDARD.encode(&der),
            STANDARD_NO_PAD.encode(&der),
            STANDARD.encode(&pem),
            STANDARD.encode(&der).replace('M', "M\n "),
        ] {
            assert_eq!(
                certificates_from_text(&text, "x").unwrap(),
                std::slice::from_ref(&der)
            );
        }
        let two = certificates_from_text(&pem.repeat(2), "x").unwrap();
        assert_eq!(two, [der.clone(), der]);
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let der = der();
        let pem = certificate_to_pem(&der);
        for (text, wanted) in [
            ("*".to_owned(), "neither PEM nor base64"),
            ("AAAA".to_owned(), "not one X.509"),
            (String::new(), "not one X.509"),
            (pem.replace("-----END", "----END"), "broken PEM"),
            (pem.replace('M', "*"), "broken PEM"),
            (STANDARD.encode([&der[..], &[0]].concat()), "not one X.509"),
            ("A".repeat(MAX_TEXT + 1), "limit is"),
        ] {
            let error = certificates_from_text(&text, "the pin").unwrap_err();
            assert!(error.message().starts_with("the pin is "), "{error}");
            assert!(error.message().contains(wanted), "{error}");
        }
    }
}
