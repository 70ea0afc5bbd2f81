//! What a script may use up.

use std::time::Duration;

/// Bounds of one script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Longest run of one call.
    pub(crate) time: Duration,
    /// Bytes of everything that it holds, its document included.
    pub(crate) memory: usize,
    /// Bytes of stack; the thread's own must be larger.
    pub(crate) stack: usize,
}

impl Default for Limits {
    /// One second, 128 MiB (six times the largest document) and 256 KiB: a filter looks at a
    /// document and decides.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(1),
            memory: 128 * 1024 * 1024,
            stack: 256 * 1024,
        }
    }
}
