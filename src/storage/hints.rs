//! Hints to the system about large memory and large files. They change nothing but speed.

use std::fs::File;
use std::mem::MaybeUninit;

/// Memory above this never comes from the allocator's heap but is the system's own (glibc:
/// `DEFAULT_MMAP_THRESHOLD_MAX`), so that what is said about it ends with it.
const OWN_MAPPING: usize = 32 * 1024 * 1024;

/// An empty buffer with room for `capacity` bytes, whose pages are there already if it is large:
/// touching them one by one costs more than filling them does.
///
/// Huge pages are faster still where memory is the machine's own, but several times as slow where a
/// hypervisor takes back what is not in use (ADR 005).
pub(crate) fn large_buffer(capacity: usize) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(capacity);
    if capacity > OWN_MAPPING {
        ask_for_pages(buffer.spare_capacity_mut());
    }
    buffer
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe interface offers this hint")]
fn ask_for_pages(memory: &mut [MaybeUninit<u8>]) {
    const PAGE: usize = 64 * 1024;
    let skipped = memory.as_ptr().align_offset(PAGE);
    let Some((_, aligned)) = memory.split_at_mut_checked(skipped) else {
        return;
    };
    let len = aligned.len() / PAGE * PAGE;
    // SAFETY: whole pages of any size that Linux has, inside memory that is ours alone; the advice
    // leaves their content as it is. Whether it is taken (from Linux 5.14 on) does not matter.
    unsafe {
        libc::madvise(aligned.as_mut_ptr().cast(), len, libc::MADV_POPULATE_WRITE);
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_pages(_memory: &mut [MaybeUninit<u8>]) {}

/// Lets the disk begin with what was written between two offsets, so that the forcing at the end
/// has little left to wait for. Promises nothing about when it is safe.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe interface offers this hint")]
pub(super) fn start_writing(file: &File, from: u64, to: u64) {
    use std::os::fd::AsRawFd as _;
    let (Ok(offset), Ok(len)) = (i64::try_from(from), i64::try_from(to.saturating_sub(from)))
    else {
        return;
    };
    // SAFETY: a descriptor that is open as long as `file` is borrowed, and numbers.
    unsafe {
        libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE);
    }
}

/// Elsewhere the forcing at the end does it all.
#[cfg(not(target_os = "linux"))]
pub(super) fn start_writing(_file: &File, _from: u64, _to: u64) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_buffer_has_the_room_that_was_asked_for_and_is_empty() {
        for capacity in [0, 1, OWN_MAPPING, OWN_MAPPING + 1, 3 * OWN_MAPPING] {
            let mut buffer = large_buffer(capacity);
            assert!(buffer.is_empty() && buffer.capacity() >= capacity);
            buffer.resize(capacity.min(OWN_MAPPING + 4096), 7);
            assert!(buffer.iter().all(|byte| *byte == 7));
        }
    }
}
