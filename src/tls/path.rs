//! Follows verified signatures from a certificate to one that is trusted (trust §3.3, §10 #1).

use rustls::CertificateError;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::UnixTime;

use super::certificate::Certificate;

/// What is looked for, and among what.
pub(super) struct Search<'a> {
    /// Certificates that may have signed another: those sent, and trusted ones that need not be.
    pub(super) signers: &'a [Certificate<'a>],
    /// Whether a certificate is trusted as it is.
    pub(super) is_anchor: &'a dyn Fn(&Certificate<'_>) -> bool,
    /// Why a certificate is refused that leads nowhere.
    pub(super) none: CertificateError,
    pub(super) algorithms: &'a WebPkiSupportedAlgorithms,
    pub(super) now: UnixTime,
}

/// Checks that an unbroken path of signatures leads from `leaf`, which is no anchor itself, to an
/// anchor. Each signer is used once, so this ends.
pub(super) fn check(search: &Search<'_>, leaf: &Certificate<'_>) -> Result<(), CertificateError> {
    let mut used = vec![false; search.signers.len()];
    climb(search, leaf, 0, &mut used)
}

/// `signed` has `below` signers beneath it.
fn climb(
    search: &Search<'_>,
    signed: &Certificate<'_>,
    below: usize,
    used: &mut [bool],
) -> Result<(), CertificateError> {
    let mut failure = search.none.clone();
    for (index, signer) in search.signers.iter().enumerate() {
        let is_anchor = (search.is_anchor)(signer);
        if used[index]
            || !(is_anchor || signer.is_authority(below))
            || !signed.is_signed_by(signer, search.algorithms)
        {
            continue;
        }
        used[index] = true;
        let path = signer.check_dates(search.now).and_then(|()| {
            if is_anchor {
                return Ok(());
            }
            climb(search, signer, below + 1, used)
        });
        match path {
            Ok(()) => return Ok(()),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
