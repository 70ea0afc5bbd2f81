//! One series of log files: those of one level.
//!
//! `file-rotate`, otherwise our choice, gives the open file a fixed name and renames closed ones;
//! Couchbase Lite's names carry the time at which a file was begun and never change. Hence these lines.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{FileLogConfig, LogLevel};

/// First line of every file.
const HEADER: &str = concat!(
    "---- settee ",
    env!("CARGO_PKG_VERSION"),
    ", plain text ----\n"
);

/// Times that are tried for a name before a file cannot be made.
const NAMES_MAX: u64 = 1000;

/// The files of one level, `cbl_<level>_<milliseconds since 1970>.cbllog`; the last one is open.
///
/// Files that an earlier run left count, so that a folder is bounded however often a program starts:
/// by `max_rotate_count + 1` files of `max_size` bytes, or of one line where that is longer.
#[derive(Debug)]
pub(super) struct LogFile {
    directory: PathBuf,
    prefix: String,
    max_rotate_count: usize,
    max_size: u64,
    /// Times in the names of all files there are, oldest first.
    times: VecDeque<u64>,
    /// `None` after the next file could not be made; tried again with the next line.
    open: Option<File>,
    size: u64,
}

impl LogFile {
    /// Begins the next file of the series of `level`.
    pub(super) fn open(config: &FileLogConfig, level: LogLevel) -> io::Result<Self> {
        let mut series = Self {
            directory: config.directory.clone(),
            prefix: format!("cbl_{}_", level.name()),
            max_rotate_count: config.max_rotate_count,
            max_size: config.max_size,
            times: VecDeque::new(),
            open: None,
            size: 0,
        };
        series.find_earlier()?;
        series.begin_next()?;
        Ok(series)
    }

    /// Appends a line. What the disk does not take is lost, and nothing else happens.
    pub(super) fn write(&mut self, line: &[u8]) {
        let full = self.size > HEADER.len() as u64 && self.size + line.len() as u64 > self.max_size;
        if self.open.is_none() || full {
            self.open = None;
            let _ = self.begin_next();
        }
        self.append(line);
    }

    /// Lets a test write somewhere else.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn replace_open_file(&mut self, file: File) {
        self.open = Some(file);
    }

    fn append(&mut self, bytes: &[u8]) {
        // One write: a full disk takes some of it or none, and waiting for room is not ours to do.
        if let Some(file) = &mut self.open
            && let Ok(written) = file.write(bytes)
        {
            self.size += written as u64;
        }
    }

    fn find_earlier(&mut self) -> io::Result<()> {
        let mut times = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let time = entry.file_name().to_str().and_then(|name| self.time(name));
            if let Some(time) = time
                && entry.file_type()?.is_file()
            {
                times.push(time);
            }
        }
        times.sort_unstable();
        self.times = times.into();
        Ok(())
    }

    fn time(&self, name: &str) -> Option<u64> {
        let time = name.strip_prefix(&self.prefix)?.strip_suffix(".cbllog")?;
        // Only what we would have written ourselves.
        let number: u64 = time.parse().ok()?;
        (number.to_string() == time).then_some(number)
    }

    fn path(&self, time: u64) -> PathBuf {
        self.directory.join(format!("{}{time}.cbllog", self.prefix))
    }

    fn begin_next(&mut self) -> io::Result<()> {
        while self.times.len() > self.max_rotate_count {
            let Some(oldest) = self.times.pop_front() else {
                break;
            };
            match fs::remove_file(self.path(oldest)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    self.times.push_front(oldest);
                    return Err(error);
                }
                _ => {}
            }
        }
        // Names stay in order when the clock does not, and when a millisecond has many files.
        let after_last = self.times.back().map_or(0, |last| last.saturating_add(1));
        let from = now().max(after_last);
        for time in from..from.saturating_add(NAMES_MAX) {
            // Another process may log to the same folder.
            match create(self.path(time)) {
                Ok(file) => {
                    self.times.push_back(time);
                    self.open = Some(file);
                    self.size = 0;
                    self.append(HEADER.as_bytes());
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// Makes a file that was not there, for the user alone.
fn create(path: PathBuf) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the name of a log file tells the time at which it was begun"
)]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}
