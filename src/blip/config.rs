//! Limits of a connection.

use super::compressors::Compressors;

/// Limits against the peer (design D9) and our own compression.
///
/// The defaults are what replications run with; tests shrink them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Largest frame accepted, in bytes. Default 1 MiB, as LiteCore (wire §1.10). The transport
    /// has the same limit, so that a larger one is normally never assembled.
    pub max_frame: usize,
    /// Longest properties block of a message, in bytes. Default 100 KiB (wire §2.2). More is a
    /// violation, found as soon as the length is announced.
    pub max_properties: usize,
    /// Most inflated bytes of a message that is delivered whole. Default 24 MiB: a document of
    /// 20 MiB with room. A longer request is dropped and answered HTTP 413; a longer reply ends in
    /// an error. Also the most that a single frame may inflate to, whatever its message; beyond
    /// that it is a violation.
    pub max_message: usize,
    /// Inflated bytes after which a message that was given up must have ended; then it is a
    /// violation. Default 96 MiB.
    pub max_given_up: u64,
    /// Most requests begun and not finished by the peer at one time. Default 1,000.
    pub max_open_messages: usize,
    /// Most bytes that unfinished messages may hold together. Default 256 MiB: LiteCore sends up
    /// to ten documents at once. Past a quarter of it only the oldest message is acknowledged,
    /// which makes the peer finish that one first.
    pub max_open_bytes: usize,
    /// Deflate level, 1 to 9. Default 3: level 1 is quicker by a microsecond or so a document, but its
    /// bytes are more than half of the JSON of small documents; level 6 saves little more.
    pub compression_level: u32,
    /// Where the deflater comes from. Default: its own.
    pub compressors: Compressors,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_frame: 1 << 20,
            max_properties: 100 << 10,
            max_message: 24 << 20,
            max_given_up: 96 << 20,
            max_open_messages: 1_000,
            max_open_bytes: 256 << 20,
            compression_level: 3,
            compressors: Compressors::default(),
        }
    }
}
