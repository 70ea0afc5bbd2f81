//! Deflaters that many connections share (design §4, fan-in): each is about 300 KiB, and what two
//! hundred of them have held at one moment an allocator does not give back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::{Compress, Compression};

/// Deflaters that are kept although nobody uses them.
const SPARE: usize = 4;

/// Where the connections of a process get their deflaters.
///
/// While no more than a certain number of connections hold one, each keeps it, and with it what it
/// has seen. Beyond that a connection gives its own back whenever it has nothing to send.
#[derive(Clone, Debug)]
pub struct Compressors(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    held: AtomicUsize,
    spare: Mutex<Vec<(u32, Compress)>>,
}

impl Compressors {
    /// Lets `most` connections keep their deflaters.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Shared {
            most,
            held: AtomicUsize::new(0),
            spare: Mutex::default(),
        }))
    }

    /// A deflater at the start of a stream.
    pub(super) fn take(&self, level: Compression) -> Lease {
        self.0.held.fetch_add(1, Ordering::Relaxed);
        let mut spare = self.0.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let found = spare.iter().position(|(known, _)| *known == level.level());
        let deflater = found.map(|place| spare.swap_remove(place).1);
        drop(spare);
        Lease {
            deflater,
            level,
            from: self.clone(),
        }
    }

    /// Whether more connections hold one than may keep it.
    fn are_scarce(&self) -> bool {
        self.0.held.load(Ordering::Relaxed) > self.0.most
    }
}

impl Default for Compressors {
    /// Everybody keeps its own.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl PartialEq for Compressors {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Compressors {}

/// A deflater, until it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    /// Gone only while it is dropped.
    deflater: Option<Compress>,
    level: Compression,
    from: Compressors,
}

impl Lease {
    /// The deflater; a new one should it be gone.
    pub(super) fn get(&mut self) -> &mut Compress {
        let level = self.level;
        self.deflater
            .get_or_insert_with(|| Compress::new(level, false))
    }

    /// Whether it should be given back at the next pause.
    pub(super) fn is_wanted_elsewhere(&self) -> bool {
        self.from.are_scarce()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let shared = &self.from.0;
        shared.held.fetch_sub(1, Ordering::Relaxed);
        // Those who share nothing keep nothing.
        if shared.most == usize::MAX {
            return;
        }
        let mut spare = shared.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE
            && let Some(mut used) = self.deflater.take()
        {
            used.reset();
            spare.push((self.level.level(), used));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_keep_theirs_and_the_others_take_turns() {
        let compressors = Compressors::new(2);
        let level = Compression::new(1);
        let used = |level| {
            let mut lease = compressors.take(level);
            lease.get();
            lease
        };
        let mut kept: Vec<_> = (0..2).map(|_| used(level)).collect();
        assert!(!kept[0].is_wanted_elsewhere());
        for _ in 0..100 {
            let one = used(level);
            assert!(one.is_wanted_elsewhere());
        }
        assert_eq!(compressors.0.spare.lock().unwrap().len(), 1);
        kept.clear();
        assert_eq!(compressors.0.held.load(Ordering::Relaxed), 0);
        let many: Vec<_> = (0..50).map(|_| used(level)).collect();
        drop(many);
        assert_eq!(compressors.0.spare.lock().unwrap().len(), SPARE);
        let other = used(Compression::new(6));
        assert_eq!(compressors.0.spare.lock().unwrap().len(), SPARE);
        drop(other);
    }

    #[test]
    fn by_default_nobody_gives_back() {
        let compressors = Compressors::default();
        let all: Vec<_> = (0..20)
            .map(|_| compressors.take(Compression::new(1)))
            .collect();
        assert!(!all[0].is_wanted_elsewhere());
        drop(all);
        assert!(compressors.0.spare.lock().unwrap().is_empty());
    }
}
