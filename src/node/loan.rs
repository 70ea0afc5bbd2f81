//! Bytes of JavaScript's that another thread copies while JavaScript's own waits: it would have to
//! copy them itself otherwise, and there are two threads busy with storing them already.
//!
//! JavaScript's thread waits only so long. What is left then it copies after all, for the disk may
//! be slow.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::lock;

/// Longest time that JavaScript's thread waits in one call.
pub(super) const PATIENCE: Duration = Duration::from_millis(60);

/// So few bytes are copied without waiting.
const WORTH_WAITING: usize = 8 * 1024 * 1024;

/// The side of JavaScript's thread. The loan ends with it.
pub(super) struct Loan<'a> {
    bytes: &'a [u8],
    shared: Arc<Shared>,
}

/// The side of the thread that takes the bytes: a file as it were.
pub(super) struct Lent {
    length: u64,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

enum State {
    /// In JavaScript's memory; taken up to this offset.
    Lent(Address, usize),
    /// Copied, for JavaScript's thread could not wait; taken up to this offset.
    Copied(Vec<u8>, usize),
    /// All is taken, or nobody takes it any more.
    Over,
    /// The call ended in an error before any of it could be taken.
    Withdrawn,
}

/// Where the bytes of a [`Loan`] begin.
struct Address(*const u8);

#[expect(unsafe_code, reason = "another thread may use the address")]
// SAFETY: an address by itself is no access.
unsafe impl Send for Address {}

/// Lends bytes.
pub(super) fn lend(bytes: &[u8]) -> (Loan<'_>, Lent) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State::Lent(Address(bytes.as_ptr()), 0)),
        ended: Condvar::new(),
    });
    let length = bytes.len() as u64;
    let lent = Lent {
        length,
        shared: Arc::clone(&shared),
    };
    (Loan { bytes, shared }, lent)
}

impl Loan<'_> {
    /// Waits until all is taken, but no longer than `patience`, which gets shorter by it. Copies
    /// what is left.
    #[expect(
        clippy::disallowed_methods,
        reason = "bounds how long JavaScript's thread is held up"
    )]
    pub(super) fn wait(self, patience: &mut Duration) {
        let mut state = lock(&self.shared.state);
        if self.bytes.len() > WORTH_WAITING {
            let before = Instant::now();
            let is_lent = |state: &mut State| matches!(state, State::Lent(..));
            (state, _) = self
                .shared
                .ended
                .wait_timeout_while(state, *patience, is_lent)
                .unwrap_or_else(PoisonError::into_inner);
            *patience = patience.saturating_sub(before.elapsed());
        }
        if let State::Lent(_, taken) = *state {
            *state = State::Copied(self.bytes[taken..].to_vec(), 0);
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        if matches!(*state, State::Lent(..)) {
            *state = State::Withdrawn;
        }
    }
}

impl Lent {
    /// How many bytes were lent.
    pub(super) fn len(&self) -> u64 {
        self.length
    }
}

impl Read for Lent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.shared.state);
        let count = match &mut *state {
            State::Lent(Address(start), taken) => {
                let left = usize::try_from(self.length).unwrap_or(usize::MAX) - *taken;
                let count = buffer.len().min(left);
                #[expect(unsafe_code, reason = "the bytes are those of another thread")]
                // SAFETY: `start` is where the `length` bytes of the loan begin, and of them no
                // more than `left` are behind `taken`. While the state is this one the loan is not
                // dropped, so its borrow has not ended; the lock, which dropping needs, is held.
                let bytes = unsafe { std::slice::from_raw_parts(start.add(*taken), count) };
                buffer[..count].copy_from_slice(bytes);
                *taken += count;
                if *taken as u64 == self.length {
                    *state = State::Over;
                    self.shared.ended.notify_one();
                }
                count
            }
            State::Copied(bytes, taken) => {
                let left = &bytes[*taken..];
                let count = buffer.len().min(left.len());
                buffer[..count].copy_from_slice(&left[..count]);
                *taken += count;
                count
            }
            State::Over => 0,
            State::Withdrawn => return Err(io::ErrorKind::UnexpectedEof.into()),
        };
        Ok(count)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *lock(&self.shared.state) = State::Over;
        self.shared.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 / 7) as u8).collect()
    }

    fn read(lent: &mut Lent, count: usize) -> Vec<u8> {
        let mut part = vec![0; count];
        let count = lent.read(&mut part).unwrap();
        part.truncate(count);
        part
    }

    #[test]
    fn all_is_taken_while_the_lender_waits() {
        let content = content(WORTH_WAITING + 5);
        let (loan, mut lent) = lend(&content);
        assert_eq!(lent.len(), content.len() as u64);
        let taken = std::thread::scope(|scope| {
            let taking = scope.spawn(move || {
                let mut taken = Vec::new();
                lent.read_to_end(&mut taken).unwrap();
                taken
            });
            let mut patience = LONG;
            loan.wait(&mut patience);
            assert!(patience > Duration::ZERO && patience < LONG);
            taking.join().unwrap()
        });
        assert!(taken == content);
    }

    #[test]
    fn what_the_lender_cannot_wait_for_is_copied() {
        for length in [0, 1, 1000, WORTH_WAITING + 1] {
            let mut content = content(length);
            let (loan, mut lent) = lend(&content);
            let mut taken = read(&mut lent, 300);
            let mut patience = Duration::ZERO;
            loan.wait(&mut patience);
            let before = content.clone();
            content.fill(0);
            lent.read_to_end(&mut taken).unwrap();
            assert!(taken == before, "{length}");
        }
    }

    #[test]
    fn few_bytes_are_not_waited_for() {
        let content = content(WORTH_WAITING);
        let (loan, mut lent) = lend(&content);
        let mut patience = LONG;
        loan.wait(&mut patience);
        assert_eq!(patience, LONG);
        let mut taken = Vec::new();
        lent.read_to_end(&mut taken).unwrap();
        assert!(taken == content);
    }

    #[test]
    fn nobody_waits_for_who_has_gone() {
        let content = content(WORTH_WAITING + 1);
        let (loan, mut lent) = lend(&content);
        read(&mut lent, 10);
        drop(lent);
        let mut patience = LONG;
        loan.wait(&mut patience);
        assert!(patience > LONG / 2);

        let (loan, mut lent) = lend(&content);
        drop(loan);
        assert!(lent.read(&mut [0; 10]).is_err());
    }
}
