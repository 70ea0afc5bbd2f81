//! `getAttachment` and `proveAttachment` (wire §3.10, §3.11).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use crate::model::replication::BlobRef;

/// Whether to ask for a blob with `compress=true`: only if its type is told and is none that is
/// compressed already.
pub fn should_compress(blob: &BlobRef) -> bool {
    const PACKED: [&str; 8] = [
        "zip", "zlib", "pkcs", "mpeg", "mp4", "crypt", ".rar", "-rar",
    ];
    let packed = |text: &str| PACKED.iter().any(|word| text.contains(word));
    let Some(kind) = blob.content_type.as_ref().map(|t| t.to_lowercase()) else {
        return false;
    };
    let media = ["image/", "audio/", "video/"];
    let is_media = media.iter().any(|prefix| kind.starts_with(prefix));
    let encoding = blob.encoding.as_ref().map(|text| text.to_lowercase());
    !is_media && !packed(&kind) && !encoding.is_some_and(|encoding| packed(&encoding))
}

/// Whether bytes look random, as what is compressed or encrypted already does: compressing that takes
/// long, makes it no shorter, and drives everything else out of the compressor's window. Judged by
/// how often two bytes of a sample are equal.
pub fn looks_random(content: &[u8]) -> bool {
    const SAMPLES: usize = 4;
    const SAMPLE: usize = 1024;
    /// Fewer bytes say little, and cost little.
    const FEWEST: usize = 512;
    if content.len() < FEWEST {
        return false;
    }
    let (mut counts, mut sampled) = ([0_u64; 256], 0);
    // The beginning alone may be a header in plain text.
    for part in content.chunks(content.len().div_ceil(SAMPLES)) {
        for &byte in part.iter().take(SAMPLE) {
            counts[usize::from(byte)] += 1;
            sampled += 1;
        }
    }
    let equal_pairs: u64 = counts.iter().map(|count| count * count).sum::<u64>() - sampled;
    let pairs = sampled * (sampled - 1);
    // One in 256 when random; one in 64 for base64, one in 20 or so for text.
    equal_pairs * 200 < pairs
}

/// The proof of having a blob, fed with the blob's content piece by piece:
/// `"sha1-" + base64(SHA1(one byte = len(nonce) ‖ nonce ‖ content))`.
#[derive(Clone, Debug)]
pub struct Proof(Sha1);

impl Proof {
    /// Starts with a nonce of 1 to 255 bytes, as [`Request::decode`](super::Request::decode)
    /// lets through.
    pub fn new(nonce: &[u8]) -> Self {
        let mut hash = Sha1::new();
        hash.update([nonce.len() as u8]);
        hash.update(nonce);
        Self(hash)
    }

    /// Takes in the next piece of the content.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The body of the reply.
    pub fn finish(self) -> String {
        format!("sha1-{}", STANDARD.encode(self.0.finalize()))
    }
}
