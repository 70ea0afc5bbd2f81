//! Where log messages go: the console and files, as Couchbase Lite has it (API §12).
//!
//! ```text
//! tracing::warn!(target: "network", …) ─► LogLayer ─┬─► console: one level, a set of domains
//!                                                   └─► files: one level, one series a level
//! ```
//!
//! The rooms write to `tracing` with the targets `database`, `query`, `replicator`, `network`,
//! `listener` and `discovery`; the last two are [`LogDomain::Network`]. Messages of other libraries
//! are not ours to keep and go nowhere. Sinks are process-wide. A message that no sink wants costs one
//! atomic load: `tracing` caches our answer, and is told when a level changes.
//!
//! Messages never hold a key or a password, and document bodies at most at [`LogLevel::Debug`].

mod file_sink;
mod line;
mod log_file;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use self::file_sink::FileSink;
use crate::error::Result;

/// A part of the engine that logs separately; Couchbase Lite's domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogDomain {
    /// Databases, collections, documents, blobs, expiration.
    Database,
    /// Queries and indexes.
    Query,
    /// Replicators, active and passive.
    Replicator,
    /// Connections, TLS, listeners, discovery.
    Network,
}

impl LogDomain {
    /// Every domain.
    pub const ALL: [Self; 4] = [Self::Database, Self::Query, Self::Replicator, Self::Network];

    /// The name in the API and in log lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Database => "DATABASE",
            Self::Query => "QUERY",
            Self::Replicator => "REPLICATOR",
            Self::Network => "NETWORK",
        }
    }

    fn of(metadata: &Metadata<'_>) -> Option<Self> {
        match metadata.target() {
            "database" => Some(Self::Database),
            "query" => Some(Self::Query),
            "replicator" => Some(Self::Replicator),
            "network" | "listener" | "discovery" => Some(Self::Network),
            _ => None,
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// How severe a message is, or the least severe that a sink takes. The numbers are the API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LogLevel {
    /// Frames; the only level at which a document body may show.
    Debug = 0,
    /// Messages of the protocol, steps.
    Verbose = 1,
    /// Life-cycle.
    Info = 2,
    /// What went wrong and was coped with.
    Warning = 3,
    /// What failed.
    Error = 4,
    /// Nothing.
    None = 5,
}

impl LogLevel {
    /// Every level that a message can have.
    const OF_MESSAGES: [Self; 5] = [
        Self::Debug,
        Self::Verbose,
        Self::Info,
        Self::Warning,
        Self::Error,
    ];

    /// The level with the API's number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        let index = usize::try_from(number).ok()?;
        let known = Self::OF_MESSAGES.iter().chain([&Self::None]).nth(index);
        known.copied()
    }

    /// The word in names of files and in log lines.
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Verbose => "verbose",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::None => "none",
        }
    }

    fn of(metadata: &Metadata<'_>) -> Self {
        match *metadata.level() {
            Level::TRACE => Self::Debug,
            Level::DEBUG => Self::Verbose,
            Level::INFO => Self::Info,
            Level::WARN => Self::Warning,
            Level::ERROR => Self::Error,
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Debug => LevelFilter::TRACE,
            Self::Verbose => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warning => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
            Self::None => LevelFilter::OFF,
        }
    }
}

/// Where and how log files are written; complete and valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLogConfig {
    /// The least severe message that is written. `None` closes the files.
    pub level: LogLevel,
    /// Folder of the files; made when it is missing.
    pub directory: PathBuf,
    /// Closed files kept for each level beside the open one. CBL's `maxRotateCount`.
    pub max_rotate_count: usize,
    /// Bytes after which a file is closed and the next one begun. CBL's `maxSize`.
    pub max_size: u64,
}

impl FileLogConfig {
    /// Closed files kept for each level, if an application does not say.
    pub const DEFAULT_MAX_ROTATE_COUNT: usize = 1;
    /// Bytes of a file, if an application does not say.
    pub const DEFAULT_MAX_SIZE: u64 = 512 * 1024;
}

/// Takes messages from `tracing`; installed once a process by [`install`].
///
/// Until it is, settings are kept and have no effect. Where a program has a global subscriber of its
/// own, that one stays and gets all messages.
#[derive(Debug)]
pub struct Logging {
    console_level: AtomicU8,
    console_domains: AtomicU8,
    file_level: AtomicU8,
    files: Mutex<Option<FileSink>>,
}

/// The sinks of this process.
#[must_use]
pub fn logging() -> &'static Arc<Logging> {
    static LOGGING: OnceLock<Arc<Logging>> = OnceLock::new();
    LOGGING.get_or_init(|| Arc::new(Logging::new()))
}

/// Connects [`logging`] to `tracing`, once; calling it again does nothing.
pub fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let layer = LogLayer(Arc::clone(logging()));
        let subscriber = tracing_subscriber::registry().with(layer);
        // Fails when the program has its own: that is its choice.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}

impl Logging {
    /// As Couchbase Lite begins: warnings and errors of all domains to the console, no files.
    fn new() -> Self {
        Self {
            console_level: AtomicU8::new(LogLevel::Warning as u8),
            console_domains: AtomicU8::new(u8::MAX),
            file_level: AtomicU8::new(LogLevel::None as u8),
            files: Mutex::new(None),
        }
    }

    /// Sets what goes to the console (standard error): messages of these domains, and of no others,
    /// from this level on.
    pub fn set_console(&self, domains: &[LogDomain], level: LogLevel) {
        let mask = domains.iter().fold(0, |mask, domain| mask | domain.bit());
        self.console_domains.store(mask, Relaxed);
        self.console_level.store(level as u8, Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    /// Sets what goes to files, of all domains. What was set before ends; the same setting again
    /// changes nothing.
    ///
    /// # Errors
    /// Those of the disk when the folder or a file cannot be made; the old setting stays.
    pub fn set_files(&self, config: &FileLogConfig) -> Result<()> {
        {
            let mut files = self.files();
            if files.as_ref().is_some_and(|sink| sink.config() == config) {
                return Ok(());
            }
            *files = match config.level {
                LogLevel::None => None,
                _ => Some(FileSink::open(config)?),
            };
            self.file_level.store(config.level as u8, Relaxed);
        }
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }

    fn files(&self) -> MutexGuard<'_, Option<FileSink>> {
        // A line may be half written, which harms nobody.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn to_console(&self, level: LogLevel, domain: LogDomain) -> bool {
        level as u8 >= self.console_level.load(Relaxed)
            && self.console_domains.load(Relaxed) & domain.bit() != 0
    }

    fn to_file(&self, level: LogLevel) -> bool {
        level as u8 >= self.file_level.load(Relaxed)
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        LogDomain::of(metadata).is_some_and(|domain| {
            let level = LogLevel::of(metadata);
            self.to_file(level) || self.to_console(level, domain)
        })
    }
}

/// The end of `tracing`'s pipe.
#[derive(Debug)]
struct LogLayer(Arc<Logging>);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_event() && self.0.wants(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_event() && self.0.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let console = self.0.console_level.load(Relaxed);
        let least = console.min(self.0.file_level.load(Relaxed));
        LogLevel::from_number(least.into()).map(LogLevel::filter)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let Some(domain) = LogDomain::of(metadata) else {
            return;
        };
        let level = LogLevel::of(metadata);
        let (console, file) = (self.0.to_console(level, domain), self.0.to_file(level));
        if !console && !file {
            return;
        }
        let line = line::print(event, level, domain);
        if console {
            // A closed console is no reason to fail, and there is nobody to tell.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
        if file && let Some(files) = self.0.files().as_mut() {
            files.write(level, line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
